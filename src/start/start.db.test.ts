import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import { createDatabase } from '../../test/support/database.ts';
import { parseDatabaseUrl } from '../base/config.ts';
import { applyMigration } from '../migrate/index.ts';

const root = dirname(dirname(import.meta.dirname));
const children: ChildProcess[] = [];
const reports = mkdtempSync(join(tmpdir(), 'onechart-start-reports-'));

afterAll(() => rmSync(reports, { recursive: true }));

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

interface Running {
  readonly output: () => string;
  readonly ended: Promise<number | null>;
  readonly child: ChildProcess;
  until(pattern: RegExp): Promise<RegExpExecArray>;
}

function launch(script: string, args: readonly string[], databaseUrl: string): Running {
  const child = spawn(process.execPath, [join(root, script), ...args], {
    env: { ...process.env, ONECHART_REPORT_DIR: reports, DATABASE_URL: databaseUrl, NO_COLOR: '1', CI: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  let output = '';
  const watchers = new Set<() => void>();
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8');
      for (const watch of watchers) watch();
    });
  }
  const until = (pattern: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const watch = () => {
        const match = pattern.exec(output);
        if (match) resolve(match);
      };
      watchers.add(watch);
      watch();
      void ended.then((code) => reject(new Error(`ended with ${code} before ${pattern}:\n${output}`)));
    });
  return { output: () => output, ended, child, until };
}

test('npm start on a database of one’s own changes nothing unless told, then applies and adds no sample data', async () => {
  await using database = await createDatabase({ template: 'host' });
  const [before] = await database.query<{ count: number }>('SELECT count(*)::int AS count FROM surgical_cases');
  const shown = launch('src/start/main.ts', ['--exit', '--port', '0'], database.url);
  expect(await shown.ended, shown.output()).toBe(2);
  expect(shown.output()).toContain('Nothing was changed.');
  expect(await database.query(`SELECT 1 FROM pg_tables WHERE tablename = 'patients'`)).toEqual([]);

  const refused = launch('src/start/main.ts', ['--exit', '--port', '0', '--yes', '--pg-dump', '/nowhere/pg_dump'], database.url);
  expect(await refused.ended, refused.output()).toBe(69);
  expect(refused.output()).toContain('[BACKUP_TOOL_FAILED]');
  expect(await database.query(`SELECT 1 FROM pg_tables WHERE tablename = 'patients'`)).toEqual([]);

  const applied = launch('src/start/main.ts', ['--exit', '--port', '0', '--yes', '--no-backup'], database.url);
  expect(await applied.ended, applied.output()).toBe(0);
  const [, report = ''] = /^ {2}report +(\S+)$/m.exec(applied.output()) ?? [];
  expect(readdirSync(reports)).toContain(report.split('/').at(-1));
  expect(await database.query('SELECT count(*)::int AS count FROM patients')).toEqual([{ count: 0 }]);
  // This month and three to come, beside the default one.
  expect(await database.query(`SELECT count(*)::int AS count FROM pg_inherits WHERE inhparent = 'patient_audit_events'::regclass`)).toEqual([{ count: 5 }]);
  expect(await database.query('SELECT count(*)::int AS count FROM surgical_cases')).toEqual([before]);
});

test('onechart serve is live at once, ready when the database is in sync, and ends in order on Ctrl-C', async () => {
  await using pending = await createDatabase({ template: 'host' });
  const waiting = launch('src/cli/main.ts', ['serve', '--port', '0'], pending.url);
  const [, address] = await waiting.until(/Listening on (http:\S+)/);
  expect((await fetch(`${address}/health/live`)).status).toBe(200);
  const refused = await fetch(`${address}/health/ready`);
  expect(refused.status).toBe(503);
  expect(await refused.json()).toMatchObject({ code: 'MIGRATIONS_PENDING' });
  await applyMigration({ address: parseDatabaseUrl(pending.url), noBackup: true });
  const ready = await fetch(`${address}/health/ready`);
  expect(await ready.json()).toEqual({ status: 'ready', checks: { database: 'reachable', migrations: 'in-sync' } });
  // As a terminal and a launcher above would: the same Ctrl-C twice.
  waiting.child.kill('SIGINT');
  waiting.child.kill('SIGINT');
  expect(await waiting.ended, waiting.output()).toBe(0);
});

test('readiness refuses while the server cannot be reached, and says nothing of the address’s password', async () => {
  const lost = launch('src/cli/main.ts', ['serve', '--port', '0'], 'postgresql://ehr:hidden-word@127.0.0.1:1/ehr');
  const [, address] = await lost.until(/Listening on (http:\S+)/);
  const refused = await fetch(`${address}/health/ready`);
  expect(refused.status).toBe(503);
  expect(await refused.json()).toMatchObject({ kind: 'unavailable' });
  lost.child.kill('SIGTERM');
  expect(await lost.ended).toBe(0);
  expect(lost.output()).not.toContain('hidden-word');
});
