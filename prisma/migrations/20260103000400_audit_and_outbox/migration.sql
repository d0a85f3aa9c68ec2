-- Who did what to which chart, and what the outside has to be told: both written in the transaction of the change itself.

-- CreateTable
-- Append-only. The actor is text without a foreign key: the trail outlives the user, and services act too.
-- Partitioned by month, so that a month whose time of keeping has passed goes as a whole, without a DELETE.
CREATE TABLE "patient_audit_events" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "occurredAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "action" VARCHAR(100) NOT NULL,
    "patientId" UUID,
    "actorKind" VARCHAR(20) NOT NULL,
    "actorId" VARCHAR(255),
    "actorName" VARCHAR(255),
    "origin" VARCHAR(100),
    "requestId" VARCHAR(100),
    "reason" TEXT,
    "before" JSONB,
    "after" JSONB,
    "seq" BIGSERIAL NOT NULL,

    CONSTRAINT "patient_audit_events_pkey" PRIMARY KEY ("id","occurredAt")
) PARTITION BY RANGE ("occurredAt");

-- CreateTable
-- Rows carry ids and versions; a follower that may see more reads the chart.
CREATE TABLE "patient_outbox_events" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "occurredAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "type" VARCHAR(100) NOT NULL,
    "patientId" UUID NOT NULL,
    "patientVersion" INTEGER NOT NULL,
    "payload" JSONB NOT NULL,
    "publishedAt" TIMESTAMPTZ(3),

    CONSTRAINT "patient_outbox_events_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
-- Serves: the trail of one patient, newest first.
CREATE INDEX "patient_audit_events_patientId_occurredAt_id_idx" ON "patient_audit_events"("patientId", "occurredAt", "id");

-- CreateIndex
-- Serves: what one user did, newest first.
CREATE INDEX "patient_audit_events_actorId_occurredAt_id_idx" ON "patient_audit_events"("actorId", "occurredAt", "id");

-- CreateIndex
-- Serves: sealing and verifying the trail in the order in which its rows were written.
CREATE INDEX "patient_audit_events_seq_idx" ON "patient_audit_events"("seq");

-- CreateIndex
-- Serves: the events not yet published, oldest first.
CREATE INDEX "patient_outbox_events_publishedAt_occurredAt_id_idx" ON "patient_outbox_events"("publishedAt", "occurredAt", "id");

-- CreateIndex
-- Serves: the events of one patient.
CREATE INDEX "patient_outbox_events_patientId_occurredAt_id_idx" ON "patient_outbox_events"("patientId", "occurredAt", "id");

-- AddForeignKey
ALTER TABLE "patient_audit_events" ADD CONSTRAINT "patient_audit_events_patientId_fkey" FOREIGN KEY ("patientId") REFERENCES "patients"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "patient_outbox_events" ADD CONSTRAINT "patient_outbox_events_patientId_fkey" FOREIGN KEY ("patientId") REFERENCES "patients"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddCheck
ALTER TABLE "patient_audit_events" ADD CONSTRAINT "patient_audit_events_actorKind_check" CHECK ("actorKind" IN ('user', 'account', 'service', 'system'));

-- AddCheck
ALTER TABLE "patient_outbox_events" ADD CONSTRAINT "patient_outbox_events_patientVersion_check" CHECK ("patientVersion" >= 1);

-- The partition for rows of months that have none of their own yet, so that a write never fails for lack of one;
-- "onechart audit maintain" makes those of the months and moves rows that are waiting here.
-- onechart:undo-not-needed The partition goes with its table.
-- onechart:done-when EXISTS (SELECT FROM pg_catalog.pg_partitioned_table p JOIN pg_catalog.pg_inherits h ON h.inhrelid = p.partdefid WHERE h.inhparent = pg_catalog.to_regclass(pg_catalog.format('%I.%I', pg_catalog.current_schema(), 'patient_audit_events')))
DO $onechart$
BEGIN
  EXECUTE format('CREATE TABLE IF NOT EXISTS %I.patient_audit_events_default PARTITION OF %I.patient_audit_events DEFAULT', current_schema(), current_schema());
END
$onechart$;
