import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { DatabaseAddress } from '../../base/config.ts';
import { AppError } from '../../base/errors.ts';
import { connect } from '../session.ts';
import { endOf, hashFile, readHead } from './dump-file.ts';
import { type Cipher, looksEncrypted } from './encryption.ts';
import { type Inventory, readInventory, settleTexts } from './inventory.ts';
import type { BackupManifest } from './manifest.ts';
import { type ClientTool, lostConnection, safeOutput, startTool } from './tools.ts';

/** pg_restore really restores the file into an empty database; its first error ends it and is thrown. */
export async function restoreInto(options: {
  tool: ClientTool;
  file: string;
  cipher: Cipher;
  /** The empty database. */
  target: DatabaseAddress;
  serverMajor: number;
  /** Owners and rights as they were; a scratch database needs neither, and its server need not know the roles. */
  withRights: boolean;
  onBytes?: ((bytes: number) => void) | undefined;
}): Promise<void> {
  const { tool, file, cipher, target } = options;
  // From 17 on pg_restore begins with a setting that older servers refuse: that one error is passed over, and no other.
  const knownError = tool.major >= 17 && options.serverMajor < 17;
  const encrypted = looksEncrypted(await readHead(file, 32));
  const child = startTool(tool, target, [
    '--format=custom',
    ...(knownError ? [] : ['--exit-on-error']),
    ...(options.withRights ? [] : ['--no-owner', '--no-privileges', '--no-tablespaces', '--no-security-labels']),
    // Restored beside the original, a subscription would take the original's replication slot.
    '--no-subscriptions',
  ]);
  const ended = endOf(child);
  child.stdout.resume();
  let bytes = 0;
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      options.onBytes?.(bytes);
      done(null, chunk);
    },
  });
  try {
    const source = createReadStream(file, { highWaterMark: 1 << 18 });
    if (encrypted) {
      source.pipe(counted);
      source.on('error', (error) => counted.destroy(error));
      await pipeline(await cipher.decrypt(counted), child.stdin);
    } else await pipeline(source, counted, child.stdin);
  } catch (error) {
    child.stdin.destroy();
    if (error instanceof AppError) {
      child.kill('SIGTERM');
      await ended;
      throw error;
    }
    const { code, output } = await ended;
    // It closed its input because it had failed, or the decryption found the file changed.
    if ((error as NodeJS.ErrnoException).code === 'EPIPE' || (code !== 0 && !encrypted)) throw notRestorable(code, output, file);
    throw new AppError(
      'invalid',
      'BACKUP_FILE_CORRUPT',
      `${file} cannot be decrypted to its end: it is truncated or changed. Take another backup.`,
      { file },
      { cause: error },
    );
  }
  const { code, output } = await ended;
  if (code !== 0 && !(knownError && onlyTransactionTimeout(output))) throw notRestorable(code, output, file);
}

function onlyTransactionTimeout(output: string): boolean {
  const errors = output.split('\n').filter((line) => line.startsWith('pg_restore: error: '));
  return (
    errors.length === 1 && /unrecognized configuration parameter "transaction_timeout"/.test(errors[0] ?? '') && /errors ignored on restore: 1\b/.test(output)
  );
}

function notRestorable(code: number | null, output: string, file: string): AppError {
  const said = safeOutput(output);
  if (lostConnection(output))
    return new AppError(
      'resumable',
      'BACKUP_CONNECTION_LOST',
      `pg_restore lost its connection to the server; what it had restored is dropped. Run the same command again. It said: ${said}`,
      { file, exitCode: code, said },
    );
  return new AppError(
    'unsafe',
    'BACKUP_NOT_RESTORABLE',
    `${file} cannot be restored: pg_restore ended ${code === null ? 'by a signal' : `with exit code ${code}`}. ${said === '' ? 'It said nothing.' : `It said: ${said}`}`,
    { file, exitCode: code, said },
  );
}

/**
 * Before a restore is tried: is it there, is it a dump at all, is it the file that the manifest describes?
 *
 * Errors: `BACKUP_FILE_MISSING`, `BACKUP_FORMAT_UNKNOWN`, `BACKUP_FILE_CORRUPT`.
 */
export async function assertIntact(file: string, manifest: BackupManifest | undefined): Promise<{ bytes: number; sha256: string }> {
  const found = await stat(file).catch(() => undefined);
  if (!found) throw new AppError('not-found', 'BACKUP_FILE_MISSING', `There is no backup ${file}. Check the path.`, { file });
  if (!found.isFile())
    throw new AppError('invalid', 'BACKUP_FORMAT_UNKNOWN', `${file} is a folder without the manifest of a cold copy (${file}.json). Name a backup.`, { file });
  if (manifest && found.size !== manifest.bytes)
    throw new AppError(
      'invalid',
      'BACKUP_FILE_CORRUPT',
      `${file} has ${found.size} bytes, and its manifest says ${manifest.bytes}: it is ${found.size < manifest.bytes ? 'truncated' : 'another file'}. Take another backup.`,
      { file, bytes: found.size, expected: manifest.bytes },
    );
  const head = await readHead(file, 32);
  if (!looksEncrypted(head) && head.subarray(0, 5).toString('latin1') !== 'PGDMP')
    throw new AppError(
      'invalid',
      'BACKUP_FORMAT_UNKNOWN',
      `${file} is not in the custom format of pg_dump. A script that psql runs goes on after errors and ends with 0: it proves nothing. Make a backup with: onechart migrate backup`,
      { file },
    );
  const hashed = await hashFile(file);
  if (manifest && hashed.sha256 !== manifest.sha256)
    throw new AppError(
      'invalid',
      'BACKUP_FILE_CORRUPT',
      `${file} is not the file its manifest was written for: the SHA-256 differs. It was changed or exchanged; take another backup.`,
      { file, sha256: hashed.sha256, expected: manifest.sha256 },
    );
  return hashed;
}

/** Reads the inventory of a restored database. */
export async function inventoryOf(
  address: DatabaseAddress,
  checksumTables: readonly string[] | 'all',
  onTable?: (done: number, of: number) => void,
): Promise<Inventory> {
  const client = await connect(address);
  try {
    await client.query('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY');
    await settleTexts(client);
    const inventory = await readInventory(client, { checksumTables, onTable });
    await client.query('COMMIT');
    return inventory;
  } finally {
    await client.end().catch(() => undefined);
  }
}
