import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { createSampleEhr } from '../../sample-ehr/index.ts';
import { createDatabase, moduleMigrations, type TestDatabase, withClient } from '../../test/support/database.ts';
import { fixedClock } from '../base/clock.ts';
import { AppError } from '../base/errors.ts';
import { createPatientRepository, openRegistry, type Patient, type PatientRepository, type Registry } from '../index.ts';

let database: TestDatabase;
let registry: Registry;
let patientRepository: PatientRepository;
const clock = fixedClock(new Date('2026-11-23T08:00:00.000Z'));
const person = { firstName: 'Amina', lastName: 'Otieno', dateOfBirth: '1984-02-29' };

beforeAll(async () => {
  database = await createDatabase({ template: 'migrated' });
  registry = await openRegistry({ databaseUrl: database.url, clock });
  patientRepository = registry.patientRepository;
  return async () => {
    await registry.close();
    await database.drop();
  };
});

beforeEach(() => clock.set(new Date('2026-11-23T08:00:00.000Z')));

async function failure(promise: Promise<unknown>): Promise<AppError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(AppError);
  return error as AppError;
}

async function trailOf(db: TestDatabase, id: string) {
  const audit = await db.query<{ action: string; before: unknown; after: unknown; reason: string | null }>(
    'SELECT action, before, after, reason FROM patient_audit_events WHERE "patientId" = $1 ORDER BY id',
    [id],
  );
  const events = await db.query<{ type: string; patientVersion: number; payload: unknown }>(
    'SELECT type, "patientVersion", payload FROM patient_outbox_events WHERE "patientId" = $1 ORDER BY id',
    [id],
  );
  return { audit, events };
}

/** Inserts a surgical case as the host would, by copying a row of the sample with another patient. */
async function insertCase(client: Pick<pg.ClientBase, 'query'>, patientId: string) {
  const {
    rows: [row],
  } = await client.query('SELECT to_jsonb(c) AS value FROM surgical_cases c LIMIT 1');
  const value = { ...row.value, id: patientId, patientId, ...('caseNumber' in row.value ? { caseNumber: `T-${patientId.slice(-12)}` } : {}) };
  await client.query('INSERT INTO surgical_cases SELECT * FROM jsonb_populate_record(NULL::surgical_cases, $1)', [JSON.stringify(value)]);
}

describe('the first steps, word for word', () => {
  test('a patient gets MRN-<year>-00001, the next one 00002, and cases need a patient', async () => {
    await using fresh = await createDatabase({ template: 'migrated' });
    await using opened = await openRegistry({ databaseUrl: fresh.url });
    const { patientRepository } = opened;
    const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
    const year = new Date().getUTCFullYear();

    const patient = await patientRepository.create({ firstName: 'Test', lastName: 'Patient', dateOfBirth: '1990-01-01' });
    console.log('MRN:', patient.mrn);

    expect(log).toHaveBeenCalledWith('MRN:', `MRN-${year}-00001`);
    log.mockRestore();
    const second = await patientRepository.create({ firstName: 'Second', lastName: 'Patient', dateOfBirth: '1991-01-01' });
    expect(second.mrn).toBe(`MRN-${year}-00002`);
    expect(patient).toMatchObject({ dateOfBirth: '1990-01-01', status: 'ACTIVE', version: 1, archived: false });

    await expect(insertCase(fresh.pool(), '0190b6b2-6d0f-7c3a-9c6e-0000000000aa')).rejects.toMatchObject({
      code: '23503',
      constraint: 'surgical_cases_patientId_fkey',
    });
    await insertCase(fresh.pool(), patient.id);
    expect(await fresh.query('SELECT 1 FROM surgical_cases WHERE "patientId" = $1', [patient.id])).toHaveLength(1);
  });
});

describe('create', () => {
  test('writes chart, audit row and event together', async () => {
    const patient = await patientRepository.create({ ...person, email: 'Amina.Otieno@Example.org', phone: '+254 20 123 4567' });
    expect(patient).toMatchObject({ email: 'amina.otieno@example.org', phone: '+254201234567', createdAt: '2026-11-23T08:00:00.000Z', createdBy: null });
    const { audit, events } = await trailOf(database, patient.id);
    expect(audit).toMatchObject([{ action: 'patient.registered', before: null, after: { id: patient.id, lastName: 'Otieno' } }]);
    expect(events).toEqual([{ type: 'patient.registered', patientVersion: 1, payload: { mrn: patient.mrn } }]);
  });

  test('an unknown date of birth and a single name are said, not forgotten', async () => {
    const patient = await patientRepository.create({ firstName: null, lastName: 'Suharto', dateOfBirth: null });
    expect(patient).toMatchObject({ firstName: null, dateOfBirth: null });
    const error = await failure(patientRepository.create({ lastName: 'Suharto' } as never));
    expect(error).toMatchObject({ kind: 'invalid', code: 'INPUT_INVALID' });
    expect(error.message).toContain('firstName is required; give null');
    expect(error.message).toContain('dateOfBirth is required; give null');
  });

  test.each([
    [{ dateOfBirth: '2026-11-24' }, 'DATE_OF_BIRTH_IN_FUTURE'],
    [{ dateOfBirth: '1876-11-22' }, 'DATE_OF_BIRTH_IMPLAUSIBLE'],
    [{ dateOfBirth: '2023-02-29' }, 'INPUT_INVALID'],
    [{ lastName: '  ' }, 'INPUT_INVALID'],
    [{ email: 'nobody' }, 'INPUT_INVALID'],
    [{ nickname: 'Ami' }, 'INPUT_INVALID'],
  ])('refuses %j with %s, naming the field', async (fields, code) => {
    const error = await failure(patientRepository.create({ ...person, ...fields } as never));
    expect(error).toMatchObject({ kind: 'invalid', code });
    expect(error.message).toContain(Object.keys(fields)[0]);
  });

  test("keeps the host's own number and refuses it twice", async () => {
    const patient = await patientRepository.create({ ...person, mrn: 'KNH/88/0042' });
    expect(patient.mrn).toBe('KNH/88/0042');
    expect(await failure(patientRepository.create({ ...person, mrn: 'KNH/88/0042' }))).toMatchObject({ kind: 'duplicate', code: 'MRN_TAKEN' });
  });

  test('a number that the host wrote past the counter is skipped', async () => {
    const before = await patientRepository.create(person);
    const next = Number(before.mrn.slice(-5)) + 1;
    await database.query(
      `INSERT INTO patients (mrn, "lastName", "createdAt", "updatedAt") SELECT unnest(ARRAY[$1, $2]), 'Direct', '2026-01-05', '2026-01-05'`,
      [`MRN-2026-${String(next).padStart(5, '0')}`, `MRN-2026-${String(next + 1).padStart(5, '0')}`],
    );
    const after = await patientRepository.create(person);
    expect(Number(after.mrn.slice(-5))).toBeGreaterThanOrEqual(next + 2);
  });

  test('an actor that is no user of the host is named as the error', async () => {
    const asStranger = registry.as({ actor: { kind: 'user', id: '0190b6b2-6d0f-7c3a-9c6e-0000000000bb' } });
    expect(await failure(asStranger.create(person))).toMatchObject({ kind: 'invalid', code: 'USER_NOT_FOUND' });
  });

  test('a failed registration leaves nothing, and its number goes to the next one', async () => {
    const taken = await patientRepository.create(person);
    expect(await failure(patientRepository.create({ ...person, id: taken.id }))).toMatchObject({ code: 'PATIENT_ID_TAKEN' });
    const next = await patientRepository.create(person);
    expect(Number(next.mrn.slice(-5))).toBe(Number(taken.mrn.slice(-5)) + 1);
  });
});

describe('find', () => {
  let patient: Patient;
  beforeAll(async () => {
    patient = await patientRepository.create({
      firstName: 'Li',
      lastName: 'Wei',
      dateOfBirth: '1970-05-05',
      email: 'li.wei@example.org',
      phone: '+14155550100',
      phoneSecondary: '+14155550101',
    });
    await patientRepository.addDocument(patient.id, { documentType: 'PASSPORT', documentNumber: 'E12345678' });
    await patientRepository.addContact(patient.id, { firstName: 'Mei', lastName: 'Wei', relationship: 'SISTER', phone: '+14155550199' });
  });

  test('by id, MRN, document and e-mail; each look is recorded', async () => {
    expect((await patientRepository.findById(patient.id))?.mrn).toBe(patient.mrn);
    expect((await patientRepository.findByMrn(patient.mrn))?.id).toBe(patient.id);
    expect((await patientRepository.findByIdentifier({ type: 'PASSPORT', value: 'E12345678' }))?.id).toBe(patient.id);
    expect((await patientRepository.findByIdentifier({ type: 'MRN', value: patient.mrn }))?.id).toBe(patient.id);
    expect((await patientRepository.findByEmail('LI.Wei@Example.org'))?.id).toBe(patient.id);
    const { audit } = await trailOf(database, patient.id);
    expect(audit.filter((row) => row.action === 'patient.viewed').map((row) => row.after)).toEqual([
      { by: 'id' },
      { by: 'mrn' },
      { by: 'PASSPORT' },
      { by: 'mrn' },
      { by: 'email' },
    ]);
  });

  test('what is not there is undefined; an id that cannot be one is invalid', async () => {
    expect(await patientRepository.findById('0190b6b2-6d0f-7c3a-9c6e-0000000000cc')).toBeUndefined();
    expect(await patientRepository.findByMrn('MRN-1999-00001')).toBeUndefined();
    expect(await patientRepository.findByIdentifier({ type: 'PASSPORT', value: 'none' })).toBeUndefined();
    expect(await patientRepository.findByEmail('none@example.org')).toBeUndefined();
    expect(await failure(patientRepository.findById('42'))).toMatchObject({ kind: 'invalid', code: 'VALUE_MALFORMED' });
  });

  test('a shared e-mail address is ambiguous, an archived chart is not found by it', async () => {
    const one = await patientRepository.create({ ...person, email: 'family@example.org' });
    const two = await patientRepository.create({ ...person, email: 'family@example.org' });
    expect(await failure(patientRepository.findByEmail('family@example.org'))).toMatchObject({ kind: 'ambiguous', code: 'EMAIL_AMBIGUOUS' });
    await patientRepository.archive(two.id, { reason: 'registered twice' });
    expect((await patientRepository.findByEmail('family@example.org'))?.id).toBe(one.id);
  });

  test('an MRN leads through merges to the surviving chart, and a circle is reported', async () => {
    const [a, b, c] = [await patientRepository.create(person), await patientRepository.create(person), await patientRepository.create(person)];
    const merge = (from: Patient, into: Patient) =>
      database.query(`UPDATE patients SET status = 'ARCHIVED', archived = true, "archivedAt" = now(), "mergedInto" = $2, "mergedAt" = now() WHERE id = $1`, [
        from.id,
        into.id,
      ]);
    await merge(a, b);
    await merge(b, c);
    expect((await patientRepository.findByMrn(a.mrn))?.id).toBe(c.id);
    expect(await failure(patientRepository.update(a.id, { version: 1, city: 'Nairobi' }))).toMatchObject({ kind: 'rule', code: 'PATIENT_MERGED' });
    expect((await patientRepository.list({ mergedInto: c.id })).items.map((each) => each.id)).toEqual([b.id]);
    await merge(c, a);
    expect(await failure(patientRepository.findByMrn(a.mrn))).toMatchObject({ kind: 'operator', code: 'MERGE_CYCLE' });
  });

  test.each([
    [{ lastName: 'we' }],
    [{ lastName: 'WEI', firstName: 'l' }],
    [{ dateOfBirth: '1970-05-05' }],
    [{ phone: '+1 415 555 0100' }],
    [{ phone: '+1 (415) 555-0101' }],
    [{ contactPhone: '+1 415 555 0199' }],
    [{ email: 'LI.WEI@example.org' }],
    [{ documentNumber: 'E12345678' }],
  ])('search %j finds the patient', async (criteria) => {
    const page = await patientRepository.search(criteria);
    expect(page.items.map((each) => each.id)).toEqual([patient.id]);
  });

  test('search takes % and _ as they are, and needs a criterion', async () => {
    expect((await patientRepository.search({ lastName: '%' })).items).toEqual([]);
    expect((await failure(patientRepository.search({}))).message).toContain('at least one criterion');
  });

  test('search is recorded with the charts shown, without what was typed', async () => {
    await patientRepository.search({ lastName: 'Wei' });
    const [row] = await database.query<{ after: unknown }>(`SELECT after FROM patient_audit_events WHERE action = 'patient.searched' ORDER BY id DESC LIMIT 1`);
    expect(row?.after).toEqual({ fields: ['lastName'], patientIds: [patient.id] });
  });
});

describe('list', () => {
  test.each(['newest', 'name', 'changed'] as const)('pages in order %s hold every patient once', async (order) => {
    await using fresh = await createDatabase({ template: 'migrated' });
    await using opened = await openRegistry({ databaseUrl: fresh.url, clock });
    const expected = new Set<string>();
    for (const [index, name] of ['Ödegård', 'Adams', 'adams', 'Adams', 'Zulu', 'Adams', 'Nguyễn'].entries()) {
      clock.set(new Date(Date.UTC(2026, 10, 23, 8, 0, Math.floor(index / 2))));
      expected.add((await opened.patientRepository.create({ firstName: index % 3 === 0 ? null : `F${index % 2}`, lastName: name, dateOfBirth: null })).id);
    }
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page = await opened.patientRepository.list({ order, limit: 2, ...(cursor === null ? {} : { cursor }) });
      expect(page.total).toBe(7);
      seen.push(...page.items.map((each) => each.id));
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(seen).toHaveLength(7);
    expect(new Set(seen)).toEqual(expected);
  });

  test('filters: status, who acted, changed since', async () => {
    const [user] = await database.query<{ id: string }>('SELECT id FROM users LIMIT 1');
    const asUser = registry.as({ actor: { kind: 'user', id: user?.id ?? '' } });
    clock.set(new Date('2026-11-23T10:00:00.000Z'));
    const patient = await asUser.create(person);
    expect(patient.createdBy).toBe(user?.id);
    for (const filter of [{ actedOnBy: { action: 'created', userId: user?.id ?? '' } }, { updatedSince: '2026-11-23T12:30:00+03:00' }] as const) {
      expect((await patientRepository.list({ ...filter, status: 'ACTIVE' })).items.map((each) => each.id)).toEqual([patient.id]);
    }
    expect((await patientRepository.list({ updatedSince: '2026-11-23T12:30:00+03:00', status: 'INACTIVE' })).total).toBe(0);
    expect(await failure(patientRepository.list({ cursor: 'nonsense' }))).toMatchObject({ code: 'CURSOR_INVALID' });
  });
});

describe('update', () => {
  test('records what changed, raises the version, and refuses a stale one', async () => {
    const patient = await patientRepository.create(person);
    const updated = await patientRepository.update(patient.id, { version: 1, city: 'Nairobi', firstName: null });
    expect(updated).toMatchObject({ version: 2, city: 'Nairobi', firstName: null, lastName: 'Otieno' });
    expect(await failure(patientRepository.update(patient.id, { version: 1, city: 'Kisumu' }))).toMatchObject({
      kind: 'stale',
      code: 'PATIENT_STALE_VERSION',
      details: { currentVersion: 2 },
    });
    const { audit, events } = await trailOf(database, patient.id);
    expect(audit[1]).toMatchObject({ action: 'patient.updated', before: { city: null, firstName: 'Amina' }, after: { city: 'Nairobi', firstName: null } });
    expect(events[1]).toMatchObject({ type: 'patient.updated', patientVersion: 2 });
    // The name that was replaced is kept.
    expect(audit.map(({ action }) => action)).toEqual(['patient.registered', 'patient.updated', 'patient.name-added']);
  });

  test('a change that changes nothing writes nothing', async () => {
    const patient = await patientRepository.create(person);
    expect((await patientRepository.update(patient.id, { version: 1, lastName: ' Otieno ' })).version).toBe(1);
    expect((await trailOf(database, patient.id)).audit).toHaveLength(1);
  });

  test('of 100 concurrent updates of one version exactly one wins', async () => {
    const patient = await patientRepository.create(person);
    const results = await Promise.allSettled(
      Array.from({ length: 100 }, (_, index) => patientRepository.update(patient.id, { version: 1, city: `City ${index}` })),
    );
    expect(results.filter((each) => each.status === 'fulfilled')).toHaveLength(1);
    expect(new Set(results.filter((each) => each.status === 'rejected').map((each) => (each.reason as AppError).code))).toEqual(
      new Set(['PATIENT_STALE_VERSION']),
    );
    expect((await trailOf(database, patient.id)).events).toHaveLength(2);
  });

  test('an unknown patient is not found', async () => {
    expect(await failure(patientRepository.update('0190b6b2-6d0f-7c3a-9c6e-0000000000cc', { version: 1, city: 'X' }))).toMatchObject({
      kind: 'not-found',
      code: 'PATIENT_NOT_FOUND',
    });
  });
});

describe('states', () => {
  test('every state has its way back, an audit row with the reason and an event', async () => {
    const { id } = await patientRepository.create(person);
    expect(await patientRepository.restrict(id, { reason: 'staff member' })).toMatchObject({ restricted: true, restrictedReason: 'staff member' });
    expect(await patientRepository.unrestrict(id)).toMatchObject({ restricted: false, restrictedReason: null });
    expect(await patientRepository.changeStatus(id, { status: 'INACTIVE' })).toMatchObject({ status: 'INACTIVE' });
    expect(await patientRepository.markDeceased(id, { deceasedAt: '2026-11-22T23:00:00+03:00' })).toMatchObject({
      status: 'DECEASED',
      deceased: true,
      deceasedAt: '2026-11-22T20:00:00.000Z',
    });
    expect(await patientRepository.archive(id, { reason: 'closed' })).toMatchObject({ status: 'ARCHIVED', archived: true, deceased: true });
    expect(await failure(patientRepository.update(id, { version: 6, city: 'X' }))).toMatchObject({ code: 'PATIENT_ARCHIVED' });
    expect(await patientRepository.unarchive(id, { reason: 'reopened' })).toMatchObject({ status: 'DECEASED', archived: false, archivedAt: null });
    expect(await patientRepository.revertDeceased(id, { reason: 'wrong chart', version: 7 })).toMatchObject({
      status: 'ACTIVE',
      deceased: false,
      deceasedAt: null,
      version: 8,
    });
    const { audit, events } = await trailOf(database, id);
    const names = [
      'patient.registered',
      'patient.restricted',
      'patient.unrestricted',
      'patient.status-changed',
      'patient.deceased',
      'patient.archived',
      'patient.unarchived',
      'patient.deceased-reverted',
    ];
    expect(audit.map((row) => row.action)).toEqual(names);
    expect(events.map((row) => row.type)).toEqual(names);
    expect(audit.map((row) => row.reason)).toEqual([null, 'staff member', null, null, null, 'closed', 'reopened', 'wrong chart']);
  });

  test('what may not be is refused with its own code', async () => {
    const { id } = await patientRepository.create({ ...person, dateOfBirth: '2020-01-01' });
    const codes = [
      await failure(patientRepository.markDeceased(id, { deceasedAt: '2019-12-31T00:00:00Z' })),
      await failure(patientRepository.markDeceased(id, { deceasedAt: '2027-01-01T00:00:00Z' })),
      await failure(patientRepository.changeStatus(id, { status: 'DECEASED' })),
      await failure(patientRepository.changeStatus(id, { status: 'ARCHIVED' })),
      await failure(patientRepository.unarchive(id)),
      await failure(patientRepository.unrestrict(id)),
      await failure(patientRepository.revertDeceased(id)),
      await failure(patientRepository.archive(id, { reason: 'x', version: 9 })),
    ].map((error) => error.code);
    expect(codes).toEqual([
      'DIED_BEFORE_BIRTH',
      'DECEASED_IN_FUTURE',
      'STATUS_NEEDS_MARK_DECEASED',
      'STATUS_NEEDS_ARCHIVE',
      'PATIENT_NOT_ARCHIVED',
      'PATIENT_NOT_RESTRICTED',
      'PATIENT_NOT_DECEASED',
      'PATIENT_STALE_VERSION',
    ]);
    expect((await trailOf(database, id)).audit).toHaveLength(1);
  });
});

describe('parts of a chart', () => {
  test('contacts, documents, allergies and risk flags with their audit rows and events', async () => {
    const { id } = await patientRepository.create(person);
    const contact = await patientRepository.addContact(id, { firstName: 'Juma', lastName: 'Otieno', relationship: 'SPOUSE', isEmergencyContact: true });
    expect(await patientRepository.updateContact({ patientId: id, id: contact.id }, { phone: '+254 722 000 000' })).toMatchObject({
      phone: '+254722000000',
      priority: 1,
    });
    const document = await patientRepository.addDocument(id, { documentType: 'ID_CARD', documentNumber: '123', issuedDate: '2020-01-01' });
    expect(document).toMatchObject({ issuedDate: '2020-01-01', isVerified: false });
    expect(await patientRepository.verifyDocument({ patientId: id, id: document.id })).toMatchObject({ isVerified: true });
    expect(await failure(patientRepository.updateDocument({ patientId: id, id: document.id }, { expiryDate: '2019-01-01' }))).toMatchObject({
      code: 'DOCUMENT_EXPIRES_BEFORE_ISSUE',
    });
    expect(await patientRepository.updateDocument({ patientId: id, id: document.id }, { documentNumber: '124' })).toMatchObject({ isVerified: false });
    const allergy = await patientRepository.addAllergy(id, { allergen: 'Penicillin', allergyType: 'DRUG', severity: 'SEVERE', diagnosedAt: '2010-06-01' });
    expect(await patientRepository.updateAllergy({ patientId: id, id: allergy.id }, { severity: 'LIFE_THREATENING' })).toMatchObject({
      severity: 'LIFE_THREATENING',
      diagnosedAt: '2010-06-01',
    });
    expect(await patientRepository.resolveAllergy({ patientId: id, id: allergy.id, reason: 'tested negative' })).toMatchObject({ active: false });
    const flag = await patientRepository.setRiskFlag(id, { flagType: 'FALL_RISK', severity: 'HIGH' });
    expect(await patientRepository.clearRiskFlag({ patientId: id, id: flag.id })).toMatchObject({ active: false, clearedAt: '2026-11-23T08:00:00.000Z' });
    expect(await failure(patientRepository.clearRiskFlag({ patientId: id, id: flag.id }))).toMatchObject({ code: 'RISK_FLAG_CLEARED' });
    expect(await failure(patientRepository.resolveAllergy({ patientId: id, id: flag.id }))).toMatchObject({ kind: 'not-found', code: 'ALLERGY_NOT_FOUND' });
    await patientRepository.removeContact({ patientId: id, id: contact.id });
    const { audit, events } = await trailOf(database, id);
    const names = [
      'patient.registered',
      'patient.contact-added',
      'patient.contact-updated',
      'patient.document-added',
      'patient.document-verified',
      'patient.document-updated',
      'patient.allergy-added',
      'patient.allergy-updated',
      'patient.allergy-resolved',
      'patient.risk-flag-set',
      'patient.risk-flag-cleared',
      'patient.contact-removed',
    ];
    expect(audit.map((row) => row.action)).toEqual(names);
    expect(events.map((row) => row.type)).toEqual(names);
    expect(await patientRepository.listContacts(id)).toEqual([]);
    expect(await patientRepository.listDocuments(id)).toHaveLength(1);
    expect(await patientRepository.listAllergies(id)).toHaveLength(1);
    expect(await patientRepository.listAllergies(id, { activeOnly: true })).toEqual([]);
    expect(await patientRepository.listRiskFlags(id, { activeOnly: true })).toEqual([]);
    expect(await failure(patientRepository.listContacts('0190b6b2-6d0f-7c3a-9c6e-0000000000cc'))).toMatchObject({ code: 'PATIENT_NOT_FOUND' });
  });
});

describe('in a transaction of the host', () => {
  const countAll = async () =>
    (
      await database.query<{ n: number }>(
        'SELECT (SELECT count(*) FROM patients)::int + (SELECT count(*) FROM patient_audit_events)::int + (SELECT count(*) FROM patient_outbox_events)::int AS n',
      )
    )[0]?.n;

  test.each(['COMMIT', 'ROLLBACK'])('patient and case through a pg client: %s', async (end) => {
    const before = await countAll();
    const patient = await withClient(database.url, async (client) => {
      await client.query('BEGIN');
      const created = await createPatientRepository(client).create(person);
      await insertCase(client, created.id);
      await client.query(end);
      return created;
    });
    expect(await countAll()).toBe((before ?? 0) + (end === 'COMMIT' ? 3 : 0));
    expect(await database.query('SELECT 1 FROM surgical_cases WHERE "patientId" = $1', [patient.id])).toHaveLength(end === 'COMMIT' ? 1 : 0);
  });

  test('a failed call leaves the transaction of the host usable', async () => {
    await withClient(database.url, async (client) => {
      await client.query('BEGIN');
      const repository = createPatientRepository(client);
      const first = await repository.create(person);
      expect(await failure(repository.create({ ...person, id: first.id }))).toMatchObject({ code: 'PATIENT_ID_TAKEN' });
      expect((await repository.findById(first.id))?.dateOfBirth).toBe('1984-02-29');
      await client.query('COMMIT');
      expect((await client.query('SELECT 1 FROM patients WHERE id = $1', [first.id])).rows).toHaveLength(1);
    });
  });

  test('a client without a transaction is refused', async () => {
    await withClient(database.url, async (client) => {
      expect(() => createPatientRepository(client)).toThrow(expect.objectContaining({ code: 'HOST_TRANSACTION_MISSING' }));
    });
  });

  test('through a Kysely transaction with the default parsers, committed and rolled back', async () => {
    const kysely = new Kysely<Record<string, never>>({ dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: database.url, max: 1 }) }) });
    try {
      const patient = await kysely.transaction().execute((transaction) => createPatientRepository(transaction).create(person));
      expect(patient.dateOfBirth).toBe('1984-02-29');
      expect((await createPatientRepository(kysely).findById(patient.id))?.dateOfBirth).toBe('1984-02-29');
      const before = await countAll();
      await expect(
        kysely.transaction().execute(async (transaction) => {
          await createPatientRepository(transaction).create(person);
          throw new Error('the host changed its mind');
        }),
      ).rejects.toThrow('the host changed its mind');
      expect(await countAll()).toBe(before);
    } finally {
      await kysely.destroy();
    }
  });

  test("through the host's pool, whose parsers stay as they are", async () => {
    const opened = await openRegistry({ pool: database.pool() });
    const patient = await opened.patientRepository.create(person);
    expect(patient.dateOfBirth).toBe('1984-02-29');
    await opened.close();
    const [row] = await database.query<{ dateOfBirth: unknown }>('SELECT "dateOfBirth" FROM patients WHERE id = $1', [patient.id]);
    expect(row?.dateOfBirth).toBeInstanceOf(Date);
  });
});

describe('other hosts', () => {
  test.each([
    ['uuid', 'ehr core'],
    ['text', 'public'],
    ['text', 'ehr'],
  ] as const)('%s ids in schema %s', async (idType, schema) => {
    await using other = await createDatabase();
    const quoted = `"${schema}"`;
    await withClient(other.url, async (client) => {
      if (schema !== 'public') await client.query(`CREATE SCHEMA ${quoted}`);
      await createSampleEhr(client, { idType, schema, rows: 20 });
      await client.query(`SET search_path = ${quoted}`);
      for (const { name, sql } of await moduleMigrations()) {
        if (name.includes('grant_database_roles')) continue;
        await client.query(idType === 'uuid' ? sql : sql.replaceAll(/\bUUID\b/g, 'TEXT').replaceAll('gen_random_uuid()', 'gen_random_uuid()::text'));
      }
    });
    for (const open of [
      () => openRegistry({ databaseUrl: other.url, schema }),
      () => openRegistry({ pool: other.pool(), schema }),
      () => openRegistry({ databaseUrl: `${other.url}?schema=${encodeURIComponent(schema)}` }),
    ]) {
      await using opened = await open();
      const patient = await opened.patientRepository.create({ ...person, ...(idType === 'text' ? { id: `chart ${other.name} ${Math.random()}` } : {}) });
      expect((await opened.patientRepository.findByMrn(patient.mrn))?.id).toBe(patient.id);
      expect((await opened.patientRepository.update(patient.id, { version: 1, city: 'Mombasa' })).version).toBe(2);
      const page = await opened.patientRepository.list({ limit: 1 });
      expect(page.items).toHaveLength(1);
      if (page.nextCursor) expect((await opened.patientRepository.list({ limit: 1, cursor: page.nextCursor })).items).toHaveLength(1);
    }
    await withClient(other.url, async (client) => {
      await client.query('BEGIN');
      await client.query('SET LOCAL search_path = pg_catalog');
      await createPatientRepository(client, { schema }).create(person);
      expect((await client.query('SHOW search_path')).rows).toEqual([{ search_path: 'pg_catalog' }]);
      await client.query('COMMIT');
    });
    expect(await other.query(`SELECT 1 FROM ${quoted}.patients`)).toHaveLength(4);
  });
});

describe('errors of the database', () => {
  test('no server, not migrated, no such database: each its own kind', async () => {
    const url = new URL(database.url);
    const unreachable = await openRegistry({ databaseUrl: `postgresql://nobody:x@127.0.0.1:1/none` });
    expect(await failure(unreachable.patientRepository.findById('x'))).toMatchObject({ kind: 'unavailable', code: 'DATABASE_UNAVAILABLE' });
    await unreachable.close();
    await using empty = await createDatabase();
    await using opened = await openRegistry({ databaseUrl: empty.url });
    expect(await failure(opened.patientRepository.findById('x'))).toMatchObject({ kind: 'operator', code: 'REGISTRY_NOT_MIGRATED' });
    url.pathname = '/no_such_database';
    const missing = await openRegistry({ databaseUrl: url.href });
    expect(await failure(missing.patientRepository.findById('x'))).toMatchObject({ kind: 'not-found', code: 'DATABASE_MISSING' });
    await missing.close();
  });
});
