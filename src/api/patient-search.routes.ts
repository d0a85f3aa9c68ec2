import { z } from 'zod';
import { Email } from '../base/fields.ts';
import { Identifier, Patient, PatientSearch } from '../patient/patient.schema.ts';
import type { RouteContract } from './contract.ts';
import { PatientPage } from './patient.routes.ts';
import { json, problem, versioned } from './responses.ts';

// What is searched for stands in the body: names, dates of birth and numbers in a URL would end up in the logs of every proxy between.

const responses = {
  200: versioned(Patient, 'The chart; opening it is recorded.'),
  404: problem('Nobody has it.'),
  412: problem('Several patients have it; details.ids names their charts.'),
} as const;

export const searchPatientsRoute = {
  method: 'POST',
  path: '/api/v1/patients/search',
  operationId: 'searchPatients',
  summary: 'Search by name, date of birth, telephone, e-mail or number',
  description:
    'With q, what somebody typed into one box: names in any order, parts of names, with slips of the hand, without accents or in another script; a date of birth in any usual form, a record number, the last digits of a telephone number, any identifier. The best come first, with their reasons in matches. Otherwise criteria are combined with AND, names match from their beginning, and the page is in name order.',
  tag: 'search',
  access: 'patient.search',
  mayLag: true,
  body: PatientSearch,
  responses: { 200: json(PatientPage, 'A page of charts, in name order.') },
} as const satisfies RouteContract;

export const findPatientByMrnRoute = {
  method: 'POST',
  path: '/api/v1/patients/lookup/mrn',
  operationId: 'findPatientByMrn',
  summary: 'Open the chart that a record number leads to',
  description: 'After merges that is the surviving chart.',
  tag: 'search',
  access: 'patient.search',
  body: z.strictObject({ mrn: Identifier.shape.value }),
  responses,
} as const satisfies RouteContract;

export const findPatientByIdentifierRoute = {
  method: 'POST',
  path: '/api/v1/patients/lookup/identifier',
  operationId: 'findPatientByIdentifier',
  summary: 'Open the chart with this identifier',
  description: 'After merges that is the surviving chart.',
  tag: 'search',
  access: 'patient.search',
  body: Identifier,
  responses,
} as const satisfies RouteContract;

export const findPatientByEmailRoute = {
  method: 'POST',
  path: '/api/v1/patients/lookup/email',
  operationId: 'findPatientByEmail',
  summary: 'Open the chart in use with this e-mail address',
  description: 'In any case. Archived charts are left out.',
  tag: 'search',
  access: 'patient.search',
  body: z.strictObject({ email: Email }),
  responses,
} as const satisfies RouteContract;

export const patientSearchRoutes = [
  searchPatientsRoute,
  findPatientByMrnRoute,
  findPatientByIdentifierRoute,
  findPatientByEmailRoute,
] as const satisfies readonly RouteContract[];
