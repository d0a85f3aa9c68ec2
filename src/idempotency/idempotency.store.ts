import { sql } from 'kysely';
import type { Db } from '../db/context.ts';

export interface KeptAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

interface KeyOfCaller {
  readonly principal: string;
  readonly key: string;
}

/**
 * Takes the key for this transaction; false when somebody has it. A concurrent request with the same key waits here until
 * the first has committed or failed. A key that is over is taken anew, whether it was swept or not.
 */
export async function takeKey(db: Db, key: KeyOfCaller & { fingerprint: string; now: Date; expiresAt: Date }): Promise<boolean> {
  const { now, principal, ...values } = key;
  const taken = await db
    .insertInto('idempotency_keys')
    .values({ ...values, principal, createdAt: now })
    .onConflict((conflict) =>
      conflict
        .columns(['principal', 'key'])
        .doUpdateSet({ fingerprint: key.fingerprint, status: null, headers: null, answer: null, createdAt: now, expiresAt: key.expiresAt })
        .where('idempotency_keys.expiresAt', '<=', now),
    )
    .returning(sql<boolean>`true`.as('taken'))
    .executeTakeFirst();
  return taken !== undefined;
}

export async function findAnswer(db: Db, key: KeyOfCaller): Promise<(KeptAnswer & { fingerprint: string }) | undefined> {
  const row = await db
    .selectFrom('idempotency_keys')
    .select(['fingerprint', 'status', 'headers', 'answer'])
    .where('principal', '=', key.principal)
    .where('key', '=', key.key)
    .where('status', 'is not', null)
    .executeTakeFirst();
  if (!row || row.status === null) return undefined;
  return { fingerprint: row.fingerprint, status: row.status, headers: (row.headers ?? {}) as Record<string, string>, body: row.answer };
}

export async function keepAnswer(db: Db, key: KeyOfCaller, answer: KeptAnswer): Promise<void> {
  await db
    .updateTable('idempotency_keys')
    .set({ status: answer.status, headers: JSON.stringify(answer.headers), answer: answer.body })
    .where('principal', '=', key.principal)
    .where('key', '=', key.key)
    .execute();
}

/** Removes so many keys that are over; those that another process is removing, or that are being taken anew, are left to it. */
export async function deleteExpiredKeys(db: Db, options: { now: Date; limit: number }): Promise<number> {
  const { rows } = await sql`
    delete from ${sql.table('idempotency_keys')} where ctid = any (array(
      select ctid from ${sql.table('idempotency_keys')} where "expiresAt" <= ${options.now} order by "expiresAt" limit ${options.limit} for update skip locked
    )) returning 1 as gone`.execute(db);
  return rows.length;
}
