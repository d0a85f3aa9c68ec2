import type { z } from 'zod';
import { type BinaryBody, isBinary, type RouteContract } from '../api/contract.ts';
import { Problem } from '../api/problem.schema.ts';
import { routes } from '../api/routes.ts';
import { AppError, type ErrorKind, errorFaces } from '../base/errors.ts';

type Contracts = { [Contract in (typeof routes)[number] as Contract['operationId']]: Contract };
type InputOf<Schema> = Schema extends z.ZodType ? z.input<Schema> : Schema extends BinaryBody ? NonNullable<RequestInit['body']> : never;
/** A field of the call is required where an empty object would not do. */
type Field<Name extends string, Value> = [Value] extends [never]
  ? unknown
  : Record<never, never> extends Value
    ? { [Key in Name]?: Value }
    : { [Key in Name]: Value };
type Part<Contract, Name extends string> = Contract extends { readonly [Key in Name]: infer Schema } ? Field<Name, InputOf<Schema>> : unknown;
type IfMatch<Contract> = Contract extends { readonly ifMatch: 'required' }
  ? { ifMatch: number }
  : Contract extends { readonly ifMatch: 'optional' }
    ? { ifMatch?: number }
    : unknown;

/** What may go with every call. */
export interface CallOptions {
  readonly signal?: AbortSignal;
  readonly headers?: Readonly<Record<string, string>>;
  /** For routes that make something; a new one is made for each call where it is left out. */
  readonly idempotencyKey?: string;
}

export type CallInput<Contract> = Part<Contract, 'params'> & Part<Contract, 'query'> & Part<Contract, 'body'> & IfMatch<Contract> & CallOptions;

type Success = 200 | 201 | 202 | 204 | 206;
type BodyOf<Contract> = Contract extends { readonly responses: infer Responses }
  ? {
      [Status in keyof Responses & Success]: Responses[Status] extends { readonly schema: infer Schema extends z.ZodType } ? z.output<Schema> : Response;
    }[keyof Responses & Success]
  : never;

export interface ClientAnswer<Body> {
  readonly status: number;
  /** Parsed JSON; the Response itself where the route streams content. */
  readonly body: Body;
  /** The version in the ETag, to be given as `ifMatch` with a change. */
  readonly version: number | undefined;
  readonly headers: Headers;
}

/** One function for each route, named by its operationId. */
export type OneChartClient = {
  readonly [Operation in keyof Contracts]: Record<never, never> extends CallInput<Contracts[Operation]>
    ? (input?: CallInput<Contracts[Operation]>) => Promise<ClientAnswer<BodyOf<Contracts[Operation]>>>
    : (input: CallInput<Contracts[Operation]>) => Promise<ClientAnswer<BodyOf<Contracts[Operation]>>>;
};

export interface ClientOptions {
  /** Such as `https://onechart.example.org`, without a path. */
  readonly baseUrl: string;
  /** A service key or a token, sent as `Authorization: Bearer`. */
  readonly key?: string;
  /** Further headers of each call, such as a session's `x-csrf-token`. */
  readonly headers?: () => Readonly<Record<string, string>>;
  /** How often a call that may be repeated (reading, or making with an idempotency key) is tried again after a lost connection or a 503. */
  readonly retries?: number;
  /** Checks each answer against its contract; for tests. */
  readonly checkAnswers?: boolean;
  /** `fetch`, unless given. */
  readonly fetch?: typeof fetch;
}

interface AnyInput extends CallOptions {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
  readonly ifMatch?: number;
}

/**
 * A client for the REST API, typed by the contracts that the server itself is made from. A problem that the server
 * answers is thrown as the AppError it was there, its request id in `details`.
 *
 * @example
 * const onechart = createClient({ baseUrl: 'http://127.0.0.1:8080', key: process.env.ONECHART_KEY ?? '' });
 * const { body: patient, version } = await onechart.registerPatient({ body: { firstName: 'Test', lastName: 'Patient', dateOfBirth: '1990-01-01' } });
 * console.log(patient.mrn, version);
 */
export function createClient(options: ClientOptions): OneChartClient {
  const position: Position = { mark: undefined };
  const operations = (routes as readonly RouteContract[]).map((contract) => [
    contract.operationId,
    (input: AnyInput = {}) => call({ ...options, position }, contract, input),
  ]);
  return Object.fromEntries(operations) as OneChartClient;
}

/** How far this client has written and read, as the server told it last: whichever process answers next does not show less. */
interface Position {
  mark: string | undefined;
}
type CallSettings = ClientOptions & { readonly position: Position };

async function call(options: CallSettings, contract: RouteContract, input: AnyInput): Promise<ClientAnswer<unknown>> {
  const request = buildRequest(options, contract, input);
  const response = await fetchWithRetries(options, contract, request);
  options.position.mark = response.headers.get('onechart-position') ?? options.position.mark;
  if (!response.ok) throw await readProblem(response);
  const declared = contract.responses[response.status];
  // A compressed answer has a weak tag; the version in it is the same.
  const etag = /^(?:W\/)?"(\d+)"$/.exec(response.headers.get('etag') ?? '')?.[1];
  const body = declared?.schema ? await response.json() : response;
  if (options.checkAnswers && declared?.schema) {
    const result = declared.schema.safeParse(body);
    if (!result.success)
      throw new AppError('internal', 'ANSWER_UNEXPECTED', `The answer of ${contract.operationId} is not as its contract says.`, {
        issues: result.error.issues,
      });
  }
  return { status: response.status, body, version: etag === undefined ? undefined : Number(etag), headers: response.headers };
}

function buildRequest(options: CallSettings, contract: RouteContract, input: AnyInput): { url: URL; init: RequestInit } {
  const path = contract.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(input.params?.[name] ?? ''));
  const url = new URL(path, options.baseUrl);
  for (const [name, value] of Object.entries(input.query ?? {})) {
    for (const each of Array.isArray(value) ? value : [value]) if (each !== undefined) url.searchParams.append(name, String(each));
  }
  const headers: Record<string, string> = { accept: 'application/json, application/problem+json', ...options.headers?.(), ...input.headers };
  if (options.key !== undefined) headers.authorization = `Bearer ${options.key}`;
  if (options.position.mark !== undefined) headers['onechart-position'] = options.position.mark;
  if (input.ifMatch !== undefined) headers['if-match'] = `"${input.ifMatch}"`;
  if (contract.idempotent) headers['idempotency-key'] = input.idempotencyKey ?? crypto.randomUUID();
  const init: RequestInit = { method: contract.method, headers };
  if (input.signal) init.signal = input.signal;
  if (isBinary(contract.body)) Object.assign(init, { body: input.body as NonNullable<RequestInit['body']>, duplex: 'half' });
  else if (contract.body !== undefined) {
    headers['content-type'] = 'application/json';
    init.body = JSON.stringify(input.body ?? {});
  }
  return { url, init };
}

async function fetchWithRetries(options: ClientOptions, contract: RouteContract, request: { url: URL; init: RequestInit }): Promise<Response> {
  const repeatable = contract.method === 'GET' || contract.idempotent === true;
  const attempts = 1 + (repeatable ? (options.retries ?? 2) : 0);
  for (let attempt = 1; ; attempt += 1) {
    try {
      const response = await (options.fetch ?? fetch)(request.url, request.init);
      if (response.status !== 503 || attempt >= attempts) return response;
      await response.body?.cancel();
      await pause(Number(response.headers.get('retry-after') ?? 0) * 1000 || 100 * 2 ** attempt);
    } catch (thrown) {
      if (request.init.signal?.aborted) throw thrown;
      if (attempt >= attempts) {
        throw new AppError(
          'unavailable',
          'SERVER_UNREACHABLE',
          'The server does not answer. Check its address and whether it runs.',
          { origin: request.url.origin },
          { cause: thrown },
        );
      }
      await pause(100 * 2 ** attempt);
    }
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}

async function readProblem(response: Response): Promise<AppError> {
  const problem = Problem.safeParse(await response.json().catch(() => undefined));
  if (!problem.success) {
    return new AppError(
      'unavailable',
      'ANSWER_UNEXPECTED',
      `The server answered ${response.status} without a problem document. Is this the address of OneChart?`,
      {
        status: response.status,
      },
    );
  }
  const { kind, detail, details, requestId } = problem.data;
  return new AppError(Object.hasOwn(errorFaces, kind) ? (kind as ErrorKind) : 'internal', problem.data.code, detail, { ...details, requestId });
}
