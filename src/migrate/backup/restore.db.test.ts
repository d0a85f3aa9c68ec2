import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { backUp, filesIn, scratchDatabases, temporaryFolder, until, whyNoDump } from '../../../test/support/backup.ts';
import { createDatabase, type TestDatabase, testServer, withClient } from '../../../test/support/database.ts';
import { parseDatabaseUrl, toDatabaseUrl } from '../../base/config.ts';
import { defaultLinkTables } from '../module/index.ts';
import { restoreBackup, type RestoreOptions } from './index.ts';
import { checksumTables } from './make.ts';
import { inventoryOf } from './restore-into.ts';
import { findTool } from './tools.ts';

// Each of them starts several programs; on a busy machine every one takes seconds.
vi.setConfig({ testTimeout: 240_000 });

const reason = await whyNoDump();
if (reason !== undefined) console.log(`Tests of a restore are skipped here. ${reason}`);
const withDump = test.skipIf(reason !== undefined);
const root = join(import.meta.dirname, '../../..');

let tools = '';
beforeAll(async () => {
  if (reason === undefined) tools = dirname((await findTool('pg_dump', { serverMajor: (await testServer()).version })).command[0] ?? '');
});

/** A name for a restored database; what is left of it is dropped in the end. */
function newName(live: string): string {
  const name = `${live}_new`;
  onTestFinished(async () => {
    await withClient((await testServer()).url, async (client) => {
      const { rows } = await client.query<{ name: string }>(`SELECT datname AS name FROM pg_database WHERE datname = $1 OR starts_with(datname, $2)`, [
        name,
        `${live}_before_restore_`,
      ]);
      for (const each of rows) await client.query(`DROP DATABASE ${pg.escapeIdentifier(each.name)} WITH (FORCE)`);
    });
  });
  return name;
}

function restore(host: TestDatabase, options: { file: string; to: string } & Partial<RestoreOptions>) {
  return restoreBackup(options.file, { address: parseDatabaseUrl(host.url), ...options });
}

const inventory = (url: string, database: string) => inventoryOf({ ...parseDatabaseUrl(url), database }, checksumTables('public', defaultLinkTables));

/** Lets go of the pool, whose idle connections would count as sessions. */
async function quiet(host: TestDatabase): Promise<void> {
  await withClient((await testServer()).url, (client) =>
    client.query('SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1', [host.name]),
  );
}

async function databases(prefix: string): Promise<string[]> {
  return withClient((await testServer()).url, async (client) => {
    const { rows } = await client.query<{ name: string }>('SELECT datname AS name FROM pg_database WHERE starts_with(datname, $1) ORDER BY 1', [prefix]);
    return rows.map(({ name }) => name);
  });
}

withDump('a restore makes a new database beside the live one, with all that belongs to a database, and prints the swap', async () => {
  await using host = await createDatabase({ template: 'host' });
  const name = pg.escapeIdentifier(host.name);
  await host.query(`ALTER DATABASE ${name} SET work_mem TO '7MB'`);
  await host.query(`ALTER DATABASE ${name} SET search_path TO public, "$user"`);
  await host.query(`ALTER DATABASE ${name} SET "host.tenant" TO 'it''s'`);
  await host.query(`ALTER DATABASE ${name} CONNECTION LIMIT 77`);
  await host.query(`REVOKE CONNECT ON DATABASE ${name} FROM PUBLIC`);
  const backup = await backUp(host, { folder: await temporaryFolder() });
  const to = newName(host.name);
  const restored = await restore(host, { file: backup.file, to });
  expect(restored).toMatchObject({ database: to, compared: true, foundComplete: false, notes: [], rows: backup.proof.rows });
  expect(restored.swapStatements).toEqual([
    'BEGIN;',
    expect.stringMatching(new RegExp(`^ALTER DATABASE "${host.name}" RENAME TO "${host.name}_before_restore_\\d{8}t\\d{6}z";$`)),
    `ALTER DATABASE "${to}" RENAME TO "${host.name}";`,
    'COMMIT;',
  ]);
  expect(await inventory(host.url, to)).toEqual(await inventory(host.url, host.name));
  const properties = (database: string) =>
    host.query(
      `SELECT datconnlimit, (SELECT array_agg(each::text ORDER BY each::text) FROM unnest(datacl) AS each) AS rights, pg_get_userbyid(datdba) AS owner, (SELECT setconfig::text FROM pg_db_role_setting WHERE setdatabase = d.oid) AS settings FROM pg_database d WHERE datname = $1`,
      [database],
    );
  expect(await properties(to)).toEqual(await properties(host.name));
  // The same command again finds its own work.
  expect(await restore(host, { file: backup.file, to })).toMatchObject({ foundComplete: true });
});

withDump('never into a database that is there, empty or not, nor into the live one', async () => {
  await using host = await createDatabase({ template: 'host' });
  await using other = await createDatabase();
  const { file } = await backUp(host, { folder: await temporaryFolder() });
  for (const to of [other.name, host.name]) await expect(restore(host, { file, to })).rejects.toMatchObject({ kind: 'unsafe', code: 'RESTORE_TARGET_PRESENT' });
  await expect(restore(host, { file, to: 'x'.repeat(64) })).rejects.toMatchObject({ code: 'RESTORE_NAME_INVALID' });
  expect(await other.query(`SELECT count(*)::int AS tables FROM pg_tables WHERE schemaname = 'public'`)).toEqual([{ tables: 0 }]);
});

withDump("the runbook's psql < backup.sql into the live database: errors, exit code 0, nothing restored; ours refuses the script", async (context) => {
  const psql = join(tools, 'psql');
  if (!existsSync(psql)) return context.skip('there is no psql beside pg_dump');
  await using host = await createDatabase({ template: 'host' });
  const folder = await temporaryFolder();
  const address = parseDatabaseUrl(host.url);
  const env = { ...process.env, PGPASSWORD: address.password };
  const script = join(folder, 'backup.sql');
  execFileSync(join(tools, 'pg_dump'), ['-f', script, host.url], { env });
  await host.query('DELETE FROM bills');
  await host.query('INSERT INTO bills SELECT * FROM bills LIMIT 0');
  const ran = spawnSync(psql, ['-d', host.url, '-f', script], { env, encoding: 'utf8' });
  expect(ran.stderr).toContain('already exists');
  expect(ran.status).toBe(0);
  await expect(restore(host, { file: script, to: newName(host.name), withoutManifest: true })).rejects.toMatchObject({ code: 'BACKUP_FORMAT_UNKNOWN' });
});

withDump('with a swap both names change at once; sessions are in the way unless they may be ended', async () => {
  await using host = await createDatabase({ template: 'host' });
  const backup = await backUp(host, { folder: await temporaryFolder() });
  const saved = await inventory(host.url, host.name);
  await host.query('DELETE FROM bills');
  const to = newName(host.name);
  await quiet(host);
  // A program that comes back whenever it is cut off, as every pool does.
  let working = true;
  let refusals = 0;
  const program = (async () => {
    while (working) {
      const client = new pg.Client({ connectionString: host.url, application_name: 'sample EHR' });
      client.on('error', () => undefined);
      try {
        await client.connect();
        for (;;) {
          if (!working) break;
          await client.query('SELECT count(*) FROM bills');
        }
      } catch {
        refusals += 1;
      }
      await client.end().catch(() => undefined);
    }
  })();
  await until(async () => (await host.query(`SELECT 1 FROM pg_stat_activity WHERE application_name = 'sample EHR'`)).length > 0);
  await quiet(host);
  try {
    await until(async () =>
      withClient(
        (await testServer()).url,
        async (client) => (await client.query('SELECT 1 FROM pg_stat_activity WHERE datname = $1', [host.name])).rows.length > 0,
      ),
    );
    await expect(restore(host, { file: backup.file, to, swap: true })).rejects.toMatchObject({
      kind: 'busy',
      code: 'RESTORE_SESSIONS_OPEN',
      message: expect.stringMatching(/sample EHR.*--end-sessions/),
    });
    const { swapped, foundComplete } = await restore(host, { file: backup.file, to, swap: true, endSessions: true });
    expect(foundComplete).toBe(true);
    expect(swapped?.endedSessions).toBeGreaterThan(0);
    expect(swapped?.live).toBe(host.name);
    expect(await inventory(host.url, host.name)).toEqual(saved);
    expect((await inventory(host.url, swapped?.kept ?? '')).rows['public.bills']).toBe(0);
    expect(await databases(to)).toEqual([]);
    // Again: it has happened.
    expect(await restore(host, { file: backup.file, to, swap: true })).toMatchObject({ foundComplete: true, swapped: { kept: swapped?.kept } });
  } finally {
    working = false;
    await program;
  }
  expect(refusals).toBeGreaterThan(0);
});

withDump('the live database is gone: restored, and given its name', async () => {
  await using host = await createDatabase({ template: 'host' });
  const { file } = await backUp(host, { folder: await temporaryFolder() });
  const saved = await inventory(host.url, host.name);
  await host.drop();
  const to = newName(host.name);
  const { swapped, notes } = await restore(host, { file, to, swap: true });
  expect(swapped).toMatchObject({ live: host.name, kept: '' });
  expect(notes).toEqual([expect.stringContaining('There is no database')]);
  expect(await inventory(host.url, host.name)).toEqual(saved);
});

withDump('a role that this server does not know is named beforehand; without rights it goes', async () => {
  await using host = await createDatabase({ template: 'host' });
  const role = `clinic_${process.pid}`;
  await host.query(`CREATE ROLE ${role}; GRANT SELECT ON bills TO ${role}`);
  const { file } = await backUp(host, { folder: await temporaryFolder() });
  const [granted] = await host.query<{ rights: string }>(`SELECT relacl::text AS rights FROM pg_class WHERE relname = 'bills'`);
  expect(granted?.rights).toContain(role);
  const to = newName(host.name);
  await restore(host, { file, to });
  await withClient(toDatabaseUrl({ ...parseDatabaseUrl(host.url), database: to }), async (client) => {
    expect((await client.query(`SELECT relacl::text AS rights FROM pg_class WHERE relname = 'bills'`)).rows).toEqual([granted]);
    await client.query(`DROP OWNED BY ${role}`);
  });
  await host.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  const again = newName(`${host.name}_2`);
  await expect(restore(host, { file, to: again })).rejects.toMatchObject({ code: 'RESTORE_ROLES_MISSING', message: expect.stringContaining(role) });
  expect(await restore(host, { file, to: again, withoutRights: true })).toMatchObject({ compared: true });
});

withDump('without a manifest only when it is said; a backup of another database never takes the place of this one', async () => {
  await using host = await createDatabase({ template: 'host' });
  await using other = await createDatabase({ template: 'host' });
  const { file } = await backUp(other, { folder: await temporaryFolder() });
  const to = newName(host.name);
  await expect(restore(host, { file, to, swap: true })).rejects.toMatchObject({ kind: 'unsafe', code: 'BACKUP_OF_OTHER_DATABASE' });
  await rename(`${file}.json`, `${file}.away`);
  await expect(restore(host, { file, to })).rejects.toMatchObject({ code: 'BACKUP_MANIFEST_MISSING' });
  expect(await restore(host, { file, to, withoutManifest: true })).toMatchObject({ compared: false });
});

withDump('two at once: backups do not disturb each other, and the second restore into the same name waits for its turn', async () => {
  await using host = await createDatabase({ template: 'host' });
  const folder = await temporaryFolder();
  const [first, second] = await Promise.all([backUp(host, { folder }), backUp(host, { folder })]);
  expect(first?.file).not.toBe(second?.file);
  const { file } = first ?? { file: '' };
  const to = newName(host.name);
  let refused: unknown;
  const restored = await restore(host, {
    file,
    to,
    onCheckpoint: async (name) => {
      if (name === 'restored') refused = await restore(host, { file, to }).catch((error: unknown) => error);
    },
  });
  expect(refused).toMatchObject({ kind: 'busy', code: 'RESTORE_RUNNING' });
  expect(restored).toMatchObject({ database: to, foundComplete: false });
});

/** Each is a moment at which the process is killed. */
const checkpoints = ['created', 'bytes', 'restored', 'compared', 'properties carried over', 'named', 'swapped'] as const;

withDump.each(checkpoints)('killed with -9 at "%s", the same command goes on to the same end', async (checkpoint) => {
  await using host = await createDatabase({ template: 'host', name: `1xetra*${checkpoint} ${process.pid}` });
  const folder = await temporaryFolder();
  const { file } = await backUp(host, { folder });
  const saved = await inventory(host.url, host.name);
  await host.query('DELETE FROM bills');
  await quiet(host);
  const to = newName(host.name);
  const killed = await new Promise<{ signal: string | undefined; errors: string }>((resolve) => {
    execFile(process.execPath, [join(root, 'test/support/restore-until.ts'), host.url, file, to, checkpoint], (error, _output, errors) =>
      resolve({ signal: error?.signal ?? undefined, errors }),
    );
  });
  expect(killed).toEqual({ signal: 'SIGKILL', errors: '' });
  // Whatever there is under the wanted name is complete; the live database is the old one until it is the new one as a whole.
  for (const name of await databases(to)) expect(await inventory(host.url, name)).toEqual(saved);
  const live = await inventory(host.url, host.name);
  if (checkpoint === 'swapped') expect(live).toEqual(saved);
  else expect(live.rows['public.bills']).toBe(0);
  await quiet(host);
  const { swapped } = await restore(host, { file, to, swap: true, endSessions: true });
  expect(await inventory(host.url, host.name)).toEqual(saved);
  expect((await inventory(host.url, swapped?.kept ?? '')).rows['public.bills']).toBe(0);
  expect(await databases(to)).toEqual([]);
  expect(await scratchDatabases(host)).toEqual([]);
});

withDump('a backup killed with -9 in its proof: the next one removes the half file and the scratch database', async () => {
  await using host = await createDatabase({ template: 'host' });
  const folder = await temporaryFolder();
  const script = `const { makeBackup } = await import(${JSON.stringify(new URL('./index.ts', import.meta.url).href)});
    const { parseDatabaseUrl } = await import(${JSON.stringify(new URL('../../base/config.ts', import.meta.url).href)});
    await makeBackup({ address: parseDatabaseUrl(process.argv[1]), folder: process.argv[2], linkTables: [],
      onProgress: ({ phase }) => { if (phase === process.argv[3]) process.kill(process.pid, 'SIGKILL'); } });`;
  for (const phase of ['dump', 'restore', 'compare']) {
    const { signal } = spawnSync(process.execPath, ['--input-type=module', '-e', script, host.url, folder, phase]);
    expect(signal).toBe('SIGKILL');
    const left = await filesIn(folder);
    expect(left.filter((name) => !name.endsWith('.partial'))).toEqual([]);
    expect(left.length).toBe(1);
  }
  // The server notices a moment later that its client is gone.
  await until(async () => {
    const { file } = await backUp(host, { folder });
    return (await scratchDatabases(host)).length === 0 && existsSync(file);
  });
  expect((await filesIn(folder)).filter((name) => name.endsWith('.partial'))).toEqual([]);
});
