import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabase, type TestDatabase } from '../../test/support/database.ts';
import { fixedClock } from '../base/clock.ts';
import { AppError } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import { kyselyOnPool } from '../db/connect.ts';
import type { Ctx } from '../db/context.ts';
import { createMrnIssuer, type MrnIssuer } from '../identifier/mrn.service.ts';
import { getChartAt } from './chart-at.service.ts';
import { listParts, type PartName } from './chart-part.store.ts';
import { bindTrustedRepository, type PatientRepository } from './patient-repository.ts';
import { findPatientById } from './patient.store.ts';

const start = new Date('2026-03-01T08:00:00Z').getTime();
const clock = fixedClock(new Date(start));
const parts = ['contact', 'document', 'allergy', 'riskFlag', 'name', 'address', 'telecom', 'identifier'] as const satisfies readonly PartName[];
let database: TestDatabase;
let mrns: MrnIssuer;
let ctx: Ctx;
let patients: PatientRepository;
let userId: string;

beforeAll(async () => {
  database = await createDatabase({ template: 'migrated' });
  const [user] = await database.query<{ id: string }>('SELECT id FROM users LIMIT 1');
  userId = user?.id ?? '';
  mrns = createMrnIssuer({ format: { timeZone: 'UTC' } });
  ctx = { db: kyselyOnPool(database.pool()), pool: database.pool(), actor: { kind: 'user', id: userId }, clock, newId };
  patients = bindTrustedRepository(ctx, { timeZone: 'UTC', mrns });
});
afterAll(async () => {
  await mrns.close();
  await database.drop();
});

/** The chart as the tables have it now. */
async function snapshot(id: string) {
  const lists: [PartName, unknown][] = [];
  for (const part of parts) lists.push([part, await listParts(ctx.db, part, { patientId: id })]);
  return { patient: await findPatientById(ctx.db, id), parts: Object.fromEntries(lists) };
}

const firstOf = async (list: Promise<{ id: string }[]>, at: number) => {
  const rows = await list;
  return rows[at % Math.max(rows.length, 1)]?.id ?? newId();
};

/** What may happen to a chart; `n` makes one act differ from the other. What the rules refuse changes nothing. */
const acts: Readonly<Record<string, (id: string, n: number) => Promise<unknown>>> = {
  update: async (id, n) => {
    const found = await findPatientById(ctx.db, id);
    return patients.update(id, {
      version: found?.version ?? 1,
      ...[
        { lastName: `Example ${n}` },
        { firstName: n % 2 === 0 ? null : `Name ${n}`, city: 'Lund' },
        { phone: `+2547${String(n).padStart(8, '0')}`, email: `p${n}@example.org` },
        { addressLine1: `${n} Test Street`, city: 'Nairobi', country: 'KE' },
        { dateOfBirth: `19${String(n % 100).padStart(2, '0')}-01-01`, bloodType: 'AB-' as const },
        { lastName: `Exampel ${n}`, correction: true },
      ][n % 6],
    });
  },
  archive: (id, n) => patients.archive(id, { reason: `reason ${n}` }),
  unarchive: (id) => patients.unarchive(id),
  restrict: (id, n) => patients.restrict(id, { reason: `reason ${n}` }),
  unrestrict: (id) => patients.unrestrict(id),
  deceased: (id) => patients.markDeceased(id, { deceasedAt: '2026-02-28T10:00:00Z' }),
  revert: (id) => patients.revertDeceased(id),
  status: (id, n) => patients.changeStatus(id, { status: n % 2 === 0 ? 'ACTIVE' : 'INACTIVE' }),
  view: (id) => patients.findById(id),
  addContact: (id, n) => patients.addContact(id, { firstName: 'Kin', lastName: `Example ${n}`, relationship: 'sister', priority: 1 + (n % 3) }),
  editContact: async (id, n) => patients.updateContact({ patientId: id, id: await firstOf(patients.listContacts(id), n) }, { notes: `note ${n}` }),
  removeContact: async (id, n) => patients.removeContact({ patientId: id, id: await firstOf(patients.listContacts(id), n) }),
  addDocument: (id, n) => patients.addDocument(id, { documentType: n % 2 === 0 ? 'PASSPORT' : 'ID_CARD', documentNumber: `D${n}`, expiryDate: '2030-01-01' }),
  verifyDocument: async (id, n) => patients.verifyDocument({ patientId: id, id: await firstOf(patients.listDocuments(id), n) }),
  editDocument: async (id, n) => patients.updateDocument({ patientId: id, id: await firstOf(patients.listDocuments(id), n) }, { documentNumber: `E${n}` }),
  removeDocument: async (id, n) => patients.removeDocument({ patientId: id, id: await firstOf(patients.listDocuments(id), n) }),
  addAllergy: (id, n) => patients.addAllergy(id, { allergen: `Allergen ${n}`, allergyType: 'DRUG', severity: 'MILD', diagnosedAt: '2025-05-05' }),
  resolveAllergy: async (id, n) => patients.resolveAllergy({ patientId: id, id: await firstOf(patients.listAllergies(id), n) }),
  setFlag: (id, n) => patients.setRiskFlag(id, { flagType: 'FALL_RISK', severity: 'LOW', description: `flag ${n}` }),
  clearFlag: async (id, n) => patients.clearRiskFlag({ patientId: id, id: await firstOf(patients.listRiskFlags(id), n) }),
  addName: (id, n) => patients.addName(id, { use: 'NICKNAME', lastName: `Nick ${n}` }),
  addAddress: (id, n) => patients.addAddress(id, { use: 'WORK', addressLine1: `${n} Work Street`, city: 'Lund', country: 'SE' }),
  addTelecom: (id, n) => patients.addTelecom(id, { system: 'PHONE', value: `+2547${String(n + 500).padStart(8, '0')}`, use: 'WORK' }),
};

test('at every earlier moment the chart is what it was then, whatever happened since', async () => {
  let done = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.constantFrom(...Object.keys(acts), 'update', 'update', 'unarchive', 'revert'), fc.nat(400)), { minLength: 25, maxLength: 45 }),
      async (sequence) => {
        const begin = clock.now().getTime() + 60_000;
        clock.set(new Date(begin));
        const { id } = await patients.create({ firstName: 'Test', lastName: 'Patient', dateOfBirth: '1990-01-01' });
        const moments = [{ at: begin, chart: await snapshot(id) }];
        for (const [index, [act, n]] of sequence.entries()) {
          const now = begin + (index + 1) * 1_000;
          clock.set(new Date(now));
          await (acts[act] as (id: string, n: number) => Promise<unknown>)(id, n).then(
            () => {
              done += 1;
            },
            (error: unknown) => {
              if (!(error instanceof AppError) || error.kind === 'internal') throw error;
            },
          );
          moments.push({ at: now, chart: await snapshot(id) });
        }
        clock.set(new Date(begin + 50_000));
        for (const { at, chart } of moments) {
          const { patient, parts: lists } = await getChartAt(ctx, id, new Date(at + 500));
          expect({ patient, parts: lists }).toEqual(chart);
        }
        await expect(getChartAt(ctx, id, new Date(begin - 1))).rejects.toMatchObject({ kind: 'not-found', code: 'HISTORY_BEFORE_REGISTRATION' });
      },
    ),
    { numRuns: 8, seed: 3 },
  );
  expect(done).toBeGreaterThan(70);
});

test('the future and strangers are refused; seeing an earlier chart is recorded', async () => {
  clock.set(new Date(clock.now().getTime() + 3_600_000));
  const { id } = await patients.create({ firstName: 'Test', lastName: 'Patient', dateOfBirth: null });
  const at = clock.now();
  await expect(getChartAt(ctx, id, new Date(at.getTime() + 1))).rejects.toMatchObject({ kind: 'invalid', code: 'HISTORY_IN_FUTURE' });
  await expect(getChartAt(ctx, newId(), at)).rejects.toMatchObject({ code: 'PATIENT_NOT_FOUND' });
  await getChartAt(ctx, id, at);
  expect(await database.query(`SELECT action, after FROM patient_audit_events WHERE "patientId" = $1 ORDER BY seq DESC LIMIT 1`, [id])).toEqual([
    { action: 'patient.viewed', after: { by: 'history', at: at.toISOString() } },
  ]);
});

test('who may not see allergies now is not shown those of then', async () => {
  clock.set(new Date(clock.now().getTime() + 3_600_000));
  const { id } = await patients.create({ firstName: 'Test', lastName: 'Patient', dateOfBirth: null, bloodType: 'A+' });
  await patients.addAllergy(id, { allergen: 'Latex', allergyType: 'OTHER', severity: 'MILD' });
  const clerk: Ctx = { ...ctx, viewer: { role: 'FRONT_DESK', id: 'clerk' } };
  const chart = await getChartAt(clerk, id, clock.now());
  expect(chart.parts).not.toHaveProperty('allergy');
  expect(chart.parts).toHaveProperty('contact');
  expect(chart.patient).toMatchObject({ bloodType: null, hidden: expect.arrayContaining(['bloodType']) });
  await expect(getChartAt({ ...ctx, viewer: { role: 'AUDITOR', id: 'auditor' } }, id, clock.now())).rejects.toMatchObject({ kind: 'forbidden' });
});
