import { type Clock, fixedClock } from '../../src/base/clock.ts';
import { newId } from '../../src/base/ids.ts';
import { kyselyOnPool } from '../../src/db/connect.ts';
import type { Ctx } from '../../src/db/context.ts';
import type { TestDatabase } from './database.ts';

/** A context on a test database whose clock stands still until it is set, and that counts the statements sent. */
export function accessContext(database: TestDatabase): {
  ctx: Ctx;
  clock: Clock & { set(to: Date): void };
  later(seconds: number): void;
  statements(): number;
} {
  const clock = fixedClock(new Date('2026-03-02T08:00:00Z'));
  const pool = database.pool();
  let sent = 0;
  pool.on('connect', (client) => {
    const query = client.query.bind(client) as (...given: unknown[]) => unknown;
    client.query = ((...given: unknown[]) => {
      sent += 1;
      return query(...given);
    }) as typeof client.query;
  });
  return {
    ctx: { db: kyselyOnPool(pool), pool, actor: { kind: 'service', name: 'test' }, clock, newId, origin: '192.0.2.7' },
    clock,
    later: (seconds) => clock.set(new Date(clock.now().getTime() + seconds * 1000)),
    statements: () => sent,
  };
}
