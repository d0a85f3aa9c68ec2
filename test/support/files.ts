import { createHash } from 'node:crypto';

/** The smallest PDF that says it is one, padded inside to a size; at least 60 bytes. */
export function pdfOf(size: number, body = ''): Buffer {
  const start = Buffer.from(`%PDF-1.4\n${body}`, 'latin1');
  const end = Buffer.from('\n%%EOF\n', 'latin1');
  return Buffer.concat([start, Buffer.alloc(Math.max(0, size - start.length - end.length), '%'), end]);
}

export const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Bytes as a network delivers them: in pieces of a length that fits nothing. */
export async function* delivered(bytes: Uint8Array, length = 65_521): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

export async function collected(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of bytes) parts.push(part);
  return Buffer.concat(parts);
}
