import type { Ctx } from '../db/context.ts';
import { auditRow, type NewAuditEvent } from './audit-row.ts';

/** Records who did what, in the transaction of the deed. There is no function that changes or removes a row. */
export async function insertAuditEvent(ctx: Ctx, event: NewAuditEvent): Promise<void> {
  await ctx.db.insertInto('patient_audit_events').values(auditRow(ctx, event)).execute();
}
