import type pg from 'pg';
import { AppError } from '../../base/errors.ts';
import type { Assessment } from '../assess.ts';
import { throwBlocks } from '../check.ts';
import { type MigrateOptions, preflight, withConnection } from '../preflight.ts';
import { type DoneStep, type Run, type RunOptions, withRun } from '../run.ts';
import { actionFor, decide, type OrphanAction, openDecisions, refusal } from './decisions.ts';
import { loadDemographics, type LoadedDemographics, useOnWaiting } from './demographics.ts';
import { chooseColumns, type LinkColumn, linkColumns, nameOf, patientsExist, readLinkFacts } from './link-columns.ts';
import { type PlaceholderQueue, queueExists, readQueue } from './queue.ts';
import { defaultBatchRows, type Resolved, resolveColumn } from './resolve.ts';
import { countOrphans, eachOrphanId } from './scan.ts';
import { currentRunId, ensureOrphanTables } from './tables.ts';
import { runsToUndo, type Undone, undoRun } from './undo.ts';

/** The orphans of one link column. */
export interface ListedOrphans {
  readonly table: string;
  readonly column: string;
  /** Rows whose id belongs to no patient; before the patients table exists, all rows with an id. */
  readonly rows: number;
  /** Distinct ids among them. */
  readonly ids: number;
  /** Rows whose id is empty or white space. */
  readonly blankRows: number;
  /** At most three ids. */
  readonly samples: readonly string[];
  /** What `apply` is going to do with them, when that is decided. */
  readonly decided?: OrphanAction;
}

export interface OrphanList {
  readonly columns: readonly ListedOrphans[];
  /** Whether the table of patients is there. */
  readonly patientsThere: boolean;
}

export interface ListOrphansOptions extends MigrateOptions {
  /** Link tables to look at, `table` or `table.column`; all by default. */
  readonly tables?: readonly string[] | undefined;
  /** Takes every id with its number of rows, in portions; for a file. */
  readonly onIds?: (portion: readonly { readonly table: string; readonly column: string; readonly id: string; readonly rows: number }[]) => Promise<void>;
}

/**
 * Lists the orphans of every link column: ids that belong to no patient. Changes nothing and takes no lock a writer could wait for.
 *
 * Errors: `ORPHAN_TABLE_UNKNOWN` and those of a connection.
 *
 * @example
 * const { columns } = await listOrphans({ address: parseDatabaseUrl('postgresql://ehr_user@127.0.0.1/ehr') });
 * for (const { table, column, rows, ids } of columns) console.log(`${table}.${column}: ${rows} rows, ${ids} ids`);
 */
export async function listOrphans(options: ListOrphansOptions): Promise<OrphanList> {
  return withConnection(options, async (client) => {
    const { links, patientsThere } = await lookAt(client, options);
    const decisions = await openDecisions(client, options.address.schema);
    const columns: ListedOrphans[] = [];
    for (const link of links) {
      const { textual } = await readLinkFacts(client, link);
      const decided = actionFor(link, decisions);
      const found = await countOrphans(client, link, { patientsThere, textual });
      columns.push({ table: link.table, column: link.column, ...found, ...(decided && link.state !== 'closed' ? { decided } : {}) });
      const { onIds } = options;
      if (onIds && found.rows > 0)
        await eachOrphanId(client, link, {
          patientsThere,
          take: (portion) => onIds(portion.map((each) => ({ table: link.table, column: link.column, ...each }))),
        });
    }
    return { columns, patientsThere };
  });
}

export interface ResolveOrphansOptions extends RunOptions {
  /** Link tables to work on, `table` or `table.column`; all by default. */
  readonly tables?: readonly string[] | undefined;
  /** Rows (ids, for adopt) a batch; 5,000 by default. */
  readonly batchRows?: number | undefined;
}

export interface ResolvedOrphans {
  /** `done`: it was done now. `decided`: the table of patients is not there yet; `apply` does it. */
  readonly outcome: 'done' | 'decided';
  readonly columns: readonly Resolved[];
  readonly steps: readonly DoneStep[];
  /** What became of the file of the host, when one was given. */
  readonly file?: LoadedDemographics & {
    /** Placeholders that waited and now have what the file says. */
    readonly completed: number;
    /** Placeholders that were left, because somebody has begun to fill them in. */
    readonly begun: number;
  };
}

export interface AdoptOrphansOptions extends ResolveOrphansOptions {
  /** A CSV file of the host with the demographics of orphan ids; see docs/runbooks/orphans.md for its columns. */
  readonly from?: string | undefined;
}

/**
 * Gives every orphan id a patient: one placeholder per id, in whichever and however many tables it stands, with a record number that no
 * format issues, put into the queue of placeholders that wait for real demographics; or, where a file of the host knows the person, a
 * chart with what the file says. The rows of the host are not touched. Before the table of patients exists the decision is written down
 * and `applyMigration` carries it out.
 *
 * Errors: `ORPHAN_IDS_BLANK`, `ORPHAN_TABLE_UNKNOWN`, `PATIENTS_FILE_INVALID` (with every bad line), and those of every run.
 *
 * @example
 * const { outcome, columns } = await adoptOrphans({ address: parseDatabaseUrl('postgresql://ehr_user@127.0.0.1/ehr'), tables: ['bills'] });
 * console.log(outcome, columns.map(({ table, done }) => `${table}: ${done}`));
 */
export async function adoptOrphans(options: AdoptOrphansOptions): Promise<ResolvedOrphans> {
  return withRun({ ...options, command: 'orphans adopt' }, async (run) => {
    const { links, patientsThere } = await lookAt(run.client, options);
    const open = await withOrphans(run.client, links, { action: 'adopt', patientsThere });
    const file = options.from === undefined ? undefined : await loadDemographics(run, { file: options.from, links, patientsThere });
    if (!patientsThere) {
      await decideColumns(run, links, 'adopt');
      return { outcome: 'decided', columns: [], steps: run.done, ...(file ? { file: { ...file, completed: 0, begun: 0 } } : {}) };
    }
    const columns = await resolveColumns(run, open, { ...options, action: 'adopt', patientsThere });
    const used = file ? { ...file, ...(await useOnWaiting(run, options.batchRows ?? defaultBatchRows)) } : undefined;
    return { outcome: 'done', columns, steps: run.done, ...(used ? { file: used } : {}) };
  });
}

export interface ClearOrphansOptions extends ResolveOrphansOptions {
  /** Kept with the work in the journal. */
  readonly reason?: string | undefined;
  /** Only ids that are empty or white space (text keys), which cannot be adopted. */
  readonly blankOnly?: boolean | undefined;
}

/**
 * Copies every row with an orphan id to `onechart.orphan_rows`, with its key, the reason and the run, then sets the id to NULL.
 * Needs no table of patients.
 *
 * Errors: `ORPHAN_COLUMN_NOT_NULL`, `ORPHAN_TABLE_WITHOUT_KEY` (before anything is changed), `ORPHAN_ROWS_LOCKED`, and those of every run.
 *
 * @example
 * await quarantineOrphans({ address: parseDatabaseUrl('postgresql://ehr_user@127.0.0.1/ehr'), tables: ['bills'], reason: 'Lost with the old registry' });
 */
export async function quarantineOrphans(options: ClearOrphansOptions): Promise<ResolvedOrphans> {
  return clear(options, 'quarantine');
}

/**
 * Sets every orphan id to NULL and keeps each row's key and old id in `onechart.orphan_rows`. Needs no table of patients.
 *
 * Errors: as `quarantineOrphans`.
 *
 * @example
 * const { columns } = await nullOrphans({ address: parseDatabaseUrl('postgresql://ehr_user@127.0.0.1/ehr') });
 * for (const { table, done } of columns) console.log(`${table}: ${done} rows`);
 */
export async function nullOrphans(options: ClearOrphansOptions): Promise<ResolvedOrphans> {
  return clear(options, 'null');
}

async function clear(options: ClearOrphansOptions, action: 'quarantine' | 'null'): Promise<ResolvedOrphans> {
  return withRun({ ...options, command: `orphans ${action}` }, async (run) => {
    const { links, patientsThere } = await lookAt(run.client, options);
    const open = await withOrphans(run.client, links, { action, patientsThere, blankOnly: options.blankOnly });
    const columns = await resolveColumns(run, open, { ...options, action, patientsThere });
    return { outcome: 'done', columns, steps: run.done };
  });
}

export interface UndoOrphansOptions extends RunOptions {
  /** The run to undo; by default the last that did anything to orphans, with those it went on from. */
  readonly run?: number | undefined;
  readonly batchRows?: number | undefined;
}

export interface UndoneOrphans {
  /** The runs that were undone, the last first; several where one was cut off and another went on. */
  readonly runs: readonly number[];
  readonly columns: readonly Undone[];
  readonly steps: readonly DoneStep[];
}

/**
 * Puts back what a run did to orphans, where nothing has changed since: rows that were set to NULL get their id back (once the key is
 * there, only where the patient exists), patients that were adopted go when nothing names them through a key. The rest stays and is told,
 * by reason. Decisions that have not been carried out are taken back.
 *
 * Errors: `ORPHAN_WORK_MISSING` and those of every run.
 *
 * @example
 * const { runs, columns } = await undoOrphans({ address: parseDatabaseUrl('postgresql://ehr_user@127.0.0.1/ehr') });
 * for (const { table, undone, left } of columns) console.log(runs, table, undone, left.length === 0 ? 'all put back' : left);
 */
export async function undoOrphans(options: UndoOrphansOptions): Promise<UndoneOrphans> {
  return withRun({ ...options, command: 'orphans undo' }, async (run) => {
    const runs = await runsToUndo(run.client, run.schema, options.run);
    await run.begin();
    await run.note({ undoes: runs });
    const columns: Undone[] = [];
    for (const runId of runs) columns.push(...(await undoRun(run, { runId, batchRows: options.batchRows ?? defaultBatchRows })));
    return { runs, columns, steps: run.done };
  });
}

export interface PlaceholderOptions extends MigrateOptions {
  /** How many to list, oldest first; 20 by default. */
  readonly limit?: number;
}

/**
 * The placeholders that wait for real demographics: how many, and which have waited longest.
 *
 * Errors: `PLACEHOLDER_QUEUE_MISSING` before the module is applied.
 *
 * @example
 * const { waiting, oldest } = await listPlaceholders({ address: parseDatabaseUrl('postgresql://ehr_user@127.0.0.1/ehr'), limit: 5 });
 * console.log(waiting, oldest.map(({ patientId }) => patientId));
 */
export async function listPlaceholders(options: PlaceholderOptions): Promise<PlaceholderQueue> {
  return withConnection(options, async (client) => {
    const { schema } = options.address;
    if (!(await queueExists(client, schema)))
      throw new AppError(
        'unsafe',
        'PLACEHOLDER_QUEUE_MISSING',
        `Schema "${schema}" has no queue of placeholders: the patient module is not (wholly) applied. Run onechart migrate apply first.`,
        { schema },
      );
    return readQueue(client, schema, options.limit ?? 20);
  });
}

interface Looked {
  readonly links: readonly LinkColumn[];
  readonly patientsThere: boolean;
}

async function lookAt(client: pg.Client, options: MigrateOptions & { tables?: readonly string[] | undefined }): Promise<Looked> {
  const { findings, assessment } = await preflight(client, options);
  if (!assessment) throwBlocks(findings);
  const known = assessment as Assessment;
  return { links: chooseColumns(linkColumns(options.address.schema, known), options.tables), patientsThere: patientsExist(known) };
}

/** The columns that have orphans. Before anything is changed: an action that is impossible for one of them is refused for all. */
async function withOrphans(
  client: pg.Client,
  links: readonly LinkColumn[],
  { action, patientsThere, blankOnly }: { action: OrphanAction; patientsThere: boolean; blankOnly?: boolean | undefined },
): Promise<LinkColumn[]> {
  const found: LinkColumn[] = [];
  for (const link of links) {
    if (link.state === 'closed') continue;
    const facts = await readLinkFacts(client, link);
    const { rows, blankRows } = await countOrphans(client, link, { patientsThere, textual: facts.textual });
    if ((blankOnly ? blankRows : rows) === 0) continue;
    const error = refusal(link, { action, facts, blankRows });
    if (error) throw error;
    found.push(link);
  }
  return found;
}

async function decideColumns(run: Run, links: readonly LinkColumn[], action: OrphanAction): Promise<void> {
  await run.begin();
  await ensureOrphanTables(run.client);
  const runId = await currentRunId(run.client, run.schema);
  for (const link of links) if (link.state !== 'closed') await decide(run.client, link, { action, runId });
  await run.note({ decided: links.map((link) => ({ column: nameOf(link), action })) });
}

async function resolveColumns(
  run: Run,
  links: readonly LinkColumn[],
  options: ClearOrphansOptions & { action: OrphanAction; patientsThere: boolean },
): Promise<Resolved[]> {
  if (links.length === 0) return [];
  await run.begin();
  await ensureOrphanTables(run.client);
  const { action, patientsThere, batchRows, reason, blankOnly, patience } = options;
  const done: Resolved[] = [];
  for (const link of links)
    done.push(
      await resolveColumn(run, link, {
        action,
        patientsThere,
        batchRows,
        reason,
        blank: blankOnly ? 'only' : undefined,
        patienceMilliseconds: patience?.totalMilliseconds,
      }),
    );
  await run.note({ orphans: done });
  return done;
}
