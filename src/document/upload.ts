import { AppError } from '../base/errors.ts';
import { acceptMediaType, endingLength, isWhole, type MediaType } from './media-type.ts';

/** As much as the sniffer looks at. */
const headLength = 4100;

export interface UploadRules {
  /** Bytes. */
  readonly limit: number;
  readonly allowed: readonly MediaType[];
  readonly declaredType?: string | undefined;
  /** Bytes as announced by Content-Length, to refuse what is too large before the first byte. */
  readonly declaredSize?: number | undefined;
}

/**
 * Begins to read a file: looks at its head and says what it is. The bytes that come out are all of them, the head included;
 * reading them fails when they are too many, or when the end of the file is missing.
 *
 * Errors: `DOCUMENT_EMPTY`, `DOCUMENT_TOO_LARGE`, `DOCUMENT_TRUNCATED`, `UPLOAD_BROKEN_OFF`, and those of `acceptMediaType`.
 */
export async function openUpload(source: AsyncIterable<Uint8Array>, rules: UploadRules): Promise<{ mediaType: MediaType; bytes: AsyncIterable<Uint8Array> }> {
  if (rules.declaredSize !== undefined && rules.declaredSize > rules.limit) throw tooLarge(rules.limit);
  const parts = limited(source, rules.limit)[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  let ended = false;
  while (head.length < headLength && !ended) {
    const next = await parts.next();
    if (next.done) ended = true;
    else head = Buffer.concat([head, next.value]);
  }
  if (head.length === 0) throw new AppError('invalid', 'DOCUMENT_EMPTY', 'The file is empty. Send the bytes of the file as the body.');
  // Loaded when the first file comes.
  const { fileTypeFromBuffer } = await import('file-type');
  const sniffed = await fileTypeFromBuffer(head.subarray(0, headLength));
  const mediaType = acceptMediaType({ sniffed: sniffed?.mime, declared: rules.declaredType, allowed: rules.allowed });
  return { mediaType, bytes: whole(mediaType, head, { [Symbol.asyncIterator]: () => parts }) };
}

async function* limited(source: AsyncIterable<Uint8Array>, limit: number): AsyncGenerator<Uint8Array> {
  let size = 0;
  try {
    for await (const part of source) {
      size += part.length;
      if (size > limit) throw tooLarge(limit);
      yield part;
    }
  } catch (thrown) {
    throw thrown instanceof AppError ? thrown : brokenOff(thrown);
  }
}

async function* whole(type: MediaType, head: Buffer, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let ending = Buffer.from(head.subarray(-endingLength));
  let size = head.length;
  yield head;
  for await (const part of rest) {
    size += part.length;
    ending = part.length >= endingLength ? Buffer.from(part.subarray(-endingLength)) : Buffer.concat([ending, part]).subarray(-endingLength);
    yield part;
  }
  if (!isWhole(type, { head, ending, size })) {
    throw new AppError('invalid', 'DOCUMENT_TRUNCATED', `The end of the file is missing, as ${type} demands it. Scan or export it again, and send all of it.`, {
      recognised: type,
    });
  }
}

function tooLarge(limit: number): AppError {
  return new AppError(
    'too-large',
    'DOCUMENT_TOO_LARGE',
    `The file has more than the ${limit} bytes that are taken. Scan with fewer dots per inch, or ask for a higher limit.`,
    { limit },
  );
}

function brokenOff(cause: unknown): AppError {
  return new AppError(
    'invalid',
    'UPLOAD_BROKEN_OFF',
    'The connection broke before the whole file had arrived. Nothing was kept; send it again.',
    {},
    { cause },
  );
}
