import { expect, test, vi } from 'vitest';
import { createDatabase } from '../../test/support/database.ts';
import { startWebhookReceiver, versionsByPatient } from '../../test/support/webhook-receiver.ts';
import { systemClock } from '../base/clock.ts';
import { parseDatabaseUrl } from '../base/config.ts';
import { newId } from '../base/ids.ts';
import { kyselyOnPool } from '../db/connect.ts';
import { openRegistry } from '../index.ts';
import { EventSettings } from './event.schema.ts';
import { addReceiver } from './receiver.service.ts';
import { startEventWorker } from './worker.service.ts';

test('a worker whose connections are cut goes on and loses nothing', async () => {
  await using database = await createDatabase({ template: 'migrated' });
  await using hook = await startWebhookReceiver();
  const settings = EventSettings.parse({ secretKey: Buffer.alloc(32, 7).toString('base64'), pollMilliseconds: 50 });
  const log = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
  const db = kyselyOnPool(database.pool());
  await addReceiver({ db, pool: database.pool(), actor: { kind: 'service', name: 'test' }, clock: systemClock, newId }, { name: 'x', url: hook.url }, settings);
  const worker = await startEventWorker({ address: parseDatabaseUrl(database.url), settings, log });
  await using registry = await openRegistry({ databaseUrl: database.url, maxConnections: 2 });
  hook.react(() => ({ status: 204, afterMilliseconds: 20 }));
  const ids: string[] = [];
  for (let left = 20; left > 0; left -= 1)
    ids.push((await registry.patientRepository.create({ firstName: 'Synthetic', lastName: 'Person', dateOfBirth: '1990-01-01' })).id);
  for (const least of [1, 3]) {
    await vi.waitFor(() => expect(hook.taken().length).toBeGreaterThanOrEqual(least), { timeout: 5_000 });
    await database.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'onechart events' AND datname = current_database()`);
  }
  await vi.waitFor(() => expect(versionsByPatient(hook.taken())).toEqual(new Map(ids.map((id) => [id, [1]]))), { timeout: 10_000 });
  expect(log.error).toHaveBeenCalled();
  await worker.stop();
});
