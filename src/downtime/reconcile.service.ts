import { insertAuditEvent } from '../audit/audit.store.ts';
import { AppError } from '../base/errors.ts';
import type { Ctx } from '../db/context.ts';
import { inTransaction } from '../db/transaction.ts';
import type { MrnIssuer } from '../identifier/mrn.service.ts';
import { duplicateKeys, reasonOfKey } from '../import/duplicate-keys.ts';
import { findLookalikes, findTakenMrns } from '../import/import.store.ts';
import type { RegistrySettings } from '../patient/chart.service.ts';
import { normalizeDemographics } from '../patient/patient.ts';
import type { CheckedNewPatient } from '../patient/patient.schema.ts';
import { registerPatient } from '../patient/registration.service.ts';
import { getDowntimeBlock, requireOpenBlock } from './block.service.ts';
import { settleNumber } from './downtime.store.ts';
import { readSlips, sheetCheckCharacterFits, type Slip } from './slips.ts';

/** What became of one line of the file. A line that was not taken can be corrected and given again; what was taken is passed over. */
export interface ReconciledLine {
  readonly line: number;
  readonly mrn: string;
  readonly outcome: 'registered' | 'void' | 'unused' | 'missing' | 'done-before' | 'refused' | 'duplicate';
  readonly code?: string;
  readonly message?: string;
  /** For a duplicate: the charts that look alike, by their record numbers, with the reason. */
  readonly candidates?: readonly { readonly id: string; readonly reason: string }[];
}

export interface Reconciliation {
  readonly block: string;
  readonly lines: readonly ReconciledLine[];
  readonly open: number;
}

export interface ReconcileOptions {
  readonly settings: RegistrySettings & { mrns: MrnIssuer };
  /** Look only; nothing is written. */
  readonly dryRun?: boolean;
}

/**
 * Enters what a desk wrote while the system was down. Each line is one sheet and its own transaction: its number must be one of the
 * block, its check character must fit, and no chart may carry it; the person is compared with the base as `onechart import` does, and
 * somebody who looks like a chart is not registered until the line says `duplicate` = `new` or names the chart in `existingMrn`.
 *
 * Errors: `DOWNTIME_BLOCK_NOT_FOUND`, `DOWNTIME_BLOCK_CLOSED`, `DOWNTIME_FILE_INVALID`.
 */
export async function reconcileDowntimeBlock(ctx: Ctx, code: string, given: { csv: string } & ReconcileOptions): Promise<Reconciliation> {
  const { block } = await getDowntimeBlock(ctx, code);
  const slips = readSlips(given.csv);
  const lines: ReconciledLine[] = [];
  for (const slip of slips) {
    if (slip.state === 'blank') continue;
    try {
      lines.push(await inTransaction({ ...ctx, origin: `downtime ${block.code}` }, (inside) => enter(inside, slip, { ...given, code: block.code })));
    } catch (error) {
      if (!(error instanceof AppError) || error.kind === 'internal' || error.kind === 'unavailable') throw error;
      lines.push({ line: slip.line, mrn: slip.mrn, outcome: 'refused', code: error.code, message: error.message });
    }
  }
  const after = await getDowntimeBlock(ctx, block.code);
  if (!given.dryRun) {
    const count = (outcome: ReconciledLine['outcome']) => lines.filter((each) => each.outcome === outcome).length;
    await inTransaction(ctx, (inside) =>
      insertAuditEvent(inside, {
        action: 'downtime.reconciled',
        patientId: null,
        after: {
          code: block.code,
          lines: lines.length,
          registered: count('registered'),
          void: count('void') + count('unused'),
          missing: count('missing'),
          refused: count('refused'),
          duplicates: count('duplicate'),
        },
      }),
    );
  }
  return { block: block.code, lines, open: after.block.counts.open };
}

async function enter(inside: Ctx, slip: Slip, given: ReconcileOptions & { code: string }): Promise<ReconciledLine> {
  const { line } = slip;
  await requireOpenBlock(inside, given.code);
  const { numbers } = await getDowntimeBlock(inside, given.code);
  const number = numbers.find((each) => each.mrn.toUpperCase() === slip.whole) ?? numbers.find((each) => each.mrn.toUpperCase() === slip.mrn);
  if (!number) {
    throw new AppError(
      'rule',
      'DOWNTIME_NUMBER_FOREIGN',
      'This number is not one of the block. Compare it with the sheet: a digit may be wrong, or the sheet belongs to another desk.',
      { line },
    );
  }
  const { mrn } = number;
  if (!sheetCheckCharacterFits(slip, number.checkCharacter)) {
    throw new AppError(
      'rule',
      'DOWNTIME_CHECK_WRONG',
      'The check character does not fit the number: at least one of the two is copied wrongly. Compare both with the sheet.',
      { line },
    );
  }
  const settle = async (state: 'USED' | 'VOID' | 'RETURNED' | 'MISSING', reason: string | null) => {
    if (given.dryRun) return;
    await settleNumber(inside.db, mrn, { state, reason, at: inside.clock.now() });
    // A number that was used is told by the chart's own row; of the others nothing else would say who decided, should the run end here.
    if (state !== 'USED')
      await insertAuditEvent(inside, {
        action: 'downtime.number-settled',
        patientId: null,
        reason: reason ?? undefined,
        after: { code: given.code, mrn, state },
      });
  };
  if (number.state !== 'OPEN') {
    const same = { used: 'USED', void: 'VOID', unused: 'RETURNED', missing: 'MISSING', blank: '' }[slip.state];
    if (same === number.state || (slip.existingMrn !== undefined && number.state === 'VOID')) return { line, mrn, outcome: 'done-before' };
    throw new AppError('rule', 'DOWNTIME_NUMBER_SETTLED', `This number is ${number.state} already. Show the block to see what was entered.`, { line });
  }
  if (slip.state === 'missing' || slip.state === 'void') {
    if (slip.reason === undefined)
      throw new AppError('rule', 'DOWNTIME_REASON_MISSING', `Say why the number is ${slip.state}: fill the column reason.`, { line });
    await settle(slip.state === 'void' ? 'VOID' : 'MISSING', slip.reason);
    return { line, mrn, outcome: slip.state };
  }
  if (slip.state === 'unused') {
    await settle('RETURNED', slip.reason ?? null);
    return { line, mrn, outcome: 'unused' };
  }
  if (slip.existingMrn !== undefined) {
    if (!(await findTakenMrns(inside.db, [slip.existingMrn])).has(slip.existingMrn)) {
      throw new AppError('not-found', 'PATIENT_NOT_FOUND', 'existingMrn names no chart. Search for the person and copy the number from there.', { line });
    }
    await settle('VOID', `patient has ${slip.existingMrn}`);
    return { line, mrn, outcome: 'void' };
  }
  if ((await findTakenMrns(inside.db, [mrn])).has(mrn)) {
    throw new AppError('rule', 'MRN_TAKEN', 'A chart carries this number already, and it was not entered with this block. Compare that chart with the sheet.', {
      line,
    });
  }
  if (!slip.registerAnyway) {
    const candidates = await lookalikes(inside, slip.person, given.settings);
    if (candidates.length > 0) {
      return {
        line,
        mrn,
        outcome: 'duplicate',
        code: 'DOWNTIME_DUPLICATE',
        message: 'There is a chart that looks like this person. Look at it; then write its number into existingMrn, or new into duplicate.',
        candidates,
      };
    }
  }
  // Within a transaction that is rolled back nothing of a rehearsal stays.
  if (!given.dryRun) await registerPatient(inside, { ...slip.person, mrn }, given.settings);
  await settle('USED', null);
  return { line, mrn, outcome: 'registered' };
}

/** Charts with the same folded name and date of birth or telephone number, as the import compares. */
async function lookalikes(ctx: Ctx, person: Slip['person'], settings: RegistrySettings): Promise<{ id: string; reason: string }[]> {
  const { firstName, lastName, dateOfBirth, phone } = normalizeDemographics({ ...person } as Partial<CheckedNewPatient>, settings);
  const compared = { firstName: firstName ?? null, lastName: lastName ?? null, dateOfBirth: dateOfBirth ?? null, phone: phone ?? null };
  const keys = new Set(duplicateKeys(compared));
  if (keys.size === 0) return [];
  const found = await findLookalikes(ctx.db, {
    dateOfBirths: compared.dateOfBirth === null ? [] : [compared.dateOfBirth],
    phones: compared.phone === null ? [] : [compared.phone],
  });
  return found.flatMap((other) => {
    const shared = duplicateKeys(other).find((key) => keys.has(key));
    return shared === undefined ? [] : [{ id: other.id, reason: reasonOfKey(shared) }];
  });
}
