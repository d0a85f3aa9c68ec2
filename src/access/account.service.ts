import { insertAuditEvent } from '../audit/audit.store.ts';
import { AppError } from '../base/errors.ts';
import { parseInput } from '../base/parse-input.ts';
import type { Ctx } from '../db/context.ts';
import { translated } from '../db/sqlstate.ts';
import { inTransaction } from '../db/transaction.ts';
import { AccountChanges, type Account, type AccountWithPassword, NewAccount, PasswordChange, PasswordReset, Username } from './account.schema.ts';
import * as store from './account.store.ts';
import { checkNewPassword } from './password.ts';
import { generatePassword, hashPassword, verifyPassword } from './password.service.ts';
import { proofsOf } from './proofs.ts';
import { endSessions } from './session.store.ts';

/**
 * Makes an account that can sign in. Without a password one is generated and returned this one time.
 *
 * Errors: `USERNAME_TAKEN`, `INPUT_INVALID`, and those of `checkNewPassword`.
 *
 * @example
 * await createAccount(ctx, { username: 'a.njeri', displayName: 'Akinyi Njeri', role: 'NURSE', password: 'seven quiet herons' });
 */
export async function createAccount(ctx: Ctx, input: NewAccount): Promise<AccountWithPassword> {
  const { password, userId, ...given } = parseInput(NewAccount, input);
  if (password !== undefined) checkNewPassword(password, given);
  const chosen = password ?? generatePassword();
  const passwordHash = await hashPassword(chosen);
  const now = ctx.clock.now();
  const account = await inTransaction(ctx, async (inside) => {
    const made = await store.insertAccount(inside.db, {
      ...given,
      id: ctx.newId(),
      userId: userId ?? null,
      passwordHash,
      passwordChangedAt: now,
      createdAt: now,
      updatedAt: now,
    });
    await insertAuditEvent(inside, { action: 'account.created', patientId: null, after: auditable(made) });
    return made;
  });
  return { account, ...(password === undefined ? { generatedPassword: chosen } : {}) };
}

/** All accounts by username. */
export async function listAccounts(ctx: Ctx): Promise<{ items: Account[] }> {
  return { items: await translated(store.listAccounts(ctx.db)) };
}

/** Errors: `ACCOUNT_NOT_FOUND`. */
export async function getAccount(ctx: Ctx, id: string): Promise<Account> {
  return (await translated(store.findAccount(ctx.db, id)))?.account ?? notFound();
}

/** The account with this username. Errors: `ACCOUNT_NOT_FOUND`. */
export async function getAccountByUsername(ctx: Ctx, username: string): Promise<Account> {
  const name = parseInput(Username, username);
  return (await translated(store.findAccountByUsername(ctx.db, name)))?.account ?? notFound();
}

/**
 * Changes what an administrator may change. Disabling ends every session; enabling also lifts a lock. A changed role counts at once in this
 * process, within `proofHoldsSeconds` in others.
 *
 * Errors: `ACCOUNT_NOT_FOUND`, `ACCOUNT_IS_OWN`.
 */
export async function changeAccount(ctx: Ctx, id: string, input: AccountChanges): Promise<Account> {
  const { disabled, ...given } = parseInput(AccountChanges, input);
  const now = ctx.clock.now();
  const fields: store.AccountWrite = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const changed = await inTransaction(ctx, async (inside) => {
    const before = (await store.lockAccount(inside.db, id))?.account ?? notFound();
    if (ctx.viewer?.id === id && (disabled === true || (fields.role !== undefined && fields.role !== before.role)))
      throw new AppError('rule', 'ACCOUNT_IS_OWN', 'Nobody disables the own account or changes the own role. Ask another administrator.');
    const switched = disabled === undefined || disabled === (before.disabledAt !== null) ? {} : { disabledAt: disabled ? now : null };
    const unlocked = disabled === false ? { failedSignIns: 0, lockedUntil: null } : {};
    const after = (await store.updateAccount(inside.db, id, { ...fields, ...switched, ...unlocked, updatedAt: now })) ?? notFound();
    if (disabled === true) await endSessions(inside.db, { accountId: id, at: now });
    const action = disabled === undefined ? 'account.changed' : disabled ? 'account.disabled' : 'account.enabled';
    await insertAuditEvent(inside, { action, patientId: null, before: auditable(before), after: auditable(after) });
    return after;
  });
  await proofsOf(ctx.pool).forget((principal) => principal.kind === 'account' && principal.id === id);
  return changed;
}

/** Sets a new password for somebody else, lifts a lock and ends every session. Errors: `ACCOUNT_NOT_FOUND`, `ACCOUNT_IS_OWN`, and those of `checkNewPassword`. */
export async function resetPassword(ctx: Ctx, id: string, input: PasswordReset = {}): Promise<AccountWithPassword> {
  const { password } = parseInput(PasswordReset, input);
  const account = await getAccount(ctx, id);
  if (ctx.viewer?.id === id)
    throw new AppError('rule', 'ACCOUNT_IS_OWN', 'The own password is changed by whoever knows it: POST /api/v1/session/password with the current one.');
  if (password !== undefined) checkNewPassword(password, account);
  const chosen = password ?? generatePassword();
  const changed = await setPassword(ctx, { id, password: chosen, action: 'account.password-reset' });
  return { account: changed, ...(password === undefined ? { generatedPassword: chosen } : {}) };
}

/**
 * Changes the own password and ends every other session. A wrong current password counts as a failed sign-in, so that a found open
 * screen does not become a way to guess.
 *
 * Errors: `PASSWORD_WRONG`, and those of `checkNewPassword`.
 */
export async function changePassword(ctx: Ctx, id: string, options: { input: PasswordChange; sessionId: string | undefined }): Promise<Account> {
  const { currentPassword, newPassword } = parseInput(PasswordChange, options.input);
  const account = await getAccount(ctx, id);
  checkNewPassword(newPassword, account);
  const attempt = await inTransaction(ctx, (inside) => store.countAttempt(inside, account.username));
  const fits = await verifyPassword(currentPassword, attempt?.passwordHash);
  if (!fits || !attempt?.allowed) {
    await inTransaction(ctx, (inside) => insertAuditEvent(inside, { action: 'account.password-change-refused', patientId: null, after: { accountId: id } }));
    throw new AppError(
      'forbidden',
      'PASSWORD_WRONG',
      'The current password does not fit, or it was tried wrongly too often and is locked for a while. Check it, or ask an administrator for a reset.',
      { field: 'currentPassword' },
    );
  }
  return setPassword(ctx, { id, password: newPassword, action: 'account.password-changed', keepSession: options.sessionId });
}

async function setPassword(ctx: Ctx, change: { id: string; password: string; action: string; keepSession?: string | undefined }): Promise<Account> {
  const { id, keepSession } = change;
  const passwordHash = await hashPassword(change.password);
  const now = ctx.clock.now();
  const changed = await inTransaction(ctx, async (inside) => {
    const account =
      (await store.updateAccount(inside.db, id, { passwordHash, passwordChangedAt: now, failedSignIns: 0, lockedUntil: null, updatedAt: now })) ?? notFound();
    const ended = await endSessions(inside.db, { accountId: id, except: keepSession, at: now });
    await insertAuditEvent(inside, { action: change.action, patientId: null, after: { accountId: id, sessionsEnded: ended.length } });
    return account;
  });
  await proofsOf(ctx.pool).forget((principal) => principal.kind === 'account' && principal.id === id && principal.sessionId !== keepSession);
  return changed;
}

function notFound(): never {
  throw new AppError('not-found', 'ACCOUNT_NOT_FOUND', 'There is no such account. onechart accounts list shows those there are.');
}

/** What the trail keeps of an account. */
function auditable({ id, username, displayName, role, userId, disabledAt }: Account): object {
  return { accountId: id, username, displayName, role, userId, disabledAt };
}
