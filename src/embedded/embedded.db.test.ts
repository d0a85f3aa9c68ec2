import { spawn, spawnSync } from 'node:child_process';
import { chmod, chown, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { memoryFolder } from '../../test/support/memory.ts';
import { type Account, serverAccount } from './account.ts';
import { findNativeFolder } from './binaries.ts';
import { type EmbeddedDatabase, embeddedStatus, embeddedUrl, startEmbedded, stopEmbedded } from './index.ts';
import { parseLibraryLinks } from './libraries.ts';
import { freePort, isAlive, stopServer } from './server.ts';

const account = serverAccount();
let folder: string;
let home: string;
const started: EmbeddedDatabase[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(memoryFolder(), 'onechart-home-'));
  await chmod(folder, 0o755);
  home = join(folder, 'home');
});

afterEach(async () => {
  for (const database of started.splice(0)) if (isAlive(database.pid)) await stopServer({ pid: database.pid, mode: 'immediate', timeoutMs: 20_000 });
  await rm(folder, { recursive: true, force: true });
});

async function start(options: { port?: number; nativeFolder?: string; home?: string } = {}): Promise<EmbeddedDatabase> {
  const database = await startEmbedded({ home, ...options });
  started.push(database);
  return database;
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

type Outcome = { readonly database?: EmbeddedDatabase; readonly code?: string; readonly message?: string };

/** Starts the database from another process, as another user or under a limit of the shell. */
async function startElsewhere(options: { home: string; as?: Account | undefined; nativeFolder?: string; limit?: string }): Promise<Outcome> {
  const module = new URL('./index.ts', import.meta.url).href;
  const call = JSON.stringify({ home: options.home, ...(options.nativeFolder ? { nativeFolder: options.nativeFolder } : {}) });
  const script = `const { startEmbedded } = await import(${JSON.stringify(module)});
    await startEmbedded(${call}).then((database) => console.log(JSON.stringify({ database })), (error) => console.log(JSON.stringify({ code: error.code, message: error.message })));
    process.exit();`;
  const args = ['--input-type=module', '-e', script];
  const [program, programArgs] =
    options.limit === undefined ? [process.execPath, args] : ['/bin/sh', ['-c', `${options.limit}; exec "$0" "$@"`, process.execPath, ...args]];
  return new Promise((resolve, reject) => {
    const child = spawn(program, programArgs, {
      cwd: '/',
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(options.as ? { uid: options.as.uid, gid: options.as.gid } : {}),
    });
    let output = '';
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    child.on('error', reject);
    // The server keeps no pipe of ours: 'close' comes although it lives on.
    child.on('close', () => {
      if (!output) return reject(new Error(`nothing was said; stderr: ${errors}`));
      const outcome = JSON.parse(output) as Outcome;
      if (outcome.database) started.push(outcome.database);
      resolve(outcome);
    });
  });
}

/** Whether an ordinary user of this machine can run this Node on this checkout. */
function cannotRunAs(user: Account): string | undefined {
  const file = new URL('./index.ts', import.meta.url).pathname;
  const result = spawnSync(process.execPath, ['-e', 'require("node:fs").readFileSync(process.argv[1])', file], { uid: user.uid, gid: user.gid, cwd: '/' });
  return result.status === 0 ? undefined : `the user ${user.name} may not read this checkout or run this Node`;
}

test('a first start makes a durable server on loopback only, with its password in a file of ours', async () => {
  const database = await start();
  expect(database.started).toBe(true);
  expect((await stat(join(home, 'password'))).mode & 0o777).toBe(0o600);
  const settings = `SELECT name, setting FROM pg_settings WHERE name IN ('data_checksums', 'fsync', 'full_page_writes', 'listen_addresses', 'synchronous_commit', 'unix_socket_directories') ORDER BY name`;
  expect(await query(database.url, settings)).toEqual([
    { name: 'data_checksums', setting: 'on' },
    { name: 'fsync', setting: 'on' },
    { name: 'full_page_writes', setting: 'on' },
    { name: 'listen_addresses', setting: '127.0.0.1' },
    { name: 'synchronous_commit', setting: 'on' },
    { name: 'unix_socket_directories', setting: '' },
  ]);
  expect(await query(database.url, `SELECT lower('ÑANDÚ') AS name`)).toEqual([{ name: 'ñandú' }]);
  const wrong = new URL(database.url);
  wrong.password = 'wrong';
  await expect(query(wrong.href, 'SELECT')).rejects.toMatchObject({ code: '28P01' });
  expect((await stat(database.dataFolder)).uid).toBe(account?.uid ?? process.getuid?.());
});

test('a second start finds the first, a stop ends it, a third start has port and data again', async () => {
  const first = await start();
  await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
  expect(await start()).toMatchObject({ started: false, pid: first.pid, port: first.port });
  expect(await embeddedUrl({ home })).toBe(first.url);
  expect(await stopEmbedded({ home })).toMatchObject({ stopped: true });
  expect(await embeddedStatus({ home })).toMatchObject({ exists: true, running: false });
  await expect(embeddedUrl({ home })).rejects.toMatchObject({ kind: 'unavailable', code: 'DATABASE_NOT_RUNNING' });
  expect(await stopEmbedded({ home })).toMatchObject({ stopped: false });
  const third = await start();
  expect(third.port).toBe(first.port);
  expect(await query(third.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
});

test('kill -9 in the middle of writing loses nothing that was committed', async () => {
  const { database } = await startElsewhere({ home });
  if (!database) throw new Error('it did not start');
  await query(database.url, 'CREATE TABLE kept AS SELECT generate_series(1, 10000) AS id');
  const writing = query(database.url, 'INSERT INTO kept SELECT generate_series(10001, 20000000)');
  const cut = expect(writing).rejects.toThrow();
  // The write has begun when a second session sees it.
  const watch = `SELECT count(*)::int AS writing FROM pg_stat_activity WHERE query LIKE 'INSERT INTO kept%' AND state = 'active' AND pid <> pg_backend_pid()`;
  await expect.poll(() => query(database.url, watch)).toEqual([{ writing: 1 }]);
  process.kill(database.pid, 'SIGKILL');
  const again = await start();
  await cut;
  expect(again).toMatchObject({ started: true, port: database.port });
  expect(await query(again.url, 'SELECT count(*)::int AS rows FROM kept')).toEqual([{ rows: 10000 }]);
});

test('of three starts at once from three processes one starts and all get the same server', async () => {
  const outcomes = await Promise.all([1, 2, 3].map(() => startElsewhere({ home })));
  const databases = outcomes.map(({ database }) => database);
  expect(databases.filter((database) => database?.started)).toHaveLength(1);
  expect(new Set(databases.map((database) => database?.pid)).size).toBe(1);
});

test('a foreign process on the remembered port makes it move, on a demanded port is an error', async () => {
  const first = await start();
  await stopEmbedded({ home });
  const foreign = createServer((socket) => socket.end('not a database'));
  await new Promise<void>((resolve) => foreign.listen({ port: first.port, host: '127.0.0.1' }, resolve));
  try {
    await expect(start({ port: first.port })).rejects.toMatchObject({ kind: 'unavailable', code: 'DATABASE_PORT_TAKEN' });
    const moved = await start();
    expect(moved).toMatchObject({ movedFrom: first.port });
    expect(moved.port).not.toBe(first.port);
    expect(await query(moved.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await expect(start({ port: await freePort() })).rejects.toMatchObject({ code: 'DATABASE_ON_OTHER_PORT' });
  } finally {
    await new Promise((resolve) => foreign.close(resolve));
  }
});

test('a pid file left from before a reboot, its number now another process, does not stop a start', async () => {
  const first = await start();
  await stopEmbedded({ home });
  await writeFile(join(first.dataFolder, 'postmaster.pid'), `${process.pid}\n${first.dataFolder}\n1\n${first.port}\n\n127.0.0.1\n`, { mode: 0o600 });
  if (account) await chown(join(first.dataFolder, 'postmaster.pid'), account.uid, account.gid);
  expect(await start()).toMatchObject({ started: true });
});

test('a damaged home is named and left as it is', async () => {
  const { dataFolder } = await start();
  await stopEmbedded({ home });
  await rm(join(dataFolder, 'PG_VERSION'));
  await expect(start()).rejects.toMatchObject({ kind: 'unavailable', code: 'DATABASE_HOME_CORRUPT' });
  expect(await readdir(dataFolder)).toContain('base');
  await writeFile(join(dataFolder, 'PG_VERSION'), '12\n');
  await expect(start()).rejects.toMatchObject({ kind: 'unavailable', code: 'DATABASE_VERSION_DIFFERS' });
  await writeFile(join(home, 'server.json'), '{ half');
  await expect(start()).rejects.toMatchObject({ kind: 'unavailable', code: 'DATABASE_HOME_CORRUPT' });
});

test('a lost control file is damage, too', async () => {
  const { dataFolder } = await start();
  await stopEmbedded({ home });
  await rm(join(dataFolder, 'global', 'pg_control'));
  await expect(start()).rejects.toMatchObject({ kind: 'unavailable', code: 'DATABASE_HOME_CORRUPT' });
});

test('a lost password file is named; nothing is reset behind the back', async () => {
  await start();
  await stopEmbedded({ home });
  await rm(join(home, 'password'));
  await expect(start()).rejects.toMatchObject({ kind: 'unavailable', code: 'DATABASE_PASSWORD_LOST' });
});

test('a home that cannot be a folder is an error with a remedy', async () => {
  await writeFile(join(folder, 'file'), '');
  await expect(start({ home: join(folder, 'file', 'home') })).rejects.toMatchObject({ kind: 'unavailable', code: 'DATABASE_HOME_UNWRITABLE' });
});

test('an ordinary user runs the server as itself, and one who may not write the home is told so', async (context) => {
  const reason = account && cannotRunAs(account);
  if (reason) {
    console.log(`skipped: ${reason}`);
    return context.skip(reason);
  }
  const closed = join(folder, 'closed');
  await mkdir(closed, { mode: 0o555 });
  expect(await startElsewhere({ home: join(closed, 'home'), as: account })).toMatchObject({ code: 'DATABASE_HOME_UNWRITABLE' });
  const own = join(folder, 'own');
  await mkdir(own);
  if (account) await chown(own, account.uid, account.gid);
  const { database } = await startElsewhere({ home: join(own, 'home'), as: account });
  expect(database).toMatchObject({ started: true });
  expect((await stat(join(own, 'home'))).mode & 0o777).toBe(0o700);
});

test('a missing library is named', async () => {
  const native = join(folder, 'native');
  const real = await findNativeFolder();
  await mkdir(join(native, 'bin'), { recursive: true });
  await mkdir(join(native, 'lib'));
  await cp(join(real, 'bin', 'postgres'), join(native, 'bin', 'postgres'));
  for (const name of await readdir(join(real, 'lib'))) if (!name.startsWith('libicuuc')) await symlink(join(real, 'lib', name), join(native, 'lib', name));
  await expect(start({ nativeFolder: native })).rejects.toMatchObject({
    kind: 'unavailable',
    code: 'DATABASE_LIBRARY_MISSING',
    message: expect.stringContaining('libicuuc'),
  });
});

test('read-only packages without their library links are run by links in the home', async (context) => {
  const reason = account && cannotRunAs(account);
  if (reason) {
    console.log(`skipped: ${reason}`);
    return context.skip(reason);
  }
  const native = join(folder, 'native');
  await cp(await findNativeFolder(), native, { recursive: true, verbatimSymlinks: true });
  for (const { name } of parseLibraryLinks(await readFile(join(native, 'pg-symlinks.json'), 'utf8'))) await rm(join(native, 'lib', name), { force: true });
  await chmod(join(native, 'lib'), 0o555);
  await mkdir(join(folder, 'own'));
  if (account) await chown(join(folder, 'own'), account.uid, account.gid);
  const outcome = await startElsewhere({ home: join(folder, 'own', 'home'), as: account, nativeFolder: native });
  await chmod(join(native, 'lib'), 0o755);
  expect(outcome).toMatchObject({ database: { started: true } });
  expect(await readdir(join(folder, 'own', 'home', 'lib'))).toContain('libicuuc.so.60');
});

test('root below a closed folder: the server gets a place it can reach, and the home remembers it', async (context) => {
  if (!account) {
    console.log('skipped: only root lends the server another account');
    return context.skip('not root');
  }
  await mkdir(join(folder, 'closed'), { mode: 0o700 });
  const database = await start({ home: join(folder, 'closed', 'home') });
  try {
    expect(database.dataFolder.startsWith(folder)).toBe(false);
    expect(await start({ home: join(folder, 'closed', 'home') })).toMatchObject({ pid: database.pid, started: false });
    expect(await stopEmbedded({ home: join(folder, 'closed', 'home') })).toMatchObject({ stopped: true });
  } finally {
    await rm(dirname(database.dataFolder), { recursive: true, force: true });
  }
});

test('a full disk is called by its name, and the next start succeeds', async () => {
  // A limit on the size of a file stands in for the disk: the same write fails, with EFBIG instead of ENOSPC, on any machine.
  const outcome = await startElsewhere({ home, limit: 'ulimit -f 1000' });
  expect(outcome).toMatchObject({ code: 'DATABASE_DISK_FULL' });
  expect(await start()).toMatchObject({ started: true });
});
