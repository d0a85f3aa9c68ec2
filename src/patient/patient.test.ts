import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AppError } from '../base/errors.ts';
import type { PlainDate } from '../base/plain-date.ts';
import { decodeCursor, encodeCursor } from './page-cursor.ts';
import { parseInput } from '../base/parse-input.ts';
import { checkBirthAndDeath, checkStatusChange, normalizeName, normalizePhone, requireOpenChart, statusAfterArchive } from './patient.ts';
import { NewContact, NewPatient, type Patient } from './patient.schema.ts';

const now = new Date('2026-11-23T22:30:00Z');
const check =
  (dateOfBirth: string | null, options: { deceasedAt?: string; timeZone?: string } = {}) =>
  () =>
    checkBirthAndDeath(
      { dateOfBirth: dateOfBirth as PlainDate | null, deceasedAt: options.deceasedAt === undefined ? null : new Date(options.deceasedAt) },
      { now, timeZone: options.timeZone ?? 'UTC' },
    );

test('today is the day of the facility', () => {
  expect(check('2026-11-24')).toThrow(expect.objectContaining({ code: 'DATE_OF_BIRTH_IN_FUTURE' }));
  expect(check('2026-11-24', { timeZone: 'Africa/Nairobi' })).not.toThrow();
  expect(check('2026-11-23', { timeZone: 'America/New_York' })).not.toThrow();
});

test('150 years is the limit, to the day', () => {
  expect(check('1876-11-23')).not.toThrow();
  expect(check('1876-11-22')).toThrow(expect.objectContaining({ code: 'DATE_OF_BIRTH_IMPLAUSIBLE' }));
});

test('death lies between birth and now, in the days of the facility', () => {
  expect(check('2026-11-23', { deceasedAt: '2026-11-22T22:00:00Z' })).toThrow(expect.objectContaining({ code: 'DIED_BEFORE_BIRTH' }));
  expect(check('2026-11-23', { deceasedAt: '2026-11-22T22:00:00Z', timeZone: 'Africa/Nairobi' })).not.toThrow();
  expect(check(null, { deceasedAt: '2026-11-23T22:30:01Z' })).toThrow(expect.objectContaining({ code: 'DECEASED_IN_FUTURE' }));
  expect(check(null)).not.toThrow();
});

test.each([
  ['+254 20 123-4567', undefined, '+254201234567'],
  ['020 123 4567', 'KE', '+254201234567'],
  ['020  123 4567', undefined, '020 123 4567'],
  ['+1 415 555 0100 ext. 7', undefined, '+14155550100;ext=7'],
  ['ward 7', 'KE', 'ward 7'],
])('the telephone number %s in %s is kept as %s', (typed, country, kept) => {
  expect(normalizePhone(typed, country)).toBe(kept);
});

test('normalising twice is normalising once', () => {
  fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (text) => normalizeName(normalizeName(text)) === normalizeName(text)));
  fc.assert(fc.property(fc.stringMatching(/^[+0-9 ().x-]{1,25}$/), (text) => normalizePhone(normalizePhone(text, 'KE'), 'KE') === normalizePhone(text, 'KE')));
  expect(normalizeName('  Ana   Mari\u0301a ')).toBe('Ana Mar\u00eda');
});

test('names of any script pass, control characters and wrong fields do not, and no message repeats a value', () => {
  for (const lastName of ['Nguyễn', '李', 'الحسن', "O'Brien-Smith", 'ကျော်']) {
    expect(parseInput(NewPatient, { firstName: null, lastName, dateOfBirth: null }).lastName).toBe(lastName.normalize('NFC'));
  }
  const secret = 'Secret\u0007Name';
  const error = (() => {
    try {
      parseInput(NewPatient, { firstName: secret, lastName: 'x'.repeat(101), dateOfBirth: '1990-13-01', gender: 'M', sex: secret });
    } catch (thrown) {
      return thrown as AppError;
    }
    throw new Error('nothing was thrown');
  })();
  expect(error).toBeInstanceOf(AppError);
  expect((error.details.fields as { field: string }[]).map((each) => each.field).sort()).toEqual(['dateOfBirth', 'firstName', 'gender', 'lastName', 'sex']);
  expect(JSON.stringify([error.message, error.details])).not.toContain('Secret');
  expect(() => parseInput(NewContact, { firstName: 'A', lastName: 'B' })).toThrow('relationship is required.');
});

test('a cursor carries any key, and fits only the order it came from', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.string())), (key) => {
      expect(decodeCursor('name', encodeCursor('name', key))).toEqual(key);
    }),
  );
  expect(() => decodeCursor('newest', encodeCursor('name', ['a']))).toThrow(expect.objectContaining({ code: 'CURSOR_INVALID' }));
});

test('closed charts take no changes; the status follows death', () => {
  const patient = { id: '1', mergedInto: null, archived: false, deceased: false } as Patient;
  expect(() => requireOpenChart(patient)).not.toThrow();
  expect(() => requireOpenChart({ ...patient, archived: true })).toThrow(expect.objectContaining({ code: 'PATIENT_ARCHIVED' }));
  expect(() => requireOpenChart({ ...patient, archived: true, mergedInto: '2' })).toThrow(
    expect.objectContaining({ code: 'PATIENT_MERGED', details: { id: '1', mergedInto: '2' } }),
  );
  expect(() => checkStatusChange({ ...patient, deceased: true }, 'ACTIVE')).toThrow(expect.objectContaining({ code: 'PATIENT_DECEASED' }));
  expect(() => checkStatusChange(patient, 'INACTIVE')).not.toThrow();
  expect([statusAfterArchive({ deceased: true }), statusAfterArchive({ deceased: false })]).toEqual(['DECEASED', 'ACTIVE']);
});
