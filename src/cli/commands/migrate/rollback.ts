import { describeAddress } from '../../../base/config.ts';
import { type DoneStep, type ExportManifest, type Finding, importRows, planRollback, type RollbackPlan, rollbackMigration } from '../../../migrate/index.ts';
import { resolve } from 'node:path';
import { AppError } from '../../../base/errors.ts';
import { type CliIo, print, printJson } from '../../io.ts';
import { count, renderFindings, renderPlan, renderStatements } from '../../migrate-view.ts';
import { addReportOptions, type ReportOptions, withReport } from '../../report-files.ts';
import { confirm } from './confirm.ts';
import { addLockOptions, type EngineCommandOptions, engineOptions, exitPending, type LockOptions, lockPatience, type MigrateCommands } from './options.ts';
import { printStepsDone, showProgress, terminalWidth } from './progress.ts';

interface RollbackCommandOptions extends EngineCommandOptions, LockOptions, ReportOptions {
  readonly withLater?: boolean;
  readonly export?: string;
  readonly gzip?: boolean;
  readonly discardData?: boolean;
  readonly dryRun?: boolean;
  readonly sql?: boolean;
  readonly yes?: boolean;
}

/** `rollback` and its counterpart for the rows, `import`. */
export function addRollbackCommands(commands: MigrateCommands): void {
  addRollback(commands);
  addImport(commands);
}

function addRollback({ io, command }: MigrateCommands): void {
  addReportOptions(addLockOptions(command('rollback [name]', 'take the module out again, online: all of its migrations, or the named one')))
    .option('--with-later', 'take back the migrations after the named one too')
    .option('--export <folder>', 'write the rows of the dropped tables to this folder, in the transaction that drops them')
    .option('--gzip', 'compress the exported files')
    .option('--discard-data', 'give up the rows of the dropped tables, and the values of columns dropped from tables that stay')
    .option('--dry-run', 'show the steps, locks, sizes and rows; change nothing')
    .option('--sql', 'show the statements of each step too')
    .option('-y, --yes', 'do not ask')
    .action(async (name: string | undefined, options: RollbackCommandOptions) => {
      if (options.export !== undefined && options.discardData)
        throw new AppError('invalid', 'COMMAND_LINE_INVALID', 'Give either --export or --discard-data: the rows are kept or given up.');
      const engine = {
        ...(await engineOptions(options, io)),
        name,
        withLater: options.withLater,
        exportTo: options.export === undefined ? undefined : resolve(io.cwd, options.export),
        gzip: options.gzip,
        discardData: options.discardData,
      };
      const plan = await planRollback(engine);
      const blocks = plan.findings.filter(({ level }) => level === 'block');
      if (options.dryRun || !options.yes || blocks.length > 0) {
        if (options.json && options.dryRun) {
          io.exitCode = blocks.length > 0 ? exitCodeOf(blocks) : plan.steps.length > 0 ? exitPending : 0;
          return printJson(io, plan);
        }
        if (!options.json && (options.dryRun || io.interactive)) showPlan(io, plan, { sql: options.sql === true, exporting: options.export !== undefined });
        if (options.dryRun) {
          if (blocks.length > 0) print(io, renderFindings(blocks));
          io.exitCode = blocks.length > 0 ? exitCodeOf(blocks) : plan.steps.length > 0 ? exitPending : 0;
          return;
        }
      }
      if (plan.steps.length > 0 && blocks.length === 0) {
        const rows = plan.tables.reduce((sum, each) => sum + each.rows, 0);
        const values = plan.columns.reduce((sum, each) => sum + each.values, 0);
        const written = rows === 0 ? '' : options.discardData ? ` and ${count(rows)} rows given up` : ` and ${count(rows)} rows written to ${engine.exportTo}`;
        // Only with --discard-data it comes so far.
        const fate = `${written}${values === 0 ? '' : ` and ${count(values)} values in columns given up`}`;
        const what = `${plan.migrations.length} migrations would be taken back in ${plan.steps.length} steps on ${describeAddress(engine.address)}${fate}`;
        await confirm(io, { what, look: 'onechart migrate rollback --dry-run', yes: options.yes });
      }
      const progress = options.json ? {} : { onEvent: showProgress(io) };
      const { result, report } = await withReport({ io, address: engine.address, options, ...progress }, (onEvent) =>
        rollbackMigration({ ...engine, ...lockPatience(options), onEvent }),
      );
      if (options.json) return printJson(io, { plan: result.plan, done: doneOf(result.steps), exported: result.exported, ...(report ? { report } : {}) });
      if (result.steps.length === 0) return print(io, 'Nothing to roll back: nothing of it is in the database.');
      printStepsDone(io, result.steps, 'taken back');
      showLeft(io, result.plan);
      if (result.exported && engine.exportTo !== undefined) showExported(io, result.exported, engine.exportTo);
    });
}

function addImport({ io, command }: MigrateCommands): void {
  addReportOptions(addLockOptions(command('import <folder>', 'bring the rows back that a rollback exported')))
    .option('-y, --yes', 'do not ask')
    .action(async (folder: string, options: EngineCommandOptions & LockOptions & ReportOptions & { yes?: boolean }) => {
      const engine = await engineOptions(options, io);
      const from = resolve(io.cwd, folder);
      await confirm(io, { what: `The rows in ${from} would go into ${describeAddress(engine.address)}`, look: 'onechart migrate status', yes: options.yes });
      const progress = options.json ? {} : { onEvent: showProgress(io) };
      const { result, report } = await withReport({ io, address: engine.address, options, ...progress }, (onEvent) =>
        importRows({ ...engine, from, ...lockPatience(options), onEvent }),
      );
      const { outcome, manifest, steps, applyNext } = result;
      const rows = manifest.tables.reduce((sum, each) => sum + each.rows, 0);
      if (options.json)
        return printJson(io, {
          outcome,
          export: manifest.id,
          tables: manifest.tables.map(({ table, rows: number }) => ({ table, rows: number })),
          done: doneOf(steps),
          applyNext,
          ...(report ? { report } : {}),
        });
      if (outcome === 'already') print(io, `Done before: the ${count(rows)} rows of this export were brought back already.`);
      else {
        printStepsDone(io, steps, 'done');
        print(io, `${count(rows)} rows are back, counted table by table; counters and leased blocks of record numbers are among them.`);
      }
      if (applyNext) print(io, 'The module is not completely applied. Next: onechart migrate apply');
    });
}

function showPlan(io: CliIo, plan: RollbackPlan, { sql, exporting }: { sql: boolean; exporting: boolean }): void {
  if (plan.steps.length === 0) return print(io, 'Nothing to roll back: nothing of it is in the database.');
  print(io, renderPlan(plan.steps, terminalWidth(io)));
  const filled = plan.tables.filter(({ rows }) => rows > 0);
  print(
    io,
    filled.length === 0
      ? 'The tables that go are empty.'
      : `Rows in the tables that go: ${filled.map(({ table, rows }) => `${table} ${count(rows)}`).join(', ')}.${exporting ? ' They hold patient data (PHI), and so will the files.' : ''}`,
  );
  const values = plan.columns.filter((each) => each.values > 0);
  if (values.length > 0)
    print(io, `Values in the columns that go: ${values.map(({ table, column, values: number }) => `${table}.${column} ${count(number)}`).join(', ')}.`);
  showLeft(io, plan);
  if (sql) print(io, `\n${renderStatements(plan.steps)}`);
}

function showLeft(io: CliIo, { idsLeft, stays }: RollbackPlan): void {
  for (const { table, column, rows } of idsLeft)
    if (rows > 0) print(io, `${count(rows)} rows of ${table} keep their ${column}; it names nobody until the patients are back.`);
  for (const each of stays) print(io, each);
}

function showExported(io: CliIo, { tables }: ExportManifest, folder: string): void {
  const rows = tables.reduce((sum, each) => sum + each.rows, 0);
  print(io, `${count(rows)} rows of ${tables.length} tables are in ${folder}. They are patient data (PHI): keep them as you keep the database.`);
  print(io, `To come back: onechart migrate import ${folder}, then onechart migrate apply.`);
}

function doneOf(steps: readonly DoneStep[]): object[] {
  return steps.map(({ step, result }) => ({ migration: step.migration, step: step.key, ...result }));
}

function exitCodeOf(blocks: readonly Finding[]): number {
  const kind = blocks.find((block) => block.kind === 'drift')?.kind ?? blocks[0]?.kind ?? 'unsafe';
  return new AppError(kind, 'ROLLBACK', '').face.exitCode;
}
