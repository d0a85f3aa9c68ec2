import { join } from 'node:path';
import { expect, test } from 'vitest';
import { composeReport } from './compose.ts';
import { renderReport, reportName, type RunRecord } from './index.ts';

const at = (milliseconds: number) => new Date(Date.UTC(2026, 1, 3, 4, 5, 6) + milliseconds);

const step = (number: number, more: Partial<RunRecord['steps'][number]> = {}): RunRecord['steps'][number] => ({
  migration: '20260103000000_add_patient_module',
  step: `add key_${number}`,
  title: `Add foreign key key_${number}, bills to patients, not yet validated`,
  startedAt: at(number * 100),
  workMilliseconds: 4,
  lockWaitMilliseconds: 1.2,
  attempts: 1,
  undoneAt: null,
  ...more,
});

const planned = (number: number) => ({
  migration: '20260103000000_add_patient_module',
  key: `add key_${number}`,
  title: `Add foreign key key_${number}, bills to patients, not yet validated`,
  kind: 'add-constraint' as const,
  lock: 'SHARE ROW EXCLUSIVE',
  tables: [{ table: 'bills', rows: 1_234_567, megabytes: 312.4, pages: 40_000, writesPerSecond: 14 }],
  estimate: { milliseconds: 4, writeWaitMilliseconds: 4 },
});

const counts = { migration: '20260103000000_add_patient_module', checksum: 'ab'.repeat(32), conflict: 0, wrong: [] };

const whole: RunRecord = {
  id: 7,
  command: 'apply',
  schema: 'public',
  database: '1xetra*onmi',
  state: 'done',
  outcome: 'done',
  startedAt: at(0),
  finishedAt: at(2_300),
  databaseUser: 'ehr_user',
  operatingSystemUser: 'deployer',
  host: 'ehr-01',
  version: '0.1.0',
  serverVersion: '15.8',
  next: undefined,
  continues: [6],
  steps: [step(1), step(2, { startedAt: at(200), attempts: 5, lockWaitMilliseconds: 1_312 })],
  details: {
    findings: [
      { level: 'ok', code: 'SERVER_VERSION', message: 'PostgreSQL 15.8' },
      { level: 'warn', code: 'LONG_TRANSACTION', message: 'Process 12 (psql) has had a transaction open for 90 s.' },
    ],
    planned: [planned(1), planned(2)],
    before: [{ ...counts, history: 'failed', present: 3, missing: 2, invalid: 1, wrong: ['bills_patientId_idx'] }],
    after: [{ ...counts, history: 'applied', present: 6, missing: 0, invalid: 0 }],
    verification: { ok: true, pending: false, items: [{ name: 'runbook: tables', ok: true, found: '6 of 6' }] },
    backup: {
      file: '/backups/ehr.dump',
      bytes: 13_000_000,
      sha256: 'cd'.repeat(32),
      method: 'pg_dump',
      startedAt: '2026-02-03T04:00:00.000Z',
      finishedAt: '2026-02-03T04:01:00.000Z',
      clientVersion: 'pg_dump (PostgreSQL) 15.8',
      serverVersion: '15.8',
      database: '1xetra*onmi',
      proof: {
        where: 'a scratch database',
        at: '2026-02-03T04:03:00.000Z',
        milliseconds: 61_000,
        objects: 210,
        tables: 19,
        rows: 1_234_567,
        checksums: { bills: 'ef01' },
      },
    },
    rowsExported: 12,
    decisions: [{ table: 'bills', decision: 'adopt', rows: 3 }],
  },
};

const stopped: RunRecord = {
  ...whole,
  id: 8,
  state: 'failed',
  outcome: 'LOCK_NOT_OBTAINED',
  continues: [],
  next: { id: 9, command: 'apply' },
  steps: [step(1)],
  details: {
    planned: [planned(1), planned(2), planned(3)],
    before: whole.details.before ?? [],
    backup: '--no-backup was given',
    error: {
      kind: 'busy',
      code: 'LOCK_NOT_OBTAINED',
      message: '"bills" could not be locked within 120 s. Process 4711 (ehr_user, report) has had a transaction open for 3600 s.',
      details: { tables: ['bills'], holders: [{ pid: 4711, user: 'ehr_user', application: 'report', seconds: 3600 }] },
    },
    stopped: {
      migration: '20260103000000_add_patient_module',
      step: 'add key_2',
      title: planned(2).title,
      number: 2,
      of: 3,
      startedAt: at(200).toISOString(),
      endedAt: at(120_200).toISOString(),
      attempts: 87,
    },
  },
};

test('the Markdown of a run that is done, of one that gave up on a lock, and of one that was cut off', async () => {
  const golden = (name: string) => join(import.meta.dirname, 'golden', `${name}.md`);
  await expect(renderReport(whole, { format: 'markdown', picture: 'picture.svg' })).toMatchFileSnapshot(golden('done'));
  await expect(renderReport(stopped, { format: 'markdown' })).toMatchFileSnapshot(golden('gave-up'));
  const { verification: _, after: __, ...cutDetails } = whole.details;
  const cutOff: RunRecord = {
    ...whole,
    state: 'cut-off',
    outcome: null,
    finishedAt: null,
    steps: [step(1)],
    continues: [],
    details: cutDetails,
    next: { id: 8, command: 'apply' },
  };
  await expect(renderReport(cutOff, { format: 'markdown' })).toMatchFileSnapshot(golden('cut-off'));
});

test('the outcome in one sentence, for every end a run can have', () => {
  const sentence = (run: RunRecord) => composeReport(run).summary[0]?.[1];
  expect(sentence(whole)).toBe('Done and verified: all 2 steps, 1 check of the result passed. It went on from run 6, which was cut off.');
  expect(sentence(stopped)).toMatch(/^Gave up after 1 of 3 steps \(LOCK_NOT_OBTAINED, exit code 5\): "bills" could not be locked .* Continued by run 9\.$/);
  const cut: RunRecord = { ...stopped, state: 'cut-off', finishedAt: null, details: { planned: [planned(1), planned(2), planned(3)] } };
  expect(sentence(cut)).toBe('Cut off after 1 of 3 steps; continued by run 9.');
  expect(sentence({ ...cut, next: { id: 9, command: 'rollback' } })).toBe('Cut off after 1 of 3 steps; next came the rollback of run 9.');
  expect(sentence({ ...cut, next: undefined })).toMatch(/nothing has continued it yet/);
  expect(sentence({ ...cut, next: undefined, state: 'running' })).toBe('Running: 1 of 3 steps done so far.');
  const unsound = { ...whole, details: { ...whole.details, verification: { ok: false, pending: false, items: [{ name: 'x', ok: false, found: 'y' }] } } };
  expect(sentence(unsound)).toMatch(/^Done, but not as it should be: all 2 steps, 1 of 1 check of the result failed/);
  expect(composeReport(unsound).tone).toBe('bad');
});

test('a run of which the journal knows nothing but that it began still has a report', () => {
  const bare: RunRecord = {
    ...whole,
    state: 'cut-off',
    outcome: null,
    finishedAt: null,
    steps: [],
    details: {},
    continues: [],
    operatingSystemUser: null,
    host: null,
    version: null,
    serverVersion: undefined,
  };
  expect(renderReport(bare, { format: 'markdown' })).toContain('Cut off after 0 of 0 steps; nothing has continued it yet.');
  expect(renderReport(bare, { format: 'html' })).toContain('says nothing of a backup');
  expect(renderReport(bare, { format: 'svg' })).toContain('No step was done.');
});

test('names that look like markup stay names, in HTML, Markdown and the picture', () => {
  const nasty = `<script>alert(1)</script> & "x" 'y' | \`z\` *b* [l](javascript:1) &lt;`;
  const run: RunRecord = {
    ...stopped,
    database: nasty,
    databaseUser: nasty,
    host: nasty,
    steps: [step(1, { title: nasty, migration: nasty })],
    details: {
      ...stopped.details,
      planned: [{ ...planned(1), title: nasty, migration: nasty, lock: nasty }],
      findings: [{ level: 'warn', code: nasty, message: nasty }],
      error: { kind: 'busy', code: 'X', message: nasty, details: { holders: [{ pid: 1, user: nasty, application: nasty, seconds: 1 }] } },
      [nasty]: nasty,
      more: [{ [nasty]: nasty }],
    },
  };
  const html = renderReport(run, { format: 'html' });
  const markdown = renderReport(run, { format: 'markdown' });
  expect(html).not.toMatch(/<script/i);
  expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;x&quot;');
  // What was "&lt;" in the name is still those four characters to the reader.
  expect(html).toContain('&amp;lt;');
  expect(renderReport(run, { format: 'svg' })).not.toMatch(/<script/i);
  expect(markdown.replace(/`` .*? ``/g, '')).not.toMatch(/<script|(?<!\\)\]\(javascript/i);
  // Every row of a table has as many cells as its head, whatever stands in it.
  const cells = (line: string) => line.replace(/\\\|/g, '').split('|').length;
  const tables = markdown.split('\n\n').filter((block) => block.startsWith('|'));
  expect(tables.length).toBeGreaterThan(4);
  for (const table of tables) expect(new Set(table.split('\n').map(cells)).size, table).toBe(1);
});

test('the HTML stands alone: no scripts, nothing loaded, no style from elsewhere', () => {
  const html = renderReport(whole, { format: 'html' });
  expect(html).not.toMatch(/<script|<link|<img|<iframe|@import|\bsrc=|\bon\w+=/i);
  expect([...html.matchAll(/(?:url\(|href=)["']?([^"')\s>]+)/g)].map(([, target]) => target).filter((target) => !target?.startsWith('#'))).toEqual([]);
  expect(html).toContain('Content-Security-Policy');
});

test('the name of the files: time, command, database, run; no character a file system minds', () => {
  expect(reportName(whole)).toBe('20260203T040506Z-apply-1xetra_onmi-run7');
  expect(reportName({ ...whole, database: `../${'é/'.repeat(100)}` })).toMatch(/^[A-Za-z0-9._-]{1,200}$/);
});
