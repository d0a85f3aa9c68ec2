import { resolve } from 'node:path';
import { type DatabaseAddress, parseDatabaseUrl } from '../../base/config.ts';
import { AppError } from '../../base/errors.ts';
import { translate } from '../preflight.ts';
import { type EncryptionOptions, openCipher } from './encryption.ts';
import type { BackupProgress } from './make.ts';
import { type ProvenBackup, proofOf, provenBackup, readManifest, writeManifest } from './manifest.ts';
import { proveDump, restoreToScratch, serverMajorOf } from './prove.ts';
import { assertIntact } from './restore-into.ts';
import { assertMayCreate, connectAdmin, describeDatabase } from './scratch.ts';
import { findTool, type ToolOptions } from './tools.ts';

export interface VerifyBackupOptions extends ToolOptions, EncryptionOptions {
  /** The server on which the scratch database is made, unless `scratchUrl` names another. */
  readonly address: DatabaseAddress;
  readonly scratchUrl?: string | undefined;
  readonly onProgress?: ((progress: BackupProgress) => void) | undefined;
}

export interface VerifiedBackup {
  /** False when there is no manifest: it restores, and nobody can say whether everything is in it. */
  readonly compared: boolean;
  readonly backup: ProvenBackup;
}

/**
 * Proves a backup that lies there: intact by its SHA-256, restorable without an error, and equal to its manifest. Without a manifest
 * (a dump made by hand) it is restored and counted, and the result says that nothing was compared.
 *
 * Errors: `BACKUP_FILE_MISSING`, `BACKUP_FILE_CORRUPT`, `BACKUP_FORMAT_UNKNOWN`, `BACKUP_NOT_RESTORABLE`, `BACKUP_DIFFERS`.
 *
 * @example
 * const { compared, backup } = await verifyBackup('/srv/backups/ehr-20260103T120000000Z.dump', {
 *   address: parseDatabaseUrl('postgresql://ehr_user@127.0.0.1/ehr'),
 * });
 * console.log(compared, backup.proof.tables, backup.proof.rows);
 */
export async function verifyBackup(path: string, options: VerifyBackupOptions): Promise<VerifiedBackup> {
  const file = resolve(path);
  const manifest = await readManifest(file);
  if (manifest?.method === 'cold copy')
    throw new AppError(
      'invalid',
      'BACKUP_FORMAT_UNKNOWN',
      `${file} is a cold copy of an embedded database: name that database's home folder with --home to verify it.`,
      { file },
    );
  const intact = await assertIntact(file, manifest);
  const cipher = await openCipher(options);
  const server = options.scratchUrl === undefined ? options.address : parseDatabaseUrl(options.scratchUrl, '--scratch-url');
  const admin = await connectAdmin(server);
  try {
    await assertMayCreate(admin, server, 'Grant it (ALTER ROLE … CREATEDB), or give another server for the proof with --scratch-url.');
    const serverMajor = await serverMajorOf(admin);
    const tool = await findTool('pg_restore', { ...options, serverMajor: Math.max(serverMajor, Number.parseInt(manifest?.serverVersion ?? '0', 10)) });
    const common = { file, admin, server, tool, cipher, onProgress: options.onProgress };
    if (manifest) {
      const proof = await proveDump({ ...common, manifest });
      await writeManifest(file, { ...manifest, proof });
      return { compared: true, backup: provenBackup(file, manifest, proof) };
    }
    const begun = performance.now();
    // Sorts as the server does; named after ours, so that what a killed run leaves is found.
    const like = { ...(await describeDatabase(admin)), name: server.database };
    const inventory = await restoreToScratch({ ...common, like, checksumTables: [] });
    const proof = proofOf(inventory, `scratch database on ${server.host}:${server.port}, since dropped`, performance.now() - begun);
    const now = new Date().toISOString();
    return {
      compared: false,
      backup: {
        file,
        ...intact,
        method: 'pg_dump',
        startedAt: now,
        finishedAt: now,
        clientVersion: tool.version,
        serverVersion: String(serverMajor),
        database: 'unknown',
        proof,
        objects: inventory.objects,
      },
    };
  } catch (error) {
    throw translate(error, server);
  } finally {
    await admin.end().catch(() => undefined);
  }
}
