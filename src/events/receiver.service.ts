import { insertAuditEvent } from '../audit/audit.store.ts';
import { AppError } from '../base/errors.ts';
import { parseInput } from '../base/parse-input.ts';
import type { Ctx, Db } from '../db/context.ts';
import { translated } from '../db/sqlstate.ts';
import { inTransaction } from '../db/transaction.ts';
import { secretsOf } from './delivery.service.ts';
import {
  DeliveryFilter,
  type DeliveryPage,
  type EventSettings,
  NewReceiver,
  type Receiver,
  ReceiverChange,
  type ReceiverWithSecret,
  ReplayInput,
  RotateInput,
  type TestResult,
} from './event.schema.ts';
import * as store from './event.store.ts';
import { encryptSecret, newSecret } from './secret.service.ts';
import { assertMaySendTo, openSender } from './sender.service.ts';
import { webhookBody } from './webhook.ts';

/** Receivers of events: who is told, of what, and how far each of them is. Receivers are named by id or name. */

const hour = 3_600_000;

/**
 * Adds a receiver and returns its secret this one time. It is told of what happens from now on, unless `from` says otherwise.
 *
 * Errors: `RECEIVER_NAME_TAKEN`, `RECEIVER_URL_REFUSED`, `EVENT_KEY_MISSING`, `EVENT_NOT_FOUND`.
 *
 * @example
 * const { secret } = await addReceiver(ctx, { name: 'Laboratory', url: 'https://lab.example.org/hooks' }, settings.events);
 */
export async function addReceiver(ctx: Ctx, input: NewReceiver, settings: EventSettings): Promise<ReceiverWithSecret> {
  const { name, url, eventTypes = [], from } = parseInput(NewReceiver, input);
  assertMaySendTo(url, settings);
  const id = ctx.newId();
  const secret = newSecret();
  const sealed = encryptSecret(secret, { key: settings.secretKey, receiverId: id });
  return inTransaction(ctx, async (inside) => {
    const position = from === undefined ? await store.lastPlace(inside.db) : await placeBefore(inside.db, from);
    await store.insertReceiver(inside.db, { id, name, url, eventTypes, secret: sealed, position, createdAt: ctx.clock.now() });
    await insertAuditEvent(inside, { action: 'event-receiver.added', patientId: null, after: { receiverId: id, name, url, eventTypes, position } });
    return { ...(await shown(inside.db, id)), secret };
  });
}

/** All receivers with how far they are, by name. */
export async function listReceivers(ctx: Ctx): Promise<{ items: Receiver[] }> {
  return { items: await translated(store.listReceivers(ctx.db)) };
}

/** Errors: `RECEIVER_NOT_FOUND`. */
export async function findReceiver(ctx: Ctx, receiver: string): Promise<Receiver> {
  return shown(ctx.db, (await required(ctx.db, receiver)).id);
}

/** Changes name, address or types. Errors: those of `addReceiver`. */
export async function changeReceiver(ctx: Ctx, receiver: string, { input, settings }: { input: ReceiverChange; settings: EventSettings }): Promise<Receiver> {
  const parsed = parseInput(ReceiverChange, input);
  if (parsed.url !== undefined) assertMaySendTo(parsed.url, settings);
  return change(ctx, receiver, async (row) => {
    const { name = row.name, url = row.url, eventTypes = row.eventTypes } = parsed;
    return {
      // Another address deserves another chance at once.
      update: { name, url, eventTypes, ...(url === row.url ? {} : { retryAt: null }) },
      action: 'event-receiver.changed',
      before: { name: row.name, url: row.url, eventTypes: row.eventTypes },
      after: { name, url, eventTypes },
    };
  });
}

/** Nothing is sent until it is resumed; events wait, and are kept for it. */
export async function pauseReceiver(ctx: Ctx, receiver: string): Promise<Receiver> {
  return change(ctx, receiver, async () => ({ update: { state: 'PAUSED' }, action: 'event-receiver.paused' }));
}

/** Goes on where it was, at once, also when it is only waiting after a failure. */
export async function resumeReceiver(ctx: Ctx, receiver: string): Promise<Receiver> {
  return change(ctx, receiver, async () => ({ update: { state: 'ACTIVE', retryAt: null }, action: 'event-receiver.resumed' }));
}

/** Removes a receiver with what waits for it. */
export async function removeReceiver(ctx: Ctx, receiver: string): Promise<void> {
  await inTransaction(ctx, async (inside) => {
    const row = await required(inside.db, receiver, { lock: true });
    await store.deleteReceiver(inside.db, row.id);
    await insertAuditEvent(inside, {
      action: 'event-receiver.removed',
      patientId: null,
      before: { receiverId: row.id, name: row.name, url: row.url, eventTypes: row.eventTypes, position: row.position },
    });
  });
}

/** Gives a receiver a new secret, shown this one time. For a while requests are signed with the one before as well, so that it can be changed there without a gap. */
export async function rotateSecret(
  ctx: Ctx,
  receiver: string,
  { input, settings }: { input: RotateInput; settings: EventSettings },
): Promise<ReceiverWithSecret> {
  const { overlapHours = 24 } = parseInput(RotateInput, input);
  const secret = newSecret();
  const rotated = await change(ctx, receiver, async (row) => {
    const until = new Date(ctx.clock.now().getTime() + overlapHours * hour);
    const keepsOld = overlapHours > 0;
    return {
      update: {
        secret: encryptSecret(secret, { key: settings.secretKey, receiverId: row.id }),
        previousSecret: keepsOld ? row.secret : null,
        previousSecretUntil: keepsOld ? until : null,
      },
      action: 'event-receiver.secret-rotated',
      after: { previousSecretUntil: keepsOld ? until.toISOString() : null },
    };
  });
  return { ...rotated, secret };
}

/**
 * Sends everything again from an instant, an event or the start on; the receiver recognises by `webhook-id` what it has had.
 * Earlier events that wait as refused stay as they are. Errors: `EVENT_NOT_FOUND`.
 */
export async function replayEvents(ctx: Ctx, receiver: string, input: ReplayInput): Promise<Receiver> {
  const { from } = parseInput(ReplayInput, input);
  return change(ctx, receiver, async (row, db) => {
    const position = await placeBefore(db, from);
    await store.deleteDeliveriesFrom(db, row.id, position + 1);
    return { update: { position, retryAt: null }, action: 'event-receiver.replayed', before: { position: row.position }, after: { from, position } };
  });
}

/** What was refused and waits, or was given up, in the order of the events. */
export async function listDeliveries(ctx: Ctx, receiver: string, filter: DeliveryFilter): Promise<DeliveryPage> {
  const { state, after = 0, limit } = parseInput(DeliveryFilter, filter);
  const { id } = await required(ctx.db, receiver);
  const items = await translated(store.listDeliveries(ctx.db, id, { state, after, limit: limit + 1 }));
  const page = items.slice(0, limit);
  return { items: page, nextAfter: items.length > limit ? (page.at(-1)?.seq ?? null) : null };
}

/** Sends given-up events again: one by its id, or all of the receiver. Later events of the same patients follow in order. Errors: `DELIVERY_NOT_FOUND`. */
export async function retryDeliveries(ctx: Ctx, receiver: string, eventId?: string): Promise<{ events: number }> {
  return inTransaction(ctx, async (inside) => {
    const { id } = await required(inside.db, receiver);
    const events = await store.reviveDeliveries(inside.db, id, { eventId, now: ctx.clock.now() });
    if (events === 0 && eventId !== undefined) throw noDelivery();
    await insertAuditEvent(inside, {
      action: 'event-delivery.retried',
      patientId: null,
      after: { receiverId: id, ...(eventId === undefined ? {} : { eventId }), events },
    });
    return { events };
  });
}

/** Gives an event up for good: this receiver is not told of it, and later ones of the patient go out. Errors: `DELIVERY_NOT_FOUND`. */
export async function discardDelivery(ctx: Ctx, receiver: string, eventId: string): Promise<void> {
  await inTransaction(ctx, async (inside) => {
    const { id } = await required(inside.db, receiver);
    const discarded = await store.discardDelivery(inside.db, id, eventId);
    if (!discarded) throw noDelivery();
    await insertAuditEvent(inside, {
      action: 'event-delivery.discarded',
      patientId: discarded.patientId,
      after: { receiverId: id, eventId: discarded.eventId },
    });
  });
}

/** Sends one event of the type `onechart.test` about nobody, signed as all are, and says what came of it. */
export async function testReceiver(ctx: Ctx, receiver: string, settings: EventSettings): Promise<TestResult> {
  const row = await required(ctx.db, receiver);
  const now = ctx.clock.now();
  const secrets = secretsOf(row, { key: settings.secretKey, now });
  const sender = openSender(senderOptions(settings));
  const began = performance.now();
  try {
    const id = ctx.newId();
    const body = webhookBody({ id, occurredAt: now, type: 'onechart.test', patientId: '00000000-0000-0000-0000-000000000000', patientVersion: 1, payload: {} });
    const outcome = await sender.send({ url: row.url, secrets, id, body });
    return {
      delivered: outcome.kind === 'delivered',
      failure: outcome.kind === 'delivered' ? null : outcome.failure,
      status: outcome.status ?? null,
      milliseconds: Math.round(performance.now() - began),
    };
  } finally {
    sender.close();
  }
}

/** How a sender is opened under these settings. */
export function senderOptions(settings: EventSettings) {
  return {
    timeoutMilliseconds: settings.timeoutSeconds * 1000,
    connections: settings.concurrency,
    allowHttp: settings.allowHttp,
    blockedNetworks: settings.blockedNetworks,
  };
}

/** Numbers of one receiver that an operator watches. */
export interface ReceiverLag {
  readonly receiverId: string;
  readonly name: string;
  readonly paused: boolean;
  readonly eventsBehind: number;
  /** Age of the oldest event that it has not been told of; 0 when there is none. */
  readonly oldestSeconds: number;
  readonly waiting: number;
  readonly dead: number;
  /** Failed attempts since it took something the last time. */
  readonly failures: number;
}

/** How far behind each receiver is: one statement over indexes, a millisecond with a few receivers. */
export async function eventLag(ctx: Pick<Ctx, 'db' | 'clock'>): Promise<ReceiverLag[]> {
  const now = ctx.clock.now().getTime();
  return (await translated(store.listReceivers(ctx.db))).map((each) => ({
    receiverId: each.id,
    name: each.name,
    paused: each.state === 'PAUSED',
    eventsBehind: each.behind,
    oldestSeconds: each.oldestBehindAt === null ? 0 : Math.max(0, (now - Date.parse(each.oldestBehindAt)) / 1000),
    waiting: each.waiting,
    dead: each.dead,
    failures: each.failures,
  }));
}

interface Change {
  readonly update: store.ReceiverUpdate;
  readonly action: string;
  readonly before?: object;
  readonly after?: object;
}

async function change(ctx: Ctx, receiver: string, decide: (row: store.ReceiverRow, db: Db) => Promise<Change>): Promise<Receiver> {
  return inTransaction(ctx, async (inside) => {
    const row = await required(inside.db, receiver, { lock: true });
    const { update, action, before, after } = await decide(row, inside.db);
    await store.updateReceiver(inside.db, row.id, { ...update, updatedAt: ctx.clock.now() });
    await insertAuditEvent(inside, { action, patientId: null, ...(before === undefined ? {} : { before }), after: { receiverId: row.id, ...after } });
    return shown(inside.db, row.id);
  });
}

async function required(db: Db, receiver: string, options?: { lock?: boolean }): Promise<store.ReceiverRow> {
  const row = await translated(store.findReceiver(db, receiver, options));
  if (!row) throw new AppError('not-found', 'RECEIVER_NOT_FOUND', 'There is no such receiver of events. onechart events receivers shows those there are.');
  return row;
}

async function shown(db: Db, id: string): Promise<Receiver> {
  const [receiver] = await translated(store.listReceivers(db, id));
  if (!receiver) throw new AppError('not-found', 'RECEIVER_NOT_FOUND', 'The receiver of events was removed in the meantime.');
  return receiver;
}

/** The position from which the next event is the one that is meant. */
async function placeBefore(db: Db, from: string): Promise<number> {
  if (from === 'start') return 0;
  if (/^\d{4}-\d{2}-\d{2}T/.test(from)) {
    const first = await store.firstPlaceSince(db, new Date(from));
    return first === undefined ? store.lastPlace(db) : first - 1;
  }
  const event = await store.findPlace(db, from);
  if (!event)
    throw new AppError('not-found', 'EVENT_NOT_FOUND', 'There is no such event, or it was removed as old. Give an instant, or start for all that are kept.');
  return event.seq === null ? store.lastPlace(db) : event.seq - 1;
}

function noDelivery(): AppError {
  return new AppError('not-found', 'DELIVERY_NOT_FOUND', 'This receiver has no such event waiting or given up. onechart events dead shows those there are.');
}
