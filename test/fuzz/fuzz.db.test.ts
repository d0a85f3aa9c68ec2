import { afterAll, beforeAll, expect, test } from 'vitest';
import { listen } from '../../src/http/server.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { fuzzServer } from '../support/fuzz.ts';
import { prepareFuzz } from '../support/fuzz-target.ts';
import { openTestHttp } from '../support/http.ts';

let database: TestDatabase;
let server: ReturnType<typeof openTestHttp>;
let baseUrl: string;
beforeAll(async () => {
  database = await createDatabase({ template: 'migrated' });
  server = openTestHttp(database);
  baseUrl = await listen(server, { port: 0, host: '127.0.0.1' });
});
afterAll(async () => {
  await server.close();
  await database.drop();
});

test('every operation answers malformed and hostile input with a problem that repeats nothing, and writes nothing', async () => {
  const target = await prepareFuzz(database, server);
  const { requests, statuses, findings } = await fuzzServer({ server, baseUrl, ...target, seed: 1, casesPerOperation: 25 });
  expect(findings).toEqual([]);
  // An attack that never gets through, or always, tries nothing.
  expect(requests).toBeGreaterThan(1000);
  expect(Object.keys(statuses)).toEqual(expect.arrayContaining(['200', '201', '400', '404']));
  expect((await server.inject('/health/live')).statusCode).toBe(200);
}, 120_000);
