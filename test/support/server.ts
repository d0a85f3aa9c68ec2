import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { chown, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { serverAccount } from '../../src/embedded/account.ts';
import { prepareBinaries, systemBinaries } from '../../src/embedded/binaries.ts';
import { freePort, initCluster, isAlive, launchServer, postmasterPid, stopServer } from '../../src/embedded/server.ts';
import { memoryFolder, memoryFolders } from './memory.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Address of the run's server, its maintenance database. */
    testServerUrl: string;
    testServerLabel: string;
  }
}

export interface StartedServer {
  readonly url: string;
  readonly label: string;
  stop(): Promise<void>;
}

/** Folders of test servers carry the run's process id after this; a later run removes what a killed one left. */
export const prefix = 'onechart-test-';
const password = 'test';

/** Starts a server for one test run. Nothing in it has to survive, and no test cuts the machine's power: no fsync, data in memory where there is room. */
export async function startTestServer(options: { binFolder?: string | undefined } = {}): Promise<StartedServer> {
  await removeLeftOvers();
  const account = serverAccount();
  const folder = await mkdtemp(join(memoryFolder(), `${prefix}${process.pid}-`));
  const dataFolder = join(folder, 'data');
  if (account) await chown(folder, account.uid, account.gid);
  try {
    const binaries =
      options.binFolder === undefined
        ? await prepareBinaries({ workFolder: join(folder, 'programs'), account })
        : await systemBinaries(options.binFolder, account);
    await initCluster({ binaries, account, dataFolder, password, durable: false });
    const { pid, port } = await launch();
    const label = `${options.binFolder === undefined ? 'embedded' : 'system'} ${Number.parseInt(binaries.version, 10)}`;
    const url = `postgresql://postgres:${password}@127.0.0.1:${port}/postgres`;
    await makeLoginCheap(url);
    return {
      url,
      label,
      stop: async () => {
        await stopServer({ pid, mode: 'immediate', timeoutMs: 20_000 });
        await rm(folder, { recursive: true, force: true });
      },
    };

    async function launch(attempt = 1): Promise<{ pid: number; port: number }> {
      try {
        return await launchServer({
          binaries,
          account,
          dataFolder,
          port: await freePort(),
          password,
          logFile: join(folder, 'server.log'),
          settings: {
            fsync: 'off',
            full_page_writes: 'off',
            synchronous_commit: 'off',
            max_connections: '300',
            shared_buffers: '128MB',
            max_wal_size: '1GB',
            autovacuum_naptime: '5min',
            timezone: 'UTC',
          },
          detached: false,
          timeoutMs: 60_000,
        });
      } catch (error) {
        // Somebody else took the free port in the meantime.
        if (attempt < 5 && (error as { code?: string }).code === 'DATABASE_PORT_TAKEN') return launch(attempt + 1);
        throw error;
      }
    }
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/**
 * The suite logs in some ten thousand times, and 4096 rounds of hashing are a quarter of the time of a login. The method stays; its rounds are one.
 * Written as the server stores it, because a server before 16 cannot be told the number of rounds.
 */
async function makeLoginCheap(url: string): Promise<void> {
  const salt = randomBytes(16);
  const salted = pbkdf2Sync(password, salt, 1, 32, 'sha256');
  const key = (name: string) => createHmac('sha256', salted).update(name).digest();
  const stored = createHash('sha256').update(key('Client Key')).digest('base64');
  const verifier = `SCRAM-SHA-256$1:${salt.toString('base64')}$${stored}:${key('Server Key').toString('base64')}`;
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(`ALTER ROLE postgres PASSWORD '${verifier}'`);
  } finally {
    await client.end();
  }
}

/** A run that was killed leaves its server behind. Its folder carries the run's process id: when that is gone, so may they. */
async function removeLeftOvers(): Promise<void> {
  const names = await Promise.all(memoryFolders.map(async (root) => (await readdir(root).catch(() => [])).map((name) => ({ root, name }))));
  for (const { root, name } of names.flat()) {
    const owner = Number(new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1]);
    if (!owner || isAlive(owner)) continue;
    const folder = join(root, name);
    try {
      const pid = await postmasterPid(join(folder, 'data'));
      const commandLine = pid === undefined ? '' : await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      if (pid !== undefined && commandLine.includes(folder)) await stopServer({ pid, mode: 'immediate', timeoutMs: 5_000 });
      await rm(folder, { recursive: true, force: true });
    } catch {
      // It belongs to another user: not ours to remove.
    }
  }
}

interface Shared {
  users: number;
  server: Promise<StartedServer>;
}

/** The projects of one run load this file once each; what they share hangs on the process. */
const shared = ((globalThis as Record<symbol, unknown>)[Symbol.for('onechart.test-servers')] ??= new Map<string, Shared>()) as Map<string, Shared>;

/** Vitest's global setup: one server per run and kind, shared by the projects that use it. */
export async function provideServer(project: TestProject, binFolder: string | undefined): Promise<() => Promise<void>> {
  const key = binFolder ?? 'embedded';
  const entry = shared.get(key) ?? { users: 0, server: startTestServer({ binFolder }) };
  shared.set(key, entry);
  entry.users += 1;
  const server = await entry.server;
  project.provide('testServerUrl', server.url);
  project.provide('testServerLabel', server.label);
  return async () => {
    entry.users -= 1;
    if (entry.users > 0) return;
    shared.delete(key);
    await server.stop();
  };
}
