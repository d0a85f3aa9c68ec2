-- CreateEnum
CREATE TYPE "PatientStatus" AS ENUM ('ACTIVE', 'INACTIVE', 'DECEASED', 'ARCHIVED');

-- CreateTable
CREATE TABLE "patients" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "mrn" VARCHAR(50) NOT NULL,
    "firstName" VARCHAR(100),
    "middleName" VARCHAR(100),
    "lastName" VARCHAR(100) NOT NULL,
    "dateOfBirth" DATE,
    "gender" VARCHAR(20),
    "bloodType" VARCHAR(5),
    "email" VARCHAR(255),
    "phone" VARCHAR(50),
    "phoneSecondary" VARCHAR(50),
    "addressLine1" VARCHAR(255),
    "addressLine2" VARCHAR(255),
    "city" VARCHAR(100),
    "state" VARCHAR(100),
    "zipCode" VARCHAR(20),
    "country" VARCHAR(100),
    "status" "PatientStatus" NOT NULL DEFAULT 'ACTIVE',
    "restricted" BOOLEAN NOT NULL DEFAULT false,
    "restrictedReason" TEXT,
    "restrictedAt" TIMESTAMPTZ(3),
    "restrictedBy" UUID,
    "deceased" BOOLEAN NOT NULL DEFAULT false,
    "deceasedAt" TIMESTAMPTZ(3),
    "deceasedBy" UUID,
    "archived" BOOLEAN NOT NULL DEFAULT false,
    "archivedAt" TIMESTAMPTZ(3),
    "archivedBy" UUID,
    "archivedReason" TEXT,
    "mergedInto" UUID,
    "mergedAt" TIMESTAMPTZ(3),
    "mergedBy" UUID,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "createdBy" UUID,
    "updatedBy" UUID,
    "version" INTEGER NOT NULL DEFAULT 1,

    CONSTRAINT "patients_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "patient_contacts" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "patientId" UUID NOT NULL,
    "firstName" VARCHAR(100) NOT NULL,
    "lastName" VARCHAR(100) NOT NULL,
    "relationship" VARCHAR(50) NOT NULL,
    "phone" VARCHAR(50),
    "email" VARCHAR(255),
    "address" TEXT,
    "isEmergencyContact" BOOLEAN NOT NULL DEFAULT false,
    "priority" INTEGER NOT NULL DEFAULT 1,
    "notes" TEXT,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "createdBy" UUID,
    "updatedBy" UUID,

    CONSTRAINT "patient_contacts_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "patient_documents" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "patientId" UUID NOT NULL,
    "documentType" VARCHAR(50) NOT NULL,
    "documentNumber" VARCHAR(100),
    "fileName" VARCHAR(255),
    "filePath" VARCHAR(1024),
    "fileSize" INTEGER,
    "mimeType" VARCHAR(100),
    "issuedBy" VARCHAR(255),
    "issuedDate" DATE,
    "expiryDate" DATE,
    "isVerified" BOOLEAN NOT NULL DEFAULT false,
    "verifiedBy" UUID,
    "notes" TEXT,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "createdBy" UUID,
    "updatedBy" UUID,

    CONSTRAINT "patient_documents_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "patient_allergies" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "patientId" UUID NOT NULL,
    "allergen" VARCHAR(255) NOT NULL,
    "allergyType" VARCHAR(50) NOT NULL,
    "severity" VARCHAR(50) NOT NULL,
    "reaction" TEXT,
    "diagnosedAt" DATE,
    "diagnosedBy" UUID,
    "active" BOOLEAN NOT NULL DEFAULT true,
    "notes" TEXT,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "createdBy" UUID,
    "updatedBy" UUID,

    CONSTRAINT "patient_allergies_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "patient_risk_flags" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "patientId" UUID NOT NULL,
    "flagType" VARCHAR(50) NOT NULL,
    "severity" VARCHAR(50) NOT NULL,
    "description" TEXT,
    "setBy" UUID,
    "setAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "active" BOOLEAN NOT NULL DEFAULT true,
    "clearedBy" UUID,
    "clearedAt" TIMESTAMPTZ(3),
    "notes" TEXT,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "patient_risk_flags_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "patient_merge_history" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "sourcePatientId" UUID NOT NULL,
    "targetPatientId" UUID NOT NULL,
    "mergedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "mergedBy" UUID,
    "reason" TEXT,
    "mergeEventId" UUID NOT NULL DEFAULT gen_random_uuid(),

    CONSTRAINT "patient_merge_history_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
-- Serves: find a patient by MRN; no MRN twice.
CREATE UNIQUE INDEX "patients_mrn_key" ON "patients"("mrn");

-- CreateIndex
-- Serves: search by family name, then given name; lists in name order.
CREATE INDEX "patients_lastName_firstName_idx" ON "patients"("lastName", "firstName");

-- CreateIndex
-- Serves: search by date of birth, narrowed by family name.
CREATE INDEX "patients_dateOfBirth_lastName_idx" ON "patients"("dateOfBirth", "lastName");

-- CreateIndex
-- Serves: find a patient by e-mail address (kept in lower case).
CREATE INDEX "patients_email_idx" ON "patients"("email");

-- CreateIndex
-- Serves: search by telephone number.
CREATE INDEX "patients_phone_idx" ON "patients"("phone");

-- CreateIndex
-- Serves: search by telephone number, the second one.
CREATE INDEX "patients_phoneSecondary_idx" ON "patients"("phoneSecondary");

-- CreateIndex
-- Serves: lists filtered by status, newest first.
CREATE INDEX "patients_status_createdAt_id_idx" ON "patients"("status", "createdAt", "id");

-- CreateIndex
-- Serves: lists of all patients, newest first.
CREATE INDEX "patients_createdAt_id_idx" ON "patients"("createdAt", "id");

-- CreateIndex
-- Serves: what has changed since, for systems that follow the registry.
CREATE INDEX "patients_updatedAt_id_idx" ON "patients"("updatedAt", "id");

-- CreateIndex
-- Serves: the charts that were merged into this one.
CREATE INDEX "patients_mergedInto_idx" ON "patients"("mergedInto");

-- CreateIndex
-- Serves: lists by the user who registered the patient; removal of a user.
CREATE INDEX "patients_createdBy_idx" ON "patients"("createdBy");

-- CreateIndex
-- Serves: lists by the user who last changed the patient; removal of a user.
CREATE INDEX "patients_updatedBy_idx" ON "patients"("updatedBy");

-- CreateIndex
-- Serves: lists by the user who restricted the patient; removal of a user.
CREATE INDEX "patients_restrictedBy_idx" ON "patients"("restrictedBy");

-- CreateIndex
-- Serves: lists by the user who recorded the death; removal of a user.
CREATE INDEX "patients_deceasedBy_idx" ON "patients"("deceasedBy");

-- CreateIndex
-- Serves: lists by the user who archived the patient; removal of a user.
CREATE INDEX "patients_archivedBy_idx" ON "patients"("archivedBy");

-- CreateIndex
-- Serves: lists by the user who merged the patient; removal of a user.
CREATE INDEX "patients_mergedBy_idx" ON "patients"("mergedBy");

-- CreateIndex
-- Serves: the contacts of a patient, first to call first.
CREATE INDEX "patient_contacts_patientId_priority_idx" ON "patient_contacts"("patientId", "priority");

-- CreateIndex
-- Serves: find the patient whose contact calls from this number.
CREATE INDEX "patient_contacts_phone_idx" ON "patient_contacts"("phone");

-- CreateIndex
-- Serves: the documents of a patient, by type.
CREATE INDEX "patient_documents_patientId_documentType_idx" ON "patient_documents"("patientId", "documentType");

-- CreateIndex
-- Serves: find a patient by the number of a document.
CREATE INDEX "patient_documents_documentNumber_documentType_idx" ON "patient_documents"("documentNumber", "documentType");

-- CreateIndex
-- Serves: the active allergies of a patient.
CREATE INDEX "patient_allergies_patientId_active_idx" ON "patient_allergies"("patientId", "active");

-- CreateIndex
-- Serves: the active risk flags of a patient.
CREATE INDEX "patient_risk_flags_patientId_active_idx" ON "patient_risk_flags"("patientId", "active");

-- CreateIndex
-- Serves: where a merged chart went.
CREATE INDEX "patient_merge_history_sourcePatientId_mergedAt_idx" ON "patient_merge_history"("sourcePatientId", "mergedAt");

-- CreateIndex
-- Serves: what was merged into a chart.
CREATE INDEX "patient_merge_history_targetPatientId_mergedAt_idx" ON "patient_merge_history"("targetPatientId", "mergedAt");

-- AddForeignKey
ALTER TABLE "surgical_cases" ADD CONSTRAINT "surgical_cases_patientId_fkey" FOREIGN KEY ("patientId") REFERENCES "patients"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "medical_records" ADD CONSTRAINT "medical_records_patientId_fkey" FOREIGN KEY ("patientId") REFERENCES "patients"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "bills" ADD CONSTRAINT "bills_patientId_fkey" FOREIGN KEY ("patientId") REFERENCES "patients"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "patient_consent_instances" ADD CONSTRAINT "patient_consent_instances_patientId_fkey" FOREIGN KEY ("patientId") REFERENCES "patients"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "insurance_policies" ADD CONSTRAINT "insurance_policies_patientId_fkey" FOREIGN KEY ("patientId") REFERENCES "patients"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "patients" ADD CONSTRAINT "patients_restrictedBy_fkey" FOREIGN KEY ("restrictedBy") REFERENCES "users"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "patients" ADD CONSTRAINT "patients_deceasedBy_fkey" FOREIGN KEY ("deceasedBy") REFERENCES "users"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "patients" ADD CONSTRAINT "patients_archivedBy_fkey" FOREIGN KEY ("archivedBy") REFERENCES "users"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "patients" ADD CONSTRAINT "patients_mergedBy_fkey" FOREIGN KEY ("mergedBy") REFERENCES "users"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "patients" ADD CONSTRAINT "patients_createdBy_fkey" FOREIGN KEY ("createdBy") REFERENCES "users"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "patients" ADD CONSTRAINT "patients_updatedBy_fkey" FOREIGN KEY ("updatedBy") REFERENCES "users"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "patient_contacts" ADD CONSTRAINT "patient_contacts_patientId_fkey" FOREIGN KEY ("patientId") REFERENCES "patients"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "patient_documents" ADD CONSTRAINT "patient_documents_patientId_fkey" FOREIGN KEY ("patientId") REFERENCES "patients"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "patient_allergies" ADD CONSTRAINT "patient_allergies_patientId_fkey" FOREIGN KEY ("patientId") REFERENCES "patients"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "patient_risk_flags" ADD CONSTRAINT "patient_risk_flags_patientId_fkey" FOREIGN KEY ("patientId") REFERENCES "patients"("id") ON DELETE CASCADE ON UPDATE CASCADE;
