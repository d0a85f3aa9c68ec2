import { execFile } from 'node:child_process';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { serverAccount } from '../../src/embedded/account.ts';
import { prepareBinaries, systemBinaries } from '../../src/embedded/binaries.ts';
import { freePort, initCluster, launchServer, type RunningServer, stopServer } from '../../src/embedded/server.ts';
import { memoryFolder } from './memory.ts';
import { prefix } from './server.ts';

const password = 'test';

/** A server of its own that may be killed as a power cut would: it commits to disk before it says so, and recovers when it is started again. */
export interface CrashingServer extends AsyncDisposable {
  /** Address of its maintenance database; the port stays the same over a crash. */
  readonly url: string;
  /** SIGKILL to the postmaster and to every process of it, and none of them is left when it returns. */
  kill(): Promise<void>;
  start(): Promise<void>;
}

/** @param binFolder of an installed server; the embedded one without it */
export async function startCrashingServer(binFolder: string | undefined): Promise<CrashingServer> {
  const account = serverAccount();
  const folder = await mkdtemp(join(memoryFolder(), `${prefix}${process.pid}-`));
  const dataFolder = join(folder, 'data');
  if (account) await chown(folder, account.uid, account.gid);
  const binaries =
    binFolder === undefined ? await prepareBinaries({ workFolder: join(folder, 'programs'), account }) : await systemBinaries(binFolder, account);
  await initCluster({ binaries, account, dataFolder, password, durable: false });
  const port = await freePort();
  let server: RunningServer | undefined;
  const start = async () => {
    server = await launchServer({
      binaries,
      account,
      dataFolder,
      port,
      password,
      logFile: join(folder, 'server.log'),
      // A killed process loses nothing that it has handed to the operating system, be it a file in memory: fsync would only make the test slow.
      settings: { fsync: 'off', synchronous_commit: 'on', shared_buffers: '32MB', max_connections: '50', autovacuum: 'off', timezone: 'UTC' },
      detached: false,
      timeoutMs: 60_000,
    });
  };
  await start();
  return {
    url: `postgresql://postgres:${password}@127.0.0.1:${port}/postgres`,
    start,
    async kill() {
      if (!server) return;
      // The postmaster first, so that it starts no process in place of a killed one.
      const processes = [server.pid, ...(await childrenOf(server.pid))];
      for (const pid of processes) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
        }
      }
      while ((await living()).some(({ pid }) => processes.includes(pid))) await pause(20);
      server = undefined;
    },
    [Symbol.asyncDispose]: async () => {
      if (server) await stopServer({ pid: server.pid, mode: 'immediate', timeoutMs: 20_000 });
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function childrenOf(parent: number): Promise<number[]> {
  return (await living()).filter((each) => each.parent === parent).map(({ pid }) => pid);
}

/** What has ended and only waits for its parent to ask how does not count. */
async function living(): Promise<{ pid: number; parent: number }[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=,stat=']);
  return stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , state]) => !state?.startsWith('Z'))
    .map(([pid, parent]) => ({ pid: Number(pid), parent: Number(parent) }));
}
