import { parseArgs } from 'node:util';
import pg from 'pg';
import { maintainAuditPartitions } from '../src/audit/partition.service.ts';
import { sealAuditTrail, startSealing } from '../src/audit/seal.service.ts';
import { verifyAuditTrail } from '../src/audit/verify.service.ts';
import { kyselyOnPool } from '../src/db/connect.ts';
import { openRegistry } from '../src/index.ts';
import { type Measured, measure, medianByRate, table } from './support/load.ts';
import { machineLoad } from './support/machine.ts';
import { onClient, openRegistryServer } from './support/registry-server.ts';

export const describe =
  'what the audit chain costs: registrations per second without number and partitions, with them, with the sealer; rows sealed and verified per second (--seconds 3 --rounds 3 --clients 8 --rows 1000000)';

/** The trail as it would be without the chain: no number, no index on it, no partitions. */
async function withoutChain(url: string): Promise<void> {
  await onClient(url, async (client) => {
    await client.query(`ALTER TABLE patient_audit_events RENAME TO chained`);
    await client.query(`CREATE TABLE patient_audit_events (LIKE chained INCLUDING DEFAULTS)`);
    await client.query(`ALTER TABLE patient_audit_events DROP COLUMN seq, ADD PRIMARY KEY (id), ADD FOREIGN KEY ("patientId") REFERENCES patients (id)`);
    await client.query(`CREATE INDEX ON patient_audit_events ("patientId", "occurredAt", id)`);
    await client.query(`CREATE INDEX ON patient_audit_events ("actorId", "occurredAt", id)`);
    await client.query(`DROP TABLE chained CASCADE`);
  });
}

type Variant = 'plain' | 'numbered' | 'sealed';

async function registrations(url: string, variant: Variant, options: { clients: number; seconds: number }): Promise<Measured> {
  const pool = new pg.Pool({ connectionString: url, max: 2 });
  if (variant === 'plain') await withoutChain(url);
  else await maintainAuditPartitions(kyselyOnPool(pool), { now: new Date() });
  const sealer = variant === 'sealed' ? startSealing({ pool, everyMilliseconds: 1_000 }) : undefined;
  try {
    await using registry = await openRegistry({ databaseUrl: url, maxConnections: options.clients, timeZone: 'Africa/Nairobi' });
    return await measure({
      ...options,
      work: async () => {
        await registry.patientRepository.create({ firstName: 'Synthetic', lastName: 'Patient', dateOfBirth: '1990-01-01', city: 'Nairobi' });
      },
    });
  } finally {
    await sealer?.stop();
    await pool.end();
  }
}

async function chain(url: string, rows: number): Promise<string[]> {
  const pool = new pg.Pool({ connectionString: url, max: 2 });
  try {
    const db = kyselyOnPool(pool);
    await onClient(url, async (client) => {
      for (let done = 0; done < rows; done += 100_000)
        await client.query(
          `INSERT INTO patient_audit_events ("occurredAt", action, "actorKind", "actorId", "actorName", origin, "requestId", before, after)
           SELECT now() - ($1::int + n) * interval '8 seconds', 'patient.updated', 'user', gen_random_uuid(), 'Nurse Example', '10.0.0.1', gen_random_uuid(), '{"city": "Lund", "version": 3}', jsonb_build_object('city', 'Nairobi', 'n', n) FROM generate_series(1, least(100000, $2::int - $1::int)) n`,
          [done, rows],
        );
    });
    await maintainAuditPartitions(db, { now: new Date() });
    const timed = async <T>(work: () => Promise<T>): Promise<[T, number]> => {
      const began = performance.now();
      return [await work(), (performance.now() - began) / 1000];
    };
    const [sealed, sealing] = await timed(() => sealAuditTrail(db));
    const before = process.memoryUsage.rss();
    let peak = before;
    const [verification, verifying] = await timed(() => verifyAuditTrail(db, { onProgress: () => (peak = Math.max(peak, process.memoryUsage.rss())) }));
    if (!verification.ok || verification.rowsVerified !== rows || sealed.rows !== rows) throw new Error('The chain does not hold.');
    const { rows: sizes } = await pool.query<{ trail: string; seals: string }>(
      `SELECT (SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('patient_audit_events'))::text AS trail, pg_total_relation_size('patient_audit_seals')::text AS seals`,
    );
    const megabytes = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MB`;
    return [
      `${rows.toLocaleString('en')} rows in ${(await pool.query('SELECT 1 FROM pg_inherits WHERE inhparent = $1::regclass', ['patient_audit_events'])).rowCount} partitions, ${megabytes(Number(sizes[0]?.trail))}; ${sealed.seals} seals, ${megabytes(Number(sizes[0]?.seals))}`,
      `sealed: ${Math.round(rows / sealing).toLocaleString('en')} rows/s`,
      `verified: ${Math.round(rows / verifying).toLocaleString('en')} rows/s; memory of the process ${megabytes(before)} before, ${megabytes(peak)} at most`,
    ];
  } finally {
    await pool.end();
  }
}

export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: 'string', default: '3' },
      rounds: { type: 'string', default: '3' },
      clients: { type: 'string', default: '8' },
      rows: { type: 'string', default: '1000000' },
      'database-url': { type: 'string' },
    },
  });
  const options = { clients: Number(values.clients), seconds: Number(values.seconds) };
  await using server = await openRegistryServer(values['database-url']);
  console.log((await server.describe()).join('\n'));
  const measured: Record<Variant, Measured[]> = { plain: [], numbered: [], sealed: [] };
  const loads: string[] = [];
  for (let round = 1; round <= Number(values.rounds); round += 1)
    // The variants take turns, so that whatever else the machine does meets all alike.
    for (const variant of ['plain', 'numbered', 'sealed'] as const) {
      measured[variant].push(await registrations(await server.migratedDatabase(`audit_${variant}`), variant, options));
      loads.push(machineLoad());
    }
  const names: Record<Variant, string> = { plain: 'no number, no partitions', numbered: 'number and partitions', sealed: 'and a sealer every second' };
  const floor = medianByRate(measured.plain).rate;
  const rows = (Object.keys(names) as Variant[]).map((variant) => {
    const { rate, p50, p99 } = medianByRate(measured[variant]);
    return [names[variant], rate.toFixed(0), p50.toFixed(1), p99.toFixed(1), (rate / floor).toFixed(2)];
  });
  console.log(`load of the machine, round by round: ${loads.join(' ')}\n`);
  console.log(
    `Median of ${values.rounds} rounds of ${values.seconds} s, ${values.clients} clients:\n\n${table(['trail', 'registrations/s', 'p50 ms', 'p99 ms', 'ratio'], rows)}\n`,
  );
  console.log((await chain(await server.migratedDatabase('audit_chain'), Number(values.rows))).join('\n'));
}
