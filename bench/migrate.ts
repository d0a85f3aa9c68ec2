import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createSampleEhr, linkTables, type WriterReport } from '../sample-ehr/index.ts';
import { type DatabaseAddress, toPgConfig } from '../src/base/config.ts';
import { applyMigration, type ApplyResult, makeBackup, type Step } from '../src/migrate/index.ts';
import { readHostProfile, renderModule } from '../src/migrate/module/index.ts';
import { type BenchServer, openBenchServer, openClient } from './support/ehr-server.ts';
import { startLiveWriter } from './support/live-writer.ts';
import { table } from './support/load.ts';
import { findPsql, runPsql } from './support/psql.ts';
import { describeMachine, machineLoad, ms } from './support/machine.ts';

export const describe =
  'what a live EHR feels of the migration, beside psql -f of the same files and the files run whole (--rows 3000000,10000000 --clients 4 --rate 200 --baseline 25 --orphans 0 --backup --server postgresql://...)';

type SlowWrite = WriterReport['slow'][number];

interface Settings {
  readonly clients: number;
  readonly rate: number;
  readonly baselineSeconds: number;
  /** Rows that name no patient; OneChart adopts them. */
  readonly orphans: number;
  /** Whether OneChart makes and proves a backup first. */
  readonly backup: boolean;
}

/** What a live EHR feels of the migration: ours beside the same files run whole, each in one transaction, as Prisma runs them. */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rows: { type: 'string', default: '3000000' },
      clients: { type: 'string', default: '4' },
      rate: { type: 'string', default: '200' },
      baseline: { type: 'string', default: '25' },
      orphans: { type: 'string', default: '0' },
      backup: { type: 'boolean', default: false },
      server: { type: 'string' },
    },
  });
  const sizes = values.rows.split(',').map(Number);
  const { backup } = values;
  const numbers = { clients: Number(values.clients), rate: Number(values.rate), baselineSeconds: Number(values.baseline), orphans: Number(values.orphans) };
  const settings: Settings = { ...numbers, backup };
  if ([...sizes, ...Object.values(numbers)].some((each) => !Number.isInteger(each) || each < 0))
    throw new Error('--rows, --clients, --rate, --baseline and --orphans take whole numbers.');
  await using server = await openBenchServer(values.server);
  console.log(`command: npm run bench -- migrate ${args.join(' ')}`);
  for (const rows of sizes) await measureSize(server, rows, settings);
}

async function measureSize(server: BenchServer, rows: number, settings: Settings): Promise<void> {
  const address = await server.createDatabase('onechart_bench_ehr');
  const client = await openClient(address);
  let files: { name: string; sql: string }[];
  try {
    console.log((await describeMachine(client)).join('\n'));
    const begun = performance.now();
    await createSampleEhr(client, { rows, orphans: settings.orphans });
    const { profile } = await readHostProfile(client, { schema: 'public' });
    if (!profile) throw new Error('The sample EHR was not recognised as a host.');
    files = [...renderModule(profile)];
    const size = (await client.query<{ size: string }>('SELECT pg_size_pretty(pg_database_size(current_database())) AS size')).rows[0]?.size;
    console.log(
      `\n## ${rows.toLocaleString('en-US')} rows in surgical_cases, medical_records and bills (${size}; built in ${Math.round((performance.now() - begun) / 1000)} s)`,
    );
    console.log(
      `writers: ${settings.clients} connections, ${settings.rate === 0 ? 'as fast as the server answers' : `${settings.rate} transactions per second`}\n`,
    );
  } finally {
    await client.end();
  }
  const peerAddress = await server.createDatabase('onechart_bench_peer', 'onechart_bench_ehr');
  const psql = findPsql();
  const psqlAddress = psql && (await server.createDatabase('onechart_bench_psql', 'onechart_bench_ehr'));
  const backups = settings.backup ? await mkdtemp(join(tmpdir(), 'onechart-bench-backups-')) : undefined;
  let saved = 0;

  await server.admin('CHECKPOINT');
  const baseline = await underLoad(address, settings, () => wait(settings.baselineSeconds * 1000));
  await server.admin('CHECKPOINT');
  const steps: { step: Step; from: number; to: number }[] = [];
  let prepared = 0;
  const ours = await underLoad(address, settings, async () => {
    const begun = performance.now();
    let from = 0;
    return applyMigration({
      address,
      ...(settings.orphans > 0 ? { orphans: 'adopt' as const } : {}),
      ...(backups === undefined
        ? { noBackup: true }
        : {
            backup: async () => {
              const began = performance.now();
              const made = await makeBackup({ address, folder: backups, linkTables });
              saved = performance.now() - began;
              return made;
            },
          }),
      onEvent: (event) => {
        const now = performance.timeOrigin + performance.now();
        if (event.type === 'planned') prepared = performance.now() - begun;
        if (event.type === 'step-started') from = now;
        if (event.type === 'step-finished') steps.push({ step: event.step, from, to: now });
      },
    });
  });
  if (!ours.result.verification.ok) throw new Error('The migration did not verify; figures of a wrong result are worth nothing.');
  await server.admin('CHECKPOINT');
  let byPsql: Measured<{ errors: number; exitCodes: number[] }> | undefined;
  if (psql && psqlAddress) {
    byPsql = await underLoad(psqlAddress, settings, () => runPsql(psql, psqlAddress, files));
    await server.admin('CHECKPOINT');
  }
  const perFile: { name: string; milliseconds: number }[] = [];
  const peer = await underLoad(peerAddress, settings, () => applyWhole(peerAddress, files, perFile));

  const line = (name: string, each: Measured<unknown>, total: string, retries: string) => {
    const { report } = each;
    return [
      name,
      total,
      ms(report.max),
      ms(report.transactions.max),
      ms(report.p50),
      ms(report.p99),
      report.count.toLocaleString('en-US'),
      String(report.errors),
      retries,
      ms(report.ownDelayMax),
      `${each.loadBefore} / ${each.loadAfter}`,
    ];
  };
  const attempts = ours.result.steps.reduce((sum, { result }) => sum + result.attempts, 0);
  console.log(
    table(
      [
        '',
        'total ms',
        'longest write ms',
        'longest transaction ms (from when it was due)',
        'p50 ms',
        'p99 ms',
        'statements',
        'errors',
        'steps, lock attempts',
        "writers' own delay max ms",
        'load before / after',
      ],
      [
        line('writers alone', baseline, '', ''),
        line('OneChart', ours, ms(ours.milliseconds), `${ours.result.steps.length}, ${attempts}`),
        ...(byPsql ? [line('psql -f, a transaction a statement', byPsql, ms(byPsql.milliseconds), '')] : []),
        line('whole files, a transaction each', peer, ms(peer.milliseconds), `${files.length}, 1 each`),
      ],
    ),
  );
  if (byPsql) console.log(`\npsql -f: ${byPsql.result.errors} statements failed; exit codes ${[...new Set(byPsql.result.exitCodes)].join(', ')}.`);
  if (peer.result !== undefined) console.log(`Whole files: ${peer.result}`);
  if (backups !== undefined) {
    const { backup } = ours.result;
    console.log(
      `\nBackup: ${ms(saved)} ms in all (dump, restore into a scratch database, comparison) for ${((backup?.bytes ?? 0) / 1048576).toFixed(0)} MB; ${(backup?.proof.rows ?? 0).toLocaleString('en-US')} rows compared.`,
    );
    await rm(backups, { recursive: true, force: true });
  }
  console.log(
    `\nOneChart: ${ms(prepared)} ms to compare and plan${settings.backup ? ' (with the backup, where it is made before)' : ''}, ${ms(stepTime(ours.result))} ms of steps.`,
  );
  console.log(`Longest writes beside OneChart: ${longest(ours.report.slow, (write) => during(write, steps))}`);
  console.log(`Longest writes beside whole files: ${longest(peer.report.slow, () => '')}`);
  console.log(`Whole files: ${perFile.map(({ name, milliseconds }) => `${name.replace(/^\d+_/, '')} ${ms(milliseconds)} ms`).join(', ')}\n`);
  printEstimates(ours.result);
}

interface Measured<T> {
  readonly result: T;
  readonly milliseconds: number;
  readonly report: WriterReport;
  readonly loadBefore: string;
  readonly loadAfter: string;
}

/** The writers live exactly as long as the work, so that their figures are about it and nothing else. */
async function underLoad<T>(address: DatabaseAddress, { clients, rate }: Settings, work: () => Promise<T>): Promise<Measured<T>> {
  const loadBefore = machineLoad();
  const writer = await startLiveWriter({ database: { ...toPgConfig(address) }, clients, slowMilliseconds: 5, ...(rate > 0 ? { ratePerSecond: rate } : {}) });
  const begun = performance.now();
  try {
    const result = await work();
    const milliseconds = performance.now() - begun;
    return { result, milliseconds, report: await writer.stop(), loadBefore, loadAfter: machineLoad() };
  } catch (error) {
    await writer.stop().catch(() => undefined);
    throw error;
  }
}

/** As Prisma's engine does it: each migration.sql sent as one simple query, which the server makes one transaction. */
async function applyWhole(
  address: DatabaseAddress,
  files: readonly { name: string; sql: string }[],
  perFile: { name: string; milliseconds: number }[],
): Promise<string | undefined> {
  const client = await openClient(address);
  try {
    for (const { name, sql } of files) {
      const begun = performance.now();
      try {
        await client.query(sql);
      } catch (error) {
        return `failed in ${name}: ${(error as Error).message}`;
      }
      perFile.push({ name, milliseconds: performance.now() - begun });
    }
    return undefined;
  } finally {
    await client.end();
  }
}

function during(write: SlowWrite, steps: readonly { step: Step; from: number; to: number }[]): string {
  const from = Date.parse(write.startedAt);
  const met = steps.filter((each) => each.from <= from + write.milliseconds && each.to >= from);
  return met.length > 0 ? ` during ${met.map(({ step }) => `"${step.key}"`).join(' and ')}` : ' outside any step';
}

function longest(slow: readonly SlowWrite[], where: (write: SlowWrite) => string): string {
  const few = [...slow].sort((a, b) => b.milliseconds - a.milliseconds).slice(0, 6);
  return few.map((write) => `${write.statement} ${ms(write.milliseconds)} ms${where(write)}`).join('; ') || 'none over 5 ms';
}

function stepTime(result: ApplyResult): number {
  return result.steps.reduce((sum, each) => sum + each.result.workMilliseconds, 0);
}

function printEstimates(result: ApplyResult): void {
  const ratio = (estimate: number, happened: number) => (estimate / happened).toFixed(2);
  const shown = result.steps.filter(({ step, result: { workMilliseconds } }) => workMilliseconds > 20 || step.estimate.milliseconds > 20);
  const rest = result.steps.filter((each) => !shown.includes(each));
  const total = (name: string, steps: ApplyResult['steps']) => {
    const sum = (of: (each: ApplyResult['steps'][number]) => number) => steps.reduce((before, each) => before + of(each), 0);
    const [estimated, happened] = [sum(({ step }) => step.estimate.milliseconds), sum((each) => each.result.workMilliseconds)];
    return [
      name,
      `${sum(({ step }) => step.statements.length)}`,
      '',
      '',
      ms(estimated),
      ms(happened),
      ratio(estimated, happened),
      `${sum((each) => each.result.attempts)}`,
      ms(sum((each) => each.result.lockWaitMilliseconds)),
    ];
  };
  console.log(
    table(
      ['step', 'statements', 'rows', 'MB', 'estimated ms', 'happened ms', 'estimated / happened', 'attempts', 'waited for locks ms'],
      [
        ...shown.map(({ step, result: { workMilliseconds, attempts, lockWaitMilliseconds } }) => [
          `${step.migration.replace(/^\d+_/, '')}: ${step.key}`,
          `${step.statements.length}`,
          Math.round(step.tables[0]?.rows ?? 0).toLocaleString('en-US'),
          `${Math.round(step.tables[0]?.megabytes ?? 0)}`,
          ms(step.estimate.milliseconds),
          ms(workMilliseconds),
          ratio(step.estimate.milliseconds, workMilliseconds),
          `${attempts}`,
          ms(lockWaitMilliseconds),
        ]),
        total(`the other ${rest.length} steps`, rest),
        total('all steps', result.steps),
      ],
    ),
  );
}
