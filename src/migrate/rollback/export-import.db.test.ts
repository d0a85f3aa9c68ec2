import { mkdtempSync, rmSync } from 'node:fs';
import { appendFile, chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { cloneOf, moduleMigrations, type TestDatabase, withClient } from '../../../test/support/database.ts';
import { hostPicture, tableContents } from '../../../test/support/host-picture.ts';
import { apply, createApplied, pictureBefore, snapshot } from '../../../test/support/migrate.ts';
import { parseDatabaseUrl } from '../../base/config.ts';
import { openRegistry } from '../../index.ts';
import { checkMigration, type ImportOptions, importRows, migrationStatus, type RollbackOptions, rollbackMigration } from '../index.ts';
import { type ExportManifest, sealed } from './manifest.ts';

function rollback(database: { url: string }, options: Partial<Omit<RollbackOptions, 'address'>> = {}) {
  return rollbackMigration({ address: parseDatabaseUrl(database.url), ...options });
}

function bringBack(database: { url: string }, from: string, options: Partial<Omit<ImportOptions, 'address'>> = {}) {
  return importRows({ address: parseDatabaseUrl(database.url), from, ...options });
}

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'onechart-rows-'));
  onTestFinished(() => rm(made, { recursive: true, force: true }));
  return join(made, 'rows');
}

/** Patients registered as an application does, with what hangs on them; values that a careless export would change. */
async function livedIn(host: TestDatabase): Promise<void> {
  await using registry = await openRegistry({ databaseUrl: host.url });
  const first = await registry.patientRepository.create({ firstName: 'Ines', lastName: 'Example', dateOfBirth: '1980-02-29' });
  const second = await registry.patientRepository.create({ firstName: 'Jürgen', lastName: 'O’Example, the second', dateOfBirth: '1999-12-31' });
  await host.query(`UPDATE patients SET "middleName" = $1, "addressLine1" = $2, "addressLine2" = '' WHERE id = $3`, [
    '"J\\N", \\.',
    'Line one\r\n\\.\nline two',
    second.id,
  ]);
  await host.query(`INSERT INTO patient_contacts ("patientId", "firstName", "lastName", relationship, notes) VALUES ($1, 'Ann', '\\N', 'mother', '')`, [
    first.id,
  ]);
  await host.query(`INSERT INTO patient_allergies ("patientId", allergen, "allergyType", severity, reaction) VALUES ($1, 'Latex', 'OTHER', 'MILD', NULL)`, [
    first.id,
  ]);
  await host.query(
    `UPDATE patients SET "createdBy" = (SELECT id FROM users ORDER BY id LIMIT 1), "deceasedAt" = NULL, "updatedAt" = '2026-03-29 01:30:00.123+00' WHERE id = $1`,
    [first.id],
  );
}

const moduleTables = (await moduleMigrations()).flatMap(({ sql }) => [...sql.matchAll(/^CREATE TABLE "(\w+)"/gm)].map(([, table = '']) => table));

async function contents(host: { url: string }): Promise<string[]> {
  return withClient(host.url, async (client) => {
    await client.query(`SET timezone = 'UTC'`);
    return tableContents(client, 'public', moduleTables);
  });
}

interface Exported {
  readonly host: TestDatabase;
  readonly to: string;
  readonly rows: string[];
  readonly manifest: ExportManifest;
}

const prepared = new Map<string, Promise<Exported>>();

/** A host that had lived with the module and was rolled back to a folder, or applied once more after that. Made once; each test has a copy of both. */
async function exported(options: { gzip?: boolean; link?: boolean; appliedAgain?: boolean } = {}): Promise<Exported> {
  const key = JSON.stringify(options);
  const made = prepared.get(key) ?? (options.appliedAgain ? applyAgain(options) : exportOnce(options));
  prepared.set(key, made);
  const { host, to, ...rest } = await made;
  const copy = await cloneOf(host);
  onTestFinished(() => copy.drop());
  // The journal names the folder of the export; whoever needs that gets it and leaves it as it is.
  if (options.link) return { host: copy, to, ...rest };
  const own = await folder();
  await cp(to, own, { recursive: true });
  return { host: copy, to: own, ...rest };
}

const workFolder = mkdtempSync(join(tmpdir(), 'onechart-exported-'));
afterAll(async () => {
  for (const each of prepared.values()) await (await each).host.drop();
  rmSync(workFolder, { recursive: true, force: true });
});

async function exportOnce({ gzip, link }: { gzip?: boolean; link?: boolean }): Promise<Exported> {
  const host = await createApplied();
  await livedIn(host);
  if (link) await host.query('UPDATE bills SET "patientId" = (SELECT id FROM patients LIMIT 1) WHERE id IN (SELECT id FROM bills LIMIT 7)');
  const rows = await contents(host);
  const to = join(workFolder, host.name);
  const { exported: manifest } = await rollback(host, { exportTo: to, gzip });
  return { host, to, rows, manifest: manifest as ExportManifest };
}

async function applyAgain(options: { gzip?: boolean; link?: boolean; appliedAgain?: boolean }): Promise<Exported> {
  const { host: rolledBack, ...rest } = await exported({ ...options, appliedAgain: false });
  const host = await cloneOf(rolledBack);
  await apply(host);
  const to = join(workFolder, host.name);
  await cp(rest.to, to, { recursive: true });
  return { ...rest, host, to };
}

test.each([false, true])('rows go to files with the tables and come back after a new apply, value for value (gzip: %s)', async (gzip) => {
  const { host, to, rows, manifest } = await exported({ gzip });
  expect(await contents(host)).toEqual([]);
  expect((await stat(to)).mode & 0o777).toBe(0o700);
  const files = await readdir(to);
  expect(files.sort()).toEqual(['manifest.json', ...manifest.tables.map(({ file }) => file)].sort());
  for (const file of files) expect((await stat(join(to, file))).mode & 0o777, file).toBe(0o600);
  expect(manifest.notice).toContain('PHI');
  expect(JSON.stringify(manifest)).not.toContain('Example,');
  if (!gzip) expect((await readFile(join(to, 'patients.csv'), 'utf8')).split('\n')[0]).toContain('id,mrn,"firstName"'.replaceAll('"', ''));

  await apply(host);
  const events: string[] = [];
  const { outcome, applyNext } = await bringBack(host, to, { onEvent: (event) => void events.push(event.type) });
  expect({ outcome, applyNext }).toEqual({ outcome: 'imported', applyNext: false });
  expect(await contents(host)).toEqual(rows);
  expect(events.filter((type) => type === 'step-finished').length).toBe(1);
  const still = await snapshot(host);
  expect((await bringBack(host, to)).outcome).toBe('already');
  expect(await snapshot(host)).toEqual(still);
});

test('record numbers go on where they were: none is issued twice', async () => {
  const { host, to } = await exported({ appliedAgain: true });
  await bringBack(host, to);
  await using registry = await openRegistry({ databaseUrl: host.url });
  const next = await registry.patientRepository.create({ firstName: 'Kofi', lastName: 'Later', dateOfBirth: '2001-01-01' });
  const numbers = await host.query<{ mrn: string }>('SELECT mrn FROM patients ORDER BY mrn');
  expect(new Set(numbers.map(({ mrn }) => mrn)).size).toBe(3);
  expect(numbers.filter(({ mrn }) => mrn !== next.mrn).every(({ mrn }) => mrn < next.mrn)).toBe(true);
  const overlapping = await host.query(
    `SELECT FROM mrn_blocks a JOIN mrn_blocks b ON a.id < b.id AND a.year = b.year AND int8range(a."firstNumber", a."lastNumber", '[]') && int8range(b."firstNumber", b."lastNumber", '[]')
     WHERE NOT EXISTS (SELECT FROM mrn_returned_ranges r WHERE r."returnedByBlockId" IN (a.id, b.id))`,
  );
  expect(overlapping).toEqual([]);
});

test("while the host's tables still name the patients: the rows come back first, then apply finds no orphan", async () => {
  const { host, to, rows } = await exported({ link: true });
  await expect(apply(host)).rejects.toMatchObject({ code: 'ORPHANS_PRESENT', message: expect.stringContaining(`onechart migrate import ${to}`) });
  const { findings } = await checkMigration({ address: parseDatabaseUrl(host.url) });
  expect(findings.find(({ code }) => code === 'EXPORTED_ROWS_NOT_BACK')?.message).toContain(`onechart migrate import ${to}`);
  const { outcome, applyNext } = await bringBack(host, to);
  expect({ outcome, applyNext }).toEqual({ outcome: 'imported', applyNext: true });
  // Until apply has finished, other pipelines see a migration that has started.
  expect(await host.query(`SELECT count(*)::int AS open FROM _prisma_migrations WHERE finished_at IS NULL AND rolled_back_at IS NULL`)).not.toEqual([
    { open: 0 },
  ]);
  expect((await apply(host)).verification.ok).toBe(true);
  expect(await contents(host)).toEqual(rows);
  // And away again, into another folder.
  const again = await folder();
  const { exported: second } = await rollback(host, { exportTo: again });
  expect(second?.tables.map(({ table, rows: number }) => [table, number])).toEqual(
    JSON.parse(await readFile(join(to, 'manifest.json'), 'utf8')).tables.map(({ table, rows: number }: { table: string; rows: number }) => [table, number]),
  );
  // The first export is not what was dropped last, but its rows may be brought back: the database does not have them.
  expect((await bringBack(host, to)).outcome).toBe('imported');
});

const damages: [string, (to: string, manifest: ExportManifest) => Promise<unknown>, string][] = [
  ['a truncated file', (to) => truncate(join(to, 'patients.csv'), 100), 'EXPORT_DAMAGED'],
  ['a row more', (to) => appendFile(join(to, 'patients.csv'), 'x\n'), 'EXPORT_DAMAGED'],
  [
    'one letter changed',
    async (to) => {
      const text = await readFile(join(to, 'patients.csv'), 'utf8');
      await writeFile(join(to, 'patients.csv'), text.replace('Example', 'Exbmple'));
    },
    'EXPORT_DAMAGED',
  ],
  ['a missing file', (to) => rm(join(to, 'patient_contacts.csv')), 'EXPORT_DAMAGED'],
  ['no manifest', (to) => rm(join(to, 'manifest.json')), 'EXPORT_MISSING'],
  ['half a manifest', (to) => truncate(join(to, 'manifest.json'), 300), 'EXPORT_DAMAGED'],
  [
    'a manifest with another count',
    (to, manifest) => writeFile(join(to, 'manifest.json'), JSON.stringify({ ...manifest, tables: manifest.tables.slice(1) })),
    'EXPORT_DAMAGED',
  ],
  ['something else', (to) => writeFile(join(to, 'manifest.json'), '{"format":"other"}'), 'EXPORT_UNKNOWN_FORMAT'],
  ['JSON that is no object', (to) => writeFile(join(to, 'manifest.json'), 'null'), 'EXPORT_UNKNOWN_FORMAT'],
];

test('a damaged, cut or foreign export is found out before the first row', async () => {
  const { host, to, manifest } = await exported({ appliedAgain: true });
  const before = await snapshot(host);
  for (const [name, damage, code] of damages) {
    const copy = `${to}-${code}-${name.replaceAll(' ', '-')}`;
    await cp(to, copy, { recursive: true });
    await damage(copy, manifest);
    await expect(bringBack(host, copy), name).rejects.toMatchObject({ code });
    expect(await snapshot(host), name).toEqual(before);
  }
});

test('rows are not mixed with rows that are there already', async () => {
  const { host, to } = await exported({ appliedAgain: true });
  await host.query(`INSERT INTO patients (mrn, "lastName") VALUES ('OTHER-1', 'Example')`);
  const before = await snapshot(host);
  await expect(bringBack(host, to)).rejects.toMatchObject({ kind: 'unsafe', code: 'IMPORT_TABLES_NOT_EMPTY', details: { tables: ['patients'] } });
  expect(await snapshot(host)).toEqual(before);
});

test('columns that came later take their defaults; one that is gone, or is of another type, stops it', async () => {
  const { host, to, rows } = await exported({ appliedAgain: true });
  await host.query(`ALTER TABLE patients ADD COLUMN "nickName" text DEFAULT 'none'`);
  expect((await bringBack(host, to)).outcome).toBe('imported');
  expect(await host.query('SELECT DISTINCT "nickName" AS name FROM patients')).toEqual([{ name: 'none' }]);
  await host.query('ALTER TABLE patients DROP COLUMN "nickName"');
  expect(await contents(host)).toEqual(rows);

  const next = await exported({ appliedAgain: true });
  const other = async (name: string, columns: (own: ExportManifest['tables'][number]['columns']) => ExportManifest['tables'][number]['columns']) => {
    const { sha256: _, ...manifest } = next.manifest;
    const copy = `${next.to}-${name}`;
    await cp(next.to, copy, { recursive: true });
    const tables = manifest.tables.map((each) => (each.table === 'patients' ? { ...each, columns: columns(each.columns) } : each));
    await writeFile(join(copy, 'manifest.json'), JSON.stringify(sealed({ ...manifest, tables })));
    return bringBack(next.host, copy).catch((error: unknown) => error);
  };
  expect(await other('gone', (own) => [...own, { name: 'shoeSize', type: 'integer' }])).toMatchObject({
    kind: 'unsupported',
    code: 'IMPORT_INCOMPATIBLE',
    message: expect.stringContaining('patients.shoeSize is gone'),
  });
  expect(await other('type', (own) => own.map((each) => (each.name === 'city' ? { ...each, type: 'text' } : each)))).toMatchObject({
    code: 'IMPORT_INCOMPATIBLE',
    message: expect.stringContaining('patients.city is character varying(100) and was text'),
  });
  expect(await other('new', (own) => own.filter(({ name }) => name !== 'lastName'))).toMatchObject({
    code: 'IMPORT_INCOMPATIBLE',
    message: expect.stringContaining('patients.lastName is new and has no default'),
  });
  expect((await bringBack(next.host, next.to)).outcome).toBe('imported');
});

test('a user who is gone meanwhile: the key refuses the rows, nothing is imported, and the error holds no name', async () => {
  const { host, to } = await exported({ appliedAgain: true });
  await host.query('CREATE TABLE kept AS SELECT * FROM users');
  await host.query('SET session_replication_role = replica; DELETE FROM users; SET session_replication_role = origin');
  const error = (await bringBack(host, to).catch((thrown: unknown) => thrown)) as Error & { details: object };
  expect(error).toMatchObject({ kind: 'conflict', code: 'IMPORT_ROWS_REFUSED', details: { constraint: 'patients_createdBy_fkey' } });
  expect(error.message + JSON.stringify(error.details)).not.toMatch(/Ines|1980/);
  expect(await host.query('SELECT count(*)::int AS n FROM patients')).toEqual([{ n: 0 }]);
  await host.query('INSERT INTO users SELECT * FROM kept; DROP TABLE kept');
  expect((await bringBack(host, to)).outcome).toBe('imported');
});

test('a folder that holds something, or cannot be written, is refused before anything is changed', async () => {
  await using host = await createApplied();
  await livedIn(host);
  const before = await snapshot(host);
  const to = await folder();
  await mkdir(to);
  await writeFile(join(to, 'letter.txt'), 'keep me');
  await expect(rollback(host, { exportTo: to })).rejects.toMatchObject({ kind: 'unsafe', code: 'EXPORT_FOLDER_OCCUPIED' });
  // The finished export of another rollback is not overwritten either.
  const { to: other } = await exported();
  await expect(rollback(host, { exportTo: other })).rejects.toMatchObject({ code: 'EXPORT_FOLDER_OCCUPIED' });
  await expect(rollback(host, { exportTo: join(to, 'letter.txt', 'rows') })).rejects.toMatchObject({ kind: 'unavailable', code: 'EXPORT_FOLDER_UNWRITABLE' });
  expect(await snapshot(host)).toEqual(before);
  expect(await readdir(to)).toEqual(['letter.txt']);
  await rm(join(to, 'letter.txt'));
  await chmod(to, 0o755);
  expect((await rollback(host, { exportTo: to })).exported?.tables.length).toBe(moduleTables.length);
  expect((await stat(to)).mode & 0o777).toBe(0o700);
});

test('a disk that fails while the rows are written: no table is dropped, and the same command goes on', async () => {
  await using host = await createApplied();
  await livedIn(host);
  const rows = await contents(host);
  const to = await folder();
  await expect(
    rollback(host, {
      exportTo: to,
      onEvent: async (event) => {
        // The folder cannot come to be where a file lies.
        if (event.type === 'checkpoint' && event.name === 'tables locked') await writeFile(`${to}.partial`, '');
      },
    }),
  ).rejects.toMatchObject({ kind: 'unavailable' });
  await rm(`${to}.partial`, { force: true });
  expect(await contents(host)).toEqual(rows);
  expect((await migrationStatus({ address: parseDatabaseUrl(host.url) })).migrations.every(({ history }) => history === 'applied')).toBe(true);
  await rollback(host, { exportTo: to });
  await apply(host);
  await bringBack(host, to);
  expect(await contents(host)).toEqual(rows);
});

test('an empty module exports empty files and imports them', async () => {
  const before = await pictureBefore();
  await using host = await createApplied();
  const to = await folder();
  const { exported: manifest } = await rollback(host, { exportTo: to });
  expect(manifest?.tables.every(({ rows }) => rows === 0)).toBe(true);
  expect(await withClient(host.url, (client) => hostPicture(client, 'public'))).toEqual(before);
  expect((await bringBack(host, to)).outcome).toBe('imported');
  expect((await apply(host)).verification.ok).toBe(true);
});
