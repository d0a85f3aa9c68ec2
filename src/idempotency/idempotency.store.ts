import type { Db } from '../db/context.ts';
import { prepared } from '../db/prepared.ts';

export interface KeptAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

interface KeyOfCaller {
  readonly principal: string;
  readonly key: string;
}

const take = prepared(
  'take_idempotency_key',
  `WITH patience AS MATERIALIZED (SELECT set_config('lock_timeout', $6, true))
   INSERT INTO "idempotency_keys" ("principal", "key", "fingerprint", "createdAt", "expiresAt") SELECT $1, $2, $3, $4::timestamptz, $5::timestamptz FROM patience
   ON CONFLICT ("principal", "key") DO UPDATE
     SET "fingerprint" = excluded."fingerprint", "status" = NULL, "headers" = NULL, "answer" = NULL, "createdAt" = excluded."createdAt", "expiresAt" = excluded."expiresAt"
     WHERE "idempotency_keys"."expiresAt" <= $4
   RETURNING 1 AS taken`,
);

/**
 * Takes the key for this transaction; false when somebody has it. A concurrent request with the same key waits here until
 * the first has committed or failed, but no longer than `waitMilliseconds`, which from here on holds for every lock of the
 * transaction. A key that is over is taken anew, whether it was swept or not.
 */
export async function takeKey(db: Db, key: KeyOfCaller & { fingerprint: string; now: Date; expiresAt: Date; waitMilliseconds: number }): Promise<boolean> {
  return (await take(db, [key.principal, key.key, key.fingerprint, key.now, key.expiresAt, `${key.waitMilliseconds}ms`])).length === 1;
}

export async function findAnswer(db: Db, key: KeyOfCaller): Promise<(KeptAnswer & { fingerprint: string }) | undefined> {
  const row = await db
    .selectFrom('idempotency_keys')
    .select(['fingerprint', 'status', 'headers', 'answer'])
    .where('principal', '=', key.principal)
    .where('key', '=', key.key)
    .executeTakeFirst();
  if (!row || row.status === null) return undefined;
  return { fingerprint: row.fingerprint, status: row.status, headers: (row.headers ?? {}) as Record<string, string>, body: row.answer };
}

const keep = prepared('keep_answer', `UPDATE "idempotency_keys" SET "status" = $3, "headers" = $4, "answer" = $5 WHERE "principal" = $1 AND "key" = $2`);

export async function keepAnswer(db: Db, key: KeyOfCaller, answer: KeptAnswer): Promise<void> {
  await keep(db, [key.principal, key.key, answer.status, JSON.stringify(answer.headers), answer.body]);
}

const remove = prepared(
  'remove_idempotency_keys',
  `DELETE FROM "idempotency_keys" WHERE ctid = ANY (ARRAY(
     SELECT ctid FROM "idempotency_keys" WHERE "expiresAt" <= $1 ORDER BY "expiresAt" LIMIT $2 FOR UPDATE SKIP LOCKED
   )) RETURNING 1 AS gone`,
);

/** Removes so many keys that are over; those that another process is removing, or that are being taken anew, are left to it. */
export async function deleteExpiredKeys(db: Db, options: { now: Date; limit: number }): Promise<number> {
  return (await remove(db, [options.now, options.limit])).length;
}
