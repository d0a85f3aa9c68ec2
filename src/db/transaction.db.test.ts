import { sql } from 'kysely';
import type pg from 'pg';
import { beforeAll, expect, test } from 'vitest';
import { createDatabase, type TestDatabase, withClient } from '../../test/support/database.ts';
import { systemClock } from '../base/clock.ts';
import { newId } from '../base/ids.ts';
import { kyselyOnClient, kyselyOnPool } from './connect.ts';
import type { Ctx, Db } from './context.ts';
import { certainlyRolledBack, inTransaction } from './transaction.ts';

let database: TestDatabase;
let pool: pg.Pool;

beforeAll(async () => {
  database = await createDatabase();
  pool = database.pool();
  await database.query('CREATE TABLE counters (id int PRIMARY KEY, value int NOT NULL)');
  await database.query('INSERT INTO counters SELECT n, 0 FROM generate_series(1, 10) n');
  return () => database.drop();
});

const context = (db: Db = kyselyOnPool(pool)): Ctx => ({ db, pool, actor: { kind: 'user', id: 'u1' }, clock: systemClock, newId });
const valueOf = async (id: number) => (await database.query<{ value: number }>('SELECT value FROM counters WHERE id = $1', [id]))[0]?.value;
const raise = (ctx: Ctx, id: number) => sql`update counters set value = value + 1 where id = ${id}`.execute(ctx.db);

test('the actor is known to the database inside, and to nobody afterwards', async () => {
  const actor = await inTransaction(
    context(),
    async ({ db }) => (await sql<{ actor: string }>`select current_setting('onechart.actor') as actor`.execute(db)).rows[0]?.actor,
  );
  expect(actor).toBe('user:u1');
  const [after] = await database.query<{ actor: string | null }>(`SELECT nullif(current_setting('onechart.actor', true), '') AS actor`);
  expect(after?.actor).toBeNull();
});

test('a nested transaction joins: what fails outside undoes the inside', async () => {
  await expect(
    inTransaction(context(), async (outer) => {
      await inTransaction(outer, (inner) => raise(inner, 1));
      throw new Error('outside');
    }),
  ).rejects.toThrow('outside');
  expect(await valueOf(1)).toBe(0);
});

test('two transactions that deadlock both end well, as the loser is tried again', async () => {
  let attempts = 0;
  let arrived = 0;
  const met = Promise.withResolvers<void>();
  const both = async (ctx: Ctx, [first, second]: readonly [number, number]) => {
    attempts += 1;
    await raise(ctx, first);
    arrived += 1;
    if (arrived === 2) met.resolve();
    await met.promise;
    await raise(ctx, second);
  };
  await Promise.all([inTransaction(context(), (ctx) => both(ctx, [2, 3])), inTransaction(context(), (ctx) => both(ctx, [3, 2]))]);
  expect(attempts).toBe(3);
  expect([await valueOf(2), await valueOf(3)]).toEqual([2, 2]);
});

test('a serialization failure is tried again a few times on our own transaction, and then told', async () => {
  let attempts = 0;
  const failing = inTransaction(context(), async ({ db }) => {
    attempts += 1;
    await sql`do $$ begin raise exception 'no' using errcode = '40001'; end $$`.execute(db);
  });
  await expect(failing).rejects.toMatchObject({ kind: 'conflict', code: 'TRANSACTION_RETRY' });
  expect(attempts).toBe(5);
});

test('inside a transaction of the host it is told at once, and the work before it stays', async () => {
  await withClient(database.url, async (client) => {
    await client.query('BEGIN');
    const ctx: Ctx = { ...context(kyselyOnClient(client)), pool: undefined };
    await inTransaction(ctx, (inside) => raise(inside, 4));
    let attempts = 0;
    const failing = inTransaction(ctx, async (inside) => {
      attempts += 1;
      await raise(inside, 4);
      await sql`do $$ begin raise exception 'no' using errcode = '40001'; end $$`.execute(inside.db);
    });
    await expect(failing).rejects.toMatchObject({ code: 'TRANSACTION_RETRY' });
    expect(attempts).toBe(1);
    expect(await valueOf(4)).toBe(0);
    await client.query('COMMIT');
  });
  expect(await valueOf(4)).toBe(1);
});

test('work that threw has certainly rolled back; a connection lost at COMMIT leaves it open', async () => {
  const thrown = await inTransaction(context(), async () => {
    throw new Error('before the commit');
  }).catch((error: unknown) => error);
  expect(certainlyRolledBack(thrown)).toBe(true);

  const lost = await inTransaction(context(), async (ctx) => {
    await raise(ctx, 5);
    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(ctx.db);
    await database.query('SELECT pg_terminate_backend($1, 10000)', [rows[0]?.pid]);
  }).catch((error: unknown) => error);
  expect(lost).toMatchObject({ kind: 'unavailable', code: 'DATABASE_UNAVAILABLE' });
  expect(certainlyRolledBack(lost)).toBe(false);
  expect(await valueOf(5)).toBe(0);
});
