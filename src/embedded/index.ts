import { readdir, readFile, readlink, realpath, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { type DatabaseAddress, toDatabaseUrl } from '../base/config.ts';
import { AppError } from '../base/errors.ts';
import { type Account, serverAccount } from './account.ts';
import { prepareBinaries, type ServerBinaries } from './binaries.ts';
import {
  logFile,
  passwordFile,
  prepareHome,
  readPassword,
  readState,
  serverFolder,
  type ServerState,
  withFolderErrors,
  writeNewPassword,
  writeState,
} from './home.ts';
import { alone } from './lock.ts';
import { canConnect, freePort, initCluster, isAlive, isPortFree, launchServer, postmasterPid, type RunningServer, stopServer, superuser } from './server.ts';

export { homeFolder } from './home.ts';

/** The database in the cluster that OneChart works in. */
const databaseName = 'onechart';

/** A start waits this long for crash recovery and for what is left of a killed server. */
const startTimeoutMs = 60_000;

export interface EmbeddedDatabase {
  readonly home: string;
  readonly dataFolder: string;
  readonly pid: number;
  readonly port: number;
  /** With the password in it. */
  readonly url: string;
  /** False when it was running already. */
  readonly started: boolean;
  /** The remembered port that somebody else had taken, when it had to be left. */
  readonly movedFrom?: number;
}

export interface EmbeddedStatus {
  readonly home: string;
  readonly exists: boolean;
  readonly running: boolean;
  readonly dataFolder?: string;
  readonly pid?: number;
  readonly port?: number;
  readonly log?: string;
}

/**
 * Starts the embedded PostgreSQL of a home folder, or finds it running. The server outlives this process.
 *
 * Of several starts on one home at once, one starts and the others find what it started.
 *
 * @example
 * const database = await startEmbedded({ home: '/srv/onechart' });
 * database.url; // postgresql://postgres:…@127.0.0.1:40123/onechart
 */
export async function startEmbedded(options: { home: string; port?: number | undefined; nativeFolder?: string }): Promise<EmbeddedDatabase> {
  const home = await prepareHome(options.home, serverAccount());
  return alone(home, () => withFolderErrors(home, () => startAlone({ ...options, home })));
}

/** A start by who holds the home's lock already. */
export async function startAlone(options: { home: string; port?: number | undefined; nativeFolder?: string }): Promise<EmbeddedDatabase> {
  const { home } = options;
  const remembered = await readState(home);
  const running = remembered && (await findRunning(home, remembered));
  if (running) {
    if (options.port !== undefined && options.port !== running.port) {
      throw new AppError(
        'unavailable',
        'DATABASE_ON_OTHER_PORT',
        `The embedded PostgreSQL of ${home} runs on port ${running.port} already. Stop it first (onechart db stop) to start it on another one.`,
        { port: running.port },
      );
    }
    return describe({ home, state: remembered, server: running, started: false });
  }

  const account = await accountFor(remembered?.dataFolder);
  const folder = remembered === undefined ? await serverFolder(home, account) : join(remembered.dataFolder, '..');
  const binaries = await prepareBinaries({
    workFolder: folder,
    account,
    ...(options.nativeFolder === undefined ? {} : { nativeFolder: options.nativeFolder }),
  });
  const dataFolder = remembered?.dataFolder ?? join(folder, 'data');
  const password = await prepareCluster({ home, dataFolder, binaries, account, isNew: remembered === undefined });
  const wanted = options.port ?? remembered?.port;
  await rotateLog(home);

  const server = await launch({ home, dataFolder, binaries, account, password, port: wanted, fixed: options.port !== undefined });
  const state: ServerState = { dataFolder, port: server.port };
  await writeState(home, state);
  await ensureDatabase({ port: server.port, password });
  const moved = remembered?.port !== undefined && remembered.port !== server.port && options.port === undefined ? { movedFrom: remembered.port } : {};
  return { ...(await describe({ home, state, server, started: true })), ...moved };
}

/** Stops the embedded PostgreSQL of a home folder; open connections are closed and nothing committed is lost. */
export async function stopEmbedded(options: { home: string }): Promise<{ home: string; stopped: boolean }> {
  const { home } = options;
  const before = await readState(home);
  if (!before) return { home, stopped: false };
  // Under the real name, as a start takes it.
  return alone(await realpath(home), async () => {
    const state = (await readState(home)) ?? before;
    const pid = await livingPostmaster(state.dataFolder);
    if (pid === undefined) return { home, stopped: false };
    let gone: boolean;
    try {
      gone = await stopServer({ pid, mode: 'fast', timeoutMs: startTimeoutMs });
    } catch (cause) {
      throw new AppError(
        'forbidden',
        'DATABASE_OF_ANOTHER',
        `The embedded PostgreSQL of ${home} was started by another user of this machine. Stop it as that user.`,
        { pid },
        { cause },
      );
    }
    if (!gone)
      throw new AppError('busy', 'DATABASE_STOP_SLOW', `The embedded PostgreSQL of ${home} is still writing to disk. Run the same command again in a minute.`, {
        pid,
      });
    return { home, stopped: true };
  });
}

/** Whether the embedded PostgreSQL of a home folder is there and takes connections. Changes nothing. */
export async function embeddedStatus(options: { home: string }): Promise<EmbeddedStatus> {
  const { home } = options;
  const state = await readState(home);
  if (!state) return { home, exists: false, running: false };
  const server = await findRunning(home, state);
  return {
    home,
    exists: true,
    running: server !== undefined,
    dataFolder: state.dataFolder,
    log: logFile(home),
    ...(server ?? (state.port === undefined ? {} : { port: state.port })),
  };
}

/** The address of the running embedded database, for commands that were given none; undefined when it does not run. */
export async function findEmbeddedAddress(options: { home: string }): Promise<DatabaseAddress | undefined> {
  const { home } = options;
  const state = await readState(home);
  const server = state && (await findRunning(home, state));
  if (!server) return undefined;
  return addressOf(server.port, (await readPassword(home)) ?? '');
}

/** The URL of the running embedded database, password included. */
export async function embeddedUrl(options: { home: string }): Promise<string> {
  return toDatabaseUrl(await embeddedAddress(options));
}

export async function embeddedAddress(options: { home: string }): Promise<DatabaseAddress> {
  const address = await findEmbeddedAddress(options);
  if (address) return address;
  throw new AppError('unavailable', 'DATABASE_NOT_RUNNING', `No embedded PostgreSQL runs in ${options.home}. Start it with \`onechart db start\`.`, {
    home: options.home,
  });
}

export function addressOf(port: number, password: string): DatabaseAddress {
  return { host: '127.0.0.1', port, user: superuser, password, database: databaseName, schema: 'public', source: 'embedded database' };
}

async function describe(options: { home: string; state: ServerState; server: RunningServer; started: boolean }): Promise<EmbeddedDatabase> {
  const { home, state, server, started } = options;
  const password = (await readPassword(home)) ?? '';
  return { home, dataFolder: state.dataFolder, pid: server.pid, port: server.port, url: toDatabaseUrl(addressOf(server.port, password)), started };
}

/** The account that owns existing data goes on with it; new data gets one that is there. */
export async function accountFor(dataFolder: string | undefined): Promise<Account | undefined> {
  const account = serverAccount();
  const isRoot = process.getuid?.() === 0;
  if (isRoot && !account) {
    throw new AppError(
      'unavailable',
      'DATABASE_ACCOUNT_MISSING',
      'PostgreSQL does not run as root, and this machine has none of the users nobody, postgres and daemon. Run the command as an ordinary user, or use a server of your own: set DATABASE_URL.',
    );
  }
  const owner = dataFolder === undefined ? undefined : await stat(dataFolder).catch(() => undefined);
  if (!owner || !isRoot || owner.uid === 0 || owner.uid === account?.uid) return account;
  return { name: `with number ${owner.uid}`, uid: owner.uid, gid: owner.gid };
}

/** Makes the cluster at the first start and looks at what is there at every later one. */
async function prepareCluster(options: {
  home: string;
  dataFolder: string;
  binaries: ServerBinaries;
  account: Account | undefined;
  isNew: boolean;
}): Promise<string> {
  const { home, dataFolder, binaries, account } = options;
  const existing = await readFile(join(dataFolder, 'PG_VERSION'), 'utf8').catch((error: NodeJS.ErrnoException) =>
    error.code === 'ENOENT' ? undefined : Promise.reject(error),
  );
  const known = await readPassword(home);
  if (existing === undefined) {
    if (!options.isNew || (await stat(dataFolder).catch(() => undefined))) {
      throw new AppError(
        'unavailable',
        'DATABASE_HOME_CORRUPT',
        `The folder ${dataFolder} is not a complete PostgreSQL database any more. Restore it from a copy, or move ${home} away to begin with an empty one.`,
        { home, dataFolder },
      );
    }
    const password = known ?? (await writeNewPassword(home));
    const fresh = `${dataFolder}.new`;
    // Left by a start that was killed half-way; it never held anything but what initdb makes.
    await rm(fresh, { recursive: true, force: true });
    try {
      await initCluster({ binaries, account, dataFolder: fresh, password, durable: true });
      await rename(fresh, dataFolder);
    } catch (error) {
      await rm(fresh, { recursive: true, force: true });
      throw error;
    }
    await writeState(home, { dataFolder });
    return password;
  }
  const major = Number.parseInt(binaries.version, 10);
  if (Number(existing.trim()) !== major) {
    throw new AppError(
      'unavailable',
      'DATABASE_VERSION_DIFFERS',
      `The data in ${dataFolder} was made by PostgreSQL ${existing.trim()}; this is ${major}. Export it with the OneChart version that made it, or start on another home folder with --home.`,
      { dataFolder, made: existing.trim(), server: major },
    );
  }
  if (known === undefined) {
    throw new AppError(
      'unavailable',
      'DATABASE_PASSWORD_LOST',
      `The password file ${passwordFile(home)} is missing. Restore it from a copy, or move ${home} away to begin with an empty database.`,
      { home },
    );
  }
  return known;
}

/** Starts the server, on another port when the remembered one is taken, and waits out what a killed server left. */
async function launch(options: {
  home: string;
  dataFolder: string;
  binaries: ServerBinaries;
  account: Account | undefined;
  password: string;
  port: number | undefined;
  fixed: boolean;
}): Promise<RunningServer> {
  const { home, dataFolder } = options;
  const deadline = Date.now() + startTimeoutMs;
  let port = options.port;
  for (;;) {
    if (port === undefined || !(await isPortFree(port))) {
      if (options.fixed)
        throw new AppError(
          'unavailable',
          'DATABASE_PORT_TAKEN',
          `Port ${port} is used by another process. End that process, choose another port, or leave --port away to get a free one.`,
          { port },
        );
      port = await freePort();
    }
    await removeForeignPidFile(dataFolder);
    try {
      return await launchServer({
        ...options,
        port,
        logFile: logFile(home),
        settings: {
          cluster_name: 'onechart',
          fsync: 'on',
          synchronous_commit: 'on',
          max_connections: '200',
          timezone: 'UTC',
          // The log must not hold what patients are called: no statements, no parameters, no details of violated keys.
          log_min_error_statement: 'panic',
          log_parameter_max_length_on_error: '0',
          log_error_verbosity: 'terse',
        },
        detached: true,
        timeoutMs: startTimeoutMs,
      });
    } catch (error) {
      const code = error instanceof AppError ? error.code : '';
      if (Date.now() > deadline) throw error;
      if (code === 'DATABASE_PORT_TAKEN' && !options.fixed) port = undefined;
      else if (code === 'DATABASE_ALREADY_RUNNING') {
        await endOrphans(dataFolder);
        await delay(50);
      } else throw error;
    }
  }
}

async function findRunning(home: string, state: ServerState): Promise<RunningServer | undefined> {
  const password = await readPassword(home);
  if (password === undefined) return undefined;
  const deadline = Date.now() + startTimeoutMs;
  for (;;) {
    const pid = await livingPostmaster(state.dataFolder);
    if (pid === undefined) return undefined;
    const port = await postmasterPort(state.dataFolder);
    if (port !== undefined && (await canConnect({ port, password })) === 'yes') return { pid, port };
    // It lives and does not answer: it recovers, or stops. Either ends by itself.
    if (Date.now() > deadline)
      throw new AppError(
        'busy',
        'DATABASE_NOT_ANSWERING',
        `The embedded PostgreSQL of ${home} (process ${pid}) runs but takes no connections. Its log ${logFile(home)} says why.`,
        { pid },
      );
    await delay(50);
  }
}

/** The process in postmaster.pid, if it lives and is really a server on this folder: after a reboot the number may be anybody's. */
export async function livingPostmaster(dataFolder: string): Promise<number | undefined> {
  const pid = await postmasterPid(dataFolder);
  if (pid === undefined || !isAlive(pid)) return undefined;
  if (process.platform !== 'linux') return pid;
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return commandLine.includes(dataFolder) ? pid : undefined;
}

/** PostgreSQL believes a pid file whose number lives; in a fresh container that may be any process. */
async function removeForeignPidFile(dataFolder: string): Promise<void> {
  const pid = await postmasterPid(dataFolder);
  if (pid !== undefined && isAlive(pid) && (await livingPostmaster(dataFolder)) === undefined) await rm(join(dataFolder, 'postmaster.pid'), { force: true });
}

/**
 * After a kill -9 of the server its sessions live on until their statement ends, and PostgreSQL rightly does not start beside
 * them. Nobody reads their results any more: they are told to quit, and recovery undoes what they had not committed.
 */
async function endOrphans(dataFolder: string): Promise<void> {
  const postmaster = await postmasterPid(dataFolder);
  if (process.platform !== 'linux' || (postmaster !== undefined && isAlive(postmaster))) return;
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    // Every process of a server works in its data folder.
    const folder = await readlink(join('/proc', name, 'cwd')).catch(() => undefined);
    const program = folder === dataFolder ? await readFile(join('/proc', name, 'cmdline'), 'utf8').catch(() => '') : '';
    if (program.startsWith('postgres')) await stopServer({ pid: Number(name), mode: 'immediate', timeoutMs: 5_000 });
  }
}

async function postmasterPort(dataFolder: string): Promise<number | undefined> {
  // Line 4 (src/include/utils/pidfile.h, LOCK_FILE_LINE_PORT).
  const line = (await readFile(join(dataFolder, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')[3];
  return line && Number(line) > 0 ? Number(line) : undefined;
}

async function ensureDatabase(options: { port: number; password: string }): Promise<void> {
  const client = new pg.Client({ host: '127.0.0.1', port: options.port, user: superuser, password: options.password, database: 'postgres', ssl: false });
  await client.connect();
  try {
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [databaseName]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${databaseName}`);
  } finally {
    await client.end();
  }
}

/** One earlier log is kept. */
async function rotateLog(home: string): Promise<void> {
  const size = (await stat(logFile(home)).catch(() => undefined))?.size ?? 0;
  if (size > 10 * 1024 * 1024) await rename(logFile(home), `${logFile(home)}.1`);
}
