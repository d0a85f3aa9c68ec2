import type { z } from 'zod';

/** A route as data: what it takes and gives. The server registers it, OpenAPI describes it, tests walk over it. */
export interface RouteContract {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** OpenAPI's path template, e.g. `/patients/{id}`. */
  readonly path: `/${string}`;
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly tag: string;
  readonly responses: Readonly<Record<number, ResponseContract>>;
}

export interface ResponseContract {
  readonly description: string;
  readonly contentType: 'application/json' | 'application/problem+json';
  readonly schema: z.ZodType;
}
