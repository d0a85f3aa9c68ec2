import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCommand, startCommand } from '../../../../test/support/command-line.ts';
import { createOrphanHost } from '../../../../test/support/orphans.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'onechart-orphans-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Reports of the runs go to the folder too. */
const onechart = (url: string, ...args: string[]) => runCommand(['migrate', ...args, '--database-url', url], { cwd: folder });

test('from the refusal of apply to the queue, with the exit codes a script goes by', async () => {
  await using host = await createOrphanHost();
  const run = (...args: string[]) => onechart(host.url, ...args);
  const csv = join(folder, 'ids.csv');

  const refused = await run('apply', '--no-backup', '--yes');
  expect([refused.code, refused.stderr]).toEqual([3, expect.stringContaining('onechart migrate orphans adopt')]);

  const listed = await run('orphans', 'list', '--csv', csv);
  expect([listed.code, listed.stdout]).toEqual([3, expect.stringContaining('bills.patientId: 20 rows, 20 ids; for example "')]);
  const lines = (await readFile(csv, 'utf8')).trim().split('\n');
  expect([lines[0], lines.length]).toEqual(['table,column,id,rows', 101]);
  expect(JSON.parse((await run('orphans', 'list', '--json')).stdout)).toMatchObject({ unresolved: 100, patientsThere: false });

  expect(await run('orphans', 'null', '--table', 'bills')).toMatchObject({ code: 3, stderr: expect.stringContaining('CONFIRMATION_REQUIRED') });
  expect(await run('orphans', 'null', '--yes')).toMatchObject({ code: 3, stderr: expect.stringContaining('ORPHAN_COLUMN_NOT_NULL') });
  expect(await run('orphans', 'quarantine', '--table', 'bills', '--reason', 'a test', '--yes')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('bills.patientId: 20 rows quarantined'),
  });
  expect(await run('orphans', 'undo', '--yes')).toMatchObject({ code: 0, stdout: expect.stringContaining('bills.patientId: 20 rows given its id back') });
  expect(await run('orphans', 'undo', '--yes')).toMatchObject({ code: 66, stderr: expect.stringContaining('ORPHAN_WORK_MISSING') });

  const wrong = join(folder, 'wrong.csv');
  await writeFile(wrong, `id,lastName,dateOfBirth\n${lines[1]?.split(',')[2]},Secretname,yesterday\n`);
  const bad = await run('orphans', 'adopt', '--from', wrong, '--yes');
  expect(bad).toMatchObject({ code: 64, stderr: expect.stringContaining('line 2, dateOfBirth: Write a real date') });
  expect(bad.stdout + bad.stderr).not.toContain('Secretname');

  expect(await run('apply', '--orphans', 'everything', '--no-backup', '--yes')).toMatchObject({ code: 64 });
  const applied = await startCommand(['migrate', 'apply', '--orphans', 'adopt', '--no-backup', '--yes', '--database-url', host.url], { cwd: folder });
  expect([applied.code, applied.stdout]).toEqual([0, expect.stringContaining('Verified')]);
  expect(await run('orphans', 'list')).toMatchObject({ code: 0, stdout: expect.stringContaining('No orphans.') });
  expect(await run('orphans', 'queue', '--limit', '2')).toMatchObject({ code: 0, stdout: expect.stringContaining('20 placeholders waiting, 0 completed.') });
  expect(await run('orphans', 'undo', '--yes')).toMatchObject({ code: 3, stdout: expect.stringContaining('and its key is there') });
});

test('queue before the module is applied: exit 3 with what to do', async () => {
  await using host = await createOrphanHost();
  expect(await onechart(host.url, 'orphans', 'queue')).toMatchObject({ code: 3, stderr: expect.stringContaining('onechart migrate apply') });
});
