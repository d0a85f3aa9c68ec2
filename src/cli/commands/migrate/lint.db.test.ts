import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { expect, onTestFinished, test } from 'vitest';
import { createDatabase } from '../../../../test/support/database.ts';
import type { CliIo } from '../../io.ts';
import { run } from '../../program.ts';

const sample = join(import.meta.dirname, '../../../../sample-ehr/prisma');

async function lint(args: readonly string[], { cwd = '/', env = {} }: { cwd?: string; env?: Record<string, string> } = {}) {
  const text = { stdout: '', stderr: '' };
  const into = (name: 'stdout' | 'stderr') => new Writable({ write: (chunk, _encoding, done) => ((text[name] += String(chunk)), done()) });
  const io: CliIo = { env, cwd, stdout: into('stdout'), stderr: into('stderr'), interactive: false, exitCode: 0 };
  return { code: await run(['migrate', 'lint', ...args], io), ...text };
}

/** A folder with one migration after a first one that makes a table. */
function folder(sql: string): string {
  const path = mkdtempSync(join(tmpdir(), 'onechart-lint-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  const write = (name: string, text: string) => {
    mkdirSync(join(path, 'prisma', 'migrations', name), { recursive: true });
    writeFileSync(join(path, 'prisma', 'migrations', name, 'migration.sql'), text);
  };
  write('20260101000000_init', 'CREATE TABLE "rooms" ("id" BIGINT PRIMARY KEY, "name" TEXT);\n');
  write('20260102000000_change', sql);
  return path;
}

const index = 'CREATE INDEX "rooms_name_idx" ON "rooms" ("name");\n';
const file = 'prisma/migrations/20260102000000_change/migration.sql';

test('an error-level finding: where, which rule, what, why, the safe SQL; exit 3', async () => {
  const { code, stdout, stderr } = await lint([], { cwd: folder(index) });
  expect(stdout).toContain(
    [
      `${file}:1:1  error  index-blocks-writes`,
      '  Index rooms_name_idx is built on rooms while writes to it wait.',
      '  It holds a SHARE lock while the whole table is read and the index built: every INSERT, UPDATE and DELETE on the table waits for so long.',
      '  Instead:',
      '    -- alone in a migration file (see concurrently-hangs):',
      '    CREATE INDEX CONCURRENTLY "rooms_name_idx" ON "rooms" ("name");',
    ].join('\n'),
  );
  expect(stdout).toContain('1 note, shown with --notes: statement-timeout-missing 1.');
  expect(stdout).toContain('1 error, 1 warning, 1 note in 2 files with 2 statements.');
  expect({ code, stderr, colour: stdout.includes('\u001b[') }).toEqual({ code: 3, stderr: '', colour: false });
});

test('nothing, notes and warnings end with 0 unless --fail-on asks for more', async () => {
  const warning = folder('DROP INDEX CONCURRENTLY "rooms_pkey";');
  expect((await lint(['prisma'], { cwd: folder('SELECT 1;') })).stdout).toBe('Nothing found in 2 files with 2 statements.\n');
  expect((await lint(['prisma'], { cwd: warning })).code).toBe(0);
  expect((await lint(['prisma', '--fail-on', 'warning'], { cwd: warning })).code).toBe(3);
  const note = folder('CREATE TABLE "a" ("b" VARCHAR(10));');
  expect((await lint(['prisma', '--fail-on', 'warning'], { cwd: note })).code).toBe(0);
  const failing = await lint(['prisma', '--fail-on', 'note'], { cwd: note });
  expect(failing.code).toBe(3);
  expect(failing.stdout).toContain('varchar-limit');
  expect((await lint(['prisma', '--fail-on', 'disaster'], { cwd: note })).code).toBe(64);
});

test('annotations for GitHub, one command for each finding, with line ends and signs escaped', async () => {
  const { code, stdout } = await lint(['--format', 'github'], { cwd: folder(`-- 100%\n${index}`) });
  const lines = stdout.trimEnd().split('\n');
  expect(lines.map((line) => /^::\w+ [^:]+::/.exec(line)?.[0])).toEqual([
    `::error file=${file},line=2,col=1,title=onechart index-blocks-writes::`,
    `::warning file=${file},line=2,col=1,title=onechart lock-timeout-missing::`,
    `::notice file=${file},line=2,col=1,title=onechart statement-timeout-missing::`,
  ]);
  expect(lines[0]).toContain('%0AInstead: -- alone in a migration file (see concurrently-hangs):%0ACREATE INDEX CONCURRENTLY');
  expect(code).toBe(3);
});

test('one JSON document for machines, of findings and of rules', async () => {
  const { code, stdout } = await lint(['--json'], { cwd: folder(index) });
  const report = JSON.parse(stdout);
  expect({ code, ok: report.ok, files: report.files }).toEqual({ code: 3, ok: false, files: 2 });
  expect(report.findings[0]).toMatchObject({
    rule: 'index-blocks-writes',
    severity: 'error',
    line: 1,
    column: 1,
    migration: '20260102000000_change',
    rewriteIsSql: true,
  });
  const rules = JSON.parse((await lint(['--rules', '--json'])).stdout);
  expect(rules.length).toBeGreaterThan(50);
  expect(rules[0]).toMatchObject({ id: 'index-blocks-writes', severity: 'error', squawk: ['require-concurrent-index-creation'] });
  expect((await lint(['--rules'])).stdout.split('\n').length).toBe(rules.length + 1);
});

test('a path that is not there, a folder without migrations, no folder and an unknown rule are refused', async () => {
  const empty = mkdtempSync(join(tmpdir(), 'onechart-lint-'));
  onTestFinished(() => rmSync(empty, { recursive: true }));
  const refused = async (args: readonly string[], cwd = empty) => {
    const { code, stderr, stdout } = await lint(args, { cwd });
    expect(stdout).toBe('');
    return [code, /\[(\w+)\]$/.exec(stderr.trimEnd())?.[1]];
  };
  expect(await refused(['nowhere'])).toEqual([66, 'LINT_PATH_MISSING']);
  expect(await refused(['.'])).toEqual([66, 'LINT_FILES_MISSING']);
  expect(await refused([])).toEqual([64, 'LINT_PATH_NOT_NAMED']);
  expect(await refused(['prisma', '--exclude', 'no-such-rule'], folder(index))).toEqual([64, 'LINT_RULE_UNKNOWN']);
});

test('one migration of a folder is linted with what the earlier ones make; a lone file without', async () => {
  const cwd = folder(index);
  const { stdout } = await lint([file], { cwd });
  expect(stdout).toContain('1 error, 1 warning, 1 note in 1 file with 1 statement.');
  writeFileSync(join(cwd, 'lone.sql'), 'ALTER TABLE "rooms" ALTER COLUMN "name" TYPE VARCHAR(10);');
  expect((await lint(['lone.sql'], { cwd })).stdout).toContain('from a type these files do not tell');
});

test('DATABASE_URL alone connects to nothing; --live and --database-url do', async () => {
  let connections = 0;
  const listener = createServer((socket) => {
    connections++;
    socket.destroy();
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void listener.close());
  const { port } = listener.address() as { port: number };
  const env = { DATABASE_URL: `postgresql://nobody:nothing@127.0.0.1:${port}/none` };
  expect((await lint([sample], { env })).code).toBe(3);
  expect(connections).toBe(0);
  expect((await lint([sample, '--live'], { env })).code).toBe(69);
  expect(connections).toBeGreaterThan(0);
  await using database = await createDatabase({ template: 'host' });
  const pending = await lint([sample, '--database-url', database.url]);
  expect(pending).toMatchObject({ code: 0, stdout: 'No migration is pending. Applied ones are looked at with --all.\n' });
  const all = await lint([sample, '--live', '--all', '--notes'], { env: { DATABASE_URL: database.url } });
  expect(all.stdout).toMatch(/surgical_cases holds [\d,]+ rows \(\d+ MB\)|surgical_cases is empty/);
});
