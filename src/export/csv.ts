import type { ExportedChart } from './export.schema.ts';

/** Charts as rows of CSV (RFC 4180). The names of the columns are those of the fields, which an import knows. */

type Value = string | number | boolean | null | undefined;

const own = [
  'id',
  'mrn',
  'firstName',
  'middleName',
  'lastName',
  'dateOfBirth',
  'dateOfBirthPrecision',
  'gender',
  'bloodType',
  'email',
  'phone',
  'phoneSecondary',
  'addressLine1',
  'addressLine2',
  'city',
  'state',
  'zipCode',
  'country',
  'preferredLanguage',
  'motherId',
  'birthOrder',
  'multipleBirthCount',
  'identityStatus',
  'status',
  'deceased',
  'deceasedAt',
  'restricted',
  'archived',
  'mergedInto',
  'createdAt',
  'updatedAt',
  'version',
] as const satisfies readonly (keyof ExportedChart)[];

/** Of the contact that is called first. */
const contact = {
  contactFirstName: 'firstName',
  contactLastName: 'lastName',
  contactRelationship: 'relationship',
  contactPhone: 'phone',
  contactEmail: 'email',
  contactAddress: 'address',
} as const satisfies Record<string, keyof ExportedChart['contacts'][number]>;

export const csvColumns: readonly string[] = [...own, ...Object.keys(contact)];

export function csvHead(): string {
  return rowOf(csvColumns);
}

export function csvRow(chart: ExportedChart): string {
  const [first] = chart.contacts;
  return rowOf([...own.map((column) => chart[column]), ...Object.values(contact).map((field) => first?.[field])]);
}

function rowOf(values: readonly Value[]): string {
  return `${values.map(cell).join(',')}\r\n`;
}

/** What a spreadsheet program takes for a formula when a cell begins with it (CWE-1236); full-width forms are taken for the same. */
const formula = /^[=+\-@\t\r\uFF1D\uFF0B\uFF0D\uFF20]/u;
/** A telephone number, a number: a spreadsheet makes a number of it and computes nothing. */
const harmless = /^\+?\d[\d ().]*(?:;ext=\d+)?$/;

/**
 * A cell. What a spreadsheet program would run as a formula gets an apostrophe before it, which such a program takes for "this is text".
 * Telephone numbers with their + are left alone: nothing in them can be run.
 */
function cell(value: Value): string {
  if (value === null || value === undefined) return '';
  const text = String(value);
  const safe = formula.test(text) && !harmless.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) || safe !== safe.trim() ? `"${safe.replaceAll('"', '""')}"` : safe;
}
