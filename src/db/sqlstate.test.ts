import { expect, test } from 'vitest';
import type { AppError } from '../base/errors.ts';
import { constraintErrors, translateDatabaseError } from './sqlstate.ts';

const fromServer = (fields: Record<string, string>) => Object.assign(new Error('Key (mrn)=(secret) exists'), { code: 'XX000', ...fields });

test.each([
  [{ code: '23505', constraint: 'patients_mrn_key' }, 'duplicate', 'MRN_TAKEN'],
  [{ code: '23503', constraint: 'patient_contacts_patientId_fkey', table: 'patient_contacts' }, 'not-found', 'PATIENT_NOT_FOUND'],
  [{ code: '23503', constraint: 'surgical_cases_patientId_fkey', table: 'surgical_cases' }, 'not-found', 'PATIENT_NOT_FOUND'],
  [{ code: '23503', constraint: 'surgical_cases_patientId_fkey', table: 'patients' }, 'rule', 'PATIENT_IN_USE'],
  [{ code: '23502', column: 'lastName' }, 'invalid', 'FIELD_REQUIRED'],
  [{ code: '28P01' }, 'unauthenticated', 'DATABASE_PASSWORD_WRONG'],
  [{ code: '28000' }, 'unauthenticated', 'DATABASE_LOGIN_REFUSED'],
  [{ code: '42501' }, 'forbidden', 'DATABASE_PRIVILEGE_MISSING'],
  [{ code: '25006' }, 'unavailable', 'DATABASE_READ_ONLY'],
  [{ code: '57P03' }, 'unavailable', 'DATABASE_UNAVAILABLE'],
  [{ code: '53300' }, 'busy', 'DATABASE_OUT_OF_RESOURCES'],
  [{ code: 'ECONNREFUSED' }, 'unavailable', 'DATABASE_UNAVAILABLE'],
  [{ code: '42601' }, 'internal', 'DATABASE_ERROR'],
])('%j is %s %s, without a value of a row', (fields, kind, code) => {
  const error = translateDatabaseError(fromServer(fields as unknown as Record<string, string>)) as AppError;
  expect(error).toMatchObject({ kind, code });
  expect(JSON.stringify([error.message, error.details])).not.toContain('secret');
});

test('what is no error of the database passes through', () => {
  const error = new TypeError('a defect');
  expect(translateDatabaseError(error)).toBe(error);
});

test('every message is a sentence', () => {
  for (const [name, { message }] of Object.entries(constraintErrors)) expect(message, name).toMatch(/^\S.+\.$/);
});
