import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createDatabase, type TestDatabase, withClient } from '../../test/support/database.ts';
import { apply, catalogueOf, plainCatalogue } from '../../test/support/migrate.ts';
import { parseDatabaseUrl, toDatabaseUrl } from '../base/config.ts';
import { checkMigration, listOrphans, listRuns, planMigration, planRollback, readRun, rollbackMigration, verifyMigration } from './index.ts';

// docs/runbooks/privileges.md is executed as it stands, on a host where nobody else is allowed anything.

const page = readFileSync(join(import.meta.dirname, '../../docs/runbooks/privileges.md'), 'utf8');

/** The statements of one kind of block (`sql`, `sql reader`), a line each. */
function statementsOf(kind: string): string[] {
  const block = new RegExp(`\`\`\`${kind}\\n([^\`]*)\`\`\``).exec(page)?.[1] ?? '';
  const statements = block
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('--'))
    .map((line) => line.replace(/;$/, ''));
  expect(statements.length, kind).toBeGreaterThan(0);
  return statements;
}

const roles = ['ehr_owner', 'accounts_owner', 'onechart_migrator', 'ehr_auditor'];
const linkTables = ['surgical_cases', 'medical_records', 'bills', 'patient_consent_instances', 'insurance_policies'];

interface Host {
  readonly database: TestDatabase;
  /** Puts the page's names of the database and the roles into those of this test; roles belong to the whole server. */
  readonly as: (statement: string) => string;
  readonly urlOf: (role: string) => string;
}

/** A host that belongs to two roles and is closed to everybody else; afterwards the roles are gone again. */
async function onClosedHost(work: (host: Host) => Promise<void>): Promise<void> {
  const database = await createDatabase({ template: 'host' });
  const own = (role: string) => `${role}_${database.name}`;
  const as = (statement: string) =>
    roles.reduce((text, role) => text.replaceAll(role, own(role)), statement).replaceAll(/DATABASE ehr\b/g, `DATABASE ${database.name}`);
  const urlOf = (role: string) => toDatabaseUrl({ ...parseDatabaseUrl(database.url), user: own(role), password: 'least' });
  try {
    await withClient(database.url, async (client) => {
      for (const role of ['ehr_owner', 'accounts_owner']) await client.query(as(`CREATE ROLE ${role} NOLOGIN`));
      await client.query(`REVOKE ALL ON DATABASE ${database.name} FROM PUBLIC; REVOKE ALL ON SCHEMA public FROM PUBLIC`);
      const { rows } = await client.query<{ name: string }>(`SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`);
      for (const { name } of rows) await client.query(as(`ALTER TABLE "${name}" OWNER TO ${linkTables.includes(name) ? 'ehr_owner' : 'accounts_owner'}`));
    });
    await work({ database, as, urlOf });
  } finally {
    await withClient(database.url, async (client) => {
      for (const role of roles) {
        const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [own(role)]);
        if (rowCount) await client.query(`DROP OWNED BY ${own(role)} CASCADE; DROP ROLE ${own(role)}`);
      }
    });
    await database.drop();
  }
}

async function grant({ database, as }: Host, statements: readonly string[]): Promise<void> {
  await withClient(database.url, async (client) => {
    for (const statement of statements) {
      const made = /^CREATE ROLE (\w+) LOGIN/.exec(statement);
      await client.query(as(made ? `${statement} PASSWORD 'least'` : statement));
    }
  });
}

test('with the privileges of the page the whole way works: check, plan, apply, verify, orphans, report, rollback', async () => {
  await onClosedHost(async (host) => {
    await grant(host, statementsOf('sql'));
    const address = parseDatabaseUrl(host.urlOf('onechart_migrator'));
    const { findings } = await checkMigration({ address });
    expect(findings.filter(({ level }) => level === 'block')).toEqual([]);
    const { plan } = await planMigration({ address });
    expect(plan.steps.length).toBeGreaterThan(10);
    const { verification } = await apply({ url: host.urlOf('onechart_migrator') });
    expect(verification.items.filter(({ ok }) => !ok)).toEqual([]);
    expect((await verifyMigration({ address })).ok).toBe(true);
    expect((await listOrphans({ address })).columns.length).toBe(linkTables.length);
    const plain = await plainCatalogue();
    const made = await catalogueOf(host.database);
    expect([...made.foreignKeys.keys()].sort()).toEqual([...plain.foreignKeys.keys()].sort());

    const reader = parseDatabaseUrl(host.urlOf('ehr_auditor'));
    await grant(host, statementsOf('sql reader'));
    expect(await listRuns({ address: reader })).toMatchObject([{ command: 'apply', state: 'done' }]);
    expect(await readRun({ address: reader })).toMatchObject({ steps: expect.arrayContaining([expect.objectContaining({ attempts: 1 })]) });
    await expect(checkMigration({ address: reader }).then((found) => found.findings.some(({ code }) => code === 'PRIVILEGE_MISSING'))).resolves.toBe(true);

    expect((await planRollback({ address })).findings.filter(({ level }) => level === 'block')).toEqual([]);
    expect((await rollbackMigration({ address })).steps.length).toBeGreaterThan(5);
    expect(await host.database.query(`SELECT 1 FROM pg_tables WHERE tablename = 'patients'`)).toEqual([]);
  });
});

/** How each grant is taken back; what is revoked must be missed before anything is changed. */
function revokes(): { revoke: string; grant: string }[] {
  return statementsOf('sql').flatMap((statement) => {
    if (statement.startsWith('CREATE ROLE')) return [];
    if (statement.startsWith('CREATE SCHEMA')) return [{ grant: statement, revoke: 'DROP SCHEMA onechart' }];
    const [, what, rest] = /^GRANT (.*?)( ON .*)? TO onechart_migrator$/.exec(statement) ?? [];
    return (what ?? '').split(', ').map((privilege) => ({ grant: statement, revoke: `REVOKE ${privilege}${rest ?? ''} FROM onechart_migrator` }));
  });
}

test('each privilege of the page is missed when it is taken away, before anything is changed', async () => {
  await onClosedHost(async (host) => {
    await grant(host, statementsOf('sql'));
    const address = parseDatabaseUrl(host.urlOf('onechart_migrator'));
    const seen: string[] = [];
    for (const { revoke, grant: given } of revokes()) {
      await host.database.query(host.as(revoke));
      const told = await checkMigration({ address }).then(
        ({ findings }) => findings.filter(({ level }) => level === 'block').map(({ code }) => code),
        (error: { code: string }) => [error.code],
      );
      expect(told.length, `nothing missed after: ${revoke}`).toBeGreaterThan(0);
      for (const code of told) expect(['PRIVILEGE_MISSING', 'DATABASE_CONNECT_DENIED'], revoke).toContain(code);
      await expect(apply({ url: host.urlOf('onechart_migrator') }), revoke).rejects.toMatchObject({ code: told[0] });
      seen.push(revoke);
      await grant(host, [given]);
    }
    expect(seen.length).toBe(11);
    expect(await host.database.query(`SELECT 1 FROM pg_tables WHERE tablename = 'patients'`)).toEqual([]);
    expect((await checkMigration({ address })).findings.filter(({ level }) => level === 'block')).toEqual([]);
  });
});
