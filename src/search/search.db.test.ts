import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDatabase, type TestDatabase } from '../../test/support/database.ts';
import { fixedClock } from '../base/clock.ts';
import { newId } from '../base/ids.ts';
import { kyselyOnPool } from '../db/connect.ts';
import type { Ctx } from '../db/context.ts';
import { createMrnIssuer, type MrnIssuer } from '../identifier/mrn.service.ts';
import { bindTrustedRepository, type PatientRepository } from '../patient/patient-repository.ts';
import { rebuildSearch } from './entry.service.ts';
import { searchTyped, type TypedPage } from './search.service.ts';
import type { TypedSearch } from './search.schema.ts';

const clock = fixedClock(new Date('2026-03-01T08:00:00Z'));
let database: TestDatabase;
let mrns: MrnIssuer;
let ctx: Ctx;
let patients: PatientRepository;
const ids: Record<string, string> = {};
const mrnOf: Record<string, string> = {};

type Person = Parameters<PatientRepository['create']>[0];
const people: Readonly<Record<string, Person>> = {
  maria: { firstName: 'María José', lastName: 'García', dateOfBirth: '1980-02-03', gender: 'FEMALE', phone: '+254712345678' },
  mario: { firstName: 'Mario', lastName: 'Garcia', dateOfBirth: '1975-07-12', gender: 'MALE' },
  obrien: { firstName: 'Sean', lastName: "O'Brien", dateOfBirth: '1990-11-30', phone: '+353851112222', email: 'Sean.OBrien@example.org' },
  berg: { firstName: 'Anne-Marie', lastName: 'van der Berg', dateOfBirth: '1964-05-06' },
  vandenberg: { firstName: 'Piet', lastName: 'Vandenberg', dateOfBirth: '1961-01-01' },
  muller: { firstName: 'Jürgen', lastName: 'Müller', dateOfBirth: '1955-12-24' },
  mueller: { firstName: 'Karl', lastName: 'Mueller', dateOfBirth: '1950-01-02' },
  alexey: { firstName: 'Алексей', lastName: 'Щукин', dateOfBirth: '1988-08-08' },
  mohammed: { firstName: 'محمد', lastName: 'الهاشمي', dateOfBirth: '1999-09-09' },
  wang: { firstName: '小明', lastName: '王', dateOfBirth: '2001-01-31' },
  amit: { firstName: 'अमित', lastName: 'कुमार', dateOfBirth: '1993-03-04' },
  estimated: { firstName: 'Juma', lastName: 'Njoroge', dateOfBirth: '1970-06-01', dateOfBirthPrecision: 'ESTIMATED' },
  le: { firstName: 'Minh', lastName: 'Le', dateOfBirth: '1991-04-05' },
};

beforeAll(async () => {
  database = await createDatabase({ template: 'migrated' });
  mrns = createMrnIssuer({ format: { timeZone: 'UTC' } });
  ctx = { db: kyselyOnPool(database.pool(), { prepares: true }), pool: database.pool(), actor: { kind: 'service' }, clock, newId };
  patients = bindTrustedRepository(ctx, { timeZone: 'UTC', mrns, defaultCountry: 'KE' });
  for (const [name, person] of Object.entries(people)) {
    const { id, mrn } = await patients.create(person);
    ids[name] = id;
    mrnOf[name] = mrn;
  }
  const id = ids.obrien as string;
  await patients.addName(id, { use: 'MAIDEN', lastName: 'Kilpatrick' });
  await patients.addTelecom(id, { system: 'PHONE', use: 'WORK', value: '+353851119876' });
  await patients.addIdentifier(id, { type: 'NI', system: 'urn:example', value: 'AB 12-3456/C' });
  await patients.addDocument(id, { documentType: 'PASSPORT', documentNumber: 'PX 998877' });
});
afterAll(async () => {
  await mrns.close();
  await database.drop();
});

const search = (q: string, more: Partial<TypedSearch> = {}, as: Ctx = ctx): Promise<TypedPage> => searchTyped(as, { q, limit: 20, ...more });

async function found(q: string, more: Partial<TypedSearch> = {}): Promise<string[]> {
  const { items } = await search(q, more);
  return items.map(({ id }) => Object.entries(ids).find(([, each]) => each === id)?.[0] ?? id);
}

describe('what is typed finds', () => {
  test.each([
    ['garcia maria', 'maria'],
    ['MARÍA GARCÍA', 'maria'],
    ['jose garcia', 'maria'],
    ['gar mar jos', 'maria'],
    ['gracia maria', 'maria'],
    ['garcia 3.2.1980', 'maria'],
    ['garcia 1980', 'maria'],
    ['garcia 3.2.', 'maria'],
    ['1980-02-03', 'maria'],
    ['3.2.1980', 'maria'],
    ['03/02/1980', 'maria'],
    ['02/03/1980', 'maria'],
    ['3 Feb 1980', 'maria'],
    ['February 3rd, 1980', 'maria'],
    ['3. Februar 1980', 'maria'],
    ['3 de febrero de 1980', 'maria'],
    ['19800203', 'maria'],
    ['030280', 'maria'],
    ['800203', 'maria'],
    ['5678', 'maria'],
    ['345678', 'maria'],
    ['0712 345 678', 'maria'],
    ['+254 712 345678', 'maria'],
    ['garcia 5678', 'maria'],
    ["O'Brien", 'obrien'],
    ['O’Brien', 'obrien'],
    ['obrien', 'obrien'],
    ['O Brien', 'obrien'],
    ['brien sean', 'obrien'],
    ['obrein', 'obrien'],
    ['kilpatrick', 'obrien'],
    ['sean kilpatrik', 'obrien'],
    ['9876', 'obrien'],
    ['AB123456C', 'obrien'],
    ['ab-123456-c', 'obrien'],
    ['AB 12-3456/C', 'obrien'],
    ['PX 998877', 'obrien'],
    ['px998877', 'obrien'],
    ['sean.obrien@example.org', 'obrien'],
    ['van der Berg', 'berg'],
    ['berg', 'berg'],
    ['vanderberg', 'berg'],
    ['van berg anne', 'berg'],
    ['annemarie berg', 'berg'],
    ['Anne-Marie', 'berg'],
    ['marie berg', 'berg'],
    ['van den berg piet', 'vandenberg'],
    ['jurgen muller', 'muller'],
    ['Juergen Mueller', 'muller'],
    ['Müller Karl', 'mueller'],
    ['aleksey', 'alexey'],
    ['Алексей Щукин', 'alexey'],
    ['алексеи', 'alexey'],
    ['shchukin', 'alexey'],
    ['محمد', 'mohammed'],
    ['مُحَمَّد', 'mohammed'],
    ['mohammed', 'mohammed'],
    ['Muhamad', 'mohammed'],
    ['王', 'wang'],
    ['小明 王', 'wang'],
    ['xiaoming', 'wang'],
    ['wang xiao', 'wang'],
    ['अमित', 'amit'],
    ['amit kumar', 'amit'],
    ['juma 1970', 'estimated'],
    ['Mr. Juma Njoroge', 'estimated'],
    ['Le Minh', 'le'],
    ['le', 'le'],
  ])('%s: %s', async (q, name) => {
    const names = await found(q);
    expect(names[0]).toBe(name);
  });

  test('every form of a record number', async () => {
    const mrn = mrnOf.berg as string;
    for (const q of [mrn, mrn.toLowerCase(), mrn.replaceAll('-', ' '), mrn.replaceAll('-', ''), mrn.slice(4), mrn.slice(-5), mrn.slice(0, -1)])
      expect(await found(q), q).toContain('berg');
    expect((await search(mrn)).matches[0]).toMatchObject({ score: 1, reasons: [{ field: 'mrn', match: 'exact', text: 'record number' }] });
  });

  test('the best first, with reasons and scores', async () => {
    const { items, matches, more } = await search('garcia');
    expect(items.map(({ id }) => id)).toEqual(expect.arrayContaining([ids.maria, ids.mario]));
    expect(matches.map(({ id }) => id)).toEqual(items.map(({ id }) => id));
    expect(more).toBe(false);
    expect((await search('mario garcia')).matches[0]).toMatchObject({
      score: 1,
      reasons: [
        { field: 'name', match: 'exact', text: 'given name' },
        { field: 'name', match: 'exact', text: 'family name' },
      ],
    });
    expect((await search('gracia mario')).matches[0]?.reasons[0]).toEqual({ field: 'name', match: 'similar', text: 'family name, one letter differs' });
    expect((await search('kilpatrick')).matches[0]?.reasons).toEqual([
      { field: 'otherName', match: 'exact', text: 'family name of another or an earlier name' },
    ]);
    expect((await search('ab123456c')).matches[0]?.reasons).toEqual([{ field: 'identifier', match: 'exact', text: 'identifier' }]);
    const scores = (await search('mar garcia')).matches.map(({ score }) => score ?? 0);
    expect(scores).toEqual(scores.toSorted((a, b) => b - a));
  });
});

test('nothing, or nothing that can be read, finds nobody; no text is ever an operator', async () => {
  for (const q of ['', '   ', '...', "'", "''", '\\', '&', '|', '!', ':*', '<->', '( )', '!!!', '\u0000', '\uD800', '%', '_'.repeat(20), '🙂'])
    expect((await search(q)).items, JSON.stringify(q)).toHaveLength(0);
  expect(await found("' | 'garcia")).toEqual(await found('garcia'));
  for (const q of [
    "garcia & !'x'",
    "garcia | ':*",
    'garcia <-> maria',
    "gar\\cia'",
    `${'garcia '.repeat(20)}`,
    'x'.repeat(200),
    '1'.repeat(200),
    '一'.repeat(200),
  ])
    expect(Array.isArray((await search(q)).items), q).toBe(true);
  expect(await found('garcia & maria')).toContain('maria');
  await expect(patients.search({ q: 'x'.repeat(10_240) })).rejects.toMatchObject({ code: 'INPUT_INVALID' });
  await expect(patients.search({ q: 'x', lastName: 'x' })).rejects.toMatchObject({ code: 'INPUT_INVALID' });
  await expect(patients.search({ lastName: 'x', deceased: true })).rejects.toMatchObject({ code: 'INPUT_INVALID' });
});

test('filters: status, death, gender and years of birth', async () => {
  expect(await found('garcia', { gender: 'MALE' })).toEqual(['mario']);
  expect(await found('garcia', { bornFrom: 1980 })).toEqual(['maria']);
  expect(await found('garcia', { bornTo: 1979 })).toEqual(['mario']);
  expect(await found('garcia', { deceased: true })).toEqual([]);
  expect(await found('garcia', { status: 'INACTIVE' })).toEqual([]);
});

test('the dead and the archived are found and marked, after those who are as like', async () => {
  const { id } = await patients.create({ firstName: 'Mario', lastName: 'Garcia', dateOfBirth: '1940-01-01' });
  await patients.markDeceased(id, { deceasedAt: '2026-02-28T10:00:00Z' });
  const { items, matches } = await search('mario garcia');
  expect(items.map((each) => each.id)).toEqual([ids.mario, id]);
  expect(items[1]).toMatchObject({ deceased: true, status: 'DECEASED' });
  expect(matches[1]?.score).toBeLessThan(1);
  expect((await search('mario garcia', { deceased: true })).items.map((each) => each.id)).toEqual([id]);
});

test('a merged chart leads to the one it was merged into, also by its retired number', async () => {
  const source = await patients.create({ firstName: 'Wrong', lastName: 'Duplicateson', dateOfBirth: '1977-07-07' });
  const middle = await patients.create({ firstName: 'Middle', lastName: 'Chain', dateOfBirth: '1977-07-07' });
  const merge = (from: string, into: string) =>
    database.query(
      `UPDATE patients SET "mergedInto" = $2, "mergedAt" = now(), archived = true, "archivedAt" = now(), "archivedReason" = 'merged', status = 'ARCHIVED' WHERE id = $1`,
      [from, into],
    );
  await merge(source.id, middle.id);
  await merge(middle.id, ids.muller as string);
  const { items, matches } = await search(source.mrn);
  expect(items).toMatchObject([{ id: ids.muller, mergedInto: null }]);
  expect(matches).toMatchObject([{ id: ids.muller, mergedFrom: source.id, reasons: [{ field: 'formerMrn' }] }]);
  expect((await search('duplicateson')).items.map(({ id }) => id)).toEqual([ids.muller]);
  expect((await search('duplicateson', { includeMerged: true })).items).toMatchObject([{ id: source.id, mergedInto: middle.id }]);
});

describe('restricted charts', () => {
  const desk = () => ({ ...ctx, viewer: { role: 'FRONT_DESK', id: 'desk' } });

  test('a viewer finds them by whole family names and numbers alone, masked, without a score, after all others', async () => {
    const secret = await patients.create({ firstName: 'Secret', lastName: 'Garcia', dateOfBirth: '1971-01-01', phone: '+254799887766' });
    await patients.restrict(secret.id, { reason: 'A member of staff' });
    const page = await search('garcia', {}, desk());
    expect(page.items.at(-1)).toEqual({ id: secret.id, masked: true, restricted: true });
    expect(page.matches.at(-1)).toEqual({ id: secret.id, score: null, reasons: [], mergedFrom: null });
    expect(JSON.stringify(page)).not.toMatch(/Secret|1971|99887766/);
    for (const q of ['garc', 'secret', 'secr garcia', 'gracia secret', '1971-01-01', '7766', '1971', 'garcia 1971', 'garcia 7766', 'secret garcia 1970-01-01'])
      expect(
        (await search(q, {}, desk())).items.map(({ id }) => id),
        q,
      ).not.toContain(secret.id);
    for (const q of [secret.mrn, 'secret garcia', '+254799887766', 'garcia 1971-01-01'])
      expect(
        (await search(q, {}, desk())).items.map(({ id }) => id),
        q,
      ).toContain(secret.id);
    expect((await search('secr garcia')).items).toMatchObject([{ id: secret.id, firstName: 'Secret' }]);
  });

  test('a chart that was restricted a moment ago is masked though a replica has not heard of it yet', async () => {
    const { id } = await patients.create({ firstName: 'Bettina', lastName: 'Verzug', dateOfBirth: '1970-01-02' });
    // Sees what was so when it began, as a replica does that is behind.
    const behind = await ctx.db.startTransaction().setIsolationLevel('repeatable read').execute();
    const late = { ...desk(), laggingDb: behind };
    expect((await search('bettina verzug 1970-01-02', {}, late)).items).toMatchObject([{ id, lastName: 'Verzug' }]);
    await patients.restrict(id, { reason: 'A member of staff' });
    expect((await search('bettina verzug 1970-01-02', {}, late)).items).toEqual([{ id, masked: true, restricted: true }]);
    expect((await search('bettin', {}, late)).items).toEqual([]);
    await behind.rollback().execute();
  });

  test('a role that is shown less sees less here too', async () => {
    const { items } = await search('sean obrien', {}, desk());
    expect(items).toMatchObject([{ id: ids.obrien, lastName: "O'Brien", bloodType: null }]);
    await expect(search('garcia', {}, { ...ctx, viewer: { role: 'AUDITOR', id: 'x' } })).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
  });
});

test('the trail keeps which charts were shown, and nothing of what was typed', async () => {
  const before = clock.now();
  await search('kilpatrick sean', { gender: undefined, bornTo: 2000 });
  const rows = await database.query<{ after: object }>(
    `SELECT after FROM patient_audit_events WHERE action = 'patient.searched' AND "occurredAt" >= $1 ORDER BY seq DESC LIMIT 1`,
    [before],
  );
  expect(rows).toEqual([{ after: { fields: ['q', 'bornTo'], patientIds: [ids.obrien] } }]);
});

test('of hundreds of charts whose telephone numbers end alike, five or six digits find the one', async () => {
  await database.query(
    `INSERT INTO patients (mrn, "lastName", phone) SELECT 'END-' || n, 'Alike', '+25479' || lpad(n::text, 3, '0') || '6543' FROM generate_series(1, 300) n`,
  );
  await rebuildSearch(ctx);
  const page = await search('6543');
  expect([page.items.length, page.more]).toEqual([20, true]);
  for (const n of [7, 123, 299]) {
    const digits = `${String(n).padStart(3, '0')}6543`;
    const mrns = async (q: string) => (await search(q, { limit: 50 })).items.map((item) => ('mrn' in item ? item.mrn : undefined));
    expect(await mrns(digits)).toContain(`END-${n}`);
    // A leading 0 is that of a number at home and does not count.
    if (n !== 7) expect(await mrns(digits.slice(1))).toContain(`END-${n}`);
    expect((await mrns(digits.slice(-5))).length).toBe(30);
  }
});
