import { quote } from '../sql.ts';

/**
 * How a placeholder looks. Its record number is `ORPHAN:` and the id (or its SHA-256 where the id is longer than a uuid):
 * no format can issue it, because prefixes are letters and digits and separators are made of - / . _ and blanks
 * (docs/adr/0033).
 */
export const placeholderName = 'UNKNOWN';

/** SQL for the record number of a placeholder, from SQL for its id as text. At most 43 of the 50 characters. */
export function placeholderMrn(id: string): string {
  return `'ORPHAN:' || CASE WHEN length(${id}) <= 36 THEN ${id} ELSE left(encode(sha256(convert_to(${id}, 'UTF8')), 'hex'), 36) END`;
}

/** The columns that describe a person and that a file of the host may fill, beside lastName. */
export const optionalColumns = [
  'firstName',
  'middleName',
  'dateOfBirth',
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
] as const;

const watched = ['mrn', 'lastName', ...optionalColumns, 'restricted', 'deceased', 'archived', 'mergedInto', 'version'];

/** SQL for what tells whether a row of patients (by its alias) is still as it was written. */
export function fingerprint(alias: string): string {
  return `md5(jsonb_build_array(${watched.map((column) => `${alias}.${quote(column)}`).join(', ')}, ${alias}.status::text)::text)`;
}
