import { z } from 'zod';
import { ShownAuditEvent } from '../audit/audit.schema.ts';
import { Instant, note, oneOf } from '../base/fields.ts';
import { PatientIdentifier } from '../identifier/identifier.schema.ts';
import { PatientAddress } from '../patient/address.schema.ts';
import { PatientName } from '../patient/name.schema.ts';
import { Allergy, Contact, Merge, Patient, PatientDocument, PatientStatus, RiskFlag } from '../patient/patient.schema.ts';
import { PatientTelecom } from '../patient/telecom.schema.ts';

/** What leaves the registry as a file: one chart whole, or the base. A change that a reader would notice makes a new number. */

export const patientFormat = 'onechart-patient/1';
export const baseFormat = 'onechart-base/1';

const reason = note.max(1000, { error: 'must be at most 1000 characters' });

/** Everything that belongs to a chart beside the row of the patient. */
const chartParts = {
  names: z.array(PatientName).describe('Beside the official one, which is in the chart itself.'),
  addresses: z.array(PatientAddress),
  telecoms: z.array(PatientTelecom),
  identifiers: z.array(PatientIdentifier).describe('Numbers of other authorities.'),
  contacts: z.array(Contact),
  documents: z.array(PatientDocument).describe('What is known of each document; its file is read with getDocumentContent.'),
  allergies: z.array(Allergy),
  riskFlags: z.array(RiskFlag),
};

/** A chart with its parts, as one line of an export of the base: the fields of the patient and beside them the lists of the parts. */
export const ExportedChart = z
  .object({ type: z.literal('chart'), ...Patient.shape, ...chartParts })
  .meta({ id: 'ExportedChart', description: 'A line of an export of the base: a chart with its parts.' });
export type ExportedChart = z.infer<typeof ExportedChart>;

/** Everything about one patient. */
export const PatientExport = z
  .object({
    format: z.literal(patientFormat),
    exportedAt: Instant,
    exportedBy: z.object({ kind: z.string(), id: z.string().nullable(), name: z.string().nullable() }),
    reason: z.string().nullable(),
    chart: Patient,
    ...chartParts,
    merges: z.array(Merge).describe('Merges that the chart took part in, oldest first.'),
    audit: z
      .object({
        events: z.array(ShownAuditEvent).describe('Who looked at the chart or changed it, newest first.'),
        complete: z.boolean().describe('Whether these are all; only the newest 20000 are given.'),
      })
      .nullable()
      .describe('Null where the caller has no right to read the audit trail.'),
  })
  .meta({ id: 'PatientExport', description: 'Everything about one patient.' });
export type PatientExport = z.infer<typeof PatientExport>;

export const PatientExportInput = z.strictObject({
  reason: reason.describe('Why, such as the number of the request of the person concerned; kept in the audit trail. No names.'),
});
export type PatientExportInput = z.input<typeof PatientExportInput>;

export const FaceSheetInput = z.strictObject({
  reason: reason.optional().describe('Why it is printed, for the audit trail. No names.'),
});
export type FaceSheetInput = z.input<typeof FaceSheetInput>;

export const BaseFormat = oneOf(['ndjson', 'csv']);
export type BaseFormat = z.infer<typeof BaseFormat>;

export const BaseExportInput = z.strictObject({
  format: BaseFormat.default('ndjson').describe('ndjson: a chart a line, with its parts; csv: a chart a row, without the parts but the first contact.'),
  status: PatientStatus.optional().describe('Only charts of this status.'),
  updatedSince: Instant.optional().describe('Only charts that were changed at or after this instant, in themselves or in one of their parts.'),
  gzip: z.boolean().default(false).describe('Whether the file is compressed.'),
  bom: z.boolean().default(false).describe('Whether a CSV file begins with the mark by which spreadsheet programs know UTF-8.'),
  reason: reason.describe('Why; kept in the audit trail. No names.'),
});
export type BaseExportInput = z.input<typeof BaseExportInput>;
export type CheckedBaseExportInput = z.output<typeof BaseExportInput>;

/** The first line of an export of the base. */
export const BaseExportHead = z.object({
  type: z.literal('head'),
  format: z.literal(baseFormat),
  exportedAt: Instant,
  filter: z.object({ status: PatientStatus.nullable(), updatedSince: Instant.nullable() }),
});

/** A restricted chart that the caller has no grant for. */
export const MaskedChart = z.object({ type: z.literal('masked'), id: z.string() });

/** The last line. A file without it was broken off. */
export const BaseExportEnd = z.object({ type: z.literal('end'), charts: z.int(), masked: z.int() });

/** What became of an export of the base. */
export interface BaseExportResult {
  readonly charts: number;
  /** Restricted charts that were left out, as the caller has no grant for them. */
  readonly masked: number;
  /** Bytes of the file, compressed where that was asked for. */
  readonly bytes: number;
  /** Hexadecimal, of those bytes. */
  readonly sha256: string;
}
