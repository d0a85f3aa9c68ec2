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

test('probes in a row ask the database once, and a connection that died is replaced', async () => {
  const asked = async () =>
    (
      await database.query<{ query_start: Date }>(
        `SELECT query_start FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'onechart readiness'`,
      )
    ).map((row) => row.query_start.getTime());
  await readiness.assertReady();
  const first = await asked();
  await Promise.all(Array.from({ length: 20 }, () => readiness.assertReady()));
  expect(await asked()).toEqual(first);

  await database.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'onechart readiness'`);
  const again = createReadiness(parseDatabaseUrl(database.url));
  await expect(again.assertReady()).resolves.toBeUndefined();
  await again.close();
  await expect
    .poll(async () => {
      await readiness.assertReady();
      return (await asked()).length;
    })
    .toBe(1);
});
