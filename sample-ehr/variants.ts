import { readdirSync, readFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Client } from 'pg';
import { AppError } from '../src/base/errors.ts';
import { type DatabaseAddress, parseDatabaseUrl, toDatabaseUrl, toPgConfig } from '../src/base/config.ts';
import { createSampleEhr, type SampleEhr, type SampleEhrOptions } from './index.ts';
import { idTypeOfSql, type IdType } from './history.ts';
import { applyByHand, type ByHandOptions, type ByHandResult } from './statements.ts';

export { applyByHand, type ByHandOptions, type ByHandResult, splitStatements } from './statements.ts';

/** The shapes in which real hosts differ from the plain sample. */
export const variantNames = ['plain', 'text-ids', 'other-schema', 'odd-names', 'orphans', 'half-applied'] as const;
export type VariantName = (typeof variantNames)[number];

/** Every character that breaks a hand-made URL. */
export const oddPassword = 'p@ss:w/o?r#d%41 100%';
export const oddDatabaseName = '1xetra*onmi';

export interface VariantOptions extends SampleEhrOptions {
  /** A superuser's address on the server where the database is made. */
  readonly server: string;
  /** Name of the new database; a variant chooses one that is free otherwise. */
  readonly name?: string;
  /** For `half-applied`: which statements of the module's first migration were run; the first twenty otherwise. */
  readonly byHand?: ByHandOptions;
}

export interface Variant extends AsyncDisposable {
  /** With `?schema=` where the schema is not public, every part percent-encoded. */
  readonly url: string;
  readonly address: DatabaseAddress;
  readonly ehr: SampleEhr;
  /** What `applyByHand` reported, for `half-applied`. */
  readonly byHand: ByHandResult | undefined;
  drop(): Promise<void>;
}

/**
 * Makes a database of its own with a variant of the sample EHR.
 *
 * `odd-names` is a database called `1xetra*onmi` (with a suffix where that name is taken), owned by a role that is no
 * superuser and whose password holds `@ : / ? # %` and a blank.
 */
export async function createVariant(variant: VariantName, options: VariantOptions): Promise<Variant> {
  const { server, name, byHand, ...ehrOptions } = options;
  const admin = parseDatabaseUrl(server);
  const suffix = randomBytes(4).toString('hex');
  const odd = variant === 'odd-names';
  const owner = odd ? `ehr_owner_${suffix}` : undefined;
  const database = await onServer(admin, async (client) => {
    if (owner !== undefined) {
      await client.query(
        `CREATE ROLE ${client.escapeIdentifier(owner)} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD ${client.escapeLiteral(oddPassword)}`,
      );
    }
    const wanted = name ?? (odd ? oddDatabaseName : `ehr_${variant.replaceAll('-', '_')}_${suffix}`);
    return createFreeDatabase(client, { wanted, suffix, owner, exact: name !== undefined });
  });
  const schema = ehrOptions.schema ?? (variant === 'other-schema' ? 'Clinic data' : 'public');
  const address: DatabaseAddress = { ...admin, database, schema, ...(owner === undefined ? {} : { user: owner, password: oddPassword }) };
  const drop = () =>
    onServer(admin, async (client) => {
      await client.query(`DROP DATABASE IF EXISTS ${client.escapeIdentifier(database)} WITH (FORCE)`);
      if (owner !== undefined) await client.query(`DROP ROLE IF EXISTS ${client.escapeIdentifier(owner)}`);
    });
  try {
    const built = await onServer(address, async (client) => {
      const ehr = await createSampleEhr(client, {
        rows: 500,
        ...ehrOptions,
        schema,
        idType: ehrOptions.idType ?? (variant === 'text-ids' ? 'text' : 'uuid'),
        orphans: ehrOptions.orphans ?? (variant === 'orphans' ? 12 : 0),
      });
      if (variant !== 'half-applied') return { ehr, byHand: undefined };
      await client.query(`SELECT set_config('search_path', $1, false)`, [client.escapeIdentifier(schema)]);
      return { ehr, byHand: await applyByHand(client, addPatientModuleSql(ehr.idType), byHand ?? { upTo: 20 }) };
    });
    return { url: toDatabaseUrl(address), address, ...built, drop, [Symbol.asyncDispose]: drop };
  } catch (error) {
    await drop();
    throw error;
  }
}

/** The text of the module's first migration, in the host's id type. */
export function addPatientModuleSql(idType: IdType = 'uuid'): string {
  const folder = join(import.meta.dirname, '..', 'prisma', 'migrations');
  const directory = readdirSync(folder).find((each) => each.endsWith('_add_patient_module'));
  if (directory === undefined)
    throw new AppError('unavailable', 'MIGRATION_FILE_MISSING', 'There is no migration add_patient_module among the prisma/migrations of this checkout.');
  return idTypeOfSql(readFileSync(join(folder, directory, 'migration.sql'), 'utf8'), idType);
}

async function onServer<T>(address: DatabaseAddress, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client(toPgConfig(address, 'sample-ehr'));
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function createFreeDatabase(client: Client, options: { wanted: string; suffix: string; owner: string | undefined; exact: boolean }): Promise<string> {
  const create = (name: string) =>
    // template0 rather than template1: several of these may be made at once, and template1 may be in use.
    client.query(
      `CREATE DATABASE ${client.escapeIdentifier(name)} TEMPLATE template0 ENCODING 'UTF8'${options.owner === undefined ? '' : ` OWNER ${client.escapeIdentifier(options.owner)}`}`,
    );
  try {
    await create(options.wanted);
    return options.wanted;
  } catch (error) {
    const taken = (error as { code?: string }).code;
    // 42P04 duplicate_database; 23505 when another session makes the same name in this very moment.
    if (options.exact || (taken !== '42P04' && taken !== '23505')) throw error;
    const name = `${options.wanted} ${options.suffix}`;
    await create(name);
    return name;
  }
}
