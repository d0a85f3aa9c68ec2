import type { Problem } from '../api/problem.schema.ts';
import type { AppError } from '../base/errors.ts';

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
