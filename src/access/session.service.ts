import { createHash, createHmac, randomBytes } from 'node:crypto';
import { insertAuditEvent } from '../audit/audit.store.ts';
import { AppError } from '../base/errors.ts';
import { refusalReason } from '../base/meter.ts';
import { parseInput } from '../base/parse-input.ts';
import type { Ctx } from '../db/context.ts';
import { translated } from '../db/sqlstate.ts';
import { inTransaction } from '../db/transaction.ts';
import type { SessionSettings } from './access-settings.schema.ts';
import { Role } from './access.schema.ts';
import { type AccountName, actorOf, refusalOf } from './account.ts';
import { SignIn } from './account.schema.ts';
import { countAttempt, updateAccount } from './account.store.ts';
import { hashPassword, isOutdatedHash, verifyPassword } from './password.service.ts';
import type { Principal } from './principal.ts';
import { type Proven, proofsOf } from './proofs.ts';
import type { Session, SessionList, SessionMethod } from './session.schema.ts';
import * as store from './session.store.ts';

/** A new session; the token goes into a cookie and is nowhere else. */
export interface OpenedSession {
  readonly token: string;
  readonly session: Session;
  readonly principal: Principal;
}

export interface SignInOptions {
  readonly settings: SessionSettings;
  /** What the browser says of itself. */
  readonly userAgent?: string | undefined;
}

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
/** Sessions that ended longer ago are removed when their account signs in. */
const oldSession = 30 * day;

/**
 * Signs in with username and password.
 *
 * Errors: `SIGN_IN_REFUSED`, the same after the same work for a wrong password, an unknown name, a disabled and a locked account,
 * so that nobody learns which accounts there are. The audit trail has the reason.
 */
export async function signIn(ctx: Ctx, input: SignIn, options: SignInOptions): Promise<OpenedSession> {
  const { username, password } = parseInput(SignIn, input);
  const attempt = await inTransaction(ctx, (inside) => countAttempt(inside, username.trim().toLowerCase()));
  const fits = await verifyPassword(password, attempt?.passwordHash);
  // The account is as it was before the attempt; whether another attempt has locked it in between, `allowed` says.
  const refusal = refusalOf(attempt?.account, ctx.clock.now()) ?? (attempt?.allowed ? (fits ? undefined : 'password') : 'locked');
  if (!attempt || refusal !== undefined) return refuse(ctx, attempt?.account, refusal ?? 'unknown');
  const { account, passwordHash } = attempt;
  const renewed = passwordHash !== null && isOutdatedHash(passwordHash) ? { passwordHash: await hashPassword(password) } : {};
  return inTransaction(ctx, async (inside) => {
    await updateAccount(inside.db, account.id, { ...renewed, failedSignIns: 0, lockedUntil: null, lastSignInAt: ctx.clock.now() });
    return openSession(inside, account, { ...options, method: 'PASSWORD' });
  });
}

async function refuse(ctx: Ctx, account: AccountName | undefined, reason: string): Promise<never> {
  ctx.meter?.signInRefused(refusalReason(reason));
  // An unknown name is not written down: people type passwords into the wrong field.
  const actor = account ? actorOf(account) : ctx.actor;
  await inTransaction({ ...ctx, actor }, (inside) =>
    insertAuditEvent(inside, { action: 'account.sign-in-refused', patientId: null, after: { reason, ...(account ? { accountId: account.id } : {}) } }),
  );
  throw new AppError(
    'unauthenticated',
    'SIGN_IN_REFUSED',
    'Username and password do not fit, or sign-in is locked for a while after several failures. Check both and try again in a minute; an administrator can reset a password.',
  );
}

/** Opens a session in the transaction at hand, for an account that has proven itself. */
export async function openSession(
  ctx: Ctx,
  account: AccountName & { role: string },
  options: SignInOptions & { method: SessionMethod },
): Promise<OpenedSession> {
  const now = ctx.clock.now();
  const token = randomBytes(32).toString('base64url');
  await store.deleteOldSessions(ctx.db, { accountId: account.id, before: new Date(now.getTime() - oldSession) });
  const session = await store.insertSession(ctx.db, {
    id: ctx.newId(),
    accountId: account.id,
    tokenHash: hashToken(token),
    method: options.method,
    createdAt: now,
    lastSeenAt: now,
    expiresAt: new Date(now.getTime() + options.settings.absoluteHours * hour),
    address: ctx.origin?.slice(0, 100) ?? null,
    userAgent: options.userAgent?.replaceAll(/\p{Cc}/gu, '').slice(0, 255) ?? null,
  });
  const principal = principalOf(account, { id: session.id, token });
  await insertAuditEvent(
    { ...ctx, actor: actorOf(account) },
    { action: 'account.signed-in', patientId: null, after: { accountId: account.id, sessionId: session.id, method: options.method } },
  );
  return { token, session, principal };
}

/** Whose session the token of a cookie is; undefined when it is nobody's or over. Warm, it costs no round trip. */
export async function authenticateSession(ctx: Ctx, token: string, settings: SessionSettings): Promise<Principal | undefined> {
  // Ours are 43 characters; what is not gets no look-up.
  if (!/^[\w-]{43}$/.test(token)) return undefined;
  const tokenHash = hashToken(token);
  const now = ctx.clock.now();
  return proofsOf(ctx.pool).get(tokenHash, now, async (): Promise<Proven | undefined> => {
    const found = await translated(store.findSession(ctx.db, tokenHash));
    if (!found) return undefined;
    const { session, account } = found;
    const lastSeen = Date.parse(session.lastSeenAt);
    const endsAt = Date.parse(session.expiresAt);
    if (endsAt <= now.getTime() || lastSeen + settings.idleMinutes * minute <= now.getTime()) return undefined;
    // To the minute is enough for an idle time of many, and keeps a busy screen from writing with every look-up.
    if (now.getTime() - lastSeen >= Math.min(minute, (settings.idleMinutes * minute) / 4)) await translated(store.touchSession(ctx.db, session.id, now));
    return { principal: principalOf(account, { id: session.id, token }), expiresAt: endsAt };
  });
}

/** Ends the session at hand. */
export async function signOut(ctx: Ctx, principal: Principal): Promise<void> {
  if (principal.sessionId === undefined) throw new AppError('rule', 'SESSION_MISSING', 'This caller has no session: a key or a token is not signed out.');
  await endOwnSession(ctx, { accountId: principal.id, id: principal.sessionId, action: 'account.signed-out' });
}

/** The sessions of an account that still work, newest first. */
export async function listSessions(ctx: Ctx, principal: Principal, settings: SessionSettings): Promise<SessionList> {
  const now = ctx.clock.now();
  const sessions = await translated(
    store.listSessions(ctx.db, { accountId: principal.id, now, seenSince: new Date(now.getTime() - settings.idleMinutes * minute) }),
  );
  return { items: sessions.map(({ accountId: _account, endedAt: _ended, ...session }) => ({ ...session, current: session.id === principal.sessionId })) };
}

/** Ends another session of the same account. Errors: `SESSION_NOT_FOUND`. */
export async function endSession(ctx: Ctx, principal: Principal, id: string): Promise<void> {
  await endOwnSession(ctx, { accountId: principal.id, id, action: 'account.session-ended' });
}

async function endOwnSession(ctx: Ctx, which: { accountId: string; id: string; action: string }): Promise<void> {
  await inTransaction(ctx, async (inside) => {
    const ended = await store.endSessions(inside.db, { accountId: which.accountId, id: which.id, at: ctx.clock.now() });
    if (ended.length === 0) throw new AppError('not-found', 'SESSION_NOT_FOUND', 'There is no such open session of this account. List the sessions again.');
    await insertAuditEvent(inside, { action: which.action, patientId: null, after: { accountId: which.accountId, sessionId: which.id } });
  });
  await proofsOf(ctx.pool).forget((principal) => principal.sessionId === which.id);
}

function principalOf(account: AccountName & { role: string }, session: { id: string; token: string }): Principal {
  return {
    kind: 'account',
    id: account.id,
    name: account.username,
    role: Role.parse(account.role),
    ...(account.userId === null ? {} : { userId: account.userId }),
    sessionId: session.id,
    csrf: csrfOf(session.token),
  };
}

/** Follows from the token and does not lead back to it, so that it need not be kept; a page that can read the cookie's answer alone has it. */
function csrfOf(token: string): string {
  return createHmac('sha256', token).update('csrf').digest('base64url');
}

function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
