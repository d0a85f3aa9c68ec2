import '../../test/support/quick-passwords.ts';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { accessContext } from '../../test/support/access.ts';
import { createDatabase } from '../../test/support/database.ts';
import { createAccount } from '../access/account.service.ts';
import { parseDatabaseUrl } from '../base/config.ts';
import { openServerRegistry } from './registry.ts';
import { createServer, listen } from './server.ts';

const folder = join(import.meta.dirname, '../../test/support/tls');
const [cert, key] = ['certificate.pem', 'key.pem'].map((name) => readFileSync(join(folder, name), 'utf8')) as [string, string];

test('with a certificate the server speaks https alone, and its cookies never leave it', async () => {
  await using database = await createDatabase({ template: 'migrated' });
  await createAccount(accessContext(database).ctx, { username: 'nurse', displayName: 'Nurse', role: 'NURSE', password: 'seven quiet herons' });
  const registry = openServerRegistry(parseDatabaseUrl(database.url), { maxConnections: 2 });
  const server = createServer({ assertReady: async () => undefined, registry, tls: { cert, key } });
  server.addHook('onClose', () => registry.close());
  try {
    const address = await listen(server, { port: 0, host: '127.0.0.1' });
    expect(address).toMatch(/^https:/);
    const reply = await new Promise<{ status: number | undefined; headers: Record<string, string | string[] | undefined> }>((resolve, reject) => {
      const sending = request(`${address}/api/v1/session`, { method: 'POST', ca: cert, headers: { 'content-type': 'application/json' } }, (answer) => {
        answer.resume();
        answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers }));
      });
      sending.on('error', reject);
      sending.end(JSON.stringify({ username: 'nurse', password: 'seven quiet herons' }));
    });
    expect(reply.status).toBe(200);
    expect(reply.headers['set-cookie']).toEqual([expect.stringMatching(/^__Host-onechart-session=[\w-]{43}; Path=\/; HttpOnly; Secure; SameSite=Strict$/)]);
    expect(reply.headers['strict-transport-security']).toBe('max-age=31536000; includeSubDomains');
    await expect(fetch(address.replace('https:', 'http:'))).rejects.toThrow('fetch failed');
    await expect(
      new Promise((resolve, reject) => request(address, { ca: cert, maxVersion: 'TLSv1.1', minVersion: 'TLSv1' }, resolve).on('error', reject).end()),
    ).rejects.toThrow(/version|protocol/i);
  } finally {
    await server.close();
  }
});
