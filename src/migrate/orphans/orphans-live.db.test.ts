import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { expect, test } from 'vitest';
import { startBackgroundWriter } from '../../../sample-ehr/index.ts';
import { type TestDatabase } from '../../../test/support/database.ts';
import { apply } from '../../../test/support/migrate.ts';
import { addModuleWithoutKeys, createOrphanHost, nullable } from '../../../test/support/orphans.ts';
import { parseDatabaseUrl, toPgConfig } from '../../base/config.ts';
import { adoptOrphans, listOrphans, listPlaceholders, nullOrphans, quarantineOrphans, undoOrphans } from '../index.ts';

const at = (database: { url: string }) => ({ address: parseDatabaseUrl(database.url) });

/** Writers of the very rows that are worked on: they change other columns, move rows and, before a key is there, write new orphans. */
function startRowWriters(host: TestDatabase, options: { orphansToo: boolean }): { stop(): Promise<{ updates: number; errors: string[] }> } {
  let stopping = false;
  let updates = 0;
  const errors: string[] = [];
  const write = async (sql: string) => {
    await host.query(sql).then(
      () => {
        updates += 1;
      },
      (error: unknown) => errors.push(String((error as { code?: string }).code)),
    );
  };
  const worker = async (index: number) => {
    while (!stopping) {
      await write(
        `UPDATE bills SET "updatedAt" = now(), "totalAmount" = "totalAmount" + 1 WHERE id = (SELECT id FROM bills OFFSET ${(updates * 7 + index) % 300} LIMIT 1)`,
      );
      if (options.orphansToo && updates % 5 === 0 && updates < 60)
        await write(`UPDATE bills SET "patientId" = gen_random_uuid() WHERE id = (SELECT id FROM bills WHERE "patientId" IS NULL LIMIT 1)`);
    }
  };
  const workers = [worker(0), worker(1), worker(2)];
  return {
    stop: async () => {
      stopping = true;
      await Promise.all(workers);
      return { updates, errors };
    },
  };
}

test.each(['adopt', 'null', 'quarantine'] as const)(
  '%s while others update the very rows and write new orphans: none is left, no update of theirs is lost or fails',
  { timeout: 120_000 },
  async (action) => {
    await using host = await createOrphanHost({ orphans: 500, rows: 2_000 });
    await addModuleWithoutKeys(host);
    const before = Number((await host.query<{ sum: string }>('SELECT sum("totalAmount") AS sum FROM bills'))[0]?.sum);
    const writers = startRowWriters(host, { orphansToo: true });
    const work = { adopt: adoptOrphans, null: nullOrphans, quarantine: quarantineOrphans }[action];
    await work({ ...at(host), tables: nullable, batchRows: 10 });
    const { updates, errors } = await writers.stop();
    expect(errors).toEqual([]);
    expect(updates).toBeGreaterThan(10);
    // What was written after the last pass is the next run's; with nobody writing one is enough.
    await work({ ...at(host), tables: nullable });
    expect((await listOrphans({ ...at(host), tables: nullable })).columns.map(({ rows }) => rows)).toEqual([0, 0, 0]);
    const [after] = await host.query<{ sum: string; linked: number }>(`SELECT sum("totalAmount") AS sum, count("patientId")::int AS linked FROM bills`);
    expect(Number(after?.sum) - before).toBeGreaterThan(0);
    if (action === 'adopt') return expect(after?.linked).toBeGreaterThanOrEqual(100);
    // Every id that was taken away is in the journal: the undo brings back as many links as there were rows in it.
    expect(after?.linked).toBe(0);
    const [kept] = await host.query<{ rows: number; keys: number }>(
      `SELECT count(*)::int AS rows, count(DISTINCT ("workId", key))::int AS keys FROM onechart.orphan_rows r JOIN onechart.orphan_work w ON w.id = r."workId" WHERE "tableName" = 'bills'`,
    );
    expect(kept?.rows).toBeGreaterThanOrEqual(100);
    expect(kept?.keys).toBe(kept?.rows);
    await undoOrphans(at(host));
  },
);

test('apply --orphans adopt on an EHR at work: no write fails, and it ends verified', { timeout: 120_000 }, async () => {
  await using host = await createOrphanHost({ orphans: 500, rows: 2_000 });
  const writer = await startBackgroundWriter({ database: { ...toPgConfig(parseDatabaseUrl(host.url)) }, clients: 3, ratePerSecond: 60 });
  const { verification } = await apply(host, { orphans: 'adopt' });
  const report = await writer.stop();
  expect(report.errorCodes).toEqual({});
  expect(report.count).toBeGreaterThan(0);
  expect(verification.ok).toBe(true);
  expect(await listPlaceholders(at(host))).toMatchObject({ waiting: 100 });
});

test('a row that somebody holds locked is passed over and met later; one that stays locked ends in an error that says so, with the rest done', {
  timeout: 60_000,
}, async () => {
  await using host = await createOrphanHost();
  const holder = new pg.Client({ connectionString: host.url });
  await holder.connect();
  await holder.query('BEGIN');
  await holder.query(`UPDATE bills SET "updatedAt" = now() WHERE id = (SELECT id FROM bills WHERE "patientId" IS NOT NULL LIMIT 1)`);
  const options = { ...at(host), tables: ['bills'], patience: { attemptMilliseconds: 40, totalMilliseconds: 300 } };
  await expect(nullOrphans(options)).rejects.toMatchObject({ code: 'ORPHAN_ROWS_LOCKED', kind: 'busy' });
  expect((await listOrphans(options)).columns.map(({ rows }) => rows)).toEqual([1]);
  const waiting = nullOrphans({ ...options, patience: { attemptMilliseconds: 40, totalMilliseconds: 20_000 } });
  while ((await host.query(`SELECT FROM onechart.migration_runs WHERE command = 'orphans null'`)).length < 2) await pause(20);
  await holder.query('COMMIT');
  await holder.end();
  expect((await waiting).columns).toMatchObject([{ done: 1, left: false }]);
  expect((await undoOrphans(at(host))).columns.reduce((sum, { undone }) => sum + undone, 0)).toBe(20);
});
