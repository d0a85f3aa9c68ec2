import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { PrismaPg } from '@prisma/adapter-pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/database.ts';

/** What the test uses of a generated client; its own types exist only once it is generated. */
type Row = Record<string, unknown>;
interface Delegate {
  create(args: { data: Row }): Promise<Row>;
  update(args: { where: Row; data: Row }): Promise<Row>;
  delete(args: { where: Row }): Promise<Row>;
  count(args?: { where: Row }): Promise<number>;
  findUniqueOrThrow(args: { where: Row; include?: Row }): Promise<Row>;
  findMany(args?: { where?: Row }): Promise<Row[]>;
}
type Client = Record<
  | 'patient'
  | 'patientContact'
  | 'patientDocument'
  | 'patientAllergy'
  | 'patientRiskFlag'
  | 'patientMergeHistory'
  | 'patientAuditEvent'
  | 'surgicalCase'
  | 'user',
  Delegate
> & {
  $disconnect(): Promise<void>;
};

const root = join(import.meta.dirname, '../..');
let folder: string;
let database: TestDatabase;
let prisma: Client;

beforeAll(async () => {
  await mkdir(join(root, 'test/.generated'), { recursive: true });
  folder = await mkdtemp(join(root, 'test/.generated/client-'));
  const schema = await readFile(join(root, 'prisma/schema.prisma'), 'utf8');
  await writeFile(join(folder, 'schema.prisma'), schema.replace('"../test/.generated/client"', '"client"'));
  // Any executable stands in for the schema engine, which generate does not start: nothing is downloaded.
  const env = { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, PRISMA_HIDE_UPDATE_MESSAGE: '1', CHECKPOINT_DISABLE: '1' };
  await promisify(execFile)(process.execPath, [join(root, 'node_modules/prisma/build/index.js'), 'generate', '--schema', join(folder, 'schema.prisma')], {
    cwd: root,
    env,
  });
  const generated = (await import(/* @vite-ignore */ pathToFileURL(join(folder, 'client/client.ts')).href)) as {
    PrismaClient: new (options: { adapter: PrismaPg }) => Client;
  };
  database = await createDatabase({ template: 'migrated' });
  prisma = new generated.PrismaClient({ adapter: new PrismaPg({ connectionString: database.url }) });
}, 120_000);

afterAll(async () => {
  await prisma?.$disconnect();
  await database?.drop();
  if (folder) await rm(folder, { recursive: true });
});

test('all six models are written and read back with their relations', async () => {
  const [user] = await database.query<{ id: string }>('SELECT id FROM users ORDER BY email LIMIT 1');
  const patient = await prisma.patient.create({
    data: {
      mrn: 'CLIENT-1',
      firstName: 'Åsa',
      lastName: 'Example',
      dateOfBirth: new Date('1990-01-01'),
      createdBy: user?.id,
      contacts: { create: { firstName: 'Per', lastName: 'Example', relationship: 'father', phone: '+4670000000' } },
      documents: { create: { documentType: 'PASSPORT', documentNumber: 'X1', issuedDate: new Date('2020-05-05'), fileSize: 10 } },
      allergies: { create: { allergen: 'Penicillin', allergyType: 'DRUG', severity: 'SEVERE' } },
      riskFlags: { create: { flagType: 'FALL_RISK', severity: 'HIGH' } },
    },
  });
  const target = await prisma.patient.create({ data: { mrn: 'CLIENT-2', lastName: 'Example' } });
  const merge = await prisma.patientMergeHistory.create({
    data: { sourcePatientId: patient.id, targetPatientId: target.id, mergedBy: user?.id, reason: 'same person' },
  });

  const read = await prisma.patient.findUniqueOrThrow({
    where: { mrn: 'CLIENT-1' },
    include: { contacts: true, documents: true, allergies: true, riskFlags: true, mergesAsSource: { include: { targetPatient: true } }, createdByUser: true },
  });
  expect(read).toMatchObject({
    id: patient.id,
    status: 'ACTIVE',
    restricted: false,
    version: 1,
    firstName: 'Åsa',
    dateOfBirth: new Date('1990-01-01T00:00:00Z'),
    contacts: [{ relationship: 'father', priority: 1 }],
    documents: [{ documentType: 'PASSPORT', isVerified: false, issuedDate: new Date('2020-05-05T00:00:00Z') }],
    allergies: [{ allergen: 'Penicillin', active: true }],
    riskFlags: [{ flagType: 'FALL_RISK', active: true }],
    mergesAsSource: [{ id: merge.id, mergeEventId: expect.stringMatching(/^[0-9a-f-]{36}$/), targetPatient: { mrn: 'CLIENT-2' } }],
    createdByUser: { id: user?.id },
  });
  expect(await database.query(`SELECT "dateOfBirth"::text AS born FROM patients WHERE mrn = 'CLIENT-1'`)).toEqual([{ born: '1990-01-01' }]);
});

test('each of the six models can be updated, and the four that hang on a patient go with it', async () => {
  const patient = await prisma.patient.create({ data: { mrn: 'CLIENT-3', lastName: 'Example' } });
  const other = await prisma.patient.create({ data: { mrn: 'CLIENT-4', lastName: 'Example' } });
  const of = { patientId: patient.id };
  const contact = await prisma.patientContact.create({ data: { ...of, firstName: 'A', lastName: 'B', relationship: 'friend' } });
  const document = await prisma.patientDocument.create({ data: { ...of, documentType: 'OTHER' } });
  const allergy = await prisma.patientAllergy.create({ data: { ...of, allergen: 'Latex', allergyType: 'OTHER', severity: 'MILD' } });
  const flag = await prisma.patientRiskFlag.create({ data: { ...of, flagType: 'FALL_RISK', severity: 'LOW' } });
  const merge = await prisma.patientMergeHistory.create({ data: { sourcePatientId: other.id, targetPatientId: patient.id } });

  expect(await prisma.patient.update({ where: { id: patient.id }, data: { city: 'Lund', version: { increment: 1 } } })).toMatchObject({
    city: 'Lund',
    version: 2,
  });
  expect(await prisma.patientContact.update({ where: { id: contact.id }, data: { priority: 2 } })).toMatchObject({ priority: 2 });
  expect(await prisma.patientDocument.update({ where: { id: document.id }, data: { isVerified: true } })).toMatchObject({ isVerified: true });
  expect(await prisma.patientAllergy.update({ where: { id: allergy.id }, data: { active: false } })).toMatchObject({ active: false });
  expect(await prisma.patientRiskFlag.update({ where: { id: flag.id }, data: { active: false, clearedAt: new Date() } })).toMatchObject({ active: false });
  expect(await prisma.patientMergeHistory.update({ where: { id: merge.id }, data: { reason: 'checked' } })).toMatchObject({ reason: 'checked' });

  await prisma.patientMergeHistory.delete({ where: { id: merge.id } });
  await prisma.patient.delete({ where: { id: patient.id } });
  const left = await Promise.all(
    [prisma.patientContact, prisma.patientDocument, prisma.patientAllergy, prisma.patientRiskFlag].map((each) => each.count({ where: of })),
  );
  expect(left).toEqual([0, 0, 0, 0]);
});

test('the rules of the database hold for Prisma too', async () => {
  await expect(prisma.patient.create({ data: { mrn: 'CLIENT-5', lastName: 'Example', status: 'DECEASED' } })).rejects.toThrow(/patients_deceased_check/);
  await prisma.patient.create({ data: { mrn: 'CLIENT-6', lastName: 'Example' } });
  await expect(prisma.patient.create({ data: { mrn: 'CLIENT-6', lastName: 'Example' } })).rejects.toMatchObject({ code: 'P2002' });
  await expect(
    prisma.patientContact.create({ data: { patientId: '00000000-0000-4000-8000-000000000000', firstName: 'A', lastName: 'B', relationship: 'friend' } }),
  ).rejects.toMatchObject({ code: 'P2003' });
});

test('the tables beside the six are readable through the client', async () => {
  const patient = await prisma.patient.create({ data: { mrn: 'CLIENT-7', lastName: 'Example' } });
  await prisma.patientAuditEvent.create({ data: { action: 'patient.registered', actorKind: 'system', patientId: patient.id, after: { version: 1 } } });
  expect(await prisma.patientAuditEvent.findMany({ where: { patientId: patient.id } })).toMatchObject([
    { action: 'patient.registered', after: { version: 1 } },
  ]);
});
