import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runCommand, startCommand } from '../../../../test/support/command-line.ts';
import { withClient } from '../../../../test/support/database.ts';
import { hostPicture } from '../../../../test/support/host-picture.ts';
import { apply, createHost, snapshot } from '../../../../test/support/migrate.ts';

test('rollback and import at the command line: shown, refused, asked, done, done again, brought back', async () => {
  await using host = await createHost();
  const cwd = await mkdtemp(join(tmpdir(), 'onechart-rollback-'));
  try {
    const place = { cwd, env: { DATABASE_URL: host.url, ONECHART_REPORT_DIR: join(cwd, 'reports') } };
    const run = (...args: string[]) => runCommand(['migrate', ...args], place);
    const start = (...args: string[]) => startCommand(['migrate', ...args], place);
    const before = await withClient(host.url, (client) => hostPicture(client, 'public'));
    expect(await run('rollback')).toMatchObject({ code: 0, stdout: expect.stringContaining('Nothing to roll back') });
    await apply(host);
    await host.query(`INSERT INTO patients (mrn, "lastName") VALUES ('MRN-2026-00001', 'Example')`);
    await host.query('UPDATE bills SET "patientId" = (SELECT id FROM patients) WHERE id IN (SELECT id FROM bills LIMIT 2)');
    const still = await snapshot(host);

    // These change nothing and wait for nobody, so they run side by side.
    const [shown, machine, rows, unasked, both, unknown, nowhere] = await Promise.all([
      run('rollback', '--dry-run', '--export', 'rows', '--sql'),
      run('rollback', '--dry-run', '--json', '--discard-data'),
      run('rollback', '--dry-run'),
      run('rollback', '--export', 'rows'),
      run('rollback', '--export', 'rows', '--discard-data', '--yes'),
      run('rollback', 'no_such_migration', '--yes'),
      run('import', 'elsewhere', '--yes'),
    ]);
    expect(shown).toMatchObject({ code: 2 });
    for (const part of [
      'ACCESS EXCLUSIVE',
      'patients 1',
      'PHI',
      '2 rows of bills keep their patientId',
      'DROP TABLE "',
      '"patient_placeholders", ',
      'ALTER TABLE "bills" DROP CONSTRAINT "bills_patientId_fkey"',
    ])
      expect(shown.stdout, part).toContain(part);
    expect(shown.stdout).not.toContain('says no way back');
    expect(shown.stdout).not.toMatch(/column \w+ of \w+ stays/);
    expect(machine.code).toBe(2);
    expect(JSON.parse(machine.stdout)).toMatchObject({ findings: [], idsLeft: expect.arrayContaining([{ table: 'bills', column: 'patientId', rows: 2 }]) });
    expect(rows).toMatchObject({ code: 3, stdout: expect.stringContaining('[ROWS_PRESENT]') });
    expect(unasked).toMatchObject({ code: 3, stderr: expect.stringMatching(/1 rows written to .*rows.* --yes/) });
    expect(both).toMatchObject({ code: 64 });
    expect(unknown).toMatchObject({ code: 66, stderr: expect.stringContaining('add_patient_module') });
    expect(nowhere).toMatchObject({ code: 66, stderr: expect.stringContaining('[EXPORT_MISSING]') });
    const refused = await start('rollback', '--yes', '--json');
    expect(refused.code).toBe(3);
    expect(JSON.parse(refused.stdout)).toMatchObject({
      error: { code: 'ROWS_PRESENT', message: expect.stringMatching(/patients 1.*--export.*--discard-data/) },
    });
    expect(await snapshot(host)).toEqual(still);

    const done = await start('rollback', '--export', 'rows', '--yes');
    expect(done).toMatchObject({ code: 0, stdout: expect.stringContaining(`onechart migrate import ${join(cwd, 'rows')}`) });
    expect(await run('rollback', '--export', 'rows', '--yes')).toMatchObject({ code: 0, stdout: expect.stringContaining('Nothing to roll back') });

    const back = await run('import', 'rows', '--yes', '--json');
    expect(JSON.parse(back.stdout)).toMatchObject({ outcome: 'imported', applyNext: true });
    expect((await apply(host)).verification.ok).toBe(true);
    expect(await run('import', 'rows', '--yes')).toMatchObject({ code: 0, stdout: expect.stringContaining('Done before') });
    expect(await host.query('SELECT mrn FROM patients')).toEqual([{ mrn: 'MRN-2026-00001' }]);

    await host.query('UPDATE bills SET "patientId" = NULL');
    expect(await run('rollback', '--discard-data', '--yes')).toMatchObject({ code: 0 });
    expect(await withClient(host.url, (client) => hostPicture(client, 'public'))).toEqual(before);
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
});
