-- The seals of the audit trail: a chain over the rows that is made after them, so that no writer waits for another.

-- CreateTable
-- Append-only, as the trail itself.
CREATE TABLE "patient_audit_seals" (
    "number" BIGINT NOT NULL,
    "kind" VARCHAR(20) NOT NULL,
    "format" INTEGER NOT NULL,
    "fromSeq" BIGINT NOT NULL,
    "toSeq" BIGINT NOT NULL,
    "month" VARCHAR(7) NOT NULL,
    "rowCount" INTEGER NOT NULL,
    "digest" VARCHAR(64) NOT NULL,
    "fingerprints" BYTEA,
    "note" TEXT,
    "sealedAt" TIMESTAMPTZ(3) NOT NULL,
    "previousHash" VARCHAR(64) NOT NULL,
    "hash" VARCHAR(64) NOT NULL,
    "keyId" VARCHAR(64),
    "signature" VARCHAR(128),

    CONSTRAINT "patient_audit_seals_pkey" PRIMARY KEY ("number")
);

-- CreateIndex
-- Serves: that the chain never forks.
CREATE UNIQUE INDEX "patient_audit_seals_previousHash_key" ON "patient_audit_seals"("previousHash");

-- AddCheck
ALTER TABLE "patient_audit_seals" ADD CONSTRAINT "patient_audit_seals_number_check" CHECK ("number" >= 1);
ALTER TABLE "patient_audit_seals" ADD CONSTRAINT "patient_audit_seals_kind_check" CHECK ("kind" IN ('ROWS', 'REMOVAL'));
ALTER TABLE "patient_audit_seals" ADD CONSTRAINT "patient_audit_seals_range_check" CHECK ("toSeq" >= "fromSeq" AND "rowCount" >= 0);
ALTER TABLE "patient_audit_seals" ADD CONSTRAINT "patient_audit_seals_signature_check" CHECK (("keyId" IS NULL) = ("signature" IS NULL));

-- AddComment
COMMENT ON TABLE "patient_audit_seals" IS 'A chain of seals over the audit trail. An altered, removed or inserted row no longer fits its seal; an altered or removed seal no longer fits the chain.';
COMMENT ON COLUMN "patient_audit_seals"."number" IS 'Place in the chain, counted from 1.';
COMMENT ON COLUMN "patient_audit_seals"."kind" IS 'ROWS: seals rows of the trail; REMOVAL: records that a sealed month was dropped when its time of keeping had passed.';
COMMENT ON COLUMN "patient_audit_seals"."format" IS 'How rows and seals are put into words before they are hashed; 1 so far.';
COMMENT ON COLUMN "patient_audit_seals"."fromSeq" IS 'Rows with a higher seq are covered …';
COMMENT ON COLUMN "patient_audit_seals"."toSeq" IS '… up to this one. Seals with the same two numbers belong together and hold the rows of different months.';
COMMENT ON COLUMN "patient_audit_seals"."month" IS 'Month of occurredAt in UTC, as 2026-11.';
COMMENT ON COLUMN "patient_audit_seals"."rowCount" IS 'How many rows it covers, or removed.';
COMMENT ON COLUMN "patient_audit_seals"."digest" IS 'SHA-256 over the hashes of the rows in order; of a removal, of the file they were exported to.';
COMMENT ON COLUMN "patient_audit_seals"."fingerprints" IS 'seq and the first eight bytes of the hash of each row, 16 bytes a row: they tell which row was altered, removed or inserted.';
COMMENT ON COLUMN "patient_audit_seals"."note" IS 'Of a removal: who ordered it, and the name of the file.';
COMMENT ON COLUMN "patient_audit_seals"."sealedAt" IS 'When, by the clock of the process that sealed.';
COMMENT ON COLUMN "patient_audit_seals"."previousHash" IS 'hash of the seal before; 64 zeros in the first.';
COMMENT ON COLUMN "patient_audit_seals"."hash" IS 'SHA-256 over everything above.';
COMMENT ON COLUMN "patient_audit_seals"."keyId" IS 'Which key signed it: the beginning of the SHA-256 of its public half; null where the server has no key.';
COMMENT ON COLUMN "patient_audit_seals"."signature" IS 'Ed25519 over hash, in base64.';
COMMENT ON INDEX "patient_audit_seals_pkey" IS 'Serves: the chain in order, its end first.';
COMMENT ON INDEX "patient_audit_seals_previousHash_key" IS 'Serves: that the chain never forks.';

-- The roles were made by an earlier migration; where one is missing because nobody may create it, the grant is left out as there.
-- onechart:undo-not-needed The grants go with the table.
-- onechart:done-when COALESCE((SELECT bool_and(COALESCE(CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = wanted.role) THEN pg_catalog.has_table_privilege(wanted.role, pg_catalog.to_regclass(pg_catalog.format('%I.%I', pg_catalog.current_schema(), 'patient_audit_seals')), wanted.privilege) ELSE NOT (SELECT me.rolsuper OR me.rolcreaterole FROM pg_catalog.pg_roles me WHERE me.rolname = CURRENT_USER) END, false)) FROM (VALUES ('onechart_app', 'SELECT'), ('onechart_app', 'INSERT'), ('onechart_auditor', 'SELECT')) AS wanted(role, privilege)), false)
DO $onechart$
BEGIN
  IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'onechart_app') THEN
    EXECUTE format('GRANT SELECT, INSERT ON TABLE %I.patient_audit_seals TO onechart_app', current_schema());
  END IF;
  IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'onechart_auditor') THEN
    EXECUTE format('GRANT SELECT ON TABLE %I.patient_audit_seals TO onechart_auditor', current_schema());
  END IF;
END
$onechart$;
