import { expect, test } from 'vitest';
import { AppError } from '../base/errors.ts';
import { readByteRange } from './byte-range.ts';
import { digestHeader, readDigest } from './digest.ts';
import { cleanFileName, dispositionOf, readFileName } from './file-name.ts';
import { acceptMediaType, documentTypes, isWhole } from './media-type.ts';
import { fitInto, shrinkPicture } from './picture.ts';
import { openUpload } from './upload.ts';

const codeOf = (work: () => unknown): string => {
  try {
    return `nothing: ${String(work())}`;
  } catch (thrown) {
    return thrown instanceof AppError ? `${thrown.kind} ${thrown.code}` : String(thrown);
  }
};

test('a declared type may have another name or parameters, or say nothing, but not something else', () => {
  const accept = (sniffed: string | undefined, declared?: string) => codeOf(() => acceptMediaType({ sniffed, declared, allowed: documentTypes }));
  expect([
    accept('image/jpeg', 'image/jpg; q=1'),
    accept('application/pdf', 'Application/X-PDF'),
    accept('image/heif', 'image/heic'),
    accept('image/png', 'application/octet-stream'),
    accept('image/png'),
  ]).toEqual(['nothing: image/jpeg', 'nothing: application/pdf', 'nothing: image/heic', 'nothing: image/png', 'nothing: image/png']);
  expect([accept('image/png', 'image/jpeg'), accept('application/zip'), accept(undefined, 'image/svg+xml'), accept('application/dicom')]).toEqual([
    'media-type MEDIA_TYPE_MISMATCH',
    'media-type MEDIA_TYPE_UNSUPPORTED',
    'media-type MEDIA_TYPE_UNSUPPORTED',
    'media-type MEDIA_TYPE_UNSUPPORTED',
  ]);
});

/** The first bytes of files, as their formats begin. */
const heads: Readonly<Record<string, [hex: string, type: string]>> = {
  PDF: ['255044462d312e37', 'application/pdf'],
  JPEG: ['ffd8ffe000104a464946000101', 'image/jpeg'],
  'TIFF, little end first': ['49492a00080000000000000000000000', 'image/tiff'],
  'TIFF, big end first': ['4d4d002a000000080000000000000000', 'image/tiff'],
  HEIC: ['000000186674797068656963000000006d69663168656963', 'image/heic'],
};

test.each(Object.entries(heads))('%s is recognised from its bytes, one at a time', async (_name, [hex, type]) => {
  const slowly = async function* () {
    for (const byte of Buffer.concat([Buffer.from(hex, 'hex'), Buffer.from('%%EOF')])) yield Buffer.from([byte]);
  };
  const { mediaType, bytes } = await openUpload(slowly(), { limit: 1000, allowed: documentTypes });
  expect(mediaType).toBe(type);
  let length = 0;
  for await (const part of bytes) length += part.length;
  expect(length).toBe(hex.length / 2 + 5);
});

test('a file is whole when it has the end its format demands', () => {
  const empty = Buffer.alloc(0);
  expect(isWhole('application/pdf', { head: empty, ending: Buffer.from('startxref\n9\n%%EOF\n \n'), size: 20 })).toBe(true);
  expect(isWhole('application/pdf', { head: empty, ending: Buffer.from('startxref\n9\n'), size: 20 })).toBe(false);
  expect(isWhole('image/png', { head: empty, ending: Buffer.from('IDAT'), size: 20 })).toBe(false);
  const riff = Buffer.from('524946460c00000057454250', 'hex');
  expect([isWhole('image/webp', { head: riff, ending: riff, size: 20 }), isWhole('image/webp', { head: riff, ending: riff, size: 19 })]).toEqual([true, false]);
});

test('file names are safe on every system and say what the file is', () => {
  const names: readonly (readonly [given: string, kept: string | undefined])[] = [
    ['passport.pdf', 'passport.pdf'],
    ['PASSPORT.PDF', 'PASSPORT.PDF'],
    ['/etc/passwd', 'passwd.pdf'],
    ['C:\\scans\\..\\a.pdf', 'a.pdf'],
    ['..', undefined],
    ['.htaccess', 'htaccess.pdf'],
    ['a\u0000b\r\nc.pdf', 'abc.pdf'],
    ['<img src=x onerror=alert(1)>.pdf', 'img src=x onerror=alert(1).pdf'],
    ['invoice\u202efdp.exe', 'invoicefdp.exe.pdf'],
    ['nul', '_nul.pdf'],
    ['COM1.txt', '_COM1.txt.pdf'],
    ['Pa\u0308sse.pdf', 'P\u00e4sse.pdf'],
    ['護照.pdf', '護照.pdf'],
    ['trailing. . .', 'trailing.pdf'],
    ['', undefined],
    ['\ud800', undefined],
  ];
  for (const [given, kept] of names) expect(cleanFileName(given, 'application/pdf'), JSON.stringify(given)).toBe(kept);
  expect(cleanFileName(`${'𝒜'.repeat(300)}.jpeg`, 'image/jpeg')).toMatch(/^(?:𝒜){125}\.jpeg$/u);
});

test('a name in a header is read and written as RFC 6266 and RFC 8187 have it', () => {
  expect(readFileName(`attachment; filename="a.pdf"; filename*=UTF-8''%E8%AD%B7%E7%85%A7.pdf`)).toBe('護照.pdf');
  expect(readFileName('attachment; filename="a \\"b\\".pdf"')).toBe('a "b".pdf');
  expect([readFileName(undefined), readFileName('attachment'), readFileName('filename=x; ;;')]).toEqual([undefined, undefined, undefined]);
  // A name of bytes as a client wrote them, where it should have encoded them.
  expect(readFileName(`attachment; filename="${Buffer.from('Pässe.pdf', 'utf8').toString('latin1')}"`)).toBe('Pässe.pdf');
  expect(readFileName(dispositionOf('Ünï 護照.pdf'))).toBe('Ünï 護照.pdf');
  expect(dispositionOf('a\r\nset-cookie: x.pdf')).not.toMatch(/[\r\n]/);
});

test('digests are read in the two ways people send them', () => {
  const hex = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
  const base64 = '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=';
  expect(digestHeader(hex)).toBe(`sha-256=:${base64}:`);
  expect(readDigest({ reprDigest: `sha-512=:AAAA:, sha-256=:${base64}:` })).toBe(hex);
  expect(readDigest({ contentDigest: `sha-256=:${base64}:`, digest: `SHA-256=${base64}` })).toBe(hex);
  expect([readDigest({}), readDigest({ reprDigest: 'md5=:AAAA:' })]).toEqual([undefined, undefined]);
  expect([
    codeOf(() => readDigest({ reprDigest: `sha-256=${base64}` })),
    codeOf(() => readDigest({ reprDigest: `sha-256=:${base64}:`, digest: `sha-256=${base64.replace('47', '48')}` })),
  ]).toEqual(['invalid DIGEST_INVALID', 'invalid DIGEST_MISMATCH']);
});

test('a Range header asks for bytes, for all of them, or for what is not there', () => {
  const cases: readonly (readonly [header: string | undefined, expected: unknown])[] = [
    [undefined, undefined],
    ['bytes=0-0', { first: 0, last: 0 }],
    ['bytes=90-', { first: 90, last: 99 }],
    ['bytes=90-1000', { first: 90, last: 99 }],
    ['bytes=-10', { first: 90, last: 99 }],
    ['bytes=-1000', { first: 0, last: 99 }],
    ['bytes=100-', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=5-4', undefined],
    ['bytes=0-1,3-4', undefined],
    ['bytes=-', undefined],
    ['pages=1-2', undefined],
    ['bytes=1e1-2e1', undefined],
  ];
  for (const [header, expected] of cases) expect(readByteRange(header, 100), header).toEqual(expected);
  expect(readByteRange('bytes=99999999999999999999-', 100)).toBe('unsatisfiable');
});

test('a picture is shrunk to means, in its proportions, never enlarged', () => {
  expect([fitInto({ width: 4000, height: 3000 }, 600), fitInto({ width: 10, height: 5000 }, 600), fitInto({ width: 50, height: 40 }, 600)]).toEqual([
    { width: 600, height: 450 },
    { width: 1, height: 600 },
    { width: 50, height: 40 },
  ]);
  // Black and white points in turn, a fully transparent one among them, become grey on white.
  const data = new Uint8ClampedArray([0, 0, 0, 255, 255, 255, 255, 255, 0, 0, 0, 255, 9, 9, 9, 0]);
  expect([...shrinkPicture({ data, width: 2, height: 2 }, { width: 1, height: 1 }).data]).toEqual([128, 128, 128, 255]);
  expect(Array.from(shrinkPicture({ data, width: 4, height: 1 }, { width: 4, height: 1 }).data.slice(12))).toEqual([255, 255, 255, 255]);
});
