import { z } from 'zod';
import { isBinary, type RouteContract } from '../../src/api/contract.ts';

type Json = { readonly [key: string]: unknown };

/** A body that the contract takes: what is required, with the examples of the schema where it has them. What only a refinement knows has to be given by the test. */
export function sampleBody(contract: RouteContract): unknown {
  if (contract.body === undefined) return undefined;
  if (isBinary(contract.body)) return Buffer.from('%PDF-1.7\n');
  return sampleOf(contract.body);
}

/** The smallest value that fits a schema, as far as JSON Schema can say. */
export function sampleOf(schema: z.ZodType): unknown {
  const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Json;
  return sample(json, json);
}

function sample(schema: Json, root: Json): unknown {
  if (typeof schema.$ref === 'string') return sample(resolve(schema.$ref, root), root);
  const {
    examples,
    enum: values,
    const: only,
    anyOf,
    oneOf,
    allOf,
    type,
  } = schema as Record<string, unknown[] | undefined> & { const?: unknown; type?: string };
  if (only !== undefined) return only;
  if (examples?.length) return examples[0];
  if (values?.length) return values[0];
  const choices = (anyOf ?? oneOf ?? allOf) as Json[] | undefined;
  if (choices) return sample(choices.find((choice) => choice.type !== 'null') ?? (choices[0] as Json), root);
  if (type === 'object') {
    const { required = [], properties = {} } = schema as { required?: string[]; properties?: Record<string, Json> };
    return Object.fromEntries(required.map((name) => [name, sample(properties[name] ?? {}, root)]));
  }
  if (type === 'array') return schema.minItems ? [sample(schema.items as Json, root)] : [];
  if (type === 'integer' || type === 'number') return typeof schema.minimum === 'number' ? schema.minimum : 1;
  if (type === 'boolean') return true;
  if (type === 'null') return null;
  return sampleText(schema);
}

const texts: Readonly<Record<string, string>> = {
  date: '1990-01-01',
  'date-time': '2026-01-01T00:00:00Z',
  email: 'sample@example.org',
  uuid: '0190b6b2-6d0f-7c3a-9c6e-00000000ffff',
  uri: 'https://example.org/',
};

function sampleText(schema: Json): string {
  const text = texts[String(schema.format)] ?? 'Sample of some words';
  return typeof schema.maxLength === 'number' ? text.slice(0, schema.maxLength) : text;
}

function resolve(reference: string, root: Json): Json {
  return reference
    .replace(/^#\/?/, '')
    .split('/')
    .filter((part) => part !== '')
    .reduce<Json>((at, part) => at[part] as Json, root);
}
