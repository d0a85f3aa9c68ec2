import { Command, CommanderError } from 'commander';
import { AppError, toAppError } from '../base/errors.ts';
import { packageVersion } from '../base/version.ts';
import { translateDatabaseError } from '../db/sqlstate.ts';
import { type CliIo, note, printJson } from './io.ts';

// What every command line has, without any command: `serve` alone must not load the others with the migration engine.

/** The program without its commands. */
export function newProgram(io: CliIo): Command {
  return new Command('onechart')
    .description('One patient, one chart: a patient identity module for any EHR on PostgreSQL.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .option('--json', 'print results and errors as JSON for machines')
    .enablePositionalOptions()
    .showSuggestionAfterError(true)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      // The text of a usage error is printed once, in `runProgram`; what comes here besides it is help.
      writeErr: (text) => io.stderr.write(text),
      outputError: () => undefined,
    });
}

/** Gives every command what all of them have. After the last one was added. */
export function finishProgram(program: Command): Command {
  for (const command of leafCommands(program)) {
    command.exitOverride();
    if (!command.options.some((option) => option.long === '--json')) command.option('--json', 'print the result as JSON for machines');
  }
  return program.hook('preAction', (whole, action) => {
    if (whole.opts().json) action.setOptionValue('json', true);
  });
}

/** Runs one command line (without node and script) and returns the exit code. */
export async function runProgram(args: readonly string[], { io, build }: { io: CliIo; build: (io: CliIo) => Command }): Promise<number> {
  const end = args.indexOf('--');
  const json = (end < 0 ? args : args.slice(0, end)).includes('--json');
  try {
    await build(io).parseAsync([...args], { from: 'user' });
    return io.exitCode;
  } catch (thrown) {
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return 0;
    const error = thrown instanceof CommanderError ? usageError(thrown) : toAppError(translateDatabaseError(thrown));
    reportError(error, { io, json });
    return error.face.exitCode;
  }
}

/** Prints an error as every command does: a sentence on stderr, or with --json a document on stdout. */
export function reportError(error: AppError, options: { io: CliIo; json: boolean }): void {
  const { io, json } = options;
  const message = error.code === 'INTERNAL' ? internalMessage(error) : error.message;
  if (json) printJson(io, { error: { kind: error.kind, code: error.code, message, details: error.details } });
  else note(io, `error: ${message} [${error.code}]`);
  if (io.env.ONECHART_DEBUG) note(io, error.cause instanceof Error ? (error.cause.stack ?? error.cause.message) : (error.stack ?? ''));
}

/** A defect names its type only: the text of an unknown exception may carry SQL or a patient's data. */
function internalMessage(error: AppError): string {
  const cause = error.cause;
  const code = typeof cause === 'object' && cause !== null && 'code' in cause && typeof cause.code === 'string' ? `, ${cause.code}` : '';
  const type = cause instanceof Error ? ` (${cause.constructor.name}${code})` : '';
  return `An unexpected error happened${type}. This is a defect of OneChart. Set ONECHART_DEBUG=1 and run the same command again to see where.`;
}

function usageError(error: CommanderError): AppError {
  if (error.code === 'commander.help') {
    return new AppError('invalid', 'COMMAND_MISSING', 'This needs a command. The help above lists them.', { reason: error.code });
  }
  const text = error.message.replace(/^error: /, '').replace(/\.?\s*$/, '');
  const sentence = `${text.charAt(0).toUpperCase()}${text.slice(1)}`.replace(/\s*\n\s*/g, ' ');
  return new AppError(
    'invalid',
    'COMMAND_LINE_INVALID',
    `${sentence}${sentence.endsWith(')') || sentence.endsWith('?') ? '' : '.'} Add --help to see what the command takes.`,
    { reason: error.code },
  );
}

/** Every command that does something (has no commands below it). */
export function leafCommands(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leafCommands);
}
