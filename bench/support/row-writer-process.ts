import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';

/** What the writer of single old rows is told. */
export interface RowWriterOptions {
  readonly database: pg.ClientConfig;
  /** Updates one row; its one parameter is a whole number from 1 to `rows`. */
  readonly statement: string;
  readonly rows: number;
  readonly clients: number;
  /** Updates per second over all connections. */
  readonly ratePerSecond: number;
}

/** Waits in milliseconds, counted from when the update was due. */
export interface RowWriterReport {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly errors: number;
}

// A process of its own, so that nothing but the server makes it wait.
let stopping = false;
process.on('message', (message: { start?: RowWriterOptions; stop?: true }) => {
  if (message.start) void work(message.start);
  if (message.stop) stopping = true;
});

async function work(options: RowWriterOptions): Promise<void> {
  const { clients, ratePerSecond, rows, statement } = options;
  const waits: number[] = [];
  let errors = 0;
  const connections = await Promise.all(
    Array.from({ length: clients }, async () => {
      const client = new pg.Client(options.database);
      client.on('error', () => undefined);
      await client.connect();
      return client;
    }),
  );
  process.send?.({ ready: true });
  const every = (1000 * clients) / ratePerSecond;
  await Promise.all(
    connections.map(async (client, index) => {
      let due = performance.now() + (every * index) / clients;
      while (!stopping) {
        const early = due - performance.now();
        if (early > 1) await pause(early);
        await client.query(statement, [1 + Math.floor(Math.random() * rows)]).catch(() => {
          errors += 1;
        });
        waits.push(performance.now() - due);
        due += every;
      }
      await client.end();
    }),
  );
  waits.sort((a, b) => a - b);
  const at = (share: number) => waits[Math.min(waits.length - 1, Math.floor(waits.length * share))] ?? 0;
  const report: RowWriterReport = { count: waits.length, p50: at(0.5), p99: at(0.99), max: waits.at(-1) ?? 0, errors };
  process.send?.({ report }, () => process.exit(0));
}
