import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, expect, test } from 'vitest';
import { writeHostPrismaFolder } from '../../../sample-ehr/index.ts';
import { defaultHostProfile, type HostProfile } from './host.ts';
import { initModule } from './init-module.ts';
import type { ModelAddition } from './patient-models.ts';
import { renderModule } from './render-module.ts';

const root = join(import.meta.dirname, '../../..');
const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

/** The Prisma folder of a host, inside the checkout so that Prisma finds its client package. */
async function hostFolder(idType: 'uuid' | 'text', change: (schema: string) => string = (schema) => schema): Promise<string> {
  await mkdir(join(root, 'test/.generated'), { recursive: true });
  const project = await mkdtemp(join(root, 'test/.generated/host-'));
  folders.push(project);
  const dir = join(project, 'prisma');
  await mkdir(dir);
  writeHostPrismaFolder(dir, idType);
  const schema = await readFile(join(dir, 'schema.prisma'), 'utf8');
  await writeFile(join(dir, 'schema.prisma'), change(schema));
  return dir;
}

/** Any executable will do: only the migrate commands start the schema engine. */
async function prisma(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [join(root, 'node_modules/prisma/build/index.js'), ...args], {
    cwd: root,
    env: { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, PRISMA_HIDE_UPDATE_MESSAGE: '1', CHECKPOINT_DISABLE: '1' },
  });
  return stdout;
}

async function addLines(dir: string, additions: readonly ModelAddition[]): Promise<void> {
  let schema = await readFile(join(dir, 'schema.prisma'), 'utf8');
  for (const { model, lines } of additions) {
    const head = `model ${model} {\n`;
    expect(schema).toContain(head);
    schema = schema.replace(head, () => head + lines.map((line) => `  ${line}\n`).join(''));
  }
  await writeFile(join(dir, 'schema.prisma'), schema);
}

async function expectAccepted(dir: string): Promise<void> {
  expect(await prisma('validate', '--schema', dir)).toContain('valid');
  await prisma('generate', '--schema', dir);
  expect(await readdir(join(dir, '../generated/models'))).toEqual(expect.arrayContaining(['Patient.ts', 'PatientMergeHistory.ts', 'SurgicalCase.ts']));
}

const unindexed = defaultHostProfile.linkTables.map((link) => ({ ...link, indexed: link.table !== 'bills' }));
const variants: [string, HostProfile, ((schema: string) => string)?][] = [
  ['uuid', { ...defaultHostProfile, linkTables: [...unindexed, { table: 'appointments', column: 'patientId', indexed: false }] }],
  ['text', { ...defaultHostProfile, idType: 'text', userIdType: 'text' }],
  [
    'another user model and table',
    { ...defaultHostProfile, usersTable: 'staff' },
    (schema) => schema.replaceAll(/\bUser\b/g, 'StaffMember').replace('@@map("users")', '@@map("staff")'),
  ],
  ['no users', { ...defaultHostProfile, usersTable: undefined }],
];

test.each(variants)('Prisma accepts a host after init and the lines it names: %s', { timeout: 120_000 }, async (_, profile, change) => {
  const dir = await hostFolder(profile.idType, change);
  const result = await initModule({ dir, profile });
  for (const { name, sql } of renderModule(profile)) expect(await readFile(join(dir, 'migrations', name, 'migration.sql'), 'utf8')).toBe(sql);
  expect(result.notes).toEqual([expect.stringContaining("schema: 'prisma'")]);
  await addLines(dir, result.additions);
  await expectAccepted(dir);
});

test('names the lines for each host model', async () => {
  const { additions } = await initModule({ dir: await hostFolder('uuid'), profile: { ...defaultHostProfile, linkTables: unindexed } });
  const lines = Object.fromEntries(additions.map((each) => [each.model, each.lines]));
  expect(lines.Bill).toEqual(['patient Patient? @relation(fields: [patientId], references: [id], onDelete: Restrict)', '@@index([patientId])']);
  expect(lines.InsurancePolicy).toEqual(['patient Patient @relation(fields: [patientId], references: [id], onDelete: Restrict)']);
  expect(lines.User).toHaveLength(6);
  expect(lines.User).toContain('patientsCreatedBy Patient[] @relation("PatientCreatedBy")');
});

test('a second run, also after the lines were added, writes nothing', async () => {
  const dir = await hostFolder('uuid');
  const first = await initModule({ dir, profile: defaultHostProfile });
  const second = await initModule({ dir, profile: defaultHostProfile });
  expect(second.written).toEqual([]);
  expect([...second.unchanged].sort()).toEqual([...first.written].sort());
  await addLines(dir, first.additions);
  const third = await initModule({ dir, profile: defaultHostProfile });
  expect(third.written).toEqual([]);
  expect(third.additions).toEqual([]);
});

test('a file that differs is named and kept, and nothing is written', async () => {
  const dir = await hostFolder('uuid');
  await writeFile(join(dir, 'patient.prisma'), '// mine\n');
  await expect(initModule({ dir, profile: defaultHostProfile })).rejects.toMatchObject({
    kind: 'conflict',
    code: 'INIT_FILE_DIFFERS',
    details: { files: ['patient.prisma'] },
  });
  expect(await readFile(join(dir, 'patient.prisma'), 'utf8')).toBe('// mine\n');
  expect((await readdir(join(dir, 'migrations'))).filter((name) => name.startsWith('20260103'))).toEqual([]);
});

test('a host whose history goes on beyond ours gets all files dated after it, and keeps that date', async () => {
  const dir = await hostFolder('uuid');
  await mkdir(join(dir, 'migrations/20261231120000_later'));
  const first = await initModule({ dir, profile: defaultHostProfile });
  expect(first.written).toContain('migrations/20270101000000_add_patient_module/migration.sql');
  expect(first.notes[0]).toContain('20270101');
  await mkdir(join(dir, 'migrations/20280101120000_latest'));
  expect((await initModule({ dir, profile: defaultHostProfile })).written).toEqual([]);
});

test('a schema split into a folder of files gets patient.prisma among them', async () => {
  const dir = await hostFolder('uuid');
  await mkdir(join(dir, 'schema'));
  const schema = await readFile(join(dir, 'schema.prisma'), 'utf8');
  const firstModel = schema.indexOf('enum ');
  await writeFile(join(dir, 'schema', 'main.prisma'), schema.slice(0, firstModel));
  await writeFile(join(dir, 'schema', 'ehr.prisma'), schema.slice(firstModel));
  await rm(join(dir, 'schema.prisma'));
  const { written, notes } = await initModule({ dir, profile: defaultHostProfile });
  expect(written).toContain('schema/patient.prisma');
  expect(notes).toEqual([]);
  expect((await initModule({ dir, profile: defaultHostProfile })).written).toEqual([]);
});

test('refuses a host that has a Patient model, lacks a model, or is no Prisma folder', async () => {
  const named = await hostFolder('uuid', (schema) => `${schema}\nmodel Patient {\n  id String @id\n}\n`);
  await expect(initModule({ dir: named, profile: defaultHostProfile })).rejects.toMatchObject({ code: 'HOST_MODEL_EXISTS' });
  const dir = await hostFolder('uuid');
  await expect(initModule({ dir, profile: { ...defaultHostProfile, usersTable: 'people' } })).rejects.toMatchObject({
    code: 'HOST_MODEL_MISSING',
    details: { table: 'people' },
  });
  await expect(initModule({ dir: join(dir, 'migrations'), profile: defaultHostProfile })).rejects.toMatchObject({ code: 'HOST_SCHEMA_MISSING' });
  await expect(initModule({ dir: join(dir, 'nowhere'), profile: defaultHostProfile })).rejects.toMatchObject({ code: 'HOST_FOLDER_MISSING' });
});
