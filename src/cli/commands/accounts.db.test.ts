import '../../../test/support/quick-passwords.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { accessContext } from '../../../test/support/access.ts';
import { runCommand } from '../../../test/support/command-line.ts';
import { createDatabase, type TestDatabase } from '../../../test/support/database.ts';
import { authenticateKey } from '../../access/key.service.ts';
import { signIn } from '../../access/session.service.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase({ template: 'migrated' });
});
afterAll(() => database.drop());

const onechart = (args: string[], stdin?: string) => runCommand(args, { env: { DATABASE_URL: database.url }, ...(stdin === undefined ? {} : { stdin }) });
const enter = (username: string, password: string) =>
  signIn(accessContext(database).ctx, { username, password }, { settings: { idleMinutes: 30, absoluteHours: 12 } }).then(
    () => 'in',
    (error: { code: string }) => error.code,
  );

test('an account is made with a password that was generated or piped in, disabled, enabled, given another role and another password', async () => {
  const made = await onechart(['accounts', 'create', 'Head.Nurse', '--role', 'NURSE', '--display-name', 'Head nurse']);
  expect(made).toMatchObject({ code: 0, stderr: expect.stringContaining('head.nurse') });
  const generated = made.stdout.trim();
  expect(generated).toMatch(/^[a-z2-9]{4}(-[a-z2-9]{4}){4}$/);
  expect(await enter('head.nurse', generated)).toBe('in');

  const piped = await onechart(['accounts', 'create', 'doctor', '--role', 'DOCTOR', '--password-stdin', '--json'], 'seven quiet herons\nsecond line\n');
  expect(JSON.parse(piped.stdout)).toMatchObject({ account: { username: 'doctor', role: 'DOCTOR' } });
  expect(piped.stdout).not.toContain('herons');
  expect(await enter('doctor', 'seven quiet herons')).toBe('in');

  expect(await onechart(['accounts', 'disable', 'doctor', '--reason', 'left'])).toMatchObject({ code: 0, stdout: 'doctor is disabled.\n' });
  expect(await enter('doctor', 'seven quiet herons')).toBe('SIGN_IN_REFUSED');
  await onechart(['accounts', 'enable', 'doctor']);
  expect(await enter('doctor', 'seven quiet herons')).toBe('in');
  expect((await onechart(['accounts', 'set-role', 'doctor', '--role', 'HIM'])).stdout).toBe('doctor has the role HIM.\n');
  const reset = await onechart(['accounts', 'reset-password', 'doctor']);
  expect(await enter('doctor', reset.stdout.trim())).toBe('in');

  const list = (await onechart(['accounts', 'list'])).stdout.split('\n');
  expect(list[0]).toMatch(/^USERNAME +ROLE +STATE +LAST SIGN-IN +NAME$/);
  expect(list[1]).toMatch(/^doctor +HIM +enabled/);
  const [trail] = await database.query(`SELECT reason, origin, "actorName" FROM patient_audit_events WHERE action = 'account.disabled'`);
  expect(trail).toEqual({ reason: 'left', origin: 'cli', actorName: 'command line' });
});

test('a key is printed alone, works, is listed by its open part and revoked by it', async () => {
  const made = await onechart(['keys', 'create', '--name', 'laboratory', '--role', 'NURSE', '--expires', '90d']);
  const key = made.stdout.trim();
  const prefix = key.slice(0, 14);
  expect(made.stderr).toContain(prefix);
  expect(made.stderr).not.toContain(key);
  expect(await authenticateKey(accessContext(database).ctx, key)).toMatchObject({ name: 'laboratory', role: 'NURSE' });
  const list = (await onechart(['keys', 'list'])).stdout;
  expect(list).toMatch(new RegExp(`^${prefix} +NURSE +until `, 'm'));
  expect(list).not.toContain(key.slice(15));
  expect((await onechart(['keys', 'revoke', prefix])).stdout).toBe(`Revoked ${prefix} of laboratory.\n`);
  expect(await authenticateKey({ ...accessContext(database).ctx, pool: undefined }, key)).toBeUndefined();
  expect((await onechart(['keys', 'list'])).stdout).toMatch(new RegExp(`^${prefix} +NURSE +revoked `, 'm'));
});

test.each([
  [['accounts', 'create', 'x', '--role', 'NURSE'], '', 64, 'username must be at least 2 characters'],
  [['accounts', 'create', 'someone', '--role', 'SURGEON'], '', 64, 'Allowed choices are ADMIN'],
  [['accounts', 'create', 'someone'], '', 64, '--role'],
  [['accounts', 'create', 'someone', '--role', 'NURSE', '--password-stdin'], '', 64, 'Standard input is empty'],
  [['accounts', 'create', 'someone', '--role', 'NURSE', '--password-stdin'], 'password1234\n', 64, 'many people use'],
  [['accounts', 'create', 'someone', '--role', 'NURSE', '--password', 'x'], '', 64, "option '--password'"],
  [['accounts', 'disable', 'nobody'], '', 66, 'no such account'],
  [['keys', 'revoke', 'ock_zzzzzzzzzz'], '', 66, 'no such key'],
  [['keys', 'create', '--name', 'x', '--role', 'NURSE', '--expires', 'soon'], '', 64, '--expires must be'],
])('%j ends with a sentence that helps', async (args, stdin, code, sentence) => {
  const ended = await onechart(args, stdin);
  expect(ended).toMatchObject({ code, stdout: '' });
  expect(ended.stderr).toContain(sentence);
});
