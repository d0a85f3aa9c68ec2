import { z } from 'zod';
import { Id, Instant, line } from '../base/fields.ts';

/** A row of the audit trail: who did what to which chart, when, from where and why. */
export const AuditEvent = z.object({
  id: z.string(),
  occurredAt: z.iso.datetime(),
  action: z.string(),
  patientId: z.string().nullable().describe('The chart; null for acts that concern none.'),
  actorKind: z.enum(['user', 'account', 'service', 'system']),
  actorId: z.string().nullable(),
  actorName: z.string().nullable(),
  origin: z.string().nullable().describe('From where: an address, a program.'),
  requestId: z.string().nullable(),
  reason: z.string().nullable(),
  before: z.unknown().describe('Changed fields as they were.'),
  after: z.unknown().describe('Changed fields as they became, or what was looked at.'),
});
export type AuditEvent = z.infer<typeof AuditEvent>;

/** A row as it is shown: to roles without the values of a chart, which those who may see it get from the chart at a moment. */
export const ShownAuditEvent = AuditEvent.extend({
  fields: z.array(z.string()).describe('Names of the fields in before and after.'),
  valuesHidden: z.boolean().describe('Whether before, after and the reason of a change are null because they belong to a chart.'),
}).meta({ id: 'AuditEvent', description: 'A row of the audit trail.' });
export type ShownAuditEvent = z.infer<typeof ShownAuditEvent>;

const limit = z.int({ error: 'must be a whole number' }).min(1, { error: 'must be 1 or more' }).max(200, { error: 'must be at most 200' }).default(50);
const paged = {
  action: line(100).optional().describe('Only this action, such as patient.viewed.'),
  from: Instant.optional().describe('Only at or after this instant.'),
  to: Instant.optional().describe('Only before this instant.'),
  limit,
  cursor: z.string().max(1000).optional().describe('The nextCursor of the page before.'),
};

/** Which rows of one chart's trail; filters are combined with AND. */
export const ChartTrailFilter = z.strictObject(paged);
export type ChartTrailFilter = z.input<typeof ChartTrailFilter>;

/** Which rows of the whole trail. */
export const TrailFilter = z.strictObject({
  patientId: Id.optional(),
  actorId: line(255).optional().describe('Only what this actor did: the id of a user, an account or a key.'),
  ...paged,
});
export type TrailFilter = z.input<typeof TrailFilter>;

/** Which searches and lists; at most 31 days, as every row of them is read. */
export const ListingsFilter = z
  .strictObject({ from: Instant, to: Instant, limit })
  .refine(({ from, to }) => Date.parse(to) - Date.parse(from) <= 31 * 86_400_000, { path: ['to'], error: 'must be at most 31 days after from' });
export type ListingsFilter = z.input<typeof ListingsFilter>;

export const SealFilter = z.strictObject({
  after: z.int({ error: 'must be a whole number' }).min(0).default(0).describe('Only seals after this number.'),
  limit,
});
export type SealFilter = z.input<typeof SealFilter>;
