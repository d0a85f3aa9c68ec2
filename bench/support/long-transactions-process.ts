import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';

export interface LongTransactionOptions {
  readonly database: pg.ClientConfig;
  readonly clients: number;
  /** How long a transaction stays open after its last write: evenly spread between the two. */
  readonly openMilliseconds: readonly [number, number];
  /** One more connection keeps each of its transactions open so long, then pauses for half a second; 0 for none. */
  readonly longMilliseconds: number;
  /** Pause between two transactions of one connection, likewise. */
  readonly pauseMilliseconds: readonly [number, number];
}

export interface LongTransactionReport {
  readonly writes: number;
  /** Of single writes; the time a transaction is kept open does not count. */
  readonly longestWrite: number;
  readonly over100: number;
  readonly p99: number;
  readonly ownDelayMax: number;
}

// The other end of live-writer.ts: starts on {start}, reports on {stop}.

const waits: number[] = [];
const delay = monitorEventLoopDelay({ resolution: 5 });
let stopped = false;
let running: Promise<unknown> = Promise.resolve();

process.on('message', async (message: { start?: LongTransactionOptions; stop?: true }) => {
  if (message.start) {
    const options = message.start;
    const clients = await Promise.all(Array.from({ length: options.clients }, () => connect(options.database)));
    const users = (await (clients[0] as pg.Client).query<{ id: string }>('SELECT id FROM users ORDER BY id')).rows;
    delay.enable();
    const userOf = (index: number) => users[index % users.length]?.id ?? '';
    const { longMilliseconds: long } = options;
    const slow =
      long > 0
        ? [work(await connect(options.database), userOf(options.clients), { ...options, openMilliseconds: [long, long], pauseMilliseconds: [500, 500] })]
        : [];
    running = Promise.all([...clients.map((client, index) => work(client, userOf(index), options)), ...slow]);
    process.send?.({ ready: true });
  }
  if (message.stop) {
    stopped = true;
    await running;
    const sorted = waits.toSorted((a, b) => a - b);
    const report: LongTransactionReport = {
      writes: sorted.length,
      longestWrite: sorted.at(-1) ?? 0,
      over100: sorted.filter((each) => each > 100).length,
      p99: sorted[Math.floor(sorted.length * 0.99)] ?? 0,
      ownDelayMax: delay.max / 1e6,
    };
    process.send?.({ report }, undefined, undefined, () => process.exit(0));
  }
});

async function connect(database: pg.ClientConfig): Promise<pg.Client> {
  const client = new pg.Client(database);
  await client.connect();
  return client;
}

/** Touches what the module's keys must lock: the users and three link tables. */
async function work(client: pg.Client, user: string, { openMilliseconds, pauseMilliseconds }: LongTransactionOptions): Promise<void> {
  const between = ([low, high]: readonly [number, number]) => low + Math.random() * (high - low);
  const timed = async (sql: string, values: readonly string[]) => {
    const begun = performance.now();
    await client.query(sql, [...values]);
    waits.push(performance.now() - begun);
  };
  while (!stopped) {
    await client.query('BEGIN');
    await timed('UPDATE users SET "lastSeenAt" = now() WHERE id = $1', [user]);
    await timed(
      `INSERT INTO medical_records ("authorId", "recordType", "title", "content", "recordedAt", "updatedAt") VALUES ($1, 'PROGRESS_NOTE', 'Progress', 'Wound dry.', now(), now())`,
      [user],
    );
    await timed(
      `UPDATE surgical_cases SET "updatedAt" = now() WHERE id = (SELECT id FROM surgical_cases WHERE "surgeonId" = $1 LIMIT 1 FOR UPDATE SKIP LOCKED)`,
      [user],
    );
    await timed(`UPDATE bills SET "updatedAt" = now() WHERE id = (SELECT id FROM bills WHERE "issuedById" = $1 LIMIT 1 FOR UPDATE SKIP LOCKED)`, [user]);
    await pause(between(openMilliseconds));
    await client.query('COMMIT');
    await pause(between(pauseMilliseconds));
  }
  await client.end();
}
