import type { Ctx, Db } from '../db/context.ts';
import { toInstant } from '../db/instant.ts';
import { AuditEvent } from './audit.schema.ts';

export interface NewAuditEvent {
  readonly action: string;
  readonly patientId: string | null;
  readonly reason?: string | undefined;
  /** Fields as they were and as they are, only those that changed. */
  readonly before?: unknown;
  readonly after?: unknown;
}

/** Records who did what, in the transaction of the deed. There is no function that changes or removes a row. */
export async function insertAuditEvent(ctx: Ctx, event: NewAuditEvent): Promise<void> {
  await ctx.db
    .insertInto('patient_audit_events')
    .values({
      id: ctx.newId(),
      occurredAt: ctx.clock.now(),
      action: event.action,
      patientId: event.patientId,
      actorKind: ctx.actor.kind,
      actorId: ctx.actor.id ?? null,
      actorName: ctx.actor.name ?? null,
      origin: ctx.origin ?? null,
      requestId: ctx.requestId ?? null,
      reason: event.reason ?? ctx.reason ?? null,
      before: event.before === undefined ? null : JSON.stringify(event.before),
      after: event.after === undefined ? null : JSON.stringify(event.after),
    })
    .execute();
}

/** The trail of one patient or one actor, newest first. */
export async function listAuditEvents(db: Db, filter: { patientId?: string; actorId?: string; limit: number }): Promise<AuditEvent[]> {
  let query = db.selectFrom('patient_audit_events').selectAll().orderBy('occurredAt', 'desc').orderBy('id', 'desc').limit(filter.limit);
  if (filter.patientId !== undefined) query = query.where('patientId', '=', filter.patientId);
  if (filter.actorId !== undefined) query = query.where('actorId', '=', filter.actorId);
  return (await query.execute()).map((row) => AuditEvent.parse({ ...row, occurredAt: toInstant(row.occurredAt) }));
}
