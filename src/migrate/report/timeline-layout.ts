import { groupToFit, type TimedStep } from './group-steps.ts';

/** A piece of a bar, in units of the picture. */
export interface Segment {
  readonly kind: 'wait' | 'work';
  readonly x: number;
  readonly width: number;
}

export interface TimelineRow {
  readonly label: string;
  /** `12` or `12-611`. */
  readonly numbers: string;
  readonly segments: readonly Segment[];
  readonly workMilliseconds: number;
  readonly waitMilliseconds: number;
  /** Attempts beyond the first of each step. */
  readonly retries: number;
  /** Where a lock was obtained after retries, one per step that had any, at most one per unit. */
  readonly retryMarks: readonly number[];
  readonly done: boolean;
}

export interface Tick {
  readonly x: number;
  readonly milliseconds: number;
}

export interface TimelineLayout {
  readonly totalMilliseconds: number;
  /** The time axis goes from 0 to this width. */
  readonly width: number;
  readonly rows: readonly TimelineRow[];
  readonly ticks: readonly Tick[];
}

/** What is shorter is drawn this wide, so that a millisecond in an hour is still seen. */
const narrowest = 1.5;
const mostRows = 70;
const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const tickSteps = [1, 2, 5, 10, 20, 50, 100, 200, 500, second, 2 * second, 5 * second, 10 * second, 15 * second, 30 * second].concat(
  [1, 2, 5, 10, 15, 30].map((each) => each * minute),
  [1, 2, 4, 6, 12, 24, 48, 96].map((each) => each * hour),
);

/** Where everything of the picture goes on its time axis. Pure; times that are no numbers count as 0. */
export function layOutTimeline(steps: readonly TimedStep[], width: number): TimelineLayout {
  const sound = steps.map((step) => ({
    ...step,
    startMilliseconds: finite(step.startMilliseconds),
    waitMilliseconds: finite(step.waitMilliseconds),
    workMilliseconds: finite(step.workMilliseconds),
  }));
  const end = Math.max(0, ...ends(sound));
  const totalMilliseconds = Math.max(1, end);
  const scale = width / totalMilliseconds;
  const rows = groupToFit(sound, mostRows).map(({ label, steps: members }): TimelineRow => {
    const [first] = members;
    const last = members.at(-1);
    return {
      label,
      numbers: first?.number === last?.number ? `${first?.number}` : `${first?.number}-${last?.number}`,
      segments: members.length === 1 ? barOf(first as TimedStep, scale, width) : barsOf(members, scale, width),
      workMilliseconds: members.reduce((sum, step) => sum + step.workMilliseconds, 0),
      waitMilliseconds: members.reduce((sum, step) => sum + step.waitMilliseconds, 0),
      retries: members.reduce((sum, { attempts }) => sum + Math.max(0, attempts - 1), 0),
      retryMarks: [
        ...new Set(
          members
            .filter(({ attempts, done }) => attempts > 1 && done)
            .map((step) => Math.min(width, Math.round((step.startMilliseconds + step.waitMilliseconds) * scale))),
        ),
      ],
      done: members.every(({ done }) => done),
    };
  });
  return { totalMilliseconds, width, rows, ticks: ticksOf(totalMilliseconds, scale) };
}

function* ends(steps: readonly TimedStep[]): Generator<number> {
  for (const step of steps) yield step.startMilliseconds + step.waitMilliseconds + step.workMilliseconds;
}

function finite(value: number): number {
  return Number.isFinite(value) && value > 0 ? value : 0;
}

function barOf(step: TimedStep, scale: number, width: number): Segment[] {
  const from = step.startMilliseconds * scale;
  const wait = step.waitMilliseconds * scale;
  const segments: Segment[] = [];
  if (wait > 0) segments.push(within({ kind: 'wait', x: from, width: wait }, width));
  // A step that stopped did no work that stayed.
  if (step.done) segments.push(within({ kind: 'work', x: from + wait, width: step.workMilliseconds * scale }, width));
  return segments.length > 0 ? segments : [within({ kind: 'wait', x: from, width: 0 }, width)];
}

function within(segment: Segment, width: number): Segment {
  const wide = Math.min(width, Math.max(narrowest, segment.width));
  return { kind: segment.kind, x: Math.max(0, Math.min(segment.x, width - wide)), width: wide };
}

/** Many steps on one line: each unit of the axis shows whatever took most of it. At most as many segments as units. */
function barsOf(steps: readonly TimedStep[], scale: number, width: number): Segment[] {
  const units = Math.max(1, Math.floor(width));
  const waiting = new Float64Array(units);
  const working = new Float64Array(units);
  for (const step of steps) {
    const from = step.startMilliseconds * scale;
    const wait = step.waitMilliseconds * scale;
    spread(waiting, from, from + wait);
    spread(working, from + wait, from + wait + step.workMilliseconds * scale);
  }
  const segments: { kind: Segment['kind']; x: number; width: number }[] = [];
  for (let unit = 0; unit < units; unit += 1) {
    const waited = waiting[unit] ?? 0;
    const worked = working[unit] ?? 0;
    if (waited + worked === 0) continue;
    const kind = waited > worked ? 'wait' : 'work';
    const last = segments.at(-1);
    if (last?.kind === kind && last.x + last.width === unit) last.width += 1;
    else segments.push({ kind, x: unit, width: 1 });
  }
  return segments.map((segment) => within(segment, width));
}

function spread(units: Float64Array, from: number, to: number): void {
  const last = units.length - 1;
  const begin = Math.max(0, Math.min(last, Math.floor(from)));
  const end = Math.max(0, Math.min(last, Math.floor(to)));
  for (let unit = begin; unit <= end; unit += 1) {
    units[unit] = (units[unit] ?? 0) + Math.max(Math.min(to, unit + 1) - Math.max(from, unit), to > from ? 0 : Number.MIN_VALUE);
  }
}

function ticksOf(totalMilliseconds: number, scale: number): Tick[] {
  const step = tickSteps.find((each) => totalMilliseconds / each <= 8) ?? 10 ** Math.ceil(Math.log10(totalMilliseconds / 8));
  return Array.from({ length: Math.floor(totalMilliseconds / step) + 1 }, (_, index) => ({ milliseconds: index * step, x: index * step * scale }));
}
