import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, readdir, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { DatabaseAddress } from '../../base/config.ts';
import { AppError } from '../../base/errors.ts';
import type { Cipher } from './encryption.ts';
import { type ClientTool, lostConnection, safeOutput, startTool } from './tools.ts';

/** Writes what pg_dump prints into a file, counted, hashed and encrypted on the way, and safely on the disk at the end. */
export async function writeDump(options: {
  tool: ClientTool;
  address: DatabaseAddress;
  snapshot: string;
  file: string;
  cipher: Cipher;
  onBytes: (bytes: number) => void;
  /** Aborted when the snapshot's connection is lost or the caller gives up: pg_dump is ended then. */
  signal: AbortSignal;
}): Promise<{ bytes: number; sha256: string }> {
  const { tool, address, file } = options;
  const child = startTool(tool, address, ['--format=custom', `--snapshot=${options.snapshot}`, '--lock-wait-timeout=60s']);
  child.stdin.on('error', () => undefined);
  child.stdin.end();
  const ended = endOf(child);
  const stop = () => child.kill('SIGTERM');
  options.signal.addEventListener('abort', stop, { once: true });
  try {
    const written = await writeHashed(options.cipher.kind === undefined ? child.stdout : await options.cipher.encrypt(child.stdout), file, options.onBytes);
    const { code, output } = await ended;
    options.signal.throwIfAborted();
    if (code !== 0) throw dumpFailure(code, output, tool);
    return written;
  } catch (error) {
    child.kill('SIGTERM');
    child.stdout.destroy();
    const { code, output } = await ended;
    options.signal.throwIfAborted();
    if (error instanceof AppError) throw error;
    throw diskFull(error, file) ?? (code !== 0 && output !== '' ? dumpFailure(code, output, tool) : error);
  } finally {
    options.signal.removeEventListener('abort', stop);
  }
}

async function writeHashed(source: Readable, file: string, onBytes: (bytes: number) => void): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  let handle: FileHandle | undefined;
  try {
    handle = await open(file, 'wx', 0o600);
    for await (const chunk of source as AsyncIterable<Buffer>) {
      hash.update(chunk);
      await handle.writeFile(chunk);
      bytes += chunk.length;
      onBytes(bytes);
    }
    await handle.sync();
  } finally {
    await handle?.close();
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** Resolves when the program has ended and its pipes are empty; never rejects. */
export function endOf(child: ReturnType<typeof startTool>): Promise<{ code: number | null; output: string }> {
  let output = '';
  child.stderr.on('data', (chunk: Buffer) => {
    output = (output + chunk.toString('utf8')).slice(-200_000);
  });
  return new Promise((resolve) => {
    child.on('error', (error: NodeJS.ErrnoException) =>
      resolve({ code: null, output: output || `pg_dump: error: it cannot be started (${error.code ?? error.message})` }),
    );
    child.on('close', (code) => resolve({ code, output }));
  });
}

function dumpFailure(code: number | null, output: string, tool: ClientTool): AppError {
  const said = safeOutput(output);
  const details = { exitCode: code, said };
  if (/invalid snapshot identifier|snapshot "[^"]*" does not exist|cannot import a snapshot from a different database|pg_snapshots\//.test(output))
    return new AppError(
      'unsafe',
      'BACKUP_OF_OTHER_SERVER',
      `${tool.command.join(' ')} reaches another server or another database than the one in the address: it does not know our snapshot. Correct the command or the address.`,
      details,
    );
  if (/lock timeout|could not obtain lock/.test(output))
    return new AppError(
      'busy',
      'BACKUP_LOCK_NOT_OBTAINED',
      'pg_dump waited 60 s for a table that another session has locked exclusively. Wait until that has ended, then run the same command again.',
      details,
    );
  if (/password authentication failed|no password supplied|no pg_hba.conf entry|Peer authentication failed|role "[^"]*" does not exist/.test(output))
    return new AppError(
      'unauthenticated',
      'BACKUP_LOGIN_REFUSED',
      `The server refused the login of ${tool.command.join(' ')}. Inside a container hand the password on (docker exec -e PGPASSWORD …) or name the user in the command (-U …). It said: ${said}`,
      details,
    );
  if (/permission denied|row-level security/.test(output))
    return new AppError(
      'forbidden',
      'BACKUP_PRIVILEGE_MISSING',
      `pg_dump may not read everything. Grant the user pg_read_all_data, or back up as the owner. It said: ${said}`,
      details,
    );
  if (/aborting because of server version mismatch/.test(output))
    return new AppError('unsafe', 'BACKUP_TOOL_OLDER', `pg_dump is older than the server and cannot save it. It said: ${said}`, details);
  if (lostConnection(output))
    return new AppError(
      'resumable',
      'BACKUP_CONNECTION_LOST',
      `pg_dump lost its connection to the server; no backup was made. Run the same command again. It said: ${said}`,
      details,
    );
  return new AppError(
    'unavailable',
    'BACKUP_TOOL_FAILED',
    `pg_dump ended ${code === null ? 'by a signal' : `with exit code ${code}`}; no backup was made. ${said === '' ? 'It said nothing.' : `It said: ${said}`}`,
    details,
  );
}

/** Undefined for anything else. */
export function diskFull(error: unknown, file: string): AppError | undefined {
  const reason = (error as NodeJS.ErrnoException).code ?? '';
  if (!['ENOSPC', 'EDQUOT', 'EFBIG'].includes(reason)) return undefined;
  return new AppError(
    'unavailable',
    'BACKUP_DISK_FULL',
    `The disk or the limit of the user ended while ${file} was written; what was written is removed. Free some space, or give another folder with --out.`,
    { file, reason },
    { cause: error },
  );
}

/** SHA-256 and size of a file as it lies there. */
export async function hashFile(file: string): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { bytes, sha256: hash.digest('hex') };
}

export async function readHead(file: string, length: number): Promise<Buffer> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** Makes a rename survive a power cut. Windows has no such call for folders. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } catch (error) {
    // Some network file systems know no sync of a folder.
    if (!['EINVAL', 'ENOTSUP', 'EPERM', 'EBADF'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  } finally {
    await handle.close();
  }
}

const partialName = /\.([^.]+)\.(\d+)\.partial$/;

/** Until it is proven a backup has a name that nobody takes for one. */
export function partialFile(file: string): string {
  return `${file}.${machine()}.${process.pid}.partial`;
}

/** Removes what killed runs of this machine left in a folder. */
export async function removePartials(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const [, host, pid] = partialName.exec(name) ?? [];
    if (host !== machine() || pid === undefined || lives(Number(pid))) continue;
    await rm(join(folder, name), { recursive: true, force: true });
  }
}

function machine(): string {
  return hostname().replace(/[^A-Za-z0-9-]/g, '-');
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
