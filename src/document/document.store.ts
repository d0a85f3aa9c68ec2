import type { Db } from '../db/context.ts';
import { toInstant } from '../base/instant.ts';
import type { StoreName } from './content-store.ts';
import { type ContentPurpose, StoredContent } from './document.schema.ts';

/** Bytes somewhere: what is needed to remove them. */
export interface ContentPlace {
  readonly id: string;
  readonly store: StoreName;
}

const place = ['id', 'store'] as const;
const toPlace = (row: { id: string; store: string }): ContentPlace => ({ id: row.id, store: row.store as StoreName });

/** Announces bytes that are about to be written. */
export async function insertPendingContent(db: Db, content: ContentPlace & { purpose: ContentPurpose; createdAt: Date }): Promise<void> {
  await db.insertInto('patient_document_contents').values(content).execute();
}

/** Gives written bytes to their document. False when the announcement is gone. */
export async function completeContent(
  db: Db,
  content: { id: string; documentId: string; mimeType: string; size: number; sha256: string; completedAt: Date },
): Promise<boolean> {
  const { id, ...values } = content;
  const { numUpdatedRows } = await db
    .updateTable('patient_document_contents')
    .set(values)
    .where('id', '=', id)
    .where('completedAt', 'is', null)
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

export async function findContent(db: Db, key: { documentId: string; purpose: ContentPurpose }): Promise<StoredContent | undefined> {
  const row = await db
    .selectFrom('patient_document_contents')
    .select(['id', 'documentId', 'purpose', 'store', 'mimeType', 'size', 'sha256', 'completedAt'])
    .where('documentId', '=', key.documentId)
    .where('purpose', '=', key.purpose)
    .executeTakeFirst();
  return row && StoredContent.parse({ ...row, completedAt: toInstant(row.completedAt) });
}

/** Removes all contents of a document, their pieces in the database with them. What lies in an object store is told. */
export async function deleteContentsOf(db: Db, documentId: string): Promise<ContentPlace[]> {
  return (await db.deleteFrom('patient_document_contents').where('documentId', '=', documentId).returning(place).execute()).map(toPlace);
}

/** Removes an announcement, and the pieces written under it. */
export async function deletePendingContents(db: Db, ids: readonly string[]): Promise<void> {
  await db.deleteFrom('patient_document_contents').where('id', 'in', ids).where('completedAt', 'is', null).execute();
}

/** Uploads that began before an instant and were never completed, oldest first. */
export async function listPendingContents(db: Db, filter: { before: Date; limit: number }): Promise<ContentPlace[]> {
  const rows = await db
    .selectFrom('patient_document_contents')
    .select(place)
    .where('completedAt', 'is', null)
    .where('createdAt', '<', filter.before)
    .orderBy('createdAt')
    .orderBy('id')
    .limit(filter.limit)
    .execute();
  return rows.map(toPlace);
}

/** Which of the keys have a row. Compared as text, as an object store may hold any name. */
export async function findKnownContents(db: Db, ids: readonly string[]): Promise<Set<string>> {
  const rows = await db.selectFrom('patient_document_contents').select('id').where('id', 'in', ids).execute();
  return new Set(rows.map(({ id }) => id));
}
