import { parsePhoneNumberFromString } from 'libphonenumber-js/min';
import { AppError } from '../base/errors.ts';
import { canonicalLanguage } from '../base/fields.ts';
import { type PlainDate, plainDateIn } from '../base/plain-date.ts';
import type { CheckedNewPatient, Patient, PatientStatus } from './patient.schema.ts';

/** The oldest person on record reached 122 years; beyond 150 the year is a slip of the pen. */
const oldestAge = 150;

/** Refuses dates that cannot be. `now` and the facility's time zone decide what "today" is. */
export function checkBirthAndDeath(dates: { dateOfBirth: PlainDate | null; deceasedAt?: Date | null }, at: { now: Date; timeZone: string }): void {
  const { dateOfBirth, deceasedAt } = dates;
  const today = plainDateIn(at.now, at.timeZone);
  if (dateOfBirth !== null && dateOfBirth > today) {
    throw new AppError('invalid', 'DATE_OF_BIRTH_IN_FUTURE', `dateOfBirth is after today (${today}). Check the year.`, { field: 'dateOfBirth' });
  }
  if (dateOfBirth !== null && dateOfBirth < yearsBefore(today, oldestAge)) {
    throw new AppError(
      'invalid',
      'DATE_OF_BIRTH_IMPLAUSIBLE',
      `dateOfBirth is more than ${oldestAge} years ago. Check the year, or give null when it is not known.`,
      { field: 'dateOfBirth' },
    );
  }
  if (!deceasedAt) return;
  if (deceasedAt > at.now)
    throw new AppError('invalid', 'DECEASED_IN_FUTURE', 'deceasedAt is in the future. Check the date and its offset.', { field: 'deceasedAt' });
  if (dateOfBirth !== null && plainDateIn(deceasedAt, at.timeZone) < dateOfBirth) {
    throw new AppError('invalid', 'DIED_BEFORE_BIRTH', 'deceasedAt is before dateOfBirth. Check both dates.', { field: 'deceasedAt' });
  }
}

/** The same day so many years earlier; 29 February compares as itself, which is exact enough for text order. */
function yearsBefore(date: PlainDate, years: number): string {
  return `${String(Number(date.slice(0, 4)) - years).padStart(4, '0')}${date.slice(4)}`;
}

/** One blank between words: `Ana  María` and `Ana María` are the same name. */
export function normalizeName(name: string): string {
  return name.normalize('NFC').replaceAll(/\s+/gu, ' ').trim();
}

/**
 * A telephone number as it is kept and searched: E.164 where it can be told (with its country code, or with the
 * facility's default country), with an extension as in RFC 3966; otherwise as typed, with single blanks.
 *
 * @example
 * normalizePhone('+254 20 123-4567'); // +254201234567
 */
export function normalizePhone(phone: string, defaultCountry?: string): string {
  const parsed = parsePhoneNumberFromString(phone, { extract: false, ...(defaultCountry === undefined ? {} : { defaultCountry: defaultCountry as 'KE' }) });
  if (!parsed?.isPossible()) return normalizeName(phone);
  return parsed.ext ? `${parsed.number};ext=${parsed.ext}` : parsed.number;
}

const nameFields = ['firstName', 'middleName', 'lastName', 'addressLine1', 'addressLine2', 'city', 'state', 'zipCode', 'country'] as const;
const phoneFields = ['phone', 'phoneSecondary'] as const;

type Demographics = { [Field in keyof Omit<CheckedNewPatient, 'id' | 'mrn'>]?: CheckedNewPatient[Field] | undefined };

/** Brings names and telephone numbers into the form in which they are kept. */
export function normalizeDemographics<Fields extends Demographics>(fields: Fields, options: { defaultCountry?: string | undefined } = {}): Fields {
  const result: Demographics = { ...fields };
  for (const field of nameFields) {
    const value = result[field];
    if (typeof value === 'string') result[field] = normalizeName(value);
  }
  for (const field of phoneFields) {
    const value = result[field];
    if (typeof value === 'string') result[field] = normalizePhone(value, options.defaultCountry);
  }
  if (typeof result.preferredLanguage === 'string') result.preferredLanguage = canonicalLanguage(result.preferredLanguage);
  return result as Fields;
}

/** A merged chart leads elsewhere and an archived one is closed: neither takes changes. */
export function requireOpenChart(patient: Patient): void {
  if (patient.mergedInto !== null) {
    throw new AppError('rule', 'PATIENT_MERGED', 'This chart was merged into another one. Change that one; details.mergedInto has its id.', {
      id: patient.id,
      mergedInto: patient.mergedInto,
    });
  }
  if (patient.archived) throw new AppError('rule', 'PATIENT_ARCHIVED', 'This chart is archived. Unarchive it first.', { id: patient.id });
}

/** Refuses a change that was decided on another version than the present one. */
export function requireVersion(patient: Patient, version: number | undefined): void {
  if (version !== undefined && version !== patient.version) throw staleVersion({ id: patient.id, version, currentVersion: patient.version });
}

export function staleVersion(details: { id: string; version: number; currentVersion: number }): AppError {
  return new AppError('stale', 'PATIENT_STALE_VERSION', 'Somebody changed this patient in the meantime. Read it again and decide again.', details);
}

/** Which status `changeStatus` may lead to. Death and the archive have their own commands, which record more. */
export function checkStatusChange(patient: Patient, status: PatientStatus): void {
  requireOpenChart(patient);
  if (status === 'DECEASED')
    throw new AppError('rule', 'STATUS_NEEDS_MARK_DECEASED', 'status DECEASED is set by markDeceased, which records when.', { field: 'status' });
  if (status === 'ARCHIVED') throw new AppError('rule', 'STATUS_NEEDS_ARCHIVE', 'status ARCHIVED is set by archive, which records why.', { field: 'status' });
  if (patient.deceased)
    throw new AppError('rule', 'PATIENT_DECEASED', 'This patient is recorded as deceased. Use revertDeceased first when that was a mistake.', {
      field: 'status',
    });
}

/** The status after leaving the archive. */
export function statusAfterArchive(patient: Pick<Patient, 'deceased'>): PatientStatus {
  return patient.deceased ? 'DECEASED' : 'ACTIVE';
}
