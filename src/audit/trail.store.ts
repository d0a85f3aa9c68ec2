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

/** Pages of the trail, newest first; the key is that of the last row of the page before. One row more than a page, to tell whether there is another. */
export async function selectTrail(db: Db, filter: TrailFilter, page: { limit: number; after: readonly [string, string] | undefined }): Promise<AuditEvent[]> {
  let query = db
    .selectFrom('patient_audit_events')
    .select([...columns])
    .orderBy('occurredAt', 'desc')
    .orderBy('id', 'desc')
    .limit(page.limit + 1);
  if (filter.patientId !== undefined) query = query.where('patientId', '=', filter.patientId);
  if (filter.actorId !== undefined) query = query.where('actorId', '=', filter.actorId);
  if (filter.action !== undefined) query = query.where('action', '=', filter.action);
  if (filter.from !== undefined) query = query.where('occurredAt', '>=', new Date(filter.from));
  if (filter.to !== undefined) query = query.where('occurredAt', '<', new Date(filter.to));
  if (page.after !== undefined) {
    const [at, id] = page.after;
    query = query.where(sql<SqlBool>`("occurredAt", id) < (${new Date(at)}, ${id})`);
  }
  return (await query.execute()).map(toEvent);
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
export async function listChangesAfter(db: Db, patientId: string, after: Date): Promise<{ action: string; before: unknown; after: unknown }[]> {
  return db
    .selectFrom('patient_audit_events')
    .select(['action', 'before', 'after'])
    .where('patientId', '=', patientId)
    .where('occurredAt', '>', after)
    .where('action', '<>', 'patient.viewed')
    .orderBy('seq', 'desc')
    .execute();
}
