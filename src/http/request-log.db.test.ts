import { Writable } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { createDatabase, type TestDatabase } from '../../test/support/database.ts';
import { openTestHttp } from '../../test/support/http.ts';
import { isBinary, type RouteContract } from '../api/contract.ts';
import { routes } from '../api/routes.ts';
import { createLogger } from '../base/log.ts';
import { listen } from './server.ts';

// The rule: a log says who did what to which route, and nothing of a patient. Proven with words that stand nowhere else.

const word = 'Zzyzxqua';
const born = '1971-08-23';

let database: TestDatabase;
let server: ReturnType<typeof openTestHttp>;
let log = '';
beforeAll(async () => {
  database = await createDatabase({ template: 'migrated' });
  const destination = new Writable({
    write: (chunk, _encoding, done) => {
      log += String(chunk);
      done();
    },
  });
  // The most talkative level: nothing of the libraries' own lines may say more than ours.
  server = openTestHttp(database, { log: createLogger({ level: 'trace', name: 'http', destination }) });
});
afterAll(async () => {
  await server.close();
  await database.drop();
});

interface Line {
  readonly msg: string;
  readonly requestId?: string;
  readonly route?: string | null;
  readonly method?: string;
  readonly status?: number;
  readonly ms?: number;
  readonly principal?: string | null;
}
const lines = (): Line[] =>
  log
    .split('\n')
    .filter((each) => each !== '')
    .map((each) => JSON.parse(each) as Line);
const requestLines = () => lines().filter(({ msg }) => msg === 'request');

const headers = {
  'x-test-role': 'ADMIN',
  'user-agent': word,
  referer: `https://ehr.example.org/patients?name=${word}`,
  'x-request-id': `patient ${word}`,
  'x-forwarded-for': word,
  'x-patient': word,
  'if-none-match': `"${word}"`,
  'accept-language': word,
};

/** Something to send for every field that there is. */
function filled(schema: z.ZodType): unknown {
  if (schema instanceof z.ZodObject) return Object.fromEntries(Object.entries(schema.shape).map(([name, field]) => [name, filled(field as z.ZodType)]));
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault)
    return filled(schema.unwrap() as z.ZodType);
  if (schema instanceof z.ZodArray) return [filled(schema.element as z.ZodType)];
  return word;
}

test('every route, with a marked word in every place of its path, query, body and headers', async () => {
  // Over a socket, as uploads are read from one.
  const base = await listen(server, { port: 0, host: '127.0.0.1' });
  for (const [index, route] of (routes as readonly RouteContract[]).entries()) {
    const query = new URLSearchParams(Object.fromEntries(Object.keys(route.query?.shape ?? {}).map((name) => [name, word]))).toString();
    const url = `${route.path.replaceAll(/\{\w+\}/g, word)}${query === '' ? '' : `?${query}`}`;
    const before = requestLines().length;
    const reply = await fetch(`${base}${url}`, {
      method: route.method,
      redirect: 'manual',
      headers: {
        ...headers,
        ...(route.ifMatch === undefined ? {} : { 'if-match': `"${word}"` }),
        ...(route.idempotent ? { 'idempotency-key': `${word}-${index}` } : {}),
        ...(route.body === undefined ? {} : { 'content-type': isBinary(route.body) ? (route.body.contentTypes[0] ?? 'application/pdf') : 'application/json' }),
      },
      ...(route.body === undefined ? {} : { body: isBinary(route.body) ? word : JSON.stringify(filled(route.body)) }),
    });
    expect(reply.status, `${route.operationId}: ${await reply.text()}`).toBeLessThan(500);
    // The line is written when the answer is on its way, which may be after it arrived.
    await expect.poll(() => requestLines().length, { interval: 5 }).toBe(before + 1);
    const added = requestLines().slice(before);
    expect(added[0], route.operationId).toMatchObject({ method: route.method, status: reply.status, requestId: reply.headers.get('x-request-id') });
    expect(added[0]?.route, route.operationId).toBe(route.path.replaceAll(/\{(\w+)\}/g, ':$1'));
  }
  expect(log).not.toContain(word);
});

test('charts that are registered, opened, searched for, changed and refused', async () => {
  const person = {
    firstName: word,
    lastName: word,
    dateOfBirth: born,
    email: `${word}@example.org`,
    addressLine1: word,
    sourceSystem: 'HOST',
    externalId: word,
  };
  const made = await server.inject({ method: 'POST', url: '/api/v1/patients', headers, payload: { firstName: word, lastName: word, dateOfBirth: born } });
  expect(made.statusCode, made.body).toBe(201);
  const url = made.headers.location as string;
  const calls = [
    await server.inject({ url, headers }),
    await server.inject({ url: `/api/v1/patients?q=${word}&dateOfBirth=${born}`, headers }),
    await server.inject({ url: `/api/v1/patients?q=${word}%20${born}`, headers }),
    await server.inject({ url: `/api/v1/patients?q=${word}&gender=${word}`, headers }),
    await server.inject({ method: 'POST', url: '/api/v1/patients/search', headers, payload: { q: word, bornFrom: word } }),
    await server.inject({ method: 'PATCH', url, headers: { ...headers, 'if-match': '"1"' }, payload: { middleName: word } }),
    await server.inject({ method: 'PATCH', url, headers: { ...headers, 'if-match': '"1"' }, payload: { middleName: word } }),
    await server.inject({ method: 'POST', url: '/api/v1/patients', headers, payload: { ...person, lastName: '', [word]: word } }),
    await server.inject({
      method: 'POST',
      url: '/api/v1/patients',
      headers: { ...headers, 'content-type': 'application/json' },
      payload: `{"lastName": "${word}`,
    }),
    await server.inject({ method: 'POST', url: '/api/v1/patients', headers: { ...headers, 'content-type': word }, payload: word }),
    await server.inject({ method: 'POST', url: '/api/v1/patients', headers, payload: { lastName: word.repeat(200_000) } }),
    await server.inject({ url: `/nowhere/${word}?name=${word}`, headers }),
    await server.inject({ url: `/api/v1/patients/%${word}`, headers }),
  ];
  expect(calls.map(({ statusCode }) => statusCode).filter((status) => status >= 500)).toEqual([]);
  expect(calls.filter(({ statusCode }) => statusCode >= 400).length).toBeGreaterThan(5);
  expect(log).not.toContain(word);
  expect(log).not.toContain(born);
  const known = requestLines().find(({ method, status }) => method === 'POST' && status === 201);
  expect(known).toMatchObject({ route: '/api/v1/patients', principal: expect.stringMatching(/^[0-9a-f-]{36}$/), ms: expect.any(Number) });
});

test('a failure inside says where and what kind, and not whose row it was', async () => {
  const before = lines().length;
  await database.query(
    `CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'Failing row contains %', NEW USING ERRCODE = 'XX000', DETAIL = NEW."lastName"; END $$`,
  );
  await database.query('CREATE TRIGGER tell BEFORE INSERT ON patients FOR EACH ROW EXECUTE FUNCTION tell()');
  try {
    const reply = await server.inject({ method: 'POST', url: '/api/v1/patients', headers, payload: { firstName: word, lastName: word, dateOfBirth: born } });
    expect(reply.statusCode).toBe(500);
    expect(reply.body).not.toContain(word);
  } finally {
    await database.query('DROP FUNCTION tell CASCADE');
  }
  const failed = lines()
    .slice(before)
    .find(({ msg }) => msg === 'request failed') as (Line & { err: { code: string; at: string[] } }) | undefined;
  expect(JSON.stringify(failed?.err)).toContain('XX000');
  expect(log).not.toContain(word);
  expect(log).not.toContain(born);
});

test('the search for the word would find it', () => {
  createLogger({
    destination: { write: (text: string) => void (log += text) },
  }).info({ somewhere: word }, 'a line that breaks the rule');
  expect(log).toContain(word);
});
