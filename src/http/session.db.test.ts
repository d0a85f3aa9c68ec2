import '../../test/support/quick-passwords.ts';
import { Writable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { accessContext } from '../../test/support/access.ts';
import { createDatabase, type TestDatabase } from '../../test/support/database.ts';
import { createAccount } from '../access/account.service.ts';
import { createKey } from '../access/key.service.ts';
import { WhoAmI } from '../access/session.schema.ts';
import { Problem } from '../api/problem.schema.ts';
import type { Logger } from '../base/log.ts';
import type { ServerRegistry } from './registry.ts';
import type { SecurityOptions } from './security.ts';
import { createServer } from './server.ts';

const password = 'seven quiet herons';

let database: TestDatabase;
let at: ReturnType<typeof accessContext>;
let server: FastifyInstance;
const opened: FastifyInstance[] = [];
const log: string[] = [];

beforeAll(async () => {
  database = await createDatabase({ template: 'migrated' });
  at = accessContext(database);
  server = open({});
  await createAccount(at.ctx, { username: 'admin', displayName: 'Administrator', role: 'ADMIN', password });
  await createAccount(at.ctx, { username: 'nurse', displayName: 'Nurse', role: 'NURSE', password });
});
afterAll(async () => {
  for (const each of opened) await each.close();
  await database.drop();
});

function open(security: SecurityOptions, trustProxy: string[] = []): FastifyInstance {
  const registry = {
    base: { db: at.ctx.db, pool: at.ctx.pool, clock: at.clock, newId: at.ctx.newId },
    settings: { timeZone: 'UTC', mrns: {} },
    close: async () => undefined,
  } as unknown as ServerRegistry;
  const lines = new Writable({
    write: (chunk, _encoding, done) => {
      log.push(String(chunk));
      done();
    },
  });
  const made = createServer({
    assertReady: async () => undefined,
    registry,
    security: { limits: { requestsPerMinute: 0, signInsPerMinute: 0 }, ...security },
    trustProxy,
    log: pino({ level: 'trace' }, lines) as Logger,
  });
  opened.push(made);
  return made;
}

type Headers = Record<string, string>;
const signIn = (username: string, typed = password, headers: Headers = {}, on = server) =>
  on.inject({ method: 'POST', url: '/api/v1/session', payload: { username, password: typed }, headers });

/** A session that tests share which do not end it: each sign-in costs a quarter of a second, as it should. */
const shared = new Map<string, Promise<{ cookie: string; 'x-csrf-token': string }>>();
function sessionOf(username: string): Promise<{ cookie: string; 'x-csrf-token': string }> {
  const session = shared.get(username) ?? signedIn(username);
  shared.set(username, session);
  return session;
}

async function signedIn(username: string): Promise<{ cookie: string; 'x-csrf-token': string }> {
  const reply = await signIn(username);
  expect(reply.statusCode, reply.body).toBe(200);
  const { name, value } = reply.cookies[0] as { name: string; value: string };
  return { cookie: `${name}=${value}`, 'x-csrf-token': WhoAmI.parse(reply.json()).csrfToken ?? '' };
}

const codeOf = (reply: { json(): unknown }) => Problem.parse(reply.json()).code;

test('sign in, who am I, sign out: the cookie is out of reach of scripts and of other sites, and works no longer afterwards', async () => {
  const reply = await signIn('Nurse');
  expect(reply.cookies).toEqual([{ name: 'onechart-session', value: expect.stringMatching(/^[\w-]{43}$/), path: '/', httpOnly: true, sameSite: 'Strict' }]);
  const me = WhoAmI.parse(reply.json());
  expect(me).toMatchObject({ kind: 'account', name: 'nurse', role: 'NURSE', scopes: expect.arrayContaining(['patient.clinical']) });
  expect(reply.body).not.toContain(reply.cookies[0]?.value);
  const headers = { cookie: `onechart-session=${reply.cookies[0]?.value}`, 'x-csrf-token': me.csrfToken ?? '' };
  expect((await server.inject({ url: '/api/v1/session', headers })).json()).toEqual(reply.json());
  const out = await server.inject({ method: 'DELETE', url: '/api/v1/session', headers });
  expect(out.statusCode).toBe(204);
  expect(out.cookies).toEqual([expect.objectContaining({ name: 'onechart-session', value: '', maxAge: 0 })]);
  const after = await server.inject({ url: '/api/v1/session', headers });
  expect([after.statusCode, codeOf(after)]).toEqual([401, 'CREDENTIALS_MISSING']);
});

test('over https the cookie is bound to the host and to https, and a plain one is not looked at', async () => {
  const proxied = open({}, ['127.0.0.1']);
  const https = { 'x-forwarded-proto': 'https' };
  const reply = await signIn('nurse', password, https, proxied);
  expect(reply.cookies).toEqual([expect.objectContaining({ name: '__Host-onechart-session', secure: true, httpOnly: true, sameSite: 'Strict', path: '/' })]);
  expect(reply.headers['strict-transport-security']).toMatch(/max-age=31536000/);
  const ask = (name: string) => proxied.inject({ url: '/api/v1/session', headers: { ...https, cookie: `${name}=${reply.cookies[0]?.value}` } });
  expect((await ask('__Host-onechart-session')).statusCode).toBe(200);
  expect((await ask('onechart-session')).statusCode).toBe(401);
  expect((await signIn('nurse', password, {}, open({ https: true }))).cookies[0]).toMatchObject({ name: '__Host-onechart-session', secure: true });
});

test.each([
  ['no token', {}, 'CSRF_TOKEN_WRONG'],
  ['a wrong token', { 'x-csrf-token': 'x'.repeat(43) }, 'CSRF_TOKEN_WRONG'],
  ['the right token from a page of another site', { own: 'yes', 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }, 'ORIGIN_FOREIGN'],
  ['the right token from a page of another site in an old browser', { own: 'yes', origin: 'https://evil.example' }, 'ORIGIN_FOREIGN'],
  ['the right token from a page without an origin', { own: 'yes', origin: 'null' }, 'ORIGIN_FOREIGN'],
  ['the right token from another host of the same site', { own: 'yes', 'sec-fetch-site': 'same-site' }, 'ORIGIN_FOREIGN'],
])('with a session, a change needs the token and this site: %s', async (_what, { own, ...sent }: Headers, code) => {
  const { cookie, 'x-csrf-token': token } = await sessionOf('nurse');
  const headers = { cookie, ...(own ? { 'x-csrf-token': token } : {}), ...sent };
  const refused = await server.inject({ method: 'DELETE', url: '/api/v1/session', headers });
  expect([refused.statusCode, codeOf(refused)]).toEqual([403, code]);
  const reading = await server.inject({ url: '/api/v1/session', headers: { cookie } });
  expect(reading.statusCode).toBe(200);
  const ours = { cookie, 'x-csrf-token': token, origin: 'https://charts.example', host: 'charts.example' };
  expect(codeOf(await server.inject({ method: 'DELETE', url: '/api/v1/sessions/none', headers: ours }))).toMatch(/NOT_FOUND/);
});

test('another site cannot sign a browser in either, and an old cookie does not hinder signing in again', async () => {
  const foreign = await signIn('nurse', password, { 'sec-fetch-site': 'cross-site' });
  expect([foreign.statusCode, codeOf(foreign)]).toEqual([403, 'ORIGIN_FOREIGN']);
  const { cookie } = await sessionOf('nurse');
  expect((await signIn('nurse', password, { cookie })).statusCode).toBe(200);
  expect((await signIn('nurse', password, { cookie: `onechart-session=${'x'.repeat(43)}` })).statusCode).toBe(200);
});

test('a refused sign-in is 401 with the way to sign in, and the same problem for whoever it is', async () => {
  const replies = await Promise.all([signIn('nurse', 'wrong password'), signIn('nobody', 'wrong password')]);
  const [known, unknown] = replies.map((reply) => ({ ...Problem.parse(reply.json()), requestId: '' }));
  expect(known).toEqual(unknown);
  expect(known).toMatchObject({ status: 401, code: 'SIGN_IN_REFUSED' });
  expect(replies[0]?.headers['www-authenticate']).toBe('Bearer realm="onechart"');
});

test('a key is the caller without any cookie; what is wrong in the header is refused even where a session would do', async () => {
  const { key } = await createKey(at.ctx, { name: 'laboratory', role: 'NURSE' });
  const { cookie } = await sessionOf('nurse');
  const ask = (authorization: string, more: Headers = {}) => server.inject({ url: '/api/v1/session', headers: { authorization, ...more } });
  expect((await ask(`Bearer ${key}`)).json()).toMatchObject({ kind: 'key', name: 'laboratory', role: 'NURSE' });
  expect((await ask(`bearer   ${key}`, { cookie })).json()).toMatchObject({ kind: 'key' });
  const wrong = await ask(`Bearer ${key.slice(0, -2)}00`, { cookie });
  expect([wrong.statusCode, codeOf(wrong), wrong.headers['www-authenticate']]).toEqual([401, 'KEY_REFUSED', 'Bearer realm="onechart", error="invalid_token"']);
  expect(codeOf(await ask('Basic bnVyc2U6eA==', { cookie }))).toBe('AUTHORIZATION_UNKNOWN');
  expect(codeOf(await ask('Bearer eyJhbGciOiJub25lIn0.e30.'))).toBe('TOKEN_NOT_TAKEN');
  const out = await server.inject({ method: 'DELETE', url: '/api/v1/session', headers: { authorization: `Bearer ${key}` } });
  expect([out.statusCode, codeOf(out)]).toEqual([422, 'SESSION_MISSING']);
});

test('the own sessions and the own password over HTTP', async () => {
  await createAccount(at.ctx, { username: 'changer', displayName: 'Changer', role: 'NURSE', password });
  const [here, there] = [await signedIn('changer'), await signedIn('changer')];
  const { items } = (await server.inject({ url: '/api/v1/sessions', headers: here })).json() as { items: { id: string; current: boolean }[] };
  expect(items.map(({ current }) => String(current)).toSorted()).toEqual(['false', 'true']);
  const change = await server.inject({
    method: 'POST',
    url: '/api/v1/session/password',
    headers: here,
    payload: { currentPassword: password, newPassword: 'nine loud hornbills' },
  });
  expect(change.statusCode, change.body).toBe(204);
  expect((await server.inject({ url: '/api/v1/session', headers: there })).statusCode).toBe(401);
  const own = items.find(({ current }) => current)?.id;
  expect((await server.inject({ method: 'DELETE', url: `/api/v1/sessions/${own}`, headers: here })).statusCode).toBe(204);
  expect((await server.inject({ url: '/api/v1/session', headers: here })).statusCode).toBe(401);
});

test('an administrator makes, changes, disables and resets accounts, makes and revokes keys; nobody else may', async () => {
  const headers = await sessionOf('admin');
  const call = (method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, payload?: object) =>
    server.inject({ method, url: `/api/v1/${path}`, headers, ...(payload ? { payload } : {}) });
  const made = await call('POST', 'accounts', { username: 'new.doctor', displayName: 'Doctor', role: 'DOCTOR' });
  const { account, generatedPassword } = made.json() as { account: { id: string }; generatedPassword: string };
  expect([made.statusCode, made.headers.location]).toEqual([201, `/api/v1/accounts/${account.id}`]);
  expect((await signIn('new.doctor', generatedPassword)).statusCode).toBe(200);
  expect((await call('PATCH', `accounts/${account.id}`, { role: 'HIM' })).json()).toMatchObject({ role: 'HIM' });
  expect((await call('PATCH', `accounts/${account.id}`, { disabled: true })).json()).toMatchObject({ disabledAt: expect.any(String) });
  expect((await signIn('new.doctor', generatedPassword)).statusCode).toBe(401);
  expect((await call('PATCH', `accounts/${account.id}`, { disabled: false })).json()).toMatchObject({ disabledAt: null });
  const reset = (await call('POST', `accounts/${account.id}/reset-password`)).json() as { generatedPassword: string };
  expect((await signIn('new.doctor', reset.generatedPassword)).statusCode).toBe(200);
  expect((await call('GET', 'accounts')).json()).toMatchObject({ items: expect.arrayContaining([expect.objectContaining({ username: 'new.doctor' })]) });
  const key = (await call('POST', 'keys', { name: 'radiology', role: 'DOCTOR' })).json() as { key: string; id: string };
  expect((await call('DELETE', `keys/${key.id}`)).json()).toMatchObject({ id: key.id, revokedAt: expect.any(String) });
  expect(codeOf(await server.inject({ url: '/api/v1/session', headers: { authorization: `Bearer ${key.key}` } }))).toBe('KEY_REFUSED');
  for (const path of ['accounts/none', 'accounts/0190b6b2-6d0f-7c3a-9c6e-000000000001']) expect((await call('GET', path)).statusCode, path).toBe(404);
  expect(codeOf(await call('DELETE', 'keys/none'))).toMatch(/NOT_FOUND/);
  const nurse = await server.inject({ url: '/api/v1/accounts', headers: await sessionOf('nurse') });
  expect([nurse.statusCode, codeOf(nurse)]).toEqual([403, 'ACCESS_DENIED']);
});

test('too many requests are 429 with the time to wait: sign-ins by address, requests by caller and not by neighbour', async () => {
  const strict = open({ limits: { requestsPerMinute: 6, signInsPerMinute: 3 } }, ['127.0.0.1']);
  const from = (address: string) => ({ 'x-forwarded-for': address });
  const attempts = [];
  for (let attempt = 0; attempt < 4; attempt += 1) attempts.push(await signIn('nobody', 'wrong', from('192.0.2.1'), strict));
  expect(attempts.map(({ statusCode }) => statusCode)).toEqual([401, 401, 401, 429]);
  expect(Problem.parse(attempts[3]?.json())).toMatchObject({ kind: 'limited', code: 'RATE_LIMITED' });
  expect(Number(attempts[3]?.headers['retry-after'])).toBeGreaterThan(0);
  // A whole ward behind one address may come in at the change of shift; only what was refused counts, and what is under way.
  const ward = [];
  for (let person = 0; person < 5; person += 1) ward.push((await signIn('nurse', password, from('192.0.2.2'), strict)).statusCode);
  expect(ward).toEqual([200, 200, 200, 200, 200]);
  const burst = await Promise.all(Array.from({ length: 6 }, () => signIn('nobody', 'wrong', from('192.0.2.4'), strict)));
  expect(burst.map(({ statusCode }) => String(statusCode)).toSorted()).toEqual(['401', '401', '401', '429', '429', '429']);

  const { key } = await createKey(at.ctx, { name: 'limited', role: 'NURSE' });
  const ask = (authorization: string) => strict.inject({ url: '/api/v1/session', headers: { authorization, ...from('192.0.2.3') } });
  const wrong = [];
  for (let attempt = 0; attempt < 7; attempt += 1) wrong.push((await ask('Bearer ock_wrong')).statusCode);
  expect(wrong).toEqual([401, 401, 401, 401, 401, 401, 429]);
  // The same address, but a caller of its own.
  const right = [];
  for (let attempt = 0; attempt < 7; attempt += 1) right.push((await ask(`Bearer ${key}`)).statusCode);
  expect(right).toEqual([200, 200, 200, 200, 200, 200, 429]);
});

test('answers are data: nothing in them may be loaded, run, framed or guessed', async () => {
  for (const url of ['/health/live', '/api/v1/session', '/nowhere']) {
    const { headers } = await server.inject(url);
    expect(headers, url).toMatchObject({
      'content-security-policy': "default-src 'none';base-uri 'none';form-action 'none';frame-ancestors 'none'",
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
      'cache-control': 'no-store',
    });
    expect(headers).not.toHaveProperty('x-powered-by');
    expect(headers).not.toHaveProperty('strict-transport-security');
  }
});

test('another origin gets in by the allowlist alone', async () => {
  const ask = (on: FastifyInstance, origin: string) =>
    on.inject({
      method: 'OPTIONS',
      url: '/api/v1/session',
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' },
    });
  expect((await ask(server, 'https://ehr.example')).headers).not.toHaveProperty('access-control-allow-origin');
  const sharing = open({ corsOrigins: ['https://ehr.example', 'https://other.example'] });
  expect((await ask(sharing, 'https://ehr.example')).headers).toMatchObject({
    'access-control-allow-origin': 'https://ehr.example',
    'access-control-allow-credentials': 'true',
  });
  expect((await ask(sharing, 'https://evil.example')).headers).not.toHaveProperty('access-control-allow-origin');
  const signing = await signIn('nurse', password, { origin: 'https://ehr.example', 'sec-fetch-site': 'same-site' }, sharing);
  expect([signing.statusCode, signing.headers['access-control-allow-origin']]).toEqual([200, 'https://ehr.example']);
});

test('no secret of the tests above stands in the log, at its most talkative', async () => {
  const headers = await sessionOf('nurse');
  const { key } = await createKey(at.ctx, { name: 'logged', role: 'NURSE' });
  await server.inject({ url: '/api/v1/session', headers: { authorization: `Bearer ${key}` } });
  await server.inject({ url: '/api/v1/session', headers: { authorization: `Bearer ${key}x` } });
  await server.inject({
    method: 'POST',
    url: '/api/v1/session',
    headers: { 'content-type': 'application/json' },
    payload: `{"username":"nurse","password":"${password}"`,
  });
  await server.inject({ url: `/api/v1/session/oidc/callback?code=secret-code-1&state=secret-state-1` });
  // A defect in the middle of a sign-in.
  await database.query('ALTER TABLE access_sessions RENAME TO access_sessions_away');
  const broken = await signIn('nurse');
  await database.query('ALTER TABLE access_sessions_away RENAME TO access_sessions');
  expect(broken.statusCode).toBeGreaterThanOrEqual(500);
  const text = log.join('');
  expect(log.length).toBeGreaterThan(50);
  for (const secret of [password, headers.cookie.split('=')[1] as string, headers['x-csrf-token'], key, 'secret-code-1', 'secret-state-1', 'wrong password'])
    expect(text.includes(secret), `the log contains ${secret}`).toBe(false);
});
