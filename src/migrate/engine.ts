import { type Assessment } from './assess.ts';
import { checkServer, hostFindings, throwBlocks } from './check.ts';
import { checkContents } from './check-rows.ts';
import { type HostProfile, type InitResult, initModule, readHostProfile } from './module/index.ts';
import { withOrphanSteps } from './orphans/during-apply.ts';
import { type LintReport, lintPending } from './lint/index.ts';
import type { OrphanAction } from './orphans/index.ts';
import type { Plan } from './plan.ts';
import { type CheckResult, hostOptions, type MigrateOptions, planFor, preflight, withConnection } from './preflight.ts';
import { type Verification, verifyAssessment } from './verify.ts';

export interface PlanResult extends CheckResult {
  readonly plan: Plan;
  /** What would be dangerous in the files of these steps if they were run as they are, each whole. */
  readonly lint: LintReport;
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
    return { findings: assessment ? [...findings, ...(await checkContents(client, options.address.schema, assessment))] : findings, assessment };
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
export async function planMigration(options: MigrateOptions & { readonly orphans?: OrphanAction | undefined }): Promise<PlanResult> {
  return withConnection(options, async (client) => {
    const { findings, assessment } = await preflight(client, options);
    throwBlocks(findings);
    const known = assessment as Assessment;
    const contents = await checkContents(client, options.address.schema, known, options.orphans);
    throwBlocks(contents);
    const plan = withOrphanSteps(await planFor(client, options.address.schema, known), contents);
    const files = known.migrations.map(({ file }) => file);
    const lint = await lintPending(client, options.address.schema, { files, pending: new Set(plan.steps.map(({ migration }) => migration)) });
    return { findings: [...findings, ...contents], assessment: known, plan, lint };
  });
}

/** Compares the database with the migrations and tries it out; see verify.ts. */
export async function verifyMigration(options: MigrateOptions): Promise<Verification> {
  return withConnection(options, async (client) => {
    const { findings, assessment } = await preflight(client, options);
    if (!assessment) throwBlocks(findings);
    return verifyAssessment(client, options.address.schema, assessment as Assessment);
  });
}
