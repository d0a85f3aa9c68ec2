import { expect, test } from 'vitest';
import { type Role, roles, type Scope, scopes } from './access.schema.ts';
import { mayDo } from './access.ts';

// The matrix once more, by hand and by column, so that a slip in one of the two is seen.
const columns: Readonly<Record<Scope, readonly Role[]>> = {
  'patient.register': ['ADMIN', 'FRONT_DESK', 'NURSE', 'DOCTOR', 'HIM'],
  'patient.search': ['ADMIN', 'FRONT_DESK', 'NURSE', 'DOCTOR', 'HIM'],
  'patient.read': ['ADMIN', 'NURSE', 'DOCTOR', 'HIM'],
  'patient.read.demographics': ['ADMIN', 'FRONT_DESK', 'NURSE', 'DOCTOR', 'HIM'],
  'patient.break-glass': ['ADMIN', 'FRONT_DESK', 'NURSE', 'DOCTOR', 'HIM'],
  'patient.update': ['ADMIN', 'FRONT_DESK', 'HIM'],
  'patient.document': ['ADMIN', 'FRONT_DESK', 'HIM'],
  'patient.clinical': ['ADMIN', 'NURSE', 'DOCTOR'],
  'patient.deceased': ['ADMIN', 'DOCTOR', 'HIM'],
  'patient.restrict': ['ADMIN', 'HIM'],
  'patient.merge': ['ADMIN', 'HIM'],
  'patient.export': ['ADMIN', 'HIM'],
  'registry.export': ['ADMIN', 'HIM'],
  'audit.read': ['ADMIN', 'AUDITOR'],
  'access.review': ['ADMIN', 'AUDITOR'],
  'access.manage': ['ADMIN'],
  'events.manage': ['ADMIN'],
  'registry.configure': ['ADMIN'],
};

test.each(Object.keys(scopes) as Scope[])('%s is held by exactly the roles of the matrix', (scope) => {
  expect(Object.keys(roles).filter((role) => mayDo(role, scope))).toEqual(columns[scope]);
});

test('an unknown role, also one named like a property of every object, may do nothing', () => {
  expect(mayDo('VISITOR', 'patient.search')).toBe(false);
  expect(mayDo('constructor', 'patient.search')).toBe(false);
});

test('nobody may delete a patient', () => {
  expect(Object.keys(scopes).filter((scope) => /delete|remove/.test(scope))).toEqual([]);
});
