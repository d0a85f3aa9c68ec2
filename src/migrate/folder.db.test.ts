import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeHostPrismaFolder } from '../../sample-ehr/index.ts';
import { createHost } from '../../test/support/migrate.ts';
import { snapshot } from '../../test/support/migrate.ts';
import type { TestDatabase } from '../../test/support/database.ts';
import { parseDatabaseUrl } from '../base/config.ts';
import { applyMigration, checkMigration, initMigration, type MigrateEvent, migrationStatus, planMigration, verifyMigration } from './index.ts';

// The host's own migrations, with or without the patient module's among them.

let folder: string;
let host: TestDatabase;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'onechart-folder-'));
  writeHostPrismaFolder(folder, 'uuid');
  host = await createHost();
});

afterEach(async () => {
  await host.drop();
  await rm(folder, { recursive: true, force: true });
});

async function migration(name: string, sql: string): Promise<void> {
  await mkdir(join(folder, 'migrations', name), { recursive: true });
  await writeFile(join(folder, 'migrations', name, 'migration.sql'), sql);
}

const options = (approvals: readonly string[] = []) => ({ address: parseDatabaseUrl(host.url), dir: folder, approvals });
const apply = (approvals: readonly string[] = [], onEvent?: (event: MigrateEvent) => void) =>
  applyMigration({ ...options(approvals), noBackup: true, ...(onEvent ? { onEvent } : {}) });

test("a folder without the module is looked at as it is: the host's history is known and nothing is pending", async () => {
  const status = await migrationStatus(options());
  expect(status.migrations.map(({ history, compared }) => ({ history, compared }))).toEqual(
    status.migrations.map(() => ({ history: 'applied', compared: false })),
  );
  expect(status.migrations.length).toBeGreaterThan(1);
  expect((await planMigration(options())).plan.steps).toEqual([]);
  expect((await verifyMigration(options())).ok).toBe(true);
});

const additive = `
CREATE TYPE "Triage" AS ENUM ('RED', 'GREEN');
ALTER TABLE "bills" ADD COLUMN "note" TEXT, ADD COLUMN "triage" "Triage" NOT NULL DEFAULT 'GREEN';
CREATE TABLE "triage_rules" ("id" UUID NOT NULL, "userId" UUID NOT NULL, CONSTRAINT "triage_rules_pkey" PRIMARY KEY ("id"));
CREATE INDEX "bills_note_idx" ON "bills"("note");
ALTER TABLE "triage_rules" ADD CONSTRAINT "triage_rules_userId_fkey" FOREIGN KEY ("userId") REFERENCES "users"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "bills" ADD CONSTRAINT "bills_note_check" CHECK (length("note") < 1000);
COMMENT ON COLUMN "bills"."note" IS 'What the clerk wrote.';
CREATE FUNCTION shout(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT upper($1) $$;
`;

test("a host's additive migration goes online, its function once, and the result is what plain execution makes", async () => {
  await migration('20270101000000_triage', additive);
  const { steps, verification } = await apply();
  expect(verification.ok).toBe(true);
  expect(steps.map(({ step }) => step.kind)).toEqual([
    'structure',
    'alter',
    'alter',
    'add-constraint',
    'add-constraint',
    'validate',
    'validate',
    'index',
    'comments',
    'script',
  ]);
  expect((await migrationStatus(options())).migrations.at(-1)).toMatchObject({ history: 'applied', edited: false });
  expect((await apply()).steps).toEqual([]);

  await using plain = await createHost();
  await plain.query(additive);
  const columns = `SELECT column_name, data_type, is_nullable, column_default FROM information_schema.columns WHERE table_name IN ('bills', 'triage_rules') ORDER BY table_name, ordinal_position`;
  expect(await host.query(columns)).toEqual(await plain.query(columns));
  const constraints = `SELECT conname, pg_get_constraintdef(oid) AS definition, convalidated FROM pg_constraint WHERE conname ~ 'triage|bills_note' ORDER BY 1`;
  expect(await host.query(constraints)).toEqual(await plain.query(constraints));
  expect(await host.query(`SELECT shout('a') AS said`)).toEqual([{ said: 'A' }]);
});

test('the module comes after the pending migrations of the host, in one go', async () => {
  await migration('20250601000000_late_note', 'ALTER TABLE "bills" ADD COLUMN "lateNote" TEXT;');
  await initMigration({ ...options(), dir: folder });
  const { findings } = await checkMigration(options());
  expect(findings).toContainEqual(expect.objectContaining({ code: 'MIGRATION_OUT_OF_ORDER' }));
  const { steps, verification } = await apply();
  expect(steps[0]?.step.key).toBe('column bills.lateNote');
  expect(verification).toMatchObject({ ok: true });
  expect(verification.items.some(({ name }) => name.startsWith('trial:'))).toBe(true);
  const { migrations } = await migrationStatus({ ...options(), onlyModule: true });
  expect(migrations.every(({ compared, complete, history }) => compared && complete && history === 'applied')).toBe(true);
});

test.each([
  ['DROP TABLE "prescriptions";', 'data-loss', 'prescriptions'],
  ['ALTER TABLE "bills" DROP COLUMN "createdAt";', 'data-loss', 'bills.createdAt'],
  ['ALTER TABLE "bills" RENAME COLUMN "createdAt" TO "madeAt";', 'rename', 'bills.createdAt'],
  ['ALTER TABLE "bills" ALTER COLUMN "createdAt" TYPE date;', 'rewrite', 'bills.createdAt'],
  ['UPDATE "bills" SET "createdAt" = now();', 'data-change', 'bills'],
])('%s waits for an approval of %s, and then runs', async (sql, kind, on) => {
  await migration('20270101000000_hazard', sql);
  const before = await snapshot(host);
  await expect(apply()).rejects.toMatchObject({ code: 'HAZARD_NOT_APPROVED', kind: 'unsafe' });
  await expect(apply([`${kind}:elsewhere`])).rejects.toMatchObject({ code: 'HAZARD_NOT_APPROVED' });
  expect(await snapshot(host)).toEqual(before);
  const { steps } = await apply([`${kind}:${on}`]);
  expect(steps).toHaveLength(1);
  expect((await apply()).steps).toEqual([]);
});

test('an approval of something that is no hazard is refused by name', async () => {
  await expect(apply(['dataloss'])).rejects.toMatchObject({ code: 'HAZARD_UNKNOWN', kind: 'invalid' });
});

test('a type that needs no rewrite needs no approval: the server itself is asked', async () => {
  await host.query('ALTER TABLE "bills" ADD COLUMN "code" varchar(10)');
  await migration('20270101000000_wider', 'ALTER TABLE "bills" ALTER COLUMN "code" TYPE varchar(50);\nALTER TABLE "bills" ADD COLUMN "number" int DEFAULT 1;');
  expect((await apply()).steps).toHaveLength(2);
  await migration('20270101000001_volatile', 'ALTER TABLE "bills" ADD COLUMN "token" UUID DEFAULT gen_random_uuid();');
  await expect(apply()).rejects.toMatchObject({ code: 'HAZARD_NOT_APPROVED', message: expect.stringContaining('rewrite:bills.token') });
});

test('SET NOT NULL is validated beside running writes, leaves nothing behind, and NULLs are found before anything is changed', async () => {
  await host.query('ALTER TABLE "bills" ADD COLUMN "code" text');
  await migration('20270101000000_code', 'ALTER TABLE "bills" ALTER COLUMN "code" SET NOT NULL;');
  const before = await snapshot(host);
  await expect(apply()).rejects.toMatchObject({ code: 'NULLS_PRESENT' });
  expect(await snapshot(host)).toEqual(before);
  await host.query(`UPDATE "bills" SET "code" = 'x'`);
  const { steps } = await apply();
  expect(steps.map(({ step }) => step.lock)).toEqual(['ACCESS EXCLUSIVE', 'SHARE UPDATE EXCLUSIVE', 'ACCESS EXCLUSIVE']);
  expect(await host.query(`SELECT attnotnull FROM pg_attribute WHERE attrelid = 'bills'::regclass AND attname = 'code'`)).toEqual([{ attnotnull: true }]);
  expect(await host.query(`SELECT conname FROM pg_constraint WHERE conname LIKE '%for_now'`)).toEqual([]);
});

test('a required column without a default is refused on a table with rows', async () => {
  await migration('20270101000000_required', 'ALTER TABLE "bills" ADD COLUMN "must" TEXT NOT NULL;');
  await expect(apply()).rejects.toMatchObject({ code: 'COLUMN_NEEDS_DEFAULT' });
});

test('a unique index over duplicates says so and leaves no invalid index behind', async () => {
  await migration('20270101000000_unique', 'ALTER TABLE "bills" ADD COLUMN "same" INT DEFAULT 1;\nCREATE UNIQUE INDEX "bills_same_key" ON "bills"("same");');
  await expect(apply()).rejects.toMatchObject({ code: 'DUPLICATES_PRESENT', kind: 'unsafe' });
  expect(await host.query(`SELECT FROM pg_class WHERE relname = 'bills_same_key'`)).toEqual([]);
  await host.query('CREATE SEQUENCE numbers');
  await host.query(`UPDATE "bills" SET "same" = nextval('numbers')`);
  expect((await apply()).steps.map(({ step }) => step.kind)).toEqual(['index']);
});

test('a label is added to an enum, then used', async () => {
  await host.query(`CREATE TYPE "Kind" AS ENUM ('A')`);
  await migration(
    '20270101000000_label',
    `ALTER TYPE "Kind" ADD VALUE 'B';\nCREATE TABLE "kinds" ("id" INT NOT NULL, "kind" "Kind" NOT NULL DEFAULT 'B', CONSTRAINT "kinds_pkey" PRIMARY KEY ("id"));`,
  );
  const { steps } = await apply();
  expect(steps.map(({ step }) => step.kind)).toEqual(['alter', 'structure']);
});

test('a script that ran is not run again after the migration broke behind it', async () => {
  await migration(
    '20270101000000_count',
    'CREATE TABLE "counted" ("n" INT NOT NULL);\nINSERT INTO "counted" VALUES (1);\nCREATE FUNCTION broken() RETURNS int LANGUAGE sql AS $$ SELECT nothing FROM nowhere $$;',
  );
  await expect(apply()).rejects.toMatchObject({ code: 'MIGRATION_INTERRUPTED', kind: 'resumable' });
  await host.query('CREATE TABLE nowhere (nothing int)');
  await apply();
  expect(await host.query('SELECT n FROM counted')).toEqual([{ n: 1 }]);
});

test('a script of a migration that was begun by hand runs only with a word for it', async () => {
  const sql = 'CREATE TABLE "counted" ("n" INT NOT NULL);\nINSERT INTO "counted" VALUES (1);';
  await migration('20270101000000_count', sql);
  await host.query(sql);
  await expect(apply()).rejects.toMatchObject({ code: 'HAZARD_NOT_APPROVED', message: expect.stringContaining('--approve rerun') });
  await apply(['rerun']);
  expect(await host.query('SELECT n FROM counted')).toHaveLength(2);
});

test('an object made and dropped again in one folder goes the way the files say', async () => {
  await migration('20270101000000_make', 'CREATE TABLE "short_lived" ("id" INT NOT NULL);\nCREATE INDEX "short_lived_id_idx" ON "short_lived"("id");');
  await migration('20270101000001_drop', 'DROP TABLE "short_lived";\nCREATE TABLE "long_lived" ("id" INT NOT NULL);');
  const { verification } = await apply(['data-loss', 'blocking']);
  expect(verification.ok).toBe(true);
  expect(await host.query(`SELECT to_regclass('short_lived') AS short, to_regclass('long_lived')::text AS long`)).toEqual([
    { short: null, long: 'long_lived' },
  ]);
});

test('a table renamed by a script can be altered behind it', async () => {
  await migration(
    '20270101000000_rename',
    'ALTER TABLE "prescriptions" RENAME TO "orders_of_medicine";\nALTER TABLE "orders_of_medicine" ADD COLUMN "note" TEXT;',
  );
  await apply(['rename']);
  expect(await host.query(`SELECT attname FROM pg_attribute WHERE attrelid = 'orders_of_medicine'::regclass AND attname = 'note'`)).toHaveLength(1);
  expect((await apply()).steps).toEqual([]);
});
