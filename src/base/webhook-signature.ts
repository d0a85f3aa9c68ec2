import { createHmac, timingSafeEqual } from 'node:crypto';

/** Signatures of requests after the Standard Webhooks scheme: HMAC-SHA256 over `id.timestamp.body`. */

const secretPrefix = 'whsec_';

/** The value of `webhook-signature`: one signature for each secret, so that a receiver may hold either during a rotation. */
export function signWebhook({ id, timestamp, body, secrets }: { id: string; timestamp: number; body: string; secrets: readonly string[] }): string {
  return secrets.map((secret) => `v1,${signatureOf(secret, `${id}.${timestamp}.${body}`)}`).join(' ');
}

function signatureOf(secret: string, content: string): string {
  const key = Buffer.from(secret.startsWith(secretPrefix) ? secret.slice(secretPrefix.length) : secret, 'base64');
  return createHmac('sha256', key).update(content, 'utf8').digest('base64');
}

/** Whether one of the signatures was made with the secret. */
export function hasSignature(header: string, { secret, id, timestamp, body }: { secret: string; id: string; timestamp: string; body: string }): boolean {
  const wanted = Buffer.from(signatureOf(secret, `${id}.${timestamp}.${body}`));
  return header.split(' ').some((part) => {
    const [version, signature = ''] = part.split(',');
    const given = Buffer.from(signature);
    return version === 'v1' && given.length === wanted.length && timingSafeEqual(given, wanted);
  });
}
