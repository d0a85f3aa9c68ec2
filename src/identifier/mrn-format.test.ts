import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkDigitSchemes } from './mrn.schema.ts';
import { MrnFormatInput } from './mrn.schema.ts';
import { defaultMrnFormat, formatMrn, greatestMrnNumber, type MrnFormat, mrnPattern, mrnYear, parseMrn } from './mrn-format.ts';

const formats = fc
  .record({
    prefix: fc.stringMatching(/^[A-Z]{0,6}[0-9]{0,2}$/),
    separator: fc.constantFrom('-', '/', '.', ' ', '--', ''),
    yearly: fc.boolean(),
    width: fc.integer({ min: 1, max: 15 }),
    checkDigit: fc.constantFrom(...checkDigitSchemes),
    timeZone: fc.constant('UTC'),
  })
  .filter((format) => MrnFormatInput.safeParse(format).success);
const numbers = fc.oneof(fc.integer({ min: 1, max: 200_000 }), fc.integer({ min: 1, max: greatestMrnNumber }));
const years = fc.integer({ min: 1, max: 9999 });

test('the default writes MRN, the year and five digits, and more when five are not enough', () => {
  expect(formatMrn(defaultMrnFormat, { year: 2026, number: 1 })).toBe('MRN-2026-00001');
  expect(formatMrn(defaultMrnFormat, { year: 2026, number: 99_999 })).toBe('MRN-2026-99999');
  expect(formatMrn(defaultMrnFormat, { year: 2026, number: 100_000 })).toBe('MRN-2026-100000');
  expect(formatMrn({ ...defaultMrnFormat, prefix: 'HN', yearly: false, width: 7, checkDigit: 'iso7064-mod97-10' }, { year: 0, number: 794 })).toBe(
    'HN-000079444',
  );
});

test('what is written is read back, in every format', () => {
  fc.assert(
    fc.property(formats, years, numbers, (format, year, number) => {
      const parts = { year: format.yearly ? year : 0, number };
      const mrn = formatMrn(format, parts);
      expect(parseMrn(format, mrn)).toEqual(parts);
      expect(mrn.length).toBeLessThanOrEqual(50);
    }),
  );
});

test('the pattern for the database finds the same number', () => {
  fc.assert(
    fc.property(formats, years, numbers, (format, year, number) => {
      const parts = { year: format.yearly ? year : 0, number };
      expect(new RegExp(mrnPattern(format, parts.year)).exec(formatMrn(format, parts))?.[1]).toBe(String(number).padStart(format.width, '0'));
    }),
  );
});

test('no other text is read as a number', () => {
  for (const text of [
    '',
    'MRN',
    'MRN-2026-',
    'MRN-2026-00000',
    'MRN-2026-0001',
    'MRN-2026-000001',
    'mrn-2026-00001',
    'MRN-2026-00001 ',
    'MRN-26-00001',
    'MRN-2026-1e004',
    'HN-2026-00001',
    'MRN-2026-1000000000000000',
  ]) {
    expect(parseMrn(defaultMrnFormat, text), text).toBeUndefined();
  }
});

test('a wrong digit is not read where the format has a check digit', () => {
  const format: MrnFormat = { ...defaultMrnFormat, checkDigit: 'iso7064-mod97-10' };
  expect(parseMrn(format, formatMrn(format, { year: 2026, number: 4711 }))).toEqual({ year: 2026, number: 4711 });
  expect(parseMrn(format, formatMrn(format, { year: 2026, number: 4711 }).replace('4711', '4771'))).toBeUndefined();
  expect(parseMrn(format, formatMrn(format, { year: 2026, number: 4711 }).replace('4711', '7411'))).toBeUndefined();
});

describe('the year is that of the facility', () => {
  const instant = new Date('2025-12-31T21:30:00Z');
  test.each([
    ['UTC', 2025],
    ['Africa/Nairobi', 2026],
    ['America/New_York', 2025],
    ['Pacific/Kiritimati', 2026],
  ])('%s: %i', (timeZone, year) => {
    expect(mrnYear({ ...defaultMrnFormat, timeZone }, instant)).toBe(year);
  });

  test('without a year in the format it is 0', () => {
    expect(mrnYear({ ...defaultMrnFormat, yearly: false }, instant)).toBe(0);
  });
});

test.each([
  [{ prefix: 'MRN#' }, 'prefix'],
  [{ separator: 'x' }, 'separator'],
  [{ prefix: '', yearly: false }, 'prefix'],
  [{ prefix: 'A1', separator: '' }, 'separator'],
  [{ width: 0 }, 'width'],
  [{ width: 16 }, 'width'],
  [{ timeZone: 'Nairobi' }, 'timeZone'],
])('the format %j is refused by the name of its field', (wrong, field) => {
  const parsed = MrnFormatInput.safeParse({ ...defaultMrnFormat, ...wrong });
  expect(parsed.error?.issues.map((issue) => issue.path[0])).toContain(field);
});
