import type { Problem } from '../api/problem.schema.ts';
import { AppError } from '../base/errors.ts';

/** The problem document of an error. Nothing of an unknown exception reaches the caller but the request id. */
export function toProblem(error: AppError, requestId: string): Problem {
  return {
    type: `urn:onechart:error:${error.code}`,
    title: error.face.meaning,
    status: error.face.httpStatus,
    detail: error.message,
    kind: error.kind,
    code: error.code,
    requestId,
    ...(Object.keys(error.details).length === 0 ? {} : { details: error.details }),
  };
}

/** Fastify's own errors (malformed JSON, body too large…) say in `statusCode` whose fault it is. */
export function isClientFault(thrown: unknown): thrown is Error & { statusCode: number; code?: string } {
  return thrown instanceof Error && 'statusCode' in thrown && typeof thrown.statusCode === 'number' && thrown.statusCode >= 400 && thrown.statusCode < 500;
}

/** What a malformed request is called. */
export function fromClientFault(fault: Error & { statusCode: number; code?: string }): AppError {
  const details = { reason: fault.code };
  if (fault.statusCode === 413) return new AppError('too-large', 'BODY_TOO_LARGE', 'The body is larger than this route takes. Send less.', details);
  if (fault.statusCode === 415)
    return new AppError(
      'media-type',
      'CONTENT_TYPE_UNSUPPORTED',
      'This route does not take this content-type. Send application/json, or what /openapi.json says.',
      details,
    );
  return new AppError('invalid', 'REQUEST_INVALID', 'The request is malformed. Check its body and headers against /openapi.json.', details);
}
