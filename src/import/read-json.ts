import { importableChart } from '../export/importable.ts';
import type { ImportRow } from './import.schema.ts';
import type { ReadRow } from './read-row.ts';

/** Reads a line of NDJSON: one row as `ImportRow` describes it. Fields are their own columns. */
export function createJsonReader(): (fields: readonly string[]) => ReadRow {
  return ([text = '']) => {
    let row: unknown;
    try {
      row = JSON.parse(text);
    } catch {
      // The parser's own message would quote the row.
    }
    if (typeof row !== 'object' || row === null || Array.isArray(row)) {
      return {
        row: {} as ImportRow,
        columns: {},
        problems: [
          {
            column: '',
            code: 'IMPORT_LINE_NOT_JSON',
            message: 'The line is not one JSON object, such as {"firstName": "Test", "lastName": "Patient", "dateOfBirth": "1990-01-01"}.',
          },
        ],
      };
    }
    // What an error file adds to a row; a corrected one may keep it.
    const { importLine: _line, importErrors: _errors, ...given } = row as Record<string, unknown>;
    const exported = importableChart(given);
    if (exported) {
      return {
        row: { firstName: null, dateOfBirth: null, ...exported.row } as unknown as ImportRow,
        columns: {},
        problems: exported.lost.map((field) => ({
          column: field,
          code: 'IMPORT_CHART_HOLDS_MORE',
          message: `The exported chart has ${field}, which an import does not carry. Move such charts with a backup, or take that out of the line and enter it by hand.`,
        })),
      };
    }
    return { row: { firstName: null, dateOfBirth: null, ...given } as unknown as ImportRow, columns: {}, problems: [] };
  };
}
