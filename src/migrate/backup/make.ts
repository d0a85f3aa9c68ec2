import { rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type pg from 'pg';
import { type DatabaseAddress, parseDatabaseUrl } from '../../base/config.ts';
import { AppError } from '../../base/errors.ts';
import { makeFolder } from '../../base/make-folder.ts';
import { translate } from '../preflight.ts';
import { connect } from '../session.ts';
import { row } from '../sql.ts';
import { diskFull, partialFile, removePartials, syncFolder, writeDump } from './dump-file.ts';
import { type EncryptionOptions, openCipher } from './encryption.ts';
import { readInventory, readSequences, settleTexts } from './inventory.ts';
import { type BackupManifest, type ProvenBackup, provenBackup, writeManifest } from './manifest.ts';
import { proveDump, serverMajorOf } from './prove.ts';
import { assertKeep, removeOlder } from './retention.ts';
import { assertMayCreate, connectAdmin, describeDatabase } from './scratch.ts';
import { findTool, type ToolOptions } from './tools.ts';

/** Told to whoever shows progress. `of` is an estimate while a dump is written: the size of the database, which compresses. */
export interface BackupProgress {
  readonly phase: 'dump' | 'restore' | 'compare' | 'copy' | 'check';
  readonly done: number;
  readonly of: number;
  readonly unit: 'bytes' | 'tables' | 'files';
}

export interface BackupOptions extends ToolOptions, EncryptionOptions {
  readonly address: DatabaseAddress;
  /** Folder for the backup and its manifest; made when it is not there. */
  readonly folder: string;
  /** Link tables, `table` or `table.column`: their rows are compared by checksum. */
  readonly linkTables: readonly string[];
  /** Address of another server for the proof. */
  readonly scratchUrl?: string | undefined;
  /** How many proven backups of this database to keep in the folder, this one included. */
  readonly keep?: number | undefined;
  readonly onProgress?: ((progress: BackupProgress) => void) | undefined;
  /** Gives up and removes what was written. */
  readonly signal?: AbortSignal | undefined;
}

/** Besides the link tables: what a restore must give back to the last row. */
const moduleTables = ['patients', 'patient_merge_history', '_prisma_migrations'];

/**
 * Saves the database with pg_dump, restores the file into a scratch database, compares what is there with what was saved, and
 * only then calls it a backup. The database goes on working; the backup shows it as it was when the dump began.
 *
 * Everything is read from one snapshot (pg_export_snapshot), so that rows written meanwhile make no difference.
 *
 * Errors: `BACKUP_TOOL_MISSING`, `BACKUP_TOOL_OLDER`, `BACKUP_TOOL_FAILED`, `BACKUP_OF_OTHER_SERVER`, `BACKUP_DISK_FULL`,
 * `BACKUP_NOT_RESTORABLE`, `BACKUP_DIFFERS`, `SCRATCH_DATABASE_DENIED`; nothing that failed is left under a backup's name.
 *
 * @example
 * const backup = await makeBackup({
 *   address: parseDatabaseUrl('postgresql://ehr_user@127.0.0.1/ehr'),
 *   folder: '/srv/backups',
 *   linkTables: ['surgical_cases', 'bills'],
 * });
 * console.log(backup.file, backup.sha256, backup.proof.rows);
 */
export async function makeBackup(options: BackupOptions): Promise<ProvenBackup> {
  const { address, folder } = options;
  assertKeep(options.keep);
  // Everything that can be wrong with keys, programs, rights and folders is found before the long part.
  const cipher = await openCipher(options);
  if (options.recipient !== undefined && options.identityFile === undefined)
    throw new AppError(
      'invalid',
      'BACKUP_KEY_MISSING',
      'What is encrypted for a recipient is proven with the secret key. Give it with --identity-file, or encrypt with a passphrase.',
    );
  const client = await connect(address);
  try {
    const serverMajor = await serverMajorOf(client);
    const dumpTool = await findTool('pg_dump', { ...options, serverMajor });
    const scratchServer = options.scratchUrl === undefined ? address : parseDatabaseUrl(options.scratchUrl, '--scratch-url');
    const admin = await connectAdmin(scratchServer);
    try {
      await assertMayCreate(admin, scratchServer, 'Grant it (ALTER ROLE … CREATEDB), or give another server for the proof with --scratch-url.');
      const scratchMajor = await serverMajorOf(admin);
      const restoreTool = await findTool('pg_restore', { ...options, serverMajor: Math.max(serverMajor, scratchMajor) });
      await prepareFolder(folder);
      const file = join(resolve(folder), fileName(address.database, momentOfItsOwn(), cipher.kind !== undefined));
      const partial = partialFile(file);
      try {
        const unproven = await dump({ client, options, cipher, dumpTool, partial, file });
        const proof = await proveDump({
          file: partial,
          manifest: unproven,
          admin,
          server: scratchServer,
          tool: restoreTool,
          cipher,
          onProgress: options.onProgress,
        });
        const manifest: BackupManifest = { ...unproven, proof };
        await writeManifest(file, manifest);
        // The manifest is there before the file has its name: nothing called a backup is ever without its proof.
        await rename(partial, file);
        await syncFolder(dirname(file));
        if (options.keep !== undefined) await removeOlder(file, manifest, options.keep);
        return provenBackup(file, manifest, proof);
      } catch (error) {
        await rm(partial, { force: true });
        if (error instanceof AppError) throw error;
        throw diskFull(error, file) ?? error;
      }
    } finally {
      await admin.end().catch(() => undefined);
    }
  } catch (error) {
    throw translate(error, address);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Dump and inventory from one snapshot, at the same time. */
async function dump(run: {
  client: pg.Client;
  options: BackupOptions;
  cipher: Awaited<ReturnType<typeof openCipher>>;
  dumpTool: Awaited<ReturnType<typeof findTool>>;
  partial: string;
  file: string;
}): Promise<BackupManifest> {
  const { client, options, cipher, dumpTool, partial } = run;
  const { address } = options;
  await client.query('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY');
  await settleTexts(client);
  const { snapshot, at, version, size } = await row<{ snapshot: string; at: Date; version: string; size: string }>(
    client,
    `SELECT pg_export_snapshot() AS snapshot, now() AS at, current_setting('server_version') AS version, pg_database_size(current_database())::text AS size`,
  );
  const database = await describeDatabase(client);
  const stop = new AbortController();
  const giveUp = () => stop.abort(options.signal?.reason);
  options.signal?.addEventListener('abort', giveUp, { once: true });
  try {
    const sequences = await readSequences(client);
    const dumping = writeDump({
      tool: dumpTool,
      address,
      snapshot,
      file: partial,
      cipher,
      onBytes: (done) => options.onProgress?.({ phase: 'dump', done, of: Number(size), unit: 'bytes' }),
      signal: stop.signal,
    });
    const counting = readInventory(client, { checksumTables: checksumTables(address.schema, options.linkTables), sequences }).catch((error: unknown) => {
      // Without what is to be compared the dump is worth nothing: end it now, not in an hour.
      stop.abort(error);
      throw error;
    });
    const [written, counted] = await Promise.allSettled([dumping, counting]);
    if (counted.status === 'rejected') throw counted.reason;
    if (written.status === 'rejected') throw written.reason;
    await client.query('COMMIT');
    return {
      format: 'onechart-backup/1',
      method: 'pg_dump',
      file: basename(run.file),
      ...written.value,
      ...(cipher.kind === undefined ? {} : { encryption: cipher.kind }),
      startedAt: at.toISOString(),
      finishedAt: new Date().toISOString(),
      clientVersion: dumpTool.version,
      serverVersion: version,
      database,
      inventory: { ...counted.value, notDumped: [...counted.value.notDumped] },
    };
  } finally {
    options.signal?.removeEventListener('abort', giveUp);
  }
}

/** Names as the inventory has them: `schema.table`, from `table`, `table.column`, `schema.table` or `schema.table.column`. */
export function checksumTables(schema: string, linkTables: readonly string[]): string[] {
  // What a name with dots means only the catalogue knows; what is not there does no harm.
  const readings = linkTables.flatMap((link) => [link, link.slice(0, Math.max(0, link.lastIndexOf('.')))].filter(Boolean));
  return [...new Set([...readings, ...moduleTables].flatMap((table) => [`${schema}.${table}`, table]))];
}

let lastMoment = 0;

/** Now, and never the same twice: two backups that one program begins at once must not share a name. */
function momentOfItsOwn(): Date {
  lastMoment = Math.max(Date.now(), lastMoment + 1);
  return new Date(lastMoment);
}

/** `1xetra*onmi` at noon becomes `1xetra_onmi-20260103T120000Z.dump`. */
export function fileName(database: string, at: Date, encrypted: boolean): string {
  const name = database.replace(/[^A-Za-z0-9_-]+/g, '_').slice(0, 100);
  const time = at.toISOString().replace(/[-:]/g, '').replace('.', '');
  return `${name}-${time}.dump${encrypted ? '.age' : ''}`;
}

/** Makes the folder and clears away what killed runs left in it. Errors: `BACKUP_FOLDER_UNWRITABLE`. */
export async function prepareFolder(folder: string): Promise<void> {
  try {
    await makeFolder(resolve(folder), 0o700);
    await removePartials(folder);
  } catch (cause) {
    throw new AppError(
      'unavailable',
      'BACKUP_FOLDER_UNWRITABLE',
      `The folder ${folder} cannot be made or read (${(cause as NodeJS.ErrnoException).code ?? 'unknown reason'}). Give another one with --out, or the right to this one.`,
      { folder },
      { cause },
    );
  }
}
