/** Encodings of files: those of Unicode exports, and that of older Windows programs, which latin-1 (ISO 8859-1) is a part of. */
export type Encoding = 'utf-8' | 'windows-1252';

/** Where a record stands in its file. */
export interface Place {
  /** Bytes of the file before the record. */
  readonly byte: number;
  /** Line on which it begins, from 1. */
  readonly line: number;
}

export type RecordProblem = 'quote-not-closed' | 'text-after-quote' | 'too-long';

/** One row of a CSV file, or one line of an NDJSON file, which has one field. */
export interface FileRecord {
  readonly line: number;
  /** Undefined when the record cannot be taken apart; `raw` has it then, as far as it was kept. */
  readonly fields: readonly string[] | undefined;
  readonly problem: RecordProblem | undefined;
  readonly raw: string;
  /** Where the next record begins. */
  readonly next: Place;
}

/** How a file is taken apart. Without a delimiter each line is one field, and quotes mean nothing. */
export interface RecordFormat {
  readonly encoding: Encoding;
  readonly delimiter?: string | undefined;
  readonly quote?: string | undefined;
}

export interface RecordSplitter {
  push(chunk: Buffer): FileRecord[];
  /** The last record, which may lack its line break. */
  finish(): FileRecord[];
}

/** A row of a person has some hundred bytes; beyond this a quote was not closed or the file is no table. */
export const longestRecord = 1 << 20;

const newline = 10;
const carriageReturn = 13;

/**
 * Takes a file apart piece by piece: RFC 4180, with any delimiter. Records know where they stand, and one that is malformed costs
 * one row: a closing quote with text behind it, or none at all, is told of its line and reading goes on with the next one.
 * (csv-parse loses the rest of a file there, and its count of lines is off after a CRLF inside quotes: docs/adr/0054-imports.md.)
 */
export function createRecordSplitter(format: RecordFormat, from: Place = { byte: 0, line: 1 }): RecordSplitter {
  const delimiter = format.delimiter?.charCodeAt(0);
  const quote = delimiter === undefined ? undefined : format.quote?.charCodeAt(0);
  const decode = decoderOf(format.encoding);
  let rest: Buffer = Buffer.alloc(0);
  let { byte, line } = from;
  /** Inside a record that is too long: everything up to the next line break is passed over. */
  let passing = false;

  function take(whole: boolean): FileRecord[] {
    const records: FileRecord[] = [];
    let at = 0;
    while (at < rest.length) {
      if (passing) {
        const end = rest.indexOf(newline, at);
        byte += (end < 0 ? rest.length : end + 1) - at;
        at = end < 0 ? rest.length : end + 1;
        if (end < 0 && !whole) break;
        passing = false;
        line += 1;
        records.push({ line: line - 1, fields: undefined, problem: 'too-long', raw: '', next: { byte, line } });
        continue;
      }
      const found = findRecord(rest, at, { delimiter, quote, whole });
      if (!found) {
        if (rest.length - at <= longestRecord && !whole) break;
        passing = true;
        continue;
      }
      const { end, lines, problem, quoted } = found;
      const text = rest.subarray(at, end);
      byte += end - at;
      at = end;
      line += lines;
      const raw = withoutBreak(text);
      if (raw.length === 0) continue;
      const tooLong = raw.length > longestRecord;
      const fields = problem || tooLong ? undefined : fieldsOf(raw, { delimiter, quote: quoted ? quote : undefined, decode });
      records.push({
        line: line - lines,
        fields,
        problem: tooLong ? 'too-long' : problem,
        raw: fields || tooLong ? '' : decode(raw),
        next: { byte, line },
      });
    }
    rest = rest.subarray(at);
    return records;
  }

  return {
    push(chunk) {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      return take(false);
    },
    finish: () => take(true),
  };
}

interface Found {
  /** Where the next record begins. */
  readonly end: number;
  readonly lines: number;
  readonly problem: RecordProblem | undefined;
  readonly quoted: boolean;
}

/** Undefined when the end of the record is not there yet. */
function findRecord(buffer: Buffer, from: number, options: { delimiter: number | undefined; quote: number | undefined; whole: boolean }): Found | undefined {
  const { delimiter, quote, whole } = options;
  const firstBreak = buffer.indexOf(newline, from);
  const lineEnd = firstBreak < 0 ? buffer.length : firstBreak;
  const firstQuote = quote === undefined ? -1 : buffer.subarray(from, lineEnd).indexOf(quote);
  if (quote === undefined || firstQuote < 0) {
    if (firstBreak < 0 && !whole) return undefined;
    return { end: Math.min(lineEnd + 1, buffer.length), lines: 1, problem: undefined, quoted: false };
  }
  let lines = 1;
  let inside = false;
  let fresh = true;
  for (let at = from; at < buffer.length; at += 1) {
    const byte = buffer[at];
    if (inside) {
      if (byte === newline) {
        lines += 1;
        if (at - from > longestRecord) break;
      } else if (byte === quote) {
        const after = buffer[at + 1];
        if (after === undefined && !whole) return undefined;
        if (after === quote) at += 1;
        else if (after === undefined || after === delimiter || after === newline || after === carriageReturn) inside = false;
        else {
          const end = buffer.indexOf(newline, at);
          if (end < 0 && !whole) return undefined;
          return { end: end < 0 ? buffer.length : end + 1, lines, problem: 'text-after-quote', quoted: true };
        }
      }
    } else if (byte === newline) return { end: at + 1, lines, problem: undefined, quoted: true };
    else if (byte === quote && fresh) inside = true;
    fresh = byte === delimiter && !inside;
  }
  if (!inside) return whole ? { end: buffer.length, lines, problem: undefined, quoted: true } : undefined;
  if (!whole && buffer.length - from <= longestRecord) return undefined;
  if (firstBreak < 0 && !whole) return undefined;
  // Nobody knows where the row was to end; its first line is given up, and the next one may be whole.
  return { end: Math.min(lineEnd + 1, buffer.length), lines: 1, problem: 'quote-not-closed', quoted: true };
}

function withoutBreak(text: Buffer): Buffer {
  let end = text.length;
  if (end > 0 && text[end - 1] === newline) end -= 1;
  if (end > 0 && text[end - 1] === carriageReturn) end -= 1;
  return text.subarray(0, end);
}

function fieldsOf(raw: Buffer, options: { delimiter: number | undefined; quote: number | undefined; decode: (bytes: Buffer) => string }): string[] {
  const text = options.decode(raw);
  if (options.delimiter === undefined) return [text];
  const delimiter = String.fromCharCode(options.delimiter);
  if (options.quote === undefined) return text.split(delimiter);
  const quote = String.fromCharCode(options.quote);
  const fields: string[] = [];
  for (let at = 0; at <= text.length; ) {
    if (text[at] !== quote) {
      const end = text.indexOf(delimiter, at);
      fields.push(text.slice(at, end < 0 ? undefined : end));
      at = end < 0 ? text.length + 1 : end + 1;
      continue;
    }
    let end = text.indexOf(quote, at + 1);
    while (end >= 0 && text[end + 1] === quote) end = text.indexOf(quote, end + 2);
    const last = end < 0 ? text.length : end;
    fields.push(text.slice(at + 1, last).replaceAll(quote + quote, quote));
    at = last + 2;
  }
  return fields;
}

/** What windows-1252 has where latin-1 has control characters; five places are empty in both. */
const from1252 = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ';

function decoderOf(encoding: Encoding): (bytes: Buffer) => string {
  if (encoding === 'utf-8') return (bytes) => bytes.toString('utf8');
  return (bytes) => bytes.toString('latin1').replace(/[\u0080-\u009f]/g, (character) => from1252[character.charCodeAt(0) - 0x80] ?? character);
}
