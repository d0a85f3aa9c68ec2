import { hideFields, requireScope, requireWritable } from '../access/field-rights.ts';
import { AppError } from '../base/errors.ts';
import type { Ctx } from '../db/context.ts';
import { certainlyRolledBack, inOneStatement, onRollback } from '../db/transaction.ts';
import type { IssuedMrn, MrnIssuer } from '../identifier/mrn.service.ts';
import { changePatient, definedOnly, type RecordedDeed, recordOf, type RegistrySettings, userIdOf } from './chart.service.ts';
import { parseInput } from '../base/parse-input.ts';
import { settleBirth } from './birth.ts';
import { findPart } from './chart-part.store.ts';
import { keepHistory, keptTelecoms } from './history.service.ts';
import { replacesSomething } from './history.ts';
import { checkBirthAndDeath, normalizeDemographics, requireOpenChart } from './patient.ts';
import { type IdentityStatus, NewPatient, type Patient, PatientChanges } from './patient.schema.ts';
import { searchTermsOf } from '../search/words.ts';
import { insertRecordedChart } from './recorded-chart.store.ts';

/** A counter can only be behind by numbers that somebody wrote past it; beyond this many something else is wrong. */
const mostTakenNumbers = 100;

/**
 * Registers a patient: chart, MRN, audit row and `patient.registered` in one transaction.
 *
 * The number is issued before the transaction begins where we have connections of our own, so that nobody waits for a
 * counter while rows are locked; inside a transaction of the host it is issued there.
 */
export async function registerPatient(
  ctx: Ctx,
  input: NewPatient,
  settings: RegistrySettings & { mrns: MrnIssuer; identityStatus?: IdentityStatus },
): Promise<Patient> {
  const { id: givenId, mrn: givenMrn, ...given } = parseInput(NewPatient, input);
  requireScope(ctx.viewer, 'patient.register');
  requireWritable(ctx.viewer, given);
  const now = ctx.clock.now();
  const person = settleBirth(normalizeDemographics(given, settings), { now, timeZone: settings.timeZone });
  const fields = settings.identityStatus === undefined ? person : { ...person, identityStatus: settings.identityStatus };
  checkBirthAndDeath({ dateOfBirth: fields.dateOfBirth }, { now, timeZone: settings.timeZone });
  const id = givenId ?? ctx.newId();
  const { mrns } = settings;
  const issued: IssuedMrn[] = [];
  const used = new Set<IssuedMrn>();
  const giveBack = () => {
    for (const each of issued) if (!used.has(each)) each.release();
  };
  onRollback(ctx, giveBack);
  const issueEarly = ctx.pool !== undefined;
  if (issueEarly) {
    if (givenMrn === undefined) issued.push(await mrns.issueMrn(ctx, now));
    else await mrns.recordExistingMrn(ctx, givenMrn);
  }
  const write = async (inside: Ctx): Promise<Patient> => {
    const values = { ...fields, createdAt: now, updatedAt: now, createdBy: userIdOf(inside), updatedBy: userIdOf(inside) };
    const insert = (mrn: string) =>
      insertRecordedChart(
        inside.db,
        { ...values, id, mrn },
        { ...recordOf(inside, registered({ ...fields, id, mrn })), terms: searchTermsOf({ ...values, mrn }) },
      );
    let patient: Patient | undefined;
    if (givenMrn !== undefined) {
      if (!issueEarly) await mrns.recordExistingMrn(inside, givenMrn);
      patient = await insert(givenMrn);
      if (!patient)
        throw new AppError('duplicate', 'MRN_TAKEN', 'A patient with this mrn exists already. Find that chart, or leave mrn out, and a new number is issued.', {
          field: 'mrn',
        });
    } else {
      for (let attempt = 0; !patient && attempt < mostTakenNumbers; attempt += 1) {
        const next = issued[attempt] ?? (await mrns.issueMrn(inside, now));
        if (!issued.includes(next)) issued.push(next);
        patient = await insert(next.mrn);
        // A number that stands in a chart already is nobody's to give back.
        if (!patient) used.add(next);
      }
      if (!patient)
        throw new AppError(
          'operator',
          'MRN_COUNTER_BEHIND',
          `The next ${mostTakenNumbers} record numbers are all in use. Run onechart mrn report, and raise the counter above the numbers of the host.`,
        );
    }
    return patient;
  };
  try {
    return hideFields(ctx.viewer, await inOneStatement(ctx, write));
  } catch (error) {
    // Inside a transaction that was begun around this one, its end decides.
    if (!ctx.db.isTransaction && certainlyRolledBack(error)) giveBack();
    throw error;
  }
}

/**
 * Changes demographics. A stale `version` is refused with PATIENT_STALE_VERSION. An official name, home address or number that is
 * replaced is kept with its period, unless it was a mistake (`correction`).
 */
export async function updatePatient(ctx: Ctx, id: string, options: { changes: PatientChanges; settings: RegistrySettings }): Promise<Patient> {
  const { version, correction, ...given } = parseInput(PatientChanges, options.changes);
  requireWritable(ctx.viewer, given);
  const fields = settleBirth(normalizeDemographics(given, options.settings), { now: ctx.clock.now(), timeZone: options.settings.timeZone });
  return changePatient(ctx, {
    id,
    version,
    action: 'patient.updated',
    decide: (patient) => {
      requireOpenChart(patient);
      if (fields.dateOfBirth !== undefined) {
        checkBirthAndDeath(
          { dateOfBirth: fields.dateOfBirth, deceasedAt: patient.deceasedAt === null ? null : new Date(patient.deceasedAt) },
          { now: ctx.clock.now(), timeZone: options.settings.timeZone },
        );
      }
      return definedOnly(fields);
    },
    keeps: (at, chart) => (fields.photoDocumentId ? undefined : keptTelecoms(at, chart, options.settings)),
    needsRows: (chart) => Boolean(fields.photoDocumentId) || (!correction && replacesSomething(chart)),
    alongside: async (inside, chart) => {
      if (fields.photoDocumentId) await requireOwnDocument(inside, { patientId: id, id: fields.photoDocumentId });
      if (!correction) await keepHistory(inside, chart, { settings: options.settings });
    },
  });
}

async function requireOwnDocument(ctx: Ctx, key: { patientId: string; id: string }): Promise<void> {
  if (await findPart(ctx.db, 'document', key)) return;
  throw new AppError('not-found', 'DOCUMENT_NOT_FOUND', 'photoDocumentId names no document of this patient. Add the document to the chart first.', {
    field: 'photoDocumentId',
  });
}

/** What the trail and the outside are told of a registration: the fields that were given. */
function registered({ id, mrn, ...fields }: { id: string; mrn: string } & object): RecordedDeed {
  const given = Object.entries(fields).filter(([, value]) => value !== null && value !== undefined);
  return { action: 'patient.registered', patientId: id, patientVersion: 1, after: { id, mrn, ...Object.fromEntries(given) }, payload: { mrn } };
}
