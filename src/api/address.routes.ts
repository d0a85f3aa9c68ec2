import { z } from 'zod';
import { AddressChanges, ChartAddress, NewAddress, PatientAddress } from '../patient/address.schema.ts';
import { EndInput } from '../patient/name.schema.ts';
import { partKey, Reason } from './chart-part.ts';
import type { RouteContract } from './contract.ts';
import { PatientId } from './patient.routes.ts';
import { created, json, noChart, noPart, ruleForbids, stale, versioned } from './responses.ts';

const AddressKey = partKey('addressId', 'address');

export const listAddressesRoute = {
  method: 'GET',
  path: '/api/v1/patients/{id}/addresses',
  operationId: 'listAddresses',
  summary: 'List the addresses of a chart',
  description: 'The home address comes first. It belongs to the patient itself, has no id, and is changed with the patient.',
  tag: 'addresses',
  access: 'patient.read.demographics',
  params: PatientId,
  responses: { 200: json(z.object({ items: z.array(ChartAddress) }), 'All of them.'), 404: noChart },
} as const satisfies RouteContract;

export const addAddressRoute = {
  method: 'POST',
  path: '/api/v1/patients/{id}/addresses',
  operationId: 'addAddress',
  summary: 'Add an address',
  description: 'An address beside the home address.',
  tag: 'addresses',
  access: 'patient.update',
  params: PatientId,
  body: NewAddress,
  idempotent: true,
  responses: { 201: created(PatientAddress, 'The new address.'), 404: noChart, 422: ruleForbids },
} as const satisfies RouteContract;

export const getAddressRoute = {
  method: 'GET',
  path: '/api/v1/patients/{id}/addresses/{addressId}',
  operationId: 'getAddress',
  summary: 'Read an address',
  tag: 'addresses',
  access: 'patient.read.demographics',
  params: AddressKey,
  responses: { 200: versioned(PatientAddress, 'The address.'), 404: noPart },
} as const satisfies RouteContract;

export const updateAddressRoute = {
  method: 'PATCH',
  path: '/api/v1/patients/{id}/addresses/{addressId}',
  operationId: 'updateAddress',
  summary: 'Change an address',
  description: 'A JSON merge patch (RFC 7396): a field left out stays, null empties it.',
  tag: 'addresses',
  access: 'patient.update',
  params: AddressKey,
  body: AddressChanges,
  ifMatch: 'required',
  responses: { 200: versioned(PatientAddress, 'The address as it is now.'), 404: noPart, 412: stale, 422: ruleForbids },
} as const satisfies RouteContract;

export const endAddressRoute = {
  method: 'POST',
  path: '/api/v1/patients/{id}/addresses/{addressId}/end',
  operationId: 'endAddress',
  summary: 'Say that an address no longer holds',
  description: 'The row stays in the chart with its end.',
  tag: 'addresses',
  access: 'patient.update',
  params: AddressKey,
  body: EndInput,
  ifMatch: 'required',
  idempotent: true,
  responses: { 200: versioned(PatientAddress, 'The address with its end.'), 404: noPart, 412: stale, 422: ruleForbids },
} as const satisfies RouteContract;

export const removeAddressRoute = {
  method: 'POST',
  path: '/api/v1/patients/{id}/addresses/{addressId}/remove',
  operationId: 'removeAddress',
  summary: 'Remove an address that was a mistake',
  description: 'The audit row keeps what it was.',
  tag: 'addresses',
  access: 'patient.update',
  params: AddressKey,
  body: Reason,
  ifMatch: 'required',
  idempotent: true,
  responses: { 204: { description: 'Removed.' }, 404: noPart, 412: stale, 422: ruleForbids },
} as const satisfies RouteContract;

export const addressRoutes = [
  listAddressesRoute,
  addAddressRoute,
  getAddressRoute,
  updateAddressRoute,
  endAddressRoute,
  removeAddressRoute,
] as const satisfies readonly RouteContract[];
