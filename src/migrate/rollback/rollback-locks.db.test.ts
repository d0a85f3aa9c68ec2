import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { startBackgroundWriter } from '../../../sample-ehr/index.ts';
import { connection } from '../../../test/support/connection.ts';
import { withClient } from '../../../test/support/database.ts';
import { hostPicture } from '../../../test/support/host-picture.ts';
import { apply, createApplied, moduleHistory, pictureBefore } from '../../../test/support/migrate.ts';
import { parseDatabaseUrl } from '../../base/config.ts';
import { importRows, type RollbackOptions, rollbackMigration } from '../index.ts';

function rollback(database: { url: string }, options: Partial<Omit<RollbackOptions, 'address'>> = {}) {
  return rollbackMigration({ address: parseDatabaseUrl(database.url), ...options });
}

const picture = (host: { url: string }) => withClient(host.url, (client) => hostPicture(client, 'public'));

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'onechart-rows-'));
  onTestFinished(() => rm(made, { recursive: true, force: true }));
  return join(made, 'rows');
}

test('a long transaction on bills: given up after the patience, naming it, every step whole; later it goes on', async () => {
  const before = await pictureBefore();
  await using host = await createApplied();
  const { client, pid } = await connection(host);
  await client.query('BEGIN');
  await client.query('SELECT count(*) FROM bills');
  const error = (await rollback(host, { patience: { attemptMilliseconds: 40, totalMilliseconds: 500 } }).catch((thrown: unknown) => thrown)) as Error;
  expect(error).toMatchObject({ kind: 'busy', code: 'LOCK_NOT_OBTAINED' });
  expect(error.message).toContain(`Process ${pid} `);
  expect((await moduleHistory(host)).every(({ rolledBack }) => !rolledBack)).toBe(true);
  await client.query('COMMIT');
  await rollback(host);
  expect(await picture(host)).toEqual(before);
});

test('a reader of patients that stays in its transaction: the tables are not dropped, its holder is named', async () => {
  const before = await pictureBefore();
  await using host = await createApplied();
  await host.query(`INSERT INTO patients (mrn, "lastName") VALUES ('MRN-2026-00001', 'Example')`);
  const { client, pid } = await connection(host);
  const to = await folder();
  const error = (await rollback(host, {
    exportTo: to,
    patience: { attemptMilliseconds: 40, totalMilliseconds: 500 },
    onEvent: async (event) => {
      if (event.type !== 'checkpoint' || event.name !== 'nothing in use refers to the tables any more') return;
      await client.query('BEGIN');
      await client.query('SELECT count(*) FROM patients');
    },
  }).catch((thrown: unknown) => thrown)) as Error;
  expect(error).toMatchObject({ kind: 'busy', code: 'LOCK_NOT_OBTAINED' });
  expect(error.message).toContain(`Process ${pid} `);
  expect(await host.query('SELECT count(*)::int AS n FROM patients')).toEqual([{ n: 1 }]);
  await client.query('COMMIT');
  const { exported } = await rollback(host, { exportTo: to });
  expect(exported?.tables.find(({ table }) => table === 'patients')?.rows).toBe(1);
  expect(await picture(host)).toEqual(before);
});

test('a patient being registered while the rows are exported waits, and finds the table gone; what was registered before is in the files', async () => {
  await using host = await createApplied();
  const early = await connection(host);
  const late = await connection(host);
  const insert = (mrn: string) => `INSERT INTO patients (mrn, "lastName") VALUES ('${mrn}', 'Example')`;
  let answer: Promise<unknown> | undefined;
  const to = await folder();
  let committed: Promise<unknown> | undefined;
  const { exported } = await rollback(host, {
    exportTo: to,
    onEvent: async (event) => {
      if (event.type !== 'checkpoint') return;
      if (event.name === 'nothing in use refers to the tables any more') {
        await early.client.query('BEGIN');
        await early.client.query(insert('MRN-2026-00001'));
        committed = pause(150).then(() => early.client.query('COMMIT'));
      }
      if (event.name === 'tables locked') {
        answer = late.client.query(insert('MRN-2026-00002')).catch((error: unknown) => error);
        for (;;) {
          const [waiting] = await host.query<{ yes: boolean }>('SELECT EXISTS (SELECT FROM pg_locks WHERE pid = $1 AND NOT granted) AS yes', [late.pid]);
          if (waiting?.yes) return;
          await pause(10);
        }
      }
    },
  });
  await committed;
  expect(exported?.tables.find(({ table }) => table === 'patients')?.rows).toBe(1);
  expect(await answer).toMatchObject({ code: '42P01' });
  await apply(host);
  await importRows({ address: parseDatabaseUrl(host.url), from: to });
  expect(await host.query('SELECT mrn FROM patients')).toEqual([{ mrn: 'MRN-2026-00001' }]);
});

/** How long the key on bills cannot be had: a transaction that has written there stays open. */
const heldMilliseconds = 1_200;

test('beside a held table and a live EHR no writer waits much longer than one attempt for a lock', async () => {
  await using host = await createApplied();
  const holder = await connection(host);
  const writer = await startBackgroundWriter({ database: { connectionString: host.url }, clients: 3, ratePerSecond: 150 });
  let released: Promise<unknown> | undefined;
  try {
    await rollback(host, {
      patience: { attemptMilliseconds: 40, totalMilliseconds: 60_000 },
      onEvent: async (event) => {
        if (event.type !== 'step-started' || event.step.key !== 'drop bills_patientId_fkey') return;
        await holder.client.query('BEGIN');
        await holder.client.query('UPDATE bills SET "updatedAt" = now() WHERE id = (SELECT id FROM bills LIMIT 1)');
        released = pause(heldMilliseconds).then(() => holder.client.query('COMMIT'));
      },
    });
  } finally {
    await released;
  }
  const report = await writer.stop();
  expect(released).toBeDefined();
  expect(report.errors).toBe(0);
  expect(report.count).toBeGreaterThan(100);
  // The margin is for a machine whose cores are busy otherwise; a wait for the held table would be far above it.
  expect(report.max).toBeLessThan(Math.min(40 + 400 + report.ownDelayMax, heldMilliseconds));
});
