import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type pg from 'pg';
import type { DatabaseAddress } from '../../base/config.ts';
import { AppError } from '../../base/errors.ts';
import { connect } from '../session.ts';
import { quote, row, rows, sqlstate } from '../sql.ts';
import type { SavedDatabase } from './manifest.ts';

/**
 * Databases that live only while a backup is proven or restored. A run that is killed leaves one behind: the next run knows it by
 * its name and its marker, sees from an advisory lock that nobody works on it any more, and drops it.
 */

const markerText = 'OneChart works in this database for a moment; the next run drops it';
/** Set by CREATE DATABASE itself, so that there is no moment without a mark. */
const markerConnections = 13;

/** Connects to a database that is never renamed or dropped by us: `postgres` (`template1`, where that is the one), else the one in the address. */
export async function connectAdmin(address: DatabaseAddress): Promise<pg.Client> {
  try {
    return await connect({ ...address, database: address.database === 'postgres' ? 'template1' : 'postgres', schema: 'public' });
  } catch (error) {
    if (error instanceof AppError && (error.code === 'DATABASE_UNREACHABLE' || error.code === 'DATABASE_CONNECTIONS_EXHAUSTED')) throw error;
    return connect(address);
  }
}

/** Errors: `SCRATCH_DATABASE_DENIED` where the role may not create databases. */
export async function assertMayCreate(admin: pg.ClientBase, address: DatabaseAddress, remedy: string): Promise<void> {
  const { may } = await row<{ may: boolean }>(admin, 'SELECT rolcreatedb OR rolsuper AS may FROM pg_roles WHERE rolname = current_user');
  if (!may)
    throw new AppError(
      'forbidden',
      'SCRATCH_DATABASE_DENIED',
      `The user "${address.user}" may not create databases on ${address.host}:${address.port}. ${remedy}`,
      { user: address.user },
    );
}

/** Drops what killed runs have left under a prefix; returns the names. */
export async function dropLeftOvers(admin: pg.ClientBase, prefix: string): Promise<string[]> {
  const found = await rows<{ name: string }>(
    admin,
    `SELECT datname AS name FROM pg_database d WHERE starts_with(datname, $1) AND (datconnlimit = $2 OR starts_with(shobj_description(d.oid, 'pg_database'), $3))`,
    [prefix, markerConnections, markerText],
  );
  const dropped: string[] = [];
  for (const { name } of found) {
    if (!(await tryClaim(admin, name))) continue;
    await admin.query(`DROP DATABASE IF EXISTS ${quote(name)} WITH (FORCE)`);
    await admin.query('SELECT pg_advisory_unlock(hashtextextended($1, 1013))', [name]);
    dropped.push(name);
  }
  return dropped;
}

/** A lock by name that ends with the connection, so that a killed run holds nothing. */
export async function tryClaim(admin: pg.ClientBase, name: string): Promise<boolean> {
  return (await row<{ got: boolean }>(admin, 'SELECT pg_try_advisory_lock(hashtextextended($1, 1013)) AS got', [name])).got;
}

/** Whether a database is one that a run of ours was working in. */
export async function isMarked(admin: pg.ClientBase, name: string): Promise<boolean> {
  const found = await rows<{ marked: boolean }>(
    admin,
    `SELECT datconnlimit = $2 OR coalesce(starts_with(shobj_description(oid, 'pg_database'), $3), false) AS marked FROM pg_database WHERE datname = $1`,
    [name, markerConnections, markerText],
  );
  return found[0]?.marked ?? false;
}

/** Makes an empty database that sorts and compares text as the saved one does, and marks it as ours. */
export async function createMarked(admin: pg.ClientBase, name: string, like: SavedDatabase): Promise<void> {
  const version = (await row<{ version: number }>(admin, `SELECT current_setting('server_version_num')::int / 10000 AS version`)).version;
  const literal = (text: string) => `'${text.replaceAll("'", "''")}'`;
  const provider =
    like.localeProvider === undefined || version < 15
      ? ''
      : ` LOCALE_PROVIDER ${like.localeProvider}${like.locale === undefined || like.localeProvider === 'libc' ? '' : ` ${like.localeProvider === 'icu' ? 'ICU_LOCALE' : 'BUILTIN_LOCALE'} ${literal(like.locale)}`}`;
  try {
    await admin.query(
      `CREATE DATABASE ${quote(name)} TEMPLATE template0 ENCODING ${literal(like.encoding)} LC_COLLATE ${literal(like.collate)} LC_CTYPE ${literal(like.ctype)}${provider} CONNECTION LIMIT ${markerConnections}`,
    );
  } catch (cause) {
    const state = sqlstate(cause);
    if (state === '42501')
      throw new AppError(
        'forbidden',
        'SCRATCH_DATABASE_DENIED',
        'The user may not create databases on this server. Grant it: ALTER ROLE … CREATEDB.',
        {},
        { cause },
      );
    if (state === '25006')
      throw new AppError(
        'unsafe',
        'SCRATCH_DATABASE_DENIED',
        'This server takes no writes (a standby?). Name another one: --scratch-url for the proof of a backup, the primary for a restore.',
        {},
        { cause },
      );
    if (state === '53100')
      throw new AppError(
        'unavailable',
        'SERVER_DISK_FULL',
        "The server's disk is full. Free some space, or prove the backup on another server with --scratch-url.",
        {},
        { cause },
      );
    if (state === '42809' || state === '22023' || state === '42704')
      throw new AppError(
        'unsupported',
        'SCRATCH_LOCALE_UNKNOWN',
        `This server cannot make a database with the locale ${like.collate} (${like.encoding}) of the saved one. Use a server that knows it.`,
        { collate: like.collate, ctype: like.ctype, encoding: like.encoding },
        { cause },
      );
    throw cause;
  }
  await admin.query(`COMMENT ON DATABASE ${quote(name)} IS ${literal(`${markerText} (${hostname()}, process ${process.pid}).`)}`);
}

/** Prefix of the scratch databases for backups of one database: another database's are never touched. */
export function scratchPrefix(database: string): string {
  let hash = 0;
  for (const character of database) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) >>> 0;
  return `onechart_scratch_${hash.toString(16).padStart(8, '0')}_`;
}

/** Runs work on a scratch database, which is dropped afterwards whatever happened. */
export async function withScratch<T>(
  options: { admin: pg.Client; server: DatabaseAddress; like: SavedDatabase; prefix: string },
  work: (scratch: DatabaseAddress) => Promise<T>,
): Promise<T> {
  const { admin, server, like, prefix } = options;
  await dropLeftOvers(admin, prefix);
  const name = `${prefix}${randomBytes(4).toString('hex')}`;
  await tryClaim(admin, name);
  await createMarked(admin, name, like);
  let result: T;
  try {
    result = await work({ ...server, database: name, schema: 'public' });
  } catch (error) {
    // What went wrong is worth more than a scratch that could not be dropped: the next run drops it.
    await admin.query(`DROP DATABASE IF EXISTS ${quote(name)} WITH (FORCE)`).catch(() => undefined);
    throw error;
  }
  await admin.query(`DROP DATABASE IF EXISTS ${quote(name)} WITH (FORCE)`);
  return result;
}

/** What a new database must be like to hold what this one holds. */
export async function describeDatabase(client: pg.ClientBase): Promise<SavedDatabase> {
  const found = await row<{ name: string; encoding: string; collate: string; ctype: string; json: Record<string, string | null> }>(
    client,
    `SELECT datname AS name, pg_encoding_to_char(encoding) AS encoding, datcollate AS collate, datctype AS ctype, to_jsonb(d) AS json FROM pg_database d WHERE datname = current_database()`,
  );
  // Columns that came with 15 (datlocprovider, daticulocale) and 17 (datlocale), read so that 14 does not mind.
  const provider = ({ c: 'libc', i: 'icu', b: 'builtin' } as const)[found.json.datlocprovider ?? 'c'];
  const locale = found.json.datlocale ?? found.json.daticulocale ?? undefined;
  const roles = await rows<{ name: string }>(
    client,
    `SELECT DISTINCT r.rolname AS name FROM pg_shdepend s JOIN pg_roles r ON r.oid = s.refobjid
     WHERE s.refclassid = 'pg_authid'::regclass AND s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND s.deptype IN ('o', 'a', 'r')
       AND r.rolname !~ '^pg_'
     UNION SELECT r.rolname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_roles r ON r.oid = c.relowner
     WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY 1`,
  );
  const identifier = await readSystemIdentifier(client);
  return {
    name: found.name,
    ...(identifier === undefined ? {} : { systemIdentifier: identifier }),
    encoding: found.encoding,
    collate: found.collate,
    ctype: found.ctype,
    ...(provider === undefined || !('datlocprovider' in found.json) ? {} : { localeProvider: provider }),
    ...(locale === undefined ? {} : { locale }),
    roles: roles.map(({ name }) => name),
  };
}

/** Names the cluster; not every role may read it. */
async function readSystemIdentifier(client: pg.ClientBase): Promise<string | undefined> {
  const { may } = await row<{ may: boolean }>(client, `SELECT has_function_privilege('pg_control_system()', 'EXECUTE') AS may`);
  return may ? (await row<{ id: string }>(client, 'SELECT system_identifier::text AS id FROM pg_control_system()')).id : undefined;
}
