import type { Db } from '../db/context.ts';
import { type Anchor, type Problem, readChain } from './chain.ts';
import { compareRows, monthName, type RowHash, type SealVerifier, summarizeRows } from './seal.ts';
import type { AuditSeal, AuditVerification } from './seal.schema.ts';
import { countUnsealed, findIds, hashRows, listRecordedHeads, listRemovals, listSeals, readFingerprints } from './seal.store.ts';

const sealsAPage = 500;
const rowsAPage = 20_000;
/** More are counted and not listed: after so many nobody reads on. */
const listedProblems = 1_000;

export interface VerifyOptions {
  /** Only rows sealed from here on; the seals themselves are always looked at from the first. */
  readonly from?: Date | undefined;
  /** Only rows sealed before this. */
  readonly to?: Date | undefined;
  readonly verifiers?: readonly SealVerifier[];
  readonly anchors?: readonly Anchor[];
  readonly onProgress?: ((rows: number) => void) | undefined;
}

/**
 * Looks at every seal and every sealed row, and names what was altered, removed or inserted since.
 *
 * Ends of the chain that earlier verifications recorded in the trail must still be in it, as must the given anchors.
 * Rows and seals are read once, side by side, in pages: the memory does not grow with the trail. The server hashes the rows.
 *
 * @example
 * const { ok, problems } = await verifyAuditTrail(kyselyOnPool(createPool(parseDatabaseUrl('postgresql://auditor@127.0.0.1/ehr'))));
 */
export async function verifyAuditTrail(db: Db, options: VerifyOptions = {}): Promise<AuditVerification> {
  const { from, to, verifiers = [], anchors = [], onProgress } = options;
  const found = problemList(db);
  const chain = readChain({ begin: 'first', verifiers, anchors: [...(await listRecordedHeads(db)), ...anchors] });
  const removals = await listRemovals(db);
  const rows = rowReader(db);
  const removedRows = new Map<number, number>();
  let rowsVerified = 0;
  let seals = 0;
  let last: AuditSeal | undefined;

  let covered = 0;
  const verifyRound = async (round: readonly AuditSeal[]) => {
    const [first] = round as [AuditSeal];
    const before = covered;
    covered = first.toSeq;
    const wanted = (!from || first.sealedAt >= from.toISOString()) && (!to || first.sealedAt < to.toISOString());
    if (!wanted) return rows.skipTo(first.toSeq);
    // Rows between the seals belong to seals that are gone, which was said already; rows before the first one belong nowhere.
    const passed = (await rows.upTo(first.fromSeq)).filter(({ seq }) => seq <= before);
    if (passed.length > 0) await found.rows('row-inserted', passed, (seq) => `Row ${seq} bears a number of rows before it: it was inserted later.`, null);
    const there = await rows.upTo(first.toSeq);
    rowsVerified += there.length;
    const byMonth = Map.groupBy(there, (row) => monthName(row.month));
    const kept = round.filter((seal) => {
      const removal = removals.find((each) => each.month === seal.month && each.number > seal.number);
      if (!removal || byMonth.has(seal.month)) return true;
      removedRows.set(removal.number, (removedRows.get(removal.number) ?? 0) + seal.rowCount);
      return false;
    });
    const wrong = kept.filter((seal) => {
      const now = summarizeRows(byMonth.get(seal.month) ?? []);
      byMonth.delete(seal.month);
      return now.rowCount !== seal.rowCount || now.digest !== seal.digest;
    });
    // All seals of the batch together: a row whose time was altered may have left its month.
    if (wrong.length > 0 || byMonth.size > 0) await found.differences(wrong[0] ?? first, { kept, there });
    onProgress?.(rowsVerified);
  };

  let round: AuditSeal[] = [];
  for (let after = 0; ; ) {
    const page = await listSeals(db, { after, limit: sealsAPage });
    for (const seal of page) {
      await found.add(chain.next(seal));
      seals += 1;
      if (seal.kind !== 'ROWS') continue;
      const [first] = round;
      if (first && (first.fromSeq !== seal.fromSeq || first.toSeq !== seal.toSeq)) {
        await verifyRound(round);
        round = [];
      }
      round.push(seal);
    }
    last = page.at(-1) ?? last;
    if (page.length < sealsAPage) break;
    after = last?.number ?? 0;
  }
  if (round.length > 0) await verifyRound(round);
  await found.add(chain.end());
  if (!from && !to) {
    for (const removal of removals) {
      const gone = removedRows.get(removal.number) ?? 0;
      if (gone !== 0 && gone !== removal.rowCount)
        await found.add([
          {
            kind: 'row-removed',
            seal: removal.number,
            seq: null,
            id: null,
            text: `${gone} sealed rows of ${removal.month} are gone, and seal ${removal.number} says that ${removal.rowCount} were removed.`,
          },
        ]);
    }
  }
  return {
    ok: found.count() === 0,
    seals,
    head: last ? { number: last.number, hash: last.hash } : null,
    rowsVerified,
    unsealed: await countUnsealed(db, last?.toSeq ?? 0),
    removed: removals.map(({ month, rowCount, sealedAt, note }) => ({ month, rows: rowCount, at: sealedAt, note })),
    signedBy: verifiers.map(({ keyId }) => keyId),
    problemCount: found.count(),
    problems: found.list(),
  };
}

interface RowReader {
  /** The rows after those given before, up to this number. */
  upTo(seq: number): Promise<RowHash[]>;
  skipTo(seq: number): void;
}

/** Rows in their order, read ahead in pages. */
function rowReader(db: Db): RowReader {
  let page: RowHash[] = [];
  let at = 0;
  let after: number | undefined;
  let ended = false;
  const fill = async () => {
    // Rows that bear one number, which only a forger makes, must not be cut in two by the end of a page.
    page = await hashRows(db, { after, upTo: undefined, limit: rowsAPage });
    const final = page.at(-1)?.seq;
    if (page.length === rowsAPage && final !== undefined && page[0]?.seq !== final) page = page.filter((row) => row.seq < final);
    else ended = true;
    after = page.at(-1)?.seq ?? after;
    at = 0;
  };
  return {
    async upTo(seq) {
      const rows: RowHash[] = [];
      for (;;) {
        if (at >= page.length) {
          if (ended) return rows;
          await fill();
          if (page.length === 0) return rows;
        }
        const next = page[at] as RowHash;
        if (next.seq > seq) return rows;
        rows.push(next);
        at += 1;
      }
    },
    skipTo(seq) {
      if (after !== undefined && after > seq) {
        while (at < page.length && (page[at] as RowHash).seq <= seq) at += 1;
        return;
      }
      page = [];
      at = 0;
      ended = false;
      after = seq;
    },
  };
}

function problemList(db: Db) {
  const listed: Problem[] = [];
  let count = 0;
  const add = async (problems: readonly Problem[]) => {
    for (const each of problems) {
      count += 1;
      if (listed.length < listedProblems) listed.push(each);
    }
  };
  const named = async (kind: Problem['kind'], rows: readonly { seq: number }[], text: (seq: number) => string, seal: number | null) => {
    const ids = await findIds(
      db,
      rows.slice(0, listedProblems).map(({ seq }) => seq),
    );
    await add(rows.map(({ seq }) => ({ kind, seal, seq, id: ids.get(seq) ?? null, text: text(seq) })));
  };
  return {
    add,
    count: () => count,
    list: () => listed,
    rows: named,
    /** Which rows the seals of a batch do not recognise. */
    async differences(seal: AuditSeal, { kept, there }: { kept: readonly AuditSeal[]; there: readonly RowHash[] }): Promise<void> {
      const sealed: Buffer[] = [];
      for (const { number } of kept) sealed.push(await readFingerprints(db, number));
      const differences = compareRows(Buffer.concat(sealed), there);
      const sentences = {
        altered: (seq: number) => `Row ${seq} is not as seal ${seal.number} of ${seal.sealedAt} found it: it was altered.`,
        removed: (seq: number) => `Row ${seq}, sealed by ${seal.number} at ${seal.sealedAt}, is gone: it was removed.`,
        inserted: (seq: number) => `Row ${seq} was not there when seal ${seal.number} was made at ${seal.sealedAt}: it was inserted later.`,
      } as const;
      for (const kind of ['altered', 'removed', 'inserted'] as const)
        await named(
          `row-${kind}`,
          differences.filter((each) => each.kind === kind),
          sentences[kind],
          seal.number,
        );
      if (differences.length === 0)
        await add([
          {
            kind: 'seal-altered',
            seal: seal.number,
            seq: null,
            id: null,
            text: `The rows of seal ${seal.number} do not give its digest, and its fingerprints do not tell which: seal or fingerprints were altered.`,
          },
        ]);
    },
  };
}
