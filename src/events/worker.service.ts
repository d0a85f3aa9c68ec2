import type { Runner } from 'graphile-worker';
import type { Pool } from 'pg';
import { type Clock, systemClock } from '../base/clock.ts';
import type { DatabaseAddress } from '../base/config.ts';
import { AppError } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import type { Logger } from '../base/log.ts';
import { createPool, kyselyOnPool } from '../db/connect.ts';
import type { Ctx, Db } from '../db/context.ts';
import { sqlstateOf, translateDatabaseError } from '../db/sqlstate.ts';
import { type DeliveryContext, deliverTo, findDueReceivers, placeNewEvents } from './delivery.service.ts';
import type { EventSettings } from './event.schema.ts';
import { senderOptions } from './receiver.service.ts';
import { openSender } from './sender.service.ts';
import { dropWorkerSchema, findWorkerSchema, grantWorkerSchema } from './worker-schema.store.ts';

const deliver = 'onechart_deliver';
const nightly = 'onechart_nightly';
/** Jobs of one process at once: each is a receiver or the nightly duties. */
const jobsAtOnce = 4;

/** Something that is done once a night. What it returns is logged. */
export interface NightlyDuty {
  readonly name: string;
  run(ctx: Ctx): Promise<object>;
}

export interface WorkerOptions {
  readonly address: DatabaseAddress;
  readonly settings: EventSettings;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
  readonly duties?: readonly NightlyDuty[];
  readonly clock?: Clock;
  /** The first pause after a failure; one second unless a test wants it shorter. */
  readonly firstPauseMilliseconds?: number | undefined;
}

/** A process that delivers events. */
export interface EventWorker {
  /** Starts nothing new, waits for what is on its way, notes how far it came, ends. */
  stop(): Promise<void>;
}

/**
 * Delivers events in the background, and does the nightly duties. Any number of processes may do this on one database.
 *
 * Errors: `EVENT_WORKER_NOT_INSTALLED` (operator) when the job queue is not there and the role may not make it.
 *
 * @example
 * const worker = await startEventWorker({ address: parseDatabaseUrl('postgresql://ehr@127.0.0.1/ehr'), settings: EventSettings.parse({}), log });
 * await worker.stop();
 */
export async function startEventWorker(options: WorkerOptions): Promise<EventWorker> {
  const { address, settings, log, duties = [], clock = systemClock } = options;
  const pool = createPool(address, { maxConnections: jobsAtOnce + 4, applicationName: 'onechart events' });
  survive(pool);
  const db = kyselyOnPool(pool);
  const sender = openSender(senderOptions(settings));
  const stopping = new AbortController();
  const context: DeliveryContext = { db, clock, settings, sender, log, firstPauseMilliseconds: options.firstPauseMilliseconds };
  try {
    const tasks = {
      [deliver]: async (payload: unknown) => {
        const { receiverId } = payload as { receiverId: string };
        await logged(log, { receiverId }, () => deliverTo(context, receiverId, { signal: stopping.signal }));
      },
      [nightly]: async () => {
        const ctx: Ctx = { db, pool, actor: { kind: 'system', name: 'nightly duties' }, clock, newId, origin: 'events' };
        for (const duty of duties)
          await logged(log, { duty: duty.name }, async () => log.info({ duty: duty.name, ...(await duty.run(ctx)) }, 'a nightly duty was done'));
      },
    };
    const queue = await keepQueue(() => startRunner({ pool, db, settings, log }, tasks), { log, stopping: stopping.signal });
    const ticking = tick({ queue, context, stopping: stopping.signal });
    return {
      stop: async () => {
        stopping.abort();
        await ticking;
        await queue.stop();
        sender.close();
        await pool.end();
      },
    };
  } catch (error) {
    sender.close();
    await pool.end();
    throw error;
  }
}

/** How long to wait before a queue that gave up is opened again. */
const openAgainMilliseconds = 1_000;

interface Queue {
  runner(): Runner;
  stop(): Promise<void>;
}

/** A queue that is open for as long as the worker runs: it gives up when a connection breaks while it notes that a job is done. */
async function keepQueue(open: () => Promise<Runner>, { log, stopping }: { log: WorkerOptions['log']; stopping: AbortSignal }): Promise<Queue> {
  let current = await open();
  const keeping = (async () => {
    while (!stopping.aborted) {
      await current.promise.catch(() => undefined);
      while (!stopping.aborted) {
        log.warn('the job queue gave up; opening it again');
        await pause(openAgainMilliseconds, stopping);
        if (stopping.aborted) return;
        try {
          current = await open();
          break;
        } catch (error) {
          log.error({ err: error }, 'the job queue cannot be opened; trying again');
        }
      }
    }
  })();
  return {
    runner: () => current,
    stop: async () => {
      // Refused where it has ended by itself.
      await current.stop().catch(() => undefined);
      await keeping;
    },
  };
}

interface RunnerParts {
  readonly pool: Pool;
  readonly db: Db;
  readonly settings: EventSettings;
  readonly log: WorkerOptions['log'];
}

async function startRunner({ pool, db, settings, log }: RunnerParts, taskList: Record<string, (payload: unknown) => Promise<void>>): Promise<Runner> {
  const { Logger: WorkerLogger, parseCronItems, run } = await import('graphile-worker');
  const schema = await findWorkerSchema(db).catch((error: unknown) => {
    throw translateDatabaseError(error);
  });
  try {
    if (!schema.installed) await installInto(pool, db, schema.name);
    const runner = await run({
      pgPool: pool,
      schema: schema.name,
      taskList,
      concurrency: jobsAtOnce,
      pollInterval: 2_000,
      noHandleSignals: true,
      // In batches, of what has ended by now: without them a broken connection at that moment is a rejection that nobody handles, which ends the process.
      preset: { worker: { completeJobBatchDelay: 0, failJobBatchDelay: 0 } },
      // Its lines tell of jobs by number; what concerns people of the registry is logged by the tasks.
      logger: new WorkerLogger(() => (level, message) => {
        if (level === 'error') log.error({ worker: true }, message);
        else if (level === 'warning') log.warn({ worker: true }, message);
      }),
      parsedCronItems: parseCronItems([
        { task: nightly, match: settings.nightly, identifier: nightly, options: { jobKey: nightly, maxAttempts: 3, backfillPeriod: 12 * 3_600_000 } },
      ]),
    });
    return runner;
  } catch (error) {
    // Insufficient privilege: the queue is missing, or was made by an older version and has to be brought on.
    if (sqlstateOf(error) !== '42501') throw translateDatabaseError(error);
    throw new AppError(
      'operator',
      'EVENT_WORKER_NOT_INSTALLED',
      `The job queue (schema ${schema.name}) is missing or older than this version, and this role may not make it. Let the owner of the tables run: onechart events install`,
      { schema: schema.name },
      { cause: error },
    );
  }
}

/** Looks for new events and hands receivers with something to do to the queue. A job for each event would make each registration slower; this asks twice a second. */
async function tick({ queue, context, stopping }: { queue: Queue; context: DeliveryContext; stopping: AbortSignal }): Promise<void> {
  let failing = false;
  while (!stopping.aborted) {
    try {
      await placeNewEvents(context);
      for (const receiverId of await findDueReceivers(context)) {
        // One job for each receiver, whoever adds it: the key makes a second one replace the first.
        await queue.runner().addJob(deliver, { receiverId }, { jobKey: `${deliver}:${receiverId}`, maxAttempts: 3 });
      }
      failing = false;
    } catch (error) {
      if (!failing) context.log.error({ err: error }, 'events cannot be looked for; trying again');
      failing = true;
    }
    await pause(context.settings.pollMilliseconds, stopping);
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done);
  });
}

/** A task that fails is told in our words; the next tick, or the next night, does it again. */
async function logged(log: WorkerOptions['log'], about: object, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (thrown) {
    const error = translateDatabaseError(thrown);
    if (error instanceof AppError) log.error({ ...about, code: error.code }, error.message);
    else log.error({ ...about, err: error }, 'a task of the worker failed');
  }
}

/** A connection that breaks while it is lent says so by an event, which ends the process when nobody listens. */
function survive(pool: Pool): void {
  pool.on('connect', (client) => client.on('error', () => undefined));
}

async function installInto(pool: Pool, db: Db, schema: string): Promise<void> {
  const { Logger: WorkerLogger, runMigrations } = await import('graphile-worker');
  await runMigrations({ pgPool: pool, schema, logger: new WorkerLogger(() => () => undefined) });
  await grantWorkerSchema(db, schema);
}

/**
 * Makes the schema of the job queue, or brings it on to this version, and lets the server's role work with it. Needs the right to create schemas.
 *
 * @example
 * const { schema } = await installEventWorker(createPool(parseDatabaseUrl('postgresql://owner@127.0.0.1/ehr')));
 */
export async function installEventWorker(pool: Pool): Promise<{ schema: string }> {
  survive(pool);
  const db = kyselyOnPool(pool);
  try {
    const { name } = await findWorkerSchema(db);
    await installInto(pool, db, name);
    return { schema: name };
  } catch (error) {
    throw translateDatabaseError(error);
  }
}

/** Takes the schema of the job queue away. Events, receivers and their positions are in the registry and stay. */
export async function removeEventWorker(pool: Pool): Promise<{ schema: string }> {
  const db = kyselyOnPool(pool);
  try {
    const { name } = await findWorkerSchema(db);
    await dropWorkerSchema(db, name);
    return { schema: name };
  } catch (error) {
    throw translateDatabaseError(error);
  }
}
