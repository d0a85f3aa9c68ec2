import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createSampleEhr } from '../../sample-ehr/index.ts';
import { createDatabase, moduleMigrations, type TestDatabase, withClient } from '../../test/support/database.ts';
import type { Role } from '../access/access.schema.ts';
import { breakGlass, listGrants, listGrantTrail, mendGlass, recordRefusal, reviewGrant } from '../access/break-glass.service.ts';
import { fixedClock } from '../base/clock.ts';
import { newId } from '../base/ids.ts';
import { kyselyOnPool } from '../db/connect.ts';
import type { Ctx } from '../db/context.ts';
import { createMrnIssuer, type MrnIssuer } from '../identifier/mrn.service.ts';
import { bindPatientRepository, type PatientRepository } from './patient-repository.ts';
import type { ShownPatient } from '../access/restricted.schema.ts';
import type { Patient } from './patient.schema.ts';

let database: TestDatabase;
let mrns: MrnIssuer;
const clock = fixedClock(new Date('2026-11-23T09:00:00Z'));
const at = (time: string) => clock.set(new Date(`2026-11-23T${time}Z`));

beforeAll(async () => {
  database = await createDatabase({ template: 'migrated' });
  mrns = createMrnIssuer({ format: { timeZone: 'UTC' } });
});
afterAll(async () => {
  await mrns.close();
  await database.drop();
});

function contextOf(viewer?: { role: Role; id: string }): Ctx {
  const pool = database.pool();
  const actor = viewer ? ({ kind: 'account', id: viewer.id, name: `name of ${viewer.id}` } as const) : ({ kind: 'service', name: 'test' } as const);
  return { db: kyselyOnPool(pool), pool, actor, clock, newId, ...(viewer ? { viewer } : {}) };
}
const patientsOf = (ctx: Ctx): PatientRepository<ShownPatient> => bindPatientRepository(ctx, { timeZone: 'UTC', mrns });
const as = (role: Role, id = `the-${role}`) => patientsOf(contextOf({ role, id }));
const trusted = () => patientsOf(contextOf());

let people = 0;
async function register(fields: Partial<Patient> = {}): Promise<Patient> {
  people += 1;
  return trusted().create({
    firstName: 'Wanjiru',
    lastName: `Zedekia${'abcdefghijklmnopqrstuvwxyz'[people % 26] ?? ''}${'abcdefghijklmnopqrstuvwxyz'[Math.floor(people / 26)] ?? ''}`,
    dateOfBirth: '1931-07-19',
    email: `person${people}@example.org`,
    phone: `+25471${String(people).padStart(7, '0')}`,
    bloodType: 'AB-',
    ...fields,
  });
}
async function registerRestricted(fields: Partial<Patient> = {}): Promise<Patient> {
  const patient = await register(fields);
  await trusted().restrict(patient.id, { reason: 'works here' });
  return patient;
}
const why = { reason: 'Brought in unconscious by ambulance' };
const breakAs = (role: Role, patientId: string, id = `the-${role}`, minutes?: number) =>
  breakGlass(contextOf({ role, id }), patientId, { input: { ...why, ...(minutes === undefined ? {} : { minutes }) } });
const shut = { kind: 'forbidden', code: 'CHART_RESTRICTED' };
const auditOf = (patientId: string) => database.query(`SELECT * FROM patient_audit_events WHERE "patientId" = $1 ORDER BY seq`, [patientId]);

const roles = ['ADMIN', 'FRONT_DESK', 'NURSE', 'DOCTOR', 'HIM'] as const;

describe('a restricted chart', () => {
  test('is shut to every role on every way in, and says what to do', async () => {
    const patient = await registerRestricted();
    await database.query(`INSERT INTO patient_documents ("patientId", "documentType", "documentNumber") VALUES ($1, 'PASSPORT', 'ZX-778')`, [patient.id]);
    const before = await auditOf(patient.id);
    for (const role of roles) {
      const patients = as(role);
      const key = { patientId: patient.id, id: newId() };
      const ways: Record<string, () => Promise<unknown>> = {
        id: () => patients.findById(patient.id),
        mrn: () => patients.findByMrn(patient.mrn),
        identifier: () => patients.findByIdentifier({ type: 'PASSPORT', value: 'ZX-778' }),
        email: () => patients.findByEmail(patient.email ?? ''),
        contacts: () => patients.listContacts(patient.id),
        document: () => patients.getDocument(key),
      };
      for (const [way, open] of Object.entries(ways))
        await expect(open(), `${role} by ${way}`).rejects.toMatchObject({
          ...shut,
          message: expect.stringContaining('break-glass'),
          details: { id: patient.id },
        });
    }
    const changes: [Role, (patients: PatientRepository<ShownPatient>) => Promise<unknown>][] = [
      ['ADMIN', (patients) => patients.update(patient.id, { version: 2, city: 'Thika' })],
      ['FRONT_DESK', (patients) => patients.addContact(patient.id, { firstName: 'A', lastName: 'B', relationship: 'SPOUSE' })],
      ['FRONT_DESK', (patients) => patients.addDocument(patient.id, { documentType: 'OTHER' })],
      ['NURSE', (patients) => patients.addAllergy(patient.id, { allergen: 'Latex', allergyType: 'OTHER', severity: 'MILD' })],
      ['DOCTOR', (patients) => patients.setRiskFlag(patient.id, { flagType: 'FALL_RISK', severity: 'LOW' })],
      ['DOCTOR', (patients) => patients.listAllergies(patient.id)],
      ['DOCTOR', (patients) => patients.listMerges(patient.id)],
      ['DOCTOR', (patients) => patients.markDeceased(patient.id, { deceasedAt: null })],
      ['HIM', (patients) => patients.archive(patient.id, { reason: 'closed' })],
      ['HIM', (patients) => patients.restrict(patient.id, { reason: 'again' })],
      ['HIM', (patients) => patients.unrestrict(patient.id)],
      ['HIM', (patients) => patients.changeStatus(patient.id, { status: 'INACTIVE' })],
    ];
    for (const [role, change] of changes) await expect(change(as(role)), `${role}: ${change.toString()}`).rejects.toMatchObject(shut);
    expect(await auditOf(patient.id)).toEqual(before);
  });

  test('is no secret to a trusted caller', async () => {
    const patient = await registerRestricted();
    expect(await trusted().findById(patient.id)).toMatchObject({ lastName: patient.lastName, restrictedReason: 'works here' });
    expect((await trusted().search({ mrn: patient.mrn })).items).toMatchObject([{ lastName: patient.lastName }]);
  });

  test('is masked at once also to whoever restricts it', async () => {
    const patient = await register();
    expect(await as('HIM').restrict(patient.id, { reason: 'works here' })).toEqual({ id: patient.id, masked: true, restricted: true });
    await expect(as('HIM').findById(patient.id)).rejects.toMatchObject(shut);
  });

  test('is found by whole values and shown as a mask, never by the beginning of its name', async () => {
    const patient = await registerRestricted({ lastName: 'Quintero', firstName: 'Ximena', phone: '+254201112223' });
    const neighbour = await register({ lastName: 'Quinterolo', firstName: 'Ximena' });
    const mask = { id: patient.id, masked: true, restricted: true };
    const search = (criteria: Parameters<PatientRepository['search']>[0]) => as('NURSE').search(criteria);
    for (const criteria of [
      { mrn: patient.mrn },
      { phone: '+254 20 111 2223' },
      { email: patient.email ?? '' },
      { lastName: 'quintero', dateOfBirth: '1931-07-19' },
      { lastName: 'QUINTERO', firstName: 'Ximena' },
    ]) {
      const page = await search(criteria);
      expect(page.items.filter(({ id }) => id !== neighbour.id)).toEqual([mask]);
    }
    for (const criteria of [{ lastName: 'Quinter' }, { lastName: 'Quintero', firstName: 'Xim' }, { firstName: 'Ximena' }, { dateOfBirth: '1931-07-19' }])
      expect((await search({ ...criteria, limit: 200 })).items.map(({ id }) => id)).not.toContain(patient.id);
    // A page that is full of others leads on to the mask, and no cursor says more than its id.
    const first = await search({ lastName: 'Quintero', limit: 1 });
    expect(first.items).toMatchObject([{ id: neighbour.id }]);
    const second = await search({ lastName: 'Quintero', limit: 1, cursor: first.nextCursor ?? '' });
    expect(second).toMatchObject({ items: [mask], nextCursor: null });
    expect(Buffer.from(first.nextCursor ?? '', 'base64url').toString()).toBe('["restricted"]');
    const trail = await database.query(
      `SELECT "after" FROM patient_audit_events WHERE action = 'patient.searched' AND "after"::text LIKE '%' || $1 || '%' ORDER BY seq DESC LIMIT 1`,
      [patient.id],
    );
    expect(trail).toMatchObject([{ after: { patientIds: [], masked: [patient.id] } }]);
  });

  test('is counted and masked in lists, and left out where its place would tell its name', async () => {
    const patient = await registerRestricted({ lastName: 'Quisling' });
    const newest = await as('DOCTOR').list({ limit: 200 });
    expect(newest.items.filter(({ id }) => id === patient.id)).toEqual([{ id: patient.id, masked: true, restricted: true }]);
    const names = await as('DOCTOR').list({ order: 'name', limit: 200 });
    expect(names.items.some(({ id }) => id === patient.id)).toBe(false);
    expect(names.total).toBe(newest.total);
    expect(names.total).toBe((await trusted().list()).total);
  });
});

describe('breaking the glass', () => {
  test('opens the chart to that viewer alone until it expires, and every reading and change names the grant', async () => {
    const patient = await registerRestricted();
    at('10:00:00');
    const grant = await breakAs('NURSE', patient.id);
    expect(grant).toMatchObject({
      patientId: patient.id,
      viewerId: 'the-NURSE',
      viewerName: 'name of the-NURSE',
      viewerRole: 'NURSE',
      expiresAt: '2026-11-23T11:00:00.000Z',
    });
    expect(await as('NURSE').findById(patient.id)).toMatchObject({ lastName: patient.lastName });
    expect((await as('NURSE').search({ mrn: patient.mrn })).items).toMatchObject([{ lastName: patient.lastName }]);
    await as('NURSE').addAllergy(patient.id, { allergen: 'Latex', allergyType: 'OTHER', severity: 'MILD' });
    await as('NURSE').listAllergies(patient.id);
    await expect(as('NURSE', 'another').findById(patient.id)).rejects.toMatchObject(shut);
    at('10:59:59');
    await as('NURSE').findById(patient.id);
    at('11:00:00');
    await expect(as('NURSE').findById(patient.id)).rejects.toMatchObject(shut);
    await expect(as('NURSE').listAllergies(patient.id)).rejects.toMatchObject(shut);

    const trail = (await auditOf(patient.id)).slice(2);
    expect(trail.map(({ action, after }) => [action, after?.grantId])).toEqual([
      ['patient.glass-broken', grant.id],
      ['patient.viewed', grant.id],
      ['patient.viewed', grant.id],
      ['patient.allergy-added', undefined],
      ['patient.viewed', grant.id],
      ['patient.viewed', grant.id],
    ]);
    expect(trail[0]).toMatchObject({ reason: why.reason, actorId: 'the-NURSE' });
    const events = await database.query(`SELECT type, payload FROM patient_outbox_events WHERE "patientId" = $1 AND type = 'patient.glass-broken'`, [
      patient.id,
    ]);
    expect(events).toEqual([{ type: 'patient.glass-broken', payload: { grantId: grant.id, expiresAt: grant.expiresAt } }]);
  });

  test('takes a reason of some words, a chart that is restricted, a role that opens charts, and no longer than the server allows', async () => {
    const [patient, open] = [await registerRestricted(), await register()];
    const attempt = (patientId: string, input: { reason: string; minutes?: number }, role: Role = 'DOCTOR') =>
      breakGlass(contextOf({ role, id: 'the-attempt' }), patientId, { input });
    for (const reason of ['', 'because', '..............', 'aaaaaaaaaaaaaaa', '            x'])
      await expect(attempt(patient.id, { reason })).rejects.toMatchObject({ code: 'INPUT_INVALID' });
    await expect(attempt(patient.id, { reason: '急诊抢救需要查看病历资料' })).resolves.toBeDefined();
    await expect(attempt(patient.id, { ...why, minutes: 241 })).rejects.toMatchObject({ code: 'BREAK_GLASS_TOO_LONG', details: { max: 240 } });
    await expect(attempt(patient.id, { ...why, minutes: 0 })).rejects.toMatchObject({ code: 'INPUT_INVALID' });
    await expect(attempt(open.id, why)).rejects.toMatchObject({ code: 'CHART_NOT_RESTRICTED' });
    await expect(attempt(newId(), why)).rejects.toMatchObject({ code: 'PATIENT_NOT_FOUND' });
    await expect(attempt(patient.id, why, 'AUDITOR')).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    await expect(breakGlass(contextOf(), patient.id, { input: why })).rejects.toMatchObject({ code: 'VIEWER_MISSING' });
  });

  test('several times at once gives as many grants, and the longest decides', async () => {
    const patient = await registerRestricted();
    at('12:00:00');
    const grants = await Promise.all([10, 20, 30, 5, 15].map((minutes) => breakAs('DOCTOR', patient.id, 'the-hurried', minutes)));
    expect(new Set(grants.map(({ id }) => id)).size).toBe(5);
    at('12:29:59');
    await expect(as('DOCTOR', 'the-hurried').findById(patient.id)).resolves.toBeDefined();
    at('12:30:00');
    await expect(as('DOCTOR', 'the-hurried').findById(patient.id)).rejects.toMatchObject(shut);
  });

  test('also works where the clock of the server that restricted is ahead', async () => {
    const patient = await registerRestricted();
    at('12:40:00');
    await database.query(`UPDATE patients SET "restrictedAt" = $2 WHERE id = $1`, [patient.id, '2026-11-23T12:40:03Z']);
    expect(await breakAs('DOCTOR', patient.id, 'the-early')).toMatchObject({ grantedAt: '2026-11-23T12:40:03.000Z', expiresAt: '2026-11-23T13:40:03.000Z' });
    await expect(as('DOCTOR', 'the-early').findById(patient.id)).resolves.toBeDefined();
  });

  test('is mended by its holder alone', async () => {
    const patient = await registerRestricted();
    const grant = await breakAs('DOCTOR', patient.id, 'the-tidy');
    await expect(mendGlass(contextOf({ role: 'DOCTOR', id: 'another' }), grant.id)).rejects.toMatchObject({ code: 'GRANT_NOT_FOUND' });
    const ended = await mendGlass(contextOf({ role: 'DOCTOR', id: 'the-tidy' }), grant.id);
    expect(ended.endedAt).not.toBeNull();
    expect(await mendGlass(contextOf({ role: 'DOCTOR', id: 'the-tidy' }), grant.id)).toEqual(ended);
    await expect(as('DOCTOR', 'the-tidy').findById(patient.id)).rejects.toMatchObject(shut);
  });

  test('is needed anew when the restriction was lifted and came back, through OneChart or by the host', async () => {
    const patient = await registerRestricted();
    at('13:00:00');
    await breakAs('HIM', patient.id);
    at('13:01:00');
    await as('HIM').unrestrict(patient.id);
    await as('NURSE').findById(patient.id);
    await as('HIM').restrict(patient.id, { reason: 'after all' });
    await expect(as('HIM').findById(patient.id)).rejects.toMatchObject(shut);
    at('13:02:00');
    await breakAs('HIM', patient.id);
    await as('HIM').findById(patient.id);
    await database.query(`UPDATE patients SET "restrictedAt" = $2 WHERE id = $1`, [patient.id, '2026-11-23T13:03:00Z']);
    await expect(as('HIM').findById(patient.id)).rejects.toMatchObject(shut);
  });

  test('also guards charts that were merged into a restricted one, and opens them with it', async () => {
    const [survivor, middle, source, other] = [await registerRestricted(), await register(), await register({ lastName: 'Quagmire' }), await register()];
    const merge = (from: Patient, into: Patient) =>
      database.query(
        `UPDATE patients SET "mergedInto" = $2, "mergedAt" = now(), archived = true, "archivedAt" = now(), "archivedReason" = 'merged', status = 'ARCHIVED' WHERE id = $1`,
        [from.id, into.id],
      );
    await merge(source, middle);
    await merge(middle, survivor);
    await expect(as('DOCTOR').findById(source.id)).rejects.toMatchObject(shut);
    await expect(as('DOCTOR').findById(middle.id)).rejects.toMatchObject(shut);
    await expect(as('DOCTOR').findByMrn(source.mrn)).rejects.toMatchObject({ ...shut, details: { id: survivor.id } });
    const listed = await as('DOCTOR').list({ limit: 200 });
    expect(listed.items.filter(({ id }) => [survivor.id, middle.id, source.id].includes(id)).every((item) => 'masked' in item)).toBe(true);
    const names = await as('DOCTOR').search({ lastName: 'Quagmire', includeArchived: true });
    expect(JSON.stringify(names)).not.toContain('Quagmire');
    at('14:00:00');
    await breakAs('DOCTOR', survivor.id);
    for (const { id, lastName } of [survivor, middle, source]) expect(await as('DOCTOR').findById(id)).toMatchObject({ lastName });
    // A chart that was merged into an open one is as open as that, and its reading is recorded once.
    await merge(other, await register());
    await as('NURSE').findById(other.id);
    expect((await auditOf(other.id)).filter(({ action }) => action === 'patient.viewed')).toHaveLength(1);
  });
});

describe('the review', () => {
  const reviewer = () => contextOf({ role: 'AUDITOR', id: 'the-officer' });

  test('is written once, by somebody else, and ends what was not justified', async () => {
    const patient = await registerRestricted();
    const [good, bad, own] = [
      await breakAs('DOCTOR', patient.id, 'good'),
      await breakAs('DOCTOR', patient.id, 'bad'),
      await breakAs('ADMIN', patient.id, 'the-boss'),
    ];
    await expect(reviewGrant(contextOf({ role: 'ADMIN', id: 'the-boss' }), own.id, { verdict: 'JUSTIFIED', note: 'Fine.' })).rejects.toMatchObject({
      code: 'GRANT_OWN',
    });
    await expect(reviewGrant(contextOf({ role: 'HIM', id: 'him' }), good.id, { verdict: 'JUSTIFIED', note: 'Fine.' })).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
    });
    const both = await Promise.allSettled(
      ['JUSTIFIED', 'JUSTIFIED'].map(() => reviewGrant(reviewer(), good.id, { verdict: 'JUSTIFIED', note: 'Admitted that night.' })),
    );
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(both.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'GRANT_REVIEWED' } });
    await as('DOCTOR', 'good').findById(patient.id);
    const found = await reviewGrant(reviewer(), bad.id, { verdict: 'UNJUSTIFIED', note: 'Not on duty.' });
    expect(found).toMatchObject({ verdict: 'UNJUSTIFIED', reviewNote: 'Not on duty.', reviewerId: 'the-officer', endedAt: found.reviewedAt });
    await expect(as('DOCTOR', 'bad').findById(patient.id)).rejects.toMatchObject(shut);
    const reviewed = (await auditOf(patient.id)).filter(({ action }) => action === 'patient.glass-reviewed');
    expect(reviewed).toMatchObject([{ after: { grantId: good.id, verdict: 'JUSTIFIED' } }, { after: { grantId: bad.id }, reason: 'Not on duty.' }]);
    const waiting = await listGrants(reviewer(), { unreviewed: true, patientId: patient.id });
    expect(waiting.items.map(({ id }) => id)).toEqual([own.id]);
  });

  test('has pages in which every grant stands once, newest first', async () => {
    const patient = await registerRestricted();
    const grants = [];
    for (const minute of ['01', '02', '02', '03', '04']) {
      at(`15:${minute}:00`);
      grants.push(await breakAs('DOCTOR', patient.id));
    }
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await listGrants(reviewer(), { patientId: patient.id, limit: 2, cursor });
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    expect(seen.toSorted()).toEqual(grants.map(({ id }) => id).toSorted());
    expect([seen[0], seen.at(-1)]).toEqual([grants.at(-1)?.id, grants[0]?.id]);
    await expect(listGrants(contextOf({ role: 'DOCTOR', id: 'x' }))).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
  });
});

test('the role of the application ends and reviews grants, and cannot change or remove what was declared', async () => {
  const patient = await registerRestricted();
  const grant = await breakAs('DOCTOR', patient.id);
  const asApp = (statement: string) =>
    withClient(database.url, async (client) => {
      await client.query('SET ROLE onechart_app');
      await client.query(statement, [grant.id]);
    });
  for (const column of ['reason = reason', '"expiresAt" = now()', '"grantedAt" = now()', '"viewerId" = \'x\'', '"patientId" = "patientId"'])
    await expect(asApp(`UPDATE patient_break_glass_grants SET ${column} WHERE id = $1`), column).rejects.toMatchObject({ code: '42501' });
  await expect(asApp('DELETE FROM patient_break_glass_grants WHERE id = $1')).rejects.toMatchObject({ code: '42501' });
  await asApp('UPDATE patient_break_glass_grants SET "endedAt" = now() WHERE id = $1');
});

test('all of it works on a host whose ids are texts, in a schema of its own', async () => {
  await using other = await createDatabase();
  await withClient(other.url, async (client) => {
    await client.query('CREATE SCHEMA ehr');
    await createSampleEhr(client, { idType: 'text', schema: 'ehr', rows: 20 });
    await client.query('SET search_path = ehr');
    for (const { name, sql } of await moduleMigrations())
      if (!name.includes('grant_database_roles'))
        await client.query(sql.replaceAll(/\bUUID\b/g, 'TEXT').replaceAll('gen_random_uuid()', 'gen_random_uuid()::text'));
  });
  const pool = other.pool();
  const there = (role: Role): Ctx => ({ ...contextOf({ role, id: `the-${role}` }), db: kyselyOnPool(pool), pool, schema: 'ehr' });
  const numbers = createMrnIssuer({ format: { timeZone: 'UTC' } });
  const asRole = (role: Role) => bindPatientRepository(there(role), { timeZone: 'UTC', mrns: numbers });
  at('16:00:00');
  const [survivor, source] = [
    await asRole('HIM').create({ id: 'chart one', firstName: 'A', lastName: 'Survivor', dateOfBirth: null, mrn: 'A-1' }),
    await asRole('HIM').create({ id: 'chart two', firstName: 'A', lastName: 'Source', dateOfBirth: null, mrn: 'A-2' }),
  ];
  await asRole('HIM').restrict(survivor.id, { reason: 'works here' });
  await other.query(
    `UPDATE ehr.patients SET "mergedInto" = 'chart one', "mergedAt" = now(), archived = true, "archivedAt" = now(), "archivedReason" = 'merged', status = 'ARCHIVED' WHERE id = 'chart two'`,
  );
  await expect(asRole('DOCTOR').findById(source.id)).rejects.toMatchObject(shut);
  expect((await asRole('DOCTOR').search({ mrn: 'A-1' })).items).toEqual([{ id: 'chart one', masked: true, restricted: true }]);
  await recordRefusal(there('DOCTOR'), survivor.id);
  const grant = await breakGlass(there('DOCTOR'), survivor.id, { input: why });
  await asRole('DOCTOR').findById(source.id);
  expect(await listGrantTrail(there('AUDITOR'), grant.id)).toMatchObject([{ patientId: 'chart two', by: 'id' }]);
  await reviewGrant(there('AUDITOR'), grant.id, { verdict: 'UNJUSTIFIED', note: 'Not on duty.' });
  await expect(asRole('DOCTOR').findById(source.id)).rejects.toMatchObject(shut);
  expect((await listGrants(there('AUDITOR'), { patientId: 'chart one' })).items).toHaveLength(1);
  await numbers.close();
});

test('an ordinary chart costs no question for grants, wherever it is read or changed', async () => {
  const patient = await register();
  const restricted = await registerRestricted();
  const sent = vi.spyOn(pg.Client.prototype, 'query');
  try {
    const asked = () => sent.mock.calls.filter(([statement]) => JSON.stringify(statement)?.includes('patient_break_glass_grants')).length;
    const nurse = as('NURSE');
    await nurse.findById(patient.id);
    await nurse.findByMrn(patient.mrn);
    await nurse.addAllergy(patient.id, { allergen: 'Latex', allergyType: 'OTHER', severity: 'MILD' });
    await nurse.listAllergies(patient.id);
    await as('HIM').update(patient.id, { version: 1, city: 'Thika' });
    await nurse.search({ mrn: patient.mrn });
    expect(sent.mock.calls.length).toBeGreaterThan(6);
    expect(asked()).toBe(0);
    await nurse.search({ mrn: restricted.mrn });
    expect(asked()).toBe(1);
  } finally {
    sent.mockRestore();
  }
});

describe('fields and parts by role', () => {
  test('the front desk is not shown clinical fields, is told which, and cannot write them', async () => {
    const patient = await register();
    const hidden = ['bloodType', 'restrictedReason', 'restrictedBy', 'deceasedBy', 'archivedReason', 'archivedBy', 'mergedBy'];
    const desk = as('FRONT_DESK');
    expect(await desk.findById(patient.id)).toMatchObject({ lastName: patient.lastName, bloodType: null, hidden });
    expect((await desk.search({ mrn: patient.mrn })).items).toMatchObject([{ bloodType: null, hidden }]);
    expect(await desk.update(patient.id, { version: 1, city: 'Thika' })).toMatchObject({ city: 'Thika', bloodType: null, hidden });
    await expect(desk.update(patient.id, { version: 2, bloodType: 'O+' })).rejects.toMatchObject({
      code: 'FIELD_FORBIDDEN',
      details: { fields: ['bloodType'] },
    });
    await expect(desk.create({ firstName: 'A', lastName: 'B', dateOfBirth: null, bloodType: 'O+' })).rejects.toMatchObject({ code: 'FIELD_FORBIDDEN' });
    expect(await desk.create({ firstName: 'A', lastName: 'B', dateOfBirth: null })).toMatchObject({ hidden });
    const doctor = await as('DOCTOR').findById(patient.id);
    expect(doctor).toMatchObject({ bloodType: 'AB-', city: 'Thika' });
    expect(doctor).not.toHaveProperty('hidden');
  });

  test('parts of a chart are seen and changed as the matrix says, also past the routes', async () => {
    const { id } = await register();
    const refused = { kind: 'forbidden', code: 'ACCESS_DENIED' };
    const contact = { firstName: 'A', lastName: 'B', relationship: 'SPOUSE' };
    const allergy = { allergen: 'Latex', allergyType: 'OTHER', severity: 'MILD' } as const;
    const attempts: [Role, (patients: PatientRepository<ShownPatient>) => Promise<unknown>, boolean][] = [
      ['FRONT_DESK', (patients) => patients.listContacts(id), true],
      ['FRONT_DESK', (patients) => patients.addContact(id, contact), true],
      ['FRONT_DESK', (patients) => patients.addDocument(id, { documentType: 'OTHER' }), true],
      ['FRONT_DESK', (patients) => patients.listAllergies(id), false],
      ['FRONT_DESK', (patients) => patients.listRiskFlags(id), false],
      ['FRONT_DESK', (patients) => patients.listMerges(id), false],
      ['FRONT_DESK', (patients) => patients.addAllergy(id, allergy), false],
      ['FRONT_DESK', (patients) => patients.archive(id, { reason: 'closed' }), false],
      ['NURSE', (patients) => patients.listAllergies(id), true],
      ['NURSE', (patients) => patients.addAllergy(id, allergy), true],
      ['NURSE', (patients) => patients.addContact(id, contact), false],
      ['NURSE', (patients) => patients.addDocument(id, { documentType: 'OTHER' }), false],
      ['NURSE', (patients) => patients.update(id, { version: 1, city: 'Thika' }), false],
      ['NURSE', (patients) => patients.markDeceased(id, { deceasedAt: null }), false],
      ['HIM', (patients) => patients.setRiskFlag(id, { flagType: 'FALL_RISK', severity: 'LOW' }), false],
      ['HIM', (patients) => patients.listRiskFlags(id), true],
      ['DOCTOR', (patients) => patients.restrict(id, { reason: 'no' }), false],
      ['AUDITOR', (patients) => patients.findById(id), false],
      ['AUDITOR', (patients) => patients.listContacts(id), false],
      ['AUDITOR', (patients) => patients.list(), false],
      ['AUDITOR', (patients) => patients.search({ mrn: 'x' }), false],
      ['AUDITOR', (patients) => patients.findByMrn('no such number'), false],
      ['AUDITOR', (patients) => patients.create({ firstName: 'A', lastName: 'B', dateOfBirth: null }), false],
    ];
    for (const [role, attempt, may] of attempts) {
      if (may) await expect(attempt(as(role)), `${role}: ${attempt.toString()}`).resolves.toBeDefined();
      else await expect(attempt(as(role)), `${role}: ${attempt.toString()}`).rejects.toMatchObject(refused);
    }
  });
});
