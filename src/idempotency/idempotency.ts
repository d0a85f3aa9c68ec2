import { createHash } from 'node:crypto';
import { AppError } from '../base/errors.ts';

/** Draft-ietf-httpapi-idempotency-key-header leaves it to the server how long a key is kept. A day outlasts every retry of a night's job. */
export const keyLifetimeMilliseconds = 24 * 60 * 60 * 1000;

/**
 * The key in the header. The draft (§2.1) writes it in quotes, as a Structured Field; clients in use leave them out, so both are one key.
 *
 * @example
 * readIdempotencyKey('"8e03978e-40d5-43dd-bc93-6894a57f9324"'); // 8e03978e-40d5-43dd-bc93-6894a57f9324
 */
export function readIdempotencyKey(header: string): string {
  const key = header.trim().replace(/^"(.*)"$/, '$1');
  if (/^[!#-[\]-~]{1,255}$/.test(key)) return key;
  throw new AppError(
    'invalid',
    'IDEMPOTENCY_KEY_INVALID',
    'Idempotency-Key must be one word of at most 255 visible ASCII characters, such as a UUID. Make a new one for each request that is not a repeat.',
    { field: 'Idempotency-Key' },
  );
}

/** Tells one request from another. The order of names in an object does not matter, nor does If-Match: a repeat may have read again. */
export function fingerprintOf(request: { method: string; url: string; body: unknown }): string {
  return createHash('sha256')
    .update(`${request.method} ${request.url}\n${JSON.stringify(request.body, sorted) ?? ''}`)
    .digest('hex');
}

function sorted(_name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Refuses a key that stands for another request already. */
export function requireSameRequest(kept: { fingerprint: string }, fingerprint: string): void {
  if (kept.fingerprint === fingerprint) return;
  throw new AppError(
    'rule',
    'IDEMPOTENCY_KEY_REUSED',
    'This Idempotency-Key was used for another request. Make a new key; the same key is for a repeat of the same request only.',
    { field: 'Idempotency-Key' },
  );
}
