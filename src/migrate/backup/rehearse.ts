import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type pg from 'pg';
import { type DatabaseAddress, parseDatabaseUrl } from '../../base/config.ts';
import { AppError } from '../../base/errors.ts';
import { translate } from '../preflight.ts';
import { row } from '../sql.ts';
import { openCipher } from './encryption.ts';
import { type BackupManifest, readManifest } from './manifest.ts';
import { assertSame, serverMajorOf } from './prove.ts';
import { assertIntact, inventoryOf, restoreInto } from './restore-into.ts';
import { assertMayCreate, connectAdmin, scratchPrefix, withScratch } from './scratch.ts';
import { findTool } from './tools.ts';
import type { VerifyBackupOptions } from './verify.ts';

/** How long the parts of a restore took. */
export interface RehearsedBackup {
  readonly manifest: BackupManifest;
  /** Whether owners and rights were restored too: the server knows the roles, and the user may hand objects over to them. */
  readonly withRights: boolean;
  readonly restoreMilliseconds: number;
  readonly compareMilliseconds: number;
}

/**
 * Restores a dump into a scratch database, compares it with its manifest, lets `work` use it, and drops it whatever happened.
 *
 * Errors: those of a proof, `BACKUP_MANIFEST_MISSING`, and what `work` throws.
 */
export async function withRestoredBackup<T>(
  path: string,
  options: VerifyBackupOptions,
  work: (scratch: DatabaseAddress, rehearsed: RehearsedBackup) => Promise<T>,
): Promise<T> {
  const file = resolve(path);
  const manifest = await readManifest(file);
  if (!manifest)
    throw new AppError(
      'unsafe',
      'BACKUP_MANIFEST_MISSING',
      `${file} has no manifest (${file}.json): nobody can say what must be in it. Put the manifest beside it, or make a backup with onechart backup create.`,
      { file },
    );
  const server = options.scratchUrl === undefined ? options.address : parseDatabaseUrl(options.scratchUrl, '--scratch-url');
  const cipher = await openCipher(options);
  const admin = await connectAdmin(server);
  try {
    await assertMayCreate(admin, server, 'Grant it (ALTER ROLE … CREATEDB), or give another server for the drill with --scratch-url.');
    const serverMajor = await serverMajorOf(admin);
    const tool = await findTool('pg_restore', { ...options, serverMajor: Math.max(serverMajor, Number.parseInt(manifest.serverVersion, 10)) });
    const withRights = await mayRestoreRights(admin, manifest);
    const begun = performance.now();
    await assertIntact(file, manifest);
    const { size } = await stat(file);
    return await withScratch({ admin, server, like: manifest.database, prefix: scratchPrefix(manifest.database.name) }, async (target) => {
      await restoreInto({
        tool,
        file,
        cipher,
        target,
        serverMajor,
        withRights,
        onBytes: (done) => options.onProgress?.({ phase: 'restore', done, of: size, unit: 'bytes' }),
      });
      const restored = performance.now();
      const inventory = await inventoryOf(target, Object.keys(manifest.inventory.checksums), (done, of) =>
        options.onProgress?.({ phase: 'compare', done, of, unit: 'tables' }),
      );
      assertSame(manifest, inventory, { file, definitions: serverMajor === Number.parseInt(manifest.serverVersion, 10) });
      const compared = performance.now();
      return work(
        { ...target, schema: options.address.schema },
        {
          manifest,
          withRights,
          restoreMilliseconds: restored - begun,
          compareMilliseconds: compared - restored,
        },
      );
    });
  } catch (error) {
    throw translate(error, server);
  } finally {
    await admin.end().catch(() => undefined);
  }
}

async function mayRestoreRights(admin: pg.ClientBase, manifest: BackupManifest): Promise<boolean> {
  const { may } = await row<{ may: boolean }>(
    admin,
    `SELECT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AND NOT EXISTS (
       SELECT FROM unnest($1::text[]) AS name WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)) AS may`,
    [manifest.database.roles],
  );
  return may;
}
