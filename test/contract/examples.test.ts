import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const documented = [
  'src/index.ts',
  'src/patient/patient-repository.ts',
  'src/migrate/engine.ts',
  'src/migrate/backup/accept.ts',
  'src/migrate/backup/make.ts',
  'src/migrate/backup/restore.ts',
  'src/migrate/backup/verify.ts',
  'src/migrate/lint/index.ts',
  'src/migrate/lint/lint.ts',
  'src/migrate/orphans/commands.ts',
  'src/migrate/rollback/import-rows.ts',
  'src/client/client.ts',
  'src/migrate/rollback/rollback.ts',
  'src/migrate/report/index.ts',
  'src/migrate/report/read-run.ts',
];

/** What an example may take as given. */
const given = `import { writeFile } from 'node:fs/promises';
import type { Client } from 'pg';
import { checkMigration, lintMigrations, lintPath, listRuns, parseDatabaseUrl, readRun, renderReport, reportName } from '../../src/migrate/index.ts';
import { adoptOrphans, listOrphans, listPlaceholders, nullOrphans, quarantineOrphans, undoOrphans } from '../../src/migrate/index.ts';
export { adoptOrphans, listOrphans, listPlaceholders, nullOrphans, quarantineOrphans, undoOrphans };
import { importRows, planRollback, rollbackMigration } from '../../src/migrate/index.ts';
export { importRows, planRollback, rollbackMigration };
import { acceptBackup, applyMigration, makeBackup, restoreBackup, verifyBackup } from '../../src/migrate/index.ts';
export { acceptBackup, applyMigration, makeBackup, restoreBackup, verifyBackup };
import { createClient } from '../../src/client/index.ts';
export { createClient };
import { createPatientRepository, openRegistry, type PatientRepository } from '../../src/index.ts';
export { checkMigration, createPatientRepository, lintMigrations, lintPath, listRuns, openRegistry, parseDatabaseUrl, readRun, renderReport, reportName, writeFile };
declare const client: Client;
declare const caseId: string;
`;

/** The lines after \`@example\` of every doc comment. */
function examplesOf(source: string): string[] {
  return [...source.matchAll(/\/\*\*(?:(?!\*\/)[\s\S])*?@example\n([\s\S]*?)\*\//g)].map((match) =>
    (match[1] as string)
      .split('\n')
      .map((line) => line.replace(/^\s*\* ?/, ''))
      .join('\n')
      .trim(),
  );
}

test('the examples in the documentation of the library compile', async () => {
  const examples = (await Promise.all(documented.map(async (file) => examplesOf(await readFile(join(root, file), 'utf8'))))).flat();
  expect(examples.length).toBeGreaterThanOrEqual(10);
  const body = examples.map((example, index) => {
    const repository =
      example.includes('const patientRepository') || !example.includes('patientRepository.') || example.includes('registry.patientRepository')
        ? ''
        : 'patientRepository: PatientRepository';
    return `export async function example${index}(${repository}): Promise<void> {\n${example}\n}\n`;
  });
  // Beside the tests, so that packages are found the way a caller of the library finds them.
  const folder = await mkdtemp(join(root, 'test', 'examples-'));
  try {
    await writeFile(join(folder, 'examples.ts'), given + body.join('\n'));
    const options = [
      '--noEmit',
      '--strict',
      '--exactOptionalPropertyTypes',
      '--skipLibCheck',
      '--target',
      'es2024',
      '--lib',
      'es2024,esnext.disposable',
      '--module',
      'nodenext',
      '--types',
      'node',
      '--allowImportingTsExtensions',
      '--ignoreConfig',
      '--pretty',
      'false',
    ];
    const compiled = await promisify(execFile)(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), ...options, join(folder, 'examples.ts')], {
      cwd: root,
    }).then(
      () => '',
      (error: { stdout?: string }) => error.stdout ?? 'the compiler did not start',
    );
    expect(compiled).toBe('');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
