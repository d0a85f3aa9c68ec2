import pg from 'pg';
import { onTestFinished } from 'vitest';
import type { TestDatabase } from './database.ts';

/** A session of somebody else, to hold locks with; closed when the test has ended. */
export async function connection(host: TestDatabase): Promise<{ client: pg.Client; pid: number }> {
  const client = new pg.Client({ connectionString: host.url });
  client.on('error', () => undefined);
  await client.connect();
  onTestFinished(() => client.end().catch(() => undefined));
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  return { client, pid: rows[0]?.pid ?? 0 };
}
