import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { createDatabase, type TestDatabase } from '../../test/support/database.ts';
import { startWebhookReceiver, versionsByPatient, type WebhookReceiver } from '../../test/support/webhook-receiver.ts';
import { systemClock } from '../base/clock.ts';
import { newId } from '../base/ids.ts';
import { hasSignature } from '../base/webhook-signature.ts';
import { kyselyOnPool } from '../db/connect.ts';
import type { Ctx } from '../db/context.ts';
import { openRegistry, type PatientRepository, type Registry } from '../index.ts';
import { type DeliveryContext, deliverTo, findDueReceivers, placeNewEvents, removeOldEvents } from './delivery.service.ts';
import { openDocumentSettings } from '../document/content-stores.service.ts';
import { EventSettings } from './event.schema.ts';
import { nightlyDuties } from './nightly.service.ts';
import {
  addReceiver,
  changeReceiver,
  discardDelivery,
  eventLag,
  findReceiver,
  listDeliveries,
  pauseReceiver,
  removeReceiver,
  replayEvents,
  resumeReceiver,
  retryDeliveries,
  rotateSecret,
  senderOptions,
  testReceiver,
} from './receiver.service.ts';
import { openSender, type Sender } from './sender.service.ts';

let database: TestDatabase;
let registry: Registry;
let patients: PatientRepository;
let hook: WebhookReceiver;
let ctx: Ctx;
let context: DeliveryContext;
let sender: Sender;
const settings = EventSettings.parse({
  secretKey: Buffer.alloc(32, 7).toString('base64'),
  timeoutSeconds: 0.3,
  maxAttempts: 100,
  maxBackoffSeconds: 0.02,
  concurrency: 4,
});
const lines: unknown[] = [];
const log = { info: () => undefined, warn: (...line: unknown[]) => void lines.push(line), error: (...line: unknown[]) => void lines.push(line) };

beforeAll(async () => {
  database = await createDatabase({ template: 'migrated' });
  registry = await openRegistry({ databaseUrl: database.url, maxConnections: 4 });
  patients = registry.patientRepository;
  hook = await startWebhookReceiver();
  const db = kyselyOnPool(database.pool());
  ctx = { db, pool: database.pool(), actor: { kind: 'service', name: 'test' }, clock: systemClock, newId };
  sender = openSender(senderOptions(settings));
  context = { db, clock: systemClock, settings, sender, log, firstPauseMilliseconds: 5 };
});
afterAll(async () => {
  sender.close();
  await hook.stop();
  await registry.close();
  await database.drop();
});
afterEach(async () => {
  hook.react(() => 204);
  await database.query('DELETE FROM event_receivers');
});

const newPatient = async () => (await patients.create({ firstName: 'Synthetic', lastName: 'Person', dateOfBirth: '1990-01-01' })).id;
async function change(id: string, times = 1): Promise<void> {
  for (let left = times; left > 0; left -= 1) {
    const { version } = (await patients.findById(id)) ?? { version: 0 };
    await patients.update(id, { version, preferredLanguage: ['sw', 'en', 'it', 'fr'][version % 4] ?? 'de' });
  }
}
/** A receiver of what happens from now on, and what it has been told so far. */
async function receiver(name: string, more: { eventTypes?: string[]; url?: string } = {}) {
  await placeNewEvents(context);
  const made = await addReceiver(ctx, { name, url: hook.url, ...more }, settings);
  const from = hook.requests.length;
  return { ...made, taken: () => hook.taken().filter((each) => hook.requests.indexOf(each) >= from), requests: () => hook.requests.slice(from) };
}
/** What a worker's tick does, once. */
async function tick(maxAttempts = settings.maxAttempts): Promise<number> {
  await placeNewEvents(context);
  let delivered = 0;
  for (const id of await findDueReceivers(context)) delivered += (await deliverTo({ ...context, settings: { ...settings, maxAttempts } }, id)).delivered;
  return delivered;
}
/** Ticks until it is so. */
const tickUntil = (check: () => Promise<void> | void, maxAttempts?: number) =>
  vi.waitFor(
    async () => {
      await tick(maxAttempts);
      await check();
    },
    { timeout: 5_000, interval: 5 },
  );

test('events arrive signed, in the order of each patient, with ids and names of fields alone', async () => {
  const { secret, taken, id } = await receiver('signed');
  const [amina, brian] = [await newPatient(), await newPatient()];
  await change(amina, 2);
  await change(brian, 1);
  await tick();
  expect(versionsByPatient(taken())).toEqual(
    new Map([
      [amina, [1, 2, 3]],
      [brian, [1, 2]],
    ]),
  );
  for (const { headers, body, id: eventId } of taken()) {
    expect(headers['webhook-id']).toBe(eventId);
    expect(hasSignature(String(headers['webhook-signature']), { secret, id: eventId, timestamp: String(headers['webhook-timestamp']), body })).toBe(true);
  }
  expect(JSON.parse(taken().find(({ version, patientId }) => patientId === amina && version === 2)?.body ?? '')).toEqual({
    type: 'patient.updated',
    timestamp: expect.stringMatching(/Z$/),
    apiVersion: '1',
    id: expect.any(String),
    data: { patientId: amina, patientVersion: 2, fields: ['preferredLanguage'] },
  });
  expect(
    taken()
      .map(({ body }) => body)
      .join(),
  ).not.toMatch(/MRN|Synthetic|1990/);
  expect(await findReceiver(ctx, id)).toMatchObject({ behind: 0, failures: 0, waiting: 0, dead: 0, lastDeliveredAt: expect.any(String) });
  expect(await tick()).toBe(0);
});

test('the secret is not in the database, and two secrets sign during a rotation', async () => {
  const { secret, taken, name } = await receiver('rotated');
  const rows = await database.query<{ row: string }>('SELECT r::text AS row FROM event_receivers r');
  expect(rows[0]?.row).not.toContain(secret.slice('whsec_'.length));
  const { secret: next } = await rotateSecret(ctx, name, { input: {}, settings });
  await newPatient();
  await tick();
  const [event] = taken();
  const signed = (by: string) =>
    hasSignature(String(event?.headers['webhook-signature']), {
      secret: by,
      id: event?.id ?? '',
      timestamp: String(event?.headers['webhook-timestamp']),
      body: event?.body ?? '',
    });
  expect([signed(secret), signed(next), signed('whsec_AAAA')]).toEqual([true, true, false]);
  await rotateSecret(ctx, name, { input: { overlapHours: 0 }, settings });
  await newPatient();
  await tick();
  expect(String(taken().at(-1)?.headers['webhook-signature']).split(' ')).toHaveLength(1);
});

test('a secret under another key is told once for each pause, and goes out when the key is back', async () => {
  const { id, taken } = await receiver('other key');
  await change(await newPatient());
  await placeNewEvents(context);
  const wrong = {
    ...context,
    firstPauseMilliseconds: 60_000,
    settings: { ...settings, maxBackoffSeconds: 60, secretKey: Buffer.alloc(32, 8).toString('base64') },
  };
  await expect(deliverTo(wrong, id)).rejects.toMatchObject({ code: 'EVENT_KEY_WRONG' });
  expect(await findReceiver(ctx, id)).toMatchObject({ failures: 1, lastFailure: 'EVENT_KEY_WRONG' });
  expect(await findDueReceivers(context)).toEqual([]);
  await resumeReceiver(ctx, id);
  await tick();
  expect(taken()).toHaveLength(2);
});

test('a receiver is told of the types that it wants', async () => {
  const { taken, id } = await receiver('filtered', { eventTypes: ['patient.archived', 'patient.contact.*'] });
  const amina = await newPatient();
  await patients.archive(amina, { reason: 'Registered twice.' });
  await tick();
  expect(taken().map(({ type }) => type)).toEqual(['patient.archived']);
  expect((await findReceiver(ctx, id)).behind).toBe(0);
});

test('an event of a transaction that commits late is not skipped', async () => {
  const { taken } = await receiver('late');
  const client = await database.pool().connect();
  await client.query('BEGIN');
  const [late] = (await client.query<{ id: string }>('SELECT gen_random_uuid() AS id')).rows;
  const host = registry.patientRepository;
  const lateId = late?.id ?? '';
  await client.query(`INSERT INTO patients (id, mrn, "lastName", "updatedAt") VALUES ($1, 'LATE-1', 'Person', now())`, [lateId]);
  await client.query(`INSERT INTO patient_outbox_events (type, "patientId", "patientVersion", payload) VALUES ('patient.registered', $1, 1, '{}')`, [lateId]);
  const amina = (await host.create({ firstName: 'Synthetic', lastName: 'Person', dateOfBirth: '1990-01-01' })).id;
  await tick();
  expect(taken().map(({ patientId }) => patientId)).toEqual([amina]);
  await client.query('COMMIT');
  client.release();
  await tick();
  expect(taken().map(({ patientId }) => patientId)).toEqual([amina, lateId]);
});

test('events of one patient go by the version of the chart, not by the clocks of servers', async () => {
  const { taken } = await receiver('clocks');
  const id = await newPatient();
  await change(id, 3);
  await database.query(`UPDATE patient_outbox_events SET "occurredAt" = now() - "patientVersion" * interval '1 minute' WHERE "patientId" = $1`, [id]);
  await tick();
  expect(versionsByPatient(taken()).get(id)).toEqual([1, 2, 3, 4]);
});

test('a refusal holds that patient back and nobody else; later events follow in order', async () => {
  const { taken, id, requests } = await receiver('picky');
  const [amina, brian] = [await newPatient(), await newPatient()];
  hook.react(({ patientId }) => (patientId === amina ? 422 : 204));
  await tick();
  await change(amina, 2);
  await change(brian, 2);
  await tick();
  expect(versionsByPatient(taken())).toEqual(new Map([[brian, [1, 2, 3]]]));
  expect(
    requests()
      .filter((each) => each.patientId === amina)
      .every(({ version }) => version === 1),
  ).toBe(true);
  expect(await findReceiver(ctx, id)).toMatchObject({ behind: 0, waiting: 3 });
  hook.react(() => 204);
  await tickUntil(() => expect(versionsByPatient(taken()).get(amina)).toEqual([1, 2, 3]));
  expect(await findReceiver(ctx, id)).toMatchObject({ waiting: 0, dead: 0 });
});

test('after so many refusals an event is given up, shown, and sent again by hand', async () => {
  const { taken, id } = await receiver('stubborn');
  const amina = await newPatient();
  await change(amina, 1);
  hook.react(() => 400);
  await tickUntil(async () => expect(await findReceiver(ctx, id)).toMatchObject({ dead: 1, waiting: 1 }), 3);
  const { items } = await listDeliveries(ctx, id, { state: 'DEAD' });
  expect(items).toMatchObject([{ patientId: amina, type: 'patient.registered', attempts: 3, lastFailure: 'HTTP_400', retryAt: null }]);
  hook.react(() => 204);
  expect(await tick()).toBe(0);
  expect(await retryDeliveries(ctx, id, items[0]?.eventId)).toEqual({ events: 1 });
  await tick();
  expect(versionsByPatient(taken()).get(amina)).toEqual([1, 2]);
  await expect(retryDeliveries(ctx, id, items[0]?.eventId)).rejects.toMatchObject({ code: 'DELIVERY_NOT_FOUND' });
});

test('a discarded event is not told, and the later ones of the patient are', async () => {
  const { taken, id } = await receiver('discarding');
  const amina = await newPatient();
  await change(amina, 1);
  hook.react(() => 400);
  await tickUntil(async () => expect(await findReceiver(ctx, id)).toMatchObject({ dead: 1 }), 3);
  hook.react(() => 204);
  const { items } = await listDeliveries(ctx, id, {});
  expect(items.map(({ state }) => state)).toEqual(['DEAD', 'WAITING']);
  await discardDelivery(ctx, id, items[0]?.eventId ?? '');
  await tick();
  expect(versionsByPatient(taken()).get(amina)).toEqual([2]);
});

test('a receiver that is away is left alone for a while, and told everything when it is back', async () => {
  const { taken, id } = await receiver('away');
  await hook.stop();
  const ids = [await newPatient(), await newPatient(), await newPatient()];
  for (const each of ids) await change(each, 1);
  await tick();
  expect(await findReceiver(ctx, id)).toMatchObject({ failures: 1, lastFailure: 'CONNECTION_REFUSED', waiting: 0, retryAt: expect.any(String) });
  await tickUntil(async () => expect((await findReceiver(ctx, id)).failures).toBeGreaterThan(2));
  expect((await eventLag(ctx))[0]).toMatchObject({ name: 'away', eventsBehind: 6, dead: 0 });
  await hook.start();
  await tickUntil(() => expect(versionsByPatient(taken())).toEqual(new Map(ids.map((each) => [each, [1, 2]]))));
  expect(await findReceiver(ctx, id)).toMatchObject({ failures: 0, failingSince: null, lastFailure: null, behind: 0 });
});

test('Retry-After is heeded, redirects are not followed', async () => {
  const { id, requests } = await receiver('asks');
  hook.react(() => ({ status: 503, headers: { 'retry-after': '60' } }));
  await newPatient();
  await tick();
  const { retryAt, lastFailure } = await findReceiver(ctx, id);
  expect(lastFailure).toBe('HTTP_503');
  expect(Date.parse(retryAt ?? '')).toBeGreaterThan(Date.now() + 50_000);
  expect(await tick()).toBe(0);
  expect(requests()).toHaveLength(1);
  hook.react(() => ({ status: 307, headers: { location: hook.url } }));
  await resumeReceiver(ctx, id);
  await tick();
  expect(requests()).toHaveLength(2);
  expect((await findReceiver(ctx, id)).lastFailure).toBe('REDIRECTED');
});

test('one that answers late or not at all for some is no reason to leave out the others; nothing is lost', async () => {
  const { taken, id } = await receiver('slow');
  const ids = await Promise.all(Array.from({ length: 12 }, newPatient));
  const [hanging, late] = ids;
  let hung = 0;
  hook.react(({ patientId }) => {
    if (patientId === hanging && hung < 2) {
      hung += 1;
      return 'hang';
    }
    return patientId === late ? { status: 200, afterMilliseconds: 100 } : 200;
  });
  for (const each of ids) await change(each, 1);
  await tick();
  const others = new Map(ids.filter((each) => each !== hanging).map((each) => [each, [1, 2]]));
  expect(new Map([...versionsByPatient(taken())].filter(([each]) => each !== hanging))).toEqual(others);
  await tickUntil(() => expect(versionsByPatient(taken()).get(hanging ?? '')).toEqual([1, 2]));
  // Nothing came twice: every request that was answered was answered once.
  expect(new Set(taken().map((each) => each.id)).size).toBe(taken().length);
  expect((await findReceiver(ctx, id)).waiting).toBe(0);
});

test('replay from an event, an instant or the start; what comes again bears the id it had', async () => {
  const { taken, id } = await receiver('replayed');
  const amina = await newPatient();
  await change(amina, 2);
  await tick();
  const first = taken();
  expect(first.map(({ version }) => version)).toEqual([1, 2, 3]);
  await replayEvents(ctx, id, { from: first[1]?.id ?? '' });
  await tick();
  expect(taken().map(({ id: each }) => each)).toEqual([...first, ...first.slice(1)].map((each) => each.id));
  await replayEvents(ctx, id, { from: new Date(Date.now() + 60_000).toISOString() });
  expect((await findReceiver(ctx, id)).behind).toBe(0);
  const [event] = await database.query<{ at: Date }>('SELECT "occurredAt" AS at FROM patient_outbox_events WHERE id = $1', [first[0]?.id]);
  await replayEvents(ctx, id, { from: event?.at.toISOString() ?? '' });
  await tick();
  expect(taken()).toHaveLength(8);
  await expect(replayEvents(ctx, id, { from: newId() })).rejects.toMatchObject({ code: 'EVENT_NOT_FOUND' });
  await expect(replayEvents(ctx, id, { from: 'yesterday' })).rejects.toMatchObject({ code: 'EVENT_NOT_FOUND' });
});

test('a replay while events go out is not undone by them', async () => {
  const { taken, id } = await receiver('turned back');
  const amina = await newPatient();
  await change(amina, 3);
  await placeNewEvents(context);
  hook.react(() => ({ status: 200, afterMilliseconds: 30 }));
  const running = deliverTo(context, id);
  await vi.waitFor(() => expect(taken().length).toBeGreaterThan(1));
  await replayEvents(ctx, id, { from: taken()[0]?.id ?? '' });
  await running;
  await tick();
  expect(
    taken()
      .slice(-4)
      .map(({ version }) => version),
  ).toEqual([1, 2, 3, 4]);
  expect((await findReceiver(ctx, id)).behind).toBe(0);
});

test('a paused receiver is sent nothing and misses nothing', async () => {
  const { taken, id } = await receiver('paused');
  await pauseReceiver(ctx, id);
  const amina = await newPatient();
  expect(await tick()).toBe(0);
  expect(await findReceiver(ctx, id)).toMatchObject({ state: 'PAUSED', behind: 1 });
  await resumeReceiver(ctx, id);
  await tick();
  expect(taken().map(({ patientId }) => patientId)).toEqual([amina]);
});

test('two workers at once deliver everything once and in order', async () => {
  const { taken, id } = await receiver('contended');
  const ids = await Promise.all(Array.from({ length: 10 }, newPatient));
  for (const each of ids) await change(each, 2);
  await Promise.all([placeNewEvents(context), placeNewEvents(context)]);
  const results = await Promise.all([deliverTo(context, id), deliverTo(context, id)]);
  expect(results.filter(({ busy }) => busy)).toHaveLength(1);
  expect(taken()).toHaveLength(30);
  expect(versionsByPatient(taken())).toEqual(new Map(ids.map((each) => [each, [1, 2, 3]])));
});

test('https is demanded beyond this machine, and nothing is sent to where clouds tell secrets', async () => {
  const add = (url: string) => addReceiver(ctx, { name: url.slice(0, 90), url }, settings);
  for (const url of ['http://lab.example.org/hooks', 'https://169.254.169.254/latest', 'https://[fe80::1]/', 'https://[::ffff:169.254.169.254]/'])
    await expect(add(url)).rejects.toMatchObject({ code: 'RECEIVER_URL_REFUSED' });
  for (const url of ['ftp://lab.example.org', 'https://user:pass@lab.example.org', 'https://lab.example.org/#x', 'nothing'])
    await expect(add(url)).rejects.toMatchObject({ code: 'INPUT_INVALID' });
  await expect(addReceiver(ctx, { name: 'keyless', url: hook.url }, EventSettings.parse({}))).rejects.toMatchObject({ code: 'EVENT_KEY_MISSING' });
  // A name that leads there: refused at the moment of the connection.
  const guarded = openSender({ ...senderOptions(settings), blockedNetworks: ['127.0.0.0/8', '::1/128'] });
  expect(await guarded.send({ url: hook.url.replace('127.0.0.1', 'localhost'), secrets: [], id: 'x', body: '{}' })).toEqual({
    kind: 'failed',
    failure: 'ADDRESS_BLOCKED',
  });
  guarded.close();
});

test('a test event is about nobody; names are unique, changes and removals are audited', async () => {
  const { id, requests } = await receiver('audited');
  expect(await testReceiver(ctx, id, settings)).toMatchObject({ delivered: true, failure: null, status: 204 });
  expect(requests()).toMatchObject([{ type: 'onechart.test' }]);
  await expect(addReceiver(ctx, { name: 'audited', url: hook.url }, settings)).rejects.toMatchObject({ code: 'RECEIVER_NAME_TAKEN' });
  await changeReceiver(ctx, 'audited', { input: { eventTypes: ['patient.*'] }, settings });
  await removeReceiver(ctx, id);
  await expect(findReceiver(ctx, id)).rejects.toMatchObject({ code: 'RECEIVER_NOT_FOUND' });
  const rows = await database.query<{ action: string }>(
    `SELECT action FROM patient_audit_events WHERE action LIKE 'event-%' AND coalesce("after", "before")->>'receiverId' = $1 ORDER BY seq`,
    [id],
  );
  expect(rows.map(({ action }) => action)).toEqual(['event-receiver.added', 'event-receiver.changed', 'event-receiver.removed']);
});

test('old events go when every receiver has taken them; those that somebody waits for stay', async () => {
  const { id } = await receiver('keeper');
  const amina = await newPatient();
  await change(amina, 1);
  hook.react(({ version }) => (version === 2 ? 400 : 204));
  await tick();
  const later = { ...context, clock: { now: () => new Date(Date.now() + 40 * 86_400_000) } };
  const left = async () =>
    (await database.query<{ version: number }>('SELECT "patientVersion" AS version FROM patient_outbox_events WHERE "patientId" = $1 ORDER BY 1', [amina])).map(
      ({ version }) => version,
    );
  await newPatient();
  await placeNewEvents(context);
  await removeOldEvents(context);
  expect(await left()).toEqual([1, 2]);
  await removeOldEvents(later);
  expect(await left()).toEqual([2]);
  const [last] = await database.query<{ n: number }>('SELECT count(*)::int AS n FROM patient_outbox_events');
  expect(last?.n).toBe(2);
  expect((await findReceiver(ctx, id)).behind).toBe(1);
});

test('the nightly duties make partitions, sweep uploads, mend search and remove old events', async () => {
  const documents = openDocumentSettings();
  const done: [string, object][] = [];
  for (const duty of nightlyDuties({ settings, documents })) done.push([duty.name, await duty.run(ctx)]);
  await documents.close();
  expect(done).toEqual([
    ['audit partitions', { made: expect.arrayContaining([new Date().toISOString().slice(0, 7)]) }],
    ['abandoned uploads', { abandonedUploads: 0, orphanedObjects: 0, dryRun: false }],
    ['search entries', { read: expect.any(Number), written: expect.any(Number), left: 0 }],
    ['old events', { removed: 0 }],
  ]);
});

test('places and the search for what is due are found by indexes', async () => {
  await database.query('SET enable_seqscan = off');
  const [plan] = await database.query<{ 'QUERY PLAN': string }>(
    `EXPLAIN SELECT "patientId" FROM patient_outbox_events WHERE "publishedAt" IS NULL ORDER BY "occurredAt", id LIMIT 10`,
  );
  const [next] = await database.query<{ 'QUERY PLAN': string }>(`EXPLAIN SELECT id FROM patient_outbox_events WHERE seq > 5 ORDER BY seq LIMIT 10`);
  expect(JSON.stringify([plan, next])).not.toContain('Seq Scan');
});
