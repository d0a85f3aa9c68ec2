import type { Db } from '../db/context.ts';
import { prepared } from '../db/prepared.ts';
import { wordsClause } from '../db/search-entry.ts';
import type { SearchedChart } from './words.ts';

/** A chart with what it is found by today, and the signs by which a change of either in the meantime is noticed. */
export interface ChartToIndex extends SearchedChart {
  readonly id: string;
  /** The transactions that wrote the chart and its entry last. */
  readonly chartWrittenBy: string;
  readonly entryWrittenBy: string | null;
  readonly entryVersion: number | null;
  readonly entryTerms: string[] | null;
}

const rowsOf = (table: string, columns: readonly string[]) =>
  `coalesce((select json_agg(json_build_object(${columns.map((column) => `'${column}', part."${column}"`).join(', ')})) from ${table} as part where part."patientId" = chart."id"), '[]')`;

const chartColumns = `chart."id", chart."mrn", chart."firstName", chart."middleName", chart."lastName", chart."dateOfBirth"::text as "dateOfBirth", chart."dateOfBirthPrecision",
  chart."phone", chart."phoneSecondary", chart."email", chart."xmin"::text as "chartWrittenBy",
  ${rowsOf('patient_names', ['firstName', 'middleName', 'lastName'])} as "names",
  ${rowsOf('patient_telecoms', ['system', 'value'])} as "telecoms",
  ${rowsOf('patient_identifiers', ['type', 'value'])} as "identifiers",
  ${rowsOf('patient_documents', ['documentNumber'])} as "documents"`;

const selectChart = prepared<ChartToIndex>(
  'chart_to_index',
  `select ${chartColumns}, null as "entryWrittenBy", null as "entryVersion", null as "entryTerms" from patients as chart where chart."id" = $1`,
);

export async function findChartToIndex(db: Db, id: string): Promise<ChartToIndex | undefined> {
  return (await selectChart(db, [id]))[0];
}

const pageOfCharts = (
  start: string,
) => `select ${chartColumns}, entry."xmin"::text as "entryWrittenBy", entry."termsVersion" as "entryVersion", tsvector_to_array(entry."terms") as "entryTerms"
from patients as chart left join patient_search_entries as entry on entry."patientId" = chart."id" ${start} order by chart."id" limit $1`;
const firstPage = prepared<ChartToIndex>('charts_to_index_first', pageOfCharts(''));
const nextPage = prepared<ChartToIndex>('charts_to_index', pageOfCharts('where chart."id" > $2'));

/** Charts in the order of their ids, from behind one, with their entries. */
export async function selectChartsToIndex(db: Db, { after, limit }: { after: string | undefined; limit: number }): Promise<ChartToIndex[]> {
  return after === undefined ? firstPage(db, [limit]) : nextPage(db, [limit, after]);
}

const pageOfMissing = (
  start: string,
) => `select array_agg("id" order by "id") filter (where coalesce("version", 0) < $2) as "missing", (array_agg("id" order by "id" desc))[1] as "last", count(*) as "read"
from (select chart."id", (select entry."termsVersion" from patient_search_entries as entry where entry."patientId" = chart."id") as "version" from patients as chart ${start} order by chart."id" limit $1) as page`;
type MissingPage = { missing: string[] | null; last: string | null; read: number };
const firstMissing = prepared<MissingPage>('charts_without_entry_first', pageOfMissing(''));
const nextMissing = prepared<MissingPage>('charts_without_entry', pageOfMissing('where chart."id" > $3'));

/** Of the next charts in the order of their ids, those without an entry or with one of an earlier version of the rules. */
export async function findMissingEntries(
  db: Db,
  { after, limit, version }: { after: string | undefined; limit: number; version: number },
): Promise<{ missing: string[]; last: string | undefined; read: number }> {
  const [page] = after === undefined ? await firstMissing(db, [limit, version]) : await nextMissing(db, [limit, version, after]);
  return { missing: page?.missing ?? [], last: page?.last ?? undefined, read: Number(page?.read ?? 0) };
}

const chosenCharts = prepared<ChartToIndex>(
  'charts_to_index_chosen',
  `select ${chartColumns}, entry."xmin"::text as "entryWrittenBy", entry."termsVersion" as "entryVersion", null as "entryTerms"
from patients as chart left join patient_search_entries as entry on entry."patientId" = chart."id" where chart."id" = any($1)`,
);

export async function findChartsToIndex(db: Db, ids: readonly string[]): Promise<ChartToIndex[]> {
  return chosenCharts(db, [ids]);
}

const upsertEntry = prepared(
  'search_entry',
  `with entry as (
    insert into patient_search_entries ("patientId", "terms", "termsVersion") values ($1, $2::tsvector, $3)
    on conflict ("patientId") do update set "terms" = excluded."terms", "termsVersion" = excluded."termsVersion"
  )
  ${wordsClause('$4', 'true')}`,
);

export async function writeEntry(db: Db, entry: { patientId: string; vector: string; version: number; words: readonly string[] }): Promise<void> {
  await upsertEntry(db, [entry.patientId, entry.vector, entry.version, entry.words.join(' ')]);
}

export interface MadeEntry {
  readonly patientId: string;
  readonly vector: string;
  readonly chartWrittenBy: string;
  readonly entryWrittenBy: string | null;
}

const writeMany = prepared<{ patientId: string }>(
  'search_entries',
  `with given as materialized (
    select * from rows from (jsonb_populate_recordset(null::patient_search_entries, $1::jsonb), unnest($2::text[]), unnest($3::text[])) as given("patientId", "terms", "termsVersion", "chart", "entry")
  ),
  held as materialized (
    select given.* from given join patients as chart on chart."id" = given."patientId" where chart."xmin"::text = given."chart" order by chart."id" for no key update of chart
  ),
  changed as (
    update patient_search_entries as entry set "terms" = held."terms", "termsVersion" = held."termsVersion" from held
    where entry."patientId" = held."patientId" and entry."xmin"::text = held."entry" returning entry."patientId"
  ),
  added as (
    insert into patient_search_entries ("patientId", "terms", "termsVersion") select held."patientId", held."terms", held."termsVersion" from held
    where held."entry" is null on conflict do nothing returning "patientId"
  ),
  words as (${wordsClause('$4', 'true')})
select "patientId" from changed union all select "patientId" from added`,
);

/**
 * Writes entries of many charts in one statement, each only when nobody has written the chart or its entry since they were
 * read. Gives the ids of those that were written.
 */
export async function writeEntries(
  db: Db,
  entries: readonly MadeEntry[],
  { version, words }: { version: number; words: readonly string[] },
): Promise<string[]> {
  const rows = entries.map(({ patientId, vector }) => ({ patientId, terms: vector, termsVersion: version }));
  const written = await writeMany(db, [
    JSON.stringify(rows),
    entries.map(({ chartWrittenBy }) => chartWrittenBy),
    entries.map(({ entryWrittenBy }) => entryWrittenBy),
    words.join(' '),
  ]);
  return written.map(({ patientId }) => patientId);
}
