import type { AssessedStatement } from './assess.ts';
import type { Partition } from './partitions.ts';
import type { Effect } from './statement.ts';
import type { Step } from './step.ts';
import type { TableTraffic } from './traffic.ts';

/**
 * What steps cost, between a quiet and a crowded machine (load 7 and 11 on 2 cores, embedded PostgreSQL 18; npm run bench -- migrate).
 * Beside each what was measured on the one and on the other; docs/benchmarks.md has the tables.
 */
export const cost = {
  // A transaction of its own with its commit: 2 ms and 12 ms.
  briefMilliseconds: 4,
  // 35 objects on a connection that has made none yet: 18 ms and 181 ms.
  objectMilliseconds: 1.6,
  // 20 checks in one round trip: 4 ms.
  checkMilliseconds: 0.2,
  // 218 comments in one round trip: 5 ms and 11 ms.
  commentMilliseconds: 0.05,
  // With the heap, 1.5 million rows in 312 MB: 181 ms and 475 ms; 0.9 million in 134 MB: 63 ms and 113 ms.
  validateRowMicroseconds: 0.1,
  // With the heap twice, the same tables: 416 ms and 1,508 ms; 261 ms and 717 ms.
  indexRowMicroseconds: 0.39,
  heapMegabyteMilliseconds: 0.33,
};

export interface Surroundings {
  /** Tables nobody uses yet. */
  readonly quiet: (table: string) => boolean;
  readonly traffic: ReadonlyMap<string, TableTraffic>;
  /** Of partitioned tables only. */
  readonly partitions: ReadonlyMap<string, readonly Partition[]>;
}

/** Statements of one kind. */
export type Of<K extends Effect['kind']> = AssessedStatement & { readonly effect: Extract<Effect, { kind: K }> };

/** Makes a step of a migration out of its parts and the names of the live tables it locks. */
export type StepMaker = (part: Omit<Step, 'migration' | 'tables'>, tables: readonly string[]) => Step;

export function of<K extends Effect['kind']>(statements: readonly AssessedStatement[], kind: K): Of<K>[] {
  return statements.filter((each): each is Of<K> => each.effect.kind === kind);
}

/** A transaction of its own that waits for its locks only for a moment; writers wait for it no longer than it works. */
export function brief(milliseconds = cost.briefMilliseconds, writeWaitMilliseconds = cost.briefMilliseconds): Step['estimate'] {
  return { milliseconds, writeWaitMilliseconds };
}

/** Reading a table from one end to the other. */
export function scan(table: string, { traffic }: Surroundings, rowMicroseconds: number): number {
  const { megabytes = 0, rows = 0 } = traffic.get(table) ?? {};
  return megabytes * cost.heapMegabyteMilliseconds + (rows * rowMicroseconds) / 1000;
}
