import { parseArgs } from 'node:util';
import pg from 'pg';
import { startApiServer, type ApiServer } from './support/api-server.ts';
import { HttpConnection } from './support/http-connection.ts';
import { type Measured, measure, table } from './support/load.ts';
import { person } from './support/person.ts';
import { machineLoad } from './support/machine.ts';
import { onClient, openRegistryServer } from './support/registry-server.ts';

export const describe =
  'registrations, reads and updates per second over HTTP against bare SQL of the same rows (--patients 100000,1000000 --clients 1,8,32 --seconds 3 --audit on,off)';

const operations = ['register', 'read', 'update'] as const;
type Operation = (typeof operations)[number];

interface Round {
  readonly url: string;
  readonly clients: number;
  readonly seconds: number;
  /** Charts that are there already. */
  readonly ids: readonly string[];
}

/** Charts as they stand in a registry that has been used; ids in the order of time, as registrations make them. */
async function fill(url: string, patients: number): Promise<string[]> {
  return onClient(url, async (client) => {
    await client.query(
      `INSERT INTO patients (id, mrn, "firstName", "lastName", "dateOfBirth", gender, email, phone, city, country, "updatedAt")
       SELECT (lpad(to_hex(1700000000000 + n), 12, '0') || '7' || substr(md5(n::text), 1, 3) || '8' || substr(md5(n::text), 4, 15))::uuid, 'FILL-' || n, 'Given' || n % 5000, 'Family' || n % 20000,
         date '1930-01-01' + n % 30000, 'FEMALE', 'p' || n || '@example.org', '+2547' || lpad((n % 100000000)::text, 8, '0'), 'Nairobi', 'KE', now()
       FROM generate_series(1, $1::int) n`,
      [patients],
    );
    await client.query('VACUUM (ANALYZE) patients');
    await client.query('CHECKPOINT');
    return (await client.query<{ id: string }>('SELECT id FROM patients ORDER BY md5(id::text) LIMIT 20000')).rows.map(({ id }) => id);
  });
}

let bareNumber = 0;

/** The floor: as many connections that do nothing but the bare statement, each its own transaction. */
async function measureBare(operation: Operation, { url, clients, seconds, ids }: Round): Promise<Measured> {
  const connections = await Promise.all(
    Array.from({ length: clients }, async () => {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      return client;
    }),
  );
  const columns = Object.keys(person);
  const insert = `INSERT INTO patients (mrn, ${columns.map((column) => `"${column}"`).join(', ')}, "updatedAt") VALUES ($1, ${columns.map((_, index) => `$${index + 2}`).join(', ')}, now())`;
  let turn = 0;
  const id = () => ids[(turn += 1) % ids.length] as string;
  const work = {
    register: (client: pg.Client) => client.query(insert, [`BARE-${(bareNumber += 1)}`, ...Object.values(person)]),
    read: (client: pg.Client) => client.query('SELECT * FROM patients WHERE id = $1', [id()]),
    update: (client: pg.Client) =>
      client.query('UPDATE patients SET phone = $2, version = version + 1, "updatedAt" = now() WHERE id = $1', [
        id(),
        `+2547${String(turn % 1e8).padStart(8, '0')}`,
      ]),
  }[operation];
  const measured = await measure({ clients, seconds, work: async (client) => void (await work(connections[client] as pg.Client)) });
  await Promise.all(connections.map((client) => client.end()));
  return measured;
}

/** The whole thing over HTTP. Each client changes charts of its own and keeps the version it was told, as a desk does. */
async function measureApi(operation: Operation, server: ApiServer, { clients, seconds, ids }: Round): Promise<Measured> {
  const { port, headers } = server;
  const connections = await Promise.all(Array.from({ length: clients }, () => HttpConnection.open(port)));
  const body = JSON.stringify(person);
  const etags = new Map<string, string>();
  const turns = Array.from({ length: clients }, (_, client) => client);
  const nextId = (client: number) => {
    const turn = (turns[client] as number) + clients;
    turns[client] = turn >= ids.length ? client : turn;
    return ids[turns[client] as number] as string;
  };
  const expect = (reply: { status: number; body: string }, status: number) => {
    if (reply.status !== status) throw new Error(`${operation} answered ${reply.status}: ${reply.body}`);
  };
  const work = async (client: number): Promise<void> => {
    const connection = connections[client] as HttpConnection;
    if (operation === 'register') return expect(await connection.send({ method: 'POST', path: '/api/v1/patients', headers, body }), 201);
    const id = nextId(client);
    const path = `/api/v1/patients/${id}`;
    if (operation === 'read') return expect(await connection.send({ method: 'GET', path, headers }), 200);
    const etag = etags.get(id) ?? /\r\netag: (\S+)/i.exec((await connection.send({ method: 'GET', path, headers })).head)?.[1] ?? '';
    const phone = `+2547${String(Math.floor(Math.random() * 1e8)).padStart(8, '0')}`;
    const reply = await connection.send({ method: 'PATCH', path, headers: { ...headers, 'if-match': etag }, body: JSON.stringify({ phone }) });
    expect(reply, 200);
    etags.set(id, /\r\netag: (\S+)/i.exec(reply.head)?.[1] ?? '');
  };
  if (operation === 'update') {
    // The first reading of each chart is not what is measured.
    for (const id of ids)
      etags.set(id, /\r\netag: (\S+)/i.exec((await connections[0]?.send({ method: 'GET', path: `/api/v1/patients/${id}`, headers }))?.head ?? '')?.[1] ?? '');
  }
  const measured = await measure({ clients, seconds, work });
  for (const connection of connections) connection.close();
  return measured;
}

const discardAudit = `CREATE FUNCTION bench_discard() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
  CREATE TRIGGER bench_discard BEFORE INSERT ON patient_audit_events FOR EACH ROW EXECUTE FUNCTION bench_discard()`;

export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      patients: { type: 'string', default: '100000,1000000' },
      clients: { type: 'string', default: '1,8,32' },
      seconds: { type: 'string', default: '3' },
      audit: { type: 'string', default: 'on,off' },
      'database-url': { type: 'string' },
    },
  });
  const numbers = (text: string) => text.split(',').map(Number);
  const seconds = Number(values.seconds);
  await using server = await openRegistryServer(values['database-url']);
  console.log((await server.describe()).join('\n'));
  const rows: string[][] = [];
  for (const patients of numbers(values.patients)) {
    for (const audit of values.audit.split(',')) {
      const url = await server.migratedDatabase(`api_${patients}_${audit}`);
      const sample = await fill(url, patients);
      if (audit === 'off') await onClient(url, (client) => client.query(discardAudit));
      await using api = await startApiServer(url);
      for (const operation of operations) {
        for (const clients of numbers(values.clients)) {
          const round = { url, clients, seconds, ids: operation === 'update' ? sample.slice(0, 2000) : sample };
          const floor = await measureBare(operation, round);
          const ours = await measureApi(operation, api, round);
          const cells = [
            ours.rate.toFixed(0),
            ours.p50.toFixed(1),
            ours.p99.toFixed(1),
            floor.rate.toFixed(0),
            floor.p50.toFixed(1),
            floor.p99.toFixed(1),
            (ours.rate / floor.rate).toFixed(2),
          ];
          rows.push([operation, patients.toLocaleString('en-US'), audit, String(clients), ...cells]);
          console.error(`${rows.at(-1)?.join('  ')}  (load ${machineLoad()})`);
        }
      }
      const memory = await api.memory();
      const held = memory ? `, memory after the run ${(memory.rss / 1e6).toFixed(0)} MB, at most ${(memory.peak / 1e6).toFixed(0)} MB` : '';
      console.log(`${patients.toLocaleString('en-US')} patients, audit ${audit}: ready after ${(api.readyAfter / 1000).toFixed(2)} s${held}`);
    }
  }
  const head = ['operation', 'patients', 'audit', 'clients', 'per second', 'p50 ms', 'p99 ms', 'bare SQL/s', 'p50 ms', 'p99 ms', 'ratio'];
  console.log(`\nEach line ${seconds} s; with audit off a trigger throws the audit rows away.\n\n${table(head, rows)}`);
}
