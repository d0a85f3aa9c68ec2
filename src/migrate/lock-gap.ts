import { setTimeout as wait } from 'node:timers/promises';
import type pg from 'pg';
import { AppError } from '../base/errors.ts';
import { quoteRelation } from './relation.ts';
import { rows, sqlstate } from './sql.ts';

export interface LockHolder {
  readonly pid: number;
  readonly user: string | null;
  readonly application: string | null;
  readonly seconds: number;
}

/** Modes from the weakest to the strongest, as pg_locks writes them. */
const modes = [
  'AccessShareLock',
  'RowShareLock',
  'RowExclusiveLock',
  'ShareUpdateExclusiveLock',
  'ShareLock',
  'ShareRowExclusiveLock',
  'ExclusiveLock',
  'AccessExclusiveLock',
] as const;

/** What a step's lock, in PostgreSQL's words, has to wait for. */
function conflicting(lock: string | undefined): readonly string[] {
  switch (lock) {
    case 'ACCESS EXCLUSIVE':
      return modes;
    case 'SHARE UPDATE EXCLUSIVE':
      return modes.slice(3);
    case 'SHARE':
      return modes.filter((mode) => modes.indexOf(mode) >= 2 && mode !== 'ShareLock');
    default:
      return modes.slice(2);
  }
}

interface Wanted {
  readonly tables: readonly string[];
  readonly lock?: string | undefined;
}

const holding = `FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
  WHERE l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND l.relation = ANY (SELECT to_regclass(name) FROM unnest($1::text[]) AS name) AND l.pid <> pg_backend_pid() AND l.mode = ANY ($2) AND a.xact_start IS NOT NULL`;

/** Who holds a table in a way that keeps the step out, the oldest transaction first. */
export async function lockHolders(client: pg.Client, { tables, lock }: Wanted): Promise<LockHolder[]> {
  return rows<LockHolder>(
    client,
    `SELECT DISTINCT a.pid, a.usename AS user, a.application_name AS application, round(extract(epoch FROM now() - a.xact_start))::int AS seconds ${holding} ORDER BY seconds DESC LIMIT 3`,
    [tables.map((table) => quoteRelation(table)), conflicting(lock)],
  );
}

export function describeHolders(holders: readonly LockHolder[]): string {
  return holders
    .map(
      (each) =>
        ` Process ${each.pid} (${each.user ?? 'unknown user'}, ${each.application || 'unnamed program'}) has had a transaction open for ${each.seconds} s.`,
    )
    .join('');
}

/** A look at a table, or at the history, that met somebody who has locked it whole: said in words, with the holder. Other errors stay as they are. */
export async function explainLockTimeout(client: pg.Client, error: unknown): Promise<unknown> {
  if (sqlstate(error) !== '55P03') return error;
  await client.query('ROLLBACK').catch(() => undefined);
  const holders = await rows<LockHolder>(
    client,
    `SELECT DISTINCT a.pid, a.usename AS user, a.application_name AS application, round(extract(epoch FROM now() - a.xact_start))::int AS seconds
     FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
     WHERE l.granted AND l.locktype = 'relation' AND l.mode IN ('ExclusiveLock', 'AccessExclusiveLock') AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND l.pid <> pg_backend_pid() AND a.xact_start IS NOT NULL
     ORDER BY seconds DESC LIMIT 3`,
  ).catch(() => []);
  return new AppError(
    'busy',
    'LOCK_NOT_OBTAINED',
    `A table that has to be looked at is locked by somebody else.${describeHolders(holders)} Nothing is half done; wait until that has ended and run the same command again.`,
    { holders },
    { cause: error },
  );
}

/** How often is looked whether the table is free. One look at pg_locks takes a fraction of a millisecond and waits for nobody. */
const lookMilliseconds = 20;
/** After this long another attempt is made although somebody old is there: the look could be mistaken about who is in the way. */
const blindMilliseconds = 2_000;
/** What writers get between two attempts, times 0.5 to 1.5 so that attempts do not keep step with periodic work. */
const pauseMilliseconds = 60;

/** Transactions in the way and when each was first seen there; one for all attempts at a step. */
export type SeenHolders = Map<string, number>;

/**
 * The pause between two attempts at a lock: the writers that queued behind us drain, and then nobody is made to wait in vain. While a
 * transaction is in the way that has been there for longer than four attempts, it will hardly end within the next one; so its end is
 * watched for instead, without a request of ours in the queue, and the next attempt comes right after it. Measured in ADR 37.
 *
 * The age is counted here: a role without pg_read_all_stats sees in pg_locks who holds what, but not since when.
 */
export async function waitForGap(
  client: pg.Client,
  { tables, lock }: Wanted,
  { attempt, seen, attemptMilliseconds }: { attempt: number; seen: SeenHolders; attemptMilliseconds: number },
): Promise<void> {
  const until = performance.now() + blindMilliseconds * (0.5 + Math.random());
  const oldOnes = async () => {
    const found = await rows<{ id: string }>(
      client,
      `SELECT DISTINCT l.virtualtransaction AS id FROM pg_locks l
       WHERE l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
         AND l.relation = ANY (SELECT to_regclass(name) FROM unnest($1::text[]) AS name) AND l.pid <> pg_backend_pid() AND l.mode = ANY ($2)`,
      [tables.map((table) => quoteRelation(table)), conflicting(lock)],
    );
    const ids = new Set(found.map(({ id }) => id));
    const now = performance.now();
    for (const id of seen.keys()) if (!ids.has(id)) seen.delete(id);
    for (const id of ids) if (!seen.has(id)) seen.set(id, now);
    return [...seen.values()].some((since) => now - since > attemptMilliseconds * 4);
  };
  const jitter = 0.5 + Math.random();
  // What a script locks is not known beforehand: nothing to watch, so the pauses grow instead.
  if (tables.length === 0) return wait(Math.min(1000, pauseMilliseconds * 2 ** Math.min(attempt, 5)) * jitter);
  await oldOnes();
  await wait(pauseMilliseconds * jitter);
  while (performance.now() < until && (await oldOnes())) await wait(lookMilliseconds);
}
