import { expect, test } from 'vitest';
import { runCommand } from '../../../test/support/command-line.ts';

const onechart = (args: readonly string[], env: Record<string, string> = {}) => runCommand(args, { env, cwd: '/' });

test('show prints each setting with where it came from, and no secret', async () => {
  const { code, stdout } = await onechart(['config', 'show', '--set', 'log.level=warn', '--port', '0'], {
    DATABASE_URL: 'postgresql://onechart:hidden-word@db.example.org/ehr',
    ONECHART_FACILITY_TIME_ZONE: 'Africa/Nairobi',
  });
  expect(code).toBe(0);
  expect(stdout).toMatch(/^server\.port +0 +--port$/m);
  expect(stdout).toMatch(/^log\.level +warn +--set log\.level$/m);
  expect(stdout).toMatch(/^facility\.timeZone +Africa\/Nairobi +ONECHART_FACILITY_TIME_ZONE$/m);
  expect(stdout).toMatch(/^database\.url +ehr on db\.example\.org:5432 as onechart +DATABASE_URL$/m);
  expect(stdout).toMatch(/^server\.host +127\.0\.0\.1 +default$/m);
  expect(stdout).not.toContain('hidden-word');
});

test('check says that all is right, or everything that is wrong', async () => {
  expect(await onechart(['config', 'check', '--json'])).toMatchObject({ code: 0, stdout: expect.stringContaining('"ok": true') });
  const wrong = await onechart(['config', 'check', '--set', 'server.port=many', '--set', 'nonsense=1']);
  expect(wrong.code).toBe(64);
  expect(wrong.stderr).toContain('server.port in --set server.port must be a whole number from 0 to 65535.');
  expect(wrong.stderr).toContain('nonsense in --set nonsense is no setting;');
  expect(wrong.stderr).toContain('[CONFIG_INVALID]');
});

test('a setting without a value is a mistake of the command line', async () => {
  expect(await onechart(['config', 'check', '--set', 'server.port'])).toMatchObject({ code: 64, stderr: expect.stringContaining('[COMMAND_LINE_INVALID]') });
});

test('a server with a wrong configuration does not start', async () => {
  const refused = await onechart(['serve', '--database-url', 'postgresql://x@127.0.0.1:1/x', '--set', 'server.tlsKeyFile=/etc/hostname']);
  expect(refused).toMatchObject({ code: 64, stderr: expect.stringContaining('server.tlsCertificateFile is needed too') });
});
