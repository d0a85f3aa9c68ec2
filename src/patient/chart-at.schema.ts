import { z } from 'zod';
import { Instant } from '../base/fields.ts';
import { PatientIdentifier } from '../identifier/identifier.schema.ts';
import { PatientAddress } from './address.schema.ts';
import { PatientName } from './name.schema.ts';
import { Allergy, Contact, Patient, PatientDocument, RiskFlag } from './patient.schema.ts';
import { PatientTelecom } from './telecom.schema.ts';

const parts = <Schema extends z.ZodType>(schema: Schema) => z.array(schema).optional();

/** A chart with its parts as it stood at a moment; parts that the caller may not see are left out. */
export const ChartAt = z
  .object({
    at: Instant,
    patient: Patient,
    parts: z.object({
      contact: parts(Contact),
      document: parts(PatientDocument),
      allergy: parts(Allergy),
      riskFlag: parts(RiskFlag),
      name: parts(PatientName),
      address: parts(PatientAddress),
      telecom: parts(PatientTelecom),
      identifier: parts(PatientIdentifier),
    }),
  })
  .meta({ id: 'ChartAt', description: 'A chart with its parts as it stood at a moment.' });
export type ChartAt = z.infer<typeof ChartAt>;
