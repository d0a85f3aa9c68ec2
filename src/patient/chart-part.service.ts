import type { z } from 'zod';
import { insertAuditEvent } from '../audit/audit.store.ts';
import { AppError } from '../base/errors.ts';
import type { Ctx } from '../db/context.ts';
import { inTransaction } from '../db/transaction.ts';
import { insertOutboxEvent } from '../outbox/outbox.store.ts';
import { holdPatient, patientNotFound, type RegistrySettings, userIdOf } from './chart.service.ts';
import { type ChartParts, deletePart, findPart, insertPart, listParts, type PartName, updatePart } from './chart-part.store.ts';
import { parseInput } from '../base/parse-input.ts';
import { normalizeName, normalizePhone, requireOpenChart } from './patient.ts';
import { AllergyChanges, ContactChanges, DocumentChanges, NewAllergy, NewContact, NewDocument, NewRiskFlag } from './patient.schema.ts';
import { findPatientById } from './patient.store.ts';

const newPart = { contact: NewContact, document: NewDocument, allergy: NewAllergy, riskFlag: NewRiskFlag } as const;
const changedPart = { contact: ContactChanges, document: DocumentChanges, allergy: AllergyChanges } as const;
export type NewPart<Part extends PartName> = z.input<(typeof newPart)[Part]>;
export type EditablePart = keyof typeof changedPart;
export type PartChanges<Part extends EditablePart> = z.input<(typeof changedPart)[Part]>;

const words = { contact: 'contact', document: 'document', allergy: 'allergy', riskFlag: 'risk-flag' } as const satisfies Record<PartName, string>;

type Fields = Record<string, unknown>;

function normalizePart(fields: Fields, settings: RegistrySettings): Fields {
  const result = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
  for (const field of ['firstName', 'lastName', 'allergen']) if (typeof result[field] === 'string') result[field] = normalizeName(result[field]);
  if (typeof result.phone === 'string') result.phone = normalizePhone(result.phone, settings.defaultCountry);
  return result;
}

function checkDocumentDates(fields: Fields): void {
  const { issuedDate, expiryDate } = fields;
  if (typeof issuedDate === 'string' && typeof expiryDate === 'string' && expiryDate < issuedDate) {
    throw new AppError('invalid', 'DOCUMENT_EXPIRES_BEFORE_ISSUE', 'expiryDate is before issuedDate. Check both dates.', { field: 'expiryDate' });
  }
}

/** Row, audit row and event of one part of one chart. Parts do not count as a change of the demographics, so `version` stays. */
async function record(
  ctx: Ctx,
  patient: { id: string; version: number },
  deed: { action: string; partId: string; reason?: string | undefined; before?: unknown; after?: unknown },
): Promise<void> {
  await insertAuditEvent(ctx, { action: deed.action, patientId: patient.id, reason: deed.reason, before: deed.before, after: deed.after });
  await insertOutboxEvent(ctx, { type: deed.action, patientId: patient.id, patientVersion: patient.version, payload: { id: deed.partId } });
}

/** Adds a contact, document, allergy or risk flag to a chart. */
export async function addPart<Part extends PartName>(
  ctx: Ctx,
  part: Part,
  options: { patientId: string; input: NewPart<Part>; settings: RegistrySettings },
): Promise<ChartParts[Part]> {
  const fields = normalizePart(parseInput(newPart[part], options.input) as Fields, options.settings);
  checkDocumentDates(fields);
  return inTransaction(ctx, async (inside) => {
    const patient = await holdPatient(inside, options.patientId);
    requireOpenChart(patient);
    const now = inside.clock.now();
    const user = userIdOf(inside);
    const byWhom = part === 'riskFlag' ? { setBy: user, setAt: now, updatedAt: now } : { createdAt: now, updatedAt: now, createdBy: user, updatedBy: user };
    const added = await insertPart(inside.db, part, { ...fields, ...byWhom, id: inside.newId(), patientId: patient.id });
    await record(inside, patient, { action: `patient.${words[part]}-${part === 'riskFlag' ? 'set' : 'added'}`, partId: added.id, after: added });
    return added;
  });
}

interface PartDeed<Part extends PartName> {
  readonly patientId: string;
  readonly id: string;
  /** Past tense: `resolved`. */
  readonly deed: string;
  readonly reason?: string | undefined;
  readonly decide: (before: ChartParts[Part], ctx: Ctx) => Fields;
}

async function changePart<Part extends PartName>(ctx: Ctx, part: Part, change: PartDeed<Part>): Promise<ChartParts[Part]> {
  return inTransaction(ctx, async (inside) => {
    const patient = await holdPatient(inside, change.patientId);
    requireOpenChart(patient);
    const before = await requirePart(inside, part, change);
    const by = part === 'riskFlag' ? {} : { updatedBy: userIdOf(inside) };
    const after = await updatePart(inside.db, part, { id: change.id, values: { ...change.decide(before, inside), ...by, updatedAt: inside.clock.now() } });
    await record(inside, patient, { action: `patient.${words[part]}-${change.deed}`, partId: change.id, reason: change.reason, before, after });
    return after;
  });
}

const missingPart = {
  contact: { kind: 'not-found', code: 'CONTACT_NOT_FOUND' },
  document: { kind: 'not-found', code: 'DOCUMENT_NOT_FOUND' },
  allergy: { kind: 'not-found', code: 'ALLERGY_NOT_FOUND' },
  riskFlag: { kind: 'not-found', code: 'RISK_FLAG_NOT_FOUND' },
} as const;

async function requirePart<Part extends PartName>(ctx: Ctx, part: Part, key: { patientId: string; id: string }): Promise<ChartParts[Part]> {
  const found = await findPart(ctx.db, part, key);
  if (found) return found;
  const missing = missingPart[part];
  throw new AppError(missing.kind, missing.code, `This patient has no ${words[part].replace('-', ' ')} with this id. List them to find it.`, {
    patientId: key.patientId,
    id: key.id,
  });
}

/** Changes fields of a contact, document or allergy. A document whose substance changes must be verified again. */
export async function editPart<Part extends EditablePart>(
  ctx: Ctx,
  part: Part,
  options: { patientId: string; id: string; changes: PartChanges<Part>; settings: RegistrySettings },
): Promise<ChartParts[Part]> {
  const fields = normalizePart(parseInput(changedPart[part], options.changes) as Fields, options.settings);
  return changePart(ctx, part, {
    patientId: options.patientId,
    id: options.id,
    deed: 'updated',
    decide: (before) => {
      checkDocumentDates({ ...before, ...fields });
      const substance = ['documentType', 'documentNumber', 'issuedBy', 'issuedDate', 'expiryDate'].some((field) => field in fields);
      return part === 'document' && substance ? { ...fields, isVerified: false, verifiedBy: null } : fields;
    },
  });
}

/** Removes a contact or a document; the audit row keeps what it was. Allergies are resolved and risk flags cleared instead. */
export async function removePart(ctx: Ctx, part: 'contact' | 'document', key: { patientId: string; id: string; reason?: string }): Promise<void> {
  return inTransaction(ctx, async (inside) => {
    const patient = await holdPatient(inside, key.patientId);
    requireOpenChart(patient);
    const before = await requirePart(inside, part, key);
    await deletePart(inside.db, part, key.id);
    await record(inside, patient, { action: `patient.${words[part]}-removed`, partId: key.id, reason: key.reason, before });
  });
}

/** Records that somebody has seen the document itself. */
export async function verifyDocument(ctx: Ctx, key: { patientId: string; id: string }): Promise<ChartParts['document']> {
  return changePart(ctx, 'document', { ...key, deed: 'verified', decide: (_before, inside) => ({ isVerified: true, verifiedBy: userIdOf(inside) }) });
}

/** An allergy that no longer holds stays in the chart, inactive. */
export async function resolveAllergy(ctx: Ctx, key: { patientId: string; id: string; reason?: string }): Promise<ChartParts['allergy']> {
  return changePart(ctx, 'allergy', {
    ...key,
    deed: 'resolved',
    decide: (before) => {
      if (!before.active) throw new AppError('rule', 'ALLERGY_RESOLVED', 'This allergy is resolved already.', { id: key.id });
      return { active: false };
    },
  });
}

export async function clearRiskFlag(ctx: Ctx, key: { patientId: string; id: string; reason?: string }): Promise<ChartParts['riskFlag']> {
  return changePart(ctx, 'riskFlag', {
    ...key,
    deed: 'cleared',
    decide: (before, inside) => {
      if (!before.active) throw new AppError('rule', 'RISK_FLAG_CLEARED', 'This risk flag is cleared already.', { id: key.id });
      return { active: false, clearedAt: inside.clock.now(), clearedBy: userIdOf(inside) };
    },
  });
}

/** The contacts, documents, allergies or risk flags of a chart; seeing them is recorded. */
export async function listChartParts<Part extends PartName>(
  ctx: Ctx,
  part: Part,
  filter: { patientId: string; activeOnly?: boolean },
): Promise<ChartParts[Part][]> {
  return inTransaction(ctx, async (inside) => {
    if (!(await findPatientById(inside.db, filter.patientId))) throw patientNotFound(filter.patientId);
    const found = await listParts(inside.db, part, filter);
    await insertAuditEvent(inside, {
      action: 'patient.viewed',
      patientId: filter.patientId,
      after: { by: `${words[part]} list`, ids: found.map((each) => each.id) },
    });
    return found;
  });
}
