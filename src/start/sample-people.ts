import type { Patient, PatientRepository } from '../index.ts';
import type { SyntheticPerson } from '../synth/index.ts';

/** Registers a synthetic person with everything that stands beside the demographics. */
export async function registerSynthetic(patients: PatientRepository, person: SyntheticPerson): Promise<void> {
  const { reference: _r, household: _h, sexAtBirth: _s, motherReference: _m, deceasedAt, names, addresses, telecoms, identifiers, ...demographics } = person;
  const { id } = await patients.create(demographics);
  for (const name of names) await patients.addName(id, name);
  for (const address of addresses) await patients.addAddress(id, address);
  for (const telecom of telecoms) await patients.addTelecom(id, telecom);
  for (const identifier of identifiers) await patients.addIdentifier(id, identifier);
  if (deceasedAt !== null) await patients.markDeceased(id, { deceasedAt });
}

/**
 * What synthetic people in rows do not show: names in another script and of earlier, a number of another authority, a patient
 * whom nobody knows, twins under their mother. Returns how many charts were made.
 */
export async function addSamplePeople(patients: PatientRepository): Promise<number> {
  await patients.defineIdentifierAuthority('SAMPLE-NID', {
    name: 'Sample national identity card',
    type: 'NI',
    systemUri: 'urn:oid:2.16.840.1.113883.19.4.6',
    pattern: '[0-9]{9}',
    checkDigit: 'verhoeff',
  });
  const mother = await registerMother(patients);
  for (const birthOrder of [1, 2]) await patients.registerNewborn({ motherId: mother.id, dateOfBirth: '2026-01-15', birthOrder, multipleBirthCount: 2 });
  await patients.registerUnidentified({ gender: 'MALE', estimatedAge: 45 });
  return 4;
}

async function registerMother(patients: PatientRepository): Promise<Patient> {
  const mother = await patients.create({
    firstName: 'Olena',
    lastName: 'Example',
    dateOfBirth: '1994-05-17',
    gender: 'FEMALE',
    preferredLanguage: 'uk',
    phone: '+254200000001',
    addressLine1: 'Sample Street 1',
    city: 'Nairobi',
    country: 'KE',
  });
  await patients.update(mother.id, { version: 1, lastName: 'Sample-Example', addressLine1: 'Sample Avenue 7', phone: '+254200000002' });
  await patients.addName(mother.id, { use: 'TRANSCRIPTION', script: 'Cyrl', language: 'uk', firstName: 'Олена', lastName: 'Зразок' });
  const identifier = await patients.addIdentifier(mother.id, { authorityCode: 'SAMPLE-NID', value: '123 456 784' });
  await patients.verifyIdentifier({ patientId: mother.id, id: identifier.id });
  return mother;
}
