import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { createDatabase, type TestDatabase, withClient } from '../../../../test/support/database.ts';
import { snapshot } from '../../../../test/support/migrate.ts';
import { parseDatabaseUrl } from '../../../base/config.ts';
import { AppError } from '../../../base/errors.ts';
import type { CliIo } from '../../io.ts';
import { run } from '../../program.ts';
import { withReport, withRestoreReport } from '../../report-files.ts';

interface Told {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function ioIn(cwd: string, env: NodeJS.ProcessEnv = {}): { io: CliIo; told: (code: number) => Told } {
  const streams = { stdout: new PassThrough(), stderr: new PassThrough() };
  const text = (stream: PassThrough) => String(stream.read() ?? '');
  return {
    io: { env, cwd, ...streams, interactive: false, exitCode: 0 },
    told: (code) => ({ code, stdout: text(streams.stdout), stderr: text(streams.stderr) }),
  };
}

/** Runs a command in this process, in a folder of its own. */
async function onechart(cwd: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Told> {
  const { io, told } = ioIn(cwd, env);
  return told(await run(args, io));
}

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'onechart-reports-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const apply = (database: TestDatabase) => ['migrate', 'apply', '--database-url', database.url, '--no-backup', '--yes'];

test('apply leaves HTML, Markdown and picture in onechart-reports and says where; with nothing to do it leaves no trace', async () => {
  await inFolder(async (folder) => {
    await using database = await createDatabase({ template: 'host' });
    const told = await onechart(folder, apply(database));
    expect(told.code, told.stderr).toBe(0);
    const files = (await readdir(join(folder, 'onechart-reports'))).sort();
    const name = `-apply-${database.name}-run1`;
    expect(files.map((file) => file.replace(/^\d{8}T\d{6}Z/, ''))).toEqual([`${name}.html`, `${name}.md`, `${name}.svg`]);
    expect(told.stderr).toContain(`Report: onechart-reports/${files[0]}`);
    const markdown = await readFile(join(folder, 'onechart-reports', files[1] ?? ''), 'utf8');
    expect(markdown).toContain('Done and verified');
    expect(markdown).toContain(`](${files[2]})`);

    const again = await onechart(folder, [...apply(database), '--report-dir', join(folder, 'other', 'place')]);
    expect(again).toMatchObject({ code: 0, stderr: expect.not.stringContaining('Report:') });
    expect(await readdir(folder)).toEqual(['onechart-reports']);
  });
});

test('--report-dir and ONECHART_REPORT_DIR name the folder, --json names the files, --no-report leaves none; report and runs bring it back', async () => {
  await inFolder(async (folder) => {
    await using database = await createDatabase({ template: 'host' });
    const named = await onechart(folder, [...apply(database), '--json', '--report-dir', 'here/there'], { ONECHART_REPORT_DIR: join(folder, 'not-here') });
    const { report } = JSON.parse(named.stdout) as { report: Record<string, string> };
    expect(Object.values(report).map((path) => path.slice(0, folder.length + 11))).toEqual(Array.from({ length: 3 }, () => join(folder, 'here', 'there')));
    const first = await readFile(report.html ?? '', 'utf8');

    const asked = await onechart(folder, ['migrate', 'report', '--database-url', database.url], { ONECHART_REPORT_DIR: join(folder, 'again') });
    expect(asked.code, asked.stderr).toBe(0);
    const [html] = asked.stdout.split('\n');
    expect(await readFile(join(folder, html ?? ''), 'utf8')).toBe(first);
    expect(await readdir(folder)).toEqual(['again', 'here']);

    const runs = await onechart(folder, ['migrate', 'runs', '--database-url', database.url]);
    expect(runs.stdout).toMatch(/1\s+│ apply\s+│ public/);
    expect(JSON.parse((await onechart(folder, ['migrate', 'runs', '--json', '--database-url', database.url])).stdout)).toMatchObject([
      { id: 1, state: 'done' },
    ]);
    expect(await onechart(folder, ['migrate', 'report', '7', '--database-url', database.url])).toMatchObject({ code: 66 });
    expect(await onechart(folder, ['migrate', 'report', 'last', '--database-url', database.url])).toMatchObject({ code: 64 });

    await using quiet = await createDatabase({ template: 'host' });
    expect(await onechart(folder, [...apply(quiet), '--no-report'])).toMatchObject({ code: 0, stderr: expect.not.stringContaining('Report:') });
    expect(await readdir(folder)).toEqual(['again', 'here']);
  });
});

test('a folder that cannot be written to stops apply before it changes anything', async () => {
  await inFolder(async (folder) => {
    await using database = await createDatabase({ template: 'host' });
    const before = await snapshot(database);
    // A file in the way, which stops a superuser too.
    await writeFile(join(folder, 'taken'), '');
    const told = await onechart(folder, [...apply(database), '--report-dir', 'taken/reports']);
    expect(told).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/cannot be written to \(ENOTDIR\)\. Name another with --report-dir .*\[REPORT_FOLDER_NOT_WRITABLE\]/),
    });
    expect(await snapshot(database)).toEqual(before);
  });
});

test('a folder that vanishes during the run does not make a failure of what was done', async () => {
  await inFolder(async (folder) => {
    await using database = await createDatabase({ template: 'migrated' });
    await using host = await createDatabase({ template: 'host' });
    expect((await onechart(folder, [...apply(host), '--no-report'])).code).toBe(0);
    const { io, told } = ioIn(folder);
    const { result, report } = await withReport({ io, address: parseDatabaseUrl(host.url), options: { reportDir: 'reports' } }, async (onEvent) => {
      onEvent({ type: 'run-started', run: 1 });
      await writeFile(join(folder, 'reports'), 'somebody put a file there');
      return 'done';
    });
    expect({ result, report }).toEqual({ result: 'done', report: undefined });
    expect(told(0).stderr).toMatch(/The report could not be written: .* make its report later with: onechart migrate report 1/);
    // A database that has gone meanwhile is no failure either.
    const gone = ioIn(folder);
    await mkdir(join(folder, 'elsewhere'));
    await withReport({ io: gone.io, address: parseDatabaseUrl(database.url), options: { reportDir: 'elsewhere' } }, async (onEvent) => {
      onEvent({ type: 'run-started', run: 1 });
      await database.drop();
    });
    expect(gone.told(0).stderr).toMatch(/The report could not be written: There is no database/);
  });
});

test('a run that gives up leaves its report, and the next one those of runs that were cut off', async () => {
  await inFolder(async (folder) => {
    await using database = await createDatabase({ template: 'host' });
    await withClient(database.url, async (client) => {
      await client.query('BEGIN');
      await client.query('UPDATE bills SET "updatedAt" = now() WHERE id = (SELECT id FROM bills LIMIT 1)');
      const told = await onechart(folder, [...apply(database), '--lock-wait', '0.3']);
      expect(told).toMatchObject({ code: 5, stderr: expect.stringMatching(/Report: onechart-reports\/\S+-run1\.html\nerror: /) });
      await client.query('ROLLBACK');
    });
    // As if its process had been killed.
    await database.query(`UPDATE onechart.migration_runs SET "finishedAt" = NULL, outcome = NULL, details = details - 'error' - 'stopped'`);
    await rm(join(folder, 'onechart-reports'), { recursive: true });
    const told = await onechart(folder, apply(database));
    expect(told.code, told.stderr).toBe(0);
    const reports = (await readdir(join(folder, 'onechart-reports'))).filter((name) => name.endsWith('.md')).sort();
    expect(reports.map((name) => name.slice(-7))).toEqual(['run1.md', 'run2.md']);
    expect(await readFile(join(folder, 'onechart-reports', reports[0] ?? ''), 'utf8')).toMatch(/Cut off after \d+ of \d+ steps; continued by run 2\./);
  });
});

test('orphans and rollback leave the reports of their runs, with what they noted as tables', async () => {
  await inFolder(async (folder) => {
    await using database = await createDatabase({ template: 'host' });
    await database.query('UPDATE bills SET "patientId" = gen_random_uuid() WHERE id = (SELECT id FROM bills LIMIT 1)');
    const at = ['--database-url', database.url, '--yes'];
    expect(await onechart(folder, ['migrate', 'orphans', 'null', ...at])).toMatchObject({ code: 0, stderr: expect.stringContaining('orphans_null') });
    expect((await onechart(folder, apply(database))).code).toBe(0);
    const rolledBack = await onechart(folder, ['migrate', 'rollback', '--discard-data', ...at]);
    expect(rolledBack, rolledBack.stderr).toMatchObject({ code: 0 });
    // By run, as two of them may be of the same second.
    const runOf = (name: string) => Number(/run(\d+)/.exec(name)?.[1]);
    const reports = (await readdir(join(folder, 'onechart-reports'))).filter((name) => name.endsWith('.md')).sort((a, b) => runOf(a) - runOf(b));
    expect(reports.map((name) => name.replace(/^[^-]*-|-test_[^-]*/g, ''))).toEqual(['orphans_null-run1.md', 'apply-run2.md', 'rollback-run3.md']);
    const read = (index: number) => readFile(join(folder, 'onechart-reports', reports[index] ?? ''), 'utf8');
    expect(await read(0)).toMatch(/\| bills \| patientId \| null \| 1 \|/);
    expect(await read(2)).toMatch(/\| patients \| 0 \|/);
    // Nothing that a machine wrote for itself stands in a report for people.
    for (const index of [0, 1, 2]) expect(await read(index)).not.toMatch(/\{"|\[object/);
  });
});

test('a restore is reported whatever its end, and its folder tried out first', async () => {
  await inFolder(async (folder) => {
    const { io, told } = ioIn(folder);
    const address = parseDatabaseUrl('postgresql://ehr_user:hidden-word@127.0.0.1:5432/ehr');
    const about = { file: '/backups/ehr.dump', to: 'ehr_restored', sha256: 'ab'.repeat(32), savedAt: '2026-02-03T04:05:06.000Z' };
    const restored = {
      database: 'ehr_restored',
      compared: true,
      foundComplete: false,
      objects: 210,
      tables: 19,
      rows: 1_234_567,
      notes: [],
      swapStatements: ['BEGIN;', 'COMMIT;'],
    };
    await withRestoreReport({ io, address, options: {}, about }, () => Promise.resolve({ outcome: restored }));
    const refused = withRestoreReport({ io, address, options: {}, about: { ...about, to: 'ehr' } }, () =>
      Promise.reject(new AppError('unsafe', 'RESTORE_TARGET_PRESENT', 'It is there.')),
    );
    await expect(refused).rejects.toMatchObject({ code: 'RESTORE_TARGET_PRESENT' });
    const names = (await readdir(join(folder, 'onechart-reports'))).map((name) => name.replace(/^\d{8}T\d{6}Z-/, '')).sort();
    expect(names).toEqual(['restore-ehr.html', 'restore-ehr.md', 'restore-ehr_restored.html', 'restore-ehr_restored.md']);
    const texts = await Promise.all(
      (await readdir(join(folder, 'onechart-reports'))).sort().map((name) => readFile(join(folder, 'onechart-reports', name), 'utf8')),
    );
    expect(texts.join('\n')).not.toContain('hidden-word');
    const [stopped, done] = texts.filter((text) => text.startsWith('# ')).sort((left, right) => left.length - right.length);
    expect(done).toContain('210 objects, 19 tables and 1,234,567 rows are as the manifest says.');
    expect(done).toContain('`COMMIT;`');
    expect(stopped).toContain('Stopped (RESTORE_TARGET_PRESENT, exit code 3): It is there.');
    expect(told(0).stderr).toMatch(/Report: onechart-reports\/\S+-restore-ehr_restored\.html/);

    await writeFile(join(folder, 'taken'), '');
    let begun = false;
    const untried = withRestoreReport({ io, address, options: { reportDir: 'taken/x' }, about }, () => {
      begun = true;
      return Promise.resolve({ outcome: restored });
    });
    await expect(untried).rejects.toMatchObject({ code: 'REPORT_FOLDER_NOT_WRITABLE' });
    expect(begun).toBe(false);
  });
});
