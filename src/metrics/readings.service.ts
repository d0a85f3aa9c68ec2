import type { Pool } from 'pg';
import { systemClock } from '../base/clock.ts';
import { AppError, toAppError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { kyselyOnClient } from '../db/connect.ts';
import type { Db } from '../db/context.ts';
import { translateDatabaseError } from '../db/sqlstate.ts';
import { eventLag } from '../events/receiver.service.ts';
import type { GaugeName, Metrics } from './metrics.ts';
import { estimatePatients, findVerification, readLastSeq, readMrnCounters, readOutbox, readUnsealedAge, type RecordedVerification } from './readings.store.ts';

export interface ReadingsOptions {
  /** A pool of its own of one connection, so that a scrape never takes a connection from a request. Closed with the readings. */
  readonly pool: Pool;
  /** Numbers are at most this old, and at least this old before they are read again. */
  readonly everyMilliseconds: number;
  /** How long a scrape waits for numbers that are being read; then it goes out with those there are. */
  readonly waitMilliseconds?: number;
  /** After how long a reading is given up with its connection. */
  readonly giveUpMilliseconds?: number;
  /** Told once what cannot be read, and why. */
  readonly log?: Pick<Logger, 'warn'>;
}

/** One number, or several of one kind, read from the database and told to the metrics. */
interface Reading {
  readonly gauges: readonly GaugeName[];
  readonly read: (db: Db) => Promise<void>;
}

export interface Readings {
  /** Resolves when what is being read has come in or was given up. */
  close(): Promise<void>;
}

const mostAuthorities = 20;
const mostReceivers = 100;
const lateNumbers = 1_000;
/** Counting stops there: a registry that has no worker may hold millions. */
const mostWaiting = 100_000;
const receiverGauges = [
  'onechart_event_receiver_behind_events',
  'onechart_event_receiver_oldest_age_seconds',
  'onechart_event_receiver_waiting_events',
  'onechart_event_receiver_dead_events',
  'onechart_event_receiver_paused',
] as const satisfies readonly GaugeName[];

/**
 * Reads the numbers that only the database knows, when somebody scrapes and the last ones are old enough. A scrape never waits
 * longer than `waitMilliseconds` for them: a database that hangs shows as readings that fail, while everything else is still told.
 */
export function startReadings(metrics: Metrics, options: ReadingsOptions): Readings {
  const { pool, log, everyMilliseconds, waitMilliseconds = 500, giveUpMilliseconds = 5_000 } = options;
  const readings = readingsOf(metrics);
  let begunAt = Number.NEGATIVE_INFINITY;
  let running: Promise<void> | undefined;
  let troubled = '';

  async function readAll(): Promise<void> {
    const started = performance.now();
    const failures: { first: string; code: string }[] = [];
    await withConnection(pool, giveUpMilliseconds, async (db) => {
      for (const { gauges, read } of readings) {
        try {
          await read(db);
        } catch (thrown) {
          // One table that this role may not read must not cost the other numbers.
          failures.push({ first: gauges[0] ?? '', code: toAppError(translateDatabaseError(thrown)).code });
          for (const gauge of gauges) metrics.clear(gauge);
        }
      }
    }).catch((thrown: unknown) => {
      failures.push({ first: 'all', code: toAppError(translateDatabaseError(thrown)).code });
      for (const { gauges } of readings) for (const gauge of gauges) metrics.clear(gauge);
    });
    const now = failures.map(({ first, code }) => `${first} ${code}`).join(', ');
    if (now !== '' && now !== troubled) log?.warn({ failures }, 'numbers of the database cannot be read for the metrics');
    troubled = now;
    metrics.set('onechart_readings_duration_seconds', (performance.now() - started) / 1000);
    metrics.set('onechart_readings_success', failures.length === 0 ? 1 : 0);
    if (failures.length === 0) metrics.set('onechart_readings_timestamp_seconds', Date.now() / 1000);
  }

  metrics.onScrape(async () => {
    const now = performance.now();
    if (running === undefined && now - begunAt >= everyMilliseconds) {
      begunAt = now;
      running = readAll().finally(() => {
        running = undefined;
      });
    }
    if (running) await within(running, waitMilliseconds);
  });

  return {
    close: async () => {
      await running;
      await pool.end();
    },
  };
}

function readingsOf(metrics: Metrics): Reading[] {
  let lookedUpTo = 0;
  let verified: RecordedVerification | undefined;
  return [
    {
      gauges: ['onechart_patients'],
      read: async (db) => {
        const patients = await estimatePatients(db);
        if (patients !== undefined) metrics.set('onechart_patients', patients);
      },
    },
    { gauges: ['onechart_audit_unsealed_age_seconds'], read: async (db) => metrics.set('onechart_audit_unsealed_age_seconds', await readUnsealedAge(db)) },
    {
      gauges: ['onechart_mrn_counter', 'onechart_mrn_counter_capacity'],
      read: async (db) => {
        const counters = await readMrnCounters(db, mostAuthorities);
        metrics.clear('onechart_mrn_counter');
        metrics.clear('onechart_mrn_counter_capacity');
        for (const { authority, number, width } of counters) {
          metrics.set('onechart_mrn_counter', number, { authority });
          metrics.set('onechart_mrn_counter_capacity', 10 ** width - 1, { authority });
        }
      },
    },
    {
      gauges: ['onechart_outbox_waiting_events', 'onechart_outbox_oldest_age_seconds'],
      read: async (db) => {
        const { waiting, oldest } = await readOutbox(db, mostWaiting);
        metrics.set('onechart_outbox_waiting_events', waiting);
        metrics.set('onechart_outbox_oldest_age_seconds', oldest);
      },
    },
    {
      gauges: receiverGauges,
      read: async (db) => {
        const receivers = (await eventLag({ db, clock: systemClock })).slice(0, mostReceivers);
        // One that was removed must not stay.
        for (const gauge of receiverGauges) metrics.clear(gauge);
        for (const { name, paused, eventsBehind, oldestSeconds, waiting, dead } of receivers) {
          const labels = { receiver: name };
          metrics.set('onechart_event_receiver_behind_events', eventsBehind, labels);
          metrics.set('onechart_event_receiver_oldest_age_seconds', oldestSeconds, labels);
          metrics.set('onechart_event_receiver_waiting_events', waiting, labels);
          metrics.set('onechart_event_receiver_dead_events', dead, labels);
          metrics.set('onechart_event_receiver_paused', paused ? 1 : 0, labels);
        }
      },
    },
    // Last, as its first look at a long trail may be cancelled by the statement timeout.
    {
      gauges: ['onechart_audit_last_verified_timestamp_seconds', 'onechart_audit_verification_problems'],
      read: async (db) => {
        const after = lookedUpTo;
        const upTo = await readLastSeq(db);
        // Given up once, the rows so far are not looked at again: what is recorded from now on is found.
        lookedUpTo = Math.max(after, upTo);
        // A transaction may commit a lower number after a higher one was seen.
        if (upTo > after) verified = (await findVerification(db, { after: after - lateNumbers, upTo })) ?? verified;
        if (verified === undefined) return;
        metrics.set('onechart_audit_last_verified_timestamp_seconds', verified.at);
        metrics.set('onechart_audit_verification_problems', verified.problems);
      },
    },
  ];
}

/** Work on a connection that is destroyed when the work takes too long, whatever hangs: a lock, the server, the network. */
async function withConnection(pool: Pool, milliseconds: number, work: (db: Db) => Promise<void>): Promise<void> {
  const client = await pool.connect();
  const ignore = (): void => undefined;
  client.on('error', ignore);
  let broken = true;
  try {
    const working = work(kyselyOnClient(client));
    working.catch(ignore);
    if (!(await within(working, milliseconds)))
      throw new AppError('busy', 'METRICS_READING_SLOW', 'The numbers of the metrics took too long to read. See what the database is busy with.');
    broken = false;
  } finally {
    client.off('error', ignore);
    client.release(broken);
  }
}

/** Whether the work was done within this time. Its failure is passed on. */
async function within(work: Promise<void>, milliseconds: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), milliseconds);
  });
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
