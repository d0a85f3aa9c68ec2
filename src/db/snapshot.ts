import { sql } from 'kysely';
import type { Ctx, Db } from './context.ts';
import { readerOf } from './reader.ts';
import { translateDatabaseError } from './sqlstate.ts';

/** One state of the database to read from, as long as it is held. */
export interface Snapshot {
  readonly db: Db;
  /** Gives the connection back. May be called again. */
  close(): Promise<void>;
}

/**
 * Holds one state of the database, so that what is read page by page fits together: a read-only transaction of the level
 * repeatable read, on a replica where one has caught up with the caller. In a transaction of the host it is what that one sees.
 *
 * While it is held, VACUUM keeps every row version that it may still see: its holder limits the time.
 */
export async function openSnapshot(ctx: Ctx): Promise<Snapshot> {
  if (ctx.db.isTransaction) return { db: ctx.db, close: async () => undefined };
  try {
    const transaction = await readerOf(ctx).startTransaction().setIsolationLevel('repeatable read').setAccessMode('read only').execute();
    if (ctx.schema !== undefined) await sql`select set_config('search_path', ${`"${ctx.schema.replaceAll('"', '""')}"`}, true)`.execute(transaction);
    let closing: Promise<void> | undefined;
    const close = async () => {
      // Nothing was written; on a broken connection there is nothing to end.
      await transaction
        .rollback()
        .execute()
        .catch(() => undefined);
    };
    return {
      db: transaction,
      close: () => {
        closing ??= close();
        return closing;
      },
    };
  } catch (error) {
    throw translateDatabaseError(error);
  }
}
