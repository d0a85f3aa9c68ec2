import { afterEach, beforeEach, expect, test } from 'vitest';
import { createDatabase, type TestDatabase } from '../../test/support/database.ts';
import { parseDatabaseUrl } from '../base/config.ts';
import { createReadiness, type Readiness } from './readiness.ts';

let database: TestDatabase;
let readiness: Readiness;
beforeEach(async () => {
  database = await createDatabase({ template: 'migrated' });
  readiness = createReadiness(parseDatabaseUrl(database.url));
});
afterEach(async () => {
  await readiness.close();
  await database.drop();
});

test('pending and drifted are told apart, in words, and it is ready the moment that the database is', async () => {
  await database.query('ALTER TABLE patients RENAME COLUMN "middleName" TO "otherName"');
  await expect(readiness.assertReady()).rejects.toMatchObject({
    code: 'MIGRATIONS_PENDING',
    message: expect.stringContaining('patients.middleName is missing'),
    details: { count: 1, first: ['patients.middleName is missing'] },
  });
  await database.query('ALTER TABLE patients RENAME COLUMN "otherName" TO "middleName"');
  await database.query('ALTER TABLE patients ALTER COLUMN "lastName" DROP NOT NULL');
  await expect(readiness.assertReady()).rejects.toMatchObject({
    code: 'CATALOGUE_DRIFTED',
    face: { httpStatus: 503 },
    message: expect.stringContaining('patients.lastName is changed'),
  });
  await database.query('ALTER TABLE patients ALTER COLUMN "lastName" SET NOT NULL');
  await expect(readiness.assertReady()).resolves.toBeUndefined();
});

test('a database without the module is pending', async () => {
  await using host = await createDatabase({ template: 'host' });
  const before = createReadiness(parseDatabaseUrl(host.url));
  await expect(before.assertReady()).rejects.toMatchObject({ code: 'MIGRATIONS_PENDING' });
  await before.close();
});

test('probes in a row ask the database once', async () => {
  const patient = createReadiness(parseDatabaseUrl(database.url), { answerHoldsMilliseconds: 600_000 });
  await patient.assertReady();
  await database.query('DROP TABLE patients CASCADE');
  await expect(Promise.all(Array.from({ length: 20 }, () => patient.assertReady()))).resolves.toHaveLength(20);
  await patient.close();
});

test('a connection that died is replaced', async () => {
  const impatient = createReadiness(parseDatabaseUrl(database.url), { answerHoldsMilliseconds: 0 });
  await impatient.assertReady();
  const cut = await database.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'onechart readiness'`,
  );
  expect(cut).toHaveLength(1);
  await expect(impatient.assertReady()).resolves.toBeUndefined();
  await impatient.close();
});
