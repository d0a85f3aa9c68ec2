import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { InvalidArgumentError, type Command, Option } from 'commander';
import { type DatabaseAddress, describeAddress } from '../../../base/config.ts';
import { AppError } from '../../../base/errors.ts';
import { count, plural } from '../../../base/quantities.ts';
import {
  adoptOrphans,
  type FileProblem,
  listOrphans,
  listPlaceholders,
  nullOrphans,
  type OrphanList,
  quarantineOrphans,
  type ResolvedOrphans,
  type RunOptions,
  type UndoneOrphans,
  undoOrphans,
} from '../../../migrate/index.ts';
import { type CliIo, note, print, printJson } from '../../io.ts';
import { addReportOptions, type Reported, type ReportOptions, withReport } from '../../report-files.ts';
import { confirm } from './confirm.ts';
import {
  addEngineOptions,
  addLockOptions,
  collect,
  type EngineCommandOptions,
  engineOptions,
  type LockOptions,
  lockPatience,
  type MigrateCommands,
} from './options.ts';
import { printStepsDone, showProgress } from './progress.ts';

/** Unresolved orphans stop the migration, as a check does. */
const exitOrphans = 3;

interface OrphanOptions extends EngineCommandOptions, LockOptions, ReportOptions {
  readonly table?: string[];
  readonly yes?: boolean;
  readonly batch?: number;
}

/** `onechart migrate orphans …`: ids in link tables that belong to no patient. */
export function addOrphanCommands({ io, migrate }: MigrateCommands): void {
  const orphans = migrate.command('orphans').description('ids in link tables that belong to no patient: list, adopt, quarantine, null, undo, queue');
  const command = (name: string, description: string) => addEngineOptions(orphans.command(name).description(description));
  addListCommand(io, command);
  addAdoptCommand(io, command);
  addClearCommand(io, command, 'quarantine');
  addClearCommand(io, command, 'null');
  addUndoCommand(io, command);
  addQueueCommand(io, command);
}

type MakeCommand = (name: string, description: string) => Command;

function addListCommand(io: CliIo, command: MakeCommand): void {
  withTable(command('list', 'count the orphans of every link table; changes nothing'))
    .option('--csv <file>', 'write every orphan id with its table and number of rows to this file')
    .action(async (options: OrphanOptions & { csv?: string }) => {
      const engine = await engineOptions(options, io);
      const csv = options.csv === undefined ? undefined : await openCsv(options.csv);
      const list = await listOrphans({ ...engine, tables: options.table, ...(csv ? { onIds: csv.write } : {}) });
      await csv?.end();
      const unresolved = list.columns.reduce((sum, { rows }) => sum + rows, 0);
      io.exitCode = unresolved === 0 ? 0 : exitOrphans;
      if (options.json) return printJson(io, { unresolved, ...list });
      printList(io, list);
      if (options.csv !== undefined) print(io, `The ids are in ${options.csv}.`);
      if (unresolved === 0) return print(io, 'No orphans.');
      const undecided = list.columns.filter(({ rows, decided }) => rows > 0 && decided === undefined);
      print(
        io,
        undecided.length === 0
          ? 'All decided: onechart migrate apply carries it out.'
          : 'Resolve them with: onechart migrate orphans adopt (a placeholder patient for each id) | quarantine | null',
      );
    });
}

function printList(io: CliIo, { columns, patientsThere }: OrphanList): void {
  if (!patientsThere) print(io, 'There is no table of patients yet: every id is an orphan.');
  for (const { table, column, rows, ids, blankRows, samples, decided } of columns) {
    const blank = blankRows > 0 ? `, ${count(blankRows)} of them with an empty id` : '';
    const what =
      rows === 0 ? 'none' : `${plural(rows, 'row')}, ${plural(ids, 'id')}${blank}; for example ${samples.map((id) => JSON.stringify(id)).join(', ')}`;
    print(io, `${table}.${column}: ${what}${decided ? ` [decided: ${decided}]` : ''}`);
  }
}

/** Portions are written as they come: a file of millions of ids is never in memory. */
async function openCsv(file: string) {
  const stream = createWriteStream(file);
  await Promise.race([once(stream, 'open'), once(stream, 'error').then(([error]) => Promise.reject(error as Error))]).catch((cause: unknown) => {
    throw new AppError('invalid', 'CSV_FILE_UNWRITABLE', `The file ${file} cannot be written. Check the path and the rights.`, { file }, { cause });
  });
  const quoted = (text: string) => (/[",\r\n]|^\s|\s$/.test(text) || text === '' ? `"${text.replaceAll('"', '""')}"` : text);
  stream.write('table,column,id,rows\n');
  return {
    write: async (portion: readonly { table: string; column: string; id: string; rows: number }[]) => {
      const lines = portion.map(({ table, column, id, rows }) => `${quoted(table)},${quoted(column)},${quoted(id)},${rows}\n`).join('');
      if (!stream.write(lines)) await once(stream, 'drain');
    },
    end: async () => {
      stream.end();
      await once(stream, 'close');
    },
  };
}

function addAdoptCommand(io: CliIo, command: MakeCommand): void {
  withWork(command('adopt', 'give every orphan id a patient: a placeholder, or what a file of the host knows'))
    .option('--from <file>', 'CSV file of the host with the columns id,lastName and any of firstName,dateOfBirth,gender,phone,...')
    .action(async (options: OrphanOptions & { from?: string }) => {
      const engine = await engineOptions(options, io);
      await confirm(io, {
        what: `Every orphan id of ${describeAddress(engine.address)} would get a patient`,
        look: 'onechart migrate orphans list',
        yes: options.yes,
      });
      const { result, report } = await reported({ io, options, address: engine.address }, (onEvent) =>
        adoptOrphans({ ...engine, ...runOptions(options), onEvent, from: options.from }),
      ).catch((error: unknown) => {
        printProblems(io, error, options.json);
        throw error;
      });
      if (result.columns.some(({ left }) => left)) io.exitCode = exitOrphans;
      if (options.json) return printJson(io, forMachines(result, report));
      if (result.file) {
        const { lines, completed, begun, notOrphans } = result.file;
        print(
          io,
          `${plural(lines, 'line')} read; ${plural(completed, 'waiting placeholder')} completed.${begun > 0 ? ` ${plural(begun, 'placeholder')} left: somebody has begun to fill them in.` : ''}`,
        );
        if (notOrphans.count > 0)
          print(
            io,
            `${plural(notOrphans.count, 'id')} of the file ${notOrphans.count === 1 ? 'names' : 'name'} no orphan (any more) and ${notOrphans.count === 1 ? 'was' : 'were'} left: ${notOrphans.samples.join(', ')}${notOrphans.count > 3 ? ', ...' : ''}`,
          );
      }
      if (result.outcome === 'decided')
        return print(io, 'Written down: there is no table of patients yet, so onechart migrate apply adopts them when the keys are there.');
      if (result.columns.length > 0 || !result.file?.completed) printResolved(io, result, (done, name) => `${name}: ${plural(done, 'patient')} made`);
      print(io, 'Placeholders wait in the queue: onechart migrate orphans queue');
    });
}

function addClearCommand(io: CliIo, command: MakeCommand, action: 'quarantine' | 'null'): void {
  const description =
    action === 'quarantine'
      ? 'copy every row with an orphan id to onechart.orphan_rows, then set the id to NULL'
      : 'set every orphan id to NULL; key and id stay in the journal';
  withWork(command(action, description))
    .option('--reason <text>', 'kept in the journal')
    .option('--blank', 'only ids that are empty or white space')
    .action(async (options: OrphanOptions & { reason?: string; blank?: boolean }) => {
      const engine = await engineOptions(options, io);
      const what = `Every ${options.blank ? 'empty' : 'orphan'} id of ${describeAddress(engine.address)} would be set to NULL`;
      await confirm(io, { what, look: 'onechart migrate orphans list', yes: options.yes });
      const work = action === 'quarantine' ? quarantineOrphans : nullOrphans;
      const { result, report } = await reported({ io, options, address: engine.address }, (onEvent) =>
        work({ ...engine, ...runOptions(options), onEvent, reason: options.reason, blankOnly: options.blank }),
      );
      if (result.columns.some(({ left }) => left)) io.exitCode = exitOrphans;
      if (options.json) return printJson(io, forMachines(result, report));
      printResolved(io, result, (done, name) => `${name}: ${plural(done, 'row')} ${action === 'quarantine' ? 'quarantined' : 'set to NULL'}`);
    });
}

function printResolved(io: CliIo, { columns, steps }: ResolvedOrphans, say: (done: number, name: string) => string): void {
  if (columns.length === 0) return print(io, 'Nothing to do: there are no orphans.');
  for (const { table, column, done, left } of columns)
    print(io, `${say(done, `${table}.${column}`)}${left ? '; new ones were written meanwhile, run the same command again' : ''}`);
  printStepsDone(io, steps, 'done');
  print(io, 'Take it back with: onechart migrate orphans undo');
}

function addUndoCommand(io: CliIo, command: MakeCommand): void {
  addReportOptions(addLockOptions(command('undo', 'put back what the last work on orphans did, where nothing has changed since')))
    .option('--run <id>', 'the run to undo (default: the last that did anything to orphans)', wholeNumber)
    .option('-y, --yes', 'do not ask')
    .action(async (options: OrphanOptions & { run?: number }) => {
      const engine = await engineOptions(options, io);
      const what = `${options.run === undefined ? 'The last work on orphans' : `Run ${options.run}`} in ${describeAddress(engine.address)} would be undone`;
      await confirm(io, { what, look: 'onechart migrate runs', yes: options.yes });
      const { result, report } = await reported({ io, options, address: engine.address }, (onEvent) =>
        undoOrphans({ ...engine, ...runOptions(options), onEvent, run: options.run }),
      );
      io.exitCode = result.columns.some(({ left }) => left.length > 0) ? exitOrphans : 0;
      if (options.json) return printJson(io, { ...result, steps: result.steps.length, ...(report ? { report } : {}) });
      printUndone(io, result);
    });
}

const undoneWords = {
  adopt: 'patient taken back',
  complete: 'chart made a placeholder again',
  quarantine: 'row given its id back',
  null: 'row given its id back',
} as const;

function printUndone(io: CliIo, { runs, columns }: UndoneOrphans): void {
  print(io, `${runs.length === 1 ? 'Run' : 'Runs'} ${runs.join(', ')}:${columns.length === 0 ? ' its decisions are taken back.' : ''}`);
  for (const { table, column, action, undone, left } of columns) {
    const [one, ...rest] = undoneWords[action].split(' ');
    print(io, `${table}.${column}: ${plural(undone, `${one}`)} ${rest.join(' ')}`);
    for (const { reason, count: number, samples } of left) print(io, `  ${count(number)} left as they are: ${reason} (for example ${samples.join(', ')})`);
  }
}

function addQueueCommand(io: CliIo, command: MakeCommand): void {
  command('queue', 'the placeholders that wait for real demographics, oldest first')
    .option('--limit <number>', 'how many to list (default: 20)', wholeNumber)
    .action(async (options: EngineCommandOptions & { limit?: number }) => {
      const queue = await listPlaceholders({ ...(await engineOptions(options, io)), ...(options.limit === undefined ? {} : { limit: options.limit }) });
      if (options.json) return printJson(io, queue);
      print(io, `${plural(queue.waiting, 'placeholder')} waiting, ${count(queue.completed)} completed.`);
      for (const { patientId, sourceTable, sourceColumn, createdAt } of queue.oldest)
        print(io, `${patientId}  since ${createdAt.toISOString().slice(0, 10)}${sourceTable ? `  from ${sourceTable}.${sourceColumn}` : ''}`);
      if (queue.waiting > 0) print(io, 'Complete them with: onechart migrate orphans adopt --from patients.csv');
    });
}

function withTable(command: Command): Command {
  return command.addOption(new Option('--table <table>', 'only this link table, as table or table.column; repeat it').argParser(collect));
}

function withWork(command: Command): Command {
  return addReportOptions(addLockOptions(withTable(command)))
    .option('--batch <rows>', 'rows a batch (default: 5000)', wholeNumber)
    .option('-y, --yes', 'do not ask');
}

function runOptions(options: OrphanOptions): ReturnType<typeof lockPatience> & { tables?: string[]; batchRows?: number } {
  return {
    ...lockPatience(options),
    ...(options.table ? { tables: options.table } : {}),
    ...(options.batch === undefined ? {} : { batchRows: options.batch }),
  };
}

/** The work with its progress on the terminal and its report. */
function reported<T>(
  { io, options, address }: { io: CliIo; options: OrphanOptions; address: DatabaseAddress },
  work: (onEvent: NonNullable<RunOptions['onEvent']>) => Promise<T>,
): Promise<Reported<T>> {
  return withReport({ io, address, options, ...(options.json ? {} : { onEvent: showProgress(io) }) }, work);
}

function forMachines({ steps, ...result }: ResolvedOrphans, report: Reported<unknown>['report']): object {
  return { ...result, steps: steps.length, ...(report ? { report } : {}) };
}

/** Every wrong line, before the error itself: line, column and what to do, never the value. */
function printProblems(io: CliIo, error: unknown, json: boolean | undefined): void {
  if (json || !(error instanceof AppError) || error.code !== 'PATIENTS_FILE_INVALID') return;
  for (const { line, column, remedy } of error.details.problems as FileProblem[]) note(io, `line ${line}, ${column}: ${remedy}`);
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('It must be a whole number from 1.');
  return value;
}
