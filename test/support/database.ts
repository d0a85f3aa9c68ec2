import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import pg from 'pg';
import { inject } from 'vitest';
import { createSampleEhr } from '../../sample-ehr/index.ts';
import { parseDatabaseUrl } from '../../src/base/config.ts';

/**
 * What a test database starts as: nothing, the sample EHR before the module, the same after plain execution of our migrations, or after our own
 * `apply` with its journal (400 ms, where a clone takes 20).
 */
export type Template = 'empty' | 'host' | 'migrated' | 'applied';

export interface TestDatabase extends AsyncDisposable {
  readonly url: string;
  readonly name: string;
  /** The one pool of this database; `drop` ends it. */
  pool(): pg.Pool;
  query<Row extends pg.QueryResultRow = pg.QueryResultRow>(sql: string, params?: readonly unknown[]): Promise<Row[]>;
  /** Ends the pool; the next query opens it again. */
  disconnect(): Promise<void>;
  drop(): Promise<void>;
}

export interface TestServer {
  readonly url: string;
  /** Major version. */
  readonly version: number;
  /** For messages: `embedded 18`, `system 15`. */
  readonly label: string;
}

/** The server of this test run, or that of ONECHART_TEST_SERVER (address of a superuser). */
export async function testServer(): Promise<TestServer> {
  const url = process.env.ONECHART_TEST_SERVER || inject('testServerUrl');
  return withClient(url, async (client) => {
    const { rows } = await client.query<{ version: number }>(`SELECT current_setting('server_version_num')::int / 10000 AS version`);
    const version = rows[0]?.version ?? 0;
    return { url, version, label: process.env.ONECHART_TEST_SERVER ? `given ${version}` : inject('testServerLabel') };
  });
}

/**
 * A database of its own for a test or a file, cloned from a template (15 to 30 ms).
 *
 * @example
 * const database = await createDatabase({ template: 'migrated' });
 * await database.query('SELECT count(*) FROM patients');
 * await database.drop();
 */
export async function createDatabase(options: { template?: Template; name?: string } = {}): Promise<TestDatabase> {
  const { url } = await testServer();
  return cloneTemplate(url, await ensureTemplate(url, options.template ?? 'empty'), options.name);
}

/** A copy of a database that a test has prepared, in a fraction of the time; nobody may be connected to that one, its own pool is let go of. */
export async function cloneOf(database: TestDatabase): Promise<TestDatabase> {
  await database.disconnect();
  return cloneTemplate((await testServer()).url, database.name);
}

async function cloneTemplate(serverUrl: string, template: string, name = `test_${randomBytes(6).toString('hex')}`): Promise<TestDatabase> {
  await withClient(serverUrl, (client) => client.query(`CREATE DATABASE ${pg.escapeIdentifier(name)} TEMPLATE ${pg.escapeIdentifier(template)}`));
  const url = withDatabase(serverUrl, name);
  let pool: pg.Pool | undefined;
  const database: TestDatabase = {
    url,
    name,
    pool: () => {
      if (!pool) {
        pool = new pg.Pool({ connectionString: url, max: 10, allowExitOnIdle: true });
        // A connection that a test cuts off is that test's business.
        pool.on('error', () => undefined);
      }
      return pool;
    },
    query: async <Row extends pg.QueryResultRow>(sql: string, params: readonly unknown[] = []) => (await database.pool().query<Row>(sql, [...params])).rows,
    disconnect: async () => {
      await pool?.end();
      pool = undefined;
    },
    drop: async () => {
      await database.disconnect();
      await withClient(serverUrl, (client) => client.query(`DROP DATABASE IF EXISTS ${pg.escapeIdentifier(name)} WITH (FORCE)`));
    },
    [Symbol.asyncDispose]: () => database.drop(),
  };
  return database;
}

const built = new Map<string, Promise<string>>();

/** Templates are built by the first test that asks, once per server; other processes wait for it on an advisory lock. */
function ensureTemplate(serverUrl: string, template: Template): Promise<string> {
  const key = `${serverUrl} ${template}`;
  const known = built.get(key) ?? buildTemplate(serverUrl, template);
  built.set(key, known);
  return known;
}

async function buildTemplate(serverUrl: string, template: Template): Promise<string> {
  if (template === 'empty') return 'template0';
  const name = `template_${template}`;
  const base = template === 'migrated' || template === 'applied' ? await ensureTemplate(serverUrl, 'host') : 'template0';
  return withClient(serverUrl, async (client) => {
    await client.query(`SELECT pg_advisory_lock(hashtext($1))`, [name]);
    const { rows } = await client.query<{ ready: boolean }>('SELECT datistemplate AS ready FROM pg_database WHERE datname = $1', [name]);
    if (rows[0]?.ready) return name;
    // A builder that failed or was killed left a half of it.
    await client.query(`DROP DATABASE IF EXISTS ${name}`);
    await client.query(`CREATE DATABASE ${name} TEMPLATE ${base}`);
    await builders[template](withDatabase(serverUrl, name));
    await client.query(`ALTER DATABASE ${name} WITH IS_TEMPLATE true ALLOW_CONNECTIONS false`);
    return name;
  });
}

const builders: Readonly<Record<Exclude<Template, 'empty'>, (url: string) => Promise<unknown>>> = {
  host: (url) => withClient(url, (client) => createSampleEhr(client, { rows: 200, seed: 1 })),
  // The module's migrations as plain files in order, as `psql -f` would run them.
  migrated: (url) =>
    withClient(url, async (client) => {
      for (const { sql } of await moduleMigrations()) await client.query(sql);
    }),
  applied: async (url) => {
    // Loaded here: most files of tests have no use for the engine.
    const { applyMigration } = await import('../../src/migrate/index.ts');
    await applyMigration({ address: parseDatabaseUrl(url), noBackup: true });
  },
};

/** The module's migration files in the order of their names. */
export async function moduleMigrations(): Promise<{ name: string; sql: string }[]> {
  const root = join(import.meta.dirname, '../../prisma/migrations');
  const folders = (await readdir(root, { withFileTypes: true })).filter((entry) => entry.isDirectory()).map((entry) => join(root, entry.name));
  return Promise.all(folders.sort().map(async (folder) => ({ name: basename(folder), sql: await readFile(join(folder, 'migration.sql'), 'utf8') })));
}

/** Runs work on a connection of its own. */
export async function withClient<Result>(url: string, work: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function withDatabase(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${encodeURIComponent(database)}`;
  return changed.href;
}
