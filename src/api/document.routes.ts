import { z } from 'zod';
import { DocumentChanges, NewDocument, PatientDocument } from '../patient/patient.schema.ts';
import { partKey, Reason } from './chart-part.ts';
import type { RouteContract } from './contract.ts';
import { PatientId } from './patient.routes.ts';
import { created, json, noChart, noPart, ruleForbids, stale, versioned } from './responses.ts';

const DocumentKey = partKey('documentId', 'document');

export const listDocumentsRoute = {
  method: 'GET',
  path: '/api/v1/patients/{id}/documents',
  operationId: 'listDocuments',
  summary: 'List the documents of a chart',
  tag: 'documents',
  access: 'patient.read.demographics',
  params: PatientId,
  responses: { 200: json(z.object({ items: z.array(PatientDocument) }), 'All of them.'), 404: noChart },
} as const satisfies RouteContract;

export const addDocumentRoute = {
  method: 'POST',
  path: '/api/v1/patients/{id}/documents',
  operationId: 'addDocument',
  summary: 'Add a document',
  tag: 'documents',
  access: 'patient.document',
  params: PatientId,
  body: NewDocument,
  idempotent: true,
  responses: { 201: created(PatientDocument, 'The new document.'), 404: noChart, 422: ruleForbids },
} as const satisfies RouteContract;

export const getDocumentRoute = {
  method: 'GET',
  path: '/api/v1/patients/{id}/documents/{documentId}',
  operationId: 'getDocument',
  summary: 'Read a document',
  tag: 'documents',
  access: 'patient.read.demographics',
  params: DocumentKey,
  responses: { 200: versioned(PatientDocument, 'The document.'), 404: noPart },
} as const satisfies RouteContract;

export const updateDocumentRoute = {
  method: 'PATCH',
  path: '/api/v1/patients/{id}/documents/{documentId}',
  operationId: 'updateDocument',
  summary: 'Change a document',
  description: 'A JSON merge patch (RFC 7396): a field left out stays, null empties it. A document whose substance changes must be verified again.',
  tag: 'documents',
  access: 'patient.document',
  params: DocumentKey,
  body: DocumentChanges,
  ifMatch: 'required',
  responses: { 200: versioned(PatientDocument, 'The document as it is now.'), 404: noPart, 412: stale, 422: ruleForbids },
} as const satisfies RouteContract;

export const verifyDocumentRoute = {
  method: 'POST',
  path: '/api/v1/patients/{id}/documents/{documentId}/verify',
  operationId: 'verifyDocument',
  summary: 'Record that the document itself was seen',
  tag: 'documents',
  access: 'patient.document',
  params: DocumentKey,
  ifMatch: 'required',
  idempotent: true,
  responses: { 200: versioned(PatientDocument, 'The document as it is now.'), 404: noPart, 412: stale, 422: ruleForbids },
} as const satisfies RouteContract;

export const removeDocumentRoute = {
  method: 'POST',
  path: '/api/v1/patients/{id}/documents/{documentId}/remove',
  operationId: 'removeDocument',
  summary: 'Remove a document',
  description: 'The audit row keeps what it was.',
  tag: 'documents',
  access: 'patient.document',
  params: DocumentKey,
  body: Reason,
  ifMatch: 'required',
  idempotent: true,
  responses: { 204: { description: 'Removed.' }, 404: noPart, 412: stale, 422: ruleForbids },
} as const satisfies RouteContract;

export const documentRoutes = [
  listDocumentsRoute,
  addDocumentRoute,
  getDocumentRoute,
  updateDocumentRoute,
  verifyDocumentRoute,
  removeDocumentRoute,
] as const satisfies readonly RouteContract[];
