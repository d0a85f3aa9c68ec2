import { sql } from 'kysely';
import { AppError } from '../base/errors.ts';
import type { Ctx, Db } from './context.ts';
import { isStalePlan } from './prepared.ts';
import { sqlstateOf, translateDatabaseError } from './sqlstate.ts';

/** Serialization failure and deadlock: the same work can succeed at once. */
const retryable = new Set(['40001', '40P01']);
const attempts = 5;

function isWorthRepeating(error: unknown): boolean {
  const state = sqlstateOf(error);
  return (state !== undefined && retryable.has(state)) || isStalePlan(error);
}

/** Contexts whose transaction was opened (or guarded by a savepoint) here; work inside just joins. */
const guarded = new WeakSet<Ctx>();

/** Errors that came after the work was done, so that nobody knows whether the commit took place. */
const uncertain = new WeakSet<object>();

/**
 * Runs the work in one transaction.
 *
 * On a pool: begins one, commits when the work ends well, rolls back when it throws, and tries again a few times on
 * 40001 and 40P01. On a transaction of the host: sets a savepoint, so that failed work leaves the host's
 * transaction usable and without half of the work. Inside another `inTransaction`: joins it.
 *
 * PostgreSQL errors leave here as AppErrors.
 */
export async function inTransaction<T>(ctx: Ctx, work: (ctx: Ctx) => Promise<T>): Promise<T> {
  if (guarded.has(ctx)) return work(ctx);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return ctx.db.isTransaction ? await inSavepoint(ctx, work) : await inOwnTransaction(ctx, work);
    } catch (error) {
      const state = sqlstateOf(error);
      // In the host's transaction a serialization failure cannot be mended: its snapshot stays the same. A deadlock can, as the savepoint gave back our locks.
      const worthwhile = isWorthRepeating(error) && !(ctx.db.isTransaction && state === '40001');
      if (!worthwhile || attempt >= attempts) {
        const translated = translateDatabaseError(error);
        if (isObject(error) && uncertain.has(error) && isObject(translated)) uncertain.add(translated);
        throw translated;
      }
    }
  }
}

/**
 * Runs work that is one statement, which is its own transaction: no BEGIN, no COMMIT, one way to the server and back. The
 * statement itself must tell the database who acts, with `actorSetting(ctx)`. Where a transaction is open already, or the
 * tables are to be looked for elsewhere, it takes part in a transaction like any other work.
 */
export async function inOneStatement<T>(ctx: Ctx, work: (ctx: Ctx) => Promise<T>): Promise<T> {
  if (!runsAlone(ctx)) return inTransaction(ctx, work);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work(ctx);
    } catch (error) {
      const state = sqlstateOf(error);
      if (!isWorthRepeating(error) || attempt >= attempts) {
        const translated = translateDatabaseError(error);
        // Of a broken connection (08), of a server on its way down (57P) and without a word of the server nobody knows whether it had committed.
        if (!(error instanceof AppError) && /^(08|57P)/.test(state ?? '08') && isObject(translated)) uncertain.add(translated);
        throw translated;
      }
    }
  }
}

/** Whether a statement of this context is a transaction of its own. */
export function runsAlone(ctx: Ctx): boolean {
  return !guarded.has(ctx) && !ctx.db.isTransaction && ctx.schema === undefined && ctx.pool !== undefined;
}

/** The value of `onechart.actor`, which triggers and logs of the host can read. */
export function actorSetting(ctx: Ctx): string {
  return ctx.actor.id === undefined ? ctx.actor.kind : `${ctx.actor.kind}:${ctx.actor.id}`;
}

/** Whether it is certain that nothing of the work remains: false when COMMIT was on its way as the connection broke. */
export function certainlyRolledBack(error: unknown): boolean {
  return !(isObject(error) && uncertain.has(error));
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** What is kept in memory and to be taken back when the transaction of a context leaves nothing. */
const takeBacks = new WeakMap<Ctx, (() => void)[]>();

/**
 * Calls `takeBack` once it is certain that nothing remains of the transaction that was begun around this context. Where it is
 * the host's, or none, nothing is called: only the host knows how its transaction ends.
 */
export function onRollback(ctx: Ctx, takeBack: () => void): void {
  takeBacks.get(ctx)?.push(takeBack);
}

async function inOwnTransaction<T>(ctx: Ctx, work: (ctx: Ctx) => Promise<T>): Promise<T> {
  let done = false;
  const undone: (() => void)[] = [];
  try {
    return await ctx.db.transaction().execute(async (db) => {
      await announce(db, ctx);
      const inside = guard(ctx, db);
      takeBacks.set(inside, undone);
      const result = await work(inside);
      done = true;
      return result;
    });
  } catch (error) {
    if (done && isObject(error)) uncertain.add(error);
    if (!done) for (const takeBack of undone) takeBack();
    throw error;
  }
}

async function inSavepoint<T>(ctx: Ctx, work: (ctx: Ctx) => Promise<T>): Promise<T> {
  const { db } = ctx;
  await sql`savepoint onechart`.execute(db);
  try {
    const before = await announce(db, ctx);
    const result = await work(guard(ctx, db));
    if (before) await setLocal(db, before);
    await sql`release savepoint onechart`.execute(db);
    return result;
  } catch (error) {
    // Rolling back also undoes the settings. On a broken connection the first error is the one worth telling.
    await sql`rollback to savepoint onechart`.execute(db).then(
      () => sql`release savepoint onechart`.execute(db),
      () => undefined,
    );
    throw error;
  }
}

function guard(ctx: Ctx, db: Db): Ctx {
  const inner: Ctx = { ...ctx, db };
  guarded.add(inner);
  return inner;
}

type Settings = Readonly<Record<string, string>>;

/**
 * Tells the database who acts (`onechart.actor`, for triggers and logs of the host) and where the tables are, for
 * this transaction only. Returns what the settings were, as a host's transaction must get them back.
 */
async function announce(db: Db, ctx: Ctx): Promise<Settings | undefined> {
  const wanted: Settings = {
    'onechart.actor': actorSetting(ctx),
    ...(ctx.schema === undefined ? {} : { search_path: quoteName(ctx.schema) }),
  };
  if (!db.isTransaction || ctx.schema === undefined) {
    await setLocal(db, wanted);
    return undefined;
  }
  const { rows } = await sql<{
    path: string;
    actor: string | null;
  }>`select current_setting('search_path') as path, current_setting('onechart.actor', true) as actor`.execute(db);
  await setLocal(db, wanted);
  return { search_path: rows[0]?.path ?? '', 'onechart.actor': rows[0]?.actor ?? '' };
}

async function setLocal(db: Db, settings: Settings): Promise<void> {
  const calls = Object.entries(settings).map(([name, value]) => sql`set_config(${name}, ${value}, true)`);
  await sql`select ${sql.join(calls)}`.execute(db);
}

function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
