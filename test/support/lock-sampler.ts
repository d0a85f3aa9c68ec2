import { setTimeout as pause } from 'node:timers/promises';
import type { TestDatabase } from './database.ts';
import { withClient } from './database.ts';

export interface LockSamples {
  readonly samples: number;
  /** The longest that one statement of the engine was seen in a table's queue; concurrent index work, which keeps nobody waiting, is left out. */
  readonly engineMilliseconds: number;
  /** The longest that a reader or writer of somebody else was seen waiting for the engine. */
  readonly othersMilliseconds: number;
}

/** Looks every few milliseconds who waits for whom, by the server's own clock, until it is stopped. */
export function startLockSampler(host: TestDatabase): { stop(): Promise<LockSamples> } {
  let stopped = false;
  let [samples, engineMilliseconds, othersMilliseconds] = [0, 0, 0];
  const running = withClient(host.url, async (client) => {
    while (!stopped) {
      const { rows } = await client.query<{ engine: number; others: number }>(`
        WITH waiting AS (
          SELECT l.pid, l.mode, a.query, a.application_name = 'onechart migrate' AS engine, 1000 * extract(epoch FROM clock_timestamp() - l.waitstart) AS milliseconds
          FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
          WHERE NOT l.granted AND l.locktype IN ('relation', 'tuple', 'transactionid') AND a.datname = current_database())
        SELECT coalesce(max(milliseconds) FILTER (WHERE engine AND query !~* 'CONCURRENTLY'), 0)::float8 AS engine,
          coalesce(max(milliseconds) FILTER (WHERE NOT engine AND mode IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')
            AND EXISTS (SELECT FROM unnest(pg_blocking_pids(pid)) AS blocker JOIN pg_stat_activity b ON b.pid = blocker WHERE b.application_name = 'onechart migrate')), 0)::float8 AS others
        FROM waiting`);
      samples += 1;
      engineMilliseconds = Math.max(engineMilliseconds, rows[0]?.engine ?? 0);
      othersMilliseconds = Math.max(othersMilliseconds, rows[0]?.others ?? 0);
      await pause(5);
    }
  });
  return {
    stop: async () => {
      stopped = true;
      await running;
      return { samples, engineMilliseconds, othersMilliseconds };
    },
  };
}
