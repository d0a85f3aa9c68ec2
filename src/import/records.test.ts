import { expect, test } from 'vitest';
import { createRecordSplitter, type FileRecord, longestRecord, type Place, type RecordFormat } from './records.ts';

const csv: RecordFormat = { encoding: 'utf-8', delimiter: ',', quote: '"' };

/** Takes a text apart, delivered in pieces of this length. */
function split(text: string | Buffer, options: { format?: RecordFormat; piece?: number; from?: Place } = {}): FileRecord[] {
  const { format = csv, piece = 1 << 16, from = { byte: 0, line: 1 } } = options;
  const bytes = Buffer.from(text).subarray(from.byte);
  const splitter = createRecordSplitter(format, from);
  const records: FileRecord[] = [];
  for (let at = 0; at < bytes.length; at += piece) records.push(...splitter.push(bytes.subarray(at, at + piece)));
  return [...records, ...splitter.finish()];
}

const tricky = 'a,b\r\n"x\r\n""y""",2\n\r\n,\n"é, ü",6" pipe\r\n"open,1\nlast,"q"z,3\nend,"7"';

test('fields, quotes, doubled quotes and line breaks inside quotes are as RFC 4180 says, and lines are those of the file', () => {
  expect(split(tricky).map(({ line, fields, problem }) => ({ line, fields, problem }))).toEqual([
    { line: 1, fields: ['a', 'b'], problem: undefined },
    { line: 2, fields: ['x\r\n"y"', '2'], problem: undefined },
    { line: 5, fields: ['', ''], problem: undefined },
    { line: 6, fields: ['é, ü', '6" pipe'], problem: undefined },
    // The quote of `"open` is closed by that of `"q"`, where text follows.
    { line: 7, fields: undefined, problem: 'text-after-quote' },
    { line: 9, fields: ['end', '7'], problem: undefined },
  ]);
});

test('a file is taken apart alike however it is delivered, and from the place behind any record', () => {
  const whole = split(tricky);
  for (let piece = 1; piece <= 20; piece += 1) expect(split(tricky, { piece })).toEqual(whole);
  for (const [index, { next }] of whole.entries()) expect(split(tricky, { from: next, piece: 3 })).toEqual(whole.slice(index + 1));
});

test('a quote that is never closed costs its line only', () => {
  expect(split('a,b\n"open,1\nc,d\ne,f').map(({ line, problem }) => [line, problem])).toEqual([
    [1, undefined],
    [2, 'quote-not-closed'],
    [3, undefined],
    [4, undefined],
  ]);
});

test('a line of 10 MB is refused without being kept, and the next one is read', () => {
  const text = `a,b\n${'x'.repeat(10 << 20)},2\nc,d\n`;
  const records = split(text);
  expect(records.map(({ line, problem }) => [line, problem])).toEqual([
    [1, undefined],
    [2, 'too-long'],
    [3, undefined],
  ]);
  expect(records[1]?.raw).toBe('');
  expect(records[1]?.next).toEqual({ byte: text.length - 4, line: 3 });
  expect(split(`${'y'.repeat(longestRecord + 1)}\nc`)[0]?.problem).toBe('too-long');
});

test('what older Windows programs write is read, curly quotes and the euro sign too', () => {
  const bytes = Buffer.from([0x4d, 0xfc, 0x6c, 0x6c, 0x65, 0x72, 0x3b, 0x80, 0x93, 0x0a]);
  expect(split(bytes, { format: { encoding: 'windows-1252', delimiter: ';', quote: '"' } })[0]?.fields).toEqual(['Müller', '€“']);
});

test('without a delimiter each line is one field, quotes and all', () => {
  expect(split('{"a":"b,c"}\n\n{"d":1}', { format: { encoding: 'utf-8' } }).map(({ line, fields }) => [line, fields])).toEqual([
    [1, ['{"a":"b,c"}']],
    [3, ['{"d":1}']],
  ]);
});
