import { z } from 'zod';
import { Child, IdentifyInput, NewNewborn, NewUnidentified, Placeholder, PlaceholderList } from '../patient/identity.schema.ts';
import { Patient } from '../patient/patient.schema.ts';
import type { RouteContract } from './contract.ts';
import { PatientId } from './patient.routes.ts';
import { created, json, noChart, problem, ruleForbids, stale, versioned } from './responses.ts';

export const registerUnidentifiedRoute = {
  method: 'POST',
  path: '/api/v1/patients/unidentified',
  operationId: 'registerUnidentified',
  summary: 'Register a patient whom nobody knows yet',
  description: 'Without a name the convention of the facility gives a temporary one. The chart waits in the queue until the patient is identified.',
  tag: 'identity',
  access: 'patient.register',
  body: NewUnidentified,
  idempotent: true,
  responses: { 201: created(Patient, 'The new chart.'), 409: problem('The id or the record number is taken.') },
} as const satisfies RouteContract;

export const registerNewbornRoute = {
  method: 'POST',
  path: '/api/v1/patients/newborns',
  operationId: 'registerNewborn',
  summary: 'Register a newborn under its mother',
  description: 'Without a first name it gets a temporary one and waits to be named. Several born together are told apart by birthOrder.',
  tag: 'identity',
  access: 'patient.register',
  body: NewNewborn,
  idempotent: true,
  responses: {
    201: created(Patient, 'The new chart.'),
    404: problem('There is no chart of the mother.'),
    409: problem('This child is registered already; details.patientId says where. Or the id or the record number is taken.'),
    422: ruleForbids,
  },
} as const satisfies RouteContract;

export const identifyPatientRoute = {
  method: 'POST',
  path: '/api/v1/patients/{id}/identify',
  operationId: 'identifyPatient',
  summary: 'Give a temporary identity its real one',
  description: 'The same chart and the same MRN; the temporary name is kept. Who has a chart already is a case for a merge.',
  tag: 'identity',
  access: 'patient.update',
  params: PatientId,
  body: IdentifyInput.omit({ version: true }),
  ifMatch: 'required',
  idempotent: true,
  responses: { 200: versioned(Patient, 'The chart as it is now.'), 404: noChart, 412: stale, 422: ruleForbids },
} as const satisfies RouteContract;

export const listPlaceholdersRoute = {
  method: 'GET',
  path: '/api/v1/placeholders',
  operationId: 'listPlaceholders',
  summary: 'List the charts that wait for their person',
  description: 'Unidentified patients, newborns without a name, and charts made for ids of the host; oldest first.',
  tag: 'identity',
  access: 'patient.search',
  query: PlaceholderList,
  responses: {
    200: {
      ...json(z.object({ items: z.array(Placeholder), nextCursor: z.string().nullable(), total: z.int().nullable() }), 'A page of them.'),
      headers: { Link: 'The next page, rel="next" (RFC 8288); not there on the last one.' },
    },
  },
} as const satisfies RouteContract;

export const listChildrenRoute = {
  method: 'GET',
  path: '/api/v1/patients/{id}/children',
  operationId: 'listChildren',
  summary: 'List the children of a mother',
  tag: 'identity',
  access: 'patient.read.demographics',
  params: PatientId,
  responses: { 200: json(z.object({ items: z.array(Child) }), 'Those with a chart here, by birth.'), 404: noChart },
} as const satisfies RouteContract;

export const identityRoutes = [
  registerUnidentifiedRoute,
  registerNewbornRoute,
  identifyPatientRoute,
  listPlaceholdersRoute,
  listChildrenRoute,
] as const satisfies readonly RouteContract[];
