import { z } from 'zod';
import { Instant, line, oneOf } from '../base/fields.ts';
import { PlainDate } from '../base/plain-date.ts';
import { period } from './name.schema.ts';

/** What an address beside the home address is; FORMER is a home address of earlier. */
export const AddressUse = oneOf(['FORMER', 'WORK', 'TEMPORARY', 'BILLING', 'OTHER']);
export type AddressUse = z.infer<typeof AddressUse>;

const lines = {
  addressLine1: line(255).nullable(),
  addressLine2: line(255).nullable(),
  city: line(100).nullable(),
  state: line(100).nullable(),
  zipCode: line(20).nullable(),
  country: line(100).nullable(),
};
const addressFields = { use: AddressUse, ...lines, ...period };

export const NewAddress = z
  .strictObject(z.object(addressFields).partial().required({ use: true }).shape)
  .meta({ id: 'NewAddress', description: 'An address beside the home address.' });
export type NewAddress = z.input<typeof NewAddress>;
export const AddressChanges = z.strictObject(z.object(addressFields).partial().shape).meta({ id: 'AddressChanges', description: 'Changes of an address.' });
export type AddressChanges = z.input<typeof AddressChanges>;

const shown = {
  patientId: z.string(),
  addressLine1: z.string().nullable(),
  addressLine2: z.string().nullable(),
  city: z.string().nullable(),
  state: z.string().nullable(),
  zipCode: z.string().nullable(),
  country: z.string().nullable(),
  periodStart: PlainDate.nullable(),
  periodEnd: PlainDate.nullable(),
};

/** An address beside the home address. */
export const PatientAddress = z
  .object({
    id: z.string(),
    use: AddressUse,
    ...shown,
    createdAt: Instant,
    updatedAt: Instant,
    createdBy: z.string().nullable(),
    updatedBy: z.string().nullable(),
  })
  .meta({ id: 'PatientAddress', description: 'An address beside the home address.' });
export type PatientAddress = z.infer<typeof PatientAddress>;

/** Any address of a chart. The home address is part of the patient itself, so it has no id of its own. */
export const ChartAddress = z
  .object({ id: z.string().nullable(), use: oneOf(['HOME', ...AddressUse.options]), ...shown, updatedAt: Instant.nullable() })
  .meta({ id: 'ChartAddress', description: 'Any address of a chart. The home address has no id of its own.' });
export type ChartAddress = z.infer<typeof ChartAddress>;
