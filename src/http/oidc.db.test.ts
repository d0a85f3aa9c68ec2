import { generateKeyPair, UnsecuredJWT } from 'jose';
import type { FastifyInstance } from 'fastify';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { createDatabase, type TestDatabase } from '../../test/support/database.ts';
import { type IdentityProvider, startIdentityProvider } from '../../test/support/identity-provider.ts';
import { AccessSettings } from '../access/access-settings.schema.ts';
import { WhoAmI } from '../access/session.schema.ts';
import { Problem } from '../api/problem.schema.ts';
import { parseDatabaseUrl } from '../base/config.ts';
import { openServerRegistry } from './registry.ts';
import { createServer } from './server.ts';

const redirectUri = 'http://127.0.0.1:1/api/v1/session/oidc/callback';
const audience = 'https://onechart.example';
const roles = { 'ward-admins': 'ADMIN', 'ward-nurses': 'NURSE', 'ward-doctors': 'DOCTOR' } as const;

let database: TestDatabase;
let provider: IdentityProvider;
let server: FastifyInstance;

beforeAll(async () => {
  database = await createDatabase({ template: 'migrated' });
  provider = await startIdentityProvider({ redirectUri, audience });
  const { issuer, clientId, clientSecret } = provider;
  const access = AccessSettings.parse({
    oidc: { issuer, clientId, clientSecret, redirectUri, roles },
    token: { issuer, audience, rolesClaim: 'realm_access.roles', roles },
  });
  server = openServer(access);
});
afterAll(async () => {
  await server.close();
  await provider[Symbol.asyncDispose]();
  await database.drop();
});
afterEach(() => {
  vi.useRealTimers();
});

/** With the real way of finding out who calls. */
function openServer(access: AccessSettings): FastifyInstance {
  const registry = openServerRegistry(parseDatabaseUrl(database.url), { maxConnections: 5 });
  const made = createServer({
    assertReady: async () => undefined,
    registry,
    security: { access, limits: { requestsPerMinute: 0, signInsPerMinute: 0 } },
  });
  made.addHook('onClose', () => registry.close());
  return made;
}

const codeOf = (reply: { json(): unknown }) => Problem.parse(reply.json()).code;

/** Leaves for the provider and comes back, as a browser would. */
async function signIn(returnTo?: string) {
  const left = await server.inject(`/api/v1/session/oidc${returnTo === undefined ? '' : `?returnTo=${encodeURIComponent(returnTo)}`}`);
  expect(left.statusCode, left.body).toBe(302);
  const cookie = left.cookies[0];
  expect(cookie).toMatchObject({ name: 'onechart-sign-in', httpOnly: true, sameSite: 'Lax', maxAge: 600 });
  const back = await provider.walk(left.headers.location as string);
  const headers = { cookie: `onechart-sign-in=${encodeURIComponent(cookie?.value ?? '')}` };
  return { left, back, headers, finish: () => server.inject({ url: `${back.pathname}${back.search}`, headers }) };
}

async function whoIs(reply: Awaited<ReturnType<FastifyInstance['inject']>>) {
  const session = reply.cookies.find(({ name }) => name === 'onechart-session')?.value;
  return WhoAmI.parse((await server.inject({ url: '/api/v1/session', headers: { cookie: `onechart-session=${session}` } })).json());
}

test('somebody with a mapped role signs in: the account is made at the first sign-in and found by its subject at the next', async () => {
  provider.people.set('subject-1', { name: 'Test Nurse', preferred_username: 'T.Nurse', roles: ['ward-7', 'ward-nurses'] });
  provider.next = 'subject-1';
  const { left, finish } = await signIn('/patients?q=1#top');
  const asked = new URL(left.headers.location as string).searchParams;
  expect(Object.fromEntries(asked)).toMatchObject({ response_type: 'code', code_challenge_method: 'S256', scope: 'openid profile email' });
  for (const name of ['state', 'nonce', 'code_challenge']) expect(asked.get(name), name).toMatch(/^[\w-]{43}$/);
  const reply = await finish();
  expect([reply.statusCode, reply.headers.location], reply.body).toEqual([303, '/patients?q=1#top']);
  expect(reply.cookies.find(({ name }) => name === 'onechart-sign-in')).toMatchObject({ value: '', maxAge: 0 });
  const first = await whoIs(reply);
  expect(first).toMatchObject({ kind: 'account', name: 't.nurse', role: 'NURSE' });

  // The name changes, the role changes, the person stays.
  provider.people.set('subject-1', { name: 'Test Doctor', preferred_username: 'other.name', roles: ['ward-doctors'] });
  const second = await whoIs(await (await signIn()).finish());
  expect(second).toMatchObject({ id: first.id, name: 't.nurse', role: 'DOCTOR' });
  const trail = await database.query<{ action: string }>(`SELECT action FROM patient_audit_events WHERE after->>'accountId' = $1 ORDER BY "occurredAt", id`, [
    first.id,
  ]);
  expect(trail.map(({ action }) => action)).toEqual(['account.created', 'account.signed-in', 'account.changed', 'account.signed-in']);
});

test('a name that is taken stays its owner’s: another identity never gets into a local account', async () => {
  await database.query(`INSERT INTO access_accounts (username, "displayName", role) VALUES ('local', 'Local', 'ADMIN')`);
  provider.people.set('subject-2', { preferred_username: 'local', roles: ['ward-nurses'] });
  provider.next = 'subject-2';
  const me = await whoIs(await (await signIn()).finish());
  expect(me).toMatchObject({ name: expect.stringMatching(/^local-[0-9a-f]{8}$/), role: 'NURSE' });
});

test('without a mapped role nobody gets in, and no account is made; a disabled account stays out', async () => {
  provider.people.set('subject-3', { preferred_username: 'visitor', roles: ['visitors'] });
  provider.next = 'subject-3';
  const refused = await (await signIn()).finish();
  expect([refused.statusCode, codeOf(refused)]).toEqual([403, 'OIDC_ROLE_MISSING']);
  expect(await database.query(`SELECT 1 FROM access_accounts WHERE "oidcSubject" = 'subject-3'`)).toEqual([]);
  provider.people.set('subject-3', { preferred_username: 'visitor', roles: ['ward-nurses'] });
  const me = await whoIs(await (await signIn()).finish());
  await database.query('UPDATE access_accounts SET "disabledAt" = now() WHERE id = $1', [me.id]);
  const disabled = await (await signIn()).finish();
  expect([disabled.statusCode, codeOf(disabled)]).toEqual([401, 'OIDC_SIGN_IN_REFUSED']);
});

test('the way back works once, in the browser that left, with what the provider sent', async () => {
  provider.people.set('subject-4', { preferred_username: 'careful', roles: ['ward-nurses'] });
  provider.next = 'subject-4';
  const { back, headers, finish } = await signIn();
  const come = (search: string, cookie: Record<string, string> = headers) => server.inject({ url: `${back.pathname}${search}`, headers: cookie });
  const foreign = (await signIn()).headers;
  expect(codeOf(await come(back.search, {}))).toBe('OIDC_SIGN_IN_LOST');
  expect(codeOf(await come(back.search, foreign))).toBe('OIDC_SIGN_IN_LOST');
  const changed = new URLSearchParams(back.search);
  changed.set('code', 'another-code');
  expect(codeOf(await come(`?${changed.toString()}`))).toBe('OIDC_SIGN_IN_REFUSED');
  expect((await finish()).statusCode).toBe(303);
  expect(codeOf(await finish())).toBe('OIDC_SIGN_IN_REFUSED');
  // Whoever presses cancel is told so by a code, not by the provider's words.
  provider.next = undefined;
  const cancelled = await (await signIn()).finish();
  expect(Problem.parse(cancelled.json())).toMatchObject({ status: 401, code: 'OIDC_SIGN_IN_REFUSED', details: { reason: 'access_denied' } });
  expect(cancelled.body).not.toContain('pressed cancel');
});

test.each(['//evil.example', '/\\evil.example', 'https://evil.example', '/%5c..'.replace('%5c', '\\'), 'javascript:alert(1)'])(
  'after signing in nobody is sent to %s',
  async (returnTo) => {
    const reply = await server.inject(`/api/v1/session/oidc?returnTo=${encodeURIComponent(returnTo)}`);
    expect([reply.statusCode, codeOf(reply)]).toEqual([400, 'INPUT_INVALID']);
  },
);

const bearer = (token: string, on = server) => on.inject({ url: '/api/v1/session', headers: { authorization: `Bearer ${token}` } });
const nurse = { realm_access: { roles: ['ward-nurses'] }, preferred_username: 'service-7' };

test('a token of the issuer is the caller, and a hundred requests fetch the keys once at most', async () => {
  const token = await provider.token({ ...nurse, sub: 'client-7' });
  const before = provider.keyRequests();
  for (let request = 0; request < 100; request += 1) {
    const reply = await bearer(token);
    expect(reply.json(), reply.body).toMatchObject({ kind: 'token', id: `${provider.issuer}#client-7`, name: 'service-7', role: 'NURSE' });
  }
  expect(provider.keyRequests() - before).toBeLessThanOrEqual(1);
});

test('tokens that must not be taken are refused, each by its reason', async () => {
  const stranger = (await generateKeyPair('RS256')).privateKey;
  const now = Math.floor(Date.now() / 1000);
  const shared = new TextEncoder().encode('a shared secret that is long enough for HS256');
  const good = await provider.token(nurse);
  const [head, body, signature] = good.split('.') as [string, string, string];
  const forged = Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(body, 'base64url').toString()), realm_access: { roles: ['ward-admins'] } })).toString(
    'base64url',
  );
  const cases: [string, string, string][] = [
    ['for another audience', await provider.token({ ...nurse, aud: 'https://other.example' }), 'TOKEN_NOT_FOR_US'],
    ['of another issuer', await provider.token({ ...nurse, iss: 'https://other.example' }), 'TOKEN_NOT_FOR_US'],
    ['expired', await provider.token({ ...nurse, iat: now - 700, exp: now - 60 }), 'TOKEN_EXPIRED'],
    ['without an end', await provider.token({ ...nurse, exp: undefined }), 'TOKEN_CLAIM_MISSING'],
    ['not valid yet', await provider.token({ ...nurse, nbf: now + 600 }), 'TOKEN_CLAIM_MISSING'],
    ['of nobody', await provider.token({ ...nurse, sub: undefined }), 'TOKEN_CLAIM_MISSING'],
    ['unsigned (alg none)', new UnsecuredJWT({ ...nurse, iss: provider.issuer, aud: audience, sub: 'x', exp: now + 300 }).encode(), 'TOKEN_'],
    ['signed with a shared secret', await provider.token(nurse, { key: shared, alg: 'HS256' }), 'TOKEN_SIGNATURE_WRONG'],
    ['signed by a stranger under a known name', await provider.token(nurse, { key: stranger }), 'TOKEN_SIGNATURE_WRONG'],
    ['signed by an unknown key', await provider.token(nurse, { key: stranger, kid: 'unknown' }), 'TOKEN_SIGNATURE_WRONG'],
    ['changed after signing', [head, forged, signature].join('.'), 'TOKEN_SIGNATURE_WRONG'],
    ['no token at all', 'not-a-token', 'TOKEN_MALFORMED'],
  ];
  for (const [what, token, code] of cases) {
    const reply = await bearer(token);
    expect([reply.statusCode, codeOf(reply)], what).toEqual([401, expect.stringContaining(code)]);
    expect(reply.headers['www-authenticate'], what).toBe('Bearer realm="onechart", error="invalid_token"');
    expect(reply.body, what).not.toContain(token.slice(0, 40));
  }
  expect((await bearer(good)).statusCode).toBe(200);
});

test('a good token whose owner has no role is 403', async () => {
  for (const claims of [
    {},
    { realm_access: { roles: ['visitors'] } },
    { realm_access: { roles: { 0: 'ward-nurses' } } },
    { 'realm_access.roles': 'constructor' },
  ]) {
    const reply = await bearer(await provider.token(claims));
    expect([reply.statusCode, codeOf(reply)], JSON.stringify(claims)).toEqual([403, 'TOKEN_ROLE_MISSING']);
  }
});

test('rotated keys are found without a restart, and what the old one signed is refused', async () => {
  const old = await provider.token({ ...nurse, sub: 'before' });
  await provider.rotate();
  const fresh = await provider.token(nurse);
  // The library asks for an unknown key every 30 seconds at most.
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 31_000 });
  expect((await bearer(fresh)).statusCode).toBe(200);
  expect(codeOf(await bearer(old))).toBe('TOKEN_SIGNATURE_WRONG');
});

test('a provider that is away is said so, as 503, and is asked again', async () => {
  const gone = await startIdentityProvider({ redirectUri, audience });
  const { issuer, clientId } = gone;
  await gone[Symbol.asyncDispose]();
  const away = openServer(AccessSettings.parse({ oidc: { issuer, clientId, redirectUri, roles }, token: { issuer, audience, roles } }));
  const replies = [await away.inject('/api/v1/session/oidc'), await bearer(await provider.token({ iss: issuer }), away)];
  await away.close();
  expect(replies.map((reply) => [reply.statusCode, codeOf(reply)])).toEqual([
    [503, 'IDENTITY_PROVIDER_UNREACHABLE'],
    [503, 'IDENTITY_PROVIDER_UNREACHABLE'],
  ]);
});

test('what is not configured is said so', async () => {
  const without = openServer(AccessSettings.parse({}));
  const reply = await without.inject('/api/v1/session/oidc');
  await without.close();
  expect([reply.statusCode, codeOf(reply)]).toEqual([422, 'OIDC_NOT_CONFIGURED']);
});

test('issuers without encryption are taken on this machine alone, and no algorithm with a shared secret', () => {
  const token = { issuer: 'https://id.example', audience, roles };
  expect(AccessSettings.safeParse({ token }).success).toBe(true);
  expect(AccessSettings.safeParse({ token: { ...token, issuer: 'http://id.example' } }).success).toBe(false);
  for (const algorithm of ['none', 'HS256']) expect(AccessSettings.safeParse({ token: { ...token, algorithms: [algorithm] } }).success, algorithm).toBe(false);
});
