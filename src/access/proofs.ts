import type { Principal } from './principal.ts';

/**
 * For so many seconds a proven session, key or token is believed without asking again, so that a request costs no round trip for it.
 * What is revoked by this process ends at once; what another process or the command line revokes ends within this time.
 */
export const proofHoldsSeconds = 10;

/** A few hundred bytes each; the oldest leaves when one too many comes. */
const mostProofs = 10_000;

/** Who it is, and until when by its own terms (milliseconds since 1970): the end of a session, the expiry of a key or token. */
export interface Proven {
  readonly principal: Principal;
  readonly expiresAt: number;
}

interface Proof {
  readonly answer: Promise<Proven | undefined>;
  readonly askAgainAt: number;
}

/** Who was proven by which hash, for a short time. Failures are remembered too: a wrong key that is sent a thousand times is looked up once. */
export interface Proofs {
  /** The proof at hand, or the one that `prove` finds. Callers at the same moment wait for the same look-up. */
  get(hash: string, now: Date, prove: () => Promise<Proven | undefined>): Promise<Principal | undefined>;
  /** Forgets what belongs to a session, an account or a key. */
  forget(which: (principal: Principal) => boolean): Promise<void>;
}

export function createProofs(): Proofs {
  const proofs = new Map<string, Proof>();
  return {
    async get(hash, now, prove) {
      const known = proofs.get(hash);
      if (known && known.askAgainAt > now.getTime()) {
        const found = await known.answer;
        return found && found.expiresAt > now.getTime() ? found.principal : undefined;
      }
      const answer = prove();
      proofs.delete(hash);
      proofs.set(hash, { answer, askAgainAt: now.getTime() + proofHoldsSeconds * 1000 });
      if (proofs.size > mostProofs) proofs.delete(proofs.keys().next().value as string);
      try {
        return (await answer)?.principal;
      } catch (error) {
        // What could not be asked is no answer: the next request asks again.
        if (proofs.get(hash)?.answer === answer) proofs.delete(hash);
        throw error;
      }
    },
    async forget(which) {
      for (const [hash, proof] of Array.from(proofs)) {
        // A look-up under way may have read the row before it was changed.
        const found = await proof.answer.catch(() => undefined);
        if (found && which(found.principal) && proofs.get(hash) === proof) proofs.delete(hash);
      }
    },
  };
}

const byPool = new WeakMap<object, Proofs>();

/** The proofs of all requests on a pool. Without a pool (one connection, one transaction) nothing is remembered. */
export function proofsOf(pool: object | undefined): Proofs {
  if (!pool) return createProofs();
  const proofs = byPool.get(pool) ?? createProofs();
  byPool.set(pool, proofs);
  return proofs;
}
