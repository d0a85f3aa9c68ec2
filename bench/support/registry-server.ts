import { readdir, readFile } from 'node:fs/promises';
import pg from 'pg';
import { createSampleEhr } from '../../sample-ehr/index.ts';
import { toDatabaseUrl } from '../../src/base/config.ts';
import { openBenchServer, openClient } from './ehr-server.ts';
import { describeMachine } from './machine.ts';

export interface RegistryServer extends AsyncDisposable {
  /** The address of a new database with the sample EHR and the module's tables. */
  migratedDatabase(name: string): Promise<string>;
  /** Machine, server and date, in lines. */
  describe(): Promise<string[]>;
}

/** The embedded server with its durable settings, or the one given, and migrated databases on it. */
export async function openRegistryServer(url: string | undefined): Promise<RegistryServer> {
  const server = await openBenchServer(url);
  const template = await server.createDatabase('bench_registry');
  const client = await openClient(template);
  await createSampleEhr(client, { rows: 100 });
  const migrations = new URL('../../prisma/migrations/', import.meta.url);
  for (const folder of (await readdir(migrations)).filter((each) => /^\d{14}_/.test(each)).toSorted()) {
    await client.query(await readFile(new URL(`${folder}/migration.sql`, migrations), 'utf8'));
  }
  const machine = await describeMachine(client);
  await client.end();
  return {
    migratedDatabase: async (name) => toDatabaseUrl(await server.createDatabase(name, template.database)),
    describe: async () => machine,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** Does something on a connection of its own. */
export async function onClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
