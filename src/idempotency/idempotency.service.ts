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
  /** How long a repeat waits for the first before it is told to come again: a server that hangs must not make others hang. */
  readonly waitMilliseconds?: number;
}

/**
 * Does the work once for each key, however often and from wherever the request comes: the answer is kept in the transaction
 * of the work, so that there is either both or neither. A concurrent repeat waits for the first and gets its answer. An
 * error of the work takes the key back with everything else, so that the corrected request may use it.
 *
 * Errors: IDEMPOTENCY_KEY_REUSED when the key stands for another request; LOCK_NOT_AVAILABLE when the first takes longer than
 * a repeat waits (10 seconds).
 */
export async function answerOnce(
  ctx: Ctx,
  request: KeyedRequest,
  work: (inside: Ctx) => Promise<KeptAnswer>,
): Promise<{ readonly answer: KeptAnswer; readonly replayed: boolean }> {
  return inTransaction(ctx, async (inside) => {
    const now = inside.clock.now();
    const expiresAt = new Date(now.getTime() + keyLifetimeMilliseconds);
    const taken = await takeKey(inside.db, { ...request, now, expiresAt, waitMilliseconds: request.waitMilliseconds ?? 10_000 });
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
