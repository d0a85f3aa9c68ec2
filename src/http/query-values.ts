import { z } from 'zod';

/**
 * The values of a query string as the schema wants them: everything arrives as text, or as a list where a name comes twice.
 * What is not written as a number or a boolean stays text, so that the schema refuses it by name.
 */
export function readQueryValues(schema: z.ZodObject, query: unknown): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const [name, text] of Object.entries(query as Record<string, unknown>)) {
    const field = Object.hasOwn(schema.shape, name) ? bare(schema.shape[name] as z.ZodType) : undefined;
    values[name] =
      field instanceof z.ZodArray ? (Array.isArray(text) ? text : [text]).map((each) => read(bare(field.element as z.ZodType), each)) : read(field, text);
  }
  return values;
}

function bare(schema: z.ZodType): z.ZodType {
  return schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodNullable ? bare(schema.unwrap() as z.ZodType) : schema;
}

function read(schema: z.ZodType | undefined, text: unknown): unknown {
  if (schema instanceof z.ZodNumber && typeof text === 'string' && /^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  if (schema instanceof z.ZodBoolean && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}
