import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createSampleEhr } from '../../../sample-ehr/index.ts';
import { createDatabase, type TestDatabase, withClient } from '../../../test/support/database.ts';
import { apply, snapshot } from '../../../test/support/migrate.ts';
import { addModuleWithoutKeys, createOrphanHost, linksOf, nullable } from '../../../test/support/orphans.ts';
import { parseDatabaseUrl } from '../../base/config.ts';
import {
  adoptOrphans,
  checkMigration,
  listOrphans,
  listPlaceholders,
  nullOrphans,
  planMigration,
  quarantineOrphans,
  rollbackMigration,
  undoOrphans,
  verifyMigration,
} from '../index.ts';

const at = (database: { url: string }) => ({ address: parseDatabaseUrl(database.url) });
const total = async (database: TestDatabase) => (await listOrphans(at(database))).columns.reduce((sum, { rows }) => sum + rows, 0);
const people = (database: TestDatabase) =>
  database.query<{ id: string; mrn: string; lastName: string }>('SELECT id::text, mrn, "lastName" FROM patients ORDER BY id');

test('list before apply: every id is an orphan; it changes nothing', async () => {
  await using host = await createOrphanHost();
  const before = await snapshot(host);
  const ids: string[] = [];
  const { columns, patientsThere } = await listOrphans({
    ...at(host),
    onIds: async (portion) => {
      ids.push(...portion.map(({ table, column, id, rows }) => `${table} ${column} ${id} ${rows}`));
    },
  });
  expect(patientsThere).toBe(false);
  expect(columns.map(({ table, rows, ids: distinct, blankRows, samples }) => [table, rows, distinct, blankRows, samples.length])).toEqual(
    ['surgical_cases', 'medical_records', 'bills', 'patient_consent_instances', 'insurance_policies'].map((table) => [table, 20, 20, 0, 3]),
  );
  expect(ids).toHaveLength(100);
  expect(ids.filter((line) => line.startsWith('bills patientId '))).toHaveLength(20);
  expect(await snapshot(host)).toEqual(before);
  expect((await listOrphans({ ...at(host), tables: ['bills'] })).columns.map(({ table }) => table)).toEqual(['bills']);
  await expect(listOrphans({ ...at(host), tables: ['bill'] })).rejects.toMatchObject({ code: 'ORPHAN_TABLE_UNKNOWN', kind: 'not-found' });
});

test('apply refuses undecided orphans and names the commands; check says the same; nothing is changed', async () => {
  await using host = await createOrphanHost();
  const before = await snapshot(host);
  await expect(apply(host)).rejects.toMatchObject({
    code: 'ORPHANS_PRESENT',
    kind: 'unsafe',
    message: expect.stringContaining('onechart migrate orphans adopt'),
  });
  const { findings } = await checkMigration(at(host));
  expect(findings.filter(({ code }) => code === 'ORPHANS_PRESENT')).toHaveLength(5);
  expect(await snapshot(host)).toEqual(before);
});

test.each(['uuid', 'text'] as const)(
  'adopted before apply (%s ids): written down, carried out between key and validation, one patient per id',
  async (idType) => {
    await using host = await createOrphanHost({ idType });
    const links = await linksOf(host);
    expect(await adoptOrphans(at(host))).toMatchObject({ outcome: 'decided', columns: [] });
    const { columns } = await listOrphans(at(host));
    expect(columns.map(({ decided }) => decided)).toEqual(Array(5).fill('adopt'));
    const { plan } = await planMigration(at(host));
    const keys = plan.steps.map(({ key }) => key);
    expect(keys.indexOf('orphans bills.patientId')).toBe(keys.indexOf('validate bills_patientId_fkey') - 1);
    expect(keys.indexOf('orphans surgical_cases.patientId')).toBeGreaterThan(keys.indexOf('add insurance_policies_patientId_fkey'));

    const { verification, steps } = await apply(host);
    expect(verification.ok).toBe(true);
    expect(await linksOf(host)).toEqual(links);
    const made = await people(host);
    expect(made.map(({ id }) => id)).toEqual([...new Set(links.bills)].filter((id) => id !== null).sort());
    expect(made.every(({ id, mrn, lastName }) => mrn === `ORPHAN:${id}` && lastName === 'UNKNOWN')).toBe(true);
    const done = steps.map(({ step }) => step.key);
    expect(done.indexOf('adopt surgical_cases.patientId 1')).toBeGreaterThan(done.indexOf('add surgical_cases_patientId_fkey'));
    expect(done.indexOf('adopt surgical_cases.patientId 1')).toBeLessThan(done.indexOf('validate surgical_cases_patientId_fkey'));
    expect(await listPlaceholders(at(host))).toMatchObject({ waiting: 20, completed: 0, oldest: { length: 20 } });
    expect(await total(host)).toBe(0);
    expect((await apply(host)).steps).toEqual([]);
  },
);

test('apply --orphans decides for all tables; orphans written between the decision and the key are covered', async () => {
  await using host = await createOrphanHost();
  const late = '99999999-9999-4999-8999-999999999999';
  let written = false;
  const { verification } = await apply(host, {
    orphans: 'adopt',
    onEvent: async (event) => {
      if (event.type !== 'step-started' || event.step.key !== 'add bills_patientId_fkey') return;
      written = true;
      await host.query(`UPDATE bills SET "patientId" = $1 WHERE id = (SELECT id FROM bills WHERE "patientId" IS NULL LIMIT 1)`, [late]);
    },
  });
  expect([written, verification.ok]).toEqual([true, true]);
  expect((await people(host)).map(({ id }) => id)).toContain(late);
});

test('apply --orphans null is refused before anything is changed where a column is NOT NULL', async () => {
  await using host = await createOrphanHost();
  const before = await snapshot(host);
  await expect(apply(host, { orphans: 'null' })).rejects.toMatchObject({ code: 'ORPHAN_COLUMN_NOT_NULL', kind: 'unsafe' });
  await expect(nullOrphans(at(host))).rejects.toMatchObject({ code: 'ORPHAN_COLUMN_NOT_NULL' });
  await expect(quarantineOrphans(at(host))).rejects.toMatchObject({ code: 'ORPHAN_COLUMN_NOT_NULL' });
  expect(await snapshot(host)).toEqual(before);
});

test.each(['quarantine', 'null'] as const)('%s before apply, batch by batch; undo puts every id back', async (action) => {
  await using host = await createOrphanHost();
  const links = await linksOf(host);
  const whole = await host.query(`SELECT to_jsonb(b) AS row FROM bills b WHERE "patientId" IS NOT NULL ORDER BY id`);
  const work = action === 'null' ? nullOrphans : quarantineOrphans;
  const { columns, steps } = await work({ ...at(host), tables: nullable, batchRows: 7, reason: 'registry lost' });
  expect(columns).toEqual(nullable.map((table) => ({ table, column: 'patientId', action, done: 20, left: false })));
  expect(steps.length).toBe(9);
  const after = await linksOf(host);
  for (const table of nullable) expect(after[table]?.every((id) => id === null)).toBe(true);
  const kept = await host.query(
    `SELECT r.row FROM onechart.orphan_rows r JOIN onechart.orphan_work w ON w.id = r."workId" WHERE w."tableName" = 'bills' AND w.reason = 'registry lost' ORDER BY r.key->>'id'`,
  );
  expect(kept).toEqual(action === 'null' ? Array(20).fill({ row: null }) : whole);

  const undone = await undoOrphans({ ...at(host), batchRows: 6 });
  expect(undone.columns.map(({ table, undone: number, left }) => [table, number, left])).toEqual([...nullable].reverse().map((table) => [table, 20, []]));
  expect(await linksOf(host)).toEqual(links);
  await expect(undoOrphans(at(host))).rejects.toMatchObject({ code: 'ORPHAN_WORK_MISSING' });
});

test('apply --orphans quarantine on the tables that allow it, adopt on the others', async () => {
  await using host = await createOrphanHost();
  await adoptOrphans({ ...at(host), tables: ['patient_consent_instances', 'insurance_policies.patientId'] });
  await quarantineOrphans({ ...at(host), tables: nullable });
  const { verification } = await apply(host);
  expect(verification.ok).toBe(true);
  expect((await people(host)).length).toBe(20);
  // The patients exist, so the ids may come back although the keys are there.
  const [run] = await host.query<{ id: string }>(`SELECT id FROM onechart.migration_runs WHERE command = 'orphans quarantine'`);
  const { columns } = await undoOrphans({ ...at(host), run: Number(run?.id) });
  expect(columns.map(({ undone, left }) => [undone, left])).toEqual(Array(3).fill([20, []]));
  expect((await verifyMigration(at(host))).ok).toBe(true);
});

test('undo of NULL once the key is there: only where the patient exists and the column is still free; the rest is told by reason', async () => {
  await using host = await createOrphanHost({ orphans: 15 });
  const before = await host.query<{ id: string; patient: string }>(`SELECT id, "patientId" AS patient FROM bills WHERE "patientId" IS NOT NULL ORDER BY id`);
  await nullOrphans({ ...at(host), tables: nullable });
  await host.query('DELETE FROM patient_consent_instances');
  await host.query('DELETE FROM insurance_policies');
  await apply(host);
  const [known, other] = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222'];
  await host.query(`INSERT INTO patients (id, mrn, "lastName") VALUES ($1, 'X-1', 'Example'), ($2, 'X-2', 'Example'), ($3, 'X-3', 'Example')`, [
    known,
    other,
    before[0]?.patient,
  ]);
  await host.query('UPDATE bills SET "patientId" = $2 WHERE id = $1', [before[1]?.id, other]);
  await host.query('DELETE FROM bills WHERE id = $1', [before[2]?.id]);
  const { columns } = await undoOrphans(at(host));
  expect(columns.find(({ table }) => table === 'bills')).toMatchObject({
    undone: 1,
    left: [
      { reason: 'the key is there and no patient has the old id', count: before.length - 3 },
      { reason: 'the row has another patient now', count: 1 },
      { reason: 'the row is gone', count: 1 },
    ].filter(({ count }) => count > 0),
  });
  expect(await host.query('SELECT "patientId" AS patient FROM bills WHERE id = $1', [before[0]?.id])).toEqual([{ patient: before[0]?.patient }]);
});

test('adopt at once where the patients exist and the keys do not; undo deletes what is untouched and unnamed', async () => {
  await using host = await createOrphanHost();
  await addModuleWithoutKeys(host);
  const links = await linksOf(host);
  const { outcome, columns, steps } = await adoptOrphans({ ...at(host), batchRows: 6 });
  expect(outcome).toBe('done');
  expect(columns.map(({ table, done }) => [table, done])).toEqual([
    ['surgical_cases', 20],
    ...[...nullable.slice(1), 'patient_consent_instances', 'insurance_policies'].map((table) => [table, 0]),
  ]);
  expect(steps.length).toBe(4);
  expect(await listPlaceholders(at(host))).toMatchObject({ waiting: 20 });
  const [touched, named] = await people(host);
  await host.query(`UPDATE patients SET "firstName" = 'Ann' WHERE id = $1`, [touched?.id]);
  await host.query(`INSERT INTO patient_contacts ("patientId", "firstName", "lastName", relationship) VALUES ($1, 'Ann', 'Example', 'mother')`, [named?.id]);
  const undone = await undoOrphans({ ...at(host), batchRows: 7 });
  expect(undone.columns).toEqual([
    {
      table: 'surgical_cases',
      column: 'patientId',
      action: 'adopt',
      undone: 18,
      left: [
        { reason: 'rows of patient_contacts.patientId name the patient, and its key is there', count: 1, samples: [named?.id] },
        { reason: 'the patient was changed since', count: 1, samples: [touched?.id] },
      ],
    },
  ]);
  expect((await people(host)).map(({ id }) => id)).toEqual([touched?.id, named?.id]);
  expect(await listPlaceholders(at(host))).toMatchObject({ waiting: 2 });
  expect(await linksOf(host)).toEqual(links);
});

test('undo of adopt while the keys are there would make orphans: nothing is deleted and the reason is told', async () => {
  await using host = await createOrphanHost();
  await apply(host, { orphans: 'adopt' });
  const { columns } = await undoOrphans(at(host));
  expect(columns).toMatchObject([{ undone: 0, left: [{ count: 20, reason: expect.stringContaining('name the patient, and its key is there') }] }]);
  expect((await people(host)).length).toBe(20);
  expect((await verifyMigration(at(host))).ok).toBe(true);
});

test('undo of a decision takes it back', async () => {
  await using host = await createOrphanHost();
  await adoptOrphans(at(host));
  expect(await undoOrphans(at(host))).toMatchObject({ columns: [] });
  await expect(apply(host)).rejects.toMatchObject({ code: 'ORPHANS_PRESENT' });
});

test('text ids: empty ones are listed and refused by adopt; null --blank takes them alone; odd ones are adopted as they are', async () => {
  await using host = await createOrphanHost({ idType: 'text', orphans: 0 });
  const odd = ['', ' \t', `O'Brien "x", \\1 {}`, `${'long '.repeat(40)}`, ' 42 ', 'zażółć 中'];
  for (const [index, id] of odd.entries())
    await host.query(`UPDATE bills SET "patientId" = $1 WHERE id = (SELECT id FROM bills ORDER BY id OFFSET $2 LIMIT 1)`, [id, index]);
  const { columns } = await listOrphans({ ...at(host), tables: ['bills'] });
  expect(columns).toMatchObject([{ rows: 6, ids: 6, blankRows: 2 }]);
  const before = await snapshot(host);
  await expect(adoptOrphans(at(host))).rejects.toMatchObject({ code: 'ORPHAN_IDS_BLANK', kind: 'unsafe', message: expect.stringContaining('bills.patientId') });
  await expect(apply(host, { orphans: 'adopt' })).rejects.toMatchObject({ code: 'ORPHAN_IDS_BLANK' });
  expect(await snapshot(host)).toEqual(before);
  expect((await nullOrphans({ ...at(host), blankOnly: true })).columns).toMatchObject([{ table: 'bills', done: 2 }]);
  const { verification } = await apply(host, { orphans: 'adopt' });
  expect(verification.ok).toBe(true);
  expect((await people(host)).map(({ id }) => id).sort()).toEqual(odd.slice(2).sort());
  expect((await people(host)).every(({ mrn }) => mrn.startsWith('ORPHAN:') && mrn.length <= 50)).toBe(true);
});

test('a table without a primary key: quarantine and null are refused with the remedy, adopt works', async () => {
  await using host = await createOrphanHost();
  await host.query('ALTER TABLE bills DROP CONSTRAINT bills_pkey CASCADE');
  await expect(nullOrphans({ ...at(host), tables: ['bills'] })).rejects.toMatchObject({ code: 'ORPHAN_TABLE_WITHOUT_KEY', kind: 'unsafe' });
  expect((await apply(host, { orphans: 'adopt' })).verification.ok).toBe(true);
});

test('another schema, odd names and a key of two columns', async () => {
  await using host = await createDatabase();
  const schema = `Ehr "x" 'y'`;
  await withClient(host.url, async (client) => {
    await createSampleEhr(client, { schema, rows: 50 });
    await client.query(`SET search_path TO "Ehr ""x"" 'y'"`);
    await client.query(`CREATE TABLE "Odd ""t"" 'u' \\ $1" ("a b" int, "c'd" text, "the ""patient""" uuid, PRIMARY KEY ("a b", "c'd"))`);
    await client.query(`INSERT INTO "Odd ""t"" 'u' \\ $1" SELECT i, 'k''' || i, gen_random_uuid() FROM generate_series(1, 30) AS i`);
  });
  const options = { address: { ...parseDatabaseUrl(host.url), schema }, linkTables: [`Odd "t" 'u' \\ $1.the "patient"`] };
  const table = `"Ehr ""x"" 'y'"."Odd ""t"" 'u' \\ $1"`;
  const before = await host.query(`SELECT * FROM ${table} ORDER BY 1`);
  expect((await quarantineOrphans({ ...options, batchRows: 11 })).columns).toMatchObject([{ done: 30 }]);
  expect(await host.query(`SELECT count("the ""patient""")::int AS left FROM ${table}`)).toEqual([{ left: 0 }]);
  expect((await undoOrphans(options)).columns).toMatchObject([{ undone: 30, left: [] }]);
  expect(await host.query(`SELECT * FROM ${table} ORDER BY 1`)).toEqual(before);
  expect((await apply(host, { ...options, orphans: 'adopt' })).verification.ok).toBe(true);
  expect(await listPlaceholders(options)).toMatchObject({ waiting: 30 });
});

test('a partitioned link table: its partitions are gone over one by one, and undo finds the rows by their key', async () => {
  await using host = await createDatabase({ template: 'host' });
  await host.query(`CREATE TABLE visits (region text, id int, "patientId" uuid, PRIMARY KEY (region, id)) PARTITION BY LIST (region)`);
  for (const region of ['east', 'west']) await host.query(`CREATE TABLE visits_${region} PARTITION OF visits FOR VALUES IN ('${region}')`);
  await host.query(`INSERT INTO visits SELECT r, i, md5(i::text)::uuid FROM unnest(ARRAY['east', 'west']) AS r, generate_series(1, 40) AS i`);
  const options = { ...at(host), linkTables: ['visits'] };
  const before = await host.query('SELECT * FROM visits ORDER BY 1, 2');
  expect((await listOrphans(options)).columns).toMatchObject([{ table: 'visits', rows: 80, ids: 40 }]);
  expect((await nullOrphans({ ...options, batchRows: 15 })).columns).toMatchObject([{ done: 80 }]);
  expect((await undoOrphans({ ...options, batchRows: 15 })).columns).toMatchObject([{ undone: 80, left: [] }]);
  expect(await host.query('SELECT * FROM visits ORDER BY 1, 2')).toEqual(before);
  expect((await apply(host, { ...options, orphans: 'adopt' })).verification.ok).toBe(true);
  expect((await people(host)).length).toBe(40);
});

test('a link table in another schema than the module', async () => {
  await using host = await createDatabase({ template: 'host' });
  await host.query('CREATE SCHEMA "Labs"');
  await host.query('CREATE TABLE "Labs".results (id int PRIMARY KEY, "patientId" uuid)');
  await host.query('INSERT INTO "Labs".results SELECT i, md5(i::text)::uuid FROM generate_series(1, 10) AS i');
  const dir = await mkdtemp(join(folder, 'prisma-'));
  await mkdir(join(dir, 'migrations/20270101000000_link_labs'), { recursive: true });
  await writeFile(
    join(dir, 'migrations/20270101000000_link_labs/migration.sql'),
    'ALTER TABLE "Labs"."results" ADD CONSTRAINT "results_patientId_fkey" FOREIGN KEY ("patientId") REFERENCES "public"."patients"("id") ON DELETE RESTRICT ON UPDATE CASCADE;',
  );
  await apply(host);
  const options = { ...at(host), dir };
  const labs = async () => (await listOrphans(options)).columns.find(({ table }) => table === '"Labs"."results"');
  expect(await labs()).toMatchObject({ rows: 10, ids: 10 });
  expect((await quarantineOrphans({ ...options, batchRows: 4 })).columns).toMatchObject([{ done: 10 }]);
  expect((await undoOrphans(options)).columns).toMatchObject([{ undone: 10, left: [] }]);
  await apply(host, { dir, orphans: 'adopt' });
  expect(await labs()).toMatchObject({ rows: 0 });
  expect(await listPlaceholders(at(host))).toMatchObject({ waiting: 10 });
});

test('undo after the module was rolled back: the patients are gone with it', async () => {
  await using host = await createOrphanHost();
  await apply(host, { orphans: 'adopt' });
  await rollbackMigration({ ...at(host), discardData: true });
  expect((await undoOrphans(at(host))).columns).toMatchObject([{ undone: 20, left: [] }]);
  await expect(undoOrphans(at(host))).rejects.toMatchObject({ code: 'ORPHAN_WORK_MISSING' });
  // What was carried out once is no decision for the next time.
  await expect(apply(host)).rejects.toMatchObject({ code: 'ORPHANS_PRESENT' });
  expect((await apply(host, { orphans: 'adopt' })).verification.ok).toBe(true);
  expect(await listPlaceholders(at(host))).toMatchObject({ waiting: 20 });
});

test('a decision that is taken back takes what the file said along', async () => {
  await using host = await createOrphanHost();
  const [id] = [...new Set((await linksOf(host)).bills)].filter((each) => each !== null);
  await adoptOrphans({ ...at(host), from: await fileOf('one.csv', ['id,lastName', `${id},Example`]) });
  expect(await host.query('SELECT count(*)::int AS staged FROM onechart.orphan_demographics')).toEqual([{ staged: 1 }]);
  await undoOrphans(at(host));
  expect(await host.query('SELECT count(*)::int AS staged FROM onechart.orphan_demographics')).toEqual([{ staged: 0 }]);
});

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'onechart-orphans-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function fileOf(name: string, lines: readonly string[]): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, `${lines.join('\r\n')}\r\n`);
  return file;
}

test('adopt --from: known people do not wait, unknown ones do; ids that are no orphans are told; nothing of a person stays in the journal', async () => {
  await using host = await createOrphanHost();
  const ids = [...new Set((await linksOf(host)).bills)].filter((id) => id !== null).sort();
  const stranger = '33333333-3333-4333-8333-333333333333';
  const from = await fileOf('people.csv', [
    'id,firstName,lastName,dateOfBirth,gender,phone,email,mrn',
    `${ids[0]?.toUpperCase()},Zenobia,"O'Hara, ""Zee""",1980-02-29,female,+1 555 0100,Zee@Example.org,OLD-1`,
    `${ids[1]},,Mononymous,,,,,`,
    `${stranger},Nobody,Known,1990-01-01,,,,`,
  ]);
  const decided = await adoptOrphans({ ...at(host), from });
  expect(decided).toMatchObject({ outcome: 'decided', file: { lines: 3, notOrphans: { count: 1, samples: [stranger] }, completed: 0 } });
  await apply(host);
  const [zee, mono] = await host.query(
    `SELECT mrn, "firstName", "lastName", "dateOfBirth"::text AS born, gender, email FROM patients WHERE id = ANY ($1) ORDER BY id`,
    [ids.slice(0, 2)],
  );
  expect(zee).toEqual({ mrn: 'OLD-1', firstName: 'Zenobia', lastName: `O'Hara, "Zee"`, born: '1980-02-29', gender: 'FEMALE', email: 'zee@example.org' });
  expect(mono).toMatchObject({ mrn: `ORPHAN:${ids[1]}`, lastName: 'Mononymous', firstName: null });
  expect(await listPlaceholders(at(host))).toMatchObject({ waiting: 18 });
  expect(await host.query('SELECT count(*)::int AS staged FROM onechart.orphan_demographics')).toEqual([{ staged: 0 }]);
  const [journal] = await host.query<{ text: string }>(
    `SELECT coalesce(string_agg(s::text, ''), '') || (SELECT string_agg(r::text, '') FROM onechart.migration_runs r) AS text FROM onechart.migration_steps s`,
  );
  expect(journal?.text).not.toMatch(/Zenobia|O'Hara|Mononymous|1980-02-29|555 0100/);

  // Later, for placeholders that already wait; one of them somebody has begun to fill in.
  await host.query(`UPDATE patients SET "firstName" = 'Begun' WHERE id = $1`, [ids[3]]);
  const more = await fileOf('more.csv', ['id;lastName;dateOfBirth', `${ids[2]};Later;1970-01-01`, `${ids[3]};Other;1970-01-01`]);
  expect(await adoptOrphans({ ...at(host), from: more })).toMatchObject({ outcome: 'done', columns: [], file: { completed: 1, begun: 1 } });
  expect(await listPlaceholders(at(host))).toMatchObject({ waiting: 17, completed: 1 });
  expect(await host.query(`SELECT "lastName", version FROM patients WHERE id = ANY ($1) ORDER BY id`, [ids.slice(2, 4)])).toEqual([
    { lastName: 'Later', version: 2 },
    { lastName: 'UNKNOWN', version: 1 },
  ]);
  expect(await undoOrphans(at(host))).toMatchObject({ columns: [{ action: 'complete', undone: 1, left: [] }] });
  expect(await listPlaceholders(at(host))).toMatchObject({ waiting: 18, completed: 0 });
  expect((await verifyMigration(at(host))).ok).toBe(true);
});

test('adopt --from: every wrong line is named with line, column and remedy, no value is told, and nothing at all is changed', async () => {
  await using host = await createOrphanHost();
  const [id, second] = [...new Set((await linksOf(host)).bills)].filter((each) => each !== null);
  const from = await fileOf('wrong.csv', [
    'id,firstName,lastName,dateOfBirth,gender,email,bloodType,phone,mrn',
    `${id},Secretname,Example,1980-02-30,FEMALE,a@b,A+,1,M-1`,
    `not-a-uuid,Secretname,,1980-01-01,WOMAN,nomail,Z,none,ORPHAN:1`,
    `${second},"Secret\nname",${'x'.repeat(101)},1800-01-01,,,,,`,
    `${second},Secretname,Example,,,,,,M-1`,
    `${second},Secretname,Example,,,,,,M-1`,
    'too,few',
  ]);
  const before = await snapshot(host);
  const error = await adoptOrphans({ ...at(host), from }).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'PATIENTS_FILE_INVALID', kind: 'invalid' });
  const { problems, count } = (error as { details: { problems: { line: number; column: string; remedy: string }[]; count: number } }).details;
  expect(problems.map(({ line, column }) => `${line} ${column}`)).toEqual([
    '2 dateOfBirth',
    ...['id', 'lastName', 'gender', 'email', 'bloodType', 'phone', 'mrn'].map((column) => `3 ${column}`),
    '4 lastName',
    '4 dateOfBirth',
    '7 id',
    '7 mrn',
    '8 (line)',
  ]);
  expect(count).toBe(problems.length);
  expect(JSON.stringify([problems, (error as Error).message])).not.toMatch(/Secret|1980-02-30|WOMAN|nomail/);
  expect(await snapshot(host)).toEqual(before);
});

test.each([
  ['an unknown column', ['id,lastName,surname', 'x,y,z'], 'PATIENTS_FILE_HEADER'],
  ['no lastName', ['id,firstName', 'x,y'], 'PATIENTS_FILE_HEADER'],
  ['an open quote', ['id,lastName', '"x,y'], 'PATIENTS_FILE_UNREADABLE'],
])('adopt --from with %s is refused', async (_, lines, code) => {
  await using host = await createOrphanHost();
  await expect(adoptOrphans({ ...at(host), from: await fileOf('header.csv', lines) })).rejects.toMatchObject({ code, kind: 'invalid' });
});

test('adopt --from with a file that is not there, and one that is not UTF-8', async () => {
  await using host = await createOrphanHost();
  await expect(adoptOrphans({ ...at(host), from: join(folder, 'nowhere.csv') })).rejects.toMatchObject({ code: 'PATIENTS_FILE_UNREADABLE' });
  const latin = join(folder, 'latin.csv');
  await writeFile(latin, Buffer.concat([await readFile(await fileOf('ascii.csv', ['id,lastName'])), Buffer.from([0x78, 0x2c, 0xe9, 0x0a])]));
  await expect(adoptOrphans({ ...at(host), from: latin })).rejects.toMatchObject({
    code: 'PATIENTS_FILE_UNREADABLE',
    message: expect.stringContaining('UTF-8'),
  });
});
