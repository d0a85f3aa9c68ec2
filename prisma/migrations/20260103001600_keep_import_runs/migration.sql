-- Imports: which file, with which mapping, and how far. The place in the file moves on in the transaction of the rows it stands behind,
-- so that a run that was cut off goes on where the last whole batch ended: no row twice, none lost.

-- CreateTable
CREATE TABLE "import_runs" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "fileSha256" VARCHAR(64) NOT NULL,
    "fileSize" BIGINT NOT NULL,
    "filePath" TEXT NOT NULL,
    "settingsSha256" VARCHAR(64) NOT NULL,
    "settings" JSONB NOT NULL,
    "status" VARCHAR(20) NOT NULL,
    "bytePosition" BIGINT NOT NULL,
    "line" BIGINT NOT NULL,
    "rowsRead" BIGINT NOT NULL,
    "rowsImported" BIGINT NOT NULL,
    "rowsRejected" BIGINT NOT NULL,
    "rowsSkipped" BIGINT NOT NULL,
    "duplicatesFound" BIGINT NOT NULL,
    "mrnsIssued" BIGINT NOT NULL,
    "startedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "completedAt" TIMESTAMPTZ(3),
    "actor" VARCHAR(255),

    CONSTRAINT "import_runs_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
-- Serves: whether a file was imported before with these settings, and how far.
CREATE INDEX "import_runs_fileSha256_settingsSha256_idx" ON "import_runs"("fileSha256", "settingsSha256");

-- CreateIndex
-- Serves: the list of imports, newest first.
CREATE INDEX "import_runs_startedAt_id_idx" ON "import_runs"("startedAt", "id");

-- AddCheck
ALTER TABLE "import_runs" ADD CONSTRAINT "import_runs_status_check" CHECK ("status" IN ('RUNNING', 'COMPLETED'));
ALTER TABLE "import_runs" ADD CONSTRAINT "import_runs_completed_check" CHECK (("status" = 'COMPLETED') = ("completedAt" IS NOT NULL));
ALTER TABLE "import_runs" ADD CONSTRAINT "import_runs_position_check" CHECK ("bytePosition" BETWEEN 0 AND "fileSize" AND "line" >= 1);
ALTER TABLE "import_runs" ADD CONSTRAINT "import_runs_rows_check" CHECK ("rowsImported" >= 0 AND "rowsRejected" >= 0 AND "rowsSkipped" >= 0 AND "rowsRead" = "rowsImported" + "rowsRejected" + "rowsSkipped");

-- AddComment
COMMENT ON TABLE "import_runs" IS 'Imports of patients from files. A row that is RUNNING and moves no more was cut off; the same command goes on from it.';
COMMENT ON COLUMN "import_runs"."id" IS 'Key; the audit trail names it as the origin of the charts, with the line of each.';
COMMENT ON COLUMN "import_runs"."fileSha256" IS 'Hexadecimal SHA-256 of the whole file: it tells the file, whatever it is called.';
COMMENT ON COLUMN "import_runs"."fileSize" IS 'Number of bytes of the file.';
COMMENT ON COLUMN "import_runs"."filePath" IS 'Where the file was; an import that goes on looks there.';
COMMENT ON COLUMN "import_runs"."settingsSha256" IS 'Hexadecimal SHA-256 of the settings: the same file with other settings is another import.';
COMMENT ON COLUMN "import_runs"."settings" IS 'Format and mapping with which the rows are read, and what happens to duplicates.';
COMMENT ON COLUMN "import_runs"."status" IS 'RUNNING until the last row is dealt with, then COMPLETED.';
COMMENT ON COLUMN "import_runs"."bytePosition" IS 'Bytes of the file that are dealt with: the next row begins here.';
COMMENT ON COLUMN "import_runs"."line" IS 'Line of the file on which the next row begins, from 1.';
COMMENT ON COLUMN "import_runs"."rowsRead" IS 'Rows that are dealt with.';
COMMENT ON COLUMN "import_runs"."rowsImported" IS 'Of these, rows that became a chart.';
COMMENT ON COLUMN "import_runs"."rowsRejected" IS 'Of these, rows with an error; the error file has them.';
COMMENT ON COLUMN "import_runs"."rowsSkipped" IS 'Of these, rows that were left out as duplicates.';
COMMENT ON COLUMN "import_runs"."duplicatesFound" IS 'Rows that look like a chart or an earlier row, imported or not.';
COMMENT ON COLUMN "import_runs"."mrnsIssued" IS 'Charts that got a new record number, as the file had none for them.';
COMMENT ON COLUMN "import_runs"."startedAt" IS 'When the import began.';
COMMENT ON COLUMN "import_runs"."updatedAt" IS 'When the last batch was written.';
COMMENT ON COLUMN "import_runs"."completedAt" IS 'When the last row was dealt with; null before.';
COMMENT ON COLUMN "import_runs"."actor" IS 'Who began it, as the audit trail names actors.';
COMMENT ON INDEX "import_runs_pkey" IS 'Serves: an import by its key; its place moving on.';
COMMENT ON INDEX "import_runs_fileSha256_settingsSha256_idx" IS 'Serves: whether a file was imported before with these settings, and how far.';
COMMENT ON INDEX "import_runs_startedAt_id_idx" IS 'Serves: the list of imports, newest first.';

-- The roles were made by an earlier migration; where one is missing because nobody may create it, the grant is left out as there.
-- onechart:undo-not-needed The grants go with the table.
-- onechart:done-when COALESCE((SELECT bool_and(COALESCE(CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = wanted.role) THEN pg_catalog.has_table_privilege(wanted.role, pg_catalog.to_regclass(pg_catalog.format('%I.%I', pg_catalog.current_schema(), 'import_runs')), wanted.privilege) ELSE NOT (SELECT me.rolsuper OR me.rolcreaterole FROM pg_catalog.pg_roles me WHERE me.rolname = CURRENT_USER) END, false)) FROM (VALUES ('onechart_app', 'SELECT'), ('onechart_app', 'INSERT'), ('onechart_app', 'UPDATE'), ('onechart_reader', 'SELECT')) AS wanted(role, privilege)), false)
DO $onechart$
BEGIN
  IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'onechart_app') THEN
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON TABLE %I.import_runs TO onechart_app', current_schema());
  END IF;
  IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'onechart_reader') THEN
    EXECUTE format('GRANT SELECT ON TABLE %I.import_runs TO onechart_reader', current_schema());
  END IF;
END
$onechart$;
