import { z } from 'zod';
import { isBinary, type ResponseContract, type RouteContract } from './contract.ts';
import { bodyExamples } from './examples.ts';
import { Problem } from './problem.schema.ts';
import { tags } from './tags.ts';

type Json = Record<string, unknown>;
type Direction = 'input' | 'output';

/**
 * The OpenAPI 3.1 document of the given routes; JSON Schema 2020-12 is OpenAPI 3.1's own dialect. A schema with an id becomes a
 * component, wherever it stands.
 *
 * @example
 * const document = openApiDocument(routes, '1.0.0');
 * console.log(document.openapi); // 3.1.0
 */
export function openApiDocument(routes: readonly RouteContract[], version: string): Json {
  const components = createComponents();
  const problem = responseOf({ description: 'Any other problem.', contentType: 'application/problem+json', schema: Problem }, components);
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const item = paths[route.path] ?? {};
    paths[route.path] = item;
    item[route.method.toLowerCase()] = operationOf(route, components);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'OneChart',
      version,
      summary: 'Patient identity module for EHRs on PostgreSQL',
      description:
        'One patient, one chart. Every error is a problem document (RFC 9457) whose `code` stays the same between versions. A change needs the `ETag` that was read as `If-Match`; a `POST` that makes something can be repeated with the same `Idempotency-Key`.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'This server' }],
    tags: [...new Set(routes.map(({ tag }) => tag))].map((name) => ({ name, description: tags[name] })),
    paths,
    components: {
      schemas: components.schemas(),
      responses: { Problem: problem },
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'A service key of `onechart keys create`, or a token of the configured issuer.' },
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: 'onechart_session',
          description: 'Set by signing in. A request that changes something sends `x-csrf-token` too.',
        },
      },
    },
  };
}

function operationOf(route: RouteContract, components: Components): Json {
  const parameters = [...parametersOf(route.params, 'path', components), ...parametersOf(route.query, 'query', components), ...headersOf(route)];
  return {
    operationId: route.operationId,
    summary: route.summary,
    ...(route.description === undefined ? {} : { description: route.description }),
    tags: [route.tag],
    security: route.access === 'public' ? [] : [{ bearer: [] }, { session: [] }],
    ...(route.access === 'public' || route.access === 'signed-in' ? {} : { 'x-onechart-scope': route.access }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(route.body === undefined ? {} : { requestBody: requestBodyOf(route, route.body, components) }),
    responses: {
      ...Object.fromEntries(answersOf(route).map(([status, response]) => [status, responseOf(response, components)])),
      ...Object.fromEntries(generalStatuses(route).map((status) => [status, { $ref: '#/components/responses/Problem' }])),
      default: { $ref: '#/components/responses/Problem' },
    },
  };
}

/** The answers of the contract, with what the server adds to any of their kind. */
function answersOf(route: RouteContract): [string, ResponseContract][] {
  const replayed = { 'idempotent-replayed': '`true` where this is the answer of the first call with the same key.' };
  const position = { 'onechart-position': 'Where replicas are configured: how far this caller has written and read, to be sent back with later calls.' };
  const added = { ...(route.idempotent ? replayed : {}), ...(route.mayLag || (route.method !== 'GET' && route.access !== 'public') ? position : {}) };
  const answers = Object.entries(route.responses).map(([status, response]): [string, ResponseContract] =>
    status.startsWith('2') && Object.keys(added).length > 0 ? [status, { ...response, headers: { ...response.headers, ...added } }] : [status, response],
  );
  const hasVersion = route.method === 'GET' && route.responses[200]?.headers?.ETag !== undefined && !(304 in route.responses);
  return hasVersion ? [...answers, ['304', { description: 'The caller has this version, as If-None-Match says.' }]] : answers;
}

/** What any route of its kind may answer besides what its contract says. */
function generalStatuses(route: RouteContract): number[] {
  const statuses = [400, ...(route.access === 'public' ? [] : [401]), ...(route.access === 'public' || route.access === 'signed-in' ? [] : [403])];
  return statuses.filter((status) => !(status in route.responses));
}

function parametersOf(schema: z.ZodObject | undefined, place: 'path' | 'query', components: Components): Json[] {
  if (!schema) return [];
  const { properties = {}, required = [] } = components.schemaOf(schema, 'input') as { properties?: Record<string, Json>; required?: string[] };
  return Object.entries(properties).map(([name, { description, ...property }]) => ({
    name,
    in: place,
    ...(place === 'path' || required.includes(name) ? { required: true } : {}),
    ...(description === undefined ? {} : { description }),
    schema: property,
  }));
}

function headersOf(route: RouteContract): Json[] {
  const headers: Json[] = [];
  if (route.ifMatch !== undefined) {
    headers.push({
      name: 'If-Match',
      in: 'header',
      ...(route.ifMatch === 'required' ? { required: true } : {}),
      description: 'The ETag that was read (RFC 9110 §13.1.1).',
      schema: { type: 'string', pattern: '^(W/)?"[1-9][0-9]{0,14}"$', examples: ['"3"'] },
    });
  }
  if (route.idempotent) {
    headers.push({
      name: 'Idempotency-Key',
      in: 'header',
      description: 'A text of your own, new for each thing that is to be made. A repeated call with it gets the answer of the first.',
      schema: { type: 'string', minLength: 1, maxLength: 255, pattern: String.raw`^[!#-\[\]-~]+$`, examples: ['7f1c2b9e-4d53-4f0e-9a51-6c1f0e8d2b37'] },
    });
  }
  if (route.mayLag) {
    headers.push({
      name: 'OneChart-Position',
      in: 'header',
      description:
        'The header of the same name of an earlier answer, where another server process may answer now: what was written or shown then is not missed. A text that no server gave does nothing.',
      schema: { type: 'string', maxLength: 64, pattern: '^[ -~]*$', examples: ['p.1a2b3c'] },
    });
  }
  return headers;
}

function requestBodyOf({ method, operationId }: RouteContract, body: NonNullable<RouteContract['body']>, components: Components): Json {
  if (!isBinary(body)) {
    const example = (bodyExamples as Readonly<Record<string, unknown>>)[operationId];
    const content = { schema: components.schemaOf(body, 'input'), ...(example === undefined ? {} : { example }) };
    // A PATCH is a JSON merge patch (RFC 7396), under either name.
    const types = method === 'PATCH' ? ['application/merge-patch+json', 'application/json'] : ['application/json'];
    return { required: !body.safeParse({}).success, content: Object.fromEntries(types.map((type) => [type, content])) };
  }
  return { required: true, description: body.description, content: Object.fromEntries(body.contentTypes.map((type) => [type, {}])) };
}

function responseOf(response: ResponseContract, components: Components): Json {
  const { description, contentType, schema, headers } = response;
  return {
    description,
    ...(headers === undefined
      ? {}
      : { headers: Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, { description: text, schema: { type: 'string' } }])) }),
    ...(contentType === undefined ? {} : { content: { [contentType]: schema === undefined ? {} : { schema: components.schemaOf(schema, 'output') } } }),
  };
}

/** Patterns of ours as every tool knows them: the regular expressions of Python and others have no Unicode properties and read `\0` otherwise. */
function portable(text: string): string {
  return text
    .replaceAll(JSON.stringify(String.raw`^\P{Cc}*$`), JSON.stringify(noControlCharacters))
    .replaceAll(JSON.stringify(String.raw`^[^\0]*$`), JSON.stringify(noNull));
}

export const noControlCharacters = String.raw`^[^\u0000-\u001f\u007f-\u009f]*$`;
export const noNull = String.raw`^[^\u0000]*$`;

interface Components {
  /** The schema in place; a reference where it has an id, and for what has one in it. */
  schemaOf(schema: z.ZodType, io: Direction): Json;
  schemas(): Json;
}

function createComponents(): Components {
  const schemas = new Map<string, Json>();
  const known = { input: new Map<z.ZodType, Json>(), output: new Map<z.ZodType, Json>() };

  /** The name under which a component is kept: what is sent and what is answered may differ in one schema. */
  function keep(id: string, json: Json, io: Direction): string {
    const names = [id, io === 'input' ? `${id}Input` : `${id}Output`];
    const name = names.find((each) => !schemas.has(each) || JSON.stringify(schemas.get(each)) === JSON.stringify(json)) ?? id;
    schemas.set(name, json);
    return `#/components/schemas/${name}`;
  }

  /** A schema such as Problem stands in a hundred places and is described once. */
  function schemaOf(schema: z.ZodType, io: Direction): Json {
    const described = known[io].get(schema) ?? describe(schema, io);
    known[io].set(schema, described);
    return described;
  }

  function describe(schema: z.ZodType, io: Direction): Json {
    const { $schema: _dialect, $defs, id: _id, ...json } = z.toJSONSchema(schema, { io, target: 'draft-2020-12' }) as Json & { $defs?: Record<string, Json> };
    let text = portable(JSON.stringify(json));
    const defs = Object.entries($defs ?? {});
    for (const [name, { id: _own, ...definition }] of defs) {
      const reference = keep(name, JSON.parse(portable(JSON.stringify(definition)).replaceAll('#/$defs/', '#/components/schemas/')) as Json, io);
      text = text.replaceAll(`"#/$defs/${name}"`, JSON.stringify(reference));
    }
    return JSON.parse(text) as Json;
  }

  return {
    schemaOf,
    schemas: () => Object.fromEntries([...schemas].toSorted(([a], [b]) => (a < b ? -1 : 1))),
  };
}
