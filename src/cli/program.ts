import type { Command } from 'commander';
import { addAccountsCommands } from './commands/accounts.ts';
import { addAuditCommands } from './commands/audit.ts';
import { addBackupCommands } from './commands/backup/index.ts';
import { addConfigCommands } from './commands/config.ts';
import { addDbCommands } from './commands/db.ts';
import { addDocumentsCommands } from './commands/documents.ts';
import { addEventsCommands } from './commands/events.ts';
import { addExportCommands } from './commands/export.ts';
import { addImportCommands } from './commands/import.ts';
import { addDowntimeCommands } from './commands/downtime.ts';
import { addKeysCommands } from './commands/keys.ts';
import { addMigrateCommands } from './commands/migrate/index.ts';
import { addMrnCommands } from './commands/mrn.ts';
import { addPatientCommands } from './commands/patient.ts';
import { addSearchCommands } from './commands/search.ts';
import { addServeCommand } from './commands/serve.ts';
import { addSynthCommand } from './commands/synth.ts';
import type { CliIo } from './io.ts';
import { finishProgram, newProgram, runProgram } from './shell.ts';

export { leafCommands, reportError } from './shell.ts';

/** The whole command tree. The generated docs/cli.md is read from it. */
export function buildProgram(io: CliIo): Command {
  const program = newProgram(io);
  addDbCommands(program, io);
  addMigrateCommands(program, io);
  addBackupCommands(program, io);
  addMrnCommands(program, io);
  addPatientCommands(program, io);
  addSearchCommands(program, io);
  addServeCommand(program, io);
  addAccountsCommands(program, io);
  addImportCommands(program, io);
  addKeysCommands(program, io);
  addDocumentsCommands(program, io);
  addAuditCommands(program, io);
  addEventsCommands(program, io);
  addExportCommands(program, io);
  addConfigCommands(program, io);
  addDowntimeCommands(program, io);
  addSynthCommand(program, io);
  return finishProgram(program);
}

/** Runs one command line (without node and script) and returns the exit code. */
export function run(args: readonly string[], io: CliIo): Promise<number> {
  return runProgram(args, { io, build: buildProgram });
}
