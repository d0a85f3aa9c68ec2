import type { z } from 'zod';
import type { Scope } from '../access/access.schema.ts';

/** A route as data: what it takes and gives, and who may call it. The server registers it, OpenAPI describes it, the client and the tests are made from it. */
export interface RouteContract {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** OpenAPI's path template, e.g. `/api/v1/patients/{id}`. */
  readonly path: `/${string}`;
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly tag: string;
  /** The scope a caller must hold; `signed-in` takes any known caller, `public` everybody. */
  readonly access: Scope | 'signed-in' | 'public';
  /** One field for each `{name}` of the path; always texts. */
  readonly params?: z.ZodObject;
  /** Numbers and booleans are read from their text, a list from a repeated name. */
  readonly query?: z.ZodObject;
  /** JSON, unless it is a `BinaryBody`. */
  readonly body?: z.ZodType | BinaryBody;
  /** Whether the version that was read stands in `If-Match` (RFC 9110 §13.1.1). */
  readonly ifMatch?: 'required' | 'optional';
  /** A repeated call with the same `Idempotency-Key` gets the answer of the first. */
  readonly idempotent?: true;
  /** Only reads, and may show what was so a moment ago: answered from a replica where one has caught up with the caller. */
  readonly mayLag?: true;
  readonly responses: Readonly<Record<number, ResponseContract>>;
}

/** Content that is streamed as it is. */
export interface BinaryBody {
  readonly contentTypes: readonly string[];
  readonly description: string;
}

export interface ResponseContract {
  readonly description: string;
  /** `application/json` for everything with a schema but problems; left out where there is no content. */
  readonly contentType?: string;
  readonly schema?: z.ZodType;
  /** Headers by name, with what they say. */
  readonly headers?: Readonly<Record<string, string>>;
}

export function isBinary(body: RouteContract['body']): body is BinaryBody {
  return body !== undefined && 'contentTypes' in body;
}
