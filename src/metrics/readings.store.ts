import { sql } from 'kysely';
import type { Db } from '../db/context.ts';

// Numbers of the whole database, each from an index or from the statistics: a reading takes milliseconds at any size.

/** Charts by the statistics of the planner; undefined before the first of them. */
export async function estimatePatients(db: Db): Promise<number | undefined> {
  const { rows } = await sql<{ estimate: number }>`
    select reltuples::float8 as estimate from pg_catalog.pg_class where oid = 'patients'::regclass and reltuples >= 0`.execute(db);
  return rows[0]?.estimate;
}

/** Seconds since the oldest row of the trail was written that no seal covers; 0 when all are covered. */
export async function readUnsealedAge(db: Db): Promise<number> {
  const { rows } = await sql<{ age: number }>`
    select greatest(0, extract(epoch from clock_timestamp() - "occurredAt"))::float8 as age from patient_audit_events
    where seq > coalesce((select "toSeq" from patient_audit_seals order by number desc limit 1), 0) order by seq limit 1`.execute(db);
  return rows[0]?.age ?? 0;
}

/** The number of the last row of the trail; 0 when it is empty. */
export async function readLastSeq(db: Db): Promise<number> {
  const { rows } = await sql<{ last: string }>`select seq::text as last from patient_audit_events order by seq desc limit 1`.execute(db);
  return Number(rows[0]?.last ?? 0);
}

export interface RecordedVerification {
  /** Seconds since 1970. */
  readonly at: number;
  readonly problems: number;
}

/** The newest record of a verification above a row number and up to another, of the last 35 days. No index knows them: ask for what is new. */
export async function findVerification(db: Db, range: { after: number; upTo: number }): Promise<RecordedVerification | undefined> {
  const { rows } = await sql<{ at: number; problems: string | null }>`
    select extract(epoch from "occurredAt")::float8 as at, "after"->>'problems' as problems from patient_audit_events
    where action = 'audit.verified' and seq > ${range.after} and seq <= ${range.upTo} and "occurredAt" > now() - interval '35 days'
    order by seq desc limit 1`.execute(db);
  const row = rows[0];
  return row && { at: row.at, problems: Number(row.problems ?? 0) };
}

export interface CounterReading {
  readonly authority: string;
  readonly number: number;
  readonly width: number;
}

/** The counter of the newest year of each authority, with the digits its format has. */
export async function readMrnCounters(db: Db, limit: number): Promise<CounterReading[]> {
  const { rows } = await sql<{ authority: string; number: string; width: number }>`
    select distinct on (c."authorityCode") c."authorityCode" as authority, c."lastNumber"::text as number,
      (select f.width from mrn_formats f where f."authorityCode" = c."authorityCode" order by f.version desc limit 1) as width
    from mrn_counters c order by c."authorityCode", c.year desc limit ${limit}`.execute(db);
  return rows.map((row) => ({ ...row, number: Number(row.number) }));
}

/** Events that no worker has placed in the order of delivery, counted up to a limit, and the age of the oldest. */
export async function readOutbox(db: Db, limit: number): Promise<{ waiting: number; oldest: number }> {
  const { rows } = await sql<{ waiting: number; oldest: number | null }>`
    select (select count(*)::float8 from (select from patient_outbox_events where "publishedAt" is null limit ${limit}) counted) as waiting,
      (select greatest(0, extract(epoch from clock_timestamp() - "occurredAt"))::float8 from patient_outbox_events
       where "publishedAt" is null order by "occurredAt", id limit 1) as oldest`.execute(db);
  return { waiting: rows[0]?.waiting ?? 0, oldest: rows[0]?.oldest ?? 0 };
}
