import { resolve } from 'node:path';
import type { Command } from 'commander';
import { type DatabaseAddress, describeAddress } from '../../../base/config.ts';
import { restoreColdCopy, swapDataFolder } from '../../../embedded/cold-copy.ts';
import { assertCopyIntact } from '../../../embedded/copied-files.ts';
import { homeFolder } from '../../../embedded/index.ts';
import { assertSame, inspectCopy, readManifest, type RestoredBackup, restoreBackup } from '../../../migrate/backup/index.ts';
import { coldManifest } from '../../embedded-backup.ts';
import { type CliIo, note, print, printJson } from '../../io.ts';
import { count } from '../../migrate-view.ts';
import { type BackupCommandOptions, showBackupProgress, toolsAndKeys } from './backup.ts';
import { addReportOptions, type ReportOptions, withRestoreReport } from '../../report-files.ts';
import { confirm } from './confirm.ts';
import { engineOptions, type MigrateCommands } from './options.ts';

export interface RestoreCommandOptions extends BackupCommandOptions, ReportOptions {
  readonly to: string;
  readonly swap?: boolean;
  readonly endSessions?: boolean;
  /** Commander turns --no-privileges into false. */
  readonly privileges?: boolean;
  readonly withoutManifest?: boolean;
  readonly yes?: boolean;
}

/** `onechart migrate restore`: a new database beside the live one, and the exchange of their names. */
export function addRestoreCommand({ io, command }: MigrateCommands): void {
  addRestoreOptions(command('restore', 'restore a backup into a new database beside the live one; with --swap let it take the live name'))
    .option('--without-manifest', 'restore a dump that has no manifest: nothing can be compared')
    .action(async (path: string, options: RestoreCommandOptions) => {
      const { restored, show } = await runRestore(path, options, { io });
      if (options.json) printJson(io, restored);
      else show();
    });
}

export function addRestoreOptions(command: Command): Command {
  return addReportOptions(command)
    .argument('<file>', 'the backup: a dump with its manifest beside it, or the folder of a cold copy')
    .requiredOption('--to <name>', 'name of the new database (of a cold copy: of the new data folder beside the live one); it must not exist')
    .option('--swap', 'then exchange the names: the live database is kept as <name>_before_restore_<time>')
    .option('--end-sessions', 'with --swap: end the sessions of the live database instead of refusing while there are any')
    .option('--no-privileges', 'leave out owners and rights, for a server that does not know the roles')
    .option('--pg-restore <command>', 'command that runs pg_restore, for example "docker exec -i ehr-postgres pg_restore" (default: found on this machine)')
    .option('--passphrase-file <file>', 'passphrase of an encrypted backup, on the first line of this file (or set ONECHART_BACKUP_PASSPHRASE)')
    .option('--identity-file <file>', 'file with the age secret key of an encrypted backup')
    .option('-y, --yes', 'do not ask before a swap');
}

/** What a restore came to, and how it is told to a person. */
export interface FinishedRestore {
  readonly restored: RestoredBackup | { dataFolder: string; compared: true; foundComplete: boolean; swapped?: { before: string; now: string } };
  readonly show: () => void;
}

/** Restores a dump or a cold copy. `whenComplete` is called with the restored database before a swap. */
export async function runRestore(
  path: string,
  options: RestoreCommandOptions,
  { io, whenComplete }: { io: CliIo; whenComplete?: (restored: DatabaseAddress) => Promise<void> },
): Promise<FinishedRestore> {
  const file = resolve(io.cwd, path);
  const { address } = await engineOptions(options, io);
  if (options.swap) {
    const what = `The database restored from ${file} would take the place of ${describeAddress(address)}, which is kept under another name`;
    await confirm(io, { what, look: 'the same command without --swap', yes: options.yes });
  }
  const manifest = await readManifest(file);
  const about = { file, to: options.to, sha256: manifest?.sha256, savedAt: manifest?.startedAt };
  const report = { io, address, options, about };
  if (manifest?.method === 'cold copy') return restoreCold(file, options, { report, whenComplete });
  const { restored } = await withRestoreReport(report, async () => {
    const done = await restoreBackup(file, {
      address,
      to: options.to,
      swap: options.swap,
      endSessions: options.endSessions,
      withoutRights: options.privileges === false,
      withoutManifest: options.withoutManifest,
      onProgress: options.json ? undefined : showBackupProgress(io),
      whenComplete,
      ...toolsAndKeys(options, io),
    });
    return { restored: done, outcome: { ...done, swapped: done.swapped && swapWords(done.swapped) } };
  });
  return { restored, show: () => render(restored, io) };
}

function render({ database, compared, foundComplete, objects, tables, rows, notes, swapStatements, swapped }: RestoredBackup, io: CliIo): void {
  for (const each of notes) note(io, `note: ${each}`);
  const what = compared
    ? `${count(objects)} objects, ${count(tables)} tables, ${count(rows)} rows, as the manifest says`
    : 'without an error; there is no manifest to compare it with';
  print(
    io,
    foundComplete ? `It was restored completely by an earlier run: ${what}.` : `Restored into ${swapped ? 'a new database' : `"${database}"`}: ${what}.`,
  );
  if (swapped) {
    print(io, swapWords(swapped));
    return;
  }
  print(io, `\nLook at it, then exchange it with the live one: the same command with --swap. Or by hand, connected to another database:\n`);
  for (const statement of swapStatements) print(io, `  ${statement}`);
}

function swapWords({ live, kept, endedSessions }: NonNullable<RestoredBackup['swapped']>): string {
  const ended = endedSessions > 0 ? ` ${endedSessions} sessions were ended.` : '';
  const before = kept === '' ? '' : `\nThe one before is kept as "${kept}". Drop it when it is not needed any more.`;
  return `"${live}" is the restored database now.${ended}${before}`;
}

async function restoreCold(
  file: string,
  options: RestoreCommandOptions,
  { report, whenComplete }: { report: Parameters<typeof withRestoreReport>[0]; whenComplete: ((restored: DatabaseAddress) => Promise<void>) | undefined },
): Promise<FinishedRestore> {
  const { io } = report;
  const home = homeFolder({ home: options.home, env: io.env, cwd: io.cwd });
  const manifest = await coldManifest(file);
  const progress = options.json ? undefined : showBackupProgress(io);
  const { dataFolder, foundComplete, swapped } = await withRestoreReport(report, async () => {
    await assertCopyIntact(file, manifest.files, (done, of) => progress?.({ phase: 'check', done, of, unit: 'files' }));
    const copied = await restoreColdCopy(
      {
        home,
        copy: file,
        files: manifest.files,
        sha256: manifest.sha256,
        name: options.to,
        onFile: (done, of) => progress?.({ phase: 'copy', done, of, unit: 'files' }),
      },
      async (server) => {
        const address = { ...server, database: manifest.database.name };
        const { inventory } = await inspectCopy(address);
        assertSame(manifest, inventory, { file, definitions: true });
        await whenComplete?.(address);
      },
    );
    const swapped = options.swap ? await swapDataFolder({ home, dataFolder: copied.dataFolder }) : undefined;
    const words = swapped && `The embedded database works on it now. The data before is kept in ${swapped.before}.`;
    return { ...copied, swapped, outcome: { database: copied.dataFolder, compared: true, foundComplete: copied.foundComplete, swapped: words } };
  });
  const show = () => {
    print(io, `${foundComplete ? 'It was restored by an earlier run' : 'Restored'}: ${dataFolder}, compared with the manifest by a second server.`);
    print(
      io,
      swapped
        ? `The embedded database works on it now. The data before is kept in ${swapped.before}.`
        : 'Exchange it with the live one: the same command with --swap (the server is stopped and started for it).',
    );
  };
  return { restored: { dataFolder, compared: true, foundComplete, ...(swapped ? { swapped } : {}) }, show };
}
