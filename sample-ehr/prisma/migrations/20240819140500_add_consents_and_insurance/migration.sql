-- CreateEnum
CREATE TYPE "ConsentStatus" AS ENUM ('PENDING', 'SIGNED', 'REFUSED', 'WITHDRAWN');

-- CreateTable
CREATE TABLE "consent_templates" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "name" TEXT NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,
    "body" TEXT NOT NULL,

    CONSTRAINT "consent_templates_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "patient_consent_instances" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "patientId" UUID NOT NULL,
    "templateId" UUID NOT NULL,
    "surgicalCaseId" UUID,
    "witnessId" UUID,
    "status" "ConsentStatus" NOT NULL DEFAULT 'PENDING',
    "signedAt" TIMESTAMP(3),
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "patient_consent_instances_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "insurance_policies" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "patientId" UUID NOT NULL,
    "payerName" VARCHAR(150) NOT NULL,
    "policyNumber" VARCHAR(50) NOT NULL,
    "groupNumber" VARCHAR(50),
    "holderName" VARCHAR(200),
    "validFrom" DATE NOT NULL,
    "validTo" DATE,
    "active" BOOLEAN NOT NULL DEFAULT true,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "insurance_policies_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "consent_templates_name_version_key" ON "consent_templates"("name", "version");

-- CreateIndex
CREATE INDEX "patient_consent_instances_patientId_idx" ON "patient_consent_instances"("patientId");

-- CreateIndex
CREATE UNIQUE INDEX "insurance_policies_patientId_policyNumber_key" ON "insurance_policies"("patientId", "policyNumber");

-- AddForeignKey
ALTER TABLE "patient_consent_instances" ADD CONSTRAINT "patient_consent_instances_templateId_fkey" FOREIGN KEY ("templateId") REFERENCES "consent_templates"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "patient_consent_instances" ADD CONSTRAINT "patient_consent_instances_surgicalCaseId_fkey" FOREIGN KEY ("surgicalCaseId") REFERENCES "surgical_cases"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "patient_consent_instances" ADD CONSTRAINT "patient_consent_instances_witnessId_fkey" FOREIGN KEY ("witnessId") REFERENCES "users"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- Added by hand, as Prisma has no notation for CHECK constraints.
ALTER TABLE "insurance_policies" ADD CONSTRAINT "insurance_policies_dates_check" CHECK ("validFrom" <= "validTo");
