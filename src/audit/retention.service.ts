import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { AppError } from '../base/errors.ts';
import type { Db } from '../db/context.ts';
import { exportAuditTrail, verifyAuditFile } from './export.service.ts';
import { lockMilliseconds, maintainAuditPartitions, withLockRetries } from './partition.service.ts';
import { dropPartition, listPartitions, lockForDrop, summarizePartition } from './partition.store.ts';
import { monthNumber, type SealingKey } from './seal.ts';
import { sealAuditTrail, sealRemoval } from './seal.service.ts';
import { findLastSeal } from './seal.store.ts';

export interface RetainOptions {
  /** Months that ended before this are removed. */
  readonly olderThan: Date;
  /** Folder for the rows, a file a month. */
  readonly folder: string;
  /** Who ordered it; kept in the chain. */
  readonly by: string;
  readonly key?: SealingKey | undefined;
  readonly now: Date;
  /** Says what would be removed, and removes nothing. */
  readonly dryRun?: boolean;
}

export interface RemovedMonth {
  readonly month: string;
  readonly rows: number;
  /** Undefined when nothing was written. */
  readonly file: string | undefined;
}

/**
 * Removes whole months of the trail whose time of keeping has passed: their rows are written to a file, the file is proven by the
 * seals, and then the partition is dropped and the removal recorded in the chain, both in one transaction. Needs the rights of the tables' owner.
 *
 * Errors: `AUDIT_ROWS_UNSEALED`, `AUDIT_TRAIL_ALTERED` (drift; evidence is not removed), `AUDIT_PARTITION_BUSY`, `AUDIT_EXPORT_FAILED`.
 *
 * @example
 * await retainAuditTrail(kyselyOnPool(createPool(parseDatabaseUrl('postgresql://owner@127.0.0.1/ehr'))), {
 *   olderThan: new Date('2020-11-01T00:00:00Z'), folder: '/srv/audit', by: 'dba@example.org', now: new Date(),
 * });
 */
export async function retainAuditTrail(db: Db, options: RetainOptions): Promise<RemovedMonth[]> {
  if (!options.dryRun) {
    await maintainAuditPartitions(db, { now: options.now });
    await sealAuditTrail(db, { key: options.key, waitMilliseconds: 5_000 });
  }
  const due = (await listPartitions(db)).flatMap(({ name, month }) => (month !== undefined && endOf(month) <= options.olderThan ? [{ name, month }] : []));
  const removed: RemovedMonth[] = [];
  for (const partition of due) removed.push(await removeMonth(db, partition, options));
  return removed;
}

async function removeMonth(db: Db, { name, month }: { name: string; month: string }, options: RetainOptions): Promise<RemovedMonth> {
  const { rows, lastSeq } = await summarizePartition(db, name);
  if (options.dryRun) return { month, rows, file: undefined };
  if (lastSeq > ((await findLastSeal(db))?.toSeq ?? 0))
    throw new AppError(
      'busy',
      'AUDIT_ROWS_UNSEALED',
      `Rows of ${month} are not sealed yet, because a transaction is still writing. Run the same command again.`,
      { month },
    );
  const written = rows === 0 ? undefined : await writeMonth(db, month, options);
  await withLockRetries(`${month} could not be removed`, () =>
    db.transaction().execute(async (inside) => {
      await lockForDrop(inside, name, lockMilliseconds);
      const now = await summarizePartition(inside, name);
      if (now.rows !== rows || now.lastSeq !== lastSeq)
        throw new AppError('conflict', 'AUDIT_ROWS_UNSEALED', `Rows of ${month} were written in the meantime. Run the same command again.`, { month });
      if (written)
        await sealRemoval(inside, {
          month,
          rowCount: rows,
          digest: written.sha256,
          note: `${options.by}; ${written.name}`,
          key: options.key,
          now: options.now,
        });
      await dropPartition(inside, name);
    }),
  );
  return { month, rows, file: written && join(options.folder, written.name) };
}

/** The rows of a month with their seals, on disk and proven before anything is dropped. */
async function writeMonth(db: Db, month: string, { folder, now }: RetainOptions): Promise<{ name: string; sha256: string }> {
  const name = `audit-${month}.${now.toISOString().slice(0, 10)}.ndjson`;
  const path = join(folder, name);
  const hash = createHash('sha256');
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const file = createWriteStream(`${path}.partial`, { flags: 'w', mode: 0o600, flush: true });
    const done = finished(file);
    done.catch(() => undefined);
    await exportAuditTrail(db, {
      scope: { kind: 'month', month },
      now,
      write: async (line) => {
        hash.update(`${line}\n`);
        if (!file.write(`${line}\n`)) await Promise.race([once(file, 'drain'), done]);
      },
    });
    file.end();
    await done;
  } catch (error) {
    await rm(`${path}.partial`, { force: true }).catch(() => undefined);
    const { code } = error as { code?: unknown };
    if (typeof code !== 'string' || !/^E[A-Z]+$/.test(code)) throw error;
    throw new AppError(
      'unavailable',
      'AUDIT_EXPORT_FAILED',
      `The rows of ${month} could not be written to ${folder} (${code}). Nothing was removed.`,
      { month, code },
      { cause: error },
    );
  }
  const proof = await verifyAuditFile(`${path}.partial`);
  if (!proof.ok) {
    await rm(`${path}.partial`, { force: true });
    throw new AppError(
      'drift',
      'AUDIT_TRAIL_ALTERED',
      `The rows of ${month} are not those that were sealed, so they are kept as evidence. Run onechart audit verify; nothing was removed.`,
      { month, problems: proof.problemCount },
    );
  }
  await rename(`${path}.partial`, path);
  return { name, sha256: hash.digest('hex') };
}

function endOf(month: string): Date {
  const next = monthNumber(month) + 1;
  return new Date(Date.UTC(Math.floor(next / 12), next % 12, 1));
}
