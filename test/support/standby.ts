import { execFile } from 'node:child_process';
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { createSampleEhr } from '../../sample-ehr/index.ts';
import { serverAccount } from '../../src/embedded/account.ts';
import { prepareBinaries, systemBinaries } from '../../src/embedded/binaries.ts';
import { freePort, initCluster, launchServer, stopServer } from '../../src/embedded/server.ts';
import { moduleMigrations, testServer, withClient } from './database.ts';
import { memoryFolder } from './memory.ts';
import { findOlderServer } from './older-server.ts';
import { prefix } from './server.ts';

const password = 'test';

export interface StreamingPair extends AsyncDisposable {
  /** The registry on the primary, and the same on the standby. */
  readonly primaryUrl: string;
  readonly standbyUrl: string;
  /** For the replay on the standby: pausing, resuming, promoting. */
  readonly standby: pg.Pool;
  readonly primary: pg.Pool;
  /** Ends the standby at once, as a crash does. */
  killStandby(): Promise<void>;
  /** Starts it again on the same port. */
  startStandby(): Promise<void>;
}

/**
 * A primary with a registry and a standby that streams from it, of the server version of this run. The standby is a copy
 * of the cluster before its first start, so that everything there is has come to it by the log.
 */
export async function startStreamingPair(): Promise<StreamingPair> {
  const account = serverAccount();
  const folder = await mkdtemp(join(memoryFolder(), `${prefix}${process.pid}-pair-`));
  if (account) await chown(folder, account.uid, account.gid);
  const older = findOlderServer();
  const { version } = await testServer();
  const binaries =
    version >= 18 || older.binFolder === undefined
      ? await prepareBinaries({ workFolder: join(folder, 'programs'), account })
      : await systemBinaries(older.binFolder, account);
  const folders = { primary: join(folder, 'primary'), standby: join(folder, 'standby') };
  await initCluster({ binaries, account, dataFolder: folders.primary, password, durable: false });
  await promisify(execFile)('cp', ['-a', folders.primary, folders.standby]);
  const ports = { primary: await freePort(), standby: await freePort() };
  const pids = { primary: 0, standby: 0 };
  // A standby may not have fewer connections than the primary had when the cluster was made.
  const settings = { fsync: 'off', full_page_writes: 'off', shared_buffers: '32MB', max_connections: '100', wal_keep_size: '256MB', timezone: 'UTC' };

  async function start(which: 'primary' | 'standby', more: Readonly<Record<string, string>> = {}): Promise<void> {
    const { pid } = await launchServer({
      binaries,
      account,
      dataFolder: folders[which],
      port: ports[which],
      password,
      logFile: join(folder, `${which}.log`),
      settings: { ...settings, ...more },
      detached: false,
      timeoutMs: 30_000,
    });
    pids[which] = pid;
  }
  const startStandby = () =>
    start('standby', {
      primary_conninfo: `host=127.0.0.1 port=${ports.primary} user=postgres password=${password}`,
      wal_retrieve_retry_interval: '100ms',
      // A read that stands in the way of the replay is ended at once.
      max_standby_streaming_delay: '0',
      // And one that only looks at old rows does not stand in the way.
      hot_standby_feedback: 'on',
    });
  const urlOf = (which: 'primary' | 'standby', database: string) => `postgresql://postgres:${password}@127.0.0.1:${ports[which]}/${database}`;

  await start('primary');
  await writeFile(join(folders.standby, 'standby.signal'), '');
  if (account) await chown(join(folders.standby, 'standby.signal'), account.uid, account.gid);
  await startStandby();
  await withClient(urlOf('primary', 'postgres'), (client) => client.query('CREATE DATABASE registry'));
  const primaryUrl = urlOf('primary', 'registry');
  await withClient(primaryUrl, async (client) => {
    await createSampleEhr(client, { rows: 20, seed: 1 });
    for (const { sql } of await moduleMigrations()) await client.query(sql);
  });
  const primary = new pg.Pool({ connectionString: primaryUrl, max: 3, allowExitOnIdle: true });
  const standby = new pg.Pool({ connectionString: urlOf('standby', 'registry'), max: 3, allowExitOnIdle: true });
  for (const pool of [primary, standby]) pool.on('error', () => undefined);
  return {
    primaryUrl,
    standbyUrl: urlOf('standby', 'registry'),
    primary,
    standby,
    killStandby: async () => void (await stopServer({ pid: pids.standby, mode: 'immediate', timeoutMs: 10_000 })),
    startStandby,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([primary.end(), standby.end()]);
      for (const pid of [pids.standby, pids.primary]) await stopServer({ pid, mode: 'immediate', timeoutMs: 10_000 });
      await rm(folder, { recursive: true, force: true });
    },
  };
}
