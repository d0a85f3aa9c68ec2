import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { CompiledQuery } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { createDatabase, type TestDatabase } from '../../test/support/database.ts';
import { apply, createHost } from '../../test/support/migrate.ts';
import { kyselyOnPool } from '../db/connect.ts';
import type { Db } from '../db/context.ts';
import { readSealingKey, readSealVerifier } from './seal.ts';
import { sealAuditTrail, startSealing } from './seal.service.ts';
import { verifyAuditTrail } from './verify.service.ts';

let database: TestDatabase;
let db: Db;
beforeAll(async () => {
  database = await createDatabase({ template: 'migrated' });
  db = kyselyOnPool(database.pool());
});
afterAll(() => database.drop());

/** Rows as the registry writes them, at times in three months. */
async function writeRows(on: TestDatabase, count: number): Promise<void> {
  await on.query(
    `INSERT INTO patient_audit_events ("occurredAt", action, "actorKind", "actorId", "actorName", origin, "requestId", reason, before, after)
     SELECT timestamptz '2026-01-31 23:00Z' + n * interval '5 days', 'patient.updated', 'user', 'u' || n, 'Åsa "Example"', '127.0.0.1', 'r' || n, CASE WHEN n % 2 = 0 THEN E'two\\nlines' END,
       '{"city": "Lund"}', jsonb_build_object('city', 'Malmö', 'n', n) FROM generate_series(1, $1::int) n`,
    [count],
  );
}

async function freshTrail(): Promise<{ database: TestDatabase; db: Db }> {
  const own = await createDatabase({ template: 'migrated' });
  onTestFinished(() => own.drop());
  return { database: own, db: kyselyOnPool(own.pool()) };
}

/** Does a thing to the trail in a transaction that is taken back, and says what verify makes of it. */
async function afterTampering(sql: string, params: readonly unknown[] = []) {
  const undo = new Error('undo');
  let result: Awaited<ReturnType<typeof verifyAuditTrail>> | undefined;
  await db
    .transaction()
    .execute(async (inside) => {
      await inside.executeQuery(CompiledQuery.raw(sql, [...params]));
      result = await verifyAuditTrail(inside);
      throw undo;
    })
    .catch((error: unknown) => {
      if (error !== undo) throw error;
    });
  if (!result) throw new Error('No result.');
  return result;
}

test('rows are sealed month by month, in batches that follow each other, and verified', async () => {
  await writeRows(database, 12);
  expect(await sealAuditTrail(db)).toMatchObject({ rows: 12, seals: 3 });
  expect(await sealAuditTrail(db)).toMatchObject({ rows: 0, seals: 0 });
  await writeRows(database, 3);
  expect(await verifyAuditTrail(db)).toMatchObject({ ok: true, rowsVerified: 12, seals: 3, unsealed: { rows: 3, oldest: '2026-02-05T23:00:00.000Z' } });
  expect(await sealAuditTrail(db)).toMatchObject({ rows: 3, seals: 1 });
  expect(await verifyAuditTrail(db)).toMatchObject({ ok: true, rowsVerified: 15, unsealed: { rows: 0, oldest: null }, problems: [] });
});

const changes: Readonly<Record<string, string>> = {
  id: 'gen_random_uuid()',
  occurredAt: `"occurredAt" + interval '1 millisecond'`,
  action: `action || 'x'`,
  actorKind: `'system'`,
  actorId: `'somebody else'`,
  actorName: 'NULL',
  origin: `coalesce(origin, '') || ' '`,
  requestId: 'NULL',
  reason: `coalesce(reason || ' ', '')`,
  before: 'NULL',
  after: `after || '{"n": 0}'`,
};

test('whatever column of whatever row is altered, verify names the row', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 15 }), fc.constantFrom(...Object.keys(changes)), async (seq, column) => {
      const [row] = await database.query<{ id: string }>('SELECT id FROM patient_audit_events WHERE seq = $1', [seq]);
      const result = await afterTampering(`UPDATE patient_audit_events SET "${column}" = ${changes[column]} WHERE seq = $1`, [seq]);
      expect(result.ok).toBe(false);
      expect(result.problems).toMatchObject([{ kind: 'row-altered', seq, seal: expect.any(Number) }]);
      if (column !== 'id') expect(result.problems[0]?.id).toBe(row?.id);
    }),
    { numRuns: 40, seed: 4 },
  );
});

test('removed, inserted and moved rows are named', async () => {
  expect((await afterTampering('DELETE FROM patient_audit_events WHERE seq IN (3, 9)')).problems).toMatchObject([
    { kind: 'row-removed', seq: 3 },
    { kind: 'row-removed', seq: 9 },
  ]);
  const copy = (seq: string, at = `"occurredAt"`) =>
    `INSERT INTO patient_audit_events ("occurredAt", action, "actorKind", seq) SELECT ${at}, action, "actorKind", ${seq} FROM patient_audit_events WHERE seq = 5`;
  expect((await afterTampering(copy('5'))).problems).toMatchObject([{ kind: 'row-inserted', seq: 5 }]);
  expect((await afterTampering(copy('-7'))).problems).toMatchObject([{ kind: 'row-inserted', seq: -7 }]);
  expect((await afterTampering(copy('7', `timestamptz '2031-05-05'`))).problems).toMatchObject([{ kind: 'row-inserted', seq: 7 }]);
  expect((await afterTampering(`UPDATE patient_audit_events SET "occurredAt" = '2030-01-01' WHERE seq = 4`)).problems).toMatchObject([
    { kind: 'row-altered', seq: 4 },
  ]);
  expect((await afterTampering(`UPDATE patient_audit_events SET seq = 1000 WHERE seq = 4`)).problems).toMatchObject([{ kind: 'row-removed', seq: 4 }]);
});

test('a seal that was altered, removed, put elsewhere or cut off the end is named', async () => {
  for (const change of [
    `month = '2020-01'`,
    '"rowCount" = 0',
    `digest = repeat('a', 64)`,
    `"sealedAt" = now()`,
    `hash = repeat('b', 64)`,
    `fingerprints = ''`,
  ]) {
    const { ok, problems } = await afterTampering(`UPDATE patient_audit_seals SET ${change} WHERE number = 2`);
    expect(ok, change).toBe(false);
    expect(problems, change).toContainEqual(expect.objectContaining({ kind: 'seal-altered', seal: 2 }));
  }
  expect((await afterTampering('DELETE FROM patient_audit_seals WHERE number = 2')).problems).toContainEqual(
    expect.objectContaining({ kind: 'seal-removed', seal: 2 }),
  );
  expect((await afterTampering('DELETE FROM patient_audit_seals WHERE number = 1')).problems).toContainEqual(
    expect.objectContaining({ kind: 'seal-removed', seal: 1 }),
  );
  const swapped = await afterTampering('UPDATE patient_audit_seals SET number = CASE number WHEN 2 THEN 30 ELSE 2 END WHERE number IN (2, 3)');
  expect(swapped.problems.map(({ kind }) => kind)).toContain('seal-altered');

  const { head } = await verifyAuditTrail(db);
  await db
    .transaction()
    .execute(async (inside) => {
      await inside.deleteFrom('patient_audit_seals').where('number', '=', 4).execute();
      const cut = await verifyAuditTrail(inside);
      expect(cut).toMatchObject({ ok: true, unsealed: { rows: 3 } });
      expect((await verifyAuditTrail(inside, { anchors: [head as NonNullable<typeof head>] })).problems).toMatchObject([{ kind: 'chain-truncated', seal: 4 }]);
      throw new Error('undo');
    })
    .catch(() => undefined);
  expect(await verifyAuditTrail(db, { anchors: [head as NonNullable<typeof head>] })).toMatchObject({ ok: true });
});

test('a verification that was recorded is an anchor of its own', async () => {
  const { database: own, db: fresh } = await freshTrail();
  await writeRows(own, 2);
  const { head } = await sealAuditTrail(fresh);
  await own.query(
    `INSERT INTO patient_audit_events (action, "actorKind", after) VALUES ('audit.verified', 'service', $1), ('audit.verified', 'service', '{"head": null}')`,
    [JSON.stringify({ head })],
  );
  await sealAuditTrail(fresh);
  expect(await verifyAuditTrail(fresh)).toMatchObject({ ok: true });
  await own.query('DELETE FROM patient_audit_seals');
  expect((await verifyAuditTrail(fresh)).problems).toMatchObject([{ kind: 'chain-truncated', seal: 1 }]);
  await own.query(`UPDATE patient_audit_events SET reason = 'other' WHERE seq = 1`);
  await sealAuditTrail(fresh);
  expect((await verifyAuditTrail(fresh)).problems).toMatchObject([{ kind: 'chain-replaced', seal: 1 }]);
});

test('the seal is of the rows that are complete: an open transaction with a lower number is waited for', async () => {
  const { database: own, db: fresh } = await freshTrail();
  const writer = new pg.Client({ connectionString: own.url });
  await writer.connect();
  const insert = `INSERT INTO patient_audit_events (action, "actorKind") VALUES ('patient.viewed', 'system')`;
  try {
    await writer.query('BEGIN');
    await writer.query(insert);
    await own.query(insert);
    expect(await sealAuditTrail(fresh, { waitMilliseconds: 60 })).toMatchObject({ rows: 0, waitingFor: 1 });
    const sealing = sealAuditTrail(fresh, { waitMilliseconds: 20_000 });
    await writer.query('COMMIT');
    expect(await sealing).toMatchObject({ rows: 2, waitingFor: 0 });

    await writer.query('BEGIN');
    await writer.query(insert);
    await own.query(insert);
    await writer.query('ROLLBACK');
    expect(await sealAuditTrail(fresh)).toMatchObject({ rows: 1 });

    // A long transaction that does not write to the trail delays nothing.
    await writer.query('BEGIN');
    await writer.query(`UPDATE patients SET version = version WHERE false`);
    await own.query(insert);
    expect(await sealAuditTrail(fresh, { waitMilliseconds: 0 })).toMatchObject({ rows: 1, waitingFor: 0 });
    await writer.query('ROLLBACK');
  } finally {
    await writer.end();
  }
  expect(await verifyAuditTrail(fresh)).toMatchObject({ ok: true, rowsVerified: 4 });
});

test('many writers and several sealers: every row is sealed once, and the chain is whole', async () => {
  const { database: own, db: fresh } = await freshTrail();
  const sealers = [1, 2].map(() => startSealing({ pool: own.pool(), everyMilliseconds: 5 }));
  await Promise.all(
    Array.from({ length: 6 }, async () => {
      for (let row = 0; row < 60; row += 1)
        await own.query(`INSERT INTO patient_audit_events (action, "actorKind") SELECT 'patient.viewed', 'system' FROM pg_sleep(random() * 0.004)`);
    }),
  );
  for (const sealer of sealers) await sealer.stop();
  await sealAuditTrail(fresh);
  const verification = await verifyAuditTrail(fresh);
  expect(verification).toMatchObject({ ok: true, rowsVerified: 360, unsealed: { rows: 0 } });
  expect(verification.seals).toBeGreaterThan(1);
});

test('signed seals: whoever rules the database without the key cannot make the chain anew', async () => {
  const { database: own, db: fresh } = await freshTrail();
  const pem = () => generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const [ours, theirs] = [pem(), pem()];
  const verifiers = [readSealVerifier(ours)];
  await writeRows(own, 2);
  await sealAuditTrail(fresh);
  expect((await verifyAuditTrail(fresh, { verifiers })).problems).toMatchObject([{ kind: 'seal-unsigned', seal: 1 }]);
  await writeRows(own, 2);
  const { head } = await sealAuditTrail(fresh, { key: readSealingKey(ours) });
  expect(await verifyAuditTrail(fresh, { verifiers })).toMatchObject({ ok: true, signedBy: [readSealingKey(ours).keyId] });

  // Nothing without a signature comes after one, neither from us nor from a forger who lets the server sign on top.
  await writeRows(own, 1);
  await expect(sealAuditTrail(fresh)).rejects.toMatchObject({ kind: 'operator', code: 'AUDIT_KEY_MISSING' });
  await sealAuditTrail(fresh, { key: readSealingKey(theirs) });
  await writeRows(own, 1);
  await sealAuditTrail(fresh, { key: readSealingKey(ours) });
  expect((await verifyAuditTrail(fresh, { verifiers })).problems).toMatchObject([{ kind: 'seal-unsigned', seal: 3 }]);
  expect(await verifyAuditTrail(fresh, { verifiers: [...verifiers, readSealVerifier(theirs)] })).toMatchObject({ ok: true });

  // The chain made anew without a row, unsigned and with another key.
  await own.query('DELETE FROM patient_audit_seals');
  await own.query('DELETE FROM patient_audit_events WHERE seq = 2');
  await expect(sealAuditTrail(fresh, { known: head })).rejects.toMatchObject({ kind: 'drift', code: 'AUDIT_CHAIN_BROKEN' });
  await sealAuditTrail(fresh);
  expect(await verifyAuditTrail(fresh)).toMatchObject({ ok: true });
  expect((await verifyAuditTrail(fresh, { verifiers })).problems).toMatchObject([{ kind: 'seal-unsigned' }]);
  await own.query('DELETE FROM patient_audit_seals');
  await sealAuditTrail(fresh, { key: readSealingKey(theirs) });
  expect((await verifyAuditTrail(fresh, { verifiers })).problems).toMatchObject([{ kind: 'seal-unsigned' }]);
  await own.query('UPDATE patient_audit_seals SET "keyId" = $1', [readSealingKey(ours).keyId]);
  expect((await verifyAuditTrail(fresh, { verifiers })).problems[0]).toMatchObject({ kind: 'seal-forged' });
});

test('the role of the app adds rows and seals, and changes and removes none', async () => {
  const as = (sql: string) =>
    database
      .pool()
      .connect()
      .then(async (client) => {
        try {
          await client.query('BEGIN');
          await client.query('SET LOCAL ROLE onechart_app');
          return await client.query(sql);
        } finally {
          await client.query('ROLLBACK');
          client.release();
        }
      });
  await as(`INSERT INTO patient_audit_events (action, "actorKind") VALUES ('patient.viewed', 'account')`);
  await as(
    `INSERT INTO patient_audit_seals SELECT number + 1000, kind, format, "fromSeq", "toSeq", month, "rowCount", digest, fingerprints, note, "sealedAt", repeat('c', 64), hash, "keyId", signature FROM patient_audit_seals LIMIT 1`,
  );
  for (const sql of [
    'UPDATE patient_audit_seals SET note = NULL',
    'DELETE FROM patient_audit_seals',
    'TRUNCATE patient_audit_seals',
    'DELETE FROM patient_audit_events',
    'DELETE FROM patient_audit_events_default',
    'UPDATE patient_audit_events_default SET reason = NULL',
    'DROP TABLE patient_audit_events_default',
    `SELECT setval('patient_audit_events_seq_seq', 1)`,
  ])
    await expect(as(sql), sql).rejects.toMatchObject({ code: '42501' });
});

test('a host with text ids, another time zone and other settings of the session: the same words are hashed', async () => {
  const host = await createHost('text');
  onTestFinished(() => host.drop());
  await apply(host);
  const own = kyselyOnPool(host.pool());
  await host.query(`INSERT INTO patients (id, mrn, "lastName") VALUES ('odd "id" é', 'T-1', 'Example')`);
  await host.query(
    `INSERT INTO patient_audit_events (action, "actorKind", "patientId", reason, after) VALUES ('patient.viewed', 'account', 'odd "id" é', E'tab\\t and \\u2028', '{"n": 1.50, "é": [null, true]}')`,
  );
  expect(await sealAuditTrail(own)).toMatchObject({ rows: 1 });
  const elsewhere = new pg.Pool({
    connectionString: host.url,
    max: 1,
    options:
      '-c TimeZone=Pacific/Auckland -c DateStyle=SQL,DMY -c IntervalStyle=iso_8601 -c extra_float_digits=-5 -c bytea_output=escape -c client_encoding=LATIN1',
  });
  try {
    expect(await verifyAuditTrail(kyselyOnPool(elsewhere))).toMatchObject({ ok: true, rowsVerified: 1 });
  } finally {
    await elsewhere.end();
  }
});
