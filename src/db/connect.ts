import {
  CompiledQuery,
  type DatabaseConnection,
  DefaultQueryExecutor,
  type Dialect,
  type Driver,
  type Kysely,
  Kysely as KyselyClass,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
  SingleConnectionProvider,
  Transaction,
} from 'kysely';
import pg, { type ClientBase, type CustomTypesConfig, type Pool, type PoolClient } from 'pg';
import { type DatabaseAddress, toPgConfig } from '../base/config.ts';
import { AppError } from '../base/errors.ts';
import type { Db } from './context.ts';
import { nameOfStatement } from './prepared.ts';
import type { Tables } from './tables.ts';

/** Types of PostgreSQL by their oid (pg_type.dat). */
const oids = { int8: 20, date: 1082 } as const;

/**
 * How values are read, query by query: a `date` stays the text it is (a JavaScript Date would shift it by the
 * time zone), an int8 is a number where a number can hold it. Given with each query, so that neither the
 * process-wide parsers of `pg` nor those of the host's own pool are touched.
 */
const readers: CustomTypesConfig = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    if (format !== 'binary') {
      if (oid === oids.date) return (text: string) => text;
      if (oid === oids.int8) return (text: string) => (Number.isSafeInteger(Number(text)) ? Number(text) : BigInt(text));
    }
    return pg.types.getTypeParser(oid, format as 'text');
  },
};

const maxWaitForConnection = 10_000;

/** `"na""me"` with the backslashes that libpq's `options` wants around blanks and backslashes. */
function searchPathOption(schema: string): string {
  const quoted = `"${schema.replaceAll('"', '""')}"`;
  return `-c search_path=${quoted.replaceAll('\\', '\\\\').replaceAll(' ', '\\ ')}`;
}

/** Opens a pool on an address; every connection of it looks for tables in the address's schema. */
export function createPool(
  address: DatabaseAddress,
  options: {
    maxConnections?: number;
    applicationName?: string;
    statementSeconds?: number | undefined;
    /** How long a connection may be waited for; 10 s unless given. */
    connectMilliseconds?: number;
    /** How long an answer may be waited for before the connection is given up, as of a server that hangs; for ever unless given. */
    answerMilliseconds?: number;
  } = {},
): Pool {
  const { statementSeconds = 0, answerMilliseconds } = options;
  return withErrorListener(
    new pg.Pool({
      ...toPgConfig(address, options.applicationName),
      max: options.maxConnections ?? 10,
      connectionTimeoutMillis: options.connectMilliseconds ?? maxWaitForConnection,
      ...(answerMilliseconds === undefined ? {} : { query_timeout: answerMilliseconds }),
      // A pooler in front takes no such setting at the start of a session.
      ...(statementSeconds === 0 || address.pooled ? {} : { statement_timeout: statementSeconds * 1000 }),
      ...(address.schema === 'public' ? {} : { options: searchPathOption(address.schema) }),
    }),
  );
}

/** A small pool with the settings of another one, whose connections look for tables in the given schema. The other one stays as it is. */
export function poolInSchema(pool: Pool, schema: string): Pool {
  const { password, ssl } = pool.options as { password?: string; ssl?: object };
  const settings = {
    ...pool.options,
    max: 4,
    options: searchPathOption(schema),
    ...(password === undefined ? {} : { password }),
    ...(ssl === undefined ? {} : { ssl }),
  };
  return withErrorListener(new pg.Pool(settings));
}

/** A pool of one connection with the settings of another pool, which hides the password and keys from enumeration, so that a spread alone would lose them. */
export function poolLike(pool: Pool): Pool {
  const { password, ssl } = pool.options as { password?: string; ssl?: object };
  return withErrorListener(
    new pg.Pool({
      ...pool.options,
      ...(password === undefined ? {} : { password }),
      ...(ssl === undefined ? {} : { ssl }),
      max: 1,
      min: 0,
      allowExitOnIdle: true,
    }),
  );
}

/** A pool tells of lost idle connections by an event, which ends the process when nobody listens. The next query gets a new connection. */
function withErrorListener(pool: Pool): Pool {
  pool.on('error', () => undefined);
  return pool;
}

/** A connection that breaks between two statements says so by an event, which ends the process when nobody listens; the next statement fails with it. */
const ignore = (): void => undefined;

/** Told how many milliseconds a connection was waited for; undefined when it was not to be had. */
export type OnAcquire = (milliseconds: number | undefined) => void;

async function timed(pool: Pool, onAcquire: OnAcquire): Promise<PoolClient> {
  const started = performance.now();
  try {
    const client = await pool.connect();
    onAcquire(performance.now() - started);
    return client;
  } catch (error) {
    onAcquire(undefined);
    throw error;
  }
}

/**
 * A Kysely on a pool. Closing the pool is the business of whoever opened it. `prepares` lets connections keep the plans of the
 * busiest statements; a host's pool may lead to a pooler that hands each transaction another connection, so there it is left off.
 */
export function kyselyOnPool(pool: Pool, options: { prepares?: boolean; onAcquire?: OnAcquire | undefined } = {}): Db {
  const { onAcquire } = options;
  const connect = onAcquire === undefined ? () => pool.connect() : () => timed(pool, onAcquire);
  const acquire = async () => {
    const client = await connect();
    client.on('error', ignore);
    return client;
  };
  const release = (client: ClientBase, broken: boolean) => {
    client.off('error', ignore);
    (client as PoolClient).release(broken);
  };
  return new KyselyClass<Tables>({ dialect: pgDialect({ acquire, release, end: () => pool.end(), prepares: options.prepares === true }) });
}

/**
 * A Kysely on one connection whose transaction somebody else opened and will end.
 * It has no way to begin, commit, roll back or release; savepoints are all it can do.
 */
export function kyselyOnClient(client: ClientBase): Db {
  const dialect = pgDialect({ acquire: async () => client, release: () => undefined, end: async () => undefined });
  const driver = dialect.createDriver();
  const connection = new PgConnection(client);
  const executor = new DefaultQueryExecutor(dialect.createQueryCompiler(), dialect.createAdapter(), new SingleConnectionProvider(connection), []);
  return new Transaction<Tables>({ config: { dialect }, dialect, driver, executor });
}

/** What a host can hand over: its pool, a client inside its own transaction, a Kysely or a Kysely transaction of any table types. */
// biome-ignore lint/suspicious/noExplicitAny: the host's table types are its own
export type HostConnection = Pool | ClientBase | Kysely<any>;

/** Makes a Db of what the host hands over; undefined when it is none of them. */
export function adoptConnection(given: HostConnection): { db: Db; pool: Pool | undefined } {
  if (isKysely(given)) return { db: given.withoutPlugins() as Db, pool: undefined };
  if (isPool(given)) return { db: kyselyOnPool(given), pool: given };
  if (isClient(given)) {
    if (transactionStatus(given) === 'I') {
      throw new AppError(
        'invalid',
        'HOST_TRANSACTION_MISSING',
        'The connection handed over has no open transaction. Run BEGIN on it first, or hand over the pool.',
      );
    }
    return { db: kyselyOnClient(given), pool: undefined };
  }
  throw new AppError(
    'invalid',
    'CONNECTION_UNKNOWN',
    'The connection handed over is neither a pg Pool, a pg client nor a Kysely. Pass one of them, or a databaseUrl.',
  );
}

/** `I` outside a transaction, `T` inside, `E` inside a failed one; undefined where the driver does not tell. */
function transactionStatus(client: ClientBase): string | null | undefined {
  const told = client as { getTransactionStatus?: () => string | null };
  return told.getTransactionStatus?.();
}

// Duck typing, because a host may carry another copy of `pg` or `kysely` than ours; `instanceof` would refuse it.
function isKysely(given: HostConnection): given is Kysely<unknown> {
  return 'selectFrom' in given && 'withoutPlugins' in given;
}

function isPool(given: HostConnection): given is Pool {
  return 'totalCount' in given && 'connect' in given;
}

function isClient(given: HostConnection): given is ClientBase {
  return 'query' in given && typeof given.query === 'function';
}

interface Connections {
  readonly prepares?: boolean;
  acquire(): Promise<ClientBase>;
  release(client: ClientBase, broken: boolean): void;
  end(): Promise<void>;
}

class PgConnection implements DatabaseConnection {
  readonly client: ClientBase;
  readonly prepares: boolean;
  broken = false;

  constructor(client: ClientBase, prepares = false) {
    this.client = client;
    this.prepares = prepares;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const name = this.prepares ? nameOfStatement(query.sql) : undefined;
    const result = await this.client.query({ text: query.sql, values: [...query.parameters], types: readers, ...(name === undefined ? {} : { name }) });
    const { command, rowCount, rows } = Array.isArray(result) ? result.at(-1) : result;
    return ['INSERT', 'UPDATE', 'DELETE', 'MERGE'].includes(command) ? { numAffectedRows: BigInt(rowCount ?? 0), rows: rows ?? [] } : { rows: rows ?? [] };
  }

  // biome-ignore lint/correctness/useYield: no query of ours streams; the interface wants the function
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new AppError('unsupported', 'STREAMING_UNSUPPORTED', 'This connection does not stream rows. Read pages instead.');
  }
}

function pgDialect(connections: Connections): Dialect {
  return {
    createAdapter: () => new PostgresAdapter(),
    createQueryCompiler: () => new PostgresQueryCompiler(),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createDriver: () => pgDriver(connections),
  };
}

function pgDriver(connections: Connections): Driver {
  const run = (connection: DatabaseConnection, sql: string) => connection.executeQuery(CompiledQuery.raw(sql));
  return {
    init: async () => undefined,
    acquireConnection: async () => new PgConnection(await connections.acquire(), connections.prepares),
    beginTransaction: async (connection, settings) => {
      const isolation = settings.isolationLevel ? ` isolation level ${settings.isolationLevel}` : '';
      const access = settings.accessMode ? ` ${settings.accessMode}` : '';
      await run(connection, `begin${isolation}${access}`);
    },
    commitTransaction: async (connection) => {
      await run(connection, 'commit');
    },
    rollbackTransaction: async (connection) => {
      try {
        await run(connection, 'rollback');
      } catch (error) {
        // A connection that cannot roll back must not serve anybody else.
        (connection as PgConnection).broken = true;
        throw error;
      }
    },
    releaseConnection: async (connection) => {
      const { client, broken } = connection as PgConnection;
      connections.release(client, broken);
    },
    destroy: () => connections.end(),
  };
}
