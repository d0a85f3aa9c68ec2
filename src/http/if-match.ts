import type { RouteContract } from '../api/contract.ts';
import { AppError } from '../base/errors.ts';

/**
 * The version in If-Match (RFC 9110 §13.1.1), one tag of ours. A weak one is taken too: a proxy that compresses
 * (nginx does) makes `W/"3"` of our `"3"`, and what counts is the number in it, not the bytes of the answer.
 */
export function readVersion(contract: RouteContract, header: string | undefined): number | undefined {
  if (contract.ifMatch === undefined) return undefined;
  if (header === undefined) {
    if (contract.ifMatch === 'optional') return undefined;
    throw new AppError(
      'invalid',
      'IF_MATCH_MISSING',
      'A change needs If-Match with the ETag that was read, so that the change of another is not lost. Read it first.',
      { field: 'If-Match' },
    );
  }
  // Fifteen digits hold any instant in milliseconds and are exact as a number.
  const version = /^(?:W\/)?"([1-9]\d{0,14})"$/.exec(header.trim())?.[1];
  if (version === undefined) {
    throw new AppError('invalid', 'IF_MATCH_INVALID', 'If-Match is not an ETag of this server, such as "3". Give it as it was read, with its quotes.', {
      field: 'If-Match',
    });
  }
  return Number(version);
}

/** Whether the caller has what would be answered (RFC 9110 §13.1.2, weak comparison). */
export function isKnownToCaller(ifNoneMatch: string | undefined, etag: string | undefined): boolean {
  if (ifNoneMatch === undefined || etag === undefined) return false;
  return ifNoneMatch.trim() === '*' || ifNoneMatch.split(',').some((tag) => bare(tag) === bare(etag));
}

function bare(tag: string): string {
  return tag.trim().replace(/^W\//, '');
}
