/** What a step needs to be drawn: milliseconds since the first one began. */
export interface TimedStep {
  readonly label: string;
  /** Its number in the run, from 1. */
  readonly number: number;
  readonly startMilliseconds: number;
  readonly waitMilliseconds: number;
  readonly workMilliseconds: number;
  readonly attempts: number;
  /** False for the step at which the run ended early. */
  readonly done: boolean;
}

/** Steps that share a line of the picture or of a table; usually one. */
export interface StepGroup {
  readonly label: string;
  readonly steps: readonly TimedStep[];
}

/** So many alike in a row are one line: the batches of a long piece of work. */
const alike = 8;

/** Puts steps that differ only in numbers on one line, where there are many in a row. Pure. */
export function groupAlike(steps: readonly TimedStep[]): StepGroup[] {
  const runs: TimedStep[][] = [];
  for (const step of steps) {
    const last = runs.at(-1)?.at(-1);
    if (last?.done && step.done && pattern(last.label) === pattern(step.label)) runs.at(-1)?.push(step);
    else runs.push([step]);
  }
  return runs.flatMap((run) => (run.length >= alike ? [groupOf(run)] : run.map((step) => groupOf([step]))));
}

/** Groups until there are at most so many lines: alike ones first, then neighbours. A step that stopped keeps its own line. Pure. */
export function groupToFit(steps: readonly TimedStep[], most: number): StepGroup[] {
  const groups = groupAlike(steps);
  if (groups.length <= most) return groups;
  const stopped = groups.filter(({ steps: [first] }) => first?.done === false);
  const rest = groups.filter((group) => !stopped.includes(group));
  const room = Math.max(1, most - stopped.length);
  const perLine = Math.ceil(rest.length / room);
  const lines: StepGroup[] = [];
  for (let index = 0; index < rest.length; index += perLine) lines.push(groupOf(rest.slice(index, index + perLine).flatMap((group) => group.steps)));
  return [...lines, ...stopped];
}

function groupOf(steps: readonly TimedStep[]): StepGroup {
  const [first] = steps;
  if (!first || steps.length === 1) return { label: first?.label ?? '', steps };
  const same = steps.every(({ label }) => pattern(label) === pattern(first.label));
  const name = same ? pattern(first.label).replaceAll('#', '…') : `${first.label} and what follows`;
  return { label: `${steps.length.toLocaleString('en-US')} steps: ${name}`, steps };
}

function pattern(label: string): string {
  return label.replace(/\d[\d,.]*/g, '#');
}
