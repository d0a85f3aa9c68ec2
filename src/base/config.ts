import { readFileSync } from 'node:fs';
import { AppError } from './errors.ts';

/** Where a database is and how to log in. Built from a URL or from PG* variables; any character is allowed in names and passwords. */
export interface DatabaseAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password?: string;
  readonly database: string;
  /** The schema that holds the host's tables (Prisma's `?schema=`), `public` by default. */
  readonly schema: string;
  /** libpq's sslmode; undefined leaves TLS to the server's demand. */
  readonly sslmode?: string;
  /** Prisma's `?pgbouncer=true`: a pooler hands each transaction another connection, so that none may keep prepared statements. */
  readonly pooled?: true;
  /** Which option or variable it came from, for messages. */
  readonly source:
    | '--database-url'
    | '--scratch-url'
    | 'DATABASE_URL'
    | 'DATABASE_URL_FILE'
    | 'database.url'
    | 'database.replicaUrls'
    | 'PG* variables'
    | 'embedded database';
}

/** What `new pg.Client()` and `new pg.Pool()` take. */
export interface PgConfig {
  host: string;
  port: number;
  user: string;
  password?: string;
  database: string;
  ssl?: boolean | { rejectUnauthorized: boolean };
  application_name: string;
}

type Env = Readonly<Record<string, string | undefined>>;

/**
 * Finds the database a command works on: `--database-url`, then the file that `DATABASE_URL_FILE` names, then `DATABASE_URL`, then the PG* variables of libpq.
 * Returns undefined when nothing names one.
 *
 * @example
 * resolveDatabase({}, { PGHOST: '127.0.0.1', PGUSER: 'ehr', PGDATABASE: '1xetra*onmi' })?.database; // 1xetra*onmi
 */
export function resolveDatabase(options: { databaseUrl?: string | undefined; schema?: string | undefined }, env: Env): DatabaseAddress | undefined {
  const found = fromOptions(options.databaseUrl, env);
  return found && options.schema !== undefined ? { ...found, schema: options.schema } : found;
}

function fromOptions(databaseUrl: string | undefined, env: Env): DatabaseAddress | undefined {
  if (databaseUrl !== undefined) return parseDatabaseUrl(databaseUrl, '--database-url');
  if (env.DATABASE_URL_FILE) return parseDatabaseUrl(readAddress(env.DATABASE_URL_FILE), 'DATABASE_URL_FILE');
  if (env.DATABASE_URL) return parseDatabaseUrl(env.DATABASE_URL, 'DATABASE_URL');
  if (env.PGHOST || env.PGDATABASE || env.PGUSER || env.PGPORT) {
    const user = env.PGUSER || env.USER || 'postgres';
    return {
      host: env.PGHOST || '127.0.0.1',
      port: parsePort(env.PGPORT || '5432', 'PGPORT'),
      user,
      ...(env.PGPASSWORD ? { password: env.PGPASSWORD } : {}),
      database: env.PGDATABASE || user,
      schema: 'public',
      ...(env.PGSSLMODE ? { sslmode: env.PGSSLMODE } : {}),
      source: 'PG* variables',
    };
  }
  return undefined;
}

/** As Docker and Kubernetes hand over secrets. */
function readAddress(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new AppError(
      'unavailable',
      'DATABASE_URL_FILE_UNREADABLE',
      'The file that DATABASE_URL_FILE names cannot be read. Correct its path or its rights.',
      {},
      { cause },
    );
  }
}

/**
 * Parses `postgresql://user:password@host:port/database?schema=public&sslmode=require`.
 *
 * Stricter URL parsers refuse what people really have in their .env files; here a password may stand percent-encoded
 * or as it is, `@ : / ? # %` included: the last `@` that is followed by a host ends the credentials.
 */
export function parseDatabaseUrl(text: string, source: DatabaseAddress['source'] = '--database-url'): DatabaseAddress {
  const shape = /^(?:postgres|postgresql):\/\/(?:(.*)@)?(\[[0-9a-fA-F:]+\]|[^@/?#:\s]*)(?::(\d+))?(?:\/([^?]*))?(?:\?(.*))?$/s.exec(text.trim());
  if (!shape) {
    throw new AppError(
      'invalid',
      'DATABASE_URL_INVALID',
      `The database address in ${source} is not of the form postgresql://user:password@host:port/database. Correct it, or use PGHOST, PGUSER, PGPASSWORD and PGDATABASE.`,
      { source },
    );
  }
  const [, credentials, host, port, database, query] = shape;
  const parameters = new URLSearchParams(query ?? '');
  const colon = credentials?.indexOf(':') ?? -1;
  const user = credentials === undefined ? undefined : decode(colon < 0 ? credentials : credentials.slice(0, colon));
  const password = credentials === undefined || colon < 0 ? undefined : decode(credentials.slice(colon + 1));
  const socketDirectory = parameters.get('host');
  return {
    host: socketDirectory ?? (host ? decode(host).replace(/^\[|\]$/g, '') : '127.0.0.1'),
    port: parsePort(port ?? parameters.get('port') ?? '5432', source),
    user: user || parameters.get('user') || 'postgres',
    ...(password === undefined ? {} : { password }),
    database: decode(database ?? '') || user || 'postgres',
    schema: parameters.get('schema') || 'public',
    ...(parameters.get('sslmode') ? { sslmode: parameters.get('sslmode') as string } : {}),
    ...(parameters.get('pgbouncer') === 'true' ? { pooled: true as const } : {}),
    source,
  };
}

function parsePort(text: string, source: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw new AppError('invalid', 'DATABASE_PORT_INVALID', `The port in ${source} must be a number from 1 to 65535.`, { source });
  }
  return port;
}

/** Percent-decodes what decodes; a lone `%` is itself. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text.replace(/%([0-9a-fA-F]{2})/g, (whole, hex: string) =>
      Number.parseInt(hex, 16) < 0x80 ? String.fromCharCode(Number.parseInt(hex, 16)) : whole,
    );
  }
}

/** The URL of an address, every part percent-encoded. */
export function toDatabaseUrl(address: DatabaseAddress): string {
  const login = encodeURIComponent(address.user) + (address.password === undefined ? '' : `:${encodeURIComponent(address.password)}`);
  const parameters = new URLSearchParams();
  if (address.schema !== 'public') parameters.set('schema', address.schema);
  if (address.sslmode) parameters.set('sslmode', address.sslmode);
  if (address.pooled) parameters.set('pgbouncer', 'true');
  const socket = address.host.startsWith('/');
  if (socket) parameters.set('host', address.host);
  const query = parameters.size > 0 ? `?${parameters.toString()}` : '';
  const host = socket ? 'localhost' : address.host.includes(':') ? `[${address.host}]` : address.host;
  return `postgresql://${login}@${host}:${address.port}/${encodeURIComponent(address.database)}${query}`;
}

/** Connection settings for node-postgres. */
export function toPgConfig(address: DatabaseAddress, applicationName = 'onechart'): PgConfig {
  const strict = address.sslmode === 'verify-full' || address.sslmode === 'verify-ca';
  return {
    host: address.host,
    port: address.port,
    user: address.user,
    ...(address.password === undefined ? {} : { password: address.password }),
    database: address.database,
    ...(address.sslmode === 'require' || strict ? { ssl: strict ? true : { rejectUnauthorized: false } } : {}),
    application_name: applicationName,
  };
}

/** The address without its password, for messages and logs. */
export function describeAddress(address: DatabaseAddress): string {
  return `${address.database} on ${address.host}:${address.port} as ${address.user}`;
}
