import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, chown, copyFile, mkdir, open, readdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { DatabaseAddress } from '../base/config.ts';
import { AppError } from '../base/errors.ts';
import type { Account } from './account.ts';
import { prepareBinaries } from './binaries.ts';
import { logFile, readPassword, readState, type ServerState, withFolderErrors, writeState } from './home.ts';
import { accountFor, addressOf, livingPostmaster, startAlone } from './index.ts';
import { alone } from './lock.ts';
import { freePort, isAlive, launchServer, postmasterPid, stopServer } from './server.ts';

/**
 * A backup of the embedded database without pg_dump, which its package does not carry: the server is stopped, its data folder copied
 * file by file, and the server started again. What is stopped cannot change, so equal files are an equal database.
 */

export interface CopiedFile {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface ColdCopy {
  readonly files: readonly CopiedFile[];
  readonly bytes: number;
  /** Of the list of files with their sizes and sums. */
  readonly sha256: string;
  /** How long the server was away. */
  readonly stoppedMilliseconds: number;
}

export type CopyProgress = (done: number, of: number) => void;

const stopTimeoutMs = 60_000;

/** Not part of the data: they name a process that runs or ran. */
const leftOut = new Set(['postmaster.pid', 'postmaster.opts']);

/** Written before the server is stopped by us and removed when it runs again: a killed run is seen by it. */
const Interruption = z.object({ remove: z.string().optional() });
const interruptionFile = (home: string) => join(home, 'stopped-for-copy.json');

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
 * Starts a second server on a copy of the copy, on a free port of 127.0.0.1, calls `inspect` with its address, and stops it. The copy itself
 * is only read: a server that starts on a folder changes it.
 */
export async function withServerOnCopy<T>(options: { home: string; copy: string }, inspect: (address: DatabaseAddress) => Promise<T>): Promise<T> {
  const { home, state } = await existingHome(options.home);
  const folder = dirname(state.dataFolder);
  await removeProofs(folder);
  const proof = join(folder, `proof-${process.pid}`);
  const account = await accountFor(state.dataFolder);
  try {
    await withFolderErrors(folder, () => copyFolder(options.copy, proof, { sums: false, account }));
    return await withServerOn({ home, dataFolder: proof, account }, inspect);
  } finally {
    await rm(proof, { recursive: true, force: true });
  }
}

async function withServerOn<T>(
  options: { home: string; dataFolder: string; account: Account | undefined },
  inspect: (address: DatabaseAddress) => Promise<T>,
): Promise<T> {
  const { home, dataFolder, account } = options;
  const password = (await readPassword(home)) ?? '';
  const server = await launchServer({
    binaries: await prepareBinaries({ workFolder: dirname(dataFolder), account }),
    account,
    dataFolder,
    port: await freePort(),
    password,
    logFile: `${logFile(home)}.proof`,
    // Nothing of it has to survive, and what it says must not hold rows.
    settings: { cluster_name: 'onechart proof', fsync: 'off', timezone: 'UTC', log_min_error_statement: 'panic', log_error_verbosity: 'terse' },
    detached: false,
    timeoutMs: stopTimeoutMs,
  });
  try {
    return await inspect(addressOf(server.port, password));
  } finally {
    await stopServer({ pid: server.pid, mode: 'fast', timeoutMs: stopTimeoutMs });
  }
}

/** Compares every file of a copy with the list made when it was taken. Errors: `BACKUP_FILE_CORRUPT`. */
export async function assertCopyIntact(copy: string, files: readonly CopiedFile[], onFile?: CopyProgress): Promise<void> {
  const there = new Set(await filesOf(copy));
  let done = 0;
  await mapFew(files, async ({ path, bytes, sha256 }) => {
    const file = join(copy, path);
    const found = there.delete(path) ? await stat(file) : undefined;
    const wrong = !found
      ? 'is missing'
      : found.size !== bytes
        ? `has ${found.size} bytes instead of ${bytes}`
        : (await sum(file)) === sha256
          ? undefined
          : 'was changed';
    if (wrong !== undefined)
      throw new AppError('invalid', 'BACKUP_FILE_CORRUPT', `${file} ${wrong}: this copy is not what was proven. Take another backup.`, { file });
    onFile?.(++done, files.length);
  });
  const [strange] = there;
  if (strange !== undefined)
    throw new AppError('invalid', 'BACKUP_FILE_CORRUPT', `${join(copy, strange)} is not part of this copy. Take another backup, or remove the file.`, {
      file: join(copy, strange),
    });
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

/**
 * Starts the server again that a killed copy or swap has left stopped, and removes its half copy. Called by whoever looks for the
 * embedded database; does nothing while such a run still works.
 */
export async function resumeAfterCopy(options: { home: string }): Promise<boolean> {
  const home = await realpath(options.home).catch(() => undefined);
  if (home === undefined || (await readInterruption(home)) === undefined) return false;
  // Who holds this lock may be the very run that wrote the file: it removes it before it lets go.
  return alone(home, async () => {
    const left = await readInterruption(home);
    if (left === undefined) return false;
    if (left.remove !== undefined) await rm(left.remove, { recursive: true, force: true });
    await startAlone({ home });
    await rm(interruptionFile(home), { force: true });
    return true;
  });
}

async function whileStopped<T>(home: string, state: ServerState, left: z.infer<typeof Interruption>, work: () => Promise<T>): Promise<T> {
  const pid = await livingPostmaster(state.dataFolder);
  if (pid === undefined) return work();
  await writeFile(interruptionFile(home), JSON.stringify(left), { mode: 0o600, flush: true });
  // Told to stop, it will: whoever looks for it next starts it again, as the file stays.
  if (!(await stopServer({ pid, mode: 'fast', timeoutMs: stopTimeoutMs })))
    throw new AppError('busy', 'DATABASE_STOP_SLOW', `The embedded PostgreSQL of ${home} is still writing to disk. Run the same command again in a minute.`, {
      pid,
    });
  try {
    return await work();
  } finally {
    await startAlone({ home });
    await rm(interruptionFile(home), { force: true });
  }
}

async function readInterruption(home: string): Promise<z.infer<typeof Interruption> | undefined> {
  const text = await readFile(interruptionFile(home), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return Interruption.parse(JSON.parse(text));
  } catch {
    // Cut off while it was written: the server had not been stopped yet, and starting it again does no harm.
    return {};
  }
}

async function existingHome(path: string): Promise<{ home: string; state: ServerState }> {
  const home = await realpath(path).catch(() => path);
  const state = await readState(home);
  if (state) return { home, state };
  throw new AppError('unavailable', 'DATABASE_NOT_RUNNING', `No embedded PostgreSQL runs in ${home}. Start it with \`onechart db start\`.`, { home });
}

/** Files are worked on a few at a time: most of a data folder's thousand files are small. */
const filesAtOnce = 8;

/** Copies a data folder; with `sums` it compares the sum of every file with that of its source and returns them. */
async function copyFolder(
  source: string,
  target: string,
  options: { sums: boolean; account?: Account | undefined; onFile?: CopyProgress | undefined },
): Promise<CopiedFile[]> {
  const { account } = options;
  const files = await filesOf(source);
  await makeFolder(target, account);
  for (const folder of await foldersOf(source)) await makeFolder(join(target, folder), account);
  let done = 0;
  return mapFew(files, async (path) => {
    const [from, to] = [join(source, path), join(target, path)];
    await copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    await chmod(to, 0o600);
    if (account) await chown(to, account.uid, account.gid);
    const sha256 = options.sums ? await sum(from) : '';
    if (options.sums && sha256 !== (await sum(to)))
      throw new AppError(
        'unavailable',
        'COLD_COPY_DIFFERS',
        `The copy of ${from} differs from it: something writes to it, or the disk fails. Look at the disk before anything else.`,
        { path },
      );
    options.onFile?.(++done, files.length);
    return { path, bytes: (await stat(to)).size, sha256 };
  });
}

/** In the order of the items; the first error ends it, after what was begun has ended. */
async function mapFew<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  let failed = false;
  const worker = async () => {
    while (next < items.length && !failed) {
      const index = next++;
      try {
        results[index] = await work(items[index] as T);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: filesAtOnce }, worker));
  for (const each of ended) if (each.status === 'rejected') throw each.reason;
  return results;
}

async function makeFolder(path: string, account: Account | undefined): Promise<void> {
  await mkdir(path, { mode: 0o700 });
  if (account) await chown(path, account.uid, account.gid);
}

async function filesOf(folder: string): Promise<string[]> {
  return (await entriesOf(folder)).flatMap(({ path, isFolder }) => (isFolder || leftOut.has(path) ? [] : [path])).sort();
}

async function foldersOf(folder: string): Promise<string[]> {
  return (await entriesOf(folder)).flatMap(({ path, isFolder }) => (isFolder ? [path] : [])).sort();
}

async function entriesOf(folder: string, below = ''): Promise<{ path: string; isFolder: boolean }[]> {
  const found: { path: string; isFolder: boolean }[] = [];
  for (const entry of await readdir(join(folder, below), { withFileTypes: true })) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) found.push({ path, isFolder: true }, ...(await entriesOf(folder, path)));
    else if (entry.isFile()) found.push({ path, isFolder: false });
    else
      throw new AppError(
        'unsupported',
        'COLD_COPY_LINK',
        `${join(folder, path)} leads out of the data folder (a tablespace?), and a copy of the folder would not hold it. Back up with pg_dump: --pg-dump.`,
        { path },
      );
  }
  return found;
}

function summary(files: readonly CopiedFile[]): { files: readonly CopiedFile[]; bytes: number; sha256: string } {
  return { files, bytes: files.reduce((total, { bytes }) => total + bytes, 0), sha256: sumOfList(files) };
}

/** One sum for the whole copy. */
export function sumOfList(files: readonly CopiedFile[]): string {
  return createHash('sha256')
    .update(files.map(({ path, bytes, sha256 }) => `${sha256} ${bytes} ${path}\n`).join(''))
    .digest('hex');
}

async function sum(file: string): Promise<string> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(1 << 18);
  const handle = await open(file, 'r');
  try {
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, null);
      if (bytesRead === 0) return hash.digest('hex');
      hash.update(buffer.subarray(0, bytesRead));
    }
  } finally {
    await handle.close();
  }
}

async function syncAll(folder: string, files: readonly CopiedFile[]): Promise<void> {
  await mapFew(files, ({ path }) => syncPath(join(folder, path)));
  await syncPath(folder);
}

async function syncPath(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A proof that was killed leaves its folder, and maybe its server, behind. */
async function removeProofs(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const pid = /^proof-(\d+)$/.exec(name)?.[1];
    if (pid === undefined || (isAlive(Number(pid)) && Number(pid) !== process.pid)) continue;
    await endServerOn(join(folder, name));
    await rm(join(folder, name), { recursive: true, force: true });
  }
}

async function endServerOn(dataFolder: string): Promise<void> {
  if ((await postmasterPid(dataFolder)) === undefined) return;
  const pid = await livingPostmaster(dataFolder);
  if (pid !== undefined) await stopServer({ pid, mode: 'immediate', timeoutMs: 20_000 });
}
