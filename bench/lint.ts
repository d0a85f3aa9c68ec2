import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, platform, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { lintPath } from '../src/migrate/index.ts';
import { findSquawk } from '../test/support/squawk.ts';
import { table } from './support/load.ts';
import { machineLoad, ms } from './support/machine.ts';

export const describe = 'migrate lint on a folder of many migrations, beside squawk on the same folder (--migrations 1000 --rounds 5)';

/** A migration as Prisma writes them: two tables, an enum, indexes, keys, and a change of an earlier table. */
function migration(number: number): string {
  const earlier = Math.max(0, number - 1);
  return `-- CreateEnum
CREATE TYPE "State${number}" AS ENUM ('OPEN', 'DONE');

-- CreateTable
CREATE TABLE "order_${number}" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "state" "State${number}" NOT NULL DEFAULT 'OPEN',
    "title" VARCHAR(200) NOT NULL,
    "amount" DECIMAL(12,2) NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "order_${number}_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "line_${number}" (
    "id" BIGSERIAL NOT NULL,
    "orderId" UUID NOT NULL,
    "quantity" INTEGER NOT NULL,
    CONSTRAINT "line_${number}_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "line_${number}_orderId_idx" ON "line_${number}"("orderId");

-- AddForeignKey
ALTER TABLE "line_${number}" ADD CONSTRAINT "line_${number}_orderId_fkey" FOREIGN KEY ("orderId") REFERENCES "order_${number}"("id") ON DELETE CASCADE ON UPDATE CASCADE;
${number === 0 ? '' : `\n-- AlterTable\nALTER TABLE "order_${earlier}" ADD COLUMN "remark${number}" TEXT;\n\n-- CreateIndex\nCREATE INDEX "order_${earlier}_createdAt_idx" ON "order_${earlier}"("createdAt");\n`}`;
}

/**
 * Processor time so far, of this process and of the ones it waited for; on a crowded machine it says more than the
 * clock. Children's time is only to be had on Linux.
 */
function processorMilliseconds(): number {
  const { user, system } = process.cpuUsage();
  try {
    const fields = readFileSync('/proc/self/stat', 'utf8').split(') ')[1]?.split(' ') ?? [];
    return (user + system) / 1000 + (Number(fields[13]) + Number(fields[14])) * 10;
  } catch {
    return Number.NaN;
  }
}

const median = (values: readonly number[]) => values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? 0;

export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: { migrations: { type: 'string', default: '1000' }, rounds: { type: 'string', default: '5' } } });
  const number = Number(values.migrations);
  const folder = mkdtempSync(join(tmpdir(), 'onechart-bench-lint-'));
  try {
    const files: string[] = [];
    for (let each = 0; each < number; each++) {
      const path = join(folder, 'migrations', `${20_250_101_000_000 + each}_change`);
      mkdirSync(path, { recursive: true });
      files.push(join(path, 'migration.sql'));
      writeFileSync(files.at(-1) as string, migration(each));
    }
    const core = cpus();
    console.log(`date: ${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC`);
    console.log(
      `machine: ${core[0]?.model.trim() || 'unknown processor'}, ${core.length} cores, ${Math.round(totalmem() / 2 ** 30)} GB memory, ${platform()} ${release()}, load ${machineLoad()}`,
    );
    console.log(`node: ${process.version}`);
    const squawk = findSquawk();
    const times: Record<string, number[]> = {};
    const processor: Record<string, number[]> = {};
    const timed = async (name: string, work: () => unknown) => {
      const start = performance.now();
      const before = processorMilliseconds();
      const result = await work();
      (processor[name] ??= []).push(processorMilliseconds() - before);
      (times[name] ??= []).push(performance.now() - start);
      return result;
    };
    const program = join(import.meta.dirname, '../bin/onechart');
    let findings = 0;
    let statements = 0;
    let theirs = 0;
    for (let round = 0; round < Number(values.rounds); round++) {
      // In turns, so that what else the machine does falls on all alike.
      const report = (await timed('library', () => lintPath(folder))) as Awaited<ReturnType<typeof lintPath>>;
      ({ statements } = report);
      findings = report.findings.length;
      await timed('command', () => spawnSync(process.execPath, [program, 'migrate', 'lint', folder, '--json'], { maxBuffer: 1 << 28 }));
      if (squawk) {
        const told = (await timed('squawk', () =>
          spawnSync(squawk.program, ['--assume-in-transaction', '--pg-version', '18', '--reporter', 'json', ...files], {
            encoding: 'utf8',
            maxBuffer: 1 << 28,
          }),
        )) as { stdout: string };
        theirs = (JSON.parse(told.stdout) as unknown[]).length;
      }
    }
    const row = (name: string, key: string, found: number) => {
      const measured = times[key] ?? [];
      return [name, ms(median(measured)), ms(Math.min(...measured)), ms(median(processor[key] ?? [])), String(found)];
    };
    console.log(`${number} migrations, ${statements} statements; median and best of ${values.rounds} rounds, the first included`);
    console.log(
      table(
        ['', 'median ms', 'best ms', 'processor ms', 'findings'],
        [
          row('lintPath() in a process that runs', 'library', findings),
          row('onechart migrate lint --json, a process of its own', 'command', findings),
          ...(squawk ? [row(`squawk ${squawk.version}, a process of its own`, 'squawk', theirs)] : []),
        ],
      ),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}
