import { afterAll, beforeAll, expect, test } from 'vitest';
import { accessContext } from '../../test/support/access.ts';
import { cloneOf, createDatabase, type TestDatabase } from '../../test/support/database.ts';
import { delivered, pdfOf } from '../../test/support/files.ts';
import { startS3 } from '../../test/support/s3-server.ts';
import { openDocumentSettings } from '../document/content-stores.service.ts';
import { openRegistry } from '../index.ts';
import { sealAuditTrail } from '../audit/seal.service.ts';
import { bindPatientRepository, type PatientRepository } from '../patient/patient-repository.ts';
import { createMrnIssuer } from '../identifier/mrn.service.ts';
import { type DrillFindings, tryRegistry } from './drill.service.ts';

// Each damage that a restore could bring is found by the item that is there for it. Clones stand for restored databases.

let saved: TestDatabase;
let s3: Awaited<ReturnType<typeof startS3>>;
beforeAll(async () => {
  saved = await createDatabase({ template: 'migrated' });
  s3 = await startS3();
  for (const documents of [{}, { store: 's3' as const, s3: s3.settings }]) {
    await using registry = await openRegistry({ databaseUrl: saved.url, maxConnections: 2, documents });
    const { patientRepository: patients } = registry;
    const { id } = await patients.create({ firstName: 'Test', lastName: 'Drill', dateOfBirth: '1980-05-06' });
    const document = await patients.addDocument(id, { documentType: 'OTHER' });
    await patients.storeDocumentContent({ patientId: id, id: document.id }, { content: delivered(pdfOf(2000)), fileName: 'a.pdf' });
  }
  await sealAuditTrail(accessContext(saved).ctx.db, { waitMilliseconds: 5_000 });
});
afterAll(async () => {
  await s3?.stop();
  await saved?.drop();
});

async function drill(damage: string, { withS3 = true } = {}): Promise<DrillFindings> {
  await using restored = await cloneOf(saved);
  if (damage !== '') await restored.query(damage);
  const { ctx } = accessContext(restored);
  const documents = openDocumentSettings(withS3 ? { s3: s3.settings } : {});
  const mrns = createMrnIssuer();
  try {
    const patients = bindPatientRepository(ctx, { timeZone: 'UTC', mrns, documents }) as PatientRepository;
    return await tryRegistry(ctx, { patients, documents, sample: 10, files: 'all' });
  } finally {
    await mrns.close();
    await documents.close();
  }
}

const failed = ({ items }: DrillFindings) => items.filter(({ ok }) => !ok).map(({ name, found }) => `${name}: ${found}`);

test('a whole registry passes, its files in the database and in S3 with it', async () => {
  const findings = await drill('');
  expect(failed(findings)).toEqual([]);
  expect(findings.counts).toMatchObject({ patients: 2, files: 2 });
  expect(Date.parse(findings.newestRow ?? '')).toBeGreaterThan(Date.now() - 600_000);
});

test.each([
  [
    'a file with another byte',
    `update patient_document_chunks set bytes = set_byte(bytes, 10, 0)`,
    /^files: 2 of 2 read .*; missing or changed: [0-9a-f-]{36}$/,
  ],
  ['a file whose bytes are gone', 'delete from patient_document_chunks', /^files: .*missing or changed/],
  ['an object of S3 that is not there', `update patient_document_contents set id = gen_random_uuid() where store = 'S3'`, /^files: .*missing or changed/],
  ['a row of the trail that was altered', `update patient_audit_events set "actorName" = 'somebody' where seq = 1`, /^audit trail: \d+ problems/],
  [
    'a record number in two charts',
    `drop index patients_mrn_key; update patients set mrn = (select min(mrn) from patients)`,
    /^record numbers: 1 record numbers stand in more than one chart$/,
  ],
  ['charts that nobody finds by typing', 'delete from patient_search_entries', /^typed search: 2 of 2 charts/],
  ['a table that is not there', 'drop table patient_allergies cascade', /^charts: REGISTRY_NOT_MIGRATED/],
])('%s is found', async (_what, damage, found) => {
  expect(failed(await drill(damage))).toEqual(expect.arrayContaining([expect.stringMatching(found)]));
});

test('files of a store that is not set up are no success', async () => {
  expect(failed(await drill('', { withS3: false }))).toEqual([expect.stringMatching(/^files: CONTENT_STORE_MISSING/)]);
});
