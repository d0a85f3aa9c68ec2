import { expect, test } from 'vitest';
import { applyByHand, type ByHandOptions } from '../../sample-ehr/statements.ts';
import { createVariant } from '../../sample-ehr/variants.ts';
import { type TestDatabase, testServer, withClient } from '../../test/support/database.ts';
import { apply, catalogueOf, createHost, filesFor, moduleHistory, plainCatalogue, runScript, snapshot } from '../../test/support/migrate.ts';
import { parseDatabaseUrl } from '../base/config.ts';
import { newRandomId } from '../base/ids.ts';
import { checkMigration, verifyMigration } from './index.ts';

const first = '20260103000000_add_patient_module';

/** Runs all or part of the module's files by hand, as with `psql < migration.sql`. */
async function byHand(host: TestDatabase, options: ByHandOptions = {}, files = 1): Promise<void> {
  const sql = (await filesFor(host)).slice(0, files).map((file) => file.sql);
  await withClient(host.url, async (client) => {
    for (const each of sql) await applyByHand(client, each, options);
  });
}

async function record(
  host: TestDatabase,
  name: string,
  row: { finished?: boolean; rolledBack?: boolean; logs?: string; steps?: number } = {},
): Promise<string> {
  const file = (await filesFor(host)).find((each) => each.name === name);
  const id = newRandomId();
  await host.query(
    `INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at, finished_at, rolled_back_at, logs, applied_steps_count)
     VALUES ($1, $2, $3, now() - interval '1 hour', CASE WHEN $4 THEN now() - interval '1 hour' END, CASE WHEN $5 THEN now() END, $6, $7)`,
    [id, file?.checksum ?? '0'.repeat(64), name, row.finished ?? false, row.rolledBack ?? false, row.logs ?? null, row.steps ?? 0],
  );
  return id;
}

/** The end every repaired state must reach: verified, as plain execution would make it, one applied attempt per migration. */
async function expectWhole(host: TestDatabase): Promise<void> {
  const made = await catalogueOf(host);
  const plain = await plainCatalogue();
  for (const kind of ['enums', 'tables', 'indexes', 'foreignKeys', 'checks', 'comments'] as const) {
    expect(Object.fromEntries(made[kind]), kind).toEqual(Object.fromEntries(plain[kind]));
  }
  const attempts = await moduleHistory(host);
  const names = (await filesFor(host)).map(({ name }) => name);
  expect(attempts.filter(({ finished, rolledBack }) => finished && !rolledBack).map(({ name }) => name)).toEqual(names);
  expect(attempts.filter(({ finished, rolledBack }) => !finished && !rolledBack)).toEqual([]);
  const again = await snapshot(host);
  const { steps, verification } = await apply(host);
  expect({ steps: steps.length, ok: verification.ok }).toEqual({ steps: 0, ok: true });
  expect(await snapshot(host)).toEqual(again);
}

const quoted = (name: string) => `"${name}"`;

const repairable: [string, (host: TestDatabase) => Promise<unknown>][] = [
  ['the enum alone', (host) => byHand(host, { upTo: 1 })],
  ['half of the tables', (host) => byHand(host, { upTo: 4 })],
  ['tables without indexes and keys', (host) => byHand(host, { upTo: 7 })],
  ['everything but the last key', (host) => byHand(host, { upTo: 45 })],
  [
    'every second index and key skipped',
    (host) => byHand(host, { skip: Array.from({ length: 46 }, (_, at) => at + 1).filter((at) => at > 7 && at % 2 === 0) }),
  ],
  ['the whole file twice over psql', async (host) => [await byHand(host), await byHand(host)]],
  ['the first file whole, the second half', async (host) => byHand(host, {}, 2)],
  [
    'a key that is NOT VALID',
    async (host) => {
      await byHand(host);
      await host.query(`ALTER TABLE bills DROP CONSTRAINT "bills_patientId_fkey"`);
      await host.query(
        `ALTER TABLE bills ADD CONSTRAINT "bills_patientId_fkey" FOREIGN KEY ("patientId") REFERENCES patients (id) ON DELETE RESTRICT ON UPDATE CASCADE NOT VALID`,
      );
    },
  ],
  [
    'an INVALID index on a live table, its build cut off',
    async (host) => {
      await byHand(host, {}, 99);
      await host.query(`UPDATE pg_index SET indisvalid = false WHERE indexrelid = '"bills_patientId_idx"'::regclass`);
    },
  ],
  [
    'an INVALID index on a table of the module',
    async (host) => {
      await byHand(host);
      await host.query(`UPDATE pg_index SET indisvalid = false WHERE indexrelid = '"patients_mrn_key"'::regclass`);
    },
  ],
  [
    'a NOT VALID check on patients, rows in it',
    async (host) => {
      await byHand(host, {}, 3);
      await host.query(`INSERT INTO patients (mrn, "firstName", "lastName", "dateOfBirth") VALUES ('MRN-2026-00001', 'Ines', 'Example', '1980-02-29')`);
      const [check] = await host.query<{ name: string; definition: string }>(
        `SELECT conname AS name, pg_get_constraintdef(oid) AS definition FROM pg_constraint WHERE conrelid = 'patients'::regclass AND contype = 'c' ORDER BY 1 LIMIT 1`,
      );
      await host.query(`ALTER TABLE patients DROP CONSTRAINT ${quoted(check?.name ?? '')}`);
      await host.query(`ALTER TABLE patients ADD CONSTRAINT ${quoted(check?.name ?? '')} ${check?.definition} NOT VALID`);
    },
  ],
  ['`migrate resolve --applied` without any object', (host) => record(host, first, { finished: true })],
  ['`migrate resolve --applied` over half of the objects', async (host) => [await byHand(host, { upTo: 20 }), await record(host, first, { finished: true })]],
  [
    'a failed history row though everything is there',
    async (host) => [await byHand(host), await record(host, first, { logs: 'ERROR: relation "patients" already exists' })],
  ],
  ['a failed history row and nothing there', (host) => record(host, first, { logs: 'ERROR: canceling statement due to lock timeout' })],
  ['a rolled-back history row over half of the objects', async (host) => [await byHand(host, { upTo: 12 }), await record(host, first, { rolledBack: true })]],
  [
    'two failed attempts, the first rolled back',
    async (host) => [await record(host, first, { rolledBack: true }), await byHand(host, { upTo: 3 }), await record(host, first)],
  ],
  ['everything there and no history row at all', (host) => byHand(host, {}, 99)],
  [
    'a column of patients made anew, so that their order differs',
    async (host) => {
      const [file] = await filesFor(host);
      await withClient(host.url, (client) => runScript(client, file?.sql ?? ''));
      await host.query('ALTER TABLE patients DROP COLUMN "middleName"');
      await host.query('ALTER TABLE patients ADD COLUMN "middleName" varchar(100)');
    },
  ],
];

test.each(repairable)('repaired: %s', async (_, make) => {
  await using host = await createHost();
  await make(host);
  const { verification } = await apply(host);
  expect(verification.items.filter(({ ok }) => !ok)).toEqual([]);
  await expectWhole(host);
});

test('repaired: the half-applied variant of the sample EHR', async () => {
  const { url } = await testServer();
  await using variant = await createVariant('half-applied', { server: url, rows: 100 });
  expect(variant.byHand?.applied.length).toBe(20);
  const { verification } = await apply(variant);
  expect(verification.items.filter(({ ok }) => !ok)).toEqual([]);
  expect(verification.ok).toBe(true);
});

test('a history that was finished although nothing is there keeps its row, and the objects are made', async () => {
  await using host = await createHost();
  const id = await record(host, first, { finished: true });
  await apply(host);
  expect(await host.query('SELECT id, applied_steps_count AS steps FROM _prisma_migrations WHERE migration_name = $1', [first])).toEqual([{ id, steps: 0 }]);
});

const inTheWay: [string, string, string, string][] = [
  [
    'a key with another ON DELETE',
    `ALTER TABLE bills DROP CONSTRAINT "bills_patientId_fkey"; ALTER TABLE bills ADD CONSTRAINT "bills_patientId_fkey" FOREIGN KEY ("patientId") REFERENCES patients (id) ON DELETE CASCADE ON UPDATE CASCADE`,
    'bills_patientId_fkey',
    'CASCADE',
  ],
  [
    'a key to another table',
    `ALTER TABLE patients DROP CONSTRAINT "patients_createdBy_fkey"; ALTER TABLE patients ADD CONSTRAINT "patients_createdBy_fkey" FOREIGN KEY ("createdBy") REFERENCES patients (id) ON DELETE SET NULL ON UPDATE CASCADE`,
    'patients_createdBy_fkey',
    'patients',
  ],
  ['an index on other columns', `DROP INDEX "patients_email_idx"; CREATE INDEX "patients_email_idx" ON patients (phone)`, 'patients_email_idx', 'phone'],
  ['an index that is not unique', `DROP INDEX "patients_mrn_key"; CREATE INDEX "patients_mrn_key" ON patients (mrn)`, 'patients_mrn_key', 'mrn'],
  ['a column of another type', `ALTER TABLE patients ALTER COLUMN mrn TYPE text`, 'patients', 'mrn text'],
  ['a column that may be null', `ALTER TABLE patients ALTER COLUMN "lastName" DROP NOT NULL`, 'patients', '"lastName"'],
  ['a default that is gone', `ALTER TABLE patients ALTER COLUMN version DROP DEFAULT`, 'patients', 'version integer'],
  ['a column that is missing', `ALTER TABLE patient_contacts DROP COLUMN notes`, 'patient_contacts', 'nothing of that name'],
  ['an enum with a further label', `ALTER TYPE "PatientStatus" ADD VALUE 'DUPLICATE'`, 'PatientStatus', "'DUPLICATE'"],
  ['a table without its primary key', `ALTER TABLE patient_allergies DROP CONSTRAINT patient_allergies_pkey`, 'patient_allergies', ''],
];

test.each(inTheWay)('refused with nothing changed: %s', async (_, change, name, found) => {
  await using host = await createHost();
  await byHand(host);
  for (const statement of change.split('; ')) await host.query(statement);
  const before = await snapshot(host);
  const error = await apply(host).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toMatchObject({ kind: 'drift', code: 'CATALOGUE_CONFLICT' });
  expect((error as Error).message).toContain(`"${name}"`);
  expect((error as Error).message).toContain(found);
  expect((error as Error).message).toContain('nothing was changed');
  expect(await snapshot(host)).toEqual(before);
  const address = parseDatabaseUrl(host.url);
  expect((await checkMigration({ address })).findings.filter(({ level }) => level === 'block').map(({ code }) => code)).toContain('CATALOGUE_CONFLICT');
  expect((await verifyMigration({ address })).ok).toBe(false);
});

test('refused with nothing changed: an enum with other labels before anything else is there', async () => {
  await using host = await createHost();
  await host.query(`CREATE TYPE "PatientStatus" AS ENUM ('ACTIVE', 'DECEASED')`);
  const before = await snapshot(host);
  await expect(apply(host)).rejects.toMatchObject({ kind: 'drift', code: 'CATALOGUE_CONFLICT' });
  expect(await snapshot(host)).toEqual(before);
});

test("refused with nothing changed: the host's own table of patients", async () => {
  await using host = await createHost();
  await host.query(`CREATE TABLE patients (id serial PRIMARY KEY, name text)`);
  const before = await snapshot(host);
  await expect(apply(host)).rejects.toMatchObject({ kind: 'drift', code: 'CATALOGUE_CONFLICT' });
  expect(await snapshot(host)).toEqual(before);
});

test('refused with nothing changed: rows whose patient does not exist', async () => {
  const { url } = await testServer();
  await using variant = await createVariant('orphans', { server: url, rows: 100, orphans: 7 });
  const before = await snapshot(variant);
  const error = await apply(variant).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toMatchObject({ kind: 'unsafe', code: 'ORPHANS_PRESENT' });
  const blocks = (error as { details: { findings: { details: { table: string; count: number } }[] } }).details.findings;
  expect(Object.fromEntries(blocks.map(({ details }) => [details.table, details.count]))).toEqual(variant.ehr.orphans);
  expect(await snapshot(variant)).toEqual(before);
});

test('an orphan that arrives between the check and the key stops the validation; the key already refuses the next one', async () => {
  await using host = await createHost();
  const error = await apply(host, {
    onEvent: async (event) => {
      if (event.type === 'step-started' && event.step.key === 'add bills_patientId_fkey')
        await host.query('UPDATE bills SET "patientId" = gen_random_uuid() WHERE id = (SELECT id FROM bills LIMIT 1)');
    },
  }).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toMatchObject({ kind: 'unsafe', code: 'ORPHANS_PRESENT' });
  await expect(
    host.query('UPDATE bills SET "patientId" = gen_random_uuid() WHERE id = (SELECT id FROM bills WHERE "patientId" IS NULL LIMIT 1)'),
  ).rejects.toMatchObject({ code: '23503' });
  await expect(apply(host)).rejects.toMatchObject({ kind: 'unsafe', code: 'ORPHANS_PRESENT' });
  await host.query('UPDATE bills SET "patientId" = NULL');
  expect((await apply(host)).verification.ok).toBe(true);
  await expectWhole(host);
});

test('a table patients of somebody else, with ids of another type, stops check with the conflict and nothing worse', async () => {
  await using host = await createHost();
  await host.query('CREATE TABLE patients (id serial PRIMARY KEY, name text)');
  await host.query('UPDATE bills SET "patientId" = gen_random_uuid() WHERE id = (SELECT id FROM bills LIMIT 1)');
  const { findings } = await checkMigration({ address: parseDatabaseUrl(host.url) });
  expect(findings.filter(({ level }) => level === 'block').map(({ code }) => code)).toContain('CATALOGUE_CONFLICT');
});
