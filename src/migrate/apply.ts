import { hostname, userInfo } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import type pg from 'pg';
import { AppError, toAppError } from '../base/errors.ts';
import type { Assessment } from './assess.ts';
import { checkOrphans, type Finding, throwBlocks } from './check.ts';
import { ensureHistoryTable, finishHistoryRow, startHistoryRow } from './history.ts';
import { ensureJournal, finishRun, recordedFiles, recordFile, startRun } from './journal.ts';
import type { Step } from './plan.ts';
import { type MigrateOptions, planFor, preflight, translate, withConnection } from './preflight.ts';
import { runStep } from './run-step.ts';
import { defaultLockPatience, type LockedResult, type LockPatience, type MigrationLock, takeMigrationLock } from './session.ts';
import { row, sqlstate } from './sql.ts';
import { type Verification, verifyAssessment } from './verify.ts';

/** Told to whoever shows progress. */
export type MigrateEvent =
  | { readonly type: 'waiting-for-lock'; readonly holder: string }
  | { readonly type: 'planned'; readonly steps: readonly Step[] }
  | { readonly type: 'checkpoint'; readonly name: string }
  | { readonly type: 'step-started'; readonly step: Step; readonly number: number; readonly of: number }
  | { readonly type: 'step-retried'; readonly step: Step; readonly attempt: number }
  | { readonly type: 'step-finished'; readonly step: Step; readonly number: number; readonly of: number; readonly result: LockedResult };

export interface ApplyOptions extends MigrateOptions {
  /** Must be said in so many words until backups are made by the engine itself. */
  readonly noBackup: boolean;
  readonly patience?: LockPatience;
  /** How long to wait for another migration to end; 10 s by default, as Prisma. */
  readonly migrationLockWaitMilliseconds?: number;
  readonly onEvent?: (event: MigrateEvent) => void | Promise<void>;
  readonly version?: string;
}

export interface ApplyResult {
  readonly findings: readonly Finding[];
  readonly steps: readonly { readonly step: Step; readonly result: LockedResult }[];
  readonly verification: Verification;
}

/**
 * Brings the module's migrations to the database, online: only what is missing, each step journalled, safe to be cut
 * off anywhere; the same call goes on from there. What it leaves is what Prisma would have made.
 *
 * Errors: `BACKUP_REQUIRED` (unsafe), every block of the preflight, `MIGRATION_LOCK_HELD` and `LOCK_NOT_OBTAINED`
 * (busy), `MIGRATION_INTERRUPTED` (resumable).
 */
export async function applyMigration(options: ApplyOptions): Promise<ApplyResult> {
  if (!options.noBackup)
    throw new AppError(
      'unsafe',
      'BACKUP_REQUIRED',
      'This version makes no backup of its own. Make one, prove it by restoring it, then say so with --no-backup.',
    );
  const lock = await takeMigrationLock(options.address, {
    waitMilliseconds: options.migrationLockWaitMilliseconds ?? 10_000,
    onWait: (holder) => void options.onEvent?.({ type: 'waiting-for-lock', holder }),
  });
  try {
    return await withConnection(options, async (client) => applyWith(client, lock, options));
  } finally {
    await lock.release();
  }
}

async function applyWith(client: pg.Client, lock: MigrationLock, options: ApplyOptions): Promise<ApplyResult> {
  const { schema } = options.address;
  await outliveCutOffRun(client);
  const tell = async (event: MigrateEvent) => options.onEvent?.(event);
  const { findings, assessment } = await preflight(client, options);
  throwBlocks(findings);
  const known = assessment as Assessment;
  throwBlocks(await checkOrphans(client, schema, known));
  const plan = await planFor(client, schema, known);
  await tell({ type: 'planned', steps: plan.steps });
  const done: { step: Step; result: LockedResult }[] = [];
  if (plan.steps.length > 0 || plan.historyOnly.length > 0) {
    await ensureHistoryTable(client);
    await ensureJournal(client);
    const runId = await startRun(client, { schema, operatingSystemUser: userInfo().username, host: hostname(), version: options.version ?? 'unknown' });
    await tell({ type: 'checkpoint', name: 'run started' });
    const attempts = new Map((await recordedFiles(client, schema)).map(({ name, attemptId }) => [name, attemptId]));
    try {
      for (const { file, history } of known.migrations) {
        const steps = plan.steps.filter(({ migration }) => migration === file.name);
        if (steps.length === 0 && history === 'applied') continue;
        // An applied row whose objects are gone (what `resolve --applied` leaves) stays as it is; the objects are made.
        lock.assertHeld();
        const attempt = history === 'applied' ? undefined : await openAttempt(client, schema, { file, attemptId: attempts.get(file.name) ?? undefined });
        await tell({ type: 'checkpoint', name: `${file.name} started` });
        for (const step of steps) {
          const number = done.length + 1;
          await tell({ type: 'step-started', step, number, of: plan.steps.length });
          lock.assertHeld();
          const result = await runStep(client, {
            step,
            lock,
            runId,
            patience: options.patience ?? defaultLockPatience,
            onRetry: (tries) => void tell({ type: 'step-retried', step, attempt: tries }),
          });
          done.push({ step, result });
          await tell({ type: 'step-finished', step, number, of: plan.steps.length, result });
        }
        if (attempt) await finishHistoryRow(client, attempt);
        await tell({ type: 'checkpoint', name: `${file.name} finished` });
      }
    } catch (error) {
      const told = toAppError(translate(error, options.address));
      await finishRun(client, runId, told.code).catch(() => undefined);
      if (told.kind !== 'internal') throw told;
      throw new AppError(
        'resumable',
        'MIGRATION_INTERRUPTED',
        `The migration stopped after ${done.length} of ${plan.steps.length} steps. What is done is whole; run the same command again to go on.${serverSays(error)}`,
        { done: done.length, of: plan.steps.length, sqlstate: sqlstate(error) },
        { cause: error },
      );
    }
    await finishRun(client, runId, 'applied');
  }
  const { assessment: after } = await preflight(client, options);
  return { findings, steps: done, verification: await verifyAssessment(client, schema, after ?? known) };
}

/** A statement's error in the server's words: about objects of the catalogue, never about rows. */
function serverSays(error: unknown): string {
  const state = sqlstate(error);
  return state && /^(42|0A|55|53|57)/.test(state) ? ` The server says: ${(error as Error).message} (${state}).` : state ? ` (SQLSTATE ${state})` : '';
}

async function openAttempt(
  client: pg.Client,
  schema: string,
  options: { file: { name: string; checksum: string; sql: string }; attemptId: string | undefined },
): Promise<string> {
  const { file, attemptId } = options;
  await client.query('BEGIN');
  try {
    const id = await startHistoryRow(client, file, attemptId);
    await recordFile(client, schema, { ...file, attemptId: id });
    await client.query('COMMIT');
    return id;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

/** Key of the lock that the working connection itself holds, besides Prisma's on the guarding one. */
const workerLockKey = 1_013_202_601;

/** After a kill -9 the server may still be busy with our last statement; its result must be seen before we compare. */
async function outliveCutOffRun(client: pg.Client): Promise<void> {
  const begun = performance.now();
  for (;;) {
    const { got } = await row<{ got: boolean }>(client, 'SELECT pg_try_advisory_lock($1) AS got', [workerLockKey]);
    if (got) return;
    if (performance.now() - begun > 60_000)
      throw new AppError(
        'busy',
        'MIGRATION_STILL_WORKING',
        'The server is still working on a statement of a migration that was cut off. Wait until it has ended, then run the same command again.',
      );
    await wait(50);
  }
}
