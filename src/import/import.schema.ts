import { z } from 'zod';
import { Instant, line, oneOf } from '../base/fields.ts';
import { PlainDate } from '../base/plain-date.ts';
import { NewIdentifier } from '../identifier/identifier.schema.ts';
import { NewAddress } from '../patient/address.schema.ts';
import { NewName } from '../patient/name.schema.ts';
import { NewContact, NewPatient } from '../patient/patient.schema.ts';
import { NewTelecom } from '../patient/telecom.schema.ts';

const most = 50;

/** One row of an import: what a registration takes, with the parts of the chart beside it. A line of an NDJSON file is one of these. */
export const ImportRow = z
  .strictObject({
    ...NewPatient.shape,
    deceased: z.boolean({ error: 'must be true or false' }).optional(),
    deceasedAt: z
      .union([Instant, PlainDate], { error: 'must be a date such as 2024-05-31, or an instant with its offset' })
      .nullable()
      .optional()
      .describe('When the patient died; null when it is not known.'),
    formerMrns: z
      .array(z.strictObject({ value: line(100), authorityCode: z.string().optional(), system: z.string().optional() }))
      .max(most)
      .optional()
      .describe('Record numbers that the patient had before.'),
    identifiers: z.array(NewIdentifier).max(most).optional(),
    names: z.array(NewName).max(most).optional(),
    addresses: z.array(NewAddress).max(most).optional(),
    telecoms: z.array(NewTelecom).max(most).optional(),
    contacts: z.array(NewContact).max(most).optional(),
  })
  .meta({ id: 'ImportRow', description: 'One row of an import.' });
export type ImportRow = z.input<typeof ImportRow>;
export type CheckedImportRow = z.output<typeof ImportRow>;

export const ImportStatus = oneOf(['RUNNING', 'COMPLETED']);

/** An import, and how far it is. */
export const ImportRun = z.object({
  id: z.string(),
  fileSha256: z.string(),
  fileSize: z.number(),
  filePath: z.string(),
  status: ImportStatus,
  bytePosition: z.number(),
  line: z.number(),
  rowsRead: z.number(),
  rowsImported: z.number(),
  rowsRejected: z.number(),
  rowsSkipped: z.number(),
  duplicatesFound: z.number(),
  mrnsIssued: z.number(),
  startedAt: Instant,
  updatedAt: Instant,
  completedAt: Instant.nullable(),
  actor: z.string().nullable(),
});
export type ImportRun = z.infer<typeof ImportRun>;

export const DuplicateHandling = oneOf(['report', 'skip', 'refuse']);
export type DuplicateHandling = z.infer<typeof DuplicateHandling>;
