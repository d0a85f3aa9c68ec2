import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { beforeAll, expect, test } from 'vitest';
import { createDatabase, type TestDatabase } from '../../../test/support/database.ts';
import type { CliIo } from '../io.ts';
import { run } from '../program.ts';

let database: TestDatabase;
let folder: string;

beforeAll(async () => {
  database = await createDatabase({ template: 'migrated' });
  folder = await mkdtemp(join(tmpdir(), 'onechart-patient-'));
  return async () => {
    await rm(folder, { recursive: true });
    await database.drop();
  };
});

async function onechart(...args: string[]) {
  const text = { stdout: '', stderr: '' };
  const into = (name: 'stdout' | 'stderr') =>
    new Writable({
      write: (chunk, _encoding, done) => {
        text[name] += String(chunk);
        done();
      },
    });
  const io: CliIo = { env: { DATABASE_URL: database.url }, cwd: folder, stdout: into('stdout'), stderr: into('stderr'), interactive: false, exitCode: 0 };
  const exitCode = await run(['patient', ...args], io);
  return { exitCode, ...text, json: () => JSON.parse(text.stdout) };
}

test('create, get, search and update: the same patient on every command', async () => {
  const created = await onechart('create', '--first-name', 'Test', '--last-name', 'Patient', '--date-of-birth', '1990-01-01', '--json');
  expect(created).toMatchObject({ exitCode: 0, stderr: '' });
  const { id, mrn } = created.json();
  expect(mrn).toMatch(/^MRN-\d{4}-00001$/);
  for (const key of [id, mrn]) expect((await onechart('get', key, '--json')).json()).toMatchObject({ id, mrn, dateOfBirth: '1990-01-01' });
  expect((await onechart('search', 'pat', '--json')).json()).toMatchObject({ items: [{ id }], nextCursor: null });
  const updated = await onechart('update', mrn, '--expect-version', '1', '--city', 'Nairobi', '--address-line-1', 'Moi Avenue 1', '--json');
  expect(updated.json()).toMatchObject({ version: 2, city: 'Nairobi', addressLine1: 'Moi Avenue 1' });
  const stale = await onechart('update', mrn, '--expect-version', '1', '--city', 'Kisumu', '--json');
  expect(stale.exitCode).toBe(73);
  expect(stale.json()).toMatchObject({ error: { kind: 'stale', code: 'PATIENT_STALE_VERSION' } });
  const trail = await database.query('SELECT DISTINCT origin, "actorName" FROM patient_audit_events');
  expect(trail).toEqual([{ origin: 'cli', actorName: 'command line' }]);
});

test('fields come from a JSON file too, flags win, and null says that a value is not known', async () => {
  await writeFile(join(folder, 'patient.json'), JSON.stringify({ firstName: 'From', lastName: 'File', dateOfBirth: '1980-05-05' }));
  const created = await onechart('create', '--input', 'patient.json', '--first-name', 'null', '--json');
  expect(created.json()).toMatchObject({ firstName: null, lastName: 'File', dateOfBirth: '1980-05-05' });
});

test.each([
  [['create', '--last-name', 'X'], 64, 'dateOfBirth is required; give null'],
  [['create', '--first-name', 'A', '--last-name', 'X', '--date-of-birth', '1990-02-30'], 64, 'dateOfBirth must be a date that exists'],
  [['create', '--input', 'no-such-file.json'], 69, 'cannot be read'],
  [['get', 'MRN-1999-00001'], 66, 'No patient has this record number or id'],
  [['search'], 64, 'at least one criterion'],
  [['search', 'x', '--limit', 'many'], 64, 'limit'],
  [['update', 'MRN-1999-00001', '--city', 'X'], 64, '--expect-version'],
])('%j ends with %i and a sentence that helps', async (args, exitCode, sentence) => {
  const result = await onechart(...args);
  expect(result).toMatchObject({ exitCode, stdout: '' });
  expect(result.stderr).toContain(sentence);
});

test('an unidentified patient waits, is identified, and keeps the temporary name', async () => {
  const unknown = (await onechart('unidentified', '--gender', 'FEMALE', '--estimated-age', '30', '--json')).json();
  expect(unknown).toMatchObject({ lastName: 'Unknown', identityStatus: 'UNIDENTIFIED', dateOfBirthPrecision: 'ESTIMATED' });
  expect((await onechart('waiting')).stdout).toContain(unknown.mrn);
  const known = await onechart('identify', unknown.mrn, '--first-name', 'Test', '--last-name', 'Found', '--date-of-birth', 'null', '--json');
  expect(known.json()).toMatchObject({ id: unknown.id, mrn: unknown.mrn, identityStatus: 'KNOWN', dateOfBirth: unknown.dateOfBirth });
  expect((await onechart('names', unknown.mrn)).stdout).toMatch(/^OFFICIAL .*Found, Test\nTEMPORARY .*Unknown, Female/);
  expect((await onechart('waiting')).stdout).not.toContain(unknown.mrn);
});

test('twins are registered under their mother', async () => {
  const mother = (await onechart('create', '--first-name', 'Test', '--last-name', 'Mother', '--date-of-birth', '1990-01-01', '--json')).json();
  const twin = await onechart('newborn', mother.mrn, '--date-of-birth', '2026-01-02', '--birth-order', '1', '--multiple-birth-count', '2', '--json');
  expect(twin.json()).toMatchObject({ motherId: mother.id, firstName: 'Baby 1 of Test', birthOrder: 1, multipleBirthCount: 2 });
  const wrong = await onechart('newborn', mother.mrn, '--date-of-birth', '2026-01-02', '--birth-order', 'first');
  expect(wrong).toMatchObject({ exitCode: 64, stderr: expect.stringContaining('birthOrder must be a whole number') });
});

test('other names and numbers of other authorities are added and shown', async () => {
  const { mrn } = (
    await onechart('create', '--first-name', 'Test', '--last-name', 'Person', '--date-of-birth', 'null', '--estimated-age', '50', '--json')
  ).json();
  expect((await onechart('add-name', mrn, '--use', 'TRANSCRIPTION', '--script', 'Cyrl', '--last-name', 'Персон')).exitCode).toBe(0);
  expect((await onechart('names', mrn)).stdout).toContain('Персон');
  await onechart('authority', 'NID', '--name', 'National identity card', '--type', 'NI', '--pattern', '[0-9]{8}');
  expect((await onechart('authorities')).stdout).toContain('National identity card');
  expect((await onechart('add-identifier', mrn, '--authority', 'NID', '--value', '1234 5678')).exitCode).toBe(0);
  expect((await onechart('identifiers', mrn)).stdout).toMatch(/MR .*verified\nNI {6}12345678 .*NID/);
  const wrong = await onechart('add-identifier', mrn, '--authority', 'NID', '--value', '99');
  expect(wrong).toMatchObject({ exitCode: 64, stderr: expect.not.stringContaining('99') });
  expect((await onechart('search', '--identifier-value', '12345678', '--json')).json().items).toMatchObject([{ mrn }]);
});
