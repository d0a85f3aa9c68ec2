import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createSampleEhr } from '../sample-ehr/index.ts';
import { type DatabaseAddress, toPgConfig } from '../src/base/config.ts';
import { AppError } from '../src/base/errors.ts';
import { applyMigration } from '../src/migrate/index.ts';
import { openBenchServer, openClient } from './support/ehr-server.ts';
import { startLongTransactions } from './support/live-writer.ts';
import { table } from './support/load.ts';
import { describeMachine, machineLoad, ms } from './support/machine.ts';

export const describe =
  'how long one attempt at a lock may queue, against writers whose transactions stay open for 30 to 80 ms (--attempts 10,40,200,1000 --clients 4 --long 0 --repeat 3 --patience 60)';

/** Migrates the same small EHR again and again, each time with another patience. */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      attempts: { type: 'string', default: '10,40,200,1000' },
      clients: { type: 'string', default: '4' },
      long: { type: 'string', default: '0' },
      repeat: { type: 'string', default: '3' },
      patience: { type: 'string', default: '60' },
      server: { type: 'string' },
    },
  });
  await using server = await openBenchServer(values.server);
  const template = await server.createDatabase('onechart_bench_locks_template');
  const client = await openClient(template);
  try {
    console.log(`command: npm run bench -- lock-attempts ${args.join(' ')}`);
    console.log((await describeMachine(client)).join('\n'));
    await createSampleEhr(client, { rows: 20_000 });
  } finally {
    await client.end();
  }
  const writersOn = (address: DatabaseAddress) =>
    startLongTransactions({
      database: { ...toPgConfig(address) },
      clients: Number(values.clients),
      openMilliseconds: [30, 80],
      longMilliseconds: Number(values.long),
      pauseMilliseconds: [0, 100],
    });

  const rows: string[][] = [];
  const alone = await server.createDatabase('onechart_bench_locks', 'onechart_bench_locks_template');
  const quiet = await writersOn(alone);
  await wait(5000);
  const calm = await quiet.stop();
  rows.push(['writers alone', '', '', ms(calm.longestWrite), ms(calm.p99), String(calm.over100), ms(calm.ownDelayMax), machineLoad()]);
  for (const attempt of values.attempts.split(',').map(Number)) {
    for (let time = 0; time < Number(values.repeat); time += 1) {
      const address = await server.createDatabase('onechart_bench_locks', 'onechart_bench_locks_template');
      const writers = await writersOn(address);
      let tries = 0;
      const begun = performance.now();
      const outcome = await applyMigration({
        address,
        noBackup: true,
        patience: { attemptMilliseconds: attempt, totalMilliseconds: Number(values.patience) * 1000 },
        onEvent: (event) => {
          if (event.type === 'step-retried') tries += 1;
        },
      }).then(
        () => ms(performance.now() - begun),
        (error: unknown) => {
          if (error instanceof AppError && error.code === 'LOCK_NOT_OBTAINED') return `gave up after ${ms(performance.now() - begun)}`;
          throw error;
        },
      );
      const report = await writers.stop();
      rows.push([
        `${attempt} ms`,
        outcome,
        String(tries),
        ms(report.longestWrite),
        ms(report.p99),
        String(report.over100),
        ms(report.ownDelayMax),
        machineLoad(),
      ]);
    }
  }
  console.log(
    `\n${table(['one attempt', 'migration ms', 'attempts in vain', 'longest write ms', 'p99 ms', 'writes over 100 ms', "writers' own delay max ms", 'load'], rows)}`,
  );
}
