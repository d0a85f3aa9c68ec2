import fc from 'fast-check';
import type { FastifyInstance, LightMyRequestResponse } from 'fastify';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callers } from '../../scripts/documents/access.ts';
import { mayDo } from '../../src/access/access.ts';
import { isBinary, type RouteContract } from '../../src/api/contract.ts';
import { routes } from '../../src/api/routes.ts';
import { openRegistry } from '../../src/index.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { openTestHttp } from '../support/http.ts';
import { sampleBody, sampleOf } from '../support/sample-input.ts';

// Every way into a restricted chart that there is, and every one that will be added: each contract is called about it as each role.

const person = {
  firstName: 'Zuberi',
  middleName: 'Nyokabi',
  lastName: 'Quarshie-Wambugu',
  dateOfBirth: '1931-07-19',
  email: 'zuberi.quarshie@example.org',
  phone: '+254711987654',
  phoneSecondary: '+254711987655',
  addressLine1: '17 Jacaranda Close',
  city: 'Naivasha',
} as const;
/** Texts that no answer may hold, in a body, a header or a cursor. The reason of the restriction is not among them: who reads the trail reads reasons. */
const secrets: string[] = [...Object.values(person), 'Quarshie', '711987654', 'PASS-99471', 'Kin-Of-Zuberi', 'Latex-Of-Zuberi', 'FLAG-OF-ZUBERI'];

let database: TestDatabase;
let server: FastifyInstance;
let origin = '';
/** A part of the chart for each path parameter that names one. */
const parts: Record<string, string> = {};
let id = '';
let mrn = '';
beforeAll(async () => {
  database = await createDatabase({ template: 'migrated' });
  server = openTestHttp(database);
  origin = await server.listen({ port: 0, host: '127.0.0.1' });
  await using registry = await openRegistry({ databaseUrl: database.url });
  const patients = registry.patientRepository;
  const mother = await patients.create({ firstName: 'Open', lastName: 'Mother', dateOfBirth: '1901-01-01' });
  ({ id, mrn } = await patients.create({ ...person, motherId: mother.id, birthOrder: 1, multipleBirthCount: 1 }));
  parts.contactId = (await patients.addContact(id, { firstName: 'Kin-Of-Zuberi', lastName: 'Somebody', relationship: 'SPOUSE', phone: '+254711987654' })).id;
  parts.documentId = (await patients.addDocument(id, { documentType: 'PASSPORT', documentNumber: 'PASS-99471' })).id;
  parts.allergyId = (await patients.addAllergy(id, { allergen: 'Latex-Of-Zuberi', allergyType: 'OTHER', severity: 'MILD' })).id;
  parts.riskFlagId = (await patients.setRiskFlag(id, { flagType: 'FLAG-OF-ZUBERI', severity: 'LOW' })).id;
  await database.query(`INSERT INTO patient_placeholders ("patientId", origin) VALUES ($1, 'UNIDENTIFIED')`, [id]);
  await patients.restrict(id, { reason: 'Protected from a former partner' });
  parts.motherId = mother.id;
  secrets.push(mrn);
});
afterAll(async () => {
  await server.close();
  await database.drop();
});

/** Bodies that only a refinement knows, and searches that find the restricted chart. */
const bodies: Readonly<Record<string, () => unknown>> = {
  breakGlass: () => ({ reason: 'Brought in unconscious by ambulance' }),
  searchPatients: () => ({ mrn }),
  findPatientByMrn: () => ({ mrn }),
  findPatientByIdentifier: () => ({ type: 'PASSPORT', value: 'PASS-99471' }),
  findPatientByEmail: () => ({ email: person.email }),
};

/** Routes about one chart that answer without opening it, with the status of those who may. Everything else has to say CHART_RESTRICTED. */
const withoutOpening: Readonly<Record<string, number>> = { breakGlass: 201, listChartAudit: 200, listChartListings: 200 };

interface Reply {
  readonly statusCode: number;
  readonly body: string;
  readonly headers: unknown;
}

async function call(contract: RouteContract, caller: string): Promise<Reply> {
  const { method, path, operationId, body } = contract;
  const isAboutPatient = path.startsWith('/api/v1/patients/{id}');
  const place = path.replaceAll(/\{(\w+)\}/g, (_whole, name: string) =>
    name === 'id' && isAboutPatient ? id : (parts[name] ?? '0190b6b2-6d0f-7c3a-9c6e-00000000ffff'),
  );
  const query = contract.query ? `?${new URLSearchParams(sampleOf(contract.query) as Record<string, string>).toString()}` : '';
  const payload = bodies[operationId]?.() ?? sampleBody(contract);
  const headers = {
    ...(caller === 'nobody' ? {} : { 'x-test-role': caller }),
    ...(contract.ifMatch === undefined ? {} : { 'if-match': '"2"' }),
    ...(body === undefined ? {} : { 'content-type': isBinary(body) ? (body.contentTypes[0] ?? '') : 'application/json' }),
  };
  if (!isBinary(body)) return server.inject({ method, url: `${place}${query}`, headers, ...(payload === undefined ? {} : { payload: payload as object }) });
  // A file needs a real connection.
  const reply = await fetch(new URL(place, origin), { method, headers, body: payload as Uint8Array<ArrayBuffer> });
  return { statusCode: reply.status, body: await reply.text(), headers: Object.fromEntries(reply.headers) };
}

/** All that an answer says, with the insides of its cursors. */
function whatItSays(reply: Reply): string {
  const text = `${reply.body}\n${JSON.stringify(reply.headers)}`;
  const cursors = [...text.matchAll(/[A-Za-z0-9_-]{16,}/g)].map(([token]) => Buffer.from(token, 'base64url').toString('utf8'));
  return [text, ...cursors].join('\n').toLowerCase();
}

const secretsIn = (reply: Reply) => secrets.filter((secret) => whatItSays(reply).includes(secret.toLowerCase()));

test.each(routes.map((contract: RouteContract) => [contract.operationId, contract] as const))(
  '%s tells nobody anything of a restricted chart',
  async (operationId, contract) => {
    const isAboutPatient = contract.path.startsWith('/api/v1/patients/{id}');
    for (const caller of callers) {
      const reply = await call(contract, caller);
      expect(secretsIn(reply), `${operationId} as ${caller}: ${reply.statusCode}`).toEqual([]);
      expect(reply.statusCode, `${operationId} as ${caller}: ${reply.body}`).toBeLessThan(500);
      const mayCall = contract.access === 'signed-in' ? caller !== 'nobody' : contract.access !== 'public' && mayDo(caller, contract.access);
      if (!isAboutPatient || !mayCall) continue;
      const allowed = withoutOpening[operationId];
      if (allowed !== undefined) expect(reply.statusCode, reply.body).toBe(allowed);
      else
        expect(
          JSON.parse(reply.body) as unknown,
          `${operationId} as ${caller} has to be refused before anything else; give a body in this test if it is not well-formed`,
        ).toMatchObject({ code: 'CHART_RESTRICTED', details: { id } });
      // What breaking the glass gave is taken back, so that the next caller stands before a shut chart again.
      if (operationId === 'breakGlass') await database.query('UPDATE patient_break_glass_grants SET "endedAt" = now()');
    }
  },
);

test('lists and searches show the mask, whatever is searched and however the pages are cut', async () => {
  const mask = { id, masked: true, restricted: true };
  const [{ all } = { all: 0 }] = await database.query<{ all: number }>('SELECT count(*)::int AS all FROM patients');
  const searches = [
    { mrn },
    { phone: person.phone },
    { phone: person.phoneSecondary },
    { email: person.email },
    { documentNumber: 'PASS-99471' },
    { contactPhone: '+254711987654' },
    { lastName: person.lastName },
    { lastName: person.lastName, firstName: person.firstName, dateOfBirth: person.dateOfBirth },
  ];
  for (const role of callers.filter((caller) => mayDo(caller, 'patient.search'))) {
    for (const payload of searches) {
      const reply = await server.inject({ method: 'POST', url: '/api/v1/patients/search', headers: { 'x-test-role': role }, payload });
      expect(reply.json().items, `${role} ${Object.keys(payload).join()}`).toEqual([mask]);
      expect(secretsIn(reply)).toEqual([]);
    }
    // How the pages are cut does not depend on the role.
    for (const order of role === 'ADMIN' ? ['newest', 'changed', 'name'] : []) {
      const url = `/api/v1/patients?order=${order}&limit=3`;
      const seen: unknown[] = [];
      for (let cursor: string | null = ''; cursor !== null; ) {
        const reply: LightMyRequestResponse = await server.inject({ url: cursor === '' ? url : `${url}&cursor=${cursor}`, headers: { 'x-test-role': role } });
        expect(reply.statusCode, reply.body).toBe(200);
        expect(secretsIn(reply)).toEqual([]);
        const page = reply.json<{ items: unknown[]; nextCursor: string | null; total: number }>();
        expect(page.total).toBe(all);
        seen.push(...page.items);
        cursor = page.nextCursor;
      }
      expect(seen.filter((item) => (item as { id: string }).id === id)).toEqual(order === 'name' ? [] : [mask]);
    }
  }
});

/** The whole text, or a beginning of it, in any case. */
const pieceOf = (text: string) =>
  fc.tuple(fc.constantFrom(text.length, text.length, 1, 2, 5), fc.constantFrom('as it is', 'upper', 'lower', 'wild')).map(([length, how]) => {
    const piece = text.slice(0, length);
    return how === 'upper' ? piece.toUpperCase() : how === 'lower' ? piece.toLowerCase() : how === 'wild' ? `${piece}%` : piece;
  });
const cursorOf = (...parts: unknown[]) => Buffer.from(JSON.stringify(parts)).toString('base64url');

test('whatever is searched for, with whatever cursor, a mask comes for whole values alone and nothing of the chart with it', async () => {
  const searches = fc.record({
    lastName: pieceOf(person.lastName),
    firstName: pieceOf(person.firstName),
    dateOfBirth: fc.constantFrom(person.dateOfBirth, '1990-01-01'),
    phone: pieceOf(person.phone),
    email: fc.constantFrom(person.email, 'z@example.org'),
    mrn: pieceOf(mrn),
    documentNumber: pieceOf('PASS-99471'),
    includeArchived: fc.boolean(),
    includeOther: fc.boolean(),
    limit: fc.constantFrom(1, 2, 200),
    cursor: fc.constantFrom(cursorOf('restricted'), cursorOf('restricted', id), cursorOf('name', 'Quarshie', 'Z', id), cursorOf('name', '', null, id)),
  });
  const criteria = ['lastName', 'firstName', 'dateOfBirth', 'phone', 'email', 'mrn', 'documentNumber'] as const;
  const options = ['includeArchived', 'includeOther', 'limit', 'cursor'] as const;
  const some = fc.tuple(searches, fc.subarray([...criteria], { minLength: 1, maxLength: 3 }), fc.subarray([...options]));
  const whole = (given: string | undefined, value: string) => given === undefined || given.toLowerCase() === value.toLowerCase();
  let masks = 0;
  await fc.assert(
    fc.asyncProperty(some, async ([all, asked, given]) => {
      const payload: Partial<typeof all> = Object.fromEntries([...asked, ...given].map((name) => [name, all[name]]));
      const reply = await server.inject({ method: 'POST', url: '/api/v1/patients/search', headers: { 'x-test-role': 'HIM' }, payload });
      expect(secretsIn(reply)).toEqual([]);
      expect([200, 400]).toContain(reply.statusCode);
      const { items = [] } = reply.json<{ items?: { id: string }[] }>();
      if (!items.some((item) => item.id === id)) return;
      masks += 1;
      const { lastName, firstName, dateOfBirth, phone, email, documentNumber } = payload;
      expect(whole(lastName, person.lastName) && whole(firstName, person.firstName) && whole(dateOfBirth, person.dateOfBirth)).toBe(true);
      expect(whole(phone, person.phone) && whole(email, person.email) && whole(payload.mrn, mrn) && whole(documentNumber, 'PASS-99471')).toBe(true);
      expect([lastName, phone, email, payload.mrn, documentNumber].some((value) => value !== undefined)).toBe(true);
    }),
    { numRuns: 250 },
  );
  expect(masks).toBeGreaterThan(0);
});

test('under a grant every reading of the chart names it in the trail', async () => {
  await call(routes.find(({ operationId }) => operationId === 'breakGlass') as RouteContract, 'DOCTOR');
  const before = await database.query<{ last: string }>('SELECT max(seq)::text AS last FROM patient_audit_events');
  const readings = routes.filter(({ method, path, access }) => method === 'GET' && path.startsWith('/api/v1/patients/{id}') && access.startsWith('patient.'));
  for (const contract of readings) {
    const reply = await call(contract, 'DOCTOR');
    expect(reply.body, contract.operationId).not.toContain('CHART_RESTRICTED');
  }
  const rows = await database.query<{ action: string; after: object }>('SELECT action, "after" FROM patient_audit_events WHERE "patientId" = $1 AND seq > $2', [
    id,
    before[0]?.last,
  ]);
  expect(rows.length).toBeGreaterThan(8);
  expect(rows.filter(({ after }) => !('grantId' in after))).toEqual([]);
  await database.query('UPDATE patient_break_glass_grants SET "endedAt" = now() WHERE "endedAt" IS NULL');
});

test('after the glass is broken the same person sees the chart, others still do not', async () => {
  const broken = await server.inject({
    method: 'POST',
    url: `/api/v1/patients/${id}/break-glass`,
    headers: { 'x-test-role': 'DOCTOR' },
    payload: bodies.breakGlass?.() as object,
  });
  expect(broken.statusCode).toBe(201);
  const open = await server.inject({ url: `/api/v1/patients/${id}`, headers: { 'x-test-role': 'DOCTOR' } });
  expect(open.json()).toMatchObject({ lastName: person.lastName });
  for (const query of ['', `?at=${new Date().toISOString()}`])
    expect((await server.inject({ url: `/api/v1/patients/${id}${query}`, headers: { 'x-test-role': 'ADMIN' } })).json()).toMatchObject({
      code: 'CHART_RESTRICTED',
    });
  const waiting = await server.inject({ url: '/api/v1/break-glass?unreviewed=true&limit=1', headers: { 'x-test-role': 'AUDITOR' } });
  expect(waiting.json()).toMatchObject({ items: [{ patientId: id, viewerName: 'test-doctor', reason: 'Brought in unconscious by ambulance' }] });
  const grantId = broken.json<{ id: string }>().id;
  const reviewed = await server.inject({
    method: 'POST',
    url: `/api/v1/break-glass/${grantId}/review`,
    headers: { 'x-test-role': 'AUDITOR' },
    payload: { verdict: 'UNJUSTIFIED', note: 'Not on duty that day.' },
  });
  expect(reviewed.json()).toMatchObject({ verdict: 'UNJUSTIFIED', reviewerName: 'test-auditor' });
  expect((await server.inject({ url: `/api/v1/patients/${id}`, headers: { 'x-test-role': 'DOCTOR' } })).json()).toMatchObject({ code: 'CHART_RESTRICTED' });
});
