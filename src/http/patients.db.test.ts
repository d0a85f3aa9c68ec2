import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabase, type TestDatabase } from '../../test/support/database.ts';
import { openTestHttp } from '../../test/support/http.ts';
import { Problem } from '../api/problem.schema.ts';
import { routes } from '../api/routes.ts';
import { Patient } from '../patient/patient.schema.ts';
import { healthRoutes } from '../api/health.routes.ts';
import { bindings } from './routes/index.ts';

let database: TestDatabase;
let server: ReturnType<typeof openTestHttp>;
beforeAll(async () => {
  database = await createDatabase({ template: 'migrated' });
  server = openTestHttp(database);
});
afterAll(async () => {
  await server.close();
  await database.drop();
});

const person = { firstName: 'Synthetic', lastName: 'Person', dateOfBirth: '1990-01-01' };
const desk = { 'x-test-role': 'FRONT_DESK' };

test('every contract is bound once, in the order of the description', () => {
  expect([...healthRoutes, ...bindings.map(({ contract }) => contract)].map(({ operationId }) => operationId).toSorted()).toEqual(
    routes.map(({ operationId }) => operationId).toSorted(),
  );
});

test('a patient is registered and found again, with its version as ETag and the caller in the trail', async () => {
  const made = await server.inject({ method: 'POST', url: '/api/v1/patients', headers: desk, payload: person });
  expect(made.statusCode).toBe(201);
  const patient = Patient.parse(made.json());
  expect(made.headers).toMatchObject({ etag: '"1"', location: `/api/v1/patients/${patient.id}` });
  const found = await server.inject({ url: made.headers.location as string, headers: { ...desk, 'x-request-id': 'request-1' } });
  expect(found.json()).toEqual(made.json());
  const [viewed] = await database.query('SELECT * FROM patient_audit_events WHERE action = $1', ['patient.viewed']);
  expect(viewed).toMatchObject({ patientId: patient.id, actorKind: 'account', actorName: 'test-front_desk', requestId: 'request-1' });
});

test('nobody known is 401, a role without the scope 403, a body with a wrong field 400 with its name, another content-type 415', async () => {
  const post = (headers: Record<string, string>, payload: object | string = person) =>
    server.inject({ method: 'POST', url: '/api/v1/patients', headers, payload });
  const codes = await Promise.all([
    post({}),
    post({ 'x-test-role': 'AUDITOR' }),
    post(desk, { ...person, lastName: '' }),
    post({ ...desk, 'content-type': 'text/csv' }, 'a,b'),
  ]);
  expect(codes.map((reply) => [reply.statusCode, Problem.parse(reply.json()).code])).toEqual([
    [401, 'CREDENTIALS_MISSING'],
    [403, 'ACCESS_DENIED'],
    [400, 'INPUT_INVALID'],
    [415, 'CONTENT_TYPE_UNSUPPORTED'],
  ]);
  expect(codes[2]?.json().details.fields).toEqual([{ field: 'lastName', problem: expect.stringContaining('must not be empty') }]);
});
