import { maintainAuditPartitions } from '../audit/partition.service.ts';
import { retainAuditTrail } from '../audit/retention.service.ts';
import type { SealingKey } from '../audit/seal.ts';
import type { DocumentSettings } from '../document/content-stores.service.ts';
import { sweepContents } from '../document/sweep.service.ts';
import { rebuildSearch } from '../search/entry.service.ts';
import { removeOldEvents } from './delivery.service.ts';
import type { EventSettings } from './event.schema.ts';
import type { NightlyDuty } from './worker.service.ts';

/** An upload that has been open for a day is none any more. */
const abandonedAfterMinutes = 24 * 60;

export interface NightlyOptions {
  readonly settings: EventSettings;
  readonly documents: DocumentSettings;
  /** Whether charts that search does not find are made findable; they are unless told otherwise. */
  readonly mendsSearch?: boolean | undefined;
  /** Months of the audit trail are taken out after this time; undefined to keep all. */
  readonly retention?: { readonly months: number; readonly folder: string; readonly key: SealingKey | undefined } | undefined;
}

/**
 * What is done once a night. Partitions are the business of the tables' owner: under the server's own role that duty fails, is logged,
 * and is left to `onechart audit maintain`; the others go on.
 */
export function nightlyDuties({ settings, documents, retention, mendsSearch = true }: NightlyOptions): NightlyDuty[] {
  return [
    { name: 'audit partitions', run: async ({ db, clock }) => ({ made: (await maintainAuditPartitions(db, { now: clock.now() })).made }) },
    ...(retention === undefined
      ? []
      : [
          {
            name: 'audit retention',
            run: async ({ db, clock }) => {
              const olderThan = clock.now();
              olderThan.setUTCMonth(olderThan.getUTCMonth() - retention.months);
              const removed = await retainAuditTrail(db, { olderThan, folder: retention.folder, by: 'nightly duties', key: retention.key, now: clock.now() });
              return { removed: removed.map(({ month }) => month) };
            },
          } satisfies NightlyDuty,
        ]),
    { name: 'abandoned uploads', run: async (ctx) => ({ ...(await sweepContents(ctx, documents, { olderThanMinutes: abandonedAfterMinutes })) }) },
    ...(mendsSearch ? [{ name: 'search entries', run: async (ctx) => ({ ...(await rebuildSearch(ctx, { rest: 1 })) }) } satisfies NightlyDuty] : []),
    { name: 'old events', run: async ({ db, clock }) => ({ removed: await removeOldEvents({ db, clock, settings }) }) },
  ];
}
