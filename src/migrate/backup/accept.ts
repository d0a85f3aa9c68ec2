import { resolve } from 'node:path';
import type pg from 'pg';
import type { DatabaseAddress } from '../../base/config.ts';
import { AppError } from '../../base/errors.ts';
import { connect } from '../session.ts';
import { compareInventories, readObjects, settleTexts } from './inventory.ts';
import { type ProvenBackup, provenBackup, readManifest } from './manifest.ts';
import { assertIntact } from './restore-into.ts';
import { isSameDatabase } from './retention.ts';
import { describeDatabase } from './scratch.ts';

/** A day: what is older misses too much to be gone back to without a thought. */
export const defaultMaxAgeHours = 24;

/**
 * Accepts a backup that was proven earlier: it names this database, is young enough, and its file is still the one that was proven.
 *
 * Errors: `BACKUP_UNPROVEN`, `BACKUP_OF_OTHER_DATABASE`, `BACKUP_TOO_OLD`, `BACKUP_FILE_MISSING`, `BACKUP_FILE_CORRUPT`.
 *
 * @example
 * const address = parseDatabaseUrl('postgresql://ehr_user@127.0.0.1/ehr');
 * await applyMigration({ address, backup: () => acceptBackup('/srv/backups/ehr-20260103T120000000Z.dump', { address, maxAgeHours: 12 }) });
 */
export async function acceptBackup(path: string, options: { address: DatabaseAddress; maxAgeHours?: number | undefined }): Promise<ProvenBackup> {
  const file = resolve(path);
  const manifest = await readManifest(file);
  if (!manifest?.proof)
    throw new AppError('unsafe', 'BACKUP_UNPROVEN', `${file} has no manifest with a proof. Prove it first: onechart migrate backup --verify ${file}`, { file });
  const client = await connect(options.address);
  try {
    const database = await describeDatabase(client);
    if (!isSameDatabase(manifest, { database }))
      throw new AppError(
        'unsafe',
        'BACKUP_OF_OTHER_DATABASE',
        `${file} is a backup of "${manifest.database.name}"${manifest.database.name === database.name ? ' on another server' : ''}, not of "${database.name}" here. Name a backup of this database.`,
        { file, saved: manifest.database.name, live: database.name },
      );
  } finally {
    await client.end().catch(() => undefined);
  }
  const hours = (Date.now() - Date.parse(manifest.startedAt)) / 3_600_000;
  const most = options.maxAgeHours ?? defaultMaxAgeHours;
  if (hours > most)
    throw new AppError(
      'unsafe',
      'BACKUP_TOO_OLD',
      `${file} shows the database as it was ${Math.round(hours)} hours ago, and ${most} are the limit. Leave --backup-file away to make a new one, or raise --backup-max-age.`,
      { file, hours: Math.round(hours), most },
    );
  if (manifest.method === 'pg_dump') await assertIntact(file, manifest);
  return { ...provenBackup(file, manifest, manifest.proof), earlier: true };
}

/**
 * A backup that was just made must show the schema that is about to be changed: whatever changed it meanwhile (psql takes no lock of
 * ours) would be missing from it.
 *
 * Errors: `BACKUP_OUTDATED`.
 */
export async function assertSchemaUnchanged(client: pg.Client, backup: ProvenBackup): Promise<void> {
  await client.query('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY');
  let objects: Record<string, string>;
  try {
    await settleTexts(client);
    objects = await readObjects(client);
  } finally {
    await client.query('COMMIT');
  }
  const nothing = { rows: {}, checksums: {}, sequences: {}, notDumped: [] };
  const differences = compareInventories({ ...nothing, objects: backup.objects }, { ...nothing, objects }, { definitions: true });
  if (differences.length === 0) return;
  throw new AppError(
    'unsafe',
    'BACKUP_OUTDATED',
    `The schema was changed while the backup was made: ${differences.join('; ')}. Nothing was migrated; run the same command again.`,
    { differences },
  );
}
