import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { insertAuditEvent } from '../audit/audit.store.ts';
import { AppError } from '../base/errors.ts';
import { parseInput } from '../base/parse-input.ts';
import type { Ctx } from '../db/context.ts';
import { translated } from '../db/sqlstate.ts';
import { inTransaction } from '../db/transaction.ts';
import { type CreatedKey, type Key, NewKey } from './key.schema.ts';
import * as store from './key.store.ts';
import type { Principal } from './principal.ts';
import { type Proven, proofsOf } from './proofs.ts';

/** `ock_` so that scanners of source code find lost ones; ten characters to recognise it; 256 random bits. */
const keyPattern = /^(ock_[0-9a-z]{10})_[\w-]{43}$/;
const minute = 60_000;
/** A busy key would fill the trail; its changes stand there one by one anyway. */
const auditUseEvery = 60 * minute;

/**
 * Makes a key for a service and returns it this one time; the database keeps its hash.
 *
 * @example
 * const { key } = await createKey(ctx, { name: 'laboratory', role: 'NURSE' });
 */
export async function createKey(ctx: Ctx, input: NewKey): Promise<CreatedKey> {
  const { name, role, expiresAt } = parseInput(NewKey, input);
  const now = ctx.clock.now();
  if (expiresAt && Date.parse(expiresAt) <= now.getTime())
    throw new AppError('invalid', 'KEY_EXPIRES_IN_PAST', 'expiresAt is over already. Give an instant to come, or leave it out.', { field: 'expiresAt' });
  const prefix = `ock_${randomPrefix()}`;
  const key = `${prefix}_${randomBytes(32).toString('base64url')}`;
  const made = await inTransaction(ctx, async (inside) => {
    const row = await store.insertKey(inside.db, {
      id: ctx.newId(),
      name,
      role,
      prefix,
      secretHash: hashKey(key),
      createdAt: now,
      expiresAt: expiresAt ? new Date(expiresAt) : null,
    });
    await insertAuditEvent(inside, { action: 'key.created', patientId: null, after: { keyId: row.id, name, role, prefix, expiresAt: row.expiresAt } });
    return row;
  });
  return { ...made, key };
}

/** All keys, newest first, the revoked and expired ones too. */
export async function listKeys(ctx: Ctx): Promise<{ items: Key[] }> {
  return { items: await translated(store.listKeys(ctx.db)) };
}

/** Revokes a key, named by its id or its open part. It is refused at once here, within `proofHoldsSeconds` by other processes. Errors: `KEY_NOT_FOUND`, `KEY_REVOKED`. */
export async function revokeKey(ctx: Ctx, idOrPrefix: string): Promise<Key> {
  const revoked = await inTransaction(ctx, async (inside) => {
    // Whoever pastes the whole key means its open part.
    const prefix = /^ock_[0-9a-z]{10}/.exec(idOrPrefix)?.[0];
    const known = prefix === undefined ? await store.findKey(inside.db, idOrPrefix) : (await store.findKeyByPrefix(inside.db, prefix))?.key;
    if (!known) throw new AppError('not-found', 'KEY_NOT_FOUND', 'There is no such key. onechart keys list shows those there are.');
    const key = await store.revokeKey(inside.db, { id: known.id, at: ctx.clock.now() });
    if (!key) throw new AppError('rule', 'KEY_REVOKED', 'This key is revoked already.');
    await insertAuditEvent(inside, { action: 'key.revoked', patientId: null, after: { keyId: key.id, name: key.name, prefix: key.prefix } });
    return key;
  });
  await proofsOf(ctx.pool).forget((principal) => principal.kind === 'key' && principal.id === revoked.id);
  return revoked;
}

/** Whether a bearer token has the form of our keys. */
export function looksLikeKey(token: string): boolean {
  return token.startsWith('ock_');
}

/** Which service a key belongs to; undefined when it is wrong, revoked or expired. Warm, it costs no round trip. */
export async function authenticateKey(ctx: Ctx, key: string): Promise<Principal | undefined> {
  const prefix = keyPattern.exec(key)?.[1];
  if (prefix === undefined) return undefined;
  const hash = hashKey(key);
  const now = ctx.clock.now();
  return proofsOf(ctx.pool).get(hash, now, async (): Promise<Proven | undefined> => {
    const found = await translated(store.findKeyByPrefix(ctx.db, prefix));
    if (!found) return undefined;
    const expiresAt = found.key.expiresAt === null ? Number.POSITIVE_INFINITY : Date.parse(found.key.expiresAt);
    const fits = timingSafeEqual(Buffer.from(hash), Buffer.from(found.secretHash));
    const refusal = fits ? (found.key.revokedAt !== null ? 'revoked' : expiresAt <= now.getTime() ? 'expired' : undefined) : 'secret';
    const { id, name, role } = found.key;
    const asKey: Ctx = { ...ctx, actor: { kind: 'service', id, name } };
    if (refusal !== undefined) {
      await inTransaction(asKey, (inside) =>
        insertAuditEvent(inside, { action: 'key.refused', patientId: null, after: { keyId: id, prefix, reason: refusal } }),
      );
      return undefined;
    }
    await noteUse(asKey, found.key, now);
    return { principal: { kind: 'key', id, name, role }, expiresAt };
  });
}

/** Writes the last use to the minute, and once an hour a row of the trail. */
async function noteUse(ctx: Ctx, key: Key, now: Date): Promise<void> {
  const before = key.lastUsedAt === null ? Number.NEGATIVE_INFINITY : Date.parse(key.lastUsedAt);
  if (now.getTime() - before < minute) return;
  await inTransaction(ctx, async (inside) => {
    const noted = await store.noteKeyUse(inside.db, { id: key.id, at: now, notSince: new Date(now.getTime() - minute) });
    if (noted && now.getTime() - before >= auditUseEvery)
      await insertAuditEvent(inside, { action: 'key.used', patientId: null, after: { keyId: key.id, prefix: key.prefix } });
  });
}

function hashKey(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

/** Ten of 36 letters and digits; only to tell keys apart, so the small bias of the remainder does no harm. */
function randomPrefix(): string {
  return [...randomBytes(10)].map((byte) => (byte % 36).toString(36)).join('');
}
