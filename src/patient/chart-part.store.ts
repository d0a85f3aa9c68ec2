import { type Kysely, sql } from 'kysely';
import type { Db } from '../db/context.ts';
import { toInstant } from '../base/instant.ts';
import { PatientIdentifier } from '../identifier/identifier.schema.ts';
import { PatientAddress } from './address.schema.ts';
import { PatientName } from './name.schema.ts';
import { Allergy, Contact, PatientDocument, RiskFlag } from './patient.schema.ts';
import { PatientTelecom } from './telecom.schema.ts';

const period = ['periodStart', 'periodEnd'] as const;

/** The tables that belong to a chart, each row to one patient. */
const parts = {
  contact: { table: 'patient_contacts', schema: Contact, dates: [], instants: ['createdAt', 'updatedAt'], order: ['priority', 'id'] },
  document: {
    table: 'patient_documents',
    schema: PatientDocument,
    dates: ['issuedDate', 'expiryDate'],
    instants: ['createdAt', 'updatedAt', 'contentStoredAt'],
    order: ['documentType', 'id'],
  },
  allergy: { table: 'patient_allergies', schema: Allergy, dates: ['diagnosedAt'], instants: ['createdAt', 'updatedAt'], order: ['active', 'id'] },
  riskFlag: { table: 'patient_risk_flags', schema: RiskFlag, dates: [], instants: ['setAt', 'clearedAt', 'updatedAt'], order: ['active', 'id'] },
  name: { table: 'patient_names', schema: PatientName, dates: period, instants: ['createdAt', 'updatedAt'], order: ['use', 'id'] },
  address: { table: 'patient_addresses', schema: PatientAddress, dates: period, instants: ['createdAt', 'updatedAt'], order: ['use', 'id'] },
  telecom: { table: 'patient_telecoms', schema: PatientTelecom, dates: period, instants: ['createdAt', 'updatedAt'], order: ['system', 'id'] },
  identifier: {
    table: 'patient_identifiers',
    schema: PatientIdentifier,
    dates: period,
    instants: ['verifiedAt', 'createdAt', 'updatedAt'],
    order: ['type', 'id'],
  },
} as const;

export interface ChartParts {
  contact: Contact;
  document: PatientDocument;
  allergy: Allergy;
  riskFlag: RiskFlag;
  name: PatientName;
  address: PatientAddress;
  telecom: PatientTelecom;
  identifier: PatientIdentifier;
}
export type PartName = keyof ChartParts;
export type RemovablePart = Exclude<PartName, 'allergy' | 'riskFlag'>;

type Row = Record<string, unknown>;
type Values = Readonly<Record<string, unknown>>;

// The tables share what is used here (id, patientId, active), which Kysely's types cannot say of a name chosen at run time.
const loose = (db: Db) => db as unknown as Kysely<Record<string, Row>>;

function columnsOf(part: PartName) {
  const { schema, dates } = parts[part];
  return Object.keys(schema.shape).map((column) => ((dates as readonly string[]).includes(column) ? sql`${sql.ref(column)}::text`.as(column) : column));
}

function toPart<Part extends PartName>(part: Part, row: Row): ChartParts[Part] {
  const instants = Object.fromEntries(parts[part].instants.map((column) => [column, toInstant(row[column] as Date | null)]));
  return parts[part].schema.parse({ ...row, ...instants }) as ChartParts[Part];
}

export async function insertPart<Part extends PartName>(db: Db, part: Part, values: Values): Promise<ChartParts[Part]> {
  const row = await loose(db).insertInto(parts[part].table).values(values).returning(columnsOf(part)).executeTakeFirstOrThrow();
  return toPart(part, row);
}

export async function findPart<Part extends PartName>(db: Db, part: Part, key: { patientId: string; id: string }): Promise<ChartParts[Part] | undefined> {
  const row = await loose(db)
    .selectFrom(parts[part].table)
    .select(columnsOf(part))
    .where('id', '=', key.id)
    .where('patientId', '=', key.patientId)
    .executeTakeFirst();
  return row && toPart(part, row);
}

export async function updatePart<Part extends PartName>(db: Db, part: Part, change: { id: string; values: Values }): Promise<ChartParts[Part]> {
  const row = await loose(db)
    .updateTable(parts[part].table)
    .set(change.values)
    .where('id', '=', change.id)
    .returning(columnsOf(part))
    .executeTakeFirstOrThrow();
  return toPart(part, row);
}

/** Allergies and risk flags are never deleted. */
export async function deletePart(db: Db, part: RemovablePart, id: string): Promise<void> {
  await loose(db).deleteFrom(parts[part].table).where('id', '=', id).execute();
}

export async function listParts<Part extends PartName>(
  db: Db,
  part: Part,
  filter: { patientId: string; activeOnly?: boolean | undefined },
): Promise<ChartParts[Part][]> {
  const rows = await partListQuery(db, part, filter).execute();
  return rows.map((row) => toPart(part, row));
}

function partListQuery(db: Db, part: PartName, filter: { patientId: string; activeOnly?: boolean | undefined }) {
  const query = loose(db)
    .selectFrom(parts[part].table)
    .select(columnsOf(part))
    .where('patientId', '=', filter.patientId)
    .orderBy(parts[part].order[0])
    .orderBy(parts[part].order[1]);
  return filter.activeOnly ? query.where('active', '=', true) : query;
}

/** The parts of many charts at once, each chart's in the order of `listParts`. */
export async function listPartsOfMany<Part extends PartName>(db: Db, part: Part, patientIds: readonly string[]): Promise<ChartParts[Part][]> {
  const [first, second] = parts[part].order;
  const rows = await loose(db)
    .selectFrom(parts[part].table)
    .select(columnsOf(part))
    .where('patientId', '=', sql`any(${patientIds})`)
    .orderBy('patientId')
    .orderBy(first)
    .orderBy(second)
    .execute();
  return rows.map((row) => toPart(part, row));
}
