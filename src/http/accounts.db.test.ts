import '../../test/support/quick-passwords.ts';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { accessContext } from '../../test/support/access.ts';
import { createDatabase, type TestDatabase } from '../../test/support/database.ts';
import { createAccount } from '../access/account.service.ts';
import { accountsRoutes } from '../api/accounts.routes.ts';
import { sessionRoutes } from '../api/session.routes.ts';
import { parseDatabaseUrl } from '../base/config.ts';
import { createClient, type OneChartClient } from '../client/client.ts';
import { openServerRegistry } from './registry.ts';
import { createServer, listen } from './server.ts';

type Operation = (typeof contracts)[number]['operationId'];
const contracts = [...sessionRoutes, ...accountsRoutes] as const;
const password = 'seven quiet herons';

let database: TestDatabase;
let server: FastifyInstance;
let baseUrl: string;
let admin: OneChartClient;
let signedOut: OneChartClient;

beforeAll(async () => {
  database = await createDatabase({ template: 'migrated' });
  await createAccount(accessContext(database).ctx, { username: 'admin', displayName: 'Administrator', role: 'ADMIN', password });
  const registry = openServerRegistry(parseDatabaseUrl(database.url), { maxConnections: 5 });
  server = createServer({ assertReady: async () => undefined, registry, security: { limits: { requestsPerMinute: 0, signInsPerMinute: 0 } } });
  server.addHook('onClose', () => registry.close());
  baseUrl = await listen(server, { port: 0, host: '127.0.0.1' });
  signedOut = createClient({ baseUrl, checkAnswers: true });
  admin = await signedIn('admin');
});
afterAll(async () => {
  await server.close();
  await database.drop();
});

/** A client that keeps its cookie and sends the token that goes with it, as a page of ours would. */
async function signedIn(username: string, typed = password): Promise<OneChartClient> {
  const { body, headers } = await signedOut.signIn({ body: { username, password: typed } });
  const cookie = headers.getSetCookie()[0]?.split(';')[0] ?? '';
  return createClient({ baseUrl, checkAnswers: true, headers: () => ({ cookie, 'x-csrf-token': body.csrfToken ?? '' }) });
}

let made = 0;
async function newAccount() {
  made += 1;
  const { body } = await admin.createAccount({ body: { username: `person${made}`, displayName: 'Synthetic Person', role: 'NURSE', password } });
  return body.account;
}

const notFound = { kind: 'not-found' };
const nothing = '0190b6b2-6d0f-7c3a-9c6e-000000000001';

/** One proof for each operation. A contract without one does not compile. */
const proofs: Readonly<Record<Operation, () => Promise<void>>> = {
  signIn: async () => {
    const { body, headers } = await signedOut.signIn({ body: { username: 'admin', password } });
    expect(body).toMatchObject({ name: 'admin', role: 'ADMIN', scopes: expect.arrayContaining(['access.manage']) });
    expect(headers.getSetCookie()).toHaveLength(1);
    await expect(signedOut.signIn({ body: { username: 'admin', password: 'wrong' } })).rejects.toMatchObject({ code: 'SIGN_IN_REFUSED' });
  },
  whoAmI: async () => {
    expect((await admin.whoAmI()).body).toMatchObject({ kind: 'account', name: 'admin' });
    await expect(signedOut.whoAmI()).rejects.toMatchObject({ kind: 'unauthenticated', code: 'CREDENTIALS_MISSING' });
  },
  signOut: async () => {
    const here = await signedIn('admin');
    expect((await here.signOut()).status).toBe(204);
    await expect(here.whoAmI()).rejects.toMatchObject({ code: 'CREDENTIALS_MISSING' });
  },
  changeOwnPassword: async () => {
    const { username } = await newAccount();
    const person = await signedIn(username);
    const next = 'nine loud hornbills';
    await expect(person.changeOwnPassword({ body: { currentPassword: 'wrong', newPassword: next } })).rejects.toMatchObject({ code: 'PASSWORD_WRONG' });
    expect((await person.changeOwnPassword({ body: { currentPassword: password, newPassword: next } })).status).toBe(204);
    await signedIn(username, next);
  },
  listOwnSessions: async () => {
    const { items } = (await admin.listOwnSessions()).body;
    expect(items.filter(({ current }) => current)).toHaveLength(1);
    expect(items[0]).toMatchObject({ method: 'PASSWORD', address: '127.0.0.1' });
  },
  endOwnSession: async () => {
    const { username } = await newAccount();
    const [here, there] = [await signedIn(username), await signedIn(username)];
    const other = (await here.listOwnSessions()).body.items.find(({ current }) => !current)?.id ?? '';
    expect((await here.endOwnSession({ params: { id: other } })).status).toBe(204);
    await expect(there.whoAmI()).rejects.toMatchObject({ code: 'CREDENTIALS_MISSING' });
    await expect(here.endOwnSession({ params: { id: other } })).rejects.toMatchObject({ code: 'SESSION_NOT_FOUND' });
    await expect(here.endOwnSession({ params: { id: 'none' } })).rejects.toMatchObject(notFound);
  },
  startOidcSignIn: async () => {
    await expect(signedOut.startOidcSignIn()).rejects.toMatchObject({ kind: 'unsupported', code: 'OIDC_NOT_CONFIGURED' });
  },
  finishOidcSignIn: async () => {
    await expect(signedOut.finishOidcSignIn({ query: { code: 'x', state: 'y' } })).rejects.toMatchObject({ code: 'OIDC_NOT_CONFIGURED' });
  },
  listAccounts: async () => {
    const { id } = await newAccount();
    expect((await admin.listAccounts()).body.items.map((account) => account.id)).toContain(id);
  },
  createAccount: async () => {
    const { body, headers } = await admin.createAccount({ body: { username: 'generated', displayName: 'Generated', role: 'AUDITOR' } });
    expect(headers.get('location')).toBe(`/api/v1/accounts/${body.account.id}`);
    await signedIn('generated', body.generatedPassword);
    const again = { username: 'Generated', displayName: 'Again', role: 'AUDITOR' } as const;
    await expect(admin.createAccount({ body: again })).rejects.toMatchObject({ kind: 'duplicate', code: 'USERNAME_TAKEN' });
    await expect(admin.createAccount({ body: { ...again, username: 'weak', password: 'password1234' } })).rejects.toMatchObject({
      code: 'PASSWORD_TOO_COMMON',
    });
  },
  getAccount: async () => {
    const account = await newAccount();
    expect((await admin.getAccount({ params: { id: account.id } })).body).toEqual(account);
    for (const id of [nothing, 'none']) await expect(admin.getAccount({ params: { id } })).rejects.toMatchObject(notFound);
  },
  changeAccount: async () => {
    const { id, username } = await newAccount();
    const person = await signedIn(username);
    expect((await admin.changeAccount({ params: { id }, body: { role: 'DOCTOR', displayName: 'Promoted' } })).body).toMatchObject({ role: 'DOCTOR' });
    expect((await person.whoAmI()).body.role).toBe('DOCTOR');
    await admin.changeAccount({ params: { id }, body: { disabled: true } });
    await expect(person.whoAmI()).rejects.toMatchObject({ code: 'CREDENTIALS_MISSING' });
    const own = (await admin.whoAmI()).body.id;
    await expect(admin.changeAccount({ params: { id: own }, body: { disabled: true } })).rejects.toMatchObject({ code: 'ACCOUNT_IS_OWN' });
    await expect(admin.changeAccount({ params: { id: nothing }, body: {} })).rejects.toMatchObject(notFound);
  },
  resetPassword: async () => {
    const { id, username } = await newAccount();
    const { body } = await admin.resetPassword({ params: { id }, body: {} });
    await signedIn(username, body.generatedPassword);
    await expect(signedOut.signIn({ body: { username, password } })).rejects.toMatchObject({ code: 'SIGN_IN_REFUSED' });
    await expect(admin.resetPassword({ params: { id: nothing }, body: {} })).rejects.toMatchObject(notFound);
  },
  listKeys: async () => {
    const { body } = await admin.createKey({ body: { name: 'listed', role: 'NURSE' } });
    const { items } = (await admin.listKeys()).body;
    expect(items).toContainEqual(expect.objectContaining({ id: body.id, prefix: body.prefix, lastUsedAt: null }));
    expect(JSON.stringify(items)).not.toContain(body.key);
  },
  createKey: async () => {
    const { body } = await admin.createKey({ body: { name: 'service', role: 'FRONT_DESK', expiresAt: '2100-01-01T00:00:00Z' } });
    const service = createClient({ baseUrl, key: body.key, checkAnswers: true });
    expect((await service.whoAmI()).body).toMatchObject({ kind: 'key', name: 'service', role: 'FRONT_DESK' });
    await expect(service.listKeys()).rejects.toMatchObject({ kind: 'forbidden', code: 'ACCESS_DENIED' });
    await expect(admin.createKey({ body: { name: 'past', role: 'NURSE', expiresAt: '2020-01-01T00:00:00Z' } })).rejects.toMatchObject({
      code: 'KEY_EXPIRES_IN_PAST',
    });
  },
  revokeKey: async () => {
    const { body } = await admin.createKey({ body: { name: 'revoked', role: 'NURSE' } });
    const service = createClient({ baseUrl, key: body.key });
    await service.whoAmI();
    expect((await admin.revokeKey({ params: { id: body.prefix } })).body).toMatchObject({ id: body.id, revokedAt: expect.any(String) });
    await expect(service.whoAmI()).rejects.toMatchObject({ code: 'KEY_REFUSED' });
    await expect(admin.revokeKey({ params: { id: body.id } })).rejects.toMatchObject({ code: 'KEY_REVOKED' });
    for (const id of [nothing, 'none', 'ock_zzzzzzzzzz']) await expect(admin.revokeKey({ params: { id } })).rejects.toMatchObject(notFound);
  },
};

test.each(contracts.map(({ operationId }) => operationId))('%s works through the client, over a socket, as its contract says', async (operation) => {
  await proofs[operation]();
});

test('charts and trail name the user of the EHR behind an account, the account where there is none, and the service behind a key', async () => {
  const [user] = await database.query<{ id: string }>('SELECT id FROM users LIMIT 1');
  await admin.createAccount({ body: { username: 'linked', displayName: 'Linked', role: 'FRONT_DESK', userId: user?.id, password } });
  await admin.createAccount({ body: { username: 'alone', displayName: 'Alone', role: 'FRONT_DESK', password } });
  const { body: key } = await admin.createKey({ body: { name: 'engine', role: 'FRONT_DESK' } });
  const callers = [await signedIn('linked'), await signedIn('alone'), createClient({ baseUrl, key: key.key })];
  const seen = [];
  for (const caller of callers) {
    const { body: patient } = await caller.registerPatient({ body: { firstName: 'Synthetic', lastName: 'Person', dateOfBirth: '1990-01-01' } });
    seen.push(
      ...(await database.query(
        `SELECT p."createdBy", e."actorKind", e."actorId", e."actorName" FROM patients p JOIN patient_audit_events e ON e."patientId" = p.id WHERE p.id = $1 AND e.action = 'patient.registered'`,
        [patient.id],
      )),
    );
  }
  const alone = (await callers[1]?.whoAmI())?.body.id;
  expect(seen).toEqual([
    { createdBy: user?.id, actorKind: 'user', actorId: user?.id, actorName: 'linked' },
    { createdBy: null, actorKind: 'account', actorId: alone, actorName: 'alone' },
    { createdBy: null, actorKind: 'service', actorId: key.id, actorName: 'engine' },
  ]);
});
