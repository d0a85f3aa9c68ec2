import { AppError } from '../base/errors.ts';
import type { Db } from '../db/context.ts';
import { sqlstateOf } from '../db/sqlstate.ts';
import { monthName, monthNumber } from './seal.ts';
import { listPartitions, listWaitingMonths, makePartition } from './partition.store.ts';

/** Attaching a partition waits for those who write patients at that moment; nobody is made to wait longer than this behind it. */
export const lockMilliseconds = 500;
const attempts = 20;

export interface MaintainResult {
  /** Months whose partitions were made, as 2026-11. */
  readonly made: readonly string[];
  /** Rows that waited in the default partition and lie in that of their month now. */
  readonly moved: number;
}

/**
 * Makes the partitions of the present month and those to come, and of months whose rows wait in the default partition. Needs the rights of the tables' owner.
 *
 * Errors: `AUDIT_PARTITION_BUSY` when a lock was not to be had; what was made stays, and the same call goes on.
 *
 * @example
 * const { made } = await maintainAuditPartitions(kyselyOnPool(createPool(parseDatabaseUrl('postgresql://owner@127.0.0.1/ehr'))), { now: new Date() });
 */
export async function maintainAuditPartitions(db: Db, { now, monthsAhead = 3 }: { now: Date; monthsAhead?: number }): Promise<MaintainResult> {
  const partitions = await listPartitions(db);
  const known = new Set(partitions.map(({ month }) => month));
  const spare = partitions.find(({ month }) => month === undefined)?.name;
  const waiting = spare === undefined ? [] : await listWaitingMonths(db, spare);
  const present = now.getUTCFullYear() * 12 + now.getUTCMonth();
  const coming = Array.from({ length: monthsAhead + 1 }, (_, ahead) => monthName(present + ahead));
  const wanted = [...new Set([...waiting.filter((month) => monthNumber(month) >= monthNumber('1900-01')), ...coming])]
    .sort()
    .filter((month) => !known.has(month));
  let moved = 0;
  for (const month of wanted) {
    moved += await withLockRetries(`the partition of ${month} could not be made`, () =>
      db.transaction().execute((inside) => makePartition(inside, { month, waitingIn: waiting.includes(month) ? spare : undefined, lockMilliseconds })),
    );
  }
  return { made: wanted, moved };
}

/** Tries again where a lock was not to be had in time. */
export async function withLockRetries<T>(what: string, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      const state = sqlstateOf(error);
      const sealing = error instanceof AppError && error.code === 'AUDIT_SEALING_BUSY';
      if (state !== '55P03' && state !== '40P01' && !sealing) throw error;
      if (attempt >= attempts)
        throw new AppError(
          'busy',
          'AUDIT_PARTITION_BUSY',
          `Others hold locks on the audit trail or on patients, so ${what}. Run the same command again.`,
          {},
          { cause: error },
        );
      await new Promise((resolve) => setTimeout(resolve, 50 * attempt));
    }
  }
}
