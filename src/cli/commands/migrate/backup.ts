import { join, resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { type DatabaseAddress, describeAddress } from '../../../base/config.ts';
import { AppError } from '../../../base/errors.ts';
import { assertCopyIntact } from '../../../embedded/copied-files.ts';
import { embeddedAddress, homeFolder } from '../../../embedded/index.ts';
import { acceptBackup, type BackupProgress, makeBackup, type ProvenBackup, readManifest, verifyBackup } from '../../../migrate/backup/index.ts';
import { defaultLinkTables, type MigrateOptions } from '../../../migrate/index.ts';
import { coldManifest, makeEmbeddedBackup, verifyEmbeddedBackup } from '../../embedded-backup.ts';
import { type CliIo, print, printJson } from '../../io.ts';
import { count, duration, progressBar } from '../../migrate-view.ts';
import { type EngineCommandOptions, engineOptions, type MigrateCommands } from './options.ts';

/** The options of every command that makes or reads a backup. */
export interface BackupCommandOptions extends EngineCommandOptions {
  readonly out?: string;
  readonly pgDump?: string;
  readonly pgRestore?: string;
  readonly scratchUrl?: string;
  readonly keep?: number;
  readonly passphraseFile?: string;
  readonly recipient?: string;
  readonly identityFile?: string;
}

export function addBackupOptions(command: Command): Command {
  return command
    .option('--out <folder>', 'folder for the backup (default: ONECHART_BACKUPS, or onechart-backups in the current folder)')
    .option('--pg-dump <command>', 'command that runs pg_dump, for example "docker exec ehr-postgres pg_dump" (default: found on this machine)')
    .option('--pg-restore <command>', 'command that runs pg_restore (default: the one beside pg_dump)')
    .option('--scratch-url <url>', 'server on which the backup is restored for its proof (default: the same server)')
    .option('--keep <number>', 'keep this many proven backups of the database in the folder, the new one included (default: all)', atLeastOne)
    .option('--passphrase-file <file>', 'encrypt with the passphrase on the first line of this file (or set ONECHART_BACKUP_PASSPHRASE)')
    .option('--recipient <key>', 'encrypt for this age public key (age1…)')
    .option('--identity-file <file>', 'file with the age secret key, to prove or restore what was encrypted for a recipient');
}

/** `onechart migrate backup`: make one, or prove one that lies there. */
export function addBackupCommands({ io, command }: MigrateCommands): void {
  addBackupOptions(command('backup', 'save the database, prove the backup by restoring it, and only then call it one'))
    .option('--verify <file>', 'prove a backup that lies there: its checksum, a real restore, a comparison with its manifest')
    .action(async (options: BackupCommandOptions & { verify?: string }) => {
      if (options.verify !== undefined) return verify(options.verify, options, io);
      const engine = await engineOptions(options, io);
      const backup = await backUp(engine, options, io);
      if (options.json) return printJson(io, withoutObjects(backup));
      print(io, `Backup of ${describeAddress(engine.address)}: ${backup.file}`);
      print(io, renderBackup(backup));
      print(io, `Prove it again any time: onechart migrate backup --verify ${backup.file}`);
    });
}

/** Where backups go. */
export function backupFolder(io: CliIo, out: string | undefined): string {
  return out ?? (io.env.ONECHART_BACKUPS || join(io.cwd, 'onechart-backups'));
}

/** Makes a backup in the way that fits the database: pg_dump, or a cold copy of the embedded one. */
export async function backUp(engine: MigrateOptions, options: BackupCommandOptions, io: CliIo): Promise<ProvenBackup> {
  const { address } = engine;
  const folder = backupFolder(io, options.out);
  const onProgress = options.json ? undefined : showBackupProgress(io);
  if (copiesCold(engine, options)) {
    if (encryptionOf(options, io) !== undefined)
      throw new AppError(
        'unsupported',
        'BACKUP_ENCRYPTION_UNSUPPORTED',
        'A cold copy is a folder of files and is not encrypted. Encrypt the disk it lies on, or save the embedded database with a pg_dump of PostgreSQL 18: --pg-dump.',
      );
    const home = homeFolder({ home: options.home, env: io.env, cwd: io.cwd });
    return makeEmbeddedBackup({ home, address, folder, keep: options.keep, onProgress });
  }
  return makeBackup({
    address,
    folder,
    linkTables: engine.linkTables ?? defaultLinkTables,
    keep: options.keep,
    onProgress,
    ...toolsAndKeys(options, io),
  });
}

/** What `applyMigration` takes of a backup. */
export type BackupSource = { readonly noBackup: true } | { readonly backup: () => Promise<ProvenBackup> };

export interface BackupSettings {
  readonly engine: MigrateOptions;
  readonly options: BackupCommandOptions & { readonly backup?: boolean | undefined; readonly backupFile?: string; readonly backupMaxAge?: number };
  readonly io: CliIo;
}

/**
 * Does work that needs a proven backup: one that is made when the work asks for it, under its lock; one proven earlier; none when told so.
 *
 * A cold copy stops the server, and no lock outlives that: when the work asks it is broken off before it has changed
 * anything, the copy is made, and the work begins anew with it (on the port on which the server came back).
 */
export async function withBackup<T>({ engine, options, io }: BackupSettings, work: (address: DatabaseAddress, source: BackupSource) => Promise<T>): Promise<T> {
  const { address } = engine;
  const { backupFile, backupMaxAge } = options;
  if (options.backup === false) return work(address, { noBackup: true });
  if (backupFile !== undefined) return work(address, { backup: () => acceptEarlier(backupFile, { address, maxAgeHours: backupMaxAge }) });
  if (!copiesCold(engine, options)) return work(address, { backup: () => backUp(engine, options, io) });
  const asked = new Error('a cold copy is wanted');
  try {
    return await work(address, { backup: () => Promise.reject(asked) });
  } catch (error) {
    if (error !== asked) throw error;
  }
  const copy = await backUp(engine, options, io);
  const now = await embeddedAddress({ home: homeFolder({ home: options.home, env: io.env, cwd: io.cwd }) });
  return work({ ...now, schema: address.schema }, { backup: () => Promise.resolve(copy) });
}

async function acceptEarlier(file: string, options: { address: DatabaseAddress; maxAgeHours: number | undefined }): Promise<ProvenBackup> {
  const accepted = await acceptBackup(file, options);
  if (accepted.method === 'cold copy') await assertCopyIntact(accepted.file, (await coldManifest(accepted.file)).files);
  return accepted;
}

/** The embedded server's package carries no pg_dump. */
function copiesCold({ address }: MigrateOptions, { pgDump }: BackupCommandOptions): boolean {
  return address.source === 'embedded database' && pgDump === undefined;
}

/** What the library takes of programs and keys. */
export function toolsAndKeys(options: BackupCommandOptions, io: CliIo) {
  const { pgDump, pgRestore, scratchUrl, recipient, identityFile, passphraseFile } = options;
  return {
    pgDump,
    pgRestore,
    scratchUrl,
    recipient,
    identityFile,
    passphraseFile,
    passphrase: encryptionOf(options, io) === 'variable' ? io.env.ONECHART_BACKUP_PASSPHRASE : undefined,
  };
}

function encryptionOf({ passphraseFile, recipient }: BackupCommandOptions, io: CliIo): 'option' | 'variable' | undefined {
  if (passphraseFile !== undefined || recipient !== undefined) return 'option';
  return io.env.ONECHART_BACKUP_PASSPHRASE ? 'variable' : undefined;
}

export async function verify(path: string, options: BackupCommandOptions, io: CliIo): Promise<void> {
  const file = resolve(io.cwd, path);
  const onProgress = options.json ? undefined : showBackupProgress(io);
  const cold = (await readManifest(file))?.method === 'cold copy';
  const { compared, backup } = cold
    ? { compared: true, backup: await verifyEmbeddedBackup({ home: homeFolder({ home: options.home, env: io.env, cwd: io.cwd }), file, onProgress }) }
    : await verifyBackup(file, { address: (await engineOptions(options, io)).address, onProgress, ...toolsAndKeys(options, io) });
  if (options.json) return printJson(io, { compared, ...withoutObjects(backup) });
  print(io, renderBackup(backup));
  if (!compared) print(io, 'It has no manifest: it restores without an error, but nobody can say whether everything is in it.');
}

/** The sentence that a report and a person want: what, how large, how it was proven. */
export function renderBackup({ method, bytes, sha256, encryption, proof }: ProvenBackup): string {
  return [
    `${method === 'cold copy' ? 'Cold copy' : 'Dump'} of ${megabytes(bytes)}${encryption === undefined ? '' : `, encrypted (${encryption})`}, SHA-256 ${sha256}.`,
    `Proven by a real restore (${proof.where}): ${count(proof.objects)} objects, ${count(proof.tables)} tables, ${count(proof.rows)} rows, ${count(Object.keys(proof.checksums).length)} tables compared row for row, in ${duration(proof.milliseconds)}.`,
  ].join('\n');
}

/** The list of objects is long and stands in the manifest. */
export function withoutObjects(backup: ProvenBackup): object {
  return { ...backup, objects: undefined };
}

/** One line that is written over; nothing where nobody watches. */
export function showBackupProgress(io: CliIo): ((progress: BackupProgress) => void) | undefined {
  if (!io.interactive) return undefined;
  const titles = { dump: 'Saving', restore: 'Restoring for the proof', compare: 'Comparing', copy: 'Copying', check: 'Checking' };
  let told = 0;
  return ({ phase, done, of, unit }) => {
    const now = performance.now();
    if (done < of && now - told < 100) return;
    told = now;
    const amount = unit === 'bytes' ? megabytes(done) : `${count(done)} of ${count(of)} ${unit}`;
    const bar = phase === 'dump' ? '' : `${progressBar(Math.min(done, of), of).replace(/ .*/, '')} `;
    io.stderr.write(`\r\u001b[K${bar}${titles[phase]}, ${amount}${phase !== 'dump' && done >= of ? '\n' : ''}`);
  };
}

function megabytes(bytes: number): string {
  return bytes < 1_000_000 ? `${count(bytes / 1000)} kB` : `${count(bytes / 1_000_000)} MB`;
}

function atLeastOne(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('It must be a whole number of 1 or more.');
  return value;
}
