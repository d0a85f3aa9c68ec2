import { createHash } from 'node:crypto';
import type pg from 'pg';
import { newRandomId } from '../base/ids.ts';
import { row, rows } from './sql.ts';

/** A row of Prisma's `_prisma_migrations`: one per attempt. */
export interface HistoryRow {
  readonly id: string;
  readonly name: string;
  readonly checksum: string;
  readonly startedAt: Date;
  readonly finishedAt: Date | null;
  readonly rolledBackAt: Date | null;
  readonly logs: string | null;
  readonly appliedSteps: number;
}

/** What the history says of one migration, in Prisma's terms (P3009: a failed one blocks every deploy). */
export type HistoryState = 'applied' | 'failed' | 'rolled-back' | 'absent';

/** Reads the whole history, oldest first; undefined when the host has none (Prisma: P3005). */
export async function readHistory(client: pg.ClientBase, schema: string): Promise<HistoryRow[] | undefined> {
  const { there } = await row<{ there: boolean }>(
    client,
    `SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = '_prisma_migrations') AS there`,
    [schema],
  );
  if (!there) return undefined;
  return rows<HistoryRow>(
    client,
    `SELECT id, migration_name AS name, checksum, started_at AS "startedAt", finished_at AS "finishedAt", rolled_back_at AS "rolledBackAt", logs, applied_steps_count AS "appliedSteps" FROM _prisma_migrations ORDER BY started_at, id`,
  );
}

/** The state of a migration is that of the attempt that decides. */
export function historyState(history: readonly HistoryRow[], name: string): HistoryState {
  const attempt = lastAttempt(history, name);
  if (!attempt) return 'absent';
  if (attempt.rolledBackAt) return 'rolled-back';
  return attempt.finishedAt ? 'applied' : 'failed';
}

/**
 * The attempt that decides, by Prisma's rules: one that is open makes every deploy refuse (P3009), whatever came after it; else one
 * that was finished counts, even when a later one was rolled back; else the last.
 */
export function lastAttempt(history: readonly HistoryRow[], name: string): HistoryRow | undefined {
  const attempts = history.filter((each) => each.name === name);
  return attempts.findLast((each) => !each.finishedAt && !each.rolledBackAt) ?? attempts.findLast((each) => !each.rolledBackAt) ?? attempts.at(-1);
}

/** Prisma accepts the checksum of the file with LF or with CRLF line ends. */
export function checksumMatches(sql: string, checksum: string): boolean {
  const unix = sql.replaceAll('\r\n', '\n');
  return [sql, unix, unix.replaceAll('\n', '\r\n')].some((text) => checksumOf(text) === checksum);
}

/** Hex SHA-256 of the file's text, as Prisma records it. */
export function checksumOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Makes the history table as Prisma's engine does, for a host that has none yet. */
export async function ensureHistoryTable(client: pg.ClientBase): Promise<void> {
  await client.query(`CREATE TABLE IF NOT EXISTS _prisma_migrations (
    id VARCHAR(36) PRIMARY KEY NOT NULL, checksum VARCHAR(64) NOT NULL, finished_at TIMESTAMPTZ, migration_name VARCHAR(255) NOT NULL,
    logs TEXT, rolled_back_at TIMESTAMPTZ, started_at TIMESTAMPTZ NOT NULL DEFAULT now(), applied_steps_count INTEGER NOT NULL DEFAULT 0)`);
}

/**
 * Writes the row that says "started". From here on `prisma migrate deploy` of another pipeline refuses (P3009).
 * An attempt of ours that a crash cut off is taken up again; a failed attempt of somebody else is closed as rolled
 * back first, because the catalogue, not the history, says what is there.
 */
export async function startHistoryRow(client: pg.ClientBase, file: { name: string; checksum: string }, openAttempt: string | undefined): Promise<string> {
  const open = await rows<{ id: string }>(
    client,
    'SELECT id FROM _prisma_migrations WHERE migration_name = $1 AND finished_at IS NULL AND rolled_back_at IS NULL',
    [file.name],
  );
  const taken = open.find(({ id }) => id === openAttempt)?.id;
  await client.query('UPDATE _prisma_migrations SET rolled_back_at = now() WHERE migration_name = $1 AND rolled_back_at IS NULL AND id IS DISTINCT FROM $2', [
    file.name,
    taken,
  ]);
  if (taken !== undefined) return taken;
  const id = newRandomId();
  await client.query('INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at, applied_steps_count) VALUES ($1, $2, $3, now(), 0)', [
    id,
    file.checksum,
    file.name,
  ]);
  return id;
}

/** Marks the attempt as `prisma migrate deploy` would: finished, one step applied. */
export async function finishHistoryRow(client: pg.ClientBase, id: string): Promise<void> {
  await client.query('UPDATE _prisma_migrations SET finished_at = now(), applied_steps_count = 1 WHERE id = $1', [id]);
}
