import { expect, test } from 'vitest';
import { signWebhook } from '../base/webhook-signature.ts';
import { pauseAfter, readRetryAfter } from './backoff.ts';
import { wants, webhookBody } from './webhook.ts';

test('pauses double up to the longest, half of them by chance', () => {
  const pauses = (chance: number) => [1, 2, 3, 11, 400].map((failures) => pauseAfter(failures, { chance, longest: 900_000 }));
  expect(pauses(1)).toEqual([1_000, 2_000, 4_000, 900_000, 900_000]);
  expect(pauses(0)).toEqual([500, 1_000, 2_000, 450_000, 450_000]);
});

test('who asks for a longer pause gets it, for a day at most', () => {
  expect(pauseAfter(1, { chance: 1, longest: 900_000, asked: 60_000 })).toBe(60_000);
  expect(pauseAfter(1, { chance: 1, longest: 900_000, asked: 10 })).toBe(1_000);
  expect(pauseAfter(1, { chance: 1, longest: 900_000, asked: 10 ** 12 })).toBe(86_400_000);
});

test('Retry-After as seconds, as a date, and as nonsense', () => {
  const now = new Date('2026-11-23T08:30:00Z');
  expect(readRetryAfter('120', now)).toBe(120_000);
  expect(readRetryAfter('Mon, 23 Nov 2026 08:31:00 GMT', now)).toBe(60_000);
  expect(readRetryAfter('Mon, 23 Nov 2026 08:00:00 GMT', now)).toBe(0);
  expect(readRetryAfter('soon', now)).toBeUndefined();
  expect(readRetryAfter(undefined, now)).toBeUndefined();
});

test('a signature as other implementations of Standard Webhooks make it', () => {
  expect(
    signWebhook({
      id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      timestamp: 1_614_265_330,
      body: '{"test": 2432232314}',
      secrets: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
    }),
  ).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
});

test('types of events by name or by their beginning, whole words only', () => {
  expect(wants([], 'patient.registered')).toBe(true);
  expect(wants(['patient.registered'], 'patient.registered')).toBe(true);
  expect(wants(['patient.*'], 'patient.contact-added')).toBe(true);
  expect(wants(['patient.*'], 'patients.merged')).toBe(false);
  expect(wants(['patient.registered'], 'patient.updated')).toBe(false);
});

test('of what an event holds only ids and names of fields go out', () => {
  const event = { id: 'e', occurredAt: new Date(0), type: 't', patientId: 'p', patientVersion: 1 };
  const data = (payload: unknown) => (JSON.parse(webhookBody({ ...event, payload })) as { data: object }).data;
  expect(data({ mrn: 'MRN-2026-00001', expiresAt: 'soon', grantId: 'g', id: 'part', fields: ['city', 7] })).toEqual({
    patientId: 'p',
    patientVersion: 1,
    partId: 'part',
    grantId: 'g',
    fields: ['city'],
  });
  expect(data(null)).toEqual({ patientId: 'p', patientVersion: 1 });
});
