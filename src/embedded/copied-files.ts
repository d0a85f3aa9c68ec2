import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, chown, copyFile, mkdir, open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../base/errors.ts';
import type { Account } from './account.ts';

// The files of a data folder: copied, summed, compared, brought to disk. Nothing here knows a server.

export interface CopiedFile {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

export type CopyProgress = (done: number, of: number) => void;

/** Not part of the data: they name a process that runs or ran. */
const leftOut = new Set(['postmaster.pid', 'postmaster.opts']);

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

/** Files are worked on a few at a time: most of a data folder's thousand files are small. */
const filesAtOnce = 8;

/** Copies a data folder; with `sums` it compares the sum of every file with that of its source and returns them. */
export async function copyFolder(
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

export async function syncAll(folder: string, files: readonly CopiedFile[]): Promise<void> {
  await mapFew(files, ({ path }) => syncPath(join(folder, path)));
  await syncPath(folder);
}

export async function syncPath(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
