import { once } from 'node:events';
import { connect } from 'node:net';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabase, type TestDatabase } from '../../test/support/database.ts';
import { openTestHttp } from '../../test/support/http.ts';
import { createHost, filesFor } from '../../test/support/migrate.ts';
import { Problem } from '../api/problem.schema.ts';
import { listen } from './server.ts';

let database: TestDatabase;
let server: ReturnType<typeof openTestHttp>;
let id: string;
const admin = { 'x-test-role': 'ADMIN' };
beforeAll(async () => {
  database = await createDatabase({ template: 'migrated' });
  server = openTestHttp(database);
  id = await register({ lastName: 'First' });
});
afterAll(async () => {
  await server.close();
  await database.drop();
});

async function register(fields: object): Promise<string> {
  const reply = await server.inject({
    method: 'POST',
    url: '/api/v1/patients',
    headers: admin,
    payload: { firstName: 'Synthetic', dateOfBirth: null, ...fields },
  });
  return reply.json<{ id: string }>().id;
}

const get = (url: string, headers: Record<string, string> = {}) => server.inject({ url, headers: { ...admin, ...headers } });
const views = async () => (await database.query(`SELECT 1 FROM patient_audit_events WHERE action = 'patient.viewed' AND "patientId" = $1`, [id])).length;

test('what the caller has already is 304 without a body, and is recorded in the trail all the same', async () => {
  const before = await views();
  const known = await get(`/api/v1/patients/${id}`, { 'if-none-match': '"7", W/"1"' });
  expect([known.statusCode, known.body, known.headers.etag]).toEqual([304, '', '"1"']);
  expect((await get(`/api/v1/patients/${id}`, { 'if-none-match': '"2"' })).statusCode).toBe(200);
  expect(await views()).toBe(before + 2);
});

test('a change wants If-Match: none is 400, one that is no tag of ours 400, one made weak by a proxy is good, a stale one 412', async () => {
  const patient = await register({ lastName: 'Changed' });
  const patch = (ifMatch: string | undefined) =>
    server.inject({
      method: 'PATCH',
      url: `/api/v1/patients/${patient}`,
      headers: { ...admin, ...(ifMatch === undefined ? {} : { 'if-match': ifMatch }) },
      payload: { city: ifMatch ?? 'none' },
    });
  const codes = [];
  for (const tag of [undefined, '*', '1', '"one"', 'W/"1"', '"1"', '"2"']) {
    const reply = await patch(tag);
    codes.push([tag, reply.statusCode, reply.json<{ code?: string }>().code]);
  }
  expect(codes).toEqual([
    [undefined, 400, 'IF_MATCH_MISSING'],
    ['*', 400, 'IF_MATCH_INVALID'],
    ['1', 400, 'IF_MATCH_INVALID'],
    ['"one"', 400, 'IF_MATCH_INVALID'],
    ['W/"1"', 200, undefined],
    ['"1"', 412, 'PATIENT_STALE_VERSION'],
    ['"2"', 200, undefined],
  ]);
});

test('a merge patch is taken under its own type by PATCH alone, and what is no object is none', async () => {
  const patient = await register({ lastName: 'Patched', city: 'Nairobi', country: 'Kenya' });
  const send = (method: 'PATCH' | 'POST', url: string, payload: string, type = 'application/merge-patch+json') =>
    server.inject({ method, url, headers: { ...admin, 'if-match': '"1"', 'content-type': type }, payload });
  const patched = await send('PATCH', `/api/v1/patients/${patient}`, '{"city":null}');
  expect(patched.json()).toMatchObject({ city: null, country: 'Kenya', version: 2 });
  expect((await send('POST', '/api/v1/patients', '{}')).json()).toMatchObject({ status: 415, code: 'CONTENT_TYPE_UNSUPPORTED' });
  for (const body of ['null', '[]', '"text"', '7', '{"lastName":null}', '{"version":1}', '{"__proto__":{"city":"x"}}', '{"city"']) {
    const refused = await send('PATCH', `/api/v1/patients/${patient}`, body, 'application/json');
    expect([refused.statusCode, Problem.parse(refused.json()).kind], body).toEqual([400, 'invalid']);
  }
});

test('HEAD is GET without its body; OPTIONS and 405 say which methods a path has', async () => {
  const head = await server.inject({ method: 'HEAD', url: `/api/v1/patients/${id}`, headers: admin });
  expect([head.statusCode, head.body, head.headers.etag]).toEqual([200, '', '"1"']);
  const options = await server.inject({ method: 'OPTIONS', url: `/api/v1/patients/${id}` });
  expect([options.statusCode, options.headers.allow, options.headers['accept-patch']]).toEqual([
    204,
    'GET, HEAD, PATCH, OPTIONS',
    'application/merge-patch+json, application/json',
  ]);
  const wrong = await server.inject({ method: 'DELETE', url: `/api/v1/patients/${id}?a=b`, headers: admin });
  expect([wrong.statusCode, wrong.headers.allow, Problem.parse(wrong.json()).code]).toEqual([405, 'GET, HEAD, PATCH, OPTIONS', 'METHOD_NOT_ALLOWED']);
  expect((await server.inject({ method: 'GET', url: `/api/v1/patients/${id}/archive` })).headers.allow).toBe('POST, OPTIONS');
  expect((await server.inject({ method: 'PUT', url: '/health/live' })).headers.allow).toBe('GET, HEAD, OPTIONS');
  for (const method of ['GET', 'OPTIONS', 'DELETE'] as const) expect((await server.inject({ method, url: '/api/v1/nowhere' })).statusCode).toBe(404);
});

test('a slash at the end is the same path; an encoded slash belongs to the id', async () => {
  expect((await get(`/api/v1/patients/${id}/`)).json()).toMatchObject({ id });
  expect((await get('/api/v1/patients/?limit=1')).statusCode).toBe(200);
  expect((await get(`/api/v1/patients/${id}%2Fcontacts`)).json()).toMatchObject({ status: 404, code: 'ID_NOT_FOUND' });
});

test('an id that nothing can have is 404, never 500; a malformed one elsewhere is 400', async () => {
  const unknown = '0190b6b2-6d0f-7c3a-9c6e-000000000000';
  const statuses = [];
  for (const path of [
    '42',
    unknown,
    "x'--",
    '%20a',
    'é',
    'a'.repeat(255),
    `${id}/contacts/42`,
    `${id}/contacts/${unknown}`,
    `${unknown}/contacts/42`,
    '42/merges',
    '42/risk-flags',
  ]) {
    statuses.push([path.slice(0, 50), (await get(`/api/v1/patients/${encodeURI(path).replaceAll('%25', '%')}`)).statusCode]);
  }
  expect(statuses.filter(([, status]) => status !== 404)).toEqual([]);
  for (const path of ['%00', '%0a', 'a'.repeat(256), '%', '%zz', '%ff']) {
    const refused = await get(`/api/v1/patients/${path}`);
    expect([refused.statusCode, Problem.parse(refused.json()).kind], path.slice(0, 5)).toEqual([400, 'invalid']);
    expect(refused.body).not.toContain(path);
  }
  expect((await get('/api/v1/patients?mergedInto=42')).json()).toMatchObject({ status: 400, code: 'VALUE_MALFORMED' });
  expect((await get('/api/v1/patients?cursor=42')).json()).toMatchObject({ status: 400, code: 'CURSOR_INVALID' });
  expect(
    (await get('/api/v1/patients?limit=0&order=x&nothing=1&limit=2'))
      .json()
      .details.fields.map(({ field }: { field: string }) => field)
      .toSorted(),
  ).toEqual(['limit', 'nothing', 'order']);
});

test('a body over 1 MiB is 413, an empty one where a field is needed names the field', async () => {
  const post = (payload: string) =>
    server.inject({ method: 'POST', url: '/api/v1/patients', headers: { ...admin, 'content-type': 'application/json' }, payload });
  expect((await post(`{"lastName":"${'x'.repeat(1024 * 1024)}"}`)).json()).toMatchObject({ status: 413, code: 'BODY_TOO_LARGE' });
  const empty = await post('');
  expect(empty.json<{ details: { fields: { field: string }[] } }>().details.fields.map(({ field }) => field)).toEqual(['firstName', 'lastName', 'dateOfBirth']);
});

test('a long answer is compressed for whoever can read it, a chart is not', async () => {
  await Promise.all(Array.from({ length: 12 }, (_, n) => register({ lastName: `Long${n}`, addressLine1: 'Synthetic Road 1', city: 'Nairobi' })));
  const url = '/api/v1/patients?limit=12&order=name';
  const plain = await get(url);
  expect([plain.headers['content-encoding'], plain.headers.vary]).toEqual([undefined, 'accept-encoding']);
  for (const [accepted, coding, read] of [
    ['gzip, deflate, br', 'br', brotliDecompressSync],
    ['br;q=0, gzip', 'gzip', gunzipSync],
  ] as const) {
    const reply = await get(url, { 'accept-encoding': accepted });
    expect(reply.headers['content-encoding']).toBe(coding);
    expect(reply.rawPayload.length).toBeLessThan(plain.rawPayload.length / 4);
    expect(JSON.parse(read(reply.rawPayload).toString()).items).toEqual(plain.json<{ items: unknown[] }>().items);
  }
  expect((await get(`/api/v1/patients/${id}`, { 'accept-encoding': 'br' })).headers['content-encoding']).toBeUndefined();
});

test('a compressed answer with a version has a weak tag, which a change takes', async () => {
  const patient = await register({ lastName: 'Noted' });
  const added = await server.inject({
    method: 'POST',
    url: `/api/v1/patients/${patient}/contacts`,
    headers: { ...admin, 'accept-encoding': 'gzip' },
    payload: { firstName: 'Next', lastName: 'Of Kin', relationship: 'SIBLING', notes: 'Long. '.repeat(1600) },
  });
  expect(added.headers['content-encoding']).toBe('gzip');
  expect(added.headers.etag).toMatch(/^W\/"\d+"$/);
  const url = `${added.headers.location}`;
  expect((await get(url, { 'if-none-match': `${added.headers.etag}` })).statusCode).toBe(304);
  const changed = await server.inject({ method: 'PATCH', url, headers: { ...admin, 'if-match': `${added.headers.etag}` }, payload: { notes: null } });
  expect(changed.statusCode).toBe(200);
});

test('a row has another tag after every change, also within one millisecond and when the clock of the host is ahead', async () => {
  const patient = await register({ lastName: 'Quick' });
  const added = await server.inject({
    method: 'POST',
    url: `/api/v1/patients/${patient}/contacts`,
    headers: admin,
    payload: { firstName: 'Next', lastName: 'Of Kin', relationship: 'SIBLING' },
  });
  await database.query(`UPDATE patient_contacts SET "updatedAt" = '2099-01-01' WHERE "patientId" = $1`, [patient]);
  const url = `${added.headers.location}`;
  const tags = [`${(await get(url)).headers.etag}`];
  for (let n = 1; n <= 3; n += 1) {
    const changed = await server.inject({ method: 'PATCH', url, headers: { ...admin, 'if-match': tags.at(-1) ?? '' }, payload: { priority: n } });
    tags.push(`${changed.headers.etag}`);
  }
  const start = Date.parse('2099-01-01');
  expect(tags).toEqual([0, 1, 2, 3].map((n) => `"${start + n}"`));
});

test('what nobody knows and what is no HTTP is answered over a socket with a problem, and the server lives on', async () => {
  await using other = openTestHttp(database);
  const { port } = new URL(await listen(other, { port: 0, host: '127.0.0.1' }));
  const ask = async (head: string): Promise<unknown> => {
    const socket = connect(Number(port), '127.0.0.1');
    let answer = '';
    socket.setEncoding('utf8').on('data', (text: string) => {
      answer += text;
    });
    socket.end(`${head}\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n`);
    await once(socket, 'close');
    const [headers, body] = answer.split('\r\n\r\n', 2);
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(headers ?? '')?.[1]);
    if (status < 400) return status;
    const problem = Problem.parse(JSON.parse(body ?? ''));
    expect(problem.status).toBe(status);
    return problem.code;
  };
  expect(await ask(`PROPFIND /api/v1/patients/${id} HTTP/1.1`)).toBe('METHOD_NOT_ALLOWED');
  expect(await ask('TRACE /api/v1/patients HTTP/1.1')).toBe('METHOD_NOT_ALLOWED');
  expect(await ask('NONSENSE / HTTP/1.1')).toBe('REQUEST_MALFORMED');
  expect(await ask(`GET /health/live HTTP/1.1\r\nx: ${'x'.repeat(20_000)}`)).toBe('HEADERS_TOO_LARGE');
  expect(await ask('GET /api/v1/patients/%E0%A4%A HTTP/1.1')).toBe('REQUEST_INVALID');
  expect(await ask('OPTIONS * HTTP/1.1')).toBe('ROUTE_NOT_FOUND');
  expect(await ask('GET /health/live HTTP/1.1')).toBe(200);
});

test('on a host whose ids are text, an id may be any line: with slashes, blanks and letters of any script', async () => {
  await using texts = await createHost('text');
  for (const { sql } of await filesFor(texts)) await texts.query(sql);
  await using other = openTestHttp(texts);
  for (const own of ['ward/7', 'a b%2F?#&', '患者', 'search', 'x'.repeat(255), 'é'.repeat(85)]) {
    const made = await other.inject({
      method: 'POST',
      url: '/api/v1/patients',
      headers: admin,
      payload: { id: own, firstName: 'Any', lastName: 'Id', dateOfBirth: null },
    });
    expect([made.statusCode, made.json().id], own.slice(0, 20)).toEqual([201, own]);
    const found = await other.inject({ url: `${made.headers.location}`, headers: admin });
    expect([found.statusCode, found.json().id], own.slice(0, 20)).toEqual([200, own]);
    const contact = await other.inject({
      method: 'POST',
      url: `${made.headers.location}/contacts`,
      headers: admin,
      payload: { firstName: 'Next', lastName: 'Of Kin', relationship: 'SIBLING' },
    });
    expect((await other.inject({ url: `${contact.headers.location}`, headers: admin })).json()).toMatchObject({ patientId: own });
  }
  expect((await other.inject({ url: '/api/v1/patients/42', headers: admin })).json()).toMatchObject({ status: 404, code: 'PATIENT_NOT_FOUND' });
});
