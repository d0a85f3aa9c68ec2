import { z } from 'zod';
import { ShownPatient } from '../access/restricted.schema.ts';
import { Instant } from '../base/fields.ts';
import { SearchMatch, typedFilters, typedText } from '../search/search.schema.ts';
import { ChartAt } from '../patient/chart-at.schema.ts';
import { Id, Merge, NewPatient, Patient, PatientChanges, PatientList, UserAction } from '../patient/patient.schema.ts';
import type { RouteContract } from './contract.ts';
import { created, json, noChart, problem, ruleForbids, stale, versioned } from './responses.ts';

export const PatientId = z.strictObject({ id: Id.describe('The id of the patient.') });

const historyRemoved = problem('The audit trail of that time was removed when its time of keeping had passed.');

/** A page as every listing answers it. */
export const PatientPage = z
  .object({
    items: z.array(ShownPatient),
    nextCursor: z.string().nullable().describe('Give it as cursor to get the next page; null on the last one.'),
    total: z.int().nullable().describe('How many fit in all; null when they were not counted.'),
    matches: z.array(SearchMatch).optional().describe('Only of a search by q: how well each of items fits, and why, in their order.'),
    more: z.boolean().optional().describe('Only of a search by q: whether more charts fit than are shown. Type more to see them.'),
  })
  .meta({ id: 'PatientPage', description: 'A page of charts.' });

/** A query string is flat, so the two halves of `actedOnBy` stand side by side. */
export const PatientListQuery = PatientList.omit({ actedOnBy: true })
  .extend({
    userAction: UserAction.optional().describe('Only charts on which the user userId did this last.'),
    userId: Id.optional().describe('The user of userAction.'),
    q: typedText.optional(),
    ...typedFilters,
  })
  .refine((query) => (query.userAction === undefined) === (query.userId === undefined), {
    path: ['userAction'],
    error: 'goes with userId; give both, or neither',
  })
  .refine((query) => query.q !== undefined || Object.keys(typedFilters).every((name) => query[name as keyof typeof typedFilters] === undefined), {
    path: ['q'],
    error: `is required with ${Object.keys(typedFilters).join(', ')}`,
  })
  .refine((query) => query.q === undefined || [query.userAction, query.mergedInto, query.updatedSince, query.cursor].every((each) => each === undefined), {
    path: ['q'],
    error: 'is not combined with userAction, mergedInto, updatedSince and cursor. Leave them out, or leave out q',
  });

/** The version stands in If-Match. */
export const PatientPatch = PatientChanges.omit({ version: true }).meta({ id: 'PatientPatch', description: 'Changes of demographics.' });

export const listPatientsRoute = {
  method: 'GET',
  path: '/api/v1/patients',
  operationId: 'listPatients',
  summary: 'List charts',
  description:
    'Filters are combined with AND. The next page is in nextCursor and in the Link header. With q, what somebody typed: names in any order, parts of names, a date of birth, a record number, the last digits of a telephone number, any identifier; the best come first, with their reasons in matches. An address stands in the logs of every proxy between, so prefer POST /api/v1/patients/search with the same q in its body; this server keeps neither in its own log.',
  tag: 'patients',
  access: 'patient.search',
  mayLag: true,
  query: PatientListQuery,
  responses: {
    200: { ...json(PatientPage, 'A page of charts.'), headers: { Link: 'The next page, rel="next" (RFC 8288); not there on the last one.' } },
  },
} as const satisfies RouteContract;

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
    201: created(Patient, 'The new chart.'),
    409: problem('The id or the record number is taken.'),
  },
} as const satisfies RouteContract;

export const getPatientRoute = {
  method: 'GET',
  path: '/api/v1/patients/{id}',
  operationId: 'getPatient',
  summary: 'Open a chart',
  description: 'Recorded in the audit trail like a change. With at, as it stood then; such an answer has no ETag.',
  tag: 'patients',
  access: 'patient.read.demographics',
  params: PatientId,
  query: z.strictObject({ at: Instant.optional().describe('An earlier moment, such as 2026-03-01T12:00:00Z.') }),
  responses: { 200: versioned(Patient, 'The chart.'), 404: noChart, 410: historyRemoved },
} as const satisfies RouteContract;

export const getChartAtRoute = {
  method: 'GET',
  path: '/api/v1/patients/{id}/chart',
  operationId: 'getChartAt',
  summary: 'A chart with all its parts as it stood at a moment',
  description: 'The present one with the changes of the audit trail taken back. Parts that the caller may not see are left out.',
  tag: 'patients',
  access: 'patient.read.demographics',
  params: PatientId,
  query: z.strictObject({ at: Instant.describe('The moment, such as 2026-03-01T12:00:00Z.') }),
  responses: { 200: json(ChartAt, 'The chart as it stood then.'), 404: noChart, 410: historyRemoved },
} as const satisfies RouteContract;

export const updatePatientRoute = {
  method: 'PATCH',
  path: '/api/v1/patients/{id}',
  operationId: 'updatePatient',
  summary: 'Change demographics',
  description: 'A JSON merge patch (RFC 7396): a field left out stays, null empties it. Nothing is written when nothing changes.',
  tag: 'patients',
  access: 'patient.update',
  params: PatientId,
  body: PatientPatch,
  ifMatch: 'required',
  responses: { 200: versioned(Patient, 'The chart as it is now.'), 404: noChart, 412: stale, 422: ruleForbids },
} as const satisfies RouteContract;

export const listMergesRoute = {
  method: 'GET',
  path: '/api/v1/patients/{id}/merges',
  operationId: 'listMerges',
  summary: 'List the merges of a chart',
  description: 'On either side, oldest first.',
  tag: 'patients',
  access: 'patient.read',
  params: PatientId,
  responses: { 200: json(z.object({ items: z.array(Merge) }), 'The merges.'), 404: noChart },
} as const satisfies RouteContract;

export const patientRoutes = [
  listPatientsRoute,
  registerPatientRoute,
  getPatientRoute,
  getChartAtRoute,
  updatePatientRoute,
  listMergesRoute,
] as const satisfies readonly RouteContract[];
