import { z } from 'zod';
import { Instant, line, oneOf } from '../base/fields.ts';
import { PlainDate } from '../base/plain-date.ts';
import { period } from './name.schema.ts';

export const TelecomSystem = oneOf(['PHONE', 'EMAIL', 'FAX', 'URL', 'OTHER']);
export type TelecomSystem = z.infer<typeof TelecomSystem>;
/** FORMER was one of the patient's own columns (phone, phoneSecondary, email) before it was changed. */
export const TelecomUse = oneOf(['FORMER', 'HOME', 'WORK', 'MOBILE', 'TEMPORARY', 'OTHER']);
export type TelecomUse = z.infer<typeof TelecomUse>;

const telecomFields = { system: TelecomSystem, use: TelecomUse, value: line(255), ...period };

export const NewTelecom = z
  .strictObject(z.object(telecomFields).partial({ periodStart: true, periodEnd: true }).shape)
  .meta({ id: 'NewTelecom', description: 'A telephone number, e-mail address or the like.' });
export type NewTelecom = z.input<typeof NewTelecom>;
export const TelecomChanges = z.strictObject(z.object(telecomFields).partial().shape).meta({ id: 'TelecomChanges', description: 'Changes of a telecom.' });
export type TelecomChanges = z.input<typeof TelecomChanges>;

const shown = { patientId: z.string(), system: TelecomSystem, value: z.string(), periodStart: PlainDate.nullable(), periodEnd: PlainDate.nullable() };

/** A telephone number, e-mail address or the like beside those of the patient's own columns. */
export const PatientTelecom = z
  .object({
    id: z.string(),
    use: TelecomUse,
    ...shown,
    createdAt: Instant,
    updatedAt: Instant,
    createdBy: z.string().nullable(),
    updatedBy: z.string().nullable(),
  })
  .meta({ id: 'PatientTelecom', description: "A telephone number, e-mail address or the like beside those of the patient's own columns." });
export type PatientTelecom = z.infer<typeof PatientTelecom>;

/** Any telecom of a chart. Those of the patient's own columns have no id of their own. */
export const ChartTelecom = z
  .object({
    id: z.string().nullable(),
    use: oneOf(['PRIMARY', 'SECONDARY', ...TelecomUse.options]),
    ...shown,
    updatedAt: Instant.nullable(),
  })
  .meta({ id: 'ChartTelecom', description: "Any telecom of a chart. Those of the patient's own columns have no id of their own." });
export type ChartTelecom = z.infer<typeof ChartTelecom>;
