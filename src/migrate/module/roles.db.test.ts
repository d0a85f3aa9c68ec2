import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabase, moduleMigrations, type TestDatabase, withClient } from '../../../test/support/database.ts';

let database: TestDatabase;
let grantRoles: string;
let isDone: string;
beforeAll(async () => {
  database = await createDatabase({ template: 'migrated' });
  grantRoles = (await moduleMigrations()).find((migration) => migration.name.endsWith('_grant_database_roles'))?.sql ?? '';
  isDone = `SELECT ${/^-- onechart:done-when (.*)$/m.exec(grantRoles)?.[1]} AS done`;
});
afterAll(() => database.drop());

/** Runs work in a transaction under a role and takes it back. */
async function as<Result>(role: string, work: (client: pg.Client) => Promise<Result>): Promise<Result> {
  return withClient(database.url, async (client) => {
    await client.query('BEGIN');
    await client.query(`SET LOCAL ROLE ${role}`);
    try {
      return await work(client);
    } finally {
      await client.query('ROLLBACK');
    }
  });
}

const denied = { code: '42501' };

test('the app registers and changes patients and writes the trail', async () => {
  const id = randomUUID();
  const version = await as('onechart_app', async (client) => {
    await client.query(`INSERT INTO patients (id, mrn, "lastName") VALUES ($1, 'ROLE-TEST-1', 'Example')`, [id]);
    await client.query(`INSERT INTO patient_audit_events (action, "patientId", "actorKind") VALUES ('patient.registered', $1, 'system')`, [id]);
    await client.query(`INSERT INTO patient_contacts ("patientId", "firstName", "lastName", relationship) VALUES ($1, 'Ann', 'Example', 'mother')`, [id]);
    expect((await client.query('DELETE FROM patient_contacts')).rowCount).toBe(1);
    return (await client.query<{ version: number }>('UPDATE patients SET version = version + 1 WHERE id = $1 RETURNING version', [id])).rows[0]?.version;
  });
  expect(version).toBe(2);
});

test.each([
  'DELETE FROM patients',
  'TRUNCATE patients CASCADE',
  'DELETE FROM patient_audit_events',
  `UPDATE patient_audit_events SET reason = 'x'`,
  'TRUNCATE patient_audit_events',
  'DELETE FROM patient_merge_history',
  'DELETE FROM patient_allergies',
  'DELETE FROM patient_risk_flags',
  'DELETE FROM mrn_blocks',
  'UPDATE mrn_formats SET width = 1',
  'DROP TABLE patient_contacts',
])('the app may not: %s', async (statement) => {
  await expect(as('onechart_app', (client) => client.query(statement))).rejects.toMatchObject(denied);
});

test.each([
  'ALTER TABLE patients ADD COLUMN x int',
  'CREATE INDEX ON patients (city)',
  'DROP TYPE "PatientStatus"',
  'ALTER TABLE patients DISABLE TRIGGER ALL',
])('the app may not change the schema: %s', async (statement) => {
  await expect(as('onechart_app', (client) => client.query(statement))).rejects.toMatchObject(denied);
});

test('the auditor reads the trail and no chart; the reader reads charts and changes nothing', async () => {
  expect((await as('onechart_auditor', (client) => client.query('SELECT * FROM patient_audit_events'))).rows).toEqual([]);
  await expect(as('onechart_auditor', (client) => client.query('SELECT * FROM patients'))).rejects.toMatchObject(denied);
  await expect(as('onechart_auditor', (client) => client.query('DELETE FROM patient_audit_events'))).rejects.toMatchObject(denied);
  expect((await as('onechart_reader', (client) => client.query('SELECT * FROM patients'))).rows).toEqual([]);
  await expect(as('onechart_reader', (client) => client.query(`UPDATE patients SET "lastName" = 'x'`))).rejects.toMatchObject(denied);
  await expect(as('onechart_reader', (client) => client.query('SELECT * FROM patient_audit_events'))).rejects.toMatchObject(denied);
});

test('runs again without effect, and says by itself whether it is done', async () => {
  expect(await database.query(isDone)).toEqual([{ done: true }]);
  await database.query(grantRoles);
  expect(await database.query(isDone)).toEqual([{ done: true }]);
  await database.query('REVOKE UPDATE ON patients FROM onechart_app');
  expect(await database.query(isDone)).toEqual([{ done: false }]);
  await database.query(grantRoles);
  expect(await database.query(isDone)).toEqual([{ done: true }]);
});

test('is not done, and does not fail to say so, before the tables are there', async () => {
  await using empty = await createDatabase();
  expect(await empty.query(isDone)).toEqual([{ done: false }]);
});

/** The roles are those of the whole server, so their absence is tried with names of this test's own. */
function withOwnRoles(sql: string, mark: string): string {
  return sql.replaceAll('onechart_', `${mark}_`).replaceAll(`${mark}_:done-when`, 'onechart:done-when');
}

test('two databases may make the roles at the same moment', async () => {
  await using other = await createDatabase({ template: 'migrated' });
  const mark = `both_${randomUUID().slice(0, 8)}`;
  const sql = withOwnRoles(grantRoles, mark);
  try {
    await Promise.all([database.query(sql), other.query(sql)]);
    expect(await other.query(withOwnRoles(isDone, mark))).toEqual([{ done: true }]);
    expect(await database.query(withOwnRoles(isDone, mark))).toEqual([{ done: true }]);
  } finally {
    await dropRoles([database, other], mark);
  }
});

test('an owner who may not create roles gets a notice with the remedy, and what exists is granted', async () => {
  await using host = await createDatabase({ template: 'migrated' });
  const mark = `bare_${randomUUID().slice(0, 8)}`;
  const owner = `${mark}_owner`;
  await host.query(`CREATE ROLE ${owner} NOLOGIN`);
  try {
    await host.query(`CREATE ROLE ${mark}_reader NOLOGIN`);
    await host.query(
      `DO $$ DECLARE t regclass; BEGIN FOR t IN SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' LOOP EXECUTE format('ALTER TABLE %s OWNER TO ${owner}', t); END LOOP; END $$`,
    );
    await host.query(`GRANT ALL ON SCHEMA public TO ${owner}`);
    const { notices, done } = await withClient(host.url, async (client) => {
      const notices: string[] = [];
      client.on('notice', (notice) => notices.push(notice.message ?? ''));
      await client.query(`SET ROLE ${owner}`);
      await client.query(withOwnRoles(grantRoles, mark));
      return { notices, done: (await client.query<{ done: boolean }>(withOwnRoles(isDone, mark))).rows[0]?.done };
    });
    expect(notices).toContainEqual(expect.stringContaining(`CREATE ROLE ${mark}_app NOLOGIN`));
    expect(done).toBe(true);
    expect(await host.query(`SELECT has_table_privilege('${mark}_reader', 'patients', 'SELECT') AS may`)).toEqual([{ may: true }]);
  } finally {
    await host.query(`REASSIGN OWNED BY ${owner} TO CURRENT_USER`);
    await dropRoles([host], mark);
  }
});

async function dropRoles(databases: readonly TestDatabase[], mark: string): Promise<void> {
  const [first] = databases;
  const roles = (await first?.query<{ name: string }>('SELECT rolname AS name FROM pg_roles WHERE starts_with(rolname, $1)', [`${mark}_`])) ?? [];
  for (const { name } of roles) {
    for (const each of databases) await each.query(`DROP OWNED BY ${name}`);
    await first?.query(`DROP ROLE ${name}`);
  }
}
