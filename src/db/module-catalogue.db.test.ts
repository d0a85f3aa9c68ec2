import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabase, type TestDatabase, withClient } from '../../test/support/database.ts';
import { describeModuleObjects, findCatalogueGaps, readCatalogueStamp, readExcessRights, readServingRights } from './module-catalogue.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase({ template: 'migrated' });
});
afterAll(() => database.drop());

test('module-objects.ts is what the catalogue of a migrated database says, on every version of the server', async () => {
  const described = await withClient(database.url, (client) => describeModuleObjects(client));
  expect(await readFile(new URL('./module-objects.ts', import.meta.url), 'utf8')).toBe(described);
  expect(await withClient(database.url, findCatalogueGaps)).toEqual([]);
});

test.each([
  ['a column that is gone', 'ALTER TABLE patients DROP COLUMN "middleName"', { object: 'patients.middleName', problem: 'missing' }],
  ['a column that may be empty now', 'ALTER TABLE patients ALTER COLUMN "lastName" DROP NOT NULL', { object: 'patients.lastName', problem: 'changed' }],
  ['another type', 'ALTER TABLE patients ALTER COLUMN "middleName" TYPE varchar(10)', { object: 'patients.middleName', problem: 'changed' }],
  [
    'a check that holds only from now on',
    'ALTER TABLE access_accounts DROP CONSTRAINT "access_accounts_failedSignIns_check", ADD CONSTRAINT "access_accounts_failedSignIns_check" CHECK ("failedSignIns" >= 0) NOT VALID',
    { object: 'access_accounts_failedSignIns_check', problem: 'invalid' },
  ],
  [
    'another check of the same name',
    'ALTER TABLE access_accounts DROP CONSTRAINT "access_accounts_failedSignIns_check", ADD CONSTRAINT "access_accounts_failedSignIns_check" CHECK ("failedSignIns" >= 1)',
    { object: 'access_accounts_failedSignIns_check', problem: 'changed' },
  ],
  ['an index that is gone', 'DROP INDEX "access_keys_prefix_key"', { object: 'access_keys_prefix_key', problem: 'missing' }],
  [
    'a unique index that is none any more',
    'DROP INDEX "access_keys_prefix_key"; CREATE INDEX "access_keys_prefix_key" ON access_keys (prefix)',
    { object: 'access_keys_prefix_key', problem: 'changed' },
  ],
])('%s is a gap, and the stamp tells that something has changed', async (_what, damage, gap) => {
  await withClient(database.url, async (client) => {
    const before = await readCatalogueStamp(client);
    await client.query('BEGIN');
    await client.query(damage);
    expect(await readCatalogueStamp(client)).not.toBe(before);
    expect(await findCatalogueGaps(client)).toContainEqual(gap);
    await client.query('ROLLBACK');
    expect(await readCatalogueStamp(client)).toBe(before);
  });
});

test('what a newer version has brought is no gap', async () => {
  await withClient(database.url, async (client) => {
    await client.query('BEGIN');
    await client.query(`ALTER TABLE patients ADD COLUMN "newer" text, ADD CONSTRAINT patients_newer_check CHECK ("newer" <> '')`);
    await client.query('CREATE INDEX patients_newer_idx ON patients ("newer")');
    expect(await findCatalogueGaps(client)).toEqual([]);
    await client.query('ROLLBACK');
  });
});

test('a host with text ids and no users table has the same objects', async () => {
  await withClient(database.url, async (client) => {
    await client.query('BEGIN');
    await client.query('ALTER TABLE access_keys ALTER COLUMN id DROP DEFAULT, ALTER COLUMN id TYPE text');
    await client.query('ALTER TABLE patients DROP CONSTRAINT IF EXISTS "patients_createdBy_fkey"');
    expect(await findCatalogueGaps(client)).toEqual([]);
    await client.query('ROLLBACK');
  });
});

test('an owner may too much, a member of onechart_app what it needs, anybody else too little', async () => {
  await withClient(database.url, async (client) => {
    expect(await readExcessRights(client)).toEqual(['DELETE patients', 'TRUNCATE patients', 'UPDATE patient_audit_events', 'DELETE patient_audit_events']);
    await client.query('SET ROLE onechart_app');
    expect(await readServingRights(client)).toEqual([]);
    expect(await readExcessRights(client)).toEqual([]);
    await client.query('SET ROLE pg_read_all_stats');
    expect(await readServingRights(client)).toContain('UPDATE patients');
  });
});
