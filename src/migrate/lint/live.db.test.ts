import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { writeHostPrismaFolder } from '../../../sample-ehr/index.ts';
import { createDatabase } from '../../../test/support/database.ts';
import { apply, snapshot } from '../../../test/support/migrate.ts';
import { parseDatabaseUrl } from '../../base/config.ts';
import { planMigration } from '../engine.ts';
import { lintPath } from './index.ts';

const ours = join(import.meta.dirname, '../../../prisma');

function hostFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'onechart-lint-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeHostPrismaFolder(folder);
  return folder;
}

test('only pending migrations are looked at, unless all are asked for; nothing is changed', async () => {
  await using database = await createDatabase({ template: 'host' });
  const address = parseDatabaseUrl(database.url);
  const folder = hostFolder();
  const before = await snapshot(database);
  expect((await lintPath(folder, { address })).files).toBe(0);
  expect((await lintPath(folder, { address, all: true })).files).toBe(4);
  expect((await lintPath(folder)).files).toBe(4);
  expect(await snapshot(database)).toEqual(before);
});

test('tables as they are raise and lower the findings', async () => {
  await using database = await createDatabase({ template: 'host' });
  const address = parseDatabaseUrl(database.url);
  // As ANALYZE would leave a table of three million rows; the linter reads statistics, not rows.
  const pretend = (table: string, count: number) =>
    database.query(`UPDATE pg_class SET reltuples = $2, relpages = greatest(1, pg_relation_size(oid) / 8192) WHERE oid = $1::regclass`, [table, count]);
  await database.query('TRUNCATE bills CASCADE');
  await pretend('surgical_cases', 3_000_000);
  const { findings } = await lintPath(ours, { address });
  const key = (table: string) => findings.find(({ rule, message }) => rule === 'foreign-key-blocks-writes' && message.startsWith(`${table}_patientId_fkey`));
  expect(key('surgical_cases')).toMatchObject({ severity: 'warning', weight: { table: 'surgical_cases', waits: 'writes' } });
  expect(key('surgical_cases')?.message).toMatch(/surgical_cases holds 3,000,000 rows \(\d+ MB\), [\d.]+ writes\/s: writes stand still for about 499 ms/);
  expect(key('bills')).toMatchObject({ severity: 'note', message: expect.stringContaining('bills is empty.') });
  // The tables of the module are not there yet: what is done to them holds up nobody.
  expect(findings.filter(({ rule, severity }) => rule === 'check-blocks-table' && severity !== 'note')).toEqual([]);
});

test('columns, types and indexes of tables that the files do not make come from the database', async () => {
  await using database = await createDatabase();
  await database.query(`
    CREATE TABLE owners (id bigint PRIMARY KEY);
    CREATE TABLE pets (id bigint PRIMARY KEY, "ownerId" bigint, name varchar(20), weight numeric(5,2));
    CREATE INDEX ON pets ("ownerId");
    INSERT INTO pets (id, name) SELECT n, 'x' FROM generate_series(1, 10) n; ANALYZE pets;`);
  const folder = mkdtempSync(join(tmpdir(), 'onechart-lint-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'pets.sql');
  writeFileSync(
    file,
    `ALTER TABLE pets ADD CONSTRAINT pets_owner_fkey FOREIGN KEY ("ownerId") REFERENCES owners (id) NOT VALID;
     ALTER TABLE pets ALTER COLUMN name TYPE varchar(40);
     ALTER TABLE pets ALTER COLUMN weight TYPE numeric(7,3);`,
  );
  const rules = async (options?: Parameters<typeof lintPath>[1]) => (await lintPath(file, options)).findings.map(({ rule }) => rule);
  const address = parseDatabaseUrl(database.url);
  expect(await rules()).toEqual(expect.arrayContaining(['foreign-key-without-index', 'column-type-rewrites-table']));
  const live = (await lintPath(dirname(file), { address })).findings;
  expect(live.filter(({ rule }) => rule === 'foreign-key-without-index')).toEqual([]);
  expect(live.filter(({ rule }) => rule === 'column-type-rewrites-table').map(({ line, severity, message }) => ({ line, severity, message }))).toEqual([
    {
      line: 3,
      severity: 'note',
      message: expect.stringContaining(
        'pets.weight becomes numeric(7,3) (was numeric(5,2)): every row is written anew while nobody can use the table. pets holds 10 rows',
      ),
    },
  ]);
});

test('a server that is not there is said as such', async () => {
  const address = parseDatabaseUrl('postgresql://nobody:nothing@127.0.0.1:1/none');
  await expect(lintPath(ours, { address })).rejects.toMatchObject({ kind: 'unavailable' });
});

test('a plan says what is dangerous in the files it is for, and that its steps avoid it', async () => {
  await using database = await createDatabase({ template: 'host' });
  const address = parseDatabaseUrl(database.url);
  await database.query(`UPDATE pg_class SET reltuples = 30000000, relpages = greatest(1, pg_relation_size(oid) / 8192) WHERE relname = 'surgical_cases'`);
  const { lint } = await planMigration({ address });
  const grave = lint.findings.filter(({ severity }) => severity === 'error');
  expect(grave.map(({ rule, migration }) => `${migration.replace(/^\d+_/, '')} ${rule}`)).toEqual(
    expect.arrayContaining(['add_patient_module foreign-key-blocks-writes', 'add_patient_module locks-pile-up']),
  );
  expect(grave.every(({ avoidedByApply }) => avoidedByApply)).toBe(true);
  await apply(database);
  expect((await planMigration({ address })).lint).toMatchObject({ files: 0, findings: [] });
});
