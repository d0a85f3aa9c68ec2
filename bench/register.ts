import { parseArgs } from 'node:util';
import pg from 'pg';
import { openRegistry } from '../src/index.ts';
import { type Measured, measure, medianByRate, table } from './support/load.ts';
import { person } from './support/person.ts';
import { machineLoad } from './support/machine.ts';
import { openRegistryServer } from './support/registry-server.ts';

export const describe = 'full registrations per second at 1, 8, 32 clients against bare INSERTs of the same row (--seconds 3 --rounds 3)';

const counts = [1, 8, 32] as const;
/** The floor: clients that do nothing but insert the same patient row, numbers from their own arithmetic, each INSERT its own transaction. */
async function measureBare(options: { url: string; clients: number; seconds: number }): Promise<Measured> {
  const { url, clients, seconds } = options;
  const connections = await Promise.all(
    Array.from({ length: clients }, async () => {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      return client;
    }),
  );
  const columns = Object.keys(person);
  const insert = `INSERT INTO patients (mrn, ${columns.map((column) => `"${column}"`).join(', ')}) VALUES ($1, ${columns.map((_, index) => `$${index + 2}`).join(', ')})`;
  let number = 0;
  const measured = await measure({
    clients,
    seconds,
    work: async (client) => {
      number += 1;
      await connections[client]?.query(insert, [`BARE-${number}`, ...Object.values(person)]);
    },
  });
  await Promise.all(connections.map((client) => client.end()));
  return measured;
}

/** The whole thing: PatientRepository.create with number, audit row and event. */
async function measureRegistry(options: { url: string; clients: number; seconds: number }): Promise<Measured> {
  const { url, clients, seconds } = options;
  await using registry = await openRegistry({ databaseUrl: url, maxConnections: clients, timeZone: 'Africa/Nairobi' });
  return await measure({
    clients,
    seconds,
    work: async () => {
      await registry.patientRepository.create(person);
    },
  });
}

export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { seconds: { type: 'string', default: '3' }, rounds: { type: 'string', default: '3' }, 'database-url': { type: 'string' } },
  });
  const seconds = Number(values.seconds);
  await using server = await openRegistryServer(values['database-url']);
  console.log((await server.describe()).join('\n'));
  const loads: string[] = [];
  const rows: string[][] = [];
  for (const clients of counts) {
    const bare: Measured[] = [];
    const full: Measured[] = [];
    // Floor and registry take turns, so that whatever else the machine does meets both alike.
    for (let round = 1; round <= Number(values.rounds); round += 1) {
      bare.push(await measureBare({ url: await server.migratedDatabase('register_bare'), clients, seconds }));
      full.push(await measureRegistry({ url: await server.migratedDatabase('register_full'), clients, seconds }));
      loads.push(machineLoad());
    }
    const [floor, ours] = [medianByRate(bare), medianByRate(full)];
    rows.push([
      String(clients),
      ours.rate.toFixed(0),
      ours.p50.toFixed(1),
      ours.p99.toFixed(1),
      floor.rate.toFixed(0),
      floor.p50.toFixed(1),
      floor.p99.toFixed(1),
      (ours.rate / floor.rate).toFixed(2),
    ]);
    console.error(rows.at(-1)?.join('  '));
  }
  const head = ['clients', 'registrations/s', 'p50 ms', 'p99 ms', 'bare INSERTs/s', 'p50 ms', 'p99 ms', 'ratio'];
  console.log(`load of the machine, round by round: ${loads.join(' ')}\n\nMedian of ${values.rounds} rounds of ${values.seconds} s:\n\n${table(head, rows)}`);
}
