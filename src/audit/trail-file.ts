import { readChain } from './chain.ts';
import { compareRows, hashOfBytes, hashOfText, hasRow, type RowHash, type SealVerifier, summarizeRows } from './seal.ts';
import type { AuditProblem, AuditSeal } from './seal.schema.ts';

/** What an export holds: all rows that were sealed in a time, one month of rows, or the rows of one patient. */
export type ExportScope =
  | { readonly kind: 'range'; readonly from: string | null; readonly to: string | null }
  | { readonly kind: 'month'; readonly month: string }
  | { readonly kind: 'patient'; readonly patientId: string; readonly from: string | null; readonly to: string | null };

/** A line of an export, one JSON document each. */
export type ExportLine =
  | { readonly type: 'onechart-audit'; readonly format: number; readonly exportedAt: string; readonly scope: ExportScope }
  | ({ readonly type: 'seal'; readonly fingerprints: string | null } & AuditSeal)
  | { readonly type: 'row'; readonly text: string }
  | { readonly type: 'end'; readonly seals: number; readonly rows: number };

export interface FileVerification {
  readonly ok: boolean;
  readonly scope: ExportScope | null;
  readonly seals: number;
  readonly rowsVerified: number;
  /** Rows that were not sealed when they were exported. */
  readonly unsealed: number;
  readonly problemCount: number;
  readonly problems: readonly AuditProblem[];
}

const listedProblems = 1_000;

/**
 * Reads an export line by line and proves what it holds: each row by the seal that covers it, each seal by its own hash, by the one
 * before where both are there, and by its signature. Of the rows of one patient alone, a seal knows number and the first 64 bits of each hash.
 */
export function readTrailFile(verifiers: readonly SealVerifier[]): { line(text: string): void; end(): FileVerification } {
  const problems: AuditProblem[] = [];
  let count = 0;
  const add = (found: readonly AuditProblem[]) => {
    count += found.length;
    problems.push(...found.slice(0, Math.max(0, listedProblems - problems.length)));
  };
  const tell = (kind: AuditProblem['kind'], text: string, at: { seal?: number; seq?: number } = {}) =>
    add([{ kind, seal: at.seal ?? null, seq: at.seq ?? null, id: null, text }]);
  let scope: ExportScope | null = null;
  let chain = readChain({ begin: 'anywhere', verifiers, anchors: [] });
  let round: (AuditSeal & { fingerprints: Buffer })[] = [];
  let rows: (RowHash & { name: string })[] = [];
  const removedMonths = new Set<string>();
  const totals = { seals: 0, rows: 0, verified: 0, unsealed: 0 };
  let ended: { seals: number; rows: number } | undefined;

  const finishRound = () => {
    const [first] = round;
    if (!first) return;
    const inside = rows.filter(({ seq }) => seq <= first.toSeq);
    totals.verified += inside.length;
    if (scope?.kind === 'patient') {
      for (const { seq, hash, name } of inside) {
        const seal = round.find(({ month }) => month === name);
        const state = seal ? hasRow(seal.fingerprints, { seq, hash }) : 'missing';
        if (state === 'altered') tell('row-altered', `Row ${seq} is not as seal ${seal?.number} found it.`, { seal: first.number, seq });
        if (state === 'missing') tell('row-inserted', `Row ${seq} is in no seal of its time.`, { seal: first.number, seq });
      }
    } else {
      const kept = round.filter(({ month }) => !(removedMonths.has(month) && !inside.some(({ name }) => name === month)));
      const wrong = kept.filter(({ month, rowCount, digest }) => {
        const now = summarizeRows(inside.filter(({ name }) => name === month));
        return now.rowCount !== rowCount || now.digest !== digest;
      });
      const strangers = inside.filter(({ name }) => !kept.some(({ month }) => month === name));
      if (wrong.length > 0 || strangers.length > 0) {
        const seal = (wrong[0] ?? first).number;
        const differences = compareRows(Buffer.concat(kept.map(({ fingerprints }) => fingerprints)), inside);
        for (const { kind, seq } of differences)
          tell(`row-${kind}`, `Row ${seq} was ${kind} after seal ${seal} of ${first.sealedAt} was made, or in this file.`, { seal, seq });
        if (differences.length === 0) tell('seal-altered', `The rows of seal ${seal} do not give its digest.`, { seal });
      }
    }
    rows = rows.filter(({ seq }) => seq > first.toSeq);
    round = [];
  };

  const read = {
    'onechart-audit': (line: Extract<ExportLine, { type: 'onechart-audit' }>) => {
      scope = line.scope;
    },
    seal: ({ type: _type, fingerprints: encoded, ...seal }: Extract<ExportLine, { type: 'seal' }>) => {
      totals.seals += 1;
      const fingerprints = Buffer.from(encoded ?? '', 'base64');
      // Seals of other months were left out, so there is no link to look at.
      if (scope?.kind === 'month') {
        add(chain.next(seal));
        add(chain.end());
        chain = readChain({ begin: 'anywhere', verifiers, anchors: [] });
      } else add(chain.next(seal));
      if (encoded !== null && hashOfBytes(fingerprints) !== seal.fingerprintsDigest)
        tell('seal-altered', `The fingerprints of seal ${seal.number} are not those that were hashed.`, { seal: seal.number });
      if (seal.kind === 'REMOVAL') removedMonths.add(seal.month);
      if (seal.kind !== 'ROWS') return;
      const [first] = round;
      if (first && (first.fromSeq !== seal.fromSeq || first.toSeq !== seal.toSeq)) finishRound();
      round.push({ ...seal, fingerprints });
    },
    row: ({ text }: Extract<ExportLine, { type: 'row' }>) => {
      totals.rows += 1;
      const { seq, occurredAt } = JSON.parse(text) as { seq: number; occurredAt: string };
      const covered = round[0] !== undefined && seq <= round[0].toSeq;
      if (covered) rows.push({ seq, month: 0, name: occurredAt.slice(0, 7), hash: hashOfText(text) });
      else {
        finishRound();
        totals.unsealed += 1;
      }
    },
    end: (line: Extract<ExportLine, { type: 'end' }>) => {
      ended = line;
    },
  };

  return {
    line(text) {
      if (text.trim() === '') return;
      let line: ExportLine;
      try {
        line = JSON.parse(text) as ExportLine;
        (read[line.type] as (line: ExportLine) => void)(line);
      } catch {
        tell('file-incomplete', 'A line of the file is not one of an export.');
      }
    },
    end() {
      finishRound();
      if (scope?.kind !== 'month') add(chain.end());
      if (scope === null) tell('file-incomplete', 'The file does not begin as an export does.');
      if (!ended || ended.seals !== totals.seals || ended.rows !== totals.rows)
        tell('file-incomplete', 'The file does not end as it was written: its end is missing, or lines are.');
      return { ok: count === 0, scope, seals: totals.seals, rowsVerified: totals.verified, unsealed: totals.unsealed, problemCount: count, problems };
    },
  };
}
