import { expect, test } from 'vitest';
import { outputFormat } from './output-format.ts';

test('a format that is asked for comes before the ending of the file, and that before the usual one', () => {
  const formats = { known: ['ndjson', 'csv'], otherwise: 'ndjson' } as const;
  expect(outputFormat(undefined, 'people.CSV', formats)).toBe('csv');
  expect(outputFormat(undefined, 'people.csv.gz', formats)).toBe('csv');
  expect(outputFormat('ndjson', 'people.csv', formats)).toBe('ndjson');
  expect([undefined, '-', 'csv.txt'].map((output) => outputFormat(undefined, output, formats))).toEqual(['ndjson', 'ndjson', 'ndjson']);
});
