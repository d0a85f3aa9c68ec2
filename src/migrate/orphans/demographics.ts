import { AppError } from '../../base/errors.ts';
import type { Run } from '../run.ts';
import { quote, row, rows } from '../sql.ts';
import type { Step } from '../step.ts';
import { type FileProblem, type PersonLine, readPeople } from './csv-people.ts';
import { type LinkColumn, qualified, readLinkFacts } from './link-columns.ts';
import { fingerprint, optionalColumns, placeholderMrn, placeholderName } from './placeholder.ts';
import { queueExists } from './queue.ts';
import { batchSetting, literal } from './statements.ts';
import { currentRunId, ensureOrphanTables } from './tables.ts';

/** What was in the file of the host. */
export interface LoadedDemographics {
  /** Lines with a person. */
  readonly lines: number;
  /** Ids of the file that are neither an orphan nor a waiting placeholder; nothing is done with them. */
  readonly notOrphans: { readonly count: number; readonly samples: readonly string[] };
}

/** Problems that are listed one by one; a file with more is of another kind altogether. */
const mostProblems = 10_000;
const portion = 1_000;

/**
 * Checks the whole file, then keeps what it says about orphans until their patients are made; one transaction, so that a wrong line
 * leaves nothing behind.
 *
 * Errors: `PATIENTS_FILE_INVALID` with every wrong line, column and remedy in the details.
 */
export async function loadDemographics(run: Run, options: { file: string; links: readonly LinkColumn[]; patientsThere: boolean }): Promise<LoadedDemographics> {
  const { file, links, patientsThere } = options;
  const idIsUuid = links.length > 0 && !(await readLinkFacts(run.client, links[0] as LinkColumn)).textual;
  await checkFile(file, idIsUuid);
  await run.begin();
  await ensureOrphanTables(run.client);
  const runId = await currentRunId(run.client, run.schema);
  await run.client.query('BEGIN');
  try {
    // Left over from an attempt that was cut off before it used them.
    await run.client.query('DELETE FROM onechart.orphan_demographics WHERE "schemaName" = $1', [run.schema]);
    let waiting: PersonLine[] = [];
    const flush = async () => {
      await run.client.query(
        'INSERT INTO onechart.orphan_demographics ("schemaName", "patientId", data, "runId") SELECT $1, id, data, $2 FROM jsonb_to_recordset($3) AS p (id text, data jsonb)',
        [run.schema, runId, JSON.stringify(waiting)],
      );
      waiting = [];
    };
    const lines = await readPeople(file, {
      idIsUuid,
      complain: () => {
        throw new AppError('conflict', 'PATIENTS_FILE_CHANGED', `The file ${file} was changed while it was read. Run the same command again.`, { file });
      },
      take: async (person) => {
        waiting.push(person);
        if (waiting.length >= portion) await flush();
      },
    });
    await flush();
    const notOrphans = await dropOthers(run, { links, patientsThere, type: idIsUuid ? 'uuid' : 'text' });
    if (patientsThere) await refuseTakenNumbers(run);
    await run.client.query('COMMIT');
    return { lines, notOrphans };
  } catch (error) {
    await run.client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

async function checkFile(file: string, idIsUuid: boolean): Promise<void> {
  const problems: FileProblem[] = [];
  let count = 0;
  const complain = (problem: FileProblem) => {
    count += 1;
    if (problems.length < mostProblems) problems.push(problem);
  };
  const ids = new Map<string, number>();
  const numbers = new Map<string, number>();
  const once = (seen: Map<string, number>, value: string, { line, column }: { line: number; column: string }) => {
    const before = seen.get(value);
    if (before === undefined) seen.set(value, line);
    else complain({ line, column, remedy: `The same value stands in line ${before}. Keep one of the two lines.` });
  };
  await readPeople(file, {
    idIsUuid,
    complain,
    take: ({ id, data }, line) => {
      once(ids, id, { line, column: 'id' });
      if (data.mrn !== undefined) once(numbers, data.mrn, { line, column: 'mrn' });
    },
  });
  const [first] = problems;
  if (!first) return;
  throw new AppError(
    'invalid',
    'PATIENTS_FILE_INVALID',
    `The file ${file} has ${count} wrong values, the first in line ${first.line}, column ${first.column}: ${first.remedy} Nothing was changed.`,
    { file, count, problems },
  );
}

/** Takes out of the file what is no orphan and no waiting placeholder. */
async function dropOthers(
  run: Run,
  { links, patientsThere, type }: { links: readonly LinkColumn[]; patientsThere: boolean; type: string },
): Promise<LoadedDemographics['notOrphans']> {
  const home = quote(run.schema);
  const id = `d."patientId"::${type}`;
  const referenced = links.map((link) => `EXISTS (SELECT FROM ${qualified(link)} t WHERE t.${quote(link.column)} = ${id})`).join(' OR ') || 'false';
  const orphan = patientsThere ? `(${referenced}) AND NOT EXISTS (SELECT FROM ${home}.patients p WHERE p.id = ${id})` : referenced;
  const waits = (await queueExists(run.client, run.schema))
    ? ` OR EXISTS (SELECT FROM ${home}.patient_placeholders q WHERE q."patientId" = ${id} AND q."completedAt" IS NULL)`
    : '';
  const { count, samples } = await row<{ count: string; samples: string[] | null }>(
    run.client,
    `WITH gone AS (DELETE FROM onechart.orphan_demographics d WHERE d."schemaName" = $1 AND NOT ((${orphan})${waits}) RETURNING d."patientId")
     SELECT count(*) AS count, (SELECT array_agg("patientId") FROM (SELECT "patientId" FROM gone LIMIT 3) AS few) AS samples FROM gone`,
    [run.schema],
  );
  return { count: Number(count), samples: samples ?? [] };
}

async function refuseTakenNumbers(run: Run): Promise<void> {
  const taken = await rows<{ id: string }>(
    run.client,
    `SELECT d."patientId" AS id FROM onechart.orphan_demographics d JOIN ${quote(run.schema)}.patients p ON p.mrn = d.data->>'mrn' WHERE d."schemaName" = $1 AND p.id::text <> d."patientId" ORDER BY 1 LIMIT 100`,
    [run.schema],
  );
  if (taken.length === 0) return;
  throw new AppError(
    'duplicate',
    'PATIENTS_FILE_MRN_TAKEN',
    `The file gives ${taken.length === 100 ? 'at least 100' : taken.length} record numbers that other patients have already, the first for id ${taken[0]?.id}. Correct the column mrn, or leave it empty there. Nothing was changed.`,
    { ids: taken.map(({ id }) => id) },
  );
}

/** Completes placeholders that wait in the queue with what the file says; one that somebody has begun to fill in is left and counted. */
export async function useOnWaiting(run: Run, batchRows: number): Promise<{ completed: number; begun: number }> {
  const { client, schema } = run;
  if (!(await queueExists(client, schema))) return { completed: 0, begun: 0 };
  const home = quote(schema);
  const { type } = await row<{ type: string }>(
    client,
    `SELECT format_type(atttypid, atttypmod) AS type FROM pg_attribute WHERE attrelid = $1::regclass AND attname = 'id'`,
    [`${home}.patients`],
  );
  let workId: number | undefined;
  for (let after = '', batch = 1; ; batch += 1) {
    const ids = (
      await rows<{ id: string }>(
        client,
        `SELECT d."patientId" AS id FROM onechart.orphan_demographics d JOIN ${home}.patient_placeholders q ON q."patientId" = d."patientId"::${type}
         WHERE d."schemaName" = $1 AND q."completedAt" IS NULL AND d."patientId" > $2 ORDER BY 1 LIMIT ${batchRows}`,
        [schema, after],
      )
    ).map(({ id }) => id);
    if (ids.length === 0) break;
    after = ids.at(-1) as string;
    workId ??= Number(
      (
        await row<{ id: string }>(
          client,
          `INSERT INTO onechart.orphan_work ("runId", "schemaName", "tableName", "columnName", action) VALUES ($1, $2, 'patient_placeholders', 'patientId', 'complete') RETURNING id`,
          [await currentRunId(client, schema), schema],
        )
      ).id,
    );
    await client.query('SELECT set_config($1, $2, false)', [batchSetting, JSON.stringify(ids)]);
    await run.step(completeStep({ home, schema, type, workId, batch }));
  }
  // What is left names placeholders that somebody has begun to fill in; the file's word must not lie about.
  const begun = (await client.query('DELETE FROM onechart.orphan_demographics WHERE "schemaName" = $1', [schema])).rowCount ?? 0;
  if (workId === undefined) return { completed: 0, begun };
  const { done } = await row<{ done: string }>(client, 'SELECT done FROM onechart.orphan_work WHERE id = $1', [workId]);
  return { completed: Number(done), begun };
}

function completeStep({ home, schema, type, workId, batch }: { home: string; schema: string; type: string; workId: number; batch: number }): Step {
  const values = optionalColumns
    .map((column) => `${quote(column)} = ${column === 'dateOfBirth' ? `(d.data->>'dateOfBirth')::date` : `d.data->>${literal(column)}`}`)
    .join(', ');
  return {
    migration: 'orphans',
    key: `complete placeholders ${batch}`,
    title: `Complete placeholders with the file of the host, batch ${batch}`,
    kind: 'rows',
    statements: [
      `WITH d AS (
  SELECT "patientId"::${type} AS id, data FROM onechart.orphan_demographics WHERE "schemaName" = ${literal(schema)} AND "patientId" IN (SELECT jsonb_array_elements_text(current_setting('${batchSetting}')::jsonb))
), changed AS (
  UPDATE ${home}.patients p SET mrn = coalesce(d.data->>'mrn', p.mrn), "lastName" = d.data->>'lastName', ${values}, version = p.version + 1, "updatedAt" = now()
  FROM d WHERE p.id = d.id AND p.mrn = ${placeholderMrn('p.id::text')} AND p."lastName" = '${placeholderName}' AND p."firstName" IS NULL AND p."dateOfBirth" IS NULL RETURNING p.*
), closed AS (
  UPDATE ${home}.patient_placeholders q SET "completedAt" = now() FROM changed WHERE q."patientId" = changed.id
), used AS (
  DELETE FROM onechart.orphan_demographics u USING changed WHERE u."schemaName" = ${literal(schema)} AND u."patientId" = changed.id::text
), kept AS (
  INSERT INTO onechart.orphan_patients ("workId", "patientId", fingerprint, "toQueue") SELECT ${workId}, changed.id::text, ${fingerprint('changed')}, false FROM changed RETURNING 1
)
UPDATE onechart.orphan_work SET done = done + (SELECT count(*) FROM kept) WHERE id = ${workId}`,
    ],
    lock: 'ROW EXCLUSIVE',
    tables: [],
    estimate: { milliseconds: 150, writeWaitMilliseconds: 0 },
  };
}
