import { expect, test } from 'vitest';
import { chooseCoding } from './compression.ts';

test.each([
  [undefined, undefined],
  ['', undefined],
  ['identity', undefined],
  ['deflate', undefined],
  ['gzip', 'gzip'],
  ['GZIP, deflate, Br', 'br'],
  ['gzip;q=1.0, br;q=0', 'gzip'],
  ['*', 'br'],
  ['*;q=0, gzip', 'gzip'],
  ['gzip;q=x', undefined],
])('Accept-Encoding %s chooses %s', (accepted, coding) => {
  expect(chooseCoding(accepted)).toBe(coding);
});
