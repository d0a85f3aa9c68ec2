import { z } from 'zod';
import type { ResponseContract, RouteContract } from './contract.ts';
import { Problem } from './problem.schema.ts';

type Json = Record<string, unknown>;

/** The OpenAPI 3.1 document of the given routes. Schemas with an id become components; JSON Schema 2020-12 is OpenAPI 3.1's own dialect. */
export function openApiDocument(routes: readonly RouteContract[], version: string): Json {
  const components: Json = {};
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const item = paths[route.path] ?? {};
    paths[route.path] = item;
    item[route.method.toLowerCase()] = {
      operationId: route.operationId,
      summary: route.summary,
      ...(route.description === undefined ? {} : { description: route.description }),
      tags: [route.tag],
      responses: {
        ...Object.fromEntries(Object.entries(route.responses).map(([status, response]) => [status, responseOf(response, components)])),
        default: responseOf({ description: 'Any other problem.', contentType: 'application/problem+json', schema: Problem }, components),
      },
    };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'OneChart',
      version,
      description: 'Patient identity module for EHRs on PostgreSQL.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    paths,
    components: { schemas: components },
  };
}

function responseOf(response: ResponseContract, components: Json): Json {
  const content =
    response.contentType === undefined
      ? {}
      : { content: { [response.contentType]: response.schema === undefined ? {} : { schema: schemaOf(response.schema, components) } } };
  return { description: response.description, ...content };
}

function schemaOf(schema: z.ZodType, components: Json): Json {
  const id = z.globalRegistry.get(schema)?.id;
  const { $schema: _dialect, id: _id, ...json } = z.toJSONSchema(schema, { io: 'output', target: 'draft-2020-12' }) as Json;
  if (id === undefined) return json;
  components[id] = json;
  return { $ref: `#/components/schemas/${id}` };
}
