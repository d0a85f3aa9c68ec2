import type { Selectable, Updateable } from 'kysely';
import { toInstant } from '../base/instant.ts';
import type { PatientTable } from '../db/tables.ts';
import { Patient } from './patient.schema.ts';

export type PatientRow = Selectable<PatientTable>;
/** Columns to write. */
export type PatientWrite = Updateable<PatientTable>;

/** A row of patients as every face shows it. */
export function toPatient(row: PatientRow): Patient {
  return Patient.parse({
    ...row,
    restrictedAt: toInstant(row.restrictedAt),
    deceasedAt: toInstant(row.deceasedAt),
    archivedAt: toInstant(row.archivedAt),
    mergedAt: toInstant(row.mergedAt),
    createdAt: toInstant(row.createdAt),
    updatedAt: toInstant(row.updatedAt),
  });
}
