import { type Command, InvalidArgumentError } from 'commander';
import Table from 'cli-table3';
import colors from 'picocolors';
import { listRuns, readRun, type RunSummary } from '../../../migrate/index.ts';
import { addDatabaseOptions, type DatabaseOptions, findDatabase } from '../../database.ts';
import { print, printJson } from '../../io.ts';
import { duration } from '../../migrate-view.ts';
import { defaultReportFolder, reportFolder, shownPath, writeReport } from '../../report-files.ts';
import type { MigrateCommands } from './options.ts';

interface ReportCommandOptions extends DatabaseOptions {
  readonly out?: string;
  readonly json?: boolean;
}

/** `migrate runs` and `migrate report`: what was done to the database, from the journal. */
export function addReportCommands({ io, migrate }: MigrateCommands): void {
  withDatabase(migrate.command('runs').description('list the runs that changed the database, from its journal')).action(
    async (options: ReportCommandOptions) => {
      const runs = await listRuns({ address: await findDatabase(options, io) });
      if (options.json) return printJson(io, runs);
      print(io, runs.length === 0 ? 'No run is recorded: onechart migrate has changed nothing here yet.' : renderRuns(runs));
    },
  );

  withDatabase(migrate.command('report').description('make the report of a run again, from the journal'))
    .argument('[run]', 'number of the run, as onechart migrate runs shows it (default: the last one)', runNumber)
    .option('--out <folder>', `where it goes (default: ONECHART_REPORT_DIR, or ${defaultReportFolder} in the current folder)`)
    .action(async (number: number | undefined, options: ReportCommandOptions) => {
      const run = await readRun({ address: await findDatabase(options, io) }, number);
      const files = await writeReport(run, reportFolder(io, options.out));
      if (options.json) return printJson(io, { files, run });
      for (const path of Object.values(files)) print(io, shownPath(io, path));
    });
}

function withDatabase(command: Command): Command {
  return addDatabaseOptions(command).option('--json', 'print the result as JSON for machines');
}

function runNumber(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('It must be the number of a run, as onechart migrate runs shows it.');
  return Number(text);
}

const ends = { done: colors.green('done'), running: colors.yellow('running'), 'cut-off': colors.yellow('cut off') };

function renderRuns(runs: readonly RunSummary[]): string {
  const table = new Table({
    head: ['run', 'command', 'schema', 'began (UTC)', 'for', 'steps', 'lock wait', 'end', 'by'].map((each) => colors.bold(each)),
    style: { head: [], border: [], compact: true },
  });
  for (const run of runs) {
    const lasted = run.finishedAt ? duration(run.finishedAt.getTime() - run.startedAt.getTime()) : '';
    const end = run.state === 'failed' ? colors.red(run.outcome ?? 'failed') : ends[run.state];
    const began = run.startedAt.toISOString().slice(0, 19).replace('T', ' ');
    const wait = run.longestLockWaitMilliseconds === 0 ? 'none' : duration(run.longestLockWaitMilliseconds);
    table.push([
      run.id,
      run.command,
      run.schema,
      began,
      lasted,
      run.steps,
      wait,
      end,
      `${run.databaseUser}, ${run.operatingSystemUser ?? ''}@${run.host ?? ''}`,
    ]);
  }
  return table.toString();
}
