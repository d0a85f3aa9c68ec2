import { beforeAll, expect, test } from 'vitest';
import { runCommand } from '../../../test/support/command-line.ts';
import { createDatabase, type TestDatabase } from '../../../test/support/database.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createDatabase({ template: 'migrated' });
  await database.query(
    `INSERT INTO patients (mrn, "firstName", "lastName", "dateOfBirth") VALUES ('PAST-1', 'María', 'García', '1980-02-03'), ('PAST-2', 'Mario', 'Garcia', NULL)`,
  );
  return () => database.drop();
});

const onechart = (...args: string[]) => runCommand(args, { env: { DATABASE_URL: database.url } });

test('rows written past OneChart are reported, made findable, and found', async () => {
  const before = await onechart('search', 'check');
  expect(before.code).toBe(4);
  expect(before.stdout).toContain('2 charts: 2 without an entry, 0 with one that says something else.');
  expect(before.stderr).toContain('Mend them: onechart search rebuild\n');
  expect((await onechart('patient', 'search', 'garcia', '--json')).stdout).toContain('"items": []');

  expect(JSON.parse((await onechart('search', 'rebuild', '--fast', '--json')).stdout)).toEqual({ read: 2, written: 2, left: 0 });
  expect(await onechart('search', 'check', '--json')).toMatchObject({ code: 0, stderr: '' });

  const found = await onechart('patient', 'search', 'gracia', '3.2.1980');
  expect(found.stdout).toMatch(/^PAST-1 +1980-02-03 +ACTIVE +García, María +84 %: date of birth; family name, one letter differs\n$/);
  const filtered = JSON.parse((await onechart('patient', 'search', 'mar garcia', '--born-to', '1990', '--json')).stdout);
  expect(filtered).toMatchObject({ items: [{ mrn: 'PAST-1' }], matches: [{ reasons: [{ match: 'beginning' }, { match: 'exact' }] }], more: false });
  expect((await onechart('patient', 'search', 'garcia', '--last-name', 'garcia')).code).toBe(64);

  await database.query(`UPDATE patients SET "lastName" = 'Otieno' WHERE mrn = 'PAST-2'`);
  const stale = await onechart('search', 'check');
  expect(stale).toMatchObject({ code: 4 });
  expect(stale.stderr).toContain('onechart search rebuild --all');
  expect((await onechart('search', 'rebuild', '--all')).stdout).toBe('1 of 2 charts that were looked at got a new entry.\n');
});
