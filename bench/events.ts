import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { systemClock } from '../src/base/clock.ts';
import { newId } from '../src/base/ids.ts';
import { kyselyOnPool } from '../src/db/connect.ts';
import { deliverTo, placeNewEvents } from '../src/events/delivery.service.ts';
import { EventSettings } from '../src/events/event.schema.ts';
import { addReceiver, senderOptions } from '../src/events/receiver.service.ts';
import { openSender } from '../src/events/sender.service.ts';
import { machineLoad } from './support/machine.ts';
import { openRegistryServer } from './support/registry-server.ts';

export const describe =
  'events placed and delivered per second to a receiver on this machine, against bare POST requests in the same run (--events 20000 --patients 2000)';

/** A floor: the same number of unsigned requests without a database, with as many at once. */
async function bareRequests(url: string, { count, concurrency }: { count: number; concurrency: number }): Promise<number> {
  const sender = openSender({ ...senderOptions(EventSettings.parse({})), connections: concurrency });
  const body = JSON.stringify({ type: 'patient.updated', data: {} });
  let left = count;
  const began = performance.now();
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      for (; left > 0; left -= 1) await sender.send({ url, secrets: [], id: 'x', body });
    }),
  );
  sender.close();
  return (count / (performance.now() - began)) * 1000;
}

export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { events: { type: 'string', default: '20000' }, patients: { type: 'string', default: '2000' }, server: { type: 'string' } },
  });
  const [count, patients] = [Number(values.events), Number(values.patients)];
  const receiver = createServer((request, response) => {
    request.resume();
    request.on('end', () => response.writeHead(204).end());
  });
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
  await using server = await openRegistryServer(values.server);
  const pool = new pg.Pool({ connectionString: await server.migratedDatabase('bench_events'), max: 4 });
  try {
    await pool.query(
      `WITH made AS (INSERT INTO patients (id, mrn, "lastName", "updatedAt") SELECT gen_random_uuid(), 'BENCH-' || n, 'Person', now() FROM generate_series(1, $1::int) n RETURNING id)
       INSERT INTO patient_outbox_events (type, "patientId", "patientVersion", payload) SELECT 'patient.updated', id, v, '{"fields": ["city"]}' FROM made, generate_series(1, $2::int) v`,
      [patients, Math.ceil(count / patients)],
    );
    await pool.query('ANALYZE patient_outbox_events');
    const db = kyselyOnPool(pool);
    const log = { info: () => undefined, warn: console.warn, error: console.error };
    const lines: string[] = [];
    let began = performance.now();
    const placed = await placeNewEvents({ db, clock: systemClock });
    lines.push(`placed in order: ${Math.round((placed / (performance.now() - began)) * 1000)} events/s`);
    for (const concurrency of [1, 8, 32]) {
      const settings = EventSettings.parse({ secretKey: Buffer.alloc(32, 1).toString('base64'), concurrency });
      const ctx = { db, pool, actor: { kind: 'service', name: 'bench' }, clock: systemClock, newId } as const;
      const { id } = await addReceiver(ctx, { name: `at once ${concurrency}`, url, from: 'start' }, settings);
      const sender = openSender(senderOptions(settings));
      began = performance.now();
      const { delivered } = await deliverTo({ db, clock: systemClock, settings, sender, log }, id, { untilMilliseconds: 600_000 });
      const rate = (delivered / (performance.now() - began)) * 1000;
      sender.close();
      const bare = await bareRequests(url, { count: delivered, concurrency });
      lines.push(`delivered, ${concurrency} at once: ${Math.round(rate)} events/s; bare requests ${Math.round(bare)}/s; ratio ${(rate / bare).toFixed(2)}`);
    }
    for (const line of lines) console.log(line);
    for (const line of [...(await server.describe()), machineLoad()]) console.log(line);
  } finally {
    await pool.end();
    receiver.close();
    receiver.closeAllConnections();
  }
}
