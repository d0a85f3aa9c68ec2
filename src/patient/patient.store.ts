import { type Expression, type ExpressionBuilder, type SqlBool, sql } from 'kysely';
import type { Db } from '../db/context.ts';
import { toInstant } from '../base/instant.ts';
import type { PatientTable, Tables } from '../db/tables.ts';
import { patientColumns } from './patient-columns.ts';
import { toPatient } from './patient-row.ts';
import { type CheckedPatientList, type CheckedPatientSearch, Merge, type Patient, type UserAction } from './patient.schema.ts';

type PlainColumn = Exclude<(typeof patientColumns)[number], 'dateOfBirth'>;

const columns = [
  ...patientColumns.filter((column): column is PlainColumn => column !== 'dateOfBirth'),
  sql<string | null>`patients."dateOfBirth"::text`.as('dateOfBirth'),
] as const;

export async function findPatientById(db: Db, id: string): Promise<Patient | undefined> {
  const row = await db.selectFrom('patients').select(columns).where('id', '=', id).executeTakeFirst();
  return row && toPatient(row);
}

/** Which of these charts are restricted or merged into another. */
export async function findShutIds(db: Db, ids: readonly string[]): Promise<string[]> {
  if (ids.length === 0) return [];
  const rows = await db
    .selectFrom('patients')
    .select('id')
    .where('id', 'in', ids)
    .where((eb) => eb.or([eb('restricted', '=', true), eb('mergedInto', 'is not', null)]))
    .execute();
  return rows.map(({ id }) => id);
}

/** Holds the row until the transaction ends. NO KEY UPDATE, so that the host can go on inserting cases of this patient. */
export async function lockPatient(db: Db, id: string): Promise<Patient | undefined> {
  const row = await db.selectFrom('patients').select(columns).where('id', '=', id).forNoKeyUpdate().executeTakeFirst();
  return row && toPatient(row);
}

export async function findPatientIdByMrn(db: Db, mrn: string): Promise<string | undefined> {
  return (await db.selectFrom('patients').select('id').where('mrn', '=', mrn).executeTakeFirst())?.id;
}

/** Ids of patients with a document of this type and number. */
export async function findPatientIdsByDocument(db: Db, document: { documentType: string; documentNumber: string }): Promise<string[]> {
  const rows = await db
    .selectFrom('patient_documents')
    .select('patientId')
    .distinct()
    .where('documentNumber', '=', document.documentNumber)
    .where('documentType', '=', document.documentType)
    .limit(20)
    .execute();
  return rows.map((row) => row.patientId);
}

/** Where each chart has ended up through merges: itself, or the last of the chain. A chain that bites its tail gives no row. */
export async function findSurvivingIds(db: Db, ids: readonly string[]): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    with recursive chain as (
      select ${sql.ref('id')}, ${sql.ref('mergedInto')}, array[${sql.ref('id')}] as path from ${sql.table('patients')} where ${sql.ref('id')} in (${sql.join(ids)})
      union all
      select next."id", next."mergedInto", chain.path || next."id" from chain join ${sql.table('patients')} as next on next."id" = chain."mergedInto" where next."id" <> all (chain.path)
    )
    select distinct ${sql.ref('id')} from chain where "mergedInto" is null`.execute(db);
  return rows.map((row) => row.id);
}

/** Charts in use with this e-mail address, which is kept in lower case. Three are enough to know that it is ambiguous. */
export async function findPatientsByEmail(db: Db, email: string): Promise<Patient[]> {
  const rows = await db.selectFrom('patients').select(columns).where('email', '=', email).where('archived', '=', false).orderBy('createdAt').limit(3).execute();
  return rows.map(toPatient);
}

type Where = ExpressionBuilder<Tables, 'patients'>;

/** Escapes what LIKE would read as a wildcard. */
function beginning(text: string): string {
  return `${text.replaceAll(/[\\%_]/g, '\\$&')}%`;
}

/** How the text of a name is compared. */
type NameMatch = (text: string) => readonly ['ilike', string] | readonly ['in', readonly string[]];

/** A beginning in any case cannot be read from a B-tree in the collations people have, so this filters rows in name order until the page is full. */
const byBeginning: NameMatch = (text) => ['ilike', beginning(text)];

/** A whole name, as it was typed and in the ways people write names, so that an index can be read. */
const byWhole: NameMatch = (text) => {
  const capitals = text.toLowerCase().replaceAll(/(?<=^|[^\p{L}\p{M}])\p{L}/gu, (letter) => letter.toUpperCase());
  return ['in', [...new Set([text, text.toUpperCase(), text.toLowerCase(), capitals])]];
};

function searchConditions(eb: Where, search: CheckedPatientSearch, matchName: NameMatch = byBeginning) {
  const names = (field: 'firstName' | 'lastName', text: string) => {
    const [operator, value] = matchName(text);
    const own = eb(field, operator, value);
    return search.includeOther ? eb.or([own, eb('id', 'in', eb.selectFrom('patient_names').select('patientId').where(field, operator, value))]) : own;
  };
  // Ids first, each from its own index: an OR over a subquery would read the whole table.
  const telecom = (fields: readonly ('email' | 'phone' | 'phoneSecondary')[], value: string) => {
    if (!search.includeOther) return eb.or(fields.map((field) => eb(field, '=', value)));
    const others = eb.selectFrom('patient_telecoms').select('patientId as id').where('value', '=', value);
    return eb(
      'id',
      'in',
      fields.reduce((all, field) => all.unionAll(eb.selectFrom('patients as holder').select('holder.id').where(`holder.${field}`, '=', value)), others),
    );
  };
  const all: Expression<SqlBool>[] = [];
  if (search.mrn !== undefined) all.push(eb('mrn', '=', search.mrn));
  if (search.email !== undefined) all.push(telecom(['email'], search.email));
  if (search.dateOfBirth !== undefined) all.push(eb('dateOfBirth', '=', search.dateOfBirth));
  if (search.phone !== undefined) all.push(telecom(['phone', 'phoneSecondary'], search.phone));
  if (search.contactPhone !== undefined)
    all.push(eb('id', 'in', eb.selectFrom('patient_contacts').select('patientId').where('phone', '=', search.contactPhone)));
  if (search.documentNumber !== undefined)
    all.push(eb('id', 'in', eb.selectFrom('patient_documents').select('patientId').where('documentNumber', '=', search.documentNumber)));
  if (search.identifierValue !== undefined)
    all.push(eb('id', 'in', eb.selectFrom('patient_identifiers').select('patientId').where('value', '=', search.identifierValue)));
  if (search.lastName !== undefined) all.push(names('lastName', search.lastName));
  if (search.firstName !== undefined) all.push(names('firstName', search.firstName));
  if (!search.includeArchived) all.push(eb('archived', '=', false));
  return eb.and(all);
}

export type NameKey = readonly [lastName: string, firstName: string | null, id: string];

/** Rows after the key in the order lastName, firstName (nulls last), id. The first condition lets the index start at the key. */
function afterName(eb: Where, [lastName, firstName, id]: NameKey) {
  const laterFirst = firstName === null ? [] : [eb('firstName', '>', firstName), eb('firstName', 'is', null)];
  const sameFirst = eb.and([firstName === null ? eb('firstName', 'is', null) : eb('firstName', '=', firstName), eb('id', '>', id)]);
  return eb.and([eb('lastName', '>=', lastName), eb.or([eb('lastName', '>', lastName), ...laterFirst, sameFirst])]);
}

/** Neither restricted nor merged into a restricted chart. A longer chain of merges is found when the page is shown. */
function unrestricted(eb: Where) {
  const survivor = eb
    .selectFrom('patients as survivor')
    .select('survivor.id')
    .whereRef('survivor.id', '=', 'patients.mergedInto')
    .where('survivor.restricted', '=', true);
  return eb.and([eb('restricted', '=', false), eb.or([eb('mergedInto', 'is', null), eb.not(eb.exists(survivor))])]);
}

interface Paging<Key> {
  readonly after: Key | undefined;
  /** Leaves out restricted charts, and what was merged into one. */
  readonly unrestrictedOnly: boolean;
}

export async function selectPatientSearch(db: Db, search: CheckedPatientSearch, paging: Paging<NameKey>): Promise<Patient[]> {
  const query = patientSearchQuery(db, search, paging.after);
  const rows = await (paging.unrestrictedOnly ? query.where(unrestricted) : query).execute();
  return rows.map(toPatient);
}

/** Restricted charts that fit by whole values, in the order of their ids. A first name or a date of birth alone identifies nobody. */
export async function selectRestrictedMatches(
  db: Db,
  search: CheckedPatientSearch,
  { after, limit }: { after: string | undefined; limit: number },
): Promise<Patient[]> {
  const { lastName, mrn, email, phone, contactPhone, documentNumber, identifierValue } = search;
  if ([lastName, mrn, email, phone, contactPhone, documentNumber, identifierValue].every((value) => value === undefined)) return [];
  const query = db
    .selectFrom('patients')
    .select(columns)
    .where('restricted', '=', true)
    .where((eb) => searchConditions(eb, search, byWhole))
    .orderBy('id')
    .limit(limit);
  const rows = await (after === undefined ? query : query.where('id', '>', after)).execute();
  return rows.map(toPatient);
}

function patientSearchQuery(db: Db, search: CheckedPatientSearch, after: NameKey | undefined) {
  const query = db
    .selectFrom('patients')
    .select(columns)
    .where((eb) => searchConditions(eb, search))
    .orderBy('lastName')
    .orderBy('firstName')
    .orderBy('id')
    .limit(search.limit + 1);
  return after ? query.where((eb) => afterName(eb, after)) : query;
}

const userColumns = {
  created: 'createdBy',
  updated: 'updatedBy',
  restricted: 'restrictedBy',
  deceased: 'deceasedBy',
  archived: 'archivedBy',
  merged: 'mergedBy',
} as const satisfies Record<UserAction, keyof PatientTable>;

function listConditions(eb: Where, list: CheckedPatientList) {
  const all = [];
  if (list.status !== undefined) all.push(eb('status', '=', list.status));
  if (list.actedOnBy !== undefined) all.push(eb(userColumns[list.actedOnBy.action], '=', list.actedOnBy.userId));
  if (list.mergedInto !== undefined) all.push(eb('mergedInto', '=', list.mergedInto));
  if (list.updatedSince !== undefined) all.push(eb('updatedAt', '>=', new Date(list.updatedSince)));
  return eb.and(all);
}

export type ListKey = readonly (string | null)[];

export async function selectPatientList(db: Db, list: CheckedPatientList, paging: Paging<ListKey>): Promise<Patient[]> {
  const query = patientListQuery(db, list, paging.after);
  const rows = await (paging.unrestrictedOnly ? query.where(unrestricted) : query).execute();
  return rows.map(toPatient);
}

function patientListQuery(db: Db, list: CheckedPatientList, after: ListKey | undefined) {
  const query = db
    .selectFrom('patients')
    .select(columns)
    .where((eb) => listConditions(eb, list))
    .limit(list.limit + 1);
  if (list.order === 'name') {
    const ordered = query.orderBy('lastName').orderBy('firstName').orderBy('id');
    return after ? ordered.where((eb) => afterName(eb, after as NameKey)) : ordered;
  }
  const [time, id] = after ?? [];
  if (list.order === 'changed') {
    const ordered = query.orderBy('updatedAt').orderBy('id');
    return after ? ordered.where(sql<SqlBool>`(${sql.ref('updatedAt')}, ${sql.ref('id')}) > (${time}, ${id})`) : ordered;
  }
  const ordered = query.orderBy('createdAt', 'desc').orderBy('id', 'desc');
  return after ? ordered.where(sql<SqlBool>`(${sql.ref('createdAt')}, ${sql.ref('id')}) < (${time}, ${id})`) : ordered;
}

export async function countPatients(db: Db, list: CheckedPatientList): Promise<number> {
  const { total } = await db
    .selectFrom('patients')
    .select((eb) => eb.fn.countAll().as('total'))
    .where((eb) => listConditions(eb, list))
    .executeTakeFirstOrThrow();
  return Number(total);
}

/** Merges that a chart took part in, on either side, oldest first. */
export async function listMergesOf(db: Db, id: string): Promise<Merge[]> {
  const rows = await db
    .selectFrom('patient_merge_history')
    .selectAll()
    .where((eb) => eb.or([eb('sourcePatientId', '=', id), eb('targetPatientId', '=', id)]))
    .orderBy('mergedAt')
    .execute();
  return rows.map((row) => Merge.parse({ ...row, mergedAt: toInstant(row.mergedAt) }));
}
