import { auditRow } from '../audit/audit-row.ts';
import type { Ctx } from '../db/context.ts';
import { outboxRow } from '../outbox/outbox-row.ts';
import { plainDateIn } from '../base/plain-date.ts';
import { recordPart } from './chart-part.service.ts';
import { insertPart, listParts, type PartName } from './chart-part.store.ts';
import { type RegistrySettings, userIdOf } from './chart.service.ts';
import { earlierAddress, earlierName, earlierTelecoms } from './history.ts';
import type { Patient } from './patient.schema.ts';
import { latestEnd } from './period.ts';
import type { KeptTelecom } from './recorded-chart.store.ts';
import { PatientTelecom } from './telecom.schema.ts';

/** Names that were in the columns of the patient before: they follow each other without overlap. */
const historic = new Set<string>(['FORMER', 'TEMPORARY']);

/**
 * Keeps what a change replaced in the columns of a patient: the official name, the home address, numbers and e-mail address.
 * Each ends today; a name and an address begin where the one before ended, or at a time that nobody knows.
 */
export async function keepHistory(
  ctx: Ctx,
  chart: { before: Patient; after: Patient },
  options: { settings: RegistrySettings; nameUse?: 'FORMER' | 'TEMPORARY' },
): Promise<void> {
  const { before, after } = chart;
  const { settings, nameUse = 'FORMER' } = options;
  const periodEnd = plainDateIn(ctx.clock.now(), settings.timeZone);
  const name = earlierName(before, after);
  if (name) {
    const earlier = (await listParts(ctx.db, 'name', { patientId: after.id })).filter(({ use }) => historic.has(use));
    const registered = nameUse === 'TEMPORARY' ? plainDateIn(new Date(before.createdAt), settings.timeZone) : null;
    await keep(ctx, 'name', after, { ...name, use: nameUse, periodStart: notAfter(latestEnd(earlier) ?? registered, periodEnd), periodEnd });
  }
  const address = earlierAddress(before, after);
  if (address) {
    const earlier = (await listParts(ctx.db, 'address', { patientId: after.id })).filter(({ use }) => historic.has(use));
    await keep(ctx, 'address', after, { ...address, use: 'FORMER', periodStart: notAfter(latestEnd(earlier), periodEnd), periodEnd });
  }
  for (const telecom of earlierTelecoms(before, after)) await keep(ctx, 'telecom', after, { ...telecom, use: 'FORMER', periodStart: null, periodEnd });
}

/** Earlier numbers and addresses of e-mail as rows for the statement of the change; undefined when a name or a home address is to be kept too. */
export function keptTelecoms(ctx: Ctx, { before, after }: { before: Patient; after: Patient }, settings: RegistrySettings): KeptTelecom[] | undefined {
  if (earlierName(before, after) || earlierAddress(before, after)) return undefined;
  const periodEnd = plainDateIn(ctx.clock.now(), settings.timeZone);
  return earlierTelecoms(before, after).map((telecom) => {
    const row = PatientTelecom.parse({ ...telecom, use: 'FORMER', periodStart: null, periodEnd, ...newRow(ctx, after), ...instants(ctx) });
    const action = 'patient.telecom-added';
    return {
      row,
      audit: auditRow(ctx, { action, patientId: after.id, after: row }),
      event: outboxRow(ctx, { type: action, patientId: after.id, patientVersion: after.version, payload: { id: row.id } }),
    };
  });
}

function newRow(ctx: Ctx, patient: Patient) {
  const user = userIdOf(ctx);
  return { id: ctx.newId(), patientId: patient.id, createdBy: user, updatedBy: user };
}

function instants(ctx: Ctx) {
  const now = ctx.clock.now().toISOString();
  return { createdAt: now, updatedAt: now };
}

/** A start after the end would come from a clock that was set back, or from another time zone: then it is not known. */
function notAfter<Day extends string>(start: Day | null, end: string): Day | null {
  return start !== null && start > end ? null : start;
}

async function keep(ctx: Ctx, part: PartName & ('name' | 'address' | 'telecom'), patient: Patient, fields: Record<string, unknown>): Promise<void> {
  const added = await insertPart(ctx.db, part, { ...fields, ...newRow(ctx, patient), ...instants(ctx) });
  await recordPart(ctx, patient, { action: `patient.${part}-added`, partId: added.id, after: added });
}
