import { type Selectable, sql } from 'kysely';
import { toInstant } from '../base/instant.ts';
import type { Db } from '../db/context.ts';
import type { EventReceiverTable } from '../db/tables.ts';
import type { Delivery, Receiver } from './event.schema.ts';
import type { PlacedEvent } from './webhook.ts';

/** A row of event_receivers; the secrets are encrypted in it. */
export type ReceiverRow = Selectable<EventReceiverTable>;

/** Whether this transaction is the one that gives events their places; the others go on without waiting. */
export async function tryPlacingLock(db: Db): Promise<boolean> {
  const { rows } = await sql<{ mine: boolean }>`
    select pg_catalog.pg_try_advisory_xact_lock(pg_catalog.hashtextextended('onechart event order', 'event_receivers'::regclass::oid::bigint)) as mine`.execute(
    db,
  );
  return rows[0]?.mine === true;
}

/**
 * Gives the oldest events that have none a place in the order of delivery, and says to how many.
 *
 * What is taken is what has no place yet, not what lies behind a mark: whenever a transaction commits, however long it was open,
 * its events are there the next time. Events of one patient stand in the order of the chart's versions, whatever the clocks of their
 * servers said; hence earlier ones of the patients that are met are fetched too. The changes of a chart wait for each other, so a
 * version is never visible before the one that it builds on.
 */
export async function placeEvents(db: Db, { now, limit }: { now: Date; limit: number }): Promise<number> {
  const { numAffectedRows } = await sql`
    with picked as (
      select "patientId", "patientVersion" from patient_outbox_events where "publishedAt" is null order by "occurredAt", id limit ${limit}
    ), reach as (
      select "patientId", max("patientVersion") as version from picked group by "patientId"
    ), chosen as (
      select e.id, e."patientId", e."patientVersion", e."occurredAt",
        max(e."occurredAt") over (partition by e."patientId" order by e."patientVersion", e."occurredAt", e.id) as at
      from reach r join patient_outbox_events e on e."patientId" = r."patientId" and e."patientVersion" <= r.version and e."publishedAt" is null
    ), ordered as (
      select id, row_number() over (order by at, "patientId", "patientVersion", "occurredAt", id) as place from chosen
    ), last as (
      select greatest((select coalesce(max(seq), 0) from patient_outbox_events), (select coalesce(max(position), 0) from event_receivers)) as seq
    )
    update patient_outbox_events e set seq = last.seq + ordered.place, "publishedAt" = ${now} from ordered, last where e.id = ordered.id`.execute(db);
  return Number(numAffectedRows ?? 0);
}

/** The last place that was given. */
export async function lastPlace(db: Db): Promise<number> {
  const { rows } = await sql<{ seq: number | string }>`
    select greatest((select coalesce(max(seq), 0) from patient_outbox_events), (select coalesce(max(position), 0) from event_receivers)) as seq`.execute(db);
  return Number(rows[0]?.seq ?? 0);
}

/** Where to begin so that nothing that happened from this instant on is left out; undefined when nothing did. */
export async function firstPlaceSince(db: Db, at: Date): Promise<number | undefined> {
  const row = await db
    .selectFrom('patient_outbox_events')
    .select('seq')
    .where('seq', 'is not', null)
    .where('occurredAt', '>=', at)
    // The index knows when an event was placed, a little after it happened; a day is more than clocks differ.
    .where('publishedAt', '>=', new Date(at.getTime() - 86_400_000))
    .orderBy('seq')
    .limit(1)
    .executeTakeFirst();
  return row?.seq === undefined || row.seq === null ? undefined : Number(row.seq);
}

export async function findPlace(db: Db, eventId: string): Promise<{ seq: number | null } | undefined> {
  // Compared as text: what is no id of this host is no event, and no error of the database.
  const { rows } = await sql<{ seq: number | string | null }>`select seq from patient_outbox_events where id::text = ${eventId.toLowerCase()}`.execute(db);
  return rows[0] && { seq: rows[0].seq === null ? null : Number(rows[0].seq) };
}

export async function insertReceiver(
  db: Db,
  values: { id: string; name: string; url: string; eventTypes: readonly string[]; secret: string; position: number; createdAt: Date },
): Promise<ReceiverRow> {
  return db
    .insertInto('event_receivers')
    .values({ ...values, eventTypes: [...values.eventTypes], state: 'ACTIVE', updatedAt: values.createdAt })
    .returningAll()
    .executeTakeFirstOrThrow();
}

export type ReceiverUpdate = Partial<
  Pick<
    ReceiverRow,
    | 'name'
    | 'url'
    | 'eventTypes'
    | 'secret'
    | 'previousSecret'
    | 'previousSecretUntil'
    | 'state'
    | 'position'
    | 'failures'
    | 'failingSince'
    | 'lastFailure'
    | 'retryAt'
  >
>;

export async function updateReceiver(db: Db, id: string, change: ReceiverUpdate & { updatedAt: Date }): Promise<ReceiverRow | undefined> {
  return db.updateTable('event_receivers').set(change).where('id', '=', id).returningAll().executeTakeFirst();
}

export async function deleteReceiver(db: Db, id: string): Promise<void> {
  await db.deleteFrom('event_receivers').where('id', '=', id).execute();
}

/** By id or by name. */
export async function findReceiver(db: Db, idOrName: string, { lock = false }: { lock?: boolean } = {}): Promise<ReceiverRow | undefined> {
  const found = db
    .selectFrom('event_receivers')
    .selectAll()
    .where((where) => where.or([where(sql<string>`id::text`, '=', idOrName.toLowerCase()), where('name', '=', idOrName)]))
    .orderBy('id')
    .limit(1);
  const row = await (lock ? found.forUpdate() : found).executeTakeFirst();
  return row && { ...row, position: Number(row.position) };
}

type ShownRow = Omit<ReceiverRow, 'secret' | 'previousSecret'> & {
  behind: number | string;
  oldest: Date | null;
  waiting: number | string;
  dead: number | string;
};

/** Where no worker runs, events without a place may be millions; nobody needs their exact number. */
const countedAtMost = 100_000;

/** Receivers with how far they are, by name. */
export async function listReceivers(db: Db, id?: string): Promise<Receiver[]> {
  const only = id === undefined ? sql`true` : sql`r.id = ${id}`;
  const { rows } = await sql<ShownRow>`
    select r.id, r.name, r.url, r."eventTypes", r.state, r.position, r.failures, r."failingSince", r."lastFailure", r."retryAt", r."lastDeliveredAt",
      r."previousSecretUntil", r."createdAt", r."updatedAt", greatest(0, last.seq - r.position) + unplaced.count as behind,
      coalesce((select e."occurredAt" from patient_outbox_events e where e.seq > r.position order by e.seq limit 1), unplaced.oldest) as oldest,
      (select count(*) from event_deliveries d where d."receiverId" = r.id and d.state = 'WAITING') as waiting,
      (select count(*) from event_deliveries d where d."receiverId" = r.id and d.state = 'DEAD') as dead
    from event_receivers r,
      (select coalesce(max(seq), 0) as seq from patient_outbox_events) last,
      (select count(*) as count, min("occurredAt") as oldest from (
        select "occurredAt" from patient_outbox_events where "publishedAt" is null order by "occurredAt", id limit ${countedAtMost}) counted) unplaced
    where ${only} order by r.name, r.id`.execute(db);
  return rows.map(toReceiver);
}

function toReceiver(row: ShownRow): Receiver {
  return {
    id: row.id,
    name: row.name,
    url: row.url,
    eventTypes: row.eventTypes,
    state: row.state as Receiver['state'],
    position: Number(row.position),
    behind: Number(row.behind),
    oldestBehindAt: toInstant(row.oldest),
    waiting: Number(row.waiting),
    dead: Number(row.dead),
    failures: row.failures,
    failingSince: toInstant(row.failingSince),
    lastFailure: row.lastFailure,
    retryAt: toInstant(row.retryAt),
    lastDeliveredAt: toInstant(row.lastDeliveredAt),
    previousSecretUntil: toInstant(row.previousSecretUntil),
    createdAt: toInstant(row.createdAt),
  };
}

/** Key of the lock that whoever delivers to a receiver holds: it goes with the connection, so also with a process that is killed. */
const lockKey = (receiverId: unknown) => sql`pg_catalog.hashtextextended('onechart event receiver ' || ${receiverId}::text, 0)`;

export async function tryReceiverLock(db: Db, receiverId: string): Promise<boolean> {
  const { rows } = await sql<{ mine: boolean }>`select pg_catalog.pg_try_advisory_lock(${lockKey(receiverId)}) as mine`.execute(db);
  return rows[0]?.mine === true;
}

export async function releaseReceiverLock(db: Db, receiverId: string): Promise<void> {
  await sql`select pg_catalog.pg_advisory_unlock(${lockKey(receiverId)})`.execute(db);
}

/** Receivers with something to do that nobody is delivering to at this moment. */
export async function listDueReceivers(db: Db, now: Date): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select r.id from event_receivers r
    where r.state = 'ACTIVE' and (r."retryAt" is null or r."retryAt" <= ${now})
      and (exists (select from patient_outbox_events e where e.seq > r.position) or exists (
        select from event_deliveries d where d."receiverId" = r.id and d.state = 'WAITING' and (d."retryAt" is null or d."retryAt" <= ${now}) and ${isHead}))
      and not exists (select from pg_catalog.pg_locks l where l.locktype = 'advisory' and l.objsubid = 1 and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = current_database())
        and ((l.classid::bigint << 32) | l.objid::bigint) = ${lockKey(sql`r.id`)})
    order by r.id`.execute(db);
  return rows.map(({ id }) => id);
}

/** The first event of its patient that the receiver has not taken. */
const isHead = sql`not exists (select from event_deliveries before where before."receiverId" = d."receiverId" and before."patientId" = d."patientId" and before.seq < d.seq)`;

/** Events after a position, in order. */
export async function listEventsAfter(db: Db, position: number, limit: number): Promise<PlacedEvent[]> {
  const rows = await db
    .selectFrom('patient_outbox_events')
    .select(['id', 'seq', 'occurredAt', 'type', 'patientId', 'patientVersion', 'payload'])
    .where('seq', '>', position)
    .orderBy('seq')
    .limit(limit)
    .execute();
  return rows.map((row) => ({ ...row, seq: Number(row.seq) }));
}

/** Of some patients those who have an event that the receiver has not taken. */
export async function findHeldPatients(db: Db, receiverId: string, patientIds: readonly string[]): Promise<Set<string>> {
  if (patientIds.length === 0) return new Set();
  const rows = await db
    .selectFrom('event_deliveries')
    .select('patientId')
    .distinct()
    .where('receiverId', '=', receiverId)
    .where('patientId', 'in', [...patientIds])
    .execute();
  return new Set(rows.map(({ patientId }) => patientId));
}

export interface NewDelivery {
  readonly eventId: string;
  readonly seq: number;
  readonly patientId: string;
  readonly attempts: number;
  readonly lastFailure: string | null;
  readonly retryAt: Date | null;
}

export async function insertDeliveries(db: Db, receiverId: string, { items, now }: { items: readonly NewDelivery[]; now: Date }): Promise<void> {
  if (items.length === 0) return;
  await db
    .insertInto('event_deliveries')
    .values(items.map((item) => ({ ...item, receiverId, state: 'WAITING', createdAt: now, updatedAt: now })))
    // A replay may meet what was set aside before.
    .onConflict((conflict) => conflict.columns(['receiverId', 'eventId']).doNothing())
    .execute();
}

/** Moves a receiver on, unless somebody has moved it in the meantime (replay) or removed it: then undefined. */
export async function advanceReceiver(
  db: Db,
  receiverId: string,
  { from, to, delivered, now }: { from: number; to: number; delivered: boolean; now: Date },
): Promise<{ state: string } | undefined> {
  return db
    .updateTable('event_receivers')
    .set({ position: to, ...(delivered ? { lastDeliveredAt: now, failures: 0, failingSince: null, retryAt: null, lastFailure: null } : {}) })
    .where('id', '=', receiverId)
    .where('position', '=', from)
    .returning('state')
    .executeTakeFirst();
}

/** Something was taken: it is not down any more. */
export async function noteReceiverWorks(db: Db, receiverId: string, now: Date): Promise<void> {
  await db
    .updateTable('event_receivers')
    .set({ lastDeliveredAt: now, failures: 0, failingSince: null, retryAt: null, lastFailure: null })
    .where('id', '=', receiverId)
    .execute();
}

export async function noteReceiverFailure(db: Db, receiverId: string, { failure, retryAt, now }: { failure: string; retryAt: Date; now: Date }): Promise<void> {
  await db
    .updateTable('event_receivers')
    .set({ failures: sql`failures + 1`, failingSince: sql`coalesce("failingSince", ${now})`, lastFailure: failure, retryAt })
    .where('id', '=', receiverId)
    .execute();
}

export interface DueDelivery extends PlacedEvent {
  readonly attempts: number;
  readonly createdAt: Date;
}

/** Deliveries that are due, at most one of each patient. */
export async function listDueDeliveries(db: Db, receiverId: string, { now, limit }: { now: Date; limit: number }): Promise<DueDelivery[]> {
  const { rows } = await sql<DueDelivery & { seq: number | string }>`
    select e.id, d.seq, e."occurredAt", e.type, e."patientId", e."patientVersion", e.payload, d.attempts, d."createdAt"
    from event_deliveries d join patient_outbox_events e on e.id = d."eventId"
    where d."receiverId" = ${receiverId} and d.state = 'WAITING' and (d."retryAt" is null or d."retryAt" <= ${now}) and ${isHead}
    order by d.seq limit ${limit}`.execute(db);
  return rows.map((row) => ({ ...row, seq: Number(row.seq) }));
}

export async function deleteDelivery(db: Db, receiverId: string, eventId: string): Promise<boolean> {
  const result = await db.deleteFrom('event_deliveries').where('receiverId', '=', receiverId).where('eventId', '=', eventId).executeTakeFirst();
  return result.numDeletedRows > 0n;
}

export async function noteDeliveryFailure(
  db: Db,
  { receiverId, eventId }: { receiverId: string; eventId: string },
  { failure, counts, dead, retryAt, now }: { failure: string; counts: boolean; dead: boolean; retryAt: Date; now: Date },
): Promise<void> {
  await db
    .updateTable('event_deliveries')
    .set({
      attempts: sql`attempts + ${counts ? 1 : 0}`,
      lastFailure: failure,
      state: dead ? 'DEAD' : 'WAITING',
      retryAt: dead ? null : retryAt,
      updatedAt: now,
    })
    .where('receiverId', '=', receiverId)
    .where('eventId', '=', eventId)
    .execute();
}

/** Sends given-up events again: one, or all of a receiver. Says how many. */
export async function reviveDeliveries(db: Db, receiverId: string, { eventId, now }: { eventId?: string | undefined; now: Date }): Promise<number> {
  const which = eventId === undefined ? sql`state = 'DEAD'` : sql`"eventId"::text = ${eventId.toLowerCase()}`;
  const { numAffectedRows } = await sql`
    update event_deliveries set state = 'WAITING', attempts = 0, "retryAt" = null, "createdAt" = ${now}, "updatedAt" = ${now}
    where "receiverId" = ${receiverId} and ${which}`.execute(db);
  return Number(numAffectedRows ?? 0);
}

/** Takes a delivery away for good and says of whom it told. */
export async function discardDelivery(db: Db, receiverId: string, eventId: string): Promise<{ eventId: string; patientId: string } | undefined> {
  const { rows } = await sql<{ eventId: string; patientId: string }>`
    delete from event_deliveries where "receiverId" = ${receiverId} and "eventId"::text = ${eventId.toLowerCase()} returning "eventId", "patientId"`.execute(
    db,
  );
  return rows[0];
}

/** What a replay sends anyway. */
export async function deleteDeliveriesFrom(db: Db, receiverId: string, seq: number): Promise<void> {
  await db.deleteFrom('event_deliveries').where('receiverId', '=', receiverId).where('seq', '>=', seq).execute();
}

export async function listDeliveries(
  db: Db,
  receiverId: string,
  { state, after, limit }: { state?: string | undefined; after: number; limit: number },
): Promise<Delivery[]> {
  const rows = await db
    .selectFrom('event_deliveries as d')
    .innerJoin('patient_outbox_events as e', 'e.id', 'd.eventId')
    .select(['d.eventId', 'e.type', 'e.occurredAt', 'd.patientId', 'd.seq', 'd.state', 'd.attempts', 'd.lastFailure', 'd.retryAt', 'd.createdAt'])
    .where('d.receiverId', '=', receiverId)
    .where('d.seq', '>', after)
    .$if(state !== undefined, (query) => query.where('d.state', '=', state as string))
    .orderBy('d.seq')
    .limit(limit)
    .execute();
  return rows.map((row) => ({
    ...row,
    seq: Number(row.seq),
    state: row.state as Delivery['state'],
    occurredAt: toInstant(row.occurredAt),
    retryAt: toInstant(row.retryAt),
    createdAt: toInstant(row.createdAt),
  }));
}

/** Removes events that happened before an instant and that every receiver has taken; at most so many. The last event stays, as the next place is counted from it. */
export async function deleteDeliveredEvents(db: Db, { before, limit }: { before: Date; limit: number }): Promise<number> {
  const { numAffectedRows } = await sql`
    delete from patient_outbox_events where id in (
      select e.id from patient_outbox_events e
      where e."publishedAt" < ${before}
        and e.seq <= (select coalesce(min(position), 9223372036854775807) from event_receivers) and e.seq < (select max(seq) from patient_outbox_events)
        and not exists (select from event_deliveries d where d."eventId" = e.id)
      order by e."publishedAt", e."occurredAt", e.id limit ${limit})`.execute(db);
  return Number(numAffectedRows ?? 0);
}
