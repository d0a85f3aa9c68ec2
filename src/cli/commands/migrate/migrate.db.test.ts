import { once } from 'node:events';
import { appendFile, mkdtemp, readdir, rm } from 'node:fs/promises';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { writeHostPrismaFolder } from '../../../../sample-ehr/index.ts';
import { createVariant, oddPassword } from '../../../../sample-ehr/variants.ts';
import { type CommandPlace, runCommand, startCommand } from '../../../../test/support/command-line.ts';
import { createDatabase, testServer, withClient } from '../../../../test/support/database.ts';
import { snapshot } from '../../../../test/support/migrate.ts';
import { parseDatabaseUrl, toDatabaseUrl } from '../../../base/config.ts';

const reports = mkdtempSync(join(tmpdir(), 'onechart-cli-reports-'));
afterAll(() => rmSync(reports, { recursive: true }));

/** In this process, but for what is a matter of the process: see startCommand. */
const onechart = (args: readonly string[], place: CommandPlace = {}) => runCommand(args, { ...place, env: { ONECHART_REPORT_DIR: reports, ...place.env } });
const start = (args: readonly string[], env: NodeJS.ProcessEnv = {}) => startCommand(args, { env: { ONECHART_REPORT_DIR: reports, ...env } });

const migrate = (command: string, url: string, ...more: string[]) => onechart(['migrate', command, '--database-url', url, ...more]);
const applyTo = (url: string, ...more: string[]) => migrate('apply', url, '--no-backup', '--yes', ...more);

/** Refused with this code: the sentence on stderr, the same error for machines on stdout, nothing changed. */
async function expectRefusal(url: string, expected: { exit: number; code: string; says: RegExp; more?: string[]; observe?: string }): Promise<void> {
  const before = expected.observe ? await snapshot({ url: expected.observe }) : undefined;
  const told = await applyTo(url, ...(expected.more ?? []));
  expect(told.stderr).toMatch(expected.says);
  expect(told.stderr).toMatch(/^error: /m);
  expect(told.code).toBe(expected.exit);
  const machine = await applyTo(url, '--json', ...(expected.more ?? []));
  expect(machine.code).toBe(expected.exit);
  expect(JSON.parse(machine.stdout)).toMatchObject({ error: { code: expected.code } });
  if (expected.observe) expect(await snapshot({ url: expected.observe })).toEqual(before);
}

async function host(change?: string) {
  const database = await createDatabase({ template: 'host' });
  if (change !== undefined) await database.query(change);
  return database;
}

test('a wrong password, and none: exit 77', async () => {
  await using database = await host();
  const address = parseDatabaseUrl(database.url);
  await expectRefusal(toDatabaseUrl({ ...address, password: 'not-it' }), {
    exit: 77,
    code: 'DATABASE_LOGIN_REFUSED',
    says: /refused the login .* Check the user, the password/,
  });
  const { password: _, ...without } = address;
  await expectRefusal(toDatabaseUrl(without), { exit: 77, code: 'DATABASE_LOGIN_REFUSED', says: /wants a password .* PGPASSWORD/ });
});

test('no server at the port: exit 69', async () => {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as { port: number };
  listener.close();
  await once(listener, 'close');
  await expectRefusal(`postgresql://ehr@127.0.0.1:${port}/ehr`, {
    exit: 69,
    code: 'DATABASE_UNREACHABLE',
    says: new RegExp(`No PostgreSQL server answers at 127.0.0.1:${port}. Start it, or correct`),
  });
});

test('no such database, an address that is none, none at all, a schema that is not there', async () => {
  await using database = await host();
  const address = parseDatabaseUrl(database.url);
  await expectRefusal(toDatabaseUrl({ ...address, database: 'nowhere' }), { exit: 66, code: 'DATABASE_MISSING', says: /There is no database "nowhere"/ });
  await expectRefusal('mysql://somewhere/else', { exit: 64, code: 'DATABASE_URL_INVALID', says: /--database-url is not of the form postgresql:/ });
  await expectRefusal(database.url, { exit: 3, code: 'SCHEMA_MISSING', says: /no schema "clinic"/, more: ['--schema', 'clinic'], observe: database.url });
  const empty = await mkdtemp(join(tmpdir(), 'onechart-no-home-'));
  const none = await onechart(['migrate', 'status', '--home', join(empty, 'home')], { cwd: empty });
  await rm(empty, { recursive: true });
  expect(none).toMatchObject({ code: 64, stdout: '', stderr: expect.stringMatching(/Which database\? Give --database-url/) });
});

test('a database whose transactions are read-only: exit 3', async () => {
  await using database = await host();
  await database.query(`ALTER DATABASE ${database.name} SET default_transaction_read_only = on`);
  await expectRefusal(database.url, { exit: 3, code: 'SERVER_READ_ONLY', says: /read-only .* Switch it off/, observe: database.url });
  expect((await migrate('check', database.url)).code).toBe(3);
});

test.each([
  ['a link table that is missing', 'DROP TABLE bills CASCADE', 'LINK_TABLE_MISSING', /no table bills .* --link-table/],
  [
    'uuid and text mixed',
    'ALTER TABLE bills ALTER COLUMN "patientId" TYPE text USING "patientId"::text',
    'LINK_TYPES_MIXED',
    /not of one type.*Convert the odd ones/,
  ],
])('%s: exit 3', async (_, change, code, says) => {
  await using database = await host(change);
  await expectRefusal(database.url, { exit: 3, code, says, observe: database.url });
  expect((await migrate('check', database.url)).code).toBe(3);
  expect((await migrate('status', database.url)).code).toBe(3);
  expect((await migrate('plan', database.url)).code).toBe(3);
  expect((await migrate('verify', database.url)).code).toBe(3);
});

test('a user that owns nothing: exit 3, and the grant that is needed in words', async () => {
  await using database = await host();
  const role = `clerk_${database.name}`;
  await database.query(`CREATE ROLE ${role} LOGIN PASSWORD 'clerk'`);
  try {
    const url = toDatabaseUrl({ ...parseDatabaseUrl(database.url), user: role, password: 'clerk' });
    await expectRefusal(url, { exit: 3, code: 'PRIVILEGE_MISSING', says: /An administrator can allow it: |belongs to/, observe: database.url });
    const { stdout, code } = await migrate('check', url);
    expect(code).toBe(3);
    expect(stdout).toMatch(/GRANT|AUTHORIZATION/);
  } finally {
    await database.query(`DROP ROLE ${role}`);
  }
});

test('a file edited after it was applied: exit 4 from status and apply', async () => {
  await using database = await host();
  const folder = await mkdtemp(join(tmpdir(), 'onechart-host-'));
  try {
    writeHostPrismaFolder(folder);
    const initialised = await migrate('init', database.url, '--dir', folder);
    expect(initialised).toMatchObject({ code: 0, stderr: '' });
    expect((await readdir(join(folder, 'migrations'))).filter((name) => name.endsWith('_add_patient_module'))).toHaveLength(1);
    expect((await migrate('init', database.url, '--dir', folder)).stdout).not.toMatch(/^written/m);
    expect((await applyTo(database.url, '--dir', folder)).code).toBe(0);
    expect((await migrate('status', database.url, '--dir', folder)).code).toBe(0);
    const edited = (await readdir(join(folder, 'migrations'))).find((name) => name.endsWith('_add_patient_module')) ?? '';
    await appendFile(join(folder, 'migrations', edited, 'migration.sql'), '\n-- A remark.\n');
    expect((await migrate('status', database.url, '--dir', folder)).code).toBe(4);
    expect((await migrate('verify', database.url, '--dir', folder)).code).toBe(4);
    await expectRefusal(database.url, {
      exit: 4,
      code: 'MIGRATION_EDITED',
      says: new RegExp(`"${edited}" was changed after .* Restore the file`),
      more: ['--dir', folder],
      observe: database.url,
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("a failed migration of the host's own: exit 7", async () => {
  await using database = await host();
  await database.query(
    `UPDATE _prisma_migrations SET finished_at = NULL, applied_steps_count = 0 WHERE migration_name = (SELECT max(migration_name) FROM _prisma_migrations)`,
  );
  await expectRefusal(database.url, {
    exit: 7,
    code: 'HISTORY_FAILED_MIGRATION',
    says: /failed and blocks every other one.*prisma migrate resolve/,
    observe: database.url,
  });
  expect((await migrate('status', database.url)).code).toBe(7);
  expect((await migrate('check', database.url)).code).toBe(7);
});

test('something else under a name of ours: exit 4', async () => {
  await using database = await host(`CREATE TYPE "PatientStatus" AS ENUM ('HERE', 'GONE')`);
  await expectRefusal(database.url, {
    exit: 4,
    code: 'CATALOGUE_CONFLICT',
    says: /"PatientStatus" is there with another definition. Expected 'ACTIVE'.*found 'HERE', 'GONE'/,
    observe: database.url,
  });
  expect((await migrate('status', database.url)).code).toBe(4);
  expect((await migrate('check', database.url)).code).toBe(4);
  expect((await migrate('plan', database.url)).code).toBe(4);
});

test('orphans: exit 3, counted per table', async () => {
  const { url } = await testServer();
  await using variant = await createVariant('orphans', { server: url, rows: 100 });
  await expectRefusal(variant.url, { exit: 3, code: 'ORPHANS_PRESENT', says: /has \d+ rows whose "patientId" belongs to no patient/, observe: variant.url });
  const { code, stdout } = await migrate('check', variant.url, '--json');
  expect(code).toBe(3);
  const found = (JSON.parse(stdout) as { findings: { code: string; details?: { table: string; count: number } }[] }).findings.filter(
    (each) => each.code === 'ORPHANS_PRESENT',
  );
  expect(Object.fromEntries(found.map(({ details }) => [details?.table, details?.count]))).toEqual(variant.ehr.orphans);
});

test('without a backup nothing is applied, and without a yes: exit 3', async () => {
  await using database = await host();
  const before = await snapshot(database);
  const noBackup = await migrate('apply', database.url, '--yes', '--pg-dump', '/nowhere/pg_dump');
  expect(noBackup).toMatchObject({ code: 69, stderr: expect.stringMatching(/--pg-dump does not answer .*BACKUP_TOOL_FAILED/) });
  const noYes = await migrate('apply', database.url, '--no-backup');
  expect(noYes).toMatchObject({ code: 3, stderr: expect.stringMatching(/steps would be applied to .* add --yes/) });
  const unknown = await migrate('apply', database.url, '--no-bakcup', '--yes');
  expect(unknown.code).toBe(64);
  const wrong = await applyTo(database.url, '--lock-wait', 'soon');
  expect(wrong).toMatchObject({ code: 64, stderr: expect.stringMatching(/number of seconds/) });
  expect(await snapshot(database)).toEqual(before);
});

test('the whole way on the command line: 2 pending, applied, in sync, and again nothing to do', async () => {
  await using database = await host();
  const pending = async () => Promise.all(['status', 'plan', 'verify'].map(async (command) => (await migrate(command, database.url)).code));
  expect(await pending()).toEqual([2, 2, 2]);
  expect((await migrate('check', database.url)).code).toBe(0);
  // As a shell would: the process ends by itself and its exit code says how.
  const applied = await start(['migrate', 'apply', '--database-url', database.url, '--no-backup', '--yes']);
  expect(applied).toMatchObject({ code: 0, stdout: expect.stringMatching(/\d+ steps applied in .*\nVerified: \d+ checks passed\./) });
  expect(await pending()).toEqual([0, 0, 0]);
  const again = await migrate('apply', database.url, '--no-backup');
  expect(again).toMatchObject({ code: 0, stdout: expect.stringMatching(/Nothing to do/) });
  const machine = await applyTo(database.url, '--json');
  expect(JSON.parse(machine.stdout)).toMatchObject({ applied: [], verification: { ok: true } });
});

test.each(['text-ids', 'other-schema', 'odd-names'] as const)('the variant %s from its address', async (name) => {
  const { url } = await testServer();
  await using variant = await createVariant(name, { server: url, rows: 100 });
  expect((await migrate('plan', variant.url)).code).toBe(2);
  const applied = await applyTo(variant.url);
  expect(applied).toMatchObject({ code: 0 });
  expect(applied.stdout + applied.stderr).not.toContain(oddPassword);
  expect((await migrate('verify', variant.url)).code).toBe(0);
  expect((await migrate('status', variant.url)).code).toBe(0);
  await withClient(variant.url, async (client) => {
    const { rows } = await client.query('SELECT count(*)::int AS tables FROM pg_tables WHERE schemaname = $1 AND tablename LIKE $2', [
      variant.ehr.schema,
      'patient%',
    ]);
    expect((rows[0] as { tables: number }).tables).toBeGreaterThanOrEqual(6);
    const elsewhere = await client.query(`SELECT count(*)::int AS tables FROM pg_tables WHERE tablename LIKE 'patient%' AND schemaname <> $1`, [
      variant.ehr.schema,
    ]);
    expect(elsewhere.rows).toEqual([{ tables: 0 }]);
  });
});

test('odd names from PG* variables, and from an address nobody has encoded', async () => {
  const { url } = await testServer();
  await using variant = await createVariant('odd-names', { server: url, rows: 50 });
  const { host: server, port, user, password = '', database } = variant.address;
  const env = { PGHOST: server, PGPORT: String(port), PGUSER: user, PGPASSWORD: password, PGDATABASE: database };
  expect((await start(['migrate', 'status'], env)).code).toBe(2);
  // As it stands in a hand-written .env file; only %41 has to be told from an encoded A.
  const plain = `postgresql://${user}:${password.replaceAll('%41', '%2541')}@${server}:${port}/${database}`;
  expect((await start(['migrate', 'status'], { DATABASE_URL: plain })).code).toBe(2);
});

test("somebody holds Prisma's migration lock: exit 5, naming the process", async () => {
  await using database = await host();
  const before = await snapshot(database);
  await withClient(database.url, async (client) => {
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid FROM pg_advisory_lock(72707369)');
    const begun = performance.now();
    const told = await applyTo(database.url, '--lock-wait', '0.5');
    // Without the option it would be ten seconds.
    expect(performance.now() - begun).toBeLessThan(9_000);
    expect(told).toMatchObject({ code: 5, stderr: expect.stringContaining(`process ${rows[0]?.pid} `) });
    expect(told.stderr).toMatch(/Wait until it has ended, then run the same command again/);
  });
  expect(await snapshot(database)).toEqual(before);
});

test('a long transaction on bills: exit 5 after --lock-wait, naming it, nothing half done; later it goes on', async () => {
  await using database = await host();
  await withClient(database.url, async (client) => {
    await client.query('BEGIN');
    const { rows } = await client.query<{ pid: number }>(
      'UPDATE bills SET "updatedAt" = now() WHERE id = (SELECT id FROM bills LIMIT 1) RETURNING pg_backend_pid() AS pid',
    );
    const told = await start(['migrate', 'apply', '--database-url', database.url, '--no-backup', '--yes', '--lock-wait', '1']);
    expect(told).toMatchObject({ code: 5, stderr: expect.stringContaining(`Process ${rows[0]?.pid} `) });
    expect(told.stderr).toMatch(/Nothing is half done; end the long transaction and run the same command again/);
    // The key on bills is not there; whatever was done before it is whole and in the journal.
    expect(await database.query(`SELECT count(*)::int AS keys FROM pg_constraint WHERE conname = 'bills_patientId_fkey'`)).toEqual([{ keys: 0 }]);
    expect((await migrate('status', database.url)).code).toBe(2);
    await client.query('ROLLBACK');
  });
  expect((await applyTo(database.url)).code).toBe(0);
  expect((await migrate('status', database.url)).code).toBe(0);
});
