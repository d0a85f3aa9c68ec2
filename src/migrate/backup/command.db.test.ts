import { execFile } from 'node:child_process';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { expect, onTestFinished, test, vi } from 'vitest';
import { scratchDatabases, script, temporaryFolder, whyNoDump } from '../../../test/support/backup.ts';
import { createDatabase, testServer, withClient } from '../../../test/support/database.ts';
import { findTool } from './tools.ts';

// Each command is a process that starts others; on a busy machine every one takes seconds.
vi.setConfig({ testTimeout: 240_000 });

const reason = await whyNoDump();
if (reason !== undefined) console.log(`Tests of the commands with a real pg_dump are skipped here. ${reason}`);
const withDump = test.skipIf(reason !== undefined);
const program = join(import.meta.dirname, '../../../bin/onechart');

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the real command without a terminal, in a folder of its own. */
function onechart(cwd: string, args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(?:PG|DATABASE_URL|ONECHART_|VITEST|NODE_OPTIONS)/.test(name));
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [program, 'migrate', ...args],
      { env: { ...Object.fromEntries(inherited), ...env }, cwd, maxBuffer: 1 << 24 },
      (error, stdout, stderr) => resolve({ code: error ? Number(error.code ?? -1) : 0, stdout, stderr }),
    );
  });
}

async function dropAfterwards(pattern: string): Promise<void> {
  const { url } = await testServer();
  onTestFinished(() =>
    withClient(url, async (client) => {
      const { rows } = await client.query<{ name: string }>('SELECT datname AS name FROM pg_database WHERE starts_with(datname, $1)', [pattern]);
      for (const { name } of rows) await client.query(`DROP DATABASE IF EXISTS ${pg.escapeIdentifier(name)} WITH (FORCE)`);
    }),
  );
}

withDump('backup, verify, restore, swap: what a person reads and what a machine reads', async () => {
  await using host = await createDatabase({ template: 'host', name: `1xetra*onmi ${process.pid}` });
  const cwd = await temporaryFolder();
  const url = ['--database-url', host.url];
  const made = await onechart(cwd, ['backup', ...url]);
  expect(made).toMatchObject({ code: 0, stderr: '' });
  expect(made.stdout).toMatch(
    /^Backup of 1xetra\*onmi \d+ on .*: .*onechart-backups\/1xetra_onmi_\d+-\d{8}T\d+Z\.dump\nDump of \d+ kB, SHA-256 [0-9a-f]{64}\.\nProven by a real restore/,
  );
  const file = /^Backup of .*: (\S+)$/m.exec(made.stdout)?.[1] ?? '';
  // Only its owner may read it.
  expect((await stat(file)).mode & 0o077).toBe(0);
  const again = await onechart(cwd, ['backup', ...url, '--verify', file, '--json']);
  expect(JSON.parse(again.stdout)).toMatchObject({ compared: true, method: 'pg_dump', file });

  await host.query('DELETE FROM bills');
  const to = `${host.name}_new`;
  await dropAfterwards(host.name);
  const beside = await onechart(cwd, ['restore', file, '--to', to, ...url]);
  expect(beside).toMatchObject({ code: 0, stderr: expect.stringMatching(/^Report: \S+\n$/) });
  expect(beside.stdout).toMatch(/^Restored into "1xetra\*onmi \d+_new": \d+ objects, \d+ tables, \d+ rows, as the manifest says\./);
  expect(beside.stdout).toContain(`ALTER DATABASE "${to}" RENAME TO "${host.name}";`);
  // Without a yes nothing is exchanged; with sessions neither.
  expect(await onechart(cwd, ['restore', file, '--to', to, '--swap', ...url])).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('CONFIRMATION_REQUIRED'),
  });
  const client = new pg.Client({ connectionString: host.url, application_name: 'sample EHR' });
  // The end of the session is told twice: by the server, and as the end of the connection.
  const cut = new Promise((resolve) => client.on('error', resolve));
  await client.connect();
  const busy = await onechart(cwd, ['restore', file, '--to', to, '--swap', '--yes', ...url]);
  expect(busy).toMatchObject({ code: 5, stderr: expect.stringMatching(/without sessions, and there are \d+: .*sample EHR.*--end-sessions/) });
  const swapped = await onechart(cwd, ['restore', file, '--to', to, '--swap', '--yes', '--end-sessions', ...url]);
  expect(swapped).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/is the restored database now\. \d+ sessions were ended\.\nThe one before is kept as ".*_before_restore_/),
  });
  expect(await cut).toBeInstanceOf(Error);
  const [bills] = await withClient(host.url, async (client) => (await client.query<{ count: number }>('SELECT count(*)::int AS count FROM bills')).rows);
  expect(bills?.count).toBeGreaterThan(0);
});

withDump('apply backs up by default and says where; an earlier backup is taken when it fits', async () => {
  await using host = await createDatabase({ template: 'host' });
  const cwd = await temporaryFolder();
  const url = ['--database-url', host.url];
  const made = await onechart(cwd, ['backup', ...url, '--json']);
  const { file } = JSON.parse(made.stdout) as { file: string };
  await using other = await createDatabase({ template: 'host' });
  const refused = await onechart(cwd, ['apply', '--yes', '--database-url', other.url, '--backup-file', file]);
  expect(refused).toMatchObject({ code: 3, stderr: expect.stringContaining('BACKUP_OF_OTHER_DATABASE') });
  expect(await other.query(`SELECT to_regclass('patients') IS NULL AS without`)).toEqual([{ without: true }]);
  const old = await onechart(cwd, ['apply', '--yes', ...url, '--backup-file', file, '--backup-max-age', '0.0000001']);
  expect(old).toMatchObject({ code: 3, stderr: expect.stringContaining('BACKUP_TOO_OLD') });

  const applied = await onechart(cwd, ['apply', '--yes', '--database-url', other.url, '--out', 'here', '--keep', '2']);
  expect(applied.code, applied.stderr).toBe(0);
  expect(applied.stdout).toMatch(/^Backup: .*\/here\/.*\.dump\nDump of .*\nProven by a real restore .*\n\d+ steps applied/);
  const earlier = await onechart(cwd, ['apply', '--yes', '--json', ...url, '--backup-file', file]);
  expect(earlier.code, earlier.stderr).toBe(0);
  expect(JSON.parse(earlier.stdout)).toMatchObject({ verification: { ok: true }, backup: { file, earlier: true } });
});

withDump('a passphrase from the environment; the password never stands in an argument of a program', async () => {
  await using host = await createDatabase({ template: 'host' });
  const cwd = await temporaryFolder();
  const tool = await findTool('pg_dump', { serverMajor: (await testServer()).version });
  const real = tool.command[0] ?? '';
  const log = join(cwd, 'arguments');
  for (const name of ['pg_dump', 'pg_restore']) await script(cwd, name, `echo "$@" >> ${log}\nexec ${real.replace(/pg_dump$/, name)} "$@"`);
  const parts = new URL(host.url);
  const env = {
    PGHOST: parts.hostname,
    PGPORT: parts.port,
    PGUSER: parts.username,
    PGPASSWORD: parts.password,
    PGDATABASE: host.name,
    ONECHART_BACKUP_PASSPHRASE: 'words of a passphrase',
  };
  const made = await onechart(cwd, ['backup', '--pg-dump', join(cwd, 'pg_dump')], env);
  expect(made).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/\.dump\.age\nDump of .*, encrypted \(passphrase\)/) });
  const words = await readFile(log, 'utf8');
  expect(words).toContain('--format=custom');
  expect(words).not.toMatch(/password=|passphrase/);
  const file = /: (\S+\.age)$/m.exec(made.stdout)?.[1] ?? '';
  const { ONECHART_BACKUP_PASSPHRASE: _, ...without } = env;
  expect(await onechart(cwd, ['backup', '--verify', file], without)).toMatchObject({ code: 64, stderr: expect.stringContaining('BACKUP_KEY_MISSING') });
});

test('what goes wrong ends with its exit code and a sentence, and changes nothing', async () => {
  await using host = await createDatabase({ template: 'host' });
  const cwd = await temporaryFolder();
  const url = ['--database-url', host.url];
  const old = await script(cwd, 'old', `echo 'pg_dump (PostgreSQL) 9.6.1'`);
  for (const command of [['backup'], ['apply', '--yes']])
    expect(await onechart(cwd, [...command, ...url, '--pg-dump', old])).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/^error: pg_dump 9\.6\.1 is older than the server/m),
    });
  expect(await onechart(cwd, ['backup', ...url, '--verify', join(cwd, 'none.dump')])).toMatchObject({
    code: 66,
    stderr: expect.stringContaining('BACKUP_FILE_MISSING'),
  });
  const plain = join(cwd, 'backup.sql');
  await writeFile(plain, '-- PostgreSQL database dump\n');
  expect(await onechart(cwd, ['backup', ...url, '--verify', plain])).toMatchObject({ code: 64, stderr: expect.stringContaining('BACKUP_FORMAT_UNKNOWN') });
  expect(await onechart(cwd, ['restore', plain, '--to', 'other', ...url])).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('BACKUP_MANIFEST_MISSING'),
  });
  expect(await onechart(cwd, ['restore', plain, ...url])).toMatchObject({ code: 64, stderr: expect.stringContaining('--to') });
  expect(await onechart(cwd, ['backup', ...url, '--keep', '0'])).toMatchObject({ code: 64 });
  expect(await host.query(`SELECT to_regclass('patients') IS NULL AS without, to_regclass('onechart.migration_runs') IS NULL AS untouched`)).toEqual([
    { without: true, untouched: true },
  ]);
  expect(await scratchDatabases(host)).toEqual([]);
});
