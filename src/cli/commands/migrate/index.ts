import type { Command } from 'commander';
import type { CliIo } from '../../io.ts';
import { addApplyCommand } from './apply.ts';
import { addBackupCommands } from './backup.ts';
import { addDriftCommand } from './drift.ts';
import { addInitCommand } from './init.ts';
import { addInspectCommands } from './inspect.ts';
import { addLintCommand } from './lint.ts';
import { addEngineOptions, type MigrateCommands } from './options.ts';
import { addOrphanCommands } from './orphans.ts';
import { addRestoreCommand } from './restore.ts';
import { addRepairCommand } from './repair.ts';
import { addReportCommands } from './report.ts';
import { addRollbackCommands } from './rollback.ts';

export { showProgress } from './progress.ts';

/** `onechart migrate …`: thin commands around the engine, in the order in which they are used. */
export function addMigrateCommands(program: Command, io: CliIo): void {
  const migrate = program.command('migrate').description('bring the patient module to a live database, safely');
  const commands: MigrateCommands = { io, migrate, command: (name, description) => addEngineOptions(migrate.command(name).description(description)) };
  addInitCommand(commands);
  addInspectCommands(commands);
  addDriftCommand(commands);
  addLintCommand(commands);
  addBackupCommands(commands);
  addRestoreCommand(commands);
  addOrphanCommands(commands);
  addApplyCommand(commands);
  addRepairCommand(commands);
  addRollbackCommands(commands);
  addReportCommands(commands);
}
