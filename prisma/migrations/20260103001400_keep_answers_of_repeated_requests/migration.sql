-- The answers of requests that carried an Idempotency-Key, so that a repeat gets the same answer and makes nothing again.

-- CreateTable
CREATE TABLE "idempotency_keys" (
    "principal" VARCHAR(600) NOT NULL,
    "key" VARCHAR(255) NOT NULL,
    "fingerprint" VARCHAR(64) NOT NULL,
    "status" INTEGER,
    "headers" JSONB,
    "answer" TEXT,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expiresAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "idempotency_keys_pkey" PRIMARY KEY ("principal", "key")
);

-- CreateIndex
-- Serves: removing keys that are over, oldest first.
CREATE INDEX "idempotency_keys_expiresAt_idx" ON "idempotency_keys"("expiresAt");

-- AddCheck
ALTER TABLE "idempotency_keys" ADD CONSTRAINT "idempotency_keys_status_check" CHECK ("status" BETWEEN 200 AND 299);

-- AddComment
COMMENT ON TABLE "idempotency_keys" IS 'Answers of requests that carried an Idempotency-Key, each written in the transaction of what the request made. Rows are removed a day later.';
COMMENT ON COLUMN "idempotency_keys"."principal" IS 'Who called: kind and id. A key of one caller says nothing to another.';
COMMENT ON COLUMN "idempotency_keys"."key" IS 'The key that the caller chose.';
COMMENT ON COLUMN "idempotency_keys"."fingerprint" IS 'SHA-256 of method, path, query and body, hexadecimal: the same key with another request is refused.';
COMMENT ON COLUMN "idempotency_keys"."status" IS 'HTTP status of the answer; null only inside the transaction that makes it.';
COMMENT ON COLUMN "idempotency_keys"."headers" IS 'Headers that the route added to the answer, such as ETag and Location.';
COMMENT ON COLUMN "idempotency_keys"."answer" IS 'Body of the answer, as it was sent; null where there was none.';
COMMENT ON COLUMN "idempotency_keys"."createdAt" IS 'When the first request came.';
COMMENT ON COLUMN "idempotency_keys"."expiresAt" IS 'From when the key is free again and the row may go.';
COMMENT ON INDEX "idempotency_keys_pkey" IS 'Serves: whether a caller has used a key; makes a concurrent repeat wait for the first.';
COMMENT ON INDEX "idempotency_keys_expiresAt_idx" IS 'Serves: removing keys that are over, oldest first.';

-- The roles were made by an earlier migration; where one is missing because nobody may create it, the grant is left out as there.
-- Answers hold what the caller alone was shown, so readers and auditors see none of this table.
-- onechart:undo-not-needed The grants go with the table.
-- onechart:done-when COALESCE((SELECT bool_and(COALESCE(CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = 'onechart_app') THEN pg_catalog.has_table_privilege('onechart_app', pg_catalog.to_regclass(pg_catalog.format('%I.%I', pg_catalog.current_schema(), 'idempotency_keys')), wanted.privilege) ELSE NOT (SELECT me.rolsuper OR me.rolcreaterole FROM pg_catalog.pg_roles me WHERE me.rolname = CURRENT_USER) END, false)) FROM (VALUES ('SELECT'), ('INSERT'), ('UPDATE'), ('DELETE')) AS wanted(privilege)), false)
DO $onechart$
BEGIN
  IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'onechart_app') THEN
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE %I.idempotency_keys TO onechart_app', current_schema());
  END IF;
END
$onechart$;
