import { type SqlBool, sql } from 'kysely';
import { toInstant } from '../base/instant.ts';
import type { Db } from '../db/context.ts';
import { AuditEvent } from './audit.schema.ts';

const columns = ['id', 'occurredAt', 'action', 'patientId', 'actorKind', 'actorId', 'actorName', 'origin', 'requestId', 'reason', 'before', 'after'] as const;

interface Row {
  readonly occurredAt: Date | string;
  readonly [column: string]: unknown;
}

function toEvent(row: Row): AuditEvent {
  return AuditEvent.parse({ ...row, occurredAt: toInstant(row.occurredAt) });
}

export interface TrailFilter {
  readonly patientId?: string | undefined;
  readonly actorId?: string | undefined;
  readonly action?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/** Where a page ended: the last row's time and id for one patient or one actor, its number otherwise; each as an index has it. */
export type TrailKey = readonly [string, string] | readonly [string];

/** Pages of the trail, newest first, with the key of each row. One row more than a page, to tell whether there is another. */
export async function selectTrail(
  db: Db,
  filter: TrailFilter,
  page: { limit: number; after: TrailKey | undefined },
): Promise<{ event: AuditEvent; key: TrailKey }[]> {
  const byTime = filter.patientId !== undefined || filter.actorId !== undefined;
  let query = db
    .selectFrom('patient_audit_events')
    .select([...columns, 'seq'])
    .limit(page.limit + 1);
  query = byTime ? query.orderBy('occurredAt', 'desc').orderBy('id', 'desc') : query.orderBy('seq', 'desc');
  if (filter.patientId !== undefined) query = query.where('patientId', '=', filter.patientId);
  if (filter.actorId !== undefined) query = query.where('actorId', '=', filter.actorId);
  if (filter.action !== undefined) query = query.where('action', '=', filter.action);
  if (filter.from !== undefined) query = query.where('occurredAt', '>=', new Date(filter.from));
  if (filter.to !== undefined) query = query.where('occurredAt', '<', new Date(filter.to));
  if (page.after !== undefined) {
    const [first, id] = page.after;
    query = query.where(byTime ? sql<SqlBool>`("occurredAt", id) < (${new Date(first)}, ${id})` : sql<SqlBool>`seq < ${first}`);
  }
  return (await query.execute()).map(({ seq, ...row }) => {
    const event = toEvent(row);
    return { event, key: byTime ? [event.occurredAt, event.id] : [String(seq)] };
  });
}

/** Searches and lists that showed a patient among others: rows that name no chart of their own. Reads the days asked for, as no index knows them. */
export async function selectShownIn(db: Db, options: { patientId: string; from: string; to: string; limit: number }): Promise<AuditEvent[]> {
  const rows = await db
    .selectFrom('patient_audit_events')
    .select([...columns])
    .where('patientId', 'is', null)
    .where('occurredAt', '>=', new Date(options.from))
    .where('occurredAt', '<', new Date(options.to))
    .where(sql<SqlBool>`"after" @> ${JSON.stringify({ patientIds: [options.patientId] })}::jsonb`)
    .orderBy('occurredAt', 'desc')
    .limit(options.limit)
    .execute();
  return rows.map(toEvent);
}

/** What was done to one chart after a moment, the latest first: rows that tell of a change. */
export async function listChangesAfter(
  db: Db,
  patientId: string,
  after: Date,
): Promise<{ occurredAt: Date | string; action: string; before: unknown; after: unknown }[]> {
  return db
    .selectFrom('patient_audit_events')
    .select(['occurredAt', 'action', 'before', 'after'])
    .where('patientId', '=', patientId)
    .where('occurredAt', '>', after)
    .where('action', '<>', 'patient.viewed')
    .orderBy('seq', 'desc')
    .execute();
}
