import { AppError } from '../base/errors.ts';
import { plainDateIn } from '../base/plain-date.ts';
import type { Ctx } from '../db/context.ts';
import { inTransaction } from '../db/transaction.ts';
import type { ChartAddress, PatientAddress } from './address.schema.ts';
import { addPart, editPart, type NewPart, type PartChanges, type ReadPartKey, type SettlePart } from './chart-part.service.ts';
import { listParts } from './chart-part.store.ts';
import type { RegistrySettings } from './chart.service.ts';
import { homeAddress } from './history.ts';
import { asListed } from './composed.ts';
import { recordPartView } from './part-view.service.ts';
import { checkFormer, latestEnd } from './period.ts';

/** Every address of a chart, the home address first where there is one; seeing them is recorded. */
export async function listAddresses(ctx: Ctx, patientId: string): Promise<ChartAddress[]> {
  return inTransaction(ctx, async (inside) => {
    const others = await listParts(inside.db, 'address', { patientId });
    const patient = await recordPartView(inside, patientId, { section: 'address', by: 'address list', rows: others });
    const { addressLine1, addressLine2, city, state, zipCode, country } = patient;
    const periodStart = latestEnd(others.filter(({ use }) => use === 'FORMER'));
    const lines = { addressLine1, addressLine2, city, state, zipCode, country };
    const home: ChartAddress[] = homeAddress.some((field) => patient[field] !== null)
      ? [{ id: null, patientId, use: 'HOME', ...lines, periodStart, periodEnd: null, updatedAt: null }]
      : [];
    return [...home, ...others.map(asListed)];
  });
}

/** Adds an address beside the home address. That one is changed with `update`, which keeps the earlier one. */
export async function addAddress(ctx: Ctx, patientId: string, options: { input: NewPart<'address'>; settings: RegistrySettings }): Promise<PatientAddress> {
  return addPart(ctx, 'address', { patientId, ...options, settle: settleAddress(options.settings) });
}

export async function updateAddress(
  ctx: Ctx,
  key: ReadPartKey,
  options: { changes: PartChanges<'address'>; settings: RegistrySettings },
): Promise<PatientAddress> {
  return editPart(ctx, 'address', { ...key, ...options, settle: settleAddress(options.settings) });
}

function settleAddress(settings: RegistrySettings): SettlePart<'address'> {
  return async (ctx, { fields, before }) => {
    const address: Record<string, unknown> = { ...before, ...fields };
    checkFormer(address, plainDateIn(ctx.clock.now(), settings.timeZone));
    if (homeAddress.every((field) => (address[field] ?? null) === null)) {
      throw new AppError(
        'invalid',
        'ADDRESS_EMPTY',
        'The address has no line at all. Give at least one of addressLine1, addressLine2, city, state, zipCode and country.',
        { field: 'addressLine1' },
      );
    }
    return fields;
  };
}
