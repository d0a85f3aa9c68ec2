import { expect, test } from 'vitest';
import { wordsOf } from '../../test/support/pdf-words.ts';
import { Allergy, Contact, Patient, RiskFlag } from '../patient/patient.schema.ts';
import { PatientIdentifier } from '../identifier/identifier.schema.ts';
import { PatientName } from '../patient/name.schema.ts';
import { ageAt, type FaceSheet, printFaceSheet } from './face-sheet.ts';

const at = '2026-01-01T00:00:00.000Z';
const times = { createdAt: at, updatedAt: at, createdBy: null, updatedBy: null };
const nothing = Object.fromEntries(Object.keys(Patient.shape).map((field) => [field, null]));
const patient = Patient.parse({
  ...nothing,
  ...times,
  hidden: undefined,
  id: 'p',
  mrn: 'MRN0000017',
  firstName: 'Ana María',
  lastName: 'Wanjiru',
  dateOfBirth: '1990-03-01',
  gender: 'FEMALE',
  phone: '+254201234567',
  city: 'Nairobi',
  status: 'ACTIVE',
  restricted: false,
  deceased: false,
  archived: false,
  version: 1,
});
const row = { id: 'r', patientId: 'p', ...times };
const name = PatientName.parse({
  ...row,
  use: 'TRANSCRIPTION',
  firstName: 'Анна',
  middleName: null,
  lastName: 'Ванджиру',
  script: 'Cyrl',
  language: null,
  periodStart: null,
  periodEnd: null,
});
const contact = { address: null, language: null, notes: null, priority: 1, isNextOfKin: false };
const allergy = { allergyType: 'DRUG', diagnosedAt: null, diagnosedBy: null, active: true, notes: null };
const sheet: FaceSheet = {
  patient,
  names: [name, { ...name, lastName: 'Ended', periodEnd: name.periodStart ?? patient.dateOfBirth }],
  addresses: [],
  telecoms: [],
  identifiers: [
    PatientIdentifier.parse({
      ...row,
      authorityCode: 'KE-PASSPORT',
      system: null,
      type: 'PPN',
      value: 'A123',
      periodStart: null,
      periodEnd: null,
      isVerified: true,
      verifiedAt: null,
      verifiedBy: null,
      notes: null,
    }),
  ],
  contacts: [
    Contact.parse({
      ...row,
      ...contact,
      firstName: 'Brian',
      lastName: 'Otieno',
      relationship: 'SPOUSE',
      phone: '+254201234568',
      email: null,
      isEmergencyContact: true,
    }),
  ],
  allergies: [
    Allergy.parse({ ...row, ...allergy, allergen: 'Nuts', severity: 'MILD', reaction: null }),
    Allergy.parse({ ...row, ...allergy, allergen: 'Penicillin', severity: 'LIFE_THREATENING', reaction: 'anaphylaxis' }),
  ],
  riskFlags: [
    RiskFlag.parse({
      id: 'f',
      patientId: 'p',
      flagType: 'FALL_RISK',
      severity: 'HIGH',
      description: null,
      setBy: null,
      setAt: at,
      active: true,
      clearedBy: null,
      clearedAt: null,
      notes: null,
      updatedAt: at,
    }),
  ],
  mergedInto: undefined,
};
const printing = { now: new Date('2026-11-23T22:30:00Z'), by: 'a.njeri', timeZone: 'Africa/Nairobi', paper: { size: 'A4', fonts: [] } } as const;
const printed = async (changes: Partial<FaceSheet> = {}) => wordsOf(await printFaceSheet({ ...sheet, ...changes }, printing));

test('a sheet says who it is, what is dangerous and whom to call, on one page', async () => {
  const pages = await printed();
  expect(pages).toHaveLength(1);
  for (const text of [
    'Wanjiru, Ana María',
    'Transcription (Cyrl): Ванджиру, Анна',
    'MRN0000017',
    '1990-03-01 (36 years)',
    'Female',
    'Penicillin – Life threatening: anaphylaxis|Nuts – Mild',
    'Fall risk – High',
    'Brian Otieno|Spouse|+254201234568|–|emergency',
    'PPN|A123|KE-PASSPORT|verified',
    // The day of the facility, not of UTC.
    'Printed 2026-11-24 01:30 (Africa/Nairobi) by a.njeri',
    'Page 1 of 1',
  ])
    expect(pages[0]).toContain(text);
  expect(pages[0]).not.toContain('Ended');
});

test('an empty list is no statement that there is nothing, and what a role may not see is not passed over in silence', async () => {
  expect((await printed({ allergies: [] }))[0]).toContain('None recorded. This does not mean that there are none.');
  const [page] = await printed({ allergies: undefined, riskFlags: undefined, patient: { ...patient, hidden: ['bloodType'] } });
  expect(page?.match(/Not shown to this role\. Ask somebody/g)).toHaveLength(2);
  expect(page).not.toContain('Penicillin');
});

test('restricted, merged, deceased and unidentified charts say so above everything', async () => {
  const deceased = {
    ...patient,
    restricted: true,
    deceased: true,
    deceasedAt: '2020-05-01T10:00:00.000Z',
    identityStatus: 'UNIDENTIFIED',
    mergedInto: 'q',
  } as const;
  const [page] = await printed({ patient: deceased, mergedInto: { ...patient, mrn: 'MRN0000025' } });
  for (const text of ['Restricted chart', 'Use MRN MRN0000025.', '2020-05-01 13:00', 'Identity not known', '1990-03-01 (30 years at death)'])
    expect(page).toContain(text);
});

test.each([
  ['2026-11-01', '2026-11-23', '22 days'],
  ['2026-11-22', '2026-11-23', '1 day'],
  ['2026-01-31', '2026-11-30', '9 months'],
  ['2024-11-24', '2026-11-23', '23 months'],
  ['2024-11-23', '2026-11-23', '2 years'],
  ['2000-02-29', '2026-02-28', '25 years'],
])('born %s, on %s: %s', (birth, day, age) => {
  expect(ageAt(birth, day)).toBe(age);
});
