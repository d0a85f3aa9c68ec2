import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabase, type TestDatabase } from '../../test/support/database.ts';
import { openTestHttp } from '../../test/support/http.ts';
import { listen } from '../http/server.ts';
import { createClient } from './client.ts';

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

const person = { firstName: 'Synthetic', lastName: 'Person', dateOfBirth: '1990-01-01' };
const as = (role: string) => createClient({ baseUrl, checkAnswers: true, headers: () => ({ 'x-test-role': role }) });

test('registers and opens a chart, typed, with the version for the next change', async () => {
  const client = as('FRONT_DESK');
  const made = await client.registerPatient({ body: person });
  expect(made).toMatchObject({ status: 201, version: 1, body: { lastName: 'Person' } });
  expect((await client.getPatient({ params: { id: made.body.id } })).body.mrn).toBe(made.body.mrn);
});

test('a problem comes back as the error it was on the server, with the request id', async () => {
  await expect(as('AUDITOR').registerPatient({ body: person })).rejects.toMatchObject({
    kind: 'forbidden',
    code: 'ACCESS_DENIED',
    details: { role: 'AUDITOR', requestId: expect.any(String) },
  });
});

test('a call that may be repeated is tried again with the same key after a lost connection; another is not', async () => {
  const keys: (string | null)[] = [];
  const failing: typeof fetch = async (_url, init) => {
    keys.push(new Headers(init?.headers).get('idempotency-key'));
    throw new TypeError('fetch failed');
  };
  const client = createClient({ baseUrl, retries: 1, fetch: failing });
  await expect(client.registerPatient({ body: person })).rejects.toMatchObject({ code: 'SERVER_UNREACHABLE' });
  expect(keys).toHaveLength(2);
  expect(new Set(keys).size).toBe(1);
  expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/);
});
