import { expect, test } from 'vitest';
import { count, duration, megabytes, plural } from './quantities.ts';

test.each([
  [0, '< 1 ms'],
  [0.99, '< 1 ms'],
  [1, '1 ms'],
  [949, '949 ms'],
  [950, '0.9 s'],
  [1_300, '1.3 s'],
  [99_499, '99.5 s'],
  [99_500, '1 min 40 s'],
  // 119.9 s are two minutes, not one minute and sixty seconds.
  [119_900, '2 min 0 s'],
  [3_599_400, '59 min 59 s'],
  [3_599_900, '1 h 0 min'],
  [7_380_000, '2 h 3 min'],
])('%d ms is said as %s', (milliseconds, said) => {
  expect(duration(milliseconds)).toBe(said);
});

test('counts, plurals and sizes', () => {
  expect([count(1234567.4), plural(1, 'step'), plural(2000, 'step'), plural(0, 'index', 'indexes')]).toEqual([
    '1,234,567',
    '1 step',
    '2,000 steps',
    '0 indexes',
  ]);
  expect([megabytes(0.04), megabytes(9.94), megabytes(120.4), megabytes(2048)]).toEqual(['0.0 MB', '9.9 MB', '120 MB', '2.0 GB']);
});
