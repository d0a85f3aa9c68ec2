import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { Client, type ClientConfig } from 'pg';
import { AppError } from '../src/base/errors.ts';
import { createRandom, type Random } from './generator.ts';

export interface WriterOptions {
  /** What `new pg.Client()` takes. */
  readonly database: ClientConfig;
  readonly schema?: string;
  /** Connections that write at the same time. */
  readonly clients?: number;
  /** Transactions per second over all connections; as fast as the server answers when absent. */
  readonly ratePerSecond?: number;
  readonly seed?: number;
  /** When given, new rows name one of these patients, and consents and policies are written too. */
  readonly patientIds?: readonly string[];
  /** Statements that waited at least this long are listed one by one in the report. */
  readonly slowMilliseconds?: number;
  /** How long `stop()` waits for statements on their way before it counts them with the length they have and cuts the connection. */
  readonly drainMilliseconds?: number;
  readonly onError?: (error: unknown) => void;
}

export interface SlowWrite {
  /** When the statement was sent. */
  readonly startedAt: string;
  /** Milliseconds since the writer started. */
  readonly offset: number;
  readonly milliseconds: number;
  readonly statement: string;
  /** False when it was still waiting when the writer gave up on it. */
  readonly answered: boolean;
}

export interface Latencies {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** All times in milliseconds. */
export interface WriterReport extends Latencies {
  readonly seconds: number;
  /** Whole transactions; with a rate they are timed from the moment they were due, so that a stall counts for all that queued behind it. */
  readonly transactions: Latencies;
  readonly errors: number;
  /** How often each SQLSTATE (or connection error code) came. */
  readonly errorCodes: Readonly<Record<string, number>>;
  readonly slow: readonly SlowWrite[];
  /** One entry per second: how many statements were answered, and the longest wait among them. */
  readonly perSecond: readonly { readonly second: number; readonly count: number; readonly max: number }[];
  /** The longest time this process itself was too busy to notice an answer: waits up to this length may not be the server's. */
  readonly ownDelayMax: number;
}

export interface WriterProgress {
  readonly count: number;
  readonly errors: number;
  /** The longest wait so far, that of a statement still unanswered included. */
  readonly max: number;
}

export interface BackgroundWriter {
  progress(): WriterProgress;
  stop(): Promise<WriterReport>;
}

/**
 * Keeps the sample EHR live: several connections that book cases, write records, send bills, as an EHR does all day.
 *
 * Every statement is timed from sending to answer on the monotonic clock, BEGIN and COMMIT included. Resolves when all
 * connections are open and each has written once.
 */
export async function startBackgroundWriter(options: WriterOptions): Promise<BackgroundWriter> {
  const { clients = 4, slowMilliseconds = 20, drainMilliseconds = 30_000 } = options;
  const staff = await readStaff(options);
  const log = createLatencyLog(slowMilliseconds);
  const loopDelay = monitorEventLoopDelay({ resolution: 5 });
  loopDelay.enable();
  const stopping = new AbortController();
  const workers = Array.from({ length: clients }, (_, index) => createWorker({ index, clients, options, staff, log, stop: stopping.signal }));
  try {
    await Promise.all(workers.map((worker) => worker.ready));
  } catch (error) {
    stopping.abort();
    await Promise.all(workers.map((worker) => worker.cut()));
    throw error;
  }
  let report: Promise<WriterReport> | undefined;
  const finish = async (): Promise<WriterReport> => {
    stopping.abort();
    const drained = new AbortController();
    const deadline = pause(drainMilliseconds, undefined, { signal: drained.signal }).catch(() => undefined);
    await Promise.race([Promise.all(workers.map((worker) => worker.done)), deadline]);
    drained.abort();
    log.giveUpWaiting();
    await Promise.all(workers.map((worker) => worker.cut()));
    loopDelay.disable();
    return log.report(loopDelay.max > 0 ? loopDelay.max / 1e6 : 0);
  };
  return {
    progress: () => log.progress(),
    stop: () => {
      report ??= finish();
      return report;
    },
  };
}

interface Staff {
  readonly all: readonly string[];
  readonly surgeons: readonly string[];
  readonly rooms: readonly string[];
  readonly templates: readonly string[];
}

async function readStaff(options: WriterOptions): Promise<Staff> {
  const client = await connect(options);
  try {
    const users = await client.query<{ id: string; role: string }>('SELECT "id", "role" FROM "users" WHERE "active" ORDER BY "id"');
    const rooms = await client.query<{ id: string }>('SELECT "id" FROM "operating_rooms" ORDER BY "id"');
    const templates = await client.query<{ id: string }>('SELECT "id" FROM "consent_templates" ORDER BY "id"');
    const surgeons = users.rows.filter((user) => user.role === 'SURGEON').map((user) => user.id);
    if (surgeons.length === 0)
      throw new AppError(
        'unsafe',
        'SAMPLE_EHR_EMPTY',
        'There is no surgeon among the users. The background writer works on the sample EHR only; build it first.',
      );
    return {
      all: users.rows.map((user) => user.id),
      surgeons,
      rooms: rooms.rows.map((room) => room.id),
      templates: templates.rows.map((template) => template.id),
    };
  } finally {
    await client.end();
  }
}

async function connect(options: WriterOptions): Promise<Client> {
  const client = new Client({ application_name: 'sample-ehr-writer', ...options.database });
  // A connection that dies while idle reports it here; the next statement then fails and is counted.
  client.on('error', () => undefined);
  await client.connect();
  await client.query(`SELECT set_config('search_path', $1, false)`, [`"${(options.schema ?? 'public').replaceAll('"', '""')}"`]);
  return client;
}

interface LatencyLog {
  begin(statement: string): { end(): void };
  transaction(milliseconds: number): void;
  error(code: string): void;
  progress(): WriterProgress;
  giveUpWaiting(): void;
  report(ownDelayMax: number): WriterReport;
}

function createLatencyLog(slowMilliseconds: number): LatencyLog {
  const origin = performance.now();
  const statements = createSamples();
  const transactions = createSamples();
  const slow: SlowWrite[] = [];
  const seconds = new Map<number, { count: number; max: number }>();
  const waiting = new Set<{ statement: string; start: number }>();
  const codes = new Map<string, number>();
  let errors = 0;
  let max = 0;

  const record = (statement: string, start: number, answered: boolean) => {
    const now = performance.now();
    const milliseconds = now - start;
    statements.add(milliseconds);
    max = Math.max(max, milliseconds);
    const second = Math.floor((now - origin) / 1000);
    const entry = seconds.get(second) ?? { count: 0, max: 0 };
    seconds.set(second, { count: entry.count + 1, max: Math.max(entry.max, milliseconds) });
    if (milliseconds >= slowMilliseconds || !answered) {
      slow.push({ startedAt: new Date(performance.timeOrigin + start).toISOString(), offset: start - origin, milliseconds, statement, answered });
    }
  };

  return {
    begin: (statement) => {
      const entry = { statement, start: performance.now() };
      waiting.add(entry);
      return {
        end: () => {
          if (waiting.delete(entry)) record(statement, entry.start, true);
        },
      };
    },
    transaction: (milliseconds) => transactions.add(milliseconds),
    error: (code) => {
      errors += 1;
      codes.set(code, (codes.get(code) ?? 0) + 1);
    },
    progress: () => {
      const now = performance.now();
      const longestWaiting = Math.max(0, ...[...waiting].map((entry) => now - entry.start));
      return { count: statements.count(), errors, max: Math.max(max, longestWaiting) };
    },
    giveUpWaiting: () => {
      for (const entry of waiting) record(entry.statement, entry.start, false);
      waiting.clear();
    },
    report: (ownDelayMax) => ({
      seconds: (performance.now() - origin) / 1000,
      ...statements.summary(),
      transactions: transactions.summary(),
      errors,
      errorCodes: Object.fromEntries(codes),
      slow,
      perSecond: [...seconds].sort(([left], [right]) => left - right).map(([second, entry]) => ({ second, ...entry })),
      ownDelayMax,
    }),
  };
}

/** Every value is kept: a percentile from buckets would hide exactly the few long waits this is about. */
function createSamples() {
  let values = new Float64Array(4096);
  let count = 0;
  return {
    add: (value: number) => {
      if (count === values.length) {
        const larger = new Float64Array(count * 2);
        larger.set(values);
        values = larger;
      }
      values[count] = value;
      count += 1;
    },
    count: () => count,
    summary: (): Latencies => {
      const sorted = values.slice(0, count).sort();
      const at = (share: number) => sorted[Math.max(0, Math.ceil(share * count) - 1)] ?? 0;
      return { count, p50: at(0.5), p99: at(0.99), max: at(1) };
    },
  };
}

interface Worker {
  readonly ready: Promise<void>;
  readonly done: Promise<void>;
  cut(): Promise<void>;
}

interface WorkerOptions {
  readonly index: number;
  readonly clients: number;
  readonly options: WriterOptions;
  readonly staff: Staff;
  readonly log: LatencyLog;
  readonly stop: AbortSignal;
}

function createWorker({ index, clients, options, staff, log, stop }: WorkerOptions): Worker {
  const random = createRandom(`writer/${options.seed ?? 1}/${index}`);
  const ready = Promise.withResolvers<void>();
  let client: Client | undefined;
  let abandoned = false;
  let failures = 0;

  const run = async (): Promise<void> => {
    client = await connect(options);
    const desk = createDesk({ index, random, staff, patientIds: options.patientIds ?? [] });
    const interval = options.ratePerSecond ? (1000 * clients) / options.ratePerSecond : 0;
    let due = performance.now() + (interval * index) / clients;
    while (!stop.aborted) {
      const early = due - performance.now();
      if (interval > 0 && early > 0) {
        await pause(early, undefined, { signal: stop }).catch(() => undefined);
        if (stop.aborted) break;
      }
      const start = interval > 0 ? due : performance.now();
      due += interval;
      try {
        await desk.work(timed(client));
        log.transaction(performance.now() - start);
        failures = 0;
        ready.resolve();
      } catch (error) {
        if (abandoned) return;
        failures += 1;
        log.error(codeOf(error));
        options.onError?.(error);
        if (!(await recover())) return;
      }
    }
  };

  const timed = (on: Client) => async (name: string, sql: string, values?: unknown[]) => {
    const measure = log.begin(name);
    try {
      return await on.query(sql, values);
    } finally {
      if (!abandoned) measure.end();
    }
  };

  /** Ends the failed transaction, or connects again when the connection is gone; a server that is down is asked again, ever less often. */
  const recover = async (): Promise<boolean> => {
    for (; !stop.aborted; failures += 1) {
      try {
        await client?.query('ROLLBACK');
        if (failures > 3) await pause(Math.min(1000, 10 * 2 ** failures), undefined, { signal: stop }).catch(() => undefined);
        return true;
      } catch {
        await client?.end().catch(() => undefined);
      }
      await pause(Math.min(1000, 10 * 2 ** failures), undefined, { signal: stop }).catch(() => undefined);
      if (stop.aborted) return false;
      try {
        client = await connect(options);
        return true;
      } catch (error) {
        log.error(codeOf(error));
        options.onError?.(error);
      }
    }
    return false;
  };

  const done = run().then(
    () => ready.reject(new AppError('unavailable', 'WRITER_STOPPED', 'The background writer was stopped before its first transaction was through.')),
    (error: unknown) => ready.reject(error),
  );
  // Whoever starts the writer awaits it; this one keeps a failure after the start from being an unhandled rejection.
  ready.promise.catch(() => undefined);
  return {
    ready: ready.promise,
    done,
    cut: async () => {
      abandoned = true;
      const settled = await Promise.race([done.then(() => true), Promise.resolve(false)]);
      if (settled) await client?.end().catch(() => undefined);
      else client?.connection.stream.destroy();
      await done;
    },
  };
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : 'CONNECTION_LOST';
}

type Run = (name: string, sql: string, values?: unknown[]) => Promise<{ rows: Record<string, unknown>[] }>;

/** One desk of the hospital: what one connection does, transaction by transaction. */
function createDesk({ index, random, staff, patientIds }: { index: number; random: Random; staff: Staff; patientIds: readonly string[] }) {
  const openCases: string[] = [];
  const unpaid: string[] = [];
  // Each desk has its own user, so that desks do not wait for each other's row locks.
  const own = staff.all[index % staff.all.length];
  // Numbers must not repeat between runs on one database.
  const run = `${Date.now().toString(36)}${process.pid.toString(36)}`.toUpperCase();
  let numbers = 0;
  const number = (prefix: string) => `${prefix}-${run}-${index}-${(numbers += 1)}`;
  const patient = () => (patientIds.length > 0 ? random.pick(patientIds) : null);

  const bookCase = async (query: Run) => {
    await query('BEGIN', 'BEGIN');
    const { rows } = await query(
      'INSERT surgical_cases',
      `INSERT INTO "surgical_cases" ("caseNumber", "patientId", "surgeonId", "operatingRoomId", "status", "procedureCode", "procedureName", "scheduledAt", "updatedAt")
       VALUES ($1, $2, $3, $4, 'PLANNED', '0FT44ZZ', 'Laparoscopic cholecystectomy', now() + INTERVAL '14 days', now()) RETURNING "id"`,
      [number('SC'), patient(), random.pick(staff.surgeons), staff.rooms.length > 0 ? random.pick(staff.rooms) : null],
    );
    const id = rows[0]?.id as string;
    await query(
      'INSERT medical_records',
      `INSERT INTO "medical_records" ("patientId", "surgicalCaseId", "authorId", "recordType", "title", "content", "recordedAt", "updatedAt")
       SELECT "patientId", "id", $2, 'ADMISSION_NOTE', 'Admission', 'Booked for elective surgery.', now(), now() FROM "surgical_cases" WHERE "id" = $1`,
      [id, own],
    );
    await query('COMMIT', 'COMMIT');
    openCases.push(id);
    if (openCases.length > 200) openCases.shift();
  };

  const finishCase = async (query: Run) => {
    const id = openCases.shift();
    if (id === undefined) return bookCase(query);
    await query('BEGIN', 'BEGIN');
    await query(
      'UPDATE surgical_cases',
      `UPDATE "surgical_cases" SET "status" = 'COMPLETED', "startedAt" = now() - INTERVAL '1 hour', "endedAt" = now(), "updatedAt" = now() WHERE "id" = $1`,
      [id],
    );
    const { rows } = await query(
      'INSERT bills',
      `INSERT INTO "bills" ("invoiceNumber", "patientId", "surgicalCaseId", "issuedById", "status", "totalAmount", "issuedAt", "updatedAt")
       SELECT $2, "patientId", "id", $3, 'ISSUED', $4, now(), now() FROM "surgical_cases" WHERE "id" = $1 RETURNING "id"`,
      [id, number('INV'), own, random.between(10_000, 900_000) / 100],
    );
    await query('COMMIT', 'COMMIT');
    unpaid.push(rows[0]?.id as string);
    if (unpaid.length > 200) unpaid.shift();
  };

  const writeRecord = async (query: Run) => {
    await query(
      'INSERT medical_records',
      `INSERT INTO "medical_records" ("patientId", "authorId", "recordType", "title", "content", "recordedAt", "updatedAt")
       VALUES ($1, $2, 'PROGRESS_NOTE', 'Progress', 'Pain controlled with oral medication. Wound dry.', now(), now())`,
      [patient(), own],
    );
  };

  const payBill = async (query: Run) => {
    const id = unpaid.shift();
    if (id === undefined) return finishCase(query);
    await query('UPDATE bills', `UPDATE "bills" SET "status" = 'PAID', "paidAmount" = "totalAmount", "updatedAt" = now() WHERE "id" = $1`, [id]);
  };

  const beSeen = async (query: Run) => {
    await query('UPDATE users', 'UPDATE "users" SET "lastSeenAt" = now() WHERE "id" = $1', [own]);
  };

  const admit = async (query: Run) => {
    await query('BEGIN', 'BEGIN');
    const id = random.pick(patientIds);
    await query(
      'INSERT patient_consent_instances',
      `INSERT INTO "patient_consent_instances" ("patientId", "templateId", "status", "signedAt", "updatedAt") VALUES ($1, $2, 'SIGNED', now(), now())`,
      [id, random.pick(staff.templates)],
    );
    await query(
      'INSERT insurance_policies',
      `INSERT INTO "insurance_policies" ("patientId", "payerName", "policyNumber", "validFrom", "updatedAt") VALUES ($1, 'Northern Mutual', $2, current_date, now())`,
      [id, number('P')],
    );
    await query('COMMIT', 'COMMIT');
  };

  return {
    work: (query: Run): Promise<void> => {
      const dice = random.next();
      if (patientIds.length > 0 && dice < 0.1) return admit(query);
      if (dice < 0.35) return bookCase(query);
      if (dice < 0.55) return finishCase(query);
      if (dice < 0.75) return writeRecord(query);
      if (dice < 0.9) return payBill(query);
      return beSeen(query);
    },
  };
}
