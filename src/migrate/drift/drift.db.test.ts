import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeHostPrismaFolder } from '../../../sample-ehr/index.ts';
import { createDatabase, type TestDatabase } from '../../../test/support/database.ts';
import { createHost, snapshot } from '../../../test/support/migrate.ts';
import { parseDatabaseUrl } from '../../base/config.ts';
import { applyMigration, type Difference, findDrift, initMigration, type MigrateOptions } from '../index.ts';

let folder: string;
let host: TestDatabase;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'onechart-drift-'));
  writeHostPrismaFolder(folder, 'uuid');
  host = await createHost();
  await initMigration({ address: parseDatabaseUrl(host.url), dir: folder });
  const name = '20270101000000_programs';
  await mkdir(join(folder, 'migrations', name), { recursive: true });
  await writeFile(
    join(folder, 'migrations', name, 'migration.sql'),
    `CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER bills_touch BEFORE UPDATE ON "bills" FOR EACH ROW EXECUTE FUNCTION touch();
CREATE VIEW open_bills AS SELECT id FROM "bills";
CREATE INDEX CONCURRENTLY "bills_createdAt_idx" ON "bills"("createdAt");`,
  );
  await applyMigration({ ...options(host), noBackup: true });
});

afterAll(async () => {
  await host.drop();
  await rm(folder, { recursive: true, force: true });
});

function options(database: { url: string }, more: Partial<MigrateOptions> = {}): MigrateOptions {
  return { address: parseDatabaseUrl(database.url), dir: folder, ...more };
}

const said = (differences: readonly Difference[]) => differences.map(({ state, object, name }) => `${state} ${object} ${name}`);

test('a database that was migrated has no drift, by the whole folder and by the module', async () => {
  const whole = await findDrift(options(host));
  expect(whole).toMatchObject({ record: 'folder', differences: [], withoutFile: [] });
  expect(whole.migrations.length).toBeGreaterThan(10);
  expect(await findDrift(options(host, { dir: undefined }))).toMatchObject({ record: 'module', differences: [] });
});

/** What is done by hand, what the whole folder says to it, what of that the module says, and how it is undone. */
const changes: readonly { change: string; whole: string[]; module?: string[]; undo: string }[] = [
  { change: 'ALTER TABLE bills ADD COLUMN note text', whole: ['extra column bills.note'], undo: 'ALTER TABLE bills DROP COLUMN note' },
  {
    change: 'ALTER TABLE patients ALTER COLUMN "lastName" TYPE varchar(200)',
    whole: ['different column patients.lastName'],
    module: ['different column patients.lastName'],
    undo: 'ALTER TABLE patients ALTER COLUMN "lastName" TYPE varchar(100)',
  },
  {
    change:
      'ALTER TABLE bills DROP CONSTRAINT "bills_patientId_fkey"; ALTER TABLE bills ADD CONSTRAINT "bills_patientId_fkey" FOREIGN KEY ("patientId") REFERENCES patients(id) ON UPDATE CASCADE ON DELETE RESTRICT NOT VALID',
    whole: ['invalid foreign key bills.bills_patientId_fkey'],
    module: ['invalid foreign key bills.bills_patientId_fkey'],
    undo: 'ALTER TABLE bills VALIDATE CONSTRAINT "bills_patientId_fkey"',
  },
  {
    change:
      'ALTER TABLE bills DROP CONSTRAINT "bills_patientId_fkey"; ALTER TABLE bills ADD CONSTRAINT "bills_patientId_fkey" FOREIGN KEY ("patientId") REFERENCES patients(id) ON UPDATE CASCADE ON DELETE CASCADE',
    whole: ['different foreign key bills.bills_patientId_fkey'],
    module: ['different foreign key bills.bills_patientId_fkey'],
    undo: 'ALTER TABLE bills DROP CONSTRAINT "bills_patientId_fkey"; ALTER TABLE bills ADD CONSTRAINT "bills_patientId_fkey" FOREIGN KEY ("patientId") REFERENCES patients(id) ON UPDATE CASCADE ON DELETE RESTRICT',
  },
  {
    change: `UPDATE pg_index SET indisvalid = false WHERE indexrelid = '"bills_patientId_idx"'::regclass`,
    whole: ['invalid index bills_patientId_idx'],
    module: ['invalid index bills_patientId_idx'],
    undo: `UPDATE pg_index SET indisvalid = true WHERE indexrelid = '"bills_patientId_idx"'::regclass`,
  },
  {
    change: 'ALTER TABLE insurance_policies DISABLE TRIGGER ALL',
    whole: ['invalid foreign key insurance_policies.insurance_policies_patientId_fkey'],
    module: ['invalid foreign key insurance_policies.insurance_policies_patientId_fkey'],
    undo: 'ALTER TABLE insurance_policies ENABLE TRIGGER ALL',
  },
  {
    change: 'CREATE INDEX by_hand ON patients (city)',
    whole: ['extra index by_hand'],
    module: ['extra index by_hand'],
    undo: 'DROP INDEX by_hand',
  },
  {
    change: `COMMENT ON TABLE patients IS 'Something else.'`,
    whole: ['different comment patients'],
    module: ['different comment patients'],
    undo: '',
  },
  {
    change: 'ALTER TABLE bills DISABLE TRIGGER bills_touch; CREATE OR REPLACE VIEW open_bills AS SELECT id FROM bills WHERE false',
    whole: ['different trigger bills.bills_touch', 'different view open_bills'],
    undo: 'ALTER TABLE bills ENABLE TRIGGER bills_touch; CREATE OR REPLACE VIEW open_bills AS SELECT id FROM bills',
  },
  {
    change: `CREATE SCHEMA extra; CREATE TABLE extra.t (id int); CREATE FUNCTION extra.f() RETURNS int LANGUAGE sql AS 'SELECT 1'`,
    whole: ['extra table "extra"."t"', 'extra function "extra"."f"()'],
    undo: 'DROP SCHEMA extra CASCADE',
  },
];

test.each(changes)('$change', async ({ change, whole, module = [], undo }) => {
  const comment = await host.query<{ text: string }>(`SELECT obj_description('patients'::regclass) AS text`);
  await host.query(change);
  const before = await snapshot(host);
  expect(said((await findDrift(options(host))).differences)).toEqual(whole);
  expect(said((await findDrift(options(host, { dir: undefined }))).differences)).toEqual(module);
  expect(await snapshot(host)).toEqual(before);
  // That it is gone again, the next one finds, and after the last the replay in an empty database.
  await host.query(undo === '' ? `COMMENT ON TABLE patients IS '${comment[0]?.text.replaceAll("'", "''")}'` : undo);
});

test('an empty database of one’s own serves for the replay, one with tables is refused, and no scratch is left behind', async () => {
  await using empty = await createDatabase();
  const here = { ...options(host), shadow: parseDatabaseUrl(empty.url) };
  expect((await findDrift(here)).differences).toEqual([]);
  await expect(findDrift(here)).rejects.toMatchObject({ code: 'SHADOW_DATABASE_NOT_EMPTY' });
  expect(await host.query(`SELECT datname FROM pg_database WHERE datname LIKE 'onechart_scratch_%'`)).toEqual([]);
});

test('migrations that an empty database does not take are named', async () => {
  const name = '20270101000001_rows';
  await mkdir(join(folder, 'migrations', name), { recursive: true });
  await writeFile(join(folder, 'migrations', name, 'migration.sql'), 'CREATE TABLE later (id int);\nSELECT 1 / (SELECT count(*) FROM bills);');
  await applyMigration({ ...options(host), noBackup: true });
  await expect(findDrift(options(host))).rejects.toMatchObject({
    code: 'MIGRATION_NOT_REPLAYABLE',
    kind: 'operator',
    message: expect.stringContaining('Statement 2'),
  });
  await rm(join(folder, 'migrations', name), { recursive: true });
  expect(await findDrift(options(host))).toMatchObject({ withoutFile: [name], differences: [{ state: 'extra', object: 'table', name: 'later' }] });
});
