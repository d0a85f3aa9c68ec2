import { sql } from 'kysely';
import { toInstant } from '../base/instant.ts';
import type { Db } from '../db/context.ts';
import { DowntimeBlock, DowntimeNumber, type DowntimeNumberState } from './downtime.schema.ts';

/** A block with what only the service needs. */
export interface StoredBlock {
  readonly id: string;
  readonly mrnBlockId: string;
  readonly block: DowntimeBlock;
}

const count = (state: DowntimeNumberState) => sql`count(*) FILTER (WHERE "n"."state" = ${sql.lit(state)})::integer`;

async function selectBlocks(db: Db, where: { code?: string; open?: boolean }): Promise<StoredBlock[]> {
  const { rows } = await sql<Record<string, unknown> & { issuedAt: Date; closedAt: Date | null }>`
    SELECT "b"."id"::text AS "id", "b"."mrnBlockId"::text AS "mrnBlockId", "b"."code", "b"."desk", "b"."authorityCode" AS "authority",
           "b"."validFrom"::text AS "validFrom", "b"."validUntil"::text AS "validUntil", "b"."keyId", "b"."signature", "b"."issuedAt", "b"."closedAt", "b"."closeReason",
           json_build_object('open', ${count('OPEN')}, 'used', ${count('USED')}, 'void', ${count('VOID')}, 'returned', ${count('RETURNED')}, 'missing', ${count('MISSING')}) AS "counts"
    FROM "downtime_blocks" "b" LEFT JOIN "downtime_numbers" "n" ON "n"."blockId" = "b"."id"
    WHERE (${where.code ?? null}::text IS NULL OR "b"."code" = ${where.code ?? null}::text) AND (NOT ${where.open ?? false}::boolean OR "b"."closedAt" IS NULL)
    GROUP BY "b"."id" ORDER BY "b"."issuedAt", "b"."code"`.execute(db);
  return rows.map((row) => ({
    id: String(row.id),
    mrnBlockId: String(row.mrnBlockId),
    block: DowntimeBlock.parse({ ...row, issuedAt: toInstant(row.issuedAt), closedAt: toInstant(row.closedAt) }),
  }));
}

export async function listBlocks(db: Db, { open }: { open: boolean }): Promise<DowntimeBlock[]> {
  return (await selectBlocks(db, { open })).map(({ block }) => block);
}

export async function findBlock(db: Db, code: string): Promise<StoredBlock | undefined> {
  return (await selectBlocks(db, { code }))[0];
}

/** Until the transaction ends nobody else reconciles or closes the block. */
export async function holdBlock(db: Db, code: string): Promise<boolean> {
  return (
    (await db.selectFrom('downtime_blocks').select('id').where('code', '=', code).where('closedAt', 'is', null).forUpdate().executeTakeFirst()) !== undefined
  );
}

export async function listNumbers(db: Db, blockId: string): Promise<(DowntimeNumber & { number: number })[]> {
  const rows = await db
    .selectFrom('downtime_numbers')
    .select(['mrn', 'place', 'number', 'checkCharacter', 'state', 'stateAt', 'reason'])
    .where('blockId', '=', blockId)
    .orderBy('place')
    .execute();
  return rows.map((row) => ({ ...DowntimeNumber.parse({ ...row, stateAt: toInstant(row.stateAt) }), number: Number(row.number) }));
}

export async function insertBlock(
  db: Db,
  block: {
    code: string;
    desk: string;
    authorityCode: string;
    year: number;
    mrnBlockId: string;
    validFrom: string;
    validUntil: string;
    keyId: string;
    signature: string;
    issuedAt: Date;
    numbers: readonly { mrn: string; number: number; checkCharacter: string }[];
  },
): Promise<void> {
  const { numbers, ...row } = block;
  const { id } = await db.insertInto('downtime_blocks').values(row).returning('id').executeTakeFirstOrThrow();
  await db
    .insertInto('downtime_numbers')
    .values(numbers.map((each, index) => ({ ...each, blockId: id, place: index + 1, state: 'OPEN' })))
    .execute();
}

/** Says what became of an open number; false when it is not open any more. */
export async function settleNumber(db: Db, mrn: string, to: { state: DowntimeNumberState; reason: string | null; at: Date }): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('downtime_numbers')
    .set({ state: to.state, stateAt: to.at, reason: to.reason })
    .where('mrn', '=', mrn)
    .where('state', '=', 'OPEN')
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

export async function closeBlockRow(db: Db, code: string, { at, reason }: { at: Date; reason: string | null }): Promise<void> {
  await db.updateTable('downtime_blocks').set({ closedAt: at, closeReason: reason }).where('code', '=', code).where('closedAt', 'is', null).execute();
}
