import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { type DatabaseAddress, parseDatabaseUrl, toPgConfig } from '../../src/base/config.ts';
import { startEmbedded, stopEmbedded } from '../../src/embedded/index.ts';

export interface BenchServer extends AsyncDisposable {
  addressOf(database: string): DatabaseAddress;
  /** Runs one statement outside any of the measured databases. */
  admin(sql: string): Promise<void>;
  /** Empty, or a file copy of another database; an earlier one of that name is dropped. */
  createDatabase(name: string, template?: string): Promise<DatabaseAddress>;
}

/** A server to measure on: the given one, or an embedded one with durable settings on a home of its own that is removed afterwards. */
export async function openBenchServer(url: string | undefined): Promise<BenchServer> {
  const folder = url === undefined ? await mkdtemp(join(tmpdir(), 'onechart-bench-')) : undefined;
  // The server may run as another user, who must get through.
  if (folder) await chmod(folder, 0o711);
  const home = folder && join(folder, 'home');
  const base = parseDatabaseUrl(home ? (await startEmbedded({ home })).url : (url as string));
  const made = new Set<string>();
  const admin = async (sql: string) => {
    const client = await openClient({ ...base, database: 'postgres' });
    try {
      await client.query(sql);
    } finally {
      await client.end();
    }
  };
  return {
    addressOf: (database) => ({ ...base, database }),
    admin,
    createDatabase: async (name, template) => {
      await admin(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      made.add(name);
      // Not through the log: the copy must not be what the next checkpoint is busy with.
      await admin(template === undefined ? `CREATE DATABASE ${name}` : `CREATE DATABASE ${name} TEMPLATE ${template} STRATEGY FILE_COPY`);
      return { ...base, database: name };
    },
    [Symbol.asyncDispose]: async () => {
      if (home && folder) {
        await stopEmbedded({ home });
        await rm(folder, { recursive: true, force: true });
      } else for (const name of made) await admin(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    },
  };
}

export async function openClient(address: DatabaseAddress): Promise<pg.Client> {
  const client = new pg.Client(toPgConfig(address, 'onechart bench'));
  client.on('error', () => undefined);
  await client.connect();
  return client;
}
