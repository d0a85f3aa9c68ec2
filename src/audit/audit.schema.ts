import { z } from 'zod';

/** A row of the audit trail: who did what to which chart, when, from where and why. */
export const AuditEvent = z.object({
  id: z.string(),
  occurredAt: z.iso.datetime(),
  action: z.string(),
  patientId: z.string().nullable(),
  actorKind: z.enum(['user', 'service', 'system']),
  actorId: z.string().nullable(),
  actorName: z.string().nullable(),
  origin: z.string().nullable(),
  requestId: z.string().nullable(),
  reason: z.string().nullable(),
  before: z.unknown(),
  after: z.unknown(),
});
export type AuditEvent = z.infer<typeof AuditEvent>;
