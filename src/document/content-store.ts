import { createHash } from 'node:crypto';
import { AppError } from '../base/errors.ts';
import type { Ctx } from '../db/context.ts';
import type { ByteRange } from './byte-range.ts';

/**
 * A place for the bytes of files. A key is written once and never again, so that what is under a key never changes.
 * Nothing here knows of documents; which bytes count is said by the rows of `patient_document_contents`.
 */
export interface ContentStore {
  /** As it stands in `patient_document_contents.store`. */
  readonly name: StoreName;
  /** Takes the bytes as they come, holding no more of them than one piece. When the source fails, what was taken may stay until `remove`. */
  put(ctx: Ctx, key: string, bytes: AsyncIterable<Uint8Array>): Promise<Stored>;
  /** Gives the bytes piece by piece. Errors: `CONTENT_LOST` when they are not there, or not all of them. */
  read(ctx: Ctx, key: string, range: ByteRange): AsyncIterable<Uint8Array>;
  /** Removes the bytes; nothing happens when there are none. */
  remove(ctx: Ctx, key: string): Promise<void>;
  /** The keys whose bytes were written before an instant, in pages, for the sweep. */
  listKeys(ctx: Ctx, before: Date): AsyncIterable<readonly string[]>;
  /** Gives back connections, if it holds any. */
  close(): Promise<void>;
}

export type StoreName = 'DATABASE' | 'S3';

export interface Stored {
  /** Hexadecimal. */
  readonly sha256: string;
  readonly size: number;
}

/** Passes bytes on and remembers their number and digest. */
export function measured(bytes: AsyncIterable<Uint8Array>): { bytes: AsyncIterable<Uint8Array>; result: () => Stored } {
  const hash = createHash('sha256');
  let size = 0;
  async function* pass() {
    for await (const piece of bytes) {
      hash.update(piece);
      size += piece.length;
      yield piece;
    }
  }
  return { bytes: pass(), result: () => ({ sha256: hash.digest('hex'), size }) };
}

/** Cuts bytes into pieces of one length, the last one shorter. No more than one piece is held. */
export async function* inPieces(bytes: AsyncIterable<Uint8Array>, length: number): AsyncIterable<Buffer> {
  let piece = Buffer.allocUnsafe(length);
  let filled = 0;
  for await (const part of bytes) {
    for (let at = 0; at < part.length; ) {
      const taken = Math.min(length - filled, part.length - at);
      piece.set(part.subarray(at, at + taken), filled);
      filled += taken;
      at += taken;
      if (filled < length) continue;
      yield piece;
      // Whoever took the last one may still hold it.
      piece = Buffer.allocUnsafe(length);
      filled = 0;
    }
  }
  if (filled > 0) yield piece.subarray(0, filled);
}

export function contentLost(key: string): AppError {
  return new AppError('operator', 'CONTENT_LOST', 'The bytes of this file are not where they were put. Restore them from a backup, or upload the file again.', {
    contentId: key,
  });
}
