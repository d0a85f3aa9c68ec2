import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabase, type TestDatabase } from '../../test/support/database.ts';
import { openTestHttp, testPrincipal } from '../../test/support/http.ts';
import { sealAuditTrail } from '../audit/seal.service.ts';
import { createClient, type OneChartClient } from '../client/client.ts';
import { kyselyOnPool } from '../db/connect.ts';
import { listen } from './server.ts';

let database: TestDatabase;
let server: ReturnType<typeof openTestHttp>;
let nurse: OneChartClient;
let auditor: OneChartClient;
let id: string;

beforeAll(async () => {
  database = await createDatabase({ template: 'migrated' });
  server = openTestHttp(database);
  const baseUrl = await listen(server, { port: 0, host: '127.0.0.1' });
  const as = (role: string) => createClient({ baseUrl, checkAnswers: true, headers: () => ({ 'x-test-role': role }) });
  [nurse, auditor] = [as('NURSE'), as('AUDITOR')];
  ({ id } = (await nurse.registerPatient({ body: { firstName: 'Quinta', lastName: 'Zedekia', dateOfBirth: '1990-01-01' } })).body);
  await nurse.getPatient({ params: { id } });
  await nurse.searchPatients({ body: { lastName: 'Zedekia' } });
});
afterAll(async () => {
  await server.close();
  await database.drop();
});

test('who looked at a chart, when and from where, newest first, page by page; and reading that is recorded', async () => {
  const first = await auditor.listChartAudit({ params: { id }, query: { limit: 1 } });
  expect(first.body.items).toMatchObject([
    {
      action: 'patient.viewed',
      patientId: id,
      actorKind: 'account',
      actorName: 'test-nurse',
      origin: '127.0.0.1',
      fields: ['by'],
      valuesHidden: true,
      after: null,
    },
  ]);
  expect(first.body.items[0]?.requestId).toBeTruthy();
  const second = await auditor.listChartAudit({ params: { id }, query: { limit: 1, cursor: first.body.nextCursor ?? '' } });
  expect(second.body.items).toMatchObject([{ action: 'patient.registered' }]);
  expect(JSON.stringify([first.body, second.body])).not.toMatch(/Quinta|Zedekia|1990/);
  const own = await auditor.listChartAudit({ params: { id }, query: { action: 'audit.read' } });
  expect(own.body.items).toHaveLength(2);
  expect(own.body.items[0]).toMatchObject({ actorName: 'test-auditor' });
  await expect(auditor.listChartAudit({ params: { id: '0190b6b2-6d0f-7c3a-9c6e-00000000ffff' } })).rejects.toMatchObject({ code: 'PATIENT_NOT_FOUND' });
});

test('searches that showed the chart among others', async () => {
  const now = Date.now();
  const query = { from: new Date(now - 3_600_000).toISOString(), to: new Date(now + 60_000).toISOString() };
  expect((await auditor.listChartListings({ params: { id }, query })).body.items).toMatchObject([{ action: 'patient.searched', actorName: 'test-nurse' }]);
  await expect(auditor.listChartListings({ params: { id }, query: { from: '2026-01-01T00:00:00Z', to: '2026-03-01T00:00:00Z' } })).rejects.toMatchObject({
    code: 'INPUT_INVALID',
  });
});

test('the whole trail by actor, action and time, and cursors of one kind are not taken by another', async () => {
  const { id: actorId } = testPrincipal('NURSE');
  const of = await auditor.listAuditEvents({ query: { actorId, limit: 2 } });
  expect(of.body.items.map(({ actorName }) => actorName)).toEqual(['test-nurse', 'test-nurse']);
  const all = await auditor.listAuditEvents({ query: { limit: 1 } });
  const next = await auditor.listAuditEvents({ query: { limit: 100, cursor: all.body.nextCursor ?? '' } });
  expect(next.body.items.map((each) => each.id)).not.toContain(all.body.items[0]?.id);
  expect(next.body.items.map(({ action }) => action)).toEqual(expect.arrayContaining(['patient.registered', 'patient.viewed', 'patient.searched']));
  for (const cursor of [
    of.body.nextCursor ?? '',
    'x',
    Buffer.from('["trail","1; drop"]').toString('base64url'),
    Buffer.from('["trail"]').toString('base64url'),
  ])
    await expect(auditor.listAuditEvents({ query: { cursor } })).rejects.toMatchObject({ kind: 'invalid', code: 'CURSOR_INVALID' });
  const odd = Buffer.from(JSON.stringify(['trail-of-one', '2026-01-01T00:00:00Z', 'no id'])).toString('base64url');
  await expect(auditor.listAuditEvents({ query: { actorId, cursor: odd } })).rejects.toMatchObject({ kind: 'invalid' });
  expect((await auditor.listAuditEvents({ query: { from: '2100-01-01T00:00:00Z' } })).body.items).toEqual([]);
  await expect(nurse.listAuditEvents({})).rejects.toMatchObject({ kind: 'forbidden' });
});

test('the seals, page by page', async () => {
  const db = kyselyOnPool(database.pool());
  await sealAuditTrail(db);
  await nurse.getPatient({ params: { id } });
  await sealAuditTrail(db);
  const first = await auditor.listAuditSeals({ query: { limit: 1 } });
  expect(first.body).toMatchObject({ items: [{ number: 1, kind: 'ROWS' }], nextAfter: 1 });
  const second = await auditor.listAuditSeals({ query: { after: 1 } });
  expect(second.body).toMatchObject({ items: [{ number: 2, previousHash: first.body.items[0]?.hash }], nextAfter: null });
});
