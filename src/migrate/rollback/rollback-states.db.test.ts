import { expect, test } from 'vitest';
import { applyByHand, type ByHandOptions } from '../../../sample-ehr/statements.ts';
import { type TestDatabase, withClient } from '../../../test/support/database.ts';
import { hostPicture } from '../../../test/support/host-picture.ts';
import { apply, createApplied, createHost, filesFor, pictureBefore, snapshot } from '../../../test/support/migrate.ts';
import { parseDatabaseUrl } from '../../base/config.ts';
import { newRandomId } from '../../base/ids.ts';
import { rollbackMigration } from '../index.ts';

const rollback = (host: { url: string }) => rollbackMigration({ address: parseDatabaseUrl(host.url) });
const picture = (host: { url: string }) => withClient(host.url, (client) => hostPicture(client, 'public'));

async function byHand(host: TestDatabase, options: ByHandOptions = {}, files = 99): Promise<void> {
  const sql = (await filesFor(host)).slice(0, files).map((file) => file.sql);
  await withClient(host.url, async (client) => {
    for (const each of sql) await applyByHand(client, each, options);
  });
}

async function record(host: TestDatabase, name: string, finished: boolean): Promise<void> {
  await host.query(
    `INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at, finished_at, applied_steps_count) VALUES ($1, $2, $3, now(), CASE WHEN $4 THEN now() END, 0)`,
    [newRandomId(), (await filesFor(host)).find((file) => file.name === name)?.checksum, name, finished],
  );
}

const first = '20260103000000_add_patient_module';

test.each<[string, (host: TestDatabase) => Promise<unknown>, (() => Promise<TestDatabase>)?]>([
  ['the enum alone', (host) => byHand(host, { upTo: 1 }, 1)],
  ['half of the tables', (host) => byHand(host, { upTo: 4 }, 1)],
  ['tables without indexes and keys', (host) => byHand(host, { upTo: 7 }, 1)],
  ['everything but the last keys', (host) => byHand(host, { upTo: 40 }, 1)],
  ['every third statement skipped', (host) => byHand(host, { skip: Array.from({ length: 46 }, (_, at) => at + 1).filter((at) => at > 7 && at % 3 === 0) }, 1)],
  ['the first file and half of the others', (host) => byHand(host, {}, 4)],
  [
    'a key that is NOT VALID',
    async (host) => {
      await byHand(host, {}, 1);
      await host.query(`ALTER TABLE bills DROP CONSTRAINT "bills_patientId_fkey"`);
      await host.query(
        `ALTER TABLE bills ADD CONSTRAINT "bills_patientId_fkey" FOREIGN KEY ("patientId") REFERENCES patients (id) ON DELETE RESTRICT ON UPDATE CASCADE NOT VALID`,
      );
    },
  ],
  [
    'an INVALID index on a live table, its build cut off',
    (host) => host.query(`UPDATE pg_index SET indisvalid = false WHERE indexrelid = '"bills_patientId_idx"'::regclass`),
    createApplied,
  ],
  [
    'an INVALID index on a table of the module',
    async (host) => {
      await byHand(host, {}, 1);
      await host.query(`UPDATE pg_index SET indisvalid = false WHERE indexrelid = '"patients_mrn_key"'::regclass`);
    },
  ],
  ['`migrate resolve --applied` without any object', (host) => record(host, first, true)],
  ['a failed history row over half of the objects', async (host) => [await byHand(host, { upTo: 20 }, 1), await record(host, first, false)]],
  [
    'an apply that gave up half-way',
    async (host) =>
      apply(host, {
        onEvent: (event) => {
          if (event.type === 'step-started' && event.step.kind === 'validate') throw new Error('cut off');
        },
      }).catch(() => undefined),
  ],
  [
    'objects taken away by hand after an apply',
    (host) =>
      host.query(
        'DROP TABLE event_deliveries, patient_outbox_events, patient_risk_flags; ALTER TABLE surgical_cases DROP CONSTRAINT "surgical_cases_patientId_fkey"; DROP INDEX "medical_records_patientId_idx"',
      ),
    createApplied,
  ],
])('half-applied: %s; the rollback leaves the host as it was', async (_name, prepare, create = createHost) => {
  const before = await pictureBefore();
  await using host = await create();
  await prepare(host);
  await rollback(host);
  expect(await picture(host)).toEqual(before);
  expect(await host.query(`SELECT migration_name AS name FROM _prisma_migrations WHERE migration_name LIKE '20260103%' AND rolled_back_at IS NULL`)).toEqual(
    [],
  );
  const still = await snapshot(host);
  expect((await rollback(host)).steps).toEqual([]);
  expect(await snapshot(host)).toEqual(still);
  expect((await apply(host)).verification.ok).toBe(true);
});

test('after half a rollback, apply makes it whole again: the scripts that were taken back run again', async () => {
  await using host = await createApplied();
  const complete = await picture(host);
  for (const key of ['drop bills_patientId_fkey', 'drop bills_patientId_idx', 'remove']) {
    const onEvent = (event: { type: string; step?: { key: string } }) => {
      if (event.type === 'step-started' && event.step?.key === key) throw new Error('cut off');
    };
    await expect(rollbackMigration({ address: parseDatabaseUrl(host.url), onEvent })).rejects.toMatchObject({ kind: 'resumable' });
    expect(await picture(host)).not.toEqual(complete);
    expect((await apply(host)).verification.ok).toBe(true);
    expect(await picture(host)).toEqual(complete);
  }
});

test('a partitioned link table: an apply stopped at any step on its partitions, and a whole one, are taken back', async () => {
  const partitioned = `CREATE TABLE bills_new (LIKE bills INCLUDING DEFAULTS) PARTITION BY RANGE ("createdAt");
    CREATE TABLE bills_old PARTITION OF bills_new FOR VALUES FROM (MINVALUE) TO ('2026-01-01');
    CREATE TABLE bills_2026 PARTITION OF bills_new FOR VALUES FROM ('2026-01-01') TO (MAXVALUE) PARTITION BY HASH (id);
    CREATE TABLE bills_2026_0 PARTITION OF bills_2026 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
    CREATE TABLE bills_2026_1 PARTITION OF bills_2026 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
    INSERT INTO bills_new SELECT * FROM bills; DROP TABLE bills; ALTER TABLE bills_new RENAME TO bills`;
  await using host = await createHost();
  await host.query(partitioned);
  const before = await picture(host);
  for (const nth of [2, 5, 8, 9, 11, 13, 15, 99]) {
    let met = 0;
    const cut = apply(host, {
      onEvent: (event) => {
        if (event.type === 'step-started' && event.step.key.includes('bills') && (met += 1) === nth) throw new Error('cut off');
      },
    });
    if (nth < 99) await expect(cut, String(nth)).rejects.toThrow();
    else expect((await cut).verification.ok).toBe(true);
    await rollback(host);
    expect(await picture(host), String(nth)).toEqual(before);
  }
});

test('link tables and users in other schemas look afterwards as they did before', async () => {
  await using host = await createHost();
  await host.query('CREATE SCHEMA billing; CREATE SCHEMA "Staff"; ALTER TABLE bills SET SCHEMA billing; ALTER TABLE users SET SCHEMA "Staff"');
  const all = () =>
    withClient(host.url, async (client) => [await hostPicture(client, 'public'), await hostPicture(client, 'billing'), await hostPicture(client, 'Staff')]);
  const options = { linkTables: ['surgical_cases', 'billing.bills'], usersTable: 'Staff.users' };
  const before = await all();
  expect((await apply(host, options)).verification.ok).toBe(true);
  expect(await all()).not.toEqual(before);
  await rollbackMigration({ address: parseDatabaseUrl(host.url), ...options });
  expect(await all()).toEqual(before);
  // What the journal recorded is enough: the options need not be said again.
  await apply(host, options);
  await rollback(host);
  expect(await all()).toEqual(before);
});

test("what the hand-written runbook's rollback does instead: keys skipped with a notice, patients not dropped, exit 0", async () => {
  await using host = await createHost();
  await byHand(host, {}, 1);
  const runbook = `
    ALTER TABLE surgical_cases DROP CONSTRAINT IF EXISTS surgical_cases_patientId_fkey;
    ALTER TABLE medical_records DROP CONSTRAINT IF EXISTS medical_records_patientId_fkey;
    ALTER TABLE bills DROP CONSTRAINT IF EXISTS bills_patientId_fkey;
    ALTER TABLE patient_consent_instances DROP CONSTRAINT IF EXISTS patient_consent_instances_patientId_fkey;
    ALTER TABLE insurance_policies DROP CONSTRAINT IF EXISTS insurance_policies_patientId_fkey;
    DROP TABLE IF EXISTS patient_merge_history;
    DROP TABLE IF EXISTS patient_risk_flags;
    DROP TABLE IF EXISTS patient_allergies;
    DROP TABLE IF EXISTS patient_documents;
    DROP TABLE IF EXISTS patient_contacts;
    DROP TABLE IF EXISTS patients;
    DROP TYPE IF EXISTS "PatientStatus";`;
  const notices: string[] = [];
  const { applied, failed } = await withClient(host.url, (client) => {
    client.on('notice', ({ message }) => void notices.push(message ?? ''));
    return applyByHand(client, runbook);
  });
  // Unquoted names fold to lower case: each of the five keys is "not there", and stays.
  expect(notices.filter((notice) => /patientid_fkey" of relation .* does not exist, skipping/.test(notice)).length).toBe(5);
  expect(applied).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect(failed.map(({ statement, code }) => [statement, code])).toEqual([
    [11, '2BP01'],
    [12, '2BP01'],
  ]);
  // Five tables are gone with whatever they held; patients, the enum and the keys are there. Ours ends it.
  expect(
    await host.query(`SELECT count(*)::int AS keys FROM pg_constraint WHERE confrelid = 'patients'::regclass AND conrelid <> 'patients'::regclass`),
  ).toEqual([{ keys: 5 }]);
  await rollback(host);
  expect(await host.query(`SELECT to_regclass('patients') AS patients, to_regtype('"PatientStatus"') AS status`)).toEqual([{ patients: null, status: null }]);
});
