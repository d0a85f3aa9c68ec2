import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCommand } from '../../test/support/command-line.ts';
import { createSampleEhr } from '../../sample-ehr/index.ts';
import { createDatabase, type TestDatabase, withClient } from '../../test/support/database.ts';
import { newId } from '../base/ids.ts';
import { kyselyOnPool } from '../db/connect.ts';
import { createMrnIssuer } from '../identifier/mrn.service.ts';
import { openRegistry } from '../index.ts';
import { defaultHostProfile, renderModule } from '../migrate/module/index.ts';
import { importFile } from './import.service.ts';
import { prepareImport } from './prepare.service.ts';
import { createRecordSplitter } from './records.ts';
import { readBatches, readBatchesHere } from './source.service.ts';

let database: TestDatabase;
let folder: string;

beforeAll(async () => {
  database = await createDatabase({ template: 'migrated' });
  folder = await mkdtemp(join(tmpdir(), 'onechart-import-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
  await database.drop();
});

async function file(name: string, content: string | Buffer): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

async function importing(args: readonly string[]) {
  return runCommand(['import', ...args, '--database-url', database.url]);
}

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** Runs an import that ends well, and its result. */
async function imported(args: readonly string[]): Promise<Record<string, unknown>> {
  const ended = await importing([...args, '--json']);
  expect(ended, ended.stdout + ended.stderr).toMatchObject({ code: 0 });
  return JSON.parse(ended.stdout) as Record<string, unknown>;
}

async function refused(args: readonly string[]): Promise<{ code: number; error: { code: string; message: string } }> {
  const ended = await importing([...args, '--json']);
  return { code: ended.code, ...(JSON.parse(ended.stdout) as { error: { code: string; message: string } }) };
}

async function readCsv(path: string): Promise<(readonly string[])[]> {
  const splitter = createRecordSplitter({ encoding: 'utf-8', delimiter: ',', quote: '"' });
  return [...splitter.push(await readFile(path)), ...splitter.finish()].map((record) => record.fields ?? []);
}

async function chartsOf(runId: unknown) {
  return database.query<Record<string, unknown>>(
    `SELECT p.*, p."dateOfBirth"::text AS born, a.origin FROM patients p JOIN patient_audit_events a ON a."patientId" = p."id" WHERE a."origin" LIKE $1 ORDER BY a."seq"`,
    [`import ${String(runId)} line %`],
  );
}

test('every wrong row is told with line, column and code; a dry run says the same and writes nothing; corrected, the rows come in', async () => {
  const path = await file(
    'errors.csv',
    [
      'MRN,First name,Last name,DOB,Sex,Phone,Email,Address',
      'E-1,Ana,Wanjiru,31/05/1980,F,+254201234567,ana@example.org,"Moi Avenue 1',
      'Floor 2"',
      'E-2,Joe,Otieno,31/02/1980,M,,,',
      'E-3,Joe,,30/04/1980,M,none,joe,',
      'E-1,Eve,Njeri,01/05/1990,F,,,',
      '"E-4"x,Eve,Njeri,01/05/1990,F,,,',
      'E-5,Sam,Kimani,01/05/1990,M,,,',
    ].join('\r\n'),
  );
  const before = await database.query('SELECT (SELECT count(*) FROM patients) AS charts, (SELECT count(*) FROM import_runs) AS runs');
  const dry = await imported([path, '--dry-run', '--errors', `${path}.dry`]);
  expect(await database.query('SELECT (SELECT count(*) FROM patients) AS charts, (SELECT count(*) FROM import_runs) AS runs')).toEqual(before);
  expect(dry).toMatchObject({ state: 'checked', id: null, rowsRead: 6, rowsImported: 2, rowsRejected: 4 });
  const run = await imported([path]);
  expect(run).toMatchObject({ state: 'completed', rowsRead: 6, rowsImported: 2, rowsRejected: 4, line: 9 });
  const errors = `${path}.errors.csv`;
  expect(await readFile(errors, 'utf8')).toBe(await readFile(`${path}.dry`, 'utf8'));
  expect((await stat(errors)).mode & 0o777).toBe(0o600);
  const [header, ...rows] = await readCsv(errors);
  expect(header).toEqual([
    'import_line',
    'import_column',
    'import_code',
    'import_message',
    'MRN',
    'First name',
    'Last name',
    'DOB',
    'Sex',
    'Phone',
    'Email',
    'Address',
  ]);
  expect(rows.map((row) => row.slice(0, 3))).toEqual([
    ['4', 'DOB', 'IMPORT_DATE_UNREADABLE'],
    ['5', 'lastName; Email; Phone', 'INPUT_INVALID'],
    ['6', 'MRN', 'MRN_TAKEN'],
    ['7', '', 'IMPORT_TEXT_AFTER_QUOTE'],
  ]);
  expect(await chartsOf(run.id)).toMatchObject([
    { mrn: 'E-1', addressLine1: 'Moi Avenue 1 Floor 2', origin: expect.stringMatching(/ line 2$/) },
    { mrn: 'E-5', origin: expect.stringMatching(/ line 8$/) },
  ]);
  // What a person does with the error file: mend the rows, import it as it is.
  const mended = (await readFile(errors, 'utf8'))
    .replace('31/02/1980', '28/02/1980')
    .split('\n')
    .filter((line) => /^(?:import_line|4),/.test(line));
  expect(await imported([await file('mended.csv', mended.join('\n'))])).toMatchObject({ rowsRead: 1, rowsImported: 1 });
});

test('an imported chart is what a registration would have left: row, parts, trail, event, search entry', async () => {
  const person = {
    firstName: 'Zainabu',
    lastName: 'Mwangi',
    dateOfBirth: '1985-03-04',
    gender: 'FEMALE',
    phone: '+254201234599',
    email: 'zm@example.org',
    city: 'Nakuru',
  } as const;
  await using registry = await openRegistry({ databaseUrl: database.url });
  const made = await registry.patientRepository.create(person);
  await registry.patientRepository.addIdentifier(made.id, { type: 'NI', system: 'urn:test:ni', value: 'REG-1' });
  const path = await file('alike.ndjson', `${JSON.stringify({ ...person, identifiers: [{ type: 'NI', system: 'urn:test:ni', value: 'IMP-1' }] })}\n`);
  const run = await imported([path]);
  const [chart] = await chartsOf(run.id);
  const own = new Set(['id', 'mrn', 'createdAt', 'updatedAt', 'born', 'origin']);
  const [registered] = await database.query('SELECT p.*, p."dateOfBirth"::text AS born FROM patients p WHERE "id" = $1', [made.id]);
  const rest = (row: object | undefined) => Object.fromEntries(Object.entries(row ?? {}).filter(([column]) => !own.has(column)));
  expect(rest(chart)).toEqual(rest(registered));
  const beside = async (id: unknown) =>
    database.query(
      `SELECT (SELECT array_agg("type" || "patientVersion" ORDER BY "type") FROM patient_outbox_events WHERE "patientId" = $1 AND "type" = 'patient.registered') AS events,
              (SELECT array_agg("action" || "actorKind" || coalesce("actorName", '')) FROM patient_audit_events WHERE "patientId" = $1 AND "action" = 'patient.registered') AS trail,
              (SELECT "system" || "type" FROM patient_identifiers WHERE "patientId" = $1) AS identifiers,
              (SELECT array(SELECT term FROM unnest(tsvector_to_array("terms")) AS term WHERE term !~ '^[im]:') FROM patient_search_entries WHERE "patientId" = $1) AS terms`,
      [id],
    );
  const [theirs] = await beside(made.id);
  const [ours] = await beside(chart?.id);
  expect({ ...ours, trail: undefined }).toEqual({ ...theirs, trail: undefined });
  expect(ours).toMatchObject({ trail: ['patient.registeredservicecommand line'] });
  expect(await registry.patientRepository.findByIdentifier({ type: 'NI', value: 'IMP-1' })).toMatchObject({ id: chart?.id });
});

test('duplicates within the file and against the base are reported, left out, or refused', async () => {
  const rows = [
    'Given name,Family name,Birth date,Phone,National ID',
    'Tomás,Peña,1971-02-03,+34911234567,N1',
    'PENA,tomas,1971-02-03,,N2',
    'Tomas,Peña,1980-01-01,+34 911 23 45 67,N3',
    'Rosa,Gil,1990-01-01,,N4',
  ];
  const path = await file('twice.csv', rows.join('\n'));
  const run = await imported([path, '--default-country', 'ES']);
  expect(run).toMatchObject({ rowsImported: 4, duplicatesFound: 2 });
  expect((await readCsv(`${path}.duplicates.csv`)).slice(1)).toEqual([
    ['3', 'same name and date of birth', '2', '', 'imported'],
    ['4', 'same name and telephone number', '2', '', 'imported'],
  ]);
  const ids = (await chartsOf(run.id)).map((chart) => chart.id);
  const again = await file('again.csv', `${rows[0]}\n${rows[1]}\nIvo,Novak,1960-01-01,,N9\n`);
  expect(await imported([again, '--duplicates', 'skip'])).toMatchObject({ rowsImported: 1, rowsSkipped: 1, rowsRejected: 0 });
  const found = (await readCsv(`${again}.duplicates.csv`)).slice(1);
  expect(new Set(found.map((row) => row[3]))).toEqual(new Set(ids.slice(0, 3)));
  expect(new Set(found.map((row) => row[4]))).toEqual(new Set(['skipped']));
  const refusal = await file('refused.csv', `${rows[0]}\n${rows[4]}\n`);
  expect(await imported([refusal, '--duplicates', 'refuse'])).toMatchObject({ rowsImported: 0, rowsRejected: 1 });
  expect((await readCsv(`${refusal}.errors.csv`))[1]?.[2]).toBe('IMPORT_DUPLICATE');
});

test('record numbers are kept, the counter moves above them before the first row, former ones count; rows without get new ones', async () => {
  await using registry = await openRegistry({ databaseUrl: database.url });
  const year = new Date().getUTCFullYear();
  const path = await file(
    'numbers.csv',
    `MRN,Old MRN,First name,Last name\nMRN-${year}-00700,,A,Brought\n,,B,New\nMRN-${year}-00650,MRN-${year}-00800,C,Brought\nHOSP/77,,D,Brought\n,,E,New\nMRN-${year}-00700,,F,Twice\n`,
  );
  const run = await imported([path, '--batch-rows', '1']);
  expect(run).toMatchObject({ rowsImported: 5, rowsRejected: 1, mrnsIssued: 2 });
  expect((await chartsOf(run.id)).map((chart) => chart.mrn)).toEqual([
    `MRN-${year}-00700`,
    `MRN-${year}-00801`,
    `MRN-${year}-00650`,
    'HOSP/77',
    `MRN-${year}-00802`,
  ]);
  const next = await registry.patientRepository.create({ firstName: 'G', lastName: 'Later', dateOfBirth: null });
  expect(next.mrn).toBe(`MRN-${year}-00803`);
  expect(await registry.patientRepository.findByIdentifier({ type: 'MR', value: `MRN-${year}-00800` })).toMatchObject({ lastName: 'Brought', firstName: 'C' });
  const report = JSON.parse((await runCommand(['mrn', 'report', '--json', '--database-url', database.url])).stdout) as Record<string, unknown>;
  expect(report).toMatchObject({ unexplained: 0, aheadOfCounter: 0 });
});

test('files as they come: Windows encoding, semicolons, one column, a header alone, nothing at all, UTF-16, a line of 10 MB', async () => {
  const windows = await file('windows.csv', Buffer.from('Vorname;Nachname;Geburtsdatum\r\nJ\u00fcrgen;M\u00fc\u00dfig;31.12.1999\r\n', 'latin1'));
  const run = await imported([windows]);
  expect(await chartsOf(run.id)).toMatchObject([{ firstName: 'Jürgen', lastName: 'Müßig', born: '1999-12-31' }]);
  const marked = await imported([await file('marked.csv', '\uFEFFName\nSukarno\nAna Ruiz\n')]);
  expect((await chartsOf(marked.id)).map((chart) => [chart.firstName, chart.lastName])).toEqual([
    [null, 'Sukarno'],
    ['Ana', 'Ruiz'],
  ]);
  expect(await imported([await file('header.csv', 'First name,Last name\n')])).toMatchObject({ state: 'completed', rowsRead: 0 });
  expect(await refused([await file('empty.csv', '')])).toMatchObject({ code: 64, error: { code: 'IMPORT_FILE_EMPTY' } });
  expect(await refused([await file('utf16.csv', Buffer.from('\uFEFFName\nAna\n', 'utf16le'))])).toMatchObject({
    error: { code: 'IMPORT_ENCODING_UNSUPPORTED' },
  });
  expect(await refused([await file('nameless.csv', 'shoe size\n44\n')])).toMatchObject({ error: { code: 'IMPORT_NAME_COLUMN_MISSING' } });
  expect(await refused([await file('twins.csv', 'Name,Name\na,b\n')])).toMatchObject({ error: { code: 'IMPORT_HEADER_REPEATED' } });
  expect(await refused([await file('doubt.csv', 'Name,DOB\nAna,01/02/1990\n')])).toMatchObject({ code: 70, error: { code: 'IMPORT_MAPPING_DOUBTFUL' } });
  expect(await refused([join(folder, 'missing.csv')])).toMatchObject({ error: { code: 'IMPORT_FILE_UNREADABLE' } });
  const long = await file('long.csv', `Name\n${'x'.repeat(10 << 20)}\nAna Ruiz Soto\n`);
  expect(await imported([long])).toMatchObject({ rowsImported: 1, rowsRejected: 1 });
  expect((await readCsv(`${long}.errors.csv`))[1]?.slice(0, 3)).toEqual(['2', '', 'IMPORT_RECORD_TOO_LONG']);
});

test('a thread of its own reads and checks as this one does', async () => {
  const rows = Array.from({ length: 25 }, (_, index) => `Given${index} Thread${index},${index === 7 ? 'x' : '31/12/1999'}`);
  const path = await file('thread.csv', `Name,DOB\n${rows.join('\n')}\n`);
  const { format } = await prepareImport({ path, today: '2026-11-23' });
  const options = {
    path,
    format,
    from: { byte: 9, line: 2 },
    batchRows: 4,
    check: { now: new Date('2026-11-23T00:00:00Z'), timeZone: 'UTC', authorities: [] },
  };
  const here = await collect(readBatchesHere(options));
  expect(here.map((batch) => batch.rows.length)).toEqual([4, 4, 4, 4, 4, 4, 1]);
  // The size alone decides where a file is read.
  expect(await collect(readBatches({ ...options, fileSize: 1 << 30 }))).toEqual(here);
});

test('identifiers of an authority are held against its pattern and belong to one patient', async () => {
  await using registry = await openRegistry({ databaseUrl: database.url });
  await registry.patientRepository.defineIdentifierAuthority('HIC', { name: 'Health card', type: 'HC', pattern: '[0-9]{4}' });
  const mapping = await file(
    'card.json',
    JSON.stringify({ columns: { Name: 'fullName', Card: { field: 'identifier', authority: 'HIC' }, Other: { field: 'identifier', authority: 'NOBODY' } } }),
  );
  const path = await file('cards.csv', 'Name,Card,Other\nA One,1234,\nB Two,12x4,\nC Three,1234,\nD Four,,9\n');
  expect(await imported([path, '--mapping', mapping])).toMatchObject({ rowsImported: 1, rowsRejected: 3 });
  expect((await readCsv(`${path}.errors.csv`)).slice(1).map((row) => row.slice(0, 3))).toEqual([
    ['3', 'Card', 'IDENTIFIER_PATTERN_MISMATCH'],
    ['4', 'Card', 'IDENTIFIER_TAKEN'],
    ['5', 'Other', 'IDENTIFIER_AUTHORITY_NOT_FOUND'],
  ]);
});

test('who is registered at a desk while an import runs is compared with the rows that follow', async () => {
  const path = await file('beside.csv', 'First name,Last name,DOB\nUno,Prima,1950-01-01\nDue,Seconda,1951-01-01\n');
  await using registry = await openRegistry({ databaseUrl: database.url });
  const prepared = await prepareImport({ path, today: '2026-11-23' });
  const pool = database.pool();
  const mrns = createMrnIssuer();
  let seconds = 0;
  let desk = '';
  // Each look at the clock is a second later, so that nobody has to wait for the desks to be asked.
  const clock = { now: () => new Date(Date.now() + (seconds += 1) * 1000) };
  const result = await importFile(
    { db: kyselyOnPool(pool), pool, actor: { kind: 'service', name: 'test' }, clock, newId },
    {
      path,
      scanned: prepared.scanned,
      format: prepared.format,
      mrns,
      duplicates: 'skip',
      batchRows: 1,
      settings: { timeZone: 'UTC' },
      errorsPath: `${path}.e`,
      duplicatesPath: `${path}.d`,
      onProgress: async ({ rowsRead }) => {
        if (rowsRead === 1) desk = (await registry.patientRepository.create({ firstName: 'due', lastName: 'Séconda', dateOfBirth: '1951-01-01' })).id;
      },
    },
  );
  await mrns.close();
  expect(result).toMatchObject({ rowsImported: 1, rowsSkipped: 1 });
  expect((await readCsv(`${path}.d`))[1]).toEqual(['3', 'same name and date of birth', '', desk, 'skipped']);
});

test('hosts with text ids in a schema of their own: ids are kept, mothers are found among the rows before', async () => {
  await using host = await createDatabase();
  await withClient(host.url, async (client) => {
    await createSampleEhr(client, { idType: 'text', schema: 'ehr', rows: 5 });
    await client.query('SET search_path TO ehr');
    for (const { sql } of renderModule({ ...defaultHostProfile, schema: 'ehr', idType: 'text', userIdType: 'text' })) await client.query(sql);
  });
  const path = await file(
    'text.csv',
    'id,Name,motherId,National ID\nchart 1,Ana Ruiz,,1\nchart 2,Eva Ruiz,chart 1,2\nchart 1,Ida Paz,,3\nchart 3,Leo Paz,chart 9,4\n',
  );
  const mapping = await file(
    'text.yaml',
    'columns: { id: id, Name: fullName, motherId: motherId, "National ID": { field: identifier, type: NI, system: "urn:test:ni" } }',
  );
  for (const expected of [
    { rowsImported: 2, rowsRejected: 2, state: 'completed' },
    { rowsImported: 2, rowsRejected: 2, state: 'completed-before' },
  ]) {
    const ended = await runCommand(['import', path, '--mapping', mapping, '--database-url', host.url, '--schema', 'ehr', '--json']);
    expect(JSON.parse(ended.stdout)).toMatchObject(expected);
  }
  expect((await readCsv(`${path}.errors.csv`)).slice(1).map((row) => row.slice(0, 3))).toEqual([
    ['4', 'id', 'ID_TAKEN'],
    ['5', 'motherId', 'MOTHER_NOT_FOUND'],
  ]);
  expect(await host.query('SELECT "id", "motherId", "lastName" FROM ehr.patients ORDER BY 1')).toEqual([
    { id: 'chart 1', motherId: null, lastName: 'Ruiz' },
    { id: 'chart 2', motherId: 'chart 1', lastName: 'Ruiz' },
  ]);
});

test('a row that the database alone refuses, by a rule of the host, is reported, and the others come in', async () => {
  await database.query(
    `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not here' USING ERRCODE = 'check_violation'; END $$`,
  );
  await database.query(`CREATE TRIGGER refuse BEFORE INSERT ON patients FOR EACH ROW WHEN (NEW."lastName" = 'Forbidden') EXECUTE FUNCTION refuse()`);
  const path = await file('host.csv', 'Name\nA Allowed\nB Forbidden\nC Allowed\nD Forbidden\nE Allowed\n');
  expect(await imported([path])).toMatchObject({ rowsImported: 3, rowsRejected: 2, mrnsIssued: 3 });
  expect((await readCsv(`${path}.errors.csv`)).slice(1).map((row) => row[0])).toEqual(['3', '5']);
  await database.query('DROP TRIGGER refuse ON patients');
});

test('killed with -9 in the middle again and again, the same command and resume go on: no row twice, none lost, reports whole', async () => {
  const total = 3000;
  // Every hundredth row is wrong, every fiftieth is the one before it once more.
  const rows = Array.from({ length: total }, (_, index) => {
    if (index % 100 === 99) return `K-${index},Given${index},,1980-01-01`;
    const person = index % 50 === 49 ? index - 1 : index;
    return `${index % 3 === 0 ? '' : `K-${index}`},Given${person},Family${person},1980-01-01`;
  });
  const path = await file('killed.csv', `MRN,First name,Last name,DOB\n${rows.join('\n')}\n`);
  const whole = await imported([path, '--dry-run', '--errors', `${path}.dry`, '--duplicates-file', `${path}.dry-duplicates`]);
  const command = join(import.meta.dirname, '../../bin/onechart');
  const read = async () => Number((await database.query(`SELECT "rowsRead" FROM import_runs WHERE "filePath" = $1`, [path]))[0]?.rowsRead ?? 0);
  for (const stopAt of [1, 1200]) {
    const child = spawn(process.execPath, [command, 'import', path, '--database-url', database.url, '--batch-rows', '60'], {
      stdio: 'ignore',
      env: { PATH: process.env.PATH },
    });
    const ended = once(child, 'close');
    while (child.exitCode === null && (await read()) < stopAt);
    child.kill('SIGKILL');
    expect((await ended)[1]).toBe('SIGKILL');
  }
  const cut = await read();
  expect(cut).toBeGreaterThanOrEqual(1200);
  expect(cut).toBeLessThan(total);
  const [listed] = (JSON.parse((await importing(['list', '--json'])).stdout) as { imports: { id: string; status: string; filePath: string }[] }).imports;
  expect(listed).toMatchObject({ status: 'RUNNING', filePath: path });
  const run = await imported(['resume', listed?.id ?? '']);
  expect(run).toMatchObject({
    id: listed?.id,
    resumed: true,
    state: 'completed',
    rowsRead: total,
    rowsImported: whole.rowsImported,
    rowsRejected: whole.rowsRejected,
    duplicatesFound: whole.duplicatesFound,
  });
  const lines = (await chartsOf(run.id)).map((chart) => Number(/\d+$/.exec(String(chart.origin))?.[0]));
  const good = rows.flatMap((row, index) => (row.includes(',,1980') ? [] : [index + 2]));
  expect(lines).toEqual(good);
  expect(await readFile(`${path}.errors.csv`, 'utf8')).toBe(await readFile(`${path}.dry`, 'utf8'));
  // Of rows that were imported before the kill the patient is known too.
  const firstThree = async (from: string) => (await readCsv(from)).map((row) => row.slice(0, 3));
  expect(await firstThree(`${path}.duplicates.csv`)).toEqual(await firstThree(`${path}.dry-duplicates`));
  expect(await imported([path])).toMatchObject({ state: 'completed-before', id: run.id });
  const [left] = await database.query(
    `SELECT (SELECT count(*)::int FROM patients p WHERE NOT EXISTS (SELECT FROM patient_search_entries e WHERE e."patientId" = p."id")) AS unfound,
            (SELECT count(*)::int FROM patients p WHERE NOT EXISTS (SELECT FROM patient_outbox_events e WHERE e."patientId" = p."id")) AS untold`,
  );
  expect(left).toEqual({ unfound: 0, untold: 0 });
});

test('of two processes on one import one goes on, and the other finds it done', async () => {
  const path = await file('both.csv', `Name\n${Array.from({ length: 60 }, (_, index) => `Given${index} Both${index}`).join('\n')}\n`);
  const ended = await Promise.all(
    [1, 2].map(async () => importing([path, '--batch-rows', '2', '--json', '--errors', join(folder, 'e'), '--duplicates-file', join(folder, 'd')])),
  );
  const states = ended.map(({ stdout }) => (JSON.parse(stdout) as { state?: string }).state);
  expect(new Set(states)).toEqual(new Set(['completed', 'completed-before']));
  const [count] = await database.query(`SELECT count(*)::int AS n, count(DISTINCT "lastName")::int AS different FROM patients WHERE "lastName" LIKE 'Both%'`);
  expect(count).toEqual({ n: 60, different: 60 });
});
