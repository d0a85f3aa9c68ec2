import { z } from 'zod';
import { ChartName, EndInput, NameChanges, NewName, PatientName } from '../patient/name.schema.ts';
import { partKey, Reason } from './chart-part.ts';
import type { RouteContract } from './contract.ts';
import { PatientId } from './patient.routes.ts';
import { created, json, noChart, noPart, ruleForbids, stale, versioned } from './responses.ts';

const NameKey = partKey('nameId', 'name');

export const listNamesRoute = {
  method: 'GET',
  path: '/api/v1/patients/{id}/names',
  operationId: 'listNames',
  summary: 'List the names of a chart',
  description: 'The official name comes first. It belongs to the patient itself, has no id, and is changed with the patient.',
  tag: 'names',
  access: 'patient.read.demographics',
  params: PatientId,
  responses: { 200: json(z.object({ items: z.array(ChartName) }), 'All of them.'), 404: noChart },
} as const satisfies RouteContract;

export const addNameRoute = {
  method: 'POST',
  path: '/api/v1/patients/{id}/names',
  operationId: 'addName',
  summary: 'Add a name',
  description: 'A name beside the official one: former, maiden, alias, nickname, or the official one in another script.',
  tag: 'names',
  access: 'patient.update',
  params: PatientId,
  body: NewName,
  idempotent: true,
  responses: { 201: created(PatientName, 'The new name.'), 404: noChart, 422: ruleForbids },
} as const satisfies RouteContract;

export const getNameRoute = {
  method: 'GET',
  path: '/api/v1/patients/{id}/names/{nameId}',
  operationId: 'getName',
  summary: 'Read a name',
  tag: 'names',
  access: 'patient.read.demographics',
  params: NameKey,
  responses: { 200: versioned(PatientName, 'The name.'), 404: noPart },
} as const satisfies RouteContract;

export const updateNameRoute = {
  method: 'PATCH',
  path: '/api/v1/patients/{id}/names/{nameId}',
  operationId: 'updateName',
  summary: 'Change a name',
  description: 'A JSON merge patch (RFC 7396): a field left out stays, null empties it.',
  tag: 'names',
  access: 'patient.update',
  params: NameKey,
  body: NameChanges,
  ifMatch: 'required',
  responses: { 200: versioned(PatientName, 'The name as it is now.'), 404: noPart, 412: stale, 422: ruleForbids },
} as const satisfies RouteContract;

export const endNameRoute = {
  method: 'POST',
  path: '/api/v1/patients/{id}/names/{nameId}/end',
  operationId: 'endName',
  summary: 'Say that a name no longer holds',
  description: 'The row stays in the chart with its end.',
  tag: 'names',
  access: 'patient.update',
  params: NameKey,
  body: EndInput,
  ifMatch: 'required',
  idempotent: true,
  responses: { 200: versioned(PatientName, 'The name with its end.'), 404: noPart, 412: stale, 422: ruleForbids },
} as const satisfies RouteContract;

export const removeNameRoute = {
  method: 'POST',
  path: '/api/v1/patients/{id}/names/{nameId}/remove',
  operationId: 'removeName',
  summary: 'Remove a name that was a mistake',
  description: 'The audit row keeps what it was.',
  tag: 'names',
  access: 'patient.update',
  params: NameKey,
  body: Reason,
  ifMatch: 'required',
  idempotent: true,
  responses: { 204: { description: 'Removed.' }, 404: noPart, 412: stale, 422: ruleForbids },
} as const satisfies RouteContract;

export const nameRoutes = [
  listNamesRoute,
  addNameRoute,
  getNameRoute,
  updateNameRoute,
  endNameRoute,
  removeNameRoute,
] as const satisfies readonly RouteContract[];
