import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createDatabase, type TestDatabase } from '../../test/support/database.ts';
import { makeKey } from '../../test/support/serve.ts';
import { parseDatabaseUrl } from '../base/config.ts';
import { createLogger } from '../base/log.ts';
import { loadSettings } from '../settings/load.ts';
import { openHttp } from './open.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase({ template: 'migrated' });
});
afterAll(() => database.drop());

test('who waits for a chart that somebody holds is told to try again, and the connection is free for others', async () => {
  const { settings } = await loadSettings({ env: {}, cwd: '/', flags: [{ key: 'database.statementSeconds', value: '1', flag: '--set' }] });
  const http = openHttp({ settings, address: parseDatabaseUrl(database.url), log: createLogger({ level: 'silent' }) });
  const holder = await database.pool().connect();
  try {
    const headers = { authorization: `Bearer ${await makeKey(database, 'ADMIN')}` };
    const made = await http.server.inject({
      method: 'POST',
      url: '/api/v1/patients',
      headers,
      payload: { firstName: 'Held', lastName: 'Example', dateOfBirth: '1990-01-01' },
    });
    const url = made.headers.location as string;
    const change = () => http.server.inject({ method: 'PATCH', url, headers: { ...headers, 'if-match': '"1"' }, payload: { middleName: 'Later' } });
    await holder.query('BEGIN');
    await holder.query('SELECT FROM patients FOR UPDATE');
    const refused = await change();
    expect([refused.statusCode, refused.json()]).toEqual([503, expect.objectContaining({ code: 'STATEMENT_CANCELLED' })]);
    await holder.query('ROLLBACK');
    expect((await change()).statusCode).toBe(200);
  } finally {
    holder.release();
    await http.stop({ delaySeconds: 0, limitSeconds: 10 });
  }
});

test('a server that starts finds charts that were written past it', async () => {
  await database.query(`INSERT INTO patients (mrn, "lastName") VALUES ('PAST-1', 'Unindexed')`);
  const { settings } = await loadSettings({ env: {}, cwd: '/', flags: [{ key: 'server.port', value: '0', flag: '--port' }] });
  const http = openHttp({ settings, address: parseDatabaseUrl(database.url), log: createLogger({ level: 'silent' }) });
  try {
    const headers = { authorization: `Bearer ${await makeKey(database, 'ADMIN')}` };
    const found = async () => {
      const reply = await http.server.inject({ method: 'POST', url: '/api/v1/patients/search', headers, payload: { q: 'unindexed' } });
      return (reply.json() as { items: { mrn: string }[] }).items.map(({ mrn }) => mrn);
    };
    expect(await found()).toEqual([]);
    await http.listen();
    await vi.waitFor(async () => expect(await found()).toEqual(['PAST-1']), 5_000);
  } finally {
    await http.stop({ delaySeconds: 0, limitSeconds: 10 });
  }
});
