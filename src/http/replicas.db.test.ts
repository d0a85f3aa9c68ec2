import type { FastifyInstance } from 'fastify';
import { CompiledQuery, Kysely, PostgresDialect } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { testPrincipal } from '../../test/support/http.ts';
import { type StreamingPair, startStreamingPair } from '../../test/support/standby.ts';
import type { Role } from '../access/access.schema.ts';
import { parseDatabaseUrl } from '../base/config.ts';
import { fallingBack } from '../db/fallback.ts';
import { openSnapshot } from '../db/snapshot.ts';
import type { ReplicaState } from '../db/replicas.ts';
import { openServerRegistry, type ServerRegistry } from './registry.ts';
import { createServer } from './server.ts';

// Two processes of one server beside a primary and a standby that streams from it.

interface Process {
  readonly server: FastifyInstance;
  readonly registry: ServerRegistry;
}

let pair: StreamingPair;
let first: Process;
let second: Process;

function open(replicaUrls: readonly string[]): Process {
  const registry = openServerRegistry(parseDatabaseUrl(pair.primaryUrl), {
    maxConnections: 4,
    replicas: { replicas: replicaUrls.map((url) => parseDatabaseUrl(url)), waitMilliseconds: 200, pollMilliseconds: 20, maxLagSeconds: 30 },
  });
  const server = createServer({
    assertReady: async () => undefined,
    registry,
    replicaHealth: () => registry.replicas?.figures().replicas.map(({ name, state, lagSeconds }) => ({ replica: name, state, lagSeconds: lagSeconds ?? null })),
    authenticate: async ({ headers }) => testPrincipal(String(headers['x-test-role']) as Role),
  });
  server.addHook('onClose', () => registry.close());
  return { server, registry };
}

beforeAll(async () => {
  pair = await startStreamingPair();
  first = open([pair.standbyUrl]);
  second = open([pair.standbyUrl]);
});
afterAll(async () => {
  await Promise.all([first, second].map((each) => each?.server.close()));
  await pair?.[Symbol.asyncDispose]();
});
const stateOf = ({ registry }: Process): ReplicaState | undefined => registry.replicas?.figures().replicas[0]?.state;
const readsOf = ({ registry }: Process): number => registry.replicas?.figures().replicas[0]?.reads ?? 0;
beforeEach(async () => {
  for (const each of [first, second]) await expect.poll(() => stateOf(each), { timeout: 10_000 }).toBe('in-use');
});
afterEach(async () => {
  await pair.standby.query('select pg_wal_replay_resume() where pg_is_in_recovery()').catch(() => undefined);
});

let number = 0;
/** A name that nobody has yet. */
const newName = (): string => `Replica${String.fromCodePoint(97 + (number += 1))}`;

async function register({ server }: Process, role: Role, lastName: string): Promise<{ id: string; mark: string }> {
  const body = { firstName: 'Test', lastName, dateOfBirth: '1980-05-06', gender: 'FEMALE' };
  const { statusCode, headers, json } = await server.inject({ method: 'POST', url: '/api/v1/patients', headers: { 'x-test-role': role }, body });
  expect(statusCode).toBe(201);
  return { id: json().id, mark: String(headers['onechart-position']) };
}

async function search(
  { server }: Process,
  role: Role,
  { lastName, mark }: { lastName: string; mark?: string },
): Promise<{ found: number; mark: string | undefined }> {
  const { statusCode, headers, json } = await server.inject({
    method: 'POST',
    url: '/api/v1/patients/search',
    headers: { 'x-test-role': role, ...(mark === undefined ? {} : { 'onechart-position': mark }) },
    body: { lastName },
  });
  expect(statusCode).toBe(200);
  const given = headers['onechart-position'];
  return { found: json().items.length, mark: typeof given === 'string' ? given : undefined };
}

async function pauseReplay(): Promise<void> {
  await pair.standby.query('select pg_wal_replay_pause()');
  await expect.poll(async () => (await pair.standby.query('select pg_get_wal_replay_pause_state() as state')).rows[0]?.state).toBe('paused');
}

test('a search is answered by the replica, its audit row is on the primary before the answer leaves', async () => {
  const lastName = newName();
  const { mark } = await register(first, 'FRONT_DESK', lastName);
  expect(mark).toMatch(/^w\./);
  const before = readsOf(first);
  const answer = await search(first, 'FRONT_DESK', { lastName });
  expect(answer.found).toBe(1);
  expect(answer.mark).toMatch(/^p\./);
  expect(readsOf(first)).toBe(before + 1);
  const { rows } = await pair.primary.query(`select count(*)::int as count from patient_audit_events where "action" = 'patient.searched'`);
  expect(rows[0].count).toBeGreaterThanOrEqual(1);
});

test('replay stands still: whoever wrote sees it, from any process that gets the mark; others read the replica as it was', async () => {
  await pauseReplay();
  const lastName = newName();
  const { mark } = await register(first, 'FRONT_DESK', lastName);
  const before = readsOf(first);
  expect(await search(first, 'FRONT_DESK', { lastName })).toEqual({ found: 1, mark: undefined });
  expect(await search(second, 'NURSE', { lastName, mark })).toEqual({ found: 1, mark: undefined });
  expect(readsOf(first)).toBe(before);
  // Nobody has told the second process, and another caller has written nothing.
  expect((await search(second, 'DOCTOR', { lastName })).found).toBe(0);
  expect((await search(first, 'DOCTOR', { lastName })).found).toBe(0);
  expect(readsOf(first)).toBe(before + 1);
  const { lagBytes, lagSeconds, state } = first.registry.replicas?.figures().replicas[0] ?? {};
  expect([lagBytes, lagSeconds].map((lag) => (lag ?? 0) > 0)).toEqual([true, true]);
  expect(state).toBe('in-use');
  expect(first.registry.replicas?.figures().primaryReads.behind).toBeGreaterThanOrEqual(1);

  await pair.standby.query('select pg_wal_replay_resume()');
  await expect.poll(async () => (await search(first, 'DOCTOR', { lastName })).found).toBe(1);
  // A later answer is never behind an earlier one, nor is that of another process that is shown its mark.
  const seen = await search(first, 'FRONT_DESK', { lastName });
  expect(seen.mark).toMatch(/^p\./);
  expect((await search(second, 'HIM', { lastName, mark: seen.mark as string })).found).toBe(1);
});

test('marks that nobody has made do no harm', async () => {
  const lastName = newName();
  await register(first, 'FRONT_DESK', lastName);
  for (const mark of ['p.ffffffffffffffff', 'w.00000000-0000-4000-8000-000000000000', 'x', '', 'p.', `p.${'9'.repeat(40)}`])
    expect((await search(first, 'FRONT_DESK', { lastName, mark })).found, mark).toBe(1);
});

test('a chart that was restricted a moment ago is not shown by a replica that does not know yet', async () => {
  const lastName = newName();
  const { id } = await register(first, 'FRONT_DESK', lastName);
  await expect.poll(async () => (await search(second, 'NURSE', { lastName })).found).toBe(1);
  await pauseReplay();
  await pair.primary.query(`update patients set restricted = true, "restrictedAt" = now(), "restrictedReason" = 'test' where id = $1`, [id]);
  const { json } = await second.server.inject({
    method: 'POST',
    url: '/api/v1/patients/search',
    headers: { 'x-test-role': 'NURSE' },
    body: { lastName },
  });
  expect(JSON.stringify(json())).not.toContain('Test');
  expect(json().items).toEqual([expect.objectContaining({ id, masked: true })]);
});

test('what the standby ends because it stands in the way of the replay is answered by the primary', async () => {
  const lastName = newName();
  await register(first, 'FRONT_DESK', lastName);
  const waiting = first.registry.replicas?.placeFor('conflict');
  const db = (await waiting)?.db;
  if (!db) throw new Error('the replica is not read from');
  const failures = first.registry.replicas?.figures().replicas[0]?.failures ?? 0;
  // The lock of a TRUNCATE is replayed, and reaches the sleeping read.
  await pair.primary.query('create table in_the_way (id int)');
  await expect.poll(async () => (await pair.standby.query(`select to_regclass('in_the_way') is not null as there`)).rows[0]?.there).toBe(true);
  const reading = db.executeQuery<{ place: boolean }>(
    CompiledQuery.raw(
      `select pg_is_in_recovery() as place from (select pg_sleep(case when pg_is_in_recovery() then 20 else 0 end)) as slept left join in_the_way on true`,
    ),
  );
  await expect
    .poll(async () => (await pair.standby.query(`select 1 from pg_stat_activity where query like '%in_the_way%' and wait_event = 'PgSleep'`)).rowCount)
    .toBe(1);
  await pair.primary.query('truncate in_the_way');
  expect((await reading).rows).toEqual([{ place: false }]);
  expect(first.registry.replicas?.figures().replicas[0]?.failures).toBe(failures + 1);
});

test('what holds one state of the database holds it on the replica, and on the primary where there is none to be had', async () => {
  const lastName = newName();
  await register(first, 'FRONT_DESK', lastName);
  const place = await first.registry.replicas?.placeFor('snapshot');
  if (!place?.db) throw new Error('the replica is not read from');
  const laggingDb = place.db;
  const ctx = { ...first.registry.base, actor: { kind: 'system' }, laggingDb } as const;
  const where = () => CompiledQuery.raw('select pg_is_in_recovery() as standby, (select count(*)::int from patients) as patients');
  const held = await openSnapshot(ctx);
  const before = (await held.db.executeQuery<{ standby: boolean; patients: number }>(where())).rows[0];
  expect(before?.standby).toBe(true);
  await register(first, 'FRONT_DESK', newName());
  await expect
    .poll(async () => (await pair.standby.query('select count(*)::int as patients from patients')).rows[0].patients)
    .toBeGreaterThan(before?.patients ?? 0);
  expect((await held.db.executeQuery(where())).rows[0]).toEqual(before);
  await held.close();
  const none = fallingBack({ db: new Kysely({ dialect: unreachable }), began() {}, ended() {}, failed() {} }, first.registry.base.db);
  const other = await openSnapshot({ ...ctx, laggingDb: none });
  expect((await other.db.executeQuery<{ standby: boolean }>(where())).rows[0]?.standby).toBe(false);
  await other.close();
});

/** A server that nobody reaches. */
const unreachable = new PostgresDialect({ pool: async () => Promise.reject(Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })) });

describe('a replica that cannot be used', () => {
  test('stopped in the middle: no caller sees an error, readiness says it, and it is used again when it is back', async () => {
    const lastName = newName();
    await register(first, 'FRONT_DESK', lastName);
    await pair.killStandby();
    // Noticed by the read itself or by the watch, whichever is first.
    const answers = await Promise.all(Array.from({ length: 12 }, (_, index) => search(first, index % 2 === 0 ? 'NURSE' : 'FRONT_DESK', { lastName })));
    expect(answers.map(({ found }) => found)).toEqual(Array(12).fill(1));
    await expect.poll(() => stateOf(first)).toBe('unreachable');
    const { statusCode, json } = await first.server.inject('/health/ready');
    expect([statusCode, json().checks.replicas]).toEqual([200, [expect.objectContaining({ replica: '1', state: 'unreachable' })]]);
    await pair.startStandby();
    await expect.poll(() => stateOf(first), { timeout: 10_000 }).toBe('in-use');
    const before = readsOf(first);
    await expect.poll(async () => (await search(first, 'NURSE', { lastName })).mark).toMatch(/^p\./);
    expect(readsOf(first)).toBeGreaterThan(before);
  });

  test('another database, or a server that is no standby, gets no read', async () => {
    const foreign = pair.standbyUrl.replace(/registry$/, 'postgres');
    const other = open([foreign, pair.primaryUrl]);
    const lastName = newName();
    await register(other, 'FRONT_DESK', lastName);
    await expect.poll(() => other.registry.replicas?.figures().replicas.map(({ state }) => state)).toEqual(['another-database', 'not-a-standby']);
    expect((await search(other, 'FRONT_DESK', { lastName })).found).toBe(1);
    expect(other.registry.replicas?.figures().replicas.map(({ reads }) => reads)).toEqual([0, 0]);
    await other.server.close();
  });

  test('promoted: it goes its own way and gets no read any more', async () => {
    await pair.standby.query('select pg_promote()');
    await expect.poll(() => stateOf(first)).toBe('not-a-standby');
    const lastName = newName();
    await register(first, 'FRONT_DESK', lastName);
    expect((await search(first, 'FRONT_DESK', { lastName })).found).toBe(1);
    expect((await search(second, 'NURSE', { lastName })).found).toBe(1);
    // Whoever runs the tests once more needs a standby again; this one is thrown away with its folder.
    expect(stateOf(second)).toBe('not-a-standby');
  });
});
