import { AppError } from '../base/errors.ts';
import { type PlainDate, plainDateIn } from '../base/plain-date.ts';
import type { DateOfBirthPrecision } from './patient.schema.ts';

/** What is said about a birth, as it comes in. */
export interface BirthFields {
  readonly dateOfBirth?: PlainDate | null | undefined;
  readonly dateOfBirthPrecision?: DateOfBirthPrecision | null | undefined;
  readonly estimatedAge?: number | undefined;
}

/**
 * Brings what is said about a birth into the two columns. An estimated age becomes a date; of a month or a year the unknown
 * part is written as 01; a date without a precision is exact, whatever stood there before.
 *
 * Errors: `ESTIMATED_AGE_WITH_DATE` when a date and an estimated age are given, `DATE_OF_BIRTH_PRECISION_ALONE` when a
 * precision is given for a date that is not known.
 */
export function settleBirth<Fields extends BirthFields>(fields: Fields, at: { now: Date; timeZone: string }): Omit<Fields, 'estimatedAge'> {
  const { estimatedAge, ...rest } = fields;
  if (estimatedAge !== undefined) {
    if (rest.dateOfBirth) {
      throw new AppError('invalid', 'ESTIMATED_AGE_WITH_DATE', 'estimatedAge and dateOfBirth are both given. Leave one of them out.', {
        field: 'estimatedAge',
      });
    }
    return { ...rest, dateOfBirth: estimatedDateOfBirth(estimatedAge, at), dateOfBirthPrecision: 'ESTIMATED' };
  }
  if (rest.dateOfBirth === undefined) return rest;
  const precision = rest.dateOfBirthPrecision ?? null;
  if (rest.dateOfBirth === null) {
    if (precision !== null) {
      throw new AppError(
        'invalid',
        'DATE_OF_BIRTH_PRECISION_ALONE',
        'dateOfBirthPrecision is given for a dateOfBirth that is not known. Give the date, or leave the precision out.',
        { field: 'dateOfBirthPrecision' },
      );
    }
    return { ...rest, dateOfBirthPrecision: null };
  }
  return { ...rest, dateOfBirth: toPrecision(rest.dateOfBirth, precision), dateOfBirthPrecision: precision };
}

/** The date with what the precision leaves unknown written as 01. */
export function toPrecision(date: PlainDate, precision: DateOfBirthPrecision | null): PlainDate {
  if (precision === 'MONTH') return `${date.slice(0, 7)}-01` as PlainDate;
  if (precision === 'YEAR') return `${date.slice(0, 4)}-01-01` as PlainDate;
  return date;
}

/**
 * The first of the month in the middle of the year in which somebody of this age was born: whoever computes the age from
 * it today gets the age that was judged, and the error is half a year at most.
 */
export function estimatedDateOfBirth(years: number, at: { now: Date; timeZone: string }): PlainDate {
  const today = plainDateIn(at.now, at.timeZone);
  const months = Number(today.slice(0, 4)) * 12 + Number(today.slice(5, 7)) - 1 - years * 12 - 6;
  return `${String(Math.floor(months / 12)).padStart(4, '0')}-${String((months % 12) + 1).padStart(2, '0')}-01` as PlainDate;
}
