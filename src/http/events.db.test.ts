import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabase, type TestDatabase } from '../../test/support/database.ts';
import { openTestHttp } from '../../test/support/http.ts';
import { startWebhookReceiver, type WebhookReceiver } from '../../test/support/webhook-receiver.ts';
import { eventRoutes } from '../api/event.routes.ts';
import { systemClock } from '../base/clock.ts';
import { createClient, type OneChartClient } from '../client/client.ts';
import { verifyWebhook } from '../client/verify-webhook.ts';
import { kyselyOnPool } from '../db/connect.ts';
import { deliverTo, findDueReceivers, placeNewEvents } from '../events/delivery.service.ts';
import { EventSettings } from '../events/event.schema.ts';
import { senderOptions } from '../events/receiver.service.ts';
import { openSender, type Sender } from '../events/sender.service.ts';
import { listen } from './server.ts';

let database: TestDatabase;
let server: ReturnType<typeof openTestHttp>;
let admin: OneChartClient;
let hook: WebhookReceiver;
let sender: Sender;
const settings = EventSettings.parse({ secretKey: Buffer.alloc(32, 3).toString('base64'), maxAttempts: 1 });
const answered = new Set<string>();

beforeAll(async () => {
  database = await createDatabase({ template: 'migrated' });
  hook = await startWebhookReceiver();
  server = openTestHttp(database, {}, { events: settings });
  const baseUrl = await listen(server, { port: 0, host: '127.0.0.1' });
  const plain = createClient({ baseUrl, checkAnswers: true, headers: () => ({ 'x-test-role': 'ADMIN' }) });
  admin = new Proxy(plain, {
    get: (operations, name: keyof OneChartClient) => async (input: never) => {
      const answer = await operations[name](input);
      answered.add(name);
      return answer;
    },
  });
  sender = openSender(senderOptions(settings));
});
afterAll(async () => {
  sender.close();
  await hook.stop();
  await server.close();
  await database.drop();
});

async function deliver(): Promise<void> {
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const context = { db: kyselyOnPool(database.pool()), clock: systemClock, settings, sender, log };
  await placeNewEvents(context);
  for (const id of await findDueReceivers(context)) await deliverTo(context, id);
}

test('an administrator adds a receiver, sees how far it is, helps it on, and removes it', async () => {
  const { body: added, headers } = await admin.addEventReceiver({ body: { name: 'Laboratory', url: hook.url, eventTypes: ['patient.*'] } });
  const params = { receiverId: added.id };
  expect(headers.get('location')).toBe(`/api/v1/event-receivers/${added.id}`);
  expect((await admin.testEventReceiver({ params })).body).toMatchObject({ delivered: true, status: 204 });
  const { body: patient } = await admin.registerPatient({ body: { firstName: 'Synthetic', lastName: 'Person', dateOfBirth: '1990-01-01' } });
  hook.react(() => 422);
  await deliver();
  expect((await admin.listEventReceivers({})).body.items).toMatchObject([{ name: 'Laboratory', behind: 0, waiting: 1, dead: 0 }]);
  await database.query(`UPDATE event_deliveries SET "retryAt" = NULL`);
  await deliver();
  const { body: dead } = await admin.listEventDeliveries({ params, query: { state: 'DEAD' } });
  expect(dead).toMatchObject({ items: [{ patientId: patient.id, type: 'patient.registered', lastFailure: 'HTTP_422' }], nextAfter: null });
  const eventId = dead.items[0]?.eventId ?? '';
  expect((await admin.retryEventDelivery({ params: { ...params, eventId } })).body).toEqual({ events: 1 });
  await deliver();
  expect((await admin.retryEventDeliveries({ params })).body).toEqual({ events: 1 });
  await deliver();
  expect((await admin.discardEventDelivery({ params: { ...params, eventId } })).status).toBe(204);
  hook.react(() => 204);
  expect((await admin.replayEvents({ params, body: { from: 'start' } })).body).toMatchObject({ position: 0, behind: 1 });
  const { body: rotated } = await admin.rotateEventSecret({ params, body: {} });
  await deliver();
  const request = hook.taken().at(-1);
  for (const secret of [added.secret, rotated.secret])
    expect(verifyWebhook({ secret, headers: request?.headers ?? {}, body: request?.body ?? '' })).toMatchObject({ data: { patientId: patient.id } });
  expect((await admin.pauseEventReceiver({ params })).body.state).toBe('PAUSED');
  expect((await admin.resumeEventReceiver({ params: { receiverId: 'Laboratory' } })).body.state).toBe('ACTIVE');
  expect((await admin.changeEventReceiver({ params, body: { eventTypes: [] } })).body.eventTypes).toEqual([]);
  expect(JSON.stringify((await admin.getEventReceiver({ params })).body)).not.toMatch(/whsec|secret":/);
  expect((await admin.removeEventReceiver({ params })).status).toBe(204);
  await expect(admin.getEventReceiver({ params })).rejects.toMatchObject({ code: 'RECEIVER_NOT_FOUND' });
  expect(eventRoutes.map(({ operationId }) => operationId).filter((operation) => !answered.has(operation))).toEqual([]);
});

test('a recorded request is refused when it is old, altered, or signed by somebody else', async () => {
  const { body: added } = await admin.addEventReceiver({ body: { name: 'Recorder', url: hook.url } });
  await admin.testEventReceiver({ params: { receiverId: added.id } });
  const request = hook.taken().at(-1);
  const given = { secret: added.secret, headers: request?.headers ?? {}, body: request?.body ?? '' };
  expect(verifyWebhook(given)).toMatchObject({ type: 'onechart.test', apiVersion: '1' });
  const wrong = [
    { ...given, now: new Date(Date.now() + 301_000) },
    { ...given, body: given.body.replace('1', '2') },
    { ...given, secret: `whsec_${Buffer.alloc(32).toString('base64')}` },
    { ...given, headers: { ...given.headers, 'webhook-id': 'another' } },
    { ...given, headers: {} },
  ];
  for (const each of wrong) expect(() => verifyWebhook(each)).toThrow(expect.objectContaining({ code: 'WEBHOOK_SIGNATURE_INVALID' }));
});
