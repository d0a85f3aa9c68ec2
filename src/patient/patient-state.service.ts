import { endGrants } from '../access/break-glass.service.ts';
import { maskPatient } from '../access/restricted.ts';
import type { ShownPatient } from '../access/restricted.schema.ts';
import { AppError } from '../base/errors.ts';
import type { Ctx } from '../db/context.ts';
import { changePatient, type RegistrySettings, userIdOf } from './chart.service.ts';
import { parseInput } from '../base/parse-input.ts';
import { checkBirthAndDeath, checkStatusChange, requireOpenChart, statusAfterArchive } from './patient.ts';
import { ArchiveInput, ChangeStatusInput, MarkDeceasedInput, type Patient, RestrictInput, UndoInput } from './patient.schema.ts';

/** Closes a chart. Patients are never deleted. Archiving an archived chart is refused, so that the first reason stays. */
export async function archivePatient(ctx: Ctx, id: string, input: ArchiveInput): Promise<Patient> {
  const { reason, version } = parseInput(ArchiveInput, input);
  return changePatient(ctx, {
    id,
    version,
    action: 'patient.archived',
    reason,
    decide: (patient) => {
      requireOpenChart(patient);
      return { status: 'ARCHIVED', archived: true, archivedAt: ctx.clock.now(), archivedBy: userIdOf(ctx), archivedReason: reason };
    },
  });
}

export async function unarchivePatient(ctx: Ctx, id: string, input: UndoInput = {}): Promise<Patient> {
  const { reason, version } = parseInput(UndoInput, input);
  return changePatient(ctx, {
    id,
    version,
    action: 'patient.unarchived',
    reason,
    decide: (patient) => {
      if (patient.mergedInto !== null) requireOpenChart(patient);
      if (!patient.archived) throw new AppError('rule', 'PATIENT_NOT_ARCHIVED', 'This chart is not archived.', { id });
      return { status: statusAfterArchive(patient), archived: false, archivedAt: null, archivedBy: null, archivedReason: null };
    },
  });
}

/** Marks a chart as restricted: it opens by breaking the glass alone, to whoever restricted it as to anybody, and openings are reviewed. */
export async function restrictPatient(ctx: Ctx, id: string, input: RestrictInput): Promise<ShownPatient> {
  const { reason, version } = parseInput(RestrictInput, input);
  const patient = await changePatient(ctx, {
    id,
    version,
    action: 'patient.restricted',
    reason,
    decide: (patient) => {
      if (patient.mergedInto !== null) requireOpenChart(patient);
      if (patient.restricted)
        throw new AppError('rule', 'PATIENT_RESTRICTED', 'This chart is restricted already. Unrestrict it first to give another reason.', { id });
      return { restricted: true, restrictedReason: reason, restrictedAt: ctx.clock.now(), restrictedBy: userIdOf(ctx) };
    },
  });
  return ctx.viewer === undefined ? patient : maskPatient(patient);
}

/** Lifts the restriction, which takes a grant like any change of a restricted chart. Grants of before are worth nothing when it comes back. */
export async function unrestrictPatient(ctx: Ctx, id: string, input: UndoInput = {}): Promise<Patient> {
  const { reason, version } = parseInput(UndoInput, input);
  return changePatient(ctx, {
    id,
    version,
    action: 'patient.unrestricted',
    reason,
    decide: (patient) => {
      if (!patient.restricted) throw new AppError('rule', 'PATIENT_NOT_RESTRICTED', 'This chart is not restricted.', { id });
      return { restricted: false, restrictedReason: null, restrictedAt: null, restrictedBy: null };
    },
    alongside: (inside) => endGrants(inside, id),
  });
}

export async function markPatientDeceased(ctx: Ctx, id: string, options: { input: MarkDeceasedInput; settings: RegistrySettings }): Promise<Patient> {
  const { deceasedAt, reason, version } = parseInput(MarkDeceasedInput, options.input);
  const at = deceasedAt === null ? null : new Date(deceasedAt);
  return changePatient(ctx, {
    id,
    version,
    action: 'patient.deceased',
    reason,
    decide: (patient) => {
      requireOpenChart(patient);
      if (patient.deceased)
        throw new AppError('rule', 'PATIENT_DECEASED', 'This patient is recorded as deceased already. Use revertDeceased first to correct it.', { id });
      checkBirthAndDeath({ dateOfBirth: patient.dateOfBirth, deceasedAt: at }, { now: ctx.clock.now(), timeZone: options.settings.timeZone });
      return { status: 'DECEASED', deceased: true, deceasedAt: at, deceasedBy: userIdOf(ctx) };
    },
  });
}

/** Takes back a record of death that was a mistake. */
export async function revertPatientDeceased(ctx: Ctx, id: string, input: UndoInput = {}): Promise<Patient> {
  const { reason, version } = parseInput(UndoInput, input);
  return changePatient(ctx, {
    id,
    version,
    action: 'patient.deceased-reverted',
    reason,
    decide: (patient) => {
      requireOpenChart(patient);
      if (!patient.deceased) throw new AppError('rule', 'PATIENT_NOT_DECEASED', 'This patient is not recorded as deceased.', { id });
      return { status: 'ACTIVE', deceased: false, deceasedAt: null, deceasedBy: null };
    },
  });
}

export async function changePatientStatus(ctx: Ctx, id: string, input: ChangeStatusInput): Promise<Patient> {
  const { status, reason, version } = parseInput(ChangeStatusInput, input);
  return changePatient(ctx, {
    id,
    version,
    action: 'patient.status-changed',
    reason,
    decide: (patient) => {
      checkStatusChange(patient, status);
      return { status };
    },
  });
}
