import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { type DatabaseAddress, describeAddress, toPgConfig } from '../base/config.ts';
import { AppError } from '../base/errors.ts';
import { quoteRelation } from './relation.ts';
import { describeHolders, lockHolders, type SeenHolders, waitForGap } from './lock-gap.ts';
import { inOneQuery, quote, row, rows, sqlstate } from './sql.ts';

/** Prisma's advisory lock: whoever migrates with either tool excludes the other. */
const prismaLockKey = 72707369;

/** How long a look at a table or at the history waits for somebody who has locked it whole (LOCK TABLE, ALTER TABLE). */
export const lookTimeout = '10s';

/**
 * Opens a connection of the engine, its search path set to the host's schema.
 *
 * Errors: `DATABASE_UNREACHABLE`, `DATABASE_LOGIN_REFUSED`, `DATABASE_MISSING`, each with what to do.
 */
export async function connect(address: DatabaseAddress): Promise<pg.Client> {
  const client = new pg.Client({ ...toPgConfig(address, 'onechart migrate'), connectionTimeoutMillis: 10_000, keepAlive: true });
  // Without a listener a connection that dies while idle would end the process; the next query reports it.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query(`SELECT set_config('search_path', $1, false), set_config('client_min_messages', 'warning', false)`, [quote(address.schema)]);
    // Whoever works on the EHR needs the processors more than we do: no helpers for our scans and index builds.
    await client.query(`SELECT set_config('max_parallel_workers_per_gather', '0', false), set_config('max_parallel_maintenance_workers', '0', false)`);
    // A host's limits for its own short queries (ALTER ROLE ... SET statement_timeout) would cut off long validations and
    // index builds, in every new run again. The engine bounds its waits for locks itself.
    await client.query(
      `SELECT set_config(name, '0', false) FROM pg_settings WHERE name IN ('statement_timeout', 'lock_timeout', 'transaction_timeout', 'idle_session_timeout', 'idle_in_transaction_session_timeout')`,
    );
    // Looks take the weakest lock there is; who locks a whole table for long must not hang them, and steps set their own limits.
    await client.query(`SELECT set_config('lock_timeout', $1, false)`, [lookTimeout]);
    // A server that outlives our process must not go on working for it (PostgreSQL 14 and newer).
    await client.query(`SELECT set_config('client_connection_check_interval', '1s', false)`).catch(() => undefined);
    return client;
  } catch (cause) {
    await client.end().catch(() => undefined);
    throw connectionError(cause, address);
  }
}

export function connectionError(cause: unknown, address: DatabaseAddress): AppError {
  const state = sqlstate(cause);
  const where = describeAddress(address);
  const details = { host: address.host, port: address.port, database: address.database, user: address.user, sqlstate: state };
  if (state === '28P01' || state === '28000')
    return new AppError(
      'unauthenticated',
      'DATABASE_LOGIN_REFUSED',
      `The server refused the login to ${where}. Check the user, the password and pg_hba.conf.`,
      details,
      { cause },
    );
  if (/password must be a string|no password/i.test(String((cause as Error)?.message)))
    return new AppError(
      'unauthenticated',
      'DATABASE_LOGIN_REFUSED',
      `The server wants a password for ${where} and none was given. Put it into ${address.source} or set PGPASSWORD.`,
      details,
      { cause },
    );
  if (state === '3D000')
    return new AppError(
      'not-found',
      'DATABASE_MISSING',
      `There is no database "${address.database}" on ${address.host}:${address.port}. Check the name in ${address.source}.`,
      details,
      { cause },
    );
  if (state === '53300')
    return new AppError(
      'busy',
      'DATABASE_CONNECTIONS_EXHAUSTED',
      `The server at ${address.host}:${address.port} has no free connection. Try again later or raise max_connections.`,
      details,
      { cause },
    );
  if (state === '42501')
    return new AppError('forbidden', 'DATABASE_CONNECT_DENIED', `The user may not connect to ${where}. Grant CONNECT on the database.`, details, { cause });
  return new AppError(
    'unavailable',
    'DATABASE_UNREACHABLE',
    `No PostgreSQL server answers at ${address.host}:${address.port}. Start it, or correct host and port in ${address.source}.`,
    details,
    { cause },
  );
}

/** How long to queue for a lock at once, how long to try in all, and where to tell about waiting. */
export interface LockPatience {
  /** One attempt's `lock_timeout`. Whoever comes after a queued request of ours waits behind it: so this bounds the wait we cause. */
  readonly attemptMilliseconds: number;
  readonly totalMilliseconds: number;
}

export const defaultLockPatience: LockPatience = { attemptMilliseconds: 40, totalMilliseconds: 120_000 };

export type { LockHolder } from './lock-gap.ts';

export interface LockedResult {
  readonly attempts: number;
  readonly lockWaitMilliseconds: number;
  readonly workMilliseconds: number;
}

/**
 * Runs one short transaction under a lock timeout, again and again with jittered pauses until it gets its
 * locks or the patience ends. The only place of the engine that waits for locks on live tables.
 *
 * Errors: `LOCK_NOT_OBTAINED` (busy, exit code 5) naming who holds the table.
 */
export async function withLockTimeout(
  client: pg.Client,
  patience: LockPatience,
  options: {
    /** What the transaction is for, to name it when it gets no lock on tables that are not known beforehand. */
    what: string;
    tables: readonly string[];
    /** The strongest lock it takes on them, in PostgreSQL's words. */
    lock?: string | undefined;
    onRetry?: (attempt: number) => void;
    /** What goes before, and returns the statements that take locks. */
    prepare: (attempt: number) => Promise<readonly string[]>;
  },
): Promise<LockedResult> {
  const begun = performance.now();
  const seen: SeenHolders = new Map();
  for (let attempt = 1; ; attempt += 1) {
    const attemptBegun = performance.now();
    try {
      await client.query('BEGIN');
      await client.query(`SET LOCAL lock_timeout = '${patience.attemptMilliseconds}ms'`);
      const locking = await options.prepare(attempt);
      // The end goes along in the same round trip: locks are held for as long as the server works, however far away we are.
      await client.query(inOneQuery([...locking, 'COMMIT']));
      return { attempts: attempt, lockWaitMilliseconds: attemptBegun - begun, workMilliseconds: performance.now() - attemptBegun };
    } catch (error) {
      await client.query('ROLLBACK').catch(() => undefined);
      const state = sqlstate(error);
      if (state !== '55P03' && state !== '40P01') throw error;
      if (performance.now() - begun > patience.totalMilliseconds) {
        const holders = await lockHolders(client, options).catch(() => []);
        const named = options.tables.map((table) => quoteRelation(table)).join(' and ') || `What "${options.what}" touches`;
        throw new AppError(
          'busy',
          'LOCK_NOT_OBTAINED',
          `${named} could not be locked within ${Math.round(patience.totalMilliseconds / 1000)} s.${describeHolders(holders)} Nothing is half done; end the long transaction and run the same command again.`,
          { tables: options.tables, holders },
          { cause: error },
        );
      }
      options.onRetry?.(attempt);
      await waitForGap(client, options, { attempt, seen, attemptMilliseconds: patience.attemptMilliseconds });
    }
  }
}

/**
 * A concurrent build keeps no reader and no writer waiting, but whoever wants to ALTER the table waits for it, and behind that one everybody
 * else does. So the build gives way: it is cancelled as soon as such a request queues behind it.
 */
export interface GiveWay {
  /** The server process that builds. */
  readonly pid: number;
  /** Told before the build is cancelled. */
  readonly asked: () => void;
}

/** Prisma's advisory lock, held on a connection of its own so that it can be let go while CONCURRENTLY works. */
export interface MigrationLock {
  /** Lets go while somebody waits for the lock: a waiter holds a snapshot, which CREATE INDEX CONCURRENTLY would await for ever. */
  withoutWaiters<T>(work: () => Promise<T>, giveWay?: GiveWay): Promise<T>;
  /** Throws `MIGRATION_LOCK_LOST` (resumable) when the server has ended the guarding connection: another migration may have begun. */
  assertHeld(): void;
  release(): Promise<void>;
}

/** Whether a request that would keep writers out queues behind a process. */
async function somebodyBehind(client: pg.Client, pid: number): Promise<boolean> {
  const { behind } = await row<{ behind: boolean }>(
    client,
    `SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'relation' AND NOT granted AND mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
       AND $1 = ANY (pg_blocking_pids(pid))) AS behind`,
    [pid],
  );
  return behind;
}

/** Errors: `MIGRATION_LOCK_HELD` (exit code 5) naming the holder. */
export async function takeMigrationLock(
  address: DatabaseAddress,
  options: { waitMilliseconds: number; onWait?: (holder: string) => void },
): Promise<MigrationLock> {
  const client = await connect(address);
  const acquire = async () => {
    const begun = performance.now();
    for (;;) {
      const { got } = await row<{ got: boolean }>(client, 'SELECT pg_try_advisory_lock($1) AS got', [prismaLockKey]);
      if (got) return;
      const [holder] = await rows<{ pid: number; user: string | null; application: string | null }>(
        client,
        `SELECT a.pid, a.usename AS user, a.application_name AS application FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid WHERE l.locktype = 'advisory' AND l.objid = $1 AND l.classid = 0 AND l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
        [prismaLockKey],
      );
      const name = holder ? `process ${holder.pid} (${holder.user ?? 'unknown user'}, ${holder.application || 'unnamed program'})` : 'another process';
      if (performance.now() - begun > options.waitMilliseconds) {
        throw new AppError(
          'busy',
          'MIGRATION_LOCK_HELD',
          `Another migration is running: ${name} holds Prisma's migration lock. Wait until it has ended, then run the same command again.`,
          { holder: holder?.pid },
        );
      }
      options.onWait?.(name);
      await wait(100);
    }
  };
  try {
    await acquire();
  } catch (error) {
    await client.end();
    throw error;
  }
  let held = true;
  let ended = false;
  client.once('end', () => {
    ended = true;
  });
  const letGoForWaiters = async () => {
    const { waiting } = await row<{ waiting: boolean }>(
      client,
      `SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = $1 AND classid = 0 AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS waiting`,
      [prismaLockKey],
    );
    if (!waiting || !held) return;
    await client.query('SELECT pg_advisory_unlock($1)', [prismaLockKey]);
    held = false;
  };
  return {
    async withoutWaiters(work, giveWay) {
      let done = false;
      let lost: { readonly error: unknown } | undefined;
      // Nobody awaits the watch while the work runs: what befalls it (the server ended this connection) is kept for then.
      const watch = (async () => {
        while (!done) {
          await letGoForWaiters();
          if (giveWay && !done && (await somebodyBehind(client, giveWay.pid))) {
            giveWay.asked();
            await client.query(`SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND state = 'active' AND query ~* '\\mCONCURRENTLY\\M'`, [
              giveWay.pid,
            ]);
          }
          await wait(50);
        }
      })().catch((error: unknown) => {
        lost = { error };
      });
      const endWatch = async () => {
        done = true;
        await watch;
      };
      const result = await work().catch(async (error: unknown) => {
        await endWatch();
        throw error;
      });
      await endWatch();
      // Without its guard the run must not go on: another migration may have begun.
      if (lost) throw (lost as { readonly error: unknown }).error;
      if (!held) {
        await acquire();
        held = true;
      }
      return result;
    },
    assertHeld() {
      if (!ended) return;
      throw new AppError(
        'resumable',
        'MIGRATION_LOCK_LOST',
        'The server ended the connection that holds the migration lock. What is done is whole; run the same command again to go on.',
      );
    },
    // Ending the session lets go of the lock, whatever state it is in.
    release: () => client.end(),
  };
}
