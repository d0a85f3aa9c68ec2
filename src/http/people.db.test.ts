import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabase, type TestDatabase } from '../../test/support/database.ts';
import { openTestHttp } from '../../test/support/http.ts';
import { Problem } from '../api/problem.schema.ts';
import { parseDatabaseUrl } from '../base/config.ts';
import { Patient } from '../patient/patient.schema.ts';
import { FacilitySettings } from '../settings/settings.schema.ts';
import { openServerRegistry } from './registry.ts';

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

async function call(
  method: 'GET' | 'POST' | 'PATCH' | 'PUT',
  path: string,
  options: { role?: string; body?: object; etag?: string | undefined; key?: string } = {},
) {
  const { role = 'FRONT_DESK', body, etag, key } = options;
  const reply = await server.inject({
    method,
    url: path.startsWith('/') ? path : `/api/v1/${path}`,
    headers: { 'x-test-role': role, ...(etag === undefined ? {} : { 'if-match': etag }), ...(key === undefined ? {} : { 'idempotency-key': key }) },
    ...(body === undefined ? {} : { payload: body }),
  });
  const { location, etag: version } = reply.headers;
  return { status: reply.statusCode, headers: { location, etag: version?.toString() }, body: reply.body === '' ? undefined : reply.json() };
}

async function register(fields: object = {}): Promise<Patient> {
  return Patient.parse((await call('POST', 'patients', { body: { ...person, ...fields } })).body);
}

const parts = [
  { path: 'names', add: { use: 'ALIAS', lastName: 'Other' }, change: { use: 'NICKNAME' }, first: { use: 'OFFICIAL', lastName: 'Person' } },
  { path: 'addresses', add: { use: 'WORK', city: 'Nairobi' }, change: { city: 'Kisumu' }, first: { use: 'HOME', city: 'Mombasa' } },
  {
    path: 'telecoms',
    add: { system: 'PHONE', use: 'WORK', value: '+254 20 1234567' },
    change: { use: 'OTHER' },
    first: { use: 'PRIMARY', value: '+254722000111' },
  },
  { path: 'identifiers', add: { type: 'PPN', value: 'X 1' }, change: { notes: 'seen' }, first: { type: 'MR' } },
];

test.each(parts)('$path: list, add, read, change, end and remove, each by ETag and by right', async ({ path, add, change, first }) => {
  const { id } = await register({ city: 'Mombasa', phone: '+254722000111' });
  const base = `patients/${id}/${path}`;
  const added = await call('POST', base, { body: add });
  expect(added).toMatchObject({ status: 201, headers: { location: `/api/v1/${base}/${added.body.id}`, etag: expect.stringMatching(/^"\d+"$/) } });
  const one = added.headers.location as string;
  expect((await call('GET', one, { role: 'NURSE' })).body).toEqual(added.body);
  expect((await call('POST', base, { role: 'NURSE', body: add })).status).toBe(403);
  expect((await call('PATCH', one, { body: change })).body).toMatchObject({ code: 'IF_MATCH_MISSING' });
  const changed = await call('PATCH', one, { body: change, etag: added.headers.etag });
  expect(changed).toMatchObject({ status: 200, body: change });
  expect((await call('PATCH', one, { body: change, etag: added.headers.etag })).status).toBe(412);
  const list = await call('GET', base, { role: 'DOCTOR' });
  expect(list.body.items).toMatchObject([
    { id: null, ...first },
    { id: added.body.id, ...change },
  ]);
  const ended = await call('POST', `${one}/end`, { body: { periodEnd: '2026-01-01' }, etag: changed.headers.etag });
  expect(ended).toMatchObject({ status: 200, body: { periodEnd: '2026-01-01' } });
  expect((await call('POST', `${one}/remove`, { body: { reason: 'mistake' }, etag: ended.headers.etag })).status).toBe(204);
  expect((await call('GET', one)).status).toBe(404);
  expect((await call('GET', base)).body.items).toHaveLength(1);
});

test('an authority is described by an administrator; a wrong number is told without repeating it', async () => {
  const authority = { name: 'National identity card', type: 'NI', pattern: '[0-9]{8}' };
  expect((await call('PUT', 'identifier-authorities/NID', { body: authority })).status).toBe(403);
  expect(await call('PUT', 'identifier-authorities/NID', { role: 'ADMIN', body: authority })).toMatchObject({
    status: 200,
    body: { code: 'NID', active: true },
  });
  expect((await call('GET', 'identifier-authorities')).body.items).toMatchObject([{ code: 'NID' }]);
  const { id } = await register();
  const wrong = await call('POST', `patients/${id}/identifiers`, { body: { authorityCode: 'NID', value: '987654321' } });
  expect([wrong.status, Problem.parse(wrong.body).code]).toEqual([400, 'IDENTIFIER_PATTERN_MISMATCH']);
  expect(JSON.stringify(wrong.body)).not.toContain('987654321');
  const added = await call('POST', `patients/${id}/identifiers`, { body: { authorityCode: 'NID', value: '9876 5432' } });
  const verified = await call('POST', `${added.headers.location}/verify`, { body: {}, etag: added.headers.etag });
  expect(verified).toMatchObject({ status: 200, body: { isVerified: true } });
  const other = await register();
  const taken = await call('POST', `patients/${other.id}/identifiers`, { body: { authorityCode: 'NID', value: '98765432' } });
  expect(taken).toMatchObject({ status: 409, body: { code: 'IDENTIFIER_TAKEN', details: { patientIds: [id] } } });
  expect((await call('POST', 'patients/lookup/identifier', { body: { type: 'NI', value: '98765432' } })).body.id).toBe(id);
});

test('a name that changes is kept, unless it was a typing error', async () => {
  const { id } = await register();
  await call('PATCH', `patients/${id}`, { body: { lastName: 'Married' }, etag: '"1"' });
  await call('PATCH', `patients/${id}`, { body: { lastName: 'Maried', correction: true }, etag: '"2"' });
  expect((await call('GET', `patients/${id}/names`)).body.items).toMatchObject([{ lastName: 'Maried' }, { use: 'FORMER', lastName: 'Person' }]);
});

test('an unidentified patient waits in the queue until identified, by whoever may change demographics', async () => {
  const made = await call('POST', 'patients/unidentified', { role: 'NURSE', body: { gender: 'FEMALE', estimatedAge: 30 } });
  expect(made).toMatchObject({
    status: 201,
    body: { lastName: 'Unknown', identityStatus: 'UNIDENTIFIED' },
    headers: { location: `/api/v1/patients/${made.body.id}` },
  });
  const queue = async () => (await call('GET', 'placeholders?origin=UNIDENTIFIED&limit=100')).body.items.map((each: { patientId: string }) => each.patientId);
  expect(await queue()).toContain(made.body.id);
  const who = { firstName: 'Now', lastName: 'Known', dateOfBirth: null };
  expect((await call('POST', `patients/${made.body.id}/identify`, { role: 'NURSE', body: who, etag: '"1"' })).status).toBe(403);
  // What the desk is not shown it does not write.
  expect((await call('POST', `patients/${made.body.id}/identify`, { body: { ...who, bloodType: 'A+' }, etag: '"1"' })).body.code).toBe('FIELD_FORBIDDEN');
  expect(await call('POST', `patients/${made.body.id}/identify`, { body: who, etag: '"1"' })).toMatchObject({
    status: 200,
    headers: { etag: '"2"' },
    body: { mrn: made.body.mrn, lastName: 'Known', identityStatus: 'KNOWN' },
  });
  expect(await queue()).not.toContain(made.body.id);
});

test('the configuration says how the unidentified are called', async () => {
  const registry = openServerRegistry(parseDatabaseUrl(database.url), { ...FacilitySettings.parse({ unidentifiedLastName: 'Doe' }), maxConnections: 2 });
  await using house = openTestHttp(database, { registry });
  const made = await house.inject({ method: 'POST', url: '/api/v1/patients/unidentified', headers: { 'x-test-role': 'NURSE' }, payload: { gender: 'MALE' } });
  expect(made.json()).toMatchObject({ lastName: 'Doe', firstName: expect.stringMatching(/^Male \d{4}-\d\d-\d\d \d\d:\d\d$/) });
  await registry.close();
});

test('a newborn is registered under its mother once; of a restricted mother only with a grant', async () => {
  const mother = await register();
  const birth = { motherId: mother.id, dateOfBirth: '2026-01-10' };
  const child = await call('POST', 'patients/newborns', { role: 'NURSE', body: birth });
  expect(child).toMatchObject({ status: 201, body: { firstName: 'Baby of Synthetic', lastName: 'Person' } });
  expect(await call('POST', 'patients/newborns', { role: 'NURSE', body: birth })).toMatchObject({
    status: 409,
    body: { code: 'NEWBORN_REGISTERED', details: { patientId: child.body.id } },
  });
  expect((await call('GET', `patients/${mother.id}/children`)).body.items).toMatchObject([{ id: child.body.id, dateOfBirth: '2026-01-10' }]);
  await call('POST', `patients/${mother.id}/restrict`, { role: 'HIM', body: { reason: 'staff' }, etag: '"1"' });
  const refused = await call('POST', 'patients/newborns', { body: { ...birth, dateOfBirth: '2026-09-10' } });
  expect(refused).toMatchObject({ status: 403, body: { code: 'CHART_RESTRICTED' } });
  for (const path of ['names', 'addresses', 'telecoms', 'identifiers', 'children'])
    expect((await call('GET', `patients/${mother.id}/${path}`)).status, path).toBe(403);
});

test('a registration that is sent again with its key is made once: newborn, unidentified, identifier', async () => {
  const mother = await register();
  const calls = [
    ['patients/newborns', { motherId: mother.id, dateOfBirth: '2026-02-01' }],
    ['patients/unidentified', { gender: 'OTHER' }],
    [`patients/${mother.id}/identifiers`, { type: 'DL', value: 'once' }],
  ] as const;
  for (const [path, body] of calls) {
    const twice = await Promise.all([1, 2].map(() => call('POST', path, { body, key: `again-${path}` })));
    const third = await call('POST', path, { body, key: `again-${path}` });
    const made = twice.filter(({ status }) => status === 201);
    expect(made.length, path).toBeGreaterThan(0);
    expect(third, path).toMatchObject({ status: 201, body: { id: made[0]?.body.id } });
  }
  expect((await call('GET', `patients/${mother.id}/children`)).body.items).toHaveLength(1);
});

test('a restricted chart in the queue or among children shows its id alone', async () => {
  const mother = await register();
  const child = await call('POST', 'patients/newborns', { body: { motherId: mother.id, dateOfBirth: '2026-01-10' } });
  await call('POST', `patients/${child.body.id}/restrict`, { role: 'HIM', body: { reason: 'custody' }, etag: '"1"' });
  expect((await call('GET', `patients/${mother.id}/children`)).body.items).toEqual([
    { id: child.body.id, restricted: true, mrn: null, dateOfBirth: null, birthOrder: null, multipleBirthCount: null },
  ]);
  const waiting = (await call('GET', 'placeholders?origin=NEWBORN&limit=100')).body.items;
  expect(waiting.find((each: { patientId: string }) => each.patientId === child.body.id)).toMatchObject({ mrn: null });
});

test('malformed input is refused by name, never with 500', async () => {
  const { id } = await register();
  const replies = await Promise.all([
    call('POST', `patients/${id}/names`, { body: { use: 'ALIAS', lastName: 'a\u0000b' } }),
    call('POST', `patients/${id}/names`, { body: { use: 'ALIAS', lastName: 'x', periodEnd: '2026-02-30' } }),
    call('POST', `patients/${id}/identifiers`, { body: { type: 'ni', value: '1' } }),
    call('POST', `patients/${id}/telecoms`, { body: { system: 'EMAIL', use: 'WORK', value: 'nobody' } }),
    call('POST', 'patients/newborns', { body: { motherId: 'no-uuid', dateOfBirth: '2026-01-10' } }),
    call('GET', 'placeholders?cursor=nonsense'),
    call('GET', 'placeholders?limit=0'),
    call('GET', `patients/${id}/names/no-uuid`),
    call('PUT', 'identifier-authorities/BAD', { role: 'ADMIN', body: { name: 'Bad', type: 'XX', pattern: '(' } }),
  ]);
  for (const { status, body } of replies) expect([400, 404], JSON.stringify(body)).toContain(status);
});
