import { type QueryExecutorProvider, sql } from 'kysely';
import type { CheckDigitScheme } from './check-digit.ts';
import type { MrnBurntRange, MrnRange } from './mrn.schema.ts';
import type { MrnFormat } from './mrn-format.ts';

/** Anything that runs SQL: a pool-backed Kysely or an open transaction. */
export type MrnDb = QueryExecutorProvider;

export interface StoredMrnFormat extends MrnFormat {
  readonly version: number;
}

/** Which process leases; it stands in the block, so that a burnt number has an owner. */
export interface MrnLessee {
  readonly instance: string;
  readonly host: string;
  readonly processId: number;
}

export interface LeasedMrns {
  readonly blockId: string;
  readonly first: number;
  readonly last: number;
}

/** Makes an authority with its first format; harmless when it exists. */
export async function insertAuthorityIfMissing(db: MrnDb, authority: string, format: MrnFormat): Promise<void> {
  await sql`INSERT INTO "mrn_authorities" ("code", "name") VALUES (${authority}, ${authority}) ON CONFLICT DO NOTHING`.execute(db);
  await insertFormat(db, { authority, version: 1, format });
}

/** Returns false when the version is taken: somebody else was faster. */
export async function insertFormat(db: MrnDb, { authority, version, format }: { authority: string; version: number; format: MrnFormat }): Promise<boolean> {
  const result = await sql`
    INSERT INTO "mrn_formats" ("authorityCode", "version", "prefix", "separator", "yearly", "width", "checkDigit", "timeZone")
    VALUES (${authority}, ${version}, ${format.prefix}, ${format.separator}, ${format.yearly}, ${format.width}, ${format.checkDigit}, ${format.timeZone})
    ON CONFLICT DO NOTHING`.execute(db);
  return result.numAffectedRows === 1n;
}

/** All formats an authority has had, newest first. */
export async function listFormats(db: MrnDb, authority: string): Promise<StoredMrnFormat[]> {
  const { rows } = await sql<StoredMrnFormat & { checkDigit: CheckDigitScheme }>`
    SELECT "version", "prefix", "separator", "yearly", "width", "checkDigit", "timeZone"
    FROM "mrn_formats" WHERE "authorityCode" = ${authority} ORDER BY "version" DESC`.execute(db);
  return rows;
}

/** The authorities and the newest format of each. */
export async function listAuthorities(db: MrnDb): Promise<(StoredMrnFormat & { code: string })[]> {
  const { rows } = await sql<StoredMrnFormat & { code: string }>`
    SELECT DISTINCT ON ("authorityCode") "authorityCode" AS "code", "version", "prefix", "separator", "yearly", "width", "checkDigit", "timeZone"
    FROM "mrn_formats" ORDER BY "authorityCode", "version" DESC`.execute(db);
  return rows;
}

/** Compiling the report's query takes longer than it saves (measured: 6 of 19 s on a million numbers). For this transaction. */
export async function switchOffCompilation(db: MrnDb): Promise<void> {
  await sql`SELECT set_config('jit', 'off', true)`.execute(db);
}

/** Waits for locks no longer than this, in this transaction. */
export async function limitLockWait(db: MrnDb, milliseconds: number): Promise<void> {
  await sql`SELECT set_config('lock_timeout', ${String(milliseconds)}, true)`.execute(db);
}

/**
 * Leases up to `size` numbers: the lowest returned range if there is one, else the counter moves on. One statement.
 *
 * Undefined when there is no counter for the year yet or the format has a newer version; the caller prepares and asks again.
 *
 * Two leases can see the same returned range in their snapshots; the row lock makes the second look again, find it taken and pass on.
 * The counter is moved by the row's newest version, whoever was first. Ids come from the columns' defaults, so that their type is the host's affair.
 */
export async function leaseNumbers(
  db: MrnDb,
  lease: MrnLessee & { authority: string; formatVersion: number; year: number; size: number; leaseSeconds: number; inline: boolean },
): Promise<LeasedMrns | undefined> {
  const { authority, formatVersion, year, size, leaseSeconds, inline, instance, host, processId } = lease;
  const { rows } = await sql<{ blockId: string; first: string; last: string }>`
    WITH "current" AS (
      SELECT 1 FROM "mrn_formats" WHERE "authorityCode" = ${authority} HAVING max("version") = ${formatVersion}
    ), "free" AS (
      SELECT "id", "firstNumber", "lastNumber" FROM "mrn_returned_ranges"
      WHERE "year" = ${year} AND "takenByBlockId" IS NULL AND "authorityCode" = ${authority} AND EXISTS (SELECT FROM "current")
      ORDER BY "firstNumber" LIMIT 1 FOR UPDATE SKIP LOCKED
    ), "counter" AS (
      UPDATE "mrn_counters" SET "lastNumber" = "lastNumber" + ${size}::bigint, "updatedAt" = clock_timestamp()
      WHERE "authorityCode" = ${authority} AND "year" = ${year} AND EXISTS (SELECT FROM "current") AND NOT EXISTS (SELECT FROM "free")
      RETURNING "lastNumber" - ${size}::bigint + 1 AS "firstNumber", "lastNumber"
    ), "range" AS (
      SELECT "firstNumber", least("lastNumber", "firstNumber" + ${size}::bigint - 1) AS "lastNumber" FROM "free"
      UNION ALL SELECT "firstNumber", "lastNumber" FROM "counter"
    ), "block" AS (
      INSERT INTO "mrn_blocks" ("authorityCode", "formatVersion", "year", "kind", "firstNumber", "lastNumber", "instance", "host", "processId", "expiresAt", "closedAt")
      SELECT ${authority}, ${formatVersion}::integer, ${year}::integer, 'LEASE', "firstNumber", "lastNumber", ${instance}, ${host}, ${processId}::integer,
             clock_timestamp() + make_interval(secs => ${leaseSeconds}::float8), CASE WHEN ${inline}::boolean THEN clock_timestamp() END
      FROM "range"
      RETURNING "id", "firstNumber", "lastNumber"
    ), "taken" AS (
      UPDATE "mrn_returned_ranges" "r" SET "takenByBlockId" = "block"."id", "takenAt" = clock_timestamp()
      FROM "block", "free" WHERE "r"."id" = "free"."id"
      RETURNING "r"."returnedByBlockId", "r"."returnedAt", "r"."lastNumber" AS "end", "block"."lastNumber"
    ), "shortened" AS (
      INSERT INTO "mrn_returned_ranges" ("authorityCode", "year", "firstNumber", "lastNumber", "returnedByBlockId")
      SELECT ${authority}, ${year}::integer, "block"."lastNumber" + 1, "free"."lastNumber", "block"."id"
      FROM "block", "free" WHERE "free"."lastNumber" > "block"."lastNumber"
    )
    SELECT "id"::text AS "blockId", "firstNumber"::text AS "first", "lastNumber"::text AS "last" FROM "block"`.execute(db);
  const row = rows[0];
  return row && { blockId: row.blockId, first: Number(row.first), last: Number(row.last) };
}

/**
 * Opens the counter of a year, above the highest number of that year that patients carry already. Harmless when it is open.
 * Looks at every patient once per year (1 million: about 0.3 s): `LIKE` cannot use the index on `mrn` under every collation.
 */
export async function openCounter(
  db: MrnDb,
  counter: MrnLessee & { authority: string; formatVersion: number; year: number; pattern: string; stem: string },
): Promise<void> {
  const { authority, formatVersion, year, pattern, stem, instance, host, processId } = counter;
  await sql`
    WITH "existing" AS (
      SELECT coalesce(max(substring("mrn" FROM ${pattern})::bigint), 0) AS "number" FROM "patients" WHERE starts_with("mrn", ${stem}) AND "mrn" ~ ${pattern}
    ), "opened" AS (
      INSERT INTO "mrn_counters" ("authorityCode", "year", "lastNumber") SELECT ${authority}, ${year}::integer, "number" FROM "existing"
      ON CONFLICT DO NOTHING RETURNING "lastNumber"
    )
    INSERT INTO "mrn_blocks" ("authorityCode", "formatVersion", "year", "kind", "firstNumber", "lastNumber", "instance", "host", "processId", "expiresAt", "closedAt")
    SELECT ${authority}, ${formatVersion}::integer, ${year}::integer, 'RAISE', 1, "lastNumber", ${instance}, ${host}, ${processId}::integer, clock_timestamp(), clock_timestamp()
    FROM "opened" WHERE "lastNumber" > 0`.execute(db);
}

/** Moves an open counter up to a number that exists already, and says so in a block. Does nothing when the counter is there or above. */
export async function raiseCounter(db: MrnDb, raise: MrnLessee & { authority: string; formatVersion: number; year: number; number: number }): Promise<void> {
  const { authority, formatVersion, year, number, instance, host, processId } = raise;
  await sql`
    WITH "before" AS (
      SELECT "lastNumber" FROM "mrn_counters" WHERE "authorityCode" = ${authority} AND "year" = ${year} AND "lastNumber" < ${number}::bigint FOR UPDATE
    ), "raised" AS (
      UPDATE "mrn_counters" SET "lastNumber" = ${number}::bigint, "updatedAt" = clock_timestamp()
      WHERE "authorityCode" = ${authority} AND "year" = ${year} AND EXISTS (SELECT FROM "before")
    )
    INSERT INTO "mrn_blocks" ("authorityCode", "formatVersion", "year", "kind", "firstNumber", "lastNumber", "instance", "host", "processId", "expiresAt", "closedAt")
    SELECT ${authority}, ${formatVersion}::integer, ${year}::integer, 'RAISE', "lastNumber" + 1, ${number}::bigint, ${instance}, ${host}, ${processId}::integer, clock_timestamp(), clock_timestamp()
    FROM "before"`.execute(db);
}

/** Closes a block and gives the numbers back that nobody was handed; the next lease takes them first. */
export async function returnNumbers(db: MrnDb, blockId: string, ranges: readonly MrnRange[]): Promise<void> {
  await sql`
    WITH "block" AS (
      UPDATE "mrn_blocks" SET "closedAt" = coalesce("closedAt", clock_timestamp()) WHERE "id" = ${blockId} RETURNING "id", "authorityCode", "year"
    )
    INSERT INTO "mrn_returned_ranges" ("authorityCode", "year", "firstNumber", "lastNumber", "returnedByBlockId")
    SELECT "block"."authorityCode", "block"."year", "range"."first", "range"."last", "block"."id"
    FROM "block", unnest(${ranges.map((range) => range.first)}::bigint[], ${ranges.map((range) => range.last)}::bigint[]) AS "range" ("first", "last")`.execute(
    db,
  );
}

/** The years an authority has counters for, newest first. */
export async function listCounterYears(db: MrnDb, authority: string): Promise<number[]> {
  const { rows } = await sql<{ year: number }>`SELECT "year" FROM "mrn_counters" WHERE "authorityCode" = ${authority} ORDER BY "year" DESC`.execute(db);
  return rows.map((row) => row.year);
}

export interface CountedMrns {
  readonly counter: number;
  readonly inUse: number;
  readonly retired: number;
  readonly aheadOfCounter: number;
  readonly reserved: MrnRange[];
  readonly returned: MrnRange[];
  readonly missing: MrnRange[];
  readonly burnt: MrnBurntRange[];
}

/**
 * Accounts for every number of a year in one statement, hence in one snapshot.
 *
 * The numbers of the patients become runs of consecutive numbers (a row each only in the sort), the rest is multirange arithmetic.
 * A block stands for what it covers less what it gave back, so each number has exactly one block: the last one that had it.
 * Short blocks (leases) are found by the index, each hole looking back no further than a short block is long; long ones are few.
 */
export async function countNumbers(
  db: MrnDb,
  query: { authority: string; year: number; stems: readonly string[]; patterns: readonly string[] },
): Promise<CountedMrns | undefined> {
  const { authority, year, stems, patterns } = query;
  const { rows } = await sql<{ report: CountedMrns }>`
    WITH "counter" AS MATERIALIZED (
      SELECT "lastNumber" FROM "mrn_counters" WHERE "authorityCode" = ${authority} AND "year" = ${year}
    ), "used" AS MATERIALIZED (
      SELECT "n", bool_and("merged") AS "merged", row_number() OVER (ORDER BY "n") AS "place" FROM (
        SELECT substring("p"."mrn" FROM "f"."pattern")::bigint AS "n", "p"."mergedInto" IS NOT NULL AS "merged"
        FROM unnest(${stems}::text[], ${patterns}::text[]) AS "f" ("stem", "pattern")
        JOIN "patients" "p" ON starts_with("p"."mrn", "f"."stem")
        -- One look per number with the regular expression, which is most of the time; OFFSET keeps the condition from repeating it.
        OFFSET 0
      ) "each" WHERE "n" IS NOT NULL GROUP BY "n"
    ), "totals" AS MATERIALIZED (
      SELECT count(*) FILTER (WHERE "n" <= "lastNumber" AND NOT "merged") AS "inUse", count(*) FILTER (WHERE "n" <= "lastNumber" AND "merged") AS "retired",
             count(*) FILTER (WHERE "n" > "lastNumber") AS "aheadOfCounter"
      FROM "counter" LEFT JOIN "used" ON true
    ), "usedRuns" AS (
      SELECT range_agg(int8range("from", "to", '[]')) AS "all" FROM (
        SELECT min("n") AS "from", max("n") AS "to" FROM "used", "counter" WHERE "n" <= "lastNumber" GROUP BY "n" - "place"
      ) "runs"
    ), "gaps" AS MATERIALIZED (
      SELECT int8multirange(int8range(1, "lastNumber", '[]')) - coalesce("all", '{}') AS "all" FROM "counter", "usedRuns"
    ), "returned" AS MATERIALIZED (
      SELECT coalesce(range_agg(int8range("firstNumber", "lastNumber", '[]')), '{}') * (SELECT "all" FROM "gaps") AS "all"
      FROM "mrn_returned_ranges" WHERE "authorityCode" = ${authority} AND "year" = ${year} AND "takenByBlockId" IS NULL
    ), "reserved" AS MATERIALIZED (
      SELECT coalesce(range_agg(int8range("firstNumber", "lastNumber", '[]')), '{}') * (SELECT "all" FROM "gaps") - (SELECT "all" FROM "returned") AS "all"
      FROM "mrn_blocks" WHERE "authorityCode" = ${authority} AND "year" = ${year} AND "kind" = 'LEASE' AND "closedAt" IS NULL AND "expiresAt" > clock_timestamp()
    ), "missing" AS MATERIALIZED (
      SELECT (SELECT "all" FROM "gaps") - (SELECT "all" FROM "returned") - (SELECT "all" FROM "reserved") AS "all"
    ), "holes" AS MATERIALIZED (
      SELECT lower("r") AS "from", upper("r") - 1 AS "to", int8multirange("r") AS "hole" FROM "missing", unnest("all") AS "r"
    ), "answering" AS MATERIALIZED (
      SELECT "hole", "b".* FROM "holes" JOIN "mrn_blocks" "b"
        ON "b"."authorityCode" = ${authority} AND "b"."year" = ${year} AND "b"."firstNumber" BETWEEN "from" - 1023 AND "to" AND "b"."lastNumber" >= "from"
      WHERE "b"."lastNumber" - "b"."firstNumber" < 1024
      UNION ALL
      SELECT "hole", "b".* FROM "mrn_blocks" "b" JOIN "holes" ON "b"."firstNumber" <= "to" AND "b"."lastNumber" >= "from"
      WHERE "b"."authorityCode" = ${authority} AND "b"."year" = ${year} AND "b"."lastNumber" - "b"."firstNumber" >= 1024
    ), "burnt" AS MATERIALIZED (
      SELECT "b".*, "piece" FROM "answering" "b", unnest((int8multirange(int8range("firstNumber", "lastNumber", '[]'))
        - coalesce((SELECT range_agg(int8range("r"."firstNumber", "r"."lastNumber", '[]')) FROM "mrn_returned_ranges" "r" WHERE "r"."returnedByBlockId" = "b"."id"), '{}'))
        * "hole") AS "piece"
    )
    SELECT json_build_object(
      'counter', "lastNumber", 'inUse', "inUse", 'retired', "retired", 'aheadOfCounter', "aheadOfCounter",
      'reserved', (SELECT coalesce(json_agg(json_build_object('first', lower("r"), 'last', upper("r") - 1) ORDER BY "r"), '[]') FROM "reserved", unnest("all") AS "r"),
      'returned', (SELECT coalesce(json_agg(json_build_object('first', lower("r"), 'last', upper("r") - 1) ORDER BY "r"), '[]') FROM "returned", unnest("all") AS "r"),
      'missing', (SELECT coalesce(json_agg(json_build_object('first', lower("r"), 'last', upper("r") - 1) ORDER BY "r"), '[]')
                  FROM (SELECT "all" - (SELECT coalesce(range_agg("piece"), '{}') FROM "burnt") AS "rest" FROM "missing") "m", unnest("rest") AS "r"),
      'burnt', (SELECT coalesce(json_agg(json_build_object(
                  'first', lower("piece"), 'last', upper("piece") - 1,
                  'reason', CASE WHEN "kind" = 'RAISE' THEN 'counter-raised' WHEN "closedAt" IS NOT NULL THEN 'not-registered' ELSE 'not-given-back' END,
                  'blockId', "id", 'instance', "instance", 'host', "host", 'processId', "processId",
                  'leasedAt', to_char("leasedAt" AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
                  'expiresAt', to_char("expiresAt" AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) ORDER BY "piece"), '[]') FROM "burnt")
    ) AS "report" FROM "counter", "totals"`.execute(db);
  return rows[0]?.report;
}

/**
 * Leases numbers for good: from the counter alone and in one piece, since returned ranges are short. The block never expires, so that
 * the report shows its numbers as reserved until `closeLease`. Undefined when there is no counter for the year or the format is not the newest.
 */
export async function leaseForDesk(
  db: MrnDb,
  lease: MrnLessee & { authority: string; formatVersion: number; year: number; size: number },
): Promise<LeasedMrns | undefined> {
  const { authority, formatVersion, year, size, instance, host, processId } = lease;
  const { rows } = await sql<{ blockId: string; first: string; last: string }>`
    WITH "current" AS (
      SELECT 1 FROM "mrn_formats" WHERE "authorityCode" = ${authority} HAVING max("version") = ${formatVersion}
    ), "counter" AS (
      UPDATE "mrn_counters" SET "lastNumber" = "lastNumber" + ${size}::bigint, "updatedAt" = clock_timestamp()
      WHERE "authorityCode" = ${authority} AND "year" = ${year} AND EXISTS (SELECT FROM "current")
      RETURNING "lastNumber" - ${size}::bigint + 1 AS "firstNumber", "lastNumber"
    ), "block" AS (
      INSERT INTO "mrn_blocks" ("authorityCode", "formatVersion", "year", "kind", "firstNumber", "lastNumber", "instance", "host", "processId", "expiresAt")
      SELECT ${authority}, ${formatVersion}::integer, ${year}::integer, 'LEASE', "firstNumber", "lastNumber", ${instance}, ${host}, ${processId}::integer, 'infinity'
      FROM "counter"
      RETURNING "id", "firstNumber", "lastNumber"
    )
    SELECT "id"::text AS "blockId", "firstNumber"::text AS "first", "lastNumber"::text AS "last" FROM "block"`.execute(db);
  const row = rows[0];
  return row && { blockId: row.blockId, first: Number(row.first), last: Number(row.last) };
}

/** Ends a lease that was for good; these numbers of it go back to the counter, the others are explained by the block for ever. */
export async function closeLease(db: MrnDb, blockId: string, returned: readonly number[]): Promise<void> {
  await sql`
    WITH "block" AS (
      UPDATE "mrn_blocks" SET "closedAt" = clock_timestamp(), "expiresAt" = clock_timestamp() WHERE "id" = ${blockId} AND "closedAt" IS NULL
      RETURNING "id", "authorityCode", "year"
    )
    INSERT INTO "mrn_returned_ranges" ("authorityCode", "year", "firstNumber", "lastNumber", "returnedByBlockId")
    SELECT "block"."authorityCode", "block"."year", "runs"."first", "runs"."last", "block"."id"
    FROM "block", (
      SELECT min("n") AS "first", max("n") AS "last" FROM (
        SELECT "n", "n" - row_number() OVER (ORDER BY "n") AS "run" FROM unnest(${[...returned]}::bigint[]) AS "n"
      ) "each" GROUP BY "run"
    ) AS "runs"`.execute(db);
}
