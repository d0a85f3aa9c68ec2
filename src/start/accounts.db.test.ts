import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabase, type TestDatabase } from '../../test/support/database.ts';
import { roles } from '../access/access.schema.ts';
import { parseDatabaseUrl } from '../base/config.ts';
import { createLogger } from '../base/log.ts';
import { openHttp } from '../http/open.ts';
import { loadSettings } from '../settings/load.ts';
import { ensureDemoAccounts } from './accounts.ts';

let database: TestDatabase;
let home: string;
const nobody = { username: '', password: '' };
beforeAll(async () => {
  database = await createDatabase({ template: 'migrated' });
  home = mkdtempSync(join(tmpdir(), 'onechart-demo-'));
});
afterAll(async () => {
  rmSync(home, { recursive: true });
  await database.drop();
});

test('a start makes an account of each role that can sign in; the next one prints the same; a password that was lost is made anew', async () => {
  const address = parseDatabaseUrl(database.url);
  const { settings } = await loadSettings({ env: {}, cwd: home });
  const http = openHttp({ settings, address, log: createLogger({ level: 'silent' }) });
  const signIn = async ({ username, password }: { username: string; password: string }) =>
    http.server.inject({ method: 'POST', url: '/api/v1/session', payload: { username, password } });
  try {
    const first = await ensureDemoAccounts(address, home);
    expect(first.map(({ role }) => role)).toEqual(Object.keys(roles));
    const [known] = first;
    expect((await signIn(known ?? nobody)).statusCode).toBeLessThan(300);
    expect(await ensureDemoAccounts(address, home)).toEqual(first);
    expect(statSync(join(home, 'demo-accounts.json')).mode & 0o777).toBe(0o600);

    const file = join(home, 'demo-accounts.json');
    const { admin: _lost, ...kept } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
    writeFileSync(file, JSON.stringify(kept));
    const again = await ensureDemoAccounts(address, home);
    expect(again.slice(1)).toEqual(first.slice(1));
    expect(again[0]).toMatchObject({ role: 'ADMIN', username: 'admin' });
    expect((await signIn(again[0] ?? nobody)).statusCode).toBeLessThan(300);
    expect((await signIn(known ?? nobody)).statusCode).toBe(401);
  } finally {
    await http.stop({ delaySeconds: 0, limitSeconds: 10 });
  }
});
