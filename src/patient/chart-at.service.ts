import { hideFields, sections } from '../access/field-rights.ts';
import { mayDo } from '../access/access.ts';
import { insertAuditEvent } from '../audit/audit.store.ts';
import { listRemovals } from '../audit/seal.store.ts';
import { listChangesAfter } from '../audit/trail.store.ts';
import { AppError } from '../base/errors.ts';
import type { Ctx } from '../db/context.ts';
import { inTransaction } from '../db/transaction.ts';
import { holdPatient, openChartById } from './chart.service.ts';
import type { ChartAt } from './chart-at.schema.ts';
import { isAfter, takeBack, type WholeChart } from './chart-at.ts';
import { listParts, type PartName } from './chart-part.store.ts';
import type { Patient } from './patient.schema.ts';

const partNames = ['contact', 'document', 'allergy', 'riskFlag', 'name', 'address', 'telecom', 'identifier'] as const satisfies readonly PartName[];

/**
 * The chart as it stood at an earlier moment: the present one, with the changes of the audit trail taken back. Seeing it is recorded.
 *
 * What was written past OneChart is in no trail, so it counts as having been there always.
 *
 * Errors: `PATIENT_NOT_FOUND`, `HISTORY_IN_FUTURE`, `HISTORY_BEFORE_REGISTRATION` (not-found), `HISTORY_REMOVED` (gone) when the
 * trail of that time was removed under retention.
 *
 * @example
 * const { patient, parts } = await getChartAt(ctx, '0190b6b2-6d0f-7c3a-9c6e-000000000001', new Date('2026-03-01T12:00:00Z'));
 */
export async function getChartAt(ctx: Ctx, id: string, at: Date): Promise<ChartAt> {
  if (at > ctx.clock.now())
    throw new AppError('invalid', 'HISTORY_IN_FUTURE', 'at is in the future. Give a moment that has passed, with its offset.', { field: 'at' });
  return inTransaction(ctx, async (inside) => {
    const grant = await openChartById(inside, id, 'demographics');
    // Held, so that rows and trail are of one moment.
    const present = await readChart(inside, await holdPatient(inside, id));
    if (at < new Date(present.patient.createdAt)) throw beforeRegistration(id);
    await refuseRemoved(inside, at);
    const changes = await listChangesAfter(inside.db, id, at);
    const chart = takeBack(
      present,
      changes.filter((change) => isAfter(change, at)),
    );
    await insertAuditEvent(inside, { action: 'patient.viewed', patientId: id, after: { by: 'history', at: at.toISOString(), ...grant } });
    const visible = partNames.filter((part) => ctx.viewer === undefined || mayDo(ctx.viewer.role, sections[part].see));
    return {
      at: at.toISOString(),
      patient: hideFields(ctx.viewer, chart.patient),
      parts: Object.fromEntries(visible.map((part) => [part, chart.parts[part]])),
    };
  });
}

async function readChart(ctx: Ctx, patient: Patient): Promise<WholeChart> {
  const lists: [PartName, unknown][] = [];
  // One after the other: a transaction has one connection.
  for (const part of partNames) lists.push([part, await listParts(ctx.db, part, { patientId: patient.id })]);
  return { patient, parts: Object.fromEntries(lists) as unknown as WholeChart['parts'] };
}

async function refuseRemoved(ctx: Ctx, at: Date): Promise<void> {
  const month = at.toISOString().slice(0, 7);
  const removed = (await listRemovals(ctx.db)).find((removal) => removal.month >= month);
  if (removed)
    throw new AppError('gone', 'HISTORY_REMOVED', 'The audit trail of that time was removed when its time of keeping had passed. Its file may still be kept.', {
      month: removed.month,
    });
}

function beforeRegistration(id: string): AppError {
  return new AppError('not-found', 'HISTORY_BEFORE_REGISTRATION', 'The patient was registered after that moment. Ask for a later one.', { id });
}
