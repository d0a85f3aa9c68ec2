import { readFile } from 'node:fs/promises';
import pg from 'pg';
import { expect, test } from 'vitest';
import { selectTrail } from '../../src/audit/trail.store.ts';
import { kyselyOnPool } from '../../src/db/connect.ts';
import { openRegistry } from '../../src/index.ts';
import { listUnpublishedEvents } from '../../src/outbox/outbox.store.ts';
import { syntheticPeople } from '../../src/synth/index.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

const rows = 20_000;

/** 20,000 charts as a hospital has them: few closed, few restricted, many users, a document or a contact for most. */
async function fill(database: TestDatabase): Promise<void> {
  const sample = [...syntheticPeople({ people: rows, seed: 7 })];
  await database.query(
    `INSERT INTO users (id, email, name, role, "updatedAt") SELECT gen_random_uuid(), 'user' || n || '@ehr.example', 'User ' || n, (SELECT role FROM users LIMIT 1), now() FROM generate_series(1, 200) n`,
  );
  await database.query(
    `WITH people AS (SELECT value AS p, n FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS e(value, n)), staff AS (SELECT array_agg(id) AS ids FROM users WHERE email LIKE 'user%')
     INSERT INTO patients (mrn, "firstName", "lastName", "dateOfBirth", email, phone, "phoneSecondary", status, deceased, archived, "archivedAt", "archivedBy", "deceasedBy", restricted, "restrictedReason", "restrictedAt", "restrictedBy", "createdBy", "updatedBy", "createdAt", "updatedAt")
     SELECT 'T-' || n, p->>'firstName', p->>'lastName', (p->>'dateOfBirth')::date, lower(p->>'email'), p->>'phone', CASE WHEN n % 3 = 0 THEN '+2547' || lpad(n::text, 8, '0') END,
       (CASE WHEN n % 50 = 1 THEN 'ARCHIVED' WHEN n % 50 = 2 THEN 'DECEASED' WHEN n % 200 = 3 THEN 'INACTIVE' ELSE 'ACTIVE' END)::"PatientStatus",
       n % 50 = 2, n % 50 = 1, CASE WHEN n % 50 = 1 THEN now() END, CASE WHEN n % 50 = 1 THEN ids[1 + n % 200] END, CASE WHEN n % 50 = 2 THEN ids[1 + n % 200] END,
       n % 100 = 5, CASE WHEN n % 100 = 5 THEN 'staff' END, CASE WHEN n % 100 = 5 THEN now() END, CASE WHEN n % 100 = 5 THEN ids[1 + n % 200] END,
       ids[1 + (n * 7) % 200], ids[1 + (n * 13) % 200], timestamptz '2020-01-01' + n * interval '3 hours', timestamptz '2021-01-01' + (n * 7919 % 20000) * interval '2 hours'
     FROM people, staff`,
    [JSON.stringify(sample)],
  );
  await database.query(`WITH target AS (SELECT id FROM patients WHERE status = 'ACTIVE' LIMIT 400), numbered AS (SELECT id, row_number() OVER () AS n FROM target)
    UPDATE patients p SET "mergedInto" = numbered.id, "mergedAt" = now(), "mergedBy" = p."archivedBy" FROM numbered WHERE p.archived AND p.mrn = 'T-' || (numbered.n * 50 - 49)`);
  await database.query(
    `INSERT INTO patient_merge_history ("sourcePatientId", "targetPatientId") SELECT a.id, b.id FROM (SELECT id, row_number() OVER () n FROM patients) a JOIN (SELECT id, row_number() OVER (ORDER BY mrn) n FROM patients) b USING (n) WHERE a.id <> b.id AND n <= 5000`,
  );
  await database.query(
    `INSERT INTO patient_contacts ("patientId", "firstName", "lastName", relationship, phone) SELECT id, 'Kin', "lastName", 'SPOUSE', '+2541' || lpad((row_number() OVER ())::text, 8, '0') FROM patients`,
  );
  await database.query(
    `INSERT INTO patient_documents ("patientId", "documentType", "documentNumber") SELECT id, (ARRAY['ID_CARD', 'PASSPORT'])[1 + n % 2], 'D' || (row_number() OVER ()) FROM patients, generate_series(1, 2) n`,
  );
  await database.query(
    `INSERT INTO patient_allergies ("patientId", allergen, "allergyType", severity) SELECT id, 'Latex', 'OTHER', 'MILD' FROM patients, generate_series(1, 2) WHERE "lastName" > 'D'`,
  );
  await database.query(
    `INSERT INTO patient_risk_flags ("patientId", "flagType", severity) SELECT id, 'FALL_RISK', 'LOW' FROM patients, generate_series(1, 2) WHERE "lastName" > 'D'`,
  );
  await database.query(
    `INSERT INTO patient_audit_events ("occurredAt", action, "patientId", "actorKind", "actorId") SELECT "createdAt", 'patient.registered', id, 'user', "createdBy" FROM patients`,
  );
  await database.query(
    `INSERT INTO patient_outbox_events ("occurredAt", type, "patientId", "patientVersion", payload, "publishedAt") SELECT "createdAt", 'patient.registered', id, 1, '{}', now() FROM patients`,
  );
  await database.query(
    `INSERT INTO patient_names ("patientId", use, "lastName", "firstName") SELECT id, 'MAIDEN', 'Maiden' || n, 'Kin' || n FROM (SELECT id, row_number() OVER () AS n FROM patients) p`,
  );
  await database.query(`INSERT INTO patient_addresses ("patientId", use, city) SELECT id, 'WORK', 'Nairobi' FROM patients`);
  await database.query(
    `INSERT INTO patient_telecoms ("patientId", system, use, value) SELECT id, 'PHONE', 'WORK', '+2542' || lpad((row_number() OVER ())::text, 8, '0') FROM patients`,
  );
  await database.query(`INSERT INTO patient_identifiers ("patientId", type, value) SELECT id, 'NI', 'N' || row_number() OVER () FROM patients`);
  await database.query(`UPDATE patients SET "motherId" = (SELECT id FROM patients WHERE mrn = 'T-7') WHERE mrn IN ('T-8', 'T-9')`);
  await database.query(
    `INSERT INTO patient_placeholders ("patientId", origin, "completedAt") SELECT id, 'UNIDENTIFIED', CASE WHEN mrn NOT LIKE 'T-77%' THEN now() END FROM patients`,
  );
  await database.query('ANALYZE');
}

interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** A pool that keeps every statement it is given. */
function recordingPool(url: string): { pool: pg.Pool; statements: Statement[] } {
  const statements: Statement[] = [];
  const pool = new pg.Pool({ connectionString: url, max: 3 });
  pool.on('connect', (client) => {
    const query = client.query.bind(client) as (...given: unknown[]) => unknown;
    client.query = ((...given: unknown[]) => {
      const [first] = given;
      if (typeof first === 'object' && first !== null && 'text' in first && 'values' in first) statements.push(first as Statement);
      return query(...given);
    }) as typeof client.query;
  });
  return { pool, statements };
}

/** Every index that appears in the plan of the statement. */
async function indexesOf(database: TestDatabase, statement: Statement): Promise<string[]> {
  const [row] = await database.query<{ 'QUERY PLAN': unknown }>(`EXPLAIN (FORMAT JSON) ${statement.text}`, statement.values);
  return [...JSON.stringify(row?.['QUERY PLAN']).matchAll(/"Index Name":"([^"]+)"/g)].map((match) => match[1] as string);
}

test('every index of the first migration, and of names and numbers, serves a statement that the repository really sends', async () => {
  await using database = await createDatabase({ template: 'migrated' });
  await fill(database);
  const { pool, statements } = recordingPool(database.url);
  try {
    await using registry = await openRegistry({ pool });
    const patients = registry.patientRepository;
    const [one] = await database.query<Record<'id' | 'mrn' | 'email' | 'phone' | 'phoneSecondary' | 'createdBy', string>>(
      `SELECT * FROM patients WHERE email IS NOT NULL AND phone IS NOT NULL AND "phoneSecondary" IS NOT NULL AND status = 'ACTIVE' LIMIT 1`,
    );
    const [acting] = await database.query<Record<'archivedBy' | 'deceasedBy' | 'restrictedBy' | 'mergedBy' | 'mergedInto', string>>(
      `SELECT (SELECT "archivedBy" FROM patients WHERE archived LIMIT 1), (SELECT "deceasedBy" FROM patients WHERE deceased LIMIT 1), (SELECT "restrictedBy" FROM patients WHERE restricted LIMIT 1), (SELECT "mergedBy" FROM patients WHERE "mergedBy" IS NOT NULL LIMIT 1), (SELECT "mergedInto" FROM patients WHERE "mergedInto" IS NOT NULL LIMIT 1)`,
    );
    if (!one || !acting) throw new Error('The sample has no such patient.');

    await patients.findById(one.id);
    await patients.findByMrn(one.mrn);
    await patients.findByIdentifier({ type: 'PASSPORT', value: 'D3' });
    await patients.search({ email: one.email });
    await patients.search({ phone: one.phone });
    await patients.search({ contactPhone: '+254100000009' });
    await patients.search({ documentNumber: 'D17' });
    await patients.search({ dateOfBirth: '1971-03-04' });
    const names = await patients.list({ order: 'name', limit: 20, total: false });
    if (names.nextCursor !== null) await patients.list({ order: 'name', limit: 20, total: false, cursor: names.nextCursor });
    await patients.list({ limit: 20 });
    await patients.list({ status: 'INACTIVE', limit: 20 });
    await patients.list({ order: 'changed', updatedSince: '2025-07-01T00:00:00Z', limit: 20 });
    await patients.list({ mergedInto: acting.mergedInto });
    const actedOnBy = [
      ['created', one.createdBy],
      ['updated', one.createdBy],
      ['archived', acting.archivedBy],
      ['deceased', acting.deceasedBy],
      ['restricted', acting.restrictedBy],
      ['merged', acting.mergedBy],
    ] as const;
    for (const [action, userId] of actedOnBy) await patients.list({ actedOnBy: { action, userId } });
    await patients.listContacts(one.id);
    await patients.listDocuments(one.id);
    await patients.listAllergies(one.id, { activeOnly: true });
    await patients.listRiskFlags(one.id, { activeOnly: true });
    await patients.listMerges(one.id);
    await patients.listNames(one.id);
    await patients.listAddresses(one.id);
    await patients.listTelecoms(one.id);
    await patients.listIdentifiers(one.id);
    await patients.listChildren(one.id);
    await patients.listPlaceholders({ limit: 20 });
    await patients.findByIdentifier({ type: 'NI', value: 'N 17' });
    await patients.search({ phone: '+254200000017', includeOther: true });
    const db = kyselyOnPool(pool);
    await selectTrail(db, { patientId: one.id }, { limit: 20, after: undefined });
    await selectTrail(db, { actorId: one.createdBy }, { limit: 20, after: undefined });
    await listUnpublishedEvents(db, 20);

    const used = new Set<string>();
    for (const statement of statements.filter(({ text }) => /^(select|with|\s*with)/i.test(text) && /patient/.test(text)))
      for (const index of await indexesOf(database, statement)) used.add(index);

    const first = await readFile(new URL('../../prisma/migrations/20260103000000_add_patient_module/migration.sql', import.meta.url), 'utf8');
    const promised = [...first.matchAll(/^CREATE (?:UNIQUE )?INDEX "([^"]+)"/gm)].map((match) => match[1] as string);
    expect(promised).toHaveLength(24);
    expect(promised.filter((index) => !used.has(index))).toEqual([]);
    const people = await readFile(new URL('../../prisma/migrations/20260103000900_register_real_people/migration.sql', import.meta.url), 'utf8');
    const others = [...people.matchAll(/^CREATE INDEX "([^"]+)"/gm)].map((match) => match[1] as string);
    expect(others).toHaveLength(9);
    // The first serves restricted charts found by a whole name, which a trusted caller is not asked for; the second the check of its key.
    const elsewhere = ['patient_names_lastName_firstName_idx', 'patient_identifiers_authorityCode_idx'];
    expect([...others, 'patient_placeholders_completedAt_createdAt_patientId_idx'].filter((index) => !used.has(index) && !elsewhere.includes(index))).toEqual(
      [],
    );
    // The rows of the trail lie in partitions, whose parts of an index bear the partition's name.
    expect([...used].map((index) => index.replace('patient_audit_events_default_', 'patient_audit_events_'))).toEqual(
      expect.arrayContaining([
        'patient_audit_events_patientId_occurredAt_id_idx',
        'patient_audit_events_actorId_occurredAt_id_idx',
        'patient_outbox_events_publishedAt_occurredAt_id_idx',
      ]),
    );
  } finally {
    await pool.end();
  }
});
