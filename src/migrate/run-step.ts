import type pg from 'pg';
import { AppError } from '../base/errors.ts';
import { endOfStep, recordStep } from './journal.ts';
import type { Step } from './step.ts';
import { describeHolders, type LockedResult, lockHolders, type LockPatience, type MigrationLock, withLockTimeout } from './session.ts';
import { quote, sqlstate } from './sql.ts';

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
    await lock.withoutWaiters(() => buildConcurrently(client, step, patience));
    const result = { attempts: 1, lockWaitMilliseconds: 0, workMilliseconds: performance.now() - begun };
    await record(result);
    return result;
  }
  return withLockTimeout(client, patience, {
    tables: step.tables.map(({ table }) => table),
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

/** CONCURRENTLY takes no transaction and waits for old snapshots; nobody's writes wait for it meanwhile. */
async function buildConcurrently(client: pg.Client, step: Step, patience: LockPatience): Promise<void> {
  await client.query(`SELECT set_config('lock_timeout', $1, false)`, [`${patience.totalMilliseconds}ms`]);
  try {
    for (const statement of step.statements) await client.query(statement);
  } catch (error) {
    // What a build over duplicates leaves is INVALID and would yet refuse the writes of others.
    if (sqlstate(error) === '23505') await dropFailedIndex(client, error);
    if (sqlstate(error) !== '55P03') throw error;
    const holders = await lockHolders(
      client,
      step.tables.map(({ table }) => table),
    ).catch(() => []);
    throw new AppError(
      'busy',
      'LOCK_NOT_OBTAINED',
      `${step.title} waited ${Math.round(patience.totalMilliseconds / 1000)} s for older transactions and gave up.${describeHolders(holders)} End the long transaction and run the same command again; the unfinished index is dropped${step.kind === 'drop-index' ? '' : ' and built anew'}.`,
      { step: step.key, holders },
      { cause: error },
    );
  } finally {
    await client.query(`SELECT set_config('lock_timeout', '0', false)`).catch(() => undefined);
  }
}

async function dropFailedIndex(client: pg.Client, error: unknown): Promise<void> {
  const { schema, constraint: index } = error as { schema?: string; constraint?: string };
  if (schema && index) await client.query(`DROP INDEX CONCURRENTLY IF EXISTS ${quote(schema)}.${quote(index)}`);
}
