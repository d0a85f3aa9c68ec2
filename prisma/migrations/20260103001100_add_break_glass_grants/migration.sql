-- Who opened a restricted chart, why, for how long, and what the privacy officer made of it.

-- CreateTable
-- The holder is named without a foreign key: a service key, an account, or the subject of a token that no table here knows.
CREATE TABLE "patient_break_glass_grants" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "patientId" UUID NOT NULL,
    "viewerId" VARCHAR(512) NOT NULL,
    "viewerName" VARCHAR(255),
    "viewerRole" VARCHAR(30) NOT NULL,
    "reason" TEXT NOT NULL,
    "grantedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expiresAt" TIMESTAMPTZ(3) NOT NULL,
    "endedAt" TIMESTAMPTZ(3),
    "reviewedAt" TIMESTAMPTZ(3),
    "reviewerId" VARCHAR(512),
    "reviewerName" VARCHAR(255),
    "verdict" VARCHAR(20),
    "reviewNote" TEXT,

    CONSTRAINT "patient_break_glass_grants_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
-- Serves: whether somebody has broken the glass of a chart, with every reading of a restricted one; the grants of a chart.
CREATE INDEX "patient_break_glass_grants_patientId_viewerId_expiresAt_idx" ON "patient_break_glass_grants"("patientId", "viewerId", "expiresAt");

-- CreateIndex
-- Serves: the grants that nobody has reviewed, newest first.
CREATE INDEX "patient_break_glass_grants_reviewedAt_grantedAt_id_idx" ON "patient_break_glass_grants"("reviewedAt", "grantedAt", "id");

-- CreateIndex
-- Serves: all grants, newest first.
CREATE INDEX "patient_break_glass_grants_grantedAt_id_idx" ON "patient_break_glass_grants"("grantedAt", "id");

-- AddForeignKey
ALTER TABLE "patient_break_glass_grants" ADD CONSTRAINT "patient_break_glass_grants_patientId_fkey" FOREIGN KEY ("patientId") REFERENCES "patients"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddCheck
ALTER TABLE "patient_break_glass_grants" ADD CONSTRAINT "patient_break_glass_grants_viewerId_check" CHECK ("viewerId" <> '');
ALTER TABLE "patient_break_glass_grants" ADD CONSTRAINT "patient_break_glass_grants_reason_check" CHECK (btrim("reason") <> '');
ALTER TABLE "patient_break_glass_grants" ADD CONSTRAINT "patient_break_glass_grants_period_check" CHECK ("expiresAt" > "grantedAt");
ALTER TABLE "patient_break_glass_grants" ADD CONSTRAINT "patient_break_glass_grants_verdict_check" CHECK ("verdict" IN ('JUSTIFIED', 'UNJUSTIFIED'));
ALTER TABLE "patient_break_glass_grants" ADD CONSTRAINT "patient_break_glass_grants_review_check" CHECK (("reviewedAt" IS NULL) = ("verdict" IS NULL) AND ("reviewedAt" IS NULL) = ("reviewerId" IS NULL) AND ("reviewNote" IS NULL OR "reviewedAt" IS NOT NULL));

-- AddComment
COMMENT ON TABLE "patient_break_glass_grants" IS 'Each time somebody broke the glass of a restricted chart: the reason, how long it let them in, and the review.';
COMMENT ON COLUMN "patient_break_glass_grants"."id" IS 'Key of the grant; the audit rows of the readings under it name it.';
COMMENT ON COLUMN "patient_break_glass_grants"."patientId" IS 'The chart that was opened; a chart merged into it is opened with it.';
COMMENT ON COLUMN "patient_break_glass_grants"."viewerId" IS 'Who may see the chart: the id of an account or a key, or issuer and subject of a token.';
COMMENT ON COLUMN "patient_break_glass_grants"."viewerName" IS 'What they were called then.';
COMMENT ON COLUMN "patient_break_glass_grants"."viewerRole" IS 'The role they had then.';
COMMENT ON COLUMN "patient_break_glass_grants"."reason" IS 'Why, in their own words.';
COMMENT ON COLUMN "patient_break_glass_grants"."grantedAt" IS 'From when the chart is open.';
COMMENT ON COLUMN "patient_break_glass_grants"."expiresAt" IS 'When it shuts by itself.';
COMMENT ON COLUMN "patient_break_glass_grants"."endedAt" IS 'When it was shut earlier: by its holder, by a review, or because the restriction was lifted; null otherwise.';
COMMENT ON COLUMN "patient_break_glass_grants"."reviewedAt" IS 'When the privacy officer reviewed it; null while it waits.';
COMMENT ON COLUMN "patient_break_glass_grants"."reviewerId" IS 'Who reviewed it, written as viewerId is; never the holder.';
COMMENT ON COLUMN "patient_break_glass_grants"."reviewerName" IS 'What the reviewer was called then.';
COMMENT ON COLUMN "patient_break_glass_grants"."verdict" IS 'JUSTIFIED or UNJUSTIFIED; null while it waits.';
COMMENT ON COLUMN "patient_break_glass_grants"."reviewNote" IS 'What the reviewer wrote down.';
COMMENT ON INDEX "patient_break_glass_grants_pkey" IS 'Serves: one grant, for its review.';
COMMENT ON INDEX "patient_break_glass_grants_patientId_viewerId_expiresAt_idx" IS 'Serves: whether somebody has broken the glass of a chart, with every reading of a restricted one; the grants of a chart.';
COMMENT ON INDEX "patient_break_glass_grants_reviewedAt_grantedAt_id_idx" IS 'Serves: the grants that nobody has reviewed, newest first.';
COMMENT ON INDEX "patient_break_glass_grants_grantedAt_id_idx" IS 'Serves: all grants, newest first.';

-- The roles were made by an earlier migration; where one is missing because nobody may create it, the grant is left out as there.
-- Readers do not see this table: its reasons speak of people whom somebody chose to protect. The application ends and reviews grants; who took one, why and for how long it cannot change.
-- onechart:undo-not-needed The grants go with the table.
-- onechart:done-when COALESCE((SELECT bool_and(COALESCE(CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = wanted.role) THEN CASE WHEN wanted."column" IS NULL THEN pg_catalog.has_table_privilege(wanted.role, pg_catalog.to_regclass(pg_catalog.format('%I.%I', pg_catalog.current_schema(), 'patient_break_glass_grants')), wanted.privilege) ELSE pg_catalog.has_column_privilege(wanted.role, pg_catalog.to_regclass(pg_catalog.format('%I.%I', pg_catalog.current_schema(), 'patient_break_glass_grants')), wanted."column", wanted.privilege) END ELSE NOT (SELECT me.rolsuper OR me.rolcreaterole FROM pg_catalog.pg_roles me WHERE me.rolname = CURRENT_USER) END, false)) FROM (VALUES ('onechart_app', 'SELECT', NULL), ('onechart_app', 'INSERT', NULL), ('onechart_app', 'UPDATE', 'endedAt'), ('onechart_app', 'UPDATE', 'reviewedAt'), ('onechart_app', 'UPDATE', 'reviewerId'), ('onechart_app', 'UPDATE', 'reviewerName'), ('onechart_app', 'UPDATE', 'verdict'), ('onechart_app', 'UPDATE', 'reviewNote'), ('onechart_auditor', 'SELECT', NULL)) AS wanted(role, privilege, "column")), false)
DO $onechart$
BEGIN
  IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'onechart_app') THEN
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ("endedAt", "reviewedAt", "reviewerId", "reviewerName", "verdict", "reviewNote") ON TABLE %I.patient_break_glass_grants TO onechart_app', current_schema());
  END IF;
  IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'onechart_auditor') THEN
    EXECUTE format('GRANT SELECT ON TABLE %I.patient_break_glass_grants TO onechart_auditor', current_schema());
  END IF;
END
$onechart$;
