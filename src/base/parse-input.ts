import type { z } from 'zod';
import { AppError } from './errors.ts';

/** What came out of a schema, so that an edge and the service behind it do not check the same object twice. */
const checked = new WeakMap<object, z.ZodType>();

/** Checks input against its schema. The error names every field that is wrong and what to do; it never repeats a value. */
export function parseInput<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const isObject = typeof input === 'object' && input !== null;
  if (isObject && checked.get(input) === schema) return input as z.output<Schema>;
  const result = schema.safeParse(input);
  if (result.success) {
    if (typeof result.data === 'object' && result.data !== null) checked.set(result.data, schema);
    return result.data;
  }
  const fields = result.error.issues.flatMap((issue) => {
    const path = issue.path.join('.');
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => ({ field: [...issue.path, key].join('.'), problem: 'is not a field here; remove it or check its spelling' }));
    const missing = issue.code === 'invalid_type' && valueAt(input, issue.path) === undefined;
    return [{ field: path || 'input', problem: missing ? missingText(schema, path) : issue.message }];
  });
  throw new AppError('invalid', 'INPUT_INVALID', `${fields.map(({ field, problem }) => `${field} ${problem}`).join('. ')}.`, { fields });
}

function missingText(schema: z.ZodType, path: string): string {
  const shape = (schema as { shape?: Record<string, z.ZodType> }).shape?.[path];
  return shape?.safeParse(null).success ? 'is required; give null when it is not known' : 'is required';
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, key) => (typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[key] : undefined), input);
}
