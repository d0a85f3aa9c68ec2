import { chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createSampleEhr } from '../../../sample-ehr/index.ts';
import { temporaryFolder, until, whyNoDump } from '../../../test/support/backup.ts';
import { testServer, withClient } from '../../../test/support/database.ts';
import { findOlderServer } from '../../../test/support/older-server.ts';
import { serverAccount } from '../../embedded/account.ts';
import { systemBinaries } from '../../embedded/binaries.ts';
import { freePort, initCluster, isAlive, launchServer, type RunningServer, stopServer } from '../../embedded/server.ts';
import type { DatabaseAddress } from '../../base/config.ts';
import { toDatabaseUrl } from '../../base/config.ts';
import { AppError } from '../../base/errors.ts';
import { defaultLinkTables } from '../module/index.ts';
import { makeBackup, restoreBackup } from './index.ts';

vi.setConfig({ testTimeout: 300_000 });

const older = findOlderServer();
const why = older.binFolder === undefined ? older.reason : (await testServer()).version >= 18 ? 'It runs with the older server.' : await whyNoDump();
if (why !== undefined) console.log(`The test that kills its server is skipped here. ${why}`);

test.skipIf(why !== undefined)('the database server is killed with -9 in a backup, in a restore and before the swap: the same command finishes', async () => {
  const account = serverAccount();
  const folder = await mkdtemp(join(tmpdir(), 'onechart-killed-'));
  if (account) await chown(folder, account.uid, account.gid);
  const binaries = await systemBinaries(older.binFolder ?? '', account);
  const dataFolder = join(folder, 'data');
  await initCluster({ binaries, account, dataFolder, password: 'test', durable: false });
  const port = await freePort();
  const launch = () =>
    launchServer({
      binaries,
      account,
      dataFolder,
      port,
      password: 'test',
      logFile: join(folder, 'server.log'),
      settings: { restart_after_crash: 'on' },
      detached: false,
      timeoutMs: 60_000,
    });
  let server: RunningServer = await launch();
  onTestFinished(async () => {
    await stopServer({ pid: server.pid, mode: 'immediate', timeoutMs: 20_000 });
    await rm(folder, { recursive: true, force: true });
  });
  const address: DatabaseAddress = { host: '127.0.0.1', port, user: 'postgres', password: 'test', database: 'ehr', schema: 'public', source: 'DATABASE_URL' };
  const maintenance = toDatabaseUrl({ ...address, database: 'postgres' });
  await withClient(maintenance, (client) => client.query('CREATE DATABASE ehr'));
  await withClient(toDatabaseUrl(address), async (client) => {
    await createSampleEhr(client, { rows: 2_000, seed: 1 });
    // Large enough that a restore of it can be met half-way.
    await client.query(`CREATE TABLE large AS SELECT string_agg(md5(random()::text), '') AS text FROM generate_series(1, 200000) n GROUP BY n % 200`);
  });
  const crash = async () => {
    process.kill(server.pid, 'SIGKILL');
    await until(() => Promise.resolve(!isAlive(server.pid)));
  };
  const revive = async () => {
    // Its sessions live on for a moment, and the server rightly does not start beside them.
    for (;;) {
      try {
        server = await launch();
        return;
      } catch (error) {
        if (!(error instanceof AppError) || error.code !== 'DATABASE_ALREADY_RUNNING') throw error;
      }
    }
  };
  const killedIn = async (work: (crash: () => Promise<void>) => Promise<unknown>): Promise<string> => {
    let crashed: Promise<void> | undefined;
    const error: unknown = await work(() => (crashed ??= crash())).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    await crashed;
    await revive();
    return error instanceof AppError ? `${error.kind} ${error.code}` : String(error);
  };
  const out = await temporaryFolder();
  const backup = (onProgress?: (phase: string) => void) =>
    makeBackup({ address, folder: out, linkTables: defaultLinkTables, onProgress: ({ phase }) => onProgress?.(phase) });
  const lost = /^(?:resumable (?:DATABASE|BACKUP)_CONNECTION_LOST|unavailable DATABASE_UNREACHABLE|busy DATABASE_\w+)$/;
  for (const at of ['dump', 'restore', 'compare']) expect(await killedIn((die) => backup((phase) => void (phase === at && die())))).toMatch(lost);
  const { file, proof } = await backup();

  const restore = (onCheckpoint?: (name: string) => Promise<void>, onBytes?: () => void) =>
    restoreBackup(file, {
      address,
      to: 'ehr_new',
      swap: true,
      endSessions: true,
      onCheckpoint,
      onProgress: ({ phase }) => void (phase === 'restore' && onBytes?.()),
    });
  expect(await killedIn((die) => restore(undefined, () => void die()))).toMatch(lost);
  for (const at of ['created', 'restored', 'compared', 'properties carried over', 'named'])
    expect(`${at}: ${await killedIn((die) => restore((name) => (name === at ? die() : Promise.resolve())))}`).toMatch(
      new RegExp(`^${at}: ${lost.source.slice(1)}`),
    );
  const { swapped, foundComplete } = await restore();
  expect({ live: swapped?.live, foundComplete }).toEqual({ live: 'ehr', foundComplete: true });
  const names = await withClient(maintenance, async (client) =>
    (await client.query<{ name: string }>(`SELECT datname AS name FROM pg_database WHERE NOT datistemplate ORDER BY 1`)).rows.map(({ name }) => name),
  );
  expect(names).toEqual(['ehr', swapped?.kept, 'postgres']);
  expect(proof.rows).toBeGreaterThan(2_000);
});
