-- Charts that stand for somebody whose name and date of birth are not known yet, until a person completes them.

-- CreateTable
CREATE TABLE "patient_placeholders" (
    "patientId" UUID NOT NULL,
    "origin" VARCHAR(20) NOT NULL,
    "sourceTable" VARCHAR(63),
    "sourceColumn" VARCHAR(63),
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "completedAt" TIMESTAMPTZ(3),
    "completedBy" UUID,

    CONSTRAINT "patient_placeholders_pkey" PRIMARY KEY ("patientId")
);

-- CreateIndex
-- Serves: the placeholders that wait, oldest first.
CREATE INDEX "patient_placeholders_completedAt_createdAt_patientId_idx" ON "patient_placeholders"("completedAt", "createdAt", "patientId");

-- AddForeignKey
ALTER TABLE "patient_placeholders" ADD CONSTRAINT "patient_placeholders_patientId_fkey" FOREIGN KEY ("patientId") REFERENCES "patients"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddCheck
ALTER TABLE "patient_placeholders" ADD CONSTRAINT "patient_placeholders_origin_check" CHECK ("origin" IN ('ORPHAN', 'UNIDENTIFIED', 'NEWBORN'));
ALTER TABLE "patient_placeholders" ADD CONSTRAINT "patient_placeholders_completed_check" CHECK ("completedBy" IS NULL OR "completedAt" IS NOT NULL);

-- AddComment
COMMENT ON TABLE "patient_placeholders" IS 'Charts that stand for a person whose demographics are not known: adopted orphan ids, unidentified patients, newborns without a name. They wait here until somebody completes them.';
COMMENT ON COLUMN "patient_placeholders"."patientId" IS 'The chart; also the key.';
COMMENT ON COLUMN "patient_placeholders"."origin" IS 'ORPHAN: made for an id that rows of the host named; UNIDENTIFIED: registered before the person was known; NEWBORN: registered before it had a name.';
COMMENT ON COLUMN "patient_placeholders"."sourceTable" IS 'Link table in which the id was met first; null when it does not come from one.';
COMMENT ON COLUMN "patient_placeholders"."sourceColumn" IS 'Column of that table.';
COMMENT ON COLUMN "patient_placeholders"."createdAt" IS 'Since when it waits.';
COMMENT ON COLUMN "patient_placeholders"."completedAt" IS 'When the real demographics were entered; null while it waits.';
COMMENT ON COLUMN "patient_placeholders"."completedBy" IS 'User who completed it; null when a file of the host did.';
COMMENT ON INDEX "patient_placeholders_pkey" IS 'Serves: whether a chart is a placeholder.';
COMMENT ON INDEX "patient_placeholders_completedAt_createdAt_patientId_idx" IS 'Serves: the placeholders that wait, oldest first.';

-- The roles were made by the migration before; where one is missing because nobody may create it, the grant is left out as there.
-- onechart:undo-not-needed The grants go with the table.
-- onechart:done-when COALESCE((SELECT bool_and(COALESCE(CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = wanted.role) THEN pg_catalog.has_table_privilege(wanted.role, pg_catalog.to_regclass(pg_catalog.format('%I.%I', pg_catalog.current_schema(), 'patient_placeholders')), wanted.privilege) ELSE NOT (SELECT me.rolsuper OR me.rolcreaterole FROM pg_catalog.pg_roles me WHERE me.rolname = CURRENT_USER) END, false)) FROM (VALUES ('onechart_app', 'SELECT'), ('onechart_app', 'INSERT'), ('onechart_app', 'UPDATE'), ('onechart_reader', 'SELECT')) AS wanted(role, privilege)), false)
DO $onechart$
BEGIN
  IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'onechart_app') THEN
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON TABLE %I.patient_placeholders TO onechart_app', current_schema());
  END IF;
  IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'onechart_reader') THEN
    EXECUTE format('GRANT SELECT ON TABLE %I.patient_placeholders TO onechart_reader', current_schema());
  END IF;
END
$onechart$;
