import { plainDateIn } from '../base/plain-date.ts';
import { type CheckDigitScheme, checkDigitLength, computeCheckDigits } from './check-digit.ts';

/**
 * How an assigning authority writes its medical record numbers: prefix, year or none, number, check digit,
 * the first three joined by the separator.
 */
export interface MrnFormat {
  readonly prefix: string;
  readonly separator: string;
  /** Whether the counter starts again each year and the year stands in the number. */
  readonly yearly: boolean;
  /** The least number of digits; a bigger number is written wider, never cut. */
  readonly width: number;
  readonly checkDigit: CheckDigitScheme;
  /** The facility's time zone (IANA), which decides the year of registration. */
  readonly timeZone: string;
}

export interface MrnParts {
  /** 0 where the format has no year. */
  readonly year: number;
  readonly number: number;
}

/** MRN-2026-00001 */
export const defaultMrnFormat: MrnFormat = { prefix: 'MRN', separator: '-', yearly: true, width: 5, checkDigit: 'none', timeZone: 'UTC' };

/** The biggest number a counter may reach (15 digits, the width's upper end; exact in a JavaScript number). */
export const greatestMrnNumber = 999_999_999_999_999;

/**
 * The year whose counter numbers a registration at this instant: that of the facility's calendar, 0 without a year.
 *
 * @example
 * mrnYear({ ...defaultMrnFormat, timeZone: 'Africa/Nairobi' }, new Date('2025-12-31T21:00:00Z')); // 2026
 */
export function mrnYear(format: MrnFormat, at: Date): number {
  return format.yearly ? Number(plainDateIn(at, format.timeZone).slice(0, 4)) : 0;
}

/** What stands before the number: `MRN-2026-`. */
export function mrnStem(format: MrnFormat, year: number): string {
  const prefix = format.prefix === '' ? '' : format.prefix + format.separator;
  return format.yearly ? prefix + String(year).padStart(4, '0') + format.separator : prefix;
}

/**
 * Writes a number.
 *
 * @example
 * formatMrn(defaultMrnFormat, { year: 2026, number: 1 }); // MRN-2026-00001
 * formatMrn(defaultMrnFormat, { year: 2026, number: 100_000 }); // MRN-2026-100000
 */
export function formatMrn(format: MrnFormat, parts: MrnParts): string {
  const text = mrnStem(format, parts.year) + String(parts.number).padStart(format.width, '0');
  return text + computeCheckDigits(format.checkDigit, text);
}

/** Reads a number; undefined when it is not written in this format, character for character, or its check digit is wrong. */
export function parseMrn(format: MrnFormat, mrn: string): MrnParts | undefined {
  const prefix = format.prefix === '' ? '' : format.prefix + format.separator;
  if (!mrn.startsWith(prefix)) return undefined;
  const year = format.yearly ? mrn.slice(prefix.length, prefix.length + 4) : '0';
  if (!/^\d+$/.test(year)) return undefined;
  const stem = mrnStem(format, Number(year));
  const digits = mrn.slice(stem.length, mrn.length - checkDigitLength(format.checkDigit));
  if (!/^\d{1,15}$/.test(digits)) return undefined;
  const parts = { year: Number(year), number: Number(digits) };
  return parts.number >= 1 && formatMrn(format, parts) === mrn ? parts : undefined;
}

/**
 * A POSIX regular expression with one group, the number, for all MRNs of a year. The database counts with it;
 * it accepts exactly what `formatMrn` writes, but for the check characters, of which it looks at the form only.
 */
export function mrnPattern(format: MrnFormat, year: number): string {
  const stem = mrnStem(format, year).replace(/[.*+?^${}()|[\]\\-]/g, '\\$&');
  const { width } = format;
  const check = `[0-9A-Z]{${checkDigitLength(format.checkDigit)}}`;
  return `^${stem}([0-9]{${width}}|[1-9][0-9]{${width},${Math.max(14, width)}})${checkDigitLength(format.checkDigit) === 0 ? '' : check}$`;
}
