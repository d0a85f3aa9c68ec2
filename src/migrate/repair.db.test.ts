import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { applyByHand } from '../../sample-ehr/statements.ts';
import { type TestDatabase, withClient } from '../../test/support/database.ts';
import { catalogueOf, createHost, filesFor, plainCatalogue, snapshot } from '../../test/support/migrate.ts';
import { parseDatabaseUrl } from '../base/config.ts';
import { repairMigration } from './index.ts';

const repair = (host: TestDatabase) => repairMigration({ address: parseDatabaseUrl(host.url), noBackup: true });

/** What somebody with psql and little time leaves: a key missing, one not validated, an index cut off, a history that says failed. */
async function leaveHalf(host: TestDatabase): Promise<void> {
  const [file] = await filesFor(host);
  await withClient(host.url, async (client) => {
    await applyByHand(client, file?.sql ?? '', { skip: [40] });
    await client.query('ALTER TABLE bills DROP CONSTRAINT "bills_patientId_fkey"');
    await client.query(
      'ALTER TABLE bills ADD CONSTRAINT "bills_patientId_fkey" FOREIGN KEY ("patientId") REFERENCES patients (id) ON DELETE RESTRICT ON UPDATE CASCADE NOT VALID',
    );
    await client.query(`UPDATE pg_index SET indisvalid = false WHERE indexrelid = '"patients_phone_idx"'::regclass`);
    await client.query(
      `INSERT INTO _prisma_migrations (id, checksum, migration_name, logs) VALUES ('11111111-1111-4111-8111-111111111111', $1, $2, 'ERROR: canceling statement')`,
      [file?.checksum, file?.name],
    );
  });
}

test('says what was wrong, makes it whole, and finds nothing the second time', async () => {
  await using host = await createHost();
  await leaveHalf(host);
  const { damage, verification } = await repair(host);
  const said = damage.filter(({ migration }) => migration.endsWith('add_patient_module')).map(({ found }) => found);
  expect(said).toEqual([
    'missing: foreign key (patients_mergedBy_fkey)',
    'index patients_phone_idx is INVALID: its build was cut off',
    'foreign key bills_patientId_fkey is NOT VALID: rows from before were never checked',
    'the history says failed',
  ]);
  expect(damage.filter(({ found }) => found === 'not begun').length).toBeGreaterThan(5);
  expect(verification.items.filter(({ ok }) => !ok)).toEqual([]);
  expect(Object.fromEntries((await catalogueOf(host)).foreignKeys)).toEqual(Object.fromEntries((await plainCatalogue()).foreignKeys));
  expect(await host.query('SELECT command, outcome FROM onechart.migration_runs')).toEqual([{ command: 'repair', outcome: 'done' }]);
  const before = await snapshot(host);
  expect(await repair(host)).toMatchObject({ damage: [], steps: [] });
  expect(await snapshot(host)).toEqual(before);
});

test('a database without the module is none to repair: refused with nothing changed', async () => {
  await using host = await createHost();
  const before = await snapshot(host);
  await expect(repair(host)).rejects.toMatchObject({ kind: 'unsafe', code: 'REPAIR_NOTHING_THERE' });
  expect(await snapshot(host)).toEqual(before);
});

test('what has another definition is refused with nothing changed', async () => {
  await using host = await createHost();
  await leaveHalf(host);
  await host.query('DROP INDEX "patients_email_idx"');
  await host.query('CREATE INDEX "patients_email_idx" ON patients (phone)');
  const before = await snapshot(host);
  await expect(repair(host)).rejects.toMatchObject({ kind: 'drift', code: 'CATALOGUE_CONFLICT' });
  expect(await snapshot(host)).toEqual(before);
});

test('the command says it to people', async () => {
  await using host = await createHost();
  await leaveHalf(host);
  const program = join(import.meta.dirname, '../../bin/onechart');
  const ended = await new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) => {
    const args = [program, 'migrate', 'repair', '--database-url', host.url, '--no-backup', '--no-report', '--yes'];
    execFile(process.execPath, args, (error, stdout, stderr) => resolve({ code: error?.code ?? 0, stdout, stderr }));
  });
  expect(ended.stderr).toContain('index patients_phone_idx is INVALID: its build was cut off; dropped and built anew');
  expect(ended.stdout).toMatch(/\d+ steps repaired in .*\n.*Verified: \d+ checks passed/);
  expect(ended.code).toBe(0);
});
