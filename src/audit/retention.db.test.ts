import { execFile } from 'node:child_process';
import { appendFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { temporaryFolder, whyNoDump } from '../../test/support/backup.ts';
import { connection } from '../../test/support/connection.ts';
import { createDatabase, type TestDatabase, testServer } from '../../test/support/database.ts';
import { parseDatabaseUrl } from '../base/config.ts';
import { kyselyOnPool } from '../db/connect.ts';
import type { Db } from '../db/context.ts';
import { findTool } from '../migrate/backup/tools.ts';
import { importRows, rollbackMigration } from '../migrate/index.ts';
import { apply, createHost } from '../../test/support/migrate.ts';
import { exportAuditTrail, verifyAuditFile } from './export.service.ts';
import { maintainAuditPartitions } from './partition.service.ts';
import { retainAuditTrail } from './retention.service.ts';
import { sealAuditTrail } from './seal.service.ts';
import { verifyAuditTrail } from './verify.service.ts';

const now = new Date('2026-11-23T12:00:00Z');

async function trail(): Promise<{ database: TestDatabase; db: Db }> {
  const database = await createDatabase({ template: 'migrated' });
  onTestFinished(() => database.drop());
  return { database, db: kyselyOnPool(database.pool()) };
}

async function writeRow(database: TestDatabase, occurredAt: string, patientId: string | null = null): Promise<void> {
  await database.query(
    `INSERT INTO patient_audit_events ("occurredAt", action, "actorKind", reason, "patientId") VALUES ($1, 'patient.viewed', 'system', $2, $3)`,
    [occurredAt, 'Grüße, "quoted" \\ and\na line', patientId],
  );
}

const partitions = async (database: TestDatabase) =>
  (
    await database.query<{ name: string; rows: number }>(
      `SELECT tableoid::regclass::text AS name, count(*)::int AS rows FROM patient_audit_events GROUP BY 1 ORDER BY 1`,
    )
  ).map(({ name, rows }) => `${name.replace('patient_audit_events_', '')} ${rows}`);

async function exported(db: Db, scope: Parameters<typeof exportAuditTrail>[1]['scope'], folder: string): Promise<string> {
  const file = join(folder, 'trail.ndjson');
  const lines: string[] = [];
  await exportAuditTrail(db, { scope, now, write: (line) => void lines.push(line) });
  await writeFile(file, `${lines.join('\n')}\n`);
  return file;
}

test('partitions are made ahead, and what waits in the default one goes to its month; writes never fail for lack of one', async () => {
  const { database, db } = await trail();
  await writeRow(database, '2026-11-22T10:00:00Z');
  await writeRow(database, '2019-02-28T23:59:59.999Z');
  await writeRow(database, '2019-03-01T00:00:00Z');
  await sealAuditTrail(db);
  expect(await partitions(database)).toEqual(['default 3']);
  expect(await maintainAuditPartitions(db, { now, monthsAhead: 1 })).toEqual({ made: ['2019-02', '2019-03', '2026-11', '2026-12'], moved: 3 });
  expect(await maintainAuditPartitions(db, { now, monthsAhead: 1 })).toEqual({ made: [], moved: 0 });
  await writeRow(database, '2026-12-31T23:59:59.999Z');
  await writeRow(database, '2027-01-01T00:00:00Z');
  expect(await partitions(database)).toEqual(['2019_02 1', '2019_03 1', '2026_11 1', '2026_12 1', 'default 1']);
  await sealAuditTrail(db);
  expect(await verifyAuditTrail(db)).toMatchObject({ ok: true, rowsVerified: 5 });
});

test('a partition waits briefly for those who write patients, and makes nobody wait long behind it', async () => {
  const { database, db } = await trail();
  const { client } = await connection(database);
  await client.query('BEGIN');
  await client.query(`INSERT INTO patients (mrn, "lastName") VALUES ('P-1', 'Example')`);
  const making = maintainAuditPartitions(db, { now, monthsAhead: 0 });
  await expect.poll(async () => (await database.query('SELECT 1 FROM pg_locks WHERE NOT granted')).length).toBeGreaterThan(0);
  await client.query('COMMIT');
  expect(await making).toMatchObject({ made: ['2026-11'] });
});

test('a month whose time has passed goes to a proven file, and verify says that it was removed and by whom', async () => {
  const { database, db } = await trail();
  const folder = await temporaryFolder();
  for (const at of ['2019-01-05T00:00:00Z', '2019-02-05T00:00:00Z', '2019-01-09T00:00:00Z', '2026-11-01T00:00:00Z']) await writeRow(database, at);
  await sealAuditTrail(db);
  await writeRow(database, '2019-01-31T23:00:00Z');
  const planned = await retainAuditTrail(db, { olderThan: new Date('2019-02-01T00:00:00Z'), folder, by: 'dba', now, dryRun: true });
  expect(planned).toEqual([]);
  await maintainAuditPartitions(db, { now });
  expect(await retainAuditTrail(db, { olderThan: new Date('2019-02-01T00:00:00Z'), folder, by: 'dba', now, dryRun: true })).toMatchObject([
    { month: '2019-01', rows: 3 },
  ]);
  const [removed] = await retainAuditTrail(db, { olderThan: new Date('2019-02-01T00:00:00Z'), folder, by: 'dba', now });
  expect(removed).toMatchObject({ month: '2019-01', rows: 3 });
  expect(await partitions(database)).toEqual(['2019_02 1', '2026_11 1']);
  expect(await readdir(folder)).toEqual(['audit-2019-01.2026-11-23.ndjson']);

  const verification = await verifyAuditTrail(db);
  expect(verification).toMatchObject({ ok: true, rowsVerified: 2, removed: [{ month: '2019-01', rows: 3, note: 'dba; audit-2019-01.2026-11-23.ndjson' }] });
  expect(await verifyAuditFile(removed?.file ?? '')).toMatchObject({ ok: true, rowsVerified: 3, seals: 2 });
  expect(await retainAuditTrail(db, { olderThan: new Date('2019-02-01T00:00:00Z'), folder, by: 'dba', now })).toEqual([]);

  // A removal that nobody recorded is tampering as before.
  await database.query('DROP TABLE patient_audit_events_2019_02');
  expect((await verifyAuditTrail(db)).problems).toMatchObject([{ kind: 'row-removed', seq: 2 }]);
});

test('a month that was tampered with is kept as evidence, and a folder that cannot be written removes nothing', async () => {
  const { database, db } = await trail();
  const folder = await temporaryFolder();
  await writeRow(database, '2019-01-05T00:00:00Z');
  await sealAuditTrail(db);
  const notAFolder = join(folder, 'file');
  await writeFile(notAFolder, '');
  const options = { olderThan: new Date('2020-01-01T00:00:00Z'), by: 'dba', now };
  await expect(retainAuditTrail(db, { ...options, folder: notAFolder })).rejects.toMatchObject({ kind: 'unavailable', code: 'AUDIT_EXPORT_FAILED' });
  await database.query(`UPDATE patient_audit_events SET reason = 'other'`);
  await expect(retainAuditTrail(db, { ...options, folder })).rejects.toMatchObject({ kind: 'drift', code: 'AUDIT_TRAIL_ALTERED' });
  expect(await partitions(database)).toEqual(['2019_01 1']);
  expect(await readdir(folder)).toEqual(['file']);
});

test('an export proves itself without the database: rows, order, seals, end; and the rows of one patient', async () => {
  const { database, db } = await trail();
  const folder = await temporaryFolder();
  const [patient] = await database.query<{ id: string }>(`INSERT INTO patients (mrn, "lastName") VALUES ('E-1', 'Example') RETURNING id`);
  const patientId = patient?.id ?? '';
  await writeRow(database, '2026-10-31T10:00:00Z', patientId);
  await writeRow(database, '2026-11-01T10:00:00Z');
  await sealAuditTrail(db);
  await writeRow(database, '2026-11-02T10:00:00Z', patientId);
  await sealAuditTrail(db);
  await writeRow(database, '2026-11-03T10:00:00Z', patientId);
  const file = await exported(db, { kind: 'range', from: null, to: null }, folder);
  expect(await verifyAuditFile(file)).toMatchObject({ ok: true, seals: 3, rowsVerified: 3, unsealed: 1 });
  const text = await readFile(file, 'utf8');
  const lines = text.trimEnd().split('\n');

  const tampered = async (change: (line: string, index: number) => string | undefined) => {
    await writeFile(file, lines.flatMap((line, index) => change(line, index) ?? []).join('\n'));
    return (await verifyAuditFile(file)).problems.map(({ kind, seq, seal }) => `${kind} ${seq ?? seal}`);
  };
  const rowAt = lines.findIndex((line) => line.includes('\\"seq\\":2'));
  expect(await tampered((line, index) => (index === rowAt ? line.replace('system', 'sister') : line))).toEqual(['row-altered 2']);
  expect(await tampered((line, index) => (index === rowAt ? undefined : line))).toEqual(['row-removed 2', 'file-incomplete null']);
  expect(await tampered((line, index) => (index === rowAt ? `${line}\n${line}` : line))).toEqual(['row-inserted 2', 'file-incomplete null']);
  expect(await tampered((line) => (line.includes('"number":2,') ? undefined : line))).toContain('seal-removed 2');
  expect(await tampered((line) => line.replace('"number":2,"kind":"ROWS"', '"number":2,"kind":"REMOVAL"'))).toContain('seal-altered 2');
  expect(await tampered((line, index) => (index === lines.length - 1 ? undefined : line))).toEqual(['file-incomplete null']);
  await writeFile(file, text);
  await appendFile(file, 'not json\n');
  expect((await verifyAuditFile(file)).problems).toMatchObject([{ kind: 'file-incomplete' }]);
  await expect(verifyAuditFile(join(folder, 'nowhere'))).rejects.toMatchObject({ code: 'AUDIT_FILE_MISSING' });

  const own = await exported(db, { kind: 'patient', patientId, from: null, to: null }, folder);
  expect(await verifyAuditFile(own)).toMatchObject({ ok: true, rowsVerified: 2, unsealed: 1 });
  await writeFile(own, (await readFile(own, 'utf8')).replace('Grüße', 'Gruesse'));
  expect((await verifyAuditFile(own)).problems).toMatchObject([{ kind: 'row-altered', seq: 1 }]);
});

test('rows that left with a rollback and came back with an import are the sealed ones, and the chain goes on', async () => {
  const host = await createHost();
  onTestFinished(() => host.drop());
  await apply(host);
  const db = kyselyOnPool(host.pool());
  await writeRow(host, '2026-11-01T10:00:00Z');
  await writeRow(host, '2026-10-01T10:00:00Z');
  await maintainAuditPartitions(db, { now });
  await sealAuditTrail(db);
  await writeRow(host, '2026-11-02T10:00:00Z');
  const from = join(await temporaryFolder(), 'rows');
  const address = parseDatabaseUrl(host.url);
  await rollbackMigration({ address, exportTo: from });
  await importRows({ address, from });
  await apply(host);
  await writeRow(host, '2026-11-03T10:00:00Z');
  expect(await sealAuditTrail(db)).toMatchObject({ rows: 2 });
  expect(await verifyAuditTrail(db)).toMatchObject({ ok: true, rowsVerified: 4 });
});

test('a dump restored elsewhere verifies there, and its chain goes on with the rows that are written there', async (context) => {
  const why = await whyNoDump();
  if (why !== undefined) context.skip(why);
  const { database, db } = await trail();
  const { version } = await testServer();
  for (const day of ['2026-11-01', '2026-11-02', '2026-10-01']) await writeRow(database, `${day}T10:00:00Z`);
  await maintainAuditPartitions(db, { now });
  await sealAuditTrail(db);
  await writeRow(database, '2026-11-04T10:00:00Z');
  const dump = join(await temporaryFolder(), 'ehr.dump');
  const run = async (tool: 'pg_dump' | 'pg_restore', args: readonly string[]) => {
    const [program = '', ...words] = (await findTool(tool, { serverMajor: version })).command;
    await promisify(execFile)(program, [...words, ...args]);
  };
  await run('pg_dump', ['-Fc', '-f', dump, database.url]);
  // What was written after the dump is not in it; its numbers are given anew there, to other rows.
  await writeRow(database, '2026-11-05T10:00:00Z');
  const restored = await createDatabase();
  onTestFinished(() => restored.drop());
  await run('pg_restore', ['--no-owner', '-d', restored.url, dump]);
  const there = kyselyOnPool(restored.pool());
  expect(await verifyAuditTrail(there)).toMatchObject({ ok: true, rowsVerified: 3, unsealed: { rows: 1 } });
  await writeRow(restored, '2026-11-06T10:00:00Z');
  expect(await sealAuditTrail(there)).toMatchObject({ rows: 2 });
  expect(await verifyAuditTrail(there)).toMatchObject({ ok: true, rowsVerified: 5 });
});
