import { expect, test } from 'vitest';
import { kindOfQuery } from './kind-of-query.ts';
import { readTyped } from './typed-query.ts';

test.each([
  ['obrien mary', 'name'],
  ['3.2.1980', 'date'],
  ['MRN-2026-00012', 'number'],
  ['0712 345 678', 'number'],
  ['mary@example.org', 'email'],
  ['obrien 3.2.1980', 'mixed'],
  ['', 'other'],
])('%s is counted as %s', (typed, kind) => {
  expect(kindOfQuery(readTyped(typed))).toBe(kind);
});
