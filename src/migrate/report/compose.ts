import { type ErrorKind, errorFaces } from '../../base/errors.ts';
import { count, duration, megabytes, plural } from '../../base/quantities.ts';
import type { Block, Cell, Fact, ReportDocument, Section } from './document.ts';
import { otherFacts } from './other-facts.ts';
import type { LockHolder } from '../session.ts';
import { groupAlike, type StepGroup, type TimedStep } from './group-steps.ts';
import type { PlannedStep, RunRecord, RunStep } from './run-record.ts';
import { renderTimeline } from './timeline.ts';

/** Puts together what a run's report says. Pure: the same run gives the same report. */
export function composeReport(run: RunRecord): ReportDocument {
  const outcome = outcomeOf(run);
  return {
    title: `Migration report: ${run.command}, run ${run.id} on database ${run.database}`,
    tone: outcome.tone,
    summary: [
      ['Outcome', outcome.sentence],
      ['Change', changeOf(run)],
      ['Locks and time', waitsOf(run)],
      ['Backup', backupSentence(run)],
      ['When and who', `${when(run)}, by ${whoOf(run)}`],
    ],
    sections: [
      ...timelineSection(run),
      ...stoppedSection(run),
      ...doneSection(run),
      ...leftSection(run),
      ...beforeAndAfterSection(run),
      ...verificationSection(run),
      ...checkedSection(run),
      ...plannedSection(run),
      ...backupSection(run),
      ...otherFacts(run.details),
      { heading: 'Who, where and with what', blocks: [{ kind: 'facts', facts: surroundings(run) }] },
    ],
    footer: `Made from the journal in the schema onechart of database ${run.database}. Make it again at any time with: onechart migrate report ${run.id}`,
  };
}

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
function waited({ attempts, lockWaitMilliseconds }: RunStep): number {
  return attempts > 1 ? lockWaitMilliseconds : 0;
}

interface Outcome {
  readonly tone: ReportDocument['tone'];
  readonly sentence: string;
}

function outcomeOf(run: RunRecord): Outcome {
  const { steps, details, next, continues } = run;
  const of = Math.max(details.planned?.length ?? 0, steps.length);
  const reached = `after ${steps.length} of ${plural(of, 'step')}`;
  const went = next ? ` ${next.command === run.command ? 'Continued by' : `Next came the ${next.command} of`} run ${next.id}.` : '';
  const before = continues.length > 0 ? ` It went on from run ${continues.join(' and ')}, which ${continues.length > 1 ? 'were' : 'was'} cut off.` : '';
  switch (run.state) {
    case 'done': {
      const { verification } = details;
      const done = steps.length === 1 ? '1 step' : `all ${plural(steps.length, 'step')}`;
      if (!verification) return { tone: 'good', sentence: `Done: ${done}.${before}` };
      const failed = verification.items.filter(({ ok }) => !ok).length;
      if (failed === 0)
        return {
          tone: 'good',
          sentence: `Done and verified: ${done}, ${plural(verification.items.length, 'check')} of the result passed.${before}`,
        };
      return {
        tone: 'bad',
        sentence: `Done, but not as it should be: ${done}, ${failed} of ${plural(verification.items.length, 'check')} of the result failed.${before}`,
      };
    }
    case 'failed': {
      const code = details.error?.code ?? run.outcome ?? 'unknown';
      const busy = details.error?.kind === 'busy';
      return {
        tone: busy ? 'warn' : 'bad',
        sentence: `${busy ? 'Gave up' : 'Stopped'} ${reached} (${code}${exitWords(details.error?.kind)}): ${details.error?.message ?? 'the journal has no more about it.'}${went}${before}`,
      };
    }
    case 'running':
      return { tone: 'warn', sentence: `Running: ${steps.length} of ${plural(of, 'step')} done so far.${before}` };
    case 'cut-off':
      return {
        tone: 'warn',
        sentence: next
          ? `Cut off ${reached}; ${next.command === run.command ? 'continued by' : `next came the ${next.command} of`} run ${next.id}.${before}`
          : `Cut off ${reached}; nothing has continued it yet. What is done is whole: the same command goes on from there.${before}`,
      };
  }
}

function exitWords(kind: ErrorKind | undefined): string {
  return kind && kind in errorFaces ? `, exit code ${errorFaces[kind].exitCode}` : '';
}

function changeOf({ command, database, schema, steps, details }: RunRecord): string {
  const migrations = new Set((details.planned ?? steps).map(({ migration }) => migration)).size;
  const planned = details.planned ? `${plural(details.planned.length, 'step')} planned` : `${plural(steps.length, 'step')} done`;
  const lacking = (counts: RunRecord['details']['before']) =>
    (counts ?? []).reduce((sum, { missing, invalid, conflict }) => sum + missing + invalid + conflict, 0);
  const objects =
    details.before && details.after
      ? `; ${plural(lacking(details.before), 'object')} missing or invalid before, ${lacking(details.after)} after`
      : details.before
        ? `; ${plural(lacking(details.before), 'object')} missing or invalid before`
        : '';
  const of = applies(command) ? ` for ${plural(migrations, 'migration')}` : '';
  return `${command} on schema ${schema} of database ${database}: ${planned}${of}${objects}.`;
}

function waitsOf({ steps, details: { stopped } }: RunRecord): string {
  if (stopped) {
    const tried = Date.parse(stopped.endedAt) - Date.parse(stopped.startedAt);
    return `Stopped after ${duration(tried)} at "${stopped.title}"${stopped.attempts > 1 ? `, ${plural(stopped.attempts, 'attempt')} to lock` : ''}.`;
  }
  const longest = longestBy(steps, waited);
  const slowest = longestBy(steps, ({ workMilliseconds }) => workMilliseconds);
  if (!longest || !slowest) return 'No step was done.';
  const wait = waited(longest);
  return `${wait === 0 ? 'Every lock was had at the first attempt' : `Longest wait for a lock ${duration(wait)}, ${longest.attempts} attempts ("${longest.title}")`}; longest step ${duration(slowest.workMilliseconds)} ("${slowest.title}").`;
}

function longestBy<T>(items: readonly T[], measure: (item: T) => number): T | undefined {
  return items.reduce<T | undefined>((longest, item) => (longest === undefined || measure(item) > measure(longest) ? item : longest), undefined);
}

/** Repair is apply on a database where something was wrong. */
function applies(command: string): boolean {
  return command === 'apply' || command === 'repair';
}

function backupSentence({ command, details: { backup, exported } }: RunRecord): string {
  // What a rollback says of the rows it exported; see rollback.ts.
  if (typeof exported === 'object' && exported !== null && 'folder' in exported && typeof exported.folder === 'string')
    return `This command makes none; the rows of the tables it dropped were exported to ${exported.folder}.`;
  if (backup === undefined)
    return applies(command) ? 'The journal of this run says nothing of a backup.' : 'This command makes none; see the run of the apply before it.';
  if (typeof backup === 'string') return `None was made by this run: ${backup}.`;
  const { method, bytes, proof } = backup;
  return `${method}, ${megabytes(bytes / 1048576)}, restored for real (${proof.where}) and compared: ${count(proof.objects)} objects, ${count(proof.tables)} tables, ${count(proof.rows)} rows alike.`;
}

function backupSection({ details: { backup } }: RunRecord): Section[] {
  if (backup === undefined || typeof backup === 'string') return [];
  const { file, sha256, encryption, startedAt, finishedAt, clientVersion, serverVersion, database, proof } = backup;
  const sums = Object.entries(proof.checksums ?? {});
  return [
    {
      heading: 'Backup and its proof',
      blocks: [
        {
          kind: 'facts',
          facts: [
            ['File', { code: file }],
            ['SHA-256', { code: sha256 }],
            ['Encrypted', encryption ? `yes, for a ${encryption}` : 'no'],
            ['Made', `${utc(new Date(startedAt))} to ${utc(new Date(finishedAt))}, of database ${database}`],
            ['Client and server', `${clientVersion}; ${serverVersion}`],
            ['Proof', `restored for real (${proof.where}) at ${utc(new Date(proof.at))} in ${duration(proof.milliseconds)}, then compared`],
          ],
        },
        ...(sums.length > 0
          ? [
              {
                kind: 'table' as const,
                head: [{ name: 'table' }, { name: 'checksum of its rows, the same in both' }],
                rows: sums.map(([table, sum]) => [table, { code: sum }]),
              },
            ]
          : []),
      ],
    },
  ];
}

function timelineSection(run: RunRecord): Section[] {
  const steps = timedSteps(run);
  if (steps.length === 0) return [];
  const svg = renderTimeline(steps, { title: `Steps and lock waits of run ${run.id}` });
  const caption = `Steps and lock waits of run ${run.id}: time since the first step began. An attempt for a lock gives way to the writes behind it, then tries again.`;
  return [{ heading: 'Timeline', blocks: [{ kind: 'timeline', svg, caption }] }];
}

function doneSection(run: RunRecord): Section[] {
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
function leftSection({ state, steps, details: { planned } }: RunRecord): Section[] {
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

function stoppedSection({ details: { error, stopped } }: RunRecord): Section[] {
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

function beforeAndAfterSection({ details: { before, after } }: RunRecord): Section[] {
  if (!before) return [];
  const known = new Map((after ?? []).map((each) => [each.migration, each]));
  const pair = (left: number, right: number | undefined) => (right === undefined ? `${left}` : `${left} → ${right}`);
  const wrong = [...before, ...(after ?? [])].flatMap((each) => each.wrong);
  return [
    {
      heading: 'Before and after',
      blocks: [
        {
          kind: 'text',
          text: after
            ? 'Objects of each migration in the catalogue, by definition and validity: before → after.'
            : 'Objects of each migration in the catalogue, by definition and validity, before the run; it ended before it could look again.',
        },
        {
          kind: 'table',
          head: [
            { name: 'migration' },
            { name: 'there', align: 'right' },
            { name: 'missing', align: 'right' },
            { name: 'invalid', align: 'right' },
            { name: 'other definition', align: 'right' },
            { name: 'history' },
          ],
          rows: before.map((left) => {
            const right = known.get(left.migration);
            return [
              left.migration,
              pair(left.present, right?.present),
              pair(left.missing, right?.missing),
              pair(left.invalid, right?.invalid),
              pair(left.conflict, right?.conflict),
              right === undefined || right.history === left.history ? left.history : `${left.history} → ${right.history}`,
            ];
          }),
        },
        ...(wrong.length > 0 ? ([{ kind: 'text', text: `Invalid, or of another definition: ${[...new Set(wrong)].join(', ')}.` }] as Block[]) : []),
        { kind: 'text', text: 'SHA-256 of each migration.sql:' },
        { kind: 'table', head: [{ name: 'migration' }, { name: 'SHA-256' }], rows: before.map(({ migration, checksum }) => [migration, { code: checksum }]) },
      ],
    },
  ];
}

function verificationSection({ details: { verification } }: RunRecord): Section[] {
  if (!verification) return [];
  return [
    {
      heading: 'Verification of the result',
      blocks: [
        {
          kind: 'table',
          head: [{ name: 'result' }, { name: 'check' }, { name: 'found' }],
          rows: verification.items.map(({ name, ok, found }) => [ok ? 'ok' : 'FAILED', name, found]),
        },
      ],
    },
  ];
}

const levels = { ok: 'ok', info: 'note', warn: 'WARNING', block: 'BLOCK' };

function checkedSection({ details: { findings } }: RunRecord): Section[] {
  if (!findings || findings.length === 0) return [];
  return [
    {
      heading: 'What was checked beforehand',
      blocks: [
        {
          kind: 'table',
          head: [{ name: 'result' }, { name: 'found' }, { name: 'code' }],
          rows: findings.map(({ level, message, code }) => [levels[level] ?? level, message, { code }]),
        },
      ],
    },
  ];
}

function plannedSection({ details: { planned } }: RunRecord): Section[] {
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

function surroundings(run: RunRecord): Fact[] {
  return [
    ['Run', `${run.id} (${run.command})`],
    ['Database and schema', `${run.database}, ${run.schema}`],
    ['Began', utc(run.startedAt)],
    ['Ended', run.finishedAt ? utc(run.finishedAt) : run.state === 'running' ? 'still running' : 'no end was recorded'],
    ['Database user', run.databaseUser],
    ['Operating system user', run.operatingSystemUser ?? 'unknown'],
    ['Host', run.host ?? 'unknown'],
    ['OneChart', run.version ?? 'unknown'],
    ['PostgreSQL', run.serverVersion ?? 'unknown'],
  ];
}

function when({ startedAt, finishedAt, state }: RunRecord): string {
  const begun = utc(startedAt);
  if (!finishedAt) return `${begun}, ${state === 'running' ? 'still running' : 'no end recorded'}`;
  return `${begun}, for ${duration(finishedAt.getTime() - startedAt.getTime())}`;
}

function whoOf({ databaseUser, operatingSystemUser, host, version, serverVersion }: RunRecord): string {
  return `database user ${databaseUser}, operating system user ${operatingSystemUser ?? 'unknown'} on ${host ?? 'an unknown host'}, OneChart ${version ?? 'of unknown version'}, PostgreSQL ${serverVersion ?? 'of unknown version'}.`;
}

/** `2026-11-23 13:05:10 UTC`. */
function utc(date: Date): string {
  return Number.isNaN(date.getTime()) ? 'unknown' : `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

function keyOf(migration: string, step: string): string {
  return `${migration}/${step}`;
}
