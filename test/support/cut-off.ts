import { execFile } from 'node:child_process';
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
 * Where a walk kills: at every event with ONECHART_WALK=all, else at each `every`-th, so that `npm test` stays short. The first and the last
 * are always among them.
 */
export function positionsToKill(events: readonly string[], every: number): Position[] {
  const all = events.map((event, index) => ({ event, nth: index + 1 }));
  return walksAll ? all : all.filter(({ nth }) => nth % every === 1 || every === 1 || nth === events.length);
}

const walksAll = process.env.ONECHART_WALK === 'all';

/** For the name of a test: what it really walks. */
export function walkName(every: number): string {
  return walksAll || every === 1 ? 'each event' : `every ${['', '', 'second', 'third', 'fourth', 'fifth', 'sixth'][every] ?? `${every}th`} event`;
}
