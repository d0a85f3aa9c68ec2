import { sql } from 'kysely';
import type { Db } from '../db/context.ts';
import { canonicalText, instantText } from './canonical-row.ts';
import { type RowHash, unpackRows } from './seal.ts';
import type { AuditSeal } from './seal.schema.ts';

const text = sql.raw(canonicalText);

/** A transaction that has written to the trail, or is about to, and has not ended. */
export interface OpenWriter {
  readonly id: string;
  readonly pid: number | null;
}

/** The last row's number after those of the seals; undefined when there are none. */
export async function findLastSeq(db: Db, after: number): Promise<number | undefined> {
  const row = await db.selectFrom('patient_audit_events').select('seq').where('seq', '>', after).orderBy('seq', 'desc').limit(1).executeTakeFirst();
  return row === undefined ? undefined : Number(row.seq);
}

/**
 * Everybody who holds the lock of a writer on the trail. It is taken before a row gets its number and kept until the
 * transaction has ended, so that whoever drew a number up to the one just read is in this list or has ended.
 */
export async function listOpenWriters(db: Db): Promise<OpenWriter[]> {
  const { rows } = await sql<OpenWriter>`
    select distinct l.virtualtransaction as id, l.pid from pg_catalog.pg_locks l
    where l.locktype = 'relation' and l.relation = 'patient_audit_events'::regclass and l.mode = 'RowExclusiveLock' and l.granted
      and l.database = (select oid from pg_catalog.pg_database where datname = current_database())`.execute(db);
  return rows;
}

/** Whether this transaction is the one that seals; the others go on without waiting. */
export async function trySealingLock(db: Db): Promise<boolean> {
  const { rows } = await sql<{ mine: boolean }>`
    select pg_catalog.pg_try_advisory_xact_lock(pg_catalog.hashtextextended('onechart audit seals', 'patient_audit_seals'::regclass::oid::bigint)) as mine`.execute(
    db,
  );
  return rows[0]?.mine === true;
}

const sealColumns = sql.raw(
  `"number", "kind", "format", "fromSeq", "toSeq", "month", "rowCount", "digest", encode(sha256("fingerprints"), 'hex') as "fingerprintsDigest", "note", ${instantText('"sealedAt"')} as "sealedAt", "previousHash", "hash", "keyId", "signature"`,
);

/** Numbers may come as text, whoever opened the connection. */
function toSeal(row: AuditSeal): AuditSeal {
  return {
    ...row,
    number: Number(row.number),
    fromSeq: Number(row.fromSeq),
    toSeq: Number(row.toSeq),
  };
}

export async function findLastSeal(db: Db): Promise<AuditSeal | undefined> {
  const { rows } = await sql<AuditSeal>`select ${sealColumns} from patient_audit_seals order by number desc limit 1`.execute(db);
  return rows[0] && toSeal(rows[0]);
}

export async function findSeal(db: Db, number: number): Promise<AuditSeal | undefined> {
  const { rows } = await sql<AuditSeal>`select ${sealColumns} from patient_audit_seals where number = ${number}`.execute(db);
  return rows[0] && toSeal(rows[0]);
}

/** Seals in the order of the chain, without their fingerprints. */
export async function listSeals(db: Db, page: { after: number; limit: number }): Promise<AuditSeal[]> {
  const { rows } =
    await sql<AuditSeal>`select ${sealColumns} from patient_audit_seals where number > ${page.after} order by number limit ${page.limit}`.execute(db);
  return rows.map(toSeal);
}

export async function listRemovals(db: Db): Promise<AuditSeal[]> {
  const { rows } = await sql<AuditSeal>`select ${sealColumns} from patient_audit_seals where kind = 'REMOVAL' order by number`.execute(db);
  return rows.map(toSeal);
}

export async function readFingerprints(db: Db, number: number): Promise<Buffer> {
  const row = await db.selectFrom('patient_audit_seals').select('fingerprints').where('number', '=', number).executeTakeFirst();
  return row?.fingerprints ?? Buffer.alloc(0);
}

export async function insertSeal(db: Db, seal: AuditSeal & { fingerprints: Buffer | null }): Promise<void> {
  const { fingerprintsDigest: _computed, sealedAt, ...values } = seal;
  await db
    .insertInto('patient_audit_seals')
    .values({ ...values, sealedAt: new Date(sealedAt) })
    .execute();
}

export interface RowRange {
  /** Exclusive; undefined means from the very first, whatever number it bears. */
  readonly after: number | undefined;
  /** Inclusive. */
  readonly upTo: number | undefined;
  readonly limit: number;
  /** Only rows of this month, as 2026-11. */
  readonly month?: string;
}

/** Hashes of rows in order, made by the server: 44 bytes a row on the wire instead of the row. */
export async function hashRows(db: Db, range: RowRange): Promise<RowHash[]> {
  const { rows } = await sql<{ packed: Buffer | null }>`
    select string_agg(int4send(month) || int8send(seq) || sha256(convert_to(line, 'UTF8')), ''::bytea order by seq, id) as packed from (
      select seq, id, (extract(year from "occurredAt" at time zone 'UTC') * 12 + extract(month from "occurredAt" at time zone 'UTC') - 1)::int as month, ${text} as line
      from patient_audit_events where ${inRange(range)} order by seq, id limit ${range.limit}) page`.execute(db);
  return rows[0]?.packed ? unpackRows(rows[0].packed) : [];
}

/** Rows in order as their canonical texts. */
export async function readTexts(db: Db, range: RowRange & { patientId?: string }): Promise<{ seq: number; text: string }[]> {
  const patient = range.patientId === undefined ? sql`true` : sql`"patientId" = ${range.patientId}`;
  const { rows } = await sql<{ seq: number | string; text: string }>`
    select seq, ${text} as text from patient_audit_events where ${inRange(range)} and ${patient} order by seq, id limit ${range.limit}`.execute(db);
  return rows.map((row) => ({ seq: Number(row.seq), text: row.text }));
}

function inRange({ after, upTo, month }: RowRange) {
  const begin = month === undefined ? undefined : `${month}-01T00:00:00Z`;
  return sql.join(
    [
      after === undefined ? sql`true` : sql`seq > ${after}`,
      upTo === undefined ? sql`true` : sql`seq <= ${upTo}`,
      begin === undefined ? sql`true` : sql`"occurredAt" >= ${begin}::timestamptz and "occurredAt" < ${nextMonth(begin)}::timestamptz`,
    ],
    sql` and `,
  );
}

function nextMonth(begin: string): string {
  const date = new Date(begin);
  date.setUTCMonth(date.getUTCMonth() + 1);
  return date.toISOString();
}

export async function findIds(db: Db, seqs: readonly number[]): Promise<Map<number, string>> {
  if (seqs.length === 0) return new Map();
  const rows = await db
    .selectFrom('patient_audit_events')
    .select(['seq', 'id'])
    .where('seq', 'in', [...seqs])
    .execute();
  return new Map(rows.map((row) => [Number(row.seq), row.id]));
}

export async function countUnsealed(db: Db, after: number): Promise<{ rows: number; oldest: string | null }> {
  const { rows } = await sql<{ rows: string; oldest: string | null }>`
    select count(*)::text as rows, ${sql.raw(instantText('min("occurredAt")'))} as oldest from patient_audit_events where seq > ${after}`.execute(db);
  return { rows: Number(rows[0]?.rows ?? 0), oldest: rows[0]?.oldest ?? null };
}

/** Ends of the chain that earlier verifications wrote into the trail itself. No index knows them: the trail is read, which verifying does anyway. */
export async function listRecordedHeads(db: Db): Promise<{ number: number; hash: string }[]> {
  const { rows } = await sql<{ number: string; hash: string }>`
    select distinct "after"->'head'->>'number' as number, "after"->'head'->>'hash' as hash from patient_audit_events
    where action = 'audit.verified' and jsonb_typeof("after"->'head'->'number') = 'number' and jsonb_typeof("after"->'head'->'hash') = 'string'`.execute(db);
  return rows.map(({ number, hash }) => ({ number: Number(number), hash }));
}
