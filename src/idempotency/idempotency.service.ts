import { AppError } from '../base/errors.ts';
import type { Ctx } from '../db/context.ts';
import { inTransaction } from '../db/transaction.ts';
import { keyLifetimeMilliseconds, requireSameRequest } from './idempotency.ts';
import { deleteExpiredKeys, findAnswer, type KeptAnswer, keepAnswer, takeKey } from './idempotency.store.ts';

export type { KeptAnswer } from './idempotency.store.ts';

export interface KeyedRequest {
  /** Who calls; a key of one says nothing to another. */
  readonly principal: string;
  readonly key: string;
  readonly fingerprint: string;
}

/**
 * Does the work once for each key, however often and from wherever the request comes: the answer is kept in the transaction
 * of the work, so that there is either both or neither. A concurrent repeat waits for the first and gets its answer. An
 * error of the work takes the key back with everything else, so that the corrected request may use it.
 *
 * Errors: IDEMPOTENCY_KEY_REUSED when the key stands for another request.
 */
export async function answerOnce(
  ctx: Ctx,
  request: KeyedRequest,
  work: (inside: Ctx) => Promise<KeptAnswer>,
): Promise<{ readonly answer: KeptAnswer; readonly replayed: boolean }> {
  return inTransaction(ctx, async (inside) => {
    const now = inside.clock.now();
    const taken = await takeKey(inside.db, { ...request, now, expiresAt: new Date(now.getTime() + keyLifetimeMilliseconds) });
    if (!taken) {
      const kept = await findAnswer(inside.db, request);
      if (!kept) throw new AppError('conflict', 'TRANSACTION_RETRY', 'The same key was used by another request at the same time. Try again.');
      requireSameRequest(kept, request.fingerprint);
      return { answer: kept, replayed: true };
    }
    const answer = await work(inside);
    await keepAnswer(inside.db, request, answer);
    return { answer, replayed: false };
  });
}

/** Removes all keys that are over, in batches small enough to hold no lock for long. Returns how many there were. */
export async function sweepIdempotencyKeys(ctx: Ctx, options: { batch?: number } = {}): Promise<number> {
  const limit = options.batch ?? 500;
  for (let total = 0; ; ) {
    const removed = await inTransaction(ctx, (inside) => deleteExpiredKeys(inside.db, { now: inside.clock.now(), limit }));
    total += removed;
    if (removed < limit) return total;
  }
}
