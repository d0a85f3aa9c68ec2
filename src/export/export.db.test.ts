import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCommand } from '../../test/support/command-line.ts';
import { createSampleEhr } from '../../sample-ehr/index.ts';
import { createDatabase, type TestDatabase, withClient } from '../../test/support/database.ts';
import { openTestHttp } from '../../test/support/http.ts';
import { exportRoutes } from '../api/export.routes.ts';
import { fixedClock } from '../base/clock.ts';
import { parseDatabaseUrl } from '../base/config.ts';
import { newId } from '../base/ids.ts';
import { createClient, type OneChartClient } from '../client/client.ts';
import { kyselyOnPool } from '../db/connect.ts';
import type { Ctx } from '../db/context.ts';
import { openServerRegistry } from '../http/registry.ts';
import { listen } from '../http/server.ts';
import { openRegistry, type PatientRepository, type Registry } from '../index.ts';
import { defaultHostProfile, renderModule } from '../migrate/module/index.ts';
import { exportBase } from './base-export.service.ts';
import { csvColumns } from './csv.ts';
import { BaseExportEnd, BaseExportHead, ExportedChart, MaskedChart } from './export.schema.ts';

type Operation = (typeof exportRoutes)[number]['operationId'];

let database: TestDatabase;
let server: ReturnType<typeof openTestHttp>;
let client: OneChartClient;
let baseUrl: string;
let registry: Registry;
let patients: PatientRepository;
let ctx: Ctx;
let folder: string;
/** A chart with something of everything, one that is restricted, and 600 more, so that there are several pages. */
const chart = { id: '', mrn: '', restrictedId: '', others: 600 };

beforeAll(async () => {
  database = await createDatabase({ template: 'migrated' });
  folder = await mkdtemp(join(tmpdir(), 'onechart-export-'));
  server = openTestHttp(database);
  baseUrl = await listen(server, { port: 0, host: '127.0.0.1' });
  client = clientOf('ADMIN');
  registry = await openRegistry({ databaseUrl: database.url });
  patients = registry.patientRepository;
  ctx = {
    db: kyselyOnPool(database.pool()),
    pool: database.pool(),
    actor: { kind: 'service', name: 'test' },
    clock: fixedClock(new Date('2026-03-01T08:00:00Z')),
    newId,
  };
  const made = await patients.create({
    firstName: 'Ana',
    lastName: '=HYPERLINK("x")',
    dateOfBirth: '1990-01-01',
    gender: 'FEMALE',
    phone: '+254201234567',
    addressLine1: '12, "Sample" Street',
    city: 'Nairobi',
  });
  Object.assign(chart, { id: made.id, mrn: made.mrn });
  await patients.addName(made.id, { use: 'TRANSCRIPTION', firstName: 'Анна', lastName: 'Иванова', script: 'Cyrl' });
  await patients.addContact(made.id, { firstName: 'Brian', lastName: '-Otieno', relationship: 'SPOUSE', phone: '+254201234568', isEmergencyContact: true });
  await patients.addDocument(made.id, { documentType: 'PASSPORT', documentNumber: 'A1' });
  await patients.addAllergy(made.id, { allergen: 'Penicillin', allergyType: 'DRUG', severity: 'LIFE_THREATENING' });
  await patients.setRiskFlag(made.id, { flagType: 'FALL_RISK', severity: 'HIGH' });
  await patients.addIdentifier(made.id, { type: 'PPN', value: 'X77', system: 'https://passports.example' });
  const shut = await patients.create({ firstName: 'Hidden', lastName: 'Restrictedperson', dateOfBirth: '1980-01-01' });
  chart.restrictedId = shut.id;
  await patients.restrict(shut.id, { reason: 'A member of staff' });
  await database.query(
    `INSERT INTO patients (mrn, "firstName", "lastName") SELECT 'BULK-' || n, 'Bulk', 'Person' || n FROM generate_series(1, ${chart.others}) n`,
  );
});
afterAll(async () => {
  await registry.close();
  await server.close();
  await rm(folder, { recursive: true });
  await database.drop();
});

const clientOf = (role: string) => createClient({ baseUrl, checkAnswers: true, headers: () => ({ 'x-test-role': role }) });
const onechart = (...args: string[]) => runCommand(['export', ...args], { env: { DATABASE_URL: database.url }, cwd: folder });
const trail = (action: string) =>
  database.query<{ reason: string; after: Record<string, unknown>; patientId: string | null; actorName: string }>(
    `SELECT reason, "after", "patientId", "actorName" FROM patient_audit_events WHERE action LIKE $1 ORDER BY seq`,
    [action],
  );
const linesOf = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { type: string; id?: string });
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** One proof for each operation. A contract without one does not compile. */
const proofs: Readonly<Record<Operation, () => Promise<void>>> = {
  exportPatient: async () => {
    const { body } = await client.exportPatient({ params: { id: chart.id }, body: { reason: 'Request 2026/117' } });
    expect(body).toMatchObject({ format: 'onechart-patient/1', reason: 'Request 2026/117', chart: { mrn: chart.mrn }, exportedBy: { name: 'test-admin' } });
    for (const part of ['names', 'contacts', 'documents', 'allergies', 'riskFlags', 'identifiers'] as const) expect(body[part], part).toHaveLength(1);
    expect(body.audit).toMatchObject({ complete: true });
    expect(body.audit?.events.map(({ action }) => action)).toContain('patient.registered');
    expect((await trail('patient.exported')).at(-1)).toMatchObject({ patientId: chart.id, reason: 'Request 2026/117', actorName: 'test-admin' });
    // Who keeps records is given the chart, and not who looked at it.
    expect((await clientOf('HIM').exportPatient({ params: { id: chart.id }, body: { reason: 'Request' } })).body.audit).toBeNull();
  },
  printFaceSheet: async () => {
    const { body } = await client.printFaceSheet({ params: { id: chart.id } });
    expect(body.headers.get('content-type')).toBe('application/pdf');
    expect((await body.text()).slice(0, 5)).toBe('%PDF-');
    expect((await trail('patient.printed')).at(-1)).toMatchObject({ patientId: chart.id, after: { sheet: 'face' } });
  },
  exportBase: async () => {
    const { body } = await client.exportBase({ body: { reason: 'Move to the new system' } });
    const text = await body.text();
    const [head, ...rest] = linesOf(text);
    const end = rest.pop();
    expect(BaseExportHead.parse(head).filter).toEqual({ status: null, updatedSince: null });
    expect(BaseExportEnd.parse(end)).toEqual({ type: 'end', charts: chart.others + 1, masked: 1 });
    expect(rest.filter(({ type }) => type === 'masked').map((line) => MaskedChart.parse(line).id)).toEqual([chart.restrictedId]);
    expect(text).not.toContain('Restrictedperson');
    const whole = ExportedChart.parse(rest.find(({ id }) => id === chart.id));
    expect([whole.names.length, whole.contacts.length, whole.allergies.length, whole.identifiers.length]).toEqual([1, 1, 1, 1]);
    expect((await trail('registry.%')).slice(-2)).toMatchObject([
      { reason: 'Move to the new system', patientId: null, after: { format: 'ndjson' } },
      { after: { charts: chart.others + 1, masked: 1, bytes: Buffer.byteLength(text), sha256: sha256(Buffer.from(text)) } },
    ]);
  },
};

test.each(exportRoutes.map(({ operationId }) => operationId))('%s works through the client, over a socket, as its contract says', async (operation) => {
  await proofs[operation]();
});

test('nothing leaves without a reason, and nothing of a restricted chart without a grant', async () => {
  await expect(client.exportBase({ body: {} as never })).rejects.toMatchObject({ code: 'INPUT_INVALID' });
  await expect(client.exportPatient({ params: { id: chart.id }, body: { reason: ' ' } })).rejects.toMatchObject({ code: 'INPUT_INVALID' });
  const refused = { code: 'CHART_RESTRICTED' };
  await expect(client.exportPatient({ params: { id: chart.restrictedId }, body: { reason: 'Request' } })).rejects.toMatchObject(refused);
  await expect(client.printFaceSheet({ params: { id: chart.restrictedId } })).rejects.toMatchObject(refused);
  const grant = await client.breakGlass({ params: { id: chart.restrictedId }, body: { reason: 'The person asked for it' } });
  const { body } = await client.exportPatient({ params: { id: chart.restrictedId }, body: { reason: 'Request' } });
  expect(body.chart.lastName).toBe('Restrictedperson');
  expect((await trail('patient.exported')).at(-1)?.after).toMatchObject({ grantId: grant.body.id });
  const all = linesOf(await (await client.exportBase({ body: { reason: 'With a grant' } })).body.text());
  expect(all.at(-1)).toEqual({ type: 'end', charts: chart.others + 2, masked: 0 });
});

test('a chart that is restricted while an export runs is masked from then on', async () => {
  // The last page is read after the first piece was taken.
  const id = 'ffffffff-ffff-7fff-bfff-ffffffffffff';
  await patients.create({ id, firstName: 'Late', lastName: 'Restriction', dateOfBirth: '1970-01-01' });
  const made = await exportBase({ ...ctx, viewer: { role: 'HIM', id: 'somebody' } }, { reason: 'Race' });
  await patients.restrict(id, { reason: 'Protected' });
  let text = '';
  for await (const chunk of made.chunks) text += Buffer.from(chunk).toString();
  expect(text).not.toContain('Late');
  expect(made.result()?.masked).toBe(2);
});

test('a client that goes away ends the export, and the trail says that it broke off', async () => {
  const before = (await trail('registry.export-broken-off')).length;
  // Not by fetch: it opens another connection in place of an aborted one, without a request, and the server waits for that at its end.
  const asked = request(`${baseUrl}/api/v1/export`, { method: 'POST', headers: { 'x-test-role': 'HIM', 'content-type': 'application/json' } }).end(
    '{"reason":"Broken"}',
  );
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  await once(response, 'data');
  response.destroy();
  await expect
    .poll(
      async () => (await trail('registry.export-broken-off')).length + (await trail('registry.exported')).filter(({ reason }) => reason === 'Broken').length,
    )
    .toBe(before + 1);
  await expect.poll(() => database.query(`SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'`)).toEqual([]);
});

test('an export that takes longer than its limit is broken off, and no file of it looks whole', async () => {
  const own = openServerRegistry(parseDatabaseUrl(database.url), { maxConnections: 3, exportSeconds: 0 });
  const brief = openTestHttp(database, { registry: own });
  const asked = brief.inject({ method: 'POST', url: '/api/v1/export', headers: { 'x-test-role': 'HIM' }, payload: { reason: 'Too long' } });
  const ended = await asked.then(
    ({ body }) => body,
    () => '',
  );
  expect(ended).not.toContain('"type":"end"');
  await expect.poll(async () => (await trail('registry.export-broken-off')).at(-1)?.reason).toBe('Too long');
  await brief.close();
  await own.close();
});

test('whoever leaves off after the first piece gives the snapshot back at once', async () => {
  const made = await exportBase(ctx, { reason: 'Only the first page' });
  for await (const chunk of made.chunks) {
    expect(chunk.length).toBeGreaterThan(0);
    break;
  }
  expect(made.result()).toBeUndefined();
  expect((await trail('registry.export-broken-off')).at(-1)).toMatchObject({ reason: 'Only the first page' });
  expect(await database.query(`SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'`)).toEqual([]);
});

test('nothing is read ahead of whoever takes it, so that memory does not grow with the base', async () => {
  const read: number[] = [];
  const made = await exportBase(ctx, { reason: 'Slow reader' }, { onProgress: ({ charts }) => read.push(charts) });
  const pieces: number[] = [];
  for await (const chunk of made.chunks) {
    pieces.push(chunk.length);
    // The head is a piece of its own; after it there is one page a piece.
    expect(read.length).toBeLessThan(pieces.length);
  }
  expect(pieces.length).toBe(4);
});

test('a third export of viewers at once is refused, and admitted when one has ended', async () => {
  const viewer = { ...ctx, viewer: { role: 'HIM', id: 'somebody' } };
  const first = await exportBase(viewer, { reason: 'One' });
  const second = await exportBase(viewer, { reason: 'Two' });
  await expect(exportBase(viewer, { reason: 'Three' })).rejects.toMatchObject({ code: 'EXPORT_BUSY' });
  await first.chunks.return?.();
  const third = await exportBase(viewer, { reason: 'Three' });
  await Promise.all([second.chunks.return?.(), third.chunks.return?.()]);
});

test('an export is one moment: what is registered meanwhile is not in it', async () => {
  const made = await exportBase(ctx, { format: 'csv', reason: 'One moment' });
  await patients.create({ firstName: 'After', lastName: 'Snapshot', dateOfBirth: '1970-01-01' });
  let text = '';
  for await (const chunk of made.chunks) text += Buffer.from(chunk).toString();
  expect(text).not.toContain('Snapshot');
});

test('only what changed since is given, a change of a part and a removed part too', async () => {
  const since = new Date().toISOString();
  await patients.addContact(chart.id, { firstName: 'New', lastName: 'Contact', relationship: 'FRIEND', priority: 9 });
  const made = await exportBase(ctx, { updatedSince: since, status: 'ACTIVE', reason: 'Nightly' });
  let text = '';
  for await (const chunk of made.chunks) text += Buffer.from(chunk).toString();
  expect(linesOf(text).map(({ id }) => id)).toEqual([undefined, chart.id, undefined]);
});

test('the base as CSV: a table that spreadsheets open and do not run', async () => {
  const ended = await onechart('base', '--format', 'csv', '--bom', '--output', 'base.csv', '--reason', 'Statistics', '--json');
  expect(ended).toMatchObject({ code: 0 });
  const bytes = await readFile(join(folder, 'base.csv'));
  expect(JSON.parse(ended.stdout)).toMatchObject({ bytes: bytes.length, sha256: sha256(bytes), masked: 0 });
  expect((await stat(join(folder, 'base.csv'))).mode & 0o777).toBe(0o600);
  const rows = parse(bytes, { bom: true, columns: true }) as Record<string, string>[];
  expect(Object.keys(rows[0] ?? {})).toEqual(csvColumns);
  const [row] = rows.filter(({ mrn }) => mrn === chart.mrn);
  expect(row).toMatchObject({
    lastName: `'=HYPERLINK("x")`,
    dateOfBirth: '1990-01-01',
    phone: '+254201234567',
    addressLine1: '12, "Sample" Street',
    contactLastName: `'-Otieno`,
  });
});

test('the command line writes a file that has its name only when it is whole', async () => {
  const again = await onechart('base', '--output', 'base.ndjson.gz', '--gzip', '--reason', 'Copy');
  expect(again).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+ charts in .*SHA-256 [0-9a-f]{64}\n$/) });
  const lines = linesOf(gunzipSync(await readFile(join(folder, 'base.ndjson.gz'))).toString());
  expect(lines.at(-1)).toMatchObject({ type: 'end' });
  expect(await onechart('base', '--output', 'base.ndjson.gz', '--reason', 'Copy')).toMatchObject({
    code: 69,
    stderr: expect.stringContaining('OUTPUT_UNWRITABLE'),
  });
  expect(await onechart('base', '--output', 'none.ndjson')).toMatchObject({ code: 64, stderr: expect.stringContaining('EXPORT_REASON_MISSING') });
  // What a killed run left is written anew.
  await writeFile(join(folder, 'left.ndjson.partial'), 'broken');
  expect((await onechart('base', '--output', 'left.ndjson', '--status', 'DECEASED', '--reason', 'Copy')).code).toBe(0);
  expect((await readdir(folder)).filter((name) => name.includes('partial'))).toEqual([]);
  expect(linesOf(await readFile(join(folder, 'left.ndjson'), 'utf8')).map(({ type }) => type)).toEqual(['head', 'end']);
});

test('one patient from the command line, as JSON and as a sheet', async () => {
  const json = await onechart('patient', chart.mrn, '--reason', 'Request');
  expect(JSON.parse(json.stdout)).toMatchObject({ format: 'onechart-patient/1', chart: { id: chart.id }, audit: { complete: true } });
  expect(await onechart('patient', chart.mrn, '--format', 'pdf', '--output', 'sheet.pdf')).toMatchObject({ code: 0, stderr: '' });
  expect((await readFile(join(folder, 'sheet.pdf'))).subarray(0, 5).toString()).toBe('%PDF-');
  expect(await onechart('patient', 'NOBODY-1', '--reason', 'Request')).toMatchObject({ code: 66 });
});

test('another registry takes an export, and refuses by name what it would lose', async () => {
  await using other = await createDatabase({ template: 'migrated' });
  expect((await onechart('base', '--output', 'move.ndjson', '--reason', 'Move')).code).toBe(0);
  const ended = await runCommand(['import', join(folder, 'move.ndjson'), '--database-url', other.url, '--errors', join(folder, 'errors.ndjson'), '--json'], {
    cwd: folder,
  });
  const exported = linesOf(await readFile(join(folder, 'move.ndjson'), 'utf8')).flatMap((line) => (line.type === 'chart' ? [ExportedChart.parse(line)] : []));
  const whole = exported.filter(
    ({ allergies, riskFlags, documents, restricted }) => allergies.length + riskFlags.length + documents.length === 0 && !restricted,
  );
  expect(whole.length).toBeLessThan(exported.length);
  const there = await other.query<{ id: string; mrn: string; lastName: string; phone: string | null }>(
    'SELECT id, mrn, "lastName", phone FROM patients ORDER BY id',
  );
  expect(there, ended.stdout + ended.stderr).toEqual(whole.map(({ id, mrn, lastName, phone }) => ({ id, mrn, lastName, phone })));
  const refused = linesOf(await readFile(join(folder, 'errors.ndjson'), 'utf8')) as unknown as { id: string; importErrors: { code: string }[] }[];
  expect(refused.map(({ id }) => id).toSorted()).toEqual(
    exported
      .filter((each) => !whole.includes(each))
      .map(({ id }) => id)
      .toSorted(),
  );
  expect(new Set(refused.flatMap(({ importErrors }) => importErrors.map(({ code }) => code)))).toEqual(new Set(['IMPORT_CHART_HOLDS_MORE']));
});

test('on a host whose ids are text the pages follow each other too, whatever an id looks like', async () => {
  await using texts = await createDatabase({ template: 'empty' });
  await withClient(texts.url, async (client) => {
    await createSampleEhr(client, { idType: 'text', rows: 20 });
    for (const { sql } of renderModule({ ...defaultHostProfile, idType: 'text', userIdType: 'text' })) await client.query(sql);
  });
  await texts.query(`INSERT INTO patients (id, mrn, "lastName") SELECT 'ward/' || n, 'T-' || n, 'Person' FROM generate_series(1, 510) n`);
  const odd = ['a,b', '{c}', '"d"', 'e\\\\f', '患者'];
  await texts.query(`INSERT INTO patients (id, mrn, "lastName") SELECT id, 'O-' || n, 'Odd' FROM unnest($1::text[]) WITH ORDINALITY AS odd(id, n)`, [odd]);
  await texts.query(
    `INSERT INTO patient_allergies ("patientId", allergen, "allergyType", severity) SELECT id, 'Latex', 'OTHER', 'MILD' FROM patients WHERE "lastName" = 'Odd'`,
  );
  const made = await exportBase(
    { ...ctx, db: kyselyOnPool(texts.pool()), pool: texts.pool(), viewer: { role: 'HIM', id: 'somebody' } },
    { reason: 'Text ids' },
  );
  let text = '';
  for await (const chunk of made.chunks) text += Buffer.from(chunk).toString();
  const lines = linesOf(text).flatMap((line) => (line.type === 'chart' ? [ExportedChart.parse(line)] : []));
  expect(new Set(lines.map(({ id }) => id)).size).toBe(515);
  expect(
    lines
      .filter(({ allergies }) => allergies.length === 1)
      .map(({ id }) => id)
      .toSorted(),
  ).toEqual(odd.toSorted());
});
