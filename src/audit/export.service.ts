import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { AppError } from '../base/errors.ts';
import type { Db } from '../db/context.ts';
import { sealFormat, type SealVerifier } from './seal.ts';
import type { AuditSeal } from './seal.schema.ts';
import { findLastSeal, listSeals, readFingerprints, readTexts } from './seal.store.ts';
import { type ExportLine, type ExportScope, type FileVerification, readTrailFile } from './trail-file.ts';

const sealsAPage = 200;
const rowsAPage = 2_000;

/** How many lines of each kind were written. */
export interface ExportedTrail {
  readonly seals: number;
  readonly rows: number;
}

/**
 * Writes seals and the canonical texts of their rows, a JSON document a line, in pages. What it writes proves itself without the
 * database; see `verifyAuditFile`. Seal first, and nothing is left out; rows that no seal covers stand at the end of a range.
 *
 * @param write takes a line without its end; may wait
 */
export async function exportAuditTrail(
  db: Db,
  { scope, write, now }: { scope: ExportScope; write: (line: string) => Promise<void> | void; now: Date },
): Promise<ExportedTrail> {
  const counted = { seals: 0, rows: 0 };
  const put = (line: ExportLine) => write(JSON.stringify(line));
  await put({ type: 'onechart-audit', format: sealFormat, exportedAt: now.toISOString(), scope });
  const month = scope.kind === 'month' ? scope.month : undefined;
  const patientId = scope.kind === 'patient' ? scope.patientId : undefined;
  const wanted = (seal: AuditSeal) => {
    if (scope.kind === 'month') return seal.kind === 'ROWS' && seal.month === scope.month;
    return (scope.from === null || seal.sealedAt >= scope.from) && (scope.to === null || seal.sealedAt < scope.to);
  };
  const putRows = async (range: { after: number; upTo: number | undefined }) => {
    for (let after: number | undefined = range.after; after !== undefined; ) {
      const page = await readTexts(db, {
        after,
        upTo: range.upTo,
        limit: rowsAPage,
        ...(month === undefined ? {} : { month }),
        ...(patientId === undefined ? {} : { patientId }),
      });
      for (const { text } of page) await put({ type: 'row', text });
      counted.rows += page.length;
      after = page.length < rowsAPage ? undefined : page.at(-1)?.seq;
    }
  };
  let round: AuditSeal | undefined;
  for (let after: number | undefined = 0; after !== undefined; ) {
    const page = await listSeals(db, { after, limit: sealsAPage });
    for (const seal of page.filter(wanted)) {
      // The seals of a batch stand together, then their rows.
      if (round && (seal.kind !== 'ROWS' || seal.toSeq !== round.toSeq)) {
        await putRows({ after: round.fromSeq, upTo: round.toSeq });
        round = undefined;
      }
      const fingerprints = seal.kind === 'ROWS' ? (await readFingerprints(db, seal.number)).toString('base64') : null;
      await put({ type: 'seal', ...seal, fingerprints });
      counted.seals += 1;
      if (seal.kind === 'ROWS') round = seal;
    }
    after = page.length < sealsAPage ? undefined : page.at(-1)?.number;
  }
  if (round) await putRows({ after: round.fromSeq, upTo: round.toSeq });
  if (scope.kind !== 'month' && scope.to === null) await putRows({ after: (await findLastSeal(db))?.toSeq ?? 0, upTo: undefined });
  await put({ type: 'end', ...counted });
  return counted;
}

/**
 * Proves an export without a database.
 *
 * Errors: `AUDIT_FILE_MISSING`.
 *
 * @example
 * const { ok, problems } = await verifyAuditFile('/srv/audit/2026.ndjson');
 */
export async function verifyAuditFile(path: string, { verifiers = [] }: { verifiers?: readonly SealVerifier[] } = {}): Promise<FileVerification> {
  const reader = readTrailFile(verifiers);
  try {
    for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) reader.line(line);
  } catch (cause) {
    throw new AppError('unavailable', 'AUDIT_FILE_MISSING', `The file ${path} cannot be read. Check its name and its rights.`, { path }, { cause });
  }
  return reader.end();
}
