import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { DatabaseAddress } from '../base/config.ts';
import { AppError } from '../base/errors.ts';
import { assertCopyIntact, type CopiedFile, type CopyProgress, copyFolder, sumOfList, syncAll, syncPath } from './copied-files.ts';
import { withFolderErrors, writeState } from './home.ts';
import { accountFor } from './index.ts';
import { alone } from './lock.ts';
import { endServerOn, withServerOn } from './proof-server.ts';
import { existingHome, whileStopped } from './stopped-server.ts';

/**
 * A backup of the embedded database without pg_dump, which its package does not carry: the server is stopped, its data folder copied
 * file by file, and the server started again. What is stopped cannot change, so equal files are an equal database.
 */

export interface ColdCopy {
  readonly files: readonly CopiedFile[];
  readonly bytes: number;
  /** Of the list of files with their sizes and sums. */
  readonly sha256: string;
  /** How long the server was away. */
  readonly stoppedMilliseconds: number;
}

/**
 * Stops the embedded server, copies its data folder to `target` (which must not exist), compares the SHA-256 of every file of both
 * while it is stopped, and starts it again on the same port. Where the file system can share blocks (XFS, Btrfs, APFS), the copy itself
 * takes no time and the sums are all that is left.
 *
 * Errors: `COLD_COPY_DIFFERS`, `DATABASE_DISK_FULL`, those of a start. The server runs again in any case; when this process is
 * killed, by the next command (see `resumeAfterCopy`).
 */
export async function makeColdCopy(options: { home: string; target: string; onFile?: CopyProgress | undefined }): Promise<ColdCopy> {
  const { home, state } = await existingHome(options.home);
  const { target } = options;
  return alone(home, () =>
    withFolderErrors(dirname(target), async () => {
      const begun = performance.now();
      const files = await whileStopped(home, state, { remove: target }, async () => {
        try {
          return await copyFolder(state.dataFolder, target, { sums: true, onFile: options.onFile });
        } catch (error) {
          await rm(target, { recursive: true, force: true });
          throw error;
        }
      });
      const stoppedMilliseconds = Math.round(performance.now() - begun);
      // To the disk only now: the server need not be away for that.
      await syncAll(target, files);
      return { ...summary(files), stoppedMilliseconds };
    }),
  );
}

/**
 * Restores a copy into a new data folder beside the live one, proves it with a second server, and gives it its name only then.
 * Cut off anywhere, the same call begins anew.
 *
 * Errors: `RESTORE_TARGET_PRESENT`.
 */
export async function restoreColdCopy(
  options: { home: string; copy: string; files: readonly CopiedFile[]; sha256: string; name: string; onFile?: CopyProgress | undefined },
  inspect: (address: DatabaseAddress) => Promise<void>,
): Promise<{ dataFolder: string; foundComplete: boolean }> {
  const { home, state } = await existingHome(options.home);
  const dataFolder = join(dirname(state.dataFolder), options.name);
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(options.name))
    throw new AppError(
      'invalid',
      'RESTORE_NAME_INVALID',
      'A restored data folder is named with letters, digits, dots, dashes and underscores. Give such a name with --to.',
    );
  const origin = await readFile(`${dataFolder}.origin`, 'utf8').catch(() => undefined);
  const there = (await stat(dataFolder).catch(() => undefined)) !== undefined;
  if (there && origin?.trim() === options.sha256) return { dataFolder, foundComplete: true };
  if (there)
    throw new AppError(
      'unsafe',
      'RESTORE_TARGET_PRESENT',
      `The folder ${dataFolder} is there already, and nothing is restored over it. Give another name with --to, or move it away.`,
      {
        dataFolder,
      },
    );
  const unfinished = `${dataFolder}.restoring`;
  await endServerOn(unfinished);
  await rm(unfinished, { recursive: true, force: true });
  const account = await accountFor(state.dataFolder);
  await withFolderErrors(dirname(dataFolder), () => copyFolder(options.copy, unfinished, { sums: false, account, onFile: options.onFile }));
  await syncAll(unfinished, options.files);
  await assertCopyIntact(unfinished, options.files);
  await withServerOn({ home, dataFolder: unfinished, account }, inspect);
  // From which backup it is, so that the same command knows its own work again.
  await writeFile(`${dataFolder}.origin`, `${options.sha256}\n`, { mode: 0o600, flush: true });
  await rename(unfinished, dataFolder);
  await syncPath(dirname(dataFolder));
  return { dataFolder, foundComplete: false };
}

/** Makes another data folder the live one: server stopped, the home's state file replaced in one step, server started on the same port. */
export async function swapDataFolder(options: { home: string; dataFolder: string }): Promise<{ before: string; now: string }> {
  const { home, state } = await existingHome(options.home);
  return alone(home, async () => {
    if (state.dataFolder === options.dataFolder) return { before: state.dataFolder, now: options.dataFolder };
    await whileStopped(home, state, {}, () => writeState(home, { ...state, dataFolder: options.dataFolder }));
    return { before: state.dataFolder, now: options.dataFolder };
  });
}

function summary(files: readonly CopiedFile[]): { files: readonly CopiedFile[]; bytes: number; sha256: string } {
  return { files, bytes: files.reduce((total, { bytes }) => total + bytes, 0), sha256: sumOfList(files) };
}
