import { crc32 } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabase, type TestDatabase } from '../../test/support/database.ts';
import { collected, delivered, pdfOf, sha256Of } from '../../test/support/files.ts';
import { blue, colorAt, halves, jpegOf, pictureOf, pngOf, red, webpOf, withExif } from '../../test/support/pictures.ts';
import { AppError, openRegistry, type PatientRepository, type Registry } from '../index.ts';

let database: TestDatabase;
let registry: Registry;
let patients: PatientRepository;
beforeAll(async () => {
  database = await createDatabase({ template: 'migrated' });
  registry = await openRegistry({ databaseUrl: database.url, maxConnections: 4, documents: { maxPhotoPixels: 1_000_000 } });
  patients = registry.patientRepository;
});
afterAll(async () => {
  await registry.close();
  await database.drop();
});

const newPatient = async () => (await patients.create({ firstName: 'Synthetic', lastName: 'Person', dateOfBirth: '1990-01-01' })).id;
const read = async (id: string, size?: 'thumbnail') => collected((await patients.openPhoto(id, size)).read());
const contents = async () => (await database.query('SELECT "documentId", purpose FROM patient_document_contents ORDER BY purpose')).length;

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'nothing went wrong',
    (thrown: unknown) => (thrown instanceof AppError ? thrown.code : String(thrown)),
  );
}

test('a picture of a camera is made anew: upright, smaller, without where and with what it was taken', async () => {
  const id = await newPatient();
  // Held upright: what is left in the file is above in the picture.
  const camera = withExif(await jpegOf(halves(1200, 800, { left: red, right: blue })), { orientation: 6, words: 'GPS 45.4642 N 9.1900 E' });
  const photo = await patients.storePhoto(id, { content: delivered(camera), declaredType: 'image/jpeg', fileName: 'IMG_1.JPG' });
  expect(photo).toMatchObject({ width: 400, height: 600, mimeType: 'image/jpeg' });
  const bytes = await read(id);
  expect(sha256Of(bytes)).toBe(photo.sha256);
  expect(bytes.includes('Exif')).toBe(false);
  expect(bytes.includes('GPS')).toBe(false);
  const picture = await pictureOf(bytes);
  expect([picture.width, picture.height, colorAt(picture, 200, 50), colorAt(picture, 200, 550)]).toEqual([400, 600, 'red', 'blue']);
  const thumbnail = await pictureOf(await read(id, 'thumbnail'));
  expect([thumbnail.width, thumbnail.height, colorAt(thumbnail, 40, 10), colorAt(thumbnail, 40, 120)]).toEqual([85, 128, 'red', 'blue']);
  expect(await patients.findById(id)).toMatchObject({ photoDocumentId: photo.documentId });
  expect(await patients.listDocuments(id)).toMatchObject([{ id: photo.documentId, fileName: 'photo.jpg', mimeType: 'image/jpeg', fileSize: bytes.length }]);
});

test('PNG on white where it is transparent, WebP, and a small one that stays as small', async () => {
  const id = await newPatient();
  await patients.storePhoto(id, { content: delivered(await pngOf(halves(700, 350, { left: [0, 0, 0, 0], right: blue }))) });
  const flat = await pictureOf(await read(id));
  expect([flat.width, flat.height, colorAt(flat, 100, 100), colorAt(flat, 500, 100)]).toEqual([600, 300, 'white', 'blue']);
  const photo = await patients.storePhoto(id, { content: delivered(await webpOf(halves(50, 40, { left: red, right: blue }))) });
  expect([photo.width, photo.height]).toEqual([50, 40]);
  const small = await pictureOf(await read(id));
  expect([colorAt(small, 5, 20), colorAt(small, 45, 20)]).toEqual(['red', 'blue']);
});

test('the next photo takes the place of the first, and neither leaves anything behind', async () => {
  const id = await newPatient();
  const before = await contents();
  const first = await patients.storePhoto(id, { content: delivered(await jpegOf(halves(60, 60, { left: red, right: red }))) });
  const second = await patients.storePhoto(id, { content: delivered(await jpegOf(halves(60, 60, { left: blue, right: blue }))) });
  expect(second.documentId).not.toBe(first.documentId);
  expect((await contents()) - before).toBe(2);
  expect(colorAt(await pictureOf(await read(id)), 30, 30)).toBe('blue');
  await patients.removePhoto(id);
  expect((await contents()) - before).toBe(0);
  expect(await patients.listDocuments(id)).toEqual([]);
  expect(await patients.findById(id)).toMatchObject({ photoDocumentId: null });
  expect([await codeOf(patients.openPhoto(id)), await codeOf(patients.removePhoto(id))]).toEqual(['PHOTO_MISSING', 'PHOTO_MISSING']);
  const trail = await database.query<{ action: string }>(
    'SELECT action FROM patient_audit_events WHERE "patientId" = $1 AND action LIKE \'%photo%\' ORDER BY "occurredAt", id',
    [id],
  );
  expect(trail.map(({ action }) => action)).toEqual(['patient.photo-set', 'patient.photo-set', 'patient.photo-removed']);
});

test('a document that is the photo can be removed as a document too', async () => {
  const id = await newPatient();
  const photo = await patients.storePhoto(id, { content: delivered(await jpegOf(halves(60, 60, { left: red, right: red }))) });
  await patients.removeDocument({ patientId: id, id: photo.documentId });
  expect(await patients.findById(id)).toMatchObject({ photoDocumentId: null });
});

/** A PNG of a size that is only claimed: some hundred bytes that would want gigabytes. */
function bombOf(width: number, height: number): Buffer {
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const ends = Buffer.alloc(8);
    ends.writeUInt32BE(data.length, 0);
    ends.writeUInt32BE(crc32(body), 4);
    return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 6], 8);
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', header),
    chunk('IDAT', Buffer.from('789c030000000001', 'hex')),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

test('what is no picture, is one in name only, or would fill the memory is refused, and nothing is kept', async () => {
  const id = await newPatient();
  const before = await contents();
  const jpeg = await jpegOf(halves(60, 60, { left: red, right: blue }));
  const send = (bytes: Buffer, facts: object = {}) => codeOf(patients.storePhoto(id, { content: delivered(bytes), ...facts }));
  const start = process.memoryUsage().rss;
  expect({
    document: await send(pdfOf(1000)),
    otherType: await send(jpeg, { declaredType: 'image/png' }),
    onlyTheHead: await send(Buffer.concat([jpeg.subarray(0, 20), Buffer.alloc(5000, 7)])),
    bomb: await send(bombOf(30_000, 30_000)),
    manyPoints: await send(await jpegOf(halves(1100, 1000, { left: red, right: blue }))),
    liar: await send(bombOf(100, 100)),
    otherDigest: await send(jpeg, { sha256: sha256Of(Buffer.from('another')) }),
    nobody: await codeOf(patients.storePhoto('0190b6b2-6d0f-7c3a-9c6e-000000000001', { content: delivered(jpeg) })),
  }).toEqual({
    document: 'MEDIA_TYPE_UNSUPPORTED',
    otherType: 'MEDIA_TYPE_MISMATCH',
    onlyTheHead: 'PHOTO_UNREADABLE',
    bomb: 'PHOTO_TOO_MANY_PIXELS',
    manyPoints: 'PHOTO_TOO_MANY_PIXELS',
    liar: 'PHOTO_UNREADABLE',
    otherDigest: 'DIGEST_MISMATCH',
    nobody: 'PATIENT_NOT_FOUND',
  });
  expect((process.memoryUsage().rss - start) / 2 ** 20).toBeLessThan(150);
  expect(await contents()).toBe(before);
});

test('while pictures are worked on, the process goes on answering', async () => {
  const ids = await Promise.all([1, 2, 3].map(newPatient));
  const picture = await jpegOf(halves(1000, 1000, { left: red, right: blue }));
  let longest = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  }, 5);
  await Promise.all(ids.map((id) => patients.storePhoto(id, { content: delivered(picture) })));
  clearInterval(timer);
  // Measured: 14 to 40 ms on two busy cores, also for pictures of 30 million points, which take 0.7 s each.
  expect(longest).toBeLessThan(500);
});
