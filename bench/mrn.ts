import { parseArgs } from 'node:util';
import pg from 'pg';
import { kyselyOnPool } from '../src/db/connect.ts';
import { createMrnIssuer, reportMrns } from '../src/identifier/mrn.service.ts';
import { defaultMrnFormat, formatMrn } from '../src/identifier/mrn-format.ts';
import { type Measured, measure, medianByRate, table } from './support/load.ts';
import { machineLoad } from './support/machine.ts';
import { onClient, openRegistryServer } from './support/registry-server.ts';

export const describe =
  'ways to issue medical record numbers, at 1, 8 and 32 clients, and the gap report on a million (--seconds 2 --rounds 5 --numbers 1000000)';

const year = 2026;
const counts = [1, 8, 32] as const;
const insert = `INSERT INTO patients (mrn, "firstName", "lastName", "dateOfBirth") VALUES ($1, 'Synthetic', 'Patient', '1990-01-01')`;
const written = (number: number) => formatMrn(defaultMrnFormat, { year, number });

/** How a way gets the number: before BEGIN, or inside the transaction on its connection. */
interface Way {
  readonly name: string;
  prepare(client: pg.Client): Promise<void>;
  open(pool: pg.Pool): { outside?: () => Promise<string>; inside?: (client: pg.PoolClient) => Promise<string>; close?: () => Promise<void> };
}

const blocks = (name: string, maxBlock: number): Way => ({
  name,
  prepare: async () => undefined,
  open: (pool) => {
    const issuer = createMrnIssuer({ maxBlock });
    const ctx = { db: kyselyOnPool(pool), pool };
    const at = new Date(`${year}-06-01T12:00:00Z`);
    return { outside: async () => (await issuer.issueMrn(ctx, at)).mrn, close: () => issuer.close() };
  },
});

const ways: readonly Way[] = [
  {
    name: 'counter row in the transaction',
    prepare: async (client) => {
      await client.query('CREATE TABLE bench_counter (year int PRIMARY KEY, number bigint NOT NULL)');
      await client.query('INSERT INTO bench_counter VALUES ($1, 0)', [year]);
    },
    open: () => ({
      inside: async (client) =>
        written(
          Number(
            (await client.query<{ number: string }>('UPDATE bench_counter SET number = number + 1 WHERE year = $1 RETURNING number', [year])).rows[0]?.number,
          ),
        ),
    }),
  },
  {
    name: 'sequence per year',
    prepare: async (client) => {
      await client.query(`CREATE SEQUENCE bench_sequence_${year}`);
    },
    open: () => ({
      inside: async (client) => written(Number((await client.query<{ number: string }>(`SELECT nextval('bench_sequence_${year}') AS number`)).rows[0]?.number)),
    }),
  },
  blocks('leased, always one number', 1),
  blocks('leased blocks, up to 16', 16),
  blocks('leased blocks, up to 64', 64),
  blocks('leased blocks, up to 256', 256),
];

export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: 'string', default: '2' },
      rounds: { type: 'string', default: '5' },
      numbers: { type: 'string', default: '1000000' },
      'database-url': { type: 'string' },
    },
  });
  await using server = await openRegistryServer(values['database-url']);
  console.log((await server.describe()).join('\n'));
  // Ways take turns, round by round, so that whatever else the machine does meets them alike; the median round counts.
  const results = new Map<string, Measured[]>();
  for (let round = 1; round <= Number(values.rounds); round += 1) {
    for (const [index, way] of ways.entries()) {
      for (const clients of counts) {
        const url = await server.migratedDatabase(`mrn_${index}_${clients}`);
        await onClient(url, (client) => way.prepare(client));
        const measured = await measureWay(way, { url, clients, seconds: Number(values.seconds) });
        results.set(`${index} ${clients}`, [...(results.get(`${index} ${clients}`) ?? []), measured]);
      }
    }
    console.error(`round ${round} of ${values.rounds}, load ${machineLoad()}`);
  }
  if (results.size > 0) {
    const rows = ways.map((way, index) => [
      way.name,
      ...counts.flatMap((clients) => {
        const { rate, p50, p99 } = medianByRate(results.get(`${index} ${clients}`) ?? []);
        return [rate.toFixed(0), p50.toFixed(1), p99.toFixed(1)];
      }),
    ]);
    const heads = counts.flatMap((clients) => [`${clients} client${clients === 1 ? '' : 's'}: per second`, 'p50 ms', 'p99 ms']);
    console.log(
      `\nRegistrations (BEGIN, number, INSERT of the patient, COMMIT), median of ${values.rounds} rounds of ${values.seconds} s:\n\n${table(['way to issue', ...heads], rows)}\n`,
    );
  }
  console.log(await measureReport(await server.migratedDatabase('mrn_report'), Number(values.numbers)));
}

async function measureWay(way: Way, options: { url: string; clients: number; seconds: number }): Promise<Measured> {
  const { url, clients, seconds } = options;
  const pool = new pg.Pool({ connectionString: url, max: clients });
  const { outside, inside, close } = way.open(pool);
  const measured = await measure({
    clients,
    seconds,
    work: async () => {
      const early = await outside?.();
      const client = await pool.connect();
      try {
        await client.query('BEGIN');
        await client.query(insert, [early ?? (await inside?.(client))]);
        await client.query('COMMIT');
      } finally {
        client.release();
      }
    },
  });
  await close?.();
  await pool.end();
  return measured;
}

/** The gap report on a full year: blocks of 16, of which each thousandth burnt half, and a hundredth of the numbers rolled back one by one. */
async function measureReport(url: string, numbers: number): Promise<string> {
  const pool = new pg.Pool({ connectionString: url, max: 4 });
  const db = kyselyOnPool(pool);
  const issuer = createMrnIssuer();
  (await issuer.issueMrn({ db, pool }, new Date(`${year}-06-01T12:00:00Z`))).release();
  await issuer.close();
  await pool.query('UPDATE mrn_counters SET "lastNumber" = $1', [numbers]);
  await pool.query(
    `INSERT INTO mrn_blocks ("authorityCode", "formatVersion", "year", "kind", "firstNumber", "lastNumber", "instance", "host", "processId", "expiresAt", "closedAt")
     SELECT 'default', 1, $2, 'LEASE', n, least(n + 15, $1::bigint), 'bench', 'bench', 1, now() - interval '1 hour', CASE WHEN (n / 16) % 1000 <> 0 THEN now() END
     FROM generate_series(2, $1::bigint, 16) AS n`,
    [numbers, year],
  );
  await pool.query(
    `INSERT INTO patients (mrn, "firstName", "lastName") SELECT 'MRN-${year}-' || lpad(n::text, greatest(5, length(n::text)), '0'), 'Synthetic', 'Patient'
     FROM generate_series(2, $1::bigint) AS n WHERE n % 100 <> 7 AND NOT ((n - 2) / 16 % 1000 = 999 AND (n - 2) % 16 >= 8)`,
    [numbers],
  );
  await pool.query('VACUUM ANALYZE patients, mrn_blocks');
  const started = performance.now();
  const report = await reportMrns(db, { year });
  const seconds = (performance.now() - started) / 1000;
  await pool.end();
  if (report.inUse + report.retired + report.reserved + report.returned + report.burnt + report.unexplained !== report.counter)
    throw new Error('The report does not add up.');
  return `Gap report on ${numbers.toLocaleString('en')} numbers, ${report.burnt.toLocaleString('en')} burnt in ${report.burntRanges.length.toLocaleString('en')} ranges, ${report.unexplained} unexplained: ${seconds.toFixed(2)} s`;
}
