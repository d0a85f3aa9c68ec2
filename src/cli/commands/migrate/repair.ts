import { repairMigration } from '../../../migrate/index.ts';
import { note } from '../../io.ts';
import { addApplyingCommand } from './apply.ts';
import type { MigrateCommands } from './options.ts';

export function addRepairCommand(commands: MigrateCommands): void {
  addApplyingCommand(commands, {
    name: 'repair',
    description: 'make a half-applied module whole: what is missing, INVALID or NOT VALID, and the history; says what was wrong',
    work: repairMigration,
    done: 'repaired',
    tell: ({ damage }) => {
      for (const { migration, found, remedy } of damage) note(commands.io, `${migration}: ${found}; ${remedy}.`);
      return { damage };
    },
  });
}
