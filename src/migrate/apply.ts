import type pg from 'pg';
import { AppError } from '../base/errors.ts';
import type { Assessment } from './assess.ts';
import { assertSchemaUnchanged, type ProvenBackup } from './backup/index.ts';
import { type Finding, throwBlocks } from './check.ts';
import { checkContents } from './check-rows.ts';
import { ensureHistoryTable, finishHistoryRow, startHistoryRow } from './history.ts';
import { recordedFiles, recordFile } from './journal.ts';
import { objectCounts } from './object-counts.ts';
import { decideForAll, fillQueue, queueWaits, resolveStep, withOrphanSteps } from './orphans/during-apply.ts';
import type { OrphanAction } from './orphans/index.ts';
import type { Plan } from './plan.ts';
import { planFor, preflight } from './preflight.ts';
import { type DoneStep, type Run, type RunOptions, withRun } from './run.ts';
import { type Verification, verifyAssessment } from './verify.ts';

export interface ApplyOptions extends RunOptions {
  /**
   * Gives a proven backup (see `makeBackup`, `acceptBackup`). It is called under the migration lock, when something is to be
   * done and nothing has been: what changes between the backup and the first step are rows that the EHR writes, nothing else.
   * A cold copy, which stops the server and with it the lock, is made before and only handed over here; that the schema is
   * still the saved one is looked at in both cases.
   */
  readonly backup?: (() => Promise<ProvenBackup>) | undefined;
  /** Goes on without one; must be said in so many words. */
  readonly noBackup?: boolean | undefined;
  /** What is to become of ids that belong to no patient, in every link table; else what was decided for each with `adoptOrphans`. */
  readonly orphans?: OrphanAction | undefined;
}

export interface ApplyResult {
  readonly findings: readonly Finding[];
  readonly steps: readonly DoneStep[];
  readonly verification: Verification;
  /** Undefined with `noBackup`, and when nothing was to be done. */
  readonly backup: ProvenBackup | undefined;
}

/**
 * Brings the module's migrations to the database, online: only what is missing, each step journalled, safe to be cut
 * off anywhere; the same call goes on from there. What it leaves is what Prisma would have made.
 *
 * Errors: `BACKUP_REQUIRED`, `BACKUP_OUTDATED` (unsafe), those of the backup, every block of the preflight, and those of `withRun`.
 */
export async function applyMigration(options: ApplyOptions): Promise<ApplyResult> {
  requireBackup(options);
  return withRun({ ...options, command: 'apply' }, (run) => applyWith(run, options));
}

export function requireBackup({ noBackup, backup }: ApplyOptions): void {
  if (noBackup || backup) return;
  throw new AppError(
    'unsafe',
    'BACKUP_REQUIRED',
    'Nothing is changed without a proven backup. Hand over a function that makes one (makeBackup), or say noBackup (--no-backup) when you have one.',
  );
}

/** @param look sees what there is before anything is changed; what it throws stops the run */
export async function applyWith(run: Run, options: ApplyOptions, look?: (known: Assessment) => void): Promise<ApplyResult> {
  const { client, schema } = run;
  const { findings, assessment } = await preflight(client, options);
  throwBlocks(findings);
  const known = assessment as Assessment;
  look?.(known);
  const contents = await checkContents(client, schema, known, options.orphans);
  throwBlocks(contents);
  const plan = withOrphanSteps(await planFor(client, schema, known), contents);
  await run.planned(plan.steps);
  const changes = plan.steps.length > 0 || plan.historyOnly.length > 0 || (await queueWaits(client, schema));
  const backup = changes && !options.noBackup ? await options.backup?.() : undefined;
  if (changes) {
    if (backup && !backup.earlier) await assertSchemaUnchanged(client, backup);
    await ensureHistoryTable(client);
    await run.begin();
    // The list of objects is long and stands in the backup's manifest.
    await run.note({ findings, plan, before: objectCounts(known), backup: backup ? { ...backup, objects: undefined } : '--no-backup was given' });
    await decideForAll(run, known, options.orphans);
    await applySteps(run, known, { plan, patience: options.patience });
    await fillQueue(run, known);
  }
  const after = (await preflight(client, options)).assessment ?? known;
  const verification = await verifyAssessment(client, schema, after);
  if (changes) await run.note({ after: objectCounts(after), verification });
  return { findings, steps: run.done, verification, backup };
}

async function applySteps(run: Run, known: Assessment, { plan, patience }: { plan: Plan; patience: RunOptions['patience'] }): Promise<void> {
  const { client, schema } = run;
  const attempts = new Map((await recordedFiles(client, schema)).map(({ name, attemptId }) => [name, attemptId]));
  for (const { file, history } of known.migrations) {
    const steps = plan.steps.filter(({ migration }) => migration === file.name);
    if (steps.length === 0 && history === 'applied') continue;
    // An applied row whose objects are gone (what `resolve --applied` leaves) stays as it is; the objects are made.
    const attempt = history === 'applied' ? undefined : await openAttempt(client, schema, { file, attemptId: attempts.get(file.name) ?? undefined });
    await run.checkpoint(`${file.name} started`);
    for (const step of steps) await (step.kind === 'rows' ? resolveStep(run, step, { assessment: known, patience }) : run.step(step));
    if (attempt) await finishHistoryRow(client, attempt);
    await run.checkpoint(`${file.name} finished`);
  }
}

/** Says in the history that a migration has started, and keeps its text; an attempt of ours that was cut off is taken up again. */
export async function openAttempt(
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
