import { createHash } from 'node:crypto';
import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { AppError } from '../base/errors.ts';
import { plainDateIn } from '../base/plain-date.ts';
import { type CheckedRow, checkRow, type CheckOptions } from './check-row.ts';
import { isFrameLine } from '../export/importable.ts';
import type { ImportMapping } from './mapping.schema.ts';
import { createJsonReader } from './read-json.ts';
import { createRowReader, type ReadRow, type RowProblem } from './read-row.ts';
import { createRecordSplitter, type Encoding, type FileRecord, type Place, type RecordFormat } from './records.ts';

/** A file from one end to the other, before anything of it is understood. */
export interface ScannedFile {
  readonly sha256: string;
  readonly size: number;
  /** UTF-8 when every byte of it is; otherwise what older Windows programs write. */
  readonly encoding: Encoding;
  /** Its beginning, without a byte order mark. */
  readonly head: Buffer;
  /** Bytes of the byte order mark. */
  readonly markBytes: number;
}

const headSize = 1 << 18;

/** Errors: `IMPORT_FILE_UNREADABLE`, `IMPORT_FILE_EMPTY`, `IMPORT_ENCODING_UNSUPPORTED` for UTF-16. */
export async function scanFile(path: string): Promise<ScannedFile> {
  const hash = createHash('sha256');
  let size = 0;
  let utf8 = true;
  let head: Buffer = Buffer.alloc(0);
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of readFrom(path, 0)) {
    hash.update(chunk);
    size += chunk.length;
    if (head.length < headSize) head = Buffer.concat([head, chunk.subarray(0, headSize - head.length)]);
    if (utf8) {
      // Up to the last line break, so that no character is cut in two.
      const end = chunk.lastIndexOf(10) + 1;
      if (end > 0) {
        utf8 = isUtf8(Buffer.concat([rest, chunk.subarray(0, end)]));
        rest = chunk.subarray(end);
      } else rest = Buffer.concat([rest, chunk]);
    }
  }
  if (utf8) utf8 = isUtf8(rest);
  if (size === 0) throw new AppError('invalid', 'IMPORT_FILE_EMPTY', 'The file is empty. Check that the export ran to its end.');
  if ((head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff))
    throw new AppError('unsupported', 'IMPORT_ENCODING_UNSUPPORTED', 'The file is in UTF-16. Save it as UTF-8, which spreadsheets call "CSV UTF-8".');
  const markBytes = head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf ? 3 : 0;
  return { sha256: hash.digest('hex'), size, encoding: utf8 ? 'utf-8' : 'windows-1252', head: head.subarray(markBytes), markBytes };
}

async function* readFrom(path: string, start: number): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of createReadStream(path, { start, highWaterMark: 1 << 20 })) yield chunk as Buffer;
  } catch (cause) {
    throw new AppError('unavailable', 'IMPORT_FILE_UNREADABLE', 'The file of the import cannot be read. Check its name and rights.', {}, { cause });
  }
}

/** The records of a file from a place on. */
export async function* readRecords(path: string, format: RecordFormat, from: Place): AsyncGenerator<FileRecord[]> {
  const splitter = createRecordSplitter(format, from);
  for await (const chunk of readFrom(path, from.byte)) yield splitter.push(chunk);
  yield splitter.finish();
}

/** How the rows of a file are understood. */
export interface SourceFormat {
  readonly kind: 'csv' | 'ndjson';
  readonly record: RecordFormat;
  readonly header: readonly string[];
  readonly mapping: ImportMapping;
}

export interface SourceOptions {
  readonly path: string;
  readonly format: SourceFormat;
  readonly from: Place;
  readonly check: CheckOptions;
  readonly batchRows: number;
}

export interface SourceRow {
  readonly line: number;
  /** The row as it stood in the file. */
  readonly fields: readonly string[];
  readonly checked: CheckedRow | undefined;
  readonly problems: readonly RowProblem[];
}

export interface SourceBatch {
  readonly rows: readonly SourceRow[];
  /** Where the next batch begins. */
  readonly next: Place;
}

/** Bytes of a batch, where rows are long: batches wait in memory. */
const mostBytes = 4 << 20;
/** Numbers of other authorities in a batch: each is locked until the batch is written, and locks are counted (max_locks_per_transaction). */
const mostIdentifiers = 2000;

/** How a row is read, for those who hold one in their hands again. */
export function createReader(format: SourceFormat, today: string): (fields: readonly string[]) => ReadRow {
  return format.kind === 'csv' ? createRowReader(format.header, format.mapping, today) : createJsonReader();
}

const problems = {
  'too-long': {
    code: 'IMPORT_RECORD_TOO_LONG',
    message: 'The row is longer than 1 MB. Check for a quote that is not closed, or for a file that is no table.',
  },
  'quote-not-closed': {
    code: 'IMPORT_QUOTE_NOT_CLOSED',
    message: 'A quote is opened and not closed. Close it, or double it where it is part of the text.',
  },
  'text-after-quote': {
    code: 'IMPORT_TEXT_AFTER_QUOTE',
    message: 'Text follows a closing quote. Double a quote that is part of the text.',
  },
} as const;

/** Reads and checks the rows of a file, batch by batch, in this thread. */
export async function* readBatchesHere(options: SourceOptions): AsyncGenerator<SourceBatch> {
  const { path, format, from, check, batchRows } = options;
  const read = createReader(format, plainDateIn(check.now, check.timeZone));
  let rows: SourceRow[] = [];
  let identifiers = 0;
  let next = from;
  let begun = from.byte;
  for await (const records of readRecords(path, format.record, from)) {
    for (const record of records) {
      // The first and the last line of an export of the base are about the file.
      if (format.kind === 'ndjson' && isFrameLine(record.fields?.[0] ?? '')) {
        next = record.next;
        continue;
      }
      const row = checkRecord(record);
      rows.push(row);
      next = record.next;
      identifiers += row.checked?.identifiers.length ?? 0;
      if (rows.length < batchRows && identifiers < mostIdentifiers && next.byte - begun < mostBytes) continue;
      yield { rows, next };
      begun = next.byte;
      rows = [];
      identifiers = 0;
    }
  }
  if (rows.length > 0) yield { rows, next };

  function checkRecord({ line, fields, problem, raw }: FileRecord): SourceRow {
    if (!fields) return { line, fields: [raw], checked: undefined, problems: [{ column: '', ...problems[problem ?? 'too-long'] }] };
    const checked = checkRow(read(fields), check);
    return 'chart' in checked ? { line, fields, checked, problems: [] } : { line, fields, checked: undefined, problems: checked };
  }
}

/** Below this a thread costs more than it saves: it loads the schemas anew, 150 ms. */
const worthAThread = 4 << 20;
/** Batches that wait for the writer at most. */
const ahead = 3;

/** What a batch leaves behind goes at once, not when the machine is full. */
const workerLimits = { maxYoungGenerationSizeMb: 32, maxOldGenerationSizeMb: 512 };

/** The same, in a thread of its own for larger files, while this one writes. */
export async function* readBatches(options: SourceOptions & { fileSize: number }): AsyncGenerator<SourceBatch> {
  if (options.fileSize - options.from.byte < worthAThread) {
    yield* readBatchesHere(options);
    return;
  }
  const worker = new Worker(new URL(import.meta.url), { workerData: { onechartImport: options }, resourceLimits: workerLimits });
  const arrived: Message[] = [];
  let wake: () => void = () => undefined;
  const arrive = (message: Message) => {
    arrived.push(message);
    wake();
  };
  worker.on('message', arrive);
  worker.on('error', (error) => arrive({ failed: error }));
  worker.postMessage(ahead);
  try {
    for (;;) {
      const message = arrived.shift();
      if (!message) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        continue;
      }
      if ('done' in message) return;
      if ('refused' in message) throw new AppError(message.refused.kind, message.refused.code, message.refused.message);
      if ('failed' in message) throw message.failed;
      worker.postMessage(1);
      yield message.batch;
    }
  } finally {
    await worker.terminate();
  }
}

type Message =
  | { readonly batch: SourceBatch }
  | { readonly done: true }
  | { readonly refused: Pick<AppError, 'kind' | 'code' | 'message'> }
  | { readonly failed: unknown };

async function workInThread(options: SourceOptions): Promise<void> {
  const port = parentPort;
  if (!port) return;
  let credit = 0;
  let wake: () => void = () => undefined;
  port.on('message', (more: number) => {
    credit += more;
    wake();
  });
  try {
    for await (const batch of readBatchesHere(options)) {
      while (credit === 0)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      credit -= 1;
      port.postMessage({ batch } satisfies Message);
    }
    port.postMessage({ done: true } satisfies Message);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    port.postMessage({ refused: { kind: error.kind, code: error.code, message: error.message } } satisfies Message);
  }
}

const order = (workerData as { onechartImport?: SourceOptions } | null)?.onechartImport;
if (!isMainThread && order) await workInThread(order);
