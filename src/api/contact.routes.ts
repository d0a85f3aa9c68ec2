import { z } from 'zod';
import { Contact, ContactChanges, NewContact } from '../patient/patient.schema.ts';
import { partKey, Reason } from './chart-part.ts';
import type { RouteContract } from './contract.ts';
import { PatientId } from './patient.routes.ts';
import { created, json, noChart, noPart, ruleForbids, stale, versioned } from './responses.ts';

const ContactKey = partKey('contactId', 'contact');

export const listContactsRoute = {
  method: 'GET',
  path: '/api/v1/patients/{id}/contacts',
  operationId: 'listContacts',
  summary: 'List the contacts of a chart',
  tag: 'contacts',
  access: 'patient.read.demographics',
  params: PatientId,
  responses: { 200: json(z.object({ items: z.array(Contact) }), 'All of them.'), 404: noChart },
} as const satisfies RouteContract;

export const addContactRoute = {
  method: 'POST',
  path: '/api/v1/patients/{id}/contacts',
  operationId: 'addContact',
  summary: 'Add a contact',
  tag: 'contacts',
  access: 'patient.update',
  params: PatientId,
  body: NewContact,
  idempotent: true,
  responses: { 201: created(Contact, 'The new contact.'), 404: noChart, 422: ruleForbids },
} as const satisfies RouteContract;

export const getContactRoute = {
  method: 'GET',
  path: '/api/v1/patients/{id}/contacts/{contactId}',
  operationId: 'getContact',
  summary: 'Read a contact',
  tag: 'contacts',
  access: 'patient.read.demographics',
  params: ContactKey,
  responses: { 200: versioned(Contact, 'The contact.'), 404: noPart },
} as const satisfies RouteContract;

export const updateContactRoute = {
  method: 'PATCH',
  path: '/api/v1/patients/{id}/contacts/{contactId}',
  operationId: 'updateContact',
  summary: 'Change a contact',
  description: 'A JSON merge patch (RFC 7396): a field left out stays, null empties it.',
  tag: 'contacts',
  access: 'patient.update',
  params: ContactKey,
  body: ContactChanges,
  ifMatch: 'required',
  responses: { 200: versioned(Contact, 'The contact as it is now.'), 404: noPart, 412: stale, 422: ruleForbids },
} as const satisfies RouteContract;

export const removeContactRoute = {
  method: 'POST',
  path: '/api/v1/patients/{id}/contacts/{contactId}/remove',
  operationId: 'removeContact',
  summary: 'Remove a contact',
  description: 'The audit row keeps what it was.',
  tag: 'contacts',
  access: 'patient.update',
  params: ContactKey,
  body: Reason,
  ifMatch: 'required',
  idempotent: true,
  responses: { 204: { description: 'Removed.' }, 404: noPart, 412: stale, 422: ruleForbids },
} as const satisfies RouteContract;

export const contactRoutes = [
  listContactsRoute,
  addContactRoute,
  getContactRoute,
  updateContactRoute,
  removeContactRoute,
] as const satisfies readonly RouteContract[];
