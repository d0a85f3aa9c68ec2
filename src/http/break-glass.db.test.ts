import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabase, type TestDatabase } from '../../test/support/database.ts';
import { openTestHttp } from '../../test/support/http.ts';
import { BreakGlassSettings } from '../access/restricted.schema.ts';
import type { Patient } from '../patient/patient.schema.ts';

// What only HTTP adds to restricted charts: refusals in the trail, repeats, the trail of a grant. The rules are tested in src/patient/restricted-charts.db.test.ts.

let database: TestDatabase;
let server: ReturnType<typeof openTestHttp>;
beforeAll(async () => {
  database = await createDatabase({ template: 'migrated' });
  server = openTestHttp(database);
});
afterAll(async () => {
  await server.close();
  await database.drop();
});

const send = (role: string, method: 'GET' | 'POST', url: string, payload?: object, headers: Record<string, string> = {}) =>
  server.inject({ method, url: `/api/v1${url}`, headers: { 'x-test-role': role, ...headers }, ...(payload === undefined ? {} : { payload }) });
const register = async (headers: Record<string, string> = {}) =>
  send('HIM', 'POST', '/patients', { firstName: 'Zuberi', lastName: 'Quarshie', dateOfBirth: '1931-07-19' }, headers);
const restrict = (id: string, version: number) => send('ADMIN', 'POST', `/patients/${id}/restrict`, { reason: 'works here' }, { 'if-match': `"${version}"` });
const why = { reason: 'Brought in unconscious by ambulance' };

test('a chart that is refused leaves a row that says who asked, and a grant has its own trail', async () => {
  const { id } = (await register()).json<Patient>();
  await restrict(id, 1);
  expect((await send('DOCTOR', 'GET', `/patients/${id}`, undefined, { 'x-request-id': 'refused-1' })).statusCode).toBe(403);
  const refused = await database.query(`SELECT * FROM patient_audit_events WHERE "patientId" = $1 AND action = 'patient.refused'`, [id]);
  expect(refused).toMatchObject([{ actorName: 'test-doctor', requestId: 'refused-1', after: { role: 'DOCTOR' } }]);

  const grant = (await send('DOCTOR', 'POST', `/patients/${id}/break-glass`, { ...why, minutes: 5 })).json<{ id: string }>();
  const merged = (await register()).json<Patient>();
  await database.query(
    `UPDATE patients SET "mergedInto" = $2, "mergedAt" = now(), archived = true, "archivedAt" = now(), "archivedReason" = 'merged', status = 'ARCHIVED' WHERE id = $1`,
    [merged.id, id],
  );
  await send('DOCTOR', 'GET', `/patients/${id}`);
  await send('DOCTOR', 'POST', `/patients/${id}/allergies`, { allergen: 'Latex', allergyType: 'OTHER', severity: 'MILD' });
  await send('DOCTOR', 'GET', `/patients/${merged.id}`);
  const trail = await send('AUDITOR', 'GET', `/break-glass/${grant.id}/trail`);
  expect(trail.json<{ items: object[] }>().items).toMatchObject([
    { patientId: id, by: 'id' },
    { patientId: id, by: 'change' },
    { patientId: merged.id, by: 'id' },
  ]);
  expect(trail.body).not.toContain('Quarshie');
  expect((await send('AUDITOR', 'GET', '/break-glass/0190b6b2-6d0f-7c3a-9c6e-00000000ffff/trail')).json()).toMatchObject({ code: 'GRANT_NOT_FOUND' });
});

test('a repeat shows nothing of a chart that was restricted in the meantime, and the restriction itself may be repeated', async () => {
  const made = await register({ 'idempotency-key': 'register-once' });
  const { id } = made.json<Patient>();
  const change = (role: string) =>
    send(role, 'POST', `/patients/${id}/change-status`, { status: 'INACTIVE' }, { 'if-match': '"1"', 'idempotency-key': 'change-once' });
  const changed = await change('HIM');
  expect(changed.json()).toMatchObject({ status: 'INACTIVE', version: 2 });
  expect((await change('HIM')).body).toBe(changed.body);
  const once = { 'if-match': '"2"', 'idempotency-key': 'restrict-once' };
  const restricted = await send('ADMIN', 'POST', `/patients/${id}/restrict`, { reason: 'works here' }, once);
  expect(restricted.json()).toEqual({ id, masked: true, restricted: true });
  expect((await send('ADMIN', 'POST', `/patients/${id}/restrict`, { reason: 'works here' }, once)).json()).toEqual(restricted.json());

  expect((await change('HIM')).json()).toMatchObject({ code: 'CHART_RESTRICTED', details: { id } });
  expect((await register({ 'idempotency-key': 'register-once' })).json()).toMatchObject({ code: 'CHART_RESTRICTED', details: { id } });
  const broken = await send('HIM', 'POST', `/patients/${id}/break-glass`, why, { 'idempotency-key': 'break-once' });
  expect((await change('HIM')).body).toBe(changed.body);
  expect((await send('HIM', 'POST', `/patients/${id}/break-glass`, why, { 'idempotency-key': 'break-once' })).body).toBe(broken.body);
  expect(await database.query('SELECT id FROM patient_break_glass_grants WHERE "patientId" = $1', [id])).toHaveLength(1);
});

test('how long a glass stays broken is the facility to decide', async () => {
  expect(BreakGlassSettings.parse({})).toEqual({ defaultMinutes: 60, maxMinutes: 240 });
  const { id } = (await register()).json<Patient>();
  await restrict(id, 1);
  expect((await send('NURSE', 'POST', `/patients/${id}/break-glass`, { ...why, minutes: 241 })).json()).toMatchObject({ code: 'BREAK_GLASS_TOO_LONG' });
  const { grantedAt, expiresAt } = (await send('NURSE', 'POST', `/patients/${id}/break-glass`, why)).json<{ grantedAt: string; expiresAt: string }>();
  expect(Date.parse(expiresAt) - Date.parse(grantedAt)).toBe(60 * 60_000);
});
