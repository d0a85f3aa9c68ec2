import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { join } from 'node:path';

/** For a process that a test kills from outside. */
export const cutOffScript = join(import.meta.dirname, 'migrate-until.ts');

export interface CutOff {
  readonly nth: number;
  /** Milliseconds after the event, when its statement is with the server. */
  readonly later?: number;
  readonly command?: string;
  readonly argument?: string;
}

/** Runs a command in a process that kills itself at its nth event (see migrate-until.ts); resolves with how it ended. */
export function runUntil(
  url: string,
  { nth, later = 0, command = 'apply', argument = '' }: CutOff,
): Promise<{ signal: string | undefined; output: string; errors: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [cutOffScript, url, String(nth), String(later), command, argument], (error, output, errors) =>
      resolve({ signal: error?.signal ?? undefined, output, errors }),
    );
  });
}

/** A few at a time: each is a process that waits for the server most of the time. */
export async function inParallel<T, R>(items: readonly T[], atOnce: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < items.length; index = next++) results[index] = await work(items[index] as T);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
}

export interface Position {
  readonly event: string;
  /** From 1. */
  readonly nth: number;
}

/**
 * Where a walk kills: at every event with ONECHART_WALK=all. Else, so that `npm test` stays short, at the first and the last one, at one of
 * each kind (`step-started index`, `checkpoint rows`), and at each `every`-th from a place that is another in every run: many runs together
 * walk all of it. ONECHART_WALK_FROM gives the place again that the name of a test tells.
 */
export function positionsToKill(events: readonly string[], every: number): Position[] {
  const all = events.map((event, index) => ({ event, nth: index + 1 }));
  if (walksAll) return all;
  const kind = ({ event }: Position) =>
    event
      .replace(/\d{6,}\w+/, 'migration')
      .split(' ')
      .slice(0, 2)
      .join(' ');
  const sampled = all.filter(({ nth }) => nth % every === from % every || nth === 1 || nth === events.length);
  const met = new Set(sampled.map(kind));
  const others = [...Map.groupBy(all, kind)].flatMap(([name, list]) => (met.has(name) ? [] : [list[from % list.length] as Position]));
  return [...sampled, ...others].toSorted((a, b) => a.nth - b.nth);
}

const walksAll = process.env.ONECHART_WALK === 'all';
const from = Number(process.env.ONECHART_WALK_FROM ?? randomInt(1000));

/** For the name of a test: what it really walks, and how to walk it again. */
export function walkName(every: number): string {
  if (walksAll) return 'each event';
  const ordinal = ['', '', 'second', 'third', 'fourth', 'fifth', 'sixth', 'seventh', 'eighth'][every] ?? `${every}th`;
  return `every ${ordinal} event and one of each kind (ONECHART_WALK_FROM=${from})`;
}
