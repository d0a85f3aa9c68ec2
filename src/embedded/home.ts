import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { AppError } from '../base/errors.ts';
import { makeFolder } from '../base/make-folder.ts';
import type { Account } from './account.ts';

/** What the home folder remembers between starts. */
const ServerState = z.object({
  dataFolder: z.string().min(1),
  port: z.int().min(1).max(65535).optional(),
});
export type ServerState = z.infer<typeof ServerState>;

/** Where the embedded database lives: `--home`, ONECHART_HOME, or `.onechart` in the current folder. */
export function homeFolder(options: { home?: string | undefined; env: Readonly<Record<string, string | undefined>>; cwd: string }): string {
  return resolve(options.cwd, options.home || options.env.ONECHART_HOME || '.onechart');
}

export const passwordFile = (home: string) => join(home, 'password');
export const logFile = (home: string) => join(home, 'server.log');
const stateFile = (home: string) => join(home, 'server.json');

/** Makes the home folder where it is missing and proves that it can be written. */
export async function prepareHome(home: string, account: Account | undefined): Promise<string> {
  return withFolderErrors(home, async () => {
    // The server's account passes through to its data; it can neither list the folder nor read the password.
    await makeFolder(home, account ? 0o711 : 0o700);
    const real = await realpath(home);
    const owner = (await stat(real)).uid;
    if (process.getuid && process.getuid() !== 0 && owner !== process.getuid()) {
      throw new AppError(
        'unavailable',
        'DATABASE_HOME_OF_ANOTHER',
        `The home folder ${home} belongs to another user of this machine. Run the command as that user, or choose another folder with --home.`,
        { home },
      );
    }
    if (account) await chmod(real, ((await stat(real)).mode & 0o777) | 0o011);
    // It may lie in a project: nothing of it belongs into a repository.
    await writeFile(join(real, '.gitignore'), '*\n');
    return real;
  });
}

/** The folder that holds the server's data and programs: the home itself, or where its account cannot get there, one it can. */
export async function serverFolder(home: string, account: Account | undefined): Promise<string> {
  if (!account || (await isPassable(dirname(home), account))) return home;
  const name = createHash('sha256').update(home).digest('hex').slice(0, 16);
  for (const parent of ['/var/lib', '/var/tmp']) {
    const folder = join(parent, 'onechart', name);
    try {
      await mkdir(folder, { recursive: true, mode: 0o755 });
      await chmod(folder, 0o711);
      if (await isPassable(folder, account)) return folder;
    } catch (error) {
      if (!['EACCES', 'EPERM', 'EROFS', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }
  throw new AppError(
    'unavailable',
    'DATABASE_HOME_UNREACHABLE',
    `PostgreSQL does not run as root, and the user ${account.name} may not pass through the folders above ${home}. Choose a home folder that other users may pass through, for example --home /srv/onechart.`,
    { home },
  );
}

async function isPassable(folder: string, account: Account): Promise<boolean> {
  for (let each = folder; ; each = dirname(each)) {
    const { mode, uid, gid } = await stat(each);
    const bit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) return false;
    if (dirname(each) === each) return true;
  }
}

/** What the home remembers, or undefined before the first start. */
export async function readState(home: string): Promise<ServerState | undefined> {
  const text = await readText(stateFile(home));
  if (text === undefined) return undefined;
  try {
    return ServerState.parse(JSON.parse(text));
  } catch (cause) {
    throw new AppError(
      'unavailable',
      'DATABASE_HOME_CORRUPT',
      `The file ${stateFile(home)} is damaged. Restore it from a copy; or, when the data lies in ${join(home, 'data')}, write {"dataFolder": "${join(home, 'data')}"} into it.`,
      { home },
      { cause },
    );
  }
}

export async function writeState(home: string, state: ServerState): Promise<void> {
  await writeSecret(stateFile(home), `${JSON.stringify(state, null, 2)}\n`);
}

export async function readPassword(home: string): Promise<string | undefined> {
  return (await readText(passwordFile(home)))?.trim() || undefined;
}

/** 192 random bits; the file is there as a whole or not at all. */
export async function writeNewPassword(home: string): Promise<string> {
  const password = randomBytes(24).toString('base64url');
  await writeSecret(passwordFile(home), `${password}\n`);
  return password;
}

async function writeSecret(file: string, text: string): Promise<void> {
  const fresh = `${file}.${process.pid}`;
  await withFolderErrors(dirname(file), async () => {
    try {
      await writeFile(fresh, text, { mode: 0o600, flush: true });
      await rename(fresh, file);
    } finally {
      await rm(fresh, { force: true });
    }
  });
}

async function readText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw folderError(error, dirname(file));
  }
}

/** Gives what the file system refuses a sentence that says what to do. */
export async function withFolderErrors<Result>(folder: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw folderError(error, folder);
  }
}

function folderError(error: unknown, folder: string): unknown {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (['ENOSPC', 'EDQUOT', 'EFBIG'].includes(code)) {
    return new AppError(
      'unavailable',
      'DATABASE_DISK_FULL',
      `The disk that holds ${folder} is full. Free some space (a new database needs about 100 MB) and start again; nothing that was committed is lost.`,
      { folder, reason: code },
      { cause: error },
    );
  }
  if (['EACCES', 'EPERM', 'EROFS', 'ENOENT', 'ENOTDIR', 'EEXIST', 'ENAMETOOLONG'].includes(code)) {
    return new AppError(
      'unavailable',
      'DATABASE_HOME_UNWRITABLE',
      `The home folder ${folder} cannot be made or used by this user (${code}). Give the user the right to it, or choose another one with --home or ONECHART_HOME.`,
      { folder, reason: code },
      { cause: error },
    );
  }
  return error;
}
