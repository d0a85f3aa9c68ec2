import { insertAuditEvent } from '../audit/audit.store.ts';
import { AppError } from '../base/errors.ts';
import { parseInput } from '../base/parse-input.ts';
import type { Ctx, Viewer } from '../db/context.ts';
import { inTransaction } from '../db/transaction.ts';
import { insertOutboxEvent } from '../outbox/outbox.store.ts';
import { decodeCursor, encodeCursor } from '../patient/page-cursor.ts';
import type { Page, Patient } from '../patient/patient.schema.ts';
import { findPatientById } from '../patient/patient.store.ts';
import type { Role } from './access.schema.ts';
import { endGrantRows, findGrant, findOpenings, type GrantKey, insertGrant, reviewGrantRow, selectGrants, selectGrantTrail } from './break-glass.store.ts';
import { hideFields, requireScope } from './field-rights.ts';
import { maskPatient, needsOpening, requireOpen } from './restricted.ts';
import {
  type BreakGlassGrant,
  BreakGlassInput,
  BreakGlassList,
  BreakGlassSettings,
  type GrantTrailRow,
  ReviewInput,
  type ShownPatient,
} from './restricted.schema.ts';

/**
 * Lets the caller into this chart, or refuses: every function that shows or changes anything of a chart asks here first,
 * in the transaction of its audit row. Gives the grant under which a restricted chart is seen, for that row. Costs no
 * query where the chart is neither restricted nor merged away.
 */
export async function openChart(ctx: Ctx, patient: Pick<Patient, 'id' | 'restricted' | 'mergedInto'>): Promise<string | undefined> {
  const { viewer } = ctx;
  requireScope(viewer, 'patient.read.demographics');
  if (viewer === undefined || !needsOpening(viewer, patient)) return undefined;
  const opening = (await openings(ctx, viewer, [patient.id])).get(patient.id) ?? { restricted: true, grantId: null, since: null };
  requireOpen(viewer, patient, opening);
  return opening.restricted ? (opening.grantId ?? undefined) : undefined;
}

/** As openChart, for a change: the audit row of a change holds what changed, so a row of its own says under which grant. */
export async function openChartForChange(ctx: Ctx, patient: Pick<Patient, 'id' | 'restricted' | 'mergedInto'>): Promise<void> {
  const grantId = await openChart(ctx, patient);
  if (grantId !== undefined) await insertAuditEvent(ctx, { action: 'patient.viewed', patientId: patient.id, after: { by: 'change', grantId } });
}

/** The charts of a list as the caller is shown them: restricted ones masked, hidden fields left out. One query more where one of them is restricted or merged. */
export async function showPatients(ctx: Ctx, patients: readonly Patient[]): Promise<{ shown: ShownPatient[]; grantIds: string[] }> {
  const { viewer } = ctx;
  if (viewer === undefined) return { shown: [...patients], grantIds: [] };
  const shut = patients.filter((patient) => needsOpening(viewer, patient)).map(({ id }) => id);
  const found = shut.length === 0 ? undefined : await openings(ctx, viewer, shut);
  const grantIds = new Set<string>();
  const shown = patients.map((patient) => {
    if (!needsOpening(viewer, patient)) return hideFields(viewer, patient);
    const opening = found?.get(patient.id);
    if (opening?.restricted === false) return hideFields(viewer, patient);
    if (!opening || opening.grantId === null) return maskPatient(patient);
    grantIds.add(opening.grantId);
    return hideFields(viewer, patient);
  });
  return { shown, grantIds: [...grantIds] };
}

function openings(ctx: Ctx, viewer: Viewer, ids: readonly string[]) {
  return findOpenings(ctx.db, ids, { viewerId: viewer.id, now: ctx.clock.now() });
}

/** Writes down that a restricted chart was asked for without a grant. An edge does this with the refusal it shows, as the refused transaction leaves nothing. */
export async function recordRefusal(ctx: Ctx, patientId: string): Promise<void> {
  await inTransaction(ctx, (inside) => insertAuditEvent(inside, { action: 'patient.refused', patientId, after: { role: ctx.viewer?.role } }));
}

/** Ends what still runs of a chart's grants, in the transaction of the change that makes them void. */
export async function endGrants(ctx: Ctx, patientId: string): Promise<void> {
  await endGrantRows(ctx.db, { patientId }, ctx.clock.now());
}

/**
 * Opens a restricted chart to the caller for a while. The reason goes to the audit trail and to the list of the privacy
 * officer. Every call gives a grant of its own, so that each reason is reviewed.
 *
 * Errors: CHART_NOT_RESTRICTED, BREAK_GLASS_TOO_LONG, and VIEWER_MISSING for a trusted caller, who needs no grant.
 */
export async function breakGlass(
  ctx: Ctx,
  patientId: string,
  { input, settings = BreakGlassSettings.parse({}) }: { input: BreakGlassInput; settings?: BreakGlassSettings | undefined },
): Promise<BreakGlassGrant> {
  const { reason, minutes = Math.min(settings.defaultMinutes, settings.maxMinutes) } = parseInput(BreakGlassInput, input);
  const viewer = requireViewer(ctx);
  requireScope(viewer, 'patient.break-glass');
  if (minutes > settings.maxMinutes) {
    throw new AppError(
      'invalid',
      'BREAK_GLASS_TOO_LONG',
      `minutes is more than the ${settings.maxMinutes} that this server allows. Ask for less, and break the glass again when more is needed.`,
      { field: 'minutes', max: settings.maxMinutes },
    );
  }
  return inTransaction(ctx, async (inside) => {
    const patient = await findPatientById(inside.db, patientId);
    if (!patient) throw new AppError('not-found', 'PATIENT_NOT_FOUND', 'No patient has this id. Check the id, or search by name or mrn.', { id: patientId });
    const opening = needsOpening(viewer, patient) ? (await openings(inside, viewer, [patient.id])).get(patient.id) : undefined;
    if (!opening?.restricted) throw new AppError('rule', 'CHART_NOT_RESTRICTED', 'This chart is not restricted. Open it as any other.', { id: patientId });
    // A server whose clock is ahead may have restricted the chart a moment later than now; a grant of before that would be void.
    const grantedAt = new Date(Math.max(inside.clock.now().getTime(), opening.since?.getTime() ?? 0));
    const grant = await insertGrant(inside.db, {
      id: inside.newId(),
      patientId: patient.id,
      viewerId: viewer.id,
      viewerName: inside.actor.name ?? null,
      viewerRole: viewer.role as Role,
      reason,
      grantedAt,
      expiresAt: new Date(grantedAt.getTime() + minutes * 60_000),
    });
    await insertAuditEvent(inside, {
      action: 'patient.glass-broken',
      patientId: patient.id,
      reason,
      after: { grantId: grant.id, role: grant.viewerRole, expiresAt: grant.expiresAt },
    });
    await insertOutboxEvent(inside, {
      type: 'patient.glass-broken',
      patientId: patient.id,
      patientVersion: patient.version,
      payload: { grantId: grant.id, expiresAt: grant.expiresAt },
    });
    return grant;
  });
}

/** Shuts the chart again before the grant expires; only its holder does that. Ending an ended one changes nothing. */
export async function mendGlass(ctx: Ctx, grantId: string): Promise<BreakGlassGrant> {
  const viewer = requireViewer(ctx);
  return inTransaction(ctx, async (inside) => {
    const grant = await requireGrant(inside, grantId);
    // Whose grants there are is the privacy officer's to know.
    if (grant.viewerId !== viewer.id) throw grantNotFound(grantId);
    const [ended] = await endGrantRows(inside.db, { id: grantId }, inside.clock.now());
    if (!ended) return grant;
    await insertAuditEvent(inside, { action: 'patient.glass-mended', patientId: grant.patientId, after: { grantId } });
    return ended;
  });
}

/** The privacy officer's list: grants, newest first. */
export async function listGrants(ctx: Ctx, input: BreakGlassList = {}): Promise<Page<BreakGlassGrant>> {
  const list = parseInput(BreakGlassList, input);
  requireScope(ctx.viewer, 'access.review');
  const after = list.cursor === undefined ? undefined : (decodeCursor('grants', list.cursor) as unknown as GrantKey);
  return inTransaction(ctx, async (inside) => {
    const rows = await selectGrants(inside.db, list, after);
    const items = rows.slice(0, list.limit);
    const last = items.at(-1);
    return { items, nextCursor: rows.length > list.limit && last ? encodeCursor('grants', [last.grantedAt, last.id]) : null, total: null };
  });
}

/** What was read and changed under a grant, oldest first: what a review has to look at. Of more than 1000 rows the first. */
export async function listGrantTrail(ctx: Ctx, grantId: string): Promise<GrantTrailRow[]> {
  requireScope(ctx.viewer, 'access.review');
  return inTransaction(ctx, async (inside) => selectGrantTrail(inside.db, await requireGrant(inside, grantId)));
}

/** Writes down what the review of a grant found. Once, and never by its holder; UNJUSTIFIED ends it. */
export async function reviewGrant(ctx: Ctx, grantId: string, input: ReviewInput): Promise<BreakGlassGrant> {
  const { verdict, note } = parseInput(ReviewInput, input);
  requireScope(ctx.viewer, 'access.review');
  const reviewerId = ctx.viewer?.id ?? ctx.actor.id ?? ctx.actor.kind;
  return inTransaction(ctx, async (inside) => {
    const before = await requireGrant(inside, grantId);
    if (before.viewerId === reviewerId)
      throw new AppError('forbidden', 'GRANT_OWN', 'Nobody reviews a grant of their own. Leave it to another reviewer.', { grantId });
    const now = inside.clock.now();
    const reviewed = await reviewGrantRow(inside.db, grantId, {
      reviewedAt: now,
      reviewerId,
      reviewerName: inside.actor.name ?? null,
      verdict,
      reviewNote: note,
    });
    if (!reviewed) throw new AppError('conflict', 'GRANT_REVIEWED', 'This grant was reviewed already. The first review stays.', { grantId });
    const [ended] = verdict === 'UNJUSTIFIED' ? await endGrantRows(inside.db, { id: grantId }, now) : [];
    await insertAuditEvent(inside, { action: 'patient.glass-reviewed', patientId: reviewed.patientId, reason: note, after: { grantId, verdict } });
    return ended ?? reviewed;
  });
}

function requireViewer(ctx: Ctx): Viewer {
  if (ctx.viewer) return ctx.viewer;
  throw new AppError('rule', 'VIEWER_MISSING', 'A trusted caller sees every chart and holds no grants. Call as a known viewer.');
}

async function requireGrant(ctx: Ctx, id: string): Promise<BreakGlassGrant> {
  const grant = await findGrant(ctx.db, id);
  if (!grant) throw grantNotFound(id);
  return grant;
}

function grantNotFound(id: string): AppError {
  return new AppError('not-found', 'GRANT_NOT_FOUND', 'There is no such grant. List the grants to find it.', { id });
}
