-- AlterTable
ALTER TABLE "users" ADD COLUMN     "lastSeenAt" TIMESTAMP(3);

-- CreateIndex
CREATE INDEX "surgical_cases_patientId_idx" ON "surgical_cases"("patientId");
