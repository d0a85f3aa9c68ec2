import { setTimeout as wait } from 'node:timers/promises';
import type pg from 'pg';
import { AppError } from '../base/errors.ts';
import { endOfStep, recordStep } from './journal.ts';
import type { Step } from './step.ts';
import { describeHolders, type LockHolder } from './lock-gap.ts';
import { quoteRelation } from './relation.ts';
import { type LockedResult, type LockPatience, lookTimeout, type MigrationLock, withLockTimeout } from './session.ts';
import { quote, row, rows, sqlstate } from './sql.ts';

interface StepSurroundings {
  readonly step: Step;
  readonly lock: MigrationLock;
  readonly runId: number;
  readonly patience: LockPatience;
  readonly onRetry: (attempt: number) => void;
  readonly inside?: (() => Promise<void>) | undefined;
}

/** Does one step and journals it: in one transaction under the lock timeout, or concurrently where the step is an index. */
export async function runStep(client: pg.Client, { step, lock, runId, patience, onRetry, inside }: StepSurroundings): Promise<LockedResult> {
  const startedAt = new Date();
  const begun = performance.now();
  const record = (measured: { lockWaitMilliseconds: number; workMilliseconds: number; attempts: number }) =>
    recordStep(client, { runId, migration: step.migration, step: step.key, title: step.title, statement: step.statements.join(';\n'), startedAt, ...measured });
  if (step.kind === 'index' || step.kind === 'drop-index') {
    const { attempts } = await buildConcurrently(client, { step, lock, patience, onRetry });
    const result = { attempts, lockWaitMilliseconds: 0, workMilliseconds: performance.now() - begun };
    await record(result);
    return result;
  }
  return withLockTimeout(client, patience, {
    what: step.title,
    tables: step.tables.map(({ table }) => table),
    lock: step.lock,
    onRetry,
    prepare: async (attempts) => {
      const id = await record({ attempts, lockWaitMilliseconds: performance.now() - begun, workMilliseconds: 0 });
      if (inside) {
        await inside();
        // It may have taken minutes.
        lock.assertHeld();
      }
      return [...step.statements, endOfStep(id)];
    },
  });
}

/**
 * CONCURRENTLY takes no transaction. It waits twice for everybody who has written to the table and for old snapshots, up to the whole
 * patience at a time. Who waits behind it meanwhile: no reader and no writer, whose locks do not conflict with SHARE UPDATE EXCLUSIVE, neither
 * while it queues for that lock nor while it waits for the transactions; live-workload.db.test.ts proves both. ALTER TABLE and VACUUM do
 * wait, and behind an ALTER TABLE everybody: so the build gives way to one, drops what is unfinished and begins anew after it.
 */
async function buildConcurrently(
  client: pg.Client,
  { step, lock, patience, onRetry }: Omit<StepSurroundings, 'runId' | 'inside'>,
): Promise<{ attempts: number }> {
  const begun = performance.now();
  const { pid } = await row<{ pid: number }>(client, 'SELECT pg_backend_pid() AS pid');
  const left = () => Math.max(1, Math.round(patience.totalMilliseconds - (performance.now() - begun)));
  let gaveWay = false;
  const giveWay = { pid, asked: () => void (gaveWay = true) };
  for (let attempts = 1; ; attempts += 1) {
    gaveWay = false;
    try {
      await client.query(`SELECT set_config('lock_timeout', $1, false)`, [`${left()}ms`]);
      await lock.withoutWaiters(async () => {
        if (attempts > 1 && step.kind === 'index') await client.query(`DROP INDEX CONCURRENTLY IF EXISTS ${quoteRelation(step.key.replace(/^index /, ''))}`);
        for (const statement of step.statements) await client.query(statement);
      }, giveWay);
      return { attempts };
    } catch (error) {
      // What a build over duplicates leaves is INVALID and would yet refuse the writes of others.
      if (sqlstate(error) === '23505') await dropFailedIndex(client, error);
      const cancelled = gaveWay && sqlstate(error) === '57014';
      if (!cancelled && sqlstate(error) !== '55P03') throw error;
      if (cancelled && left() > 1) {
        onRetry(attempts);
        // Whoever was let by has its lock by now, and the next DROP or CREATE queues behind it.
        await wait(100);
        continue;
      }
      const holders = await oldest(client);
      throw new AppError(
        'busy',
        'LOCK_NOT_OBTAINED',
        `${step.title} waited ${Math.round(patience.totalMilliseconds / 1000)} s for older transactions and gave up.${describeHolders(holders)} End the long transaction and run the same command again; the unfinished index is dropped${step.kind === 'drop-index' ? '' : ' and built anew'}.`,
        { step: step.key, holders },
        { cause: error },
      );
    } finally {
      await client.query(`SELECT set_config('lock_timeout', $1, false)`, [lookTimeout]).catch(() => undefined);
    }
  }
}

/** The oldest transactions of the database: one of them is what a concurrent build waits for. */
async function oldest(client: pg.Client): Promise<LockHolder[]> {
  return rows<LockHolder>(
    client,
    `SELECT pid, usename AS user, application_name AS application, round(extract(epoch FROM now() - xact_start))::int AS seconds FROM pg_stat_activity
     WHERE datname = current_database() AND xact_start IS NOT NULL AND pid <> pg_backend_pid() AND backend_type = 'client backend' ORDER BY xact_start LIMIT 2`,
  ).catch(() => []);
}

async function dropFailedIndex(client: pg.Client, error: unknown): Promise<void> {
  const { schema, constraint: index } = error as { schema?: string; constraint?: string };
  if (schema && index) await client.query(`DROP INDEX CONCURRENTLY IF EXISTS ${quote(schema)}.${quote(index)}`);
}
