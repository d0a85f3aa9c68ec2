import { z } from 'zod';
import { Allergy, AllergyChanges, NewAllergy } from '../patient/patient.schema.ts';
import { ActiveOnly, partKey, Reason } from './chart-part.ts';
import type { RouteContract } from './contract.ts';
import { PatientId } from './patient.routes.ts';
import { created, json, noChart, noPart, ruleForbids, stale, versioned } from './responses.ts';

const AllergyKey = partKey('allergyId', 'allergy');

export const listAllergiesRoute = {
  method: 'GET',
  path: '/api/v1/patients/{id}/allergies',
  operationId: 'listAllergies',
  summary: 'List the allergies of a chart',
  tag: 'allergies',
  access: 'patient.read',
  params: PatientId,
  query: ActiveOnly,
  responses: { 200: json(z.object({ items: z.array(Allergy) }), 'All of them.'), 404: noChart },
} as const satisfies RouteContract;

export const addAllergyRoute = {
  method: 'POST',
  path: '/api/v1/patients/{id}/allergies',
  operationId: 'addAllergy',
  summary: 'Record an allergy',
  tag: 'allergies',
  access: 'patient.clinical',
  params: PatientId,
  body: NewAllergy,
  idempotent: true,
  responses: { 201: created(Allergy, 'The new allergy.'), 404: noChart, 422: ruleForbids },
} as const satisfies RouteContract;

export const getAllergyRoute = {
  method: 'GET',
  path: '/api/v1/patients/{id}/allergies/{allergyId}',
  operationId: 'getAllergy',
  summary: 'Read an allergy',
  tag: 'allergies',
  access: 'patient.read',
  params: AllergyKey,
  responses: { 200: versioned(Allergy, 'The allergy.'), 404: noPart },
} as const satisfies RouteContract;

export const updateAllergyRoute = {
  method: 'PATCH',
  path: '/api/v1/patients/{id}/allergies/{allergyId}',
  operationId: 'updateAllergy',
  summary: 'Change an allergy',
  description: 'A JSON merge patch (RFC 7396): a field left out stays, null empties it.',
  tag: 'allergies',
  access: 'patient.clinical',
  params: AllergyKey,
  body: AllergyChanges,
  ifMatch: 'required',
  responses: { 200: versioned(Allergy, 'The allergy as it is now.'), 404: noPart, 412: stale, 422: ruleForbids },
} as const satisfies RouteContract;

export const resolveAllergyRoute = {
  method: 'POST',
  path: '/api/v1/patients/{id}/allergies/{allergyId}/resolve',
  operationId: 'resolveAllergy',
  summary: 'Resolve an allergy',
  description: 'An allergy that no longer holds stays in the chart, inactive.',
  tag: 'allergies',
  access: 'patient.clinical',
  params: AllergyKey,
  body: Reason,
  ifMatch: 'required',
  idempotent: true,
  responses: { 200: versioned(Allergy, 'The allergy as it is now.'), 404: noPart, 412: stale, 422: ruleForbids },
} as const satisfies RouteContract;

export const allergyRoutes = [
  listAllergiesRoute,
  addAllergyRoute,
  getAllergyRoute,
  updateAllergyRoute,
  resolveAllergyRoute,
] as const satisfies readonly RouteContract[];
