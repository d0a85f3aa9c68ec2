import { z } from 'zod';
import { line, oneOf } from '../base/fields.ts';
import { AuthorityCode, IdentifierType } from '../identifier/identifier.schema.ts';
import { demographics } from '../patient/patient.schema.ts';

/** Fields of a chart that a column can fill by itself. */
export const chartFields = Object.keys(demographics) as (keyof typeof demographics)[];

const fields = [
  ...(chartFields as [string, ...string[]]),
  'id',
  'mrn',
  'estimatedAge',
  'fullName',
  'deceased',
  'deceasedAt',
  'formerMrns',
  'identifier',
  'maidenName',
  'alias',
  'telecom',
  'workAddressLine1',
  'workAddressLine2',
  'workCity',
  'workState',
  'workZipCode',
  'workCountry',
  'contactFirstName',
  'contactLastName',
  'contactFullName',
  'contactRelationship',
  'contactPhone',
  'contactEmail',
  'contactAddress',
] as const;

export const ImportField = oneOf(fields as unknown as readonly [string, ...string[]]);
export type ImportField = z.infer<typeof ImportField>;

/** Such as DD/MM/YYYY; MMM is the name of a month in English. */
const DateFormat = z
  .string()
  .regex(/^(?:YYYY|YY|MMM|MM|M|DD|D|[^A-Za-z0-9])+$/, { error: 'must be made of YYYY, YY, MM, M, MMM, DD, D and what stands between, such as DD/MM/YYYY' });

const column = z.strictObject({
  field: ImportField.describe('What the column holds.'),
  format: z
    .union([DateFormat, z.array(DateFormat).min(1)])
    .optional()
    .describe('For dates: how they are written; the first of several that fits.'),
  values: z.record(z.string(), z.string().nullable()).optional().describe('What values stand for, such as M: MALE; upper and lower case do not matter.'),
  order: oneOf(['first-last', 'last-first']).optional().describe('For full names: which part comes first. With a comma the family name always does.'),
  separator: z.string().min(1).max(5).optional().describe('For formerMrns: what stands between several; default ;'),
  type: IdentifierType.optional().describe('For identifiers and former MRNs: type as in HL7 table 0203.'),
  authority: AuthorityCode.optional().describe('For identifiers and former MRNs: code of the authority.'),
  system: line(255).optional().describe('For identifiers and former MRNs: URI of the number system.'),
  telecomSystem: oneOf(['PHONE', 'EMAIL', 'FAX', 'URL', 'OTHER']).optional().describe('For telecom; default PHONE.'),
  use: oneOf(['HOME', 'WORK', 'MOBILE', 'TEMPORARY', 'OTHER']).optional().describe('For telecom; default OTHER.'),
});
export type MappedColumn = z.output<typeof column>;

/** How the columns of a CSV file become charts. Columns that are not named here are left out. */
export const ImportMapping = z
  .strictObject({
    encoding: oneOf(['utf-8', 'windows-1252']).optional(),
    delimiter: z.string().length(1).optional(),
    quote: z.string().length(1).optional(),
    columns: z.record(z.string(), z.union([ImportField, column])),
    constants: z.partialRecord(ImportField, z.string()).optional().describe('The same for every row, such as country: KE.'),
    empty: z.array(z.string()).optional().describe('Words that stand for nothing, such as NULL; blank is always nothing.'),
  })
  .meta({ id: 'ImportMapping', description: 'How the columns of a CSV file become charts.' });
export type ImportMapping = z.output<typeof ImportMapping>;

export function mappedColumn(given: ImportMapping['columns'][string]): MappedColumn {
  return typeof given === 'string' ? { field: given } : given;
}
