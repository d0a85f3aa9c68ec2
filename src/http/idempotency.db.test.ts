import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabase, type TestDatabase } from '../../test/support/database.ts';
import { openTestHttp, testPrincipal } from '../../test/support/http.ts';
import type { HttpProcessReport } from '../../test/support/http-process.ts';
import { newRandomId } from '../base/ids.ts';
import { parseDatabaseUrl } from '../base/config.ts';
import type { Ctx } from '../db/context.ts';
import { registerPatientRoute } from '../api/patient.routes.ts';
import { createIdempotency } from './idempotency.ts';
import type { FastifyRequest } from 'fastify';
import { answerOnce, sweepIdempotencyKeys } from '../idempotency/idempotency.service.ts';
import { openServerRegistry } from './registry.ts';
import { listen } from './server.ts';

let database: TestDatabase;
const servers: ReturnType<typeof openTestHttp>[] = [];
/** Two servers on one database, as behind a load balancer. */
const addresses: string[] = [];
/** What a request with the header x-test-hold waits for before its answer leaves. */
let beforeAnswer: () => Promise<void> = async () => undefined;

beforeAll(async () => {
  database = await createDatabase({ template: 'migrated' });
  for (let n = 0; n < 2; n += 1) {
    const server = openTestHttp(database, {
      // Two callers with one role, told apart by a header.
      authenticate: async (request) => ({ ...testPrincipal('ADMIN'), id: String(request.headers['x-test-caller'] ?? 'caller-1') }),
    });
    server.addHook('onSend', async (request, _reply, payload) => {
      if (request.headers['x-test-hold'] !== undefined) await beforeAnswer();
      return payload;
    });
    servers.push(server);
    addresses.push(await listen(server, { port: 0, host: '127.0.0.1' }));
  }
});
afterAll(async () => {
  for (const server of servers) await server.close();
  await database.drop();
});

let people = 0;
const newPerson = () => ({ firstName: 'Repeated', lastName: `Person${(people += 1)}`, dateOfBirth: '1990-01-01' });

interface Sent {
  readonly status: number;
  readonly text: string;
  readonly replayed: boolean;
  readonly headers: Headers;
  json(): { id: string; code: string; version: number };
}

async function post(path: string, options: { body?: unknown; key?: string; headers?: Record<string, string>; address?: string | undefined }): Promise<Sent> {
  const response = await fetch(new URL(path, options.address ?? addresses[0]), {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-test-role': 'ADMIN',
      ...(options.key === undefined ? {} : { 'idempotency-key': options.key }),
      ...options.headers,
    },
    body: typeof options.body === 'string' ? options.body : JSON.stringify(options.body ?? {}),
  });
  const text = await response.text();
  return {
    status: response.status,
    text,
    headers: response.headers,
    replayed: response.headers.get('idempotent-replayed') === 'true',
    json: () => JSON.parse(text) as ReturnType<Sent['json']>,
  };
}

const register = (options: Parameters<typeof post>[1]) => post('/api/v1/patients', options);

/** Patients of this name, with the rows that were written about them. */
async function written(lastName: string): Promise<{ patients: number; registrations: number; events: number }> {
  const [row] = await database.query<{ patients: number; registrations: number; events: number }>(
    `WITH those AS (SELECT id FROM patients WHERE "lastName" = $1) SELECT (SELECT count(*)::int FROM those) AS patients,
       (SELECT count(*)::int FROM patient_audit_events WHERE action = 'patient.registered' AND "patientId" IN (SELECT id FROM those)) AS registrations,
       (SELECT count(*)::int FROM patient_outbox_events WHERE type = 'patient.registered' AND "patientId" IN (SELECT id FROM those)) AS events`,
    [lastName],
  );
  if (!row) throw new Error('No count.');
  return row;
}
const once1 = { patients: 1, registrations: 1, events: 1 };

test('fifty repeats at once, on two servers, make one patient and get one answer', async () => {
  const person = newPerson();
  const key = newRandomId();
  const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => register({ body: person, key, address: addresses[n % 2] })));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
  expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);
  expect(new Set(answers.map(({ headers }) => `${headers.get('etag')} ${headers.get('location')} ${headers.get('content-type')}`)).size).toBe(1);
  expect(await written(person.lastName)).toEqual(once1);
});

test('two hundred registrations at once, each with its own key, do not wait for one another', async () => {
  const lastName = newPerson().lastName;
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, n) =>
      register({ body: { firstName: `No${n}`, lastName, dateOfBirth: null }, key: newRandomId(), address: addresses[n % 2] }),
    ),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
  expect(await written(lastName)).toEqual({ patients: 200, registrations: 200, events: 200 });
});

test('a connection cut before the answer, then repeated: the same patient', async () => {
  const person = newPerson();
  const key = newRandomId();
  const held = Promise.withResolvers<void>();
  const reached = Promise.withResolvers<void>();
  beforeAnswer = async () => {
    reached.resolve();
    await held.promise;
  };
  const sent = httpRequest(new URL('/api/v1/patients', addresses[0]), {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': key, 'x-test-hold': '1' },
  });
  const cut = once(sent, 'error');
  sent.end(JSON.stringify(person));
  await reached.promise;
  sent.destroy(new Error('cut'));
  await cut;
  held.resolve();
  const repeated = await register({ body: person, key });
  expect([repeated.status, repeated.replayed]).toEqual([201, true]);
  expect(await written(person.lastName)).toEqual(once1);
  const [patient] = await database.query<{ id: string }>('SELECT id FROM patients WHERE "lastName" = $1', [person.lastName]);
  expect(repeated.json().id).toBe(patient?.id);
});

/** A server in a process of its own, and its address. */
async function startProcess(): Promise<{ child: ChildProcess; address: string }> {
  const child = fork(new URL('../../test/support/http-process.ts', import.meta.url), [database.url], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const [report] = (await once(child, 'message')) as [HttpProcessReport];
  return { child, address: report.address };
}

test('a server killed with -9 between commit and answer, then repeated on the next one: the same patient', async () => {
  const person = newPerson();
  const key = newRandomId();
  const first = await startProcess();
  const died = once(first.child, 'exit');
  await expect(register({ body: person, key, headers: { 'x-test-die': '1' }, address: first.address })).rejects.toThrow();
  expect(await died).toEqual([null, 'SIGKILL']);
  expect(await written(person.lastName)).toEqual(once1);
  const second = await startProcess();
  try {
    const repeated = await register({ body: person, key, address: second.address });
    expect([repeated.status, repeated.replayed]).toEqual([201, true]);
    expect(await written(person.lastName)).toEqual(once1);
  } finally {
    const ended = once(second.child, 'exit');
    second.child.disconnect();
    await ended;
  }
});

test('forty clerks who repeat until they are answered, while the server is killed three times: each has exactly one patient', async () => {
  const { lastName } = newPerson();
  let finished = false;
  let kills = 0;
  const start = () =>
    startProcess().then(({ child, address }) => {
      const gone = once(child, 'exit').then(() => {
        if (finished) return;
        kills += 1;
        running = start();
      });
      return { child, address, gone, asked: 0 };
    });
  let running = start();
  const clerk = async (n: number): Promise<string> => {
    const key = newRandomId();
    for (;;) {
      const server = await running;
      server.asked += 1;
      // The fourth request to each of the first three servers is committed and kills it; whatever else is under way then is cut wherever it is.
      const headers: Record<string, string> = kills < 3 && server.asked === 4 ? { 'x-test-die': '1' } : {};
      try {
        const answer = await register({ body: { firstName: `No${n}`, lastName, dateOfBirth: null }, key, headers, address: server.address });
        if (answer.status === 201) return answer.json().id;
      } catch {
        await server.gone;
      }
    }
  };
  const ids = await Promise.all(Array.from({ length: 40 }, (_, n) => clerk(n)));
  finished = true;
  const { child, gone } = await running;
  child.disconnect();
  await gone;
  expect(kills).toBe(3);
  expect(await written(lastName)).toEqual({ patients: 40, registrations: 40, events: 40 });
  const rows = await database.query<{ id: string }>('SELECT id FROM patients WHERE "lastName" = $1', [lastName]);
  expect(ids.toSorted()).toEqual(rows.map(({ id }) => id).toSorted());
});

test('the same key with another request is refused; the order of names in the body makes no other request of it, and what is shown again is in the trail', async () => {
  const person = newPerson();
  const key = newRandomId();
  const made = await register({ body: person, key });
  const other = await register({ body: { ...person, firstName: 'Other' }, key });
  expect([other.status, other.json().code]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
  const elsewhere = await post(`/api/v1/patients/${made.json().id}/contacts`, { body: { firstName: 'A', lastName: 'B', relationship: 'SIBLING' }, key });
  expect(elsewhere.json().code).toBe('IDEMPOTENCY_KEY_REUSED');
  const reordered = await register({ body: Object.fromEntries(Object.entries(person).reverse()), key: `"${key}"` });
  expect([reordered.replayed, reordered.text]).toEqual([true, made.text]);
  const views = await database.query(`SELECT after->>'by' AS by FROM patient_audit_events WHERE "patientId" = $1 AND action = 'patient.viewed'`, [
    made.json().id,
  ]);
  expect(views).toEqual([{ by: 'repeated request' }]);
});

test('a key of one caller says nothing to another', async () => {
  const person = newPerson();
  const key = newRandomId();
  const mine = await register({ body: person, key });
  const yours = await register({ body: person, key, headers: { 'x-test-caller': 'caller-2' } });
  expect([mine.status, yours.status, yours.replayed]).toEqual([201, 201, false]);
  expect(yours.json().id).not.toBe(mine.json().id);
});

test('an error is not kept: the corrected request may use the key', async () => {
  const taken = (await register({ body: newPerson() })).json() as unknown as { mrn: string };
  const person = newPerson();
  const key = newRandomId();
  const malformed = await register({ body: { ...person, dateOfBirth: '1990-02-30' }, key });
  const duplicate = await register({ body: { ...person, mrn: taken.mrn }, key });
  expect([malformed.status, duplicate.status, duplicate.json().code]).toEqual([400, 409, 'MRN_TAKEN']);
  expect((await register({ body: person, key })).status).toBe(201);
  expect(await written(person.lastName)).toEqual(once1);
});

test('the record number of a registration that fails under a key is given to the next one', async () => {
  await using own = await createDatabase({ template: 'migrated' });
  await using server = openTestHttp(own);
  const address = await listen(server, { port: 0, host: '127.0.0.1' });
  const registerHere = (body: object) => register({ body, key: newRandomId(), address });
  const number = (made: Sent) => Number(/\d+$/.exec((made.json() as unknown as { mrn: string }).mrn)?.[0]);
  const first = await registerHere(newPerson());
  for (let n = 0; n < 3; n += 1) expect((await registerHere({ ...newPerson(), id: first.json().id })).json().code).toBe('PATIENT_ID_TAKEN');
  expect(number(await registerHere(newPerson()))).toBe(number(first) + 1);
});

test('a verb on a chart and a removal are done once, whatever If-Match says the second time', async () => {
  const id = (await register({ body: newPerson() })).json().id;
  const key = newRandomId();
  const archive = () => post(`/api/v1/patients/${id}/archive`, { body: { reason: 'A test' }, key, headers: { 'if-match': '"1"' } });
  const [first, again] = [await archive(), await archive()];
  expect([first.status, first.replayed, again.replayed, again.text === first.text]).toEqual([200, false, true, true]);

  const other = (await register({ body: newPerson() })).json().id;
  const contact = await post(`/api/v1/patients/${other}/contacts`, { body: { firstName: 'A', lastName: 'B', relationship: 'SIBLING' } });
  const remove = () => post(`${contact.headers.get('location')}/remove`, { key: newKey, headers: { 'if-match': contact.headers.get('etag') ?? '' } });
  const newKey = newRandomId();
  expect([(await remove()).status, (await remove()).status]).toEqual([204, 204]);
});

test('a key that is no word is refused', async () => {
  for (const key of ['two words', '', 'x'.repeat(256), '"unfinished']) {
    const refused = await register({ body: newPerson(), key });
    expect([refused.status, refused.json().code], key).toEqual([400, 'IDEMPOTENCY_KEY_INVALID']);
  }
});

test('a repeat does not wait for ever for a first that hangs', async () => {
  const registry = openServerRegistry(parseDatabaseUrl(database.url), { maxConnections: 2 });
  const ctx: Ctx = { ...registry.base, actor: { kind: 'system' } };
  const keyed = { principal: 'account:hanging', key: newRandomId(), fingerprint: 'f' };
  const hangs = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const first = answerOnce(ctx, keyed, async () => {
    begun.resolve();
    await hangs.promise;
    return { status: 201, headers: {}, body: 'first' };
  });
  try {
    await begun.promise;
    const repeat = () => answerOnce(ctx, { ...keyed, waitMilliseconds: 50 }, () => Promise.reject(new Error('must not be done')));
    await expect(repeat()).rejects.toMatchObject({ kind: 'busy', code: 'LOCK_NOT_AVAILABLE' });
    hangs.resolve();
    await first;
    expect(await repeat()).toMatchObject({ answer: { status: 201, body: 'first' }, replayed: true });
  } finally {
    hangs.resolve();
    await registry.close();
  }
});

test('a key that is over is free again, and the sweep removes those and no other', async () => {
  const keys = Array.from({ length: 4 }, newRandomId);
  const [expired, swept, swept2, current] = keys as [string, string, string, string];
  const people = keys.map(newPerson);
  for (const [n, key] of keys.entries()) await register({ body: people[n], key });
  await database.query(`UPDATE idempotency_keys SET "expiresAt" = now() - interval '1 second' WHERE key = ANY ($1)`, [[expired, swept]]);
  const anew = await register({ body: people[0], key: expired });
  expect([anew.status, anew.replayed]).toEqual([201, false]);

  await database.query(
    `INSERT INTO idempotency_keys (principal, key, fingerprint, "expiresAt") SELECT 'account:gone', n::text, 'f', now() - interval '1 hour' FROM generate_series(1, 1200) n`,
  );
  const registry = openServerRegistry(parseDatabaseUrl(database.url), { maxConnections: 1 });
  const ctx: Ctx = { ...registry.base, actor: { kind: 'system' } };
  try {
    expect(await sweepIdempotencyKeys(ctx)).toBe(1201);
    expect(await sweepIdempotencyKeys(ctx)).toBe(0);
    // And by those who use keys, now and then.
    await database.query(`UPDATE idempotency_keys SET "expiresAt" = now() - interval '1 second' WHERE key = $1`, [swept2]);
    const idempotency = createIdempotency({ sweepEveryMilliseconds: 0 });
    const request = { method: 'POST', url: '/x', headers: { 'idempotency-key': newRandomId() }, body: {}, params: {} } as unknown as FastifyRequest;
    await idempotency.answer({ contract: registerPatientRoute, request, principal: testPrincipal('ADMIN'), ctx }, async () => ({ status: 201, body: {} }));
    await idempotency.close();
  } finally {
    await registry.close();
  }
  const left = await database.query<{ key: string; hours: number }>(
    `SELECT key, round(extract(epoch FROM "expiresAt" - "createdAt") / 3600)::int AS hours FROM idempotency_keys WHERE key = ANY ($1)`,
    [keys],
  );
  expect(left.map(({ key }) => key).toSorted()).toEqual([expired, current].toSorted());
  expect(new Set(left.map(({ hours }) => hours))).toEqual(new Set([24]));
});
