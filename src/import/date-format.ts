import { Instant } from '../base/fields.ts';
import { isPlainDate, type PlainDate } from '../base/plain-date.ts';
import type { DateOfBirthPrecision } from '../patient/patient.schema.ts';

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

interface Compiled {
  readonly pattern: RegExp;
  readonly parts: readonly string[];
}

const compiled = new Map<string, Compiled>();

function compile(format: string): Compiled {
  let known = compiled.get(format);
  if (!known) {
    const parts: string[] = [];
    const pattern = format.replaceAll(/YYYY|YY|MMM|MM|M|DD|D|[^A-Za-z0-9]/g, (token) => {
      if (/[YMD]/.test(token)) parts.push(token);
      if (token === 'YYYY') return '(\\d{4})';
      if (token === 'YY') return '(\\d{2})';
      if (token === 'MMM') return '([A-Za-z]{3})[a-z]*';
      if (token === 'MM' || token === 'DD') return '(\\d{2})';
      if (token === 'M' || token === 'D') return '(\\d{1,2})';
      return token.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
    });
    // Programs write a midnight behind dates that have no time.
    known = { pattern: new RegExp(`^${pattern}(?:[T ]00:00(?::00(?:\\.0+)?)?Z?)?$`), parts };
    compiled.set(format, known);
  }
  return known;
}

export interface ReadDate {
  readonly date: PlainDate;
  /** Of a format without day or month. */
  readonly precision: DateOfBirthPrecision | undefined;
}

/**
 * Reads a date as the format says; undefined when it does not fit or does not exist. A year of two digits is the latest one that is
 * not after `today`.
 *
 * @example
 * readDate('31/05/1980', 'DD/MM/YYYY', '2026-11-23'); // { date: '1980-05-31', precision: undefined }
 */
export function readDate(text: string, format: string, today: string): ReadDate | undefined {
  const { pattern, parts } = compile(format);
  const match = pattern.exec(text);
  if (!match) return undefined;
  let [year, month, day] = ['', '', ''];
  for (const [index, part] of parts.entries()) {
    const value = match[index + 1] ?? '';
    if (part === 'YYYY') year = value;
    else if (part === 'YY') year = `20${value}`;
    else if (part === 'MMM') month = String(months.indexOf(value.toLowerCase()) + 1).padStart(2, '0');
    else if (part.startsWith('M')) month = value.padStart(2, '0');
    else day = value.padStart(2, '0');
  }
  const precision = month === '' ? 'YEAR' : day === '' ? 'MONTH' : undefined;
  const rest = `-${month || '01'}-${day || '01'}`;
  if (parts.includes('YY') && `${year}${rest}` > today) year = String(Number(year) - 100);
  const date = `${year}${rest}`;
  return isPlainDate(date) ? { date, precision } : undefined;
}

/** Whether a text is a moment, as programs write it: `2026-11-23T08:30:00Z`. It needs no format. */
export function isInstant(text: string): boolean {
  return Instant.safeParse(text).success;
}

/** Formats that are tried on the dates of a column, the unmistakable ones first. */
export const usualFormats = [
  'YYYY-MM-DD',
  'YYYY/MM/DD',
  'YYYY.MM.DD',
  'YYYYMMDD',
  'DD/MM/YYYY',
  'MM/DD/YYYY',
  'D/M/YYYY',
  'M/D/YYYY',
  'DD.MM.YYYY',
  'D.M.YYYY',
  'DD-MM-YYYY',
  'MM-DD-YYYY',
  'DD-MMM-YYYY',
  'D MMM YYYY',
  'MMM D, YYYY',
  'DD/MM/YY',
  'MM/DD/YY',
  'DD.MM.YY',
  'YYYY',
] as const;

/** How many of these dates fit each format, those that most fit first, then in the order of `usualFormats`. */
export function fittingFormats(dates: readonly string[], today: string): { format: string; fitting: number }[] {
  const counts = usualFormats.map((format) => ({
    format: format as string,
    fitting: dates.filter((date) => readDate(date, format, today) !== undefined).length,
  }));
  return counts.filter(({ fitting }) => fitting > 0).toSorted((one, other) => other.fitting - one.fitting);
}
