import { parseArgs } from 'node:util';
import pg from 'pg';
import { systemClock } from '../src/base/clock.ts';
import { newId } from '../src/base/ids.ts';
import { kyselyOnPool } from '../src/db/connect.ts';
import { rebuildSearch } from '../src/search/entry.service.ts';
import { type ApiServer, startApiServer } from './support/api-server.ts';
import { HttpConnection } from './support/http-connection.ts';
import { startRegistrars } from './support/live-writer.ts';
import { type Measured, measure, table } from './support/load.ts';
import { machineLoad, ms } from './support/machine.ts';
import { onClient, openRegistryServer } from './support/registry-server.ts';
import { fillWithPeople } from './support/synthetic-charts.ts';
import { type SearchKind, searchesFor, type TypedSearch } from './support/typed-searches.ts';

export const describe =
  'searches over HTTP per kind of what is typed, alone and beside 8 registrars, against pg_trgm (--patients 100000,1000000 --clients 1,8 --seconds 3 --writers 8 --seed 1)';

/** What one kind of search did, and how often the sought chart was on the page, and on top of it. */
interface Result extends Measured {
  readonly found: number;
  readonly first: number;
}

interface Round {
  readonly clients: number;
  readonly seconds: number;
}

/** Asks over and over; `ask` says at which place of the page the sought chart is, -1 when it is not there. */
async function measureAsking(kind: SearchKind, { clients, seconds }: Round, ask: (client: number, search: TypedSearch) => Promise<number>): Promise<Result> {
  let asked = 0;
  let found = 0;
  let first = 0;
  const measured = await measure({
    clients,
    seconds,
    work: async (client) => {
      const search = kind.searches[asked % kind.searches.length];
      if (!search) throw new Error(`There is nothing to search for: ${kind.name}.`);
      asked += 1;
      const place = await ask(client, search);
      if (place >= 0) found += 1;
      if (place === 0) first += 1;
    },
  });
  return { ...measured, found: found / asked, first: first / asked };
}

async function measureSearch(server: ApiServer, kind: SearchKind, round: Round): Promise<Result> {
  const connections = await Promise.all(Array.from({ length: round.clients }, () => HttpConnection.open(server.port)));
  const result = await measureAsking(kind, round, async (client, { typed, sought }) => {
    const path = `/api/v1/patients?q=${encodeURIComponent(typed)}`;
    const { status, body } = await (connections[client] as HttpConnection).send({ method: 'GET', path, headers: server.headers });
    if (status !== 200) throw new Error(`${kind.name} answered ${status}: ${body}`);
    // The load generator shares the cores with the server: an answer is looked through, not parsed.
    const ids = body.slice(0, body.indexOf('"matches"')).split('"id":"');
    return ids.findIndex((part) => part.startsWith(sought)) - 1;
  });
  for (const connection of connections) connection.close();
  return result;
}

/** What makes entries, as a context of a service. */
async function makeEntries(url: string): Promise<void> {
  const pool = new pg.Pool({ connectionString: url, max: 2 });
  const ctx = { db: kyselyOnPool(pool), pool, actor: { kind: 'system' }, clock: systemClock, newId } as const;
  await rebuildSearch(ctx, { batchRows: 2000 });
  await pool.query('VACUUM (ANALYZE) patient_search_entries, patient_search_words');
  await pool.end();
}

const fullName = `(coalesce("firstName", '') || ' ' || "lastName")`;
const byTrigrams = `SELECT id FROM patients WHERE ${fullName} % $1 ORDER BY similarity(${fullName}, $1) DESC LIMIT 20`;

/** The peer: pg_trgm's `%` on the full name, as it is usually set up, asked by bare SQL. */
async function measureTrigrams(url: string, kind: SearchKind, round: Round): Promise<Result> {
  const pool = new pg.Pool({ connectionString: url, max: round.clients });
  const result = await measureAsking(kind, round, async (_client, { typed, sought }) => {
    const { rows } = await pool.query<{ id: string }>({ name: 'trigrams', text: byTrigrams, values: [typed] });
    return rows.findIndex(({ id }) => id === sought);
  });
  await pool.end();
  return result;
}

async function sizes(url: string): Promise<string[]> {
  return onClient(url, async (client) => {
    const { rows } = await client.query<{ relation: string; bytes: string }>(
      `SELECT relname AS relation, pg_relation_size(oid)::text AS bytes FROM pg_class
       WHERE relkind IN ('r', 'i') AND relname LIKE 'patient_search%' ORDER BY 1`,
    );
    const { rows: counted } = await client.query<{ patients: string; patients_bytes: string }>(
      `SELECT count(*)::text AS patients, pg_total_relation_size('patients')::text AS patients_bytes FROM patients`,
    );
    const patients = Number(counted[0]?.patients);
    const lines = rows.map(({ relation, bytes }) => `  ${relation.padEnd(42)} ${(Number(bytes) / 1e6).toFixed(1).padStart(8)} MB`);
    const total = rows.reduce((sum, { bytes }) => sum + Number(bytes), 0);
    return [
      ...lines,
      `  in all ${(total / patients).toFixed(0)} bytes a patient; patients with its indexes ${(Number(counted[0]?.patients_bytes) / patients).toFixed(0)}`,
    ];
  });
}

export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      patients: { type: 'string', default: '100000,1000000' },
      clients: { type: 'string', default: '1,8' },
      seconds: { type: 'string', default: '3' },
      writers: { type: 'string', default: '8' },
      seed: { type: 'string', default: '1' },
      'database-url': { type: 'string' },
    },
  });
  const numbers = (text: string) => text.split(',').map(Number);
  const seconds = Number(values.seconds);
  const seed = Number(values.seed);
  await using server = await openRegistryServer(values['database-url']);
  console.log((await server.describe()).join('\n'));
  const rows: string[][] = [];
  for (const patients of numbers(values.patients)) {
    const url = await server.migratedDatabase(`search_${patients}`);
    const sample = await fillWithPeople(url, { people: patients, seed, everyNth: Math.max(1, Math.floor(patients / 5000)) });
    console.log(`\n${patients.toLocaleString('en-US')} patients`);
    const rebuilding = performance.now();
    await makeEntries(url);
    console.log(`  entries made anew in ${((performance.now() - rebuilding) / 1000).toFixed(1)} s`);
    console.log((await sizes(url)).join('\n'));
    const kinds = searchesFor(sample);
    const add = (what: string, kind: SearchKind, { clients, beside, result }: { clients: number; beside: string; result: Result }) => {
      const cells = [result.rate.toFixed(0), ms(result.p50), ms(result.p95), ms(result.p99), percent(result.found), percent(result.first)];
      rows.push([`${what}: ${kind.name}`, patients.toLocaleString('en-US'), String(clients), beside, ...cells]);
      console.error(`${rows.at(-1)?.join('  ')}  (load ${machineLoad()})`);
    };
    await using api = await startApiServer(url);
    for (const writers of [0, Number(values.writers)]) {
      const registrars = writers > 0 ? await startRegistrars({ databaseUrl: url, clients: writers, seed: seed + 1 }) : undefined;
      for (const clients of numbers(values.clients)) {
        for (const kind of kinds) add('ours', kind, { clients, beside: String(writers), result: await measureSearch(api, kind, { clients, seconds }) });
      }
      const report = await registrars?.stop();
      if (report) console.log(`  ${writers} registrars beside the searches: ${report.perSecond.toFixed(0)} registrations per second`);
    }
    await onClient(url, async (client) => {
      await client.query('CREATE EXTENSION pg_trgm');
      await client.query(`CREATE INDEX bench_trigrams ON patients USING GIN (${fullName} gin_trgm_ops)`);
      await client.query('VACUUM (ANALYZE) patients');
    });
    for (const kind of kinds.filter(({ name }) => name === 'first and last name' || name === 'typo in the last name')) {
      for (const clients of numbers(values.clients)) {
        add('pg_trgm %', kind, { clients, beside: '0', result: await measureTrigrams(url, kind, { clients, seconds }) });
      }
    }
  }
  const head = ['search', 'patients', 'clients', 'registrars', 'per second', 'p50 ms', 'p95 ms', 'p99 ms', 'found', 'on top'];
  console.log(
    `\nEach line ${seconds} s. Found: the sought chart is on the first page; on top: it is its first. Ours over HTTP with audit rows, pg_trgm by bare SQL.\n`,
  );
  console.log(table(head, rows));
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}
