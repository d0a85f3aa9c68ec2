import { insertAuditEvent } from '../audit/audit.store.ts';
import { AppError } from '../base/errors.ts';
import type { Ctx } from '../db/context.ts';
import { inTransaction } from '../db/transaction.ts';
import { insertOutboxEvent } from '../outbox/outbox.store.ts';
import { requireVersion, staleVersion } from './patient.ts';
import type { Patient } from './patient.schema.ts';
import { lockPatient, type PatientWrite, updatePatientRow } from './patient.store.ts';

/** What the facility has decided, for all calls. */
export interface RegistrySettings {
  /** IANA time zone that says which day it is. */
  readonly timeZone: string;
  /** ISO 3166 country whose telephone numbers are written without a country code. */
  readonly defaultCountry?: string | undefined;
}

/** The id for the user columns: those reference users, so a service leaves them empty. */
export function userIdOf(ctx: Ctx): string | null {
  return ctx.actor.kind === 'user' ? (ctx.actor.id ?? null) : null;
}

export function patientNotFound(id: string): AppError {
  return new AppError('not-found', 'PATIENT_NOT_FOUND', 'No patient has this id. Check the id, or search by name or mrn.', { id });
}

/** Locks the chart for the rest of the transaction. */
export async function holdPatient(ctx: Ctx, id: string): Promise<Patient> {
  const patient = await lockPatient(ctx.db, id);
  if (!patient) throw patientNotFound(id);
  return patient;
}

export interface PatientChange {
  readonly id: string;
  /** The version the caller read; undefined where the change holds for any. */
  readonly version: number | undefined;
  /** Past tense, the name of both the audit action and the event: `patient.archived`. */
  readonly action: string;
  readonly reason?: string | undefined;
  /** Checks the rules on the locked chart and says which columns change. */
  readonly decide: (patient: Patient) => PatientWrite;
}

/** One change of one chart: row, audit row and event in one transaction. Nothing is written when nothing changes. */
export async function changePatient(ctx: Ctx, change: PatientChange): Promise<Patient> {
  return inTransaction(ctx, async (inside) => {
    const before = await holdPatient(inside, change.id);
    requireVersion(before, change.version);
    const values = change.decide(before);
    const fields = changedFields(before, values);
    if (fields.length === 0) return before;
    const after = await updatePatientRow(inside.db, change.id, {
      version: before.version,
      values: { ...values, updatedAt: inside.clock.now(), updatedBy: userIdOf(inside) },
    });
    if (!after) throw staleVersion({ id: change.id, version: before.version, currentVersion: before.version });
    await insertAuditEvent(inside, {
      action: change.action,
      patientId: change.id,
      reason: change.reason,
      before: pick(before, fields),
      after: pick(after, fields),
    });
    await insertOutboxEvent(inside, { type: change.action, patientId: change.id, patientVersion: after.version, payload: { fields } });
    return after;
  });
}

function changedFields(before: Patient, values: PatientWrite): (keyof Patient)[] {
  return (Object.keys(values) as (keyof Patient)[]).filter((field) => {
    const value: unknown = values[field as keyof PatientWrite];
    return value !== undefined && (value instanceof Date ? value.toISOString() : value) !== before[field];
  });
}

function pick(patient: Patient, fields: readonly (keyof Patient)[]): Record<string, unknown> {
  return Object.fromEntries(fields.map((field) => [field, patient[field]]));
}
