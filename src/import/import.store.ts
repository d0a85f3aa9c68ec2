import { once } from 'node:events';
import { CompiledQuery, sql } from 'kysely';
import type { Pool, PoolClient } from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { toInstant } from '../base/instant.ts';
import { kyselyOnClient } from '../db/connect.ts';
import type { Ctx, Db } from '../db/context.ts';
import { columnList } from '../db/prepared.ts';
import { wordsClause } from '../db/search-entry.ts';
import { actorSetting } from '../db/transaction.ts';
import { copyLine } from './copy-text.ts';
import type { Comparable } from './duplicate-keys.ts';
import { ImportRun } from './import.schema.ts';

/** What a batch works with inside its transaction. */
export interface ImportTransaction {
  readonly ctx: Ctx;
  /** Writes rows with COPY: three to four times as fast as INSERT with arrays (docs/adr/0054-imports.md). */
  copy(table: string, columns: readonly string[], rows: readonly (readonly unknown[])[]): Promise<void>;
}

/** A transaction on a connection of the pool, which COPY needs for itself. What is thrown before COMMIT leaves nothing behind. */
export async function inImportTransaction<T>(ctx: Ctx & { pool: Pool }, work: (inside: ImportTransaction) => Promise<T>): Promise<T> {
  const client = await ctx.pool.connect();
  let broken = false;
  const onError = () => {
    broken = true;
  };
  client.on('error', onError);
  try {
    await client.query('begin');
    await client.query(`select set_config('onechart.actor', $1, true), set_config('lock_timeout', '15s', true)`, [actorSetting(ctx)]);
    if (ctx.schema !== undefined) await client.query(`select set_config('search_path', $1, true)`, [`"${ctx.schema.replaceAll('"', '""')}"`]);
    const result = await work({ ctx: { ...ctx, db: kyselyOnClient(client) }, copy: (table, columns, rows) => copyRows(client, { table, columns, rows }) });
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch(() => {
      broken = true;
    });
    throw error;
  } finally {
    client.off('error', onError);
    client.release(broken);
  }
}

async function copyRows(
  client: PoolClient,
  { table, columns, rows }: { table: string; columns: readonly string[]; rows: readonly (readonly unknown[])[] },
): Promise<void> {
  if (rows.length === 0) return;
  const stream = client.query(copyFrom(`copy "${table}" (${columnList(columns)}) from stdin`));
  const done = new Promise<void>((resolve, reject) => {
    stream.once('finish', resolve);
    stream.once('error', reject);
  });
  done.catch(() => undefined);
  let text = '';
  for (const row of rows) {
    text += copyLine(row);
    if (text.length > 1 << 16) {
      if (!stream.write(text)) await Promise.race([once(stream, 'drain'), done]);
      text = '';
    }
  }
  stream.end(text);
  await done;
}

/** Names, dates of birth and numbers of all charts that are not merged, for comparison; streamed. */
export async function streamComparables(pool: Pool, take: (person: Comparable) => void): Promise<void> {
  const client = await pool.connect();
  try {
    const stream = client.query(
      copyTo(`copy (select "firstName", "lastName", "dateOfBirth", "phone", "phoneSecondary" from patients where "mergedInto" is null) to stdout`),
    );
    let rest = '';
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      // Rows end in a line break, and a chunk may end inside a character: latin1 keeps its bytes apart until the row is whole.
      const rows = (rest + chunk.toString('latin1')).split('\n');
      rest = rows.pop() ?? '';
      for (const row of rows) {
        const [firstName, lastName, dateOfBirth, phone, phoneSecondary] = Buffer.from(row, 'latin1').toString('utf8').split('\t').map(uncopied);
        take({
          firstName: firstName ?? null,
          lastName: lastName ?? null,
          dateOfBirth: dateOfBirth ?? null,
          phone: phone ?? null,
          phoneSecondary: phoneSecondary ?? null,
        });
      }
    }
  } finally {
    client.release();
  }
}

const controls: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f', v: '\v' };

function uncopied(text: string): string | null {
  if (text === '\\N') return null;
  return text.includes('\\') ? text.replaceAll(/\\(.)/g, (_all, character: string) => controls[character] ?? character) : text;
}

/** Charts that were written since a moment, but for those made at these instants, which are the import's own. */
export async function listComparablesSince(db: Db, { since, except }: { since: Date; except: readonly Date[] }): Promise<Comparable[]> {
  const { rows } = await sql<Comparable>`
    select "firstName", "lastName", "dateOfBirth"::text as "dateOfBirth", "phone", "phoneSecondary" from patients
    where "updatedAt" >= ${since} and "mergedInto" is null and not ("createdAt" = any(${except}::timestamptz[]))`.execute(db);
  return rows;
}

const comparableColumns = ['id', 'firstName', 'lastName', 'phone', 'phoneSecondary'] as const;

/** Charts that may share a key with these rows. */
export async function findLookalikes(db: Db, by: { dateOfBirths: readonly string[]; phones: readonly string[] }): Promise<(Comparable & { id: string })[]> {
  const { rows } = await sql<Comparable & { id: string }>`
    select ${sql.join(comparableColumns.map((column) => sql.ref(column)))}, "dateOfBirth"::text as "dateOfBirth" from patients
    where "mergedInto" is null
      and ("dateOfBirth" = any(${by.dateOfBirths}::date[]) or "phone" = any(${by.phones}::text[]) or "phoneSecondary" = any(${by.phones}::text[]))`.execute(db);
  return rows;
}

/** From which import and line charts came, where the trail says so: `import <id> line <number>`. */
export async function findOrigins(db: Db, patientIds: readonly string[]): Promise<Map<string, string>> {
  if (patientIds.length === 0) return new Map();
  const rows = await db
    .selectFrom('patient_audit_events')
    .select(['patientId', 'origin'])
    .where('patientId', 'in', patientIds)
    .where('action', '=', 'patient.registered')
    .where('origin', 'like', 'import %')
    .execute();
  return new Map(rows.map((row) => [String(row.patientId), String(row.origin)]));
}

/** Record numbers of these that charts bear already, with the charts. */
export async function findTakenMrns(db: Db, mrns: readonly string[]): Promise<Map<string, string>> {
  if (mrns.length === 0) return new Map();
  const rows = await db.selectFrom('patients').select(['id', 'mrn']).where('mrn', '=', sql<string>`any(${mrns}::text[])`).execute();
  return new Map(rows.map((row) => [row.mrn, row.id]));
}

export async function findExistingIds(db: Db, ids: readonly string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const rows = await db.selectFrom('patients').select('id').where('id', 'in', ids).execute();
  return new Set(rows.map((row) => row.id));
}

export interface ComparedNumber {
  readonly type: string;
  readonly value: string;
  readonly authorityCode: string | null;
  readonly system: string | null;
}

/** Which of these numbers patients have already, by their place in the list. */
export async function findTakenNumbers(db: Db, numbers: readonly ComparedNumber[]): Promise<Map<number, string>> {
  if (numbers.length === 0) return new Map();
  const { rows } = await sql<{ place: number; patientId: string }>`
    select (given.place - 1)::integer as "place", held."patientId"
    from unnest(${numbers.map((each) => each.value)}::text[], ${numbers.map((each) => each.type)}::text[], ${numbers.map((each) => each.authorityCode)}::text[],
                ${numbers.map((each) => each.system)}::text[]) with ordinality as given(value, type, authority, system, place)
    join patient_identifiers held on held."value" = given.value and held."type" = given.type and held."periodEnd" is null
     and (held."authorityCode" = given.authority or (given.authority is null and held."system" = given.system))`.execute(db);
  return new Map(rows.map((row) => [row.place, row.patientId]));
}

/** Until the transaction ends nobody else adds these numbers; in one order for everybody, so that two imports do not block each other. */
export async function lockNumbers(db: Db, numbers: readonly string[]): Promise<void> {
  if (numbers.length === 0) return;
  await sql`
    select pg_advisory_xact_lock(key) from (
      select distinct hashtextextended('onechart identifier ' || number, 0) as key from unnest(${numbers}::text[]) as number order by 1
    ) keys`.execute(db);
}

/** Places of the numbers that do not fit the expression of their authority. */
export async function findMisfits(db: Db, numbers: readonly { readonly value: string; readonly pattern: string }[]): Promise<Set<number>> {
  if (numbers.length === 0) return new Set();
  const { rows } = await sql<{ place: number }>`
    select (place - 1)::integer as "place" from unnest(${numbers.map((each) => each.value)}::text[], ${numbers.map((each) => each.pattern)}::text[]) with ordinality
      as given(value, pattern, place) where value !~ ('^(?:' || pattern || ')$')`.execute(db);
  return new Set(rows.map((row) => row.place));
}

/** Words of names by which mistyped ones are found; those that are there already stay as they are. */
export async function insertWords(db: Db, words: readonly string[]): Promise<void> {
  if (words.length === 0) return;
  await db.executeQuery(CompiledQuery.raw(wordsClause('$1', 'true'), [words.join(' ')]));
}

/** Whether ids of patients are UUIDs here. */
export async function idsAreUuids(db: Db): Promise<boolean> {
  const { rows } = await sql<{
    uuid: boolean;
  }>`select atttypid = 'uuid'::regtype as uuid from pg_attribute where attrelid = 'patients'::regclass and attname = 'id'`.execute(db);
  return rows[0]?.uuid === true;
}

/** How long a tiny query takes, in milliseconds: what a desk would feel. */
export async function probe(db: Db): Promise<number> {
  const started = performance.now();
  await sql`select "id" from patients where "mrn" = ''`.execute(db);
  return performance.now() - started;
}

const runColumns = Object.keys(ImportRun.shape) as (keyof ImportRun)[];

function toRun(row: Record<string, unknown>): ImportRun {
  const instants = Object.fromEntries(['startedAt', 'updatedAt', 'completedAt'].map((column) => [column, toInstant(row[column] as Date | null)]));
  return ImportRun.parse({ ...row, ...instants });
}

export async function insertRun(
  db: Db,
  run: {
    id: string;
    fileSha256: string;
    fileSize: number;
    filePath: string;
    settingsSha256: string;
    settings: unknown;
    bytePosition: number;
    line: number;
    now: Date;
    actor: string;
  },
): Promise<ImportRun> {
  const { now, settings, ...values } = run;
  const counts = { rowsRead: 0, rowsImported: 0, rowsRejected: 0, rowsSkipped: 0, duplicatesFound: 0, mrnsIssued: 0 };
  const row = await db
    .insertInto('import_runs')
    .values({ ...values, ...counts, settings: JSON.stringify(settings), status: 'RUNNING', startedAt: now, updatedAt: now })
    .returning(runColumns)
    .executeTakeFirstOrThrow();
  return toRun(row);
}

/**
 * Claims an import for this process until it gives it back or its connection ends; undefined while another one has it. Behind a pooler that
 * hands out connections by transaction this says nothing, and the place in the file alone (`holdRun`) keeps two processes apart.
 */
export async function claimRun(pool: Pool, id: string): Promise<(() => void) | undefined> {
  const client = await pool.connect();
  client.on('error', () => undefined);
  // The lock goes with the connection, which is not used again.
  const giveBack = () => client.release(true);
  try {
    const { rows } = await client.query<{ claimed: boolean }>(`select pg_try_advisory_lock(hashtextextended($1, 0)) as claimed`, [`onechart import run ${id}`]);
    if (rows[0]?.claimed) return giveBack;
  } catch (error) {
    giveBack();
    throw error;
  }
  giveBack();
  return undefined;
}

/** Until the transaction ends nobody else begins an import of this file. */
export async function lockFile(db: Db, fileSha256: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`onechart import ${fileSha256}`}, 0))`.execute(db);
}

/** The newest import of this file with these settings. */
export async function findRunOf(db: Db, of: { fileSha256: string; settingsSha256: string }): Promise<ImportRun | undefined> {
  const row = await db
    .selectFrom('import_runs')
    .select(runColumns)
    .where('fileSha256', '=', of.fileSha256)
    .where('settingsSha256', '=', of.settingsSha256)
    .orderBy('startedAt', 'desc')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row && toRun(row);
}

export async function findRun(db: Db, id: string): Promise<(ImportRun & { settings: unknown }) | undefined> {
  // As text, so that a word that is no UUID finds nothing.
  const row = await db
    .selectFrom('import_runs')
    .select([...runColumns, 'settings'])
    .where(sql<string>`"id"::text`, '=', id)
    .executeTakeFirst();
  return row && { ...toRun(row), settings: row.settings };
}

export async function listRuns(db: Db, limit: number): Promise<ImportRun[]> {
  const rows = await db.selectFrom('import_runs').select(runColumns).orderBy('startedAt', 'desc').orderBy('id', 'desc').limit(limit).execute();
  return rows.map(toRun);
}

export interface RunProgress {
  readonly bytePosition: number;
  readonly line: number;
  readonly rowsRead: number;
  readonly rowsImported: number;
  readonly rowsRejected: number;
  readonly rowsSkipped: number;
  readonly duplicatesFound: number;
  readonly mrnsIssued: number;
}

/** Holds the run for this transaction if it still stands where this process left it; false when another process has moved it on. */
export async function holdRun(db: Db, at: { id: string; bytePosition: number }): Promise<boolean> {
  const row = await db
    .selectFrom('import_runs')
    .select('bytePosition')
    .where('id', '=', at.id)
    .where('status', '=', 'RUNNING')
    .forNoKeyUpdate()
    .executeTakeFirst();
  return row !== undefined && Number(row.bytePosition) === at.bytePosition;
}

export async function moveRun(db: Db, id: string, move: { progress: RunProgress; now: Date }): Promise<void> {
  await db
    .updateTable('import_runs')
    .set({ ...move.progress, updatedAt: move.now })
    .where('id', '=', id)
    .execute();
}

export async function completeRun(db: Db, id: string, now: Date): Promise<void> {
  await db
    .updateTable('import_runs')
    .set({ status: 'COMPLETED', completedAt: now, updatedAt: now })
    .where('id', '=', id)
    .where('status', '=', 'RUNNING')
    .execute();
}
