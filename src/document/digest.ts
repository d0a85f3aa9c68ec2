import { AppError } from '../base/errors.ts';

/** Headers that may say what the bytes are: RFC 9530, and the older `Digest` of RFC 3230 that it replaces. */
export interface DigestHeaders {
  readonly reprDigest?: string | undefined;
  readonly contentDigest?: string | undefined;
  readonly digest?: string | undefined;
}

const invalid = (field: string) =>
  new AppError('invalid', 'DIGEST_INVALID', `${field} is malformed. Give it as sha-256=:<44 characters of base64>: (RFC 9530), or leave it out.`, { field });

/**
 * The SHA-256 that the client says its file has, in hexadecimal; undefined when it says none. Other algorithms are passed over.
 * Errors: `DIGEST_INVALID` for a header that cannot be read, `DIGEST_MISMATCH` when two headers disagree.
 *
 * @example
 * readDigest({ reprDigest: 'sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:' }); // e3b0c442…
 */
export function readDigest(headers: DigestHeaders): string | undefined {
  const found = [
    fromDictionary('Repr-Digest', headers.reprDigest, /^sha-256=:([A-Za-z0-9+/]{43}=):$/),
    fromDictionary('Content-Digest', headers.contentDigest, /^sha-256=:([A-Za-z0-9+/]{43}=):$/),
    fromDictionary('Digest', headers.digest, /^sha-256=([A-Za-z0-9+/]{43}=)$/i),
  ].filter((each) => each !== undefined);
  if (new Set(found).size > 1) throw digestMismatch();
  return found[0];
}

function fromDictionary(field: string, header: string | undefined, shape: RegExp): string | undefined {
  const member = header
    ?.split(',')
    .map((each) => each.trim())
    .find((each) => /^sha-256=/i.test(each));
  if (member === undefined) return undefined;
  const encoded = shape.exec(member)?.[1];
  if (encoded === undefined) throw invalid(field);
  return Buffer.from(encoded, 'base64').toString('hex');
}

export function digestMismatch(): AppError {
  return new AppError(
    'invalid',
    'DIGEST_MISMATCH',
    'The bytes that arrived do not have the digest that was given: they were altered on the way. Send the file again.',
    {
      field: 'Repr-Digest',
    },
  );
}

/** A Repr-Digest header (RFC 9530) for a hexadecimal SHA-256. */
export function digestHeader(sha256: string): string {
  return `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:`;
}
