import { readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { AppError } from '../../base/errors.ts';
import { type BackupManifest, readManifest } from './manifest.ts';
import { assertKeep, removeOlder, isSameDatabase } from './retention.ts';

/** A backup that lies in a folder, as its manifest tells of it; nothing of the file but its size is looked at. */
export interface ListedBackup {
  readonly file: string;
  readonly method: BackupManifest['method'];
  readonly database: string;
  readonly bytes: number;
  readonly encryption?: BackupManifest['encryption'];
  /** It shows the database as it was then. */
  readonly startedAt: string;
  readonly serverVersion: string;
  readonly rows: number;
  /** When it was last restored and compared; undefined for one that never was. */
  readonly provenAt?: string | undefined;
  /** Why it cannot be relied on, as far as can be said without reading it. */
  readonly problem?: 'missing' | 'truncated' | 'not proven' | undefined;
}

/** Files in a folder that end like backups and have no manifest that can be read: they can be restored, but not compared. */
export interface BackupFolder {
  readonly folder: string;
  /** Newest first. */
  readonly backups: readonly ListedBackup[];
  readonly unknown: readonly string[];
}

/** What lies in a folder of backups. Errors: `BACKUP_FOLDER_MISSING`. */
export async function listBackups(path: string): Promise<BackupFolder> {
  const folder = resolve(path);
  const names = await namesIn(folder);
  const backups: ListedBackup[] = [];
  const known = new Set<string>();
  for (const { file, manifest } of await manifestsIn(folder, names)) {
    known.add(basename(file));
    const found = await stat(file).catch(() => undefined);
    const { method, database, bytes, encryption, startedAt, serverVersion, inventory, proof } = manifest;
    const size = manifest.files === undefined ? found?.size : bytes;
    backups.push({
      file,
      method,
      database: database.name,
      bytes,
      ...(encryption === undefined ? {} : { encryption }),
      startedAt,
      serverVersion,
      rows: Object.values(inventory.rows).reduce((sum, each) => sum + each, 0),
      provenAt: proof?.at,
      problem: found === undefined ? 'missing' : size !== bytes ? 'truncated' : proof === undefined ? 'not proven' : undefined,
    });
  }
  backups.sort((a, b) => (a.startedAt < b.startedAt ? 1 : -1));
  return { folder, backups, unknown: names.filter((name) => /\.(dump|dump\.age|copy)$/.test(name) && !known.has(name)).sort() };
}

/** The newest backup in a folder that was proven once, of this database where one is named. Errors: `BACKUP_MISSING`. */
export async function newestBackup(folder: string, database?: string): Promise<ListedBackup> {
  const { backups } = await listBackups(folder);
  const found = backups.find((each) => each.problem === undefined && (database === undefined || each.database === database));
  if (found) return found;
  throw new AppError(
    'not-found',
    'BACKUP_MISSING',
    `The folder ${resolve(folder)} holds no proven backup${database === undefined ? '' : ` of "${database}"`}. Make one with onechart backup create, or name the folder with --out.`,
    { folder: resolve(folder), ...(database === undefined ? {} : { database }) },
  );
}

/** Removes proven backups beyond the newest `keep` of each database; what has no manifest or no proof is never touched. Returns what was, or would be, removed. */
export async function pruneBackups(path: string, { keep, dryRun = false }: { keep: number; dryRun?: boolean }): Promise<string[]> {
  assertKeep(keep);
  const folder = resolve(path);
  const proven = (await manifestsIn(folder, await namesIn(folder))).filter(({ manifest }) => manifest.proof !== undefined);
  proven.sort((a, b) => (a.manifest.startedAt < b.manifest.startedAt ? 1 : -1));
  const removed: string[] = [];
  const done: BackupManifest[] = [];
  for (const { file, manifest } of proven) {
    if (done.some((each) => each.method === manifest.method && isSameDatabase(each, manifest))) continue;
    done.push(manifest);
    removed.push(...(await removeOlder(file, manifest, keep, { dryRun })));
  }
  return removed;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (cause) {
    throw new AppError(
      'not-found',
      'BACKUP_FOLDER_MISSING',
      `The folder ${folder} cannot be read (${(cause as NodeJS.ErrnoException).code ?? 'unknown reason'}). Name the folder of the backups with --out, or ONECHART_BACKUPS.`,
      { folder },
      { cause },
    );
  }
}

async function manifestsIn(folder: string, names: readonly string[]): Promise<{ file: string; manifest: BackupManifest }[]> {
  const found: { file: string; manifest: BackupManifest }[] = [];
  for (const name of names) {
    if (!name.endsWith('.json')) continue;
    const file = join(folder, name.slice(0, -'.json'.length));
    const manifest = await readManifest(file).catch(() => undefined);
    if (manifest?.file === basename(file)) found.push({ file, manifest });
  }
  return found;
}
