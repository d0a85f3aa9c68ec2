import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Patient } from '../patient/patient.schema.ts';
import { Role, roles } from './access.schema.ts';
import { mayDo } from './access.ts';
import { deeds, hideFields, requireWritable, sections, wholeChartFields } from './field-rights.ts';
import { maskPatient, needsOpening, requireOpen } from './restricted.ts';
import { MaskedPatient } from './restricted.schema.ts';

const patients = fc.record({
  id: fc.uuid(),
  mrn: fc.string({ minLength: 3 }),
  firstName: fc.option(fc.string({ minLength: 3 })),
  lastName: fc.string({ minLength: 3 }),
  dateOfBirth: fc.option(fc.constantFrom('1931-07-19', '1990-01-01')),
  bloodType: fc.option(fc.constantFrom('A+', 'O-')),
  phone: fc.option(fc.string({ minLength: 3 })),
  restricted: fc.boolean(),
  restrictedReason: fc.option(fc.string({ minLength: 3 })),
  mergedInto: fc.option(fc.uuid()),
  version: fc.nat(),
}) as unknown as fc.Arbitrary<Patient>;
const viewers = fc.constantFrom(...Role.options, 'NOBODY').map((role) => ({ role, id: 'someone' }));

test('a mask holds nothing but the id, whatever the chart holds', () => {
  fc.assert(
    fc.property(patients, (patient) => {
      expect(maskPatient(patient)).toEqual({ id: patient.id, masked: true, restricted: true });
      expect(MaskedPatient.safeParse({ ...maskPatient(patient), lastName: patient.lastName }).success).toBe(false);
    }),
  );
});

test('hidden fields are null for every role without the whole chart, and their list does not depend on the patient', () => {
  fc.assert(
    fc.property(patients, viewers, (patient, viewer) => {
      const shown = hideFields(viewer, patient);
      if (mayDo(viewer.role, 'patient.read')) {
        expect(shown).toBe(patient);
      } else {
        expect(shown.hidden).toEqual([...wholeChartFields]);
        for (const field of wholeChartFields) expect(shown[field]).toBeNull();
        expect(shown.lastName).toBe(patient.lastName);
        for (const field of wholeChartFields)
          expect(() => requireWritable(viewer, { [field]: null })).toThrow(expect.objectContaining({ code: 'FIELD_FORBIDDEN' }));
      }
      expect(hideFields(undefined, patient)).toBe(patient);
      expect(() => requireWritable(undefined, patient)).not.toThrow();
    }),
  );
});

test('without a grant a restricted chart opens to no role there is, and with one to its holder', () => {
  fc.assert(
    fc.property(patients, viewers, (patient, viewer) => {
      expect(needsOpening(viewer, patient)).toBe(patient.restricted || patient.mergedInto !== null);
      expect(needsOpening(undefined, patient)).toBe(false);
      expect(() => requireOpen(viewer, patient, { restricted: true, grantId: null })).toThrow(expect.objectContaining({ code: 'CHART_RESTRICTED' }));
      expect(() => requireOpen(viewer, patient, { restricted: true, grantId: 'grant' })).not.toThrow();
      expect(() => requireOpen(viewer, patient, { restricted: false, grantId: null })).not.toThrow();
    }),
  );
});

test('the refusal names nobody', () => {
  const patient = { id: 'the-id', lastName: 'Zedekiah' } as Patient;
  const refused = () => requireOpen({ role: 'ADMIN', id: 'a' }, patient, { restricted: true, grantId: null });
  expect(refused).toThrow(expect.objectContaining({ kind: 'forbidden', details: { id: 'the-id' }, message: expect.not.stringContaining('Zedekiah') }));
});

test('nobody changes a part of a chart that they do not see, and nobody opens glass without charts to see', () => {
  for (const role of Object.keys(roles)) {
    for (const { see, change } of Object.values(sections)) if (mayDo(role, change)) expect(mayDo(role, see), `${role} ${change}`).toBe(true);
    for (const scope of Object.values(deeds)) if (mayDo(role, scope)) expect(mayDo(role, 'patient.read.demographics')).toBe(true);
    expect(mayDo(role, 'patient.break-glass')).toBe(mayDo(role, 'patient.read.demographics'));
  }
});
