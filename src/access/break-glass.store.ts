import { type Selectable, sql } from 'kysely';
import type { Db } from '../db/context.ts';
import { toInstant } from '../base/instant.ts';
import type { PatientBreakGlassGrantTable } from '../db/tables.ts';
import type { Opening } from './restricted.ts';
import { BreakGlassGrant, type CheckedBreakGlassList, GrantTrailRow, type Verdict } from './restricted.schema.ts';

function toGrant(row: Selectable<PatientBreakGlassGrantTable>): BreakGlassGrant {
  return BreakGlassGrant.parse({
    ...row,
    grantedAt: toInstant(row.grantedAt),
    expiresAt: toInstant(row.expiresAt),
    endedAt: toInstant(row.endedAt),
    reviewedAt: toInstant(row.reviewedAt),
  });
}

/**
 * For each chart: whether it or one it was merged into is restricted, and the grant that lets this viewer in now.
 *
 * A grant is worth nothing once the chart was restricted anew after it, also where the host did that in its own SQL.
 */
export async function findOpenings(db: Db, ids: readonly string[], viewer: { viewerId: string; now: Date }): Promise<Map<string, Opening>> {
  const { rows } = await sql<Opening & { id: string }>`
    with recursive chain as (
      select "id" as root, "id", "mergedInto", "restricted", "restrictedAt", array["id"] as path from ${sql.table('patients')} where "id" in (${sql.join(ids)})
      union all
      select chain.root, next."id", next."mergedInto", next."restricted", next."restrictedAt", chain.path || next."id"
      from chain join ${sql.table('patients')} as next on next."id" = chain."mergedInto" where next."id" <> all (chain.path)
    ), restriction as (
      select root, bool_or("restricted") as "restricted", max("restrictedAt") filter (where "restricted") as since from chain group by root
    )
    select r.root as "id", r."restricted", r.since, (
      select g."id" from chain join ${sql.table('patient_break_glass_grants')} as g on g."patientId" = chain."id"
      where chain.root = r.root and g."viewerId" = ${viewer.viewerId} and g."expiresAt" > ${viewer.now} and g."endedAt" is null
        and (r.since is null or g."grantedAt" >= r.since)
      order by g."expiresAt" desc limit 1
    ) as "grantId"
    from restriction as r`.execute(db);
  return new Map(rows.map(({ id, ...opening }) => [id, opening]));
}

export type NewGrant = Pick<BreakGlassGrant, 'id' | 'patientId' | 'viewerId' | 'viewerName' | 'viewerRole' | 'reason'> & { grantedAt: Date; expiresAt: Date };

export async function insertGrant(db: Db, grant: NewGrant): Promise<BreakGlassGrant> {
  return toGrant(await db.insertInto('patient_break_glass_grants').values(grant).returningAll().executeTakeFirstOrThrow());
}

export async function findGrant(db: Db, id: string): Promise<BreakGlassGrant | undefined> {
  const row = await db.selectFrom('patient_break_glass_grants').selectAll().where('id', '=', id).executeTakeFirst();
  return row && toGrant(row);
}

/** Writes the review of a grant that has none; undefined when another review was first. */
export async function reviewGrantRow(
  db: Db,
  id: string,
  review: { reviewedAt: Date; reviewerId: string; reviewerName: string | null; verdict: Verdict; reviewNote: string },
): Promise<BreakGlassGrant | undefined> {
  const row = await db
    .updateTable('patient_break_glass_grants')
    .set(review)
    .where('id', '=', id)
    .where('reviewedAt', 'is', null)
    .returningAll()
    .executeTakeFirst();
  return row && toGrant(row);
}

/** Shuts grants that still run, of one grant's id or of a whole chart. Says which. */
export async function endGrantRows(db: Db, of: { id: string } | { patientId: string }, now: Date): Promise<BreakGlassGrant[]> {
  const rows = await db
    .updateTable('patient_break_glass_grants')
    .set({ endedAt: now })
    .where('endedAt', 'is', null)
    .where('expiresAt', '>', now)
    .where((eb) => ('id' in of ? eb('id', '=', of.id) : eb('patientId', '=', of.patientId)))
    .returningAll()
    .execute();
  return rows.map(toGrant);
}

/** Rows of the trail that name a grant. Only a time and a few charts come into question, which the index of the trail knows. */
export async function selectGrantTrail(db: Db, grant: BreakGlassGrant): Promise<GrantTrailRow[]> {
  const { rows } = await sql<Omit<GrantTrailRow, 'occurredAt'> & { occurredAt: Date }>`
    with recursive chart as (
      select "id" from ${sql.table('patients')} where "id" = ${grant.patientId}
      union
      select merged."id" from chart join ${sql.table('patients')} as merged on merged."mergedInto" = chart."id"
    )
    select e."id", e."occurredAt", e."patientId", e."after" ->> 'by' as "by", e."origin", e."requestId"
    from ${sql.table('patient_audit_events')} as e
    where e."patientId" in (select chart."id" from chart) and e."occurredAt" >= ${new Date(grant.grantedAt)} and e."occurredAt" <= ${new Date(grant.expiresAt)}
      and e."action" = 'patient.viewed' and e."after" ->> 'grantId' = ${grant.id}
    order by e."occurredAt", e."id" limit 1000`.execute(db);
  return rows.map((row) => GrantTrailRow.parse({ ...row, occurredAt: toInstant(row.occurredAt) }));
}

export type GrantKey = readonly [grantedAt: string, id: string];

/** A page of grants, newest first, one row more than asked for. */
export async function selectGrants(db: Db, list: CheckedBreakGlassList, after: GrantKey | undefined): Promise<BreakGlassGrant[]> {
  let query = db
    .selectFrom('patient_break_glass_grants')
    .selectAll()
    .orderBy('grantedAt', 'desc')
    .orderBy('id', 'desc')
    .limit(list.limit + 1);
  if (list.unreviewed) query = query.where('reviewedAt', 'is', null);
  if (list.patientId !== undefined) query = query.where('patientId', '=', list.patientId);
  if (after) query = query.where(sql<boolean>`("grantedAt", "id") < (${after[0]}, ${after[1]})`);
  return (await query.execute()).map(toGrant);
}
