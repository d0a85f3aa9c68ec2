import type { Ctx, Db } from '../db/context.ts';
import { toInstant } from '../base/instant.ts';
import { type NewOutboxEvent, outboxRow } from './outbox-row.ts';

/** Leaves an event for the outside in the transaction of the change: it is told if and only if the change took place. */
export async function insertOutboxEvent(ctx: Ctx, event: NewOutboxEvent): Promise<void> {
  await ctx.db.insertInto('patient_outbox_events').values(outboxRow(ctx, event)).execute();
}

/** Events that nobody has been told of, oldest first. */
export async function listUnpublishedEvents(
  db: Db,
  limit: number,
): Promise<{ id: string; occurredAt: string; type: string; patientId: string; patientVersion: number; payload: unknown }[]> {
  const rows = await db
    .selectFrom('patient_outbox_events')
    .select(['id', 'occurredAt', 'type', 'patientId', 'patientVersion', 'payload'])
    .where('publishedAt', 'is', null)
    .orderBy('occurredAt')
    .orderBy('id')
    .limit(limit)
    .execute();
  return rows.map((row) => ({ ...row, occurredAt: toInstant(row.occurredAt) }));
}
