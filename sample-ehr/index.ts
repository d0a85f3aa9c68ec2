import { createHash } from 'node:crypto';
import type { ClientBase } from 'pg';
import { AppError } from '../src/base/errors.ts';
import { hostMigrations, type HostMigration, type IdType, migrationTime, prismaHistoryTable } from './history.ts';

export { createRandom, type Random } from './generator.ts';
export { type HostMigration, hostMigrations, hostPrismaSchema, type IdType, idTypeOfSql, writeHostPrismaFolder } from './history.ts';
export { type BackgroundWriter, startBackgroundWriter, type WriterOptions, type WriterReport } from './writer.ts';

export interface SampleEhrOptions {
  /** What the host's keys are: `uuid` as Prisma's `@db.Uuid`, or `text` as Prisma's plain String. */
  readonly idType?: IdType;
  readonly schema?: string;
  /** Rows in surgical_cases (a fifth), medical_records (half) and bills (the rest) together; the other tables follow in proportion. */
  readonly rows?: number;
  readonly seed?: number;
  /** How many rows of the five link tables shall name a patient that does not exist. */
  readonly orphans?: number;
}

export interface SampleUser {
  readonly id: string;
  readonly email: string;
  readonly name: string;
  readonly role: 'ADMIN' | 'SURGEON' | 'DOCTOR' | 'NURSE' | 'FRONT_DESK' | 'BILLING' | 'HIM' | 'AUDITOR';
}

export interface SampleEhr {
  readonly schema: string;
  readonly idType: IdType;
  readonly users: readonly SampleUser[];
  readonly rows: Readonly<Record<string, number>>;
  /** Rows with an orphan patientId, per link table. */
  readonly orphans: Readonly<Record<LinkTable, number>>;
  readonly migrations: readonly HostMigration[];
}

/** The five tables whose patientId points at nothing yet. */
export const linkTables = ['surgical_cases', 'medical_records', 'bills', 'patient_consent_instances', 'insurance_policies'] as const;
export type LinkTable = (typeof linkTables)[number];

/** Tables with a patientId that no configuration names; a careful tool finds them by itself. */
export const unlistedPatientTables = ['appointments', 'prescriptions'] as const;

const staff: readonly (readonly [SampleUser['role'], string])[] = [
  ['ADMIN', 'Ada Ndegwa'],
  ['SURGEON', 'Samuel Okafor'],
  ['SURGEON', 'Ingrid Solberg'],
  ['DOCTOR', 'Dolores Peña'],
  ['NURSE', 'Nadia Haddad'],
  ['NURSE', 'Tomasz Wójcik'],
  ['FRONT_DESK', 'Farida Rahimi'],
  ['BILLING', 'Ben Carter'],
  ['HIM', 'Hana Kim'],
  ['AUDITOR', 'Aurelio Conti'],
];

/** The id of the i-th row of a kind: the same for the same seed, here and in the SQL below. Has the form of a version 4 UUID. */
export function sampleId(seed: number, kind: string, index: number): string {
  const hex = createHash('md5').update(`${seed}:${kind}:${index}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
}

/** The accounts of the sample EHR, without asking the database. */
export function sampleUsers(seed = 1): SampleUser[] {
  return staff.map(([role, name], index) => {
    const login = name
      .normalize('NFD')
      .replaceAll(/\p{M}/gu, '')
      .toLowerCase()
      .replaceAll(/[^a-z]+/g, '.');
    return { id: sampleId(seed, 'user', index + 1), email: `${login}@ehr.example`, name, role };
  });
}

/** From this many rows on, indexes and keys are set aside while the rows go in (3 million rows: 26 s on PostgreSQL 15, two shared cores). */
const bulkFrom = 100_000;

/**
 * Builds the sample EHR in an empty database or schema: its objects by its own migration files, its Prisma history, its rows.
 *
 * One transaction: it is there as a whole or not at all. The same seed gives the same rows, byte for byte.
 *
 * @example
 * await createSampleEhr(client, { rows: 5_000, seed: 7 });
 */
export async function createSampleEhr(client: ClientBase, options: SampleEhrOptions = {}): Promise<SampleEhr> {
  const { idType = 'uuid', schema = 'public', rows = 5_000, seed = 1, orphans = 0 } = options;
  if (!Number.isSafeInteger(rows) || rows < 0) throw invalid('rows', 'a whole number from 0');
  if (!Number.isSafeInteger(seed)) throw invalid('seed', 'a whole number');
  const cases = Math.floor(rows / 5);
  const records = Math.floor(rows / 2);
  const counts = {
    surgical_cases: cases,
    medical_records: records,
    bills: rows - cases - records,
    appointments: Math.floor(rows / 50),
    prescriptions: Math.floor(rows / 50),
  };
  const orphansOf = spreadOrphans(orphans, counts);
  const migrations = hostMigrations(idType);

  await client.query('BEGIN');
  try {
    if (schema !== 'public') await client.query(`CREATE SCHEMA IF NOT EXISTS ${quote(schema)}`);
    await client.query(`SET LOCAL search_path TO ${quote(schema)}`);
    await refuseWhenPresent(client, schema);
    await client.query(prismaHistoryTable);
    for (const [index, migration] of migrations.entries()) {
      await client.query(migration.sql);
      const startedAt = migrationTime(migration.name);
      await client.query(
        'INSERT INTO "_prisma_migrations" ("id", "checksum", "started_at", "finished_at", "migration_name", "applied_steps_count") VALUES ($1, $2, $3, $4, $5, 1)',
        [sampleId(seed, 'migration', index + 1), migration.checksum, startedAt, new Date(startedAt.getTime() + 240), migration.name],
      );
    }
    const putBack = rows >= bulkFrom ? await setConstraintsAside(client, Object.keys(counts)) : [];
    for (const sql of fillStatements({ idType, seed, counts, orphans: orphansOf })) await client.query(sql);
    for (const sql of putBack) await client.query(sql);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  }
  // Autovacuum would otherwise do this in the middle of whatever is measured next.
  const tables = [...Object.keys(counts), 'users', 'operating_rooms', 'patient_consent_instances', 'insurance_policies'];
  await client.query(`${rows >= bulkFrom ? 'VACUUM (ANALYZE)' : 'ANALYZE'} ${tables.map((table) => `${quote(schema)}.${quote(table)}`).join(', ')}`);
  const rowCounts = { users: staff.length, operating_rooms: 6, consent_templates: 3, ...counts };
  return {
    schema,
    idType,
    users: sampleUsers(seed),
    rows: { ...rowCounts, patient_consent_instances: orphansOf.patient_consent_instances, insurance_policies: orphansOf.insurance_policies },
    orphans: orphansOf,
    migrations,
  };
}

function invalid(field: string, wanted: string): AppError {
  return new AppError('invalid', 'SAMPLE_EHR_OPTION_INVALID', `The option ${field} of the sample EHR must be ${wanted}.`, { field });
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

async function refuseWhenPresent(client: ClientBase, schema: string): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v', 'm') AND c.relname = ANY ($2) ORDER BY 1`,
    [schema, ['users', 'operating_rooms', ...linkTables, ...unlistedPatientTables, 'consent_templates', '_prisma_migrations']],
  );
  const present = rows.map((row) => row.name);
  if (present.length === 0) return;
  throw new AppError(
    'unsafe',
    'SAMPLE_EHR_PRESENT',
    `The schema ${schema} already holds ${present.join(', ')}. The sample EHR is only built where there is nothing of the kind; give an empty database or another schema.`,
    { schema, present },
  );
}

function spreadOrphans(orphans: number, counts: Record<'surgical_cases' | 'medical_records' | 'bills', number>): Record<LinkTable, number> {
  if (!Number.isSafeInteger(orphans) || orphans < 0) throw invalid('orphans', 'a whole number from 0');
  const share = Math.floor(orphans / linkTables.length);
  const perTable = Object.fromEntries(linkTables.map((table, index) => [table, share + (index < orphans % linkTables.length ? 1 : 0)])) as Record<
    LinkTable,
    number
  >;
  for (const table of ['surgical_cases', 'medical_records', 'bills'] as const) {
    if (perTable[table] > counts[table]) throw invalid('orphans', 'small enough for the rows there are; raise rows or lower orphans');
  }
  return perTable;
}

/** Drops keys and indexes of the big tables and returns the statements that make them again, exactly as the catalogue describes them. */
async function setConstraintsAside(client: ClientBase, tables: readonly string[]): Promise<string[]> {
  const constraints = await client.query<{ table: string; name: string; definition: string; type: string }>(
    `SELECT conrelid::regclass::text AS table, conname AS name, pg_get_constraintdef(oid) AS definition, contype AS type FROM pg_constraint
      WHERE contype IN ('p', 'f') AND (conrelid = ANY ($1::regclass[]) OR (contype = 'f' AND confrelid = ANY ($1::regclass[])))
      ORDER BY contype = 'f' DESC, conname`,
    [tables],
  );
  const indexes = await client.query<{ name: string; definition: string }>(
    `SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS definition FROM pg_index i
      WHERE i.indrelid = ANY ($1::regclass[]) AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid) ORDER BY 1`,
    [tables],
  );
  for (const { table, name } of constraints.rows) await client.query(`ALTER TABLE ${table} DROP CONSTRAINT ${quote(name)}`);
  for (const { name } of indexes.rows) await client.query(`DROP INDEX ${name}`);
  const add = (each: { table: string; name: string; definition: string }) => `ALTER TABLE ${each.table} ADD CONSTRAINT ${quote(each.name)} ${each.definition}`;
  return [
    ...constraints.rows.filter((each) => each.type === 'p').map(add),
    ...indexes.rows.map((each) => each.definition),
    ...constraints.rows.filter((each) => each.type === 'f').map(add),
  ];
}

interface FillOptions {
  readonly idType: IdType;
  readonly seed: number;
  readonly counts: Readonly<Record<'surgical_cases' | 'medical_records' | 'bills' | 'appointments' | 'prescriptions', number>>;
  readonly orphans: Readonly<Record<LinkTable, number>>;
}

/** The rows are made inside the server from the seed, so that millions of them never cross the wire. */
function fillStatements({ idType, seed, counts, orphans }: FillOptions): string[] {
  const cast = idType === 'text' ? '::uuid::text' : '::uuid';
  const id = (kind: string, index: string) =>
    `overlay(overlay(md5('${seed}:${kind}:' || ${index}) placing '4' from 13 for 1) placing 'a' from 17 for 1)${cast}`;
  const noise = (salt: number) => `(hashint8extended(i, ${seed} * 1000 + ${salt}) & 2147483647)`;
  const pick = (values: readonly string[], salt: number, type = 'text') =>
    `(ARRAY[${values.map(literal).join(', ')}]::${type}[])[1 + ${noise(salt)} % ${values.length}]`;
  const fraction = (salt: number) => `${noise(salt)} / 2147483648.0`;
  const past = (salt: number) => `TIMESTAMP '2025-12-31 18:00:00' - make_interval(mins => (${noise(salt)} % 900000)::int)`;
  const userOf = (roles: readonly string[], salt: number) => {
    const indexes = staff.flatMap(([role], index) => (roles.includes(role) ? [index + 1] : []));
    return id('user', `(ARRAY[${indexes.join(', ')}])[1 + ${noise(salt)} % ${indexes.length}]`);
  };
  const caseOf = (salt: number) =>
    counts.surgical_cases === 0 ? 'NULL' : `CASE WHEN ${noise(salt)} % 10 < 8 THEN ${id('case', `(1 + ${noise(salt + 1)} % ${counts.surgical_cases})`)} END`;
  // Two rows in three tables may name the same missing person, as they would after a lost table.
  const orphanOf = (table: 'surgical_cases' | 'medical_records' | 'bills') =>
    orphans[table] === 0 ? 'NULL' : `CASE WHEN i <= ${orphans[table]} THEN ${id('orphan', 'i')} END`;
  const rows = (count: number) => `generate_series(1, ${count}::bigint) AS i`;

  const users = sampleUsers(seed).map(
    (user) =>
      `(${literal(user.id)}, ${literal(user.email)}, ${literal(user.name)}, ${literal(user.role)}, TIMESTAMP '2024-03-11 09:30:00', TIMESTAMP '2024-03-11 09:30:00')`,
  );
  return [
    `INSERT INTO "users" ("id", "email", "name", "role", "createdAt", "updatedAt") VALUES ${users.join(', ')}`,
    `INSERT INTO "operating_rooms" ("id", "name", "building") SELECT ${id('room', 'i')}, 'Theatre ' || i, CASE WHEN i <= 4 THEN 'Main building' ELSE 'Day surgery' END FROM ${rows(6)}`,
    `INSERT INTO "consent_templates" ("id", "name", "body")
     SELECT ${id('template', 'i')}, (ARRAY['Surgery', 'Anaesthesia', 'Blood products'])[i], 'I have been told about the procedure, its risks and its alternatives.' FROM ${rows(3)}`,
    `INSERT INTO "surgical_cases" ("id", "caseNumber", "patientId", "surgeonId", "operatingRoomId", "status", "procedureCode", "procedureName", "scheduledAt", "startedAt", "endedAt", "estimatedMinutes", "notes", "createdAt", "updatedAt")
     SELECT ${id('case', 'i')}, 'SC-' || lpad(i::text, 8, '0'), ${orphanOf('surgical_cases')}, ${userOf(['SURGEON'], 1)}, ${id('room', `(1 + ${noise(2)} % 6)`)},
            CASE WHEN ${noise(3)} % 20 = 0 THEN 'CANCELLED' ELSE 'COMPLETED' END::"CaseStatus",
            procedures.code[p.n], procedures.name[p.n], t.at,
            CASE WHEN ${noise(3)} % 20 > 0 THEN t.at + make_interval(mins => (${noise(4)} % 30)::int) END,
            CASE WHEN ${noise(3)} % 20 > 0 THEN t.at + make_interval(mins => (45 + ${noise(5)} % 200)::int) END,
            (30 + 15 * (${noise(6)} % 12))::int, CASE WHEN ${noise(7)} % 4 = 0 THEN 'Blood group and save requested.' END, t.at - INTERVAL '14 days', t.at
       FROM ${rows(counts.surgical_cases)},
            LATERAL (SELECT ${past(8)} AS at) t, LATERAL (SELECT (1 + ${noise(9)} % ${procedures.length})::int AS n) p,
            (SELECT ARRAY[${procedures.map(([code]) => literal(code)).join(', ')}] AS code, ARRAY[${procedures.map(([, name]) => literal(name)).join(', ')}] AS name) procedures`,
    `INSERT INTO "medical_records" ("id", "patientId", "surgicalCaseId", "authorId", "recordType", "title", "content", "recordedAt", "signedAt", "createdAt", "updatedAt")
     SELECT ${id('record', 'i')}, ${orphanOf('medical_records')}, ${caseOf(11)}, ${userOf(['SURGEON', 'DOCTOR', 'NURSE'], 13)},
            ${pick(['ADMISSION_NOTE', 'OPERATIVE_NOTE', 'ANAESTHESIA_RECORD', 'PROGRESS_NOTE', 'DISCHARGE_SUMMARY'], 14, '"RecordType"')},
            'Note ' || i, ${pick(notes, 15)}, t.at, CASE WHEN ${noise(16)} % 10 < 9 THEN t.at + INTERVAL '2 hours' END, t.at, t.at
       FROM ${rows(counts.medical_records)}, LATERAL (SELECT ${past(17)} AS at) t`,
    `INSERT INTO "bills" ("id", "invoiceNumber", "patientId", "surgicalCaseId", "issuedById", "status", "totalAmount", "paidAmount", "issuedAt", "dueDate", "createdAt", "updatedAt")
     SELECT ${id('bill', 'i')}, 'INV-' || lpad(i::text, 9, '0'), ${orphanOf('bills')}, ${caseOf(21)}, ${userOf(['BILLING'], 23)}, b.status, b.total,
            CASE b.status WHEN 'PAID' THEN b.total WHEN 'PARTLY_PAID' THEN round(b.total / 2, 2) ELSE 0 END, t.at, (t.at + INTERVAL '30 days')::date, t.at, t.at
       FROM ${rows(counts.bills)}, LATERAL (SELECT ${past(24)} AS at) t,
            LATERAL (SELECT ${pick(['ISSUED', 'PARTLY_PAID', 'PAID', 'PAID', 'PAID', 'PAID', 'VOID'], 25, '"BillStatus"')} AS status, round((80 + 12000 * ${fraction(26)})::numeric, 2) AS total) b`,
    `INSERT INTO "patient_consent_instances" ("id", "patientId", "templateId", "status", "createdAt", "updatedAt")
     SELECT ${id('consent', 'i')}, ${id('orphan', 'i')}, ${id('template', `(1 + ${noise(31)} % 3)`)}, 'PENDING', ${past(32)}, ${past(32)} FROM ${rows(orphans.patient_consent_instances)}`,
    `INSERT INTO "insurance_policies" ("id", "patientId", "payerName", "policyNumber", "validFrom", "createdAt", "updatedAt")
     SELECT ${id('policy', 'i')}, ${id('orphan', 'i')}, ${pick(['Northern Mutual', 'Lakeside Health', 'Public Health Fund'], 41)}, 'P-' || lpad(i::text, 8, '0'), DATE '2025-01-01', ${past(42)}, ${past(42)}
       FROM ${rows(orphans.insurance_policies)}`,
    `INSERT INTO "appointments" ("id", "providerId", "status", "startsAt", "reason", "createdAt")
     SELECT ${id('appointment', 'i')}, ${userOf(['SURGEON', 'DOCTOR'], 51)}, ${pick(['DONE', 'DONE', 'DONE', 'NO_SHOW', 'CANCELLED'], 52, '"AppointmentStatus"')}, t.at, ${pick(['Pre-operative visit', 'Follow-up', 'Wound check'], 53)}, t.at - INTERVAL '7 days'
       FROM ${rows(counts.appointments)}, LATERAL (SELECT ${past(54)} AS at) t`,
    `INSERT INTO "prescriptions" ("id", "prescriberId", "medication", "dose", "prescribedAt", "createdAt")
     SELECT ${id('prescription', 'i')}, ${userOf(['SURGEON', 'DOCTOR'], 61)}, ${pick(['Paracetamol', 'Ibuprofen', 'Amoxicillin', 'Enoxaparin', 'Ondansetron'], 62)}, ${pick(['1 tablet three times a day', 'once daily', 'as needed'], 63)}, t.at, t.at
       FROM ${rows(counts.prescriptions)}, LATERAL (SELECT ${past(64)} AS at) t`,
  ];
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

const procedures = [
  ['0DTJ4ZZ', 'Laparoscopic appendectomy'],
  ['0FT44ZZ', 'Laparoscopic cholecystectomy'],
  ['0YQ50ZZ', 'Open inguinal hernia repair'],
  ['0SRC0J9', 'Total knee replacement'],
  ['0SR90J9', 'Total hip replacement'],
  ['10D00Z1', 'Caesarean section'],
  ['08RJ3JZ', 'Cataract surgery'],
  ['0GTK0ZZ', 'Thyroidectomy'],
] as const;

const notes = [
  'Admitted for elective surgery. Fasting since midnight. No acute complaints.',
  'Procedure performed without complication. Estimated blood loss 50 ml. Counts correct twice.',
  'General anaesthesia, uneventful induction and emergence. Vital signs stable throughout.',
  'Pain controlled with oral medication. Wound dry. Mobilised with physiotherapy.',
  'Discharged home in good condition. Follow-up in two weeks. Return if fever or bleeding.',
] as const;
