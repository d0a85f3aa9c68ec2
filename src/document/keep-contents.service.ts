import { newId } from '../base/ids.ts';
import type { Ctx } from '../db/context.ts';
import { certainlyRolledBack, inTransaction } from '../db/transaction.ts';
import type { Stored } from './content-store.ts';
import { type DocumentSettings, storeOf } from './content-stores.service.ts';
import type { ContentPurpose } from './document.schema.ts';
import { type ContentPlace, deletePendingContents, insertPendingContent } from './document.store.ts';

export interface NewContent {
  readonly purpose: ContentPurpose;
  readonly bytes: AsyncIterable<Uint8Array>;
}

export type KeptContent = ContentPlace & Stored;

/**
 * Writes bytes and hands them to the work that takes them over in its transaction.
 *
 * First a row without a document, then the bytes in short statements of their own, then the work: a client that is slow
 * holds no transaction and no connection, and whatever breaks off in between leaves bytes that no document has. Those are
 * removed here; after a crash of the whole process `sweepContents` finds them by their row.
 */
export async function keepContents<Result>(
  ctx: Ctx,
  contents: readonly NewContent[],
  options: {
    settings: DocumentSettings;
    take: (kept: readonly KeptContent[]) => Promise<Result>;
    /** The work only looks at the bytes. */
    keepNothing?: true;
  },
): Promise<Result> {
  const { settings, take } = options;
  const store = settings.target;
  const kept: KeptContent[] = [];
  const begun: ContentPlace[] = [];
  try {
    for (const { purpose, bytes } of contents) {
      // Always of our own making: the sweep tells by its form that an object is one of ours.
      const place = { id: newId(), store: store.name };
      await inTransaction(ctx, (inside) => insertPendingContent(inside.db, { ...place, purpose, createdAt: inside.clock.now() }));
      begun.push(place);
      kept.push({ ...place, ...(await store.put(ctx, place.id, bytes)) });
    }
    const result = await take(kept);
    if (options.keepNothing) await removePending(ctx, begun, settings);
    return result;
  } catch (thrown) {
    // Where a commit may have happened without our knowing, the bytes may be a document's: the sweep decides, by the row.
    if (certainlyRolledBack(thrown)) await removePending(ctx, begun, settings);
    throw thrown;
  }
}

async function removePending(ctx: Ctx, places: readonly ContentPlace[], settings: DocumentSettings): Promise<void> {
  try {
    if (places.length === 0) return;
    await removeBytes(ctx, places, settings);
    await inTransaction(ctx, (inside) =>
      deletePendingContents(
        inside.db,
        places.map(({ id }) => id),
      ),
    );
  } catch {
    // The first error is the one to tell. The rows are still there without a document, and the sweep finds them.
  }
}

/** Removes bytes that no row needs any more, as far as they do not go with their row. What fails is left to the sweep. */
export async function removeBytes(ctx: Ctx, places: readonly ContentPlace[], settings: DocumentSettings): Promise<void> {
  for (const { id, store } of places) {
    if (store !== 'DATABASE') await storeOf(settings, store).remove(ctx, id);
  }
}

/** After the commit of a removal. In a transaction of the host nobody here knows whether it will commit, so the sweep does it. */
export async function removeBytesAfterCommit(ctx: Ctx, places: readonly ContentPlace[], settings: DocumentSettings): Promise<void> {
  if (ctx.db.isTransaction) return;
  await removeBytes(ctx, places, settings).catch(() => undefined);
}
