import { sql } from 'kysely';
import type { Db } from '../db/context.ts';

/** How far the numbers of an authority and year have been given out. */
export interface MrnCounter {
  readonly authority: string;
  readonly year: number;
  readonly lastNumber: number;
}

export async function listCounters(db: Db): Promise<MrnCounter[]> {
  const { rows } = await sql<{ authority: string; year: number; lastNumber: string }>`
    SELECT "authorityCode" AS "authority", "year", "lastNumber"::text AS "lastNumber" FROM "mrn_counters" ORDER BY 1, 2`.execute(db);
  return rows.map((row) => ({ ...row, lastNumber: Number(row.lastNumber) }));
}

/** Who puts numbers out of reach; it stands in the block. */
export interface Retirer {
  readonly instance: string;
  readonly host: string;
  readonly processId: number;
}

/** Who leases in the name of a restore. */
export const restoreInstance = 'restore';

/** How far numbers were really given out, without what a restore has put out of reach. */
export async function listIssuedCounters(db: Db): Promise<MrnCounter[]> {
  const { rows } = await sql<{ authority: string; year: number; lastNumber: string }>`
    SELECT "authorityCode" AS "authority", "year", max("lastNumber")::text AS "lastNumber" FROM "mrn_blocks"
    WHERE "instance" <> ${restoreInstance} GROUP BY "authorityCode", "year"`.execute(db);
  return rows.map((row) => ({ ...row, lastNumber: Number(row.lastNumber) }));
}

/** The most numbers that an authority has ever leased on one day. */
export async function findBusiestDay(db: Db, authority: string): Promise<number> {
  const { rows } = await sql<{ numbers: string | null }>`
    SELECT max("numbers")::text AS "numbers" FROM (
      SELECT sum("lastNumber" - "firstNumber" + 1) AS "numbers" FROM "mrn_blocks" WHERE "authorityCode" = ${authority} AND "kind" = 'LEASE' GROUP BY "leasedAt"::date
    ) AS "days"`.execute(db);
  return Number(rows[0]?.numbers ?? 0);
}

/**
 * Takes every number that came back out of reach: in the database that was lost it may have been leased again and issued. A block
 * answers for each range, so that the report says what became of it. Returns how many numbers these were.
 */
export async function retireReturnedNumbers(db: Db, lessee: Retirer): Promise<number> {
  const { instance, host, processId } = lessee;
  const { rows } = await sql<{ numbers: string | null }>`
    WITH "free" AS (
      SELECT "id", "authorityCode", "year", "firstNumber", "lastNumber" FROM "mrn_returned_ranges" WHERE "takenByBlockId" IS NULL FOR UPDATE
    ), "block" AS (
      INSERT INTO "mrn_blocks" ("authorityCode", "formatVersion", "year", "kind", "firstNumber", "lastNumber", "instance", "host", "processId", "expiresAt", "closedAt")
      SELECT "authorityCode", (SELECT max("version") FROM "mrn_formats" AS "format" WHERE "format"."authorityCode" = "free"."authorityCode"), "year", 'RAISE',
             "firstNumber", "lastNumber", ${instance}, ${host}, ${processId}::integer, clock_timestamp(), clock_timestamp()
      FROM "free" RETURNING "id", "authorityCode", "year", "firstNumber", "lastNumber"
    ), "taken" AS (
      UPDATE "mrn_returned_ranges" AS "range" SET "takenByBlockId" = "block"."id", "takenAt" = clock_timestamp()
      FROM "free" JOIN "block" USING ("authorityCode", "year", "firstNumber", "lastNumber") WHERE "range"."id" = "free"."id"
    )
    SELECT sum("lastNumber" - "firstNumber" + 1)::text AS "numbers" FROM "free"`.execute(db);
  return Number(rows[0]?.numbers ?? 0);
}
