-- CreateEnum
CREATE TYPE "UserRole" AS ENUM ('ADMIN', 'SURGEON', 'DOCTOR', 'NURSE', 'FRONT_DESK', 'BILLING', 'HIM', 'AUDITOR');

-- CreateEnum
CREATE TYPE "CaseStatus" AS ENUM ('PLANNED', 'CONFIRMED', 'IN_PROGRESS', 'COMPLETED', 'CANCELLED');

-- CreateEnum
CREATE TYPE "RecordType" AS ENUM ('ADMISSION_NOTE', 'OPERATIVE_NOTE', 'ANAESTHESIA_RECORD', 'PROGRESS_NOTE', 'DISCHARGE_SUMMARY');

-- CreateEnum
CREATE TYPE "BillStatus" AS ENUM ('DRAFT', 'ISSUED', 'PARTLY_PAID', 'PAID', 'VOID');

-- CreateTable
CREATE TABLE "users" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "email" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "role" "UserRole" NOT NULL,
    "active" BOOLEAN NOT NULL DEFAULT true,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "users_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "operating_rooms" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "name" TEXT NOT NULL,
    "building" TEXT NOT NULL,
    "active" BOOLEAN NOT NULL DEFAULT true,

    CONSTRAINT "operating_rooms_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "surgical_cases" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "caseNumber" VARCHAR(30) NOT NULL,
    "patientId" UUID,
    "surgeonId" UUID NOT NULL,
    "operatingRoomId" UUID,
    "status" "CaseStatus" NOT NULL DEFAULT 'PLANNED',
    "procedureCode" VARCHAR(20) NOT NULL,
    "procedureName" TEXT NOT NULL,
    "scheduledAt" TIMESTAMP(3) NOT NULL,
    "startedAt" TIMESTAMP(3),
    "endedAt" TIMESTAMP(3),
    "estimatedMinutes" INTEGER NOT NULL DEFAULT 60,
    "notes" TEXT,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "surgical_cases_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "medical_records" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "patientId" UUID,
    "surgicalCaseId" UUID,
    "authorId" UUID NOT NULL,
    "recordType" "RecordType" NOT NULL,
    "title" VARCHAR(200) NOT NULL,
    "content" TEXT NOT NULL,
    "recordedAt" TIMESTAMP(3) NOT NULL,
    "signedAt" TIMESTAMP(3),
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "medical_records_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "bills" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "invoiceNumber" VARCHAR(30) NOT NULL,
    "patientId" UUID,
    "surgicalCaseId" UUID,
    "issuedById" UUID,
    "status" "BillStatus" NOT NULL DEFAULT 'DRAFT',
    "currency" CHAR(3) NOT NULL DEFAULT 'USD',
    "totalAmount" DECIMAL(12,2) NOT NULL,
    "paidAmount" DECIMAL(12,2) NOT NULL DEFAULT 0,
    "issuedAt" TIMESTAMP(3),
    "dueDate" DATE,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "bills_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "users_email_key" ON "users"("email");

-- CreateIndex
CREATE UNIQUE INDEX "operating_rooms_name_key" ON "operating_rooms"("name");

-- CreateIndex
CREATE UNIQUE INDEX "surgical_cases_caseNumber_key" ON "surgical_cases"("caseNumber");

-- CreateIndex
CREATE INDEX "surgical_cases_scheduledAt_idx" ON "surgical_cases"("scheduledAt");

-- CreateIndex
CREATE INDEX "medical_records_surgicalCaseId_idx" ON "medical_records"("surgicalCaseId");

-- CreateIndex
CREATE UNIQUE INDEX "bills_invoiceNumber_key" ON "bills"("invoiceNumber");

-- CreateIndex
CREATE INDEX "bills_surgicalCaseId_idx" ON "bills"("surgicalCaseId");

-- AddForeignKey
ALTER TABLE "surgical_cases" ADD CONSTRAINT "surgical_cases_surgeonId_fkey" FOREIGN KEY ("surgeonId") REFERENCES "users"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "surgical_cases" ADD CONSTRAINT "surgical_cases_operatingRoomId_fkey" FOREIGN KEY ("operatingRoomId") REFERENCES "operating_rooms"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "medical_records" ADD CONSTRAINT "medical_records_surgicalCaseId_fkey" FOREIGN KEY ("surgicalCaseId") REFERENCES "surgical_cases"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "medical_records" ADD CONSTRAINT "medical_records_authorId_fkey" FOREIGN KEY ("authorId") REFERENCES "users"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "bills" ADD CONSTRAINT "bills_surgicalCaseId_fkey" FOREIGN KEY ("surgicalCaseId") REFERENCES "surgical_cases"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "bills" ADD CONSTRAINT "bills_issuedById_fkey" FOREIGN KEY ("issuedById") REFERENCES "users"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- Prisma has no notation for CHECK constraints; these were added to the generated file by hand.
ALTER TABLE "surgical_cases" ADD CONSTRAINT "surgical_cases_times_check" CHECK ("endedAt" >= "startedAt");
ALTER TABLE "bills" ADD CONSTRAINT "bills_amounts_check" CHECK ("totalAmount" >= 0 AND "paidAmount" BETWEEN 0 AND "totalAmount");
