import { expect, test } from 'vitest';
import { AppError } from '../../base/errors.ts';
import { conninfo, restoreCommandFor, splitCommand } from './command-line.ts';
import { lostConnection, safeOutput } from './tools.ts';

test.each([
  ['pg_dump', ['pg_dump']],
  ['  docker   exec ehr-postgres\tpg_dump ', ['docker', 'exec', 'ehr-postgres', 'pg_dump']],
  [`docker exec "ehr postgres" 'pg dump'`, ['docker', 'exec', 'ehr postgres', 'pg dump']],
  [`a"b c"'d e'f`, ['ab cd ef']],
  [`"say \\"hi\\" for \\$5" '\\n' \\ x`, ['say "hi" for $5', '\\n', ' x']],
  [`'' ""`, ['', '']],
  ['a; rm -rf $HOME *', ['a;', 'rm', '-rf', '$HOME', '*']],
  ['"C:\\\\Program Files\\\\pg_dump.exe"', ['C:\\Program Files\\pg_dump.exe']],
])('%s is split as a shell would', (text, words) => {
  expect(splitCommand(text, '--pg-dump')).toEqual(words);
});

test.each([`'open`, `a "b`, 'x\\', '', '   '])('%j is no command', (text) => {
  expect(() => splitCommand(text, '--pg-dump')).toThrow(AppError);
});

test.each([
  ['pg_dump', 'pg_restore'],
  ['/usr/lib/postgresql/15/bin/pg_dump', '/usr/lib/postgresql/15/bin/pg_restore'],
  ['docker exec ehr-postgres pg_dump', 'docker exec -i ehr-postgres pg_restore'],
  ['docker exec -i ehr-postgres pg_dump', 'docker exec -i ehr-postgres pg_restore'],
  ['docker exec -e PGPASSWORD ehr-postgres pg_dump -U ehr', 'docker exec -i -e PGPASSWORD ehr-postgres pg_restore -U ehr'],
  ['kubectl exec -n ehr deploy/postgres -- pg_dump', 'kubectl exec -i -n ehr deploy/postgres -- pg_restore'],
  ['docker compose exec -T db pg_dump', 'docker compose exec -T db pg_restore'],
  ['ssh db.example.org pg_dump', 'ssh db.example.org pg_restore'],
])('beside %s belongs %s', (dump, restore) => {
  expect(restoreCommandFor(splitCommand(dump, '--pg-dump'))?.join(' ')).toBe(restore);
});

test('a command without the word pg_dump says nothing of its pg_restore', () => {
  expect(restoreCommandFor(['backup-wrapper'])).toBeUndefined();
});

test('any name fits into a connection string', () => {
  expect(conninfo({ dbname: `it's a \\ name`, user: undefined, port: '1' })).toBe(`dbname='it\\'s a \\\\ name' port='1'`);
});

test('what a client program says is passed on without rows, keys and statements', () => {
  const said = safeOutput(
    [
      'pg_restore: while PROCESSING TOC:',
      'pg_restore: from TOC entry 3400; 0 16391 TABLE DATA patients postgres',
      'pg_restore: error: COPY failed for table "patients": ERROR:  invalid input syntax for type date: "Meier 1950"',
      'CONTEXT:  COPY patients, line 1, column dateOfBirth: "Meier 1950"',
      'pg_restore: error: could not execute query: ERROR:  could not create unique index "patients_mrn_key"',
      'DETAIL:  Key (mrn, "lastName")=(MRN-2026-00001, Meier) is duplicated.',
      'Command was: ALTER TABLE ONLY public.patients ADD CONSTRAINT x UNIQUE (mrn) -- Meier',
      'continued Meier',
      'pg_dump: detail: Query was: COPY public.patients (Meier) TO stdout;',
    ].join('\n'),
  );
  expect(said).toContain('invalid input syntax for type date: (value not shown)');
  expect(said).toContain('could not create unique index');
  expect(said).not.toMatch(/Meier|MRN-2026/);
});

test('a server that went away is told from a dump that is wrong', () => {
  expect(lostConnection('pg_restore: error: could not execute query: server closed the connection unexpectedly')).toBe(true);
  expect(lostConnection('pg_dump: error: connection to server at "127.0.0.1", port 5432 failed: Connection refused')).toBe(true);
  expect(lostConnection('pg_restore: error: could not read from input file: end of file')).toBe(false);
});
