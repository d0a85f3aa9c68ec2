import { spawn } from 'node:child_process';
import { chown, mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { AppError } from '../base/errors.ts';
import type { Account } from './account.ts';
import { runProgram, type ServerBinaries, serverEnvironment } from './binaries.ts';
import { explainFailure } from './failure.ts';

/** The superuser of a cluster of ours. */
export const superuser = 'postgres';

/** Makes a new cluster. The folder must not exist; the one above it must. */
export async function initCluster(options: {
  binaries: ServerBinaries;
  account?: Account | undefined;
  dataFolder: string;
  password: string;
  durable: boolean;
}): Promise<void> {
  const { binaries, account, dataFolder } = options;
  await mkdir(dataFolder, { mode: 0o700 });
  const passwordFile = `${dataFolder}.password`;
  try {
    await writeFile(passwordFile, `${options.password}\n`, { mode: 0o600 });
    if (account) for (const path of [dataFolder, passwordFile]) await chown(path, account.uid, account.gid);
    const result = await runProgram({
      program: join(binaries.folder, 'initdb'),
      args: [
        '-D',
        dataFolder,
        '-U',
        superuser,
        '--pwfile',
        passwordFile,
        '-A',
        'scram-sha-256',
        '-E',
        'UTF8',
        '--data-checksums',
        ...localeArguments(binaries.version),
        ...(options.durable ? [] : ['--no-sync']),
      ],
      environment: binaries.environment,
      account,
      cwd: dirname(dataFolder),
    });
    if (result.failure !== undefined || result.code !== 0) throw explainFailure(result.failure ?? result.output, { action: 'create', dataFolder });
  } finally {
    await rm(passwordFile, { force: true });
  }
}

/**
 * Code point order and full Unicode case folding (a name's lower case matters in a search), the same on every machine:
 * built into the server from 17 on, before that the C library's.
 */
function localeArguments(version: string): string[] {
  return Number.parseInt(version, 10) >= 17 ? ['--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C'] : ['--locale=C.UTF-8'];
}

export interface RunningServer {
  readonly pid: number;
  readonly port: number;
}

/** Starts a server on a cluster and waits until it takes connections. It outlives us when `detached`. */
export async function launchServer(options: {
  binaries: ServerBinaries;
  account?: Account | undefined;
  dataFolder: string;
  port: number;
  password: string;
  logFile: string;
  settings: Readonly<Record<string, string>>;
  detached: boolean;
  timeoutMs: number;
}): Promise<RunningServer> {
  const { binaries, account, dataFolder, port } = options;
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    port: String(port),
    logging_collector: 'off',
    log_destination: 'stderr',
    ...options.settings,
  };
  const log = await open(options.logFile, 'a', 0o600);
  const from = (await log.stat()).size;
  const child = spawn(
    join(binaries.folder, 'postgres'),
    ['-D', dataFolder, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    {
      cwd: dirname(dataFolder),
      env: serverEnvironment(binaries.environment),
      stdio: ['ignore', log.fd, log.fd],
      detached: options.detached,
      ...(account ? { uid: account.uid, gid: account.gid } : {}),
    },
  );
  let ended: string | undefined;
  child.on('error', (error: NodeJS.ErrnoException) => {
    ended = error.code ?? error.message;
  });
  child.on('exit', (code, signal) => {
    ended ??= `exit ${code ?? signal}`;
  });
  if (options.detached) child.unref();
  await log.close();

  const deadline = Date.now() + options.timeoutMs;
  for (;;) {
    if (ended !== undefined) throw explainFailure(`${await tail(options.logFile, from)}\n${ended}`, { action: 'start', dataFolder });
    const answer = await canConnect({ port, password: options.password });
    // A foreign server may answer on the port while ours is still failing to bind it: only our own process counts.
    if (answer === 'yes' && ended === undefined && child.pid !== undefined && (await postmasterPid(dataFolder)) === child.pid) return { pid: child.pid, port };
    if (answer === 'wrong password' && (await postmasterPid(dataFolder)) === child.pid) {
      await stopServer({ pid: child.pid as number, mode: 'fast', timeoutMs: 30_000 });
      throw new AppError(
        'unavailable',
        'DATABASE_PASSWORD_LOST',
        `The server on ${dataFolder} does not accept the password kept in the home folder. Put the right password file back, or move the home folder away and start again with a new one.`,
        { dataFolder },
      );
    }
    if (Date.now() > deadline) {
      if (child.pid !== undefined) await stopServer({ pid: child.pid, mode: 'immediate', timeoutMs: 10_000 });
      throw new AppError(
        'unavailable',
        'DATABASE_START_SLOW',
        `The embedded PostgreSQL did not take connections within ${Math.round(options.timeoutMs / 1000)} seconds. Its log ${options.logFile} says what it is doing; try again when the machine is less busy.`,
        { log: options.logFile },
      );
    }
    await delay(25);
  }
}

/** Stops a server by its process id and waits until it is gone. */
export async function stopServer(options: { pid: number; mode: 'fast' | 'immediate'; timeoutMs: number }): Promise<boolean> {
  // https://www.postgresql.org/docs/current/server-shutdown.html: INT is fast (rolls back and checkpoints), QUIT leaves recovery to the next start.
  try {
    process.kill(options.pid, options.mode === 'fast' ? 'SIGINT' : 'SIGQUIT');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return true;
    throw error;
  }
  const deadline = Date.now() + options.timeoutMs;
  while (isAlive(options.pid)) {
    if (Date.now() > deadline) return false;
    await delay(25);
  }
  return true;
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The process id in postmaster.pid, whether that process lives or not. */
export async function postmasterPid(dataFolder: string): Promise<number | undefined> {
  const text = await readFile(join(dataFolder, 'postmaster.pid'), 'utf8').catch(() => '');
  const pid = Number(text.split('\n')[0]);
  return Number.isInteger(pid) && pid > 0 ? pid : undefined;
}

export async function canConnect(options: { port: number; password: string }): Promise<'yes' | 'wrong password' | 'no'> {
  const client = new pg.Client({
    host: '127.0.0.1',
    port: options.port,
    user: superuser,
    password: options.password,
    database: 'postgres',
    connectionTimeoutMillis: 3000,
    ssl: false,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return 'yes';
  } catch (error) {
    return (error as { code?: string }).code === '28P01' ? 'wrong password' : 'no';
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** A port of the loopback interface that is free now; whoever uses it must be ready to find it taken. */
export async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ port: 0, host: '127.0.0.1', exclusive: true }, () => {
      const address = server.address();
      server.close(() => (address !== null && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port'))));
    });
  });
}

/** Whether a port of the loopback interface can be listened on. */
export async function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}

async function tail(file: string, from: number): Promise<string> {
  const text = await readFile(file).catch(() => Buffer.alloc(0));
  return text.subarray(from).toString('utf8').slice(-20_000);
}
