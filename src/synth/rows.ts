import type { SyntheticChart } from './charts.ts';
import type { SyntheticPerson } from './synthetic-person.ts';

/** Lines as `onechart import` reads them. The reference is the record number, so that the truth can name a chart. */

/** What a row of an import holds; fields without a value are left out. */
export function rowOf(person: SyntheticPerson, { mrn = true }: { mrn?: boolean } = {}): Readonly<Record<string, unknown>> {
  const {
    reference,
    household: _household,
    sexAtBirth: _sexAtBirth,
    motherReference: _mother,
    deceasedAt,
    names,
    addresses,
    telecoms,
    identifiers,
    ...fields
  } = person;
  const row: Record<string, unknown> = mrn ? { mrn: reference } : {};
  copy(fields, row);
  row.firstName = person.firstName;
  row.dateOfBirth = person.dateOfBirth;
  if (deceasedAt !== null) {
    row.deceased = true;
    row.deceasedAt = deceasedAt;
  }
  for (const [key, parts] of [
    ['names', names],
    ['addresses', addresses],
    ['telecoms', telecoms],
    ['identifiers', identifiers],
  ] as const) {
    if (parts.length > 0) row[key] = parts.map((part) => copy(part, {}));
  }
  return row;
}

function copy(from: object, to: Record<string, unknown>): Record<string, unknown> {
  const source = from as Record<string, unknown>;
  for (const key in source) if (source[key] !== null) to[key] = source[key];
  return to;
}

export const ndjsonLine = (person: SyntheticPerson, options?: { mrn?: boolean }): string => `${JSON.stringify(rowOf(person, options))}\n`;

const columns = [
  'lastName',
  'firstName',
  'middleName',
  'dateOfBirth',
  'gender',
  'phone',
  'phoneSecondary',
  'email',
  'addressLine1',
  'addressLine2',
  'city',
  'state',
  'zipCode',
  'country',
  'preferredLanguage',
  'deceasedAt',
] as const satisfies readonly (keyof SyntheticPerson)[];

export const csvHeader = ({ mrn = true }: { mrn?: boolean } = {}): string => `${mrn ? 'mrn,' : ''}${columns.join(',')},maidenName,identifier\n`;

export function csvLine(person: SyntheticPerson, { mrn = true }: { mrn?: boolean } = {}): string {
  let line = mrn ? `${person.reference},` : '';
  for (const column of columns) line += `${cell(column === 'deceasedAt' ? (person.deceasedAt?.slice(0, 10) ?? null) : person[column])},`;
  const maiden = person.names.find(({ use }) => use === 'MAIDEN');
  return `${line}${cell(maiden?.lastName ?? null)},${cell(person.identifiers[0]?.value ?? null)}\n`;
}

/** RFC 4180. */
function cell(value: string | null): string {
  if (value === null) return '';
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

export const truthHeader = 'duplicate,of,scenario\n';
export const truthLine = ({ chart, duplicate }: SyntheticChart): string => (duplicate ? `${chart.reference},${duplicate.of},${duplicate.scenario}\n` : '');
