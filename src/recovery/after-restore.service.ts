import { insertAuditEvent } from '../audit/audit.store.ts';
import type { Ctx } from '../db/context.ts';
import { inTransaction } from '../db/transaction.ts';
import { type LostNumbers, type RetiredNumbers, retireLostMrns } from '../identifier/mrn-recovery.service.ts';
import { endAllSessions, wasMadeReady } from './after-restore.store.ts';

export interface RestoredFrom extends LostNumbers {
  /** Of the backup's file. */
  readonly sha256: string;
}

export interface MadeReady extends RetiredNumbers {
  readonly sessionsEnded: number;
  /** An earlier call did it, and there was nothing to add. */
  readonly before: boolean;
}

const nothing: MadeReady = { raised: [], returnedRetired: 0, sessionsEnded: 0, before: true };

/**
 * Makes a restored registry fit to be worked with: no record number that may have been issued after the backup is issued again, no
 * session of before goes on, and the trail says that and how the registry was restored. All in one transaction, before anybody
 * works on it. Once more with the counters of the replaced database it adds what those have gained since.
 */
export async function makeReady(ctx: Ctx, from: RestoredFrom): Promise<MadeReady> {
  return inTransaction(ctx, async (inside) => {
    const before = await wasMadeReady(inside.db, from.sha256);
    if (before && from.known === undefined) return nothing;
    const retired = await retireLostMrns(inside, from);
    const sessionsEnded = before ? 0 : await endAllSessions(inside.db, inside.clock.now());
    if (before && retired.raised.length === 0 && retired.returnedRetired === 0) return nothing;
    await insertAuditEvent(inside, {
      action: 'registry.restored',
      patientId: null,
      after: {
        sha256: from.sha256,
        savedAt: from.savedAt.toISOString(),
        counters: retired.raised.map(({ authority, year, from: lowest, to, basis }) => ({ authority, year, from: lowest, to, basis })),
        returnedRetired: retired.returnedRetired,
        sessionsEnded,
      },
    });
    return { ...retired, sessionsEnded, before: false };
  });
}
