import { randomUUID } from 'node:crypto';
import { afterEach, expect, test } from 'vitest';
import { createSampleEhr } from '../../../sample-ehr/index.ts';
import { createDatabase, type TestDatabase, withClient } from '../../../test/support/database.ts';
import { type HostFinding, type HostOptions, readHostProfile } from './host-profile.ts';
import { linkIndexMigrationName, renderModule } from './render-module.ts';

const open: TestDatabase[] = [];
afterEach(async () => {
  for (const database of open.splice(0)) await database.drop();
});

async function host(options: { change?: string; template?: 'host' | 'empty' } = {}): Promise<TestDatabase> {
  const database = await createDatabase({ template: options.template ?? 'host' });
  open.push(database);
  if (options.change !== undefined) await database.query(options.change);
  return database;
}

const read = (database: TestDatabase, options: Partial<HostOptions> = {}) =>
  withClient(database.url, (client) => readHostProfile(client, { schema: 'public', ...options }));
const codes = (findings: readonly HostFinding[], level: HostFinding['level']) => findings.filter((each) => each.level === level).map((each) => each.code);

test('the sample EHR: uuid, five link tables, users; further patient columns are proposed', async () => {
  const { profile, findings } = await read(await host());
  expect(profile).toMatchObject({ schema: 'public', idType: 'uuid', userIdType: 'uuid', usersTable: 'users' });
  expect(profile?.linkTables.map((link) => `${link.table}.${link.column}`)).toEqual(
    ['surgical_cases', 'medical_records', 'bills', 'patient_consent_instances', 'insurance_policies'].map((table) => `${table}.patientId`),
  );
  expect(profile?.linkTables.find((link) => link.table === 'surgical_cases')?.indexed).toBe(true);
  expect(codes(findings, 'block')).toEqual([]);
  const proposed = findings.filter((each) => each.code === 'LINK_TABLE_PROPOSED').map((each) => each.details.table);
  expect(proposed).toEqual(['appointments', 'prescriptions']);
  const bare = findings.filter((each) => each.code === 'LINK_COLUMN_NOT_INDEXED').map((each) => each.details.table);
  expect(bare).toEqual(profile?.linkTables.filter((link) => !link.indexed).map((link) => link.table));
});

test('a host with text ids in another schema', async () => {
  const database = await host({ template: 'empty' });
  await withClient(database.url, (client) => createSampleEhr(client, { idType: 'text', schema: 'ehr', rows: 50 }));
  const { profile, findings } = await read(database, { schema: 'ehr', linkTables: ['bills', 'appointments'] });
  expect(profile).toMatchObject({ schema: 'ehr', idType: 'text', userIdType: 'text', usersTable: 'users' });
  expect(profile?.linkTables.map((link) => link.table)).toEqual(['bills', 'appointments']);
  expect(codes(findings, 'warn')).toEqual(['LINK_TABLE_LEFT_OUT', 'LINK_TABLE_LEFT_OUT', 'LINK_TABLE_LEFT_OUT', 'LINK_TABLE_LEFT_OUT']);
});

test('varchar counts as text, and PostgreSQL takes the keys so rendered', async () => {
  const database = await host({
    template: 'empty',
    change:
      'CREATE TABLE users (id varchar(36) PRIMARY KEY); CREATE TABLE visits (id serial PRIMARY KEY, patient_id varchar(36) NOT NULL); CREATE TABLE notes (id serial PRIMARY KEY, "patientId" text)',
  });
  const { profile } = await read(database, { linkTables: ['visits', 'notes'] });
  expect(profile).toMatchObject({
    idType: 'text',
    userIdType: 'text',
    linkTables: [
      { table: 'visits', column: 'patient_id', indexed: false },
      { table: 'notes', column: 'patientId', indexed: false },
    ],
  });
  if (!profile) throw new Error('no profile');
  for (const { sql } of renderModule(profile)) await database.query(sql);
  await expect(database.query(`INSERT INTO visits (patient_id) VALUES ('nobody')`)).rejects.toMatchObject({
    code: '23503',
    constraint: 'visits_patient_id_fkey',
  });
  expect(await database.query(`SELECT indexname FROM pg_indexes WHERE tablename IN ('visits', 'notes') AND indexname LIKE '%_idx' ORDER BY 1`)).toEqual([
    { indexname: 'notes_patientId_idx' },
    { indexname: 'visits_patient_id_idx' },
  ]);
});

test.each([
  ['a missing table', 'DROP TABLE bills CASCADE', 'LINK_TABLE_MISSING'],
  ['a missing column', 'ALTER TABLE bills DROP COLUMN "patientId"', 'LINK_COLUMN_MISSING'],
  ['a mixture of uuid and text', 'ALTER TABLE bills ALTER COLUMN "patientId" TYPE text USING "patientId"::text', 'LINK_TYPES_MIXED'],
  ['a number', 'ALTER TABLE bills ALTER COLUMN "patientId" TYPE bigint USING NULL', 'LINK_COLUMN_TYPE'],
  ['char(n), which pads', 'ALTER TABLE bills ALTER COLUMN "patientId" TYPE char(36) USING "patientId"::text', 'LINK_COLUMN_TYPE'],
  ['a view', 'ALTER TABLE bills RENAME TO all_bills; CREATE VIEW bills AS SELECT * FROM all_bills', 'LINK_TABLE_KIND'],
  [
    'a key to another table',
    'CREATE TABLE persons (id uuid PRIMARY KEY); UPDATE bills SET "patientId" = NULL; ALTER TABLE bills ADD FOREIGN KEY ("patientId") REFERENCES persons (id)',
    'LINK_COLUMN_REFERENCES_OTHER',
  ],
  ['users without a key', 'ALTER TABLE users DROP CONSTRAINT users_pkey CASCADE', 'USERS_ID_NOT_UNIQUE'],
])('%s blocks, in words', async (_, change, code) => {
  const { profile, findings } = await read(await host({ change }));
  expect(profile).toBeUndefined();
  expect(codes(findings, 'block')).toEqual([code]);
});

test('duplicate and missing user ids are counted', async () => {
  const database = await host({ change: 'ALTER TABLE users DROP CONSTRAINT users_pkey CASCADE; ALTER TABLE users ALTER id DROP NOT NULL' });
  await database.query(`INSERT INTO users (id, email, name, role, "updatedAt") SELECT id, 'again-' || email, name, role, now() FROM users LIMIT 2`);
  await database.query(`INSERT INTO users (id, email, name, role, "updatedAt") VALUES (NULL, 'none@example.org', 'None', 'NURSE', now())`);
  const { findings } = await read(database);
  expect(findings.find((each) => each.code === 'USERS_ID_NOT_UNIQUE')?.details).toEqual({ table: 'users', duplicates: 2, nulls: 1 });
});

test('users under another name, absent, named wrongly, left out, or with numbers for ids', async () => {
  const renamed = await host({ change: 'ALTER TABLE users RENAME TO staff' });
  expect((await read(renamed, { usersTable: 'staff' })).profile).toMatchObject({ usersTable: 'staff', userIdType: 'uuid' });
  const absent = await read(renamed);
  expect(absent.profile?.usersTable).toBeUndefined();
  expect(codes(absent.findings, 'warn')).toEqual(['USERS_TABLE_MISSING']);
  expect(codes((await read(renamed, { usersTable: 'people' })).findings, 'block')).toEqual(['USERS_TABLE_MISSING']);
  const numbered = await host({ change: 'ALTER TABLE users RENAME TO old_users; CREATE TABLE users (id bigint PRIMARY KEY)' });
  expect(codes((await read(numbered)).findings, 'block')).toEqual(['USERS_ID_TYPE']);
  expect((await read(numbered, { usersTable: false })).profile).toMatchObject({ usersTable: undefined, userIdType: 'text' });
});

test('what serves a look-up counts as an index; what does not, does not', async () => {
  const database = await host({
    change: `DROP INDEX IF EXISTS "bills_patientId_idx";
             CREATE INDEX a ON bills ("issuedById", "patientId"); CREATE INDEX b ON bills ("patientId") WHERE "surgicalCaseId" IS NULL`,
  });
  const indexed = async () => (await read(database)).profile?.linkTables.find((link) => link.table === 'bills')?.indexed;
  expect(await indexed()).toBe(false);
  await database.query('CREATE INDEX c ON bills ("patientId", "createdAt") WHERE "patientId" IS NOT NULL');
  expect(await indexed()).toBe(true);
});

test('once our link indexes are in the history, the same file is rendered although the indexes stand', async () => {
  const database = await host();
  const before = (await read(database)).profile;
  if (!before) throw new Error('no profile');
  const file = renderModule(before).find((each) => each.name === linkIndexMigrationName);
  expect(file).toBeDefined();
  const record = `INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at) VALUES ($1, $2, $3, now())`;
  await database.query(record, [randomUUID(), file?.checksum, file?.name]);
  for (const statement of file?.sql.split(/;\n/).filter((each) => each.includes('CREATE INDEX')) ?? []) {
    await database.query(statement);
    expect((await read(database)).profile).toEqual(before);
  }
  await database.query('UPDATE _prisma_migrations SET rolled_back_at = now() WHERE migration_name = $1', [linkIndexMigrationName]);
  expect((await read(database)).profile?.linkTables.every((link) => link.indexed)).toBe(true);
});
