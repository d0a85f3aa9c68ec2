import { hostname, userInfo } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import type pg from 'pg';
import type { DatabaseAddress } from '../base/config.ts';
import { AppError, toAppError } from '../base/errors.ts';
import { type Assessment, assess } from './assess.ts';
import { checkAssessment, checkOrphans, checkServer, checkTableRights, type Finding, hostFindings, throwBlocks } from './check.ts';
import { ensureHistoryTable, finishHistoryRow, startHistoryRow } from './history.ts';
import { ensureJournal, finishRun, recordedFiles, recordFile, recordStep, startRun } from './journal.ts';
import { type HostOptions, type HostProfile, type InitResult, initModule, readHostProfile } from './module/index.ts';
import { buildPlan, type Plan, type Step } from './plan.ts';
import {
  connect,
  connectionError,
  defaultLockPatience,
  type LockedResult,
  type LockPatience,
  type MigrationLock,
  takeMigrationLock,
  withLockTimeout,
} from './session.ts';
import { touchedTables } from './shadow.ts';
import { loadMigrations, type MigrationSource } from './source.ts';
import { row, sqlstate } from './sql.ts';
import { readTraffic } from './traffic.ts';
import { type Verification, verifyAssessment } from './verify.ts';

/** What every command of the engine takes. */
export interface MigrateOptions {
  readonly address: DatabaseAddress;
  /** The host's Prisma folder; without it the built-in migrations are rendered for the host. */
  readonly dir?: string | undefined;
  /** Link tables, `table` or `table.column`; the five of the surgical EHR by default. */
  readonly linkTables?: readonly string[] | undefined;
  /** Table of users, `false` for none; `users` by default. */
  readonly usersTable?: string | false | undefined;
}

export interface CheckResult {
  readonly findings: readonly Finding[];
  readonly assessment: Assessment | undefined;
}

export interface PlanResult extends CheckResult {
  readonly plan: Plan;
}

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

async function withConnection<T>(options: MigrateOptions, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = await connect(options.address);
  try {
    return await work(client);
  } catch (error) {
    throw translate(error, options.address);
  } finally {
    await client.end().catch(() => undefined);
  }
}

function hostOptions({ address, linkTables, usersTable }: MigrateOptions): HostOptions {
  return { schema: address.schema, ...(linkTables ? { linkTables } : {}), ...(usersTable === undefined ? {} : { usersTable }) };
}

async function preflight(client: pg.Client, options: MigrateOptions): Promise<CheckResult & { source: MigrationSource | undefined }> {
  const { schema } = options.address;
  const findings = await checkServer(client, schema);
  if (findings.some(({ level }) => level === 'block')) return { findings, assessment: undefined, source: undefined };
  const source = await loadMigrations(client, { ...hostOptions(options), dir: options.dir });
  findings.push(...hostFindings(source.findings));
  if (findings.some(({ level }) => level === 'block')) return { findings, assessment: undefined, source };
  const assessment = await assess(client, schema, source.files);
  findings.push(...checkAssessment(assessment), ...(await checkTableRights(client, schema, assessment)));
  return { findings, assessment, source };
}

/**
 * Looks at everything that could stop a migration, and changes nothing.
 *
 * @example
 * const { findings } = await checkMigration({ address: parseDatabaseUrl('postgresql://ehr_user@127.0.0.1/ehr') });
 * for (const finding of findings) console.log(finding.level, finding.message);
 */
export async function checkMigration(options: MigrateOptions): Promise<CheckResult> {
  return withConnection(options, async (client) => {
    const { findings, assessment } = await preflight(client, options);
    return { findings: assessment ? [...findings, ...(await checkOrphans(client, options.address.schema, assessment))] : findings, assessment };
  });
}

/** The assessment alone: what `status` and `verify` show. Throws when the preflight cannot get as far as that. */
export async function migrationStatus(options: MigrateOptions): Promise<Assessment> {
  return withConnection(options, async (client) => {
    const { findings, assessment } = await preflight(client, options);
    if (!assessment) throwBlocks(findings);
    return assessment as Assessment;
  });
}

/** Whether the module is completely there: `true` lets a server say that it is ready. */
export async function isMigrated(options: MigrateOptions): Promise<boolean> {
  const { migrations } = await migrationStatus(options);
  return migrations.every(({ complete, history }) => complete && history === 'applied');
}

export interface InitOptions extends MigrateOptions {
  readonly dir: string;
}

/**
 * Writes the module's migrations and Prisma models into the host's Prisma folder, in the host's id type and names, so
 * that its history, its `prisma generate` and its colleagues' checkouts stay true. From then on those files count.
 */
export async function initMigration(options: InitOptions): Promise<InitResult> {
  return withConnection(options, async (client) => {
    const { schema } = options.address;
    throwBlocks(await checkServer(client, schema));
    const { profile, findings } = await readHostProfile(client, hostOptions(options));
    throwBlocks(hostFindings(findings));
    return initModule({ dir: options.dir, profile: profile as HostProfile });
  });
}

/** What `apply` would do, step by step, with locks and estimates. Changes nothing; throws what blocks. */
export async function planMigration(options: MigrateOptions): Promise<PlanResult> {
  return withConnection(options, async (client) => {
    const { findings, assessment } = await preflight(client, options);
    throwBlocks(findings);
    const known = assessment as Assessment;
    const orphans = await checkOrphans(client, options.address.schema, known);
    throwBlocks(orphans);
    return { findings: [...findings, ...orphans], assessment: known, plan: await planFor(client, options.address.schema, known) };
  });
}

async function planFor(client: pg.Client, schema: string, assessment: Assessment): Promise<Plan> {
  return buildPlan(assessment, await readTraffic(client, schema, touchedTables(assessment.migrations.flatMap(({ statements }) => statements))));
}

/** Compares the database with the migrations and tries it out; see verify.ts. */
export async function verifyMigration(options: MigrateOptions): Promise<Verification> {
  return withConnection(options, async (client) => {
    const { findings, assessment } = await preflight(client, options);
    if (!assessment) throwBlocks(findings);
    return verifyAssessment(client, options.address.schema, assessment as Assessment);
  });
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
        const attempt = history === 'applied' ? undefined : await openAttempt(client, schema, { file, attemptId: attempts.get(file.name) ?? undefined });
        await tell({ type: 'checkpoint', name: `${file.name} started` });
        for (const step of steps) {
          const number = done.length + 1;
          await tell({ type: 'step-started', step, number, of: plan.steps.length });
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

interface StepSurroundings {
  readonly step: Step;
  readonly lock: MigrationLock;
  readonly runId: number;
  readonly patience: LockPatience;
  readonly onRetry: (attempt: number) => void;
}

async function runStep(client: pg.Client, { step, lock, runId, patience, onRetry }: StepSurroundings): Promise<LockedResult> {
  const startedAt = new Date();
  const begun = performance.now();
  const record = (measured: { lockWaitMilliseconds: number; workMilliseconds: number; attempts: number }) =>
    recordStep(client, { runId, migration: step.migration, step: step.key, title: step.title, statement: step.statements.join(';\n'), startedAt, ...measured });
  if (step.kind === 'index' || step.kind === 'drop-invalid-index') {
    await lock.withoutWaiters(() => buildConcurrently(client, step, patience));
    const result = { attempts: 1, lockWaitMilliseconds: 0, workMilliseconds: performance.now() - begun };
    await record(result);
    return result;
  }
  let attempts = 0;
  return withLockTimeout(client, patience, {
    tables: step.tables.map(({ table }) => table),
    onRetry,
    work: async () => {
      attempts += 1;
      const workBegun = performance.now();
      for (const statement of step.statements) await client.query(statement);
      await record({ attempts, lockWaitMilliseconds: workBegun - begun, workMilliseconds: performance.now() - workBegun });
    },
  });
}

/** CONCURRENTLY takes no transaction and waits for old snapshots; nobody's writes wait for it meanwhile. */
async function buildConcurrently(client: pg.Client, step: Step, patience: LockPatience): Promise<void> {
  await client.query(`SELECT set_config('lock_timeout', $1, false)`, [`${patience.totalMilliseconds}ms`]);
  try {
    for (const statement of step.statements) await client.query(statement);
  } catch (error) {
    if (sqlstate(error) !== '55P03') throw error;
    throw new AppError(
      'busy',
      'LOCK_NOT_OBTAINED',
      `${step.title} waited ${Math.round(patience.totalMilliseconds / 1000)} s for older transactions and gave up. End the long transaction and run the same command again; the unfinished index is dropped and built anew.`,
      { step: step.key },
      { cause: error },
    );
  } finally {
    await client.query(`SELECT set_config('lock_timeout', '0', false)`).catch(() => undefined);
  }
}

/** What the engine's own queries can run into, in the product's words. */
function translate(error: unknown, address: DatabaseAddress): unknown {
  if (error instanceof AppError) return error;
  const state = sqlstate(error);
  if (state === '42501')
    return new AppError(
      'forbidden',
      'DATABASE_PRIVILEGE_MISSING',
      `The user "${address.user}" lacks a privilege: ${(error as Error).message}. Run onechart migrate check for the list of what is needed.`,
      { sqlstate: state },
      { cause: error },
    );
  if (state === '25006')
    return new AppError('unsafe', 'SERVER_READ_ONLY', 'The server takes no writes. Give the address of the primary.', { sqlstate: state }, { cause: error });
  if (state?.startsWith('08') || state?.startsWith('57P') || /Connection terminated|ECONNRESET|EPIPE/.test(String((error as Error)?.message))) {
    const lost = connectionError(error, address);
    return new AppError(
      'resumable',
      'DATABASE_CONNECTION_LOST',
      'The connection to the server was lost. What is done is whole; run the same command again to go on.',
      lost.details,
      { cause: error },
    );
  }
  return error;
}
