import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isPlainDate, plainDateIn } from './plain-date.ts';

test('exactly the dates of the calendar are plain dates', () => {
  fc.assert(
    fc.property(fc.date({ min: new Date('1000-01-01'), max: new Date('2999-12-31'), noInvalidDate: true }), (date) => {
      expect(isPlainDate(date.toISOString().slice(0, 10))).toBe(true);
    }),
  );
  for (const wrong of ['2023-02-29', '1900-02-29', '2024-13-01', '2024-00-10', '2024-04-31', '24-01-01', '2024-1-1', '2024-01-01T00:00', ''])
    expect(isPlainDate(wrong)).toBe(false);
  expect(isPlainDate('2000-02-29')).toBe(true);
});

test('the date of an instant is that of the facility', () => {
  const newYear = new Date('2025-12-31T23:30:00Z');
  expect(plainDateIn(newYear, 'UTC')).toBe('2025-12-31');
  expect(plainDateIn(newYear, 'Africa/Nairobi')).toBe('2026-01-01');
  expect(plainDateIn(new Date('2026-01-01T04:00:00Z'), 'America/New_York')).toBe('2025-12-31');
});
