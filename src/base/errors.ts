/**
 * The one error type and the one table that says how every face of the product shows it.
 *
 * A kind answers "what may the caller do about it"; a code answers "what exactly happened".
 */

/** How one kind of error appears on each face. There is no second mapping. */
export interface ErrorFace {
  /** HTTP status (RFC 9110). */
  readonly httpStatus: number;
  /** FHIR R4 OperationOutcome.issue.code (value set issue-type). */
  readonly fhirIssue: string;
  /** HL7 v2 acknowledgement code, table 0008 (AE: application error, AR: application reject). */
  readonly hl7Acknowledgement: 'AE' | 'AR';
  /** Process exit code of the command line. */
  readonly exitCode: number;
  /** Whether the same call can succeed later without being changed. */
  readonly retry: 'never' | 'after-change' | 'later';
  /** One sentence for the generated reference. */
  readonly meaning: string;
}

/**
 * Exit codes 2 to 7 are those of the migration engine; the others follow sysexits.h, so that scripts can
 * tell "your call was wrong" (64) from "the server is not there" (69) and "the password is wrong" (77).
 */
export const errorFaces = {
  invalid: {
    httpStatus: 400,
    fhirIssue: 'invalid',
    hl7Acknowledgement: 'AE',
    exitCode: 64,
    retry: 'after-change',
    meaning: 'The input is malformed or implausible; the message names the field and the remedy.',
  },
  unsupported: {
    httpStatus: 422,
    fhirIssue: 'not-supported',
    hl7Acknowledgement: 'AR',
    exitCode: 65,
    retry: 'after-change',
    meaning: 'The request is understood, but this version or this server cannot do it.',
  },
  unauthenticated: {
    httpStatus: 401,
    fhirIssue: 'login',
    hl7Acknowledgement: 'AR',
    exitCode: 77,
    retry: 'after-change',
    meaning: 'The caller is not known: wrong or missing credentials.',
  },
  forbidden: {
    httpStatus: 403,
    fhirIssue: 'forbidden',
    hl7Acknowledgement: 'AR',
    exitCode: 78,
    retry: 'after-change',
    meaning: 'The caller is known but has no right to do this.',
  },
  'not-found': {
    httpStatus: 404,
    fhirIssue: 'not-found',
    hl7Acknowledgement: 'AE',
    exitCode: 66,
    retry: 'never',
    meaning: 'There is nothing under that id, number or name.',
  },
  gone: { httpStatus: 410, fhirIssue: 'deleted', hl7Acknowledgement: 'AE', exitCode: 67, retry: 'never', meaning: 'It existed and has been retired.' },
  duplicate: {
    httpStatus: 409,
    fhirIssue: 'duplicate',
    hl7Acknowledgement: 'AE',
    exitCode: 68,
    retry: 'after-change',
    meaning: 'Something with the same identity exists already.',
  },
  ambiguous: {
    httpStatus: 412,
    fhirIssue: 'multiple-matches',
    hl7Acknowledgement: 'AE',
    exitCode: 70,
    retry: 'after-change',
    meaning: 'More than one thing fits; the caller must choose.',
  },
  conflict: {
    httpStatus: 409,
    fhirIssue: 'conflict',
    hl7Acknowledgement: 'AE',
    exitCode: 71,
    retry: 'after-change',
    meaning: 'Somebody changed it in the meantime; read it again and decide again.',
  },
  stale: {
    httpStatus: 412,
    fhirIssue: 'conflict',
    hl7Acknowledgement: 'AE',
    exitCode: 73,
    retry: 'after-change',
    meaning: 'The version that was read is no longer the current one (RFC 9110, If-Match); read it again and decide again.',
  },
  rule: {
    httpStatus: 422,
    fhirIssue: 'business-rule',
    hl7Acknowledgement: 'AE',
    exitCode: 72,
    retry: 'after-change',
    meaning: 'A rule of the registry forbids it in the present state.',
  },
  unsafe: {
    httpStatus: 409,
    fhirIssue: 'business-rule',
    hl7Acknowledgement: 'AR',
    exitCode: 3,
    retry: 'after-change',
    meaning: 'A safety check stopped it before anything was changed.',
  },
  drift: {
    httpStatus: 503,
    fhirIssue: 'exception',
    hl7Acknowledgement: 'AE',
    exitCode: 4,
    retry: 'after-change',
    meaning: 'The database does not look as its history says.',
  },
  'too-large': {
    httpStatus: 413,
    fhirIssue: 'too-long',
    hl7Acknowledgement: 'AR',
    exitCode: 74,
    retry: 'after-change',
    meaning: 'What was sent is larger than this server takes.',
  },
  'media-type': {
    httpStatus: 415,
    fhirIssue: 'not-supported',
    hl7Acknowledgement: 'AR',
    exitCode: 76,
    retry: 'after-change',
    meaning: 'Content of this type is not taken here, or it is not of the type it says it is.',
  },
  method: {
    httpStatus: 405,
    fhirIssue: 'not-supported',
    hl7Acknowledgement: 'AR',
    exitCode: 79,
    retry: 'after-change',
    meaning: 'What the address names does not take this method.',
  },
  range: {
    httpStatus: 416,
    fhirIssue: 'value',
    hl7Acknowledgement: 'AR',
    exitCode: 79,
    retry: 'after-change',
    meaning: 'A part was asked for that the file does not have.',
  },
  limited: {
    httpStatus: 429,
    fhirIssue: 'throttled',
    hl7Acknowledgement: 'AE',
    exitCode: 75,
    retry: 'later',
    meaning: 'Too many requests in a short time; wait as long as the answer says.',
  },
  busy: {
    httpStatus: 503,
    fhirIssue: 'lock-error',
    hl7Acknowledgement: 'AE',
    exitCode: 5,
    retry: 'later',
    meaning: 'A lock or a resource was not to be had in time; nothing was changed.',
  },
  resumable: {
    httpStatus: 503,
    fhirIssue: 'incomplete',
    hl7Acknowledgement: 'AE',
    exitCode: 6,
    retry: 'later',
    meaning: 'It stopped in the middle in a consistent state; the same command goes on from there.',
  },
  operator: {
    httpStatus: 503,
    fhirIssue: 'incomplete',
    hl7Acknowledgement: 'AE',
    exitCode: 7,
    retry: 'after-change',
    meaning: 'A person has to decide or repair something first; the message says what.',
  },
  unavailable: {
    httpStatus: 503,
    fhirIssue: 'transient',
    hl7Acknowledgement: 'AE',
    exitCode: 69,
    retry: 'later',
    meaning: 'The database server, a file or a program that is needed is not there.',
  },
  internal: {
    httpStatus: 500,
    fhirIssue: 'exception',
    hl7Acknowledgement: 'AE',
    exitCode: 1,
    retry: 'later',
    meaning: 'A defect of OneChart. Nothing about the input explains it.',
  },
} as const satisfies Record<string, ErrorFace>;

export type ErrorKind = keyof typeof errorFaces;

/** Machine-readable facts about an error: never PHI, never SQL. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

/**
 * An error that a caller is meant to see.
 *
 * `message` is safe to show: no PHI, no SQL. It names the field and the remedy.
 *
 * @example
 * throw new AppError('not-found', 'PATIENT_NOT_FOUND', 'No patient has this id. Check the id, or search by name.', { id });
 */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly kind: ErrorKind;
  readonly code: string;
  readonly details: ErrorDetails;

  constructor(kind: ErrorKind, code: string, message: string, details: ErrorDetails = {}, options: { cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.code = code;
    this.details = details;
  }

  get face(): ErrorFace {
    return errorFaces[this.kind];
  }
}

/** Turns anything thrown into an AppError. What is not known is `internal`, never `invalid`. */
export function toAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  return new AppError('internal', 'INTERNAL', 'An unexpected error happened. The log has the details under this request id.', {}, { cause: thrown });
}
