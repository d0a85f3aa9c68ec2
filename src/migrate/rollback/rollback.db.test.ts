import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { writeHostPrismaFolder } from '../../../sample-ehr/index.ts';
import { createVariant, type VariantName } from '../../../sample-ehr/variants.ts';
import { createDatabase, type TestDatabase, testServer, withClient } from '../../../test/support/database.ts';
import { hostPicture } from '../../../test/support/host-picture.ts';
import { apply, createApplied, createHost, moduleHistory, pictureBefore, snapshot } from '../../../test/support/migrate.ts';
import { type DatabaseAddress, parseDatabaseUrl } from '../../base/config.ts';
import { applyMigration, initMigration, migrationStatus, planMigration, planRollback, type RollbackOptions, rollbackMigration } from '../index.ts';

function rollback(database: { url: string }, options: Partial<Omit<RollbackOptions, 'address'>> = {}) {
  return rollbackMigration({ address: parseDatabaseUrl(database.url), ...options });
}

function plan(database: { url: string }, options: Partial<Omit<RollbackOptions, 'address'>> = {}) {
  return planRollback({ address: parseDatabaseUrl(database.url), ...options });
}

function picture(database: { url: string }): Promise<string[]> {
  return withClient(database.url, (client) => hostPicture(client, parseDatabaseUrl(database.url).schema));
}

async function registerPatients(database: { query: TestDatabase['query'] }, number = 3): Promise<string[]> {
  const rows = await database.query<{ id: string }>(
    `INSERT INTO patients (mrn, "firstName", "lastName", "dateOfBirth") SELECT 'MRN-2026-' || lpad(i::text, 5, '0'), 'Ines', 'Example ' || i, '1980-02-29' FROM generate_series(1, $1::int) i RETURNING id::text`,
    [number],
  );
  return rows.map(({ id }) => id);
}

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'onechart-rows-'));
  onTestFinished(() => rm(made, { recursive: true, force: true }));
  return join(made, 'rows');
}

test.each(['uuid', 'text'] as const)('apply and rollback, twice, on a host with %s ids: nothing is left and nothing is taken', async (idType) => {
  await using host = await createHost(idType);
  const before = await picture(host);
  for (const round of [1, 2]) {
    expect((await apply(host)).verification.ok).toBe(true);
    expect(await picture(host)).not.toEqual(before);
    const { steps, plan: planned } = await rollback(host);
    expect(await picture(host)).toEqual(before);
    expect(steps.length).toBe(planned.steps.length);
    const attempts = await moduleHistory(host);
    expect(attempts.every(({ finished, rolledBack }) => finished && rolledBack)).toBe(true);
    expect(attempts.length).toBe(planned.migrations.length * round);
    const { migrations } = await migrationStatus({ address: parseDatabaseUrl(host.url) });
    expect(migrations.map(({ history, complete }) => [history, complete])).toEqual(migrations.map(() => ['rolled-back', false]));
    expect((await planMigration({ address: parseDatabaseUrl(host.url) })).plan.steps.length).toBeGreaterThan(10);
    expect(await host.query('SELECT count(*)::int AS files FROM onechart.migration_files')).toEqual([{ files: 0 }]);
    expect(
      await host.query(
        `SELECT count(*)::int AS open FROM onechart.migration_steps s JOIN onechart.migration_runs r ON r.id = s."runId" WHERE r.command = 'apply' AND s."undoneAt" IS NULL`,
      ),
    ).toEqual([{ open: 0 }]);
    const still = await snapshot(host);
    expect((await rollback(host)).steps).toEqual([]);
    expect(await snapshot(host)).toEqual(still);
  }
});

interface OtherHost extends AsyncDisposable {
  readonly url: string;
  readonly address: DatabaseAddress;
  readonly options?: { dir?: string; linkTables?: string[]; usersTable?: string | false };
}

async function variant(name: VariantName): Promise<OtherHost> {
  return createVariant(name, { server: (await testServer()).url, rows: 100 });
}

async function changedHost(change: string, options: OtherHost['options'] = {}): Promise<OtherHost> {
  const host = await createHost();
  await host.query(change);
  return { url: host.url, address: parseDatabaseUrl(host.url), options, [Symbol.asyncDispose]: () => host.drop() };
}

async function hostWithFolder(): Promise<OtherHost> {
  const host = await createHost();
  const dir = `${await folder()}-prisma`;
  await mkdir(dir);
  writeHostPrismaFolder(dir);
  await initMigration({ address: parseDatabaseUrl(host.url), dir });
  return { url: host.url, address: parseDatabaseUrl(host.url), options: { dir }, [Symbol.asyncDispose]: () => host.drop() };
}

test.each<[string, () => Promise<OtherHost>]>([
  ['in another schema', () => variant('other-schema')],
  ['with odd names, its owner no superuser', () => variant('odd-names')],
  ['without a table of users', () => changedHost('ALTER TABLE users RENAME TO people', { usersTable: false })],
  [
    'with link tables of other names',
    () =>
      changedHost(`ALTER TABLE bills RENAME TO "Invoices"; ALTER TABLE "Invoices" RENAME COLUMN "patientId" TO "Person Id"`, {
        linkTables: ['Invoices.Person Id', 'surgical_cases'],
      }),
  ],
  ['with its own Prisma folder', hostWithFolder],
  [
    'with grants, default privileges, comments and triggers of its own',
    () =>
      changedHost(`DO $$ BEGIN CREATE ROLE rollback_reporting; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
        ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO rollback_reporting; GRANT UPDATE ("totalAmount") ON bills TO rollback_reporting;
        COMMENT ON TABLE bills IS 'Ours.'; CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
        CREATE TRIGGER stamped BEFORE UPDATE ON bills FOR EACH ROW EXECUTE FUNCTION stamp()`),
  ],
])('a host %s looks afterwards as it did before', async (_name, make) => {
  await using host = await make();
  const before = await withClient(host.url, (client) => hostPicture(client, host.address.schema));
  const engine = { address: host.address, ...host.options };
  // Once more where the files are the host's own; with ours the test above does it.
  for (const round of engine.dir === undefined ? [1] : [1, 2]) {
    expect((await applyMigration({ ...engine, noBackup: true })).verification.ok).toBe(true);
    await rollbackMigration(engine);
    expect(await withClient(host.url, (client) => hostPicture(client, host.address.schema)), `round ${round}`).toEqual(before);
  }
});

test('rows in the tables: refused, counted by table, nothing changed; given up when told so', async () => {
  const before = await pictureBefore();
  await using host = await createApplied();
  const [id] = await registerPatients(host);
  await host.query(`INSERT INTO patient_allergies ("patientId", allergen, "allergyType", severity) VALUES ($1, 'Latex', 'OTHER', 'MILD')`, [id]);
  const [linked] = await host.query<{ id: string }>(`UPDATE bills SET "patientId" = $1 WHERE id = (SELECT id FROM bills ORDER BY id LIMIT 1) RETURNING id`, [
    id,
  ]);
  const still = await snapshot(host);
  await expect(rollback(host)).rejects.toMatchObject({
    kind: 'unsafe',
    code: 'ROWS_PRESENT',
    message: expect.stringMatching(/patient_allergies 1, .*patients 3|patients 3.*patient_allergies 1/),
  });
  expect(await snapshot(host)).toEqual(still);
  const planned = await plan(host, { discardData: true });
  expect(planned.tables.find(({ table }) => table === 'patients')).toEqual({ table: 'patients', rows: 3 });
  expect(planned.idsLeft.find(({ table }) => table === 'bills')).toEqual({ table: 'bills', column: 'patientId', rows: 1 });
  expect(await snapshot(host)).toEqual(still);
  await rollback(host, { discardData: true });
  // The id stays where the host had written it.
  expect(await host.query('SELECT "patientId"::text AS id FROM bills WHERE id = $1', [linked?.id])).toEqual([{ id }]);
  await host.query('UPDATE bills SET "patientId" = NULL WHERE id = $1', [linked?.id]);
  expect(await picture(host)).toEqual(before);
});

test('a row written after the plan is not lost: the last transaction looks again, under the lock', async () => {
  await using host = await createApplied();
  let written = 0;
  await expect(
    rollback(host, {
      onEvent: async (event) => {
        if (event.type === 'checkpoint' && event.name === 'nothing in use refers to the tables any more') written = (await registerPatients(host, 2)).length;
      },
    }),
  ).rejects.toMatchObject({ kind: 'unsafe', code: 'ROWS_PRESENT' });
  expect(await host.query('SELECT count(*)::int AS patients FROM patients')).toEqual([{ patients: written }]);
  expect((await moduleHistory(host)).some(({ rolledBack }) => rolledBack)).toBe(false);
  expect((await apply(host)).verification.ok).toBe(true);
  const to = await folder();
  const { exported } = await rollback(host, { exportTo: to });
  expect(exported?.tables.find(({ table }) => table === 'patients')?.rows).toBe(2);
});

const hostObjects: [string, string, RegExp][] = [
  ['a view', 'CREATE VIEW active_patients AS SELECT id FROM patients', /view active_patients \(DROP VIEW active_patients\)/],
  ['a materialised view', 'CREATE MATERIALIZED VIEW names AS SELECT "lastName" FROM patients', /DROP MATERIALIZED VIEW names/],
  [
    "a host's own key",
    'CREATE TABLE loyalty ("patientId" uuid CONSTRAINT loyalty_patient REFERENCES patients (id))',
    /constraint loyalty_patient on table loyalty \(ALTER TABLE loyalty DROP CONSTRAINT "loyalty_patient"\)/,
  ],
  [
    'a trigger',
    `CREATE FUNCTION told() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; CREATE TRIGGER tell AFTER INSERT ON patients FOR EACH ROW EXECUTE FUNCTION told()`,
    /trigger tell on table patients \(DROP TRIGGER "tell" ON patients\)/,
  ],
  ['an index of the host', 'CREATE INDEX "Host index" ON patients (city)', /index "Host index" \(DROP INDEX "Host index"\)/],
  ['a column of the host', 'ALTER TABLE patients ADD COLUMN "loyaltyCard" text', /column "loyaltyCard" of table patients/],
  ['a check of the host', `ALTER TABLE patients ADD CONSTRAINT no_mars CHECK (country <> 'Mars')`, /constraint no_mars on table patients/],
  ['a policy', 'CREATE POLICY mine ON patients USING (true)', /policy mine on table patients \(DROP POLICY "mine" ON patients\)/],
  ['a publication', 'CREATE PUBLICATION feed FOR TABLE patients', /publication feed/],
  ['a column of the enum', 'CREATE TABLE statuses (status "PatientStatus")', /column status of table statuses/],
  ['a function over the row', `CREATE FUNCTION label(p patients) RETURNS text LANGUAGE sql AS 'SELECT p.mrn'`, /function label\(patients\)/],
  ['a child table', 'CREATE TABLE old_patients () INHERITS (patients)', /table old_patients/],
  ['statistics', 'CREATE STATISTICS towns ON city, "zipCode" FROM patients', /statistics object towns/],
  ['a rule', 'CREATE RULE quiet AS ON DELETE TO patients DO INSTEAD NOTHING', /rule quiet on table patients/],
];

test.each(hostObjects)('%s on a table of the module stops the rollback by its name, before anything is changed', async (_name, sql, says) => {
  await using host = await createDatabase({ template: 'migrated' });
  await host.query(sql);
  const before = await snapshot(host);
  await expect(rollback(host, { discardData: true })).rejects.toMatchObject({
    kind: 'unsafe',
    code: 'HOST_OBJECTS_DEPEND',
    message: expect.stringMatching(says),
  });
  expect(await snapshot(host)).toEqual(before);
});

test('a view that the host makes between the plan and the end stops it there; without the view it goes on', async () => {
  const before = await pictureBefore();
  await using host = await createApplied();
  await expect(
    rollback(host, {
      onEvent: async (event) => {
        if (event.type === 'checkpoint' && event.name === 'nothing in use refers to the tables any more')
          await host.query('CREATE INDEX late ON patients (city)');
      },
    }),
  ).rejects.toMatchObject({ code: 'HOST_OBJECTS_DEPEND' });
  await host.query('DROP INDEX late');
  await rollback(host);
  expect(await picture(host)).toEqual(before);
});

test.each([
  [
    'a key that deletes with the patient',
    `ALTER TABLE bills DROP CONSTRAINT "bills_patientId_fkey", ADD CONSTRAINT "bills_patientId_fkey" FOREIGN KEY ("patientId") REFERENCES patients (id) ON DELETE CASCADE`,
  ],
  ['an enum with other labels', `ALTER TYPE "PatientStatus" ADD VALUE 'LOST'`],
  ['a column of another type', 'ALTER TABLE patients ALTER COLUMN city TYPE text'],
  ['an index of another definition', 'DROP INDEX patients_email_idx; CREATE INDEX patients_email_idx ON patients (city)'],
])('%s under a name of ours is not ours to drop: stopped before anything is changed', async (_name, sql) => {
  await using host = await createDatabase({ template: 'migrated' });
  for (const each of sql.split('; ')) await host.query(each);
  const before = await snapshot(host);
  await expect(rollback(host)).rejects.toMatchObject({ kind: 'drift', code: 'CATALOGUE_CONFLICT' });
  expect(await snapshot(host)).toEqual(before);
});

test('a named migration, whole or by the part after its time; what came after it only when told so', async () => {
  await using host = await createApplied();
  const complete = await picture(host);
  await expect(rollback(host, { name: 'describe_patient_modul' })).rejects.toMatchObject({
    kind: 'not-found',
    code: 'MIGRATION_UNKNOWN',
    message: expect.stringContaining('20260103000600_describe_patient_module'),
  });
  await expect(rollback(host, { name: 'audit_and_outbox' })).rejects.toMatchObject({
    kind: 'unsafe',
    code: 'LATER_MIGRATIONS_PRESENT',
    message: expect.stringContaining('20260103000700_grant_database_roles'),
  });
  expect(await picture(host)).toEqual(complete);
  const { plan: planned } = await rollback(host, { name: 'audit_and_outbox', withLater: true });
  expect(planned.migrations.at(-1)).toBe('20260103000400_audit_and_outbox');
  expect(planned.tables.map(({ table }) => table)).toEqual(expect.arrayContaining(['patient_audit_events', 'patient_outbox_events']));
  expect(planned.tables.map(({ table }) => table)).not.toContain('patients');
  const partly = await picture(host);
  expect(partly.filter((line) => line.includes('onechart_app') || line.startsWith('comment patients'))).toEqual([]);
  expect((await apply(host)).verification.ok).toBe(true);
  expect(await picture(host)).toEqual(complete);
  await rollback(host, { name: '20260103000800_queue_placeholder_patients', withLater: true });
  for (const name of ['20260103000700_grant_database_roles', 'describe_patient_module']) await rollback(host, { name });
  expect((await apply(host)).verification.ok).toBe(true);
  expect(await picture(host)).toEqual(complete);
});

test('values in columns that go from a table that stays: refused, counted, nothing changed; given up when told so', async () => {
  await using host = await createApplied();
  const [id] = await registerPatients(host);
  await host.query(
    `INSERT INTO patient_contacts ("patientId", "firstName", "lastName", relationship) SELECT $1, 'Mira', 'Example', 'SISTER' FROM generate_series(1, 2)`,
    [id],
  );
  const part = { name: 'register_real_people', withLater: true };
  // Rows alone lose nothing, and neither does a default.
  const empty = await plan(host, part);
  expect(empty.findings).toEqual([]);
  expect(empty.columns).toContainEqual({ table: 'patient_contacts', column: 'isNextOfKin', values: 0 });
  expect(empty.columns.filter(({ values }) => values > 0)).toEqual([]);
  await host.query(`UPDATE patients SET "preferredLanguage" = 'sr' WHERE id = $1`, [id]);
  await host.query(`UPDATE patient_contacts SET "isNextOfKin" = true WHERE "patientId" = $1`, [id]);
  const still = await snapshot(host);
  for (const refused of [part, { ...part, exportTo: await folder() }])
    await expect(rollback(host, refused)).rejects.toMatchObject({
      kind: 'unsafe',
      code: 'COLUMN_VALUES_PRESENT',
      message: expect.stringContaining('hold values: patients.preferredLanguage 1, patient_contacts.isNextOfKin 2. '),
    });
  expect(await snapshot(host)).toEqual(still);
  await rollback(host, { ...part, discardData: true });
  expect(await host.query('SELECT count(*)::int AS patients FROM patients')).toEqual([{ patients: 3 }]);
  expect((await apply(host)).verification.ok).toBe(true);
  expect(await host.query('SELECT count("preferredLanguage")::int AS told FROM patients')).toEqual([{ told: 0 }]);
});

test('a value written after the plan is not lost: the transaction that drops the column looks again, under the lock', async () => {
  await using host = await createApplied();
  const [id] = await registerPatients(host);
  const onEvent = async (event: { type: string; step?: { key: string } }) => {
    if (event.type === 'step-started' && event.step?.key === 'drop columns patients')
      await host.query(`UPDATE patients SET "preferredLanguage" = 'sr' WHERE id = $1`, [id]);
  };
  await expect(rollback(host, { name: 'register_real_people', withLater: true, onEvent })).rejects.toMatchObject({ code: 'COLUMN_VALUES_PRESENT' });
  expect((await apply(host)).verification.ok).toBe(true);
  expect(await host.query('SELECT count("preferredLanguage")::int AS told FROM patients')).toEqual([{ told: 1 }]);
});

test.each([
  ['an index', 'CREATE INDEX "Host index" ON patients (city, "preferredLanguage")', /index "Host index" \(DROP INDEX "Host index"\)/],
  ['a check', `ALTER TABLE patients ADD CONSTRAINT told CHECK ("preferredLanguage" <> '')`, /constraint told on table patients/],
  ['a view', 'CREATE VIEW tongues AS SELECT "preferredLanguage" FROM patients', /view tongues \(DROP VIEW tongues\)/],
  [
    'a generated column',
    'ALTER TABLE patients ADD COLUMN spoken text GENERATED ALWAYS AS (upper("preferredLanguage")) STORED',
    /column spoken of table patients/,
  ],
])('%s of the host on a column that goes from a table that stays is named before anything is changed', async (_name, sql, says) => {
  await using host = await createApplied();
  await host.query(sql);
  const before = await snapshot(host);
  await expect(rollback(host, { name: 'register_real_people', withLater: true })).rejects.toMatchObject({
    code: 'HOST_OBJECTS_DEPEND',
    message: expect.stringMatching(says),
  });
  expect(await snapshot(host)).toEqual(before);
});
