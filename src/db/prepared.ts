import { CompiledQuery } from 'kysely';
import type { Db } from './context.ts';

/** Statements of the busiest paths, by their text. */
const names = new Map<string, string>();

/**
 * A statement that each connection of our own pools parses and plans once, and that no query builder puts together anew.
 * What it saves: docs/adr/0051-one-statement-for-a-deed.md.
 */
export function prepared<Row>(name: string, text: string): (db: Db, parameters: readonly unknown[]) => Promise<Row[]> {
  names.set(text, `onechart_${name}`);
  return unprepared(text);
}

/** The same without a plan that is kept, for statements of which there may be many. */
export function unprepared<Row>(text: string): (db: Db, parameters: readonly unknown[]) => Promise<Row[]> {
  return async (db, parameters) => (await db.executeQuery<Row>(CompiledQuery.raw(text, [...parameters]))).rows;
}

let generation = 0;

/** Under which name a connection keeps the plan of this statement; undefined where it keeps none. */
export function nameOfStatement(text: string): string | undefined {
  const name = names.get(text);
  return name === undefined ? undefined : `${name}_${generation}`;
}

/**
 * Whether a kept plan is of no use because a column that it reads has another type since (somebody altered the table under a
 * running server). From then on every connection plans anew; the statement has done nothing and can be repeated.
 */
export function isStalePlan(error: unknown): boolean {
  const stale = error instanceof Error && 'code' in error && error.code === '0A000' && 'routine' in error && error.routine === 'RevalidateCachedQuery';
  if (stale) generation += 1;
  return stale;
}

/** `"a", "b"` */
export function columnList(columns: readonly string[]): string {
  return columns.map((column) => `"${column}"`).join(', ');
}

/** `$3, $4` for so many parameters after so many others. */
export function parameterList(count: number, after: number): string {
  return Array.from({ length: count }, (_, index) => `$${after + index + 1}`).join(', ');
}
