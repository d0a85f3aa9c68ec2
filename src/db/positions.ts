import { randomUUID } from 'node:crypto';

// Which position of the primary's log a caller's reads must have reached, so that nobody misses what they wrote themselves.
// Why nothing is asked when something is written: docs/adr/0059-replicas-that-have-caught-up.md.

export interface Positions {
  /** A caller's write was committed. Gives the mark that another process may be shown. Asks nobody anything. */
  wrote(caller: string): string;
  /** From where on this caller's reads are right; `mark` is what the caller sent along. Undefined when the primary cannot be asked. */
  needed(caller: string, mark?: string): Promise<bigint | undefined>;
  /** The caller has seen this position, and must not see an earlier one afterwards. Undefined: that of the primary now. */
  saw(caller: string, position: bigint | undefined): void;
}

/** A position that was reached, and whether something came after it that nobody has asked the primary about yet. */
interface Known {
  position: bigint;
  /** When the last write was committed whose position is not known. */
  writtenAt: number | undefined;
}

export interface PositionSource {
  /** The primary's position and when it was asked for, if it is known from before. */
  last(): { readonly position: bigint; readonly askedAt: number } | undefined;
  /** The primary's position, asked for after this call. Undefined when it cannot be had. */
  now(): Promise<bigint | undefined>;
}

const written = /^w\.[0-9a-f-]{36}$/;
const reached = /^p\.([0-9a-f]{1,16})$/;

/** A mark that says how far a read was, so that no later one is behind it. */
export function markOf(position: bigint): string {
  return `p.${position.toString(16)}`;
}

/** Remembers for `most` callers and marks; of those before, the latest position counts for everybody. */
export function rememberPositions(source: PositionSource, { most = 10_000 }: { most?: number } = {}): Positions {
  const callers = new Map<string, Known>();
  const marks = new Map<string, Known>();
  const everybody: Known = { position: 0n, writtenAt: undefined };

  function keep(map: Map<string, Known>, key: string, known: Known): Known {
    map.delete(key);
    map.set(key, known);
    if (map.size <= most) return known;
    const [[oldest, forgotten]] = map as unknown as [[string, Known]];
    map.delete(oldest);
    if (map === callers) {
      everybody.position = maximum(everybody.position, forgotten.position);
      everybody.writtenAt = latest(everybody.writtenAt, forgotten.writtenAt);
    }
    return known;
  }

  async function resolve(known: Known): Promise<bigint | undefined> {
    const { writtenAt } = known;
    if (writtenAt === undefined) return known.position;
    const last = source.last();
    const position = last !== undefined && last.askedAt > writtenAt ? last.position : await source.now();
    if (position === undefined) return undefined;
    known.position = maximum(known.position, position);
    // Unless more was written in the meantime.
    if (known.writtenAt === writtenAt) known.writtenAt = undefined;
    return known.position;
  }

  /** What another process wrote was committed before its mark came here: any position from now on is after it. */
  function readMark(mark: string): Known | undefined {
    const position = reached.exec(mark)?.[1];
    if (position !== undefined) return { position: BigInt(`0x${position}`), writtenAt: undefined };
    if (!written.test(mark)) return undefined;
    return marks.get(mark) ?? keep(marks, mark, { position: 0n, writtenAt: performance.now() });
  }

  return {
    wrote(caller) {
      const mark = `w.${randomUUID()}`;
      const known = keep(callers, caller, { position: callers.get(caller)?.position ?? 0n, writtenAt: performance.now() });
      keep(marks, mark, known);
      return mark;
    },
    async needed(caller, mark) {
      const found = [everybody, callers.get(caller), mark === undefined ? undefined : readMark(mark)].filter((known) => known !== undefined);
      let position = 0n;
      for (const known of found) {
        const each = await resolve(known);
        if (each === undefined) return undefined;
        position = maximum(position, each);
      }
      return position;
    },
    saw(caller, position) {
      const known = callers.get(caller) ?? keep(callers, caller, { position: 0n, writtenAt: undefined });
      if (position === undefined) known.writtenAt = performance.now();
      else known.position = maximum(known.position, position);
    },
  };
}

function maximum(left: bigint, right: bigint): bigint {
  return left > right ? left : right;
}

function latest(left: number | undefined, right: number | undefined): number | undefined {
  return left === undefined || (right !== undefined && right > left) ? right : left;
}
