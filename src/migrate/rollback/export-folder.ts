import { access, chmod, constants, mkdir, open, readdir, rename, rm, rmdir, stat, statfs, unlink, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { AppError } from '../../base/errors.ts';
import { manifestName, readManifest } from './manifest.ts';

/** Lies in a folder as long as it is being written. */
const unfinishedName = 'UNFINISHED';

/**
 * Whether rows may be written to a folder: it is not there, or is empty, or holds what an attempt of this same rollback wrote
 * that was cut off before it had dropped anything (`isCutOff` knows by its id).
 *
 * Errors: `EXPORT_FOLDER_OCCUPIED` (unsafe), `EXPORT_FOLDER_UNWRITABLE` (unavailable), `EXPORT_DISK_SHORT` (unavailable).
 */
export async function checkExportFolder(folder: string, { isCutOff, bytes }: { isCutOff: (id: string) => Promise<boolean>; bytes: number }): Promise<void> {
  for (const each of [folder, partialOf(folder)]) {
    const names: string[] = await readdir(each).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw unwritable(folder, error);
    });
    if (names.length === 0 || (each !== folder && names.includes(unfinishedName))) continue;
    const id = names.includes(manifestName)
      ? await readManifest(each).then(
          (manifest) => manifest.id,
          () => undefined,
        )
      : undefined;
    if (id === undefined || !(await isCutOff(id)))
      throw new AppError(
        'unsafe',
        'EXPORT_FOLDER_OCCUPIED',
        `${each} holds files already. Give a folder that is empty or does not exist yet; nothing was changed.`,
        { folder: each },
      );
  }
  const parent = await existingParent(folder);
  const { bavail, bsize } = await fsWork(folder, async () => {
    await access(parent, constants.W_OK | constants.X_OK);
    return statfs(parent);
  });
  if (bavail * bsize < bytes)
    throw new AppError(
      'unavailable',
      'EXPORT_DISK_SHORT',
      `${parent} has ${Math.round((bavail * bsize) / 1048576)} MB free; the export may need ${Math.round(bytes / 1048576)} MB. Free some, or give a folder on another disk; nothing was changed.`,
      { folder, free: bavail * bsize, needed: bytes },
    );
}

/** The folder that is there already, into which the others would be made. */
async function existingParent(folder: string): Promise<string> {
  for (let parent = dirname(resolve(folder)); ; parent = dirname(parent)) {
    const found = await stat(parent).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw unwritable(folder, error);
    });
    if (found?.isDirectory()) return parent;
    if (found) throw unwritable(folder, Object.assign(new Error('a file lies there'), { code: 'ENOTDIR' }));
    if (dirname(parent) === parent) throw unwritable(folder, Object.assign(new Error('no folder'), { code: 'ENOENT' }));
  }
}

/** Begins anew in `<folder>.partial`, for its owner only. */
export async function beginFolder(folder: string): Promise<string> {
  const partial = partialOf(folder);
  await fsWork(folder, async () => {
    await rm(partial, { recursive: true, force: true });
    await mkdir(partial, { recursive: true, mode: 0o700 });
    await chmod(partial, 0o700);
    await writeFile(join(partial, unfinishedName), 'This export was cut off; run the same rollback again.\n', { mode: 0o600 });
  });
  return partial;
}

/** Everything on disk before the folder has its name: whoever finds the name finds the whole. */
export async function finishFolder(folder: string): Promise<void> {
  const partial = partialOf(folder);
  await fsWork(folder, async () => {
    await unlink(join(partial, unfinishedName));
    await sync(partial);
    // An export of an attempt that was cut off: its rows are in the one that takes its place. An empty folder: rename wants none.
    if ((await readdir(folder).catch(() => [])).length > 0) await rm(folder, { recursive: true });
    else await rmdir(folder).catch(() => undefined);
    await rename(partial, folder);
    await sync(dirname(resolve(folder)));
  });
}

/** Turns what the file system says into the product's words. */
export async function fsWork<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof AppError ? error : unwritable(folder, error as NodeJS.ErrnoException);
  }
}

function unwritable(folder: string, cause: NodeJS.ErrnoException): AppError {
  return new AppError(
    'unavailable',
    'EXPORT_FOLDER_UNWRITABLE',
    `${folder} cannot be written (${cause.code ?? cause.message}). Give a folder with room that this user may write; no row was dropped.`,
    { folder, reason: cause.code },
    { cause },
  );
}

function partialOf(folder: string): string {
  return `${resolve(folder)}.partial`;
}

async function sync(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  // Windows opens no folders; its rename is on disk when it returns.
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}
