import { plainDateIn } from '../base/plain-date.ts';
import type { Ctx } from '../db/context.ts';
import { inTransaction } from '../db/transaction.ts';
import { addPart, editPart, type NewPart, type PartChanges, type ReadPartKey, type SettlePart } from './chart-part.service.ts';
import { listParts } from './chart-part.store.ts';
import type { RegistrySettings } from './chart.service.ts';
import { asListed } from './composed.ts';
import { recordPartView } from './part-view.service.ts';
import { checkFormer } from './period.ts';
import { normalizeTelecom } from './telecom.ts';
import type { ChartTelecom, PatientTelecom } from './telecom.schema.ts';

/** Every telephone number, e-mail address and the like of a chart, those of the patient's own columns first; seeing them is recorded. */
export async function listTelecoms(ctx: Ctx, patientId: string): Promise<ChartTelecom[]> {
  return inTransaction(ctx, async (inside) => {
    const others = await listParts(inside.db, 'telecom', { patientId });
    const patient = await recordPartView(inside, patientId, { section: 'telecom', by: 'telecom list', rows: others });
    const own = [
      { system: 'PHONE', use: 'PRIMARY', value: patient.phone },
      { system: 'PHONE', use: 'SECONDARY', value: patient.phoneSecondary },
      { system: 'EMAIL', use: 'PRIMARY', value: patient.email },
    ] as const;
    return [
      ...own.flatMap(({ value, ...kind }): ChartTelecom[] =>
        value === null ? [] : [{ id: null, patientId, ...kind, value, periodStart: null, periodEnd: null, updatedAt: null }],
      ),
      ...others.map(asListed),
    ];
  });
}

/** Adds a number or address beside those of the patient's own columns. Those are changed with `update`, which keeps the earlier ones. */
export async function addTelecom(ctx: Ctx, patientId: string, options: { input: NewPart<'telecom'>; settings: RegistrySettings }): Promise<PatientTelecom> {
  return addPart(ctx, 'telecom', { patientId, ...options, settle: settleTelecom(options.settings) });
}

export async function updateTelecom(
  ctx: Ctx,
  key: ReadPartKey,
  options: { changes: PartChanges<'telecom'>; settings: RegistrySettings },
): Promise<PatientTelecom> {
  return editPart(ctx, 'telecom', { ...key, ...options, settle: settleTelecom(options.settings) });
}

function settleTelecom(settings: RegistrySettings): SettlePart<'telecom'> {
  return async (ctx, { fields, before }) => {
    const telecom = { ...before, ...fields } as PatientTelecom;
    checkFormer(telecom, plainDateIn(ctx.clock.now(), settings.timeZone));
    return 'value' in fields || 'system' in fields ? { ...fields, value: normalizeTelecom(telecom, settings) } : fields;
  };
}
