import {
  type CompiledQuery,
  type ControlledTransaction,
  type DatabaseConnection,
  type Driver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
  type TransactionSettings,
} from 'kysely';
import { AppError } from '../base/errors.ts';
import type { Db } from './context.ts';
import { sqlstateOf, translateDatabaseError } from './sqlstate.ts';
import type { Tables } from './tables.ts';

/** A server to read from that may fail. */
export interface FailingReader {
  readonly db: Db;
  began(): void;
  ended(): void;
  /** Repeated on the primary: whatever it was, the primary's answer counts. */
  failed(error: unknown): void;
}

const readers = new WeakMap<Db, FailingReader>();

/**
 * A Db that asks the reader and, where that fails, the primary: a standby ends statements that stand in the way of its
 * replay, is stopped, or has not replayed the newest migration yet. Reads alone, so that asking twice is harmless.
 */
export function fallingBack(reader: FailingReader, primary: Db): Db {
  const db = new Kysely<Tables>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createQueryCompiler: () => new PostgresQueryCompiler(),
      createIntrospector: (inner) => new PostgresIntrospector(inner),
      createDriver: () => driverOf(reader, primary),
    },
  });
  readers.set(db, reader);
  return db;
}

/** The same with another primary, such as the transaction that is open already: it must not wait for a second connection of its pool. */
export function fallingBackOn(db: Db, primary: Db): Db {
  const reader = readers.get(db);
  return reader === undefined ? db : fallingBack(reader, primary);
}

/** A read that took too long there would only take as long again. */
function isWorthAsking(error: unknown): boolean {
  return sqlstateOf(error) !== '57014';
}

class FallbackConnection implements DatabaseConnection {
  readonly reader: FailingReader;
  readonly primary: Db;
  transaction: ControlledTransaction<Tables> | undefined;
  /** Whether the transaction is the reader's. */
  reading = false;

  constructor(reader: FailingReader, primary: Db) {
    this.reader = reader;
    this.primary = primary;
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    if (this.transaction) return this.transaction.executeQuery<Row>(query);
    this.reader.began();
    try {
      return await this.reader.db.executeQuery<Row>(query);
    } catch (error) {
      if (!isWorthAsking(error)) throw translateDatabaseError(error);
      this.reader.failed(error);
    } finally {
      this.reader.ended();
    }
    return this.primary.executeQuery<Row>(query);
  }

  // biome-ignore lint/correctness/useYield: no query of ours streams; the interface wants the function
  async *streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    throw new AppError('unsupported', 'STREAMING_UNSUPPORTED', 'This connection does not stream rows. Read pages instead.');
  }

  async begin(settings: TransactionSettings): Promise<void> {
    this.reader.began();
    this.reading = true;
    try {
      this.transaction = await beginOn(this.reader.db, settings);
    } catch (error) {
      this.ended();
      this.reader.failed(error);
      this.transaction = await beginOn(this.primary, settings);
    }
  }

  ended(): void {
    if (this.reading) this.reader.ended();
    this.reading = false;
  }
}

async function beginOn(db: Db, { isolationLevel }: TransactionSettings): Promise<ControlledTransaction<Tables>> {
  const plain = db.startTransaction().setAccessMode('read only');
  return (isolationLevel === undefined ? plain : plain.setIsolationLevel(isolationLevel)).execute();
}

function driverOf(reader: FailingReader, primary: Db): Driver {
  const endTransaction = async (connection: DatabaseConnection, how: 'commit' | 'rollback') => {
    const held = connection as FallbackConnection;
    const { transaction } = held;
    held.transaction = undefined;
    held.ended();
    await transaction?.[how]().execute();
  };
  return {
    init: async () => undefined,
    acquireConnection: async () => new FallbackConnection(reader, primary),
    beginTransaction: (connection, settings) => (connection as FallbackConnection).begin(settings),
    commitTransaction: (connection) => endTransaction(connection, 'commit'),
    rollbackTransaction: (connection) => endTransaction(connection, 'rollback'),
    releaseConnection: async () => undefined,
    destroy: async () => undefined,
  };
}
