import type { TimedStep } from './group-steps.ts';
import type { RunRecord, RunStep } from './run-record.ts';
import { duration } from '../../base/quantities.ts';

// When things of a run happened, and for how long.

/** The steps of a run on one time axis, the one at which it stopped among them. */
export function timedSteps({ steps, details: { stopped } }: Pick<RunRecord, 'steps' | 'details'>): TimedStep[] {
  const began = Math.min(...steps.map(({ startedAt }) => startedAt.getTime()), ...(stopped ? [Date.parse(stopped.startedAt)] : []));
  const done = steps.map(
    (step, index): TimedStep => ({
      label: step.title,
      number: index + 1,
      startMilliseconds: step.startedAt.getTime() - began,
      waitMilliseconds: waited(step),
      workMilliseconds: step.workMilliseconds,
      attempts: step.attempts,
      done: true,
    }),
  );
  if (!stopped) return done;
  return [
    ...done,
    {
      label: stopped.title,
      number: steps.length + 1,
      startMilliseconds: Date.parse(stopped.startedAt) - began,
      waitMilliseconds: Date.parse(stopped.endedAt) - Date.parse(stopped.startedAt),
      workMilliseconds: 0,
      attempts: stopped.attempts,
      done: false,
    },
  ];
}

/** With one attempt nothing was waited for beyond it: what the journal has is the time of its round trips. */
export function waited({ attempts, lockWaitMilliseconds }: RunStep): number {
  return attempts > 1 ? lockWaitMilliseconds : 0;
}

export function when({ startedAt, finishedAt, state }: RunRecord): string {
  const begun = utc(startedAt);
  if (!finishedAt) return `${begun}, ${state === 'running' ? 'still running' : 'no end recorded'}`;
  return `${begun}, for ${duration(finishedAt.getTime() - startedAt.getTime())}`;
}

/** `2026-11-23 13:05:10 UTC`. */
export function utc(date: Date): string {
  return Number.isNaN(date.getTime()) ? 'unknown' : `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
