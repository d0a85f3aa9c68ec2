import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabase, type TestDatabase } from '../../test/support/database.ts';
import { fixedClock } from '../base/clock.ts';
import { AppError } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import { kyselyOnPool } from '../db/connect.ts';
import type { Ctx } from '../db/context.ts';
import { inTransaction } from '../db/transaction.ts';
import { createMrnIssuer, type MrnIssuer } from '../identifier/mrn.service.ts';
import { bindTrustedRepository, type PatientRepository } from '../patient/patient-repository.ts';
import { checkSearch, rebuildSearch } from './entry.service.ts';
import { deletesOf } from './typed-query.ts';
import { wordsAmong } from './words.ts';

const clock = fixedClock(new Date('2026-03-01T08:00:00Z'));
let database: TestDatabase;
let mrns: MrnIssuer;
let ctx: Ctx;
let patients: PatientRepository;

beforeAll(async () => {
  database = await createDatabase({ template: 'migrated' });
  mrns = createMrnIssuer({ format: { timeZone: 'UTC' } });
  ctx = { db: kyselyOnPool(database.pool(), { prepares: true }), pool: database.pool(), actor: { kind: 'service' }, clock, newId };
  patients = bindTrustedRepository(ctx, { timeZone: 'UTC', mrns, defaultCountry: 'KE' });
});
afterAll(async () => {
  await mrns.close();
  await database.drop();
});

const person = { firstName: 'Amina', lastName: 'Otieno', dateOfBirth: '1984-02-29', phone: '+254201234567' };

async function termsOf(id: string): Promise<string[]> {
  const [row] = await database.query<{ terms: string[] }>(`SELECT tsvector_to_array(terms) AS terms FROM patient_search_entries WHERE "patientId" = $1`, [id]);
  return row?.terms ?? [];
}

const names = ['Amina', 'Zoë', "O'Brien", 'van der Berg', 'Anne-Marie', 'Алексей', 'محمد', 'Müller', '王'];
const partOf = <Row extends { id: string | null }>(rows: readonly Row[], n: number) =>
  rows.filter(({ id }) => id !== null)[n % Math.max(rows.length - 1, 1)]?.id ?? newId();

/** Every way in which what a chart is found by may change; `n` makes one act differ from the other. What the rules refuse changes nothing. */
const acts: Readonly<Record<string, (on: PatientRepository, id: string, n: number) => Promise<unknown>>> = {
  update: async (on, id, n) => {
    const version = (await on.findById(id))?.version ?? 1;
    const changes = [
      { lastName: names[n % names.length] ?? 'X' },
      { firstName: n % 2 === 0 ? null : (names[(n + 3) % names.length] ?? null) },
      { phone: n % 3 === 0 ? null : `+2547${String(n).padStart(8, '0')}` },
      { phoneSecondary: `+2547${String(n % 3).padStart(8, '0')}`, email: n % 2 === 0 ? null : `p${n}@example.org` },
      { dateOfBirth: `19${String(n % 100).padStart(2, '0')}-01-01`, dateOfBirthPrecision: n % 3 === 0 ? ('YEAR' as const) : null },
      { lastName: names[(n + 1) % names.length] ?? 'X', phone: '+254200000001', correction: true },
      { middleName: n % 2 === 0 ? 'Example' : null, city: 'Lund' },
    ];
    return on.update(id, { version, ...changes[n % changes.length] });
  },
  addName: (on, id, n) => on.addName(id, { use: 'MAIDEN', lastName: names[n % names.length] ?? 'X' }),
  editName: async (on, id, n) => on.updateName({ patientId: id, id: partOf(await on.listNames(id), n) }, { lastName: `Former ${n}` }),
  removeName: async (on, id, n) => on.removeName({ patientId: id, id: partOf(await on.listNames(id), n) }),
  addTelecom: (on, id, n) =>
    on.addTelecom(id, { system: n % 2 === 0 ? 'PHONE' : 'EMAIL', use: 'WORK', value: n % 2 === 0 ? `+2541${n}00000` : `w${n}@example.org` }),
  removeTelecom: async (on, id, n) => on.removeTelecom({ patientId: id, id: partOf(await on.listTelecoms(id), n) }),
  addIdentifier: (on, id, n) => on.addIdentifier(id, { type: n % 2 === 0 ? 'MR' : 'NI', system: 'urn:example', value: `AB ${n}-7` }),
  removeIdentifier: async (on, id, n) => on.removeIdentifier({ patientId: id, id: partOf(await on.listIdentifiers(id), n) }),
  addDocument: (on, id, n) => on.addDocument(id, { documentType: 'PASSPORT', documentNumber: `P${n}` }),
  restrict: (on, id, n) => on.restrict(id, { reason: `reason ${n}` }),
  unrestrict: (on, id) => on.unrestrict(id),
  deceased: (on, id) => on.markDeceased(id, { deceasedAt: '2026-02-28T10:00:00Z' }),
};

test('after any changes every chart is found by what stands in it, and by nothing else', async () => {
  const act = fc.record({ name: fc.constantFrom(...Object.keys(acts)), n: fc.nat(60), inTransaction: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 8 }), async (list) => {
      const { id } = await patients.create(person);
      for (const { name, n, inTransaction: together } of list) {
        const run = (on: PatientRepository) => acts[name]?.(on, id, n).catch((error: unknown) => expect(error).toBeInstanceOf(AppError));
        if (together) await inTransaction(ctx, async (inside) => run(bindTrustedRepository(inside, { timeZone: 'UTC', mrns })));
        else await run(patients);
      }
      expect(await checkSearch(ctx)).toMatchObject({ missing: 0, stale: 0 });
    }),
    { numRuns: 25 },
  );
  await patients.create({ ...person, lastName: 'Müller' });
  const [words] = await database.query<{ word: string; deletes: string[] }>(`SELECT word, deletes FROM patient_search_words WHERE word = 'mueller'`);
  expect([...(words?.deletes ?? [])].sort()).toEqual(deletesOf('mueller').sort());
});

test('newborns, unidentified patients and those who are identified later have their entries', async () => {
  const mother = await patients.create(person);
  const child = await patients.registerNewborn({ motherId: mother.id, dateOfBirth: '2026-02-28' });
  const unknown = await patients.registerUnidentified({ gender: 'MALE' });
  await patients.identify(unknown.id, { version: unknown.version, firstName: 'Pedro', lastName: 'Quispe', dateOfBirth: '1970-05-06', reason: 'identity card' });
  expect(await termsOf(child.id)).toContain('b:2026-02-28');
  expect(await termsOf(unknown.id)).toEqual(expect.arrayContaining(['pedro', 'quispe', 'b:1970-05-06', ...wordsAmong([unknown.lastName.toLowerCase()])]));
  expect(await checkSearch(ctx)).toMatchObject({ missing: 0, stale: 0 });
});

test('two transactions that bring the same new words wait for neither other', async () => {
  const other = { ...person, firstName: 'Quetzalcoatl', lastName: 'Zyxwvut' };
  await inTransaction(ctx, async (first) => {
    await bindTrustedRepository(first, { timeZone: 'UTC', mrns }).create(other);
    await patients.create({ ...other, firstName: 'Zyxwvut', lastName: 'Quetzalcoatl' });
    await bindTrustedRepository(first, { timeZone: 'UTC', mrns }).create({ ...other, lastName: 'Quetzalcoatl' });
  });
  expect(await checkSearch(ctx)).toMatchObject({ missing: 0, stale: 0 });
});

test('rows written past OneChart are found by a check, and by nobody until a rebuild, which can be broken off', async () => {
  await database.query(`INSERT INTO patients (mrn, "firstName", "lastName") SELECT 'PAST-' || n, 'Past', 'Example' || n FROM generate_series(1, 50) n`);
  const [stale] = await database.query<{ id: string }>(`UPDATE patients SET "lastName" = 'Changed' WHERE mrn = 'PAST-50' RETURNING id`);
  const found = await checkSearch(ctx);
  expect(found).toMatchObject({ missing: 50, stale: 0 });
  expect(found.examples).toHaveLength(10);
  const stop = new AbortController();
  const broken = rebuildSearch(ctx, { batchRows: 10, signal: stop.signal, onProgress: ({ written }) => written >= 20 && stop.abort(new Error('broken off')) });
  await expect(broken).rejects.toThrow('broken off');
  expect(await checkSearch(ctx)).toMatchObject({ missing: 30, stale: 0 });
  expect(await rebuildSearch(ctx, { batchRows: 10 })).toMatchObject({ written: 30, left: 0 });
  await database.query(`UPDATE patients SET "lastName" = 'Changed again' WHERE id = $1`, [stale?.id]);
  expect(await checkSearch(ctx)).toMatchObject({ missing: 0, stale: 1, examples: [stale?.id] });
  expect(await rebuildSearch(ctx)).toMatchObject({ written: 0 });
  expect(await rebuildSearch(ctx, { all: true })).toMatchObject({ written: 1, left: 0 });
  await database.query(`UPDATE patient_search_entries SET "termsVersion" = 1, terms = ''::tsvector WHERE "patientId" = $1`, [stale?.id]);
  expect(await rebuildSearch(ctx, { all: true })).toMatchObject({ written: 1, left: 0 });
  expect(await termsOf(stale?.id ?? '')).toEqual(expect.arrayContaining(['changed', 'again', 'm:past50']));
});

test('a rebuild leaves a chart to whoever is changing it at the same moment', async () => {
  const { id } = await patients.create(person);
  await database.query(`DELETE FROM patient_search_entries WHERE "patientId" = $1`, [id]);
  let rebuilt: Promise<unknown> | undefined;
  await inTransaction(ctx, async (inside) => {
    await bindTrustedRepository(inside, { timeZone: 'UTC', mrns }).addName(id, { use: 'MAIDEN', lastName: 'Kamau' });
    rebuilt = rebuildSearch(ctx, { all: true });
    await expect
      .poll(async () => (await database.query(`SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)).length)
      .toBeGreaterThan(0);
  });
  await rebuilt;
  expect(await termsOf(id)).toEqual(expect.arrayContaining(['otieno', 'kamau']));
});
