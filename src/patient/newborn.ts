import { AppError } from '../base/errors.ts';
import { type PlainDate, plainDateIn } from '../base/plain-date.ts';
import type { Child } from './identity.schema.ts';
import type { Patient } from './patient.schema.ts';

/** No mother on record was younger at the birth than five; a chart that says so is the wrong one. */
const youngestMother = 5;
/** Several born together may be born on both sides of midnight, or a day apart. */
const daysOfOneBirth = 2;

/** Refuses a chart that cannot be the mother's: born too late, or dead before the birth. */
export function checkMother(mother: Patient, birth: { dateOfBirth: PlainDate; timeZone: string }): void {
  const { dateOfBirth, timeZone } = birth;
  if (mother.dateOfBirth !== null && Number(dateOfBirth.slice(0, 4)) - Number(mother.dateOfBirth.slice(0, 4)) < youngestMother) {
    throw new AppError(
      'invalid',
      'MOTHER_TOO_YOUNG',
      `motherId names a patient who was not ${youngestMother} years old at the birth. Check the id and both dates.`,
      {
        field: 'motherId',
      },
    );
  }
  if (mother.deceasedAt !== null && plainDateIn(new Date(mother.deceasedAt), timeZone) < dateOfBirth) {
    throw new AppError('invalid', 'MOTHER_DIED_BEFORE_BIRTH', 'motherId names a patient who died before the birth. Check the id and both dates.', {
      field: 'motherId',
    });
  }
}

/** Refuses a second chart for one child: children of the same birth are told apart by their birth order. */
export function checkSiblings(children: readonly Child[], birth: { dateOfBirth: PlainDate; birthOrder?: number | null | undefined }): void {
  const day = Date.parse(birth.dateOfBirth) / 86_400_000;
  const together = children.filter((child) => child.dateOfBirth !== null && Math.abs(Date.parse(child.dateOfBirth) / 86_400_000 - day) <= daysOfOneBirth);
  const order = birth.birthOrder ?? null;
  const same = order === null ? together[0] : together.find((child) => child.birthOrder === order);
  if (!same) return;
  throw new AppError(
    'duplicate',
    'NEWBORN_REGISTERED',
    order === null
      ? 'A child of this birth is registered already. Open that chart; for twins give birthOrder and multipleBirthCount.'
      : 'A child of this birth with this birthOrder is registered already. Open that chart, or correct the birthOrder.',
    { field: 'birthOrder', patientId: same.id },
  );
}
