import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { AppError } from '../base/errors.ts';

/** The secrets of receivers: encrypted in the database, so that a dump of it alone lets nobody forge an event. */

const format = 'v1';

/** A new secret as Standard Webhooks writes it: 256 random bits. */
export function newSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`;
}

/** AES-256-GCM; bound to the receiver, so that a secret that is moved to another row opens nothing. */
export function encryptSecret(secret: string, { key, receiverId }: { key: string | undefined; receiverId: string }): string {
  const bytes = keyBytes(key);
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', bytes, iv).setAAD(Buffer.from(receiverId));
  const sealed = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return [format, keyIdOf(bytes), iv.toString('base64url'), sealed.toString('base64url')].join('.');
}

/** Errors: `EVENT_KEY_MISSING`, `EVENT_KEY_WRONG`. */
export function decryptSecret(text: string, { key, receiverId }: { key: string | undefined; receiverId: string }): string {
  const bytes = keyBytes(key);
  const [, keyId, iv = '', sealed = ''] = text.split('.');
  const wrong = (cause?: unknown) =>
    new AppError(
      'operator',
      'EVENT_KEY_WRONG',
      'The secret of a receiver was encrypted under another key than events.secretKey. Give back the former key, or rotate the secret of the receiver.',
      { receiverId },
      cause === undefined ? {} : { cause },
    );
  if (keyId !== keyIdOf(bytes)) throw wrong();
  try {
    const whole = Buffer.from(sealed, 'base64url');
    const decipher = createDecipheriv('aes-256-gcm', bytes, Buffer.from(iv, 'base64url')).setAAD(Buffer.from(receiverId)).setAuthTag(whole.subarray(-16));
    return Buffer.concat([decipher.update(whole.subarray(0, -16)), decipher.final()]).toString('utf8');
  } catch (cause) {
    throw wrong(cause);
  }
}

function keyBytes(key: string | undefined): Buffer {
  if (key === undefined)
    throw new AppError(
      'unsupported',
      'EVENT_KEY_MISSING',
      'Receivers of events need events.secretKey (ONECHART_EVENTS_SECRET_KEY), under which their secrets are encrypted. Make one with: openssl rand -base64 32',
    );
  return Buffer.from(key, 'base64');
}

function keyIdOf(key: Buffer): string {
  return createHash('sha256').update('onechart event key').update(key).digest('hex').slice(0, 8);
}
