import { AppError } from '../base/errors.ts';
import { hasSignature } from '../base/webhook-signature.ts';

/** An event as a receiver gets it. Ids and names of fields; whoever may know more reads the chart. */
export interface WebhookEvent {
  /** The same in every repeat: what was had already is recognised by it. */
  readonly id: string;
  readonly type: string;
  /** When it happened, ISO 8601. */
  readonly timestamp: string;
  /** Form of this body. */
  readonly apiVersion: string;
  readonly data: {
    readonly patientId: string;
    /** Version of the chart after the change: one that is not above the version known for the patient is old. */
    readonly patientVersion: number;
    readonly partId?: string;
    readonly grantId?: string;
    readonly fields?: readonly string[];
  };
}

/** How old a request may be, in seconds: an older one may have been recorded and sent again by somebody else. */
const defaultTolerance = 300;

/**
 * Proves that a request came from the registry, unaltered and not long ago, and gives its event (Standard Webhooks, HMAC-SHA256). `body` is
 * the text exactly as it came: JSON that was parsed and written again is another text. `toleranceSeconds` is the age in seconds that is
 * taken, 300 unless given.
 *
 * Errors: `WEBHOOK_SIGNATURE_INVALID` (unauthenticated) when it is not signed with the secret, or too old.
 *
 * @example
 * const event = verifyWebhook({
 *   secret: process.env.ONECHART_WEBHOOK_SECRET ?? '',
 *   headers: { 'webhook-id': 'id', 'webhook-timestamp': '1764000000', 'webhook-signature': 'v1,…' },
 *   body: '{"type":"patient.registered"}',
 * });
 * event.data.patientId;
 */
export function verifyWebhook({
  secret,
  headers,
  body,
  toleranceSeconds = defaultTolerance,
  now = new Date(),
}: {
  secret: string;
  /** With names in lower case, as Node gives them. */
  headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  body: string;
  toleranceSeconds?: number | undefined;
  now?: Date;
}): WebhookEvent {
  const header = (name: string) => {
    const value = headers[name];
    return typeof value === 'string' ? value : '';
  };
  const [id, timestamp, signatures] = [header('webhook-id'), header('webhook-timestamp'), header('webhook-signature')];
  const age = Math.abs(now.getTime() / 1000 - Number(timestamp));
  if (!/^\d{1,12}$/.test(timestamp) || !hasSignature(signatures, { secret, id, timestamp, body })) throw refused('was not signed with this secret');
  if (age > toleranceSeconds) throw refused(`is more than ${toleranceSeconds} seconds old, or the clocks differ`);
  return JSON.parse(body) as WebhookEvent;
}

function refused(why: string): AppError {
  return new AppError('unauthenticated', 'WEBHOOK_SIGNATURE_INVALID', `The request ${why}. Do not act on it.`);
}
