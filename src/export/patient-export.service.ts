import { openChart } from '../access/break-glass.service.ts';
import { hideFields, requireScope } from '../access/field-rights.ts';
import { mayDo } from '../access/access.ts';
import { insertAuditEvent } from '../audit/audit.store.ts';
import { collectChartTrail } from '../audit/trail.service.ts';
import { parseInput } from '../base/parse-input.ts';
import type { Ctx, Viewer } from '../db/context.ts';
import { inTransaction } from '../db/transaction.ts';
import type { PaperSize } from '../paper/paper.ts';
import { patientNotFound } from '../patient/chart.service.ts';
import { listParts } from '../patient/chart-part.store.ts';
import { findPatientById, listMergesOf, lockPatient } from '../patient/patient.store.ts';
import { FaceSheetInput, patientFormat, type PatientExport, PatientExportInput } from './export.schema.ts';
import { printFaceSheet } from './face-sheet.ts';

/** The newest rows of the trail that an export holds: 20,000 are some 10 MB of JSON. */
const mostEvents = 20_000;

/**
 * Everything about one patient, for the person concerned (GDPR Article 15 and 20, HIPAA 45 CFR 164.524) and for another system:
 * the chart with its parts, its merges, and who looked at it where the caller may read the trail. Recorded as
 * `patient.exported` with the reason. The chart is locked against changes while it is read, some milliseconds.
 *
 * Errors: `PATIENT_NOT_FOUND`, `CHART_RESTRICTED`, `ACCESS_DENIED`, `INPUT_INVALID` without a reason.
 *
 * @example
 * const everything = await exportPatient(ctx, '0190b6b2-6d0f-7c3a-9c6e-000000000001', { reason: 'Request 2026/117 of the person' });
 */
export async function exportPatient(ctx: Ctx, id: string, input: PatientExportInput): Promise<PatientExport> {
  const { reason } = parseInput(PatientExportInput, input);
  requireScope(ctx.viewer, 'patient.export');
  return inTransaction(ctx, async (inside) => {
    const { db, viewer, actor } = inside;
    // Every change of a part takes this lock too, so that the parts fit together.
    const patient = await lockPatient(db, id);
    if (!patient) throw patientNotFound(id);
    const grantId = await openChart(inside, patient);
    const key = { patientId: id };
    const parts = {
      names: await listParts(db, 'name', key),
      addresses: await listParts(db, 'address', key),
      telecoms: await listParts(db, 'telecom', key),
      identifiers: await listParts(db, 'identifier', key),
      contacts: await listParts(db, 'contact', key),
      documents: await listParts(db, 'document', key),
      allergies: await listParts(db, 'allergy', key),
      riskFlags: await listParts(db, 'riskFlag', key),
    };
    const merges = await listMergesOf(db, id);
    const audit = holds(viewer, 'audit.read') ? await collectChartTrail(inside, id, mostEvents) : null;
    const counts = Object.fromEntries(Object.entries({ ...parts, merges }).map(([name, rows]) => [name, rows.length]));
    await insertAuditEvent(inside, {
      action: 'patient.exported',
      patientId: id,
      reason,
      after: { format: patientFormat, counts, audit: audit?.events.length ?? null, ...(grantId === undefined ? {} : { grantId }) },
    });
    return {
      format: patientFormat,
      exportedAt: inside.clock.now().toISOString(),
      exportedBy: { kind: actor.kind, id: actor.id ?? null, name: actor.name ?? null },
      reason,
      chart: hideFields(viewer, patient),
      ...parts,
      merges,
      audit,
    };
  });
}

/** What a facility decides about printed pages. */
export interface PaperSettings {
  readonly size: PaperSize;
  readonly fonts: readonly string[];
}

/**
 * The face sheet of a chart as a PDF: who it is, with the record number as a barcode; allergies and risk flags where the caller
 * may see them; whom to call; numbers. Recorded as `patient.printed`.
 *
 * Errors: `PATIENT_NOT_FOUND`, `CHART_RESTRICTED`, `ACCESS_DENIED`, `FONT_UNREADABLE`.
 *
 * @example
 * const pdf = await makeFaceSheet(ctx, id, { timeZone: 'Africa/Nairobi', paper: { size: 'A4', fonts: [] } });
 */
export async function makeFaceSheet(
  ctx: Ctx,
  id: string,
  options: { timeZone: string; paper: PaperSettings; input?: FaceSheetInput | undefined },
): Promise<Buffer> {
  const { reason } = parseInput(FaceSheetInput, options.input ?? {});
  const sheet = await inTransaction(ctx, async (inside) => {
    const { db, viewer } = inside;
    const patient = await findPatientById(db, id);
    if (!patient) throw patientNotFound(id);
    const grantId = await openChart(inside, patient);
    const key = { patientId: id };
    const clinical = holds(viewer, 'patient.read');
    const found = {
      patient: hideFields(viewer, patient),
      names: await listParts(db, 'name', key),
      addresses: await listParts(db, 'address', key),
      telecoms: await listParts(db, 'telecom', key),
      identifiers: await listParts(db, 'identifier', key),
      contacts: await listParts(db, 'contact', key),
      allergies: clinical ? await listParts(db, 'allergy', { ...key, activeOnly: true }) : undefined,
      riskFlags: clinical ? await listParts(db, 'riskFlag', { ...key, activeOnly: true }) : undefined,
      mergedInto: patient.mergedInto === null ? undefined : await findPatientById(db, patient.mergedInto),
    };
    await insertAuditEvent(inside, {
      action: 'patient.printed',
      patientId: id,
      reason,
      after: { sheet: 'face', ...(grantId === undefined ? {} : { grantId }) },
    });
    return found;
  });
  return printFaceSheet(sheet, {
    now: ctx.clock.now(),
    by: ctx.actor.name ?? ctx.actor.id ?? ctx.actor.kind,
    timeZone: options.timeZone,
    paper: options.paper,
  });
}

function holds(viewer: Viewer | undefined, scope: 'audit.read' | 'patient.read'): boolean {
  return viewer === undefined || mayDo(viewer.role, scope);
}
