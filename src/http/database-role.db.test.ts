import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDatabase, type TestDatabase, withClient } from '../../test/support/database.ts';
import { sampleBody } from '../../test/support/sample-input.ts';
import { makeKey } from '../../test/support/serve.ts';
import { isBinary, type RouteContract } from '../api/contract.ts';
import { routes } from '../api/routes.ts';
import { type DatabaseAddress, parseDatabaseUrl } from '../base/config.ts';
import { createLogger } from '../base/log.ts';
import { loadSettings } from '../settings/load.ts';
import { type OpenHttp, openHttp, startWarnings } from './open.ts';

// The whole server as a LOGIN role that is a member of onechart_app and nothing else: all it does works, and what it must never do it cannot.

const role = `clerk_${process.pid}_${Date.now().toString(36)}`;
const secret = 'test';

let owners: TestDatabase;
let members: TestDatabase;
const opened: OpenHttp[] = [];
beforeAll(async () => {
  [owners, members] = await Promise.all([createDatabase({ template: 'migrated' }), createDatabase({ template: 'migrated' })]);
  // As the runbook says it, under names of this test.
  const [, statements = ''] = /^```sql server\n([\s\S]*?)^```/m.exec(readFileSync(join(import.meta.dirname, '../../docs/runbooks/serve.md'), 'utf8')) ?? [];
  await members.query(statements.replaceAll('onechart_server', role).replaceAll('DATABASE ehr', `DATABASE ${members.name}`));
  await members.query(`ALTER ROLE ${role} PASSWORD '${secret}'`);
});
afterAll(async () => {
  for (const http of opened) await http.stop({ delaySeconds: 0, limitSeconds: 10 });
  await Promise.all([owners.drop(), members.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`).then(() => members.drop())]);
});

const asMember = (): DatabaseAddress => ({ ...parseDatabaseUrl(members.url), user: role, password: secret });

async function open(address: DatabaseAddress): Promise<OpenHttp> {
  const { settings } = await loadSettings({
    env: {},
    cwd: '/',
    flags: [
      { key: 'limits.requestsPerMinute', value: '0', flag: '--set' },
      { key: 'server.port', value: '0', flag: '--set' },
    ],
  });
  const http = openHttp({ settings, address, log: createLogger({ level: 'silent' }) });
  opened.push(http);
  return http;
}

const address = { use: 'WORK', addressLine1: '1 Test Street', city: 'Nairobi' };
const telecom = { system: 'PHONE', use: 'WORK', value: '+254711000112' };
const identifier = { type: 'PPN', value: 'SAMPLE-2' };

/** Bodies that only a refinement knows. */
const bodies: Readonly<Record<string, (chart: { id: string; mrn: string }) => unknown>> = {
  registerNewborn: ({ id }) => ({ motherId: id, birthOrder: 1 }),
  addAddress: () => address,
  addTelecom: () => telecom,
  addIdentifier: () => identifier,
  searchPatients: ({ mrn }) => ({ mrn }),
  findPatientByMrn: ({ mrn }) => ({ mrn }),
  findPatientByIdentifier: () => ({ type: 'PASSPORT', value: 'SAMPLE-1' }),
  findPatientByEmail: () => ({ email: 'sample@example.org' }),
  breakGlass: () => ({ reason: 'Brought in unconscious by ambulance' }),
};

/** What takes something away comes after the rest, and what shuts a chart last. */
const shutting = [
  'markPatientDeceased',
  'revertPatientDeceased',
  'archivePatient',
  'unarchivePatient',
  'restrictPatient',
  'breakGlass',
  'mendGlass',
  'unrestrictPatient',
];
const placeOf = (operationId: string) =>
  /^(remove|end)(?!Own)/.test(operationId) ? 1 : shutting.includes(operationId) ? 2 + shutting.indexOf(operationId) : 0;
const inOrder = (routes as readonly RouteContract[]).toSorted((a, b) => placeOf(a.operationId) - placeOf(b.operationId));

const nobody = '0190b6b2-6d0f-7c3a-9c6e-00000000ffff';
const reasoned = new Set(['exportPatient', 'exportBase']);
const query = ({ operationId }: RouteContract) =>
  operationId === 'getChartAt' ? `?at=${encodeURIComponent(new Date().toISOString())}` : reasoned.has(operationId) ? '?reason=asked' : '';

/** Calls every route once on a chart with parts, in the same order each time; which status each answered. */
async function walk(http: OpenHttp, database: TestDatabase): Promise<Map<string, string>> {
  const authorization = `Bearer ${await makeKey(database, 'ADMIN')}`;
  // Over a socket, as uploads are read from one.
  const base = await http.listen();
  const post = async (url: string, payload: object) => {
    const reply = await fetch(`${base}${url}`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify(payload),
    });
    const text = await reply.text();
    expect(reply.status, `${url}: ${text}`).toBe(201);
    return JSON.parse(text) as { id: string; mrn: string; account?: { id: string } };
  };
  const chart = await post('/api/v1/patients', { firstName: 'Synthetic', lastName: 'Person', dateOfBirth: '1990-01-01', email: 'sample@example.org' });
  const of = `/api/v1/patients/${chart.id}`;
  const parts: Record<string, string> = {
    id: chart.id,
    contactId: (await post(`${of}/contacts`, { firstName: 'Kin', lastName: 'Person', relationship: 'SPOUSE', phone: '+254711000111' })).id,
    documentId: (await post(`${of}/documents`, { documentType: 'PASSPORT', documentNumber: 'SAMPLE-1' })).id,
    allergyId: (await post(`${of}/allergies`, { allergen: 'Latex', allergyType: 'OTHER', severity: 'MILD' })).id,
    nameId: (await post(`${of}/names`, { use: 'ALIAS', lastName: 'Other' })).id,
    addressId: (await post(`${of}/addresses`, address)).id,
    telecomId: (await post(`${of}/telecoms`, telecom)).id,
    identifierId: (await post(`${of}/identifiers`, { ...identifier, value: 'SAMPLE-3' })).id,
    riskFlagId: (await post(`${of}/risk-flags`, { flagType: 'FALL_RISK', severity: 'LOW' })).id,
  };
  const { account } = await post('/api/v1/accounts', { username: 'somebody', displayName: 'Somebody', role: 'NURSE', password: 'seven quiet herons' });
  const others: Readonly<Record<string, string>> = { accounts: account?.id ?? '', keys: (await post('/api/v1/keys', { name: 'other', role: 'NURSE' })).id };
  const outcomes = new Map<string, string>();
  for (const contract of inOrder) {
    const { method, path, operationId, body, ifMatch } = contract;
    const url = path.replaceAll(/\{(\w+)\}/g, (_whole, name: string) =>
      name === 'id' && !path.startsWith('/api/v1/patients/') ? (others[path.split('/')[3] ?? ''] ?? nobody) : (parts[name] ?? nobody),
    );
    const payload = bodies[operationId]?.(chart) ?? sampleBody(contract);
    // The entity tag of what a change is about: its address without the word for what is done to it.
    const etag = ifMatch && (await fetch(`${base}${url.replace(/(?<=[0-9a-f]{12})\/[a-z-]+$/, '')}`, { headers: { authorization } })).headers.get('etag');
    const reply = await fetch(`${base}${url}${query(contract)}`, {
      method,
      redirect: 'manual',
      headers: {
        ...(contract.access === 'public' ? {} : { authorization }),
        ...(etag ? { 'if-match': etag } : {}),
        ...(payload === undefined ? {} : { 'content-type': isBinary(body) ? (body.contentTypes[0] ?? '') : 'application/json' }),
      },
      ...(payload === undefined ? {} : { body: isBinary(body) ? new Uint8Array(payload as Buffer) : JSON.stringify(payload) }),
    });
    const text = await reply.text();
    outcomes.set(operationId, reply.status < 400 ? String(reply.status) : `${reply.status} ${(JSON.parse(text) as { code: string }).code}`);
  }
  return outcomes;
}

test('every operation answers a server of this role as it answers the owner of the tables', async () => {
  const [byOwner, byMember] = [await walk(await open(parseDatabaseUrl(owners.url)), owners), await walk(await open(asMember()), members)];
  expect(Object.fromEntries(byMember)).toEqual(Object.fromEntries(byOwner));
  const done = [...byMember.values()].filter((outcome) => outcome.startsWith('2'));
  // The rest is about things that this walk does not have, such as a restricted chart: refused before or after the database was asked.
  expect(done.length, JSON.stringify(Object.fromEntries(byMember), null, 1)).toBeGreaterThan(routes.length / 2);
  expect([...byMember].filter(([, outcome]) => /^5|PRIVILEGE/.test(outcome))).toEqual([]);
});

test('such a server is ready, seals the trail, and gives no reason for a warning; the owner of the tables does', async () => {
  const http = await open(asMember());
  await expect(http.assertReady()).resolves.toBeUndefined();
  await http.stop({ delaySeconds: 0, limitSeconds: 10 });
  const [sealed] = await members.query<{ unsealed: number }>(
    'SELECT count(*)::int AS unsealed FROM patient_audit_events WHERE seq > (SELECT coalesce(max("toSeq"), 0) FROM patient_audit_seals)',
  );
  expect(sealed).toEqual({ unsealed: 0 });
  const { settings } = await loadSettings({ env: {}, cwd: '/' });
  expect(await startWarnings({ settings, address: asMember() })).toEqual([]);
  expect(await startWarnings({ settings, address: parseDatabaseUrl(members.url) })).toEqual([expect.stringContaining('DELETE patients')]);
  expect(await startWarnings({ settings: { ...settings, server: { ...settings.server, host: '0.0.0.0' } }, address: asMember() })).toEqual([
    expect.stringContaining('without TLS'),
  ]);
});

test('a role that is no member is told by readiness what to grant', async () => {
  await members.query(`REVOKE onechart_app FROM ${role}`);
  try {
    const http = await open(asMember());
    await expect(http.assertReady()).rejects.toMatchObject({
      code: 'DATABASE_RIGHTS_MISSING',
      message: expect.stringContaining(`GRANT onechart_app TO ${role}`),
    });
  } finally {
    await members.query(`GRANT onechart_app TO ${role}`);
  }
});

describe('the role of the server cannot', () => {
  test.each([
    'DELETE FROM patients',
    'TRUNCATE patients CASCADE',
    'DELETE FROM patient_audit_events',
    `UPDATE patient_audit_events SET reason = 'x'`,
    'TRUNCATE patient_audit_events',
    'DELETE FROM patient_audit_seals',
    `UPDATE patient_audit_seals SET digest = 'x'`,
    'TRUNCATE patient_audit_seals',
    'DELETE FROM access_accounts',
    'DELETE FROM access_keys',
    'DELETE FROM patient_merge_history',
    'DELETE FROM mrn_blocks',
    'ALTER TABLE patients ADD COLUMN x int',
    'ALTER TABLE patients DISABLE TRIGGER ALL',
    'ALTER TABLE patient_audit_events DROP COLUMN reason',
    'DROP TABLE patients CASCADE',
    'DROP INDEX "patients_mrn_key"',
    'CREATE INDEX x ON patients (mrn)',
    'CREATE TRIGGER x BEFORE UPDATE ON patients FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()',
    'CREATE SCHEMA x',
    'CREATE ROLE x',
    'ALTER ROLE onechart_app SUPERUSER',
    'GRANT ALL ON patients TO PUBLIC',
    'SET session_replication_role = replica',
    `COPY patients TO PROGRAM 'cat'`,
    `SELECT pg_read_file('/etc/hostname')`,
  ])('%s', async (statement) => {
    const { host, port, user, password, database } = asMember();
    await withClient(`postgresql://${user}:${password}@${host}:${port}/${database}`, async (client) => {
      const before = await client.query<{ count: string }>('SELECT count(*) FROM patients');
      if (statement.startsWith('GRANT')) {
        // A grant without the right to grant is a warning in SQL: what counts is that nobody got anything.
        await client.query(statement).catch((error: unknown) => expect((error as pg.DatabaseError).code).toBe('42501'));
        const { rows } = await client.query(`SELECT FROM information_schema.role_table_grants WHERE table_name = 'patients' AND grantee = 'PUBLIC'`);
        expect(rows).toEqual([]);
      } else await expect(client.query(statement)).rejects.toMatchObject({ code: '42501' });
      expect((await client.query('SELECT count(*) FROM patients')).rows).toEqual(before.rows);
    });
  });
});
