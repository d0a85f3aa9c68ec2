import { sql } from 'kysely';
import type { Db } from '../db/context.ts';
import { toInstant } from '../base/instant.ts';

export interface Counts {
  readonly patients: number;
  readonly auditRows: number;
  readonly events: number;
  readonly files: number;
}

export async function countRegistry(db: Db): Promise<Counts> {
  const { rows } = await sql<Record<keyof Counts, string>>`
    select (select count(*) from patients)::text as "patients", (select count(*) from patient_audit_events)::text as "auditRows",
      (select count(*) from patient_outbox_events)::text as "events",
      (select count(*) from patient_document_contents where "completedAt" is not null)::text as "files"`.execute(db);
  const [row] = rows;
  return { patients: Number(row?.patients), auditRows: Number(row?.auditRows), events: Number(row?.events), files: Number(row?.files) };
}

/** When the last thing happened that is in the database. */
export async function findNewestRow(db: Db): Promise<string | undefined> {
  const { rows } = await sql<{ at: Date | null }>`
    select greatest((select max("occurredAt") from patient_audit_events), (select max("updatedAt") from patients)) as at`.execute(db);
  const at = rows[0]?.at;
  return at ? toInstant(at) : undefined;
}

/** Record numbers that more than one chart carries, in any case and with any blanks around. The unique key forbids the plain ones; a broken index would not. */
export async function findRepeatedMrns(db: Db): Promise<number> {
  // The index itself is what is doubted here: the table is read.
  const { rows } = await sql<{ count: string }>`
    select count(*)::text as count from (select 1 from patients group by upper(btrim("mrn")) having count(*) > 1) as repeated`.execute(db);
  return Number(rows[0]?.count ?? 0);
}

/** Ids of charts from everywhere in the table. */
export async function sampleCharts(
  db: Db,
  size: number,
): Promise<{ id: string; mrn: string; lastName: string; firstName: string | null; dateOfBirth: string | null }[]> {
  const rows = await db
    .selectFrom('patients')
    .select(['id', 'mrn', 'lastName', 'firstName', 'dateOfBirth'])
    .where('mergedInto', 'is', null)
    .orderBy(sql`md5(id::text)`)
    .limit(size)
    .execute();
  return rows as { id: string; mrn: string; lastName: string; firstName: string | null; dateOfBirth: string | null }[];
}

export interface ListedFile {
  readonly id: string;
  readonly store: string;
  readonly size: number;
  readonly sha256: string;
}

/** Complete files in the order of their keys. */
export async function listFiles(db: Db, page: { after: string | undefined; limit: number }): Promise<ListedFile[]> {
  let query = db
    .selectFrom('patient_document_contents')
    .select(['id', 'store', 'size', 'sha256'])
    .where('completedAt', 'is not', null)
    .orderBy('id')
    .limit(page.limit);
  if (page.after !== undefined) query = query.where('id', '>', page.after);
  return (await query.execute()).map(({ id, store, size, sha256 }) => ({ id, store, size: Number(size), sha256: sha256 ?? '' }));
}
