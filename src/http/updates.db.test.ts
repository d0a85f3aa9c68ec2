import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabase, type TestDatabase } from '../../test/support/database.ts';
import { openTestHttp } from '../../test/support/http.ts';
import { createClient, type OneChartClient } from '../client/client.ts';
import { AppError } from '../base/errors.ts';
import { listen } from './server.ts';

let database: TestDatabase;
let server: ReturnType<typeof openTestHttp>;
let client: OneChartClient;
beforeAll(async () => {
  database = await createDatabase({ template: 'migrated' });
  server = openTestHttp(database);
  const baseUrl = await listen(server, { port: 0, host: '127.0.0.1' });
  client = createClient({ baseUrl, headers: () => ({ 'x-test-role': 'ADMIN' }) });
});
afterAll(async () => {
  await server.close();
  await database.drop();
});

const updates = 1000;
// More of them lose to each other more often, and prove no more.
const clerks = 4;

/** A clerk who has the chart open and adds one to the number in it, reading again whenever somebody else was first. */
async function work(id: string, isLeft: () => boolean): Promise<number> {
  let stale = 0;
  let open = await client.getPatient({ params: { id } });
  while (isLeft()) {
    for (let done = false; !done; ) {
      // A correction, as a thousand addresses of one person in the history would be another test.
      const addressLine1 = String(Number(open.body.addressLine1) + 1);
      try {
        open = await client.updatePatient({ params: { id }, body: { addressLine1, correction: true }, ifMatch: open.version ?? Number.NaN });
        done = true;
      } catch (error) {
        if (!(error instanceof AppError) || error.code !== 'PATIENT_STALE_VERSION') throw error;
        stale += 1;
        open = await client.getPatient({ params: { id } });
      }
    }
  }
  return stale;
}

test('a thousand updates of one chart by clerks who work at once: none is lost, each is in the trail once', async () => {
  const { body } = await client.registerPatient({ body: { firstName: 'Busy', lastName: 'Chart', dateOfBirth: null, addressLine1: '0' } });
  let left = updates;
  const stale = await Promise.all(Array.from({ length: clerks }, () => work(body.id, () => (left -= 1) >= 0)));
  expect(Math.min(...stale)).toBeGreaterThan(0);
  expect((await client.getPatient({ params: { id: body.id } })).body).toMatchObject({ addressLine1: String(updates), version: updates + 1 });
  const trail = await database.query<{ before: { addressLine1: string }; after: { addressLine1: string } }>(
    `SELECT before, after FROM patient_audit_events WHERE "patientId" = $1 AND action = 'patient.updated'`,
    [body.id],
  );
  const steps = trail.map(({ before, after }) => [Number(before.addressLine1), Number(after.addressLine1)]).toSorted(([a = 0], [b = 0]) => a - b);
  expect(steps).toEqual(Array.from({ length: updates }, (_, n) => [n, n + 1]));
  const [events] = await database.query(
    `SELECT count(*)::int AS events, count(DISTINCT "patientVersion")::int AS versions FROM patient_outbox_events WHERE "patientId" = $1 AND type = 'patient.updated'`,
    [body.id],
  );
  expect(events).toEqual({ events: updates, versions: updates });
  // 4 s by itself; a machine with ten times as much to do as it can still has to come to the end.
}, 180_000);

test('two hundred changes decided on one version: exactly one is made, 199 are told to read again', async () => {
  const { body } = await client.registerPatient({ body: { firstName: 'One', lastName: 'Winner', dateOfBirth: null } });
  const results = await Promise.allSettled(
    Array.from({ length: 200 }, (_, n) => client.updatePatient({ params: { id: body.id }, body: { city: `City ${n}` }, ifMatch: 1 })),
  );
  const refused = results.filter((result) => result.status === 'rejected').map(({ reason }) => (reason as AppError).code);
  expect(refused).toEqual(Array.from({ length: 199 }, () => 'PATIENT_STALE_VERSION'));
  expect((await client.getPatient({ params: { id: body.id } })).body.version).toBe(2);
});
