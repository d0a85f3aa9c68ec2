import { z } from 'zod';
import { Id, Instant, line, note, oneOf, Version } from '../base/fields.ts';
import { PlainDate } from '../base/plain-date.ts';
import { demographics, estimatedAge, optionalDemographics } from './patient.schema.ts';

const { motherId: _motherMayBeLeftOut, birthOrder: _orderMayBeLeftOut, multipleBirthCount: _countMayBeLeftOut, ...mayBeLeftOut } = optionalDemographics;

const { motherId: _motherId, birthOrder: _birthOrder, multipleBirthCount: _multipleBirthCount, ...person } = demographics;
const keys = {
  id: Id.optional().describe('An id the host has used for this patient already; otherwise a new one is made.'),
  mrn: line(50).optional().describe("The host's own record number, kept as it is; otherwise one is issued."),
};

/**
 * How those are called whose name is not known, unless the facility says otherwise. Two people brought in within a day must not bear
 * one name (Joint Commission, National Patient Safety Goal 01.01.01), so the time is part of it.
 */
export const defaultTemporaryNames = {
  unidentified: { firstName: '{gender} {date} {time}', lastName: 'Unknown' },
  newborn: { firstName: 'Baby {order} of {mother}' },
} as const;

/** A patient whom nobody knows yet. Everything may be left out; without a name the convention of the facility gives a temporary one. */
export const NewUnidentified = z
  .strictObject({ ...keys, ...z.object(person).partial().shape, estimatedAge })
  .meta({ id: 'NewUnidentified', description: 'A patient whom nobody knows yet.' });
export type NewUnidentified = z.input<typeof NewUnidentified>;

/** A newborn and its mother. Without a first name the convention of the facility gives a temporary one, such as `Baby of Amina`. */
export const NewNewborn = z
  .strictObject({
    ...keys,
    motherId: Id.describe("The mother's chart."),
    ...z.object({ ...person, birthOrder: demographics.birthOrder, multipleBirthCount: demographics.multipleBirthCount }).partial().shape,
    dateOfBirth: PlainDate.describe('Day of birth.'),
  })
  .meta({ id: 'NewNewborn', description: 'A newborn and its mother.' });
export type NewNewborn = z.input<typeof NewNewborn>;

/** Who a patient with a temporary identity turned out to be. A date of birth that is still not known leaves the estimate as it is. */
export const IdentifyInput = z.strictObject({
  version: Version,
  ...z.object(person).partial(mayBeLeftOut).shape,
  estimatedAge,
  reason: note.optional().describe('How the identity was established; kept in the audit trail.'),
});
export type IdentifyInput = z.input<typeof IdentifyInput>;

/** Why a chart waits for its person: made for an id of the host, registered unidentified, or a newborn without a name. */
export const PlaceholderOrigin = oneOf(['ORPHAN', 'UNIDENTIFIED', 'NEWBORN']);
export type PlaceholderOrigin = z.infer<typeof PlaceholderOrigin>;

/** A chart that waits for its person. */
export const Placeholder = z
  .object({
    patientId: z.string(),
    mrn: z.string().nullable().describe('Null for a restricted chart.'),
    origin: PlaceholderOrigin,
    createdAt: Instant.describe('Since when it waits.'),
  })
  .meta({ id: 'Placeholder', description: 'A chart that waits for its person.' });
export type Placeholder = z.infer<typeof Placeholder>;

export const PlaceholderList = z.strictObject({
  origin: PlaceholderOrigin.optional(),
  limit: z.int({ error: 'must be a whole number' }).min(1, { error: 'must be 1 or more' }).max(200, { error: 'must be at most 200' }).default(50),
  cursor: z.string().max(1000).optional().describe('The nextCursor of the page before.'),
});
export type PlaceholderList = z.input<typeof PlaceholderList>;

/** A child of a mother, as her chart shows it. */
export const Child = z
  .object({
    id: z.string(),
    restricted: z.boolean().describe('A restricted chart shows its id alone.'),
    mrn: z.string().nullable(),
    dateOfBirth: PlainDate.nullable(),
    birthOrder: z.int().nullable(),
    multipleBirthCount: z.int().nullable(),
  })
  .meta({ id: 'Child', description: 'A child of a mother, as her chart shows it.' });
export type Child = z.infer<typeof Child>;
