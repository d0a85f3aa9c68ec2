import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { accessContext } from '../../test/support/access.ts';
import { createDatabase, type TestDatabase } from '../../test/support/database.ts';
import { changeAccount, changePassword, createAccount, resetPassword } from './account.service.ts';
import { kyselyOnPool } from '../db/connect.ts';
import { lockSeconds } from './account.ts';
import { authenticateKey, createKey } from './key.service.ts';
import { proofHoldsSeconds } from './proofs.ts';
import { authenticateSession, endSession, listSessions, signIn, signOut } from './session.service.ts';

const settings = { idleMinutes: 30, absoluteHours: 12 };
const refused = { kind: 'unauthenticated', code: 'SIGN_IN_REFUSED' };

let database: TestDatabase;
let at: ReturnType<typeof accessContext>;
beforeAll(async () => {
  database = await createDatabase({ template: 'migrated' });
  at = accessContext(database);
});
afterAll(() => database.drop());

let made = 0;
async function newAccount(): Promise<{ id: string; username: string; password: string }> {
  made += 1;
  const { account, generatedPassword } = await createAccount(at.ctx, { username: `user${made}`, displayName: 'Example Person', role: 'NURSE' });
  return { id: account.id, username: account.username, password: generatedPassword ?? '' };
}

const enter = (username: string, password: string) => signIn(at.ctx, { username, password }, { settings, userAgent: 'Browser/1' });
const whose = (token: string) => authenticateSession(at.ctx, token, settings);
const trail = (accountId: string) =>
  database.query<{ action: string; reason: string | null; kind: string; actor: string }>(
    `SELECT action, after->>'reason' AS reason, "actorKind" AS kind, "actorId" AS actor FROM patient_audit_events WHERE after->>'accountId' = $1 AND "patientId" IS NULL ORDER BY "occurredAt", id`,
    [accountId],
  );

test('the password opens a session; the cookie says who it is; sign-out ends it; the trail has all of it', async () => {
  const person = await newAccount();
  const { token, session, principal } = await enter(` ${person.username.toUpperCase()} `, person.password);
  expect(principal).toMatchObject({ kind: 'account', id: person.id, name: person.username, role: 'NURSE', sessionId: session.id });
  expect(await whose(token)).toEqual(principal);
  expect(principal.csrf).not.toBe(token);
  await signOut(at.ctx, principal);
  expect(await whose(token)).toBeUndefined();
  expect((await trail(person.id)).map(({ action }) => action)).toEqual(['account.created', 'account.signed-in', 'account.signed-out']);
});

test('nothing that opens anything stands in the database', async () => {
  const person = await newAccount();
  const { token } = await enter(person.username, person.password);
  const [row] = await database.query<{ everything: string }>(
    `SELECT (SELECT json_agg(a) FROM access_accounts a)::text || (SELECT json_agg(s) FROM access_sessions s)::text || (SELECT json_agg(e) FROM patient_audit_events e)::text AS everything`,
  );
  expect(row?.everything).toContain(person.id);
  expect(row?.everything).not.toContain(token);
  expect(row?.everything).not.toContain(person.password);
});

test('a linked account acts as the user of the host', async () => {
  const [user] = await database.query<{ id: string }>('SELECT id FROM users LIMIT 1');
  const { account, generatedPassword } = await createAccount(at.ctx, { username: 'linked', displayName: 'Linked', role: 'DOCTOR', userId: user?.id });
  const { principal } = await enter('linked', generatedPassword ?? '');
  expect(principal.userId).toBe(user?.id);
  expect((await trail(account.id)).at(-1)).toMatchObject({ action: 'account.signed-in', kind: 'user', actor: user?.id });
});

test('wrong password, unknown name, disabled account and locked account are one and the same answer', async () => {
  const [person, disabled, locked] = [await newAccount(), await newAccount(), await newAccount()];
  await changeAccount(at.ctx, disabled.id, { disabled: true });
  await database.query(`UPDATE access_accounts SET "lockedUntil" = $2 WHERE id = $1`, [locked.id, new Date(at.clock.now().getTime() + 60_000)]);
  const answers = await Promise.all(
    [
      enter(person.username, 'not the password'),
      enter('nobody', 'not the password'),
      enter('', 'x'),
      enter(disabled.username, disabled.password),
      enter(locked.username, locked.password),
    ].map((attempt) => attempt.catch((error: unknown) => error)),
  );
  for (const answer of answers) {
    expect(answer).toMatchObject({ ...refused, details: {} });
    expect((answer as Error).message).toBe((answers[0] as Error).message);
  }
  expect((await trail(person.id)).at(-1)).toMatchObject({ action: 'account.sign-in-refused', reason: 'password' });
  expect((await trail(disabled.id)).at(-1)).toMatchObject({ action: 'account.sign-in-refused', reason: 'disabled' });
  expect((await trail(locked.id)).at(-1)).toMatchObject({ action: 'account.sign-in-refused', reason: 'locked' });
});

test('an unknown name costs the same statements as a wrong password, and the same hash', async () => {
  const person = await newAccount();
  const cost = async (username: string) => {
    const before = { statements: at.statements(), cpu: process.cpuUsage() };
    await expect(enter(username, 'not the password')).rejects.toMatchObject(refused);
    const { user, system } = process.cpuUsage(before.cpu);
    return { statements: at.statements() - before.statements, milliseconds: (user + system) / 1000 };
  };
  const [known, unknown] = [await cost(person.username), await cost('nobody.at.all')];
  expect(unknown.statements).toBe(known.statements);
  // Without the decoy it would be a twentieth.
  expect(unknown.milliseconds).toBeGreaterThan(known.milliseconds / 3);
});

test('repeated failures lock for longer and longer; the right password does not open a locked account; success forgets the failures', async () => {
  const person = await newAccount();
  for (const failures of [4, 5, 6, lockSeconds.length, lockSeconds.length + 7]) {
    await database.query('UPDATE access_accounts SET "failedSignIns" = $2 WHERE id = $1', [person.id, failures - 1]);
    await expect(enter(person.username, 'not the password')).rejects.toMatchObject(refused);
    const [row] = await database.query<{ until: Date | null }>('SELECT "lockedUntil" AS until FROM access_accounts WHERE id = $1', [person.id]);
    const seconds = lockSeconds[failures - 1] ?? 900;
    expect((row?.until?.getTime() ?? at.clock.now().getTime()) - at.clock.now().getTime(), `after failure ${failures}`).toBe(seconds * 1000);
    at.later(seconds);
  }
  await expect(enter(person.username, 'not the password')).rejects.toMatchObject(refused);
  at.later(899);
  await expect(enter(person.username, person.password)).rejects.toMatchObject(refused);
  at.later(1);
  await enter(person.username, person.password);
  const [row] = await database.query('SELECT "failedSignIns" AS failed, "lockedUntil" AS until FROM access_accounts WHERE id = $1', [person.id]);
  expect(row).toEqual({ failed: 0, until: null });
});

test('guesses at the same moment are counted one by one', async () => {
  const person = await newAccount();
  const guesses = Array.from({ length: 8 }, () => enter(person.username, 'not the password').catch((error: { code: string }) => error.code));
  expect(new Set(await Promise.all(guesses))).toEqual(new Set(['SIGN_IN_REFUSED']));
  const reasons = (await trail(person.id)).map(({ reason }) => reason).filter((reason) => reason !== null);
  // The fifth one locks; none of the others was let through to the password.
  expect(reasons.filter((reason) => reason === 'password')).toHaveLength(5);
  expect(reasons.filter((reason) => reason === 'locked')).toHaveLength(3);
});

test('warm, a request costs no statement, and what is revoked elsewhere ends within the stated seconds', async () => {
  const person = await newAccount();
  const { token } = await enter(person.username, person.password);
  await whose(token);
  const before = at.statements();
  for (let request = 0; request < 50; request += 1) expect(await whose(token)).toBeDefined();
  expect(at.statements()).toBe(before);
  // As another process would.
  await database.query('UPDATE access_sessions SET "endedAt" = now() WHERE "accountId" = $1', [person.id]);
  at.later(proofHoldsSeconds);
  expect(await whose(token)).toBeUndefined();
});

test('a session ends when it is idle for too long, and at its end whatever happens', async () => {
  const person = await newAccount();
  const idle = await enter(person.username, person.password);
  const busy = await enter(person.username, person.password);
  at.later(20 * 60);
  expect(await whose(busy.token)).toBeDefined();
  at.later(11 * 60);
  expect(await whose(idle.token)).toBeUndefined();
  for (let spent = 31; spent < 12 * 60; spent += 20) {
    expect(await whose(busy.token), `after ${spent} minutes`).toBeDefined();
    at.later(20 * 60);
  }
  expect(await whose(busy.token)).toBeUndefined();
});

test('a change of password ends the other sessions and needs the current one; a reset ends all', async () => {
  const person = await newAccount();
  const here = await enter(person.username, person.password);
  const there = await enter(person.username, person.password);
  const change = (currentPassword: string, newPassword: string) =>
    changePassword(at.ctx, person.id, { input: { currentPassword, newPassword }, sessionId: here.session.id });
  await expect(change('not the password', 'seven quiet herons')).rejects.toMatchObject({ kind: 'forbidden', code: 'PASSWORD_WRONG' });
  await expect(change(person.password, 'password1234')).rejects.toMatchObject({ code: 'PASSWORD_TOO_COMMON' });
  expect(await whose(there.token)).toBeDefined();
  await change(person.password, 'seven quiet herons');
  expect([await whose(here.token), await whose(there.token)]).toEqual([here.principal, undefined]);
  await expect(enter(person.username, person.password)).rejects.toMatchObject(refused);
  const { generatedPassword } = await resetPassword(at.ctx, person.id);
  expect(await whose(here.token)).toBeUndefined();
  await enter(person.username, generatedPassword ?? '');
});

test('disabling ends what is open at once, and enabling lets in again; nobody disables or promotes themselves', async () => {
  const person = await newAccount();
  const { token } = await enter(person.username, person.password);
  expect(await whose(token)).toBeDefined();
  await changeAccount(at.ctx, person.id, { disabled: true });
  expect(await whose(token)).toBeUndefined();
  await changeAccount(at.ctx, person.id, { disabled: false });
  const again = await enter(person.username, person.password);
  expect(await whose(again.token)).toMatchObject({ role: 'NURSE' });
  await changeAccount(at.ctx, person.id, { role: 'HIM' });
  expect(await whose(again.token)).toMatchObject({ role: 'HIM' });
  const asThemselves = { ...at.ctx, viewer: { role: 'HIM', id: person.id } };
  for (const change of [{ disabled: true }, { role: 'ADMIN' as const }])
    await expect(changeAccount(asThemselves, person.id, change)).rejects.toMatchObject({ kind: 'rule', code: 'ACCOUNT_IS_OWN' });
  // An open screen of an administrator must not be a way to a password.
  await expect(resetPassword(asThemselves, person.id)).rejects.toMatchObject({ kind: 'rule', code: 'ACCOUNT_IS_OWN' });
});

test('an account sees its own open sessions and ends one of them, not those of others', async () => {
  const [person, other] = [await newAccount(), await newAccount()];
  const here = await enter(person.username, person.password);
  at.later(1);
  const there = await enter(person.username, person.password);
  const foreign = await enter(other.username, other.password);
  const { items } = await listSessions(at.ctx, here.principal, settings);
  expect(items.map(({ id, current }) => ({ id, current }))).toEqual([
    { id: there.session.id, current: false },
    { id: here.session.id, current: true },
  ]);
  expect(items[0]).toMatchObject({ address: '192.0.2.7', userAgent: 'Browser/1' });
  await endSession(at.ctx, here.principal, there.session.id);
  expect(await whose(there.token)).toBeUndefined();
  await expect(endSession(at.ctx, here.principal, foreign.session.id)).rejects.toMatchObject({ code: 'SESSION_NOT_FOUND' });
  expect(await whose(foreign.token)).toBeDefined();
});

test('a hash of less cost is made anew at the next sign-in', async () => {
  const person = await newAccount();
  // RFC 7914 §12: the password is "password".
  const weak = '$scrypt$ln=10,r=8,p=16$TmFDbA$/bq+HJ00cgB4VucZDQHp/nxq18vII3gw53N2Y0s3MWIurzDZLiKjiG/xCSedmDDaxyevuUqD7m2DYMvfoswGQA';
  await database.query('UPDATE access_accounts SET "passwordHash" = $2 WHERE id = $1', [person.id, weak]);
  await enter(person.username, 'password');
  const [row] = await database.query<{ hash: string }>('SELECT "passwordHash" AS hash FROM access_accounts WHERE id = $1', [person.id]);
  expect(row?.hash).toMatch(/^\$scrypt\$ln=14,r=8,p=5\$/);
  await enter(person.username, 'password');
});

test('an account name is taken once, and its form is said', async () => {
  const person = await newAccount();
  await expect(createAccount(at.ctx, { username: person.username, displayName: 'Other', role: 'NURSE' })).rejects.toMatchObject({
    kind: 'duplicate',
    code: 'USERNAME_TAKEN',
  });
  await expect(createAccount(at.ctx, { username: 'has space', displayName: 'Other', role: 'NURSE' })).rejects.toMatchObject({ code: 'INPUT_INVALID' });
  await expect(createAccount(at.ctx, { username: 'ok.name', displayName: 'Other', role: 'SURGEON' as 'NURSE' })).rejects.toMatchObject({
    code: 'INPUT_INVALID',
  });
});

test('the role of a server is enough for all of it, and cannot take an account away', async () => {
  const pool = new pg.Pool({ connectionString: database.url, options: '-c role=onechart_app', max: 2 });
  // The database is dropped by force while the last connection says good-bye.
  pool.on('error', () => undefined);
  try {
    const ctx = { ...at.ctx, pool, db: kyselyOnPool(pool) };
    const { account, generatedPassword } = await createAccount(ctx, { username: 'by.server', displayName: 'By the server', role: 'NURSE' });
    const { token, principal } = await signIn(ctx, { username: 'by.server', password: generatedPassword ?? '' }, { settings });
    expect(await authenticateSession(ctx, token, settings)).toEqual(principal);
    await signOut(ctx, principal);
    const { key } = await createKey(ctx, { name: 'by the server', role: 'NURSE' });
    expect(await authenticateKey(ctx, key)).toBeDefined();
    for (const statement of ['DELETE FROM access_accounts', 'DELETE FROM access_keys', 'TRUNCATE access_sessions'])
      await expect(pool.query(statement), statement).rejects.toMatchObject({ code: '42501' });
    expect(account.role).toBe('NURSE');
  } finally {
    await pool.end();
  }
});
