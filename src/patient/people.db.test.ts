import fc from 'fast-check';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createSampleEhr } from '../../sample-ehr/index.ts';
import { createDatabase, type TestDatabase, withClient } from '../../test/support/database.ts';
import { fixedClock } from '../base/clock.ts';
import { AppError } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import { kyselyOnPool } from '../db/connect.ts';
import type { Ctx } from '../db/context.ts';
import { inTransaction } from '../db/transaction.ts';
import { createPatientRepository, openRegistry, type Patient, type PatientRepository, type Registry } from '../index.ts';
import { defaultHostProfile, renderModule } from '../migrate/module/index.ts';
import { rebuildSearch } from '../search/entry.service.ts';
import { overlaps } from './period.ts';

let database: TestDatabase;
let registry: Registry;
let patients: PatientRepository;
const clock = fixedClock(new Date('2026-11-23T08:14:00.000Z'));
const person = { firstName: 'Amina', lastName: 'Otieno', dateOfBirth: '1984-02-29' };

beforeAll(async () => {
  database = await createDatabase({ template: 'migrated' });
  registry = await openRegistry({ databaseUrl: database.url, clock, timeZone: 'Africa/Nairobi', defaultCountry: 'KE' });
  patients = registry.patientRepository;
  return async () => {
    await registry.close();
    await database.drop();
  };
});
beforeEach(() => clock.set(new Date('2026-11-23T08:14:00.000Z')));

async function failure(promise: Promise<unknown>): Promise<AppError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(AppError);
  return error as AppError;
}

async function actionsOf(id: string): Promise<string[]> {
  const rows = await database.query<{ action: string }>(
    `SELECT action FROM patient_audit_events WHERE "patientId" = $1 AND action <> 'patient.viewed' ORDER BY "occurredAt", id`,
    [id],
  );
  return rows.map(({ action }) => action);
}

describe('date of birth', () => {
  test.each([
    [{ dateOfBirth: '1984-02-29', dateOfBirthPrecision: 'MONTH' as const }, '1984-02-01'],
    [{ dateOfBirth: '1984-07-12', dateOfBirthPrecision: 'YEAR' as const }, '1984-01-01'],
    [{ dateOfBirth: '1984-07-12', dateOfBirthPrecision: 'ESTIMATED' as const }, '1984-07-12'],
  ])('%j is kept as %s', async (birth, date) => {
    expect(await patients.create({ ...person, ...birth })).toMatchObject({ dateOfBirth: date, dateOfBirthPrecision: birth.dateOfBirthPrecision });
  });

  test('an estimated age becomes an estimated date, and a known date takes its place', async () => {
    const patient = await patients.create({ ...person, dateOfBirth: null, estimatedAge: 40 });
    expect(patient).toMatchObject({ dateOfBirth: '1986-05-01', dateOfBirthPrecision: 'ESTIMATED' });
    expect(await patients.update(patient.id, { version: 1, dateOfBirth: '1987-01-30' })).toMatchObject({
      dateOfBirth: '1987-01-30',
      dateOfBirthPrecision: null,
    });
  });

  test.each([
    [{ estimatedAge: 40 }, 'ESTIMATED_AGE_WITH_DATE'],
    [{ dateOfBirth: null, dateOfBirthPrecision: 'YEAR' as const }, 'DATE_OF_BIRTH_PRECISION_ALONE'],
    [{ dateOfBirth: null, estimatedAge: 150 }, 'INPUT_INVALID'],
    [{ preferredLanguage: 'not a language' }, 'INPUT_INVALID'],
    [{ motherId: '0190b6b2-6d0f-7c3a-9c6e-0000000000bb' }, 'MOTHER_NOT_FOUND'],
    [{ birthOrder: 3, multipleBirthCount: 2 }, 'BIRTH_ORDER_IMPOSSIBLE'],
  ])('%j is refused with %s', async (fields, code) => {
    expect((await failure(patients.create({ ...person, ...fields }))).code).toBe(code);
  });

  test('a language tag is kept in its canonical form', async () => {
    expect(await patients.create({ ...person, preferredLanguage: 'EN-gb' })).toMatchObject({ preferredLanguage: 'en-GB' });
  });
});

describe('names', () => {
  test('the official name is the one of the patient; what it replaces is kept with its period', async () => {
    const patient = await patients.create(person);
    await patients.update(patient.id, { version: 1, lastName: 'Wanjiru' });
    clock.set(new Date('2027-03-01T20:59:00.000Z'));
    await patients.update(patient.id, { version: 2, lastName: 'Kamau', middleName: 'Njeri' });
    const names = await patients.listNames(patient.id);
    expect(names).toMatchObject([
      { id: null, use: 'OFFICIAL', firstName: 'Amina', middleName: 'Njeri', lastName: 'Kamau', periodStart: '2027-03-01', periodEnd: null },
      { use: 'FORMER', firstName: 'Amina', middleName: null, lastName: 'Otieno', periodStart: null, periodEnd: '2026-11-23' },
      { use: 'FORMER', lastName: 'Wanjiru', periodStart: '2026-11-23', periodEnd: '2027-03-01' },
    ]);
    expect(await actionsOf(patient.id)).toEqual(['patient.registered', 'patient.updated', 'patient.name-added', 'patient.updated', 'patient.name-added']);
  });

  test('a typing error and a blank that is filled in keep nothing', async () => {
    const patient = await patients.create({ ...person, lastName: 'Otinoe' });
    await patients.update(patient.id, { version: 1, lastName: 'Otieno', correction: true });
    await patients.update(patient.id, { version: 2, middleName: 'Wambui', city: 'Nairobi', phone: '0722 000111' });
    expect(await patients.listNames(patient.id)).toHaveLength(1);
    expect(await patients.listAddresses(patient.id)).toHaveLength(1);
    expect(await patients.listTelecoms(patient.id)).toMatchObject([{ use: 'PRIMARY', value: '+254722000111' }]);
  });

  test('a change of which the chart knows by another way is kept as well: the host wrote the row itself', async () => {
    const patient = await patients.create(person);
    await database.query(`UPDATE patients SET "lastName" = 'Written' WHERE id = $1`, [patient.id]);
    expect((await patients.listNames(patient.id))[0]).toMatchObject({ use: 'OFFICIAL', lastName: 'Written' });
    await patients.update(patient.id, { version: 1, lastName: 'Again' });
    expect((await patients.listNames(patient.id))[1]).toMatchObject({ use: 'FORMER', lastName: 'Written' });
  });

  test('other names: added, changed, ended, removed, each with audit row and event', async () => {
    const { id: patientId } = await patients.create(person);
    const name = await patients.addName(patientId, { use: 'NICKNAME', lastName: '  Mama   Njeri ', language: 'SW' });
    expect(name).toMatchObject({ lastName: 'Mama Njeri', firstName: null, language: 'sw' });
    const key = { patientId, id: name.id };
    expect(await patients.updateName(key, { use: 'ALIAS' })).toMatchObject({ use: 'ALIAS' });
    expect(await patients.endName(key, { reason: 'not used' })).toMatchObject({ periodEnd: '2026-11-23' });
    expect((await failure(patients.endName(key))).code).toBe('PERIOD_ENDED');
    await patients.removeName({ ...key, reason: 'wrong chart' });
    expect((await failure(patients.endName(key))).code).toBe('NAME_NOT_FOUND');
    expect(await actionsOf(patientId)).toEqual([
      'patient.registered',
      'patient.name-added',
      'patient.name-updated',
      'patient.name-ended',
      'patient.name-removed',
    ]);
    const events = await database.query(`SELECT payload FROM patient_outbox_events WHERE "patientId" = $1 AND type LIKE 'patient.name-%'`, [patientId]);
    expect(events).toEqual(Array.from({ length: 4 }, () => ({ payload: { id: name.id } })));
  });

  test.each([
    [{ use: 'TRANSCRIPTION' as const, lastName: 'Отиено' }, 'SCRIPT_MISSING'],
    [{ use: 'FORMER' as const, lastName: 'X', periodStart: '2020-01-01', periodEnd: '2019-01-01' }, 'PERIOD_REVERSED'],
    [{ use: 'FORMER' as const, lastName: 'X', periodEnd: '2027-01-01' }, 'FORMER_ENDS_IN_FUTURE'],
    [{ use: 'OFFICIAL' as never, lastName: 'X' }, 'INPUT_INVALID'],
    [{ use: 'ALIAS' as const, lastName: 'X', script: 'latin' }, 'INPUT_INVALID'],
  ])('%j is refused with %s', async (input, code) => {
    const { id } = await patients.create(person);
    expect((await failure(patients.addName(id, input))).code).toBe(code);
  });

  test('two official names never held on the same day', async () => {
    const { id } = await patients.create(person);
    await patients.addName(id, { use: 'FORMER', lastName: 'First', periodStart: '2000-01-01', periodEnd: '2010-01-01' });
    expect((await failure(patients.addName(id, { use: 'FORMER', lastName: 'Second', periodStart: '2009-12-31', periodEnd: '2012-01-01' }))).code).toBe(
      'NAME_PERIODS_OVERLAP',
    );
    await patients.addName(id, { use: 'FORMER', lastName: 'Second', periodStart: '2010-01-01', periodEnd: '2012-01-01' });
  });

  test('names in any script come back as they were, in NFC, whatever way they were given', async () => {
    const { id } = await patients.create(person);
    const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }).filter((text) => /^\P{Cc}*$/u.test(text) && text.normalize('NFC').trim() !== '');
    await fc.assert(
      fc.asyncProperty(name, fc.constantFrom('NFC', 'NFD'), async (text, form) => {
        const added = await patients.addName(id, { use: 'ALIAS', lastName: text.normalize(form) });
        const listed = (await patients.listNames(id)).find((each) => each.id === added.id);
        expect(listed?.lastName).toBe(text.normalize('NFC').replaceAll(/\s+/gu, ' ').trim());
        await patients.removeName({ patientId: id, id: added.id });
      }),
      { numRuns: 40 },
    );
  });

  test('whatever happens to the official name: the columns are the official name of the list, and the history has no overlap', async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('rename' as const), lastName: fc.constantFrom('A', 'B', 'C'), correction: fc.boolean() }),
      fc.record({ kind: fc.constant('wait' as const), days: fc.integer({ min: 0, max: 400 }) }),
      fc.record({ kind: fc.constant('former' as const), from: fc.integer({ min: 0, max: 900 }), days: fc.integer({ min: 0, max: 500 }) }),
      fc.record({ kind: fc.constant('remove' as const), which: fc.integer({ min: 0, max: 5 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (steps) => {
        clock.set(new Date('2026-01-01T12:00:00.000Z'));
        let patient: Patient = await patients.create(person);
        for (const each of steps) {
          if (each.kind === 'wait') clock.set(new Date(clock.now().getTime() + each.days * 86_400_000));
          if (each.kind === 'rename')
            patient = await patients.update(patient.id, { version: patient.version, lastName: each.lastName, correction: each.correction });
          if (each.kind === 'former') {
            const day = (offset: number) => new Date(Date.parse('2024-01-01') + offset * 86_400_000).toISOString().slice(0, 10);
            await patients
              .addName(patient.id, { use: 'FORMER', lastName: 'Z', periodStart: day(each.from), periodEnd: day(each.from + each.days) })
              .catch((error: AppError) => expect(['NAME_PERIODS_OVERLAP', 'FORMER_ENDS_IN_FUTURE']).toContain(error.code));
          }
          const others = (await patients.listNames(patient.id)).slice(1);
          const chosen = each.kind === 'remove' ? others[each.which] : undefined;
          if (chosen?.id) await patients.removeName({ patientId: patient.id, id: chosen.id });
          const [official, ...rest] = await patients.listNames(patient.id);
          const [row] = await database.query('SELECT "firstName", "middleName", "lastName" FROM patients WHERE id = $1', [patient.id]);
          expect(official).toMatchObject({ use: 'OFFICIAL', ...row });
          const former = rest.filter(({ use }) => use === 'FORMER');
          for (const [at, one] of former.entries()) for (const other of former.slice(at + 1)) expect(overlaps(one, other)).toBe(false);
        }
      }),
      { numRuns: 25 },
    );
  });
});

describe('addresses and telecoms', () => {
  test('a move keeps the address, a new number the old one, and a number that changes its column is still there', async () => {
    const patient = await patients.create({
      ...person,
      addressLine1: 'Moi Avenue 1',
      city: 'Nairobi',
      phone: '0722000111',
      phoneSecondary: '0733000222',
      email: 'a@example.org',
    });
    await patients.update(patient.id, {
      version: 1,
      addressLine1: 'Oginga Odinga Street 5',
      city: 'Kisumu',
      phone: '0733000222',
      phoneSecondary: null,
      email: 'b@example.org',
    });
    expect(await patients.listAddresses(patient.id)).toMatchObject([
      { id: null, use: 'HOME', city: 'Kisumu', periodStart: '2026-11-23' },
      { use: 'FORMER', addressLine1: 'Moi Avenue 1', city: 'Nairobi', periodEnd: '2026-11-23' },
    ]);
    expect(await patients.listTelecoms(patient.id)).toMatchObject([
      { id: null, system: 'PHONE', use: 'PRIMARY', value: '+254733000222' },
      { id: null, system: 'EMAIL', use: 'PRIMARY', value: 'b@example.org' },
      { system: 'EMAIL', use: 'FORMER', value: 'a@example.org', periodEnd: '2026-11-23' },
      { system: 'PHONE', use: 'FORMER', value: '+254722000111' },
    ]);
  });

  test('numbers and addresses beside those of the patient are normalized by their system', async () => {
    const { id: patientId } = await patients.create(person);
    const telecom = await patients.addTelecom(patientId, { system: 'PHONE', use: 'WORK', value: '020 123 4567' });
    expect(telecom.value).toBe('+254201234567');
    expect(await patients.updateTelecom({ patientId, id: telecom.id }, { system: 'EMAIL', value: 'Desk@Example.org' })).toMatchObject({
      value: 'desk@example.org',
    });
    expect((await failure(patients.updateTelecom({ patientId, id: telecom.id }, { value: 'nobody' }))).code).toBe('INPUT_INVALID');
    expect((await failure(patients.addTelecom(patientId, { system: 'URL', use: 'OTHER', value: 'not a url' }))).code).toBe('TELECOM_URL_MALFORMED');
    const address = await patients.addAddress(patientId, { use: 'WORK', city: 'Mombasa' });
    expect((await failure(patients.updateAddress({ patientId, id: address.id }, { city: null }))).code).toBe('ADDRESS_EMPTY');
    expect(await patients.endAddress({ patientId, id: address.id }, { periodEnd: '2026-11-01' })).toMatchObject({ periodEnd: '2026-11-01' });
    await patients.removeAddress({ patientId, id: address.id });
    await patients.removeTelecom({ patientId, id: telecom.id });
  });

  test('a search by a maiden name or an earlier number finds the patient when asked for it', async () => {
    const patient = await patients.create({ ...person, lastName: 'Searchable', phone: '0711999888' });
    await patients.update(patient.id, { version: 1, lastName: 'Renamed', phone: '0711999777' });
    const found = async (criteria: Parameters<PatientRepository['search']>[0]) => (await patients.search(criteria)).items.map(({ id }) => id);
    expect(await found({ lastName: 'searchab' })).toEqual([]);
    expect(await found({ lastName: 'searchab', includeOther: true })).toEqual([patient.id]);
    expect(await found({ phone: '0711999888', includeOther: true })).toEqual([patient.id]);
    expect(await found({ lastName: 'renamed', firstName: 'amina', includeOther: true })).toEqual([patient.id]);
  });
});

describe('identifiers', () => {
  beforeAll(async () => {
    await patients.defineIdentifierAuthority('NID', { name: 'National identity card', type: 'NI', systemUri: 'urn:oid:2.16.404.1', pattern: '[0-9]{8}' });
    await patients.defineIdentifierAuthority('NHS', { name: 'National Health Service', type: 'NH', checkDigit: 'mod-11' });
    await patients.defineIdentifierAuthority('FAMILY', { name: 'Family insurance', type: 'HC', shared: true });
  });

  test('a number is checked against its authority, kept without blanks, found by it, verified and ended', async () => {
    const patient = await patients.create(person);
    const identifier = await patients.addIdentifier(patient.id, { authorityCode: 'NID', value: '1234 5678' });
    expect(identifier).toMatchObject({ type: 'NI', value: '12345678', authorityCode: 'NID', isVerified: false });
    expect((await patients.findByIdentifier({ type: 'NI', value: '12345678' }))?.id).toBe(patient.id);
    expect((await patients.findByIdentifier({ type: 'NI', value: '1234 5678', system: 'urn:oid:2.16.404.1' }))?.id).toBe(patient.id);
    expect(await patients.findByIdentifier({ type: 'NI', value: '12345678', authorityCode: 'NHS' })).toBeUndefined();
    expect((await patients.search({ identifierValue: '1234 5678' })).items.map(({ id }) => id)).toEqual([patient.id]);
    const key = { patientId: patient.id, id: identifier.id };
    expect(await patients.verifyIdentifier(key)).toMatchObject({ isVerified: true, verifiedAt: '2026-11-23T08:14:00.000Z' });
    expect(await patients.endIdentifier(key, { periodEnd: '2026-11-23' })).toMatchObject({ periodEnd: '2026-11-23' });
    expect((await failure(patients.verifyIdentifier(key))).code).toBe('IDENTIFIER_ENDED');
    expect(await patients.listIdentifiers(patient.id)).toMatchObject([
      { id: null, type: 'MR', value: patient.mrn },
      { type: 'NI', value: '12345678', system: 'urn:oid:2.16.404.1', periodEnd: '2026-11-23' },
    ]);
    expect(await actionsOf(patient.id)).toEqual(['patient.registered', 'patient.identifier-added', 'patient.identifier-verified', 'patient.identifier-ended']);
  });

  test.each([
    [{ authorityCode: 'NID', value: '1234' }, 'IDENTIFIER_PATTERN_MISMATCH'],
    [{ authorityCode: 'NID', value: '12345678\n12345678x' }, 'INPUT_INVALID'],
    [{ authorityCode: 'NHS', value: '943 476 5910' }, 'IDENTIFIER_CHECK_DIGIT_WRONG'],
    [{ authorityCode: 'NHS', value: '9434765919', type: 'NI' }, 'IDENTIFIER_TYPE_MISMATCH'],
    [{ authorityCode: 'NONE', value: '1' }, 'IDENTIFIER_AUTHORITY_NOT_FOUND'],
    [{ authorityCode: 'NID', system: 'urn:other', value: '12345678' }, 'IDENTIFIER_SYSTEM_MISMATCH'],
    [{ value: '1' }, 'IDENTIFIER_TYPE_MISSING'],
    [{ value: '1', type: 'MR' }, 'IDENTIFIER_ISSUER_MISSING'],
    [{ value: ' ', type: 'NI' }, 'INPUT_INVALID'],
  ])('%j is refused with %s', async (input, code) => {
    const { id } = await patients.create(person);
    expect((await failure(patients.addIdentifier(id, input))).code).toBe(code);
  });

  test('nobody else gets a number that is in use, unless its authority gives one to several', async () => {
    const [one, two] = [await patients.create(person), await patients.create(person)];
    await patients.addIdentifier(one.id, { authorityCode: 'NHS', value: '943 476 5919' });
    expect(await failure(patients.addIdentifier(two.id, { authorityCode: 'NHS', value: '9434765919' }))).toMatchObject({
      code: 'IDENTIFIER_TAKEN',
      details: { patientIds: [one.id] },
    });
    expect((await failure(patients.addIdentifier(one.id, { authorityCode: 'NHS', value: '9434765919' }))).code).toBe('IDENTIFIER_PRESENT');
    await patients.addIdentifier(one.id, { authorityCode: 'FAMILY', value: 'F1' });
    await patients.addIdentifier(two.id, { authorityCode: 'FAMILY', value: 'F1' });
    expect((await failure(patients.findByIdentifier({ type: 'HC', value: 'F1' }))).code).toBe('IDENTIFIER_AMBIGUOUS');
    // A passport number without its country proves nothing.
    await patients.addIdentifier(one.id, { type: 'PPN', value: 'X1' });
    await patients.addIdentifier(two.id, { type: 'PPN', value: 'X1' });
  });

  test('of ten desks that add one number to ten charts at once, one does', async () => {
    const charts = await Promise.all(Array.from({ length: 10 }, () => patients.create(person)));
    const results = await Promise.allSettled(charts.map(({ id }) => patients.addIdentifier(id, { authorityCode: 'NID', value: '55555555' })));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const codes = results.flatMap((each) => (each.status === 'rejected' ? [(each.reason as AppError).code] : []));
    expect(new Set(codes)).toEqual(new Set(['IDENTIFIER_TAKEN']));
  });

  test('a passport is found by either word, as a document and as an identifier', async () => {
    const [one, two] = [await patients.create(person), await patients.create(person)];
    await patients.addDocument(one.id, { documentType: 'PASSPORT', documentNumber: 'DOC1' });
    await patients.addIdentifier(two.id, { type: 'PPN', value: 'IDENT1' });
    expect((await patients.findByIdentifier({ type: 'PPN', value: 'DOC1' }))?.id).toBe(one.id);
    expect((await patients.findByIdentifier({ type: 'PASSPORT', value: 'IDENT1' }))?.id).toBe(two.id);
  });

  test('a pattern must be one, and an authority that is closed takes no numbers', async () => {
    expect((await failure(patients.defineIdentifierAuthority('BAD', { name: 'Bad', type: 'XX', pattern: '[' }))).code).toBe('IDENTIFIER_PATTERN_MALFORMED');
    await patients.defineIdentifierAuthority('OLD', { name: 'Old', type: 'XX', active: false });
    const { id } = await patients.create(person);
    expect((await failure(patients.addIdentifier(id, { authorityCode: 'OLD', value: '1' }))).code).toBe('IDENTIFIER_AUTHORITY_INACTIVE');
    expect((await patients.listIdentifierAuthorities()).map(({ code }) => code)).toEqual(['FAMILY', 'NHS', 'NID', 'OLD']);
    const [defined] = await database.query(
      `SELECT before, after FROM patient_audit_events WHERE action = 'identifier-authority.defined' AND after->>'code' = 'OLD'`,
    );
    expect(defined).toMatchObject({ before: null, after: { code: 'OLD', active: false } });
  });
});

describe('temporary identities', () => {
  test('an unidentified patient gets a speaking name and a place in the queue, and keeps chart and MRN when identified', async () => {
    const unknown = await patients.registerUnidentified({ gender: 'MALE', estimatedAge: 40 });
    expect(unknown).toMatchObject({
      firstName: 'Male 2026-11-23 11:14',
      lastName: 'Unknown',
      identityStatus: 'UNIDENTIFIED',
      dateOfBirth: '1986-05-01',
      dateOfBirthPrecision: 'ESTIMATED',
    });
    expect((await patients.listPlaceholders({ origin: 'UNIDENTIFIED' })).items.map(({ patientId }) => patientId)).toContain(unknown.id);
    clock.set(new Date('2026-11-25T08:00:00.000Z'));
    const known = await patients.identify(unknown.id, { version: 1, firstName: 'Kofi', lastName: 'Mensah', dateOfBirth: null, reason: 'brother came' });
    expect(known).toMatchObject({ id: unknown.id, mrn: unknown.mrn, firstName: 'Kofi', identityStatus: 'KNOWN', dateOfBirth: '1986-05-01', version: 2 });
    expect(await patients.listNames(unknown.id)).toMatchObject([
      { use: 'OFFICIAL', lastName: 'Mensah', periodStart: '2026-11-25' },
      { use: 'TEMPORARY', firstName: 'Male 2026-11-23 11:14', lastName: 'Unknown', periodStart: '2026-11-23', periodEnd: '2026-11-25' },
    ]);
    expect((await patients.listPlaceholders({})).items.map(({ patientId }) => patientId)).not.toContain(unknown.id);
    expect(await actionsOf(unknown.id)).toEqual(['patient.registered', 'patient.identified', 'patient.name-added']);
    expect((await failure(patients.identify(unknown.id, { version: 2, firstName: 'A', lastName: 'B', dateOfBirth: null }))).code).toBe('PATIENT_IDENTIFIED');
  });

  test('the queue goes page by page, oldest first', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 5; n += 1) {
      clock.set(new Date(Date.UTC(2025, 0, 1 + Math.floor(n / 2))));
      ids.push((await patients.registerUnidentified({})).id);
    }
    const seen: string[] = [];
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const page = await patients.listPlaceholders({ limit: 2, ...(cursor ? { cursor } : {}) });
      seen.push(...page.items.map(({ patientId }) => patientId));
      cursor = page.nextCursor;
    }
    expect(seen.filter((id) => ids.includes(id))).toEqual(ids);
    expect(new Set(seen).size).toBe(seen.length);
  });

  test('twins get the name of their mother, are told apart by their order, and are listed under her', async () => {
    const mother = await patients.create({ ...person, dateOfBirth: '1995-01-01' });
    const twins = [1, 2].map((birthOrder) => ({ motherId: mother.id, dateOfBirth: '2026-11-23', birthOrder, multipleBirthCount: 2 }));
    const [one, two] = [await patients.registerNewborn(twins[0] as never), await patients.registerNewborn({ ...twins[1], firstName: 'Zawadi' } as never)];
    expect(one).toMatchObject({
      firstName: 'Baby 1 of Amina',
      lastName: 'Otieno',
      identityStatus: 'TEMPORARY',
      motherId: mother.id,
      birthOrder: 1,
      multipleBirthCount: 2,
    });
    expect(two).toMatchObject({ firstName: 'Zawadi', lastName: 'Otieno', identityStatus: null, birthOrder: 2 });
    expect((await failure(patients.registerNewborn(twins[0] as never))).details).toMatchObject({ patientId: one.id });
    expect((await patients.listChildren(mother.id)).map(({ id }) => id)).toEqual([one.id, two.id]);
    expect((await patients.listPlaceholders({ origin: 'NEWBORN' })).items.map(({ patientId }) => patientId)).toEqual([one.id]);
    expect(await patients.identify(one.id, { version: 1, firstName: 'Baraka', lastName: 'Otieno', dateOfBirth: '2026-11-23' })).toMatchObject({
      identityStatus: 'KNOWN',
      motherId: mother.id,
    });
    expect(await actionsOf(mother.id)).toEqual(['patient.registered', 'patient.newborn-registered', 'patient.newborn-registered']);
  });

  test('two desks that register one newborn at once make one chart', async () => {
    const mother = await patients.create({ ...person, dateOfBirth: '1995-01-01' });
    const results = await Promise.allSettled(Array.from({ length: 4 }, () => patients.registerNewborn({ motherId: mother.id, dateOfBirth: '2026-11-20' })));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await patients.listChildren(mother.id)).toHaveLength(1);
  });

  test('a mother who cannot be is refused, and nothing is left of the child', async () => {
    const before = await database.query('SELECT count(*)::int AS n FROM patients');
    expect((await failure(patients.registerNewborn({ motherId: '0190b6b2-6d0f-7c3a-9c6e-0000000000bb', dateOfBirth: '2026-11-20' }))).code).toBe(
      'MOTHER_NOT_FOUND',
    );
    const child = await patients.create({ ...person, dateOfBirth: '2023-01-01' });
    expect((await failure(patients.registerNewborn({ motherId: child.id, dateOfBirth: '2026-11-20' }))).code).toBe('MOTHER_TOO_YOUNG');
    const late = await patients.create({ ...person, dateOfBirth: '1995-01-01' });
    await patients.markDeceased(late.id, { deceasedAt: '2026-01-01T00:00:00Z' });
    expect((await failure(patients.registerNewborn({ motherId: late.id, dateOfBirth: '2026-11-20' }))).code).toBe('MOTHER_DIED_BEFORE_BIRTH');
    expect(await database.query('SELECT count(*)::int AS n FROM patients')).toEqual([{ n: (before[0]?.n as number) + 2 }]);
  });

  test('the convention of the facility gives the names', async () => {
    await using house = await openRegistry({
      databaseUrl: database.url,
      clock,
      temporaryNames: { unidentified: { firstName: 'Trauma {time}', lastName: 'Doe' }, newborn: { firstName: 'Newborn {order} {mother}' } },
    });
    expect(await house.patientRepository.registerUnidentified({})).toMatchObject({ firstName: 'Trauma 08:14', lastName: 'Doe' });
    const mother = await house.patientRepository.create({ ...person, firstName: null });
    expect(await house.patientRepository.registerNewborn({ motherId: mother.id, dateOfBirth: '2026-11-22' })).toMatchObject({ firstName: 'Newborn Otieno' });
  });

  test('an adopted orphan is completed the same way', async () => {
    const { id } = await patients.create({ firstName: null, lastName: 'UNKNOWN', dateOfBirth: null });
    await database.query(`INSERT INTO patient_placeholders ("patientId", origin) VALUES ($1, 'ORPHAN')`, [id]);
    expect(await patients.identify(id, { version: 1, firstName: 'Found', lastName: 'Person', dateOfBirth: '1970-01-01' })).toMatchObject({
      identityStatus: 'KNOWN',
    });
    expect((await database.query(`SELECT "completedAt" FROM patient_placeholders WHERE "patientId" = $1`, [id]))[0]).toEqual({ completedAt: clock.now() });
  });
});

describe('contacts and portrait', () => {
  test('a contact may be the next of kin and speak another language', async () => {
    const { id } = await patients.create(person);
    const contact = await patients.addContact(id, { firstName: 'Juma', lastName: 'Otieno', relationship: 'HUSBAND', isNextOfKin: true, language: 'SW' });
    expect(contact).toMatchObject({ isNextOfKin: true, language: 'sw', isEmergencyContact: false });
  });

  test('the portrait is a document of the same chart, and goes with it', async () => {
    const [one, two] = [await patients.create(person), await patients.create(person)];
    const document = await patients.addDocument(one.id, { documentType: 'OTHER' });
    expect((await failure(patients.update(two.id, { version: 1, photoDocumentId: document.id }))).code).toBe('DOCUMENT_NOT_FOUND');
    expect(await patients.update(one.id, { version: 1, photoDocumentId: document.id })).toMatchObject({ photoDocumentId: document.id, version: 2 });
    await patients.removeDocument({ patientId: one.id, id: document.id });
    expect(await patients.findById(one.id)).toMatchObject({ photoDocumentId: null, version: 3 });
  });
});

describe('other hosts', () => {
  test('text ids in a schema of another name, on a pool of the host', async () => {
    await using other = await createDatabase();
    await withClient(other.url, async (client) => {
      await client.query('CREATE SCHEMA ehr');
      await createSampleEhr(client, { idType: 'text', schema: 'ehr', rows: 20 });
      await client.query('SET search_path = ehr');
      for (const { sql } of renderModule({ ...defaultHostProfile, schema: 'ehr', idType: 'text', userIdType: 'text' })) await client.query(sql);
    });
    await using opened = await openRegistry({ pool: other.pool(), schema: 'ehr', clock });
    const { patientRepository } = opened;
    const mother = await patientRepository.create({ ...person, id: 'chart-7' });
    const child = await patientRepository.registerNewborn({ motherId: 'chart-7', dateOfBirth: '2026-11-22', id: 'chart-8' });
    await patientRepository.registerUnidentified({});
    const first = await patientRepository.listPlaceholders({ limit: 1 });
    const second = await patientRepository.listPlaceholders({ limit: 1, cursor: first.nextCursor ?? '' });
    expect([...first.items, ...second.items].map(({ origin }) => origin).toSorted()).toEqual(['NEWBORN', 'UNIDENTIFIED']);
    expect((await patientRepository.listChildren(mother.id)).map(({ id }) => id)).toEqual([child.id]);
    await patientRepository.identify(child.id, { version: 1, firstName: 'Zawadi', lastName: 'Otieno', dateOfBirth: '2026-11-22' });
    await patientRepository.addIdentifier(child.id, { type: 'NI', value: '1' });
    expect((await patientRepository.findByIdentifier({ type: 'NI', value: '1' }))?.id).toBe('chart-8');
    expect((await patientRepository.search({ lastName: 'otieno', firstName: 'baby', includeOther: true })).items.map(({ id }) => id)).toEqual(['chart-8']);
    for (const q of ['zawadi', 'zawdai otieno', 'otieno 22.11.2026', child.mrn, 'baby otieno'])
      expect((await patientRepository.search({ q })).items[0]?.id, q).toBe('chart-8');
    await other.query(`INSERT INTO ehr.patients (id, mrn, "lastName") VALUES ('past-1', 'PAST-1', 'Wanjiru')`);
    const past: Ctx = { db: kyselyOnPool(other.pool()), pool: other.pool(), schema: 'ehr', actor: { kind: 'service' }, clock, newId };
    for (const options of [{}, { all: true }]) {
      await other.query(`DELETE FROM ehr.patient_search_entries WHERE "patientId" = 'past-1'`);
      expect(await inTransaction(past, (inside) => rebuildSearch(inside, options))).toMatchObject({ written: 1, left: 0 });
    }
    expect((await patientRepository.search({ q: 'wanjiru' })).items.map(({ id }) => id)).toEqual(['past-1']);
  });

  test("in a transaction of the host everything goes with it, also what was kept and the newborn's number", async () => {
    const mother = await patients.create({ ...person, lastName: 'Before' });
    await withClient(database.url, async (client) => {
      await client.query('BEGIN');
      const inside = createPatientRepository(client, { clock });
      const child = await inside.registerNewborn({ motherId: mother.id, dateOfBirth: '2026-11-22' });
      await inside.update(mother.id, { version: 1, lastName: 'After' });
      expect((await failure(inside.addIdentifier(mother.id, { value: 'x' }))).code).toBe('IDENTIFIER_TYPE_MISSING');
      expect((await inside.listNames(mother.id)).map(({ lastName }) => lastName)).toEqual(['After', 'Before']);
      expect((await inside.listChildren(mother.id)).map(({ id }) => id)).toEqual([child.id]);
      await client.query('ROLLBACK');
    });
    expect((await patients.listNames(mother.id)).map(({ lastName }) => lastName)).toEqual(['Before']);
    expect(await patients.listChildren(mother.id)).toEqual([]);
  });

  test('rows that the host writes past OneChart are held by the constraints', async () => {
    const { id } = await patients.create(person);
    const refused = async (sql: string) => expect(database.query(sql, [id])).rejects.toMatchObject({ constraint: expect.any(String) });
    await refused(`INSERT INTO patient_names ("patientId", use, "lastName") VALUES ($1, 'OFFICIAL', 'X')`);
    await refused(`INSERT INTO patient_names ("patientId", use, "lastName", script) VALUES ($1, 'ALIAS', 'X', 'cyrl')`);
    await refused(`INSERT INTO patient_addresses ("patientId", use) VALUES ($1, 'WORK')`);
    await refused(`INSERT INTO patient_identifiers ("patientId", type, value, "isVerified") VALUES ($1, 'NI', '1', true)`);
    await refused(`UPDATE patients SET "motherId" = id WHERE id = $1`);
    await refused(`UPDATE patients SET "identityStatus" = 'MAYBE' WHERE id = $1`);
  });
});
