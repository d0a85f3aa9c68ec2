import { requireScope } from '../access/field-rights.ts';
import { AppError } from '../base/errors.ts';
import { parseInput } from '../base/parse-input.ts';
import type { Ctx } from '../db/context.ts';
import { sqlstateOf } from '../db/sqlstate.ts';
import { inTransaction } from '../db/transaction.ts';
import { decodeCursor, encodeCursor, invalidCursor } from '../patient/page-cursor.ts';
import type { Page } from '../patient/patient.schema.ts';
import { findPatientById, findPatientIdByMrn } from '../patient/patient.store.ts';
import { type AuditEvent, ChartTrailFilter, ListingsFilter, SealFilter, type ShownAuditEvent, TrailFilter } from './audit.schema.ts';
import { insertAuditEvent } from './audit.store.ts';
import type { AuditSeal } from './seal.schema.ts';
import { listSeals } from './seal.store.ts';
import { selectShownIn, selectTrail, type TrailKey } from './trail.store.ts';

/**
 * Pages of the whole trail, newest first. Reading it is recorded: which filters were set, not what was found.
 *
 * @example
 * const page = await listAuditTrail(ctx, { actorId: '0190b6b2-6d0f-7c3a-9c6e-000000000001', from: '2026-11-01T00:00:00Z' });
 */
export async function listAuditTrail(ctx: Ctx, input: TrailFilter = {}): Promise<Page<ShownAuditEvent>> {
  const { limit, cursor, ...filter } = parseInput(TrailFilter, input);
  return readTrail(ctx, { filter, limit, cursor });
}

/**
 * Who looked at a chart or changed it, when, why and from where, newest first.
 *
 * Errors: `PATIENT_NOT_FOUND`.
 *
 * @example
 * const { items } = await listChartTrail(ctx, '0190b6b2-6d0f-7c3a-9c6e-000000000001', { action: 'patient.viewed' });
 */
export async function listChartTrail(ctx: Ctx, patientId: string, input: ChartTrailFilter = {}): Promise<Page<ShownAuditEvent>> {
  const { limit, cursor, ...filter } = parseInput(ChartTrailFilter, input);
  requireScope(ctx.viewer, 'audit.read');
  await requirePatient(ctx, patientId);
  return readTrail(ctx, { filter: { ...filter, patientId }, limit, cursor });
}

/**
 * The newest rows of a chart's trail, at most `most`, as this viewer is shown them. Whoever calls it records the reading.
 */
export async function collectChartTrail(ctx: Ctx, patientId: string, most: number): Promise<{ events: ShownAuditEvent[]; complete: boolean }> {
  requireScope(ctx.viewer, 'audit.read');
  const events: ShownAuditEvent[] = [];
  for (let after: TrailKey | undefined; ; ) {
    const limit = Math.min(1000, most - events.length);
    const rows = await selectTrail(ctx.db, { patientId }, { limit, after });
    const shown = rows.slice(0, limit);
    events.push(...shown.map(({ event }) => show(ctx, event)));
    const last = shown.at(-1);
    if (rows.length <= limit || !last) return { events, complete: true };
    if (events.length >= most) return { events, complete: false };
    after = last.key;
  }
}

/** Searches and lists in which a chart was shown among others. Every such row of the time is read, so the time is limited. */
export async function listListingsOf(ctx: Ctx, patientId: string, input: ListingsFilter): Promise<ShownAuditEvent[]> {
  const options = parseInput(ListingsFilter, input);
  requireScope(ctx.viewer, 'audit.read');
  return inTransaction(ctx, async (inside) => {
    await requirePatient(inside, patientId);
    const events = await selectShownIn(inside.db, { patientId, ...options });
    await insertAuditEvent(inside, { action: 'audit.read', patientId, after: { fields: ['listings', 'from', 'to'] } });
    return events.map((event) => show(inside, event));
  });
}

/** Records that the trail was verified or written to a file, and by whom. */
export async function recordAuditAct(ctx: Ctx, action: 'audit.verified' | 'audit.exported', about: object, patientId: string | null = null): Promise<void> {
  await inTransaction(ctx, (inside) => insertAuditEvent(inside, { action, patientId, after: about }));
}

/** The id behind a record number or an id. Errors: `PATIENT_NOT_FOUND`. */
export async function resolvePatientKey(ctx: Ctx, key: string): Promise<string> {
  const byMrn = await findPatientIdByMrn(ctx.db, key.trim());
  if (byMrn !== undefined) return byMrn;
  const found = await findPatientById(ctx.db, key).catch((error: unknown) => {
    // A record number that nobody has is no UUID either.
    if (sqlstateOf(error) === '22P02') return undefined;
    throw error;
  });
  if (!found) throw new AppError('not-found', 'PATIENT_NOT_FOUND', 'No patient has this id or record number. Check it, or search by name.', {});
  return found.id;
}

/** Seals in the order of the chain. */
export async function listAuditSeals(ctx: Ctx, input: SealFilter = {}): Promise<{ items: AuditSeal[]; nextAfter: number | null }> {
  requireScope(ctx.viewer, 'audit.read');
  const { after, limit } = parseInput(SealFilter, input);
  const items = await listSeals(ctx.db, { after, limit: limit + 1 });
  const more = items.length > limit;
  if (more) items.pop();
  return { items, nextAfter: more ? (items.at(-1)?.number ?? null) : null };
}

async function requirePatient(ctx: Ctx, id: string): Promise<void> {
  if (await findPatientById(ctx.db, id)) return;
  throw new AppError('not-found', 'PATIENT_NOT_FOUND', 'No patient has this id. Check the id, or search by name or mrn.', { id });
}

type Filter = Parameters<typeof selectTrail>[1];

async function readTrail(ctx: Ctx, { filter, limit, cursor }: { filter: Filter; limit: number; cursor: string | undefined }): Promise<Page<ShownAuditEvent>> {
  requireScope(ctx.viewer, 'audit.read');
  const kind = filter.patientId === undefined && filter.actorId === undefined ? 'trail' : 'trail-of-one';
  const after = cursor === undefined ? undefined : keyOf(kind, cursor);
  return inTransaction(ctx, async (inside) => {
    const rows = await selectTrail(inside.db, filter, { limit, after });
    const shown = rows.slice(0, limit);
    const last = shown.at(-1);
    const set = Object.entries(filter).flatMap(([field, value]) => (value === undefined ? [] : [field]));
    await insertAuditEvent(inside, { action: 'audit.read', patientId: filter.patientId ?? null, after: { fields: set } });
    return {
      items: shown.map(({ event }) => show(inside, event)),
      nextCursor: rows.length > limit && last ? encodeCursor(kind, last.key) : null,
      total: null,
    };
  });
}

/** Errors: `CURSOR_INVALID`, also for a key that no row can have. */
function keyOf(kind: 'trail' | 'trail-of-one', cursor: string): TrailKey {
  const [first, id] = decodeCursor(kind, cursor);
  const known = kind === 'trail' ? /^-?\d{1,18}$/.test(first ?? '') : typeof id === 'string' && !Number.isNaN(Date.parse(first ?? ''));
  if (!known) throw invalidCursor();
  return id === undefined || id === null ? [first as string] : [first as string, id];
}

/** The command line and the library see what is in the table; roles see which fields of a chart changed, and not what is in them. */
function show({ viewer }: Ctx, event: AuditEvent): ShownAuditEvent {
  const fields = [...new Set([...keysOf(event.before), ...keysOf(event.after)])];
  const hidden = viewer !== undefined && event.patientId !== null;
  if (!hidden) return { ...event, fields, valuesHidden: false };
  // Why somebody looked is what the trail is read for; why a chart was restricted or closed is a part of the chart.
  const reason = lookedAt.test(event.action) ? event.reason : null;
  return { ...event, reason, before: null, after: null, fields, valuesHidden: true };
}

const lookedAt = /^(?:patient\.(?:viewed|glass-|exported|printed)|audit\.)/;

function keysOf(value: unknown): string[] {
  return typeof value === 'object' && value !== null ? Object.keys(value) : [];
}
