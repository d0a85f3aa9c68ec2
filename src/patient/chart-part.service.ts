import type { z } from 'zod';
import { requireSection } from '../access/field-rights.ts';
import { insertAuditEvent } from '../audit/audit.store.ts';
import { AppError } from '../base/errors.ts';
import type { Ctx } from '../db/context.ts';
import { inTransaction } from '../db/transaction.ts';
import { insertOutboxEvent } from '../outbox/outbox.store.ts';
import { changePatient, holdPatient, openChartById, type RegistrySettings, userIdOf } from './chart.service.ts';
import { type ChartParts, deletePart, findPart, insertPart, listParts, type PartName, type RemovablePart, updatePart } from './chart-part.store.ts';
import { parseInput } from '../base/parse-input.ts';
import { plainDateIn } from '../base/plain-date.ts';
import { IdentifierChanges, NewIdentifier } from '../identifier/identifier.schema.ts';
import { AddressChanges, NewAddress } from './address.schema.ts';
import { EndInput, NameChanges, NewName } from './name.schema.ts';
import { normalizePart } from './normalize-part.ts';
import { requireOpenChart } from './patient.ts';
import {
  AllergyChanges,
  ContactChanges,
  DocumentChanges,
  NewAllergy,
  NewContact,
  NewDocument,
  NewRiskFlag,
  type Patient,
  type PatientDocument,
} from './patient.schema.ts';
import { checkPeriod } from './period.ts';
import { refreshSearchEntry } from '../search/entry.service.ts';
import { NewTelecom, TelecomChanges } from './telecom.schema.ts';

const newPart = {
  contact: NewContact,
  document: NewDocument,
  allergy: NewAllergy,
  riskFlag: NewRiskFlag,
  name: NewName,
  address: NewAddress,
  telecom: NewTelecom,
  identifier: NewIdentifier,
} as const;
const changedPart = {
  contact: ContactChanges,
  document: DocumentChanges,
  allergy: AllergyChanges,
  name: NameChanges,
  address: AddressChanges,
  telecom: TelecomChanges,
  identifier: IdentifierChanges,
} as const;
export type NewPart<Part extends PartName> = z.input<(typeof newPart)[Part]>;
export type EditablePart = keyof typeof changedPart;
export type PartChanges<Part extends EditablePart> = z.input<(typeof changedPart)[Part]>;

const words = {
  contact: 'contact',
  document: 'document',
  allergy: 'allergy',
  riskFlag: 'risk-flag',
  name: 'name',
  address: 'address',
  telecom: 'telecom',
  identifier: 'identifier',
} as const satisfies Record<PartName, string>;

export type Fields = Record<string, unknown>;

function checkDocumentDates(fields: Fields): void {
  const { issuedDate, expiryDate } = fields;
  if (typeof issuedDate === 'string' && typeof expiryDate === 'string' && expiryDate < issuedDate) {
    throw new AppError('invalid', 'DOCUMENT_EXPIRES_BEFORE_ISSUE', 'expiryDate is before issuedDate. Check both dates.', { field: 'expiryDate' });
  }
}

/** What is said of a stored file is what was received. */
function checkFileFields(before: object, fields: Fields): void {
  const { contentSha256, fileSize, mimeType } = before as Partial<PatientDocument>;
  if (typeof contentSha256 !== 'string') return;
  const changed = (field: 'fileSize' | 'mimeType', is: unknown) => field in fields && fields[field] !== is;
  if (!changed('fileSize', fileSize) && !changed('mimeType', mimeType)) return;
  throw new AppError(
    'rule',
    'DOCUMENT_CONTENT_DECIDES',
    'fileSize and mimeType are those of the stored file. Upload another file to change them, or remove the stored one first.',
    { field: changed('fileSize', fileSize) ? 'fileSize' : 'mimeType' },
  );
}

/** Row, audit row and event of one part of one chart. Parts do not count as a change of the demographics, so `version` stays. */
export async function recordPart(
  ctx: Ctx,
  patient: { id: string; version: number },
  deed: { action: string; partId: string; reason?: string | undefined; before?: unknown; after?: unknown },
): Promise<void> {
  await insertAuditEvent(ctx, { action: deed.action, patientId: patient.id, reason: deed.reason, before: deed.before, after: deed.after });
  await insertOutboxEvent(ctx, { type: deed.action, patientId: patient.id, patientVersion: patient.version, payload: { id: deed.partId } });
}

/** The value of a part by which its chart is found; undefined where a part of this kind is not searched. */
function searchedValue(part: PartName, row: object | undefined): unknown {
  const fields = { name: ['firstName', 'middleName', 'lastName'], telecom: ['system', 'value'], identifier: ['type', 'value'], document: ['documentNumber'] };
  const searched = part in fields ? fields[part as keyof typeof fields] : undefined;
  return searched && row && searched.map((field) => (row as Fields)[field]).join('\n');
}

/** Keeps what the chart is found by in step with a part that was added, changed or removed. */
async function refreshAfter(ctx: Ctx, part: PartName, change: { patientId: string; before?: object; after?: object }): Promise<void> {
  if (searchedValue(part, change.before) !== searchedValue(part, change.after)) await refreshSearchEntry(ctx, change.patientId);
}

/** Checks what is to be written against the rest of the chart, under its lock, and says what is written. `before` is the row as it was. */
export type SettlePart<Part extends PartName> = (ctx: Ctx, part: { patient: Patient; fields: Fields; before?: ChartParts[Part] }) => Promise<Fields>;

/** Adds a contact, document, allergy, risk flag, name, address, telecom or identifier to a chart. */
export async function addPart<Part extends PartName>(
  ctx: Ctx,
  part: Part,
  options: { patientId: string; input: NewPart<Part>; settings: RegistrySettings; settle?: SettlePart<Part> },
): Promise<ChartParts[Part]> {
  const given = normalizePart(parseInput(newPart[part], options.input) as Fields, options.settings);
  checkDocumentDates(given);
  checkPeriod(given);
  requireSection(ctx.viewer, part, 'change');
  return inTransaction(ctx, async (inside) => {
    const patient = await holdPatient(inside, options.patientId);
    requireOpenChart(patient);
    const fields = options.settle ? await options.settle(inside, { patient, fields: given }) : given;
    const now = inside.clock.now();
    const user = userIdOf(inside);
    const byWhom = part === 'riskFlag' ? { setBy: user, setAt: now, updatedAt: now } : { createdAt: now, updatedAt: now, createdBy: user, updatedBy: user };
    const added = await insertPart(inside.db, part, { ...fields, ...byWhom, id: inside.newId(), patientId: patient.id });
    await recordPart(inside, patient, { action: `patient.${words[part]}-${part === 'riskFlag' ? 'set' : 'added'}`, partId: added.id, after: added });
    await refreshAfter(inside, part, { patientId: patient.id, after: added });
    return added;
  });
}

/** A part of a chart: the patient, and the row's own id. */
export interface PartKey {
  readonly patientId: string;
  readonly id: string;
}

/** The same with the `updatedAt` that was read; left out, the change is made to whatever is there. */
export interface ReadPartKey extends PartKey {
  readonly updatedAt?: string | undefined;
}

interface PartDeed<Part extends PartName> extends ReadPartKey {
  /** Past tense: `resolved`. */
  readonly deed: string;
  readonly reason?: string | undefined;
  readonly decide: (before: ChartParts[Part], ctx: Ctx, patient: Patient) => Fields | Promise<Fields>;
}

/** One change of one part: row, audit row and event in one transaction. */
export async function changePart<Part extends PartName>(ctx: Ctx, part: Part, change: PartDeed<Part>): Promise<ChartParts[Part]> {
  requireSection(ctx.viewer, part, 'change');
  return inTransaction(ctx, async (inside) => {
    const patient = await holdPatient(inside, change.patientId);
    requireOpenChart(patient);
    const before = await requirePart(inside, part, change);
    requireUnchanged(before, change);
    const by = part === 'riskFlag' ? {} : { updatedBy: userIdOf(inside) };
    const updatedAt = laterThan(before.updatedAt, inside.clock.now());
    const after = await updatePart(inside.db, part, { id: change.id, values: { ...(await change.decide(before, inside, patient)), ...by, updatedAt } });
    await recordPart(inside, patient, { action: `patient.${words[part]}-${change.deed}`, partId: change.id, reason: change.reason, before, after });
    await refreshAfter(inside, part, { patientId: patient.id, before, after });
    return after;
  });
}

/** Refuses a change that was decided on another state of the row than the present one. */
function requireUnchanged(before: { id: string; updatedAt: string }, read: ReadPartKey): void {
  if (read.updatedAt === undefined || Date.parse(read.updatedAt) === Date.parse(before.updatedAt)) return;
  throw new AppError('stale', 'CHART_PART_STALE', 'Somebody changed this in the meantime. Read it again and decide again.', {
    patientId: read.patientId,
    id: read.id,
    updatedAt: before.updatedAt,
  });
}

/** `updatedAt` tells two states of a row apart, so it moves on even within one millisecond or when the clock is set back. The lock on the chart makes it so. */
function laterThan(before: string, now: Date): Date {
  return new Date(Math.max(now.getTime(), Date.parse(before) + 1));
}

const missingPart = {
  contact: { kind: 'not-found', code: 'CONTACT_NOT_FOUND' },
  document: { kind: 'not-found', code: 'DOCUMENT_NOT_FOUND' },
  allergy: { kind: 'not-found', code: 'ALLERGY_NOT_FOUND' },
  riskFlag: { kind: 'not-found', code: 'RISK_FLAG_NOT_FOUND' },
  name: { kind: 'not-found', code: 'NAME_NOT_FOUND' },
  address: { kind: 'not-found', code: 'ADDRESS_NOT_FOUND' },
  telecom: { kind: 'not-found', code: 'TELECOM_NOT_FOUND' },
  identifier: { kind: 'not-found', code: 'IDENTIFIER_NOT_FOUND' },
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
  options: ReadPartKey & { changes: PartChanges<Part>; settings: RegistrySettings; settle?: SettlePart<Part> },
): Promise<ChartParts[Part]> {
  const fields = normalizePart(parseInput(changedPart[part], options.changes) as Fields, options.settings);
  return changePart(ctx, part, {
    patientId: options.patientId,
    id: options.id,
    updatedAt: options.updatedAt,
    deed: 'updated',
    decide: async (before, inside, patient) => {
      checkDocumentDates({ ...before, ...fields });
      if (part === 'document') checkFileFields(before, fields);
      checkPeriod({ ...(before as Fields), ...fields });
      if (options.settle) return options.settle(inside, { patient, fields, before });
      const substance = ['documentType', 'documentNumber', 'issuedBy', 'issuedDate', 'expiryDate'].some((field) => field in fields);
      return part === 'document' && substance ? { ...fields, isVerified: false, verifiedBy: null } : fields;
    },
  });
}

/** Ends what is true no longer: a name, an address, a telecom, an identifier. The row stays. */
export async function endPart<Part extends 'name' | 'address' | 'telecom' | 'identifier'>(
  ctx: Ctx,
  part: Part,
  options: ReadPartKey & { input: EndInput | undefined; settings: RegistrySettings },
): Promise<ChartParts[Part]> {
  const { periodEnd, reason } = parseInput(EndInput, options.input ?? {});
  const { patientId, id, updatedAt } = options;
  return changePart(ctx, part, {
    patientId,
    id,
    updatedAt,
    deed: 'ended',
    reason,
    decide: (before, inside) => {
      if (before.periodEnd !== null) {
        throw new AppError('rule', 'PERIOD_ENDED', `This ${words[part]} has an end already. Change its periodEnd instead.`, { patientId, id });
      }
      const end = { periodEnd: periodEnd ?? plainDateIn(inside.clock.now(), options.settings.timeZone) };
      checkPeriod({ ...before, ...end });
      return end;
    },
  });
}

/** Removes a row that was a mistake; the audit row keeps what it was. Allergies are resolved and risk flags cleared instead. */
export async function removePart(ctx: Ctx, part: RemovablePart, key: ReadPartKey & { reason?: string | undefined }): Promise<void> {
  requireSection(ctx.viewer, part, 'change');
  return inTransaction(ctx, async (inside) => {
    const patient = await holdPatient(inside, key.patientId);
    requireOpenChart(patient);
    const before = await requirePart(inside, part, key);
    requireUnchanged(before, key);
    await deletePart(inside.db, part, key.id);
    if (part === 'document' && patient.photoDocumentId === key.id) {
      await changePatient(inside, { id: patient.id, version: undefined, action: 'patient.updated', decide: () => ({ photoDocumentId: null }) });
    }
    await recordPart(inside, patient, { action: `patient.${words[part]}-removed`, partId: key.id, reason: key.reason, before });
    await refreshAfter(inside, part, { patientId: patient.id, before });
  });
}

/** Records that somebody has seen the document itself. */
export async function verifyDocument(ctx: Ctx, key: ReadPartKey): Promise<ChartParts['document']> {
  return changePart(ctx, 'document', { ...key, deed: 'verified', decide: (_before, inside) => ({ isVerified: true, verifiedBy: userIdOf(inside) }) });
}

/** An allergy that no longer holds stays in the chart, inactive. */
export async function resolveAllergy(ctx: Ctx, key: ReadPartKey & { reason?: string | undefined }): Promise<ChartParts['allergy']> {
  return changePart(ctx, 'allergy', {
    ...key,
    deed: 'resolved',
    decide: (before) => {
      if (!before.active) throw new AppError('rule', 'ALLERGY_RESOLVED', 'This allergy is resolved already.', { id: key.id });
      return { active: false };
    },
  });
}

export async function clearRiskFlag(ctx: Ctx, key: ReadPartKey & { reason?: string | undefined }): Promise<ChartParts['riskFlag']> {
  return changePart(ctx, 'riskFlag', {
    ...key,
    deed: 'cleared',
    decide: (before, inside) => {
      if (!before.active) throw new AppError('rule', 'RISK_FLAG_CLEARED', 'This risk flag is cleared already.', { id: key.id });
      return { active: false, clearedAt: inside.clock.now(), clearedBy: userIdOf(inside) };
    },
  });
}

/** One contact, document, allergy or risk flag of a chart; seeing it is recorded. */
export async function getChartPart<Part extends PartName>(ctx: Ctx, part: Part, key: PartKey): Promise<ChartParts[Part]> {
  return inTransaction(ctx, async (inside) => {
    const grant = await openChartById(inside, key.patientId, part);
    const found = await requirePart(inside, part, key);
    await insertAuditEvent(inside, { action: 'patient.viewed', patientId: key.patientId, after: { by: words[part], ids: [found.id], ...grant } });
    return found;
  });
}

/** The contacts, documents, allergies or risk flags of a chart; seeing them is recorded. */
export async function listChartParts<Part extends PartName>(
  ctx: Ctx,
  part: Part,
  filter: { patientId: string; activeOnly?: boolean | undefined },
): Promise<ChartParts[Part][]> {
  return inTransaction(ctx, async (inside) => {
    const grant = await openChartById(inside, filter.patientId, part);
    const found = await listParts(inside.db, part, filter);
    await insertAuditEvent(inside, {
      action: 'patient.viewed',
      patientId: filter.patientId,
      after: { by: `${words[part]} list`, ids: found.map((each) => each.id), ...grant },
    });
    return found;
  });
}
