import type { z } from 'zod';
import { Problem } from './problem.schema.ts';

/** JSON with this shape. */
export function json<Schema extends z.ZodType>(schema: Schema, description: string) {
  return { description, contentType: 'application/json', schema } as const;
}

/** The same with the headers of something that has a version. */
export function versioned<Schema extends z.ZodType>(schema: Schema, description: string) {
  return { ...json(schema, description), headers: { ETag: 'The version, to be given as If-Match with a change.' } } as const;
}

/** Something new, and where it is. */
export function created<Schema extends z.ZodType>(schema: Schema, description: string) {
  const answer = versioned(schema, description);
  return { ...answer, headers: { ...answer.headers, Location: 'Where it is.' } } as const;
}

export function problem(description: string) {
  return { description, contentType: 'application/problem+json', schema: Problem } as const;
}

export const noChart = problem('There is no such chart.');
export const stale = problem('The version in If-Match is no longer the current one. Read again and decide again.');
export const ruleForbids = problem('A rule forbids it in the present state of the chart; the code says which.');
export const noPart = problem('There is no such chart, or it has nothing with this id.');
