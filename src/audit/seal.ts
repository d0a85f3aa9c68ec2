import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { AppError } from '../base/errors.ts';
import type { AuditSeal } from './seal.schema.ts';

/** How rows and seals are put into words today. */
export const sealFormat = 1;
/** What the first seal names as the one before it. */
export const noSeal = '0'.repeat(64);

/** A row as the chain sees it. */
export interface RowHash {
  readonly seq: number;
  /** Months since the year 0: `monthName` writes it. */
  readonly month: number;
  /** SHA-256 over the row's canonical text. */
  readonly hash: Buffer;
}

const packedBytes = 44;
const fingerprintBytes = 16;

/** The rows of a page as the database sends them, 44 bytes each: month, seq, hash. */
export function unpackRows(packed: Buffer): RowHash[] {
  return Array.from({ length: packed.length / packedBytes }, (_, index) => {
    const at = index * packedBytes;
    return { month: packed.readInt32BE(at), seq: Number(packed.readBigInt64BE(at + 4)), hash: packed.subarray(at + 12, at + packedBytes) };
  });
}

/** `24322` is 2026-11. */
export function monthName(month: number): string {
  return `${String(Math.floor(month / 12)).padStart(4, '0')}-${String((month % 12) + 1).padStart(2, '0')}`;
}

export function monthNumber(name: string): number {
  return Number(name.slice(0, 4)) * 12 + Number(name.slice(5, 7)) - 1;
}

/** The hash of a row's canonical text, as the database computes it too. */
export function hashOfText(text: string): Buffer {
  return createHash('sha256').update(text, 'utf8').digest();
}

export function hashOfBytes(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** What a seal says of the rows of one month: gathered row by row, 16 bytes of memory each. */
export interface RowSummary {
  readonly rowCount: number;
  readonly digest: string;
  readonly fingerprints: Buffer;
}

export function summarizeRows(rows: readonly RowHash[]): RowSummary {
  const digest = createHash('sha256');
  const fingerprints = Buffer.alloc(rows.length * fingerprintBytes);
  for (const [index, { seq, hash }] of rows.entries()) {
    digest.update(hash);
    fingerprints.writeBigInt64BE(BigInt(seq), index * fingerprintBytes);
    hash.copy(fingerprints, index * fingerprintBytes + 8, 0, 8);
  }
  return { rowCount: rows.length, digest: digest.digest('hex'), fingerprints };
}

export interface RowDifference {
  readonly kind: 'altered' | 'removed' | 'inserted';
  readonly seq: number;
}

/** Which rows are not those that were sealed. */
export function compareRows(sealed: Buffer, rows: readonly RowHash[]): RowDifference[] {
  const wanted = new Map<number, string[]>();
  for (let at = 0; at < sealed.length; at += fingerprintBytes) {
    const seq = Number(sealed.readBigInt64BE(at));
    wanted.set(seq, [...(wanted.get(seq) ?? []), sealed.toString('hex', at + 8, at + fingerprintBytes)]);
  }
  const strangers: number[] = [];
  for (const { seq, hash } of rows) {
    const known = wanted.get(seq) ?? [];
    const exact = known.indexOf(hash.toString('hex', 0, 8));
    if (exact < 0) strangers.push(seq);
    else known.splice(exact, 1);
  }
  // Only now: where two rows bear one number, the one that was sealed has been found first.
  const differences = strangers.map((seq): RowDifference => ({ kind: wanted.get(seq)?.shift() === undefined ? 'inserted' : 'altered', seq }));
  for (const [seq, rest] of wanted) for (const _ of rest) differences.push({ kind: 'removed', seq });
  return differences.sort((one, other) => one.seq - other.seq);
}

/** Whether a row is among those that a seal covers, unchanged. */
export function hasRow(sealed: Buffer, row: { seq: number; hash: Buffer }): 'same' | 'altered' | 'missing' {
  for (let at = 0; at < sealed.length; at += fingerprintBytes) {
    if (Number(sealed.readBigInt64BE(at)) === row.seq)
      return sealed.subarray(at + 8, at + fingerprintBytes).equals(row.hash.subarray(0, 8)) ? 'same' : 'altered';
  }
  return 'missing';
}

/** What the hash of a seal is made of. */
export type SealContent = Omit<AuditSeal, 'hash' | 'keyId' | 'signature' | 'fingerprints'>;

/** SHA-256 over everything that a seal says, its place and the seal before it included. */
export function hashOfSeal(seal: SealContent): string {
  const said = [
    seal.format,
    seal.number,
    seal.kind,
    seal.fromSeq,
    seal.toSeq,
    seal.month,
    seal.rowCount,
    seal.digest,
    seal.fingerprintsDigest,
    seal.note,
    seal.sealedAt,
    seal.previousHash,
  ];
  return createHash('sha256').update(JSON.stringify(said)).digest('hex');
}

/** Signs seals. The private half stays with the server; whoever rules the database cannot make such a signature. */
export interface SealingKey {
  readonly keyId: string;
  sign(hash: string): string;
}

/** A public key that a seal may be signed with. */
export interface SealVerifier {
  readonly keyId: string;
  verify(hash: string, signature: string): boolean;
}

/** Errors: `AUDIT_KEY_INVALID` when the text is no Ed25519 key in PEM. */
export function readSealingKey(pem: string): SealingKey {
  const key = ed25519(() => createPrivateKey(pem), 'private');
  return { keyId: keyIdOf(createPublicKey(key)), sign: (hash) => sign(null, Buffer.from(hash, 'hex'), key).toString('base64') };
}

/** Reads a public key, or the public half of a private one. Errors: `AUDIT_KEY_INVALID`. */
export function readSealVerifier(pem: string): SealVerifier {
  const key = ed25519(() => createPublicKey(pem), 'public');
  return { keyId: keyIdOf(key), verify: (hash, signature) => verify(null, Buffer.from(hash, 'hex'), key, Buffer.from(signature, 'base64')) };
}

function ed25519(read: () => KeyObject, half: string): KeyObject {
  const wrong = (cause?: unknown) =>
    new AppError(
      'invalid',
      'AUDIT_KEY_INVALID',
      `The ${half} key for seals is no Ed25519 key in PEM. Make a pair with: openssl genpkey -algorithm ed25519 -out audit.key; openssl pkey -in audit.key -pubout -out audit.pub`,
      {},
      cause === undefined ? {} : { cause },
    );
  let key: KeyObject;
  try {
    key = read();
  } catch (error) {
    throw wrong(error);
  }
  if (key.asymmetricKeyType !== 'ed25519') throw wrong();
  return key;
}

function keyIdOf(key: KeyObject): string {
  return createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex')
    .slice(0, 16);
}
