import { AppError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { Clock } from '../base/clock.ts';
import type { Db } from '../db/context.ts';
import { translateDatabaseError } from '../db/sqlstate.ts';
import { pauseAfter } from './backoff.ts';
import type { EventSettings } from './event.schema.ts';
import * as store from './event.store.ts';
import { decryptSecret } from './secret.service.ts';
import type { Outcome, Sender } from './sender.service.ts';
import { type PlacedEvent, wants, webhookBody } from './webhook.ts';

/** Events of one round: what a process that is killed may send again is less, as the position is written on the way. */
const batchSize = 500;
/** How many events get their place in one transaction. */
const placingSize = 5_000;
const checkpointMilliseconds = 250;
/** So many failures without a success between them, and the receiver is down rather than its events bad. */
const failuresThatMeanDown = 4;

export interface DeliveryContext {
  readonly db: Db;
  readonly clock: Clock;
  readonly settings: EventSettings;
  readonly sender: Sender;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
  /** The first pause after a failure; one second unless a test wants it shorter. */
  readonly firstPauseMilliseconds?: number | undefined;
}

/** Gives places to all events that wait for one. Whoever comes while another does it goes on. */
export async function placeNewEvents({ db, clock }: Pick<DeliveryContext, 'db' | 'clock'>): Promise<number> {
  for (let total = 0; ; ) {
    const placed = await db.transaction().execute(async (inside) => {
      if (!(await store.tryPlacingLock(inside))) return 0;
      return store.placeEvents(inside, { now: clock.now(), limit: placingSize });
    });
    total += placed;
    if (placed < placingSize) return total;
  }
}

/** Receivers with something to do that nobody is delivering to at this moment. */
export async function findDueReceivers({ db, clock }: Pick<DeliveryContext, 'db' | 'clock'>): Promise<string[]> {
  return store.listDueReceivers(db, clock.now());
}

export interface DeliveryResult {
  readonly delivered: number;
  /** Another worker delivers to this receiver. */
  readonly busy: boolean;
}

/**
 * Delivers to one receiver until there is nothing more to do, it is down, or the time is over. One process at a time does this for a
 * receiver: it holds a lock of its connection, which is gone at once when the process is. The position moves behind what was taken, never
 * before it: a worker that is killed has sent something that is sent again, and has lost nothing.
 */
export async function deliverTo(
  context: DeliveryContext,
  receiverId: string,
  { signal, untilMilliseconds = 30_000 }: { signal?: AbortSignal; untilMilliseconds?: number } = {},
): Promise<DeliveryResult> {
  const end = performance.now() + untilMilliseconds;
  return context.db.connection().execute(async (db) => {
    if (!(await store.tryReceiverLock(db, receiverId))) return { delivered: 0, busy: true };
    let delivered = 0;
    try {
      while (!signal?.aborted && performance.now() < end) {
        const receiver = await store.findReceiver(db, receiverId);
        const now = context.clock.now();
        if (!receiver || receiver.state !== 'ACTIVE' || (receiver.retryAt !== null && receiver.retryAt > now)) break;
        const round = await deliverRound({ ...context, db }, receiver, signal);
        delivered += round.delivered;
        if (round.stopped || round.attempted === 0) break;
      }
    } finally {
      // On a connection that broke the lock is gone anyway.
      await store.releaseReceiverLock(db, receiverId).catch(() => undefined);
    }
    return { delivered, busy: false };
  });
}

interface Round {
  readonly delivered: number;
  /** Events that were looked at. */
  readonly attempted: number;
  /** Down, paused, moved or interrupted. */
  readonly stopped: boolean;
}

async function deliverRound(context: DeliveryContext, receiver: store.ReceiverRow, signal: AbortSignal | undefined): Promise<Round> {
  let send: Send;
  try {
    send = senderTo(context, receiver);
  } catch (error) {
    // Its secret cannot be read (EVENT_KEY_WRONG): told after every pause, not with every look for new events.
    await noteDown(context, receiver, { outcome: { kind: 'failed', failure: error instanceof AppError ? error.code : 'SECRET_UNREADABLE' }, again: false });
    throw error;
  }
  const fresh = await deliverNew(context, receiver, { send, signal });
  if (fresh.stopped) return fresh;
  const again = await deliverAgain(context, receiver, { send, signal, working: fresh.delivered > 0 });
  return { delivered: fresh.delivered + again.delivered, attempted: fresh.attempted + again.attempted, stopped: again.stopped };
}

type Send = (event: PlacedEvent) => Promise<Outcome>;
type Failure = Exclude<Outcome, { kind: 'delivered' }>;

function senderTo({ sender, clock, settings }: DeliveryContext, receiver: store.ReceiverRow): Send {
  const secrets = secretsOf(receiver, { key: settings.secretKey, now: clock.now() });
  return (event) => sender.send({ url: receiver.url, secrets, id: event.id, body: webhookBody(event) });
}

/** The secret, and for a while after a rotation the one before. */
export function secretsOf(receiver: store.ReceiverRow, { key, now }: { key: string | undefined; now: Date }): string[] {
  const { id, secret, previousSecret, previousSecretUntil } = receiver;
  const both = previousSecret !== null && previousSecretUntil !== null && previousSecretUntil > now ? [secret, previousSecret] : [secret];
  return both.map((each) => decryptSecret(each, { key, receiverId: id }));
}

/** Delivers the next events after the position, side by side for different patients, one after the other for each. */
async function deliverNew(
  context: DeliveryContext,
  receiver: store.ReceiverRow,
  { send, signal }: { send: Send; signal: AbortSignal | undefined },
): Promise<Round> {
  const { db, clock, settings } = context;
  const events = await store.listEventsAfter(db, receiver.position, batchSize);
  if (events.length === 0) return { delivered: 0, attempted: 0, stopped: false };
  const wanted = events.filter(({ type }) => wants(receiver.eventTypes, type));
  const held = await store.findHeldPatients(db, receiver.id, [...new Set(wanted.map(({ patientId }) => patientId))]);
  const progress = createProgress(events, receiver.position);
  for (const event of events) if (!wants(receiver.eventTypes, event.type)) progress.settle(event.seq);

  const state = { delivered: 0, lastTaken: 0, alone: 0, halted: false };
  const failed: { event: PlacedEvent; outcome: Failure; deliveredBefore: number }[] = [];
  const set = (event: PlacedEvent, outcome?: Failure) => {
    held.add(event.patientId);
    progress.park({
      eventId: event.id,
      seq: event.seq,
      patientId: event.patientId,
      attempts: outcome === undefined ? 0 : 1,
      lastFailure: outcome?.failure ?? null,
      retryAt: outcome === undefined ? null : new Date(clock.now().getTime() + pauseOf(context, 1, outcome.retryAfter)),
    });
  };
  const queues = [...Map.groupBy(wanted, ({ patientId }) => patientId).values()];
  const attempt = async (event: PlacedEvent): Promise<boolean> => {
    const deliveredBefore = state.delivered;
    const outcome = await send(event);
    if (outcome.kind === 'delivered') {
      state.delivered += 1;
      state.alone = 0;
      state.lastTaken = Math.max(state.lastTaken, event.seq);
      progress.settle(event.seq);
    } else if (outcome.kind === 'refused') {
      state.alone = 0;
      state.lastTaken = Math.max(state.lastTaken, event.seq);
      set(event, outcome);
    } else {
      failed.push({ event, outcome, deliveredBefore });
      if (state.delivered === deliveredBefore) state.alone += 1;
      if (state.alone >= failuresThatMeanDown) state.halted = true;
      // Later ones of the patient wait until it is known what becomes of this one.
      return false;
    }
    return true;
  };
  const work = async () => {
    for (let queue = queues.shift(); queue !== undefined; queue = queues.shift()) {
      for (const event of queue) {
        if (state.halted || signal?.aborted) return;
        if (held.has(event.patientId)) set(event);
        else if (!(await attempt(event))) break;
      }
    }
  };

  const checkpoint = async () => {
    const { to, parked } = progress.take();
    if (to === progress.position()) return;
    const now = clock.now();
    const moved = await db.transaction().execute(async (inside) => {
      await store.insertDeliveries(inside, receiver.id, { items: parked, now });
      const result = await store.advanceReceiver(inside, receiver.id, { from: progress.position(), to, delivered: state.delivered > 0, now });
      if (result === undefined) throw new Moved();
      return result;
    });
    progress.moveTo(to);
    if (moved.state !== 'ACTIVE') state.halted = true;
  };

  let moved = false;
  const guarded = async () => {
    if (moved) return;
    try {
      await checkpoint();
    } catch (error) {
      if (!(error instanceof Moved)) throw error;
      // Somebody has set the position anew (replay) or removed the receiver: what this round knows is out of date.
      moved = true;
      state.halted = true;
    }
  };
  const writing = repeat(guarded, checkpointMilliseconds);
  try {
    await Promise.all(Array.from({ length: settings.concurrency }, work));
  } finally {
    await writing.stop();
  }

  // Where others were taken since these were sent, it is the events that it cannot take; otherwise it is down.
  const down = failed.length > 0 && (state.alone >= failuresThatMeanDown || failed.every(({ deliveredBefore }) => deliveredBefore === state.delivered));
  if (!down) for (const { event, outcome } of failed) set(event, outcome);
  const complete = !down && !state.halted && !signal?.aborted;
  // What was not sent though later ones were taken is set aside, so that these are not sent again.
  for (const event of wanted) if (!progress.isSettled(event.seq) && (complete || event.seq < state.lastTaken)) set(event);
  await guarded();
  const last = failed.at(-1);
  if (down && last !== undefined && !moved) await noteDown(context, receiver, { outcome: last.outcome, again: state.delivered > 0 });
  return { delivered: state.delivered, attempted: events.length, stopped: !complete };
}

/** The position is not where this round left it. */
class Moved extends Error {}

/** Sends again what is due: the first event of each patient that was refused, and when it is taken those behind it. */
async function deliverAgain(
  context: DeliveryContext,
  receiver: store.ReceiverRow,
  { send, signal, working }: { send: Send; signal: AbortSignal | undefined; working: boolean },
): Promise<Round> {
  const { db, clock, settings } = context;
  const due = await store.listDueDeliveries(db, receiver.id, { now: clock.now(), limit: batchSize });
  let delivered = 0;
  const failed: { event: store.DueDelivery; outcome: Failure }[] = [];
  let unanswered = 0;
  const queue = [...due];
  const work = async () => {
    for (let event = queue.shift(); event !== undefined; event = queue.shift()) {
      if (signal?.aborted || unanswered >= failuresThatMeanDown) return;
      const outcome = await send(event);
      if (outcome.kind === 'delivered') {
        delivered += 1;
        unanswered = 0;
        await store.deleteDelivery(db, receiver.id, event.id);
      } else {
        failed.push({ event, outcome });
        if (outcome.kind === 'failed') unanswered += 1;
      }
    }
  };
  await Promise.all(Array.from({ length: settings.concurrency }, work));
  const alive = working || delivered > 0 || failed.some(({ outcome }) => outcome.kind === 'refused');
  for (const { event, outcome } of failed) {
    // While nothing is taken at all, it is not the event's fault.
    const counts = alive || outcome.kind === 'refused';
    const attempts = event.attempts + (counts ? 1 : 0);
    const now = clock.now();
    const dead = counts && (attempts >= settings.maxAttempts || now.getTime() - event.createdAt.getTime() >= settings.giveUpHours * 3_600_000);
    const retryAt = new Date(now.getTime() + pauseOf(context, Math.max(1, attempts), outcome.retryAfter));
    await store.noteDeliveryFailure(db, { receiverId: receiver.id, eventId: event.id }, { failure: outcome.failure, counts, dead, retryAt, now });
    if (dead) context.log.warn({ receiverId: receiver.id, eventId: event.id, failure: outcome.failure }, 'an event was given up; see onechart events dead');
  }
  if (delivered > 0) await store.noteReceiverWorks(db, receiver.id, clock.now());
  const last = failed.at(-1);
  const down = !alive && last !== undefined;
  if (down) await noteDown(context, receiver, { outcome: last.outcome, again: false });
  return { delivered, attempted: due.length, stopped: down || signal?.aborted === true };
}

async function noteDown(context: DeliveryContext, receiver: store.ReceiverRow, { outcome, again }: { outcome: Failure; again: boolean }): Promise<void> {
  const now = context.clock.now();
  const failures = again ? 1 : receiver.failures + 1;
  const retryAt = new Date(now.getTime() + pauseOf(context, failures, outcome.retryAfter));
  await store.noteReceiverFailure(context.db, receiver.id, { failure: outcome.failure, retryAt, now });
  context.log.warn({ receiverId: receiver.id, failure: outcome.failure, failures, retryAt: retryAt.toISOString() }, 'a receiver of events does not take them');
}

function pauseOf({ settings, firstPauseMilliseconds }: DeliveryContext, failures: number, asked: number | undefined): number {
  return pauseAfter(failures, { chance: Math.random(), longest: settings.maxBackoffSeconds * 1000, asked, first: firstPauseMilliseconds });
}

/** Which events of a batch are done with, and how far the position may move: never over one that is not. */
function createProgress(events: readonly PlacedEvent[], start: number) {
  const settled = new Set<number>();
  const waiting: store.NewDelivery[] = [];
  let next = 0;
  let position = start;
  return {
    position: () => position,
    moveTo: (seq: number) => {
      position = seq;
    },
    settle: (seq: number) => void settled.add(seq),
    isSettled: (seq: number) => settled.has(seq),
    park: (delivery: store.NewDelivery) => {
      settled.add(delivery.seq);
      waiting.push(delivery);
    },
    /** The last event of those that are settled without a gap, and what has to be set aside up to it. */
    take: () => {
      let to = position;
      for (let event = events[next]; event !== undefined && settled.has(event.seq); event = events[next]) {
        to = event.seq;
        next += 1;
      }
      const parked = waiting.filter(({ seq }) => seq <= to);
      waiting.splice(0, waiting.length, ...waiting.filter(({ seq }) => seq > to));
      return { to, parked };
    },
  };
}

/** Does something again and again, never twice at once, until it is stopped; then what is under way is waited for. Its first failure comes out of `stop`. */
function repeat(work: () => Promise<void>, milliseconds: number): { stop(): Promise<void> } {
  let running = Promise.resolve();
  let failure: unknown;
  let busy = false;
  const timer = setInterval(() => {
    if (busy || failure !== undefined) return;
    busy = true;
    running = work()
      .catch((error: unknown) => {
        failure = error;
      })
      .finally(() => {
        busy = false;
      });
  }, milliseconds);
  return {
    stop: async () => {
      clearInterval(timer);
      await running;
      if (failure !== undefined) throw translateDatabaseError(failure);
    },
  };
}

/** Removes events that every receiver has taken and that are older than they are kept. */
export async function removeOldEvents({ db, clock, settings }: Pick<DeliveryContext, 'db' | 'clock' | 'settings'>): Promise<number> {
  const before = new Date(clock.now().getTime() - settings.keepDays * 86_400_000);
  for (let total = 0; ; ) {
    const removed = await store.deleteDeliveredEvents(db, { before, limit: placingSize });
    total += removed;
    if (removed < placingSize) return total;
  }
}
