import type { Ctx } from '../db/context.ts';
import { inTransaction } from '../db/transaction.ts';
import { type DocumentSettings, storeOf } from './content-stores.service.ts';
import { deletePendingContents, findKnownContents, listPendingContents } from './document.store.ts';

export interface SweepResult {
  /** Uploads that were begun and never completed. */
  readonly abandonedUploads: number;
  /** Bytes in an object store that no row knows. */
  readonly orphanedObjects: number;
  /** Whether it was only counted. */
  readonly dryRun: boolean;
}

const pageSize = 500;

/**
 * Removes what crashes leave behind: uploads that broke off with their process, and objects whose document was removed while
 * the store was away or by the host itself. Only what is older than the given time is touched, so that no upload under way is.
 */
export async function sweepContents(ctx: Ctx, settings: DocumentSettings, options: { olderThanMinutes: number; dryRun?: boolean }): Promise<SweepResult> {
  const before = new Date(ctx.clock.now().getTime() - options.olderThanMinutes * 60_000);
  const dryRun = options.dryRun ?? false;
  const scope = { settings, before, dryRun };
  return { abandonedUploads: await sweepUploads(ctx, scope), orphanedObjects: await sweepObjects(ctx, scope), dryRun };
}

interface Scope {
  readonly settings: DocumentSettings;
  readonly before: Date;
  readonly dryRun: boolean;
}

async function sweepUploads(ctx: Ctx, { settings, before, dryRun }: Scope): Promise<number> {
  if (dryRun) return (await inTransaction(ctx, (inside) => listPendingContents(inside.db, { before, limit: 1_000_000 }))).length;
  for (let total = 0; ; ) {
    const pending = await inTransaction(ctx, (inside) => listPendingContents(inside.db, { before, limit: pageSize }));
    if (pending.length === 0) return total;
    for (const { id, store } of pending) if (store !== 'DATABASE') await storeOf(settings, store).remove(ctx, id);
    // Their row goes last: while it stands, the next sweep finds them again.
    await inTransaction(ctx, (inside) =>
      deletePendingContents(
        inside.db,
        pending.map(({ id }) => id),
      ),
    );
    total += pending.length;
  }
}

async function sweepObjects(ctx: Ctx, { settings, before, dryRun }: Scope): Promise<number> {
  let total = 0;
  for (const store of settings.stores.values()) {
    for await (const keys of store.listKeys(ctx, before)) {
      const ours = keys.filter(isKey);
      const known = ours.length === 0 ? new Set<string>() : await inTransaction(ctx, (inside) => findKnownContents(inside.db, ours));
      for (const key of ours.filter((each) => !known.has(each))) {
        if (!dryRun) await store.remove(ctx, key);
        total += 1;
      }
    }
  }
  return total;
}

/** Whatever else somebody put under our prefix is not ours to remove. */
function isKey(name: string): boolean {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(name);
}
