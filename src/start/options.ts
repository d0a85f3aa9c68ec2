import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { AppError } from '../base/errors.ts';

export interface StartOptions {
  readonly port: number | undefined;
  readonly home: string | undefined;
  readonly rows: number;
  readonly patients: number;
  readonly open: boolean;
  readonly yes: boolean;
  readonly backup: boolean;
  readonly pgDump?: string | undefined;
  readonly keepDatabase: boolean;
  readonly exit: boolean;
}

/** Reads the arguments of `npm start -- …`; undefined when only help was wanted. */
export function parseStartOptions(args: readonly string[], write: (text: string) => void): StartOptions | undefined {
  const command = new Command('npm start --')
    .description(
      'Starts an embedded PostgreSQL, builds a sample surgical EHR with live rows, brings the patient module to it while it is being written to, registers synthetic patients, makes a demo account of each role, and serves the REST API until Ctrl-C.\n\nWith DATABASE_URL (or the PG* variables) set it works on that database instead: no sample data and no account is added, and the migration is only shown unless --yes is given. A backup is made and proven before anything is applied.',
    )
    .option('--port <number>', 'port of the HTTP server on 127.0.0.1 (default: 8080, or the next free one)', whole(0, 65_535))
    .option('--home <folder>', 'folder of the embedded database (default: ONECHART_HOME, or .onechart in the current folder)')
    .option('--rows <number>', 'rows of the sample EHR in cases, records and bills together', whole(0, 20_000_000), 5_000)
    .option('--patients <number>', 'synthetic patients to register', whole(0, 1_000_000), 25)
    .option('--no-open', 'open no browser (this version has no web app and opens none)')
    .option('--yes', 'on a database of your own: apply the migration, not only show it', false)
    .option('--pg-dump <command>', 'on a database of your own: command that runs pg_dump for the backup (default: found on this machine)')
    .option('--no-backup', 'make no backup: on a database of your own, say that you have one that was really restored once')
    .option('--keep-database', 'leave the embedded database running afterwards', false)
    .option('--exit', 'end after the tour instead of serving on (for scripts)', false)
    .addHelpText(
      'after',
      '\nExamples:\n  npm start\n  npm start -- --rows 1000000 --patients 500\n  npm start -- --exit --home /tmp/onechart-try\n  DATABASE_URL=postgresql://ehr@127.0.0.1/ehr npm start',
    )
    .exitOverride()
    .configureOutput({ writeOut: write, writeErr: () => undefined, outputError: () => undefined });
  try {
    command.parse([...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return undefined;
    throw new AppError('invalid', 'COMMAND_LINE_INVALID', `${error.message.replace(/^error: /, '').replace(/\.?$/, '.')} See: npm start -- --help`, {
      reason: error.code,
    });
  }
  return { port: undefined, home: undefined, ...command.opts<Omit<StartOptions, 'port' | 'home'>>() };
}

function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most) throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
    return value;
  };
}
