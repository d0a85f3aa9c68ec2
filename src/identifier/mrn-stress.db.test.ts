import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { createDatabase } from '../../test/support/database.ts';
import type { RegistrarCommand, RegistrarReport } from '../../test/support/mrn-registrars.ts';
import { kyselyOnPool } from '../db/connect.ts';
import { changeMrnFormat, createMrnIssuer, reportMrns } from './mrn.service.ts';
import { defaultMrnFormat, parseMrn } from './mrn-format.ts';

const format = { ...defaultMrnFormat, timeZone: 'Africa/Nairobi' };
// Nairobi is three hours ahead of UTC: the facility's year ends at 21:00.
const beforeMidnight = '2026-12-31T20:59:59.500Z';
const afterMidnight = '2026-12-31T21:00:00.500Z';
const existing = 99_800;

interface Desk {
  readonly process: ChildProcess;
  readonly pid: number;
  readonly ended: Promise<unknown[]>;
}

/**
 * Four processes of eight registrars each, on a counter near 100,000 in the last second of the facility's year.
 * Three are killed with -9 and replaced, the year turns under them, then all stop in order.
 */
test('32 registrars in several processes, kill -9 and the turn of the year: none twice, none lost, every gap explained', { timeout: 120_000 }, async () => {
  await using database = await createDatabase({ template: 'migrated' });
  const pool = database.pool();
  const db = kyselyOnPool(pool);
  await changeMrnFormat(db, { format });
  const founder = createMrnIssuer({ instance: 'founder' });
  await database.query(`INSERT INTO patients (mrn, "lastName") VALUES ($1, 'Brought along')`, [`MRN-2026-${existing}`]);
  await founder.recordExistingMrn({ db, pool }, `MRN-2026-${existing}`);
  await founder.close();

  const registered = new Set<string>();
  const abandonedBy = new Map<number, string[]>();
  const twice: string[] = [];
  const arrivals = new EventTarget();
  const started = new Map<number, Desk>();
  const killed = new Set<number>();
  const script = new URL('../../test/support/mrn-registrars.ts', import.meta.url).pathname;

  function openDesk(at: string): Desk {
    const child = fork(script, [database.url, '8', at], { execArgv: [], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const pid = child.pid as number;
    child.on('message', (report: RegistrarReport) => {
      if ('abandoned' in report) abandonedBy.set(pid, [...(abandonedBy.get(pid) ?? []), report.abandoned]);
      else {
        if (registered.has(report.registered)) twice.push(report.registered);
        registered.add(report.registered);
      }
      arrivals.dispatchEvent(new Event('report'));
    });
    const desk = { process: child, pid, ended: once(child, 'exit') };
    started.set(pid, desk);
    return desk;
  }
  async function kill(desk: Desk): Promise<void> {
    killed.add(desk.pid);
    desk.process.kill('SIGKILL');
    await desk.ended;
  }
  const tell = (desk: Desk, command: RegistrarCommand) => desk.process.send(command);
  async function until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      const dead = [...started.values()].find((desk) => desk.process.exitCode !== null && desk.process.exitCode !== 0);
      if (dead) throw new Error(`A process of registrars ended by itself with exit code ${dead.process.exitCode}.`);
      await Promise.race([once(arrivals, 'report'), ...[...started.values()].filter((desk) => !killed.has(desk.pid)).map((desk) => desk.ended)]);
    }
  }

  try {
    const [first, second, third, fourth] = [openDesk(beforeMidnight), openDesk(beforeMidnight), openDesk(beforeMidnight), openDesk(beforeMidnight)];
    await until(() => registered.size >= 200);
    await kill(first);
    await kill(second);
    const [fifth, sixth] = [openDesk(beforeMidnight), openDesk(beforeMidnight)];
    // Any number past it: a single one may have been abandoned, or burnt by a kill.
    await until(() => [...registered].some((mrn) => (parseMrn(format, mrn)?.number ?? 0) > 100_050));
    // One desk stays in the old year a little longer, as clocks differ.
    for (const desk of [third, fifth, sixth]) tell(desk, { clock: afterMidnight });
    await until(() => [...registered].filter((mrn) => mrn.startsWith('MRN-2027-')).length >= 200);
    tell(fourth, { clock: afterMidnight });
    await kill(fifth);
    const seventh = openDesk(afterMidnight);
    const before = registered.size;
    await until(() => registered.size >= before + 300);
    for (const desk of [third, fourth, sixth, seventh]) tell(desk, 'stop');
    for (const desk of [third, fourth, sixth, seventh]) expect(await desk.ended).toEqual([0, null]);
  } finally {
    for (const desk of started.values()) desk.process.kill('SIGKILL');
  }

  expect(twice).toEqual([]);
  const patients = (await database.query<{ mrn: string }>('SELECT mrn FROM patients')).map((row) => row.mrn);
  expect(new Set(patients).size).toBe(patients.length);
  expect([...registered].filter((mrn) => !patients.includes(mrn))).toEqual([]);
  expect(patients.some((mrn) => /^MRN-2026-1\d{5}$/.test(mrn))).toBe(true);

  let inUse = 0;
  for (const year of [2026, 2027]) {
    // The leases of the killed processes run out three seconds after they were taken.
    await expect.poll(async () => (await reportMrns(db, { year })).reserved, { timeout: 10_000, interval: 100 }).toBe(0);
    const report = await reportMrns(db, { year });
    expect(report.inUse + report.retired + report.reserved + report.returned + report.burnt).toBe(report.counter);
    expect(report).toMatchObject({ unexplained: 0, aheadOfCounter: 0, retired: 0 });
    inUse += report.inUse;

    const used = new Set(patients.map((mrn) => parseMrn(format, mrn)).flatMap((parts) => (parts?.year === year ? [parts.number] : [])));
    for (const range of report.burntRanges) {
      for (let number = range.first; number <= range.last; number += 1) expect(used.has(number)).toBe(false);
      if (range.reason === 'counter-raised') expect(range).toMatchObject({ first: 1, last: existing - 1, instance: 'founder' });
      else if (!killed.has(range.processId)) {
        // A process that ended in order has only those gaps that its callers made.
        const abandoned = new Set(abandonedBy.get(range.processId));
        for (let number = range.first; number <= range.last; number += 1)
          expect([...abandoned].map((mrn) => parseMrn(format, mrn))).toContainEqual({ year, number });
      }
    }
    // Three kills burn at most what three processes had leased: two leases of 16 per year, one half used, and what was under way.
    const lost = report.burntRanges.filter((range) => killed.has(range.processId)).reduce((sum, range) => sum + range.last - range.first + 1, 0);
    expect(lost).toBeLessThan(3 * 64);
  }
  expect(inUse).toBe(patients.length);
});
