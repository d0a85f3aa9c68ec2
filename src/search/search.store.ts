import { auditColumns, type AuditRow } from '../audit/audit-row.ts';
import type { Db } from '../db/context.ts';
import { columnList, prepared } from '../db/prepared.ts';
import { selectedColumns } from '../patient/patient-columns.ts';
import type { PatientRow } from '../patient/patient-row.ts';
import type { SearchedChart } from './words.ts';

/** Which charts are looked at, beside what was typed. */
export interface Filters {
  readonly status?: string | undefined;
  readonly deceased?: boolean | undefined;
  readonly gender?: string | undefined;
  readonly bornFrom?: string | undefined;
  readonly bornTo?: string | undefined;
}

export type CandidateRow = PatientRow & { readonly stage: 1 | 2 };

/** So many charts are ranked. Whoever types a name that more bear has to type more. */
const mostCandidates = 100;
/** What fits a single word or number fits it alike: much more than a page of it would only be ranked to be left out. */
export const fewCandidates = 60;
/** Charts that have the terms are looked at one by one for the filters; of a name that 100 000 bear, no more than these. */
const mostLookedAt = 3000;

const filters = `($3::text is null or chart."status"::text = $3) and ($4::boolean is null or chart."deceased" = $4) and ($5::text is null or chart."gender" = $5)
  and ($6::date is null or chart."dateOfBirth" >= $6) and ($7::date is null or chart."dateOfBirth" <= $7)`;

/**
 * What the entries give is materialised without a limit, so that it always comes from their index: with one, the planner would
 * count on finding the first few charts by reading the table. `offset 0` has each chart fetched by its key, and no more than are
 * wanted, where a join would be planned for all that may come. The queries are subqueries and the limits stand in the text, so
 * that a plan for these values costs no less than one for any, and a connection keeps the latter: planning takes 0.66 ms of 0.94.
 */
const stage = (number: 1 | 2, { found, where, most }: { found: string; where: string; most: number }) =>
  `select ${selectedColumns('chart')}, ${number} as "stage" from (select "patientId" from ${found} limit ${mostLookedAt}) as entry cross join lateral (select * from patients where patients."id" = entry."patientId" offset 0) as chart where ${filters}${where} limit ${most}`;

/** Entries know telephone numbers by their last four and seven digits; of five or six the rest is looked at before the first charts are taken. */
const endsSo = `($10::text is null or entry."terms" @@ (select $11::tsquery) or exists (select from unnest(tsvector_to_array(entry."terms")) as term where term like $10))`;

const candidatesOf = (
  most: number,
) => `with whole as materialized (select entry."patientId" from patient_search_entries as entry where entry."terms" @@ (select $1::tsquery) and ${endsSo}),
first as materialized (${stage(1, { found: 'whole', where: '', most })}),
begun as materialized (select entry."patientId" from patient_search_entries as entry where (select count(*) from first) < $8 and entry."terms" @@ (select $2::tsquery)),
second as materialized (${stage(2, { found: 'begun', where: ' and not ($9 and chart."restricted")', most })})
select * from first union all select * from second where not exists (select from first where first."id" = second."id")`;

const selectCandidates = prepared<CandidateRow>('search', candidatesOf(mostCandidates));
const selectFew = prepared<CandidateRow>('search_few', candidatesOf(fewCandidates));

/** The end of a telephone number, and the query for all else that these digits may be. */
export interface NumberEnd {
  readonly digits: string;
  readonly otherwise: string;
}

/**
 * Charts that have every term (stage 1), and, when these are fewer than `enough`, those in which every part begins a term
 * (stage 2), in no order; whether there may be more. Restricted charts are left out of the second stage where `guarded`: what
 * is found by beginnings can be spelled out letter by letter.
 */
export async function findCandidates(
  db: Db,
  query: { whole: string; begun: string; filters: Filters; enough: number; guarded: boolean; few?: boolean; end?: NumberEnd | undefined },
): Promise<{ candidates: CandidateRow[]; cut: boolean }> {
  const { status, deceased, gender, bornFrom, bornTo } = query.filters;
  const { few = false, end } = query;
  const candidates = await (few ? selectFew : selectCandidates)(db, [
    query.whole,
    query.begun,
    status ?? null,
    deceased ?? null,
    gender ?? null,
    bornFrom ?? null,
    bornTo ?? null,
    query.enough,
    query.guarded,
    end === undefined ? null : `p:%${end.digits}`,
    end?.otherwise ?? null,
  ]);
  return { candidates, cut: candidates.length >= (few ? fewCandidates : mostCandidates) };
}

/** So many words are one slip away from a short common one; more are not compared. */
const mostWords = 2000;

export const similarWordsSql = `select distinct known."word" from patient_search_words as known where known."deletes" && (select $1::text[]) limit ${mostWords}`;
const selectWords = prepared<{ word: string }>('similar_words', similarWordsSql);

/** Words of names that have one of these beginnings of a slip in common. */
export async function findSimilarWords(db: Db, deletes: readonly string[]): Promise<string[]> {
  return (await selectWords(db, [deletes])).map(({ word }) => word);
}

const rowsOf = (table: string, columns: readonly string[]) =>
  `coalesce((select json_agg(json_build_object(${columns.map((column) => `'${column}', part."${column}"`).join(', ')})) from ${table} as part where part."patientId" = chart."id"), '[]')`;

const selectParts = prepared<Required<Pick<SearchedChart, 'names' | 'telecoms' | 'identifiers' | 'documents'>> & { id: string }>(
  'searched_parts',
  `select chart."id", ${rowsOf('patient_names', ['firstName', 'middleName', 'lastName'])} as "names", ${rowsOf('patient_telecoms', ['system', 'value'])} as "telecoms",
  ${rowsOf('patient_identifiers', ['type', 'value'])} as "identifiers", ${rowsOf('patient_documents', ['documentNumber'])} as "documents" from patients as chart where chart."id" = any($1)`,
);

/** Other names and numbers of charts, to say why they were found. */
export async function findSearchedParts(db: Db, ids: readonly string[]) {
  return new Map((await selectParts(db, [ids])).map(({ id, ...parts }) => [id, parts]));
}

const selectSurvivors = prepared<PatientRow & { mergedFrom: string }>(
  'search_survivors',
  `with recursive chain as (
    select merged."id" as "mergedFrom", merged."mergedInto" as "next", array[merged."id"] as path from patients as merged where merged."id" = any($1)
    union all
    select chain."mergedFrom", further."mergedInto", chain.path || further."id" from chain join patients as further on further."id" = chain."next" where further."mergedInto" is not null and further."id" <> all (chain.path)
  )
  select chain."mergedFrom", ${selectedColumns('chart')} from chain join patients as chart on chart."id" = chain."next" where chart."mergedInto" is null`,
);

/** The charts that merged ones lead to, by the id of the merged one. A chain of merges that bites its tail leads nowhere. */
export async function findSurvivors(db: Db, ids: readonly string[]): Promise<Map<string, PatientRow>> {
  return new Map((await selectSurvivors(db, [ids])).map(({ mergedFrom, ...row }) => [mergedFrom, row]));
}

const insertTrail = prepared(
  'search_trail',
  `insert into patient_audit_events (${columnList(auditColumns)}) select ${columnList(auditColumns)} from jsonb_populate_recordset(null::patient_audit_events, $1::jsonb)`,
);

/** Audit rows of several searches in one statement. */
export async function insertSearches(db: Db, rows: readonly AuditRow[]): Promise<void> {
  await insertTrail(db, [JSON.stringify(rows.map((row) => ({ ...row, after: row.after === null ? null : JSON.parse(row.after) })))]);
}
