import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AppError } from '../base/errors.ts';
import { type ByteRange, readByteRange } from '../document/byte-range.ts';
import { digestHeader, readDigest } from '../document/digest.ts';
import type { Download, Upload } from '../document/document.service.ts';
import { dispositionOf, readFileName } from '../document/file-name.ts';
import type { Answer } from './bind.ts';

/** A client that sends nothing for so long has gone away. */
const idleMilliseconds = 30_000;

/** What a refused upload may still send before the connection is cut: reading it lets the client hear the answer. */
const drainedBytes = 64 * 1024 * 1024;

/** Routes that are added here get their body as it comes, whatever its type. */
export function acceptFiles(server: FastifyInstance): void {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', (_request, _payload, done) => done(null));
}

/** Runs work on the file in the body of a request. Whatever the work leaves unread is read and thrown away. */
export async function withUpload<Result>(request: FastifyRequest, work: (upload: Upload) => Promise<Result>): Promise<Result> {
  const { raw } = request;
  const header = (name: string) => {
    const value = request.headers[name];
    return value === undefined ? undefined : String(value);
  };
  try {
    const coding = header('content-encoding');
    if (coding !== undefined && coding.trim().toLowerCase() !== 'identity') {
      throw new AppError('media-type', 'CONTENT_ENCODING_UNSUPPORTED', 'A file is taken as it is. Send it without Content-Encoding.', {
        field: 'Content-Encoding',
      });
    }
    const length = header('content-length');
    return await work({
      content: arriving(raw, idleMilliseconds),
      ...definedOnly({
        declaredType: header('content-type'),
        declaredSize: length === undefined ? undefined : Number(length),
        fileName: readFileName(header('content-disposition')),
        sha256: readDigest({ reprDigest: header('repr-digest'), contentDigest: header('content-digest'), digest: header('digest') }),
      }),
    });
  } finally {
    if (!raw.readableEnded) drain(request);
  }
}

/** The parts of a body as they come. Only the time in which the client is waited for counts, not that in which the store is. Errors: `UPLOAD_STALLED`. */
export async function* arriving(body: Readable, idle: number): AsyncGenerator<Uint8Array> {
  // Left by an error, the stream must stay open, or the answer would not get through.
  const parts = body.iterator({ destroyOnReturn: false });
  try {
    for (;;) {
      const next = await withinIdle(parts.next(), idle);
      if (next.done) return;
      yield next.value as Uint8Array;
    }
  } finally {
    // Until it lets go of the stream, nobody else can read on. After a stall that is when the client sends again, so it is not waited for.
    parts.return?.().catch(() => undefined);
  }
}

async function withinIdle<Part>(part: Promise<Part>, idle: number): Promise<Part> {
  let timer: NodeJS.Timeout | undefined;
  const stalled = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(uploadStalled(idle)), idle);
  });
  try {
    return await Promise.race([part, stalled]);
  } finally {
    clearTimeout(timer);
  }
}

function uploadStalled(idle: number): AppError {
  return new AppError('invalid', 'UPLOAD_STALLED', `Nothing of the file came for ${idle / 1000} seconds. Nothing was kept; send it again.`);
}

function drain({ raw }: FastifyRequest): void {
  let left = drainedBytes;
  raw.on('data', (part: Buffer) => {
    left -= part.length;
    if (left < 0) raw.destroy();
  });
  // A connection that breaks now has nothing more to say to anybody.
  raw.on('error', () => undefined);
  raw.setTimeout(idleMilliseconds, () => raw.destroy());
  raw.once('end', () => raw.setTimeout(0));
  raw.resume();
}

function definedOnly<Fields extends object>(fields: Fields): { [Name in keyof Fields]?: NonNullable<Fields[Name]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as { [Name in keyof Fields]?: NonNullable<Fields[Name]> };
}

/**
 * A file as an answer. A browser saves it and does not show it: content of unknown senders must not run in our origin,
 * and where somebody shows it all the same, the policy lets nothing in it load or run.
 */
export function answerFile(request: FastifyRequest, file: Download): Answer {
  const etag = `"${file.sha256}"`;
  const headers = {
    etag,
    'content-type': file.mimeType,
    'content-disposition': dispositionOf(file.fileName),
    'content-security-policy': "default-src 'none'; sandbox; frame-ancestors 'none'",
    'accept-ranges': 'bytes',
    'repr-digest': digestHeader(file.sha256),
    'cache-control': 'private, no-cache',
  };
  const range = rangeOf(request, { etag, size: file.size });
  const length = range ? range.last - range.first + 1 : file.size;
  const shown = { ...headers, 'content-length': String(length), ...(range ? { 'content-range': `bytes ${range.first}-${range.last}/${file.size}` } : {}) };
  // HEAD reads its body to the end and throws it away, so it gets an empty one. What the caller has already is never read: a stream begins with its reader.
  const body = Readable.from(request.method === 'HEAD' ? [] : file.read(range), { objectMode: false });
  return { status: range ? 206 : 200, headers: shown, body };
}

function rangeOf(request: FastifyRequest, file: { etag: string; size: number }): ByteRange | undefined {
  const ifRange = request.headers['if-range'];
  // The caller has the first part of another file: it gets the whole of this one (RFC 9110 §13.1.5).
  if (ifRange !== undefined && String(ifRange).trim() !== file.etag) return undefined;
  const range = readByteRange(request.headers.range, file.size);
  if (range !== 'unsatisfiable') return range;
  throw new AppError('range', 'RANGE_UNSATISFIABLE', `The file ends before the first byte that was asked for; it has ${file.size} bytes.`, { size: file.size });
}
