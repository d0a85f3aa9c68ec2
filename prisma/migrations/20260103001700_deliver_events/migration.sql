-- Who is told of events, how far each of them is, and what one of them has not taken yet.

-- AlterTable
ALTER TABLE "patient_outbox_events" ADD COLUMN     "seq" BIGINT;

-- CreateTable
CREATE TABLE "event_receivers" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "name" VARCHAR(100) NOT NULL,
    "url" VARCHAR(2000) NOT NULL,
    "eventTypes" TEXT[] NOT NULL,
    "secret" TEXT NOT NULL,
    "previousSecret" TEXT,
    "previousSecretUntil" TIMESTAMPTZ(3),
    "state" VARCHAR(10) NOT NULL,
    "position" BIGINT NOT NULL,
    "failures" INTEGER NOT NULL DEFAULT 0,
    "failingSince" TIMESTAMPTZ(3),
    "lastFailure" VARCHAR(200),
    "retryAt" TIMESTAMPTZ(3),
    "lastDeliveredAt" TIMESTAMPTZ(3),
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "event_receivers_pkey" PRIMARY KEY ("id")
);

-- CreateTable
-- Only exceptions stand here: what was delivered at the first attempt is told by the position of its receiver alone.
CREATE TABLE "event_deliveries" (
    "receiverId" UUID NOT NULL,
    "eventId" UUID NOT NULL,
    "seq" BIGINT NOT NULL,
    "patientId" UUID NOT NULL,
    "state" VARCHAR(10) NOT NULL,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "lastFailure" VARCHAR(200),
    "retryAt" TIMESTAMPTZ(3),
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "event_deliveries_pkey" PRIMARY KEY ("receiverId", "eventId")
);

-- CreateIndex
-- Serves: the events after the position of a receiver, in order; the last number.
CREATE UNIQUE INDEX "patient_outbox_events_seq_key" ON "patient_outbox_events"("seq");

-- CreateIndex
-- Serves: a receiver by its name; that no two share one.
CREATE UNIQUE INDEX "event_receivers_name_key" ON "event_receivers"("name");

-- CreateIndex
-- Serves: the first event of a patient that a receiver has not taken, and those behind it.
CREATE INDEX "event_deliveries_patientId_receiverId_seq_idx" ON "event_deliveries"("patientId", "receiverId", "seq");

-- CreateIndex
-- Serves: what is due for another attempt; dead letters of a receiver.
CREATE INDEX "event_deliveries_receiverId_state_retryAt_idx" ON "event_deliveries"("receiverId", "state", "retryAt");

-- CreateIndex
-- Serves: whether somebody still waits for an event that is to be removed.
CREATE INDEX "event_deliveries_eventId_idx" ON "event_deliveries"("eventId");

-- AddForeignKey
ALTER TABLE "event_deliveries" ADD CONSTRAINT "event_deliveries_receiverId_fkey" FOREIGN KEY ("receiverId") REFERENCES "event_receivers"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "event_deliveries" ADD CONSTRAINT "event_deliveries_eventId_fkey" FOREIGN KEY ("eventId") REFERENCES "patient_outbox_events"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "event_deliveries" ADD CONSTRAINT "event_deliveries_patientId_fkey" FOREIGN KEY ("patientId") REFERENCES "patients"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddCheck
ALTER TABLE "event_receivers" ADD CONSTRAINT "event_receivers_state_check" CHECK ("state" IN ('ACTIVE', 'PAUSED'));
ALTER TABLE "event_receivers" ADD CONSTRAINT "event_receivers_numbers_check" CHECK ("position" >= 0 AND "failures" >= 0);
ALTER TABLE "event_receivers" ADD CONSTRAINT "event_receivers_previousSecret_check" CHECK (("previousSecret" IS NULL) = ("previousSecretUntil" IS NULL));

-- AddCheck
ALTER TABLE "event_deliveries" ADD CONSTRAINT "event_deliveries_state_check" CHECK ("state" IN ('WAITING', 'DEAD'));
ALTER TABLE "event_deliveries" ADD CONSTRAINT "event_deliveries_attempts_check" CHECK ("attempts" >= 0);

-- AddComment
COMMENT ON COLUMN "patient_outbox_events"."seq" IS 'Place in the order of delivery, counted from 1 without gaps; null until it is given, after the commit of the change.';
COMMENT ON TABLE "event_receivers" IS 'Who is told of events by signed requests (webhooks), and how far each of them is.';
COMMENT ON COLUMN "event_receivers"."id" IS 'Key; time-ordered.';
COMMENT ON COLUMN "event_receivers"."name" IS 'What people call it.';
COMMENT ON COLUMN "event_receivers"."url" IS 'Where events are sent.';
COMMENT ON COLUMN "event_receivers"."eventTypes" IS 'Types of events it wants, such as patient.registered or patient.*; empty for all.';
COMMENT ON COLUMN "event_receivers"."secret" IS 'What its requests are signed with, encrypted (AES-256-GCM) under a key that only the server has.';
COMMENT ON COLUMN "event_receivers"."previousSecret" IS 'The secret before the last rotation, encrypted as well; requests are signed with both for a while.';
COMMENT ON COLUMN "event_receivers"."previousSecretUntil" IS 'Until when requests are signed with the previous secret as well.';
COMMENT ON COLUMN "event_receivers"."state" IS 'ACTIVE, or PAUSED: nothing is sent, and events wait.';
COMMENT ON COLUMN "event_receivers"."position" IS 'Every event up to this seq was taken, was not wanted, or stands in event_deliveries.';
COMMENT ON COLUMN "event_receivers"."failures" IS 'Failed attempts since it took something the last time.';
COMMENT ON COLUMN "event_receivers"."failingSince" IS 'When the first of these was; null while it answers.';
COMMENT ON COLUMN "event_receivers"."lastFailure" IS 'Code of the last failure.';
COMMENT ON COLUMN "event_receivers"."retryAt" IS 'When it is tried again; null for at once.';
COMMENT ON COLUMN "event_receivers"."lastDeliveredAt" IS 'When it took something the last time.';
COMMENT ON COLUMN "event_receivers"."createdAt" IS 'When it was added.';
COMMENT ON COLUMN "event_receivers"."updatedAt" IS 'When the row was changed the last time.';
COMMENT ON TABLE "event_deliveries" IS 'Events that a receiver has not taken though its position is beyond them: refused ones, and later ones of the same patient, which wait so that the order is kept.';
COMMENT ON COLUMN "event_deliveries"."receiverId" IS 'The receiver.';
COMMENT ON COLUMN "event_deliveries"."eventId" IS 'The event.';
COMMENT ON COLUMN "event_deliveries"."seq" IS 'Place of the event in the order of delivery.';
COMMENT ON COLUMN "event_deliveries"."patientId" IS 'The chart: its events go out one after the other.';
COMMENT ON COLUMN "event_deliveries"."state" IS 'WAITING for another attempt or for an earlier event of the patient; DEAD: given up until a person decides.';
COMMENT ON COLUMN "event_deliveries"."attempts" IS 'How often it was sent in vain.';
COMMENT ON COLUMN "event_deliveries"."lastFailure" IS 'Code of the last failure; null where it waits for an earlier one.';
COMMENT ON COLUMN "event_deliveries"."retryAt" IS 'When it is sent again; null for as soon as those before it are through.';
COMMENT ON COLUMN "event_deliveries"."createdAt" IS 'When it was set aside.';
COMMENT ON COLUMN "event_deliveries"."updatedAt" IS 'When the row was changed the last time.';
COMMENT ON INDEX "patient_outbox_events_seq_key" IS 'Serves: the events after the position of a receiver, in order; the last number.';
COMMENT ON INDEX "event_receivers_pkey" IS 'Serves: a receiver by its key.';
COMMENT ON INDEX "event_receivers_name_key" IS 'Serves: a receiver by its name; that no two share one.';
COMMENT ON INDEX "event_deliveries_pkey" IS 'Serves: what has become of an event at a receiver.';
COMMENT ON INDEX "event_deliveries_patientId_receiverId_seq_idx" IS 'Serves: the first event of a patient that a receiver has not taken, and those behind it.';
COMMENT ON INDEX "event_deliveries_receiverId_state_retryAt_idx" IS 'Serves: what is due for another attempt; dead letters of a receiver.';
COMMENT ON INDEX "event_deliveries_eventId_idx" IS 'Serves: whether somebody still waits for an event that is to be removed.';

-- The roles were made by an earlier migration; where one is missing because nobody may create it, the grant is left out as there.
-- Delivered events are removed after a time, hence DELETE on the outbox. Readers and auditors see none of it: secrets stand there.
-- The other grants go with their tables.
-- onechart:undo DO $onechart$
-- onechart:undo BEGIN
-- onechart:undo   IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'onechart_app') AND pg_catalog.to_regclass(pg_catalog.format('%I.%I', pg_catalog.current_schema(), 'patient_outbox_events')) IS NOT NULL THEN
-- onechart:undo     EXECUTE pg_catalog.format('REVOKE DELETE ON TABLE %I.patient_outbox_events FROM onechart_app', pg_catalog.current_schema());
-- onechart:undo   END IF;
-- onechart:undo END
-- onechart:undo $onechart$
-- onechart:done-when COALESCE((SELECT bool_and(COALESCE(CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = wanted.role) THEN pg_catalog.has_table_privilege(wanted.role, pg_catalog.to_regclass(pg_catalog.format('%I.%I', pg_catalog.current_schema(), wanted.relation)), wanted.privilege) ELSE NOT (SELECT me.rolsuper OR me.rolcreaterole FROM pg_catalog.pg_roles me WHERE me.rolname = CURRENT_USER) END, false)) FROM (VALUES ('onechart_app', 'event_receivers', 'SELECT'), ('onechart_app', 'event_receivers', 'INSERT'), ('onechart_app', 'event_receivers', 'UPDATE'), ('onechart_app', 'event_receivers', 'DELETE'), ('onechart_app', 'event_deliveries', 'SELECT'), ('onechart_app', 'event_deliveries', 'INSERT'), ('onechart_app', 'event_deliveries', 'UPDATE'), ('onechart_app', 'event_deliveries', 'DELETE'), ('onechart_app', 'patient_outbox_events', 'DELETE')) AS wanted(role, relation, privilege)), false)
DO $onechart$
BEGIN
  IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'onechart_app') THEN
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE %I.event_receivers TO onechart_app', current_schema());
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE %I.event_deliveries TO onechart_app', current_schema());
    EXECUTE format('GRANT DELETE ON TABLE %I.patient_outbox_events TO onechart_app', current_schema());
  END IF;
END
$onechart$;
