import { BaseExportInput, PatientExport, PatientExportInput } from '../export/export.schema.ts';
import type { RouteContract } from './contract.ts';
import { PatientId } from './patient.routes.ts';
import { json, noChart, problem } from './responses.ts';

// Why charts leave stands in the body: a reason may tell of somebody, and an address stands in the log of every proxy between.

const fileHeaders = { 'Content-Disposition': 'The name under which to save it.' } as const;

export const exportPatientRoute = {
  method: 'POST',
  path: '/api/v1/patients/{id}/export',
  operationId: 'exportPatient',
  summary: 'Everything about one patient',
  description:
    'For the person concerned and for another system: the chart with its parts, merges, and who looked at it where the caller may read the trail. Files of documents are read one by one. Recorded in the audit trail with the reason.',
  tag: 'export',
  access: 'patient.export',
  params: PatientId,
  body: PatientExportInput,
  responses: { 200: { ...json(PatientExport, 'Everything that is kept about the patient.'), headers: fileHeaders }, 404: noChart },
} as const satisfies RouteContract;

export const printFaceSheetRoute = {
  method: 'GET',
  path: '/api/v1/patients/{id}/face-sheet',
  operationId: 'printFaceSheet',
  summary: 'The face sheet of a chart, to print',
  description:
    'A PDF with the record number as a barcode, allergies and risk flags, whom to call, and numbers. What the role of the caller is not shown is not on it, and the sheet says so. Recorded in the audit trail.',
  tag: 'export',
  access: 'patient.read.demographics',
  params: PatientId,
  responses: { 200: { description: 'The sheet.', contentType: 'application/pdf', headers: fileHeaders }, 404: noChart },
} as const satisfies RouteContract;

export const exportBaseRoute = {
  method: 'POST',
  path: '/api/v1/export',
  operationId: 'exportBase',
  summary: 'Export the base',
  description:
    'Every chart that fits, as it is at one moment, streamed: NDJSON with the parts of each chart, whose last line is of the type end, or CSV. A file that broke off lacks that line, and its connection ends with an error. Restricted charts are given only where a grant of the caller holds: masked in NDJSON, left out of CSV. Begin, end, counts and digest are recorded in the audit trail with the reason.',
  tag: 'export',
  access: 'registry.export',
  body: BaseExportInput,
  mayLag: true,
  responses: {
    200: { description: 'The charts: application/x-ndjson, text/csv, or application/gzip of one of them.', contentType: '*/*', headers: fileHeaders },
    503: problem('Two exports are running in this process already.'),
  },
} as const satisfies RouteContract;

export const exportRoutes = [exportPatientRoute, printFaceSheetRoute, exportBaseRoute] as const satisfies readonly RouteContract[];
