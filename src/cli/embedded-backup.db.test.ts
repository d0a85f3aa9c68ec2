import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, chmod, mkdtemp, readdir, readFile, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createSampleEhr } from '../../sample-ehr/index.ts';
import { runCommand, startCommand } from '../../test/support/command-line.ts';
import { memoryFolder } from '../../test/support/memory.ts';
import { withServerOnCopy } from '../embedded/proof-server.ts';
import { embeddedAddress, type EmbeddedDatabase, embeddedStatus, startEmbedded, stopEmbedded } from '../embedded/index.ts';
import { isAlive, stopServer } from '../embedded/server.ts';
import { makeEmbeddedBackup, verifyEmbeddedBackup } from './embedded-backup.ts';

// Every backup copies a whole cluster and starts a second server; on a busy machine that takes long.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let folder: string;
let home: string;
let out: string;
let database: EmbeddedDatabase;

beforeAll(async () => {
  folder = await mkdtemp(join(memoryFolder(), 'onechart-cold-'));
  // The server's account passes through.
  await chmod(folder, 0o755);
  home = join(folder, 'home');
  out = join(folder, 'backups');
  database = await startEmbedded({ home });
  await query(database.url, (client) => createSampleEhr(client, { rows: 200, seed: 1 }));
});

afterAll(async () => {
  await stopEmbedded({ home }).catch(() => undefined);
  await rm(folder, { recursive: true, force: true });
});

async function query<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function counts(): Promise<unknown[]> {
  const { host, port, user, password, database: name } = await embeddedAddress({ home });
  const client = new pg.Client({ host, port, user, password: password ?? '', database: name });
  await client.connect();
  try {
    return (await client.query('SELECT (SELECT count(*) FROM bills)::int AS bills, (SELECT count(*) FROM surgical_cases)::int AS cases')).rows;
  } finally {
    await client.end();
  }
}

/** In this process, but for what is a matter of the process: see startCommand. */
const onechart = (...args: string[]) => runCommand([...args, '--home', home], { cwd: folder });
const start = (...args: string[]) => startCommand([...args, '--home', home], { cwd: folder });

/** Runs a script in a process of its own; not synchronously, as this process is the parent of the server that is stopped. */
async function inProcess(script: string, ...args: string[]): Promise<{ signal: string | null; pid: number | undefined; errors: string }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  // Its pipes may live on in the server that it started.
  const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
  return { signal, pid: child.pid, errors };
}

const backUp = async (options: { keep?: number } = {}) => makeEmbeddedBackup({ home, address: await embeddedAddress({ home }), folder: out, ...options });

test('a cold copy is proven by a second server; the live one runs again on its port and nothing is lost', async () => {
  const before = await counts();
  const backup = await backUp();
  expect(await embeddedStatus({ home })).toMatchObject({ running: true, port: database.port });
  expect(await counts()).toEqual(before);
  expect(backup).toMatchObject({ method: 'cold copy', database: 'onechart', proof: { tables: expect.any(Number) } });
  expect(backup.proof.rows).toBeGreaterThan(200);
  // Every table was read to its last byte.
  expect(Object.keys(backup.proof.checksums).length).toBe(backup.proof.tables);
  const files = await readdir(backup.file);
  expect(files).toContain('PG_VERSION');
  expect(files).not.toContain('postmaster.pid');
  expect((await readdir(home)).filter((name) => /proof|stopped/.test(name))).toEqual(['server.log.proof']);
  expect(await readFile(`${backup.file}.json`, 'utf8')).not.toContain((await readFile(join(home, 'password'), 'utf8')).trim());
  expect(await verifyEmbeddedBackup({ home, file: backup.file })).toMatchObject({ sha256: backup.sha256 });

  // A changed byte, a file more and a file less are found before a server is started.
  const file = join(backup.file, 'global', 'pg_control');
  const whole = await readFile(file);
  const changed = Buffer.from(whole);
  changed[100] = (changed[100] ?? 0) ^ 1;
  await writeFile(file, changed);
  await expect(verifyEmbeddedBackup({ home, file: backup.file })).rejects.toMatchObject({
    code: 'BACKUP_FILE_CORRUPT',
    message: expect.stringContaining('was changed'),
  });
  await writeFile(file, whole);
  await appendFile(join(backup.file, 'more'), 'x');
  await expect(verifyEmbeddedBackup({ home, file: backup.file })).rejects.toMatchObject({
    code: 'BACKUP_FILE_CORRUPT',
    message: expect.stringContaining('not part of'),
  });
  await rm(join(backup.file, 'more'));
  await rm(file);
  await expect(verifyEmbeddedBackup({ home, file: backup.file })).rejects.toMatchObject({
    code: 'BACKUP_FILE_CORRUPT',
    message: expect.stringContaining('is missing'),
  });
  // Only the newest are kept, this damaged one not among them.
  const newer = await backUp({ keep: 1 });
  expect((await readdir(out)).sort()).toEqual([newer.file, `${newer.file}.json`].map((path) => path.slice(out.length + 1)).sort());
});

test('a link out of the data folder is refused, the server runs again, nothing is left', async () => {
  const link = join(database.dataFolder, 'pg_tblspc', '4711');
  const before = await readdir(out);
  await symlink('/tmp', link);
  try {
    await expect(backUp()).rejects.toMatchObject({ kind: 'unsupported', code: 'COLD_COPY_LINK' });
  } finally {
    await unlink(link);
  }
  expect(await embeddedStatus({ home })).toMatchObject({ running: true });
  expect(await readdir(out)).toEqual(before);
});

test.each(['copy', 'compare'])('killed with -9 during "%s": the next command finds the server running and no half backup', async (phase) => {
  const before = await counts();
  const had = await readdir(out);
  const script = `const { makeEmbeddedBackup } = await import(${JSON.stringify(new URL('./embedded-backup.ts', import.meta.url).href)});
    const { embeddedAddress } = await import(${JSON.stringify(new URL('../embedded/index.ts', import.meta.url).href)});
    const [home, folder, phase] = process.argv.slice(1);
    await makeEmbeddedBackup({ home, folder, address: await embeddedAddress({ home }), onProgress: ({ phase: now, done }) => {
      if (now === phase && done > 3) process.kill(process.pid, 'SIGKILL'); } });`;
  expect(await inProcess(script, home, out, phase)).toMatchObject({ signal: 'SIGKILL', errors: '' });
  expect((await embeddedStatus({ home })).running).toBe(phase !== 'copy');
  // Any command that looks for the embedded database starts it again.
  const status = await start('migrate', 'status', '--json');
  expect(status.stderr).toBe('');
  expect(status.code).toBe(2);
  expect(await embeddedStatus({ home })).toMatchObject({ running: true });
  expect(await counts()).toEqual(before);
  const backup = await backUp({ keep: 9 });
  const now = await readdir(out);
  expect(now.filter((name) => !had.includes(name)).sort()).toEqual([backup.file, `${backup.file}.json`].map((path) => path.slice(out.length + 1)).sort());
  expect((await readdir(join(database.dataFolder, '..'))).filter((name) => name.startsWith('proof-'))).toEqual([]);
});

test('a server that was left by a killed proof is ended by the next one', async () => {
  const { file } = await backUp({ keep: 9 });
  const script = `const { withServerOnCopy } = await import(${JSON.stringify(new URL('../embedded/proof-server.ts', import.meta.url).href)});
    await withServerOnCopy({ home: process.argv[1], copy: process.argv[2] }, async () => process.kill(process.pid, 'SIGKILL'));`;
  const { signal, pid } = await inProcess(script, home, file);
  expect(signal).toBe('SIGKILL');
  const left = join(database.dataFolder, '..', `proof-${pid}`);
  const server = Number((await readFile(join(left, 'postmaster.pid'), 'utf8')).split('\n')[0]);
  try {
    expect(isAlive(server)).toBe(true);
    expect(await withServerOnCopy({ home, copy: file }, ({ port }) => Promise.resolve(port))).not.toBe(database.port);
    expect(isAlive(server)).toBe(false);
    await expect(readdir(left)).rejects.toMatchObject({ code: 'ENOENT' });
  } finally {
    if (isAlive(server)) await stopServer({ pid: server, mode: 'immediate', timeoutMs: 10_000 });
  }
});

test('on the command line: backup, verify, restore beside the live data, swap; encryption is refused in words', async () => {
  const made = await onechart('migrate', 'backup', '--out', out, '--json');
  expect(made).toMatchObject({ code: 0, stderr: '' });
  const { file } = JSON.parse(made.stdout) as { file: string };
  expect(await onechart('migrate', 'backup', '--verify', file)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('Proven by a real restore (second server'),
  });
  expect(await onechart('migrate', 'backup', '--out', out, '--recipient', 'age1x')).toMatchObject({
    code: 65,
    stderr: expect.stringMatching(/A cold copy .* is not encrypted.*--pg-dump.*BACKUP_ENCRYPTION_UNSUPPORTED/),
  });
  const before = await counts();
  const { url } = await startEmbedded({ home });
  await query(url, (client) => client.query('DELETE FROM bills'));
  const beside = await onechart('migrate', 'restore', file, '--to', 'restored');
  expect(beside).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Restored: .*restored, compared with the manifest/m) });
  expect(await counts()).not.toEqual(before);
  expect(await onechart('migrate', 'restore', file, '--to', 'restored', '--swap')).toMatchObject({ code: 3, stderr: expect.stringContaining('--yes') });
  const swapped = await onechart('migrate', 'restore', file, '--to', 'restored', '--swap', '--yes');
  expect(swapped).toMatchObject({ code: 0, stdout: expect.stringMatching(/an earlier run: .*\n.*The data before is kept in .*data\./) });
  expect(await counts()).toEqual(before);
  expect(await embeddedStatus({ home })).toMatchObject({ running: true, dataFolder: join(database.dataFolder, '..', 'restored') });
  expect(await onechart('migrate', 'restore', file, '--to', 'data')).toMatchObject({ code: 3, stderr: expect.stringContaining('RESTORE_TARGET_PRESENT') });
  expect(await onechart('migrate', 'restore', file, '--to', '../away')).toMatchObject({ code: 64, stderr: expect.stringContaining('RESTORE_NAME_INVALID') });
});

test('apply on the embedded database makes its cold copy first and says so; again there is nothing to do and no copy', async () => {
  const applied = await start('migrate', 'apply', '--yes', '--out', out, '--no-report');
  expect(applied.code, applied.stderr).toBe(0);
  expect(applied.stdout).toMatch(/^Backup: .*\.copy\nCold copy of .*\nProven by a real restore/m);
  expect(applied.stdout).toMatch(/steps applied/);
  const had = await readdir(out);
  expect(await onechart('migrate', 'apply', '--yes', '--out', out, '--no-report')).toMatchObject({ code: 0, stdout: expect.stringContaining('Nothing to do') });
  expect(await readdir(out)).toEqual(had);
});
