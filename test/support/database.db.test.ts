import { expect, test } from 'vitest';
import { cloneOf, createDatabase, testServer } from './database.ts';

test('an empty database has no tables, and two of them do not see each other', async () => {
  await using first = await createDatabase();
  await using second = await createDatabase();
  await first.query('CREATE TABLE only_here (id int)');
  const tables = `SELECT count(*)::int AS tables FROM pg_tables WHERE schemaname = 'public'`;
  expect(await first.query(tables)).toEqual([{ tables: 1 }]);
  expect(await second.query(tables)).toEqual([{ tables: 0 }]);
});

test('the host template is the sample EHR without the module', async () => {
  await using database = await createDatabase({ template: 'host' });
  expect(await database.query(`SELECT to_regclass('surgical_cases') IS NOT NULL AS host, to_regclass('patients') IS NULL AS without`)).toEqual([
    { host: true, without: true },
  ]);
});

test('the migrated template has the module', async () => {
  await using database = await createDatabase({ template: 'migrated' });
  expect(await database.query('SELECT count(*)::int AS patients FROM patients')).toEqual([{ patients: 0 }]);
});

test('the applied template has the module and the journal of its apply', async () => {
  await using database = await createDatabase({ template: 'applied' });
  expect(await database.query(`SELECT command, outcome FROM onechart.migration_runs`)).toEqual([{ command: 'apply', outcome: 'done' }]);
});

test('a clone has what the other had, and goes its own way', async () => {
  await using first = await createDatabase();
  await first.query('CREATE TABLE kept AS SELECT 1 AS id');
  await using second = await cloneOf(first);
  await second.query('DELETE FROM kept');
  expect(await first.query('SELECT id FROM kept')).toEqual([{ id: 1 }]);
  expect(await second.query('SELECT id FROM kept')).toEqual([]);
});

test('a database is gone after its drop, open connections or not', async () => {
  const database = await createDatabase({ name: '1xetra*onmi' });
  const client = await database.pool().connect();
  client.on('error', () => undefined);
  client.release();
  await database.drop();
  await using other = await createDatabase();
  expect(await other.query('SELECT datname FROM pg_database WHERE datname = $1', ['1xetra*onmi'])).toEqual([]);
});

test('the server says what it is', async () => {
  const server = await testServer();
  expect(server.version).toBeGreaterThanOrEqual(14);
  expect(server.label).toMatch(/^(?:embedded|system|given) \d+$/);
});
