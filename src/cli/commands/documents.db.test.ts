import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCommand } from '../../../test/support/command-line.ts';
import { createDatabase, type TestDatabase } from '../../../test/support/database.ts';
import { delivered, pdfOf } from '../../../test/support/files.ts';
import { startS3 } from '../../../test/support/s3-server.ts';
import { newId } from '../../base/ids.ts';
import { s3Contents } from '../../document/s3-content.store.ts';
import { openRegistry } from '../../index.ts';

let database: TestDatabase;
let folder: string;
let s3: Awaited<ReturnType<typeof startS3>>;
beforeAll(async () => {
  database = await createDatabase({ template: 'migrated' });
  folder = await mkdtemp(join(tmpdir(), 'onechart-documents-'));
  s3 = await startS3();
});
afterAll(async () => {
  await s3.stop();
  await rm(folder, { recursive: true });
  await database.drop();
});

const onechart = (args: string[], env: NodeJS.ProcessEnv = {}) =>
  runCommand(['documents', ...args], { env: { DATABASE_URL: database.url, ...env }, cwd: folder });
const inS3 = () => ({
  ONECHART_DOCUMENTS_S3_BUCKET: s3.settings.bucket,
  ONECHART_DOCUMENTS_S3_ENDPOINT: s3.settings.endpoint,
  ONECHART_DOCUMENTS_S3_ACCESS_KEY_ID: 'S3RVER',
  ONECHART_DOCUMENTS_S3_SECRET_ACCESS_KEY: 'S3RVER',
});

async function newPatient(): Promise<{ id: string; mrn: string }> {
  await using registry = await openRegistry({ databaseUrl: database.url, maxConnections: 1 });
  return await registry.patientRepository.create({ firstName: 'Synthetic', lastName: 'Person', dateOfBirth: '1990-01-01' });
}

test.each(['database', 's3'])('a file goes in by its name and comes out as it was, in the %s store', async (store) => {
  const env = store === 's3' ? inS3() : {};
  const { mrn } = await newPatient();
  const file = pdfOf(300_000);
  await writeFile(join(folder, 'pass.pdf'), file);
  const added = await onechart(['add', mrn, 'pass.pdf', '--type', 'PASSPORT', '--number', 'X1'], env);
  expect(added).toMatchObject({ code: 0, stderr: '' });
  const id = added.stdout.trim();
  expect((await onechart(['list', mrn], env)).stdout).toMatch(new RegExp(`^${id} +PASSPORT +application/pdf +300000 +pass.pdf$`, 'm'));
  const copy = `copy-${store}.pdf`;
  expect((await onechart(['get', mrn, id, '--output', copy], env)).code).toBe(0);
  expect((await readFile(join(folder, copy))).equals(file)).toBe(true);
  expect((await stat(join(folder, copy))).mode & 0o777).toBe(0o600);
  expect(await onechart(['get', mrn, id, '--output', copy], env)).toMatchObject({ code: 69, stderr: expect.stringContaining('OUTPUT_UNWRITABLE') });
  expect((await onechart(['get', mrn, id], env)).stdout).toHaveLength(300_000);
});

test('a file that is not taken, or not there, leaves no document', async () => {
  const { mrn } = await newPatient();
  await writeFile(join(folder, 'page.html'), '<!DOCTYPE html>');
  expect(await onechart(['add', mrn, 'page.html'])).toMatchObject({ code: 76, stderr: expect.stringContaining('MEDIA_TYPE_UNSUPPORTED') });
  expect(await onechart(['add', mrn, 'nothing.pdf'])).toMatchObject({ code: 69, stderr: expect.stringContaining('INPUT_UNREADABLE') });
  expect(JSON.parse((await onechart(['list', mrn, '--json'])).stdout)).toEqual({ items: [] });
});

test('sweep removes uploads that nobody completed and objects that no document has, and nothing that is young or in use', async () => {
  const { id, mrn } = await newPatient();
  const objects = s3Contents(s3.settings);
  const ctx = {} as never;
  const orphan = newId();
  await objects.put(ctx, orphan, delivered(pdfOf(1000)));
  await objects.put(ctx, 'a-note-of-somebody-else', delivered(pdfOf(1000)));
  await using registry = await openRegistry({ databaseUrl: database.url, maxConnections: 1, documents: { s3: s3.settings } });
  const document = await registry.patientRepository.addDocument(id, { documentType: 'OTHER' });
  await registry.patientRepository.storeDocumentContent({ patientId: id, id: document.id }, { content: delivered(pdfOf(1000)) });
  await database.query(
    `INSERT INTO patient_document_contents (id, purpose, store, "createdAt") VALUES ($1, 'CONTENT', 'DATABASE', now() - interval '3 days'), ($2, 'CONTENT', 'S3', now() - interval '3 days'), ($3, 'CONTENT', 'DATABASE', now())`,
    [newId(), newId(), newId()],
  );
  const sweep = async (...args: string[]) => JSON.parse((await onechart(['sweep', '--json', ...args], inS3())).stdout);
  // The objects are of this minute, so they are left alone.
  expect(await sweep('--older-than', '1', '--dry-run')).toEqual({ abandonedUploads: 2, orphanedObjects: 0, dryRun: true });
  for (const file of await readdir(s3.folder, { recursive: true, withFileTypes: true })) {
    if (file.isFile()) await utimes(join(file.parentPath, file.name), 1_700_000_000, 1_700_000_000);
  }
  expect(await sweep('--older-than', '1')).toEqual({ abandonedUploads: 2, orphanedObjects: 1, dryRun: false });
  expect(await sweep('--older-than', '1')).toEqual({ abandonedUploads: 0, orphanedObjects: 0, dryRun: false });
  const left: string[] = [];
  for await (const page of objects.listKeys(ctx, new Date(Date.now() + 60_000))) left.push(...page);
  expect(left).toContain('a-note-of-somebody-else');
  expect(left).not.toContain(orphan);
  expect((await onechart(['get', mrn, document.id], inS3())).stdout).toHaveLength(1000);
  expect(await onechart(['sweep', '--older-than', 'soon'])).toMatchObject({ code: 64, stderr: expect.stringContaining('SWEEP_AGE_INVALID') });
});
