import { z } from 'zod';
import { Instant, LanguageTag, line, oneOf } from '../base/fields.ts';
import { PlainDate } from '../base/plain-date.ts';

/** What a name beside the official one is: an official one of earlier, a name at birth, another one, or the official one in another script. */
export const NameUse = oneOf(['FORMER', 'MAIDEN', 'ALIAS', 'NICKNAME', 'TRANSCRIPTION', 'TEMPORARY']);
export type NameUse = z.infer<typeof NameUse>;

/** When something held. `periodEnd` is the first day on which it no longer did, so that two that follow each other share a day and do not overlap. */
export const period = {
  periodStart: PlainDate.nullable().describe('First day on which it held; null when not known.'),
  periodEnd: PlainDate.nullable().describe('Day from which it no longer holds; null while it does, or when not known.'),
};

const nameFields = {
  use: NameUse,
  firstName: line(100).nullable().describe('Given name; null for a single name.'),
  middleName: line(100).nullable(),
  lastName: line(100).describe('Family name, or the single name.'),
  script: z
    .string()
    .regex(/^[A-Z][a-z]{3}$/, { error: 'must be a code of ISO 15924, such as Latn, Cyrl or Arab' })
    .nullable()
    .describe('Script of a transcription as in ISO 15924.'),
  language: LanguageTag.nullable(),
  ...period,
};

export const NewName = z
  .strictObject(z.object(nameFields).partial({ firstName: true, middleName: true, script: true, language: true, periodStart: true, periodEnd: true }).shape)
  .meta({ id: 'NewName', description: 'A name beside the official one.' });
export type NewName = z.input<typeof NewName>;
export const NameChanges = z.strictObject(z.object(nameFields).partial().shape).meta({ id: 'NameChanges', description: 'Changes of a name.' });
export type NameChanges = z.input<typeof NameChanges>;

const rowTimes = { createdAt: Instant, updatedAt: Instant, createdBy: z.string().nullable(), updatedBy: z.string().nullable() };
const shown = {
  patientId: z.string(),
  firstName: z.string().nullable(),
  middleName: z.string().nullable(),
  lastName: z.string(),
  script: z.string().nullable(),
  language: z.string().nullable(),
  periodStart: PlainDate.nullable(),
  periodEnd: PlainDate.nullable(),
};

/** A name beside the official one. */
export const PatientName = z
  .object({ id: z.string(), use: NameUse, ...shown, ...rowTimes })
  .meta({ id: 'PatientName', description: 'A name beside the official one.' });
export type PatientName = z.infer<typeof PatientName>;

/** Any name of a chart. The official one is part of the patient itself, so it has no id of its own. */
export const ChartName = z
  .object({ id: z.string().nullable(), use: oneOf(['OFFICIAL', ...NameUse.options]), ...shown, updatedAt: Instant.nullable() })
  .meta({ id: 'ChartName', description: 'Any name of a chart. The official one has no id of its own.' });
export type ChartName = z.infer<typeof ChartName>;

/** That something no longer holds. */
export const EndInput = z
  .strictObject({
    periodEnd: PlainDate.optional().describe('Day from which it no longer holds; today when left out.'),
    reason: line(1000).optional().describe('Why; kept in the audit trail.'),
  })
  .meta({ id: 'EndInput', description: 'That something no longer holds.' });
export type EndInput = z.input<typeof EndInput>;
