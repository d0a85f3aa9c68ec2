-- What may not be, whoever writes: status and flags that disagree, death before birth, values outside their lists.

-- AddCheck
ALTER TABLE "patients" ADD CONSTRAINT "patients_mrn_check" CHECK (length(btrim("mrn")) > 0);
ALTER TABLE "patients" ADD CONSTRAINT "patients_lastName_check" CHECK (length(btrim("lastName")) > 0);
ALTER TABLE "patients" ADD CONSTRAINT "patients_dateOfBirth_check" CHECK ("dateOfBirth" >= DATE '1850-01-01');
ALTER TABLE "patients" ADD CONSTRAINT "patients_gender_check" CHECK ("gender" IN ('MALE', 'FEMALE', 'OTHER', 'UNKNOWN'));
ALTER TABLE "patients" ADD CONSTRAINT "patients_bloodType_check" CHECK ("bloodType" IN ('A+', 'A-', 'B+', 'B-', 'AB+', 'AB-', 'O+', 'O-'));
ALTER TABLE "patients" ADD CONSTRAINT "patients_email_check" CHECK ("email" = lower("email"));
ALTER TABLE "patients" ADD CONSTRAINT "patients_restricted_check" CHECK (NOT "restricted" OR ("restrictedReason" IS NOT NULL AND "restrictedAt" IS NOT NULL));
ALTER TABLE "patients" ADD CONSTRAINT "patients_deceased_check" CHECK (CASE WHEN "deceased" THEN "status" IN ('DECEASED', 'ARCHIVED') ELSE "status" <> 'DECEASED' AND "deceasedAt" IS NULL END);
ALTER TABLE "patients" ADD CONSTRAINT "patients_born_before_death_check" CHECK ("dateOfBirth" <= ("deceasedAt" AT TIME ZONE 'UTC')::date + 1);
ALTER TABLE "patients" ADD CONSTRAINT "patients_archived_check" CHECK ("archived" = ("status" = 'ARCHIVED') AND "archived" = ("archivedAt" IS NOT NULL));
ALTER TABLE "patients" ADD CONSTRAINT "patients_merged_check" CHECK (("mergedInto" IS NULL) = ("mergedAt" IS NULL) AND ("mergedInto" IS NULL OR ("archived" AND "mergedInto" <> "id")));
ALTER TABLE "patients" ADD CONSTRAINT "patients_version_check" CHECK ("version" >= 1);

-- AddCheck
ALTER TABLE "patient_contacts" ADD CONSTRAINT "patient_contacts_priority_check" CHECK ("priority" >= 1);

-- AddCheck
ALTER TABLE "patient_documents" ADD CONSTRAINT "patient_documents_documentType_check" CHECK ("documentType" IN ('ID_CARD', 'INSURANCE_CARD', 'PASSPORT', 'DRIVER_LICENSE', 'OTHER'));
ALTER TABLE "patient_documents" ADD CONSTRAINT "patient_documents_fileSize_check" CHECK ("fileSize" >= 0);
ALTER TABLE "patient_documents" ADD CONSTRAINT "patient_documents_dates_check" CHECK ("issuedDate" <= "expiryDate");

-- AddCheck
ALTER TABLE "patient_allergies" ADD CONSTRAINT "patient_allergies_allergyType_check" CHECK ("allergyType" IN ('DRUG', 'FOOD', 'ENVIRONMENTAL', 'OTHER'));
ALTER TABLE "patient_allergies" ADD CONSTRAINT "patient_allergies_severity_check" CHECK ("severity" IN ('MILD', 'MODERATE', 'SEVERE', 'LIFE_THREATENING'));

-- AddCheck
ALTER TABLE "patient_risk_flags" ADD CONSTRAINT "patient_risk_flags_severity_check" CHECK ("severity" IN ('LOW', 'MEDIUM', 'HIGH', 'CRITICAL'));
ALTER TABLE "patient_risk_flags" ADD CONSTRAINT "patient_risk_flags_cleared_check" CHECK ("active" = ("clearedAt" IS NULL));
