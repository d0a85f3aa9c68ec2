import { openChart, showPatients } from '../access/break-glass.service.ts';
import { readPatients } from '../access/lagging-patients.service.ts';
import { hideFields, requireScope } from '../access/field-rights.ts';
import { needsOpening } from '../access/restricted.ts';
import type { ShownPatient } from '../access/restricted.schema.ts';
import { insertAuditEvent } from '../audit/audit.store.ts';
import { AppError } from '../base/errors.ts';
import type { Ctx } from '../db/context.ts';
import { readerOf } from '../db/reader.ts';
import { inTransaction } from '../db/transaction.ts';
import { openChartById, type RegistrySettings } from './chart.service.ts';
import { findAuthority } from '../identifier/authority.store.ts';
import { bareNumber, otherWordFor } from '../identifier/identifier.ts';
import { findPatientIdsByNumber } from '../identifier/identifier.store.ts';
import { cursorKind, decodeCursor, encodeCursor } from './page-cursor.ts';
import { searchTyped } from '../search/search.service.ts';
import { parseInput } from '../base/parse-input.ts';
import { normalizeName, normalizePhone } from './patient.ts';
import { type CheckedPatientSearch, Identifier, type Merge, type Page, type Patient, PatientList, PatientSearch } from './patient.schema.ts';
import {
  countPatients,
  findPatientById,
  findPatientIdByMrn,
  findPatientIdsByDocument,
  findPatientsByEmail,
  findSurvivingIds,
  listMergesOf,
  type ListKey,
  type NameKey,
  selectPatientList,
  selectPatientSearch,
  selectRestrictedMatches,
} from './patient.store.ts';
import { viewChart } from './view.service.ts';

/** Opening a chart is recorded like a change of it, with the grant under which a restricted one is seen. */
async function recordView(ctx: Ctx, patient: Patient | undefined, by: string): Promise<Patient | undefined> {
  if (!patient) return undefined;
  const grantId = await openChart(ctx, patient);
  await insertAuditEvent(ctx, { action: 'patient.viewed', patientId: patient.id, after: { by, ...(grantId === undefined ? {} : { grantId }) } });
  return hideFields(ctx.viewer, patient);
}

export async function findPatient(ctx: Ctx, id: string): Promise<Patient | undefined> {
  requireScope(ctx.viewer, 'patient.read.demographics');
  const patient = await viewChart(ctx, id);
  // A restricted chart came without its audit row: whether this viewer may open it is decided here.
  if (patient && needsOpening(ctx.viewer, patient)) return inTransaction(ctx, (inside) => recordView(inside, patient, 'id'));
  return patient && hideFields(ctx.viewer, patient);
}

/** The chart that a number leads to today: after a merge that is the surviving one. */
export async function findPatientByMrn(ctx: Ctx, mrn: string): Promise<Patient | undefined> {
  requireScope(ctx.viewer, 'patient.read.demographics');
  return inTransaction(ctx, async (inside) => {
    const id = await findPatientIdByMrn(inside.db, mrn.trim());
    return id === undefined ? undefined : recordView(inside, await findSurvivor(inside, [id]), 'mrn');
  });
}

export async function findPatientByIdentifier(ctx: Ctx, input: Identifier): Promise<Patient | undefined> {
  requireScope(ctx.viewer, 'patient.read.demographics');
  const { type, value, authorityCode, system } = parseInput(Identifier, input);
  if (type === 'MRN') return findPatientByMrn(ctx, value);
  const other = otherWordFor(type);
  const types = other === undefined ? [type] : [type, other];
  return inTransaction(ctx, async (inside) => {
    const authority = authorityCode ?? (system === undefined ? undefined : (await findAuthority(inside.db, { systemUri: system }))?.code);
    const issuer = authority === undefined ? { system } : { authorityCode: authority };
    const ids = await findPatientIdsByNumber(inside.db, { value: bareNumber(value), types, ...issuer });
    // Documents do not say by whom they were numbered.
    if (authorityCode === undefined && system === undefined)
      for (const documentType of types) ids.push(...(await findPatientIdsByDocument(inside.db, { documentType, documentNumber: value })));
    return ids.length === 0 ? undefined : recordView(inside, await findSurvivor(inside, ids), type);
  });
}

async function findSurvivor(ctx: Ctx, ids: readonly string[]): Promise<Patient | undefined> {
  const surviving = await findSurvivingIds(ctx.db, ids);
  if (surviving.length > 1) {
    throw new AppError('ambiguous', 'IDENTIFIER_AMBIGUOUS', 'Several patients have this number. Search by it, and choose by name and date of birth.', {
      ids: surviving,
    });
  }
  const [id] = surviving;
  if (id === undefined)
    throw new AppError('operator', 'MERGE_CYCLE', 'The merges of this chart lead in a circle. Repair mergedInto of the charts named in details.', { ids });
  return findPatientById(ctx.db, id);
}

/** The patient in use with this address; case does not matter. Shared by several, it is ambiguous. */
export async function findPatientByEmail(ctx: Ctx, email: string): Promise<Patient | undefined> {
  requireScope(ctx.viewer, 'patient.read.demographics');
  return inTransaction(ctx, async (inside) => {
    const found = await findPatientsByEmail(inside.db, email.trim().toLowerCase());
    if (found.length > 1) {
      throw new AppError('ambiguous', 'EMAIL_AMBIGUOUS', 'Several patients have this e-mail address. Search by it, and choose by name and date of birth.', {
        ids: found.map((patient) => patient.id),
      });
    }
    return recordView(inside, found[0], 'email');
  });
}

const nameKey = (patient: Patient): NameKey => [patient.lastName, patient.firstName, patient.id];

/**
 * A page of patients in name order. The trail keeps which fields were searched and which charts were shown, not what was typed.
 *
 * Viewers get restricted charts masked and after all others: in name order the place would tell the name. They are found by
 * whole values alone, as beginnings of names would spell the name out letter by letter.
 */
export async function searchPatients(ctx: Ctx, input: PatientSearch, settings: RegistrySettings): Promise<Page<ShownPatient>> {
  requireScope(ctx.viewer, 'patient.search');
  const given = parseInput(PatientSearch, input);
  if (given.q !== undefined) {
    const { q, status, deceased, gender, bornFrom, bornTo, includeMerged, limit } = given;
    return searchTyped(ctx, { q, status, deceased, gender, bornFrom, bornTo, includeMerged, limit });
  }
  const search = {
    ...given,
    ...(given.lastName === undefined ? {} : { lastName: normalizeName(given.lastName) }),
    ...(given.firstName === undefined ? {} : { firstName: normalizeName(given.firstName) }),
    ...(given.phone === undefined ? {} : { phone: normalizePhone(given.phone, settings.defaultCountry) }),
    ...(given.identifierValue === undefined ? {} : { identifierValue: bareNumber(given.identifierValue) }),
    ...(given.contactPhone === undefined ? {} : { contactPhone: normalizePhone(given.contactPhone, settings.defaultCountry) }),
  };
  const unrestrictedOnly = ctx.viewer !== undefined;
  const afterMasked = unrestrictedOnly && search.cursor !== undefined ? maskedCursor(search.cursor) : undefined;
  const after = search.cursor === undefined || afterMasked ? undefined : (decodeCursor('name', search.cursor) as unknown as NameKey);
  const began = performance.now();
  const found = await inTransaction(ctx, async (inside) => {
    const rows = afterMasked ? [] : await readPatients(inside, (db) => selectPatientSearch(db, search, { after, unrestrictedOnly }));
    const named = await toPage(inside, rows, { limit: search.limit, kind: 'name', key: nameKey, total: null });
    const page = unrestrictedOnly && named.nextCursor === null ? await appendRestricted(inside, named, { search, after: afterMasked?.id }) : named;
    const { limit: _limit, cursor: _cursor, includeArchived: _includeArchived, includeOther: _includeOther, ...criteria } = search;
    await recordListing(inside, { action: 'patient.searched', fields: Object.keys(criteria), page });
    return page;
  });
  ctx.meter?.searched('fields', performance.now() - began);
  return found;
}

/** The cursor of restricted charts, which come in the order of their ids: `restricted`, and the last id shown, if any. */
function maskedCursor(cursor: string): { id: string | undefined } | undefined {
  if (cursorKind(cursor) !== 'restricted') return undefined;
  const [id] = decodeCursor('restricted', cursor);
  return { id: id ?? undefined };
}

/** Fills the last page of a search with the restricted charts that fit. */
async function appendRestricted(
  ctx: Ctx,
  page: Page<ShownPatient>,
  { search, after }: { search: CheckedPatientSearch; after: string | undefined },
): Promise<Page<ShownPatient>> {
  const room = search.limit - page.items.length;
  const found = await selectRestrictedMatches(ctx.db, search, { after, limit: room + 1 });
  const { shown } = await showPatients(ctx, found.slice(0, room));
  const items = [...page.items, ...shown];
  return { ...page, items, nextCursor: found.length > room ? encodeCursor('restricted', shown.length === 0 ? [] : [items.at(-1)?.id ?? null]) : null };
}

/** Pages of patients. Viewers get restricted charts masked; in name order they are left out, as their place would tell the name, and counted alone. */
export async function listPatients(ctx: Ctx, input: PatientList = {}): Promise<Page<ShownPatient>> {
  requireScope(ctx.viewer, 'patient.search');
  const list = parseInput(PatientList, input);
  const key = { name: nameKey, newest: (patient: Patient) => [patient.createdAt, patient.id], changed: (patient: Patient) => [patient.updatedAt, patient.id] }[
    list.order
  ];
  const after = list.cursor === undefined ? undefined : decodeCursor(list.order, list.cursor);
  return inTransaction(ctx, async (inside) => {
    const rows = await readPatients(inside, (db) =>
      selectPatientList(db, list, { after, unrestrictedOnly: ctx.viewer !== undefined && list.order === 'name' }),
    );
    const total = list.total ? await countPatients(readerOf(inside), list) : null;
    const page = await toPage(inside, rows, { limit: list.limit, kind: list.order, key, total });
    const { limit: _limit, cursor: _cursor, total: _total, order: _order, ...filters } = list;
    await recordListing(inside, { action: 'patient.listed', fields: Object.keys(filters), page });
    return page;
  });
}

async function recordListing(ctx: Ctx, listing: { action: string; fields: readonly string[]; page: Page<ShownPatient> }): Promise<void> {
  const { items } = listing.page;
  const masked = items.filter((patient) => 'masked' in patient).map(({ id }) => id);
  await insertAuditEvent(ctx, {
    action: listing.action,
    patientId: null,
    after: {
      fields: listing.fields,
      patientIds: items.filter((patient) => !('masked' in patient)).map(({ id }) => id),
      ...(masked.length === 0 ? {} : { masked }),
    },
  });
}

/** The cursor of a page in name order is never that of a masked row, which would give its name away. */
async function toPage(
  ctx: Ctx,
  rows: readonly Patient[],
  options: { limit: number; kind: string; key: (patient: Patient) => ListKey; total: number | null },
): Promise<Page<ShownPatient>> {
  const patients = rows.slice(0, options.limit);
  const { shown: items } = await showPatients(ctx, patients);
  const last = options.kind === 'name' ? patients.findLast((_patient, index) => !('masked' in (items[index] ?? {}))) : patients.at(-1);
  return { items, nextCursor: rows.length > options.limit && last ? encodeCursor(options.kind, options.key(last)) : null, total: options.total };
}

/** The merges that a chart took part in, on either side, oldest first. */
export async function listMerges(ctx: Ctx, id: string): Promise<Merge[]> {
  return inTransaction(ctx, async (inside) => {
    const grant = await openChartById(inside, id, 'merge');
    const merges = await listMergesOf(inside.db, id);
    await insertAuditEvent(inside, { action: 'patient.viewed', patientId: id, after: { by: 'merge list', ...grant } });
    return merges;
  });
}
