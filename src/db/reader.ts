import type { Ctx, Db } from './context.ts';
import { fallingBackOn } from './fallback.ts';

/**
 * Where a service reads that only reads and may show what was so a moment ago: searches, lists, exports. A replica that has
 * replayed everything this caller has written, or else the primary. What fails on a replica is repeated on the primary.
 *
 * Not for what decides about a write, nor for rights, restrictions and audit rows: those belong to `ctx.db`. A transaction
 * that this call has begun is not visible through it. `readerOf(ctx).transaction()` stays on one server from begin to end.
 *
 * @example
 * const rows = await readerOf(ctx).selectFrom('patients').select('id').limit(20).execute();
 */
export function readerOf(ctx: Ctx): Db {
  if (ctx.laggingDb === undefined) return ctx.db;
  return ctx.db.isTransaction ? fallingBackOn(ctx.laggingDb, ctx.db) : ctx.laggingDb;
}
