import { AppError } from '../base/errors.ts';
import type { Ctx } from '../db/context.ts';
import { inTransaction } from '../db/transaction.ts';
import { addPart, changePart, type NewPart, type ReadPartKey, type SettlePart } from '../patient/chart-part.service.ts';
import { listParts } from '../patient/chart-part.store.ts';
import { type RegistrySettings, userIdOf } from '../patient/chart.service.ts';
import { asListed } from '../patient/composed.ts';
import { recordPartView } from '../patient/part-view.service.ts';
import { findSurvivingIds } from '../patient/patient.store.ts';
import { findAuthority, fitsPattern, listAuthorities } from './authority.store.ts';
import type { ChartIdentifier, IdentifierAuthority, PatientIdentifier } from './identifier.schema.ts';
import { checkNumber } from './identifier.ts';
import { listNumbersInUse, lockNumber } from './identifier.store.ts';

/** Every number of a chart, the MRN first; seeing them is recorded. */
export async function listIdentifiers(ctx: Ctx, patientId: string): Promise<ChartIdentifier[]> {
  return inTransaction(ctx, async (inside) => {
    const others = await listParts(inside.db, 'identifier', { patientId });
    const patient = await recordPartView(inside, patientId, { section: 'identifier', by: 'identifier list', rows: others });
    const systems = others.some(({ authorityCode }) => authorityCode !== null)
      ? new Map((await listAuthorities(inside.db)).map(({ code, systemUri }) => [code, systemUri]))
      : new Map<string, string | null>();
    const own: ChartIdentifier = {
      id: null,
      patientId,
      authorityCode: null,
      system: null,
      type: 'MR',
      value: patient.mrn,
      periodStart: null,
      periodEnd: null,
      isVerified: true,
      verifiedAt: null,
      verifiedBy: null,
      notes: null,
      updatedAt: null,
    };
    return [own, ...others.map((each) => ({ ...asListed(each), system: each.system ?? systems.get(each.authorityCode ?? '') ?? null }))];
  });
}

/**
 * Adds a number that another authority gave to the patient. Where that authority is kept here, the number must fit its pattern and
 * its check digit, and nobody else may have it, unless the authority gives one number to several.
 */
export async function addIdentifier(
  ctx: Ctx,
  patientId: string,
  options: { input: NewPart<'identifier'>; settings: RegistrySettings },
): Promise<PatientIdentifier> {
  return addPart(ctx, 'identifier', { patientId, ...options, settle: settleIdentifier });
}

const settleIdentifier: SettlePart<'identifier'> = async (ctx, { patient, fields }) => {
  const { system, authorityCode } = fields as Partial<PatientIdentifier>;
  const authority = await authorityOf(ctx, { system: system ?? undefined, authorityCode: authorityCode ?? undefined });
  const given = fields as { type?: string; value: string };
  if (authority) {
    const patternFits = authority.pattern === null || (await fitsPattern(ctx.db, authority.pattern, given.value));
    checkNumber(authority, { type: given.type, value: given.value, patternFits });
  }
  const type = authority?.type ?? given.type;
  if (type === undefined) {
    throw new AppError(
      'invalid',
      'IDENTIFIER_TYPE_MISSING',
      'type is required where no authority says it: a code of HL7 table 0203, such as NI, PPN, DL or HC.',
      {
        field: 'type',
      },
    );
  }
  if (type === 'MR' && !authority && !system) {
    throw new AppError(
      'invalid',
      'IDENTIFIER_ISSUER_MISSING',
      'A record number of another house needs its authorityCode or system; that of this house is the mrn.',
      {
        field: 'authorityCode',
      },
    );
  }
  await requireFree(ctx, { patientId: patient.id, type, value: given.value, authority, system: system ?? undefined });
  return { ...fields, type, authorityCode: authority?.code ?? null, system: authority ? null : (system ?? null) };
};

async function authorityOf(ctx: Ctx, by: { system: string | undefined; authorityCode: string | undefined }): Promise<IdentifierAuthority | undefined> {
  if (by.authorityCode !== undefined) {
    const found = await findAuthority(ctx.db, { code: by.authorityCode });
    if (!found) {
      throw new AppError(
        'not-found',
        'IDENTIFIER_AUTHORITY_NOT_FOUND',
        'authorityCode names no authority that is kept here. Check the code, or define the authority first.',
        { field: 'authorityCode' },
      );
    }
    if (by.system !== undefined && by.system !== found.systemUri) {
      throw new AppError('invalid', 'IDENTIFIER_SYSTEM_MISMATCH', `system is not that of ${found.code}. Leave it out; the authority says it.`, {
        field: 'system',
      });
    }
    return found;
  }
  return by.system === undefined ? undefined : findAuthority(ctx.db, { systemUri: by.system });
}

/**
 * The same number twice in one chart is a slip; in two charts it is either a slip or one person with two charts. Numbers whose
 * issuer is not known prove neither, as passports of two countries may bear the same.
 */
async function requireFree(
  ctx: Ctx,
  number: { patientId: string; type: string; value: string; authority: IdentifierAuthority | undefined; system: string | undefined },
): Promise<void> {
  const { patientId, type, value, authority, system } = number;
  await lockNumber(ctx.db, `${authority?.code ?? system ?? ''} ${type} ${value}`);
  const key = { value, types: [type], ...(authority ? { authorityCode: authority.code } : { system }) };
  const found = await listNumbersInUse(ctx.db, key);
  if (found.length === 0) return;
  const surviving = await findSurvivingIds(ctx.db, [...new Set(found.map((each) => each.patientId))]);
  if (found.some((each) => each.patientId === patientId)) {
    throw new AppError('duplicate', 'IDENTIFIER_PRESENT', 'This patient has this number already.', { field: 'value', patientId });
  }
  const others = surviving.filter((id) => id !== patientId);
  if (others.length > 0 && (authority ? !authority.shared : system !== undefined)) {
    throw new AppError(
      'duplicate',
      'IDENTIFIER_TAKEN',
      'Another patient has this number. Open that chart: when it is the same person, the two charts have to be merged; otherwise compare the number with the card.',
      { field: 'value', patientIds: others },
    );
  }
}

/** Records that somebody has seen the proof of the number: the card, or the answer of the authority. */
export async function verifyIdentifier(ctx: Ctx, key: ReadPartKey): Promise<PatientIdentifier> {
  return changePart(ctx, 'identifier', {
    ...key,
    deed: 'verified',
    decide: (before, inside) => {
      if (before.periodEnd !== null) {
        throw new AppError('rule', 'IDENTIFIER_ENDED', 'This identifier is no longer in use, so there is nothing to verify.', {
          patientId: key.patientId,
          id: key.id,
        });
      }
      return { isVerified: true, verifiedAt: inside.clock.now(), verifiedBy: userIdOf(inside) };
    },
  });
}
