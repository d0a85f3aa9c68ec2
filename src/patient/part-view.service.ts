import type { Section } from '../access/field-rights.ts';
import { insertAuditEvent } from '../audit/audit.store.ts';
import type { Ctx } from '../db/context.ts';
import { openChartById, patientNotFound } from './chart.service.ts';
import type { Patient } from './patient.schema.ts';
import { findPatientById } from './patient.store.ts';

/** The patient whose names, addresses, telecoms, numbers or children are shown to this viewer, and the audit row that says so. */
export async function recordPartView(ctx: Ctx, patientId: string, shown: { section: Section; by: string; rows: readonly { id: string }[] }): Promise<Patient> {
  const grant = await openChartById(ctx, patientId, shown.section);
  const patient = await findPatientById(ctx.db, patientId);
  if (!patient) throw patientNotFound(patientId);
  await insertAuditEvent(ctx, { action: 'patient.viewed', patientId, after: { by: shown.by, ids: shown.rows.map(({ id }) => id), ...grant } });
  return patient;
}
