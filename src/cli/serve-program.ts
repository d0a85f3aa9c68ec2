import type { Command } from 'commander';
import { addServeCommand } from './commands/serve.ts';
import type { CliIo } from './io.ts';
import { finishProgram, newProgram } from './shell.ts';

/** The command line of a server: `serve` alone. The whole tree brings the migration engine and its SQL parser, 50 MB that a server never uses. */
export function buildServeProgram(io: CliIo): Command {
  const program = newProgram(io);
  addServeCommand(program, io);
  return finishProgram(program);
}
