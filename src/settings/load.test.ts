import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AppError } from '../base/errors.ts';
import { loadSettings, type SettingsProblem } from './load.ts';
import { settingList } from './setting-list.ts';
import { showSettings } from './show.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'onechart-settings-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

async function problemsOf(sources: Partial<Parameters<typeof loadSettings>[0]>): Promise<{ problems: SettingsProblem[]; error: AppError }> {
  const error = await loadSettings({ env: {}, cwd: folder, ...sources }).then(
    () => new Error('was accepted'),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof AppError)) throw error;
  return { problems: error.details.problems as SettingsProblem[], error };
}

test('without anything every setting has its default or is not given', async () => {
  const loaded = await loadSettings({ env: {}, cwd: '/' });
  expect(loaded.settings).toMatchObject({ server: { host: '127.0.0.1', port: 8080, trustProxy: [] }, facility: { timeZone: 'UTC' }, log: { level: 'info' } });
  expect(showSettings(loaded).map(({ source }) => source)).toEqual(expect.arrayContaining(['default', 'not given']));
  expect(new Set(showSettings(loaded).map(({ source }) => source))).toEqual(new Set(['default', 'not given']));
});

test('flags win over the environment, the environment over the file, the file over defaults', async () => {
  const config = write('order.json', { server: { port: 1, host: 'file', bodyLimitKilobytes: 64 }, log: { level: 'warn' } });
  const { settings, origins, file } = await loadSettings({
    config,
    cwd: folder,
    env: { ONECHART_SERVER_PORT: '2', ONECHART_SERVER_HOST: 'environment' },
    flags: [{ key: 'server.port', value: '3', flag: '--port' }],
  });
  expect(settings.server).toMatchObject({ port: 3, host: 'environment', bodyLimitKilobytes: 64, requestTimeoutSeconds: 300 });
  expect([origins.get('server.port'), origins.get('server.host'), origins.get('log.level'), origins.get('limits.signInsPerMinute')]).toEqual([
    '--port',
    'ONECHART_SERVER_HOST',
    config,
    undefined,
  ]);
  expect(file).toBe(config);
});

test('a file is found by its name in the folder, in YAML too, and its paths count from there', async () => {
  const key = write('key.pem', 'not looked into here');
  const here = mkdtempSync(join(folder, 'here-'));
  writeFileSync(join(here, 'onechart.config.yaml'), 'server:\n  trustProxy: [loopback, 10.0.0.0/8]\naudit:\n  signingKeyFile: ../key.pem\n');
  const { settings } = await loadSettings({ env: {}, cwd: here });
  expect(settings.server.trustProxy).toEqual(['loopback', '10.0.0.0/8']);
  expect(settings.audit.signingKeyFile).toBe(key);
});

test('variables are read as what the setting takes: numbers, lists, records', async () => {
  const { settings } = await loadSettings({
    cwd: folder,
    env: {
      ONECHART_SERVER_TRUST_PROXY: 'loopback, 192.168.1.4',
      ONECHART_CORS_ORIGINS: '["https://ehr.example.org"]',
      ONECHART_ACCESS_TOKEN_ISSUER: 'https://issuer.example.org',
      ONECHART_ACCESS_TOKEN_AUDIENCE: 'onechart',
      ONECHART_ACCESS_TOKEN_ROLES: '{"nurses":"NURSE"}',
      ONECHART_ACCESS_SESSION_IDLE_MINUTES: '15',
    },
  });
  expect(settings.server.trustProxy).toEqual(['loopback', '192.168.1.4']);
  expect(settings.cors.origins).toEqual(['https://ehr.example.org']);
  expect(settings.access.token).toMatchObject({ roles: { nurses: 'NURSE' }, rolesClaim: 'roles' });
  expect(settings.access.session.idleMinutes).toBe(15);
});

describe('the address of the database', () => {
  const url = 'postgresql://onechart:hidden-word@db.example.org/ehr';

  test('comes from DATABASE_URL, from a file as Docker hands over secrets, or from our own variable, which wins', async () => {
    const secret = write('secret', `${url}\n`);
    const read = async (env: Record<string, string>) => (await loadSettings({ env, cwd: folder })).settings.database.url;
    expect(await read({ DATABASE_URL: url })).toBe(url);
    expect(await read({ DATABASE_URL_FILE: secret })).toBe(url);
    expect(await read({ ONECHART_DATABASE_URL_FILE: secret, DATABASE_URL: 'postgresql://other@x/y' })).toBe(url);
  });

  test('of its replicas come from DATABASE_REPLICA_URLS, separated by commas, and are shown without their passwords', async () => {
    const text = `${url}, postgresql://onechart:hidden-word@second.example.org/ehr`;
    const given = await loadSettings({ env: { DATABASE_REPLICA_URLS: text }, cwd: folder });
    expect(given.settings.database.replicaUrls).toEqual(text.split(', '));
    const fromFile = await loadSettings({ env: { DATABASE_REPLICA_URLS_FILE: write('replicas', `${text}\n`) }, cwd: folder });
    expect(fromFile.settings.database.replicaUrls).toEqual(text.split(', '));
    const shown = showSettings(given).find(({ key }) => key === 'database.replicaUrls');
    expect(shown?.value).toEqual(['ehr on db.example.org:5432 as onechart', 'ehr on second.example.org:5432 as onechart']);
  });

  test('is shown without its password, and other secrets not at all', async () => {
    const loaded = await loadSettings({
      env: {
        DATABASE_URL: url,
        ONECHART_ACCESS_OIDC_ISSUER: 'https://issuer.example.org',
        ONECHART_ACCESS_OIDC_CLIENT_ID: 'x',
        ONECHART_ACCESS_OIDC_CLIENT_SECRET: 'hidden-word',
        ONECHART_ACCESS_OIDC_REDIRECT_URI: 'https://onechart.example.org/x',
        ONECHART_ACCESS_OIDC_ROLES: '{}',
      },
      cwd: folder,
    });
    const text = JSON.stringify(showSettings(loaded));
    expect(text).toContain('ehr on db.example.org:5432 as onechart');
    expect(text).not.toContain('hidden-word');
  });
});

describe('what is wrong is said by key, place and remedy', () => {
  test.each<[string, Record<string, string>, string, RegExp]>([
    ['a number that is none', { ONECHART_SERVER_PORT: 'many' }, 'server.port', /^must be a whole number from 0 to 65535$/],
    ['a number too great', { ONECHART_SERVER_PORT: '70000' }, 'server.port', /^must be a whole number from 0 to 65535$/],
    ['no such choice', { ONECHART_LOG_LEVEL: 'loud' }, 'log.level', /^must be one of fatal, error, warn/],
    ['no such time zone', { ONECHART_FACILITY_TIME_ZONE: 'Mars/Olympus' }, 'facility.timeZone', /^must be a time zone of the IANA list/],
    ['no such country', { ONECHART_FACILITY_DEFAULT_COUNTRY: 'Italy' }, 'facility.defaultCountry', /^must be two capital letters/],
    ['an origin with a path', { ONECHART_CORS_ORIGINS: 'https://x.example.org/app' }, 'cors.origins', /^must be an origin without a path/],
    ['no address of a database', { DATABASE_URL: 'mysql://u:hidden-word@h/d' }, 'database.url', /^must be of the form postgresql:/],
    ['a misspelt variable', { ONECHART_SERVER_PROT: '1' }, 'ONECHART_SERVER_PROT', /perhaps ONECHART_SERVER_PORT is meant$/],
    ['a variable from nowhere', { ONECHART_XYZZY: '1' }, 'ONECHART_XYZZY', /^is no variable of OneChart; remove it/],
    ['a secret’s file that is not there', { DATABASE_URL_FILE: '/nowhere/secret' }, 'database.url', /^names a file that cannot be read/],
    ['a file that is not there', { ONECHART_AUDIT_SIGNING_KEY_FILE: '/nowhere/key' }, 'audit.signingKeyFile', /^names a file that cannot be read/],
    ['a token issuer without encryption', { ONECHART_ACCESS_TOKEN_ISSUER: 'http://issuer.example.org' }, 'access.token.issuer', /^must begin with https/],
  ])('%s', async (_what, env, key, problem) => {
    const { problems, error } = await problemsOf({ env });
    const found = problems.find((each) => each.key === key);
    expect(found?.problem).toMatch(problem);
    const source = Object.keys(env)[0] as string;
    expect([source, 'environment']).toContain(found?.source);
    expect(error.message).toContain(key);
    expect(error.message).toContain(source);
    expect(JSON.stringify([error.message, error.details])).not.toContain('hidden-word');
  });

  test('several mistakes are said at once, a missing companion too', async () => {
    const config = write('wrong.json', { server: { prot: 1, tlsCertificateFile: '/etc/hostname' }, facility: {}, servr: {}, log: 'loud' });
    const { problems, error } = await problemsOf({ config });
    expect(problems.map(({ key }) => key).sort()).toEqual(['log', 'server.prot', 'server.tlsKeyFile', 'servr']);
    expect(error.message.split('\n')).toHaveLength(5);
    const half = await problemsOf({ env: { ONECHART_SERVER_TLS_CERTIFICATE_FILE: '/etc/hostname' } });
    expect(half.error.message).toBe('server.tlsKeyFile is needed too: certificate and key go together.');
    const oidc = await problemsOf({ env: { ONECHART_ACCESS_OIDC_CLIENT_ID: 'x' } });
    expect(oidc.problems.map(({ key }) => key)).toContain('access.oidc.issuer');
  });

  test('a file that cannot be read or is not what its name says', async () => {
    await expect(loadSettings({ config: 'nowhere.json', env: {}, cwd: folder })).rejects.toMatchObject({ code: 'CONFIG_FILE_UNREADABLE' });
    await expect(loadSettings({ config: write('bad.json', '{ "a": '), env: {}, cwd: folder })).rejects.toMatchObject({ code: 'CONFIG_FILE_MALFORMED' });
    await expect(loadSettings({ config: write('bad.yaml', 'a: [\nb: c'), env: {}, cwd: folder })).rejects.toMatchObject({ code: 'CONFIG_FILE_MALFORMED' });
  });
});

test('addresses that a cluster writes for a service called onechart are none of ours', async () => {
  const env = {
    ONECHART_SERVICE_HOST: '10.0.0.7',
    ONECHART_SERVICE_PORT: '8080',
    ONECHART_SERVICE_PORT_HTTP: '8080',
    ONECHART_PORT: 'tcp://10.0.0.7:8080',
    ONECHART_PORT_8080_TCP: 'tcp://10.0.0.7:8080',
    ONECHART_PORT_8080_TCP_PROTO: 'tcp',
    ONECHART_SERVER_PORT: 'tcp://10.0.0.7:8080',
  };
  expect((await loadSettings({ env, cwd: '/' })).settings.server.port).toBe(8080);
});

test('every setting has a description and a variable of its own', () => {
  expect(settingList.length).toBeGreaterThan(20);
  expect(settingList.filter(({ description }) => description === '').map(({ key }) => key)).toEqual([]);
  expect(new Set(settingList.map(({ variable }) => variable)).size).toBe(settingList.length);
});
