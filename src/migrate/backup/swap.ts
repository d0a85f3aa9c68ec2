import { setTimeout as wait } from 'node:timers/promises';
import type pg from 'pg';
import type { DatabaseAddress } from '../../base/config.ts';
import { AppError } from '../../base/errors.ts';
import { quote, row, rows, sqlstate } from '../sql.ts';
import { connectAdmin } from './scratch.ts';

export interface SwapResult {
  /** The name that the restored database has now. */
  readonly live: string;
  /** The name under which the database before is kept; empty when there was none. */
  readonly kept: string;
  readonly endedSessions: number;
}

/** The statements of a swap, for whoever performs it by hand, connected to another database (`postgres`). */
export function swapStatements({ live, restored, name }: { live: string | undefined; restored: string; name: string }): string[] {
  if (live === undefined) return [`ALTER DATABASE ${quote(restored)} RENAME TO ${quote(name)};`];
  return [
    'BEGIN;',
    `ALTER DATABASE ${quote(live)} RENAME TO ${quote(keptName(live, new Date()))};`,
    `ALTER DATABASE ${quote(restored)} RENAME TO ${quote(live)};`,
    'COMMIT;',
  ];
}

/** `ehr_before_restore_20260103t120000z`, cut so that it stays a name. */
function keptName(live: string, at: Date): string {
  const suffix = `_before_restore_${at.toISOString().slice(0, 19).replace(/[-:]/g, '').toLowerCase()}z`;
  let name = live;
  while (Buffer.byteLength(name + suffix) > 63) name = name.slice(0, -1);
  return name + suffix;
}

/**
 * Lets the restored database take the live one's name. Both names change in one transaction, so that there is no moment without a
 * database of that name; the one before is kept.
 *
 * A rename takes an exclusive lock on the database before it looks for sessions, and waits 5 s for them to go: new ones queue at the
 * lock until the commit and then meet the new database. So sessions are ended while the rename already waits.
 *
 * Errors: `RESTORE_SESSIONS_OPEN`.
 */
export async function swapDatabases(
  admin: pg.Client,
  options: { server: DatabaseAddress; live: string; restored: string; endSessions: boolean },
): Promise<SwapResult> {
  const { server, live, restored, endSessions } = options;
  const { here } = await row<{ here: string }>(admin, 'SELECT current_database() AS here');
  if (here === live)
    throw new AppError(
      'unsafe',
      'RESTORE_SWAP_UNREACHABLE',
      `A database is renamed from another one, and the user may not connect to "postgres". Grant CONNECT on it, or swap by hand.`,
      { live },
    );
  const { exists } = await row<{ exists: boolean }>(admin, 'SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1) AS exists', [live]);
  const kept = exists ? keptName(live, new Date()) : '';
  const before = await sessionsOf(admin, [live, restored]);
  if (before.length > 0 && !endSessions) throw sessionsOpen(before, live);
  const stopping = endSessions ? endSessionsOf(server, [live, restored]) : undefined;
  try {
    await admin.query('BEGIN');
    if (exists) await admin.query(`ALTER DATABASE ${quote(live)} RENAME TO ${quote(kept)}`);
    await admin.query(`ALTER DATABASE ${quote(restored)} RENAME TO ${quote(live)}`);
    const { comment } = await row<{ comment: string | null }>(
      admin,
      `SELECT shobj_description(oid, 'pg_database') AS comment FROM pg_database WHERE datname = $1`,
      [live],
    );
    const told = `${comment ?? ''} Took the name ${JSON.stringify(live)}${exists ? `; the database before is kept as ${JSON.stringify(kept)}` : ''}.`;
    await admin.query(`COMMENT ON DATABASE ${quote(live)} IS '${told.replaceAll("'", "''")}'`);
    await admin.query('COMMIT');
  } catch (error) {
    await admin.query('ROLLBACK').catch(() => undefined);
    if (sqlstate(error) === '55006') throw sessionsOpen(await sessionsOf(admin, [live, restored]), live);
    throw error;
  } finally {
    await stopping?.stop();
  }
  return { live, kept, endedSessions: stopping?.ended() ?? 0 };
}

interface Session {
  readonly pid: number;
  readonly user: string | null;
  readonly application: string;
}

async function sessionsOf(admin: pg.ClientBase, databases: readonly string[]): Promise<Session[]> {
  return rows<Session>(
    admin,
    `SELECT pid, usename AS user, application_name AS application FROM pg_stat_activity
     WHERE datname = ANY ($1) AND pid <> pg_backend_pid() AND backend_type <> 'autovacuum worker' ORDER BY pid`,
    [databases],
  );
}

function sessionsOpen(sessions: readonly Session[], live: string): AppError {
  const named = [...new Set(sessions.map(({ user, application }) => `${user ?? 'unknown user'} (${application || 'unnamed program'})`))].slice(0, 5);
  return new AppError(
    'busy',
    'RESTORE_SESSIONS_OPEN',
    `The swap needs "${live}" without sessions, and there are ${sessions.length || 'some'}: ${named.join(', ') || 'a prepared transaction, or a user who may not be ended'}. Stop the programs that use it, or end their sessions with --end-sessions. The restored database is kept as it is.`,
    { sessions: sessions.map(({ pid, user, application }) => ({ pid, user, application })) },
  );
}

/** Ends sessions again and again, on a connection of its own, until told to stop. */
function endSessionsOf(server: DatabaseAddress, databases: readonly string[]): { stop(): Promise<void>; ended(): number } {
  let stopped = false;
  const ended = new Set<number>();
  const work = (async () => {
    const client = await connectAdmin(server);
    try {
      while (!stopped) {
        // Two statements: in one, the planner may end a process before it looks at its database.
        const found = await rows<{ pid: number }>(client, 'SELECT pid FROM pg_stat_activity WHERE datname = ANY ($1) AND pid <> pg_backend_pid()', [databases]);
        const pids = found.map(({ pid }) => pid);
        const gone = await rows<{ pid: number }>(
          client,
          'SELECT pid FROM (SELECT pid, pg_terminate_backend(pid) AS told FROM unnest($1::int[]) AS pid) s WHERE told',
          [pids],
        );
        for (const { pid } of gone) ended.add(pid);
        await wait(50);
      }
    } finally {
      await client.end().catch(() => undefined);
    }
    // Whom it may not end is named by the rename, which fails then.
  })().catch(() => undefined);
  return {
    stop: async () => {
      stopped = true;
      await work;
    },
    ended: () => ended.size,
  };
}
