import type { Command } from 'commander';
import { describeAddress } from '../../../base/config.ts';
import { count, duration } from '../../../base/quantities.ts';
import { listBackups, type ListedBackup, pruneBackups } from '../../../migrate/backup/index.ts';
import { columns } from '../../access-context.ts';
import { type CliIo, note, print, printJson } from '../../io.ts';
import { addBackupOptions, backUp, type BackupCommandOptions, backupFolder, renderBackup, verify, withoutObjects } from '../migrate/backup.ts';
import { addEngineOptions, engineOptions } from '../migrate/options.ts';
import { addAfterRestoreCommand } from './after-restore.ts';
import { addDrillCommand } from './drill.ts';
import { addRestoreCommand } from './restore.ts';

/** `onechart backup`: what operations need of backups, over the one way in which they are made and proven (src/migrate/backup). */
export function addBackupCommands(program: Command, io: CliIo): void {
  const backup = program.command('backup').description('backups of the registry: make, list, prove, rehearse a restore, restore, clear away');
  const command = (name: string, description: string) => addEngineOptions(backup.command(name)).description(description);

  addBackupOptions(command('create', 'save the whole database, prove the backup by restoring it, and only then call it one')).action(
    async (options: BackupCommandOptions) => {
      const engine = await engineOptions(options, io);
      const made = await backUp(engine, options, io);
      if (options.json) return printJson(io, withoutObjects(made));
      print(io, `Backup of ${describeAddress(engine.address)}: ${made.file}`);
      print(io, renderBackup(made));
      print(io, 'Rehearse the restore: onechart backup drill');
    },
  );

  folderCommand(backup, 'list', 'backups in a folder, newest first; exits with 4 when one of them cannot be relied on').action(
    async (options: { out?: string; json?: boolean }) => {
      const found = await listBackups(backupFolder(io, options.out));
      if (found.backups.some(({ problem }) => problem !== undefined)) io.exitCode = 4;
      if (options.json) return printJson(io, found);
      if (found.backups.length === 0) note(io, `The folder ${found.folder} holds no backup.`);
      else for (const line of columns([['SAVED AT', 'DATABASE', 'MB', 'ROWS', 'PROVEN', 'FILE'], ...found.backups.map(listed)])) print(io, line);
      for (const name of found.unknown) note(io, `${name} has no manifest that can be read: it can be restored, but not compared.`);
    },
  );

  addBackupOptions(command('verify', 'prove a backup that lies there: its checksum, a real restore, a comparison with its manifest'))
    .argument('<file>', 'the backup: a dump with its manifest beside it, or the folder of a cold copy')
    .action((file: string, options: BackupCommandOptions) => verify(file, options, io));

  addDrillCommand({ io, command });
  addRestoreCommand({ io, command });
  addAfterRestoreCommand({ io, command });

  folderCommand(backup, 'prune', 'remove proven backups beyond the newest of each database; what is not proven is not touched')
    .requiredOption('--keep <number>', 'how many to keep of each database')
    .option('--dry-run', 'say only what would be removed')
    .action(async (options: { out?: string; keep: string; dryRun?: boolean; json?: boolean }) => {
      const dryRun = options.dryRun === true;
      const removed = await pruneBackups(backupFolder(io, options.out), { keep: Number(options.keep), dryRun });
      if (options.json) return printJson(io, { removed, dryRun });
      for (const file of removed) print(io, `${dryRun ? 'would remove' : 'removed'}  ${file}`);
      if (removed.length === 0) note(io, 'There is nothing to remove.');
    });
}

function folderCommand(backup: Command, name: string, description: string): Command {
  return backup
    .command(name)
    .description(description)
    .option('--out <folder>', 'folder of the backups (default: ONECHART_BACKUPS, or onechart-backups in the current folder)');
}

function listed({ startedAt, database, bytes, rows, provenAt, problem, file }: ListedBackup): string[] {
  const age = provenAt === undefined ? '' : `${duration(Date.now() - Date.parse(provenAt))} ago`;
  return [startedAt, database, (bytes / 1_000_000).toFixed(1), count(rows), problem ?? age, file];
}
