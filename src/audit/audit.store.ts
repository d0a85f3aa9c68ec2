import type { Ctx, Db } from '../db/context.ts';
import { toInstant } from '../db/instant.ts';
import { AuditEvent } from './audit.schema.ts';
import { auditRow, type NewAuditEvent } from './audit-row.ts';

/** Records who did what, in the transaction of the deed. There is no function that changes or removes a row. */
export async function insertAuditEvent(ctx: Ctx, event: NewAuditEvent): Promise<void> {
  await ctx.db.insertInto('patient_audit_events').values(auditRow(ctx, event)).execute();
}

/** The trail of one patient or one actor, newest first. */
export async function listAuditEvents(db: Db, filter: { patientId?: string; actorId?: string; limit: number }): Promise<AuditEvent[]> {
  let query = db.selectFrom('patient_audit_events').selectAll().orderBy('occurredAt', 'desc').orderBy('id', 'desc').limit(filter.limit);
  if (filter.patientId !== undefined) query = query.where('patientId', '=', filter.patientId);
  if (filter.actorId !== undefined) query = query.where('actorId', '=', filter.actorId);
  return (await query.execute()).map((row) => AuditEvent.parse({ ...row, occurredAt: toInstant(row.occurredAt) }));
}
