import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { hostMigrations, hostPrismaSchema, idTypeOfSql, writeHostPrismaFolder } from './index.ts';

const prisma = join(dirname(createRequire(import.meta.url).resolve('prisma/package.json')), 'build', 'index.js');
const run = promisify(execFile);

test.each(['uuid', 'text'] as const)('Prisma accepts the schema with %s ids', { timeout: 60_000 }, async (idType) => {
  const folder = await mkdtemp(join(tmpdir(), 'onechart-sample-'));
  try {
    writeHostPrismaFolder(folder, idType);
    // Prisma wants to fetch its schema engine before it does anything; validate does not use it, so any existing program will do.
    const env = { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, PRISMA_HIDE_UPDATE_MESSAGE: '1', CHECKPOINT_DISABLE: '1' };
    const { stdout } = await run(process.execPath, [prisma, 'validate', '--schema', join(folder, 'schema.prisma')], { cwd: folder, env });
    expect(stdout).toMatch(/is valid/);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('with text ids nothing is left of uuid but the function that makes one', () => {
  expect(hostPrismaSchema('text')).not.toMatch(/@db\.Uuid/);
  for (const { sql } of hostMigrations('text')) {
    expect(sql).not.toMatch(/\bUUID\b/);
    expect(sql).not.toMatch(/DEFAULT gen_random_uuid\(\)/);
  }
  expect(idTypeOfSql('"id" UUID NOT NULL DEFAULT gen_random_uuid()', 'text')).toBe('"id" TEXT NOT NULL DEFAULT (gen_random_uuid())::text');
});

test('the history is in order and each checksum is that of its text', () => {
  const [uuid, text] = [hostMigrations('uuid'), hostMigrations('text')];
  expect(uuid.map(({ name }) => name)).toEqual(uuid.map(({ name }) => name).toSorted());
  expect(uuid.length).toBeGreaterThanOrEqual(4);
  expect(new Set([...uuid, ...text].map(({ checksum }) => checksum)).size).toBeGreaterThan(uuid.length);
  for (const { sql, checksum } of [...uuid, ...text]) expect(checksum).toBe(createHash('sha256').update(sql).digest('hex'));
});
