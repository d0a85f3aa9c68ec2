import type { AuditRow } from '../audit/audit-row.ts';
import { auditColumns } from '../audit/audit-row.ts';
import type { Db } from '../db/context.ts';
import { columnList, parameterList, prepared, unprepared } from '../db/prepared.ts';
import { changedEntryClauses, newEntryClauses } from '../db/search-entry.ts';
import { type OutboxRow, outboxColumns } from '../outbox/outbox-row.ts';
import { selectedColumns } from './patient-columns.ts';
import type { Patient } from './patient.schema.ts';
import { type PatientRow, type PatientWrite, toPatient } from './patient-row.ts';
import { PatientTelecom } from './telecom.schema.ts';
import { searchTermsVersion, toVector, wordsAmong } from '../search/words.ts';

// A chart, its audit row and its event in one statement: one way to the server instead of six, and one transaction by itself.
// Figures: docs/adr/0051-one-statement-for-a-deed.md.

/** What is written beside the chart. `actor` is the value of `onechart.actor`, set before anything is written, so that triggers of the host can read it. */
export interface ChartRecord {
  readonly actor: string;
  readonly audit: AuditRow;
  readonly event: OutboxRow;
}

/** What a registration says of a chart; the rest are the defaults of the table. */
const insertedColumns = [
  'id',
  'mrn',
  'firstName',
  'middleName',
  'lastName',
  'dateOfBirth',
  'gender',
  'bloodType',
  'email',
  'phone',
  'phoneSecondary',
  'addressLine1',
  'addressLine2',
  'city',
  'state',
  'zipCode',
  'country',
  'createdAt',
  'updatedAt',
  'createdBy',
  'updatedBy',
  'dateOfBirthPrecision',
  'preferredLanguage',
  'motherId',
  'birthOrder',
  'multipleBirthCount',
  'identityStatus',
] as const satisfies readonly (keyof PatientWrite)[];
export type InsertedChart = Pick<PatientWrite, (typeof insertedColumns)[number]> & { id: string; mrn: string; lastName: string };

const recordSize = 1 + auditColumns.length + outboxColumns.length;

/** `chart` is the statement that changes the chart; its parameters come after those of the record. */
function recorded(chart: string, beside = ''): string {
  return `with who as materialized (select set_config('onechart.actor', $1, true)),
  chart as (${chart} returning ${selectedColumns('patients')}, patients."xmin"::text as "xmin"),
  trail as (insert into patient_audit_events (${columnList(auditColumns)}) select ${parameterList(auditColumns.length, 1)} from chart),
  event as (insert into patient_outbox_events (${columnList(outboxColumns)}) select ${parameterList(outboxColumns.length, 1 + auditColumns.length)} from chart)${beside}
select * from chart`;
}

function recordParameters({ actor, audit, event }: ChartRecord): unknown[] {
  return [actor, ...auditColumns.map((column) => audit[column]), ...outboxColumns.map((column) => event[column])];
}

const insertChart = prepared<PatientRow>(
  'register',
  recorded(
    `insert into patients (${columnList(insertedColumns)}) select ${parameterList(insertedColumns.length, recordSize)} from who on conflict ("mrn") do nothing`,
    newEntryClauses({
      terms: `$${recordSize + insertedColumns.length + 1}`,
      version: searchTermsVersion,
      words: `$${recordSize + insertedColumns.length + 2}`,
    }),
  ),
);

/** Writes a new chart. Undefined, and nothing written, when the MRN is taken: a conflict that does not abort the transaction, so that the next number can be tried in it. */
export async function insertRecordedChart(db: Db, chart: InsertedChart, record: ChartRecord & { terms: readonly string[] }): Promise<Patient | undefined> {
  const { terms } = record;
  const [row] = await insertChart(db, [
    ...recordParameters(record),
    ...insertedColumns.map((column) => chart[column] ?? null),
    toVector(terms),
    wordsAmong(terms).join(' '),
  ]);
  return row && toPatient(row);
}

const readChart = prepared<PatientRow & { xmin: string }>(
  'read_chart',
  `select ${selectedColumns('patients')}, patients."xmin"::text as "xmin" from patients where patients."id" = $1`,
);

/** A chart with the transaction that wrote it last: the sign by which a change of anybody, also past us, is noticed. */
export async function findChartToChange(db: Db, id: string): Promise<{ patient: Patient; writtenBy: string } | undefined> {
  const [row] = await readChart(db, [id]);
  return row && { patient: toPatient(row), writtenBy: row.xmin };
}

/** Plans for this many sets of changed columns are kept; a desk uses few. */
const mostPlans = 100;
const updates = new Map<string, (db: Db, parameters: readonly unknown[]) => Promise<PatientRow[]>>();

/** An earlier number or address that a change leaves behind, with what is told of it. */
export interface KeptTelecom {
  readonly row: PatientTelecom;
  readonly audit: AuditRow;
  readonly event: OutboxRow;
}

const telecomColumns = Object.keys(PatientTelecom.shape);

/** Rows of a JSON list, as the table has them, written only when the chart was. */
function keptRows(name: string, columns: readonly string[], { table, parameter }: { table: string; parameter: number }): string {
  const rows = `select ${columns.map((column) => `"${column}"`).join(', ')} from jsonb_populate_recordset(null::${table}, $${parameter}::jsonb)`;
  return `,\n  ${name} as (insert into ${table} (${columnList(columns)}) ${rows} where exists (select from chart))`;
}

/** Terms that a change adds to the entry of the chart, and those that it takes away. */
export interface EntryChange {
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

function updateOf(
  columns: readonly string[],
  { keeps, entry }: { keeps: boolean; entry: boolean },
): (db: Db, parameters: readonly unknown[]) => Promise<PatientRow[]> {
  const key = `${keeps} ${entry} ${columns.join()}`;
  const known = updates.get(key);
  if (known) return known;
  const changes = columns.map((column, index) => `"${column}" = $${recordSize + 3 + index}`);
  const after = recordSize + 2 + columns.length;
  const afterKept = keeps ? after + 3 : after;
  const text = recorded(
    `update patients set ${[...changes, '"version" = patients."version" + 1'].join(', ')} from who where patients."id" = $${recordSize + 1} and patients."xmin"::text = $${recordSize + 2}`,
    (keeps
      ? keptRows('kept', telecomColumns, { table: 'patient_telecoms', parameter: after + 1 }) +
        keptRows('kept_trail', auditColumns, { table: 'patient_audit_events', parameter: after + 2 }) +
        keptRows('kept_event', outboxColumns, { table: 'patient_outbox_events', parameter: after + 3 })
      : '') + (entry ? changedEntryClauses({ removed: `$${afterKept + 1}`, added: `$${afterKept + 2}`, words: `$${afterKept + 3}` }) : ''),
  );
  const update = updates.size < mostPlans ? prepared<PatientRow>(`update_${updates.size}`, text) : unprepared<PatientRow>(text);
  if (updates.size < mostPlans) updates.set(key, update);
  return update;
}

/** Writes a change of a chart that nobody has touched since it was read. Undefined, and nothing written, when somebody has. */
export async function updateRecordedChart(
  db: Db,
  change: { id: string; writtenBy: string; values: PatientWrite; keeps?: readonly KeptTelecom[]; entry?: EntryChange | undefined },
  record: ChartRecord,
): Promise<Patient | undefined> {
  const { keeps = [], entry } = change;
  const columns = Object.keys(change.values).toSorted() as (keyof PatientWrite)[];
  const values = columns.map((column) => change.values[column]);
  const lists = [keeps.map((each) => each.row), keeps.map((each) => withJson(each.audit, ['after'])), keeps.map((each) => withJson(each.event, ['payload']))];
  const kept = keeps.length === 0 ? [] : lists.map((list) => JSON.stringify(list));
  const found = entry === undefined ? [] : [toVector(entry.removed), toVector(entry.added), wordsAmong(entry.added).join(' ')];
  const update = updateOf(columns, { keeps: keeps.length > 0, entry: entry !== undefined });
  const [row] = await update(db, [...recordParameters(record), change.id, change.writtenBy, ...values, ...kept, ...found]);
  return row && toPatient(row);
}

/** Columns of JSON as JSON in a list of rows, where text would become a JSON text. */
function withJson<Row extends object>(row: Row, columns: readonly (keyof Row)[]): Row {
  return { ...row, ...Object.fromEntries(columns.map((column) => [column, row[column] === null ? null : JSON.parse(row[column] as string)])) };
}

const viewCharts = prepared<PatientRow & { askedBy: string }>(
  'view_charts',
  `with asked as materialized (select * from jsonb_populate_recordset(null::patient_audit_events, $1::jsonb)),
  chart as materialized (select ${selectedColumns('patients')} from patients where patients."id" in (select asked."patientId" from asked)),
  trail as (
    insert into patient_audit_events (${columnList(auditColumns)})
    select ${auditColumns.map((column) => `asked."${column}"`).join(', ')} from asked join chart on chart."id" = asked."patientId" where not ($2 and (chart."restricted" or chart."mergedInto" is not null))
  )
select asked."id"::text as "askedBy", chart.* from asked join chart on chart."id" = asked."patientId"`,
);

/**
 * Charts with the audit rows of those who open them, many at once, in one statement. Guarded, a chart that is restricted or
 * was merged into another, which may be, comes without its audit row: whether it may be opened is to be decided first.
 */
export async function viewRecordedCharts(db: Db, views: readonly AuditRow[], guarded: boolean): Promise<(Patient | undefined)[]> {
  const asked = views.map((each) => withJson(each, ['after']));
  const rows = await viewCharts(db, [JSON.stringify(asked), guarded]);
  const found = new Map(rows.map((row) => [row.askedBy, row]));
  return views.map(({ id }) => {
    const row = found.get(id);
    return row && toPatient(row);
  });
}
