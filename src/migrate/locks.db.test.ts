import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { startBackgroundWriter, type WriterReport } from '../../sample-ehr/index.ts';
import { connection } from '../../test/support/connection.ts';
import type { TestDatabase } from '../../test/support/database.ts';
import { apply, catalogueOf, createHost, moduleHistory, plainCatalogue, snapshot } from '../../test/support/migrate.ts';
import type { LockPatience, MigrateEvent } from './index.ts';

const prismaLockKey = 72707369;

async function expectWhole(host: TestDatabase): Promise<void> {
  const [made, plain] = [await catalogueOf(host), await plainCatalogue()];
  for (const kind of ['enums', 'tables', 'indexes', 'foreignKeys', 'checks', 'otherConstraints', 'comments'] as const) {
    expect(Object.fromEntries(made[kind]), kind).toEqual(Object.fromEntries(plain[kind]));
  }
  expect((await moduleHistory(host)).filter(({ finished, rolledBack }) => !finished || rolledBack)).toEqual([]);
}

test("another session holds Prisma's migration lock: refused naming its process, nothing changed", async () => {
  await using host = await createHost();
  const { client, pid } = await connection(host);
  await client.query('SELECT pg_advisory_lock($1)', [prismaLockKey]);
  const before = await snapshot(host);
  const told: string[] = [];
  const onEvent = (event: MigrateEvent) => void (event.type === 'waiting-for-lock' && told.push(event.holder));
  await expect(apply(host, { migrationLockWaitMilliseconds: 300, onEvent })).rejects.toMatchObject({
    kind: 'busy',
    code: 'MIGRATION_LOCK_HELD',
    details: { holder: pid },
  });
  expect(told[0]).toContain(`process ${pid} `);
  expect(await snapshot(host)).toEqual(before);
});

test('it waits for another migration to end, then goes on', async () => {
  await using host = await createHost();
  const { client } = await connection(host);
  await client.query('SELECT pg_advisory_lock($1)', [prismaLockKey]);
  let waited = false;
  const { verification } = await apply(host, {
    onEvent: async (event) => {
      if (event.type !== 'waiting-for-lock' || waited) return;
      waited = true;
      await client.query('SELECT pg_advisory_unlock($1)', [prismaLockKey]);
    },
  });
  expect({ waited, ok: verification.ok }).toEqual({ waited: true, ok: true });
});

test('two applies at once: one works, the other waits and finds nothing to do', async () => {
  await using host = await createHost();
  const both = await Promise.all([apply(host, { migrationLockWaitMilliseconds: 60_000 }), apply(host, { migrationLockWaitMilliseconds: 60_000 })]);
  expect(both.map(({ verification }) => verification.ok)).toEqual([true, true]);
  expect(both.map(({ steps }) => steps.length).sort((a, b) => a - b)[0]).toBe(0);
  await expectWhole(host);
});

test('a session that waits for the migration lock, with its snapshot, does not hang an index build', async () => {
  await using host = await createHost();
  const { client, pid } = await connection(host);
  let got: Promise<unknown> | undefined;
  const onEvent = async (event: MigrateEvent) => {
    if (got || event.type !== 'step-started' || event.step.kind !== 'index') return;
    // What `prisma migrate deploy` of another pipeline does; it gets the lock, reads the history and ends.
    got = client.query('SELECT pg_advisory_lock($1)', [prismaLockKey]).then(async () => {
      const { rows } = await client.query('SELECT count(*)::int AS open FROM _prisma_migrations WHERE finished_at IS NULL AND rolled_back_at IS NULL');
      await client.query('SELECT pg_advisory_unlock($1)', [prismaLockKey]);
      return rows;
    });
    for (;;) {
      const [waiter] = await host.query<{ waits: boolean }>(
        `SELECT EXISTS (SELECT FROM pg_locks WHERE pid = $1 AND locktype = 'advisory' AND NOT granted) AS waits`,
        [pid],
      );
      if (waiter?.waits) return;
      await pause(10);
    }
  };
  const { verification } = await apply(host, { onEvent });
  expect(verification.ok).toBe(true);
  // It saw a migration that has started and not ended: Prisma refuses then (P3009).
  expect(await got).toEqual([{ open: 1 }]);
  await expectWhole(host);
});

test('a long transaction on bills: given up after the patience, naming it, every step whole; later it goes on', async () => {
  await using host = await createHost();
  const { client, pid } = await connection(host);
  await client.query('BEGIN');
  await client.query('UPDATE bills SET "updatedAt" = now() WHERE id = (SELECT id FROM bills LIMIT 1)');
  const error = (await apply(host, { patience: { attemptMilliseconds: 40, totalMilliseconds: 500 } }).catch((thrown: unknown) => thrown)) as Error;
  expect(error).toMatchObject({ kind: 'busy', code: 'LOCK_NOT_OBTAINED' });
  expect(error.message).toContain(`Process ${pid} `);
  const there = await catalogueOf(host);
  expect(there.foreignKeys.has('bills.bills_patientId_fkey')).toBe(false);
  expect((await moduleHistory(host)).map(({ finished }) => finished)).toEqual([false]);
  await client.query('COMMIT');
  expect((await apply(host)).verification.ok).toBe(true);
  await expectWhole(host);
});

test('a long transaction during an index build: given up after the patience, the INVALID index is built anew later', async () => {
  await using host = await createHost();
  const { client } = await connection(host);
  const error = await apply(host, {
    patience: { attemptMilliseconds: 40, totalMilliseconds: 700 },
    onEvent: async (event) => {
      if (event.type !== 'step-started' || event.step.key !== 'index bills_patientId_idx') return;
      await client.query('BEGIN');
      await client.query('UPDATE bills SET "updatedAt" = now() WHERE id = (SELECT id FROM bills LIMIT 1)');
    },
  }).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ kind: 'busy', code: 'LOCK_NOT_OBTAINED' });
  expect(await host.query(`SELECT indisvalid FROM pg_index WHERE indexrelid = '"bills_patientId_idx"'::regclass`)).toEqual([{ indisvalid: false }]);
  await client.query('COMMIT');
  const { steps, verification } = await apply(host);
  expect(steps.map(({ step }) => step.key).slice(0, 2)).toEqual(['drop invalid bills_patientId_idx', 'index bills_patientId_idx']);
  expect(verification.ok).toBe(true);
  await expectWhole(host);
});

test("the host's limit for its own statements does not cut off a long index build", async () => {
  await using host = await createHost();
  const { client } = await connection(host);
  // An old snapshot, which a concurrent build awaits, held for longer than the limit.
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
  await client.query('SELECT count(*) FROM users');
  await host.query(`ALTER DATABASE ${host.name} SET statement_timeout = '1s'`);
  let released: Promise<unknown> | undefined;
  const { verification } = await apply(host, {
    onEvent: (event) => {
      if (event.type === 'step-started' && event.step.kind === 'index') released ??= pause(1_500).then(() => client.query('COMMIT'));
    },
  });
  expect(released).toBeDefined();
  await released;
  expect(verification.ok).toBe(true);
});

/** How long the key on bills cannot be had: a transaction that has written there stays open. */
const heldMilliseconds = 1_200;

/** Applies while an EHR works, a reader sits idle in a transaction, and a writer holds bills for a while. */
async function applyToLiveHost(host: TestDatabase, patience: LockPatience): Promise<WriterReport> {
  const reader = await connection(host);
  await reader.client.query('BEGIN');
  for (const table of ['surgical_cases', 'medical_records', 'bills', 'users']) await reader.client.query(`SELECT count(*) FROM ${table}`);
  const holder = await connection(host);
  const writer = await startBackgroundWriter({ database: { connectionString: host.url }, clients: 3, ratePerSecond: 150 });
  let released: Promise<unknown> | undefined;
  try {
    const { verification } = await apply(host, {
      patience,
      onEvent: async (event) => {
        if (event.type !== 'step-started' || event.step.key !== 'add bills_patientId_fkey') return;
        await holder.client.query('BEGIN');
        await holder.client.query('UPDATE bills SET "updatedAt" = now() WHERE id = (SELECT id FROM bills LIMIT 1)');
        released = pause(heldMilliseconds).then(() => holder.client.query('COMMIT'));
      },
    });
    expect(verification.ok).toBe(true);
  } finally {
    await released;
  }
  return writer.stop();
}

test('beside an idle reader, a held table and a live EHR no writer waits much longer than one attempt for a lock', async () => {
  await using host = await createHost();
  const report = await applyToLiveHost(host, { attemptMilliseconds: 40, totalMilliseconds: 60_000 });
  expect(report.errors).toBe(0);
  expect(report.count).toBeGreaterThan(100);

  // The same with a patience of one long attempt: whoever comes later queues behind it, as with a plain ALTER TABLE.
  await using other = await createHost();
  const control = await applyToLiveHost(other, { attemptMilliseconds: 10_000, totalMilliseconds: 60_000 });
  expect(control.max).toBeGreaterThan(heldMilliseconds * 0.6);

  // The margin is for a machine whose cores are busy otherwise; a wait for the held table would be far above it.
  expect(report.max).toBeLessThan(Math.min(40 + 400 + report.ownDelayMax, control.max));
});
