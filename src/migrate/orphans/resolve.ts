import { setTimeout as wait } from 'node:timers/promises';
import { AppError } from '../../base/errors.ts';
import type { Run } from '../run.ts';
import { row } from '../sql.ts';
import { defaultLockPatience } from '../session.ts';
import type { Step } from '../step.ts';
import { readTraffic } from '../traffic.ts';
import type { OrphanAction } from './decisions.ts';
import { type LinkColumn, type LinkFacts, nameOf, readLinkFacts } from './link-columns.ts';
import { findInWindow, hasOrphans, type OrphanChoice, pagesOf } from './scan.ts';
import { adoptIds, batchSetting, clearRows } from './statements.ts';

/** Rows or ids a batch; the longest wait of a live writer against the whole time, measured in docs/adr/0034. */
export const defaultBatchRows = 5_000;

/** Pages that one look goes over at most: 64 MB, so that a look through a table with few orphans is not many looks. */
const mostPages = 8_192;

/** While no key guards the column others may write orphans for ever: after so many passes it is left to the next run. */
const mostUnguardedPasses = 5;

export interface ResolveOptions {
  readonly action: OrphanAction;
  readonly patientsThere: boolean;
  readonly batchRows?: number | undefined;
  /** Kept with each row that is quarantined. */
  readonly reason?: string | undefined;
  readonly blank?: OrphanChoice['blank'];
  /** How long to wait for rows that others hold locked. */
  readonly patienceMilliseconds?: number | undefined;
}

/** How many patients were made or rows changed. */
export interface Resolved {
  readonly table: string;
  readonly column: string;
  readonly action: OrphanAction;
  readonly done: number;
  /** Whether others have written new orphans meanwhile; only while no key guards the column. */
  readonly left: boolean;
}

/**
 * Does to the orphans of one column what was decided, a batch at a time, each batch a step of its own.
 *
 * A table is gone over by its pages in order, a window at a time. That needs no index on the column and no list of the ids beside the
 * table, reads every page once a pass whatever the number of batches, and a row that a writer moves meanwhile is met in the next pass.
 */
export async function resolveColumn(run: Run, link: LinkColumn, wanted: ResolveOptions): Promise<Resolved> {
  const facts = await readLinkFacts(run.client, link);
  // An empty text is nobody's id; one that is written between the check and the key is found by the key's validation.
  const options = wanted.action === 'adopt' && facts.textual ? { ...wanted, blank: 'without' as const } : wanted;
  const work = lazyWork(run, link, options);
  let doneBefore = -1;
  let waitingSince = performance.now();
  for (let pass = 1; pass === 1 || (await hasOrphans(run.client, link, options)); pass += 1) {
    const done = await work.done();
    if (done > doneBefore) waitingSince = performance.now();
    else if (performance.now() - waitingSince > (options.patienceMilliseconds ?? defaultLockPatience.totalMilliseconds)) throw rowsLocked(link);
    else await wait(Math.min(1_000, 50 * pass));
    if (pass > mostUnguardedPasses && done > doneBefore && link.state === 'open') return { ...nameAndAction(link, options), done, left: true };
    doneBefore = done;
    await withLookUps(run, async () => {
      for (const part of facts.parts) await goOver(run, link, { ...options, facts, part, work });
    });
  }
  return { ...nameAndAction(link, options), done: await work.done(), left: false };
}

function nameAndAction({ table, column }: LinkColumn, { action }: ResolveOptions): Pick<Resolved, 'table' | 'column' | 'action'> {
  return { table, column, action };
}

function rowsLocked(link: LinkColumn): AppError {
  return new AppError(
    'busy',
    'ORPHAN_ROWS_LOCKED',
    `Some orphans of ${nameOf(link)} could not be changed: another transaction holds their rows locked, or a trigger of the host takes the change back. What is done is whole; end the long transaction and run the same command again.`,
    { table: link.table, column: link.column },
  );
}

/** With statistics from before the work the planner would read all of patients, again for every window: here it looks each id up. */
async function withLookUps(run: Run, work: () => Promise<void>): Promise<void> {
  for (const name of ['enable_hashjoin', 'enable_mergejoin', 'enable_seqscan', 'enable_bitmapscan']) await run.client.query(`SET ${name} = off`);
  try {
    await work();
  } finally {
    for (const name of ['enable_hashjoin', 'enable_mergejoin', 'enable_seqscan', 'enable_bitmapscan'])
      await run.client.query(`RESET ${name}`).catch(() => undefined);
  }
}

interface PartWork extends ResolveOptions {
  readonly facts: LinkFacts;
  readonly part: LinkFacts['parts'][number];
  readonly work: ReturnType<typeof lazyWork>;
}

async function goOver(run: Run, link: LinkColumn, options: PartWork): Promise<void> {
  const { facts, part, work, action, patientsThere, batchRows = defaultBatchRows } = options;
  const end = await pagesOf(run.client, part);
  const what = action === 'adopt' ? 'ids' : 'places';
  let pages = 64;
  for (let from = 0; from < end; ) {
    const found = await findInWindow(run.client, link, { part, from, pages, patientsThere, what, blank: options.blank });
    for (let at = 0; at < found.length; at += batchRows) {
      const batch = found.slice(at, at + batchRows);
      const workId = await work.id();
      const value = what === 'ids' ? JSON.stringify(batch) : `{${batch.map((place) => `"${place}"`).join(',')}}`;
      await run.client.query('SELECT set_config($1, $2, false)', [batchSetting, value]);
      const queueThere = await work.queueThere();
      const statement =
        action === 'adopt'
          ? adoptIds(link, { workId, idType: facts.textual ? 'text' : 'uuid', queueThere })
          : clearRows(link, { facts, part, workId, patientsThere, blank: options.blank, copy: action === 'quarantine' });
      await run.step(await work.step(statement));
    }
    from += pages;
    // Towards windows that nearly fill a batch: dense tables are looked at in small windows, sparse ones in big ones.
    pages = Math.max(1, Math.min(mostPages, pages * 4, found.length === 0 ? pages * 4 : Math.ceil((0.9 * pages * batchRows) / found.length)));
  }
}

const verbs: Readonly<Record<OrphanAction, string>> = { adopt: 'Adopt', quarantine: 'Quarantine', null: 'Set to NULL' };

/** The row of this work in the journal, written when there is something to do, and the steps that count up in it. */
function lazyWork(run: Run, link: LinkColumn, { action, reason }: ResolveOptions) {
  let id: number | undefined;
  let batch = 0;
  let tables: Step['tables'] | undefined;
  let queue: boolean | undefined;
  return {
    async id(): Promise<number> {
      if (id !== undefined) return id;
      const made = await row<{ id: string }>(
        run.client,
        `INSERT INTO onechart.orphan_work ("runId", "schemaName", "tableName", "columnName", action, reason)
         SELECT max(id), $1, $2, $3, $4, $5 FROM onechart.migration_runs WHERE "schemaName" = $1 RETURNING id`,
        [link.home, link.table, link.column, action, reason ?? null],
      );
      id = Number(made.id);
      return id;
    },
    async queueThere(): Promise<boolean> {
      queue ??= (await row<{ there: boolean }>(run.client, `SELECT to_regclass(quote_ident($1) || '.patient_placeholders') IS NOT NULL AS there`, [link.home]))
        .there;
      return queue;
    },
    async step(statement: string): Promise<Step> {
      batch += 1;
      tables ??= [...(await readTraffic(run.client, link.home, [link.table])).values()];
      return {
        migration: link.migration,
        key: `${action} ${nameOf(link)} ${batch}`,
        title: `${verbs[action]} orphans of ${nameOf(link)}, batch ${batch}`,
        kind: 'rows',
        statements: [statement],
        lock: action === 'adopt' ? undefined : 'ROW EXCLUSIVE',
        tables,
        estimate: { milliseconds: 150, writeWaitMilliseconds: action === 'adopt' ? 0 : 100 },
      };
    },
    async done(): Promise<number> {
      if (id === undefined) return 0;
      return Number((await row<{ done: string }>(run.client, 'SELECT done FROM onechart.orphan_work WHERE id = $1', [id])).done);
    },
  };
}
