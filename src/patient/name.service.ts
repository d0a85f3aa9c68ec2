import { AppError } from '../base/errors.ts';
import { plainDateIn } from '../base/plain-date.ts';
import type { Ctx } from '../db/context.ts';
import { inTransaction } from '../db/transaction.ts';
import { addPart, editPart, type PartChanges, type NewPart, type ReadPartKey, type SettlePart } from './chart-part.service.ts';
import { listParts } from './chart-part.store.ts';
import type { RegistrySettings } from './chart.service.ts';
import { type ChartName, NameUse, type PatientName } from './name.schema.ts';
import { asListed } from './composed.ts';
import { recordPartView } from './part-view.service.ts';
import { checkFormer, latestEnd, overlaps } from './period.ts';

/** Every name of a chart, the official one first; seeing them is recorded. */
export async function listNames(ctx: Ctx, patientId: string): Promise<ChartName[]> {
  return inTransaction(ctx, async (inside) => {
    const others = await listParts(inside.db, 'name', { patientId });
    const patient = await recordPartView(inside, patientId, { section: 'name', by: 'name list', rows: others });
    const { firstName, middleName, lastName } = patient;
    const since = latestEnd(others.filter(({ use }) => use === 'FORMER' || use === 'TEMPORARY'));
    const official: ChartName = {
      id: null,
      patientId,
      use: 'OFFICIAL',
      firstName,
      middleName,
      lastName,
      script: null,
      language: null,
      periodStart: since,
      periodEnd: null,
      updatedAt: null,
    };
    return [official, ...others.map(asListed)];
  });
}

/** Adds a name beside the official one. That one is changed with `update`, which keeps the earlier one. */
export async function addName(ctx: Ctx, patientId: string, options: { input: NewPart<'name'>; settings: RegistrySettings }): Promise<PatientName> {
  return addPart(ctx, 'name', { patientId, ...options, settle: settleName(options.settings) });
}

export async function updateName(ctx: Ctx, key: ReadPartKey, options: { changes: PartChanges<'name'>; settings: RegistrySettings }): Promise<PatientName> {
  return editPart(ctx, 'name', { ...key, ...options, settle: settleName(options.settings) });
}

/** A transcription says its script; what is FORMER is over, and two official names never held on the same day. */
function settleName(settings: RegistrySettings): SettlePart<'name'> {
  return async (ctx, { patient, fields, before }) => {
    const name = { firstName: null, script: null, periodStart: null, periodEnd: null, ...before, ...fields } as PatientName;
    checkFormer(name, plainDateIn(ctx.clock.now(), settings.timeZone));
    if (name.use === NameUse.enum.TRANSCRIPTION && name.script === null) {
      throw new AppError('invalid', 'SCRIPT_MISSING', 'script is required for a TRANSCRIPTION: a code of ISO 15924, such as Latn, Cyrl or Arab.', {
        field: 'script',
      });
    }
    if (name.use === NameUse.enum.FORMER) {
      const former = (await listParts(ctx.db, 'name', { patientId: patient.id })).filter(({ use, id }) => use === 'FORMER' && id !== before?.id);
      const other = former.find((each) => overlaps(each, name));
      if (other) {
        throw new AppError('rule', 'NAME_PERIODS_OVERLAP', 'The period overlaps that of another official name of earlier. Correct the dates of one of them.', {
          field: 'periodStart',
          id: other.id,
        });
      }
    }
    return fields;
  };
}
