-- What every table, column and index of the module is for, so that it is read where the data is.

-- AddComment
COMMENT ON TYPE "PatientStatus" IS 'Where a chart stands: in use, out of use, patient deceased, archived.';

-- AddComment
COMMENT ON TABLE "patients" IS 'One row per person the facility knows. Never deleted: archived, or merged into another row.';
COMMENT ON COLUMN "patients"."id" IS 'Key of the chart; stays for ever, whatever happens to the record number.';
COMMENT ON COLUMN "patients"."mrn" IS 'Medical record number as printed on wristbands and forms; issued once, never reused.';
COMMENT ON COLUMN "patients"."firstName" IS 'Given name; null when there is only one name or none is known.';
COMMENT ON COLUMN "patients"."middleName" IS 'Further given names.';
COMMENT ON COLUMN "patients"."lastName" IS 'Family name, or the only name of a person with one.';
COMMENT ON COLUMN "patients"."dateOfBirth" IS 'Calendar date without time zone; null while unknown.';
COMMENT ON COLUMN "patients"."gender" IS 'Administrative gender: MALE, FEMALE, OTHER or UNKNOWN (FHIR R4 administrative-gender).';
COMMENT ON COLUMN "patients"."bloodType" IS 'ABO group with RhD sign. For information; transfusion relies on the laboratory.';
COMMENT ON COLUMN "patients"."email" IS 'E-mail address in lower case.';
COMMENT ON COLUMN "patients"."phone" IS 'Telephone number to call first, E.164 where it could be read so.';
COMMENT ON COLUMN "patients"."phoneSecondary" IS 'Second telephone number.';
COMMENT ON COLUMN "patients"."addressLine1" IS 'Street and number of the home address.';
COMMENT ON COLUMN "patients"."addressLine2" IS 'Second line of the home address.';
COMMENT ON COLUMN "patients"."city" IS 'City of the home address.';
COMMENT ON COLUMN "patients"."state" IS 'State, province or county of the home address.';
COMMENT ON COLUMN "patients"."zipCode" IS 'Postal code of the home address.';
COMMENT ON COLUMN "patients"."country" IS 'Country of the home address.';
COMMENT ON COLUMN "patients"."status" IS 'Where the chart stands; agrees with deceased and archived by check constraints.';
COMMENT ON COLUMN "patients"."restricted" IS 'Whether opening the chart needs a stated reason (break glass).';
COMMENT ON COLUMN "patients"."restrictedReason" IS 'Why the chart is restricted; required while it is.';
COMMENT ON COLUMN "patients"."restrictedAt" IS 'When it was restricted.';
COMMENT ON COLUMN "patients"."restrictedBy" IS 'User who restricted it.';
COMMENT ON COLUMN "patients"."deceased" IS 'Whether the death of the patient is recorded.';
COMMENT ON COLUMN "patients"."deceasedAt" IS 'When the patient died; null while unknown.';
COMMENT ON COLUMN "patients"."deceasedBy" IS 'User who recorded the death.';
COMMENT ON COLUMN "patients"."archived" IS 'Whether the chart is out of daily use; merged charts are archived.';
COMMENT ON COLUMN "patients"."archivedAt" IS 'When it was archived.';
COMMENT ON COLUMN "patients"."archivedBy" IS 'User who archived it.';
COMMENT ON COLUMN "patients"."archivedReason" IS 'Why it was archived.';
COMMENT ON COLUMN "patients"."mergedInto" IS 'The chart that survived when this one was merged; look-ups follow it.';
COMMENT ON COLUMN "patients"."mergedAt" IS 'When it was merged.';
COMMENT ON COLUMN "patients"."mergedBy" IS 'User who merged it.';
COMMENT ON COLUMN "patients"."createdAt" IS 'When the row was written first.';
COMMENT ON COLUMN "patients"."updatedAt" IS 'When the row was written last.';
COMMENT ON COLUMN "patients"."createdBy" IS 'User who registered the patient.';
COMMENT ON COLUMN "patients"."updatedBy" IS 'User who changed the patient last.';
COMMENT ON COLUMN "patients"."version" IS 'Counts changes; an update that names another version is refused as stale.';
COMMENT ON INDEX "patients_pkey" IS 'Serves: one row by its key.';
COMMENT ON INDEX "patients_mrn_key" IS 'Serves: find a patient by MRN; no MRN twice.';
COMMENT ON INDEX "patients_lastName_firstName_idx" IS 'Serves: search by family name, then given name; lists in name order.';
COMMENT ON INDEX "patients_dateOfBirth_lastName_idx" IS 'Serves: search by date of birth, narrowed by family name.';
COMMENT ON INDEX "patients_email_idx" IS 'Serves: find a patient by e-mail address (kept in lower case).';
COMMENT ON INDEX "patients_phone_idx" IS 'Serves: search by telephone number.';
COMMENT ON INDEX "patients_phoneSecondary_idx" IS 'Serves: search by telephone number, the second one.';
COMMENT ON INDEX "patients_status_createdAt_id_idx" IS 'Serves: lists filtered by status, newest first.';
COMMENT ON INDEX "patients_createdAt_id_idx" IS 'Serves: lists of all patients, newest first.';
COMMENT ON INDEX "patients_updatedAt_id_idx" IS 'Serves: what has changed since, for systems that follow the registry.';
COMMENT ON INDEX "patients_mergedInto_idx" IS 'Serves: the charts that were merged into this one.';
COMMENT ON INDEX "patients_createdBy_idx" IS 'Serves: lists by the user who registered the patient; removal of a user.';
COMMENT ON INDEX "patients_updatedBy_idx" IS 'Serves: lists by the user who last changed the patient; removal of a user.';
COMMENT ON INDEX "patients_restrictedBy_idx" IS 'Serves: lists by the user who restricted the patient; removal of a user.';
COMMENT ON INDEX "patients_deceasedBy_idx" IS 'Serves: lists by the user who recorded the death; removal of a user.';
COMMENT ON INDEX "patients_archivedBy_idx" IS 'Serves: lists by the user who archived the patient; removal of a user.';
COMMENT ON INDEX "patients_mergedBy_idx" IS 'Serves: lists by the user who merged the patient; removal of a user.';

-- AddComment
COMMENT ON TABLE "patient_contacts" IS 'People to reach for a patient: next of kin, guardians, emergency contacts.';
COMMENT ON COLUMN "patient_contacts"."id" IS 'Key.';
COMMENT ON COLUMN "patient_contacts"."patientId" IS 'The patient.';
COMMENT ON COLUMN "patient_contacts"."firstName" IS 'Given name of the contact.';
COMMENT ON COLUMN "patient_contacts"."lastName" IS 'Family name of the contact.';
COMMENT ON COLUMN "patient_contacts"."relationship" IS 'What the contact is to the patient, for example mother or guardian.';
COMMENT ON COLUMN "patient_contacts"."phone" IS 'Telephone number of the contact.';
COMMENT ON COLUMN "patient_contacts"."email" IS 'E-mail address of the contact.';
COMMENT ON COLUMN "patient_contacts"."address" IS 'Postal address of the contact.';
COMMENT ON COLUMN "patient_contacts"."isEmergencyContact" IS 'Whether to call this person in an emergency.';
COMMENT ON COLUMN "patient_contacts"."priority" IS 'Order of calling; 1 is first.';
COMMENT ON COLUMN "patient_contacts"."notes" IS 'Free text.';
COMMENT ON COLUMN "patient_contacts"."createdAt" IS 'When the row was written first.';
COMMENT ON COLUMN "patient_contacts"."updatedAt" IS 'When the row was written last.';
COMMENT ON COLUMN "patient_contacts"."createdBy" IS 'User who added it.';
COMMENT ON COLUMN "patient_contacts"."updatedBy" IS 'User who changed it last.';
COMMENT ON INDEX "patient_contacts_pkey" IS 'Serves: one row by its key.';
COMMENT ON INDEX "patient_contacts_patientId_priority_idx" IS 'Serves: the contacts of a patient, first to call first.';
COMMENT ON INDEX "patient_contacts_phone_idx" IS 'Serves: find the patient whose contact calls from this number.';

-- AddComment
COMMENT ON TABLE "patient_documents" IS 'Identity and insurance documents of a patient: what was shown, and where its copy is.';
COMMENT ON COLUMN "patient_documents"."id" IS 'Key.';
COMMENT ON COLUMN "patient_documents"."patientId" IS 'The patient.';
COMMENT ON COLUMN "patient_documents"."documentType" IS 'ID_CARD, INSURANCE_CARD, PASSPORT, DRIVER_LICENSE or OTHER.';
COMMENT ON COLUMN "patient_documents"."documentNumber" IS 'Number printed on the document.';
COMMENT ON COLUMN "patient_documents"."fileName" IS 'Name of the file as it was handed in.';
COMMENT ON COLUMN "patient_documents"."filePath" IS 'Where the copy is kept.';
COMMENT ON COLUMN "patient_documents"."fileSize" IS 'Size of the copy in bytes.';
COMMENT ON COLUMN "patient_documents"."mimeType" IS 'Media type of the copy (RFC 6838).';
COMMENT ON COLUMN "patient_documents"."issuedBy" IS 'Authority that issued the document.';
COMMENT ON COLUMN "patient_documents"."issuedDate" IS 'Date of issue.';
COMMENT ON COLUMN "patient_documents"."expiryDate" IS 'Date on which it ceases to be valid.';
COMMENT ON COLUMN "patient_documents"."isVerified" IS 'Whether somebody compared the document with the person.';
COMMENT ON COLUMN "patient_documents"."verifiedBy" IS 'User who did.';
COMMENT ON COLUMN "patient_documents"."notes" IS 'Free text.';
COMMENT ON COLUMN "patient_documents"."createdAt" IS 'When the row was written first.';
COMMENT ON COLUMN "patient_documents"."updatedAt" IS 'When the row was written last.';
COMMENT ON COLUMN "patient_documents"."createdBy" IS 'User who added it.';
COMMENT ON COLUMN "patient_documents"."updatedBy" IS 'User who changed it last.';
COMMENT ON INDEX "patient_documents_pkey" IS 'Serves: one row by its key.';
COMMENT ON INDEX "patient_documents_patientId_documentType_idx" IS 'Serves: the documents of a patient, by type.';
COMMENT ON INDEX "patient_documents_documentNumber_documentType_idx" IS 'Serves: find a patient by the number of a document.';

-- AddComment
COMMENT ON TABLE "patient_allergies" IS 'Allergies and intolerances. Resolved ones are kept with active = false; none is deleted.';
COMMENT ON COLUMN "patient_allergies"."id" IS 'Key.';
COMMENT ON COLUMN "patient_allergies"."patientId" IS 'The patient.';
COMMENT ON COLUMN "patient_allergies"."allergen" IS 'Substance.';
COMMENT ON COLUMN "patient_allergies"."allergyType" IS 'DRUG, FOOD, ENVIRONMENTAL or OTHER.';
COMMENT ON COLUMN "patient_allergies"."severity" IS 'MILD, MODERATE, SEVERE or LIFE_THREATENING.';
COMMENT ON COLUMN "patient_allergies"."reaction" IS 'What happens on exposure.';
COMMENT ON COLUMN "patient_allergies"."diagnosedAt" IS 'Date of the diagnosis.';
COMMENT ON COLUMN "patient_allergies"."diagnosedBy" IS 'User who diagnosed it.';
COMMENT ON COLUMN "patient_allergies"."active" IS 'False once it is resolved or refuted.';
COMMENT ON COLUMN "patient_allergies"."notes" IS 'Free text.';
COMMENT ON COLUMN "patient_allergies"."createdAt" IS 'When the row was written first.';
COMMENT ON COLUMN "patient_allergies"."updatedAt" IS 'When the row was written last.';
COMMENT ON COLUMN "patient_allergies"."createdBy" IS 'User who added it.';
COMMENT ON COLUMN "patient_allergies"."updatedBy" IS 'User who changed it last.';
COMMENT ON INDEX "patient_allergies_pkey" IS 'Serves: one row by its key.';
COMMENT ON INDEX "patient_allergies_patientId_active_idx" IS 'Serves: the active allergies of a patient.';

-- AddComment
COMMENT ON TABLE "patient_risk_flags" IS 'Warnings shown with the chart, for example FALL_RISK. Cleared ones are kept; none is deleted.';
COMMENT ON COLUMN "patient_risk_flags"."id" IS 'Key.';
COMMENT ON COLUMN "patient_risk_flags"."patientId" IS 'The patient.';
COMMENT ON COLUMN "patient_risk_flags"."flagType" IS 'Kind of risk: FALL_RISK, INFECTION_RISK, BLEEDING_RISK, ALLERGY_RISK and others.';
COMMENT ON COLUMN "patient_risk_flags"."severity" IS 'LOW, MEDIUM, HIGH or CRITICAL.';
COMMENT ON COLUMN "patient_risk_flags"."description" IS 'What to watch for.';
COMMENT ON COLUMN "patient_risk_flags"."setBy" IS 'User who set the flag.';
COMMENT ON COLUMN "patient_risk_flags"."setAt" IS 'When it was set.';
COMMENT ON COLUMN "patient_risk_flags"."active" IS 'False once it is cleared.';
COMMENT ON COLUMN "patient_risk_flags"."clearedBy" IS 'User who cleared it.';
COMMENT ON COLUMN "patient_risk_flags"."clearedAt" IS 'When it was cleared; null while active.';
COMMENT ON COLUMN "patient_risk_flags"."notes" IS 'Free text.';
COMMENT ON COLUMN "patient_risk_flags"."updatedAt" IS 'When the row was written last.';
COMMENT ON INDEX "patient_risk_flags_pkey" IS 'Serves: one row by its key.';
COMMENT ON INDEX "patient_risk_flags_patientId_active_idx" IS 'Serves: the active risk flags of a patient.';

-- AddComment
COMMENT ON TABLE "patient_merge_history" IS 'Which chart was merged into which, by whom and why.';
COMMENT ON COLUMN "patient_merge_history"."id" IS 'Key.';
COMMENT ON COLUMN "patient_merge_history"."sourcePatientId" IS 'The chart that was given up.';
COMMENT ON COLUMN "patient_merge_history"."targetPatientId" IS 'The chart that survived.';
COMMENT ON COLUMN "patient_merge_history"."mergedAt" IS 'When.';
COMMENT ON COLUMN "patient_merge_history"."mergedBy" IS 'User who merged them.';
COMMENT ON COLUMN "patient_merge_history"."reason" IS 'Why they were held to be one person.';
COMMENT ON COLUMN "patient_merge_history"."mergeEventId" IS 'One merge of several charts has one event.';
COMMENT ON INDEX "patient_merge_history_pkey" IS 'Serves: one row by its key.';
COMMENT ON INDEX "patient_merge_history_sourcePatientId_mergedAt_idx" IS 'Serves: where a merged chart went.';
COMMENT ON INDEX "patient_merge_history_targetPatientId_mergedAt_idx" IS 'Serves: what was merged into a chart.';

-- AddComment
COMMENT ON TABLE "mrn_authorities" IS 'Who assigns medical record numbers (HL7 v2.5.1 CX.4 assigning authority).';
COMMENT ON COLUMN "mrn_authorities"."code" IS 'Short name of the authority.';
COMMENT ON COLUMN "mrn_authorities"."name" IS 'Full name of the authority.';
COMMENT ON COLUMN "mrn_authorities"."createdAt" IS 'When the row was written first.';
COMMENT ON INDEX "mrn_authorities_pkey" IS 'Serves: one row by its key.';

-- AddComment
COMMENT ON TABLE "mrn_formats" IS 'How an authority writes its numbers. Versions are added, never changed, so that every number can be read as it was issued.';
COMMENT ON COLUMN "mrn_formats"."authorityCode" IS 'The authority.';
COMMENT ON COLUMN "mrn_formats"."version" IS 'Counts the formats of an authority from 1; the highest is in use.';
COMMENT ON COLUMN "mrn_formats"."prefix" IS 'Text in front of the number.';
COMMENT ON COLUMN "mrn_formats"."separator" IS 'Between prefix, year and number.';
COMMENT ON COLUMN "mrn_formats"."yearly" IS 'Whether the number starts again each year and carries the year.';
COMMENT ON COLUMN "mrn_formats"."width" IS 'Least number of digits; larger numbers are wider.';
COMMENT ON COLUMN "mrn_formats"."checkDigit" IS 'Check digit algorithm, or none.';
COMMENT ON COLUMN "mrn_formats"."timeZone" IS 'IANA time zone in which the year turns.';
COMMENT ON COLUMN "mrn_formats"."createdAt" IS 'When the row was written first.';
COMMENT ON INDEX "mrn_formats_pkey" IS 'Serves: one row by its key.';

-- AddComment
COMMENT ON TABLE "mrn_counters" IS 'The highest number handed out to any block, per authority and year.';
COMMENT ON COLUMN "mrn_counters"."authorityCode" IS 'The authority.';
COMMENT ON COLUMN "mrn_counters"."year" IS 'Year of registration; 0 for authorities without years.';
COMMENT ON COLUMN "mrn_counters"."lastNumber" IS 'Every number up to this one lies in a block.';
COMMENT ON COLUMN "mrn_counters"."updatedAt" IS 'When the counter moved last.';
COMMENT ON INDEX "mrn_counters_pkey" IS 'Serves: one row by its key.';

-- AddComment
COMMENT ON TABLE "mrn_blocks" IS 'Runs of numbers leased to one process, and those skipped to rise above existing numbers. Never deleted: they explain the gaps.';
COMMENT ON COLUMN "mrn_blocks"."id" IS 'Key.';
COMMENT ON COLUMN "mrn_blocks"."authorityCode" IS 'The authority.';
COMMENT ON COLUMN "mrn_blocks"."formatVersion" IS 'The format in which its numbers are written.';
COMMENT ON COLUMN "mrn_blocks"."year" IS 'Year of registration; 0 for authorities without years.';
COMMENT ON COLUMN "mrn_blocks"."kind" IS 'LEASE: handed to a process. RAISE: skipped, because existing numbers reach so far.';
COMMENT ON COLUMN "mrn_blocks"."firstNumber" IS 'First number of the block.';
COMMENT ON COLUMN "mrn_blocks"."lastNumber" IS 'Last number of the block.';
COMMENT ON COLUMN "mrn_blocks"."instance" IS 'The issuer that holds the lease, unique per start.';
COMMENT ON COLUMN "mrn_blocks"."host" IS 'Machine it runs on.';
COMMENT ON COLUMN "mrn_blocks"."processId" IS 'Its process id there.';
COMMENT ON COLUMN "mrn_blocks"."leasedAt" IS 'When it was leased.';
COMMENT ON COLUMN "mrn_blocks"."expiresAt" IS 'When a lease that nobody renewed counts as abandoned.';
COMMENT ON COLUMN "mrn_blocks"."closedAt" IS 'When the issuer gave the rest back; null while open.';
COMMENT ON INDEX "mrn_blocks_pkey" IS 'Serves: one row by its key.';
COMMENT ON INDEX "mrn_blocks_authorityCode_year_firstNumber_idx" IS 'Serves: the gap report, which walks the blocks of one year in order.';

-- AddComment
COMMENT ON TABLE "mrn_returned_ranges" IS 'Numbers that were leased, not used and given back; taken again before new ones. Never deleted.';
COMMENT ON COLUMN "mrn_returned_ranges"."id" IS 'Key.';
COMMENT ON COLUMN "mrn_returned_ranges"."authorityCode" IS 'The authority.';
COMMENT ON COLUMN "mrn_returned_ranges"."year" IS 'Year of registration; 0 for authorities without years.';
COMMENT ON COLUMN "mrn_returned_ranges"."firstNumber" IS 'First number of the range.';
COMMENT ON COLUMN "mrn_returned_ranges"."lastNumber" IS 'Last number of the range.';
COMMENT ON COLUMN "mrn_returned_ranges"."returnedByBlockId" IS 'The block that gave it back.';
COMMENT ON COLUMN "mrn_returned_ranges"."returnedAt" IS 'When.';
COMMENT ON COLUMN "mrn_returned_ranges"."takenByBlockId" IS 'The block that took it again; null while it waits.';
COMMENT ON COLUMN "mrn_returned_ranges"."takenAt" IS 'When it was taken.';
COMMENT ON INDEX "mrn_returned_ranges_pkey" IS 'Serves: one row by its key.';
COMMENT ON INDEX "mrn_returned_ranges_year_takenByBlockId_firstNumber_idx" IS 'Serves: a lease, which takes the lowest returned range that nobody has taken ("takenByBlockId" IS NULL).';
COMMENT ON INDEX "mrn_returned_ranges_returnedByBlockId_idx" IS 'Serves: the gap report, which subtracts from a block what it gave back.';

-- AddComment
COMMENT ON TABLE "patient_audit_events" IS 'Who did what to which chart, reads included. Append-only; the app may add rows and read them, nothing else.';
COMMENT ON COLUMN "patient_audit_events"."id" IS 'Key; time-ordered.';
COMMENT ON COLUMN "patient_audit_events"."occurredAt" IS 'When.';
COMMENT ON COLUMN "patient_audit_events"."action" IS 'What was done, for example patient.registered.';
COMMENT ON COLUMN "patient_audit_events"."patientId" IS 'The chart; null for acts that concern none, such as a search.';
COMMENT ON COLUMN "patient_audit_events"."actorKind" IS 'user (of the host), account (of OneChart), service or system.';
COMMENT ON COLUMN "patient_audit_events"."actorId" IS 'Id of the actor, without a foreign key: the trail outlives the user.';
COMMENT ON COLUMN "patient_audit_events"."actorName" IS 'Name of the actor at that time.';
COMMENT ON COLUMN "patient_audit_events"."origin" IS 'From where: address, program or interface.';
COMMENT ON COLUMN "patient_audit_events"."requestId" IS 'The request it belongs to, as in the log.';
COMMENT ON COLUMN "patient_audit_events"."reason" IS 'Why, where a reason was asked for.';
COMMENT ON COLUMN "patient_audit_events"."before" IS 'Changed fields as they were.';
COMMENT ON COLUMN "patient_audit_events"."after" IS 'Changed fields as they became.';
COMMENT ON COLUMN "patient_audit_events"."seq" IS 'Order of writing; what a seal covers is told by it.';
COMMENT ON INDEX "patient_audit_events_pkey" IS 'Serves: one row by its key.';
COMMENT ON INDEX "patient_audit_events_seq_idx" IS 'Serves: sealing and verifying the trail in the order in which its rows were written.';
COMMENT ON INDEX "patient_audit_events_patientId_occurredAt_id_idx" IS 'Serves: the trail of one patient, newest first.';
COMMENT ON INDEX "patient_audit_events_actorId_occurredAt_id_idx" IS 'Serves: what one user did, newest first.';

-- AddComment
COMMENT ON TABLE "patient_outbox_events" IS 'What other systems have to be told, written in the transaction of the change. Ids and versions, no names.';
COMMENT ON COLUMN "patient_outbox_events"."id" IS 'Key; time-ordered.';
COMMENT ON COLUMN "patient_outbox_events"."occurredAt" IS 'When.';
COMMENT ON COLUMN "patient_outbox_events"."type" IS 'What happened, for example patient.registered.';
COMMENT ON COLUMN "patient_outbox_events"."patientId" IS 'The chart.';
COMMENT ON COLUMN "patient_outbox_events"."patientVersion" IS 'Version of the chart after the change.';
COMMENT ON COLUMN "patient_outbox_events"."payload" IS 'Further ids a follower needs.';
COMMENT ON COLUMN "patient_outbox_events"."publishedAt" IS 'When it was passed on; null while it waits.';
COMMENT ON INDEX "patient_outbox_events_pkey" IS 'Serves: one row by its key.';
COMMENT ON INDEX "patient_outbox_events_publishedAt_occurredAt_id_idx" IS 'Serves: the events not yet published, oldest first.';
COMMENT ON INDEX "patient_outbox_events_patientId_occurredAt_id_idx" IS 'Serves: the events of one patient.';
