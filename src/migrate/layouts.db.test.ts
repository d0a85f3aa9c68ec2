import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { TestDatabase } from '../../test/support/database.ts';
import { createHost } from '../../test/support/migrate.ts';
import { parseDatabaseUrl } from '../base/config.ts';
import { applyMigration, type MigrateEvent, type MigrateOptions, migrationStatus, planMigration, verifyMigration } from './index.ts';

// Hosts whose tables are partitioned or lie in several schemas.

const bills = `
CREATE TABLE "bills_new" (LIKE "bills" INCLUDING DEFAULTS) PARTITION BY RANGE ("createdAt");
CREATE TABLE "bills_old" PARTITION OF "bills_new" FOR VALUES FROM (MINVALUE) TO ('2026-01-01');
CREATE TABLE "bills_2026" PARTITION OF "bills_new" FOR VALUES FROM ('2026-01-01') TO (MAXVALUE) PARTITION BY HASH ("id");
CREATE TABLE "bills_2026_0" PARTITION OF "bills_2026" FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE "bills_2026_1" PARTITION OF "bills_2026" FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO "bills_new" SELECT * FROM "bills";
DROP TABLE "bills";
ALTER TABLE "bills_new" RENAME TO "bills";`;

async function createPartitionedHost(): Promise<TestDatabase> {
  const host = await createHost();
  await host.query(bills);
  return host;
}

const options = (host: TestDatabase, more: Partial<MigrateOptions> = {}): MigrateOptions => ({ address: parseDatabaseUrl(host.url), ...more });

/** Keys, indexes and comments of everything that has to do with bills, in the server's words. */
async function picture(host: TestDatabase): Promise<unknown[]> {
  return host.query(`
    SELECT 'key' AS kind, conrelid::regclass::text AS "on", conname::text AS name, pg_get_constraintdef(oid) AS definition, convalidated AS valid, conparentid <> 0 AS inherited
    FROM pg_constraint WHERE contype = 'f' AND confrelid = 'patients'::regclass AND conrelid::regclass::text LIKE '%bills%'
    UNION ALL
    SELECT 'index', x.indrelid::regclass::text, x.indexrelid::regclass::text, pg_get_indexdef(x.indexrelid), x.indisvalid, EXISTS (SELECT FROM pg_inherits WHERE inhrelid = x.indexrelid)
    FROM pg_index x WHERE x.indrelid::regclass::text LIKE '%bills%' ORDER BY 1, 2, 3`);
}

test('a partitioned link table gets its key and index partition by partition, and ends as plain execution would end', async () => {
  await using host = await createPartitionedHost();
  const { plan } = await planMigration(options(host));
  const about = plan.steps.filter(({ key }) => key.includes('bills'));
  expect(about.map(({ key, lock }) => [key, lock])).toEqual([
    ['add bills_patientId_fkey on bills_old', 'SHARE ROW EXCLUSIVE'],
    ['add bills_patientId_fkey on bills_2026_0', 'SHARE ROW EXCLUSIVE'],
    ['add bills_patientId_fkey on bills_2026_1', 'SHARE ROW EXCLUSIVE'],
    ['validate bills_patientId_fkey on bills_old', 'SHARE UPDATE EXCLUSIVE'],
    ['validate bills_patientId_fkey on bills_2026_0', 'SHARE UPDATE EXCLUSIVE'],
    ['validate bills_patientId_fkey on bills_2026_1', 'SHARE UPDATE EXCLUSIVE'],
    ['add bills_patientId_fkey', 'SHARE ROW EXCLUSIVE'],
    ['empty index bills_patientId_idx', 'SHARE'],
    ['empty index bills_2026_patientId_idx', 'SHARE'],
    ['index bills_old_patientId_idx', 'SHARE UPDATE EXCLUSIVE'],
    ['index bills_2026_0_patientId_idx', 'SHARE UPDATE EXCLUSIVE'],
    ['index bills_2026_1_patientId_idx', 'SHARE UPDATE EXCLUSIVE'],
    ['attach bills_2026_1_patientId_idx', 'ACCESS SHARE'],
    ['attach bills_2026_0_patientId_idx', 'ACCESS SHARE'],
    ['attach bills_old_patientId_idx', 'ACCESS SHARE'],
    ['attach bills_2026_patientId_idx', 'ACCESS SHARE'],
  ]);
  const { verification } = await applyMigration({ ...options(host), noBackup: true });
  expect(verification.items.filter(({ ok }) => !ok)).toEqual([]);
  expect((await planMigration(options(host))).plan.steps).toEqual([]);

  await using plain = await createPartitionedHost();
  for (const { file } of (await migrationStatus(options(host))).migrations) await plain.query(file.sql);
  expect(await picture(host)).toEqual(await picture(plain));
});

test('stopped at any step on the partitions, it goes on to the same end', async () => {
  await using whole = await createPartitionedHost();
  await applyMigration({ ...options(whole), noBackup: true });
  const expected = await picture(whole);
  const about = ({ step }: Extract<MigrateEvent, { type: 'step-started' }>) => step.key.includes('bills');
  for (let nth = 1; nth <= 16; nth += 5) {
    await using host = await createPartitionedHost();
    let met = 0;
    const onEvent = (event: MigrateEvent) => {
      if (event.type === 'step-started' && about(event) && (met += 1) === nth) throw new Error('cut off');
    };
    await expect(applyMigration({ ...options(host), noBackup: true, onEvent })).rejects.toThrow();
    expect((await applyMigration({ ...options(host), noBackup: true })).verification.ok).toBe(true);
    expect(await picture(host)).toEqual(expected);
  }
});

async function createSpreadHost(): Promise<TestDatabase> {
  const host = await createHost();
  await host.query(
    'CREATE SCHEMA billing; CREATE SCHEMA "Staff"; ALTER TABLE bills SET SCHEMA billing; ALTER TABLE insurance_policies SET SCHEMA billing; ALTER TABLE users SET SCHEMA "Staff"',
  );
  return host;
}

const spread: Partial<MigrateOptions> = {
  linkTables: ['surgical_cases', 'medical_records', 'billing.bills', 'patient_consent_instances', 'billing.insurance_policies.patientId'],
  usersTable: 'Staff.users',
};

test('link tables and users of other schemas are tied to the patients of this one', async () => {
  await using host = await createSpreadHost();
  const { verification, steps } = await applyMigration({ ...options(host, spread), noBackup: true });
  expect(verification.items.filter(({ ok }) => !ok)).toEqual([]);
  expect(steps.map(({ step }) => step.key)).toContain('validate bills_patientId_fkey');
  expect(
    await host.query(
      `SELECT conrelid::regclass::text AS "on", confrelid::regclass::text AS to, convalidated FROM pg_constraint WHERE conname IN ('bills_patientId_fkey', 'patients_createdBy_fkey') ORDER BY 1`,
    ),
  ).toEqual([
    { on: 'billing.bills', to: 'patients', convalidated: true },
    { on: 'patients', to: '"Staff".users', convalidated: true },
  ]);
  expect((await verifyMigration(options(host, spread))).ok).toBe(true);
  expect((await applyMigration({ ...options(host, spread), noBackup: true })).steps).toEqual([]);
});

test('an orphan in another schema is found, and a key of another target there stops everything', async () => {
  await using host = await createSpreadHost();
  await host.query(`UPDATE billing.bills SET "patientId" = gen_random_uuid() WHERE id = (SELECT id FROM billing.bills LIMIT 1)`);
  await expect(planMigration(options(host, spread))).rejects.toMatchObject({ code: 'ORPHANS_PRESENT', message: expect.stringContaining('billing') });
  await host.query(`UPDATE billing.bills SET "patientId" = NULL`);
  await host.query(
    `CREATE TABLE elsewhere (id uuid PRIMARY KEY); ALTER TABLE billing.bills ADD CONSTRAINT "bills_patientId_fkey" FOREIGN KEY ("patientId") REFERENCES elsewhere (id) NOT VALID`,
  );
  await expect(planMigration(options(host, spread))).rejects.toMatchObject({ code: 'LINK_COLUMN_REFERENCES_OTHER' });
});

test("a folder that names its schemas in every statement, as Prisma's multiSchema does, is compared and applied", async () => {
  await using host = await createSpreadHost();
  const folder = await mkdtemp(join(tmpdir(), 'onechart-layouts-'));
  try {
    const name = '20270101000000_many_schemas';
    await mkdir(join(folder, 'migrations', name), { recursive: true });
    const sql = `CREATE SCHEMA IF NOT EXISTS "billing";
CREATE TYPE "billing"."Kind" AS ENUM ('A', 'B');
CREATE TABLE "billing"."refunds" ("id" UUID NOT NULL, "kind" "billing"."Kind" NOT NULL DEFAULT 'A', "userId" UUID, CONSTRAINT "refunds_pkey" PRIMARY KEY ("id"));
CREATE TABLE "public"."refunds" ("id" UUID NOT NULL, CONSTRAINT "refunds_pkey" PRIMARY KEY ("id"));
ALTER TABLE "billing"."bills" ADD COLUMN "kind" "billing"."Kind";
CREATE INDEX "bills_kind_idx" ON "billing"."bills"("kind");
ALTER TABLE "billing"."refunds" ADD CONSTRAINT "refunds_userId_fkey" FOREIGN KEY ("userId") REFERENCES "Staff"."users"("id") ON DELETE SET NULL ON UPDATE CASCADE;
COMMENT ON COLUMN "billing"."refunds"."kind" IS 'What for.';`;
    await writeFile(join(folder, 'migrations', name, 'migration.sql'), sql);
    const here = options(host, { dir: folder });
    const { steps, verification } = await applyMigration({ ...here, noBackup: true });
    expect(verification.ok).toBe(true);
    // The second table "refunds" cannot be drawn beside the first, whose names it shares: it is made by a script of its own.
    expect(steps.map(({ step }) => step.kind)).toEqual(['script', 'structure', 'script', 'alter', 'add-constraint', 'validate', 'index', 'comments']);
    await host.query(`UPDATE "_prisma_migrations" SET finished_at = NULL WHERE migration_name = '${name}'`);
    const { migrations } = await migrationStatus(here);
    expect(migrations[0]?.statements.filter(({ object }) => object.state !== 'present').map(({ effect, object }) => [effect, object])).toEqual([]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
