import type pg from 'pg';
import type { Run } from '../run.ts';
import { quote, row, rows } from '../sql.ts';
import { literal } from './statements.ts';
import { orphanTablesExist } from './tables.ts';

/** A placeholder that waits for real demographics. Ids only: what is known of the person is in the chart. */
export interface WaitingPlaceholder {
  readonly patientId: string;
  readonly origin: string;
  readonly sourceTable: string | null;
  readonly sourceColumn: string | null;
  readonly createdAt: Date;
}

export interface PlaceholderQueue {
  readonly waiting: number;
  readonly completed: number;
  readonly oldest: readonly WaitingPlaceholder[];
}

export async function queueExists(client: pg.ClientBase, home: string): Promise<boolean> {
  return (await row<{ there: boolean }>(client, `SELECT to_regclass(quote_ident($1) || '.patient_placeholders') IS NOT NULL AS there`, [home])).there;
}

/** How many placeholders wait and which have waited longest. */
export async function readQueue(client: pg.ClientBase, home: string, limit: number): Promise<PlaceholderQueue> {
  const queue = `${quote(home)}.patient_placeholders`;
  const counts = await row<{ waiting: string; completed: string }>(
    client,
    `SELECT count(*) FILTER (WHERE "completedAt" IS NULL) AS waiting, count("completedAt") AS completed FROM ${queue} WHERE origin = 'ORPHAN'`,
  );
  const oldest = await rows<WaitingPlaceholder>(
    client,
    `SELECT "patientId"::text, origin, "sourceTable", "sourceColumn", "createdAt" FROM ${queue} WHERE "completedAt" IS NULL AND origin = 'ORPHAN' ORDER BY "createdAt", "patientId" LIMIT $1`,
    [limit],
  );
  return { waiting: Number(counts.waiting), completed: Number(counts.completed), oldest };
}

/** Whether placeholders were made before the queue was there and are not in it yet. */
export async function placeholdersLeft(client: pg.ClientBase, home: string): Promise<boolean> {
  if (!(await orphanTablesExist(client))) return false;
  return (await row<{ left: boolean }>(client, `SELECT EXISTS (SELECT ${unqueued(home)}) AS left`)).left;
}

function unqueued(home: string): string {
  return `FROM onechart.orphan_patients o JOIN onechart.orphan_work w ON w.id = o."workId" WHERE o."toQueue" AND o."undoneAt" IS NULL AND w."schemaName" = ${literal(home)}`;
}

/** Puts the placeholders that were made before the queue existed into it, a batch a step. */
export async function queuePlaceholders(run: Run, options: { home: string; migration: string; batchRows: number }): Promise<void> {
  const { home, migration, batchRows } = options;
  const { type } = await row<{ type: string }>(
    run.client,
    `SELECT format_type(atttypid, atttypmod) AS type FROM pg_attribute WHERE attrelid = to_regclass(quote_ident($1) || '.patients') AND attname = 'id'`,
    [home],
  );
  for (let batch = 1; await placeholdersLeft(run.client, home); batch += 1) {
    await run.step({
      migration,
      key: `queue placeholders ${batch}`,
      title: `Queue the placeholders made before the queue was there, batch ${batch}`,
      kind: 'rows',
      statements: [
        `WITH batch AS (SELECT o."workId", o."patientId", w."tableName", w."columnName" ${unqueued(home)} LIMIT ${batchRows}
), queued AS (
  INSERT INTO ${quote(home)}.patient_placeholders ("patientId", origin, "sourceTable", "sourceColumn")
  SELECT p.id, 'ORPHAN', left(batch."tableName", 63), left(batch."columnName", 63) FROM batch JOIN ${quote(home)}.patients p ON p.id = batch."patientId"::${type}
  ON CONFLICT ("patientId") DO NOTHING
)
UPDATE onechart.orphan_patients o SET "toQueue" = false FROM batch WHERE o."workId" = batch."workId" AND o."patientId" = batch."patientId"`,
      ],
      lock: undefined,
      tables: [],
      estimate: { milliseconds: 100, writeWaitMilliseconds: 0 },
    });
  }
}
