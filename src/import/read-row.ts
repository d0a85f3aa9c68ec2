import type { ImportRow } from './import.schema.ts';
import { type ImportMapping, type MappedColumn, mappedColumn } from './mapping.schema.ts';
import { isInstant, readDate } from './date-format.ts';

/** What is wrong with a row. The message names field and remedy and never repeats a value. */
export interface RowProblem {
  /** The column of a CSV file; in NDJSON the path of the field. */
  readonly column: string;
  readonly code: string;
  readonly message: string;
}

/** A row as the registration would take it, with the column that each field came from. */
export interface ReadRow {
  readonly row: ImportRow;
  readonly columns: Readonly<Record<string, string>>;
  readonly problems: readonly RowProblem[];
}

interface BoundColumn extends MappedColumn {
  readonly name: string;
  readonly index: number;
  readonly values: Record<string, string | null> | undefined;
}

const dateFields = new Set(['dateOfBirth', 'deceasedAt']);
const numberFields = new Set(['estimatedAge', 'birthOrder', 'multipleBirthCount']);
const yes = new Set(['1', 'true', 'yes', 'y', 't', 'x', 'oui', 'si', 'sí', 'ja', 'sim', 'ndiyo', 'deceased', 'dead']);
const no = new Set(['0', 'false', 'no', 'n', 'f', 'non', 'nein', 'não', 'nao', 'hapana', 'alive', '']);

/** Columns that the mapping names and the file lacks, columns of the file that it does not name, and whether what every chart needs is there. */
export interface MappingFit {
  readonly missing: readonly string[];
  readonly unused: readonly string[];
  readonly hasName: boolean;
}

export function fitMapping(header: readonly string[], mapping: ImportMapping): MappingFit {
  const named = Object.keys(mapping.columns);
  const fields = [...Object.values(mapping.columns).map((column) => mappedColumn(column).field), ...Object.keys(mapping.constants ?? {})];
  return {
    missing: named.filter((column) => !header.includes(column)),
    unused: header.filter((column) => !(column in mapping.columns) && !isReportColumn(column)),
    hasName: fields.includes('lastName') || fields.includes('fullName'),
  };
}

/** Columns that an error file has before those of the file it was made from. */
export const reportColumns = ['import_line', 'import_column', 'import_code', 'import_message'] as const;

export function isReportColumn(column: string): boolean {
  return (reportColumns as readonly string[]).includes(column);
}

/** Makes the function that turns the fields of a record into a row. `today` decides the century of years of two digits. */
export function createRowReader(header: readonly string[], mapping: ImportMapping, today: string): (fields: readonly string[]) => ReadRow {
  const bound: BoundColumn[] = header.flatMap((name, index) => {
    const given = mapping.columns[name];
    if (given === undefined) return [];
    const column = mappedColumn(given);
    const values = column.values && Object.fromEntries(Object.entries(column.values).map(([value, meaning]) => [value.trim().toLowerCase(), meaning]));
    return [{ ...column, name, index, values }];
  });
  const constants = Object.entries(mapping.constants ?? {}) as [string, string][];
  const empty = new Set((mapping.empty ?? []).map((word) => word.toLowerCase()));

  return (fields) => {
    const problems: RowProblem[] = [];
    const columns: Record<string, string> = {};
    const row: Record<string, unknown> = { firstName: null, dateOfBirth: null };
    const contact: Record<string, unknown> = {};
    const work: Record<string, unknown> = {};
    for (const [field, value] of constants) set(field, { value, column: { field, name: field, index: -1, values: undefined } });
    if (fields.length > header.length) {
      problems.push({
        column: '',
        code: 'IMPORT_ROW_TOO_LONG',
        message: `The row has ${fields.length} fields and the header ${header.length}. Check for a delimiter inside a field that is not quoted.`,
      });
    }
    for (const column of bound) {
      // A line break inside quotes is how a spreadsheet wraps an address; a chart has lines of its own for that.
      let value: string | null = (fields[column.index] ?? '').replaceAll(/\s*[\r\n\t]+\s*/g, ' ').trim();
      if (value.includes('\uFFFD')) {
        problems.push({
          column: column.name,
          code: 'IMPORT_CHARACTERS_BROKEN',
          message: 'The field holds bytes that are no characters in the encoding of the file. Correct them, or name the encoding in the mapping.',
        });
        continue;
      }
      if (column.values) {
        const meaning = column.values[value.toLowerCase()];
        if (meaning !== undefined) value = meaning;
      }
      if (value === null || value === '' || empty.has(value.toLowerCase())) continue;
      set(column.field, { value, column });
    }
    finish();
    return { row: row as unknown as ImportRow, columns, problems };

    function set(field: string, { value, column }: { value: string; column: BoundColumn }): void {
      columns[field] = column.name;
      if (field === 'deceasedAt' && isInstant(value)) row[field] = value;
      else if (dateFields.has(field)) {
        const read = readDates(value, column, today);
        if (read === undefined) {
          problems.push({
            column: column.name,
            code: 'IMPORT_DATE_UNREADABLE',
            message: `${field} is not a date written ${[column.format ?? 'YYYY-MM-DD'].flat().join(' or ')}. Correct it, or name another format in the mapping.`,
          });
        } else {
          row[field] = read.date;
          if (read.precision && field === 'dateOfBirth') row.dateOfBirthPrecision ??= read.precision;
        }
      } else if (numberFields.has(field)) row[field] = /^\d+$/.test(value) ? Number(value) : value;
      else if (field === 'deceased') {
        const word = value.toLowerCase();
        row.deceased = yes.has(word) ? true : no.has(word) ? false : value;
      } else if (field === 'fullName') {
        const name = splitName(value, column.order);
        if (name.firstName !== null) row.firstName = name.firstName;
        row.lastName = name.lastName;
        columns.firstName ??= column.name;
        columns.lastName ??= column.name;
      } else if (field === 'formerMrns') {
        const numbers = value.split(column.separator ?? ';').flatMap((each) => (each.trim() === '' ? [] : [each.trim()]));
        list('formerMrns').push(...numbers.map((each) => ({ value: each, ...issuerOf(column) })));
      } else if (field === 'identifier') {
        columns[`identifiers.${list('identifiers').length}`] = column.name;
        list('identifiers').push({ value, ...(column.type === undefined ? {} : { type: column.type }), ...issuerOf(column) });
      } else if (field === 'maidenName' || field === 'alias') {
        columns[`names.${list('names').length}`] = column.name;
        if (field === 'maidenName') list('names').push({ use: 'MAIDEN', lastName: value });
        else list('names').push({ use: 'ALIAS', ...splitName(value, column.order) });
      } else if (field === 'telecom') {
        columns[`telecoms.${list('telecoms').length}`] = column.name;
        list('telecoms').push({ system: column.telecomSystem ?? 'PHONE', use: column.use ?? 'OTHER', value });
      } else if (field.startsWith('work')) {
        const part = lowerFirst(field.slice('work'.length));
        columns[`addresses.0.${part}`] = column.name;
        work[part] = value;
      } else if (field === 'contactFullName') {
        const name = splitName(value, column.order);
        contact.firstName ??= name.firstName ?? name.lastName;
        contact.lastName ??= name.lastName;
        columns['contacts.0.firstName'] ??= column.name;
        columns['contacts.0.lastName'] ??= column.name;
      } else if (field.startsWith('contact')) {
        const part = lowerFirst(field.slice('contact'.length));
        columns[`contacts.0.${part}`] = column.name;
        contact[part] = value;
      } else row[field] = value;
    }

    function list(name: string): Record<string, unknown>[] {
      row[name] ??= [];
      return row[name] as Record<string, unknown>[];
    }

    function finish(): void {
      if (Object.keys(work).length > 0) list('addresses').push({ use: 'WORK', ...work });
      if (Object.keys(contact).length > 0) list('contacts').push({ relationship: 'UNKNOWN', isNextOfKin: true, ...contact });
      for (const name of (row.names ?? []) as Record<string, unknown>[]) if (name.use === 'MAIDEN') name.firstName = row.firstName;
    }
  };
}

function issuerOf(column: MappedColumn): { authorityCode?: string; system?: string } {
  return { ...(column.authority === undefined ? {} : { authorityCode: column.authority }), ...(column.system === undefined ? {} : { system: column.system }) };
}

function readDates(value: string, column: MappedColumn, today: string) {
  for (const format of [column.format ?? 'YYYY-MM-DD'].flat()) {
    const read = readDate(value, format, today);
    if (read) return read;
  }
  return undefined;
}

/**
 * Takes a full name apart: before a comma stands the family name; otherwise the last word is it, or the first one where the family
 * name comes first. A single word is the family name, as everywhere here.
 */
export function splitName(name: string, order: 'first-last' | 'last-first' = 'first-last'): { firstName: string | null; lastName: string } {
  const comma = name.indexOf(',');
  if (comma > 0) return { lastName: name.slice(0, comma).trim(), firstName: name.slice(comma + 1).trim() || null };
  const words = name.trim().split(/\s+/u);
  if (words.length === 1) return { firstName: null, lastName: words[0] ?? '' };
  return order === 'last-first'
    ? { lastName: words[0] ?? '', firstName: words.slice(1).join(' ') }
    : { lastName: words.at(-1) ?? '', firstName: words.slice(0, -1).join(' ') };
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
