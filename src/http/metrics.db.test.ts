import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabase, type TestDatabase } from '../../test/support/database.ts';
import { parseScrape } from '../../test/support/scrape.ts';
import { makeKey } from '../../test/support/serve.ts';
import { recordAuditAct } from '../audit/trail.service.ts';
import { systemClock } from '../base/clock.ts';
import { parseDatabaseUrl } from '../base/config.ts';
import { newId } from '../base/ids.ts';
import { createLogger } from '../base/log.ts';
import { createPool, kyselyOnPool } from '../db/connect.ts';
import { metricDefinitions } from '../metrics/catalogue.ts';
import { createMetrics } from '../metrics/metrics.ts';
import { startReadings } from '../metrics/readings.service.ts';
import { loadSettings } from '../settings/load.ts';
import { openMetrics } from './metrics.ts';
import { type OpenHttp, openHttp } from './open.ts';

let database: TestDatabase;
let key: string;
beforeAll(async () => {
  database = await createDatabase({ template: 'migrated' });
  key = await makeKey(database, 'ADMIN');
});
afterAll(() => database.drop());

type Flags = Readonly<Record<string, string>>;

/** A server with its metrics on a free port. */
async function openMeasured(flags: Flags = {}): Promise<OpenHttp & AsyncDisposable> {
  const all = { 'server.port': '0', 'metrics.port': '0', 'metrics.databaseSeconds': '1', ...flags };
  const { settings } = await loadSettings({ env: {}, cwd: '/', flags: Object.entries(all).map(([name, value]) => ({ key: name, value, flag: '--set' })) });
  const http = openHttp({
    settings,
    address: parseDatabaseUrl(database.url),
    log: createLogger({ level: 'silent' }),
    metrics: await openMetrics(settings.metrics),
  });
  await http.listen();
  return Object.defineProperty(http, Symbol.asyncDispose, { value: () => http.stop({ delaySeconds: 0, limitSeconds: 10 }) }) as OpenHttp & AsyncDisposable;
}

async function scrape(http: Pick<OpenHttp, 'metricsUrl'>): Promise<ReturnType<typeof parseScrape>> {
  const reply = await fetch(http.metricsUrl ?? '');
  expect(reply.status).toBe(200);
  expect(reply.headers.get('content-type')).toContain('text/plain; version=0.0.4');
  return parseScrape(await reply.text());
}

const person = { firstName: 'Marked', lastName: 'Secretname', dateOfBirth: '1990-01-01' };

test('requests are counted by operation and class, registrations once, refusals by what was shown, and no label is of a caller', async () => {
  await using http = await openMeasured();
  const headers = { authorization: `Bearer ${key}` };
  const register = { method: 'POST', url: '/api/v1/patients', headers: { ...headers, 'idempotency-key': 'once-is-enough' }, payload: person } as const;
  const made = await http.server.inject(register);
  expect(made.statusCode, made.body).toBe(201);
  const { id } = made.json<{ id: string }>();
  expect((await http.server.inject(register)).headers['idempotent-replayed']).toBe('true');
  await http.server.inject({ url: `/api/v1/patients/${id}`, headers });
  await http.server.inject({ url: `/api/v1/patients/${newId()}`, headers });
  await http.server.inject({ url: '/Secretname/path', headers });
  await http.server.inject({ url: `/api/v1/patients/${id}`, headers: { authorization: `Bearer ${key.slice(0, -2)}xx` } });
  await http.server.inject({ method: 'POST', url: '/api/v1/session', payload: { username: 'secretname', password: 'Wrong-password-1' } });

  for (const query of [{ q: 'marked' }, { q: '1990-01-01' }, { q: 'marked 1990-01-01' }, { lastName: 'Secretname' }])
    expect((await http.server.inject({ method: 'POST', url: '/api/v1/patients/search', headers, payload: query })).statusCode).toBe(200);

  const found = await scrape(http);
  const count = (name: string, labels = {}) => found.value(name, labels);
  expect(count('onechart_http_requests_total', { operation: 'registerPatient', status: '2xx' })).toBe(2);
  expect(count('onechart_registrations_total', { kind: 'known' })).toBe(1);
  expect(count('onechart_http_requests_total', { operation: 'getPatient', status: '2xx' })).toBe(1);
  expect(count('onechart_http_requests_total', { operation: 'getPatient', status: '4xx' })).toBe(2);
  expect(count('onechart_http_requests_total', { operation: 'none', status: '4xx' })).toBe(1);
  expect(count('onechart_http_request_duration_seconds_count', { operation: 'getPatient' })).toBe(3);
  expect(count('onechart_http_errors_total', { kind: 'not-found' })).toBe(2);
  expect(count('onechart_http_errors_total', { kind: 'internal' })).toBe(0);
  expect(count('onechart_sign_ins_refused_total', { reason: 'key' })).toBe(1);
  expect(count('onechart_sign_ins_refused_total', { reason: 'unknown' })).toBe(1);
  for (const kind of ['name', 'date', 'mixed', 'fields']) expect(count('onechart_search_duration_seconds_count', { kind }), kind).toBe(1);
  expect(count('onechart_database_pool_size')).toBe(10);
  expect(count('onechart_database_pool_acquire_seconds_count')).toBeGreaterThan(3);
  expect(count('process_resident_memory_bytes')).toBeGreaterThan(10_000_000);
  expect(count('onechart_readings_success')).toBe(1);
  expect(count('onechart_mrn_counter', { authority: 'default' })).toBeGreaterThan(0);
  expect(count('onechart_mrn_counter_capacity', { authority: 'default' })).toBe(99_999);

  // What is there is declared, with no other labels; and nothing in it is an id, a path or a name.
  for (const { family, labels } of found.samples) {
    const declared = Object.keys((metricDefinitions as Record<string, { labels?: object }>)[family]?.labels ?? {});
    expect(metricDefinitions, family).toHaveProperty([family]);
    expect(
      Object.keys(labels).filter((label) => label !== 'le'),
      family,
    ).toEqual(declared);
  }
  expect(found.text).not.toContain(id);
  expect(found.text.toLowerCase()).not.toContain('secretname');
});

test('numbers of the database: what no seal covers, and when the trail was verified', async () => {
  await using http = await openMeasured({ 'audit.sealSeconds': '0' });
  const before = await scrape(http);
  expect(before.value('onechart_audit_last_verified_timestamp_seconds')).toBeUndefined();
  const pool = database.pool();
  const ctx = { db: kyselyOnPool(pool), pool, clock: systemClock, newId, actor: { kind: 'system' }, origin: 'test' } as const;
  await recordAuditAct(ctx, 'audit.verified', { head: null, problems: 3 });
  await database.query('ANALYZE patients');
  await expect.poll(async () => (await scrape(http)).value('onechart_audit_verification_problems'), { timeout: 10_000, interval: 100 }).toBe(3);
  const after = await scrape(http);
  expect(after.value('onechart_audit_last_verified_timestamp_seconds')).toBeGreaterThan(Date.now() / 1000 - 60);
  expect(after.value('onechart_audit_unsealed_age_seconds')).toBeGreaterThan(0);
  expect(after.value('onechart_patients')).toBe((await database.query<{ n: number }>('SELECT count(*)::int AS n FROM patients'))[0]?.n);
});

test('a database that hangs costs a scrape half a second and its own numbers, nothing else', async () => {
  const metrics = createMetrics({ operations: [] });
  const readings = startReadings(metrics, {
    pool: createPool(parseDatabaseUrl(database.url), { maxConnections: 1 }),
    everyMilliseconds: 0,
    waitMilliseconds: 200,
    giveUpMilliseconds: 600,
  });
  const look = async () => parseScrape(await metrics.render());
  expect((await look()).value('onechart_mrn_counter', { authority: 'default' })).toBeGreaterThan(0);
  const holder = await database.pool().connect();
  try {
    await holder.query('BEGIN');
    await holder.query('LOCK TABLE mrn_counters IN ACCESS EXCLUSIVE MODE');
    const started = performance.now();
    const during = await look();
    expect(performance.now() - started).toBeLessThan(550);
    // Not given up yet: the numbers of the reading before still count.
    expect(during.value('onechart_mrn_counter', { authority: 'default' })).toBeGreaterThan(0);
    await expect.poll(async () => (await look()).value('onechart_readings_success'), { timeout: 10_000, interval: 20 }).toBe(0);
    expect((await look()).value('onechart_mrn_counter', { authority: 'default' })).toBeUndefined();
    await holder.query('ROLLBACK');
    await expect.poll(async () => (await look()).value('onechart_readings_success'), { timeout: 10_000, interval: 20 }).toBe(1);
  } finally {
    holder.release();
    await readings.close();
  }
});

test('metrics are not on the port of the API, and a token keeps others away from them', async () => {
  await using http = await openMeasured({ 'metrics.token': 'a-token-of-many-characters' });
  expect((await http.server.inject({ url: '/metrics' })).statusCode).toBe(404);
  const url = http.metricsUrl ?? '';
  const status = async (headers: Record<string, string>) => (await fetch(url, { headers })).status;
  expect(await status({})).toBe(401);
  expect(await status({ authorization: 'Bearer another-token' })).toBe(401);
  expect(await status({ authorization: 'Bearer a-token-of-many-characters' })).toBe(200);
  expect((await fetch(new URL('/other', url))).status).toBe(404);
});

test('a port that is taken is said with the setting that chooses another', async () => {
  await using http = await openMeasured();
  const { port } = new URL(http.metricsUrl ?? '');
  const { settings } = await loadSettings({ env: { ONECHART_SERVER_PORT: '0', ONECHART_METRICS_PORT: port }, cwd: '/' });
  const metrics = await openMetrics(settings.metrics);
  const second = openHttp({ settings, address: parseDatabaseUrl(database.url), log: createLogger({ level: 'silent' }), metrics });
  await expect(second.listen()).rejects.toMatchObject({ code: 'HTTP_PORT_TAKEN', message: expect.stringContaining('metrics.port') });
  await second.stop({ delaySeconds: 0, limitSeconds: 10 });
});

test('without a port there are no metrics and no listener', async () => {
  expect(await openMetrics({ port: undefined })).toBeUndefined();
});
