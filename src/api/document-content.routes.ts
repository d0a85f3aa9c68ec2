import { z } from 'zod';
import { Photo, PhotoSize } from '../document/document.schema.ts';
import { PatientDocument } from '../patient/patient.schema.ts';
import { partKey } from './chart-part.ts';
import type { RouteContract } from './contract.ts';
import { PatientId } from './patient.routes.ts';
import { json, noPart, problem, ruleForbids, stale, versioned } from './responses.ts';

const DocumentKey = partKey('documentId', 'document');

/** What may be sent; src/document/media-type.ts has the same lists with more. `application/octet-stream` leaves it to the server to recognise. */
const documentBodies = ['application/pdf', 'image/jpeg', 'image/png', 'image/webp', 'image/heic', 'image/tiff', 'application/octet-stream'] as const;
const photoBodies = ['image/jpeg', 'image/png', 'image/webp', 'application/octet-stream'] as const;

const tooLarge = problem('The file has more bytes, or the picture more points, than this server takes.');
const notTaken = problem('The bytes are of no type that is taken, or not of the type that Content-Type says.');
const malformed = problem('The file is empty, cut off, or not what its digest says.');
const fileHeaders = {
  ETag: 'The SHA-256 of the file.',
  'Repr-Digest': 'The same as RFC 9530 writes it.',
  'Content-Disposition': 'The name under which to save it.',
  'Accept-Ranges': 'bytes',
} as const;
const file = (description: string) => ({ description, contentType: '*/*', headers: fileHeaders }) as const;

export const storeDocumentContentRoute = {
  method: 'PUT',
  path: '/api/v1/patients/{id}/documents/{documentId}/content',
  operationId: 'storeDocumentContent',
  summary: 'Store the file of a document',
  description:
    'The body is the file itself, in any length up to the limit. Its type is recognised from the bytes; a Repr-Digest (RFC 9530) with sha-256 is checked; the name comes from Content-Disposition (RFC 6266). The document must be verified again. A form (multipart) is not taken.',
  tag: 'documents',
  access: 'patient.document',
  params: DocumentKey,
  body: { contentTypes: documentBodies, description: 'The file.' },
  ifMatch: 'optional',
  responses: {
    200: versioned(PatientDocument, 'The document as it is now.'),
    400: malformed,
    404: noPart,
    412: stale,
    413: tooLarge,
    415: notTaken,
    422: ruleForbids,
  },
} as const satisfies RouteContract;

export const getDocumentContentRoute = {
  method: 'GET',
  path: '/api/v1/patients/{id}/documents/{documentId}/content',
  operationId: 'getDocumentContent',
  summary: 'Read the file of a document',
  description: 'Recorded in the audit trail. One range of bytes can be asked for with Range (RFC 9110 §14).',
  tag: 'documents',
  access: 'patient.read.demographics',
  params: DocumentKey,
  responses: {
    200: file('The file.'),
    206: { ...file('The range that was asked for.'), headers: { ...fileHeaders, 'Content-Range': 'Which bytes of how many.' } },
    304: { description: 'The caller has this file, as If-None-Match says.' },
    404: noPart,
    416: problem('The file has no such bytes.'),
  },
} as const satisfies RouteContract;

export const removeDocumentContentRoute = {
  method: 'DELETE',
  path: '/api/v1/patients/{id}/documents/{documentId}/content',
  operationId: 'removeDocumentContent',
  summary: 'Remove the file of a document',
  description: 'The document stays; the audit row keeps what the file was, not its bytes.',
  tag: 'documents',
  access: 'patient.document',
  params: DocumentKey,
  ifMatch: 'optional',
  responses: { 200: versioned(PatientDocument, 'The document as it is now.'), 404: noPart, 412: stale, 422: ruleForbids },
} as const satisfies RouteContract;

const noPhoto = problem('There is no such chart, or it has no photo.');

export const storePhotoRoute = {
  method: 'PUT',
  path: '/api/v1/patients/{id}/photo',
  operationId: 'storePhoto',
  summary: 'Set the photo of a patient',
  description:
    'The picture is made anew: upright, at most 600 points wide and high, without its metadata, with a thumbnail. The original is not kept, and the photo before is removed.',
  tag: 'documents',
  access: 'patient.document',
  params: PatientId,
  body: { contentTypes: photoBodies, description: 'The picture.' },
  responses: { 200: json(Photo, 'The photo as it is kept.'), 400: malformed, 404: noPhoto, 413: tooLarge, 415: notTaken, 422: ruleForbids },
} as const satisfies RouteContract;

export const getPhotoRoute = {
  method: 'GET',
  path: '/api/v1/patients/{id}/photo',
  operationId: 'getPhoto',
  summary: 'See the photo of a patient',
  description: 'Recorded in the audit trail.',
  tag: 'documents',
  access: 'patient.read.demographics',
  params: PatientId,
  query: z.strictObject({ size: PhotoSize.default('full').describe('full: at most 600 points wide and high; thumbnail: at most 128.') }),
  responses: {
    200: { description: 'The photo.', contentType: 'image/jpeg', headers: fileHeaders },
    206: { description: 'The range that was asked for.', contentType: 'image/jpeg', headers: fileHeaders },
    304: { description: 'The caller has this photo, as If-None-Match says.' },
    404: noPhoto,
    416: problem('The file has no such bytes.'),
  },
} as const satisfies RouteContract;

export const removePhotoRoute = {
  method: 'DELETE',
  path: '/api/v1/patients/{id}/photo',
  operationId: 'removePhoto',
  summary: 'Remove the photo of a patient',
  tag: 'documents',
  access: 'patient.document',
  params: PatientId,
  responses: { 204: { description: 'Removed.' }, 404: noPhoto, 422: ruleForbids },
} as const satisfies RouteContract;

export const documentContentRoutes = [
  storeDocumentContentRoute,
  getDocumentContentRoute,
  removeDocumentContentRoute,
  storePhotoRoute,
  getPhotoRoute,
  removePhotoRoute,
] as const satisfies readonly RouteContract[];
