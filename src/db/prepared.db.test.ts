import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabase, type TestDatabase } from '../../test/support/database.ts';
import { openRegistry, type Registry } from '../index.ts';

let database: TestDatabase;
let registry: Registry;
beforeAll(async () => {
  database = await createDatabase({ template: 'migrated' });
  registry = await openRegistry({ databaseUrl: database.url, maxConnections: 2 });
});
afterAll(async () => {
  await registry.close();
  await database.drop();
});

const person = { firstName: 'Synthetic', lastName: 'Person', dateOfBirth: '1990-01-01' };

test('plans are kept under names, and a column altered under a running server is no error for its callers', async () => {
  const { patientRepository } = registry;
  const patient = await patientRepository.create(person);
  await Promise.all(Array.from({ length: 20 }, () => patientRepository.findById(patient.id)));
  await database.query('ALTER TABLE patients ALTER COLUMN city TYPE varchar(300)');
  const found = await Promise.all(Array.from({ length: 20 }, () => patientRepository.findById(patient.id)));
  expect(new Set(found.map((each) => each?.id))).toEqual(new Set([patient.id]));
  expect((await patientRepository.update(patient.id, { version: patient.version, city: 'Nairobi' })).city).toBe('Nairobi');
  expect((await patientRepository.create(person)).version).toBe(1);
  const viewed = await database.query(`SELECT count(*)::int AS n FROM patient_audit_events WHERE action = 'patient.viewed'`);
  expect(viewed).toEqual([{ n: 40 }]);
});
