-- Record numbers for when the system is down: a block per desk, printed in advance and accounted for afterwards, number by number.

-- CreateTable
CREATE TABLE "downtime_blocks" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "code" VARCHAR(20) NOT NULL,
    "desk" VARCHAR(100) NOT NULL,
    "authorityCode" VARCHAR(50) NOT NULL,
    "year" INTEGER NOT NULL,
    "mrnBlockId" UUID NOT NULL,
    "validFrom" DATE NOT NULL,
    "validUntil" DATE NOT NULL,
    "keyId" VARCHAR(64) NOT NULL,
    "signature" VARCHAR(128) NOT NULL,
    "issuedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "closedAt" TIMESTAMPTZ(3),
    "closeReason" TEXT,

    CONSTRAINT "downtime_blocks_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "downtime_numbers" (
    "mrn" VARCHAR(50) NOT NULL,
    "blockId" UUID NOT NULL,
    "place" INTEGER NOT NULL,
    "number" BIGINT NOT NULL,
    "checkCharacter" VARCHAR(2) NOT NULL,
    "state" VARCHAR(20) NOT NULL DEFAULT 'OPEN',
    "stateAt" TIMESTAMPTZ(3),
    "reason" TEXT,

    CONSTRAINT "downtime_numbers_pkey" PRIMARY KEY ("mrn")
);

-- CreateIndex
-- Serves: a block by the code that stands on every sheet of it.
CREATE UNIQUE INDEX "downtime_blocks_code_key" ON "downtime_blocks"("code");

-- CreateIndex
-- Serves: no two desks with the same leased numbers; the key to mrn_blocks.
CREATE UNIQUE INDEX "downtime_blocks_mrnBlockId_key" ON "downtime_blocks"("mrnBlockId");

-- CreateIndex
-- Serves: the numbers of a block in the order of its sheets, and how many are in which state.
CREATE UNIQUE INDEX "downtime_numbers_blockId_place_key" ON "downtime_numbers"("blockId", "place");

-- AddForeignKey
ALTER TABLE "downtime_blocks" ADD CONSTRAINT "downtime_blocks_mrnBlockId_fkey" FOREIGN KEY ("mrnBlockId") REFERENCES "mrn_blocks"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "downtime_numbers" ADD CONSTRAINT "downtime_numbers_blockId_fkey" FOREIGN KEY ("blockId") REFERENCES "downtime_blocks"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddCheck
ALTER TABLE "downtime_blocks" ADD CONSTRAINT "downtime_blocks_code_check" CHECK ("code" ~ '^[0-9A-Z]{4}-[0-9A-Z]{4}$');
ALTER TABLE "downtime_blocks" ADD CONSTRAINT "downtime_blocks_desk_check" CHECK ("desk" <> '');
ALTER TABLE "downtime_blocks" ADD CONSTRAINT "downtime_blocks_valid_check" CHECK ("validFrom" <= "validUntil");
ALTER TABLE "downtime_blocks" ADD CONSTRAINT "downtime_blocks_closed_check" CHECK ("closeReason" IS NULL OR "closedAt" IS NOT NULL);

-- AddCheck
ALTER TABLE "downtime_numbers" ADD CONSTRAINT "downtime_numbers_place_check" CHECK ("place" >= 1);
ALTER TABLE "downtime_numbers" ADD CONSTRAINT "downtime_numbers_number_check" CHECK ("number" >= 1);
ALTER TABLE "downtime_numbers" ADD CONSTRAINT "downtime_numbers_state_check" CHECK ("state" IN ('OPEN', 'USED', 'VOID', 'RETURNED', 'MISSING'));
ALTER TABLE "downtime_numbers" ADD CONSTRAINT "downtime_numbers_stateAt_check" CHECK (("state" = 'OPEN') = ("stateAt" IS NULL));
ALTER TABLE "downtime_numbers" ADD CONSTRAINT "downtime_numbers_missing_check" CHECK ("state" <> 'MISSING' OR "reason" IS NOT NULL);

-- AddComment
COMMENT ON TABLE "downtime_blocks" IS 'Record numbers leased for good to a desk, to be written on paper while the system is down. Who issued and closed a block stands in the audit trail.';
COMMENT ON COLUMN "downtime_blocks"."id" IS 'The block.';
COMMENT ON COLUMN "downtime_blocks"."code" IS 'Short name of the block, on every sheet of it.';
COMMENT ON COLUMN "downtime_blocks"."desk" IS 'The desk that may use the numbers.';
COMMENT ON COLUMN "downtime_blocks"."authorityCode" IS 'Whose numbers they are: code of mrn_authorities.';
COMMENT ON COLUMN "downtime_blocks"."year" IS 'The counter they come from; 0 where the format has no year.';
COMMENT ON COLUMN "downtime_blocks"."mrnBlockId" IS 'The leased block, by which the gap report explains the numbers.';
COMMENT ON COLUMN "downtime_blocks"."validFrom" IS 'First day on which the sheets may be used.';
COMMENT ON COLUMN "downtime_blocks"."validUntil" IS 'Last day on which the sheets may be used.';
COMMENT ON COLUMN "downtime_blocks"."keyId" IS 'The key that proves the signature: first 16 hexadecimal digits of the SHA-256 of its public half (SPKI, DER).';
COMMENT ON COLUMN "downtime_blocks"."signature" IS 'Ed25519 signature over desk, numbers and validity, base64.';
COMMENT ON COLUMN "downtime_blocks"."issuedAt" IS 'When the numbers were leased.';
COMMENT ON COLUMN "downtime_blocks"."closedAt" IS 'When every number was accounted for; null before.';
COMMENT ON COLUMN "downtime_blocks"."closeReason" IS 'Why numbers are missing or were marked void; null when every sheet is there.';
COMMENT ON TABLE "downtime_numbers" IS 'The numbers of downtime blocks: a row for each sheet, with what became of it.';
COMMENT ON COLUMN "downtime_numbers"."mrn" IS 'The record number as it is printed, without the check character beside it.';
COMMENT ON COLUMN "downtime_numbers"."blockId" IS 'The block.';
COMMENT ON COLUMN "downtime_numbers"."place" IS 'Place of the sheet in its block, from 1.';
COMMENT ON COLUMN "downtime_numbers"."number" IS 'The number that the counter gave.';
COMMENT ON COLUMN "downtime_numbers"."checkCharacter" IS 'ISO 7064 check character beside the number on paper; empty where the number ends in a check digit of its own.';
COMMENT ON COLUMN "downtime_numbers"."state" IS 'OPEN: on paper, or not asked for yet; USED: a chart carries it; VOID: never to be used; RETURNED: given back to the counter; MISSING: nobody can find the sheet.';
COMMENT ON COLUMN "downtime_numbers"."stateAt" IS 'Since when it is in that state; null while it is OPEN.';
COMMENT ON COLUMN "downtime_numbers"."reason" IS 'Why the number is void or missing.';
COMMENT ON INDEX "downtime_blocks_pkey" IS 'Serves: a block by its id.';
COMMENT ON INDEX "downtime_blocks_code_key" IS 'Serves: a block by the code that stands on every sheet of it.';
COMMENT ON INDEX "downtime_blocks_mrnBlockId_key" IS 'Serves: no two desks with the same leased numbers; the key to mrn_blocks.';
COMMENT ON INDEX "downtime_numbers_pkey" IS 'Serves: a scanned number; no number on two sheets.';
COMMENT ON INDEX "downtime_numbers_blockId_place_key" IS 'Serves: the numbers of a block in the order of its sheets, and how many are in which state.';

-- The roles were made by an earlier migration; where one is missing because nobody may create it, the grant is left out as there.
-- Nothing is deleted: a number that was once on paper keeps its row for ever.
-- onechart:undo-not-needed The grants go with the tables.
-- onechart:done-when COALESCE((SELECT bool_and(COALESCE(CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = wanted.role) THEN pg_catalog.has_table_privilege(wanted.role, pg_catalog.to_regclass(pg_catalog.format('%I.%I', pg_catalog.current_schema(), wanted.relation)), wanted.privilege) ELSE NOT (SELECT me.rolsuper OR me.rolcreaterole FROM pg_catalog.pg_roles me WHERE me.rolname = CURRENT_USER) END, false)) FROM (VALUES ('onechart_app', 'downtime_blocks', 'SELECT'), ('onechart_app', 'downtime_blocks', 'INSERT'), ('onechart_app', 'downtime_blocks', 'UPDATE'), ('onechart_app', 'downtime_numbers', 'SELECT'), ('onechart_app', 'downtime_numbers', 'INSERT'), ('onechart_app', 'downtime_numbers', 'UPDATE'), ('onechart_auditor', 'downtime_blocks', 'SELECT'), ('onechart_auditor', 'downtime_numbers', 'SELECT'), ('onechart_reader', 'downtime_blocks', 'SELECT'), ('onechart_reader', 'downtime_numbers', 'SELECT')) AS wanted(role, relation, privilege)), false)
DO $onechart$
BEGIN
  IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'onechart_app') THEN
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON TABLE %1$I.downtime_blocks, %1$I.downtime_numbers TO onechart_app', current_schema());
  END IF;
  IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'onechart_auditor') THEN
    EXECUTE format('GRANT SELECT ON TABLE %1$I.downtime_blocks, %1$I.downtime_numbers TO onechart_auditor', current_schema());
  END IF;
  IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'onechart_reader') THEN
    EXECUTE format('GRANT SELECT ON TABLE %1$I.downtime_blocks, %1$I.downtime_numbers TO onechart_reader', current_schema());
  END IF;
END
$onechart$;
