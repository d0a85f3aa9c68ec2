import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { parse } from 'csv-parse';
import { AppError } from '../../base/errors.ts';
import { optionalColumns } from './placeholder.ts';

/** A line of the host's file, checked. */
export interface PersonLine {
  readonly id: string;
  /** Columns of patients with their values as they are stored; absent ones are not known. */
  readonly data: Readonly<Record<string, string>>;
}

/** Something wrong with a line. Never a value: the file is about persons. */
export interface FileProblem {
  readonly line: number;
  readonly column: string;
  readonly remedy: string;
}

/** Longest text a column of patients holds. */
const lengths: Readonly<Record<string, number>> = {
  mrn: 50,
  firstName: 100,
  middleName: 100,
  lastName: 100,
  gender: 20,
  bloodType: 5,
  email: 255,
  phone: 50,
  phoneSecondary: 50,
  addressLine1: 255,
  addressLine2: 255,
  city: 100,
  state: 100,
  zipCode: 20,
  country: 100,
};

const known = ['id', 'mrn', 'lastName', ...optionalColumns];
const required = ['id', 'lastName'];
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** What values must look like besides fitting; the text is the remedy. */
const rules: Readonly<Record<string, { readonly is: (value: string) => boolean; readonly remedy: string }>> = {
  dateOfBirth: { is: isBirthday, remedy: 'Write a real date from 1850 to today as YYYY-MM-DD, or leave it empty.' },
  gender: {
    is: (value) => ['MALE', 'FEMALE', 'OTHER', 'UNKNOWN'].includes(value.toUpperCase()),
    remedy: 'Write MALE, FEMALE, OTHER or UNKNOWN, or leave it empty.',
  },
  bloodType: { is: (value) => /^(?:A|B|AB|O)[+-]$/i.test(value), remedy: 'Write A+, A-, B+, B-, AB+, AB-, O+ or O-, or leave it empty.' },
  email: { is: (value) => /^[^\s@]+@[^\s@]+$/.test(value), remedy: 'Write one address with an @, or leave it empty.' },
  phone: { is: (value) => /\d/.test(value), remedy: 'Write a number with digits, or leave it empty.' },
  phoneSecondary: { is: (value) => /\d/.test(value), remedy: 'Write a number with digits, or leave it empty.' },
  mrn: {
    is: (value) => !value.startsWith('ORPHAN:'),
    remedy: 'Numbers that begin with ORPHAN: are those of placeholders. Give the real number, or leave it empty.',
  },
};

const stored: Readonly<Record<string, (value: string) => string>> = {
  gender: (value) => value.toUpperCase(),
  bloodType: (value) => value.toUpperCase(),
  email: (value) => value.toLowerCase(),
};

/**
 * Reads a CSV file of the host line by line: UTF-8, a header, comma, semicolon or tab between values. Good lines go to `take`,
 * wrong ones to `complain`; the caller decides what a file with a wrong line is worth (nothing).
 *
 * Errors: `PATIENTS_FILE_UNREADABLE`, `PATIENTS_FILE_HEADER`.
 */
export async function readPeople(
  file: string,
  options: { idIsUuid: boolean; take: (person: PersonLine, line: number) => Promise<void> | void; complain: (problem: FileProblem) => void },
): Promise<number> {
  const delimiter = await delimiterOf(file);
  const parser = parse({ delimiter, relax_column_count: true, skip_empty_lines: true, info: true });
  const feeding = pipeline(createReadStream(file), decoded, parser).catch(() => undefined);
  let header: string[] | undefined;
  let read = 0;
  let count = 0;
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: { lines: number } }>) {
      // A record may go over several lines; it is named by its first.
      const line = info.lines - record.reduce((sum, value) => sum + (value.match(/\r\n|\r|\n/g)?.length ?? 0), 0);
      read = info.lines;
      if (!header) {
        header = checkHeader(record);
        continue;
      }
      count += 1;
      await takeLine(record, { ...options, header, line });
    }
    await feeding;
  } catch (error) {
    throw error instanceof AppError ? error : unreadable(file, error, read + 1);
  }
  if (!header) throw headerError('The file is empty.');
  return count;
}

async function* decoded(source: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  for await (const chunk of source) yield decoder.decode(chunk, { stream: true });
  yield decoder.decode();
}

/** Spreadsheets write a semicolon or a tab where the comma is the decimal point; the header tells. */
async function delimiterOf(file: string): Promise<string> {
  let text = '';
  try {
    await using handle = await open(file);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4096), 0, 4096, 0);
    text = buffer.subarray(0, bytesRead).toString().split(/\r?\n/, 1)[0] ?? '';
  } catch (cause) {
    throw unreadable(file, cause, 1);
  }
  const number = (delimiter: string) => text.split(delimiter).length;
  return [',', ';', '\t'].reduce((best, each) => (number(each) > number(best) ? each : best));
}

function checkHeader(record: readonly string[]): string[] {
  const header = record.map((name) => name.trim());
  const odd = header.filter((name) => !known.includes(name));
  if (odd.length > 0)
    throw headerError(
      `There ${odd.length === 1 ? 'is a column' : 'are columns'} the module has no place for: ${odd.map((name) => JSON.stringify(name)).join(', ')}.`,
    );
  const twice = header.find((name, at) => header.indexOf(name) !== at);
  if (twice !== undefined) throw headerError(`The column ${twice} is there twice.`);
  const missing = required.filter((name) => !header.includes(name));
  if (missing.length > 0) throw headerError(`There is no column ${missing.join(' and no column ')}.`);
  return header;
}

function headerError(what: string): AppError {
  return new AppError(
    'invalid',
    'PATIENTS_FILE_HEADER',
    `${what} The first line names the columns: ${required.join(', ')} are needed; ${known.filter((name) => !required.includes(name)).join(', ')} may be given.`,
    {
      columns: known,
    },
  );
}

function unreadable(file: string, cause: unknown, line: number): AppError {
  const code = (cause as { code?: unknown }).code;
  const remedy =
    code === 'ERR_ENCODING_INVALID_ENCODED_DATA'
      ? 'It is not UTF-8; save it again as CSV UTF-8.'
      : typeof code === 'string' && code.startsWith('CSV_')
        ? `At line ${line} the quotes are not closed, or a quote stands in a value that is not quoted. Quote values that hold quotes, and double the quotes in them.`
        : `Check the path and the rights (${typeof code === 'string' ? code : 'unknown error'}).`;
  return new AppError('invalid', 'PATIENTS_FILE_UNREADABLE', `The file ${file} cannot be read. ${remedy}`, { file, line });
}

async function takeLine(
  record: readonly string[],
  options: {
    header: readonly string[];
    line: number;
    idIsUuid: boolean;
    take: (person: PersonLine, line: number) => Promise<void> | void;
    complain: (problem: FileProblem) => void;
  },
): Promise<void> {
  const { header, line, idIsUuid, take, complain } = options;
  if (record.length !== header.length)
    return complain({
      line,
      column: '(line)',
      remedy: `The line has ${record.length} values and the header ${header.length}. Quote values that hold the separator.`,
    });
  const problems: FileProblem[] = [];
  const data: Record<string, string> = {};
  let id = '';
  for (const [at, column] of header.entries()) {
    const raw = record[at] as string;
    const value = column === 'id' ? raw : raw.trim();
    const remedy = wrong(column, value, idIsUuid);
    if (remedy !== undefined) problems.push({ line, column, remedy });
    else if (column === 'id') id = idIsUuid ? value.trim().toLowerCase() : value;
    else if (value !== '') data[column] = stored[column]?.(value) ?? value;
  }
  if (problems.length > 0) for (const each of problems) complain(each);
  else await take({ id, data }, line);
}

/** What to do about a value; undefined when it is good. */
function wrong(column: string, value: string, idIsUuid: boolean): string | undefined {
  if (column === 'id') {
    if (value.trim() === '') return 'Give the id that the rows of the host name.';
    return idIsUuid && !uuid.test(value.trim()) ? 'Ids of this host are UUIDs: write 8-4-4-4-12 hexadecimal digits.' : nul(value);
  }
  if (value === '') return required.includes(column) ? 'Give the family name; a person with one name has it here.' : undefined;
  if (Array.from(value).length > (lengths[column] ?? 10)) return `Shorten it to ${lengths[column] ?? 10} characters.`;
  const rule = rules[column];
  return rule && !rule.is(value) ? rule.remedy : nul(value);
}

function nul(value: string): string | undefined {
  return value.includes('\0') ? 'Remove the character U+0000, which PostgreSQL cannot store.' : undefined;
}

/** A day of the calendar from 1850 to today, as YYYY-MM-DD. */
function isBirthday(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const day = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text) && text >= '1850-01-01' && day.getTime() <= Date.now() + 86_400_000;
}
