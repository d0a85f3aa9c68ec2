-- What a registration desk meets: several names, numbers of other authorities, addresses that change, dates of birth that are not known,
-- patients without a name, newborns. The columns of the first migration keep the official name, the home address, two telephone numbers and the
-- e-mail address, and only they do; the tables made here keep everything beside and before them.

-- AlterTable
ALTER TABLE "patients" ADD COLUMN     "dateOfBirthPrecision" VARCHAR(10),
ADD COLUMN     "preferredLanguage" VARCHAR(35),
ADD COLUMN     "motherId" UUID,
ADD COLUMN     "birthOrder" INTEGER,
ADD COLUMN     "multipleBirthCount" INTEGER,
ADD COLUMN     "identityStatus" VARCHAR(20),
ADD COLUMN     "photoDocumentId" UUID;

-- AlterTable
ALTER TABLE "patient_contacts" ADD COLUMN     "isNextOfKin" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "language" VARCHAR(35);

-- CreateTable
CREATE TABLE "patient_names" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "patientId" UUID NOT NULL,
    "use" VARCHAR(20) NOT NULL,
    "firstName" VARCHAR(100),
    "middleName" VARCHAR(100),
    "lastName" VARCHAR(100) NOT NULL,
    "script" VARCHAR(4),
    "language" VARCHAR(35),
    "periodStart" DATE,
    "periodEnd" DATE,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "createdBy" UUID,
    "updatedBy" UUID,

    CONSTRAINT "patient_names_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "patient_addresses" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "patientId" UUID NOT NULL,
    "use" VARCHAR(20) NOT NULL,
    "addressLine1" VARCHAR(255),
    "addressLine2" VARCHAR(255),
    "city" VARCHAR(100),
    "state" VARCHAR(100),
    "zipCode" VARCHAR(20),
    "country" VARCHAR(100),
    "periodStart" DATE,
    "periodEnd" DATE,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "createdBy" UUID,
    "updatedBy" UUID,

    CONSTRAINT "patient_addresses_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "patient_telecoms" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "patientId" UUID NOT NULL,
    "system" VARCHAR(20) NOT NULL,
    "use" VARCHAR(20) NOT NULL,
    "value" VARCHAR(255) NOT NULL,
    "periodStart" DATE,
    "periodEnd" DATE,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "createdBy" UUID,
    "updatedBy" UUID,

    CONSTRAINT "patient_telecoms_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "identifier_authorities" (
    "code" VARCHAR(50) NOT NULL,
    "name" VARCHAR(200) NOT NULL,
    "systemUri" VARCHAR(255),
    "type" VARCHAR(20) NOT NULL,
    "pattern" VARCHAR(255),
    "checkDigit" VARCHAR(20) NOT NULL,
    "shared" BOOLEAN NOT NULL DEFAULT false,
    "active" BOOLEAN NOT NULL DEFAULT true,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "createdBy" UUID,
    "updatedBy" UUID,

    CONSTRAINT "identifier_authorities_pkey" PRIMARY KEY ("code")
);

-- CreateTable
CREATE TABLE "patient_identifiers" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "patientId" UUID NOT NULL,
    "authorityCode" VARCHAR(50),
    "system" VARCHAR(255),
    "type" VARCHAR(20) NOT NULL,
    "value" VARCHAR(100) NOT NULL,
    "periodStart" DATE,
    "periodEnd" DATE,
    "isVerified" BOOLEAN NOT NULL DEFAULT false,
    "verifiedAt" TIMESTAMPTZ(3),
    "verifiedBy" UUID,
    "notes" TEXT,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "createdBy" UUID,
    "updatedBy" UUID,

    CONSTRAINT "patient_identifiers_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
-- Serves: the children of a mother; the foreign key's check.
CREATE INDEX "patients_motherId_idx" ON "patients"("motherId");

-- CreateIndex
-- Serves: the names of a chart; the foreign key's cascade.
CREATE INDEX "patient_names_patientId_use_idx" ON "patient_names"("patientId", "use");

-- CreateIndex
-- Serves: a search by a name that the patient also has or had.
CREATE INDEX "patient_names_lastName_firstName_idx" ON "patient_names"("lastName", "firstName");

-- CreateIndex
-- Serves: the addresses of a chart; the foreign key's cascade.
CREATE INDEX "patient_addresses_patientId_use_idx" ON "patient_addresses"("patientId", "use");

-- CreateIndex
-- Serves: the telecoms of a chart; the foreign key's cascade.
CREATE INDEX "patient_telecoms_patientId_system_idx" ON "patient_telecoms"("patientId", "system");

-- CreateIndex
-- Serves: a search by a telephone number or e-mail address that the patient also has or had.
CREATE INDEX "patient_telecoms_value_idx" ON "patient_telecoms"("value");

-- CreateIndex
-- Serves: the identifiers of a chart; the foreign key's cascade.
CREATE INDEX "patient_identifiers_patientId_type_idx" ON "patient_identifiers"("patientId", "type");

-- CreateIndex
-- Serves: the patient with this number; whether a number is in use already.
CREATE INDEX "patient_identifiers_value_type_idx" ON "patient_identifiers"("value", "type");

-- CreateIndex
-- Serves: the numbers of one authority; the foreign key's check.
CREATE INDEX "patient_identifiers_authorityCode_idx" ON "patient_identifiers"("authorityCode");

-- AddForeignKey
ALTER TABLE "patients" ADD CONSTRAINT "patients_motherId_fkey" FOREIGN KEY ("motherId") REFERENCES "patients"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "patient_names" ADD CONSTRAINT "patient_names_patientId_fkey" FOREIGN KEY ("patientId") REFERENCES "patients"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "patient_addresses" ADD CONSTRAINT "patient_addresses_patientId_fkey" FOREIGN KEY ("patientId") REFERENCES "patients"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "patient_telecoms" ADD CONSTRAINT "patient_telecoms_patientId_fkey" FOREIGN KEY ("patientId") REFERENCES "patients"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "patient_identifiers" ADD CONSTRAINT "patient_identifiers_patientId_fkey" FOREIGN KEY ("patientId") REFERENCES "patients"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "patient_identifiers" ADD CONSTRAINT "patient_identifiers_authorityCode_fkey" FOREIGN KEY ("authorityCode") REFERENCES "identifier_authorities"("code") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddCheck
ALTER TABLE "patients" ADD CONSTRAINT "patients_dateOfBirthPrecision_check" CHECK ("dateOfBirthPrecision" IN ('DAY', 'MONTH', 'YEAR', 'ESTIMATED'));
ALTER TABLE "patients" ADD CONSTRAINT "patients_motherId_check" CHECK ("motherId" <> "id");
ALTER TABLE "patients" ADD CONSTRAINT "patients_birthOrder_check" CHECK ("birthOrder" >= 1 AND "birthOrder" <= "multipleBirthCount");
ALTER TABLE "patients" ADD CONSTRAINT "patients_multipleBirthCount_check" CHECK ("multipleBirthCount" >= 1);
ALTER TABLE "patients" ADD CONSTRAINT "patients_identityStatus_check" CHECK ("identityStatus" IN ('KNOWN', 'UNIDENTIFIED', 'TEMPORARY'));

-- AddCheck
ALTER TABLE "patient_names" ADD CONSTRAINT "patient_names_use_check" CHECK ("use" IN ('FORMER', 'MAIDEN', 'ALIAS', 'NICKNAME', 'TRANSCRIPTION', 'TEMPORARY'));
ALTER TABLE "patient_names" ADD CONSTRAINT "patient_names_lastName_check" CHECK (length(btrim("lastName")) > 0);
ALTER TABLE "patient_names" ADD CONSTRAINT "patient_names_script_check" CHECK ("script" ~ '^[A-Z][a-z]{3}$');
ALTER TABLE "patient_names" ADD CONSTRAINT "patient_names_period_check" CHECK ("periodStart" <= "periodEnd");

-- AddCheck
ALTER TABLE "patient_addresses" ADD CONSTRAINT "patient_addresses_use_check" CHECK ("use" IN ('FORMER', 'WORK', 'TEMPORARY', 'BILLING', 'OTHER'));
ALTER TABLE "patient_addresses" ADD CONSTRAINT "patient_addresses_content_check" CHECK (num_nonnulls("addressLine1", "addressLine2", "city", "state", "zipCode", "country") > 0);
ALTER TABLE "patient_addresses" ADD CONSTRAINT "patient_addresses_period_check" CHECK ("periodStart" <= "periodEnd");

-- AddCheck
ALTER TABLE "patient_telecoms" ADD CONSTRAINT "patient_telecoms_system_check" CHECK ("system" IN ('PHONE', 'EMAIL', 'FAX', 'URL', 'OTHER'));
ALTER TABLE "patient_telecoms" ADD CONSTRAINT "patient_telecoms_use_check" CHECK ("use" IN ('FORMER', 'HOME', 'WORK', 'MOBILE', 'TEMPORARY', 'OTHER'));
ALTER TABLE "patient_telecoms" ADD CONSTRAINT "patient_telecoms_value_check" CHECK (length(btrim("value")) > 0);
ALTER TABLE "patient_telecoms" ADD CONSTRAINT "patient_telecoms_period_check" CHECK ("periodStart" <= "periodEnd");

-- AddCheck
ALTER TABLE "identifier_authorities" ADD CONSTRAINT "identifier_authorities_code_check" CHECK (length(btrim("code")) > 0);
ALTER TABLE "identifier_authorities" ADD CONSTRAINT "identifier_authorities_type_check" CHECK ("type" ~ '^[A-Z][A-Z0-9]{0,19}$');
ALTER TABLE "identifier_authorities" ADD CONSTRAINT "identifier_authorities_checkDigit_check" CHECK ("checkDigit" IN ('none', 'luhn-mod-10', 'luhn-mod-36', 'verhoeff', 'iso7064-mod11-10', 'iso7064-mod37-36', 'iso7064-mod97-10', 'mod-11'));

-- AddCheck
ALTER TABLE "patient_identifiers" ADD CONSTRAINT "patient_identifiers_type_check" CHECK ("type" ~ '^[A-Z][A-Z0-9]{0,19}$');
ALTER TABLE "patient_identifiers" ADD CONSTRAINT "patient_identifiers_value_check" CHECK (length(btrim("value")) > 0);
ALTER TABLE "patient_identifiers" ADD CONSTRAINT "patient_identifiers_verified_check" CHECK ("isVerified" = ("verifiedAt" IS NOT NULL) AND ("verifiedBy" IS NULL OR "isVerified"));
ALTER TABLE "patient_identifiers" ADD CONSTRAINT "patient_identifiers_period_check" CHECK ("periodStart" <= "periodEnd");

-- AddComment
COMMENT ON COLUMN "patients"."dateOfBirthPrecision" IS 'How exact dateOfBirth is: DAY, MONTH (the day is written as 01), YEAR (written as 01-01) or ESTIMATED (from an age that somebody judged). Null counts as DAY. A host that writes dateOfBirth by itself sets this to null.';
COMMENT ON COLUMN "patients"."preferredLanguage" IS 'Language to speak with the patient, as a BCP 47 tag such as sw or pt-BR.';
COMMENT ON COLUMN "patients"."motherId" IS 'Chart of the mother, for newborns; it may be kept for life.';
COMMENT ON COLUMN "patients"."birthOrder" IS 'Which of several born together: 1 is the first.';
COMMENT ON COLUMN "patients"."multipleBirthCount" IS 'How many were born together: 2 for twins.';
COMMENT ON COLUMN "patients"."identityStatus" IS 'KNOWN, UNIDENTIFIED (registered before anybody knew the person) or TEMPORARY (a newborn without a given name). Null counts as KNOWN.';
COMMENT ON COLUMN "patients"."photoDocumentId" IS 'The document of this chart that holds the portrait. Without a foreign key, as documents refer to the patient.';
COMMENT ON INDEX "patients_motherId_idx" IS 'Serves: the children of a mother; the foreign key''s check.';

-- AddComment
COMMENT ON COLUMN "patient_contacts"."isNextOfKin" IS 'Whether this contact is the next of kin.';
COMMENT ON COLUMN "patient_contacts"."language" IS 'Language to speak with the contact, as a BCP 47 tag.';

-- AddComment
COMMENT ON TABLE "patient_names" IS 'Names beside the official one, which is in patients: former, maiden, alias, nickname, the same in another script.';
COMMENT ON COLUMN "patient_names"."id" IS 'Key.';
COMMENT ON COLUMN "patient_names"."patientId" IS 'The chart.';
COMMENT ON COLUMN "patient_names"."use" IS 'FORMER (an official name of earlier), MAIDEN, ALIAS, NICKNAME, TRANSCRIPTION (the official name in another script) or TEMPORARY (as an unidentified patient or newborn was called).';
COMMENT ON COLUMN "patient_names"."firstName" IS 'Given name; null for a single name.';
COMMENT ON COLUMN "patient_names"."middleName" IS 'Further given names.';
COMMENT ON COLUMN "patient_names"."lastName" IS 'Family name, or the single name.';
COMMENT ON COLUMN "patient_names"."script" IS 'Script of a transcription as in ISO 15924, such as Cyrl or Arab.';
COMMENT ON COLUMN "patient_names"."language" IS 'Language of the name, as a BCP 47 tag.';
COMMENT ON COLUMN "patient_names"."periodStart" IS 'First day on which it held; null when not known.';
COMMENT ON COLUMN "patient_names"."periodEnd" IS 'Day from which it no longer holds; null while it does, or when not known.';
COMMENT ON COLUMN "patient_names"."createdAt" IS 'When the row was written.';
COMMENT ON COLUMN "patient_names"."updatedAt" IS 'When it was changed last.';
COMMENT ON COLUMN "patient_names"."createdBy" IS 'User who wrote it.';
COMMENT ON COLUMN "patient_names"."updatedBy" IS 'User who changed it last.';
COMMENT ON INDEX "patient_names_pkey" IS 'Serves: one row by its key.';
COMMENT ON INDEX "patient_names_patientId_use_idx" IS 'Serves: the names of a chart; the foreign key''s cascade.';
COMMENT ON INDEX "patient_names_lastName_firstName_idx" IS 'Serves: a search by a name that the patient also has or had.';

-- AddComment
COMMENT ON TABLE "patient_addresses" IS 'Addresses beside the home address, which is in patients: earlier ones, work, temporary, billing.';
COMMENT ON COLUMN "patient_addresses"."id" IS 'Key.';
COMMENT ON COLUMN "patient_addresses"."patientId" IS 'The chart.';
COMMENT ON COLUMN "patient_addresses"."use" IS 'FORMER (a home address of earlier), WORK, TEMPORARY, BILLING or OTHER.';
COMMENT ON COLUMN "patient_addresses"."addressLine1" IS 'Street and house.';
COMMENT ON COLUMN "patient_addresses"."addressLine2" IS 'Second line.';
COMMENT ON COLUMN "patient_addresses"."city" IS 'City.';
COMMENT ON COLUMN "patient_addresses"."state" IS 'State or province.';
COMMENT ON COLUMN "patient_addresses"."zipCode" IS 'Postal code.';
COMMENT ON COLUMN "patient_addresses"."country" IS 'Country.';
COMMENT ON COLUMN "patient_addresses"."periodStart" IS 'First day on which it held; null when not known.';
COMMENT ON COLUMN "patient_addresses"."periodEnd" IS 'Day from which it no longer holds; null while it does, or when not known.';
COMMENT ON COLUMN "patient_addresses"."createdAt" IS 'When the row was written.';
COMMENT ON COLUMN "patient_addresses"."updatedAt" IS 'When it was changed last.';
COMMENT ON COLUMN "patient_addresses"."createdBy" IS 'User who wrote it.';
COMMENT ON COLUMN "patient_addresses"."updatedBy" IS 'User who changed it last.';
COMMENT ON INDEX "patient_addresses_pkey" IS 'Serves: one row by its key.';
COMMENT ON INDEX "patient_addresses_patientId_use_idx" IS 'Serves: the addresses of a chart; the foreign key''s cascade.';

-- AddComment
COMMENT ON TABLE "patient_telecoms" IS 'Telephone numbers, e-mail addresses and the like beside the two numbers and the address in patients.';
COMMENT ON COLUMN "patient_telecoms"."id" IS 'Key.';
COMMENT ON COLUMN "patient_telecoms"."patientId" IS 'The chart.';
COMMENT ON COLUMN "patient_telecoms"."system" IS 'PHONE, EMAIL, FAX, URL or OTHER.';
COMMENT ON COLUMN "patient_telecoms"."use" IS 'FORMER (one of patients of earlier), HOME, WORK, MOBILE, TEMPORARY or OTHER.';
COMMENT ON COLUMN "patient_telecoms"."value" IS 'The number or address; telephone numbers in E.164 where they can be told.';
COMMENT ON COLUMN "patient_telecoms"."periodStart" IS 'First day on which it held; null when not known.';
COMMENT ON COLUMN "patient_telecoms"."periodEnd" IS 'Day from which it no longer holds; null while it does, or when not known.';
COMMENT ON COLUMN "patient_telecoms"."createdAt" IS 'When the row was written.';
COMMENT ON COLUMN "patient_telecoms"."updatedAt" IS 'When it was changed last.';
COMMENT ON COLUMN "patient_telecoms"."createdBy" IS 'User who wrote it.';
COMMENT ON COLUMN "patient_telecoms"."updatedBy" IS 'User who changed it last.';
COMMENT ON INDEX "patient_telecoms_pkey" IS 'Serves: one row by its key.';
COMMENT ON INDEX "patient_telecoms_patientId_system_idx" IS 'Serves: the telecoms of a chart; the foreign key''s cascade.';
COMMENT ON INDEX "patient_telecoms_value_idx" IS 'Serves: a search by a telephone number or e-mail address that the patient also has or had.';

-- AddComment
COMMENT ON TABLE "identifier_authorities" IS 'Who gives out numbers by which patients are known elsewhere, and what such a number looks like.';
COMMENT ON COLUMN "identifier_authorities"."code" IS 'Key, short, such as NHIF.';
COMMENT ON COLUMN "identifier_authorities"."name" IS 'Name in full.';
COMMENT ON COLUMN "identifier_authorities"."systemUri" IS 'URI of the number system, as FHIR calls it.';
COMMENT ON COLUMN "identifier_authorities"."type" IS 'Type of the numbers as in HL7 table 0203, such as NI (national), PPN (passport), DL (driving licence), HC (health card).';
COMMENT ON COLUMN "identifier_authorities"."pattern" IS 'Regular expression that a whole number fits; null when any does.';
COMMENT ON COLUMN "identifier_authorities"."checkDigit" IS 'Scheme of the check digits at the end of a number, or none.';
COMMENT ON COLUMN "identifier_authorities"."shared" IS 'Whether several patients may have one number, as on the insurance card of a family.';
COMMENT ON COLUMN "identifier_authorities"."active" IS 'Whether numbers may still be added.';
COMMENT ON COLUMN "identifier_authorities"."createdAt" IS 'When the row was written.';
COMMENT ON COLUMN "identifier_authorities"."updatedAt" IS 'When it was changed last.';
COMMENT ON COLUMN "identifier_authorities"."createdBy" IS 'User who wrote it.';
COMMENT ON COLUMN "identifier_authorities"."updatedBy" IS 'User who changed it last.';
COMMENT ON INDEX "identifier_authorities_pkey" IS 'Serves: one authority by its code.';

-- AddComment
COMMENT ON TABLE "patient_identifiers" IS 'Numbers by which a patient is known elsewhere. The MRN is in patients.';
COMMENT ON COLUMN "patient_identifiers"."id" IS 'Key.';
COMMENT ON COLUMN "patient_identifiers"."patientId" IS 'The chart.';
COMMENT ON COLUMN "patient_identifiers"."authorityCode" IS 'Who gave it out; null when that authority is not kept here.';
COMMENT ON COLUMN "patient_identifiers"."system" IS 'URI of the number system, for a number without an authority of ours.';
COMMENT ON COLUMN "patient_identifiers"."type" IS 'Type as in HL7 table 0203.';
COMMENT ON COLUMN "patient_identifiers"."value" IS 'The number, without blanks.';
COMMENT ON COLUMN "patient_identifiers"."periodStart" IS 'First day on which it held; null when not known.';
COMMENT ON COLUMN "patient_identifiers"."periodEnd" IS 'Day from which it no longer holds; null while it does, or when not known.';
COMMENT ON COLUMN "patient_identifiers"."isVerified" IS 'Whether somebody has seen the proof of it.';
COMMENT ON COLUMN "patient_identifiers"."verifiedAt" IS 'When.';
COMMENT ON COLUMN "patient_identifiers"."verifiedBy" IS 'Who.';
COMMENT ON COLUMN "patient_identifiers"."notes" IS 'Notes.';
COMMENT ON COLUMN "patient_identifiers"."createdAt" IS 'When the row was written.';
COMMENT ON COLUMN "patient_identifiers"."updatedAt" IS 'When it was changed last.';
COMMENT ON COLUMN "patient_identifiers"."createdBy" IS 'User who wrote it.';
COMMENT ON COLUMN "patient_identifiers"."updatedBy" IS 'User who changed it last.';
COMMENT ON INDEX "patient_identifiers_pkey" IS 'Serves: one row by its key.';
COMMENT ON INDEX "patient_identifiers_patientId_type_idx" IS 'Serves: the identifiers of a chart; the foreign key''s cascade.';
COMMENT ON INDEX "patient_identifiers_value_type_idx" IS 'Serves: the patient with this number; whether a number is in use already.';
COMMENT ON INDEX "patient_identifiers_authorityCode_idx" IS 'Serves: the numbers of one authority; the foreign key''s check.';

-- The roles were made by an earlier migration; where one is missing because nobody may create it, the grant is left out as there.
-- onechart:undo-not-needed The grants go with the tables.
-- onechart:done-when COALESCE((SELECT bool_and(COALESCE(CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = wanted.role) THEN pg_catalog.has_table_privilege(wanted.role, pg_catalog.to_regclass(pg_catalog.format('%I.%I', pg_catalog.current_schema(), wanted.relation)), wanted.privilege) ELSE NOT (SELECT me.rolsuper OR me.rolcreaterole FROM pg_catalog.pg_roles me WHERE me.rolname = CURRENT_USER) END, false)) FROM (VALUES ('onechart_app', 'patient_names', 'SELECT'), ('onechart_app', 'patient_names', 'INSERT'), ('onechart_app', 'patient_names', 'UPDATE'), ('onechart_app', 'patient_names', 'DELETE'), ('onechart_reader', 'patient_names', 'SELECT'), ('onechart_app', 'patient_addresses', 'SELECT'), ('onechart_app', 'patient_addresses', 'INSERT'), ('onechart_app', 'patient_addresses', 'UPDATE'), ('onechart_app', 'patient_addresses', 'DELETE'), ('onechart_reader', 'patient_addresses', 'SELECT'), ('onechart_app', 'patient_telecoms', 'SELECT'), ('onechart_app', 'patient_telecoms', 'INSERT'), ('onechart_app', 'patient_telecoms', 'UPDATE'), ('onechart_app', 'patient_telecoms', 'DELETE'), ('onechart_reader', 'patient_telecoms', 'SELECT'), ('onechart_app', 'patient_identifiers', 'SELECT'), ('onechart_app', 'patient_identifiers', 'INSERT'), ('onechart_app', 'patient_identifiers', 'UPDATE'), ('onechart_app', 'patient_identifiers', 'DELETE'), ('onechart_reader', 'patient_identifiers', 'SELECT'), ('onechart_app', 'identifier_authorities', 'SELECT'), ('onechart_app', 'identifier_authorities', 'INSERT'), ('onechart_app', 'identifier_authorities', 'UPDATE'), ('onechart_reader', 'identifier_authorities', 'SELECT')) AS wanted(role, relation, privilege)), false)
DO $onechart$
DECLARE
  relation text;
BEGIN
  FOREACH relation IN ARRAY ARRAY['patient_names', 'patient_addresses', 'patient_telecoms', 'patient_identifiers'] LOOP
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'onechart_app') THEN
      EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE %I.%I TO onechart_app', current_schema(), relation);
    END IF;
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'onechart_reader') THEN
      EXECUTE format('GRANT SELECT ON TABLE %I.%I TO onechart_reader', current_schema(), relation);
    END IF;
  END LOOP;
  IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'onechart_app') THEN
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON TABLE %I.identifier_authorities TO onechart_app', current_schema());
  END IF;
  IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'onechart_reader') THEN
    EXECUTE format('GRANT SELECT ON TABLE %I.identifier_authorities TO onechart_reader', current_schema());
  END IF;
END
$onechart$;
