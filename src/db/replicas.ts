import { setTimeout as delay } from 'node:timers/promises';
import type { DatabaseAddress } from '../base/config.ts';
import { createBatcher } from '../base/batcher.ts';
import { createPool } from './connect.ts';
import type { Db } from './context.ts';
import { fallingBack } from './fallback.ts';
import { markOf, rememberPositions } from './positions.ts';
import { identitySql, nameOfReplica, pause, type PrimarySample, type Replica, type ReplicaFigures, type ReplicaState, watchReplica } from './replica.ts';

export type { ReplicaFigures, ReplicaState } from './replica.ts';

/** Where a caller's reads go, and the mark that says how far they are. Without a `db` they go to the primary. */
export interface ReadPlace {
  readonly db: Db | undefined;
  readonly mark: string | undefined;
}

export interface Replicas {
  /** A replica that has replayed everything this caller wrote and saw, waited for shortly; the primary where there is none. */
  placeFor(caller: string, mark?: string): Promise<ReadPlace>;
  /** Something of this caller was committed. Gives the mark for the answer. */
  wrote(caller: string): string;
  /** For metrics and readiness. */
  figures(): { replicas: ReplicaFigures[]; primaryReads: PrimaryReads };
  close(): Promise<void>;
}

/** Reads that went to the primary, by why: no replica could be used, none was far enough in time, or the primary was not to be asked. */
export type PrimaryReads = Record<'none-in-use' | 'behind' | 'position-unknown', number>;

export interface ReplicasOptions {
  readonly primary: DatabaseAddress;
  readonly primaryDb: Db;
  readonly replicas: readonly DatabaseAddress[];
  readonly maxConnections?: number;
  readonly statementSeconds?: number | undefined;
  /** For how long a read waits for a replica to catch up; 50 unless given. */
  readonly waitMilliseconds?: number;
  /** A replica further behind is not used; 10 unless given. */
  readonly maxLagSeconds?: number;
  /** How often each server is asked where it is; 100 unless given. */
  readonly pollMilliseconds?: number;
  readonly onState?: (replica: string, state: ReplicaState, where: string) => void;
}

const answersWithinMilliseconds = 2_000;
/** Between two looks at a replica that somebody waits for. */
const waitStepMilliseconds = 2;

/**
 * The position that a commit just now is not after. Where commits are not waited for to be flushed, only what was inserted
 * into the log tells; that position stands behind the head of an empty page, where a standby says the page itself.
 */
const positionSql = `select position::text as position, ${identitySql} as identity from (
  select case when current_setting('synchronous_commit') = 'off' then pg_current_wal_insert_lsn() else pg_current_wal_flush_lsn() end - '0/0' as position
) as log`;
const pageBytes = 8192n;
const pageHeads = new Set([24n, 40n]);

function withoutPageHead(position: bigint): bigint {
  const offset = position % pageBytes;
  return pageHeads.has(offset) ? position - offset : position;
}

/** Standbys to read from, watched from now on. */
export function openReplicas(options: ReplicasOptions): Replicas {
  const { waitMilliseconds = 50, pollMilliseconds = 100, primaryDb } = options;
  const watching = createPool(options.primary, {
    maxConnections: 1,
    applicationName: 'onechart replicas',
    connectMilliseconds: answersWithinMilliseconds,
    answerMilliseconds: answersWithinMilliseconds,
  });
  const closing = new AbortController();
  let sample: PrimarySample | undefined;

  async function askPrimary(): Promise<bigint | undefined> {
    const askedAt = performance.now();
    try {
      const { rows } = await watching.query<{ position: string; identity: string }>(positionSql);
      const [row] = rows;
      if (row === undefined) return undefined;
      const position = withoutPageHead(BigInt(row.position));
      // After a failover the primary may stand at an earlier position than the one before it.
      sample = { position, askedAt, identity: row.identity };
      return position;
    } catch {
      return undefined;
    }
  }

  // Callers that come together share one question, which begins after the last of them has come.
  const position = createBatcher(
    async (asked: readonly undefined[]) => {
      const found = await askPrimary();
      return asked.map(() => found);
    },
    { inFlight: 1, most: Number.POSITIVE_INFINITY },
  );
  const positions = rememberPositions({ last: () => sample, now: () => position(undefined) });
  const replicas = options.replicas.map((address, index) =>
    watchReplica(address, {
      name: String(index + 1),
      maxConnections: options.maxConnections ?? 10,
      statementSeconds: options.statementSeconds,
      maxLagSeconds: options.maxLagSeconds ?? 10,
      pollMilliseconds,
      primary: () => sample,
      onState: (name, state) => {
        const replica = replicas[index];
        options.onState?.(name, state, replica === undefined ? '' : nameOfReplica(replica));
      },
    }),
  );
  const watch = (async () => {
    while (!closing.signal.aborted) {
      await position(undefined);
      await pause(pollMilliseconds, closing.signal);
    }
  })();
  const primaryReads: PrimaryReads = { 'none-in-use': 0, behind: 0, 'position-unknown': 0 };

  function inUse(): Replica[] {
    return replicas.filter((replica) => replica.state() === 'in-use');
  }

  /** The least busy one that is far enough; waited for while one may still come to it. */
  async function findCaughtUp(needed: bigint): Promise<Replica | undefined> {
    const until = performance.now() + waitMilliseconds;
    for (;;) {
      const candidates = inUse();
      const [best] = candidates.filter(({ replayed }) => replayed >= needed).toSorted((left, right) => left.underWay - right.underWay);
      if (best !== undefined || candidates.length === 0 || performance.now() >= until) return best;
      await Promise.race([Promise.all(candidates.map((replica) => replica.look())), delay(until - performance.now())]);
      if (!candidates.some(({ replayed }) => replayed >= needed)) await delay(waitStepMilliseconds);
    }
  }

  function onPrimary(caller: string, why: keyof PrimaryReads): ReadPlace {
    primaryReads[why] += 1;
    positions.saw(caller, undefined);
    return { db: undefined, mark: undefined };
  }

  return {
    async placeFor(caller, mark) {
      if (inUse().length === 0) return onPrimary(caller, 'none-in-use');
      const needed = await positions.needed(caller, mark);
      if (needed === undefined) return onPrimary(caller, 'position-unknown');
      const replica = await findCaughtUp(needed);
      if (replica === undefined) return onPrimary(caller, 'behind');
      const { replayed } = replica;
      positions.saw(caller, replayed);
      const reader = {
        db: replica.db,
        began: () => {
          replica.underWay += 1;
          replica.reads += 1;
        },
        ended: () => {
          replica.underWay -= 1;
        },
        failed: () => {
          replica.failed();
          positions.saw(caller, undefined);
        },
      };
      return { db: fallingBack(reader, primaryDb), mark: markOf(replayed) };
    },
    wrote: (caller) => positions.wrote(caller),
    figures: () => ({ replicas: replicas.map((replica) => replica.figures()), primaryReads: { ...primaryReads } }),
    async close() {
      closing.abort();
      await Promise.all([watch, ...replicas.map((replica) => replica.close())]);
      await watching.end();
    },
  };
}
