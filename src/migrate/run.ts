import { hostname, userInfo } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import type pg from 'pg';
import { AppError, toAppError } from '../base/errors.ts';
import { packageVersion } from '../base/version.ts';
import { ensureJournal, finishRun, noteRunDetails, startRun } from './journal.ts';
import { explainLockTimeout } from './lock-gap.ts';
import { type MigrateOptions, translate, withConnection } from './preflight.ts';
import { runStep } from './run-step.ts';
import { defaultLockPatience, type LockedResult, type LockPatience, type MigrationLock, takeMigrationLock } from './session.ts';
import { row, sqlstate } from './sql.ts';
import type { Step } from './step.ts';

/** Told to whoever shows progress. */
export type MigrateEvent =
  | { readonly type: 'waiting-for-lock'; readonly holder: string }
  /** The run has its row in the journal; its number is what a report is asked for by. */
  | { readonly type: 'run-started'; readonly run: number }
  | { readonly type: 'planned'; readonly steps: readonly Step[] }
  | { readonly type: 'checkpoint'; readonly name: string }
  | { readonly type: 'step-started'; readonly step: Step; readonly number: number; readonly of: number }
  | { readonly type: 'step-retried'; readonly step: Step; readonly attempt: number }
  | { readonly type: 'step-finished'; readonly step: Step; readonly number: number; readonly of: number; readonly result: LockedResult };

/** What every command takes that changes the database. */
export interface RunOptions extends MigrateOptions {
  readonly patience?: LockPatience;
  /** How long to wait for another migration to end; 10 s by default, as Prisma. */
  readonly migrationLockWaitMilliseconds?: number;
  readonly onEvent?: (event: MigrateEvent) => void | Promise<void>;
  readonly version?: string;
}

export interface DoneStep {
  readonly step: Step;
  readonly result: LockedResult;
}

/** A piece of work that changes the database: alone on it, journalled, safe to be cut off. */
export interface Run {
  readonly client: pg.Client;
  readonly schema: string;
  /** Makes the journal where it is missing and the row of this run; a run that finds nothing to do never begins and leaves no trace. */
  begin(): Promise<void>;
  /** Adds to what the report of this run says; only after `begin`. */
  note(details: Readonly<Record<string, unknown>>): Promise<void>;
  /** Tells how many steps are to come, for progress and for the error that names how far a run got. */
  planned(steps: readonly Step[]): Promise<void>;
  checkpoint(name: string): Promise<void>;
  /**
   * Does one step and journals it; only after `begin`. Throws when the migration lock was lost.
   *
   * @param inside work in the step's transaction before its statements; done anew with each attempt to get the locks
   */
  step(step: Step, inside?: () => Promise<void>): Promise<LockedResult>;
  readonly done: readonly DoneStep[];
}

/**
 * Runs work that changes the database: under Prisma's migration lock, on a connection of its own, after the last statement of
 * a run that was cut off has ended. What it does through `run.step` is journalled, with the lock waits.
 *
 * Errors: `MIGRATION_LOCK_HELD`, `MIGRATION_STILL_WORKING`, `LOCK_NOT_OBTAINED` (busy), `MIGRATION_INTERRUPTED` (resumable) and
 * what the work throws.
 */
export async function withRun<T>(options: RunOptions & { readonly command: string }, work: (run: Run) => Promise<T>): Promise<T> {
  const lock = await takeMigrationLock(options.address, {
    waitMilliseconds: options.migrationLockWaitMilliseconds ?? 10_000,
    onWait: (holder) => void options.onEvent?.({ type: 'waiting-for-lock', holder }),
  });
  try {
    return await withConnection(options, async (client) => {
      await outliveCutOffRun(client);
      return workThrough(client, { lock, options, work });
    });
  } finally {
    await lock.release();
  }
}

async function workThrough<T>(
  client: pg.Client,
  { lock, options, work }: { lock: MigrationLock; options: RunOptions & { readonly command: string }; work: (run: Run) => Promise<T> },
): Promise<T> {
  const { schema } = options.address;
  const tell = async (event: MigrateEvent) => options.onEvent?.(event);
  const done: DoneStep[] = [];
  let of = 0;
  let id: number | undefined;
  let current: StoppedStep | undefined;
  let planned: readonly Omit<Step, 'statements'>[] = [];
  const begun = () => {
    if (id === undefined) throw new AppError('internal', 'RUN_NOT_BEGUN', 'A step was to be journalled before its run had begun.');
    return id;
  };
  const run: Run = {
    client,
    schema,
    done,
    async begin() {
      if (id !== undefined) return;
      await ensureJournal(client);
      const who = { operatingSystemUser: userInfo().username, host: hostname(), version: options.version ?? packageVersion() };
      id = await startRun(client, { schema, command: options.command, ...who });
      if (planned.length > 0) await noteRunDetails(client, id, { planned });
      await tell({ type: 'run-started', run: id });
      await tell({ type: 'checkpoint', name: 'run started' });
    },
    note: (details) => noteRunDetails(client, begun(), details),
    async planned(steps) {
      of = done.length + steps.length;
      planned = [...done.map(({ step }) => step), ...steps].map(withoutStatements);
      if (id !== undefined) await noteRunDetails(client, id, { planned });
      await tell({ type: 'planned', steps });
    },
    checkpoint: (name) => tell({ type: 'checkpoint', name }),
    async step(step, inside) {
      const number = done.length + 1;
      of = Math.max(of, number);
      await tell({ type: 'step-started', step, number, of });
      lock.assertHeld();
      const patience = options.patience ?? defaultLockPatience;
      const stoppable = { migration: step.migration, step: step.key, title: step.title, number, of, startedAt: new Date(), attempts: 1 };
      current = stoppable;
      const onRetry = (attempt: number) => {
        stoppable.attempts = attempt + 1;
        void tell({ type: 'step-retried', step, attempt });
      };
      const result = await runStep(client, { step, lock, runId: begun(), patience, onRetry, inside });
      current = undefined;
      done.push({ step, result });
      await tell({ type: 'step-finished', step, number, of, result });
      return result;
    },
  };
  let result: T;
  try {
    result = await work(run);
  } catch (error) {
    if (id === undefined) throw error;
    const told = inWords(await explainLockTimeout(client, error), { command: options.command, address: options.address, done: done.length, of });
    // Where the connection is gone the row stays without an end, and the next run says so.
    await noteRunDetails(client, id, { ...whyItStopped(told), ...(current ? { stopped: { ...current, endedAt: new Date() } } : {}) })
      .catch(() => undefined)
      .then(() => finishRun(client, id as number, told.code))
      .catch(() => undefined);
    throw told;
  }
  if (id !== undefined) await finishRun(client, id, 'done');
  return result;
}

/** The step that was being done when a run ended early: it is not in the journal of steps, as it was taken back. */
export interface StoppedStep {
  readonly migration: string;
  readonly step: string;
  readonly title: string;
  readonly number: number;
  readonly of: number;
  readonly startedAt: Date;
  /** How often it tried for its locks; 1 when it got them, or needed none. */
  readonly attempts: number;
}

function whyItStopped({ kind, code, message, details }: AppError): { error: object } {
  return { error: { kind, code, message, details } };
}

/** What the caller is told: an error of the product as it is, anything else as an interruption that can be gone on from. */
function inWords(error: unknown, { command, address, done, of }: { command: string; address: RunOptions['address']; done: number; of: number }): AppError {
  const told = toAppError(translate(error, address));
  if (told.kind !== 'internal') return told;
  return new AppError(
    'resumable',
    'MIGRATION_INTERRUPTED',
    `The ${command} stopped after ${done} of ${of} steps. What is done is whole; run the same command again to go on.${serverSays(error)}`,
    { done, of, sqlstate: sqlstate(error) },
    { cause: error },
  );
}

/** The journal has the statements with the steps that ran; a plan of all of them would be as long again. */
function withoutStatements({ migration, key, title, kind, lock, tables, estimate }: Step): Omit<Step, 'statements'> {
  return { migration, key, title, kind, lock, tables, estimate };
}

/** A statement's error in the server's words: about objects of the catalogue, never about rows. */
function serverSays(error: unknown): string {
  const state = sqlstate(error);
  return state && /^(42|0A|55|53|57)/.test(state) ? ` The server says: ${(error as Error).message} (${state}).` : state ? ` (SQLSTATE ${state})` : '';
}

/** Key of the lock that the working connection itself holds, besides Prisma's on the guarding one. */
export const workerLockKey = 1_013_202_601;

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
