import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

// Each rule must fire on a file that breaks it: a rule whose pattern matches nothing would pass every check.

const root = dirname(dirname(import.meta.dirname));

/** Rule, the file that breaks it, and what that file imports. */
const violations: readonly (readonly [rule: string, file: string, imports: string])[] = [
  ['1 Imports point down, never up, never in circles: no circles', 'src/patient/circle-a.ts', './circle-b.ts'],
  ['1 Imports point down, never up, never in circles: base', 'src/base/up.ts', '../db/connect.ts'],
  ['1 Imports point down, never up, never in circles: db and embedded', 'src/db/up.ts', '../patient/patient.ts'],
  ['1 Imports point down, never up, never in circles: paper', 'src/paper/up.ts', '../patient/patient.ts'],
  ['1 Imports point down, never up, never in circles: features', 'src/patient/up.service.ts', '../api/routes.ts'],
  ['1 Imports point down, never up, never in circles: translators', 'src/fhir/up.ts', '../http/server.ts'],
  ['2 SQL lives in *.store.ts, db/ and migrate/, nowhere else', 'src/patient/sql.service.ts', 'kysely'],
  ['3 Only services call stores', 'src/patient/rules.ts', './patient.store.ts'],
  ['3 Only services call stores: a store knows no other store', 'src/patient/other.store.ts', './patient.store.ts'],
  ['4 Schemas and api/ import zod, base/ and each other only', 'src/patient/up.schema.ts', './patient.ts'],
  ['5 Files without a role suffix in a feature are pure: no I/O, no clock, no randomness', 'src/patient/impure.ts', 'node:fs'],
  ['6 fhir/ and hl7v2/ are pure', 'src/hl7v2/impure.ts', '../db/connect.ts'],
  ['7 Edges import services, never stores, never each other: no stores', 'src/http/direct.ts', '../patient/patient.store.ts'],
  ['7 Edges import services, never stores, never each other: http', 'src/http/sideways.ts', '../cli/io.ts'],
  ['7 Edges import services, never stores, never each other: intake', 'src/intake/sideways.ts', '../http/server.ts'],
  ['7 Edges import services, never stores, never each other: jobs', 'src/jobs/sideways.ts', '../http/server.ts'],
  ['7 Edges import services, never stores, never each other: cli', 'src/cli/sideways.ts', '../http/server.ts'],
  ['8 web/ imports schemas and api/ only', 'web/direct.ts', '../src/patient/patient.ts'],
  ['8 client/ imports api/, schemas and base/ only', 'src/client/direct.ts', '../patient/patient.ts'],
  ['9 migrate/ imports base/ only, so that it can become a package of its own', 'src/migrate/sideways.ts', '../db/connect.ts'],
  ['10 embedded/ imports base/ only', 'src/embedded/sideways.ts', '../db/connect.ts'],
  [
    '11 The product imports nothing of sample-ehr/, test/ and bench/; npm start alone builds the sample EHR',
    'src/patient/sample.service.ts',
    '../../sample-ehr/index.ts',
  ],
  ['12 What ships imports no development dependency', 'src/db/prisma.ts', 'fast-check'],
];

/** What the violating files import: harmless files of the right names. */
const targets = [
  'src/db/connect.ts',
  'src/patient/patient.ts',
  'src/patient/patient.store.ts',
  'src/api/routes.ts',
  'src/http/server.ts',
  'src/cli/io.ts',
  'sample-ehr/index.ts',
];

/** Files that look like violations and are none. */
const allowed: readonly (readonly [file: string, imports: string])[] = [
  ['src/cli/commands/serve.ts', '../../http/server.ts'],
  ['src/start/main.ts', '../../sample-ehr/index.ts'],
  ['src/patient/fine.service.ts', './patient.store.ts'],
  ['src/patient/fine.store.ts', 'kysely'],
];

let folder: string;
let found: { rule: string; from: string }[];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'onechart-architecture-'));
  const write = (file: string, text: string) => {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  };
  for (const file of ['package.json', 'tsconfig.json', '.dependency-cruiser.cjs']) write(file, readFileSync(join(root, file), 'utf8'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  for (const file of targets) write(file, 'export const value = 1;\n');
  for (const [, file, imports] of violations) write(file, `import * as used from '${imports}';\nexport const value = used;\n`);
  for (const [file, imports] of allowed) write(file, `import * as used from '${imports}';\nexport const value = used;\n`);
  write('src/patient/circle-b.ts', "import * as used from './circle-a.ts';\nexport const other = used;\n");
  const report = cruise(folder, ['src', 'web', 'sample-ehr']);
  found = report.summary.violations.map(({ rule, from }) => ({ rule: rule.name, from }));
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('there is a violating file for every rule', () => {
  const { forbidden } = createRequire(import.meta.url)(join(root, '.dependency-cruiser.cjs')) as { forbidden: { name: string }[] };
  expect([...new Set(violations.map(([rule]) => rule))].sort()).toEqual(forbidden.map(({ name }) => name).sort());
});

test.each(violations)('%s', (rule, file) => {
  expect(found).toContainEqual({ rule, from: file });
});

test.each(allowed)('%s may import %s', (file) => {
  expect(found.filter(({ from }) => from === file)).toEqual([]);
});

test('the product itself breaks none', () => {
  const { summary } = cruise(root, ['src', 'sample-ehr', 'bench', 'scripts', 'test']);
  expect(summary.totalCruised).toBeGreaterThan(50);
  expect(summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`)).toEqual([]);
}, 120_000);

interface Report {
  readonly summary: {
    readonly totalCruised: number;
    readonly violations: readonly { readonly rule: { readonly name: string }; readonly from: string; readonly to: string }[];
  };
}

function cruise(cwd: string, folders: readonly string[]): Report {
  const packageFolder = join(root, 'node_modules', 'dependency-cruiser');
  const { bin } = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')) as { bin: Record<string, string> };
  const preload = pathToFileURL(join(root, 'scripts', 'typescript-6.mjs')).href;
  const result = spawnSync(process.execPath, ['--import', preload, join(packageFolder, bin.depcruise ?? ''), '--output-type', 'json', ...folders], {
    cwd,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  expect(result.stdout, result.stderr).toMatch(/^\{/);
  return JSON.parse(result.stdout) as Report;
}
