import { z } from 'zod';
import { Id, note, oneOf } from '../base/fields.ts';
import { Patient } from '../patient/patient.schema.ts';
import { Role } from './access.schema.ts';

/** Restricted charts and the breaking of the glass: what a caller sees of the one, and what the other takes and gives. */

/** All that is shown of a restricted chart: that it is there, and under which id the glass can be broken. */
export const MaskedPatient = z
  .strictObject({ id: z.string(), masked: z.literal(true), restricted: z.literal(true) })
  .meta({ id: 'MaskedPatient', description: 'A restricted chart, of which nothing but its id is shown. Break the glass to open it.' });
export type MaskedPatient = z.infer<typeof MaskedPatient>;

/** A chart in a list, a search or the answer to a restriction. */
export const ShownPatient = z.union([Patient, MaskedPatient]);
export type ShownPatient = z.infer<typeof ShownPatient>;

/** Ten characters of at least five letters: enough to stop `x`, `.....` and `aaaaaaaaaa`, in any script. */
const reason = note
  .min(10, { error: 'must say in some words why the chart has to be opened' })
  .max(2000, { error: 'must be at most 2000 characters' })
  .refine((text) => new Set(text.toLowerCase().match(/\p{L}/gu)).size >= 5, { error: 'must say in some words why the chart has to be opened' })
  .describe('Why the chart has to be opened, in words that the privacy officer will read.');

export const BreakGlassInput = z.strictObject({
  reason,
  minutes: z
    .int({ error: 'must be a whole number of minutes' })
    .min(1, { error: 'must be 1 or more' })
    .max(1440, { error: 'must be at most 1440, which is a day' })
    .optional()
    .describe('How long the chart is to stay open; the server has a default (60) and a maximum (240).'),
});
export type BreakGlassInput = z.input<typeof BreakGlassInput>;

/** How long a broken glass stays open; a facility decides. */
export const BreakGlassSettings = z.strictObject({
  defaultMinutes: z
    .int()
    .min(1)
    .max(1440)
    .default(60)
    .describe('How long a restricted chart stays open to whoever broke the glass without saying for how long.'),
  maxMinutes: z.int().min(1).max(1440).default(240).describe('The longest that may be asked for.'),
});
export type BreakGlassSettings = z.infer<typeof BreakGlassSettings>;

export const Verdict = oneOf(['JUSTIFIED', 'UNJUSTIFIED']);
export type Verdict = z.infer<typeof Verdict>;

/** One breaking of the glass. */
export const BreakGlassGrant = z
  .object({
    id: z.string(),
    patientId: z.string(),
    viewerId: z.string().describe('Who may see the chart: the id of the account or the key, or issuer and subject of the token.'),
    viewerName: z.string().nullable(),
    viewerRole: Role,
    reason: z.string(),
    grantedAt: z.iso.datetime(),
    expiresAt: z.iso.datetime(),
    endedAt: z.iso.datetime().nullable().describe('When it ended before its time; null otherwise.'),
    reviewedAt: z.iso.datetime().nullable(),
    reviewerId: z.string().nullable(),
    reviewerName: z.string().nullable(),
    verdict: Verdict.nullable(),
    reviewNote: z.string().nullable(),
  })
  .meta({ id: 'BreakGlassGrant', description: 'That somebody broke the glass of a restricted chart, why, for how long, and what the review found.' });
export type BreakGlassGrant = z.infer<typeof BreakGlassGrant>;

/** One row of the audit trail that was written under a grant. */
export const GrantTrailRow = z
  .object({
    id: z.string().describe('The row of the audit trail.'),
    occurredAt: z.iso.datetime(),
    patientId: z.string().describe('The chart of the grant, or one that was merged into it.'),
    by: z.string().nullable().describe('What was opened, and how: `id`, `mrn`, `contact list`, `change`.'),
    origin: z.string().nullable(),
    requestId: z.string().nullable(),
  })
  .meta({ id: 'GrantTrailRow', description: 'A reading or a change under a grant.' });
export type GrantTrailRow = z.infer<typeof GrantTrailRow>;

export const BreakGlassList = z.strictObject({
  unreviewed: z.boolean().default(false).describe('Only those that wait for a review.'),
  patientId: Id.optional().describe('Only those of this chart.'),
  limit: z.int({ error: 'must be a whole number' }).min(1, { error: 'must be 1 or more' }).max(200, { error: 'must be at most 200' }).default(50),
  cursor: z.string().max(1000).optional().describe('The nextCursor of the page before.'),
});
export type BreakGlassList = z.input<typeof BreakGlassList>;
export type CheckedBreakGlassList = z.output<typeof BreakGlassList>;

export const ReviewInput = z.strictObject({
  verdict: Verdict.describe('UNJUSTIFIED also ends a grant that still runs.'),
  note: note.max(2000, { error: 'must be at most 2000 characters' }).describe('What the review found.'),
});
export type ReviewInput = z.input<typeof ReviewInput>;
