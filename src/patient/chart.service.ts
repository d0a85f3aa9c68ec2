import { openChart, openChartForChange } from '../access/break-glass.service.ts';
import { type Deed, hideFields, requireDeed, requireSection, type Section } from '../access/field-rights.ts';
import { needsOpening } from '../access/restricted.ts';
import { auditRow } from '../audit/audit-row.ts';
import { insertAuditEvent } from '../audit/audit.store.ts';
import { AppError } from '../base/errors.ts';
import type { Ctx } from '../db/context.ts';
import { actorSetting, inOneStatement, inTransaction } from '../db/transaction.ts';
import { outboxRow } from '../outbox/outbox-row.ts';
import { refreshSearchEntry } from '../search/entry.service.ts';
import { isBirthTerm, termsChanged } from '../search/words.ts';
import { requireVersion, staleVersion } from './patient.ts';
import type { Patient } from './patient.schema.ts';
import type { PatientWrite } from './patient-row.ts';
import { findPatientById, lockPatient } from './patient.store.ts';
import { type ChartRecord, findChartToChange, type KeptTelecom, updateRecordedChart } from './recorded-chart.store.ts';
import type { TemporaryNames } from './temporary-name.ts';

/** What the facility has decided, for all calls. */
export interface RegistrySettings {
  /** IANA time zone that says which day it is. */
  readonly timeZone: string;
  /** ISO 3166 country whose telephone numbers are written without a country code. */
  readonly defaultCountry?: string | undefined;
  /** How those are called whose name is not known yet. */
  readonly temporaryNames?: TemporaryNames | undefined;
}

/** The id for the user columns: those reference users, so a service leaves them empty. */
export function userIdOf(ctx: Ctx): string | null {
  return ctx.actor.kind === 'user' ? (ctx.actor.id ?? null) : null;
}

export function patientNotFound(id: string): AppError {
  return new AppError('not-found', 'PATIENT_NOT_FOUND', 'No patient has this id. Check the id, or search by name or mrn.', { id });
}

/** Locks the chart for the rest of the transaction, to change it or a part of it; refuses a restricted one without a grant. */
export async function holdPatient(ctx: Ctx, id: string): Promise<Patient> {
  const patient = await lockPatient(ctx.db, id);
  if (!patient) throw patientNotFound(id);
  await openChartForChange(ctx, patient);
  return patient;
}

/**
 * The gate of whoever reads a part of a chart: refuses an unknown chart, a part that the viewer may not see, and a restricted
 * chart without a grant. What it gives belongs in the audit row of the reading.
 */
export async function openChartById(ctx: Ctx, id: string, section: Section): Promise<{ grantId?: string }> {
  requireSection(ctx.viewer, section, 'see');
  const patient = await findPatientById(ctx.db, id);
  if (!patient) throw patientNotFound(id);
  const grantId = await openChart(ctx, patient);
  return grantId === undefined ? {} : { grantId };
}

/** Refuses to repeat what was said of a chart before, where it would be refused now: it may have been restricted since. Saying it again is recorded like a view. */
export async function repeatView(ctx: Ctx, id: string): Promise<void> {
  await inTransaction(ctx, async (inside) => {
    const patient = await findPatientById(inside.db, id);
    if (!patient) return;
    const grantId = await openChart(inside, patient);
    await insertAuditEvent(inside, {
      action: 'patient.viewed',
      patientId: id,
      after: { by: 'repeated request', ...(grantId === undefined ? {} : { grantId }) },
    });
  });
}

export interface PatientChange {
  readonly id: string;
  /** The version the caller read; undefined where the change holds for any. */
  readonly version: number | undefined;
  /** Past tense, the name of both the audit action and the event: `patient.archived`. */
  readonly action: Deed;
  readonly reason?: string | undefined;
  /** Checks the rules on the locked chart and says which columns change. */
  readonly decide: (patient: Patient) => PatientWrite;
  /** Rows to write beside the chart in the same transaction, after it was changed; the chart is locked then. */
  readonly alongside?: ((ctx: Ctx, chart: { before: Patient; after: Patient }) => Promise<void>) | undefined;
  /** Whether this change has such rows to write, where the chart can tell; otherwise every one has. */
  readonly needsRows?: ((chart: { before: Patient; after: Patient }) => boolean) | undefined;
  /** Earlier numbers that the same statement keeps, where they are all that there is to keep; no lock is taken then. */
  readonly keeps?: ((ctx: Ctx, chart: { before: Patient; after: Patient }) => readonly KeptTelecom[] | undefined) | undefined;
}

/** A deed as the trail and the outside are told of it. */
export interface RecordedDeed {
  /** Past tense, the name of both: `patient.archived`. */
  readonly action: string;
  readonly patientId: string;
  readonly patientVersion: number;
  readonly reason?: string | undefined;
  readonly before?: unknown;
  readonly after?: unknown;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** The rows that are written beside a chart. */
export function recordOf(ctx: Ctx, deed: RecordedDeed): ChartRecord {
  const { action, patientVersion, payload, ...told } = deed;
  return {
    actor: actorSetting(ctx),
    audit: auditRow(ctx, { action, ...told }),
    event: outboxRow(ctx, { type: action, patientId: deed.patientId, patientVersion, payload }),
  };
}

/** Tries without a lock; a chart that is being fought over is locked at last, so that everybody gets a turn. */
const triesWithoutLock = 2;

/**
 * One change of one chart: row, audit row and event in one transaction. Nothing is written when nothing changes.
 *
 * The chart is read and then changed by one statement, which holds only while nobody, OneChart or not, has written the
 * row since (its xmin): two ways to the server instead of seven. What has other rows than earlier numbers to write beside the chart takes the lock.
 */
export async function changePatient(ctx: Ctx, change: PatientChange): Promise<Patient> {
  requireDeed(ctx.viewer, change.action);
  return hideFields(ctx.viewer, await changeChart(ctx, change));
}

async function changeChart(ctx: Ctx, change: PatientChange): Promise<Patient> {
  const mayStandAlone = change.alongside === undefined || change.needsRows !== undefined;
  for (let attempt = 1; mayStandAlone && attempt <= triesWithoutLock; attempt += 1) {
    const done = await inOneStatement(ctx, (inside) => changeUnlocked(inside, change, 'row may change'));
    if (done) return done;
  }
  return inTransaction(ctx, async (inside) => {
    const before = await holdPatient(inside, change.id);
    const after = await changeUnlocked(inside, change, 'row is held');
    if (!after) throw staleVersion({ id: change.id, version: before.version, currentVersion: before.version });
    if (after.version === before.version) return after;
    const besides = hasRows(change, { before, after });
    if (besides) await change.alongside?.(inside, { before, after });
    if (besides || termsChanged(before, after)) await refreshSearchEntry(inside, change.id);
    return after;
  });
}

function hasRows(change: PatientChange, chart: { before: Patient; after: Patient }): boolean {
  return change.alongside !== undefined && (change.needsRows?.(chart) ?? true);
}

/** Undefined when somebody wrote the chart between reading and changing, for a chart that only `holdPatient` opens, and when rows are to be written beside it. */
async function changeUnlocked(ctx: Ctx, change: PatientChange, state: 'row may change' | 'row is held'): Promise<Patient | undefined> {
  const found = await findChartToChange(ctx.db, change.id);
  if (!found) throw patientNotFound(change.id);
  const { patient: before, writtenBy } = found;
  if (state === 'row may change' && needsOpening(ctx.viewer, before)) return undefined;
  requireVersion(before, change.version);
  const values = definedOnly(change.decide(before));
  const fields = changedFields(before, values);
  if (fields.length === 0) return before;
  const after = { ...before, ...wireValues(values) };
  const now = ctx.clock.now();
  // One deed, one time: the chart as it stood at its updatedAt has the change in it.
  const at: Ctx = { ...ctx, clock: { now: () => now } };
  const besides = state === 'row may change' && hasRows(change, { before, after });
  const keeps = besides ? change.keeps?.(at, { before, after: { ...after, version: before.version + 1 } }) : [];
  if (keeps === undefined) return undefined;
  const terms = state === 'row may change' ? termsChanged(before, after) : undefined;
  // Only of a date of birth is it certain that nothing else of the chart is found by the same term, and what is kept goes on being found.
  if (keeps.length === 0 && terms?.removed.some((term) => !isBirthTerm(term))) return undefined;
  const entry = terms && { added: terms.added, removed: terms.removed.filter(isBirthTerm) };
  const deed: RecordedDeed = {
    action: change.action,
    patientId: change.id,
    patientVersion: before.version + 1,
    reason: change.reason,
    // With what every change overwrites, so that a chart can be taken back to any earlier moment.
    before: { ...pick(before, fields), ...pick(before, ['version', 'updatedAt', 'updatedBy']) },
    after: pick(after, fields),
    payload: { fields },
  };
  const written = { ...values, updatedAt: now, updatedBy: userIdOf(ctx) };
  return updateRecordedChart(ctx.db, { id: change.id, writtenBy, values: written, keeps, entry }, recordOf(at, deed));
}

/** Leaves out what is undefined: a field that stays as it is. */
export function definedOnly(fields: object): PatientWrite {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function changedFields(before: Patient, values: PatientWrite): (keyof Patient)[] {
  const wire = wireValues(values);
  return (Object.keys(values) as (keyof Patient)[]).filter((field) => wire[field] !== before[field]);
}

/** Columns as the wire shows them: instants as text. */
function wireValues(values: PatientWrite): Partial<Patient> {
  return Object.fromEntries(Object.entries(values).map(([field, value]) => [field, value instanceof Date ? value.toISOString() : value]));
}

function pick(patient: Patient, fields: readonly (keyof Patient)[]): Record<string, unknown> {
  return Object.fromEntries(fields.map((field) => [field, patient[field]]));
}
