import { toAppError } from '../base/errors.ts';
import { processIo } from './io.ts';
import { reportError, runProgram } from './shell.ts';

const io = processIo();
const args = process.argv.slice(2);

// A reader that went away (`onechart … | head`) must neither crash the command nor stop a migration half-way: the rest is not printed.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') process.exit(1);
  });
}

// What escapes a command is a defect: said once, and never with exit code 0.
const escaped = (thrown: unknown) => {
  const error = toAppError(thrown);
  reportError(error, { io, json: args.includes('--json') });
  process.exit(error.face.exitCode);
};
process.on('uncaughtException', escaped);
process.on('unhandledRejection', escaped);

const build = args[0] === 'serve' ? (await import('./serve-program.ts')).buildServeProgram : (await import('./program.ts')).buildProgram;
const code = await runProgram(args, { io, build });
// A connection that a command forgot must not keep the shell waiting; what was printed is flushed first.
process.exitCode = code;
process.stdout.write('', () => process.stderr.write('', () => process.exit(code)));
