import { z } from 'zod';
import { Id, UndoInput } from '../patient/patient.schema.ts';

/** The path of one row of a chart: the patient, and the row's own id. */
export function partKey<const Name extends string>(name: Name, word: string) {
  return z.strictObject({ id: Id.describe('The id of the patient.'), [name]: Id.describe(`The id of the ${word}.`) } as { id: typeof Id } & Record<
    Name,
    typeof Id
  >);
}

/** Why a row is taken out of use; the audit trail keeps it. */
export const Reason = UndoInput.pick({ reason: true }).meta({ id: 'Reason', description: 'Why.' });

export const ActiveOnly = z.strictObject({ activeOnly: z.boolean().default(false).describe('Whether to leave out what no longer holds.') });
