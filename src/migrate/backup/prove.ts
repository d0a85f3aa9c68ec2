import { stat } from 'node:fs/promises';
import type pg from 'pg';
import type { DatabaseAddress } from '../../base/config.ts';
import { AppError } from '../../base/errors.ts';
import { row } from '../sql.ts';
import type { Cipher } from './encryption.ts';
import { compareInventories, type Inventory } from './inventory.ts';
import type { BackupProgress } from './make.ts';
import { type BackupManifest, type BackupProof, proofOf, type SavedDatabase } from './manifest.ts';
import { assertIntact, inventoryOf, restoreInto } from './restore-into.ts';
import { scratchPrefix, withScratch } from './scratch.ts';
import type { ClientTool } from './tools.ts';

export async function serverMajorOf(client: pg.ClientBase): Promise<number> {
  return (await row<{ major: number }>(client, `SELECT current_setting('server_version_num')::int / 10000 AS major`)).major;
}

/**
 * The proof: the file as it lies on the disk is restored into a scratch database, the first error ends it, and what is there
 * then is compared with what was saved.
 *
 * Errors: `BACKUP_FILE_CORRUPT`, `BACKUP_NOT_RESTORABLE`, `BACKUP_DIFFERS`.
 */
export async function proveDump(options: {
  file: string;
  manifest: BackupManifest;
  admin: pg.Client;
  server: DatabaseAddress;
  tool: ClientTool;
  cipher: Cipher;
  onProgress?: ((progress: BackupProgress) => void) | undefined;
}): Promise<BackupProof> {
  const { file, manifest, server } = options;
  const begun = performance.now();
  await assertIntact(file, manifest);
  const restored = await restoreToScratch({ ...options, like: manifest.database, checksumTables: Object.keys(manifest.inventory.checksums) });
  const scratchMajor = await serverMajorOf(options.admin);
  assertSame(manifest, restored, { file, definitions: scratchMajor === Number.parseInt(manifest.serverVersion, 10) });
  return proofOf(restored, `scratch database on ${server.host}:${server.port}, since dropped`, performance.now() - begun);
}

/** Restores a dump into a scratch database and reads what is there. */
export async function restoreToScratch(options: {
  file: string;
  like: SavedDatabase;
  admin: pg.Client;
  server: DatabaseAddress;
  tool: ClientTool;
  cipher: Cipher;
  checksumTables: readonly string[];
  onProgress?: ((progress: BackupProgress) => void) | undefined;
}): Promise<Inventory> {
  const { file, like, admin, server, tool, cipher, onProgress } = options;
  const serverMajor = await serverMajorOf(admin);
  const { size } = await stat(file);
  return withScratch({ admin, server, like, prefix: scratchPrefix(like.name) }, async (target) => {
    await restoreInto({
      tool,
      file,
      cipher,
      target,
      serverMajor,
      withRights: false,
      onBytes: (done) => onProgress?.({ phase: 'restore', done, of: size, unit: 'bytes' }),
    });
    return inventoryOf(target, options.checksumTables, (done, of) => onProgress?.({ phase: 'compare', done, of, unit: 'tables' }));
  });
}

/** Definitions are compared within one version of the server only: another one prints them otherwise. */
export function assertSame(manifest: BackupManifest, restored: Inventory, options: { file: string; definitions: boolean }): void {
  const differences = compareInventories(manifest.inventory, restored, options);
  if (differences.length === 0) return;
  throw new AppError(
    'unsafe',
    'BACKUP_DIFFERS',
    `${options.file} was restored, and what is there is not what was saved: ${differences.join('; ')}. When the schema was changed while the dump ran, make another backup; otherwise do not rely on this file.`,
    { file: options.file, differences },
  );
}
