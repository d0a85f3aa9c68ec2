import { openChart } from '../access/break-glass.service.ts';
import { insertAuditEvent } from '../audit/audit.store.ts';
import { AppError } from '../base/errors.ts';
import { parseInput } from '../base/parse-input.ts';
import type { Ctx } from '../db/context.ts';
import { inTransaction } from '../db/transaction.ts';
import { holdPatient, patientNotFound } from '../patient/chart.service.ts';
import { changePart, type PartKey, type ReadPartKey, removePart } from '../patient/chart-part.service.ts';
import { findPart } from '../patient/chart-part.store.ts';
import { requireOpenChart } from '../patient/patient.ts';
import type { Patient, PatientDocument } from '../patient/patient.schema.ts';
import { findPatientById } from '../patient/patient.store.ts';
import type { ByteRange } from './byte-range.ts';
import { type DocumentSettings, storeOf } from './content-stores.service.ts';
import { digestMismatch } from './digest.ts';
import { type StoredContent, UploadFacts } from './document.schema.ts';
import { type ContentPlace, completeContent, deleteContentsOf, findContent } from './document.store.ts';
import { cleanFileName } from './file-name.ts';
import { type KeptContent, keepContents, removeBytesAfterCommit } from './keep-contents.service.ts';
import { documentTypes, type MediaType } from './media-type.ts';
import { openUpload } from './upload.ts';

/** A file on its way in: its bytes as they come, and what the sender says of them. */
export interface Upload extends UploadFacts {
  readonly content: AsyncIterable<Uint8Array>;
}

/** A file on its way out. */
export interface Download {
  readonly mimeType: string;
  /** Bytes. */
  readonly size: number;
  /** Hexadecimal. */
  readonly sha256: string;
  readonly fileName: string;
  readonly storedAt: string;
  /** The bytes, piece by piece; all of them unless a range is given. */
  readonly read: (range?: ByteRange) => AsyncIterable<Uint8Array>;
}

/**
 * Stores the file of a document, in place of the one it had. Type, size and digest are those of what really arrived;
 * the document must be verified again.
 *
 * Errors: those of `openUpload`, `DIGEST_MISMATCH`, `DOCUMENT_NOT_FOUND`, `PATIENT_NOT_FOUND`, `CHART_PART_STALE`.
 */
export async function storeDocumentContent(ctx: Ctx, key: ReadPartKey, options: { upload: Upload; settings: DocumentSettings }): Promise<PatientDocument> {
  // In a transaction of the host a failure must leave nothing of this in it.
  if (ctx.db.isTransaction) return inTransaction(ctx, (inside) => receiveDocument(inside, key, options));
  return receiveDocument(ctx, key, options);
}

async function receiveDocument(ctx: Ctx, key: ReadPartKey, options: { upload: Upload; settings: DocumentSettings }): Promise<PatientDocument> {
  const { settings } = options;
  const { content, ...rest } = options.upload;
  const facts = parseInput(UploadFacts, rest);
  // Refused before the first byte where it can be; the same is asked again when the bytes are there.
  await inTransaction(ctx, async (inside) => {
    requireOpenChart((await requireChart(inside, key.patientId)).patient);
    await requireDocument(inside, key);
  });
  const { mediaType, bytes } = await openUpload(content, { ...facts, limit: settings.maxBytes, allowed: documentTypes });
  return keepContents(ctx, [{ purpose: 'CONTENT', bytes }], {
    settings,
    take: async (all) => {
      const kept = all[0] as KeptContent;
      await checkKept(ctx, kept, { sha256: facts.sha256, mediaType, settings });
      return takeContent(ctx, key, { kept, mediaType, fileName: facts.fileName, settings });
    },
  });
}

/** What is asked of a complete file before anything takes it over. */
export async function checkKept(
  ctx: Ctx,
  kept: KeptContent,
  options: { sha256: string | undefined; mediaType: MediaType; settings: DocumentSettings },
): Promise<void> {
  const { sha256, mediaType, settings } = options;
  if (sha256 !== undefined && sha256 !== kept.sha256) throw digestMismatch();
  await settings.inspect?.({ mediaType, size: kept.size, sha256: kept.sha256, read: () => settings.target.read(ctx, kept.id, wholeOf(kept)) });
}

const wholeOf = ({ size }: { size: number }): ByteRange => ({ first: 0, last: size - 1 });

async function takeContent(
  ctx: Ctx,
  key: ReadPartKey,
  options: { kept: KeptContent; mediaType: MediaType; fileName: string | undefined; settings: DocumentSettings },
): Promise<PatientDocument> {
  const { kept, mediaType, settings } = options;
  let replaced: ContentPlace[] = [];
  const after = await changePart(ctx, 'document', {
    ...key,
    deed: 'content-stored',
    decide: async (before, inside) => {
      replaced = await deleteContentsOf(inside.db, key.id);
      const storedAt = inside.clock.now();
      await giveContent(inside, kept, { documentId: key.id, mimeType: mediaType, completedAt: storedAt });
      const name = options.fileName ?? before.fileName;
      return {
        fileName: name === null ? null : (cleanFileName(name, mediaType) ?? null),
        fileSize: kept.size,
        mimeType: mediaType,
        contentSha256: kept.sha256,
        contentStoredAt: storedAt,
        isVerified: false,
        verifiedBy: null,
      };
    },
  });
  await removeBytesAfterCommit(ctx, replaced, settings);
  return after;
}

/** Makes kept bytes the content of a document, in the transaction that writes the document. */
export async function giveContent(ctx: Ctx, kept: KeptContent, to: { documentId: string; mimeType: string; completedAt: Date }): Promise<void> {
  const { id, size, sha256 } = kept;
  if (await completeContent(ctx.db, { id, size, sha256, ...to })) return;
  throw new AppError('conflict', 'UPLOAD_REMOVED', 'The upload was removed while it was under way, as one that takes too long. Upload the file again.');
}

/** The chart, if this caller may see it, and the grant for the audit row. */
export async function requireChart(ctx: Ctx, patientId: string): Promise<{ patient: Patient; grant: { grantId?: string } }> {
  const patient = await findPatientById(ctx.db, patientId);
  if (!patient) throw patientNotFound(patientId);
  const grantId = await openChart(ctx, patient);
  return { patient, grant: grantId === undefined ? {} : { grantId } };
}

async function requireDocument(ctx: Ctx, key: PartKey): Promise<PatientDocument> {
  const found = await findPart(ctx.db, 'document', key);
  if (found) return found;
  throw new AppError('not-found', 'DOCUMENT_NOT_FOUND', 'This patient has no document with this id. List them to find it.', {
    patientId: key.patientId,
    id: key.id,
  });
}

/**
 * Opens the file of a document; the audit trail has it as seen.
 * Errors: `PATIENT_NOT_FOUND`, `DOCUMENT_NOT_FOUND`, `DOCUMENT_CONTENT_MISSING`.
 */
export async function openDocumentContent(ctx: Ctx, key: PartKey, settings: DocumentSettings): Promise<Download> {
  const { document, content } = await inTransaction(ctx, async (inside) => {
    const { grant } = await requireChart(inside, key.patientId);
    const document = await requireDocument(inside, key);
    const content = await findContent(inside.db, { documentId: key.id, purpose: 'CONTENT' });
    if (!content) throw contentMissing(key);
    await insertAuditEvent(inside, {
      action: 'patient.viewed',
      patientId: key.patientId,
      after: { by: 'document content', ids: [key.id], contentSha256: content.sha256, ...grant },
    });
    return { document, content };
  });
  return downloadOf(ctx, content, { fileName: document.fileName ?? `document-${key.id}`, settings });
}

export function downloadOf(ctx: Ctx, content: StoredContent, options: { fileName: string; settings: DocumentSettings }): Download {
  const { id, mimeType, size, sha256, completedAt } = content;
  const store = storeOf(options.settings, content.store);
  return {
    mimeType,
    size,
    sha256,
    fileName: cleanFileName(options.fileName, mimeType as MediaType) ?? `document-${content.documentId}`,
    storedAt: completedAt,
    read: (range) => store.read(ctx, id, range ?? wholeOf(content)),
  };
}

function contentMissing(key: PartKey): AppError {
  return new AppError('not-found', 'DOCUMENT_CONTENT_MISSING', 'This document has no stored file. Upload one to its content.', {
    patientId: key.patientId,
    id: key.id,
  });
}

/** Removes the file of a document; the document itself stays, to be verified again. Errors: as `openDocumentContent`. */
export async function removeDocumentContent(
  ctx: Ctx,
  key: ReadPartKey & { reason?: string | undefined },
  settings: DocumentSettings,
): Promise<PatientDocument> {
  let removed: ContentPlace[] = [];
  const after = await changePart(ctx, 'document', {
    ...key,
    deed: 'content-removed',
    decide: async (_before, inside) => {
      removed = await deleteContentsOf(inside.db, key.id);
      if (removed.length === 0) throw contentMissing(key);
      return { fileName: null, fileSize: null, mimeType: null, contentSha256: null, contentStoredAt: null, isVerified: false, verifiedBy: null };
    },
  });
  await removeBytesAfterCommit(ctx, removed, settings);
  return after;
}

/** Removes a document with its file. */
export async function removeDocument(ctx: Ctx, key: ReadPartKey & { reason?: string | undefined }, settings: DocumentSettings): Promise<void> {
  const removed = await inTransaction(ctx, async (inside) => {
    // The chart's lock first, as everywhere: contents are locked under it.
    await holdPatient(inside, key.patientId);
    const places = await deleteContentsOf(inside.db, key.id);
    await removePart(inside, 'document', key);
    return places;
  });
  await removeBytesAfterCommit(ctx, removed, settings);
}
