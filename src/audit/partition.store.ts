import { sql } from 'kysely';
import type { Db } from '../db/context.ts';

/** A partition of the trail; `month` is undefined for the default one. */
export interface TrailPartition {
  readonly name: string;
  readonly month: string | undefined;
}

const table = 'patient_audit_events';

/** The partitions, the oldest month first. A month is told by the name, as bounds are printed in the time zone of the session. */
export async function listPartitions(db: Db): Promise<TrailPartition[]> {
  const { rows } = await sql<{ name: string; isDefault: boolean }>`
    select c.relname as name, p.partdefid = c.oid as "isDefault" from pg_catalog.pg_partitioned_table p
    join pg_catalog.pg_inherits h on h.inhparent = p.partrelid join pg_catalog.pg_class c on c.oid = h.inhrelid
    where p.partrelid = ${table}::regclass order by c.relname`.execute(db);
  return rows.map(({ name, isDefault }) => {
    const [, year, month] = /_(\d{4})_(\d{2})$/.exec(name) ?? [];
    return { name, month: isDefault || year === undefined ? undefined : `${year}-${month}` };
  });
}

/** Months of which rows wait in the default partition. */
export async function listWaitingMonths(db: Db, partition: string): Promise<string[]> {
  const { rows } = await sql<{ month: string }>`
    select distinct to_char("occurredAt" at time zone 'UTC', 'YYYY-MM') as month from ${await relation(db, partition)} order by 1`.execute(db);
  return rows.map(({ month }) => month);
}

/** Makes the partition of a month and moves there what waits in the default one, in the caller's transaction. */
export async function makePartition(
  db: Db,
  { month, waitingIn, lockMilliseconds }: { month: string; waitingIn: string | undefined; lockMilliseconds: number },
): Promise<number> {
  const name = await relation(db, partitionName(month));
  const parent = await relation(db, table);
  const [from, to] = boundsOf(month);
  await sql`select set_config('lock_timeout', ${`${lockMilliseconds}ms`}, true)`.execute(db);
  await sql`create table ${name} (like ${parent} including all)`.execute(db);
  let moved = 0n;
  if (waitingIn !== undefined) {
    const waiting = await relation(db, waitingIn);
    await sql`lock table ${waiting} in access exclusive mode`.execute(db);
    const range = sql`"occurredAt" >= ${sql.lit(from)} and "occurredAt" < ${sql.lit(to)}`;
    ({ numAffectedRows: moved = 0n } = await sql`insert into ${name} select * from ${waiting} where ${range}`.execute(db));
    if (moved > 0n) await sql`delete from ${waiting} where ${range}`.execute(db);
  }
  await sql`alter table ${parent} attach partition ${name} for values from (${sql.lit(from)}) to (${sql.lit(to)})`.execute(db);
  return Number(moved);
}

/** Rows and last number of one partition. */
export async function summarizePartition(db: Db, partition: string): Promise<{ rows: number; lastSeq: number }> {
  const { rows } = await sql<{ rows: string; last: string | null }>`
    select count(*)::text as rows, max(seq)::text as last from ${await relation(db, partition)}`.execute(db);
  return { rows: Number(rows[0]?.rows ?? 0), lastSeq: Number(rows[0]?.last ?? 0) };
}

/** Nobody reads or writes the trail while this holds: two short statements long. */
export async function lockForDrop(db: Db, partition: string, lockMilliseconds: number): Promise<void> {
  await sql`select set_config('lock_timeout', ${`${lockMilliseconds}ms`}, true)`.execute(db);
  await sql`lock table only ${await relation(db, table)} in access exclusive mode`.execute(db);
  await sql`lock table ${await relation(db, partition)} in access exclusive mode`.execute(db);
}

export async function dropPartition(db: Db, partition: string): Promise<void> {
  await sql`drop table ${await relation(db, partition)}`.execute(db);
}

export function partitionName(month: string): string {
  return `${table}_${month.replace('-', '_')}`;
}

/** In the schema of the trail, wherever the search path would put a new table. */
async function relation(db: Db, name: string) {
  const { rows } = await sql<{ schema: string }>`
    select n.nspname as schema from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where c.oid = ${table}::regclass`.execute(
    db,
  );
  return sql.id(rows[0]?.schema ?? 'public', name);
}

function boundsOf(month: string): [string, string] {
  const begin = new Date(`${month}-01T00:00:00Z`);
  const end = new Date(begin);
  end.setUTCMonth(end.getUTCMonth() + 1);
  return [begin.toISOString(), end.toISOString()];
}
