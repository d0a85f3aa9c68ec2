import { appendFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { filesIn, scratchDatabases, temporaryFolder, whyNoDump } from '../../../../test/support/backup.ts';
import { type Ended, runCommand } from '../../../../test/support/command-line.ts';
import { createDatabase, type TestDatabase, withClient } from '../../../../test/support/database.ts';
import { toDatabaseUrl, parseDatabaseUrl } from '../../../base/config.ts';

vi.setConfig({ testTimeout: 120_000 });
const reason = await whyNoDump();
if (reason !== undefined) console.log(`Tests of onechart backup with a real pg_dump are skipped here. ${reason}`);
const withDump = test.skipIf(reason !== undefined);

let database: TestDatabase;
let folder: string;
beforeAll(async () => {
  database = await createDatabase({ template: 'applied' });
});
afterAll(async () => database.drop());

function onechart(...args: string[]): Promise<Ended> {
  return runCommand([...args, '--json'], { env: { DATABASE_URL: database.url, ONECHART_BACKUPS: folder, PATH: process.env.PATH } });
}
const register = (lastName: string) => onechart('patient', 'create', '--first-name', 'Test', '--last-name', lastName, '--date-of-birth', '1980-05-06');

withDump('from the backup to the drill, the restore and the first number after it', async () => {
  folder = await temporaryFolder();
  for (const lastName of ['Alpha', 'Beta', 'Gamma']) expect((await register(lastName)).code).toBe(0);
  expect((await onechart('audit', 'seal')).code).toBe(0);
  const made = await onechart('backup', 'create');
  expect(made.code, made.stderr).toBe(0);
  const { file } = JSON.parse(made.stdout);

  const drill = await onechart('backup', 'drill', '--files', 'all', '--max-age-hours', '1');
  expect(drill.code, drill.stdout + drill.stderr).toBe(0);
  const report = JSON.parse(drill.stdout);
  expect(report).toMatchObject({ ok: true, backup: { file, method: 'pg_dump' }, counts: { patients: 3 } });
  expect(report.items.map(({ name, ok }: { name: string; ok: boolean }) => [name, ok])).toEqual(
    ['restore', 'migrations', 'audit trail', 'record numbers', 'charts', 'search', 'typed search', 'files', 'age of the newest row'].map((name) => [
      name,
      true,
    ]),
  );
  expect([report.rtoSeconds > 0, report.rpoSeconds < 3600]).toEqual([true, true]);
  expect(await scratchDatabases(database)).toEqual([]);
  const tooOld = await onechart('backup', 'drill', '--max-age-hours', '0.000001');
  expect([tooOld.code, JSON.parse(tooOld.stdout).ok]).toEqual([4, false]);

  // After the backup, and lost with the restore.
  const lost = JSON.parse((await register('Delta')).stdout).mrn;
  await database.disconnect();
  const restored = await onechart(
    'backup',
    'restore',
    'newest',
    '--to',
    `${database.name}_restored`,
    '--swap',
    '--yes',
    '--end-sessions',
    '--reason',
    'a test',
  );
  expect(restored.code, restored.stderr).toBe(0);
  const { ready, swapped } = JSON.parse(restored.stdout);
  try {
    expect(ready[0]).toMatchObject({ raised: [{ authority: 'default', basis: 'replaced database' }] });
    const next = JSON.parse((await register('Epsilon')).stdout).mrn;
    expect(Number(next.split('-').at(-1))).toBeGreaterThan(Number(lost.split('-').at(-1)));
    const rows = await database.query(`select reason, "after" ->> 'sha256' as sha256 from patient_audit_events where action = 'registry.restored'`);
    expect(rows).toEqual([{ reason: 'a test', sha256: JSON.parse(made.stdout).sha256 }]);
    expect((await onechart('audit', 'verify')).code).toBe(0);
  } finally {
    await withClient(toDatabaseUrl({ ...parseDatabaseUrl(database.url), database: 'postgres' }), (client) => client.query(`DROP DATABASE "${swapped.kept}"`));
  }
});

withDump('a folder of backups is listed and cleared away, and one that was cut short is said to be', async () => {
  folder = await temporaryFolder();
  for (let number = 0; number < 2; number += 1) expect((await onechart('backup', 'create')).code).toBe(0);
  const listed = await onechart('backup', 'list');
  expect([listed.code, JSON.parse(listed.stdout).backups.length]).toEqual([0, 2]);
  const dry = JSON.parse((await onechart('backup', 'prune', '--keep', '1', '--dry-run')).stdout);
  expect([dry.removed.length, (await filesIn(folder)).length]).toEqual([1, 4]);
  expect(JSON.parse((await onechart('backup', 'prune', '--keep', '1')).stdout).removed).toEqual(dry.removed);
  const [left] = (await readdir(folder)).filter((name) => name.endsWith('.dump'));
  await appendFile(join(folder, left as string), 'x');
  const damaged = await onechart('backup', 'list');
  expect([damaged.code, JSON.parse(damaged.stdout).backups[0].problem]).toEqual([4, 'truncated']);
  expect(await onechart('backup', 'drill')).toMatchObject({ code: 66, stdout: expect.stringContaining('BACKUP_MISSING') });
});

test('a registry that was recovered to a point in time is tried and made ready', async () => {
  folder = await temporaryFolder();
  await using recovered = await createDatabase({ template: 'applied' });
  const drill = await onechart('backup', 'drill', '--restored-url', recovered.url);
  expect([drill.code, JSON.parse(drill.stdout)]).toMatchObject([0, { ok: true, backup: null, rtoSeconds: null, rpoSeconds: null }]);
  const at = new Date().toISOString();
  const ready = await runCommand(['backup', 'after-restore', '--restored-to', at, '--replaced-url', database.url], { env: { DATABASE_URL: recovered.url } });
  expect([ready.code, ready.stderr]).toEqual([0, '']);
  expect(await recovered.query(`select "after" ->> 'savedAt' as at from patient_audit_events where action = 'registry.restored'`)).toEqual([{ at }]);
});

test('what cannot be understood is refused with a code of its own', async () => {
  folder = await temporaryFolder();
  const codeOf = async (...args: string[]) => JSON.parse((await onechart('backup', ...args)).stdout).error.code;
  expect(await codeOf('list', '--out', '/nowhere')).toBe('BACKUP_FOLDER_MISSING');
  expect(await codeOf('prune', '--keep', '0')).toBe('BACKUP_KEEP_INVALID');
  expect(await codeOf('drill', '--sample', 'x')).toBe('DRILL_LIMIT_INVALID');
  expect(await codeOf('drill', '--restored-url', database.url)).toBe('DRILL_ON_LIVE_DATABASE');
  expect(await codeOf('after-restore', '--restored-to', 'soon')).toBe('RESTORE_TIME_INVALID');
  expect(await codeOf('after-restore', '--restored-to', '2020-01-01T00:00:00Z', '--mrn-margin', '-1')).toBe('MRN_MARGIN_INVALID');
  expect(await codeOf('after-restore', '--restored-to', '2020-01-01T00:00:00Z', '--last-mrn', 'XYZ')).toBe('MRN_NOT_OURS');
});
