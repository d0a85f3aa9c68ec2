import { z } from 'zod';
import { Id, NewPatient, Patient } from '../patient/patient.schema.ts';
import type { RouteContract } from './contract.ts';
import { Problem } from './problem.schema.ts';

const PatientId = z.strictObject({ id: Id.describe('The id of the patient.') });
const etag = { ETag: 'The version of the chart, to be given as If-Match with a change.' } as const;

export const registerPatientRoute = {
  method: 'POST',
  path: '/api/v1/patients',
  operationId: 'registerPatient',
  summary: 'Register a patient',
  description: 'Issues the record number. Chart, number, audit row and event are written in one transaction.',
  tag: 'patients',
  access: 'patient.register',
  body: NewPatient,
  idempotent: true,
  responses: {
    201: { description: 'The new chart.', contentType: 'application/json', schema: Patient, headers: { ...etag, Location: 'Where the chart is.' } },
    409: { description: 'The id or the record number is taken.', contentType: 'application/problem+json', schema: Problem },
  },
} as const satisfies RouteContract;

export const getPatientRoute = {
  method: 'GET',
  path: '/api/v1/patients/{id}',
  operationId: 'getPatient',
  summary: 'Open a chart',
  description: 'Recorded in the audit trail like a change.',
  tag: 'patients',
  access: 'patient.read.demographics',
  params: PatientId,
  responses: {
    200: { description: 'The chart.', contentType: 'application/json', schema: Patient, headers: etag },
    404: { description: 'There is no such chart.', contentType: 'application/problem+json', schema: Problem },
  },
} as const satisfies RouteContract;

export const patientRoutes = [registerPatientRoute, getPatientRoute] as const satisfies readonly RouteContract[];
