import { expect, test } from 'vitest';
import { inParallel, positionsToKill, runUntil, walkName } from '../../../test/support/cut-off.ts';
import { cloneOf, type TestDatabase, testServer, withClient } from '../../../test/support/database.ts';
import { apply } from '../../../test/support/migrate.ts';
import { addModuleWithoutKeys, createOrphanHost, linksOf, nullable } from '../../../test/support/orphans.ts';
import { parseDatabaseUrl } from '../../base/config.ts';
import { adoptOrphans, listOrphans, listPlaceholders, type MigrateEvent, nullOrphans, quarantineOrphans, undoOrphans, verifyMigration } from '../index.ts';

const every = (await testServer()).version < 18 ? 12 : 8;
const tables = [...nullable];
const at = (database: { url: string }) => ({ address: parseDatabaseUrl(database.url) });

/** The same commands in this process. */
const again: Readonly<Record<string, (host: TestDatabase) => Promise<unknown>>> = {
  'apply-adopting': (host) => apply(host, { orphans: 'adopt' }),
  adopt: (host) => adoptOrphans({ ...at(host), tables, batchRows: 20 }),
  quarantine: (host) => quarantineOrphans({ ...at(host), tables, batchRows: 20 }),
  null: (host) => nullOrphans({ ...at(host), tables, batchRows: 20 }),
  undo: (host) => undoOrphans({ ...at(host), batchRows: 20 }),
};

/** Runs the command to its end to learn its events, then kills it at each of them and looks at what the same command makes of it. */
async function walk(
  command: string,
  {
    prepare,
    finish,
    chosen = () => true,
  }: { prepare: () => Promise<TestDatabase>; finish: (host: TestDatabase) => Promise<unknown>; chosen?: (event: string, at: number) => boolean },
): Promise<{ expected: unknown; outcomes: unknown[]; events: string[] }> {
  await using prepared = await prepare();
  await using whole = await cloneOf(prepared);
  const run = await runUntil(whole.url, { nth: 0, command, argument: tables.join() });
  expect(run.errors).toBe('');
  const events = run.output.trim().split('\n');
  const expected = await finish(whole);
  const positions = positionsToKill(events, every).filter(({ event }, index) => chosen(event, index));
  const outcomes = await inParallel(positions, 3, async ({ event, nth }) => {
    await using host = await cloneOf(prepared);
    const { signal, errors } = await runUntil(host.url, { nth, command, later: nth % 4, argument: tables.join() });
    // What was finished before the kill leaves nothing to do, and for undo nothing to undo.
    const settled = await again[command]?.(host).then(
      () => '',
      (error: unknown) => ((error as { code?: string }).code === 'ORPHAN_WORK_MISSING' ? '' : String(error)),
    );
    return { event, signal, errors, settled, result: await finish(host).catch(String) };
  });
  return { expected, outcomes, events };
}

function allLike(outcomes: readonly unknown[], result: unknown): void {
  expect(outcomes).toEqual(outcomes.map((each) => ({ event: (each as { event: string }).event, signal: 'SIGKILL', errors: '', settled: '', result })));
}

/** Each row is in the journal once, with the id it had. */
const journalled = (host: TestDatabase) =>
  host.query(
    `SELECT w."tableName" AS table, r.key, r."orphanId" AS id, r.row->>'id' AS copy FROM onechart.orphan_rows r JOIN onechart.orphan_work w ON w.id = r."workId" ORDER BY 1, 2::text`,
  );

test.each(['null', 'quarantine'] as const)(
  `%s, killed at ${walkName(every)}: the same command finishes the job, each row is kept once, undo puts all back`,
  { timeout: 600_000 },
  async (command) => {
    const links = await (async () => {
      await using host = await createOrphanHost({ orphans: 150 });
      return await linksOf(host);
    })();
    const { expected, outcomes, events } = await walk(command, {
      prepare: () => createOrphanHost({ orphans: 150 }),
      finish: async (host) => {
        const left = (await listOrphans({ ...at(host), tables })).columns.map(({ rows }) => rows);
        const kept = await journalled(host);
        await undoOrphans(at(host));
        return { left, kept, same: JSON.stringify(await linksOf(host)) === JSON.stringify(links) };
      },
    });
    expect(events.length).toBeGreaterThanOrEqual(13);
    expect(expected).toMatchObject({ left: [0, 0, 0], kept: { length: 90 }, same: true });
    allLike(outcomes, expected);
  },
);

test(`adopt, killed at ${walkName(every)}: the same command finishes the job, each id has one patient that waits once`, { timeout: 600_000 }, async () => {
  const { expected, outcomes } = await walk('adopt', {
    prepare: async () => {
      const host = await createOrphanHost({ orphans: 250 });
      await addModuleWithoutKeys(host);
      return host;
    },
    finish: async (host) => {
      const left = (await listOrphans({ ...at(host), tables })).columns.map(({ rows }) => rows);
      const { waiting } = await listPlaceholders(at(host));
      const [counts] = await host.query(`SELECT count(*)::int AS patients, (SELECT count(*)::int FROM onechart.orphan_patients) AS journalled FROM patients`);
      return { left, waiting, counts };
    },
  });
  expect(expected).toEqual({ left: [0, 0, 0], waiting: 50, counts: { patients: 50, journalled: 50 } });
  allLike(outcomes, expected);
});

test.each(['adopt', 'null'] as const)(`undo of %s, killed at ${walkName(every)}: the same command finishes the job`, { timeout: 600_000 }, async (action) => {
  const links = await (async () => {
    await using host = await createOrphanHost({ orphans: 250 });
    return await linksOf(host);
  })();
  const { expected, outcomes } = await walk('undo', {
    prepare: async () => {
      const host = await createOrphanHost({ orphans: 250 });
      await addModuleWithoutKeys(host);
      await (action === 'adopt' ? adoptOrphans : nullOrphans)({ ...at(host), tables });
      return host;
    },
    finish: async (host) => {
      const [counts] = await host.query(`SELECT (SELECT count(*)::int FROM patients) AS patients, (SELECT count(*)::int FROM patient_placeholders) AS waiting`);
      return { counts, same: JSON.stringify(await linksOf(host)) === JSON.stringify(links) };
    },
  });
  expect(expected).toEqual({ counts: { patients: 0, waiting: 0 }, same: true });
  allLike(outcomes, expected);
});

test(`apply --orphans adopt, killed at ${walkName(every)} of those about orphans, and a third of the others: the same command finishes the job, and verify agrees`, {
  timeout: 900_000,
}, async () => {
  const { expected, outcomes, events } = await walk('apply-adopting', {
    prepare: () => createOrphanHost(),
    // The crash walk of apply has all the others.
    chosen: (event, index) => /orphan|adopt|queue/.test(event) || index % 3 === 0,
    finish: async (host) => {
      const { ok } = await verifyMigration(at(host));
      const { waiting } = await listPlaceholders(at(host));
      return { ok, waiting, links: (await linksOf(host)).bills?.filter((id) => id !== null).length };
    },
  });
  expect(events).toContain('step-finished adopt surgical_cases.patientId 1');
  expect(events).toContain('step-finished queue placeholders 1');
  expect(expected).toEqual({ ok: true, waiting: 20, links: 20 });
  allLike(outcomes, expected);
});

test.each(['adopt', 'quarantine', 'null', 'undo'] as const)(
  'the server process ends in the middle of %s: an error in words, and the same command goes on',
  async (command) => {
    await using host = await createOrphanHost();
    await addModuleWithoutKeys(host);
    const links = await linksOf(host);
    if (command === 'undo') await nullOrphans({ ...at(host), tables });
    let steps = 0;
    const onEvent = async (event: MigrateEvent) => {
      if (event.type !== 'step-started') return;
      steps += 1;
      if (steps !== 2) return;
      await withClient(host.url, (client) =>
        client.query(
          `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'onechart migrate' AND pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = 1013202601)`,
        ),
      );
    };
    const work = { adopt: adoptOrphans, quarantine: quarantineOrphans, null: nullOrphans, undo: undoOrphans }[command];
    await expect(work({ ...at(host), batchRows: 8, onEvent, ...(command === 'undo' ? {} : { tables }) })).rejects.toMatchObject({
      code: 'DATABASE_CONNECTION_LOST',
      kind: 'resumable',
    });
    await work({ ...at(host), ...(command === 'undo' ? {} : { tables }) });
    if (command === 'undo') return expect(await linksOf(host)).toEqual(links);
    expect((await listOrphans({ ...at(host), tables })).columns.map(({ rows }) => rows)).toEqual([0, 0, 0]);
    if (command !== 'adopt') return expect((await journalled(host)).length).toBe(60);
    expect((await apply(host, { orphans: 'adopt' })).verification.ok).toBe(true);
  },
);
