import { AppError } from '../base/errors.ts';
import { commonPasswords } from './common-passwords.ts';

/** NIST SP 800-63B-4 §3.1.1.2: at least 8 with a second factor, 15 without; 12 is the compromise where doors and desks are guarded too. */
export const shortestPassword = 12;
/** At least 64 have to be taken (same clause); the bound keeps hashing cheap to refuse. */
const longestPassword = 256;

/**
 * One form for the same characters typed on different keyboards (NIST SP 800-63B-4 §3.1.1.2 asks for NFKC or NFKD),
 * so that a password with an accent fits again tomorrow.
 */
export function normalizePassword(password: string): string {
  return password.normalize('NFKC');
}

/**
 * Refuses a new password that somebody would guess: too short, common, repetitive, a row of the keyboard, or the name of
 * its owner. No rule asks for digits or signs, and nothing expires by itself (same clause).
 *
 * Errors: `PASSWORD_TOO_SHORT`, `PASSWORD_TOO_LONG`, `PASSWORD_TOO_COMMON`, `PASSWORD_HAS_NAME`; none repeats the password.
 *
 * @example
 * checkNewPassword('correct horse battery', { username: 'a.njeri' });
 */
export function checkNewPassword(password: string, options: { username: string; displayName?: string }): void {
  const normal = normalizePassword(password);
  const length = Array.from(normal).length;
  if (length < shortestPassword)
    throw refusal('PASSWORD_TOO_SHORT', `The password is too short. Take ${shortestPassword} characters or more; a few words with spaces do well.`);
  if (length > longestPassword) throw refusal('PASSWORD_TOO_LONG', `The password is too long. Take at most ${longestPassword} characters.`);
  const plain = normal.toLowerCase();
  if (hasName(plain, options))
    throw refusal('PASSWORD_HAS_NAME', 'The password contains the name of its owner or of this product. Take one that has nothing to do with them.');
  if (isCommon(plain))
    throw refusal('PASSWORD_TOO_COMMON', 'The password is one that many people use, or a pattern. Take a few words that only you would put together.');
}

function refusal(code: string, message: string): AppError {
  return new AppError('invalid', code, message, { field: 'password' });
}

function hasName(password: string, { username, displayName = '' }: { username: string; displayName?: string }): boolean {
  const letters = password.replaceAll(/[^\p{L}\p{N}]/gu, '');
  const local = username.toLowerCase().split('@')[0] ?? '';
  const names = [username.toLowerCase(), local.replaceAll(/[^\p{L}\p{N}]/gu, ''), displayName.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, ''), 'onechart'];
  return names.some((name) => name.length >= 4 && (password.includes(name) || letters.includes(name)));
}

function isCommon(password: string): boolean {
  const bare = password.replaceAll(/[^\p{L}\p{N}]/gu, '');
  const withoutTail = bare.replace(/\d+$/, '');
  const unleeted = withoutTail.replaceAll(/[013457]/g, (digit) => leet[digit] ?? digit);
  return [password, bare, withoutTail, unleeted].some((form) => commonPasswords.has(form)) || new Set(password).size < 5 || isRepeated(password) || isRow(bare);
}

const leet: Readonly<Record<string, string>> = { '0': 'o', '1': 'i', '3': 'e', '4': 'a', '5': 's', '7': 't' };

/** `summersummer`: a short piece, again and again. */
function isRepeated(password: string): boolean {
  return /^(.{1,8})\1+.{0,2}$/u.test(password);
}

const rows = [
  'abcdefghijklmnopqrstuvwxyz',
  '012345678901234567890123456789',
  'qwertyuiopasdfghjklzxcvbnm',
  'qwertzuiopasdfghjklyxcvbnm',
  '1qaz2wsx3edc4rfv5tgb6yhn7ujm',
];

/** `abcdefghijkl`, `098765432109`, `qwertyuiopas`. */
function isRow(password: string): boolean {
  return password.length >= 8 && rows.some((row) => [row, Array.from(row).reverse().join('')].some((each) => each.includes(password)));
}
