import { errorFaces } from '../../base/errors.ts';
import { count, duration, megabytes, plural } from '../../base/quantities.ts';
import type { LockHolder } from '../session.ts';
import type { Block, Cell, Fact, Section } from './document.ts';
import { groupAlike, type StepGroup, type TimedStep } from './group-steps.ts';
import type { PlannedStep, RunRecord, RunStep } from './run-record.ts';
import { renderTimeline } from './timeline.ts';
import { timedSteps } from './times.ts';

// The steps of a run: planned, done, left, and the one at which it stopped.

export function timelineSection(run: RunRecord): Section[] {
  const steps = timedSteps(run);
  if (steps.length === 0) return [];
  const svg = renderTimeline(steps, { title: `Steps and lock waits of run ${run.id}` });
  const caption = `Steps and lock waits of run ${run.id}: time since the first step began. An attempt for a lock gives way to the writes behind it, then tries again.`;
  return [{ heading: 'Timeline', blocks: [{ kind: 'timeline', svg, caption }] }];
}

export function stoppedSection({ details: { error, stopped } }: RunRecord): Section[] {
  if (!error) return [];
  const holders = Array.isArray(error.details?.holders) ? (error.details.holders as LockHolder[]) : [];
  const facts: Fact[] = [
    ['Error', { code: error.code }],
    ...(error.kind in errorFaces ? ([['Exit code', String(errorFaces[error.kind].exitCode)]] as Fact[]) : []),
    ['In words', error.message],
    ...(stopped
      ? ([
          ['At step', `${stopped.number} of ${stopped.of}: ${stopped.title}`],
          ['Tried', `${plural(stopped.attempts, 'time')} within ${duration(Date.parse(stopped.endedAt) - Date.parse(stopped.startedAt))}`],
        ] as Fact[])
      : []),
  ];
  return [
    {
      heading: 'Why it stopped',
      blocks: [
        { kind: 'facts', facts },
        ...(holders.length > 0
          ? ([
              { kind: 'text', text: 'Who held the lock when it gave up:' },
              {
                kind: 'table',
                head: [{ name: 'process', align: 'right' }, { name: 'user' }, { name: 'program' }, { name: 'transaction open for', align: 'right' }],
                rows: holders.map(({ pid, user, application, seconds }) => [
                  String(pid),
                  user ?? 'unknown',
                  application || 'unnamed',
                  duration(seconds * 1000),
                ]),
              },
            ] as Block[])
          : []),
      ],
    },
  ];
}

export function doneSection(run: RunRecord): Section[] {
  if (run.steps.length === 0) return [];
  const estimates = new Map((run.details.planned ?? []).map((step) => [keyOf(step.migration, step.key), step.estimate.milliseconds]));
  const times = timedSteps(run);
  const blocks: Block[] = [];
  for (const migration of new Set(run.steps.map((step) => step.migration))) {
    const own = new Set(run.steps.flatMap((step, index) => (step.migration === migration ? [index + 1] : [])));
    const groups = groupAlike(times.filter(({ number, done }) => done && own.has(number)));
    blocks.push(
      { kind: 'subheading', text: migration },
      {
        kind: 'table',
        head: [
          { name: '#', align: 'right' },
          { name: 'step' },
          { name: 'began', align: 'right' },
          { name: 'worked', align: 'right' },
          { name: 'estimated', align: 'right' },
          { name: 'waited for locks', align: 'right' },
          { name: 'attempts', align: 'right' },
        ],
        rows: groups.map((group) => doneRow(group, run.steps, estimates)),
      },
    );
  }
  const undone = run.steps.filter(({ undoneAt }) => undoneAt !== null).length;
  const note: Block[] = [
    {
      kind: 'text',
      text: `Began is the time since the first step. What a step waited within the attempt that got its locks, and what an index build waited for older transactions while blocking nobody, is part of its work.${undone > 0 ? ` ${plural(undone, 'step')} of this run ${undone === 1 ? 'has' : 'have'} been taken back by a rollback since.` : ''}`,
    },
  ];
  return [{ heading: 'What was done', blocks: [...note, ...blocks] }];
}

function doneRow({ label, steps }: StepGroup, all: readonly RunStep[], estimates: ReadonlyMap<string, number>): Cell[] {
  const [first] = steps as readonly [TimedStep, ...TimedStep[]];
  const last = steps.at(-1) as TimedStep;
  const sum = (measure: (step: TimedStep) => number) => steps.reduce((total, step) => total + measure(step), 0);
  const waitedFor = sum(({ waitMilliseconds }) => waitMilliseconds);
  const record = all[first.number - 1];
  const estimate = record && steps.length === 1 ? estimates.get(keyOf(record.migration, record.step)) : undefined;
  const undone = record?.undoneAt && steps.length === 1 ? ' (taken back since)' : '';
  return [
    first.number === last.number ? `${first.number}` : `${first.number}-${last.number}`,
    `${label}${undone}`,
    first.startMilliseconds < 1 ? '0' : `+${duration(first.startMilliseconds)}`,
    duration(sum(({ workMilliseconds }) => workMilliseconds)),
    estimate === undefined ? '' : duration(estimate),
    waitedFor === 0 ? 'none' : duration(waitedFor),
    count(sum(({ attempts }) => attempts)),
  ];
}

/** Planned and not done: of a run that ended early. */
export function leftSection({ state, steps, details: { planned } }: RunRecord): Section[] {
  if (state === 'done' || !planned) return [];
  const done = new Set(steps.map((step) => keyOf(step.migration, step.step)));
  const left = planned.filter((step) => !done.has(keyOf(step.migration, step.key)));
  if (left.length === 0) return [];
  return [
    {
      heading: 'What was not done in this run',
      blocks: [
        { kind: 'text', text: `${plural(left.length, 'planned step')}; none of them is half done.` },
        {
          kind: 'table',
          head: [{ name: '#', align: 'right' }, { name: 'step' }, { name: 'migration' }],
          rows: left.map((step) => [`${planned.indexOf(step) + 1}`, step.title, step.migration]),
        },
      ],
    },
  ];
}

export function plannedSection({ details: { planned } }: RunRecord): Section[] {
  if (!planned || planned.length === 0) return [];
  const total = planned.reduce((sum, { estimate }) => sum + estimate.milliseconds, 0);
  const longest = Math.max(...planned.map(({ estimate }) => estimate.writeWaitMilliseconds));
  return [
    {
      heading: 'What was planned',
      blocks: [
        {
          kind: 'text',
          text: `${plural(planned.length, 'step')}, about ${duration(total)} in all; longest expected wait of a write: ${longest === 0 ? 'none' : duration(longest)}.`,
        },
        {
          kind: 'table',
          head: [
            { name: '#', align: 'right' },
            { name: 'step' },
            { name: 'strongest lock on a live table' },
            { name: 'live tables (rows, size, writes per second)' },
            { name: 'time', align: 'right' },
            { name: 'write wait', align: 'right' },
          ],
          rows: plannedRows(planned),
        },
      ],
    },
  ];
}

function plannedRows(planned: readonly PlannedStep[]): Cell[][] {
  const groups = groupAlike(
    planned.map((step, index) => ({
      label: step.title,
      number: index + 1,
      startMilliseconds: 0,
      waitMilliseconds: 0,
      workMilliseconds: step.estimate.milliseconds,
      attempts: 1,
      done: true,
    })),
  );
  return groups.map(({ label, steps }) => {
    const own = steps.map(({ number }) => planned[number - 1] as PlannedStep);
    const [first] = own as [PlannedStep, ...PlannedStep[]];
    const numbers = own.length === 1 ? `${steps[0]?.number}` : `${steps[0]?.number}-${steps.at(-1)?.number}`;
    const tables = first.tables.map(
      ({ table, rows, megabytes: size, writesPerSecond }) =>
        `${table} (${count(rows)}, ${megabytes(size)}, ${writesPerSecond.toFixed(writesPerSecond < 10 ? 1 : 0)}/s)`,
    );
    const wait = Math.max(...own.map(({ estimate }) => estimate.writeWaitMilliseconds));
    return [
      numbers,
      label,
      first.lock ?? 'none',
      tables.join('; ') || 'none',
      duration(own.reduce((sum, { estimate }) => sum + estimate.milliseconds, 0)),
      wait === 0 ? 'none' : duration(wait),
    ];
  });
}

function keyOf(migration: string, step: string): string {
  return `${migration}/${step}`;
}
