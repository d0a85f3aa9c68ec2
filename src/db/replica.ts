import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from 'pg';
import { type DatabaseAddress, describeAddress } from '../base/config.ts';
import { createPool, kyselyOnPool } from './connect.ts';
import type { Db } from './context.ts';

/** `in-use`: reads go there. All others: they go to the primary until it is right again, which is looked for by itself. */
export type ReplicaState = 'in-use' | 'lagging' | 'unreachable' | 'not-a-standby' | 'another-database';

/** Where the primary is: a position in its log, when that was asked for, and which database this is. */
export interface PrimarySample {
  readonly position: bigint;
  readonly askedAt: number;
  readonly identity: string;
}

/** What is measured of a replica. `lag…` is undefined until it was seen once. */
export interface ReplicaFigures {
  /** `1`, `2` …, in the order of the setting. */
  readonly name: string;
  readonly state: ReplicaState;
  /** Bytes of the log that it has not replayed yet. */
  readonly lagBytes: number | undefined;
  /** For how long it has not caught up with what the primary had written. 0 while there is nothing to replay. */
  readonly lagSeconds: number | undefined;
  /** Statements that it answered. */
  readonly reads: number;
  /** Statements that failed there and were repeated on the primary. */
  readonly failures: number;
}

export interface Replica {
  readonly address: DatabaseAddress;
  readonly db: Db;
  readonly replayed: bigint;
  /** Statements under way. */
  underWay: number;
  reads: number;
  state(): ReplicaState;
  /** Asks it now; calls that come together ask once. Never rejects. */
  look(): Promise<void>;
  /** A statement failed there: nobody is sent there again before it has answered a look. */
  failed(): void;
  figures(): ReplicaFigures;
  close(): Promise<void>;
}

export interface ReplicaOptions {
  readonly name: string;
  readonly maxConnections: number;
  readonly statementSeconds: number | undefined;
  readonly maxLagSeconds: number;
  readonly pollMilliseconds: number;
  readonly primary: () => PrimarySample | undefined;
  readonly onState?: ((name: string, state: ReplicaState) => void) | undefined;
}

const answersWithinMilliseconds = 2_000;
/** One that does not answer is asked this often. */
const retryMilliseconds = 1_000;

/** Which database this is, on every server that replays the same log: the cluster by its system identifier, the database by its oid. */
export const identitySql = `(select system_identifier::text from pg_control_system()) || '/' || (select oid::text from pg_database where datname = current_database())`;

const lookSql = `select pg_is_in_recovery() as standby, (pg_last_wal_replay_lsn() - '0/0')::text as replayed, ${identitySql} as identity`;

/** A standby that is watched: how far it has replayed, and whether it can be read from. */
export function watchReplica(address: DatabaseAddress, options: ReplicaOptions): Replica {
  const pool = createPool(address, {
    maxConnections: options.maxConnections,
    statementSeconds: options.statementSeconds,
    applicationName: 'onechart serve',
    connectMilliseconds: answersWithinMilliseconds,
  });
  const watching = createPool(address, {
    maxConnections: 1,
    applicationName: 'onechart replicas',
    connectMilliseconds: answersWithinMilliseconds,
    answerMilliseconds: answersWithinMilliseconds,
  });
  let replayed = 0n;
  let kind: Exclude<ReplicaState, 'in-use' | 'lagging'> | 'standby' = 'unreachable';
  let told: ReplicaState | undefined;
  /** The position whose replay is waited for, and since when the primary has it. */
  let milestone: PrimarySample | undefined;
  let looking: Promise<void> | undefined;
  let failures = 0;
  /** Moves on with every failure, so that a look which began before one does not take it back. */
  let failure = 0;
  const closing = new AbortController();

  function lagMilliseconds(): number | undefined {
    const primary = options.primary();
    if (primary === undefined || replayed === 0n) return undefined;
    return milestone === undefined || replayed >= primary.position ? 0 : performance.now() - milestone.askedAt;
  }

  function state(): ReplicaState {
    if (kind !== 'standby') return kind;
    const lag = lagMilliseconds();
    return lag === undefined || lag > options.maxLagSeconds * 1000 ? 'lagging' : 'in-use';
  }

  function tellChange(): void {
    const now = state();
    if (now === told) return;
    told = now;
    options.onState?.(options.name, now);
  }

  async function ask(): Promise<void> {
    const began = failure;
    try {
      const { rows } = await watching.query<{ standby: boolean; replayed: string | null; identity: string }>(lookSql);
      const [row] = rows;
      const primary = options.primary();
      if (began !== failure || row === undefined) return;
      replayed = BigInt(row.replayed ?? 0);
      if (!row.standby) kind = 'not-a-standby';
      else if (primary !== undefined && row.identity !== primary.identity) kind = 'another-database';
      else kind = 'standby';
      if (milestone === undefined || replayed >= milestone.position) milestone = primary;
    } catch {
      kind = 'unreachable';
    }
    tellChange();
  }

  function look(): Promise<void> {
    looking ??= ask().finally(() => {
      looking = undefined;
    });
    return looking;
  }

  const watch = (async () => {
    while (!closing.signal.aborted) {
      await look();
      await pause(kind === 'unreachable' ? Math.max(retryMilliseconds, options.pollMilliseconds) : options.pollMilliseconds, closing.signal);
    }
  })();

  const replica: Replica = {
    address,
    db: kyselyOnPool(pool, { prepares: !address.pooled }),
    get replayed() {
      return replayed;
    },
    underWay: 0,
    reads: 0,
    state,
    look,
    failed() {
      failures += 1;
      failure += 1;
      kind = 'unreachable';
      tellChange();
      // Perhaps only this statement stood in the way of the replay.
      if (!closing.signal.aborted) void look();
    },
    figures() {
      const primary = options.primary();
      const lag = lagMilliseconds();
      return {
        name: options.name,
        state: state(),
        lagBytes: primary === undefined || replayed === 0n ? undefined : Number(primary.position > replayed ? primary.position - replayed : 0n),
        lagSeconds: lag === undefined ? undefined : lag / 1000,
        reads: replica.reads,
        failures,
      };
    },
    async close() {
      closing.abort();
      await watch;
      await endPools([pool, watching]);
    },
  };
  return replica;
}

/** Waits without keeping the process alive, and no longer than until the signal. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await delay(milliseconds, undefined, { signal, ref: false }).catch(() => undefined);
}

async function endPools(pools: readonly Pool[]): Promise<void> {
  await Promise.all(pools.map((pool) => pool.end()));
}

/** `ehr on db.example.org:5432 as onechart` */
export function nameOfReplica({ address }: Replica): string {
  return describeAddress(address);
}
