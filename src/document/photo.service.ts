import { insertAuditEvent } from '../audit/audit.store.ts';
import { AppError } from '../base/errors.ts';
import { parseInput } from '../base/parse-input.ts';
import type { Ctx } from '../db/context.ts';
import { inTransaction } from '../db/transaction.ts';
import { changePatient, type RegistrySettings, userIdOf } from '../patient/chart.service.ts';
import { addPart, recordPart, removePart } from '../patient/chart-part.service.ts';
import { updatePart } from '../patient/chart-part.store.ts';
import { requireOpenChart } from '../patient/patient.ts';
import type { DocumentSettings } from './content-stores.service.ts';
import { checkKept, type Download, downloadOf, giveContent, requireChart, type Upload } from './document.service.ts';
import { type Photo, type PhotoSize, UploadFacts } from './document.schema.ts';
import { type ContentPlace, deleteContentsOf, findContent } from './document.store.ts';
import { type KeptContent, keepContents, removeBytesAfterCommit } from './keep-contents.service.ts';
import { photoTypes } from './media-type.ts';
import { type EncodedPhoto, encodePhoto } from './photo-encoder.service.ts';
import { openUpload } from './upload.ts';

type Settings = RegistrySettings & { readonly documents: DocumentSettings };

const mimeType = 'image/jpeg';

/**
 * Sets the portrait of a patient, in place of the one there was. What was sent is made anew: upright, at most 600 points
 * wide and high, without its metadata, and with a thumbnail; the original is not kept.
 *
 * Errors: those of `openUpload` and `encodePhoto`, `DIGEST_MISMATCH`, `PATIENT_NOT_FOUND`.
 */
export async function storePhoto(ctx: Ctx, patientId: string, options: { upload: Upload; settings: Settings }): Promise<Photo> {
  if (ctx.db.isTransaction) return inTransaction(ctx, (inside) => receivePhoto(inside, patientId, options));
  return receivePhoto(ctx, patientId, options);
}

async function receivePhoto(ctx: Ctx, patientId: string, options: { upload: Upload; settings: Settings }): Promise<Photo> {
  const { documents: settings } = options.settings;
  const { content, ...rest } = options.upload;
  const facts = parseInput(UploadFacts, rest);
  await inTransaction(ctx, async (inside) => requireOpenChart((await requireChart(inside, patientId)).patient));
  const { mediaType, bytes } = await openUpload(content, { ...facts, limit: settings.maxBytes, allowed: photoTypes });
  // The original waits in the store and not in memory until it is its turn; nobody takes it over, so it goes again.
  const encoded = await keepContents(ctx, [{ purpose: 'CONTENT', bytes }], {
    settings,
    keepNothing: true,
    take: async (all) => {
      const original = all[0] as KeptContent;
      await checkKept(ctx, original, { sha256: facts.sha256, mediaType, settings });
      const load = () => readWhole(settings.target.read(ctx, original.id, { first: 0, last: original.size - 1 }), original.size);
      return encodePhoto(load, { maxPixels: settings.maxPhotoPixels });
    },
  });
  const pictures = [
    { purpose: 'CONTENT', bytes: only(encoded.photo) },
    { purpose: 'THUMBNAIL', bytes: only(encoded.thumbnail) },
  ] as const;
  return keepContents(ctx, pictures, {
    settings,
    take: ([photo, thumbnail]) =>
      takePhoto(ctx, patientId, { kept: { photo: photo as KeptContent, thumbnail: thumbnail as KeptContent }, encoded, settings: options.settings }),
  });
}

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function readWhole(bytes: AsyncIterable<Uint8Array>, size: number): Promise<Uint8Array> {
  const whole = new Uint8Array(size);
  let at = 0;
  for await (const part of bytes) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

async function takePhoto(
  ctx: Ctx,
  patientId: string,
  options: { kept: { photo: KeptContent; thumbnail: KeptContent }; encoded: EncodedPhoto; settings: Settings },
): Promise<Photo> {
  const { kept, encoded, settings } = options;
  const { document, replaced } = await inTransaction(ctx, async (inside) => {
    // A document as any other: it goes with the chart in a merge, and the chart names the one that is the portrait.
    const added = await addPart(inside, 'document', { patientId, input: { documentType: 'OTHER', fileName: 'photo.jpg' }, settings });
    const completedAt = inside.clock.now();
    for (const each of [kept.photo, kept.thumbnail]) await giveContent(inside, each, { documentId: added.id, mimeType, completedAt });
    const document = await updatePart(inside.db, 'document', {
      id: added.id,
      values: { fileSize: kept.photo.size, mimeType, contentSha256: kept.photo.sha256, contentStoredAt: completedAt, updatedBy: userIdOf(inside) },
    });
    const { patient: chart } = await requireChart(inside, patientId);
    await recordPart(inside, chart, { action: 'patient.document-content-stored', partId: document.id, before: added, after: document });
    const former = chart.photoDocumentId;
    await changePatient(inside, { id: patientId, version: undefined, action: 'patient.photo-set', decide: () => ({ photoDocumentId: document.id }) });
    return { document, replaced: former === null ? [] : await removeFormer(inside, { patientId, id: former }) };
  });
  await removeBytesAfterCommit(ctx, replaced, settings.documents);
  return { documentId: document.id, sha256: kept.photo.sha256, size: kept.photo.size, width: encoded.width, height: encoded.height, mimeType };
}

async function removeFormer(ctx: Ctx, key: { patientId: string; id: string }): Promise<ContentPlace[]> {
  const places = await deleteContentsOf(ctx.db, key.id);
  await removePart(ctx, 'document', key);
  return places;
}

/** Opens the portrait of a patient; the audit trail has it as seen. Errors: `PATIENT_NOT_FOUND`, `PHOTO_MISSING`. */
export async function openPhoto(ctx: Ctx, patientId: string, options: { size: PhotoSize; settings: DocumentSettings }): Promise<Download> {
  const purpose = options.size === 'thumbnail' ? 'THUMBNAIL' : 'CONTENT';
  const content = await inTransaction(ctx, async (inside) => {
    const { patient, grant } = await requireChart(inside, patientId);
    const { photoDocumentId } = patient;
    const found = photoDocumentId === null ? undefined : await findContent(inside.db, { documentId: photoDocumentId, purpose });
    if (!found) throw photoMissing(patientId);
    await insertAuditEvent(inside, { action: 'patient.viewed', patientId, after: { by: 'photo', ids: [found.documentId], ...grant } });
    return found;
  });
  return downloadOf(ctx, content, { fileName: 'photo', settings: options.settings });
}

function photoMissing(id: string): AppError {
  return new AppError('not-found', 'PHOTO_MISSING', 'This patient has no photo. Take one and send it to the photo of the chart.', { id });
}

/** Removes the portrait of a patient. Errors: `PATIENT_NOT_FOUND`, `PHOTO_MISSING`. */
export async function removePhoto(ctx: Ctx, patientId: string, settings: DocumentSettings): Promise<void> {
  const removed = await inTransaction(ctx, async (inside) => {
    const { photoDocumentId } = (await requireChart(inside, patientId)).patient;
    if (photoDocumentId === null) throw photoMissing(patientId);
    await changePatient(inside, { id: patientId, version: undefined, action: 'patient.photo-removed', decide: () => ({ photoDocumentId: null }) });
    return removeFormer(inside, { patientId, id: photoDocumentId });
  });
  await removeBytesAfterCommit(ctx, removed, settings);
}
