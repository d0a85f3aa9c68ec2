import type { SourceRow } from './source.service.ts';
import type { RowProblem } from './read-row.ts';
import { isReportColumn, reportColumns } from './read-row.ts';

/** A row of a CSV report, quoted where it has to be. */
export function csvLine(fields: readonly (string | number | null | undefined)[]): string {
  return `${fields
    .map((field) => {
      const text = String(field ?? '');
      return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    })
    .join(',')}\n`;
}

/** The header of an error file: what is wrong, then the columns of the row, so that it can be corrected and imported as it is. */
export function errorHeader(header: readonly string[]): string[] {
  return [...reportColumns, ...header.filter((column) => !isReportColumn(column))];
}

/** One row of an error file. Several problems of a row stand in one, separated by `; `, as the row is to be corrected once. */
export function errorLine(row: SourceRow, problems: readonly RowProblem[], format: { kind: 'csv' | 'ndjson'; header: readonly string[] }): string {
  if (format.kind === 'ndjson') return jsonErrorLine(row, problems);
  const own = row.fields.filter((_field, index) => !isReportColumn(format.header[index] ?? ''));
  return csvLine([
    row.line,
    problems.map((each) => each.column).join('; '),
    [...new Set(problems.map((each) => each.code))].join('; '),
    problems.map((each) => each.message).join(' '),
    ...own,
  ]);
}

function jsonErrorLine(row: SourceRow, importErrors: readonly RowProblem[]): string {
  const [text = ''] = row.fields;
  try {
    const { importLine: _line, importErrors: _errors, ...given } = JSON.parse(text) as Record<string, unknown>;
    return `${JSON.stringify({ importLine: row.line, importErrors, ...given })}\n`;
  } catch {
    return `${JSON.stringify({ importLine: row.line, importErrors, importText: text })}\n`;
  }
}

export const duplicateHeader = ['line', 'reason', 'same_as_line', 'same_as_patient_id', 'outcome'] as const;

export interface FoundDuplicate {
  readonly line: number;
  readonly reason: string;
  /** The earlier row of the file, or of an import before. */
  readonly sameAsLine: number | undefined;
  readonly sameAsPatientId: string | undefined;
}

export function duplicateLine(found: FoundDuplicate, outcome: string): string {
  return csvLine([found.line, found.reason, found.sameAsLine, found.sameAsPatientId, outcome]);
}
