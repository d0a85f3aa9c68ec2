import type { Ctx } from '../db/context.ts';

export interface NewAuditEvent {
  readonly action: string;
  readonly patientId: string | null;
  readonly reason?: string | undefined;
  /** Fields as they were and as they are, only those that changed. */
  readonly before?: unknown;
  readonly after?: unknown;
}

/** The row that tells of a deed, JSON as text. */
export function auditRow(ctx: Ctx, event: NewAuditEvent) {
  return {
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
  };
}
export type AuditRow = ReturnType<typeof auditRow>;

/** The columns of a row in a fixed order, for statements written by hand. */
export const auditColumns = [
  'id',
  'occurredAt',
  'action',
  'patientId',
  'actorKind',
  'actorId',
  'actorName',
  'origin',
  'requestId',
  'reason',
  'before',
  'after',
] as const satisfies readonly (keyof AuditRow)[];
