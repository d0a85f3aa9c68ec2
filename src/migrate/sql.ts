import type pg from 'pg';
import { AppError } from '../base/errors.ts';

/** Quotes a name the way PostgreSQL wants it; the only way names enter a statement of the engine. */
export function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** SQLSTATE of a PostgreSQL error, undefined for anything else. */
export function sqlstate(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

export async function rows<T extends object>(client: pg.ClientBase, sql: string, parameters: readonly unknown[] = []): Promise<T[]> {
  return (await client.query(sql, [...parameters])).rows as T[];
}

export async function row<T extends object>(client: pg.ClientBase, sql: string, parameters: readonly unknown[] = []): Promise<T> {
  const [first] = await rows<T>(client, sql, parameters);
  if (!first) throw new AppError('internal', 'QUERY_WITHOUT_ROW', 'A query of the migration engine that must give a row gave none.');
  return first;
}

/** Statements as one simple query; a comment at the end of one must not swallow the next. */
export function inOneQuery(statements: readonly string[]): string {
  return statements.join('\n;\n');
}

/** Runs work in a transaction that is always rolled back. */
export async function inRolledBackTransaction<T>(client: pg.ClientBase, work: () => Promise<T>): Promise<T> {
  await client.query('BEGIN');
  try {
    return await work();
  } finally {
    await client.query('ROLLBACK');
  }
}
