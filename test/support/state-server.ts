import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { createSampleEhr } from '../../sample-ehr/index.ts';
import { type DatabaseAddress, parseDatabaseUrl, toPgConfig } from '../../src/base/config.ts';
import { type Catalogue, readCatalogue } from '../../src/migrate/catalogue.ts';
import { type MigrationFile, readHostProfile, renderModule } from '../../src/migrate/module/index.ts';
import { parseMigration, type Statement } from '../../src/migrate/statement.ts';

/** Shapes of hosts in which random states are made: ids of type uuid or text, tables in public or in a schema with a blank in its name. */
export const hostKinds = ['uuid', 'text', 'schema'] as const;
export type HostKind = (typeof hostKinds)[number];

/** A host before the module, and what its migrations make of it when they are executed plainly. */
export interface HostModel {
  readonly kind: HostKind;
  readonly schema: string;
  readonly files: readonly MigrationFile[];
  readonly statements: readonly (Statement & { readonly migration: string })[];
  readonly plain: Catalogue;
  /** `role privilege table`. */
  readonly grants: readonly string[];
  /** A Prisma folder with the files. */
  readonly folder: string;
}

export interface StateDatabase extends AsyncDisposable {
  readonly address: DatabaseAddress;
  /** A connection as superuser, its search path set to the host's schema; the caller need not end it. */
  connect(): Promise<pg.Client>;
}

export interface StateServer extends AsyncDisposable {
  model(kind: HostKind): Promise<HostModel>;
  /** A database of its own: the host alone, or with the whole module from plain execution (15 to 30 ms). */
  clone(kind: HostKind, content: 'host' | 'whole'): Promise<StateDatabase>;
  /** After the server was killed and started again. */
  reconnect(): Promise<void>;
}

/** Templates of hosts on a server, and clones of them; everything is dropped at the end. */
export async function openStateServer(url: string): Promise<StateServer> {
  const server = parseDatabaseUrl(url);
  const mark = `states_${process.pid}_${Math.random().toString(36).slice(2, 8)}`;
  const folder = mkdtempSync(join(tmpdir(), 'onechart-states-'));
  const models = new Map<HostKind, Promise<HostModel>>();
  const templates = new Set<string>();
  let admin = await open({ ...server, database: 'postgres' });
  // A connection does one thing at a time; several states are made side by side.
  let queue: Promise<unknown> = Promise.resolve();
  const run = (sql: string) => {
    const result = queue.then(() => admin.query(sql));
    queue = result.catch(() => undefined);
    return result;
  };
  let clones = 0;
  const schemaOf = (kind: HostKind) => (kind === 'schema' ? 'Clinic data' : 'public');
  const templateOf = (kind: HostKind, content: string) => `${mark}_${kind}_${content}`;

  async function build(kind: HostKind): Promise<HostModel> {
    const schema = schemaOf(kind);
    const [host, whole] = [templateOf(kind, 'host'), templateOf(kind, 'whole')];
    templates.add(host).add(whole);
    await run(`CREATE DATABASE ${host} TEMPLATE template0`);
    const onHost = await open({ ...server, database: host, schema });
    await createSampleEhr(onHost, { idType: kind === 'text' ? 'text' : 'uuid', schema, rows: 60, seed: 1 });
    const { profile, findings } = await readHostProfile(onHost, { schema });
    await onHost.end();
    if (!profile) throw new Error(`This host cannot carry the module: ${JSON.stringify(findings)}`);
    const files = renderModule(profile);
    await run(`CREATE DATABASE ${whole} TEMPLATE ${host}`);
    const onWhole = await open({ ...server, database: whole, schema });
    for (const { sql } of files) await onWhole.query(sql);
    const plain = await readCatalogue(onWhole, schema);
    const grants = await grantsOf(onWhole, schema);
    await onWhole.end();
    const parsed = await Promise.all(files.map(async ({ name, sql }) => (await parseMigration(name, sql)).map((each) => ({ ...each, migration: name }))));
    const prisma = join(folder, kind);
    for (const { name, sql } of files) {
      mkdirSync(join(prisma, 'migrations', name), { recursive: true });
      writeFileSync(join(prisma, 'migrations', name, 'migration.sql'), sql);
    }
    return { kind, schema, files, statements: parsed.flat(), plain, grants, folder: prisma };
  }

  const model = (kind: HostKind) => {
    const known = models.get(kind) ?? build(kind);
    models.set(kind, known);
    return known;
  };
  return {
    model,
    async clone(kind, content) {
      await model(kind);
      clones += 1;
      const name = `${mark}_${clones}`;
      await run(`CREATE DATABASE ${name} TEMPLATE ${templateOf(kind, content)}`);
      const address = { ...server, database: name, schema: schemaOf(kind) };
      const clients: pg.Client[] = [];
      return {
        address,
        async connect() {
          const client = await open(address);
          clients.push(client);
          return client;
        },
        [Symbol.asyncDispose]: async () => {
          await Promise.all(clients.map((client) => client.end().catch(() => undefined)));
          await run(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
        },
      };
    },
    async reconnect() {
      await admin.end().catch(() => undefined);
      admin = await open({ ...server, database: 'postgres' });
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.allSettled(models.values());
      for (const name of templates) await run(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      await admin.end();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** What the roles of the module may do: `role privilege table`. */
export async function grantsOf(client: pg.ClientBase, schema: string): Promise<string[]> {
  const { rows } = await client.query<{ grant: string }>(
    `SELECT grantee || ' ' || privilege_type || ' ' || table_name AS grant FROM information_schema.role_table_grants WHERE table_schema = $1 AND grantee LIKE 'onechart%' ORDER BY 1`,
    [schema],
  );
  return rows.map(({ grant }) => grant);
}

async function open(address: DatabaseAddress): Promise<pg.Client> {
  const client = new pg.Client(toPgConfig(address, 'states'));
  client.on('error', () => undefined);
  await client.connect();
  await client.query(`SELECT set_config('search_path', $1, false), set_config('client_min_messages', 'error', false)`, [pg.escapeIdentifier(address.schema)]);
  return client;
}
