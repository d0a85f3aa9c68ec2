import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { Decrypter, Encrypter } from 'age-encryption';
import { AppError } from '../../base/errors.ts';

/** How a backup is encrypted at rest, in the age format (age-encryption.org/v1), which the program `age` reads too. */
export interface EncryptionOptions {
  /** File whose first line is the passphrase. */
  readonly passphraseFile?: string | undefined;
  /** The passphrase itself, for callers that have it from a safe. */
  readonly passphrase?: string | undefined;
  /** Public key, `age1…`: who has only this can write backups and not read them. */
  readonly recipient?: string | undefined;
  /** File with the secret key (`AGE-SECRET-KEY-1…`): needed to prove or restore what was encrypted for a recipient. */
  readonly identityFile?: string | undefined;
}

export interface Cipher {
  /** How new backups are encrypted; undefined when they are not. */
  readonly kind: 'passphrase' | 'recipient' | undefined;
  encrypt(plain: Readable): Promise<Readable>;
  decrypt(encrypted: Readable): Promise<Readable>;
}

const magic = 'age-encryption.org/v1\n';

/** Whether a file begins as an encrypted backup does. */
export function looksEncrypted(head: Buffer): boolean {
  return head.toString('latin1').startsWith(magic);
}

/**
 * Reads the keys. A passphrase goes through scrypt (2^18 rounds), which costs a few seconds at each reading and writing.
 *
 * Errors: `BACKUP_KEY_INVALID`, `BACKUP_KEY_MISSING`, `BACKUP_KEY_WRONG`.
 */
export async function openCipher(options: EncryptionOptions): Promise<Cipher> {
  const passphrase = options.passphrase ?? (options.passphraseFile === undefined ? undefined : await firstLine(options.passphraseFile, '--passphrase-file'));
  if (passphrase !== undefined && options.recipient !== undefined)
    throw new AppError('invalid', 'BACKUP_KEY_INVALID', 'Give a passphrase or a recipient, not both: a backup is encrypted in one way.');
  if (passphrase !== undefined && passphrase.length < 8)
    throw new AppError(
      'invalid',
      'BACKUP_KEY_INVALID',
      'The passphrase is shorter than 8 characters. Take a longer one: whoever has the file can try without limit.',
    );
  const identities =
    options.identityFile === undefined
      ? []
      : (await secretText(options.identityFile, '--identity-file')).split('\n').filter((line) => line.startsWith('AGE-SECRET-KEY-'));
  if (options.identityFile !== undefined && identities.length === 0)
    throw new AppError('invalid', 'BACKUP_KEY_INVALID', 'The file in --identity-file holds no secret key (a line that begins with AGE-SECRET-KEY-).');
  const encrypter = new Encrypter();
  const decrypter = new Decrypter();
  try {
    if (passphrase !== undefined) encrypter.setPassphrase(passphrase);
    else if (options.recipient !== undefined) encrypter.addRecipient(options.recipient);
    if (passphrase !== undefined) decrypter.addPassphrase(passphrase);
    for (const identity of identities) decrypter.addIdentity(identity.trim());
  } catch (cause) {
    throw new AppError('invalid', 'BACKUP_KEY_INVALID', 'The recipient or the secret key is not one of age. A recipient begins with age1.', {}, { cause });
  }
  return {
    kind: passphrase !== undefined ? 'passphrase' : options.recipient !== undefined ? 'recipient' : undefined,
    encrypt: async (plain) => Readable.fromWeb((await encrypter.encrypt(toWeb(plain))) as ReadableStream),
    decrypt: async (encrypted) => {
      if (passphrase === undefined && identities.length === 0)
        throw new AppError(
          'invalid',
          'BACKUP_KEY_MISSING',
          'The backup is encrypted. Give --passphrase-file (or ONECHART_BACKUP_PASSPHRASE), or --identity-file with the secret key of its recipient.',
        );
      try {
        return Readable.fromWeb((await decrypter.decrypt(toWeb(encrypted))) as ReadableStream);
      } catch (cause) {
        throw new AppError(
          'unauthenticated',
          'BACKUP_KEY_WRONG',
          'The backup cannot be decrypted with this passphrase or key. Give the one it was made with.',
          {},
          { cause },
        );
      }
    },
  };
}

// The library asks whether it has the global class; Node's own conversion makes one.
function toWeb(stream: Readable): globalThis.ReadableStream<Uint8Array> {
  return Readable.toWeb(stream) as unknown as globalThis.ReadableStream<Uint8Array>;
}

async function firstLine(file: string, option: string): Promise<string> {
  const line = (await secretText(file, option)).split(/\r?\n/)[0] ?? '';
  if (line === '') throw new AppError('invalid', 'BACKUP_KEY_INVALID', `The file in ${option} is empty. Write the passphrase on its first line.`, { file });
  return line;
}

async function secretText(file: string, option: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new AppError(
      'not-found',
      'BACKUP_KEY_MISSING',
      `The file in ${option} cannot be read: ${(cause as NodeJS.ErrnoException).code ?? 'unknown reason'}.`,
      { file },
      { cause },
    );
  }
}
