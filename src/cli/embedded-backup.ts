import { rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { DatabaseAddress } from '../base/config.ts';
import { AppError } from '../base/errors.ts';
import { packageVersion } from '../base/version.ts';
import { makeColdCopy } from '../embedded/cold-copy.ts';
import { assertCopyIntact } from '../embedded/copied-files.ts';
import { withServerOnCopy } from '../embedded/proof-server.ts';
import {
  assertKeep,
  assertSame,
  assertSameObjects,
  type BackupManifest,
  type BackupProgress,
  coldCopyManifest,
  fileName,
  inspectCopy,
  partialFile,
  prepareFolder,
  proofOf,
  type ProvenBackup,
  provenBackup,
  readLiveObjects,
  readManifest,
  removeOlder,
  syncFolder,
  writeManifest,
} from '../migrate/backup/index.ts';

// The embedded server and the engine know nothing of each other: here a copy of the one becomes a backup of the other.

const where = 'second server on a copy of the copy, since stopped';

/**
 * Backs up the embedded database by a cold copy: the server is away while its files are copied and summed (2.7 s for the 48 MB
 * of an empty database on the development machine), then a second server on the copy is read wholly and compared with the live one.
 */
export async function makeEmbeddedBackup(options: {
  home: string;
  address: DatabaseAddress;
  folder: string;
  keep?: number | undefined;
  onProgress?: ((progress: BackupProgress) => void) | undefined;
}): Promise<ProvenBackup & { readonly stoppedMilliseconds: number }> {
  const { home, address } = options;
  assertKeep(options.keep);
  const folder = resolve(options.folder);
  await prepareFolder(folder);
  const startedAt = new Date();
  const file = join(folder, fileName(address.database, startedAt, false).replace(/\.dump$/, '.copy'));
  const partial = partialFile(file);
  const live = await readLiveObjects(address);
  try {
    const copy = await makeColdCopy({ home, target: partial, onFile: (done, of) => options.onProgress?.({ phase: 'copy', done, of, unit: 'files' }) });
    const begun = performance.now();
    const inspected = await withServerOnCopy({ home, copy: partial }, (second) =>
      inspectCopy({ ...second, database: address.database }, (done, of) => options.onProgress?.({ phase: 'compare', done, of, unit: 'tables' })),
    );
    assertSameObjects(file, live, inspected.inventory.objects);
    const unproven = coldCopyManifest({ file: basename(file), startedAt, clientVersion: `onechart ${packageVersion()}`, copy, inspected });
    const proof = proofOf(inspected.inventory, where, performance.now() - begun);
    const manifest: BackupManifest = { ...unproven, proof };
    await writeManifest(file, manifest);
    await rename(partial, file);
    await syncFolder(dirname(file));
    if (options.keep !== undefined) await removeOlder(file, manifest, options.keep);
    return { ...provenBackup(file, manifest, proof), stoppedMilliseconds: copy.stoppedMilliseconds };
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
}

/** Proves a cold copy that lies there: every file by its sum, then a second server on it, read wholly and compared with the manifest. */
export async function verifyEmbeddedBackup(options: {
  home: string;
  file: string;
  onProgress?: ((progress: BackupProgress) => void) | undefined;
}): Promise<ProvenBackup> {
  const file = resolve(options.file);
  const manifest = await coldManifest(file);
  const begun = performance.now();
  await assertCopyIntact(file, manifest.files, (done, of) => options.onProgress?.({ phase: 'check', done, of, unit: 'files' }));
  const inspected = await withServerOnCopy({ home: options.home, copy: file }, (second) =>
    inspectCopy({ ...second, database: manifest.database.name }, (done, of) => options.onProgress?.({ phase: 'compare', done, of, unit: 'tables' })),
  );
  assertSame(manifest, inspected.inventory, { file, definitions: true });
  const proof = proofOf(inspected.inventory, where, performance.now() - begun);
  await writeManifest(file, { ...manifest, proof });
  return provenBackup(file, manifest, proof);
}

/** The manifest of a cold copy, with its list of files. */
export async function coldManifest(file: string): Promise<BackupManifest & { files: NonNullable<BackupManifest['files']> }> {
  const manifest = await readManifest(file);
  if (manifest?.method === 'cold copy' && manifest.files) return { ...manifest, files: manifest.files };
  throw new AppError('invalid', 'BACKUP_FORMAT_UNKNOWN', `${file} is not a cold copy with its manifest ${file}.json beside it. Name the folder of one.`, {
    file,
  });
}
