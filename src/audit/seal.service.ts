import type { Pool } from 'pg';
import { AppError, toAppError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { Meter } from '../base/meter.ts';
import { kyselyOnPool } from '../db/connect.ts';
import type { Db } from '../db/context.ts';
import { translateDatabaseError } from '../db/sqlstate.ts';
import { hashOfBytes, hashOfSeal, monthName, noSeal, type RowHash, type SealingKey, sealFormat, summarizeRows } from './seal.ts';
import type { AuditSeal } from './seal.schema.ts';
import { findLastSeal, findLastSeq, findSeal, hashRows, insertSeal, listOpenWriters, trySealingLock } from './seal.store.ts';

/** Rows of one batch of seals: 64 bytes of memory each, and the time for which an open seal holds a connection. */
const batchRows = 20_000;
/** How often open transactions are looked at again while a batch waits for them. */
const lookAgainMilliseconds = 20;

/** The end of the chain. */
export interface ChainHead {
  readonly number: number;
  readonly hash: string;
}

export interface SealingOptions {
  readonly key?: SealingKey | undefined;
  /** How long to wait for transactions that are writing; what they write is sealed the next time. */
  readonly waitMilliseconds?: number;
  /** The end of the chain as this process knows it: a chain that no longer holds it is not built on. */
  readonly known?: ChainHead | undefined;
  readonly now?: () => Date;
}

export interface SealingResult {
  readonly seals: number;
  readonly rows: number;
  readonly head: ChainHead | undefined;
  /** Transactions that were still writing when the wait was over. */
  readonly waitingFor: number;
}

/**
 * Seals the rows that are complete: those up to a number below which nobody can add one honestly any more.
 *
 * The last number is read, then who holds the lock of a writer. Whoever drew a lower number holds that lock since before,
 * so when all of these have ended, the set is complete. Nobody waits for the sealer, and a long transaction that
 * has nothing to do with the trail delays nothing.
 *
 * Errors: `AUDIT_CHAIN_BROKEN` (drift) when the chain is not the one that this process knows; `AUDIT_KEY_MISSING` (operator) when it is signed and no key was given.
 *
 * @example
 * const { rows } = await sealAuditTrail(kyselyOnPool(createPool(parseDatabaseUrl('postgresql://ehr@127.0.0.1/ehr'))));
 */
export async function sealAuditTrail(db: Db, options: SealingOptions = {}): Promise<SealingResult> {
  const last = await findLastSeal(db);
  const upTo = await findLastSeq(db, last?.toSeq ?? 0);
  if (upTo === undefined) {
    await requireKnown(db, { last, known: options.known });
    return { seals: 0, rows: 0, head: last && headOf(last), waitingFor: 0 };
  }
  const waitingFor = await waitForWriters(db, options.waitMilliseconds ?? 1_000);
  if (waitingFor > 0) return { seals: 0, rows: 0, head: last && headOf(last), waitingFor };
  let done: SealingResult = { seals: 0, rows: 0, head: last && headOf(last), waitingFor: 0 };
  let known = options.known;
  for (;;) {
    const batch = await sealBatch(db, { ...options, known, upTo });
    if (!batch) return done;
    done = { seals: done.seals + batch.seals.length, rows: done.rows + batch.rows, head: batch.head, waitingFor: 0 };
    known = batch.head;
  }
}

/** How many of those who write now are still at it after the wait. */
async function waitForWriters(db: Db, milliseconds: number): Promise<number> {
  const began = Date.now();
  let open = new Set((await listOpenWriters(db)).map(({ id }) => id));
  while (open.size > 0 && Date.now() - began < milliseconds) {
    await new Promise((resolve) => setTimeout(resolve, lookAgainMilliseconds));
    const still = new Set((await listOpenWriters(db)).map(({ id }) => id));
    open = new Set([...open].filter((id) => still.has(id)));
  }
  return open.size;
}

interface Batch {
  readonly seals: readonly AuditSeal[];
  readonly rows: number;
  readonly head: ChainHead;
}

/** One transaction: the lock, the end of the chain, the next rows, a seal for each month among them. Undefined when there is nothing to do, or another process does it. */
async function sealBatch(db: Db, { key, known, upTo, now = () => new Date() }: SealingOptions & { upTo: number }): Promise<Batch | undefined> {
  return db.transaction().execute(async (inside) => {
    if (!(await trySealingLock(inside))) return undefined;
    const last = await findLastSeal(inside);
    await requireKnown(inside, { last, known });
    const fromSeq = last?.toSeq ?? 0;
    if (fromSeq >= upTo) return undefined;
    const rows = await hashRows(inside, { after: fromSeq, upTo, limit: batchRows });
    const lastRow = rows.at(-1);
    if (lastRow === undefined) return undefined;
    // Up to the last one that was read: gaps that a rollback left belong to the batch after them.
    const seals: AuditSeal[] = [];
    for (const [month, part] of Map.groupBy(rows, (row: RowHash) => row.month)) {
      const previous: AuditSeal | undefined = seals.at(-1) ?? last;
      const summary = summarizeRows(part);
      const seal = link(previous, {
        kind: 'ROWS',
        fromSeq,
        toSeq: lastRow.seq,
        month: monthName(month),
        rowCount: summary.rowCount,
        digest: summary.digest,
        fingerprints: summary.fingerprints,
        note: null,
        sealedAt: now().toISOString(),
        key,
      });
      await insertSeal(inside, seal);
      seals.push(seal);
    }
    return { seals, rows: rows.length, head: headOf(seals.at(-1) as AuditSeal) };
  });
}

/** The record that a month was dropped, in the transaction that drops it. Errors: `AUDIT_SEALING_BUSY` when somebody seals at this moment. */
export async function sealRemoval(
  inside: Db,
  removal: { month: string; rowCount: number; digest: string; note: string; key?: SealingKey | undefined; now: Date },
): Promise<AuditSeal> {
  if (!(await trySealingLock(inside)))
    throw new AppError('busy', 'AUDIT_SEALING_BUSY', 'Another process is sealing the audit trail at this moment. Run the same command again.');
  const last = await findLastSeal(inside);
  const at = last?.toSeq ?? 0;
  const { now, ...told } = removal;
  const seal = link(last, { ...told, kind: 'REMOVAL', fromSeq: at, toSeq: at, fingerprints: null, sealedAt: now.toISOString() });
  await insertSeal(inside, seal);
  return seal;
}

type NewSeal = Pick<AuditSeal, 'kind' | 'fromSeq' | 'toSeq' | 'month' | 'rowCount' | 'digest' | 'note' | 'sealedAt'> & {
  readonly fingerprints: Buffer | null;
  readonly key?: SealingKey | undefined;
};

function link(previous: AuditSeal | undefined, { key, fingerprints, ...content }: NewSeal): AuditSeal & { fingerprints: Buffer | null } {
  // Once signed, always signed: a seal without a signature among signed ones is what a forger would leave.
  if (previous && previous.signature !== null && key === undefined)
    throw new AppError(
      'operator',
      'AUDIT_KEY_MISSING',
      'The seals of this audit trail are signed, so nothing is sealed without the key. Give --signing-key or ONECHART_AUDIT_SIGNING_KEY_FILE, or leave it to the server.',
    );
  const unsigned = {
    ...content,
    number: (previous?.number ?? 0) + 1,
    format: sealFormat,
    fingerprintsDigest: fingerprints === null ? null : hashOfBytes(fingerprints),
    previousHash: previous?.hash ?? noSeal,
  };
  const hash = hashOfSeal(unsigned);
  return { ...unsigned, fingerprints, hash, keyId: key?.keyId ?? null, signature: key?.sign(hash) ?? null };
}

function headOf({ number, hash }: AuditSeal): ChainHead {
  return { number, hash };
}

async function requireKnown(db: Db, { last, known }: { last: AuditSeal | undefined; known: ChainHead | undefined }): Promise<void> {
  if (last !== undefined && last.hash !== hashOfSeal(last)) throw broken(last.number);
  if (known === undefined) return;
  const found = last?.number === known.number ? last : await findSeal(db, known.number);
  if (found?.hash !== known.hash) throw broken(known.number);
}

function broken(number: number): AppError {
  return new AppError(
    'drift',
    'AUDIT_CHAIN_BROKEN',
    `Seal ${number} of the audit trail is no longer as it was, so nothing is sealed on top of it. Run onechart audit verify, and find out who changed the table.`,
    { seal: number },
  );
}

export interface StartSealingOptions {
  readonly pool: Pool;
  readonly everyMilliseconds?: number;
  readonly key?: SealingKey | undefined;
  readonly log?: Pick<Logger, 'info' | 'warn' | 'error'>;
  readonly meter?: Meter | undefined;
}

/** A running sealer. */
export interface Sealer {
  /** Seals once more and ends. */
  stop(): Promise<void>;
}

/**
 * Seals again and again, in the background of a server. Any number of processes may do this on one database: whoever comes
 * second finds nothing to do. An error is logged and does not end it; without rows it asks one question each time.
 *
 * @example
 * const sealer = startSealing({ pool: createPool(parseDatabaseUrl('postgresql://ehr@127.0.0.1/ehr')), everyMilliseconds: 1000 });
 * await sealer.stop();
 */
export function startSealing({ pool, everyMilliseconds = 1_000, key, log, meter }: StartSealingOptions): Sealer {
  const db = kyselyOnPool(pool);
  let known: ChainHead | undefined;
  let stopped = false;
  let wake: () => void = () => undefined;
  let troubled: string | undefined;
  const once = async (waitMilliseconds: number) => {
    try {
      const result = await sealAuditTrail(db, { key, known, waitMilliseconds });
      known = result.head ?? known;
      // The head in the log is a witness outside of the database.
      if (result.seals > 0) log?.info({ seals: result.seals, rows: result.rows, seal: result.head?.number, hash: result.head?.hash }, 'audit trail sealed');
      meter?.sealed(result.rows);
      troubled = undefined;
    } catch (thrown) {
      const error = toAppError(translateDatabaseError(thrown));
      // A second process sealed first: nothing is wrong.
      if (error.code === 'AUDIT_SEAL_TAKEN') return;
      meter?.sealed('failed');
      if (troubled !== error.code) log?.error({ code: error.code, details: error.details }, error.message);
      troubled = error.code;
    }
  };
  const running = (async () => {
    while (!stopped) {
      await once(everyMilliseconds);
      if (stopped) break;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, everyMilliseconds);
        timer.unref();
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  })();
  return {
    stop: async () => {
      if (stopped) return running;
      stopped = true;
      wake();
      await running;
      await once(0);
    },
  };
}
