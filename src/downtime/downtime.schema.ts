import { z } from 'zod';
import { Instant, line, oneOf } from '../base/fields.ts';
import { PlainDate } from '../base/plain-date.ts';

/** The most sheets of one block: a stack that one person can still count. */
export const mostNumbers = 500;

/** OPEN: on paper, or not asked for yet. USED: a chart carries it. VOID, RETURNED, MISSING: no chart ever will, or a later one. */
export const DowntimeNumberState = oneOf(['OPEN', 'USED', 'VOID', 'RETURNED', 'MISSING']);
export type DowntimeNumberState = z.infer<typeof DowntimeNumberState>;

/** What a desk is given for the time when the system is down. */
export const NewDowntimeBlock = z
  .strictObject({
    desk: line(100).describe('The desk that may use the numbers.'),
    count: z
      .int({ error: 'must be a whole number' })
      .min(1, { error: 'must be 1 or more' })
      .max(mostNumbers, { error: `must be at most ${mostNumbers}` }),
    validFrom: PlainDate.optional().describe('First day on which the sheets may be used; today when left out.'),
    validUntil: PlainDate.describe('Last day on which the sheets may be used.'),
    authority: line(50).default('default'),
  })
  .meta({ id: 'NewDowntimeBlock', description: 'What a desk is given for the time when the system is down.' });
export type NewDowntimeBlock = z.input<typeof NewDowntimeBlock>;

export const DowntimeNumber = z.object({
  mrn: z.string(),
  place: z.int(),
  checkCharacter: z.string().describe('Stands beside the number on paper; empty where the number ends in a check digit of its own.'),
  state: DowntimeNumberState,
  stateAt: Instant.nullable(),
  reason: z.string().nullable(),
});
export type DowntimeNumber = z.infer<typeof DowntimeNumber>;

/** A block of record numbers of a desk, without its numbers. */
export const DowntimeBlock = z
  .object({
    code: z.string(),
    desk: z.string(),
    authority: z.string(),
    validFrom: PlainDate,
    validUntil: PlainDate,
    keyId: z.string(),
    signature: z.string(),
    issuedAt: Instant,
    closedAt: Instant.nullable(),
    closeReason: z.string().nullable(),
    counts: z.object({ open: z.int(), used: z.int(), void: z.int(), returned: z.int(), missing: z.int() }),
  })
  .meta({ id: 'DowntimeBlock', description: 'Record numbers of a desk for when the system is down.' });
export type DowntimeBlock = z.infer<typeof DowntimeBlock>;

/** The file of a block: what can be checked without the system. */
export const DowntimeBlockFile = z.strictObject({
  kind: z.literal('onechart-downtime-block'),
  version: z.literal(1),
  code: z.string(),
  desk: z.string(),
  authority: z.string(),
  validFrom: PlainDate,
  validUntil: PlainDate,
  numbers: z.array(z.strictObject({ mrn: z.string(), checkCharacter: z.string() })).min(1),
  keyId: z.string(),
  signature: z.string(),
});
export type DowntimeBlockFile = z.infer<typeof DowntimeBlockFile>;
