import { z } from 'zod';
import { ChartTelecom, NewTelecom, PatientTelecom, TelecomChanges } from '../patient/telecom.schema.ts';
import { EndInput } from '../patient/name.schema.ts';
import { partKey, Reason } from './chart-part.ts';
import type { RouteContract } from './contract.ts';
import { PatientId } from './patient.routes.ts';
import { created, json, noChart, noPart, ruleForbids, stale, versioned } from './responses.ts';

const TelecomKey = partKey('telecomId', 'telecom');

export const listTelecomsRoute = {
  method: 'GET',
  path: '/api/v1/patients/{id}/telecoms',
  operationId: 'listTelecoms',
  summary: 'List the telephone numbers, e-mail addresses and the like of a chart',
  description: 'Those of the patient itself come first. They have no id and are changed with the patient.',
  tag: 'telecoms',
  access: 'patient.read.demographics',
  params: PatientId,
  responses: { 200: json(z.object({ items: z.array(ChartTelecom) }), 'All of them.'), 404: noChart },
} as const satisfies RouteContract;

export const addTelecomRoute = {
  method: 'POST',
  path: '/api/v1/patients/{id}/telecoms',
  operationId: 'addTelecom',
  summary: 'Add a telecom',
  description: 'A telephone number, e-mail address or the like beside those of the patient itself.',
  tag: 'telecoms',
  access: 'patient.update',
  params: PatientId,
  body: NewTelecom,
  idempotent: true,
  responses: { 201: created(PatientTelecom, 'The new telecom.'), 404: noChart, 422: ruleForbids },
} as const satisfies RouteContract;

export const getTelecomRoute = {
  method: 'GET',
  path: '/api/v1/patients/{id}/telecoms/{telecomId}',
  operationId: 'getTelecom',
  summary: 'Read a telecom',
  tag: 'telecoms',
  access: 'patient.read.demographics',
  params: TelecomKey,
  responses: { 200: versioned(PatientTelecom, 'The telecom.'), 404: noPart },
} as const satisfies RouteContract;

export const updateTelecomRoute = {
  method: 'PATCH',
  path: '/api/v1/patients/{id}/telecoms/{telecomId}',
  operationId: 'updateTelecom',
  summary: 'Change a telecom',
  description: 'A JSON merge patch (RFC 7396): a field left out stays, null empties it.',
  tag: 'telecoms',
  access: 'patient.update',
  params: TelecomKey,
  body: TelecomChanges,
  ifMatch: 'required',
  responses: { 200: versioned(PatientTelecom, 'The telecom as it is now.'), 404: noPart, 412: stale, 422: ruleForbids },
} as const satisfies RouteContract;

export const endTelecomRoute = {
  method: 'POST',
  path: '/api/v1/patients/{id}/telecoms/{telecomId}/end',
  operationId: 'endTelecom',
  summary: 'Say that a telecom no longer holds',
  description: 'The row stays in the chart with its end.',
  tag: 'telecoms',
  access: 'patient.update',
  params: TelecomKey,
  body: EndInput,
  ifMatch: 'required',
  idempotent: true,
  responses: { 200: versioned(PatientTelecom, 'The telecom with its end.'), 404: noPart, 412: stale, 422: ruleForbids },
} as const satisfies RouteContract;

export const removeTelecomRoute = {
  method: 'POST',
  path: '/api/v1/patients/{id}/telecoms/{telecomId}/remove',
  operationId: 'removeTelecom',
  summary: 'Remove a telecom that was a mistake',
  description: 'The audit row keeps what it was.',
  tag: 'telecoms',
  access: 'patient.update',
  params: TelecomKey,
  body: Reason,
  ifMatch: 'required',
  idempotent: true,
  responses: { 204: { description: 'Removed.' }, 404: noPart, 412: stale, 422: ruleForbids },
} as const satisfies RouteContract;

export const telecomRoutes = [
  listTelecomsRoute,
  addTelecomRoute,
  getTelecomRoute,
  updateTelecomRoute,
  endTelecomRoute,
  removeTelecomRoute,
] as const satisfies readonly RouteContract[];
