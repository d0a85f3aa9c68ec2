import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { AppError } from '../base/errors.ts';
import { normalizePassword } from './password.ts';

interface Cost {
  /** Binary logarithm of N. */
  readonly ln: number;
  readonly r: number;
  readonly p: number;
}

/**
 * scrypt (RFC 7914) with N = 2^14, r = 8, p = 5: one of the equivalent settings of the OWASP Password Storage Cheat Sheet.
 * Measured: 120 ms of one core. N = 2^17, p = 1 takes 270 ms and 128 MB where this takes 16, and the server is to stay under 150.
 */
const cost: Cost = { ln: 14, r: 8, p: 5 };
const saltBytes = 16;
const hashBytes = 32;

/** libuv has four threads for everything; with two of them at work on passwords, files and names are still resolved. */
const atOnce = 2;
/** Who waits behind so many waits more than a second; better to say so than to pile up. */
const mostWaiting = 40;

/** `$scrypt$ln=14,r=8,p=5$salt$hash`, the PHC string format; a later release may raise the cost and still read this. */
const phc = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

/** Hashes a password for keeping. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(saltBytes);
  return formatHash(cost, salt, await derive(password, { salt, bytes: hashBytes, cost }));
}

/** What an unknown user's password is compared with, so that the answer takes as long as that for a known one. Nothing hashes to random bytes. */
const decoy = formatHash(cost, randomBytes(saltBytes), randomBytes(hashBytes));

/**
 * Whether the password is that of the hash. Without a hash it compares with a decoy and says no: the same work, so that the time
 * does not tell whether an account exists.
 */
export async function verifyPassword(password: string, hash: string | null | undefined): Promise<boolean> {
  const parts = phc.exec(hash ?? decoy);
  if (!parts) throw new AppError('internal', 'PASSWORD_HASH_UNREADABLE', 'The kept password is of an unknown form. Reset the password of this account.');
  const [, ln, r, p, salt, expected] = parts as unknown as [string, string, string, string, string, string];
  const wanted = Buffer.from(expected, 'base64');
  const found = await derive(password, { salt: Buffer.from(salt, 'base64'), bytes: wanted.length, cost: { ln: Number(ln), r: Number(r), p: Number(p) } });
  return timingSafeEqual(found, wanted) && hash !== null && hash !== undefined;
}

/** Whether the hash was made with less than today's cost; a successful sign-in then makes it anew. */
export function isOutdatedHash(hash: string): boolean {
  const [, ln, r, p] = phc.exec(hash) ?? [];
  return Number(ln) !== cost.ln || Number(r) !== cost.r || Number(p) !== cost.p;
}

/** Five groups of four letters and digits without those that look alike: 20 draws of 31, 99 bits. */
export function generatePassword(): string {
  const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789';
  const letters: string[] = [];
  while (letters.length < 20) {
    // A byte above the last whole multiple would favour the first letters.
    for (const byte of randomBytes(32)) if (byte < 248 && letters.length < 20) letters.push(alphabet[byte % 31] as string);
  }
  return (letters.join('').match(/.{4}/g) ?? []).join('-');
}

function formatHash({ ln, r, p }: Cost, salt: Buffer, hash: Buffer): string {
  const text = (bytes: Buffer) => bytes.toString('base64').replaceAll('=', '');
  return `$scrypt$ln=${ln},r=${r},p=${p}$${text(salt)}$${text(hash)}`;
}

let working = 0;
const waiting: (() => void)[] = [];

async function derive(password: string, how: { salt: Buffer; bytes: number; cost: Cost }): Promise<Buffer> {
  const { salt, bytes } = how;
  const { ln, r, p } = how.cost;
  if (working >= atOnce) {
    if (waiting.length >= mostWaiting) throw new AppError('busy', 'SIGN_IN_BUSY', 'Too many people are signing in at this moment. Try again in a few seconds.');
    // Whoever finishes hands its place over, so the count stays.
    await new Promise<void>((resolve) => waiting.push(resolve));
  } else {
    working += 1;
  }
  try {
    return await new Promise((resolve, reject) => {
      scrypt(normalizePassword(password), salt, bytes, { N: 2 ** ln, r, p, maxmem: 256 * 1024 * 1024 }, (error, key) => (error ? reject(error) : resolve(key)));
    });
  } finally {
    const next = waiting.shift();
    if (next) next();
    else working -= 1;
  }
}
