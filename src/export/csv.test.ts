import { parse } from 'csv-parse/sync';
import { expect, test } from 'vitest';
import { csvColumns, csvHead, csvRow } from './csv.ts';
import type { ExportedChart } from './export.schema.ts';

const cellOf = (lastName: string) => {
  const [row] = parse(csvHead() + csvRow({ lastName, contacts: [] } as unknown as ExportedChart), { columns: true }) as Record<string, string>[];
  return row?.lastName;
};

test.each(['=1+1', '+SUM(A1)', '-2+3', '@SUM(A1)', '\tx', '=cmd|"/c calc"!A1', '\uFF1D1+1', '+1;=x'])(
  'a cell that a spreadsheet would run is text: %j',
  (value) => {
    expect(cellOf(value)).toBe(`'${value}`);
  },
);

test.each(['+254201234567', '+254201234567;ext=12', '12', 'O’Brien', "'t Hooft", 'a=b', 'Ana "Ani", María', 'two\nlines', ' blank around '])(
  'what is harmless comes back as it was: %j',
  (value) => {
    expect(cellOf(value)).toBe(value);
  },
);

test('the columns are those that an import guesses by their name', () => {
  expect(csvColumns.slice(0, 6)).toEqual(['id', 'mrn', 'firstName', 'middleName', 'lastName', 'dateOfBirth']);
  expect(new Set(csvColumns).size).toBe(csvColumns.length);
});
