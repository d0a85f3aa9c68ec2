import type { ShownPatient } from '../access/restricted.schema.ts';
import { type Answer, toEtag } from './bind.ts';

/** A chart with its version as ETag; a masked one has none to show. */
export function answerPatient(patient: ShownPatient): Answer {
  if ('masked' in patient) return { status: 200, body: patient };
  return { status: 200, body: patient, headers: { etag: toEtag(patient.version) } };
}

/** A row of a chart. Its `updatedAt` never stands still (src/patient/chart-part.service.ts), so its milliseconds are the row's version. */
export function answerPart(part: { readonly updatedAt: string }): Answer {
  return { status: 200, body: part, headers: { etag: toEtag(Date.parse(part.updatedAt)) } };
}

/** The `updatedAt` behind the version in If-Match. */
export function readAt(version: number | undefined): string | undefined {
  return version === undefined ? undefined : new Date(version).toISOString();
}

/** The same as something new, with where it is. */
export function answerCreated(answer: Answer, path: readonly string[]): Answer {
  return { ...answer, status: 201, headers: { ...answer.headers, location: `/api/v1/${path.map(encodeURIComponent).join('/')}` } };
}
