import type pg from 'pg';
import { AppError } from '../../base/errors.ts';
import { splitRelation } from '../relation.ts';
import type { Run } from '../run.ts';
import { quote, row, rows } from '../sql.ts';
import type { Step } from '../step.ts';
import { readTraffic } from '../traffic.ts';
import type { OrphanAction } from './decisions.ts';
import { type LinkFacts, nameOf, qualified, readLinkFacts } from './link-columns.ts';
import { fingerprint, optionalColumns, placeholderMrn, placeholderName } from './placeholder.ts';
import { queueExists } from './queue.ts';
import { batchSetting, literal } from './statements.ts';
import { orphanTablesExist } from './tables.ts';

/** What an undo did with the work of one column. */
export interface Undone {
  readonly table: string;
  readonly column: string;
  readonly action: OrphanAction | 'complete';
  readonly undone: number;
  /** What could not be put back, by reason, with a few keys or ids. */
  readonly left: readonly { readonly reason: string; readonly count: number; readonly samples: readonly string[] }[];
}

interface Work {
  readonly id: string;
  readonly tableName: string;
  readonly columnName: string;
  readonly action: OrphanAction | 'complete';
}

/**
 * The runs whose work on orphans is to be undone, the last first: the one named, or the last with any that is not undone together with
 * the runs of the same command right before it that were cut off, because it went on with their work.
 */
export async function runsToUndo(client: pg.ClientBase, home: string, wanted: number | undefined): Promise<number[]> {
  const there = await orphanTablesExist(client);
  const open = there
    ? await rows<{ id: string; command: string; done: boolean }>(
        client,
        `SELECT r.id, r.command, r.outcome IS NOT DISTINCT FROM 'done' AS done FROM onechart.migration_runs r WHERE r."schemaName" = $1 AND ($2::bigint IS NULL OR r.id = $2)
           AND (EXISTS (SELECT FROM onechart.orphan_work w WHERE w."runId" = r.id AND w."undoneAt" IS NULL)
             OR EXISTS (SELECT FROM onechart.orphan_decisions d WHERE d."runId" = r.id AND d."carriedOutAt" IS NULL))
         ORDER BY r.id DESC`,
        [home, wanted ?? null],
      )
    : [];
  const [last, ...before] = open;
  if (last) {
    const end = before.findIndex(({ command, done }) => done || command !== last.command);
    return [last, ...(end === -1 ? before : before.slice(0, end))].map(({ id }) => Number(id));
  }
  throw new AppError(
    'not-found',
    'ORPHAN_WORK_MISSING',
    wanted === undefined
      ? 'There is no work on orphans to undo in this schema.'
      : `Run ${wanted} did nothing to orphans of this schema, or it is undone already. See the runs with onechart migrate runs.`,
    { run: wanted },
  );
}

/** Puts back what a run did to orphans, the last work first, a batch a step; what has changed since stays and is counted. */
export async function undoRun(run: Run, { runId, batchRows }: { runId: number; batchRows: number }): Promise<Undone[]> {
  const { client, schema: home } = run;
  const work = await rows<Work>(
    client,
    `SELECT id, "tableName", "columnName", action FROM onechart.orphan_work WHERE "runId" = $1 AND "schemaName" = $2 AND "undoneAt" IS NULL ORDER BY id DESC`,
    [runId, home],
  );
  const results: Undone[] = [];
  for (const each of work) {
    const left = each.action === 'adopt' || each.action === 'complete' ? await undoPatients(run, each, batchRows) : await undoRows(run, each, batchRows);
    const table = each.action === 'adopt' || each.action === 'complete' ? 'orphan_patients' : 'orphan_rows';
    const { undone, open } = await row<{ undone: string; open: string }>(
      client,
      `SELECT count("undoneAt") AS undone, count(*) - count("undoneAt") AS open FROM onechart.${table} WHERE "workId" = $1`,
      [each.id],
    );
    if (Number(open) === 0)
      await run.step(step(each, { batch: 'end', statements: [`UPDATE onechart.orphan_work SET "undoneAt" = now() WHERE id = ${each.id}`], tables: [] }));
    results.push({ table: each.tableName, column: each.columnName, action: each.action, undone: Number(undone), left });
  }
  const { count } = await row<{ count: string }>(
    client,
    'SELECT count(*) FROM onechart.orphan_decisions WHERE "runId" = $1 AND "schemaName" = $2 AND "carriedOutAt" IS NULL',
    [runId, home],
  );
  if (Number(count) > 0)
    await run.step({
      ...step(
        { id: '0', tableName: '', columnName: '', action: 'adopt' },
        {
          batch: '',
          tables: [],
          statements: [
            `DELETE FROM onechart.orphan_decisions WHERE "runId" = ${runId} AND "schemaName" = ${literal(home)} AND "carriedOutAt" IS NULL`,
            `DELETE FROM onechart.orphan_demographics WHERE "runId" = ${runId} AND "schemaName" = ${literal(home)}`,
          ],
        },
      ),
      key: `undo decisions of run ${runId}`,
      title: `Take back the decisions of run ${runId}`,
    });
  return results;
}

function step(work: Work, { batch, statements, tables }: { batch: number | string; statements: readonly string[]; tables: Step['tables'] }): Step {
  const name = nameOf({ table: work.tableName, column: work.columnName });
  return {
    migration: 'orphans',
    key: `undo ${work.action} ${name} ${batch}`,
    title: `Undo ${work.action} of ${name}, ${batch === 'end' ? 'end' : `batch ${batch}`}`,
    kind: 'rows',
    statements,
    lock: 'ROW EXCLUSIVE',
    tables,
    estimate: { milliseconds: 150, writeWaitMilliseconds: 100 },
  };
}

/** Gives rows their ids back where the link is still NULL and, once a key is there, the patient exists. */
async function undoRows(run: Run, work: Work, batchRows: number): Promise<Undone['left']> {
  const { client, schema: home } = run;
  const { schema, name } = splitRelation(work.tableName, home);
  const link = { home, schema, name, table: work.tableName, column: work.columnName, key: '', migration: '', state: 'open' } as const;
  const facts = await readLinkFacts(client, link);
  const tables = [...(await readTraffic(client, home, [work.tableName])).values()];
  const keyed = await hasKey(client, link);
  const table = qualified(link);
  const column = quote(work.columnName);
  const same = keyCondition(facts, 'b');
  const patient = keyed ? ` AND EXISTS (SELECT FROM ${quote(home)}.patients p WHERE p.id = b."orphanId"::${facts.type})` : '';
  for (let after = '0', batch = 1; ; batch += 1) {
    const { last } = await row<{ last: string | null }>(
      client,
      `SELECT max(id) AS last FROM (SELECT id FROM onechart.orphan_rows WHERE "workId" = $1 AND "undoneAt" IS NULL AND id > $2 ORDER BY id LIMIT ${batchRows}) AS b`,
      [work.id, after],
    );
    if (last === null) break;
    await run.step(
      step(work, {
        batch,
        tables,
        statements: [
          `WITH b AS MATERIALIZED (SELECT id, key, "orphanId" FROM onechart.orphan_rows WHERE "workId" = ${work.id} AND "undoneAt" IS NULL AND id > ${after} AND id <= ${last}
), back AS (
  UPDATE ${table} t SET ${column} = b."orphanId"::${facts.type} FROM b WHERE ${same} AND t.${column} IS NULL${patient} RETURNING b.id
)
UPDATE onechart.orphan_rows r SET "undoneAt" = now() FROM back WHERE r.id = back.id`,
        ],
      }),
    );
    after = last;
  }
  const left = await rows<{ reason: string; count: string; samples: string[] }>(
    client,
    `SELECT reason, count(*) AS count, (array_agg(key ORDER BY id))[1:3] AS samples FROM (
       SELECT b.id, b.key::text AS key, CASE WHEN NOT EXISTS (SELECT FROM ${table} t WHERE ${same}) THEN 'the row is gone'
         WHEN EXISTS (SELECT FROM ${table} t WHERE ${same} AND t.${column} IS NOT NULL) THEN 'the row has another patient now'
         ELSE 'the key is there and no patient has the old id' END AS reason
       FROM onechart.orphan_rows b WHERE "workId" = $1 AND "undoneAt" IS NULL) AS open GROUP BY reason ORDER BY reason`,
    [work.id],
  );
  return left.map((each) => ({ ...each, count: Number(each.count) }));
}

function keyCondition(facts: LinkFacts, batch: string): string {
  return facts.primaryKey.map(({ name, type }) => `t.${quote(name)} = (${batch}.key->>${literal(name)})::${type}`).join(' AND ');
}

async function hasKey(client: pg.ClientBase, link: { home: string; schema: string; name: string; column: string }): Promise<boolean> {
  const { there } = await row<{ there: boolean }>(
    client,
    `SELECT EXISTS (SELECT FROM pg_constraint k JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)
       WHERE k.contype = 'f' AND k.conrelid = $1::regclass AND k.confrelid = to_regclass(quote_ident($2) || '.patients') AND a.attname = $3) AS there`,
    [qualified(link), link.home, link.column],
  );
  return there;
}

/**
 * Deletes patients that are still as they were adopted and that nothing names through a key; completed ones become placeholders again.
 * While the key of the link table is there its rows name them, and without them would be orphans, which the key forbids: those stay.
 */
async function undoPatients(run: Run, work: Work, batchRows: number): Promise<Undone['left']> {
  const { client, schema: home } = run;
  const patients = `${quote(home)}.patients`;
  const queue = `${quote(home)}.patient_placeholders`;
  const withQueue = await queueExists(client, home);
  if (!(await row<{ there: boolean }>(client, 'SELECT to_regclass($1) IS NOT NULL AS there', [patients])).there) {
    // The module was rolled back: the patients went with it.
    const gone = `UPDATE onechart.orphan_patients SET "undoneAt" = now(), "toQueue" = false WHERE "workId" = ${work.id} AND "undoneAt" IS NULL`;
    await run.step(step(work, { batch: 1, statements: [gone], tables: [] }));
    return [];
  }
  const { type } = await row<{ type: string }>(
    client,
    `SELECT format_type(atttypid, atttypmod) AS type FROM pg_attribute WHERE attrelid = $1::regclass AND attname = 'id'`,
    [patients],
  );
  const references = await rows<{ table: string; column: string; name: string }>(
    client,
    `SELECT k.conrelid::regclass::text AS table, quote_ident(a.attname) AS column, c.relname || '.' || a.attname AS name
     FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
     WHERE k.contype = 'f' AND k.confrelid = $1::regclass AND k.conparentid = 0 AND c.relname <> 'patient_placeholders' ORDER BY 3`,
    [patients],
  );
  const named = references.map(
    (each) =>
      `WHEN EXISTS (SELECT FROM ${each.table} x WHERE x.${each.column} = p.id) THEN ${literal(`rows of ${each.name} name the patient, and its key is there`)}`,
  );
  const judgement = `CASE WHEN p.id IS NULL THEN 'the patient is gone' WHEN ${fingerprint('p')} <> o.fingerprint THEN 'the patient was changed since'
    ${work.action === 'adopt' ? named.join('\n    ') : ''} END`;
  const undo =
    work.action === 'adopt'
      ? `DELETE FROM ${patients} p USING judged WHERE p.id = judged.id AND judged.reason IS NULL RETURNING p.id`
      : `UPDATE ${patients} p SET mrn = ${placeholderMrn('p.id::text')}, "lastName" = '${placeholderName}', ${optionalColumns.map((each) => `${quote(each)} = NULL`).join(', ')}, version = p.version + 1, "updatedAt" = now()
    FROM judged WHERE p.id = judged.id AND judged.reason IS NULL RETURNING p.id`;
  const reopen =
    work.action === 'complete' && withQueue
      ? `, reopened AS (UPDATE ${queue} q SET "completedAt" = NULL, "completedBy" = NULL FROM changed WHERE q."patientId" = changed.id)`
      : '';
  for (let after = '', batch = 1; ; batch += 1) {
    const ids = (
      await rows<{ id: string }>(
        client,
        `SELECT "patientId" AS id FROM onechart.orphan_patients WHERE "workId" = $1 AND "undoneAt" IS NULL AND ($2 = '' OR "patientId" > $2) ORDER BY "patientId" LIMIT ${batchRows}`,
        [work.id, after],
      )
    ).map(({ id }) => id);
    if (ids.length === 0) break;
    after = ids.at(-1) as string;
    await client.query('SELECT set_config($1, $2, false)', [batchSetting, JSON.stringify(ids)]);
    const wanted = `(SELECT value::${type} AS id FROM jsonb_array_elements_text(current_setting('${batchSetting}')::jsonb))`;
    await run.step(
      step(work, {
        batch,
        tables: [],
        statements: [
          // Locked in a statement before, so that the look for references sees whoever named the patient until then.
          `SELECT count(*) FROM (SELECT FROM ${patients} p WHERE p.id IN ${wanted} FOR UPDATE) AS locked`,
          `WITH judged AS MATERIALIZED (
  SELECT w.id, ${judgement} AS reason FROM ${wanted} w JOIN onechart.orphan_patients o ON o."workId" = ${work.id} AND o."patientId" = w.id::text LEFT JOIN ${patients} p ON p.id = w.id
), changed AS (
  ${undo}
)${reopen}
UPDATE onechart.orphan_patients o SET "undoneAt" = now(), "toQueue" = false FROM changed WHERE o."workId" = ${work.id} AND o."patientId" = changed.id::text`,
        ],
      }),
    );
  }
  const left = await rows<{ reason: string; count: string; samples: string[] }>(
    client,
    `SELECT reason, count(*) AS count, (array_agg(id ORDER BY id))[1:3] AS samples FROM (
       SELECT o."patientId" AS id, coalesce(${judgement}, 'it was in use just now') AS reason
       FROM onechart.orphan_patients o LEFT JOIN ${patients} p ON p.id = o."patientId"::${type} WHERE o."workId" = $1 AND o."undoneAt" IS NULL) AS open GROUP BY reason ORDER BY reason`,
    [work.id],
  );
  return left.map((each) => ({ ...each, count: Number(each.count) }));
}
