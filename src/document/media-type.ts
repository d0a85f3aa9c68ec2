import { AppError } from '../base/errors.ts';

/** What is taken as a document, and the endings of its file name; the first one is added to a name that has none of them. */
export const mediaTypes = {
  'application/pdf': ['pdf'],
  'image/jpeg': ['jpg', 'jpeg', 'jpe', 'jfif'],
  'image/png': ['png'],
  'image/webp': ['webp'],
  'image/heic': ['heic', 'heif'],
  'image/tiff': ['tif', 'tiff'],
} as const satisfies Readonly<Record<string, readonly [string, ...string[]]>>;
export type MediaType = keyof typeof mediaTypes;

export const documentTypes = Object.keys(mediaTypes) as readonly MediaType[];
/** What a portrait may be sent as. HEIC has no decoder under a licence that fits; telephones send JPEG when asked for it. */
export const photoTypes: readonly MediaType[] = ['image/jpeg', 'image/png', 'image/webp'];

/** Other names of the same types, as clients and the sniffer write them. */
const otherNames: Readonly<Record<string, MediaType>> = {
  'image/jpg': 'image/jpeg',
  'image/pjpeg': 'image/jpeg',
  'image/x-png': 'image/png',
  'image/heif': 'image/heic',
  'image/heic-sequence': 'image/heic',
  'image/heif-sequence': 'image/heic',
  'application/x-pdf': 'application/pdf',
};

/** What a client sends that says nothing about the type. */
const undeclared = new Set(['', 'application/octet-stream', 'binary/octet-stream']);

function plainType(text: string): string {
  const type = (text.split(';')[0] ?? '').trim().toLowerCase();
  return otherNames[type] ?? type;
}

const list = (types: readonly string[]): string => types.join(', ');

/**
 * Decides whether content may come in: recognised from its bytes, on the list, and not declared as something else.
 * Errors: `MEDIA_TYPE_UNSUPPORTED`, `MEDIA_TYPE_MISMATCH`, `MULTIPART_UNSUPPORTED`, all of the kind `media-type`.
 *
 * @example
 * acceptMediaType({ sniffed: 'image/png', declared: 'image/png', allowed: documentTypes }); // image/png
 */
export function acceptMediaType(given: { sniffed: string | undefined; declared: string | undefined; allowed: readonly MediaType[] }): MediaType {
  const declared = plainType(given.declared ?? '');
  if (declared.startsWith('multipart/')) {
    throw new AppError(
      'media-type',
      'MULTIPART_UNSUPPORTED',
      'A form is not taken. Send the bytes of the file as the body, with its type as Content-Type and its name in Content-Disposition.',
    );
  }
  const sniffed = given.sniffed === undefined ? undefined : plainType(given.sniffed);
  if (sniffed === undefined || !given.allowed.includes(sniffed as MediaType)) {
    throw new AppError('media-type', 'MEDIA_TYPE_UNSUPPORTED', `The bytes are of none of the types that are taken: ${list(given.allowed)}. Convert the file.`, {
      allowed: given.allowed,
      ...(sniffed === undefined ? {} : { recognised: sniffed }),
    });
  }
  if (!undeclared.has(declared) && declared !== sniffed) {
    throw new AppError(
      'media-type',
      'MEDIA_TYPE_MISMATCH',
      `Content-Type does not say what the bytes are. They are ${sniffed}; send that, or application/octet-stream to have it recognised.`,
      { recognised: sniffed },
    );
  }
  return sniffed as MediaType;
}

/** How much of a file's end `isWhole` needs. */
export const endingLength = 1024;

/**
 * Whether a file has the end that its format demands; a scan that broke off has not. Formats without such an end are taken as they are.
 * PDF: the marker `%%EOF` in the last 1024 bytes (ISO 32000-1 annex H, note 18); PNG: the chunk IEND; WebP: the length in its RIFF header.
 */
export function isWhole(type: MediaType, file: { head: Buffer; ending: Buffer; size: number }): boolean {
  if (type === 'application/pdf') return file.ending.includes('%%EOF', 0, 'latin1');
  if (type === 'image/png') return file.ending.includes('IEND', 0, 'latin1');
  if (type === 'image/webp') return file.head.length >= 8 && file.size >= file.head.readUInt32LE(4) + 8;
  return true;
}
