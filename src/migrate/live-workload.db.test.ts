import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { expect, onTestFinished, test, vi } from 'vitest';
import { startBackgroundWriter } from '../../sample-ehr/index.ts';
import { type TestDatabase, withClient } from '../../test/support/database.ts';
import { startLockSampler } from '../../test/support/lock-sampler.ts';
import { apply, catalogueOf, createHost, filesFor, moduleHistory, plainCatalogue, runScript, snapshot } from '../../test/support/migrate.ts';
import type { AppError } from '../base/errors.ts';
import type { LockPatience, MigrateEvent } from './index.ts';

vi.setConfig({ testTimeout: 120_000 });

/**
 * What one attempt may queue, and what the server may take to notice on a machine whose cores are busy: the timer that ends the wait and the
 * process that is waited for compete for them.
 */
const attemptMilliseconds = 40;
const bound = attemptMilliseconds + 400;
const brief: LockPatience = { attemptMilliseconds, totalMilliseconds: 1_000 };

interface Session {
  readonly client: pg.Client;
  readonly pid: number;
}

async function session(host: TestDatabase): Promise<Session> {
  const client = new pg.Client({ connectionString: host.url });
  client.on('error', () => undefined);
  await client.connect();
  onTestFinished(() => client.end().catch(() => undefined));
  return { client, pid: (await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]?.pid ?? 0 };
}

async function until(host: TestDatabase, sql: string): Promise<void> {
  for (;;) {
    const [answer] = await host.query<{ yes: boolean }>(`SELECT (${sql}) AS yes`);
    if (answer?.yes) return;
    await pause(10);
  }
}

const touch = (table: string) => `UPDATE ${table} SET "updatedAt" = now() WHERE id = (SELECT min(id::text)::uuid FROM ${table})`;
const buildWaitsFor = (event: string) =>
  `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'onechart migrate' AND query LIKE 'CREATE INDEX CONCURRENTLY%' AND wait_event_type = 'Lock' AND wait_event = '${event}')`;

async function expectWhole(host: TestDatabase): Promise<void> {
  const [made, plain] = [await catalogueOf(host), await plainCatalogue()];
  for (const kind of ['enums', 'tables', 'indexes', 'foreignKeys', 'checks', 'comments'] as const)
    expect(Object.fromEntries(made[kind]), kind).toEqual(Object.fromEntries(plain[kind]));
  expect((await moduleHistory(host)).filter(({ finished, rolledBack }) => !finished || rolledBack)).toEqual([]);
}

/** Gives up with exit code 5, a sentence naming the process, nothing half done; finished by the next call once the way is free. */
async function expectGivesUp(host: TestDatabase, holder: Session, free: () => Promise<unknown>): Promise<void> {
  const sampler = startLockSampler(host);
  const error = (await apply(host, { patience: brief }).catch((thrown: unknown) => thrown)) as AppError;
  const { engineMilliseconds, othersMilliseconds } = await sampler.stop();
  expect(error).toMatchObject({ kind: 'busy', code: 'LOCK_NOT_OBTAINED' });
  expect(error.face.exitCode).toBe(5);
  expect(error.message).toContain(`Process ${holder.pid} `);
  expect(engineMilliseconds).toBeLessThan(bound);
  expect(othersMilliseconds).toBeLessThan(bound);
  await free();
  const { verification } = await apply(host);
  expect(verification.items.filter(({ ok }) => !ok)).toEqual([]);
  await expectWhole(host);
}

test('a report that stays open, an EHR at work: only index builds wait for it, and nobody waits for them', async () => {
  await using host = await createHost();
  const report = await session(host);
  await report.client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
  for (const table of ['bills', 'users', 'medical_records', 'surgical_cases']) await report.client.query(`SELECT count(*) FROM ${table}`);
  const writer = await startBackgroundWriter({ database: { connectionString: host.url }, clients: 3, ratePerSecond: 100 });
  const sampler = startLockSampler(host);
  const order: string[] = [];
  let released: Promise<unknown> | undefined;
  const { verification } = await apply(host, {
    onEvent: (event: MigrateEvent) => {
      if (event.type !== 'step-started' || event.step.kind !== 'index' || released) return;
      released = until(host, buildWaitsFor('virtualxid'))
        .then(() => pause(1_000))
        .then(() => order.push('report ends'))
        .then(() => report.client.query('COMMIT'));
    },
  });
  order.push('migration ends');
  const { samples, engineMilliseconds, othersMilliseconds } = await sampler.stop();
  const written = await writer.stop();
  expect(order).toEqual(['report ends', 'migration ends']);
  expect(verification.ok).toBe(true);
  expect(samples).toBeGreaterThan(20);
  expect(engineMilliseconds).toBeLessThan(bound);
  expect(othersMilliseconds).toBeLessThan(bound);
  expect(written.errors).toBe(0);
  await expectWhole(host);
});

test('a reader who sits in a transaction on a table that needs the strongest lock: other readers go on, and we give up naming it', async () => {
  await using host = await createHost();
  const files = await filesFor(host);
  await withClient(host.url, async (client) => {
    for (const { sql } of files) await runScript(client, sql);
  });
  await host.query(`INSERT INTO patients (mrn, "firstName", "lastName", "dateOfBirth") VALUES ('MRN-2026-00001', 'Ines', 'Example', '1980-02-29')`);
  await host.query('ALTER TABLE patients DROP CONSTRAINT patients_version_check');
  const reader = await session(host);
  await reader.client.query('BEGIN');
  await reader.client.query('SELECT count(*) FROM patients');
  let reading = true;
  let longest = 0;
  const others = (async () => {
    const { client } = await session(host);
    while (reading) {
      const begun = performance.now();
      await client.query('SELECT count(*) FROM patients');
      longest = Math.max(longest, performance.now() - begun);
      await pause(5);
    }
  })();
  await expectGivesUp(host, reader, async () => {
    reading = false;
    await others;
    expect(longest).toBeLessThan(bound);
    await reader.client.query('COMMIT');
  });
});

test.each([
  ['a writer idle in its transaction', touch('bills')],
  ['a holder of SHARE UPDATE EXCLUSIVE, as autovacuum', 'LOCK TABLE bills IN SHARE UPDATE EXCLUSIVE MODE'],
  ["a host's own CREATE INDEX", 'LOCK TABLE users IN SHARE MODE'],
  ["a host's own migration with the whole table", 'LOCK TABLE bills IN SHARE ROW EXCLUSIVE MODE'],
])('%s: given up naming it, finished later', async (_, statement) => {
  await using host = await createHost();
  const holder = await session(host);
  await holder.client.query('BEGIN');
  await holder.client.query(statement);
  await expectGivesUp(host, holder, () => holder.client.query('COMMIT'));
});

test('a writer idle in its transaction: through within a second of its end, with hardly an attempt in vain meanwhile', async () => {
  await using host = await createHost();
  const holder = await session(host);
  await holder.client.query('BEGIN');
  await holder.client.query(touch('bills'));
  let attempts = 0;
  let ended = 0;
  let through = 0;
  const freed = pause(3_000).then(async () => {
    await holder.client.query('COMMIT');
    ended = performance.now();
  });
  const onEvent = (event: MigrateEvent) => {
    if (event.type === 'step-retried' && event.step.key === 'add bills_patientId_fkey') attempts += 1;
    if (event.type === 'step-finished' && event.step.key === 'add bills_patientId_fkey') through = performance.now();
  };
  const [{ verification }] = await Promise.all([apply(host, { onEvent }), freed]);
  expect(verification.ok).toBe(true);
  expect(through - ended).toBeLessThan(1_000);
  expect(attempts).toBeLessThan(8);
});

test('a table locked whole by a host at the very beginning: it is looked at when that has ended', async () => {
  await using host = await createHost();
  const holder = await session(host);
  await holder.client.query('BEGIN');
  await holder.client.query('LOCK TABLE bills, users IN ACCESS EXCLUSIVE MODE');
  const freed = pause(1_500).then(() => holder.client.query('COMMIT'));
  const [{ verification }] = await Promise.all([apply(host), freed]);
  expect(verification.ok).toBe(true);
  await expectWhole(host);
});

test('a table locked whole for long: no hang, the holder named, nothing changed', async () => {
  await using host = await createHost();
  const holder = await session(host);
  await holder.client.query('BEGIN');
  await holder.client.query('LOCK TABLE users IN ACCESS EXCLUSIVE MODE');
  const error = (await apply(host).catch((thrown: unknown) => thrown)) as AppError;
  expect(error).toMatchObject({ kind: 'busy', code: 'LOCK_NOT_OBTAINED' });
  expect(error.message).toContain(`Process ${holder.pid} `);
  await holder.client.query('COMMIT');
  const before = await snapshot(host);
  expect(before.filter((line) => line.includes('onechart'))).toEqual([]);
  expect((await apply(host)).verification.ok).toBe(true);
});

test('what is measured here is seen: with one long attempt instead of short ones, writers wait behind us for as long', async () => {
  await using host = await createHost();
  const holder = await session(host);
  await holder.client.query('BEGIN');
  await holder.client.query(touch('bills'));
  const writer = await startBackgroundWriter({ database: { connectionString: host.url }, clients: 2, ratePerSecond: 50 });
  const sampler = startLockSampler(host);
  await expect(apply(host, { patience: { attemptMilliseconds: 1_500, totalMilliseconds: 1_000 } })).rejects.toMatchObject({ code: 'LOCK_NOT_OBTAINED' });
  const { engineMilliseconds, othersMilliseconds } = await sampler.stop();
  await writer.stop();
  expect(engineMilliseconds).toBeGreaterThan(bound);
  expect(othersMilliseconds).toBeGreaterThan(bound);
});

/** Calls `during` while the index on bills is being built beside a session that has run `before` in an open transaction. */
async function whileBuilding(
  host: TestDatabase,
  { before, waits, during }: { before: string; waits: string; during: (holder: Session) => Promise<void> },
): Promise<{ attempts: number; ok: boolean }> {
  const holder = await session(host);
  let meanwhile: Promise<void> | undefined;
  let attempts = 0;
  const { verification } = await apply(host, {
    onEvent: async (event) => {
      if (event.type === 'step-finished' && event.step.key === 'index bills_patientId_idx') attempts = event.result.attempts;
      if (event.type !== 'step-started' || event.step.key !== 'index bills_patientId_idx') return;
      await holder.client.query('BEGIN');
      await holder.client.query(before);
      meanwhile = until(host, buildWaitsFor(waits)).then(() => during(holder));
    },
  });
  await meanwhile;
  return { attempts, ok: verification.ok };
}

test.each([
  ['queues for the table', 'LOCK TABLE bills IN SHARE UPDATE EXCLUSIVE MODE', 'relation'],
  ['waits for a writer', touch('bills'), 'virtualxid'],
])('a concurrent build that %s keeps neither readers nor writers waiting', async (_, before, waits) => {
  await using host = await createHost();
  const { attempts, ok } = await whileBuilding(host, {
    before,
    waits,
    during: async (holder) => {
      const other = await session(host);
      // Would anything of these queue behind the build, it would end with the error of the timeout.
      await other.client.query(`SET lock_timeout = '${bound}ms'`);
      await other.client.query('SELECT count(*) FROM bills');
      await other.client.query(`UPDATE bills SET "updatedAt" = now() WHERE id = (SELECT max(id::text)::uuid FROM bills)`);
      await other.client.query('SELECT id FROM bills LIMIT 1 FOR UPDATE SKIP LOCKED');
      await until(host, buildWaitsFor(waits));
      await holder.client.query('COMMIT');
    },
  });
  expect({ attempts, ok }).toEqual({ attempts: 1, ok: true });
  await expectWhole(host);
});

test('a concurrent build gives way to ALTER TABLE, behind which everybody would wait, and begins anew after it', async () => {
  await using host = await createHost();
  const alterer = await session(host);
  const { attempts, ok } = await whileBuilding(host, {
    before: touch('bills'),
    waits: 'virtualxid',
    during: async (holder) => {
      const altered = alterer.client.query('ALTER TABLE bills ADD COLUMN "hostNote" text');
      // It waits for the open transaction, which is the host's affair, and soon no longer for the build.
      await until(host, `SELECT pg_blocking_pids(${alterer.pid}) = ARRAY[${holder.pid}]`);
      await holder.client.query('COMMIT');
      await altered;
      await alterer.client.query('ALTER TABLE bills DROP COLUMN "hostNote"');
    },
  });
  expect(ok).toBe(true);
  expect(attempts).toBeGreaterThan(1);
  await expectWhole(host);
});
