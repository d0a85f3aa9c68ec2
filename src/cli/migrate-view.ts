import Table from 'cli-table3';
import colors from 'picocolors';
import { count, duration, megabytes as size } from '../base/quantities.ts';
import { type AssessedMigration, type Difference, defaultLockPatience, type Finding, type Step, type Verification } from '../migrate/index.ts';

/** How the engine's results read on a terminal. Pure: values in, text out. */

export { count, duration };

const marks = { ok: colors.green('ok   '), info: colors.cyan('note '), warn: colors.yellow('warn '), block: colors.red('block') };

export function renderFindings(findings: readonly Finding[]): string {
  return findings.map(({ level, code, message }) => `${marks[level]}  ${message}${level === 'ok' ? '' : colors.dim(` [${code}]`)}`).join('\n');
}

/** The table a DBA reads before saying yes. */
export function renderPlan(steps: readonly Step[], width = 150): string {
  const narrow = width < 120;
  const table = plainTable(
    ['#', 'step', 'lock on live tables', 'tables (rows, size, writes/s)', 'time', 'write wait'],
    narrow ? [4, 34, 16, 26, 9, 10] : [4, 58, 24, Math.max(30, Math.min(48, width - 120)), 9, 12],
  );
  let migration = '';
  for (const [index, step] of steps.entries()) {
    if (step.migration !== migration) {
      migration = step.migration;
      table.push([{ content: colors.bold(migration), colSpan: 6 }]);
    }
    const tables = step.tables
      .map(
        ({ table: name, rows, megabytes, writesPerSecond }) =>
          `${name} (${count(rows)}, ${size(megabytes)}, ${writesPerSecond.toFixed(writesPerSecond < 10 ? 1 : 0)}/s)`,
      )
      .join('\n');
    table.push([
      index + 1,
      step.title,
      step.lock ?? '-',
      tables || '-',
      duration(step.estimate.milliseconds),
      step.estimate.writeWaitMilliseconds === 0 ? 'none' : duration(step.estimate.writeWaitMilliseconds),
    ]);
  }
  const total = steps.reduce((sum, { estimate }) => sum + estimate.milliseconds, 0);
  const longest = Math.max(0, ...steps.map(({ estimate }) => estimate.writeWaitMilliseconds));
  return `${table.toString()}\n${steps.length} steps, about ${duration(total)} in all; longest expected wait of a write: ${longest === 0 ? 'none' : duration(longest)}.\nA step that does not get its lock within ${defaultLockPatience.attemptMilliseconds} ms gives way to the writes behind it and tries again.`;
}

/** Each step's statements, for --sql. */
export function renderStatements(steps: readonly Step[]): string {
  return steps.map((step, index) => `-- ${index + 1}. ${step.title}\n${step.statements.map((statement) => `${statement};`).join('\n')}`).join('\n\n');
}

export function renderStatus(migrations: readonly AssessedMigration[]): string {
  const table = plainTable(['migration', 'history', 'objects', 'state'], [48, 14, 12, 44]);
  for (const { file, history, statements, edited, complete } of migrations) {
    const there = statements.filter(({ object }) => object.state === 'present').length;
    table.push([file.name, history, `${there} of ${statements.length}`, migrationState({ history, edited, complete, there, statements })]);
  }
  return table.toString();
}

function migrationState(migration: Pick<AssessedMigration, 'history' | 'edited' | 'complete' | 'statements'> & { there: number }): string {
  const conflicts = migration.statements.filter(({ object }) => object.state === 'conflict').length;
  if (migration.edited) return colors.red('its file was edited after it was applied');
  if (conflicts > 0) return colors.red(`${conflicts} with another definition`);
  if (migration.history === 'applied') return migration.complete ? colors.green('in sync') : colors.red('history says applied, objects are missing');
  if (migration.complete) return colors.yellow('all there, history to be finished');
  return migration.there === 0 ? 'pending' : colors.yellow('partly applied');
}

export function renderVerification({ items }: Verification): string {
  return items.map(({ name, ok, found }) => `${ok ? marks.ok : colors.red('fail ')}  ${name}: ${found}`).join('\n');
}

/** An object a line, what it should be and what it is below. */
export function renderDrift(differences: readonly Difference[]): string {
  const colour = { missing: colors.red, different: colors.red, invalid: colors.red, extra: colors.yellow };
  return differences
    .map(({ state, object, name, expected, found }) => {
      const sides = [...(expected === undefined ? [] : [['expected', expected]]), ...(found === undefined ? [] : [['found', found]])];
      return [
        `${colour[state](state.padEnd(9))}  ${object} ${name}`,
        ...sides.map(([side, text]) => colors.dim(`             ${side}: ${(text as string).split('\n')[0]}`)),
      ].join('\n');
    })
    .join('\n');
}

/** One line of progress: a bar, the step, how long. */
export function progressBar(done: number, of: number): string {
  const width = 24;
  const full = of === 0 ? width : Math.round((done / of) * width);
  return `[${'#'.repeat(full)}${'.'.repeat(width - full)}] ${String(done).padStart(String(of).length)}/${of}`;
}

function plainTable(head: string[], colWidths: number[]): Table.Table {
  return new Table({ head: head.map((each) => colors.bold(each)), colWidths, wordWrap: true, style: { head: [], border: [], compact: true } });
}
