import { CompiledQuery } from 'kysely';
import type { Db } from './context.ts';

/** Statements of the busiest paths, by their text. */
const names = new Map<string, string>();

/**
 * A statement that each connection of our own pools parses and plans once, and that no query builder puts together anew.
 * The INSERT of a registration takes PostgreSQL 0.31 ms to plan and 0.09 ms to run; Kysely needs 0.1 ms to write it.
 */
export function prepared<Row>(name: string, text: string): (db: Db, parameters: readonly unknown[]) => Promise<Row[]> {
  names.set(text, `onechart_${name}`);
  return unprepared(text);
}

/** The same without a plan that is kept, for statements of which there may be many. */
export function unprepared<Row>(text: string): (db: Db, parameters: readonly unknown[]) => Promise<Row[]> {
  return async (db, parameters) => (await db.executeQuery<Row>(CompiledQuery.raw(text, [...parameters]))).rows;
}

export function nameOfStatement(text: string): string | undefined {
  return names.get(text);
}

/** `"a", "b"` */
export function columnList(columns: readonly string[]): string {
  return columns.map((column) => `"${column}"`).join(', ');
}

/** `$3, $4` for so many parameters after so many others. */
export function parameterList(count: number, after: number): string {
  return Array.from({ length: count }, (_, index) => `$${after + index + 1}`).join(', ');
}
