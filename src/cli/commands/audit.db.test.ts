import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabase, type TestDatabase } from '../../../test/support/database.ts';
import { openRegistry } from '../../index.ts';
import type { CliIo } from '../io.ts';
import { run } from '../program.ts';

let database: TestDatabase;
let folder: string;
let patient: { id: string; mrn: string };

beforeAll(async () => {
  database = await createDatabase({ template: 'migrated' });
  folder = await mkdtemp(join(tmpdir(), 'onechart-audit-'));
  await using registry = await openRegistry({ databaseUrl: database.url });
  patient = await registry.patientRepository.create({ firstName: 'Test', lastName: 'Patient', dateOfBirth: '1990-01-01' });
  await registry.as({ actor: { kind: 'service', name: 'ward terminal' }, origin: '10.0.0.7', reason: 'handover' }).findById(patient.id);
  await registry.patientRepository.search({ lastName: 'Patient' });
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  await writeFile(join(folder, 'audit.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
  await writeFile(join(folder, 'audit.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
  await database.drop();
});

async function audit(args: readonly string[], env: Record<string, string> = { ONECHART_AUDIT_SIGNING_KEY_FILE: join(folder, 'audit.key') }) {
  const text = { stdout: '', stderr: '' };
  const into = (name: 'stdout' | 'stderr') =>
    new Writable({
      write: (chunk, _encoding, done) => {
        text[name] += String(chunk);
        done();
      },
    });
  const io: CliIo = {
    env: { DATABASE_URL: database.url, ...env },
    cwd: folder,
    stdout: into('stdout'),
    stderr: into('stderr'),
    interactive: false,
    exitCode: 0,
  };
  const exitCode = await run(['audit', ...args], io);
  return { exitCode, ...text };
}

test('who looked at a chart, by MRN and by id, and the searches that showed it', async () => {
  for (const key of [patient.mrn, patient.id]) {
    const { exitCode, stdout } = await audit(['show', '--patient', key, '--action', 'patient.viewed']);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/service ward terminal\s+10\.0\.0\.7\s+.*handover/);
  }
  expect((await audit(['show', '--patient', patient.mrn, '--listings'])).stdout).toMatch(/patient\.searched/);
  expect((await audit(['list', '--action', 'patient.registered', '--json'])).stdout).toContain('"lastName": "Patient"');
  expect(await audit(['show', '--patient', 'MRN-2026-99999'])).toMatchObject({ exitCode: 66, stderr: expect.stringContaining('PATIENT_NOT_FOUND') });
  expect(await audit(['list', '--from', 'yesterday'])).toMatchObject({ exitCode: 64 });
});

test('seal, verify, tamper, verify: the row is named and the exit code is that of drift', async () => {
  expect(await audit(['seal'])).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/rows sealed; the chain ends with seal 1, [0-9a-f]{64}/),
  });
  const verified = await audit(['verify', '--public-key', join(folder, 'audit.pub'), '--signing-key', join(folder, 'audit.key')]);
  expect(verified).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Everything is as it was sealed.') });
  expect((await audit(['list', '--action', 'audit.verified', '--json'])).stdout).toContain('"problems": 0');

  await database.query(`UPDATE patient_audit_events SET "actorName" = 'somebody else' WHERE "actorName" = 'ward terminal'`);
  const found = await audit(['verify', '--no-seal']);
  expect(found).toMatchObject({
    exitCode: 4,
    stdout: expect.stringMatching(/1 problem:\n {2}Row \d+ is not as seal 1 .* it was altered\. Id [0-9a-f-]{36}\./),
  });
  expect(JSON.parse((await audit(['verify', '--no-seal', '--json'])).stdout)).toMatchObject({ ok: false, problems: [{ kind: 'row-altered', seal: 1 }] });
  await database.query(`UPDATE patient_audit_events SET "actorName" = 'ward terminal' WHERE "actorName" = 'somebody else'`);
  expect(await audit(['verify', '--no-seal'])).toMatchObject({ exitCode: 0 });
  expect(await audit(['verify', '--public-key', join(folder, 'audit.pub') + 'x'])).toMatchObject({ exitCode: 69 });
  expect(await audit(['seal'], {})).toMatchObject({ exitCode: 7, stderr: expect.stringContaining('AUDIT_KEY_MISSING') });
  expect(await audit(['verify'], {})).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('left to the server') });
  await writeFile(join(folder, 'no.key'), 'nothing');
  expect(await audit(['seal', '--signing-key', join(folder, 'no.key')])).toMatchObject({ exitCode: 64, stderr: expect.stringContaining('AUDIT_KEY_INVALID') });
});

test('an export is written for its owner alone, proves itself, and is an anchor for the chain', async () => {
  const out = join(folder, 'trail.ndjson');
  expect(await audit(['export', '--out', out])).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('written') });
  expect((await stat(out)).mode & 0o777).toBe(0o600);
  expect(await audit(['verify', '--file', out])).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Everything is as it was sealed.') });
  expect(await audit(['verify', '--anchor', out, '--no-seal'])).toMatchObject({ exitCode: 0 });
  expect(await audit(['export', '--out', out])).toMatchObject({ exitCode: 69, stderr: expect.stringContaining('AUDIT_EXPORT_FAILED') });

  const lines = (await readFile(out, 'utf8')).replace('ward terminal', 'ward Terminal');
  await writeFile(join(folder, 'altered.ndjson'), lines);
  expect(await audit(['verify', '--file', join(folder, 'altered.ndjson')])).toMatchObject({ exitCode: 4 });
  const own = await audit(['export', '--patient', patient.mrn]);
  await writeFile(join(folder, 'own.ndjson'), own.stdout);
  expect(await audit(['verify', '--file', join(folder, 'own.ndjson')])).toMatchObject({ exitCode: 0 });

  await database.query('DELETE FROM patient_audit_seals WHERE number > 1');
  expect(await audit(['verify', '--anchor', out, '--no-seal'])).toMatchObject({ exitCode: 4, stdout: expect.stringContaining('its end was cut off') });
  await writeFile(join(folder, 'empty'), '{}');
  expect(await audit(['verify', '--anchor', join(folder, 'empty'), '--no-seal'])).toMatchObject({
    exitCode: 64,
    stderr: expect.stringContaining('AUDIT_ANCHOR_EMPTY'),
  });
});

test('maintain and retain', async () => {
  await database.query(`INSERT INTO patient_audit_events ("occurredAt", action, "actorKind") VALUES ('2018-05-05', 'patient.viewed', 'system')`);
  expect(await audit(['maintain', '--months', '0'])).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/Made 2018-05, .*1 row|Made 2018-05, .*rows moved/),
  });
  expect(await audit(['maintain', '--months', '0'])).toMatchObject({ stdout: 'Every partition is there.\n' });
  const kept = join(folder, 'kept');
  expect(await audit(['retain', '--older-than', '6y', '--export', kept, '--dry-run'])).toMatchObject({ stdout: '2018-05: 1 row would be removed\n' });
  expect(await audit(['retain', '--older-than', '6y', '--export', kept])).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('2018-05: 1 row removed, kept in'),
  });
  expect(await audit(['retain', '--older-than', '6y', '--export', kept])).toMatchObject({ stdout: 'No month is old enough.\n' });
  expect(await audit(['verify'])).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/1 rows of 2018-05 removed under retention on \d{4}-\d{2}-\d{2} by .+@.+; audit-2018-05/),
  });
  expect(await audit(['retain', '--older-than', 'six', '--export', kept])).toMatchObject({ exitCode: 64 });
});
