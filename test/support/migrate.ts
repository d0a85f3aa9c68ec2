import type pg from 'pg';
import { createSampleEhr, type IdType } from '../../sample-ehr/index.ts';
import { applyByHand } from '../../sample-ehr/statements.ts';
import { parseDatabaseUrl } from '../../src/base/config.ts';
import { type Catalogue, readCatalogue } from '../../src/migrate/catalogue.ts';
import { type ApplyOptions, type ApplyResult, applyMigration } from '../../src/migrate/index.ts';
import { type MigrationFile, readHostProfile, renderModule } from '../../src/migrate/module/index.ts';
import { createDatabase, type TestDatabase, withClient } from './database.ts';
import { hostPicture } from './host-picture.ts';
import { snapshotOf } from './snapshot.ts';

/** A small sample EHR before the module: of the template for uuid, built for text. */
export async function createHost(idType: IdType = 'uuid'): Promise<TestDatabase> {
  if (idType === 'uuid') return createDatabase({ template: 'host' });
  const database = await createDatabase();
  await withClient(database.url, (client) => createSampleEhr(client, { idType, rows: 100 }));
  return database;
}

/** A small sample EHR after `apply`: for tests of what comes afterwards. */
export function createApplied(): Promise<TestDatabase> {
  return createDatabase({ template: 'applied' });
}

let bare: Promise<string[]> | undefined;

/** The picture of the sample EHR before the module, to which a rollback has to come back. */
export function pictureBefore(): Promise<string[]> {
  bare ??= (async () => {
    await using host = await createHost();
    return await withClient(host.url, (client) => hostPicture(client, 'public'));
  })();
  return bare;
}

export function apply(database: { url: string }, options: Partial<Omit<ApplyOptions, 'address'>> = {}): Promise<ApplyResult> {
  return applyMigration({ address: parseDatabaseUrl(database.url), noBackup: true, ...options });
}

/** The module's migration files as they are written for this host. */
export async function filesFor(database: { url: string }): Promise<MigrationFile[]> {
  return withClient(database.url, async (client) => {
    const { profile, findings } = await readHostProfile(client, { schema: 'public' });
    if (!profile) throw new Error(`This host cannot carry the module: ${JSON.stringify(findings)}`);
    return renderModule(profile);
  });
}

/** Runs a script as psql would, statement by statement, and stands by it that none failed. */
export async function runScript(client: pg.ClientBase, sql: string): Promise<void> {
  const { failed } = await applyByHand(client, sql);
  if (failed.length > 0) throw new Error(`Statement ${failed[0]?.statement} failed: ${failed[0]?.message}`);
}

const references = new Map<IdType, Promise<Catalogue>>();

/** What plain execution of the same files in order makes of such a host: what every way of the engine must end in. */
export function plainCatalogue(idType: IdType = 'uuid'): Promise<Catalogue> {
  const known = references.get(idType) ?? buildReference(idType);
  references.set(idType, known);
  return known;
}

async function buildReference(idType: IdType): Promise<Catalogue> {
  await using database = await createHost(idType);
  const files = await filesFor(database);
  // Awaited here: the database is dropped when this function returns.
  return await withClient(database.url, async (client) => {
    for (const { sql } of files) await runScript(client, sql);
    return withoutHistoryTable(await readCatalogue(client, 'public'));
  });
}

/** The picture of schema public; Prisma's own table is not part of it. */
export async function catalogueOf(database: { url: string }): Promise<Catalogue> {
  return withClient(database.url, async (client) => withoutHistoryTable(await readCatalogue(client, 'public')));
}

function withoutHistoryTable(catalogue: Catalogue): Catalogue {
  const tables = new Map(catalogue.tables);
  tables.delete('_prisma_migrations');
  return { ...catalogue, tables };
}

export interface Attempt {
  readonly name: string;
  readonly checksum: string;
  readonly finished: boolean;
  readonly rolledBack: boolean;
  readonly steps: number;
}

/** The module's attempts in Prisma's history, oldest first; the host's own are left out. */
export async function moduleHistory(database: TestDatabase): Promise<Attempt[]> {
  return database.query<Attempt>(
    `SELECT migration_name AS name, checksum, finished_at IS NOT NULL AS finished, rolled_back_at IS NOT NULL AS "rolledBack", applied_steps_count AS steps
     FROM _prisma_migrations WHERE migration_name LIKE '20260103%' ORDER BY migration_name, started_at, id`,
  );
}

/** Everything in the schemas public and onechart; see snapshot.ts. */
export async function snapshot(database: { url: string }): Promise<string[]> {
  return withClient(database.url, (client) => snapshotOf(client, 'public'));
}
