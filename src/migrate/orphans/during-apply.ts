import type pg from 'pg';
import type { Assessment } from '../assess.ts';
import type { Finding } from '../check.ts';
import type { Plan } from '../plan.ts';
import type { Run, RunOptions } from '../run.ts';
import type { Step } from '../step.ts';
import { actionFor, decide, type OrphanAction, openDecisions, settle } from './decisions.ts';
import { linkColumns, nameOf } from './link-columns.ts';
import { placeholdersLeft, queueExists, queuePlaceholders } from './queue.ts';
import { defaultBatchRows, resolveColumn } from './resolve.ts';
import { currentRunId, ensureOrphanTables, orphanTablesExist } from './tables.ts';

const titles: Readonly<Record<OrphanAction, (name: string) => string>> = {
  adopt: (name) => `Adopt the orphans of ${name}, in batches`,
  quarantine: (name) => `Quarantine the orphans of ${name}, in batches`,
  null: (name) => `Set the orphans of ${name} to NULL, in batches`,
};

/**
 * Milliseconds that an id (adopt) or a row takes: half of what npm run bench -- orphans measured on a crowded machine (load 18 on 2 cores,
 * a million rows with 100,000 ids: 0.42, 0.17, 0.12; docs/benchmarks.md).
 */
const milliseconds: Readonly<Record<OrphanAction, number>> = { adopt: 0.2, quarantine: 0.08, null: 0.06 };

/** A batch of 5,000 rows, there: up to 546 ms. */
const longestWaitMilliseconds = 250;

/** What a finding ORPHANS_DECIDED carries. */
export interface DecidedDetails {
  readonly table: string;
  readonly column: string;
  readonly key: string;
  readonly migration: string;
  readonly action: OrphanAction;
  readonly count: number;
  readonly ids: number;
}

/** Puts a step before the (first) validation of each key whose orphans are decided about; it stands for all its batches. Pure. */
export function withOrphanSteps(plan: Plan, findings: readonly Finding[]): Plan {
  const open = findings.flatMap(({ code, details }) => (code === 'ORPHANS_DECIDED' ? [details as unknown as DecidedDetails] : []));
  const steps = plan.steps.flatMap((step) => {
    const at = step.kind === 'validate' ? open.findIndex((decided) => validates(step, decided)) : -1;
    const [decided] = at === -1 ? [] : open.splice(at, 1);
    return decided ? [rowsStep(step, decided), step] : [step];
  });
  return { ...plan, steps };
}

/** A key of a partitioned table is validated partition by partition. */
function validates(step: Step, { key, migration, table }: DecidedDetails): boolean {
  if (step.migration !== migration) return false;
  return (step.key === `validate ${key}` && step.tables.every((each) => each.table === table)) || step.key.startsWith(`validate ${key} on `);
}

function rowsStep(validation: Step, { table, column, migration, action, count, ids }: DecidedDetails): Step {
  const name = nameOf({ table, column });
  const writes = action !== 'adopt';
  return {
    migration,
    key: `orphans ${name}`,
    title: titles[action](name),
    kind: 'rows',
    statements: [`-- ${count} rows now, ${defaultBatchRows} a batch, each batch in a transaction of its own`],
    lock: writes ? 'ROW EXCLUSIVE' : undefined,
    tables: writes ? validation.tables : [],
    estimate: { milliseconds: 10 + (writes ? count : ids) * milliseconds[action], writeWaitMilliseconds: writes && count > 0 ? longestWaitMilliseconds : 0 },
  };
}

/** Writes down `apply --orphans`, so that the same decision counts when the run is cut off and goes on without the option. */
export async function decideForAll(run: Run, assessment: Assessment, action: OrphanAction | undefined): Promise<void> {
  if (action === undefined) return;
  await ensureOrphanTables(run.client);
  const runId = await currentRunId(run.client, run.schema);
  for (const link of linkColumns(run.schema, assessment)) if (link.state !== 'closed') await decide(run.client, link, { action, runId });
}

/** Carries out a step that `withOrphanSteps` put into the plan: every batch is a step of the run. */
export async function resolveStep(run: Run, step: Step, options: { assessment: Assessment; patience?: RunOptions['patience'] }): Promise<void> {
  const link = linkColumns(run.schema, options.assessment).find((each) => `orphans ${nameOf(each)}` === step.key);
  const action = link && actionFor(link, await openDecisions(run.client, run.schema));
  if (!link || action === undefined) return;
  await ensureOrphanTables(run.client);
  // The key is there by now and refuses new orphans.
  await resolveColumn(run, { ...link, state: 'guarded' }, { action, patientsThere: true, patienceMilliseconds: options.patience?.totalMilliseconds });
  await run.step(settle(link, { runId: await currentRunId(run.client, run.schema) }));
}

/** Whether placeholders still have to be queued: an `apply` that has nothing else to do must do that. */
export async function queueWaits(client: pg.ClientBase, home: string): Promise<boolean> {
  return (await queueExists(client, home)) && placeholdersLeft(client, home);
}

/** After the last migration: the placeholders made while the queue was not there; and what a file said of ids that nobody named in the end goes. */
export async function fillQueue(run: Run, assessment: Assessment): Promise<void> {
  if ((await orphanTablesExist(run.client)) && (await openDecisions(run.client, run.schema)).length === 0)
    await run.client.query('DELETE FROM onechart.orphan_demographics WHERE "schemaName" = $1', [run.schema]);
  if (!(await queueWaits(run.client, run.schema))) return;
  const migration = assessment.migrations.find(({ statements }) =>
    statements.some(({ effect }) => effect.kind === 'table' && effect.name === 'patient_placeholders'),
  );
  await queuePlaceholders(run, { home: run.schema, migration: migration?.file.name ?? 'orphans', batchRows: defaultBatchRows });
}
