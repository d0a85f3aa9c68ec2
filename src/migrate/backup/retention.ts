import { readdir, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { AppError } from '../../base/errors.ts';
import { type BackupManifest, manifestFile, readManifest } from './manifest.ts';

/** Before anything is begun. Errors: `BACKUP_KEEP_INVALID`. */
export function assertKeep(keep: number | undefined): void {
  if (keep === undefined || (Number.isInteger(keep) && keep >= 1)) return;
  throw new AppError('invalid', 'BACKUP_KEEP_INVALID', 'The number of backups to keep must be 1 or more.', { keep });
}

/**
 * Removes proven backups of the same database beyond the newest `keep` in the folder of the newest one. Called when that one is
 * proven, never before. What has no manifest, no proof or another database's name is never touched.
 */
export async function removeOlder(newest: string, of: BackupManifest, keep: number, { dryRun = false }: { dryRun?: boolean } = {}): Promise<string[]> {
  const folder = dirname(newest);
  const found: { file: string; startedAt: string }[] = [];
  for (const name of await readdir(folder)) {
    if (!name.endsWith('.json')) continue;
    const file = join(folder, name.slice(0, -'.json'.length));
    const manifest = await readManifest(file).catch(() => undefined);
    if (!manifest?.proof || manifest.file !== basename(file) || !isSameDatabase(manifest, of) || manifest.method !== of.method) continue;
    found.push({ file, startedAt: manifest.startedAt });
  }
  found.sort((a, b) => (a.startedAt < b.startedAt ? 1 : -1));
  const older = found.filter(({ file }) => file !== newest).slice(keep - 1);
  for (const { file } of dryRun ? [] : older) {
    // The backup first: killed in between, the manifest alone is found again by the next run.
    if (await stat(file).catch(() => undefined)) await rm(file, { recursive: true, force: true });
    await rm(manifestFile(file), { force: true });
  }
  return older.map(({ file }) => file);
}

/** By name, and by the cluster's own number where both say it. */
export function isSameDatabase(a: BackupManifest, b: { database: BackupManifest['database'] }): boolean {
  const [one, other] = [a.database, b.database];
  if (one.name !== other.name) return false;
  return one.systemIdentifier === undefined || other.systemIdentifier === undefined || one.systemIdentifier === other.systemIdentifier;
}
