import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabase, type TestDatabase } from '../../test/support/database.ts';
import { openTestHttp, testPrincipal } from '../../test/support/http.ts';
import { allergyRoutes } from '../api/allergy.routes.ts';
import { contactRoutes } from '../api/contact.routes.ts';
import { documentRoutes } from '../api/document.routes.ts';
import { patientRoutes } from '../api/patient.routes.ts';
import { patientSearchRoutes } from '../api/patient-search.routes.ts';
import { patientStateRoutes } from '../api/patient-state.routes.ts';
import { riskFlagRoutes } from '../api/risk-flag.routes.ts';
import { createClient, type OneChartClient } from '../client/client.ts';
import type { Patient } from '../patient/patient.schema.ts';
import { listen } from './server.ts';

/** Each of these contracts is exercised below, through the client and a real socket. */
const contracts = [...patientRoutes, ...patientSearchRoutes, ...patientStateRoutes, ...contactRoutes, ...documentRoutes, ...allergyRoutes, ...riskFlagRoutes];
type Operation = (typeof contracts)[number]['operationId'];

let database: TestDatabase;
let server: ReturnType<typeof openTestHttp>;
let baseUrl: string;
let client: OneChartClient;
/** Operations that were answered well. */
const answered = new Set<string>();

beforeAll(async () => {
  database = await createDatabase({ template: 'migrated' });
  server = openTestHttp(database);
  baseUrl = await listen(server, { port: 0, host: '127.0.0.1' });
  client = watched(createClient({ baseUrl, checkAnswers: true, headers: () => ({ 'x-test-role': 'ADMIN' }) }));
});
afterAll(async () => {
  await server.close();
  await database.drop();
});

/** The client, noting what was answered. */
function watched(plain: OneChartClient): OneChartClient {
  return new Proxy(plain, {
    get: (operations, name: keyof OneChartClient) => async (input: never) => {
      const answer = await operations[name](input);
      answered.add(name);
      return answer;
    },
  });
}

let people = 0;
/** A family name that nobody else has. */
const uniqueName = () => `Person${String((people += 1)).padStart(3, '0')}`;
const person = (fields: object = {}) => ({ firstName: 'Synthetic', lastName: uniqueName(), dateOfBirth: '1990-01-01', ...fields });

async function registered(fields: object = {}): Promise<{ id: string; patient: Patient }> {
  const { body } = await client.registerPatient({ body: person(fields) });
  return { id: body.id, patient: body };
}

/** The id of a new row that `add` makes in a new chart, with its version. */
async function partOf(add: (id: string) => Promise<{ body: { id: string }; version: number | undefined }>) {
  const { id } = await registered();
  const added = await add(id);
  return { id, partId: added.body.id, version: added.version ?? Number.NaN };
}

const contact = { firstName: 'Next', lastName: 'Of Kin', relationship: 'SIBLING' };
const document = { documentType: 'PASSPORT', documentNumber: 'SYN-0001' } as const;
const allergy = { allergen: 'Latex', allergyType: 'OTHER', severity: 'MILD' } as const;
const riskFlag = { flagType: 'FALL_RISK', severity: 'HIGH' } as const;

const newContact = () => partOf((id) => client.addContact({ params: { id }, body: contact }));
const newDocument = () => partOf((id) => client.addDocument({ params: { id }, body: document }));
const newAllergy = () => partOf((id) => client.addAllergy({ params: { id }, body: allergy }));
const newRiskFlag = () => partOf((id) => client.setRiskFlag({ params: { id }, body: riskFlag }));

/** Lets the administrator of the tests into a restricted chart. */
async function breakGlass(patientId: string): Promise<void> {
  const { id, role } = testPrincipal('ADMIN');
  await database.query(
    `INSERT INTO patient_break_glass_grants (id, "patientId", "viewerId", "viewerRole", reason, "grantedAt", "expiresAt") VALUES (gen_random_uuid(), $1, $2, $3, 'A test of the route', now() + interval '1 second', now() + interval '1 hour')`,
    [patientId, id, role],
  );
}

const justBefore = (instant: string) => new Date(Date.parse(instant) - 1).toISOString();

/** One proof for each operation. A contract without one does not compile. */
const proofs: Readonly<Record<Operation, () => Promise<void>>> = {
  registerPatient: async () => {
    const { body, status, version, headers } = await client.registerPatient({ body: person() });
    expect([status, version, body.version, headers.get('location')]).toEqual([201, 1, 1, `/api/v1/patients/${body.id}`]);
    expect(body.mrn).toMatch(/^MRN-\d{4}-\d{5,}$/);
  },
  getPatient: async () => {
    const { patient } = await registered();
    const { body, version } = await client.getPatient({ params: { id: patient.id } });
    expect(body).toEqual(patient);
    expect(version).toBe(1);
    const { body: changed } = await client.updatePatient({ params: { id: patient.id }, body: { city: 'Lund' }, ifMatch: 1 });
    const then = await client.getPatient({ params: { id: patient.id }, query: { at: justBefore(changed.updatedAt) } });
    expect([then.body, then.version]).toEqual([patient, undefined]);
    await expect(client.getPatient({ params: { id: patient.id }, query: { at: '2020-01-01T00:00:00Z' } })).rejects.toMatchObject({
      kind: 'not-found',
      code: 'HISTORY_BEFORE_REGISTRATION',
    });
  },
  getChartAt: async () => {
    const { id, patient } = await registered();
    const { body: added } = await client.addAllergy({ params: { id }, body: allergy });
    const at = (moment: string) => client.getChartAt({ params: { id }, query: { at: moment } });
    expect((await at(justBefore(added.createdAt))).body).toMatchObject({ patient, parts: { allergy: [], contact: [] } });
    expect((await at(added.updatedAt)).body).toMatchObject({ patient, parts: { allergy: [added] } });
    await expect(at('2100-01-01T00:00:00Z')).rejects.toMatchObject({ kind: 'invalid', code: 'HISTORY_IN_FUTURE' });
  },
  listPatients: async () => {
    const since = (await registered()).patient.updatedAt;
    await registered();
    await registered();
    const first = await client.listPatients({ query: { order: 'changed', updatedSince: since, limit: 2 } });
    expect(first.body).toMatchObject({ total: 3, items: [{}, {}] });
    const next = /^<(.+)>; rel="next"$/.exec(first.headers.get('link') ?? '')?.[1] ?? '';
    const followed = await fetch(new URL(next, baseUrl), { headers: { 'x-test-role': 'ADMIN' } });
    const second = await client.listPatients({ query: { order: 'changed', updatedSince: since, limit: 2, cursor: first.body.nextCursor ?? '' } });
    expect(await followed.json()).toEqual(second.body);
    expect(second.body).toMatchObject({ nextCursor: null, items: [{}] });
    expect(second.headers.get('link')).toBeNull();
    const user = (await database.query<{ id: string }>('SELECT id FROM users LIMIT 1'))[0]?.id ?? '';
    const byUser = await client.listPatients({ query: { userAction: 'created', userId: user, total: false } });
    expect(byUser.body).toEqual({ items: [], nextCursor: null, total: null });
    const { patient } = await registered();
    const typed = await client.listPatients({ query: { q: patient.mrn.toLowerCase(), bornTo: 2026, deceased: false, limit: 5 } });
    expect(typed.body).toMatchObject({ items: [patient], matches: [{ id: patient.id, score: 1, reasons: [{ field: 'mrn' }] }], more: false });
    for (const query of [{ gender: 'MALE' as const }, { q: 'a', updatedSince: since }, { q: 'x'.repeat(201) }])
      await expect(client.listPatients({ query })).rejects.toMatchObject({ code: 'INPUT_INVALID' });
    await expect(client.listPatients({ query: { userAction: 'created' } })).rejects.toMatchObject({ code: 'INPUT_INVALID' });
  },
  updatePatient: async () => {
    const { id } = await registered({ city: 'Nairobi', phone: '+254201234567' });
    const { body, version } = await client.updatePatient({ params: { id }, body: { phone: null, country: 'Kenya' }, ifMatch: 1 });
    expect(body).toMatchObject({ phone: null, country: 'Kenya', city: 'Nairobi', version: 2 });
    expect(version).toBe(2);
    await expect(client.updatePatient({ params: { id }, body: { city: null }, ifMatch: 1 })).rejects.toMatchObject({
      kind: 'stale',
      code: 'PATIENT_STALE_VERSION',
      details: { currentVersion: 2 },
    });
  },
  listMerges: async () => {
    const [source, target] = [await registered(), await registered()];
    await database.query(`INSERT INTO patient_merge_history ("sourcePatientId", "targetPatientId", reason) VALUES ($1, $2, 'A test')`, [source.id, target.id]);
    for (const { id } of [source, target]) {
      const { body } = await client.listMerges({ params: { id } });
      expect(body.items).toMatchObject([{ sourcePatientId: source.id, targetPatientId: target.id }]);
    }
  },
  searchPatients: async () => {
    const { patient } = await registered({ email: 'Search.Me@example.org' });
    const { body } = await client.searchPatients({ body: { email: 'search.me@example.org', lastName: patient.lastName.slice(0, 6) } });
    expect(body.items).toEqual([patient]);
    await expect(client.searchPatients({ body: {} })).rejects.toMatchObject({ code: 'INPUT_INVALID' });
    const typed = await client.searchPatients({
      body: { q: `${patient.lastName.toUpperCase()} ${patient.firstName ?? ''}`, gender: patient.gender ?? undefined },
    });
    expect(typed.body).toMatchObject({ items: expect.arrayContaining([patient]), more: false, nextCursor: null });
    expect(typed.body.matches?.[0]).toMatchObject({
      score: expect.any(Number),
      reasons: expect.arrayContaining([{ field: 'name', match: 'exact', text: 'family name' }]),
    });
    await expect(client.searchPatients({ body: { q: 'a', mrn: 'b' } })).rejects.toMatchObject({ code: 'INPUT_INVALID' });
  },
  findPatientByMrn: async () => {
    const { patient } = await registered();
    expect((await client.findPatientByMrn({ body: { mrn: patient.mrn } })).body).toEqual(patient);
    await expect(client.findPatientByMrn({ body: { mrn: 'MRN-0000-00000' } })).rejects.toMatchObject({ kind: 'not-found', code: 'PATIENT_NOT_FOUND' });
  },
  findPatientByIdentifier: async () => {
    const { id } = await registered();
    await client.addDocument({ params: { id }, body: { documentType: 'PASSPORT', documentNumber: 'LOOKUP-1' } });
    expect((await client.findPatientByIdentifier({ body: { type: 'PASSPORT', value: 'LOOKUP-1' } })).body.id).toBe(id);
    const other = await registered();
    await client.addDocument({ params: { id: other.id }, body: { documentType: 'PASSPORT', documentNumber: 'LOOKUP-1' } });
    await expect(client.findPatientByIdentifier({ body: { type: 'PASSPORT', value: 'LOOKUP-1' } })).rejects.toMatchObject({
      kind: 'ambiguous',
      details: { ids: expect.arrayContaining([id, other.id]) },
    });
  },
  findPatientByEmail: async () => {
    const { id } = await registered({ email: 'by.email@example.org' });
    expect((await client.findPatientByEmail({ body: { email: 'By.Email@example.org' } })).body.id).toBe(id);
  },
  archivePatient: async () => {
    const { id } = await registered();
    const { body } = await client.archivePatient({ params: { id }, body: { reason: 'A second chart' }, ifMatch: 1 });
    expect(body).toMatchObject({ archived: true, status: 'ARCHIVED', archivedReason: 'A second chart', version: 2 });
    await expect(client.updatePatient({ params: { id }, body: { city: 'Nairobi' }, ifMatch: 2 })).rejects.toMatchObject({ code: 'PATIENT_ARCHIVED' });
  },
  unarchivePatient: async () => {
    const { id } = await registered();
    await client.archivePatient({ params: { id }, body: { reason: 'A mistake' }, ifMatch: 1 });
    expect((await client.unarchivePatient({ params: { id }, ifMatch: 2 })).body).toMatchObject({ archived: false, status: 'ACTIVE', version: 3 });
  },
  restrictPatient: async () => {
    const { id } = await registered();
    expect((await client.restrictPatient({ params: { id }, body: { reason: 'A member of staff' }, ifMatch: 1 })).body).toEqual({
      id,
      masked: true,
      restricted: true,
    });
  },
  unrestrictPatient: async () => {
    const { id } = await registered();
    await client.restrictPatient({ params: { id }, body: { reason: 'A member of staff' }, ifMatch: 1 });
    await breakGlass(id);
    expect((await client.unrestrictPatient({ params: { id }, ifMatch: 2 })).body).toMatchObject({ restricted: false, version: 3 });
  },
  markPatientDeceased: async () => {
    const { id } = await registered();
    const { body } = await client.markPatientDeceased({ params: { id }, body: { deceasedAt: '2026-01-02T03:04:05Z' }, ifMatch: 1 });
    expect(body).toMatchObject({ deceased: true, status: 'DECEASED', deceasedAt: '2026-01-02T03:04:05.000Z' });
  },
  revertPatientDeceased: async () => {
    const { id } = await registered();
    await client.markPatientDeceased({ params: { id }, body: { deceasedAt: null }, ifMatch: 1 });
    expect((await client.revertPatientDeceased({ params: { id }, body: { reason: 'The wrong chart' }, ifMatch: 2 })).body).toMatchObject({
      deceased: false,
      status: 'ACTIVE',
    });
  },
  changePatientStatus: async () => {
    const { id } = await registered();
    expect((await client.changePatientStatus({ params: { id }, body: { status: 'INACTIVE' }, ifMatch: 1 })).body.status).toBe('INACTIVE');
    await expect(client.changePatientStatus({ params: { id }, body: { status: 'DECEASED' }, ifMatch: 2 })).rejects.toMatchObject({
      code: 'STATUS_NEEDS_MARK_DECEASED',
    });
  },
  addContact: async () => {
    const { id } = await registered();
    const { body, status, version, headers } = await client.addContact({ params: { id }, body: { ...contact, phone: '+254 20 1234567' } });
    expect([status, version, headers.get('location')]).toEqual([201, Date.parse(body.updatedAt), `/api/v1/patients/${id}/contacts/${body.id}`]);
    expect(body).toMatchObject({ ...contact, phone: '+254201234567', patientId: id });
  },
  listContacts: async () => {
    const { id, partId } = await newContact();
    expect((await client.listContacts({ params: { id } })).body.items).toMatchObject([{ id: partId }]);
  },
  getContact: async () => {
    const { id, partId, version } = await newContact();
    const found = await client.getContact({ params: { id, contactId: partId } });
    expect(found).toMatchObject({ version, body: contact });
    const other = await registered();
    await expect(client.getContact({ params: { id: other.id, contactId: partId } })).rejects.toMatchObject({ code: 'CONTACT_NOT_FOUND' });
  },
  updateContact: async () => {
    const { id, partId, version } = await newContact();
    const changed = await client.updateContact({ params: { id, contactId: partId }, body: { priority: 2, notes: 'Calls back' }, ifMatch: version });
    expect(changed.body).toMatchObject({ ...contact, priority: 2, notes: 'Calls back' });
    await expect(client.updateContact({ params: { id, contactId: partId }, body: { priority: 3 }, ifMatch: version })).rejects.toMatchObject({
      kind: 'stale',
      code: 'CHART_PART_STALE',
    });
    const again = await client.updateContact({ params: { id, contactId: partId }, body: { notes: null }, ifMatch: changed.version ?? Number.NaN });
    expect(again.body).toMatchObject({ priority: 2, notes: null });
  },
  removeContact: async () => {
    const { id, partId, version } = await newContact();
    const { status } = await client.removeContact({ params: { id, contactId: partId }, body: { reason: 'Asked for it' }, ifMatch: version });
    expect(status).toBe(204);
    await expect(client.getContact({ params: { id, contactId: partId } })).rejects.toMatchObject({ code: 'CONTACT_NOT_FOUND' });
    const [removed] = await database.query(`SELECT reason FROM patient_audit_events WHERE "patientId" = $1 AND action = 'patient.contact-removed'`, [id]);
    expect(removed).toEqual({ reason: 'Asked for it' });
  },
  addDocument: async () => {
    const { body, status } = await client.addDocument({ params: { id: (await registered()).id }, body: document });
    expect(status).toBe(201);
    expect(body).toMatchObject({ ...document, isVerified: false });
  },
  listDocuments: async () => {
    const { id, partId } = await newDocument();
    expect((await client.listDocuments({ params: { id } })).body.items).toMatchObject([{ id: partId }]);
  },
  getDocument: async () => {
    const { id, partId, version } = await newDocument();
    expect(await client.getDocument({ params: { id, documentId: partId } })).toMatchObject({ version, body: document });
  },
  updateDocument: async () => {
    const { id, partId, version } = await newDocument();
    const { body } = await client.updateDocument({ params: { id, documentId: partId }, body: { expiryDate: '2031-01-01' }, ifMatch: version });
    expect(body).toMatchObject({ ...document, expiryDate: '2031-01-01' });
  },
  verifyDocument: async () => {
    const { id, partId, version } = await newDocument();
    expect((await client.verifyDocument({ params: { id, documentId: partId }, ifMatch: version })).body.isVerified).toBe(true);
  },
  removeDocument: async () => {
    const { id, partId, version } = await newDocument();
    await expect(client.removeDocument({ params: { id, documentId: partId }, ifMatch: version - 1 })).rejects.toMatchObject({ code: 'CHART_PART_STALE' });
    expect((await client.removeDocument({ params: { id, documentId: partId }, ifMatch: version })).status).toBe(204);
  },
  addAllergy: async () => {
    const { body, status } = await client.addAllergy({ params: { id: (await registered()).id }, body: allergy });
    expect(status).toBe(201);
    expect(body).toMatchObject({ ...allergy, active: true });
  },
  listAllergies: async () => {
    const { id, partId, version } = await newAllergy();
    await client.resolveAllergy({ params: { id, allergyId: partId }, ifMatch: version });
    expect((await client.listAllergies({ params: { id } })).body.items).toMatchObject([{ id: partId, active: false }]);
    expect((await client.listAllergies({ params: { id }, query: { activeOnly: true } })).body.items).toEqual([]);
  },
  getAllergy: async () => {
    const { id, partId, version } = await newAllergy();
    expect(await client.getAllergy({ params: { id, allergyId: partId } })).toMatchObject({ version, body: allergy });
  },
  updateAllergy: async () => {
    const { id, partId, version } = await newAllergy();
    const { body } = await client.updateAllergy({ params: { id, allergyId: partId }, body: { severity: 'SEVERE' }, ifMatch: version });
    expect(body).toMatchObject({ ...allergy, severity: 'SEVERE' });
  },
  resolveAllergy: async () => {
    const { id, partId, version } = await newAllergy();
    const resolved = await client.resolveAllergy({ params: { id, allergyId: partId }, body: { reason: 'Tested' }, ifMatch: version });
    expect(resolved.body.active).toBe(false);
    await expect(client.resolveAllergy({ params: { id, allergyId: partId }, ifMatch: resolved.version ?? Number.NaN })).rejects.toMatchObject({
      code: 'ALLERGY_RESOLVED',
    });
  },
  setRiskFlag: async () => {
    const { body, status, version } = await client.setRiskFlag({ params: { id: (await registered()).id }, body: riskFlag });
    expect([status, version]).toEqual([201, Date.parse(body.updatedAt)]);
    expect(body).toMatchObject({ ...riskFlag, active: true });
  },
  listRiskFlags: async () => {
    const { id, partId, version } = await newRiskFlag();
    await client.clearRiskFlag({ params: { id, riskFlagId: partId }, ifMatch: version });
    expect((await client.listRiskFlags({ params: { id } })).body.items).toMatchObject([{ id: partId, active: false }]);
    expect((await client.listRiskFlags({ params: { id }, query: { activeOnly: true } })).body.items).toEqual([]);
  },
  getRiskFlag: async () => {
    const { id, partId, version } = await newRiskFlag();
    expect(await client.getRiskFlag({ params: { id, riskFlagId: partId } })).toMatchObject({ version, body: riskFlag });
  },
  clearRiskFlag: async () => {
    const { id, partId, version } = await newRiskFlag();
    const { body } = await client.clearRiskFlag({ params: { id, riskFlagId: partId }, body: { reason: 'Walks again' }, ifMatch: version });
    expect(body).toMatchObject({ active: false, clearedAt: expect.any(String) });
  },
};

test.each(contracts.map(({ operationId }) => operationId))('%s works through the client, over a socket, as its contract says', async (operation) => {
  answered.clear();
  await proofs[operation]();
  expect(answered).toContain(operation);
});
