import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';

// Packs what would be published, installs it into an empty folder as a user would, and tries the command, the library
// and its types there: a package can be broken (a file left out, an export that points nowhere) while every test passes.

const root = dirname(import.meta.dirname);
const folder = mkdtempSync(join(tmpdir(), 'onechart-package-'));
const env: NodeJS.ProcessEnv = {
  ...process.env,
  PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ''}`,
  ONECHART_HOME: join(folder, 'home'),
  NO_COLOR: '1',
};
delete env.DATABASE_URL;
const run = (command: string, args: readonly string[]) =>
  execFileSync(command, args, { cwd: folder, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
const bin = join(folder, 'node_modules', '.bin', 'onechart');
const prove = (what: string, holds: boolean) => {
  if (!holds) throw new Error(`The installed package: ${what} does not hold.`);
  console.log(`ok  ${what}`);
};

const linkTables = ['surgical_cases', 'medical_records', 'bills', 'patient_consent_instances', 'insurance_policies'];
const hostTables = `import pg from 'pg';
const client = new pg.Client(process.argv[2]);
await client.connect();
await client.query('CREATE TABLE users (id uuid PRIMARY KEY)');
for (const table of ${JSON.stringify(linkTables)}) await client.query('CREATE TABLE ' + table + ' (id uuid PRIMARY KEY, "patientId" uuid)');
await client.end();
`;
const use = `import { openRegistry } from 'onechart';
import { migrationStatus } from 'onechart/migrate';
declare const process: { argv: string[] };
void migrationStatus;
const registry = await openRegistry({ databaseUrl: process.argv[2] ?? '' });
const patient = await registry.patientRepository.create({ firstName: 'Test', lastName: 'Patient', dateOfBirth: '1990-01-01' });
const mrn: string = patient.mrn;
// @ts-expect-error a patient has no such field: proves that these are types, not any
void patient.noSuchField;
await registry.close();
(globalThis as unknown as { console: { log(text: string): void } }).console.log(mrn);
`;

try {
  execFileSync(process.execPath, [join(root, 'scripts', 'build.ts')], { cwd: root, env, stdio: 'inherit' });
  const [packed] = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], { cwd: root, env, encoding: 'utf8' }),
  ) as { filename: string; files: { path: string }[] }[];
  if (!packed) throw new Error('npm pack made nothing.');
  const files = packed.files.map(({ path }) => path);
  prove('it holds the migrations', files.filter((path) => /^prisma\/migrations\/.*\/migration\.sql$/.test(path)).length >= 7);
  prove('it holds no source, test or sample', !files.some((path) => /^(src|test|sample-ehr|bench|scripts)\/|\.test\./.test(path)));

  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'user-of-onechart', private: true, type: 'module' }));
  run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', join(folder, packed.filename)]);
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  prove('the command says its version', run(bin, ['--version']).trim() === version);

  run(bin, ['db', 'start', '--json']);
  const { url } = JSON.parse(run(bin, ['db', 'url', '--json'])) as { url: string };
  prove('the command starts a database', url.startsWith('postgresql://'));
  writeFileSync(join(folder, 'host.mjs'), hostTables);
  run(process.execPath, ['host.mjs', url]);
  const applied = JSON.parse(run(bin, ['migrate', 'apply', '--no-backup', '--yes', '--json'])) as { verification: { ok: boolean } };
  prove('the command migrates it', applied.verification.ok);

  writeFileSync(join(folder, 'use.mts'), use);
  const mrn = run(process.execPath, ['use.mts', url]).trim();
  prove(`the library registers a patient (${mrn})`, /^MRN-\d{4}-00001$/.test(mrn));
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: { module: 'nodenext', target: 'es2024', strict: true, noEmit: true, skipLibCheck: true, types: [] },
      include: ['use.mts'],
    }),
  );
  execFileSync(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', folder], { cwd: folder, env, stdio: 'inherit' });
  prove('its types are found', true);
} finally {
  try {
    run(bin, ['db', 'stop']);
  } catch {
    // It may not have come as far as that; the error above says why.
  }
  rmSync(folder, { recursive: true, force: true });
}
