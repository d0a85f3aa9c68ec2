import { expect, test } from 'vitest';
import { checkNewPassword } from './password.ts';
import { generatePassword, hashPassword, isOutdatedHash, verifyPassword } from './password.service.ts';

const owner = { username: 'a.njeri', displayName: 'Akinyi Njeri' };

test.each([
  ['elevenchars', 'PASSWORD_TOO_SHORT'],
  ['x'.repeat(257), 'PASSWORD_TOO_LONG'],
  ['Password1234!', 'PASSWORD_TOO_COMMON'],
  ['P4ssw0rd!2024', 'PASSWORD_TOO_COMMON'],
  ['january20261122', 'PASSWORD_TOO_COMMON'],
  ['aaaabbbbaaaabbbb', 'PASSWORD_TOO_COMMON'],
  ['herons herons ', 'PASSWORD_TOO_COMMON'],
  ['qwertyuiopas', 'PASSWORD_TOO_COMMON'],
  ['0987 6543 2109', 'PASSWORD_TOO_COMMON'],
  ['A.Njeri lives here', 'PASSWORD_HAS_NAME'],
  ['akinyinjeri77', 'PASSWORD_HAS_NAME'],
  ['OneChart is mine', 'PASSWORD_HAS_NAME'],
])('%s is refused: %s, without the password in the message', (password, code) => {
  const refused = () => checkNewPassword(password, owner);
  expect(refused).toThrow(expect.objectContaining({ kind: 'invalid', code }));
  expect(refused).not.toThrow(password);
});

test.each(['seven quiet herons', 'Mto wa mamba saba', 'Fjällräv på isen', '七羽の静かな鷺が川辺に立つ夜', 'dd3G-9mKq-72xP', 'njerambugu kilima'])(
  '%s is taken',
  (password) => {
    expect(() => checkNewPassword(password, owner)).not.toThrow();
  },
);

test('generated passwords pass the rules and differ', () => {
  const made = Array.from({ length: 50 }, generatePassword);
  for (const password of made) expect(() => checkNewPassword(password, owner)).not.toThrow();
  expect(new Set(made).size).toBe(50);
});

test('a hash fits its password in either Unicode form and no other, and says with what cost it was made', async () => {
  const hash = await hashPassword('Fjällräv på isen'.normalize('NFC'));
  expect(hash).toMatch(/^\$scrypt\$ln=14,r=8,p=5\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  expect(await verifyPassword('Fjällräv på isen'.normalize('NFD'), hash)).toBe(true);
  expect(await verifyPassword('Fjallrav pa isen', hash)).toBe(false);
  expect(isOutdatedHash(hash)).toBe(false);
  // RFC 7914 §12, second vector, with its own cost and 64 bytes.
  const rfc =
    '$scrypt$ln=10,r=8,p=16$TmFDbA$' +
    Buffer.from('fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640', 'hex')
      .toString('base64')
      .replaceAll('=', '');
  expect(await verifyPassword('password', rfc)).toBe(true);
  expect(await verifyPassword('passwore', rfc)).toBe(false);
  expect(isOutdatedHash(rfc)).toBe(true);
});

test('without a hash nothing fits, and a kept hash of another form is a defect', async () => {
  expect(await verifyPassword('anything at all', null)).toBe(false);
  await expect(verifyPassword('anything at all', 'plain text')).rejects.toMatchObject({ code: 'PASSWORD_HASH_UNREADABLE' });
});
