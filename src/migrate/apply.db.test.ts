import { expect, test } from 'vitest';
import { apply, catalogueOf, createHost, filesFor, moduleHistory, plainCatalogue, runScript, snapshot } from '../../test/support/migrate.ts';
import { withClient } from '../../test/support/database.ts';
import { parseDatabaseUrl } from '../base/config.ts';
import { readCatalogue } from './catalogue.ts';
import { checksumOf } from './history.ts';
import { checkMigration, isMigrated, migrationStatus, planMigration, verifyMigration } from './index.ts';

// The three verification queries of the runbook, word for word.
const runbookTables = `
SELECT table_name 
FROM information_schema.tables 
WHERE table_schema = 'public' 
  AND table_name IN ('patients', 'patient_contacts', 'patient_documents', 'patient_allergies', 'patient_risk_flags', 'patient_merge_history')
ORDER BY table_name;
`;
const runbookKeys = `
SELECT COUNT(*) as foreign_key_count
FROM information_schema.table_constraints 
WHERE constraint_type = 'FOREIGN KEY' 
  AND constraint_name LIKE '%patient%';
`;
const runbookEnum = `
SELECT typname FROM pg_type WHERE typname = 'PatientStatus';
`;

const six = ['patient_allergies', 'patient_contacts', 'patient_documents', 'patient_merge_history', 'patient_risk_flags', 'patients'];

test.each(['uuid', 'text'] as const)(
  'a host with %s ids: applied, verified, as plain execution would make it, and applied again without effect',
  async (idType) => {
    await using host = await createHost(idType);
    const address = parseDatabaseUrl(host.url);
    const files = await filesFor(host);
    const hostRows = await host.query(`SELECT * FROM _prisma_migrations ORDER BY id`);

    const first = await apply(host);
    expect(first.verification.items.filter(({ ok }) => !ok)).toEqual([]);
    expect(first.verification.ok).toBe(true);
    expect(first.steps.length).toBeGreaterThan(10);

    expect(await host.query(runbookTables)).toEqual(six.map((table_name) => ({ table_name })));
    const [keys] = await host.query<{ foreign_key_count: string }>(runbookKeys);
    expect(Number(keys?.foreign_key_count)).toBeGreaterThanOrEqual(15);
    expect(await host.query(runbookEnum)).toEqual([{ typname: 'PatientStatus' }]);

    const plain = await plainCatalogue(idType);
    const made = await catalogueOf(host);
    for (const kind of ['enums', 'tables', 'indexes', 'foreignKeys', 'checks', 'comments'] as const) {
      expect([...plain[kind].keys()].length, kind).toBeGreaterThan(0);
      expect(Object.fromEntries(made[kind]), kind).toEqual(Object.fromEntries(plain[kind]));
    }
    expect([...made.indexes.values(), ...made.foreignKeys.values(), ...made.checks.values()].filter(({ valid }) => !valid)).toEqual([]);

    // As Prisma writes it: one attempt per migration, finished, one step, the checksum of the file's text; the host's own rows untouched.
    expect(await moduleHistory(host)).toEqual(files.map(({ name, sql }) => ({ name, checksum: checksumOf(sql), finished: true, rolledBack: false, steps: 1 })));
    expect(await host.query(`SELECT * FROM _prisma_migrations WHERE migration_name NOT LIKE '20260103%' ORDER BY id`)).toEqual(hostRows);
    expect(
      await host.query(
        `SELECT count(*)::int AS odd FROM _prisma_migrations WHERE id !~ '^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$' AND migration_name LIKE '20260103%' OR logs IS NOT NULL OR started_at > finished_at`,
      ),
    ).toEqual([{ odd: 0 }]);

    const before = await snapshot(host);
    const second = await apply(host);
    expect(second.steps).toEqual([]);
    expect(second.verification.ok).toBe(true);
    expect(await snapshot(host)).toEqual(before);

    const status = await migrationStatus({ address });
    expect(status.migrations.map(({ history, complete, edited }) => ({ history, complete, edited }))).toEqual(
      files.map(() => ({ history: 'applied', complete: true, edited: false })),
    );
    expect(status.failedElsewhere).toEqual([]);
    expect(await isMigrated({ address })).toBe(true);
    const { plan } = await planMigration({ address });
    expect(plan).toEqual({ steps: [], historyOnly: [] });
  },
);

test('check, plan, status and verify change nothing, before and after', async () => {
  await using host = await createHost();
  const address = parseDatabaseUrl(host.url);
  const look = async () => {
    await checkMigration({ address });
    await planMigration({ address });
    await migrationStatus({ address });
    return verifyMigration({ address });
  };
  const untouched = await snapshot(host);
  expect(await look()).toMatchObject({ ok: false, pending: true });
  expect(await snapshot(host)).toEqual(untouched);
  await apply(host);
  const applied = await snapshot(host);
  expect(await look()).toMatchObject({ ok: true, pending: false });
  expect(await snapshot(host)).toEqual(applied);
});

test('the journal holds each step of the plan, in its order, with the text that ran', async () => {
  await using host = await createHost();
  const { plan } = await planMigration({ address: parseDatabaseUrl(host.url) });
  const { steps } = await apply(host, { version: '1.2.3' });
  expect(steps.map(({ step }) => `${step.migration}/${step.key}`)).toEqual(plan.steps.map(({ migration, key }) => `${migration}/${key}`));
  const recorded = await host.query<{ step: string; statement: string }>(
    `SELECT migration || '/' || step AS step, statement FROM onechart.migration_steps ORDER BY id`,
  );
  expect(recorded).toEqual(plan.steps.map(({ migration, key, statements }) => ({ step: `${migration}/${key}`, statement: statements.join(';\n') })));
  expect(await host.query('SELECT outcome, version, "finishedAt" IS NOT NULL AS finished FROM onechart.migration_runs')).toEqual([
    { outcome: 'done', version: '1.2.3', finished: true },
  ]);
});

test('the first migration alone makes exactly 6 tables, 15 foreign keys and 24 indexes besides primary keys, and one enum', async () => {
  await using host = await createHost();
  const [first] = await filesFor(host);
  expect(first?.name).toBe('20260103000000_add_patient_module');
  const before = await catalogueOf(host);
  const after = await withClient(host.url, async (client) => {
    await runScript(client, first?.sql ?? '');
    return readCatalogue(client, 'public');
  });
  const added = (kind: 'tables' | 'foreignKeys' | 'indexes' | 'enums' | 'checks') =>
    [...after[kind].keys()].filter((name) => !before[kind].has(name) && name !== '_prisma_migrations');
  expect(added('tables').sort()).toEqual(six);
  expect(added('foreignKeys')).toHaveLength(15);
  expect(added('indexes')).toHaveLength(24);
  expect(added('enums')).toEqual(['PatientStatus']);
  expect(added('checks')).toEqual([]);
  expect(after.enums.get('PatientStatus')).toBe("'ACTIVE', 'INACTIVE', 'DECEASED', 'ARCHIVED'");
});

test('a host without a history gets one, and its rows are the module alone', async () => {
  await using host = await createHost();
  await host.query('DROP TABLE _prisma_migrations');
  const { verification, findings } = await apply(host);
  expect(verification.ok).toBe(true);
  expect(findings.filter(({ level }) => level === 'warn').map(({ code }) => code)).toContain('HISTORY_MISSING');
  expect(await host.query('SELECT count(*)::int AS all, count(finished_at)::int AS finished FROM _prisma_migrations')).toEqual([
    { all: (await filesFor(host)).length, finished: (await filesFor(host)).length },
  ]);
});

test('without the word that a backup exists nothing is even looked at', async () => {
  await using host = await createHost();
  const before = await snapshot(host);
  await expect(apply(host, { noBackup: false })).rejects.toMatchObject({ kind: 'unsafe', code: 'BACKUP_REQUIRED' });
  expect(await snapshot(host)).toEqual(before);
});
