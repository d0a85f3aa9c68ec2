import { z } from 'zod';
import {
  AuthorityCode,
  ChartIdentifier,
  IdentifierAuthority,
  IdentifierAuthorityInput,
  IdentifierChanges,
  NewIdentifier,
  PatientIdentifier,
} from '../identifier/identifier.schema.ts';
import { EndInput } from '../patient/name.schema.ts';
import { partKey, Reason } from './chart-part.ts';
import type { RouteContract } from './contract.ts';
import { PatientId } from './patient.routes.ts';
import { created, json, noChart, noPart, problem, ruleForbids, stale, versioned } from './responses.ts';

const IdentifierKey = partKey('identifierId', 'identifier');

export const listIdentifiersRoute = {
  method: 'GET',
  path: '/api/v1/patients/{id}/identifiers',
  operationId: 'listIdentifiers',
  summary: 'List the identifiers of a chart',
  description: 'The MRN comes first (type MR). It belongs to the patient itself and has no id.',
  tag: 'identifiers',
  access: 'patient.read.demographics',
  params: PatientId,
  responses: { 200: json(z.object({ items: z.array(ChartIdentifier) }), 'All of them.'), 404: noChart },
} as const satisfies RouteContract;

export const addIdentifierRoute = {
  method: 'POST',
  path: '/api/v1/patients/{id}/identifiers',
  operationId: 'addIdentifier',
  summary: 'Add an identifier',
  description:
    'A number that another authority gave to the patient. It must fit the pattern and the check digit of the authority, and nobody else may have it.',
  tag: 'identifiers',
  access: 'patient.update',
  params: PatientId,
  body: NewIdentifier,
  idempotent: true,
  responses: {
    201: created(PatientIdentifier, 'The new identifier.'),
    404: noChart,
    409: problem('The number is in use; details.patientIds says by whom.'),
    422: ruleForbids,
  },
} as const satisfies RouteContract;

export const getIdentifierRoute = {
  method: 'GET',
  path: '/api/v1/patients/{id}/identifiers/{identifierId}',
  operationId: 'getIdentifier',
  summary: 'Read an identifier',
  tag: 'identifiers',
  access: 'patient.read.demographics',
  params: IdentifierKey,
  responses: { 200: versioned(PatientIdentifier, 'The identifier.'), 404: noPart },
} as const satisfies RouteContract;

export const updateIdentifierRoute = {
  method: 'PATCH',
  path: '/api/v1/patients/{id}/identifiers/{identifierId}',
  operationId: 'updateIdentifier',
  summary: 'Change an identifier',
  description: 'A JSON merge patch (RFC 7396): a field left out stays, null empties it. Another number is another identifier.',
  tag: 'identifiers',
  access: 'patient.update',
  params: IdentifierKey,
  body: IdentifierChanges,
  ifMatch: 'required',
  responses: { 200: versioned(PatientIdentifier, 'The identifier as it is now.'), 404: noPart, 412: stale, 422: ruleForbids },
} as const satisfies RouteContract;

export const verifyIdentifierRoute = {
  method: 'POST',
  path: '/api/v1/patients/{id}/identifiers/{identifierId}/verify',
  operationId: 'verifyIdentifier',
  summary: 'Record that somebody has seen the proof of an identifier',
  tag: 'identifiers',
  access: 'patient.update',
  params: IdentifierKey,
  body: z.strictObject({}),
  ifMatch: 'required',
  idempotent: true,
  responses: { 200: versioned(PatientIdentifier, 'The identifier as it is now.'), 404: noPart, 412: stale, 422: ruleForbids },
} as const satisfies RouteContract;

export const endIdentifierRoute = {
  method: 'POST',
  path: '/api/v1/patients/{id}/identifiers/{identifierId}/end',
  operationId: 'endIdentifier',
  summary: 'Say that an identifier no longer holds',
  description: 'The row stays in the chart with its end.',
  tag: 'identifiers',
  access: 'patient.update',
  params: IdentifierKey,
  body: EndInput,
  ifMatch: 'required',
  idempotent: true,
  responses: { 200: versioned(PatientIdentifier, 'The identifier with its end.'), 404: noPart, 412: stale, 422: ruleForbids },
} as const satisfies RouteContract;

export const removeIdentifierRoute = {
  method: 'POST',
  path: '/api/v1/patients/{id}/identifiers/{identifierId}/remove',
  operationId: 'removeIdentifier',
  summary: 'Remove an identifier that was a mistake',
  description: 'The audit row keeps what it was.',
  tag: 'identifiers',
  access: 'patient.update',
  params: IdentifierKey,
  body: Reason,
  ifMatch: 'required',
  idempotent: true,
  responses: { 204: { description: 'Removed.' }, 404: noPart, 412: stale, 422: ruleForbids },
} as const satisfies RouteContract;

export const listIdentifierAuthoritiesRoute = {
  method: 'GET',
  path: '/api/v1/identifier-authorities',
  operationId: 'listIdentifierAuthorities',
  summary: 'List who gives out numbers',
  tag: 'identifiers',
  access: 'signed-in',
  responses: { 200: json(z.object({ items: z.array(IdentifierAuthority) }), 'All of them, by code.') },
} as const satisfies RouteContract;

export const defineIdentifierAuthorityRoute = {
  method: 'PUT',
  path: '/api/v1/identifier-authorities/{code}',
  operationId: 'defineIdentifierAuthority',
  summary: 'Say what the numbers of an authority look like',
  description: 'Makes the authority or describes it anew; what is left out becomes its default. Numbers that are there already stay.',
  tag: 'identifiers',
  access: 'registry.configure',
  params: z.strictObject({ code: AuthorityCode.describe('The code of the authority, such as NHIF.') }),
  body: IdentifierAuthorityInput,
  responses: { 200: json(IdentifierAuthority, 'The authority as it is now.') },
} as const satisfies RouteContract;

export const identifierRoutes = [
  listIdentifiersRoute,
  addIdentifierRoute,
  getIdentifierRoute,
  updateIdentifierRoute,
  verifyIdentifierRoute,
  endIdentifierRoute,
  removeIdentifierRoute,
  listIdentifierAuthoritiesRoute,
  defineIdentifierAuthorityRoute,
] as const satisfies readonly RouteContract[];
