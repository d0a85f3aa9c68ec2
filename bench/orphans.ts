import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createSampleEhr } from '../sample-ehr/index.ts';
import { type DatabaseAddress, toPgConfig } from '../src/base/config.ts';
import { adoptOrphans, listOrphans, nullOrphans, quarantineOrphans } from '../src/migrate/index.ts';
import { readHostProfile, renderModule } from '../src/migrate/module/index.ts';
import { type BenchServer, openBenchServer, openClient } from './support/ehr-server.ts';
import { startRowWriter } from './support/live-writer.ts';
import type { RowWriterReport } from './support/row-writer-process.ts';
import { table } from './support/load.ts';
import { describeMachine, machineLoad, ms } from './support/machine.ts';

export const describe =
  'orphans of one table resolved while rows of it are updated, beside one plain statement (--rows 1000000 --batch 1000,5000,20000 --only adopt,null --rate 50 --server postgresql://...)';

/** Rows that name one id: a patient has some bills. */
const rowsPerId = 10;

interface Settings {
  readonly rate: number;
  readonly batches: readonly number[];
  /** What to measure beside the peers; everything when empty. */
  readonly only: readonly string[];
}

/** What the work on orphans costs, and what a writer of the very rows feels of it. */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rows: { type: 'string', default: '1000000' },
      batch: { type: 'string', default: '5000' },
      rate: { type: 'string', default: '50' },
      only: { type: 'string', default: 'list,adopt,null,quarantine' },
      server: { type: 'string' },
    },
  });
  const numbers = (text: string) => text.split(',').map(Number);
  const sizes = numbers(values.rows);
  const settings: Settings = { rate: Number(values.rate), batches: numbers(values.batch), only: values.only.split(',') };
  if ([...sizes, ...settings.batches, settings.rate].some((each) => !Number.isInteger(each) || each < 1))
    throw new Error('--rows, --batch and --rate take whole numbers from 1.');
  await using server = await openBenchServer(values.server);
  console.log(`command: npm run bench -- orphans ${args.join(' ')}`);
  for (const rows of sizes) await measureSize(server, rows, settings);
}

async function measureSize(server: BenchServer, rows: number, settings: Settings): Promise<void> {
  const source = await server.createDatabase('onechart_bench_source');
  const client = await openClient(source);
  try {
    console.log((await describeMachine(client)).join('\n'));
    await build(client, rows);
    const [size] = (await client.query<{ size: string }>(`SELECT pg_size_pretty(pg_total_relation_size('bills')) AS size`)).rows;
    console.log(
      `\n## ${rows.toLocaleString('en-US')} rows of bills, all of them orphans, ${(rows / rowsPerId).toLocaleString('en-US')} ids (${size?.size} with indexes)`,
    );
    console.log(`writer: 4 connections, ${settings.rate} updates of single rows of bills per second\n`);
  } finally {
    await client.end();
  }
  const lines: string[][] = [];
  const round = async (name: string, work: (address: DatabaseAddress) => Promise<unknown>) => {
    if (!['writer', 'one', ...settings.only].includes(name.split(/[ ,]/)[0] as string)) return;
    const address = await server.createDatabase('onechart_bench_orphans', 'onechart_bench_source');
    await server.admin('CHECKPOINT');
    const load = machineLoad();
    const { milliseconds, report } = await besideWriter(address, { rows, rate: settings.rate }, () => work(address));
    const line = [
      name,
      ms(milliseconds),
      ms(report.max),
      ms(report.p99),
      ms(report.p50),
      String(report.count),
      String(report.errors),
      `${load} / ${machineLoad()}`,
    ];
    lines.push(line);
    // A long run tells as it goes.
    console.error(line.join('  '));
  };
  await round('writer alone', () => wait(15_000));
  await round('list', (address) => listOrphans({ address, tables: ['bills'] }));
  for (const batchRows of settings.batches) {
    const options = { tables: ['bills'], batchRows };
    const size = `, ${batchRows.toLocaleString('en-US')} a batch`;
    await round(`adopt${size}`, (address) => adoptOrphans({ address, ...options }));
    await round(`null${size}`, (address) => nullOrphans({ address, ...options }));
    await round(`quarantine${size}`, (address) => quarantineOrphans({ address, ...options }));
  }
  await round('one INSERT of all placeholders', (address) =>
    plain(
      address,
      `INSERT INTO patients (id, mrn, "lastName") SELECT DISTINCT "patientId", 'ORPHAN:' || "patientId", 'UNKNOWN' FROM bills WHERE "patientId" IS NOT NULL ON CONFLICT DO NOTHING`,
    ),
  );
  await round('one UPDATE to NULL', (address) => plain(address, `UPDATE bills SET "patientId" = NULL WHERE "patientId" IS NOT NULL`));
  console.log(table(['', 'total ms', 'longest wait of a writer ms', 'p99 ms', 'p50 ms', 'updates', 'errors', 'load before / after'], lines));
  console.log('');
}

/** A migrated sample EHR without the link keys, and bills as many as wanted: each of an orphan id. */
async function build(client: Awaited<ReturnType<typeof openClient>>, rows: number): Promise<void> {
  await createSampleEhr(client, { rows: 1_000 });
  const { profile } = await readHostProfile(client, { schema: 'public' });
  if (!profile) throw new Error('The sample EHR was not recognised as a host.');
  for (const { sql } of renderModule(profile))
    await client.query(sql.replaceAll(/ALTER TABLE "(?:surgical_cases|medical_records|bills|patient_consent_instances|insurance_policies)"[^;]*;/g, ''));
  const indexes = (
    await client.query<{ name: string; definition: string }>(
      `SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition FROM pg_index i WHERE indrelid = 'bills'::regclass AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)`,
    )
  ).rows;
  for (const { name } of indexes) await client.query(`DROP INDEX ${name}`);
  await client.query('ALTER TABLE bills DROP CONSTRAINT bills_pkey');
  await client.query('DELETE FROM bills');
  await client.query(
    `INSERT INTO bills (id, "invoiceNumber", "patientId", "issuedById", status, "totalAmount", "issuedAt", "updatedAt")
     SELECT gen_random_uuid(), 'INV-' || i, md5('orphan' || (hashint8extended(i, 1) & 9223372036854775807) % ${Math.max(1, rows / rowsPerId)})::uuid, NULL, 'ISSUED', 100, now(), now() FROM generate_series(1, ${rows}) AS i`,
  );
  await client.query('ALTER TABLE bills ADD CONSTRAINT bills_pkey PRIMARY KEY (id)');
  for (const { definition } of indexes) await client.query(definition);
  await client.query('VACUUM (ANALYZE) bills');
}

async function plain(address: DatabaseAddress, sql: string): Promise<void> {
  const client = await openClient(address);
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

async function besideWriter(
  address: DatabaseAddress,
  { rows, rate }: { rows: number; rate: number },
  work: () => Promise<unknown>,
): Promise<{ milliseconds: number; report: RowWriterReport }> {
  const writer = await startRowWriter({
    database: { ...toPgConfig(address) },
    statement: `UPDATE bills SET "paidAmount" = "totalAmount", "updatedAt" = now() WHERE "invoiceNumber" = 'INV-' || $1::bigint`,
    rows,
    clients: 4,
    ratePerSecond: rate,
  });
  const begun = performance.now();
  try {
    await work();
    const milliseconds = performance.now() - begun;
    return { milliseconds, report: await writer.stop() };
  } catch (error) {
    await writer.stop().catch(() => undefined);
    throw error;
  }
}
