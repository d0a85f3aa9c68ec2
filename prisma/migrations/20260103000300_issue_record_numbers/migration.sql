-- Medical record numbers: who assigns them, how they look, how far the counter is, and who leased which numbers.
-- Every number from 1 to a counter lies in a block, so that a number without a patient has an explanation for ever.

-- CreateTable
CREATE TABLE "mrn_authorities" (
    "code" VARCHAR(50) NOT NULL,
    "name" VARCHAR(200) NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "mrn_authorities_pkey" PRIMARY KEY ("code")
);

-- CreateTable
CREATE TABLE "mrn_formats" (
    "authorityCode" VARCHAR(50) NOT NULL,
    "version" INTEGER NOT NULL,
    "prefix" VARCHAR(20) NOT NULL,
    "separator" VARCHAR(3) NOT NULL,
    "yearly" BOOLEAN NOT NULL,
    "width" INTEGER NOT NULL,
    "checkDigit" VARCHAR(20) NOT NULL,
    "timeZone" VARCHAR(64) NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "mrn_formats_pkey" PRIMARY KEY ("authorityCode","version")
);

-- CreateTable
CREATE TABLE "mrn_counters" (
    "authorityCode" VARCHAR(50) NOT NULL,
    "year" INTEGER NOT NULL,
    "lastNumber" BIGINT NOT NULL,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "mrn_counters_pkey" PRIMARY KEY ("authorityCode","year")
);

-- CreateTable
CREATE TABLE "mrn_blocks" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "authorityCode" VARCHAR(50) NOT NULL,
    "formatVersion" INTEGER NOT NULL,
    "year" INTEGER NOT NULL,
    "kind" VARCHAR(20) NOT NULL,
    "firstNumber" BIGINT NOT NULL,
    "lastNumber" BIGINT NOT NULL,
    "instance" VARCHAR(64) NOT NULL,
    "host" VARCHAR(255) NOT NULL,
    "processId" INTEGER NOT NULL,
    "leasedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "expiresAt" TIMESTAMPTZ(3) NOT NULL,
    "closedAt" TIMESTAMPTZ(3),

    CONSTRAINT "mrn_blocks_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "mrn_returned_ranges" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "authorityCode" VARCHAR(50) NOT NULL,
    "year" INTEGER NOT NULL,
    "firstNumber" BIGINT NOT NULL,
    "lastNumber" BIGINT NOT NULL,
    "returnedByBlockId" UUID NOT NULL,
    "returnedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "takenByBlockId" UUID,
    "takenAt" TIMESTAMPTZ(3),

    CONSTRAINT "mrn_returned_ranges_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
-- Serves: the gap report, which walks the blocks of one year in order.
CREATE INDEX "mrn_blocks_authorityCode_year_firstNumber_idx" ON "mrn_blocks"("authorityCode", "year", "firstNumber");

-- CreateIndex
-- Serves: a lease, which takes the lowest returned range that nobody has taken ("takenByBlockId" IS NULL).
CREATE INDEX "mrn_returned_ranges_year_takenByBlockId_firstNumber_idx" ON "mrn_returned_ranges"("year", "takenByBlockId", "firstNumber");

-- CreateIndex
-- Serves: the gap report, which subtracts from a block what it gave back.
CREATE INDEX "mrn_returned_ranges_returnedByBlockId_idx" ON "mrn_returned_ranges"("returnedByBlockId");

-- AddForeignKey
ALTER TABLE "mrn_formats" ADD CONSTRAINT "mrn_formats_authorityCode_fkey" FOREIGN KEY ("authorityCode") REFERENCES "mrn_authorities"("code") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "mrn_counters" ADD CONSTRAINT "mrn_counters_authorityCode_fkey" FOREIGN KEY ("authorityCode") REFERENCES "mrn_authorities"("code") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
-- onechart:ignore foreign-key-without-index a format is never deleted and its version never changed, so that nobody looks for its blocks
ALTER TABLE "mrn_blocks" ADD CONSTRAINT "mrn_blocks_authorityCode_formatVersion_fkey" FOREIGN KEY ("authorityCode", "formatVersion") REFERENCES "mrn_formats"("authorityCode", "version") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "mrn_returned_ranges" ADD CONSTRAINT "mrn_returned_ranges_returnedByBlockId_fkey" FOREIGN KEY ("returnedByBlockId") REFERENCES "mrn_blocks"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
-- onechart:ignore foreign-key-without-index a block is never deleted, so that nobody looks for the ranges it took
ALTER TABLE "mrn_returned_ranges" ADD CONSTRAINT "mrn_returned_ranges_takenByBlockId_fkey" FOREIGN KEY ("takenByBlockId") REFERENCES "mrn_blocks"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddCheck
ALTER TABLE "mrn_formats" ADD CONSTRAINT "mrn_formats_version_check" CHECK ("version" >= 1);
ALTER TABLE "mrn_formats" ADD CONSTRAINT "mrn_formats_width_check" CHECK ("width" BETWEEN 1 AND 15);
ALTER TABLE "mrn_formats" ADD CONSTRAINT "mrn_formats_checkDigit_check" CHECK ("checkDigit" IN ('none', 'luhn-mod-10', 'luhn-mod-36', 'verhoeff', 'iso7064-mod11-10', 'iso7064-mod37-36', 'iso7064-mod97-10'));

-- AddCheck
ALTER TABLE "mrn_counters" ADD CONSTRAINT "mrn_counters_year_check" CHECK ("year" BETWEEN 0 AND 9999);
ALTER TABLE "mrn_counters" ADD CONSTRAINT "mrn_counters_lastNumber_check" CHECK ("lastNumber" BETWEEN 0 AND 999999999999999);

-- AddCheck
ALTER TABLE "mrn_blocks" ADD CONSTRAINT "mrn_blocks_kind_check" CHECK ("kind" IN ('LEASE', 'RAISE'));
ALTER TABLE "mrn_blocks" ADD CONSTRAINT "mrn_blocks_numbers_check" CHECK ("firstNumber" >= 1 AND "firstNumber" <= "lastNumber");

-- AddCheck
ALTER TABLE "mrn_returned_ranges" ADD CONSTRAINT "mrn_returned_ranges_numbers_check" CHECK ("firstNumber" >= 1 AND "firstNumber" <= "lastNumber");
ALTER TABLE "mrn_returned_ranges" ADD CONSTRAINT "mrn_returned_ranges_taken_check" CHECK (("takenByBlockId" IS NULL) = ("takenAt" IS NULL));
