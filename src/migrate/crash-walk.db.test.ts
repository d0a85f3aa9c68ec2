import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { expect, test } from 'vitest';
import { type TestDatabase, testServer, withClient } from '../../test/support/database.ts';
import { cutOffScript, inParallel, positionsToKill, runUntil, walkName } from '../../test/support/cut-off.ts';
import { apply, catalogueOf, createHost, filesFor, moduleHistory, plainCatalogue } from '../../test/support/migrate.ts';
import { parseDatabaseUrl } from '../base/config.ts';
import { type MigrateEvent, migrationStatus } from './index.ts';

const every = (await testServer()).version < 18 ? 16 : 8;

test(`killed at ${walkName(every)}, the migration goes on to the same end`, { timeout: 600_000 }, async () => {
  const plain = await plainCatalogue();
  await using whole = await createHost();
  const files = (await filesFor(whole)).map(({ name, checksum }) => ({ name, checksum, finished: true, rolledBack: false, steps: 1 }));
  const run = await runUntil(whole.url, { nth: 0 });
  expect(run.errors).toBe('');
  const events = run.output.trim().split('\n');
  expect(events.length).toBeGreaterThan(60);
  expect(events.filter((name) => name.startsWith('step-started')).length).toBe(events.filter((name) => name.startsWith('step-finished')).length);

  const positions = positionsToKill(events, every);
  const outcomes = await inParallel(positions, 3, async ({ event, nth }) => {
    await using host = await createHost();
    // A step that has started is cut off after 0 to 3 ms, when its statement is with the server; everything else at once.
    const { signal, errors } = await runUntil(host.url, { nth, later: nth % 4 });
    const open = (await moduleHistory(host)).filter(({ finished }) => !finished).length;
    const { verification } = await apply(host);
    const same = await sameAs(plain, host);
    return {
      event,
      signal,
      errors,
      openAtMostOne: open <= 1,
      ok: verification.ok,
      differs: same,
      history: await moduleHistory(host),
    };
  });
  expect(outcomes).toEqual(
    positions.map(({ event }) => ({ event, signal: 'SIGKILL', errors: '', openAtMostOne: true, ok: true, differs: [], history: files })),
  );
});

/** The kinds of objects in which a database differs from the picture. */
async function sameAs(plain: Awaited<ReturnType<typeof catalogueOf>>, host: TestDatabase): Promise<string[]> {
  const made = await catalogueOf(host);
  const text = (map: ReadonlyMap<string, unknown>) => JSON.stringify([...map].sort(([a], [b]) => (a < b ? -1 : 1)));
  return (Object.keys(plain) as (keyof typeof plain)[]).filter((kind) => text(plain[kind]) !== text(made[kind]));
}

/** Waits until a question has the answer yes; the test's own timeout ends it. */
async function until(host: TestDatabase, sql: string): Promise<void> {
  for (;;) {
    const [answer] = await host.query<{ yes: boolean }>(`SELECT (${sql}) AS yes`);
    if (answer?.yes) return;
    await pause(20);
  }
}

const engineBackends = `FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'onechart migrate'`;
const buildWaits = `SELECT EXISTS (SELECT ${engineBackends} AND query LIKE 'CREATE INDEX CONCURRENTLY%' AND wait_event_type = 'Lock')`;

/** A transaction that has written to a table and stays open: a concurrent index build waits for it. */
async function openWriter(host: TestDatabase, table: string): Promise<{ end(): Promise<void> }> {
  const client = new pg.Client({ connectionString: host.url });
  // One test has the server end this connection.
  client.on('error', () => undefined);
  await client.connect();
  await client.query('BEGIN');
  await client.query(`UPDATE ${table} SET "updatedAt" = now() WHERE id = (SELECT id FROM ${table} LIMIT 1)`);
  return {
    end: async () => {
      await client.query('ROLLBACK');
      await client.end();
    },
  };
}

/** Applies to a host and calls `during` while the index on bills is being built and waits for an open writer. */
async function whileIndexIsBuilt(host: TestDatabase, during: () => Promise<void>): Promise<{ error: unknown; stop(): Promise<void> }> {
  let writer: Awaited<ReturnType<typeof openWriter>> | undefined;
  let disturbance: Promise<void> | undefined;
  const onEvent = async (event: MigrateEvent) => {
    if (event.type !== 'step-started' || event.step.key !== 'index bills_patientId_idx') return;
    writer = await openWriter(host, 'bills');
    disturbance = until(host, buildWaits).then(during);
  };
  const error = await apply(host, { onEvent }).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  await disturbance;
  return { error, stop: async () => writer?.end() };
}

test('the server process ends in the middle of CREATE INDEX CONCURRENTLY: the INVALID index is dropped and built anew', async () => {
  await using host = await createHost();
  const { error, stop } = await whileIndexIsBuilt(host, async () => {
    await host.query(`SELECT pg_terminate_backend(pid) ${engineBackends} AND query LIKE 'CREATE INDEX CONCURRENTLY%'`);
  });
  await stop();
  expect(error).toMatchObject({ kind: 'resumable', code: 'DATABASE_CONNECTION_LOST' });
  expect(await host.query(`SELECT indisvalid FROM pg_index WHERE indexrelid = '"bills_patientId_idx"'::regclass`)).toEqual([{ indisvalid: false }]);
  const { migrations } = await migrationStatus({ address: parseDatabaseUrl(host.url) });
  expect(
    migrations
      .flatMap(({ statements }) => statements)
      .filter(({ object }) => object.state === 'invalid')
      .map(({ effect }) => effect.name),
  ).toEqual(['bills_patientId_idx']);
  const { steps, verification } = await apply(host);
  expect(steps.slice(0, 2).map(({ step }) => step.key)).toEqual(['drop invalid bills_patientId_idx', 'index bills_patientId_idx']);
  expect(verification.ok).toBe(true);
  expect(await sameAs(await plainCatalogue(), host)).toEqual([]);
});

test('the connection that guards the migration ends in the middle of an index build: an error in words, no crash, and it goes on', async () => {
  await using host = await createHost();
  const { error, stop } = await whileIndexIsBuilt(host, async () => {
    await host.query(
      `SELECT pg_terminate_backend(pid) ${engineBackends} AND pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = 72707369)`,
    );
    await until(
      host,
      `SELECT NOT EXISTS (SELECT FROM pg_locks l WHERE locktype = 'advisory' AND objid = 72707369 AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))`,
    );
    // Longer than the guard's watch sleeps between two looks.
    await pause(200);
    await host.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'`);
  });
  await stop().catch(() => undefined);
  expect(error).toMatchObject({ kind: 'resumable', code: 'DATABASE_CONNECTION_LOST' });
  expect((await apply(host)).verification.ok).toBe(true);
  expect(await sameAs(await plainCatalogue(), host)).toEqual([]);
});

test('the connection that guards the migration ends between two steps: nothing more is begun without it', async () => {
  await using host = await createHost();
  let at = 0;
  const onEvent = async (event: MigrateEvent) => {
    if (event.type !== 'step-started' || event.number !== 3) return;
    at = event.number;
    await host.query(
      `SELECT pg_terminate_backend(pid, 5000) ${engineBackends} AND pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = 72707369)`,
    );
    // The news has to reach this process.
    await pause(100);
  };
  await expect(apply(host, { onEvent })).rejects.toMatchObject({ kind: 'resumable', code: 'MIGRATION_LOCK_LOST' });
  expect(at).toBe(3);
  expect(await host.query('SELECT count(*)::int AS steps FROM onechart.migration_steps')).toEqual([{ steps: 2 }]);
  expect((await apply(host)).verification.ok).toBe(true);
  expect(await sameAs(await plainCatalogue(), host)).toEqual([]);
});

test('kill -9 while the server still builds an index: the next run waits until the server has let go, then builds it anew', async () => {
  await using host = await createHost();
  // An old snapshot: every concurrent index build waits for its end, and nothing else does.
  const reader = new pg.Client({ connectionString: host.url });
  await reader.connect();
  await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
  await reader.query('SELECT count(*) FROM users');

  const child = spawn(process.execPath, [cutOffScript, host.url, '0'], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  await until(host, buildWaits);
  const [builder] = await host.query<{ pid: number }>(`SELECT pid ${engineBackends} AND query LIKE 'CREATE INDEX CONCURRENTLY%'`);
  child.kill('SIGKILL');
  expect(await ended).toEqual([null, 'SIGKILL']);

  const resumed = apply(host);
  await until(host, `SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = ${builder?.pid})`);
  await reader.query('ROLLBACK');
  await reader.end();
  const { verification, steps } = await resumed;
  expect(steps.map(({ step }) => step.key).slice(0, 2)).toEqual(['drop invalid medical_records_patientId_idx', 'index medical_records_patientId_idx']);
  expect(verification.ok).toBe(true);
  expect(await sameAs(await plainCatalogue(), host)).toEqual([]);
});

test.each(['structure', 'add-constraint', 'validate', 'index', 'comments', 'script'] as const)(
  'the server process ends as a step of kind %s begins: it goes on from there',
  async (kind) => {
    await using host = await createHost();
    let hit = '';
    const onEvent = async (event: MigrateEvent) => {
      if (hit !== '' || event.type !== 'step-started' || event.step.kind !== kind) return;
      hit = event.step.key;
      await withClient(host.url, (client) =>
        client.query(
          `SELECT pg_terminate_backend(pid, 5000) ${engineBackends} AND pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = 1013202601)`,
        ),
      );
    };
    await expect(apply(host, { onEvent })).rejects.toMatchObject({ kind: 'resumable', code: 'DATABASE_CONNECTION_LOST' });
    const { steps, verification } = await apply(host);
    expect(steps[0]?.step.key).toBe(hit);
    expect(verification.ok).toBe(true);
    expect((await moduleHistory(host)).every(({ finished, rolledBack }) => finished && !rolledBack)).toBe(true);
  },
);
