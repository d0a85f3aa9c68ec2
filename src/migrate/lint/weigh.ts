import type { TableTraffic } from '../traffic.ts';
import { blocksReads, type Work } from './locks.ts';
import type { Hit, Severity } from './rule.ts';

/** What a finding means on a table as it is. */
export interface Weight {
  readonly table: string;
  readonly rows: number;
  readonly megabytes: number;
  readonly writesPerSecond: number;
  /** How long others are expected to wait. */
  readonly milliseconds: number;
  readonly waits: 'reads and writes' | 'writes';
}

/** From here on a stall is a warning: a person notices. */
export const warningFromMilliseconds = 100;
/** From here on it is an error: connections of a pool run out, requests time out. */
export const errorFromMilliseconds = 1000;

/**
 * Microseconds of stall for each row of a table, by what is done under the lock. Measured on 3 million rows (embedded
 * PostgreSQL 18, 2 cores): a plain foreign key 494 ms, a plain index 1,690 ms. On the same machine crowded (load 20)
 * foreign key, check and SET NOT NULL took 676 to 739 ms, the index 2,709, a unique one 4,760, and a change of type,
 * with two indexes built anew, 16,558: six times the index, which is what a rewrite counts here. A volatile default
 * took 38 s; a rewrite is rather underestimated.
 */
const rowMicroseconds: Record<Work, number> = { brief: 0, read: 0.165, build: 0.56, rewrite: 3.4 };

/** A lock that is held only for a moment still costs a moment. */
const briefMilliseconds = 4;

/** What a hit means on its table as it is; undefined when nothing waits for it. */
export function weigh({ stall }: Pick<Hit, 'stall'>, traffic: ReadonlyMap<string, TableTraffic>): Weight | undefined {
  if (!stall) return undefined;
  // A table that is not there yet is made by a migration that is still pending: it is empty.
  const { rows = 0, megabytes = 0, writesPerSecond = 0 } = traffic.get(bare(stall.table)) ?? {};
  return {
    table: stall.table,
    rows,
    megabytes,
    writesPerSecond,
    milliseconds: briefMilliseconds + (rows * rowMicroseconds[stall.work]) / 1000,
    waits: blocksReads(stall.lock) ? 'reads and writes' : 'writes',
  };
}

/** The severity of a hit once the size of its table is known. */
export function weighedSeverity(
  hit: Hit,
  general: Severity,
  { weight, traffic }: { weight: Weight | undefined; traffic: ReadonlyMap<string, TableTraffic> },
): Severity {
  if (hit.rowsOf !== undefined) return (traffic.get(bare(hit.rowsOf))?.rows ?? 0) > 0 ? general : 'note';
  if (!hit.stall || !weight) return general;
  // How long a lock is waited for does not depend on rows; on a table that nobody has filled it does not matter.
  if (hit.stall.work === 'brief') return weight.rows === 0 && weight.writesPerSecond < 0.1 ? 'note' : general;
  return weight.milliseconds >= errorFromMilliseconds ? 'error' : weight.milliseconds >= warningFromMilliseconds ? 'warning' : 'note';
}

/** The weight in words. */
export function describeWeight({ table, rows, megabytes, writesPerSecond, milliseconds, waits }: Weight): string {
  if (rows === 0) return `${table} is empty.`;
  const size = `${Math.round(rows).toLocaleString('en-US')} rows (${megabytes < 1024 ? `${Math.max(1, Math.round(megabytes))} MB` : `${(megabytes / 1024).toFixed(1)} GB`}), ${writesPerSecond < 10 ? writesPerSecond.toFixed(1) : Math.round(writesPerSecond)} writes/s`;
  const queued = Math.round((writesPerSecond * milliseconds) / 1000);
  const time = milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
  return `${table} holds ${size}: ${waits} stand still for about ${time}${queued > 0 ? `, about ${queued} writes queue up` : ''}.`;
}

function bare(table: string): string {
  return table.split('.').at(-1) as string;
}
