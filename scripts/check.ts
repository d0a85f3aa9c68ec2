import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { findOlderServer } from '../test/support/older-server.ts';

// Everything that CI runs, in the order in which it fails fastest. Arguments go to vitest: `npm test -- src/patient`.

const root = dirname(import.meta.dirname);

interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

const checks = [
  { name: 'types', package: 'typescript', bin: 'tsc', args: ['-p', '.'] },
  { name: 'lint', package: 'oxlint', bin: 'oxlint', args: ['--type-aware', '--deny-warnings'] },
  { name: 'format', package: '@biomejs/biome', bin: 'biome', args: ['format', '.'] },
  {
    name: 'architecture',
    package: 'dependency-cruiser',
    bin: 'depcruise',
    preload: 'scripts/typescript-6.mjs',
    args: ['src', 'sample-ehr', 'bench', 'scripts', 'test'],
  },
  { name: 'unused', package: 'knip', bin: 'knip', args: [] },
] as const;

const tally: Tally = { passed: 0, failed: 0, skipped: 0 };
for (const check of checks) {
  const started = performance.now();
  const result = await runTool({ ...check, show: false });
  const ok = result.code === 0;
  tally[ok ? 'passed' : 'failed'] += 1;
  console.log(`${ok ? 'passed' : 'FAILED'}  ${check.name} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
  if (!ok) console.log(result.output);
}

const older = findOlderServer();
if (older.binFolder === undefined) {
  tally.skipped += 1;
  console.log(`skipped older server: ${older.reason}`);
}
if (process.env.ONECHART_WALK !== 'all')
  console.log(
    'in part  walks kill at one event of each kind and at every eighth or so, from another place in every run; all of them, and all long ways on the older server, run with ONECHART_WALK=all',
  );

const folder = mkdtempSync(join(tmpdir(), 'onechart-check-'));
try {
  const report = join(folder, 'vitest.json');
  const { code } = await runTool({
    package: 'vitest',
    bin: 'vitest',
    args: ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...process.argv.slice(2)],
    show: true,
  });
  const tests = countTests(report);
  // A run that ends badly without a failed test (an error outside of every test), or that ran nothing, is a failure too.
  if (tests.failed === 0 && (code !== 0 || tests.passed === 0)) tests.failed = 1;
  for (const key of ['passed', 'failed', 'skipped'] as const) tally[key] += tests[key];
} finally {
  rmSync(folder, { recursive: true, force: true });
}

console.log(`${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped`);
process.exitCode = tally.failed > 0 ? 1 : 0;

/** Runs the program of a dependency with this Node, so that no shell and no PATH decides which. */
async function runTool(options: {
  package: string;
  bin: string;
  preload?: string;
  args: readonly string[];
  show: boolean;
}): Promise<{ code: number; output: string }> {
  const folderOfPackage = join(root, 'node_modules', options.package);
  const manifest = JSON.parse(readFileSync(join(folderOfPackage, 'package.json'), 'utf8')) as { bin: string | Record<string, string> };
  const file = typeof manifest.bin === 'string' ? manifest.bin : manifest.bin[options.bin];
  if (file === undefined) throw new Error(`The package ${options.package} has no program ${options.bin}.`);
  return new Promise((resolve, reject) => {
    const preload = options.preload === undefined ? [] : ['--import', pathToFileURL(join(root, options.preload)).href];
    const child = spawn(process.execPath, [...preload, join(folderOfPackage, file), ...options.args], {
      cwd: root,
      stdio: ['ignore', options.show ? 'inherit' : 'pipe', options.show ? 'inherit' : 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        output += chunk.toString('utf8');
      });
    }
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

/** Counts what vitest's JSON report holds; a file that could not be loaded has no tests and counts as one failure. */
function countTests(report: string): Tally {
  const counted: Tally = { passed: 0, failed: 0, skipped: 0 };
  let results: { status: string; assertionResults: { status: string }[] }[];
  try {
    results = (JSON.parse(readFileSync(report, 'utf8')) as { testResults: typeof results }).testResults;
  } catch {
    return { ...counted, failed: 1 };
  }
  for (const file of results) {
    const failedBefore = counted.failed;
    for (const { status } of file.assertionResults) counted[status === 'passed' ? 'passed' : status === 'failed' ? 'failed' : 'skipped'] += 1;
    if (file.status === 'failed' && counted.failed === failedBefore) counted.failed += 1;
  }
  return counted;
}
