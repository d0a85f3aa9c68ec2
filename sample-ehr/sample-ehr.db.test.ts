import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { readPrismaModels } from '../src/migrate/module/prisma-schema.ts';
import { createDatabase, type TestDatabase, testServer, withClient } from '../test/support/database.ts';
import { snapshot } from '../test/support/migrate.ts';
import { createSampleEhr, hostMigrations, hostPrismaSchema, linkTables, type SampleEhrOptions, startBackgroundWriter } from './index.ts';
import { createVariant, oddPassword } from './variants.ts';

const build = (database: TestDatabase, options: SampleEhrOptions = {}) =>
  withClient(database.url, (client) => createSampleEhr(client, { rows: 200, ...options }));

/** Every table's rows as text, hashed. */
async function rowsOf(database: TestDatabase, schema = 'public'): Promise<Record<string, string>> {
  const tables = await database.query<{ name: string; full: string }>(
    `SELECT tablename AS name, format('%I.%I', schemaname, tablename) AS full FROM pg_tables WHERE schemaname = $1`,
    [schema],
  );
  const hashes: Record<string, string> = {};
  for (const { name, full } of tables) {
    const lines = await database.query<{ line: string }>(`SELECT t::text AS line FROM ${full} t ORDER BY 1`);
    hashes[name] = createHash('sha256')
      .update(lines.map(({ line }) => line).join('\n'))
      .digest('hex');
  }
  return hashes;
}

test.each(['uuid', 'text'] as const)('the database agrees with the Prisma schema, %s ids: tables, columns, types, what may be null', async (idType) => {
  await using database = await createDatabase();
  await build(database, { idType });
  const models = readPrismaModels(hostPrismaSchema(idType));
  const enums = models.filter(({ kind }) => kind === 'enum').map(({ name }) => name);
  const names = new Set(models.map(({ name }) => name));
  const scalar: Record<string, string> = { String: 'text', Int: 'integer', Boolean: 'boolean', DateTime: 'timestamp(3) without time zone' };
  const native: Record<string, string> = { Uuid: 'uuid', Date: 'date', VarChar: 'character varying', Char: 'character', Decimal: 'numeric' };
  const typeOf = (type: string, attributes: string) => {
    const [, name, size] = /@db\.(\w+)(?:\(([^)]*)\))?/.exec(attributes) ?? [];
    if (name !== undefined) return `${native[name]}${size === undefined ? '' : `(${size.replaceAll(' ', '')})`}`;
    return enums.includes(type) ? `"${type}"` : scalar[type];
  };
  const wanted = models
    .filter(({ kind }) => kind === 'model')
    .flatMap(({ table, fields }) =>
      fields
        .filter(({ type }) => !names.has(type.replace(/[?[\]]/g, '')) || enums.includes(type.replace('?', '')))
        .map(({ column, type, attributes }) => `${table}.${column} ${typeOf(type.replace('?', ''), attributes)} ${type.endsWith('?') ? 'null' : 'not null'}`),
    );
  const there = await database.query<{ line: string }>(
    `SELECT format('%s.%s %s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN 'not null' ELSE 'null' END) AS line
     FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped AND c.relname <> '_prisma_migrations'`,
  );
  expect(wanted.length).toBeGreaterThan(80);
  expect(there.map(({ line }) => line).sort()).toEqual(wanted.sort());
});

test('the history is as Prisma would have written it', async () => {
  await using database = await createDatabase();
  await build(database);
  const rows = await database.query(
    `SELECT migration_name AS name, checksum, finished_at > started_at AS finished, rolled_back_at, logs, applied_steps_count AS steps FROM _prisma_migrations ORDER BY started_at`,
  );
  expect(rows).toEqual(hostMigrations().map(({ name, checksum }) => ({ name, checksum, finished: true, rolled_back_at: null, logs: null, steps: 1 })));
});

test('the same seed gives the same rows, another seed others; the counts are as told', async () => {
  await using first = await createDatabase();
  await using same = await createDatabase();
  await using other = await createDatabase();
  const ehr = await build(first, { seed: 5, orphans: 7 });
  await build(same, { seed: 5, orphans: 7 });
  await build(other, { seed: 6, orphans: 7 });
  const rows = await rowsOf(first);
  expect(Object.keys(rows).length).toBeGreaterThanOrEqual(11);
  expect(await rowsOf(same)).toEqual(rows);
  const others = await rowsOf(other);
  for (const table of ['users', 'surgical_cases', 'medical_records', 'bills', 'appointments', 'prescriptions'])
    expect(others[table], table).not.toBe(rows[table]);
  for (const [table, count] of Object.entries(ehr.rows)) expect(await first.query(`SELECT count(*)::int AS count FROM ${table}`), table).toEqual([{ count }]);
  for (const table of linkTables)
    expect(await first.query(`SELECT count("patientId")::int AS orphans FROM ${table}`), table).toEqual([{ orphans: ehr.orphans[table] }]);
  expect(Object.values(ehr.orphans).reduce((sum, each) => sum + each, 0)).toBe(7);
});

test('refuses where its tables are already, and touches nothing', async () => {
  await using database = await createDatabase();
  await database.query('CREATE TABLE bills (id int)');
  const before = await snapshot(database);
  await expect(build(database)).rejects.toMatchObject({ kind: 'unsafe', code: 'SAMPLE_EHR_PRESENT', details: { present: ['bills'] } });
  expect(await snapshot(database)).toEqual(before);
  await build(database, { schema: 'beside' });
  await expect(build(database, { schema: 'beside' })).rejects.toMatchObject({ code: 'SAMPLE_EHR_PRESENT' });
});

test.each([{ rows: -1 }, { rows: 1.5 }, { seed: 0.5 }, { orphans: -2 }, { rows: 10, orphans: 100 }])('refuses %o', async (options) => {
  await using database = await createDatabase();
  await expect(build(database, options)).rejects.toMatchObject({ kind: 'invalid', code: 'SAMPLE_EHR_OPTION_INVALID' });
  expect(await database.query(`SELECT count(*)::int AS tables FROM pg_tables WHERE schemaname = 'public'`)).toEqual([{ tables: 0 }]);
});

test('variants: odd names log in with their odd password, orphans point nowhere, half of the module is there', async () => {
  const { url: server } = await testServer();
  await using odd = await createVariant('odd-names', { server, rows: 20 });
  expect(odd.address).toMatchObject({ password: oddPassword });
  expect(odd.address.database.startsWith('1xetra*onmi')).toBe(true);
  const client = new pg.Client({
    host: odd.address.host,
    port: odd.address.port,
    user: odd.address.user,
    password: oddPassword,
    database: odd.address.database,
  });
  await client.connect();
  const { rows } = await client.query('SELECT current_user = $1 AS owner, rolsuper AS super FROM pg_roles WHERE rolname = current_user', [odd.address.user]);
  await client.end();
  expect(rows).toEqual([{ owner: true, super: false }]);

  await using half = await createVariant('half-applied', { server, rows: 20, byHand: { upTo: 5 } });
  expect(half.byHand).toMatchObject({ applied: [1, 2, 3, 4, 5], failed: [] });
  await withClient(half.url, async (connected) => {
    const tables = await connected.query(
      `SELECT count(*)::int AS tables FROM pg_tables WHERE tablename LIKE 'patient%' AND tablename <> 'patient_consent_instances'`,
    );
    expect(tables.rows).toEqual([{ tables: 4 }]);
  });
});

async function liveHost(): Promise<{ database: TestDatabase; holder: pg.Client }> {
  const database = await createDatabase({ template: 'host' });
  onTestFinished(() => database.drop());
  const holder = new pg.Client({ connectionString: database.url });
  holder.on('error', () => undefined);
  await holder.connect();
  onTestFinished(() => holder.end().catch(() => undefined));
  return { database, holder };
}

/** Locks every table the writer writes to; resolves when a writer waits for it. */
async function holdWriters(database: TestDatabase, holder: pg.Client): Promise<void> {
  await holder.query('BEGIN');
  await holder.query('LOCK TABLE surgical_cases, medical_records, bills, users IN EXCLUSIVE MODE');
  for (;;) {
    const [answer] = await database.query<{ waits: boolean }>(`SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND locktype = 'relation') AS waits`);
    if (answer?.waits) return;
    await pause(5);
  }
}

test('the writer hides no wait: a lock held for 300 ms shows as a write of at least 300 ms, once per waiting connection', async () => {
  const { database, holder } = await liveHost();
  const writer = await startBackgroundWriter({ database: { connectionString: database.url }, clients: 2, ratePerSecond: 100 });
  await holdWriters(database, holder);
  await pause(300);
  await holder.query('COMMIT');
  const report = await writer.stop();
  expect(report.errors).toBe(0);
  expect(report.max).toBeGreaterThanOrEqual(300);
  const long = report.slow.filter(({ milliseconds }) => milliseconds >= 300);
  expect(long.length).toBeGreaterThanOrEqual(1);
  expect(long.length).toBeLessThanOrEqual(2);
  for (const each of long) expect(each).toMatchObject({ answered: true, statement: expect.stringMatching(/^(?:INSERT|UPDATE) \w+$/) });
  // Transactions are timed from when they were due: those that queued behind the stall count as late too.
  expect(report.transactions.max).toBeGreaterThanOrEqual(300);
  expect(Math.max(...report.perSecond.map(({ max }) => max))).toBe(report.max);
});

test('a write that is never answered is in the report with the length it has', async () => {
  const { database, holder } = await liveHost();
  const writer = await startBackgroundWriter({ database: { connectionString: database.url }, clients: 2, drainMilliseconds: 250 });
  await holdWriters(database, holder);
  const report = await writer.stop();
  const unanswered = report.slow.filter(({ answered }) => !answered);
  expect(unanswered.length).toBeGreaterThanOrEqual(1);
  expect(report.max).toBeGreaterThanOrEqual(250);
  await holder.query('ROLLBACK');
});

test('the writer refuses what is no sample EHR', async () => {
  const { database } = await liveHost();
  await database.query(
    'DELETE FROM bills; DELETE FROM medical_records; DELETE FROM surgical_cases; DELETE FROM appointments; DELETE FROM prescriptions; DELETE FROM users',
  );
  await expect(startBackgroundWriter({ database: { connectionString: database.url } })).rejects.toMatchObject({ code: 'SAMPLE_EHR_EMPTY' });
});
