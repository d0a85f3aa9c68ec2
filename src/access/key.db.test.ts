import { afterAll, beforeAll, expect, test } from 'vitest';
import { accessContext } from '../../test/support/access.ts';
import { createDatabase, type TestDatabase } from '../../test/support/database.ts';
import { authenticateKey, createKey, listKeys, revokeKey } from './key.service.ts';
import { proofHoldsSeconds } from './proofs.ts';

let database: TestDatabase;
let at: ReturnType<typeof accessContext>;
beforeAll(async () => {
  database = await createDatabase({ template: 'migrated' });
  at = accessContext(database);
});
afterAll(() => database.drop());

const trail = (keyId: string) =>
  database.query<{ action: string; reason: string | null }>(
    `SELECT action, after->>'reason' AS reason FROM patient_audit_events WHERE after->>'keyId' = $1 ORDER BY "occurredAt", id`,
    [keyId],
  );

test('a key is shown once, says who it is, and only its hash is kept', async () => {
  const { key, ...made } = await createKey(at.ctx, { name: 'laboratory', role: 'NURSE' });
  expect(key).toMatch(/^ock_[0-9a-z]{10}_[\w-]{43}$/);
  expect(key.startsWith(`${made.prefix}_`)).toBe(true);
  expect(await authenticateKey(at.ctx, key)).toEqual({ kind: 'key', id: made.id, name: 'laboratory', role: 'NURSE' });
  const [row] = await database.query<{ everything: string }>(
    `SELECT (SELECT json_agg(k) FROM access_keys k)::text || (SELECT json_agg(e) FROM patient_audit_events e)::text AS everything`,
  );
  expect(row?.everything).toContain(made.prefix);
  expect(row?.everything).not.toContain(key.slice(made.prefix.length + 1));
  expect((await listKeys(at.ctx)).items).toContainEqual(expect.objectContaining({ id: made.id, lastUsedAt: at.clock.now().toISOString() }));
  expect((await trail(made.id)).map(({ action }) => action)).toEqual(['key.created', 'key.used']);
});

test('wrong, malformed, expired and revoked keys are nobody, each noted where it names a key', async () => {
  const soon = new Date(at.clock.now().getTime() + 5_000).toISOString();
  const { key, id } = await createKey(at.ctx, { name: 'short-lived', role: 'NURSE', expiresAt: soon });
  expect(await authenticateKey(at.ctx, `${key.slice(0, -2)}zz`)).toBeUndefined();
  const before = at.statements();
  for (const malformed of ['ock_', key.slice(0, -1), `${key}x`, `ock_${'\0'.repeat(10)}_${'x'.repeat(43)}`, `ock_0123456789 ${'x'.repeat(43)}`])
    expect(await authenticateKey(at.ctx, malformed)).toBeUndefined();
  expect(at.statements()).toBe(before);
  expect(await authenticateKey(at.ctx, `ock_zzzzzzzzzz_${'x'.repeat(43)}`)).toBeUndefined();
  expect(await authenticateKey(at.ctx, key)).toBeDefined();
  // Its end comes before the short memory of proofs is over.
  at.later(6);
  expect(await authenticateKey(at.ctx, key)).toBeUndefined();
  at.later(proofHoldsSeconds);
  expect(await authenticateKey(at.ctx, key)).toBeUndefined();
  await revokeKey(at.ctx, id);
  at.later(proofHoldsSeconds);
  expect(await authenticateKey(at.ctx, key)).toBeUndefined();
  expect((await trail(id)).flatMap(({ action, reason }) => (action === 'key.refused' ? [reason] : []))).toEqual(['secret', 'expired', 'revoked']);
});

test('warm, a key costs no statement; revoked here it ends at once, elsewhere within the stated seconds', async () => {
  const [here, elsewhere] = [await createKey(at.ctx, { name: 'here', role: 'NURSE' }), await createKey(at.ctx, { name: 'elsewhere', role: 'NURSE' })];
  for (const { key } of [here, elsewhere]) await authenticateKey(at.ctx, key);
  const before = at.statements();
  for (let request = 0; request < 100; request += 1) expect(await authenticateKey(at.ctx, here.key)).toBeDefined();
  expect(at.statements()).toBe(before);
  await revokeKey(at.ctx, here.key);
  expect(await authenticateKey(at.ctx, here.key)).toBeUndefined();
  await database.query('UPDATE access_keys SET "revokedAt" = now() WHERE id = $1', [elsewhere.id]);
  at.later(proofHoldsSeconds);
  expect(await authenticateKey(at.ctx, elsewhere.key)).toBeUndefined();
});

test('a thousand requests at once look a key up once', async () => {
  const { key } = await createKey(at.ctx, { name: 'burst', role: 'NURSE' });
  const before = at.statements();
  const answers = await Promise.all(Array.from({ length: 1000 }, () => authenticateKey(at.ctx, key)));
  expect(answers.every((principal) => principal?.name === 'burst')).toBe(true);
  // The look-up, and the transaction that notes the first use.
  expect(at.statements() - before).toBeLessThan(10);
});

test('use is noted to the minute and audited once an hour', async () => {
  const { key, id } = await createKey(at.ctx, { name: 'steady', role: 'NURSE' });
  for (let minutes = 0; minutes < 61; minutes += 1) {
    await authenticateKey(at.ctx, key);
    at.later(60);
  }
  expect((await trail(id)).filter(({ action }) => action === 'key.used')).toHaveLength(1);
  at.later(3600);
  await authenticateKey(at.ctx, key);
  expect((await trail(id)).filter(({ action }) => action === 'key.used')).toHaveLength(2);
});

test('revoking needs a key that is there and works', async () => {
  await expect(revokeKey(at.ctx, '0190b6b2-6d0f-7c3a-9c6e-000000000001')).rejects.toMatchObject({ code: 'KEY_NOT_FOUND' });
  await expect(revokeKey(at.ctx, 'ock_zzzzzzzzzz')).rejects.toMatchObject({ code: 'KEY_NOT_FOUND' });
  const { prefix } = await createKey(at.ctx, { name: 'twice', role: 'NURSE' });
  await revokeKey(at.ctx, prefix);
  await expect(revokeKey(at.ctx, prefix)).rejects.toMatchObject({ kind: 'rule', code: 'KEY_REVOKED' });
  await expect(createKey(at.ctx, { name: 'past', role: 'NURSE', expiresAt: '2020-01-01T00:00:00Z' })).rejects.toMatchObject({ code: 'KEY_EXPIRES_IN_PAST' });
});
