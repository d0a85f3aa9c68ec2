import { parse } from 'csv-parse/sync';
import { AppError } from '../base/errors.ts';

/** A small file as a spreadsheet saves it: comma, semicolon or tab between, with or without a byte order mark. */
export function parseCsv(text: string): string[][] {
  const [first = ''] = text.split(/\r?\n/, 1);
  const delimiter = [',', ';', '\t'].toSorted((one, other) => first.split(other).length - first.split(one).length)[0] as string;
  try {
    return parse(text, { bom: true, delimiter, relax_column_count: true });
  } catch (cause) {
    throw new AppError('invalid', 'DOWNTIME_FILE_INVALID', 'The file cannot be read as CSV. Save the table as CSV (UTF-8) once more.', {}, { cause });
  }
}
