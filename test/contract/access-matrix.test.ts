import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callers, type Outcome, promisedOutcome, renderAccess, routeRows } from '../../scripts/documents/access.ts';
import type { Role } from '../../src/access/access.schema.ts';
import type { RouteContract } from '../../src/api/contract.ts';
import { routes } from '../../src/api/routes.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { openTestHttp } from '../support/http.ts';

// Who may do what, three times over: the committed table, the live server, and the design's matrix by hand. A changed right is a diff.

const committed = readFileSync(join(import.meta.dirname, '../../docs/access.md'), 'utf8');
const remedy = 'A route or a right changed. Look whether that is meant, then run `npm run docs` and commit docs/access.md.';

let database: TestDatabase;
let server: FastifyInstance;
beforeAll(async () => {
  database = await createDatabase({ template: 'migrated' });
  server = openTestHttp(database);
});
afterAll(async () => {
  await server.close();
  await database.drop();
});

/** Whether the caller gets in. The right is asked before anything else, so an empty request for charts that do not exist is enough. */
async function liveOutcome({ method, path }: RouteContract, caller: string): Promise<Outcome> {
  const url = path.replaceAll(/\{\w+\}/g, '0190b6b2-6d0f-7c3a-9c6e-00000000ffff');
  const reply = await server.inject({ method, url, headers: caller === 'nobody' ? {} : { 'x-test-role': caller } });
  const { code } = reply.headers['content-type']?.toString().startsWith('application/problem+json') ? reply.json<{ code: string }>() : { code: '' };
  return code === 'CREDENTIALS_MISSING' ? '401' : code === 'ACCESS_DENIED' ? '403' : 'yes';
}

test('docs/access.md is what roles and contracts say', () => {
  expect(committed, remedy).toBe(renderAccess());
});

test('the live server answers every role, and nobody, on every route as the committed table says', async () => {
  const live = new Map<string, Outcome>();
  for (const contract of routes) for (const caller of callers) live.set(`${contract.operationId} ${caller}`, await liveOutcome(contract, caller));
  const rows = routeRows(({ operationId }, caller) => live.get(`${operationId} ${caller}`) ?? '401');
  const table = committed.split('\n').filter((line) => /^\| `(GET|POST|PUT|PATCH|DELETE) /.test(line));
  expect(table.length, remedy).toBe(routes.length);
  expect(rows, remedy).toEqual(table);
});

const everyone: readonly Role[] = ['ADMIN', 'FRONT_DESK', 'NURSE', 'DOCTOR', 'HIM'];
const wholeChart: readonly Role[] = ['ADMIN', 'NURSE', 'DOCTOR', 'HIM'];
const records: readonly Role[] = ['ADMIN', 'HIM'];
const clinicians: readonly Role[] = ['ADMIN', 'NURSE', 'DOCTOR'];
const desk: readonly Role[] = ['ADMIN', 'FRONT_DESK', 'HIM'];

/** The matrix of the design, copied by hand and not derived from anything: each row with the operations that do it. */
const design: Readonly<Record<string, { roles: readonly Role[]; operations: readonly string[] }>> = {
  'register, search': {
    roles: everyone,
    operations: [
      'registerPatient',
      'searchPatients',
      'listPatients',
      'findPatientByMrn',
      'findPatientByIdentifier',
      'findPatientByEmail',
      'registerUnidentified',
      'registerNewborn',
      'listPlaceholders',
    ],
  },
  'view chart: demographics, contacts, documents': {
    roles: everyone,
    operations: ['getPatient', 'listContacts', 'listDocuments', 'listNames', 'listAddresses', 'listTelecoms', 'listIdentifiers', 'listChildren'],
  },
  'view chart: the rest': { roles: wholeChart, operations: ['listAllergies', 'listRiskFlags', 'listMerges'] },
  'edit demographics, contacts': {
    roles: desk,
    operations: [
      'updatePatient',
      'identifyPatient',
      'addContact',
      'updateContact',
      'removeContact',
      'verifyIdentifier',
      ...['Name', 'Address', 'Telecom', 'Identifier'].flatMap((part) => [`add${part}`, `update${part}`, `end${part}`, `remove${part}`]),
    ],
  },
  'attach and verify documents': { roles: desk, operations: ['addDocument', 'updateDocument', 'verifyDocument', 'removeDocument'] },
  'allergies, risk flags': { roles: clinicians, operations: ['addAllergy', 'updateAllergy', 'resolveAllergy', 'setRiskFlag', 'clearRiskFlag'] },
  'mark deceased': { roles: ['ADMIN', 'DOCTOR', 'HIM'], operations: ['markPatientDeceased', 'revertPatientDeceased'] },
  'restrict, archive': { roles: records, operations: ['restrictPatient', 'unrestrictPatient', 'archivePatient', 'unarchivePatient'] },
  'break the glass': { roles: everyone, operations: ['breakGlass', 'mendGlass'] },
  "the privacy officer's list": { roles: ['ADMIN', 'AUDITOR'], operations: ['listBreakGlass', 'reviewBreakGlass'] },
};

test.each(Object.entries(design))('%s: exactly the roles of the design', (_action, { roles, operations }) => {
  for (const operation of operations) {
    const contract = routes.find(({ operationId }) => operationId === operation);
    expect(contract, `No route is called ${operation} any more: the hand-written matrix has to name its heir.`).toBeDefined();
    if (!contract) continue;
    expect(
      callers.filter((caller) => promisedOutcome(contract, caller) === 'yes'),
      operation,
    ).toEqual(callers.filter((caller) => (roles as readonly string[]).includes(caller)));
  }
});

test('no route deletes a patient, and nobody reaches a patient without saying who they are', () => {
  expect(routes.filter(({ method, path }) => method === 'DELETE' && /^\/api\/v1\/patients\/\{\w+\}$/.test(path))).toEqual([]);
  const open = routes.filter(({ access }) => access === 'public').map(({ path }) => path);
  expect(open.filter((path) => path.includes('patient') || path.includes('break-glass') || path.includes('audit'))).toEqual([]);
});
