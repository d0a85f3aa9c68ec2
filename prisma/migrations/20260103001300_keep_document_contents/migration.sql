-- The bytes of documents and photos: where they are, what they are, and, unless an object store holds them, the bytes themselves in pieces.

-- AlterTable
ALTER TABLE "patient_documents" ADD COLUMN     "contentSha256" VARCHAR(64),
ADD COLUMN     "contentStoredAt" TIMESTAMPTZ(3);

-- CreateTable
-- A row stands before the first byte is written, so that nothing is ever stored that no row knows of.
CREATE TABLE "patient_document_contents" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "documentId" UUID,
    "purpose" VARCHAR(20) NOT NULL,
    "store" VARCHAR(20) NOT NULL,
    "mimeType" VARCHAR(100),
    "size" INTEGER,
    "sha256" VARCHAR(64),
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "completedAt" TIMESTAMPTZ(3),

    CONSTRAINT "patient_document_contents_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "patient_document_chunks" (
    "contentId" UUID NOT NULL,
    "number" INTEGER NOT NULL,
    "bytes" BYTEA NOT NULL,

    CONSTRAINT "patient_document_chunks_pkey" PRIMARY KEY ("contentId", "number")
);

-- CreateIndex
-- Serves: the content of a document; its removal with the document.
CREATE INDEX "patient_document_contents_documentId_purpose_idx" ON "patient_document_contents"("documentId", "purpose");

-- CreateIndex
-- Serves: the uploads that were never completed, oldest first.
CREATE INDEX "patient_document_contents_completedAt_createdAt_id_idx" ON "patient_document_contents"("completedAt", "createdAt", "id");

-- AddForeignKey
ALTER TABLE "patient_document_contents" ADD CONSTRAINT "patient_document_contents_documentId_fkey" FOREIGN KEY ("documentId") REFERENCES "patient_documents"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "patient_document_chunks" ADD CONSTRAINT "patient_document_chunks_contentId_fkey" FOREIGN KEY ("contentId") REFERENCES "patient_document_contents"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddCheck
ALTER TABLE "patient_documents" ADD CONSTRAINT "patient_documents_contentSha256_check" CHECK ("contentSha256" ~ '^[0-9a-f]{64}$');
ALTER TABLE "patient_documents" ADD CONSTRAINT "patient_documents_content_check" CHECK (("contentSha256" IS NULL) = ("contentStoredAt" IS NULL) AND ("contentSha256" IS NULL OR ("fileSize" IS NOT NULL AND "mimeType" IS NOT NULL)));

-- AddCheck
ALTER TABLE "patient_document_contents" ADD CONSTRAINT "patient_document_contents_purpose_check" CHECK ("purpose" IN ('CONTENT', 'THUMBNAIL'));
ALTER TABLE "patient_document_contents" ADD CONSTRAINT "patient_document_contents_store_check" CHECK ("store" IN ('DATABASE', 'S3'));
ALTER TABLE "patient_document_contents" ADD CONSTRAINT "patient_document_contents_size_check" CHECK ("size" >= 0);
ALTER TABLE "patient_document_contents" ADD CONSTRAINT "patient_document_contents_sha256_check" CHECK ("sha256" ~ '^[0-9a-f]{64}$');
ALTER TABLE "patient_document_contents" ADD CONSTRAINT "patient_document_contents_completed_check" CHECK ("completedAt" IS NULL OR ("documentId" IS NOT NULL AND "mimeType" IS NOT NULL AND "size" IS NOT NULL AND "sha256" IS NOT NULL));

-- AddCheck
ALTER TABLE "patient_document_chunks" ADD CONSTRAINT "patient_document_chunks_number_check" CHECK ("number" >= 0);
ALTER TABLE "patient_document_chunks" ADD CONSTRAINT "patient_document_chunks_bytes_check" CHECK (octet_length("bytes") BETWEEN 1 AND 1048576);

-- AddComment
COMMENT ON COLUMN "patient_documents"."contentSha256" IS 'Hexadecimal SHA-256 of the stored file; null while none is stored. fileSize and mimeType are then those of the file.';
COMMENT ON COLUMN "patient_documents"."contentStoredAt" IS 'When the file was stored; null while none is.';
COMMENT ON TABLE "patient_document_contents" IS 'The files of documents: where their bytes are and what they are. A row without completedAt is an upload under way or one that broke off.';
COMMENT ON COLUMN "patient_document_contents"."id" IS 'The key of the bytes in their store. Every upload has a new one, so that the bytes under a key never change.';
COMMENT ON COLUMN "patient_document_contents"."documentId" IS 'The document; null until the upload is complete.';
COMMENT ON COLUMN "patient_document_contents"."purpose" IS 'CONTENT: the file itself; THUMBNAIL: a small picture of a photo.';
COMMENT ON COLUMN "patient_document_contents"."store" IS 'DATABASE: the bytes are in patient_document_chunks; S3: they are an object of an S3-compatible store.';
COMMENT ON COLUMN "patient_document_contents"."mimeType" IS 'Media type as recognised from the bytes.';
COMMENT ON COLUMN "patient_document_contents"."size" IS 'Number of bytes.';
COMMENT ON COLUMN "patient_document_contents"."sha256" IS 'Hexadecimal SHA-256 of the bytes.';
COMMENT ON COLUMN "patient_document_contents"."createdAt" IS 'When the upload began.';
COMMENT ON COLUMN "patient_document_contents"."completedAt" IS 'When the upload was complete and the document took it over; null before.';
COMMENT ON TABLE "patient_document_chunks" IS 'Bytes of files kept in the database, in pieces, so that neither a server nor a client holds a whole file in memory.';
COMMENT ON COLUMN "patient_document_chunks"."contentId" IS 'The content.';
COMMENT ON COLUMN "patient_document_chunks"."number" IS 'Place of the piece, from 0.';
COMMENT ON COLUMN "patient_document_chunks"."bytes" IS 'The piece; all of a content but the last are of one length.';
COMMENT ON INDEX "patient_document_contents_pkey" IS 'Serves: a content by its key.';
COMMENT ON INDEX "patient_document_contents_documentId_purpose_idx" IS 'Serves: the content of a document; its removal with the document.';
COMMENT ON INDEX "patient_document_contents_completedAt_createdAt_id_idx" IS 'Serves: the uploads that were never completed, oldest first.';
COMMENT ON INDEX "patient_document_chunks_pkey" IS 'Serves: the pieces of a content in their order.';

-- The roles were made by an earlier migration; where one is missing because nobody may create it, the grant is left out as there.
-- onechart:undo-not-needed The grants go with the tables.
-- onechart:done-when COALESCE((SELECT bool_and(COALESCE(CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = wanted.role) THEN pg_catalog.has_table_privilege(wanted.role, pg_catalog.to_regclass(pg_catalog.format('%I.%I', pg_catalog.current_schema(), wanted.relation)), wanted.privilege) ELSE NOT (SELECT me.rolsuper OR me.rolcreaterole FROM pg_catalog.pg_roles me WHERE me.rolname = CURRENT_USER) END, false)) FROM (VALUES ('onechart_app', 'patient_document_contents', 'SELECT'), ('onechart_app', 'patient_document_contents', 'INSERT'), ('onechart_app', 'patient_document_contents', 'UPDATE'), ('onechart_app', 'patient_document_contents', 'DELETE'), ('onechart_app', 'patient_document_chunks', 'SELECT'), ('onechart_app', 'patient_document_chunks', 'INSERT'), ('onechart_app', 'patient_document_chunks', 'DELETE'), ('onechart_reader', 'patient_document_contents', 'SELECT')) AS wanted(role, relation, privilege)), false)
DO $onechart$
BEGIN
  IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'onechart_app') THEN
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE %I.patient_document_contents TO onechart_app', current_schema());
    EXECUTE format('GRANT SELECT, INSERT, DELETE ON TABLE %I.patient_document_chunks TO onechart_app', current_schema());
  END IF;
  IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'onechart_reader') THEN
    EXECUTE format('GRANT SELECT ON TABLE %I.patient_document_contents TO onechart_reader', current_schema());
  END IF;
END
$onechart$;
