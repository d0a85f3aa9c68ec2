import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type TestDatabase, withClient } from '../../../test/support/database.ts';
import { apply, createHost } from '../../../test/support/migrate.ts';
import { parseDatabaseUrl } from '../../base/config.ts';
import { listRuns, planMigration, readRun, renderReport } from '../index.ts';
import { composeReport } from './compose.ts';
import type { RunRecord } from './run-record.ts';

const addressOf = (host: TestDatabase) => ({ address: parseDatabaseUrl(host.url) });
const outcome = (run: RunRecord) => composeReport(run).summary[0]?.[1];

test('the report of an apply says what was done: every step with its times, before and after, the verification, who and where', async () => {
  await using host = await createHost();
  const { plan } = await planMigration(addressOf(host));
  const { steps, verification, findings } = await apply(host);
  const run = await readRun(addressOf(host));
  expect(run).toMatchObject({ id: 1, command: 'apply', state: 'done', outcome: 'done', schema: 'public', database: host.name, next: undefined, continues: [] });
  expect(run.steps.map(({ title, attempts }) => [title, attempts])).toEqual(steps.map(({ step, result }) => [step.title, result.attempts]));
  for (const [index, { result }] of steps.entries()) {
    // The server measures the work, the client the whole with its round trips.
    expect(run.steps[index]?.workMilliseconds, run.steps[index]?.title).toBeLessThanOrEqual(result.workMilliseconds + 1);
  }
  expect(run.details.planned?.map(({ key }) => key)).toEqual(plan.steps.map(({ key }) => key));
  expect(run.details.verification).toEqual(verification);
  expect(run.details.findings).toEqual(JSON.parse(JSON.stringify(findings)));
  expect(run.details.before?.every(({ present, history }) => present === 0 && history === 'absent')).toBe(true);
  expect(run.details.after?.every(({ missing, invalid, conflict, history }) => missing + invalid + conflict === 0 && history === 'applied')).toBe(true);
  expect(run).toMatchObject({ operatingSystemUser: userInfo().username, host: hostname(), databaseUser: addressOf(host).address.user });
  expect(run.finishedAt?.getTime()).toBeGreaterThanOrEqual(run.startedAt.getTime());
  const [{ version } = { version: '' }] = await host.query<{ version: string }>(`SELECT current_setting('server_version') AS version`);
  expect(run.serverVersion).toBe(version);

  expect(outcome(run)).toBe(`Done and verified: all ${steps.length} steps, ${verification.items.length} checks of the result passed.`);
  const markdown = renderReport(run, { format: 'markdown' });
  for (const { step } of steps) expect(markdown).toContain(step.title);
  for (const { file } of (await planMigration(addressOf(host))).assessment?.migrations ?? []) expect(markdown).toContain(file.checksum);
  expect(markdown).toContain('--no-backup was given');
  expect(await listRuns(addressOf(host))).toMatchObject([{ id: 1, state: 'done', steps: steps.length }]);
  // Asked again, the same journal gives the same report.
  expect(renderReport(await readRun(addressOf(host), 1), { format: 'html' })).toBe(renderReport(run, { format: 'html' }));
});

test('a run that was killed has a report of what it did, and says by which run it was continued', async () => {
  await using host = await createHost();
  const child = execFile(process.execPath, [join(import.meta.dirname, '../../../test/support/migrate-until.ts'), host.url, '30']);
  const [, signal] = (await once(child, 'close')) as [number | null, string | null];
  expect(signal).toBe('SIGKILL');
  const [{ done } = { done: -1 }] = await host.query<{ done: number }>('SELECT count(*)::int AS done FROM onechart.migration_steps');
  expect(done).toBeGreaterThan(0);

  // The server takes a moment to notice that the client is gone; until then the run counts as running.
  await expect.poll(async () => (await readRun(addressOf(host))).state, { timeout: 20_000 }).toBe('cut-off');
  const cut = await readRun(addressOf(host));
  const of = cut.details.planned?.length;
  expect(cut.steps.length).toBe(done);
  expect(outcome(cut)).toBe(`Cut off after ${done} of ${of} steps; nothing has continued it yet. What is done is whole: the same command goes on from there.`);
  expect(renderReport(cut, { format: 'markdown' })).toContain(`${(of ?? 0) - done} planned steps; none of them is half done.`);

  await apply(host);
  expect(outcome(await readRun(addressOf(host), 1))).toBe(`Cut off after ${done} of ${of} steps; continued by run 2.`);
  const continuation = await readRun(addressOf(host));
  expect(continuation).toMatchObject({ id: 2, state: 'done', continues: [1] });
  expect(outcome(continuation)).toMatch(/ It went on from run 1, which was cut off\.$/);
  expect((await listRuns(addressOf(host))).map(({ id, state }) => [id, state])).toEqual([
    [2, 'done'],
    [1, 'cut-off'],
  ]);
});

test('a run that gave up on a lock names the step, how long it tried, and who held the table', async () => {
  await using host = await createHost();
  await withClient(host.url, async (client) => {
    await client.query(`SET application_name = 'monthly report'`);
    await client.query('BEGIN');
    await client.query('LOCK TABLE bills IN ACCESS SHARE MODE');
    await client.query('UPDATE bills SET "updatedAt" = now() WHERE id = (SELECT id FROM bills LIMIT 1)');
    const begun = performance.now();
    const error = await apply(host, { patience: { attemptMilliseconds: 20, totalMilliseconds: 600 } }).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    const tookAtMost = performance.now() - begun;
    expect(error).toMatchObject({ kind: 'busy', code: 'LOCK_NOT_OBTAINED' });
    const run = await readRun(addressOf(host));
    expect(run).toMatchObject({
      state: 'failed',
      outcome: 'LOCK_NOT_OBTAINED',
      details: { error: { kind: 'busy', message: (error as Error).message }, stopped: { step: 'add bills_patientId_fkey', number: run.steps.length + 1 } },
    });
    const { stopped } = run.details;
    const tried = Date.parse(stopped?.endedAt ?? '') - Date.parse(stopped?.startedAt ?? '');
    expect(tried).toBeGreaterThan(500);
    expect(tried).toBeLessThan(tookAtMost + 5);
    expect(stopped?.attempts).toBeGreaterThan(1);
    const markdown = renderReport(run, { format: 'markdown' });
    expect(outcome(run)).toMatch(/^Gave up after \d+ of \d+ steps \(LOCK_NOT_OBTAINED, exit code 5\)/);
    expect(markdown).toMatch(/\| \d+ \| \w+ \| monthly report \|/);
    expect(renderReport(run, { format: 'svg' })).toMatch(/stopped at .* retr/);
    await client.query('ROLLBACK');
  });
});

test('while a run works, its report says that it is running', async () => {
  await using host = await createHost();
  const states: string[] = [];
  await apply(host, {
    onEvent: async (event) => {
      if (event.type === 'step-finished' && event.number === 3) states.push((await readRun(addressOf(host))).state);
    },
  });
  expect(states).toEqual(['running']);
  expect((await readRun(addressOf(host))).state).toBe('done');
});

test('without a journal, and for a run that is not there: an error in words', async () => {
  await using host = await createHost();
  expect(await listRuns(addressOf(host))).toEqual([]);
  await expect(readRun(addressOf(host))).rejects.toMatchObject({ kind: 'not-found', code: 'RUN_MISSING' });
  await apply(host);
  await expect(readRun(addressOf(host), 99)).rejects.toMatchObject({ code: 'RUN_MISSING', message: expect.stringContaining('onechart migrate runs') });
});
