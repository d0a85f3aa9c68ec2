import { MaskedPatient } from '../access/restricted.schema.ts';
import { ArchiveInput, ChangeStatusInput, MarkDeceasedInput, Patient, RestrictInput } from '../patient/patient.schema.ts';
import { Reason } from './chart-part.ts';
import type { RouteContract } from './contract.ts';
import { PatientId } from './patient.routes.ts';
import { json, noChart, ruleForbids, stale, versioned } from './responses.ts';

const withoutVersion = { version: true } as const;

/** What all of them share: a verb on one chart, decided on the version that was read. */
const verb = {
  method: 'POST',
  tag: 'chart state',
  params: PatientId,
  ifMatch: 'required',
  idempotent: true,
  responses: { 200: versioned(Patient, 'The chart as it is now.'), 404: noChart, 412: stale, 422: ruleForbids },
} as const;

export const archivePatientRoute = {
  ...verb,
  path: '/api/v1/patients/{id}/archive',
  operationId: 'archivePatient',
  summary: 'Archive a chart',
  description: 'Patients are never deleted.',
  access: 'patient.restrict',
  body: ArchiveInput.omit(withoutVersion),
} as const satisfies RouteContract;

export const unarchivePatientRoute = {
  ...verb,
  path: '/api/v1/patients/{id}/unarchive',
  operationId: 'unarchivePatient',
  summary: 'Take a chart out of the archive',
  access: 'patient.restrict',
  body: Reason,
} as const satisfies RouteContract;

export const restrictPatientRoute = {
  ...verb,
  path: '/api/v1/patients/{id}/restrict',
  operationId: 'restrictPatient',
  summary: 'Restrict a chart',
  description: 'From then on it is masked in every answer, this one included, and opens by breaking the glass alone, to everybody.',
  access: 'patient.restrict',
  body: RestrictInput.omit(withoutVersion),
  responses: { ...verb.responses, 200: json(MaskedPatient, 'The chart as everybody sees it now.') },
} as const satisfies RouteContract;

export const unrestrictPatientRoute = {
  ...verb,
  path: '/api/v1/patients/{id}/unrestrict',
  operationId: 'unrestrictPatient',
  summary: 'Lift the restriction of a chart',
  description: 'Like any change of a restricted chart it takes a grant: break the glass first.',
  access: 'patient.restrict',
  body: Reason,
} as const satisfies RouteContract;

export const markPatientDeceasedRoute = {
  ...verb,
  path: '/api/v1/patients/{id}/mark-deceased',
  operationId: 'markPatientDeceased',
  summary: 'Record a death',
  access: 'patient.deceased',
  body: MarkDeceasedInput.omit(withoutVersion),
} as const satisfies RouteContract;

export const revertPatientDeceasedRoute = {
  ...verb,
  path: '/api/v1/patients/{id}/revert-deceased',
  operationId: 'revertPatientDeceased',
  summary: 'Take back a record of death',
  description: 'For a death that was recorded by mistake.',
  access: 'patient.deceased',
  body: Reason,
} as const satisfies RouteContract;

export const changePatientStatusRoute = {
  ...verb,
  path: '/api/v1/patients/{id}/change-status',
  operationId: 'changePatientStatus',
  summary: 'Make a chart active or inactive',
  description: 'Death and the archive have routes of their own, which record more.',
  access: 'patient.update',
  body: ChangeStatusInput.omit(withoutVersion),
} as const satisfies RouteContract;

export const patientStateRoutes = [
  archivePatientRoute,
  unarchivePatientRoute,
  restrictPatientRoute,
  unrestrictPatientRoute,
  markPatientDeceasedRoute,
  revertPatientDeceasedRoute,
  changePatientStatusRoute,
] as const satisfies readonly RouteContract[];
