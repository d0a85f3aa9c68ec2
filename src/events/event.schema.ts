import { z } from 'zod';
import { Id, Instant, line, oneOf } from '../base/fields.ts';

/** Shapes of receivers of events and of what is delivered to them. */

const EventType = z
  .string({ error: 'must be text' })
  .regex(/^[a-z][a-z0-9-]*(\.[a-z0-9-]+)*(\.\*)?$/, { error: 'must be a type of event such as patient.registered, or patient.* for all that begin so' })
  .max(100, { error: 'must be at most 100 characters' });

const EventTypes = z
  .array(EventType, { error: 'must be a list of types of events' })
  .max(50, { error: 'must be at most 50 types; patient.* stands for all of a kind' })
  .describe('Types of events it wants, such as patient.registered or patient.*; an empty list for all.')
  .meta({ examples: [['patient.registered', 'patient.updated']] });

const Url = z
  .url({ protocol: /^https?$/, error: 'must be an address that begins with https://' })
  .max(2_000, { error: 'must be at most 2000 characters' })
  .refine((text) => !/^https?:\/\/[^/]*@/i.test(text), { error: 'must not hold a user or a password; requests are signed' })
  .refine((text) => !text.includes('#'), { error: 'must not have a fragment' })
  .describe('Where events are sent: https, or http on the same machine.')
  .meta({ examples: ['https://lab.example.org/hooks/onechart'] });

const Name = line(100)
  .describe('What people call it.')
  .meta({ examples: ['Laboratory'] });

/** From where on: an instant, the id of an event, or `start` for all that are kept. */
const Start = z.union([z.literal('start'), Instant, Id], { error: 'must be start, an instant such as 2026-11-23T08:30:00Z, or the id of an event' });

export const NewReceiver = z
  .strictObject({
    name: Name,
    url: Url,
    eventTypes: EventTypes.optional(),
    from: Start.optional().describe('From where on it is told; left out, of what happens from now on.'),
  })
  .meta({ id: 'NewEventReceiver' });
export type NewReceiver = z.input<typeof NewReceiver>;

export const ReceiverChange = z
  .strictObject({ name: Name.optional(), url: Url.optional(), eventTypes: EventTypes.optional() })
  .refine((change) => Object.values(change).some((value) => value !== undefined), { error: 'must hold at least one of name, url and eventTypes' })
  .meta({ id: 'EventReceiverChange' });
export type ReceiverChange = z.input<typeof ReceiverChange>;

export const Receiver = z
  .object({
    id: z.string(),
    name: z.string(),
    url: z.string(),
    eventTypes: z.array(z.string()).describe('Empty: all.'),
    state: z.enum(['ACTIVE', 'PAUSED']),
    position: z.int().describe('Place in the order of events up to which everything was taken, was not wanted, or waits as a delivery.'),
    behind: z.int().describe('Events after its position, those that it does not want included.'),
    oldestBehindAt: Instant.nullable().describe('When the oldest of these happened.'),
    waiting: z.int().describe('Refused events that are tried again, and later ones of the same patients.'),
    dead: z.int().describe('Events that were given up until a person decides.'),
    failures: z.int().describe('Failed attempts since it took something the last time.'),
    failingSince: Instant.nullable(),
    lastFailure: z.string().nullable().describe('Code of the last failure, such as HTTP_503, TIMEOUT or CONNECTION_REFUSED.'),
    retryAt: Instant.nullable().describe('When it is tried again; null for at once.'),
    lastDeliveredAt: Instant.nullable(),
    previousSecretUntil: Instant.nullable().describe('Until when requests are signed with the secret before the last rotation as well.'),
    createdAt: Instant,
  })
  .meta({ id: 'EventReceiver' });
export type Receiver = z.infer<typeof Receiver>;

export const ReceiverWithSecret = z
  .object({ ...Receiver.shape, secret: z.string().describe('What requests are signed with (Standard Webhooks), shown this one time.') })
  .meta({ id: 'EventReceiverWithSecret' });
export type ReceiverWithSecret = z.infer<typeof ReceiverWithSecret>;

export const ReceiverList = z.object({ items: z.array(Receiver) }).meta({ id: 'EventReceiverList' });

export const RotateInput = z
  .strictObject({
    overlapHours: z
      .number()
      .min(0)
      .max(24 * 30)
      .optional()
      .describe('For how long requests are signed with the old secret as well; 24 unless given.'),
  })
  .meta({ id: 'EventSecretRotation' });
export type RotateInput = z.input<typeof RotateInput>;

export const ReplayInput = z.strictObject({ from: Start }).meta({ id: 'EventReplay' });
export type ReplayInput = z.input<typeof ReplayInput>;

export const DeliveryFilter = z.strictObject({
  state: oneOf(['WAITING', 'DEAD']).optional(),
  after: z.coerce.number().int().min(0).optional().describe('nextAfter of the page before.'),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
export type DeliveryFilter = z.input<typeof DeliveryFilter>;

export const Delivery = z
  .object({
    eventId: z.string(),
    type: z.string(),
    occurredAt: Instant,
    patientId: z.string(),
    seq: z.int().describe('Place in the order of events.'),
    state: z.enum(['WAITING', 'DEAD']),
    attempts: z.int(),
    lastFailure: z.string().nullable().describe('Null where it only waits for an earlier event of the patient.'),
    retryAt: Instant.nullable(),
    createdAt: Instant.describe('When it was set aside.'),
  })
  .meta({ id: 'EventDelivery' });
export type Delivery = z.infer<typeof Delivery>;

export const DeliveryPage = z
  .object({ items: z.array(Delivery), nextAfter: z.int().nullable().describe('Give it as after to get the next page; null on the last one.') })
  .meta({ id: 'EventDeliveryPage' });
export type DeliveryPage = z.infer<typeof DeliveryPage>;

export const TestResult = z
  .object({
    delivered: z.boolean(),
    failure: z.string().nullable().describe('Code of the failure.'),
    status: z.int().nullable().describe('HTTP status of the answer, where there was one.'),
    milliseconds: z.int(),
  })
  .meta({ id: 'EventTestResult' });
export type TestResult = z.infer<typeof TestResult>;

export const RetriedCount = z.object({ events: z.int().describe('Events that are sent again.') }).meta({ id: 'EventRetryCount' });

const Seconds = (least: number, most: number) => z.number().min(least).max(most);
const Network = z.string().regex(/^[0-9a-fA-F.:]+\/\d{1,3}$/, { error: 'must be a network such as 169.254.0.0/16' });

/** Addresses where clouds tell secrets to whoever asks from the machine itself: RFC 3927 and RFC 4291 §2.5.6, and that of one cloud outside of them. */
export const metadataNetworks = ['169.254.0.0/16', 'fe80::/10', 'fd00:ec2::254/128'] as const;

export const EventSettings = z.strictObject({
  worker: z
    .boolean()
    .default(false)
    .describe('Whether serve also delivers events and does the nightly duties. Otherwise a process of its own does: onechart events run.'),
  secretKey: z
    .string()
    .regex(/^[A-Za-z0-9+/]{43}=$/, { error: 'must be 32 bytes in base64: openssl rand -base64 32' })
    .optional()
    .describe('Key (32 bytes in base64: openssl rand -base64 32) under which the secrets of receivers are encrypted in the database. Needed for receivers.'),
  pollMilliseconds: z.int().min(50).max(60_000).default(500).describe('How often a worker looks for new events.'),
  concurrency: z.int().min(1).max(64).default(8).describe('Requests to one receiver at once, each for another patient.'),
  timeoutSeconds: Seconds(0.1, 120).default(10).describe('How long a receiver may take to answer.'),
  maxAttempts: z.int().min(1).max(100).default(12).describe('After how many refusals an event is given up until a person decides (dead letter).'),
  giveUpHours: Seconds(0.001, 24 * 60)
    .default(72)
    .describe('An event that was refused is given up after this long as well.'),
  maxBackoffSeconds: Seconds(0.01, 86_400)
    .default(900)
    .describe('The longest pause before another attempt; pauses double from one second on, with chance in them.'),
  keepDays: z
    .int()
    .min(1)
    .max(3_650)
    .default(30)
    .describe('Events that every receiver has taken are removed after this many days; replay reaches back so far.'),
  allowHttp: z.boolean().default(false).describe('Whether receivers may be told over http beyond this machine, where nobody keeps others from reading along.'),
  blockedNetworks: z
    .array(Network)
    .default([...metadataNetworks])
    .describe('Networks to which nothing is sent, whatever a name of a receiver resolves to. By default those where clouds tell secrets to their machines.'),
  nightly: z
    .string()
    .regex(/^\S+ \S+ \S+ \S+ \S+$/, { error: 'must be five fields as in a crontab, such as 0 2 * * *' })
    .default('0 2 * * *')
    .describe(
      'When the nightly duties run, as in a crontab, in UTC: partitions of the audit trail (where the role may), uploads that broke off, delivered events that are old.',
    ),
});
export type EventSettings = z.infer<typeof EventSettings>;
