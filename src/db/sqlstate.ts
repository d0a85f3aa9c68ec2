import { AppError, type ErrorKind } from '../base/errors.ts';

/** The fields of a PostgreSQL error that are safe to read. `detail` is not: it carries values of rows. */
interface ServerError {
  readonly code: string;
  readonly constraint?: string;
  readonly column?: string;
  readonly table?: string;
  readonly schema?: string;
  readonly message: string;
}

interface Translation {
  readonly kind: ErrorKind;
  readonly code: string;
  readonly message: string;
}

const invalid = (code: string, message: string): Translation => ({ kind: 'invalid', code, message });
const internal = (code: string, message: string): Translation => ({ kind: 'internal', code, message });
const unknownUser = (column: string): Translation =>
  invalid('USER_NOT_FOUND', `${column} names a user that does not exist. Act as a user of the users table, or as a service.`);
const unknownPatient = (table: string): Translation => ({
  kind: 'not-found',
  code: 'PATIENT_NOT_FOUND',
  message: `${table}.patientId names a patient that does not exist. Register the patient first, or check the id.`,
});
const sameId = (table: string): Translation => ({
  kind: 'duplicate',
  code: 'ID_TAKEN',
  message: `A row with this id exists in ${table} already. Leave id out, and a new one is made.`,
});

const periodReversed = invalid('PERIOD_REVERSED', 'periodEnd is before periodStart. Check both dates.');
const addressEmpty = invalid(
  'ADDRESS_EMPTY',
  'The address has no line at all. Give at least one of addressLine1, addressLine2, city, state, zipCode and country.',
);

const impossibleContent = internal('CONTENT_RECORD_IMPOSSIBLE', 'The record of a stored file contradicts itself. This is a defect of OneChart.');

const downtimeImpossible = internal('DOWNTIME_RECORD_IMPOSSIBLE', 'The record of a downtime block contradicts itself. This is a defect of OneChart.');

const receiverImpossible = internal('EVENT_RECORD_IMPOSSIBLE', 'The record of a delivery of events contradicts itself. This is a defect of OneChart.');

const sealTaken: Translation = {
  kind: 'conflict',
  code: 'AUDIT_SEAL_TAKEN',
  message: 'Another process has sealed the audit trail at the same moment. Run the same command again.',
};
const sealWrong = internal('AUDIT_SEAL_IMPOSSIBLE', 'A seal of the audit trail is not as seals are. This is a defect of OneChart.');

/** Every named constraint of the module: what it means to the caller. Proven complete by a test that reads pg_constraint. */
export const constraintErrors: Readonly<Record<string, Translation>> = {
  patients_pkey: { kind: 'duplicate', code: 'PATIENT_ID_TAKEN', message: 'A patient with this id exists already. Leave id out, and a new one is made.' },
  patients_mrn_key: {
    kind: 'duplicate',
    code: 'MRN_TAKEN',
    message: 'A patient with this mrn exists already. Find that chart, or leave mrn out, and a new number is issued.',
  },
  patients_mrn_check: invalid('MRN_EMPTY', 'mrn is empty. Give the number, or leave it out, and a new one is issued.'),
  patients_lastName_check: invalid('LAST_NAME_EMPTY', 'lastName is empty. Give the family name; a single name goes here, with firstName null.'),
  patients_dateOfBirth_check: invalid('DATE_OF_BIRTH_IMPLAUSIBLE', 'dateOfBirth is before 1850. Check the year, or give null when it is not known.'),
  patients_gender_check: invalid('GENDER_UNKNOWN', 'gender must be MALE, FEMALE, OTHER or UNKNOWN.'),
  patients_bloodType_check: invalid('BLOOD_TYPE_UNKNOWN', 'bloodType must be one of A+, A-, B+, B-, AB+, AB-, O+, O-, or null when it is not known.'),
  patients_email_check: invalid('EMAIL_NOT_LOWER_CASE', 'email must be in lower case.'),
  patients_restricted_check: invalid('RESTRICTION_INCOMPLETE', 'restrictedReason is missing. Give the reason for the restriction.'),
  patients_deceased_check: {
    kind: 'rule',
    code: 'STATUS_CONTRADICTS_DEATH',
    message: 'status and deceased disagree. Use markDeceased or revertDeceased; they keep both in step.',
  },
  patients_born_before_death_check: invalid('DIED_BEFORE_BIRTH', 'deceasedAt is before dateOfBirth. Check both dates.'),
  patients_archived_check: {
    kind: 'rule',
    code: 'STATUS_CONTRADICTS_ARCHIVE',
    message: 'status and archived disagree. Use archive or unarchive; they keep both in step.',
  },
  patients_merged_check: {
    kind: 'rule',
    code: 'MERGE_INCOMPLETE',
    message: 'mergedInto, mergedAt and archived disagree. A merged chart is archived and names another chart.',
  },
  patients_version_check: internal('VERSION_IMPOSSIBLE', 'version fell below 1. This is a defect of OneChart.'),
  patients_restrictedBy_fkey: unknownUser('restrictedBy'),
  patients_deceasedBy_fkey: unknownUser('deceasedBy'),
  patients_archivedBy_fkey: unknownUser('archivedBy'),
  patients_mergedBy_fkey: unknownUser('mergedBy'),
  patients_createdBy_fkey: unknownUser('createdBy'),
  patients_updatedBy_fkey: unknownUser('updatedBy'),
  patients_mergedInto_fkey: { kind: 'not-found', code: 'PATIENT_NOT_FOUND', message: 'mergedInto names a patient that does not exist. Check the id.' },
  patient_contacts_pkey: sameId('patient_contacts'),
  patient_contacts_patientId_fkey: unknownPatient('patient_contacts'),
  patient_contacts_priority_check: invalid('PRIORITY_TOO_LOW', 'priority must be 1 or more; 1 is called first.'),
  patient_documents_pkey: sameId('patient_documents'),
  patient_documents_patientId_fkey: unknownPatient('patient_documents'),
  patient_documents_documentType_check: invalid('DOCUMENT_TYPE_UNKNOWN', 'documentType must be ID_CARD, INSURANCE_CARD, PASSPORT, DRIVER_LICENSE or OTHER.'),
  patient_documents_fileSize_check: invalid('FILE_SIZE_NEGATIVE', 'fileSize must be 0 or more bytes.'),
  patient_documents_dates_check: invalid('DOCUMENT_EXPIRES_BEFORE_ISSUE', 'expiryDate is before issuedDate. Check both dates.'),
  patient_documents_contentSha256_check: impossibleContent,
  patient_documents_content_check: {
    kind: 'rule',
    code: 'DOCUMENT_CONTENT_DECIDES',
    message: 'fileSize and mimeType are those of the stored file. Upload another file to change them, or remove the stored one first.',
  },
  patient_document_contents_pkey: sameId('patient_document_contents'),
  patient_document_contents_documentId_fkey: {
    kind: 'not-found',
    code: 'DOCUMENT_NOT_FOUND',
    message: 'documentId names a document that does not exist. List the documents of the patient to find it.',
  },
  patient_document_contents_purpose_check: impossibleContent,
  patient_document_contents_store_check: impossibleContent,
  patient_document_contents_size_check: impossibleContent,
  patient_document_contents_sha256_check: impossibleContent,
  patient_document_contents_completed_check: impossibleContent,
  patient_document_chunks_pkey: impossibleContent,
  patient_document_chunks_contentId_fkey: {
    kind: 'conflict',
    code: 'UPLOAD_REMOVED',
    message: 'The upload was removed while it was under way, as one that takes too long. Upload the file again.',
  },
  patient_document_chunks_number_check: impossibleContent,
  patient_document_chunks_bytes_check: impossibleContent,
  patient_allergies_pkey: sameId('patient_allergies'),
  patient_allergies_patientId_fkey: unknownPatient('patient_allergies'),
  patient_allergies_allergyType_check: invalid('ALLERGY_TYPE_UNKNOWN', 'allergyType must be DRUG, FOOD, ENVIRONMENTAL or OTHER.'),
  patient_allergies_severity_check: invalid('ALLERGY_SEVERITY_UNKNOWN', 'severity of an allergy must be MILD, MODERATE, SEVERE or LIFE_THREATENING.'),
  patient_risk_flags_pkey: sameId('patient_risk_flags'),
  patient_risk_flags_patientId_fkey: unknownPatient('patient_risk_flags'),
  patient_risk_flags_severity_check: invalid('RISK_SEVERITY_UNKNOWN', 'severity of a risk flag must be LOW, MEDIUM, HIGH or CRITICAL.'),
  patient_risk_flags_cleared_check: {
    kind: 'rule',
    code: 'RISK_FLAG_CLEARED',
    message: 'active and clearedAt disagree. Use clearRiskFlag; it keeps both in step.',
  },
  patient_merge_history_pkey: sameId('patient_merge_history'),
  patient_merge_history_sourcePatientId_fkey: {
    kind: 'not-found',
    code: 'PATIENT_NOT_FOUND',
    message: 'sourcePatientId names a patient that does not exist. Check the id.',
  },
  patient_merge_history_targetPatientId_fkey: {
    kind: 'not-found',
    code: 'PATIENT_NOT_FOUND',
    message: 'targetPatientId names a patient that does not exist. Check the id.',
  },
  patient_merge_history_two_charts_check: {
    kind: 'rule',
    code: 'MERGE_WITH_ITSELF',
    message: 'sourcePatientId and targetPatientId are the same chart. Name two charts.',
  },
  patient_audit_events_pkey: sameId('patient_audit_events'),
  patient_audit_events_patientId_fkey: unknownPatient('patient_audit_events'),
  patient_audit_events_actorKind_check: invalid('ACTOR_KIND_UNKNOWN', 'actor.kind must be user, account, service or system.'),
  patient_audit_seals_pkey: sealTaken,
  patient_audit_seals_previousHash_key: sealTaken,
  patient_audit_seals_number_check: sealWrong,
  patient_audit_seals_kind_check: sealWrong,
  patient_audit_seals_range_check: sealWrong,
  patient_audit_seals_signature_check: sealWrong,
  patient_outbox_events_pkey: sameId('patient_outbox_events'),
  patient_outbox_events_patientId_fkey: unknownPatient('patient_outbox_events'),
  patient_outbox_events_patientVersion_check: internal('VERSION_IMPOSSIBLE', 'patientVersion fell below 1. This is a defect of OneChart.'),
  patient_placeholders_pkey: { kind: 'duplicate', code: 'PLACEHOLDER_QUEUED', message: 'This chart waits in the queue of placeholders already.' },
  patient_placeholders_patientId_fkey: unknownPatient('patient_placeholders'),
  patient_placeholders_origin_check: invalid('PLACEHOLDER_ORIGIN_UNKNOWN', 'origin must be ORPHAN, UNIDENTIFIED or NEWBORN.'),
  patient_placeholders_completed_check: invalid('PLACEHOLDER_NOT_COMPLETED', 'completedBy is given without completedAt. Give both, or neither.'),
  patients_dateOfBirthPrecision_check: invalid(
    'DATE_OF_BIRTH_PRECISION_UNKNOWN',
    'dateOfBirthPrecision must be DAY, MONTH, YEAR or ESTIMATED, or null for DAY.',
  ),
  patients_motherId_check: { kind: 'rule', code: 'MOTHER_IS_SELF', message: 'motherId names the patient itself. Give the id of the mother, or null.' },
  patients_motherId_fkey: {
    kind: 'not-found',
    code: 'MOTHER_NOT_FOUND',
    message: 'motherId names a patient that does not exist. Register the mother first, or check the id.',
  },
  patients_birthOrder_check: invalid('BIRTH_ORDER_IMPOSSIBLE', 'birthOrder must be 1 or more, and at most multipleBirthCount.'),
  patients_multipleBirthCount_check: invalid('BIRTH_ORDER_IMPOSSIBLE', 'multipleBirthCount must be 1 or more.'),
  patients_identityStatus_check: invalid('IDENTITY_STATUS_UNKNOWN', 'identityStatus must be KNOWN, UNIDENTIFIED or TEMPORARY, or null for KNOWN.'),
  patient_names_pkey: sameId('patient_names'),
  patient_names_patientId_fkey: unknownPatient('patient_names'),
  patient_names_use_check: invalid('NAME_USE_UNKNOWN', 'use of a name must be FORMER, MAIDEN, ALIAS, NICKNAME, TRANSCRIPTION or TEMPORARY.'),
  patient_names_lastName_check: invalid('LAST_NAME_EMPTY', 'lastName is empty. Give the family name; a single name goes here, with firstName null.'),
  patient_names_script_check: invalid('SCRIPT_UNKNOWN', 'script must be a code of ISO 15924, such as Latn, Cyrl or Arab.'),
  patient_names_period_check: periodReversed,
  patient_addresses_pkey: sameId('patient_addresses'),
  patient_addresses_patientId_fkey: unknownPatient('patient_addresses'),
  patient_addresses_use_check: invalid('ADDRESS_USE_UNKNOWN', 'use of an address must be FORMER, WORK, TEMPORARY, BILLING or OTHER.'),
  patient_addresses_content_check: addressEmpty,
  patient_addresses_period_check: periodReversed,
  patient_telecoms_pkey: sameId('patient_telecoms'),
  patient_telecoms_patientId_fkey: unknownPatient('patient_telecoms'),
  patient_telecoms_system_check: invalid('TELECOM_SYSTEM_UNKNOWN', 'system must be PHONE, EMAIL, FAX, URL or OTHER.'),
  patient_telecoms_use_check: invalid('TELECOM_USE_UNKNOWN', 'use of a telecom must be FORMER, HOME, WORK, MOBILE, TEMPORARY or OTHER.'),
  patient_telecoms_value_check: invalid('TELECOM_EMPTY', 'value is empty. Give the number or the address.'),
  patient_telecoms_period_check: periodReversed,
  patient_identifiers_pkey: sameId('patient_identifiers'),
  patient_identifiers_patientId_fkey: unknownPatient('patient_identifiers'),
  patient_identifiers_authorityCode_fkey: {
    kind: 'not-found',
    code: 'IDENTIFIER_AUTHORITY_NOT_FOUND',
    message: 'authorityCode names no authority that is kept here. Check the code, or define the authority first.',
  },
  patient_identifiers_type_check: invalid('IDENTIFIER_TYPE_MALFORMED', 'type must be a code as in HL7 table 0203, such as NI, PPN, DL or HC.'),
  patient_identifiers_value_check: invalid('IDENTIFIER_EMPTY', 'value is empty. Give the number.'),
  patient_identifiers_verified_check: {
    kind: 'rule',
    code: 'IDENTIFIER_VERIFICATION_INCOMPLETE',
    message: 'isVerified, verifiedAt and verifiedBy disagree. Use verifyIdentifier; it keeps them in step.',
  },
  patient_identifiers_period_check: periodReversed,
  identifier_authorities_pkey: {
    kind: 'duplicate',
    code: 'IDENTIFIER_AUTHORITY_TAKEN',
    message: 'An authority with this code exists already. Change that one, or choose another code.',
  },
  identifier_authorities_code_check: invalid('IDENTIFIER_AUTHORITY_CODE_EMPTY', 'code is empty. Give a short one, such as NHIF.'),
  identifier_authorities_type_check: invalid('IDENTIFIER_TYPE_MALFORMED', 'type must be a code as in HL7 table 0203, such as NI, PPN, DL or HC.'),
  identifier_authorities_checkDigit_check: invalid('IDENTIFIER_CHECK_DIGIT_UNKNOWN', 'checkDigit must be none or one of the schemes of the documentation.'),
  mrn_authorities_pkey: {
    kind: 'duplicate',
    code: 'MRN_AUTHORITY_TAKEN',
    message: 'An authority with this code exists already. Use it, or choose another code.',
  },
  mrn_formats_pkey: {
    kind: 'conflict',
    code: 'MRN_FORMAT_CHANGED',
    message: 'Somebody changed the format of this authority at the same time. Read it again and decide again.',
  },
  mrn_formats_authorityCode_fkey: { kind: 'not-found', code: 'MRN_AUTHORITY_NOT_FOUND', message: 'authority names none that exists. Check its code.' },
  mrn_formats_version_check: internal('VERSION_IMPOSSIBLE', 'The version of a number format fell below 1. This is a defect of OneChart.'),
  mrn_formats_width_check: invalid('MRN_WIDTH_IMPOSSIBLE', 'width must be from 1 to 15 digits.'),
  mrn_formats_checkDigit_check: invalid('MRN_CHECK_DIGIT_UNKNOWN', 'checkDigit must be one of the schemes that onechart mrn format lists.'),
  mrn_counters_pkey: { kind: 'conflict', code: 'TRANSACTION_RETRY', message: 'Another process opened the counter of this year at the same time. Try again.' },
  mrn_counters_authorityCode_fkey: { kind: 'not-found', code: 'MRN_AUTHORITY_NOT_FOUND', message: 'authority names none that exists. Check its code.' },
  mrn_counters_year_check: invalid('MRN_YEAR_IMPOSSIBLE', 'year must be from 0 to 9999.'),
  mrn_counters_lastNumber_check: {
    kind: 'rule',
    code: 'MRN_NUMBERS_EXHAUSTED',
    message: 'The counter of this year is at its end (15 digits). Change the format, or the prefix.',
  },
  mrn_blocks_pkey: sameId('mrn_blocks'),
  mrn_blocks_authorityCode_formatVersion_fkey: {
    kind: 'not-found',
    code: 'MRN_FORMAT_NOT_FOUND',
    message: 'formatVersion names no format of this authority. Read the formats again.',
  },
  mrn_blocks_kind_check: internal('MRN_BLOCK_IMPOSSIBLE', 'A block of numbers has an unknown kind. This is a defect of OneChart.'),
  mrn_blocks_numbers_check: internal('MRN_BLOCK_IMPOSSIBLE', 'A block of numbers ends before it begins. This is a defect of OneChart.'),
  mrn_returned_ranges_pkey: sameId('mrn_returned_ranges'),
  mrn_returned_ranges_returnedByBlockId_fkey: internal(
    'MRN_BLOCK_IMPOSSIBLE',
    'Numbers came back from a block that does not exist. This is a defect of OneChart.',
  ),
  mrn_returned_ranges_takenByBlockId_fkey: internal('MRN_BLOCK_IMPOSSIBLE', 'Numbers went to a block that does not exist. This is a defect of OneChart.'),
  mrn_returned_ranges_numbers_check: internal('MRN_BLOCK_IMPOSSIBLE', 'A range of numbers ends before it begins. This is a defect of OneChart.'),
  mrn_returned_ranges_taken_check: internal('MRN_BLOCK_IMPOSSIBLE', 'takenAt and takenByBlockId disagree. This is a defect of OneChart.'),
  patient_break_glass_grants_pkey: sameId('patient_break_glass_grants'),
  patient_break_glass_grants_patientId_fkey: unknownPatient('patient_break_glass_grants'),
  patient_break_glass_grants_viewerId_check: internal('GRANT_IMPOSSIBLE', 'A grant names nobody who holds it. This is a defect of OneChart.'),
  patient_break_glass_grants_reason_check: invalid('BREAK_GLASS_REASON_MISSING', 'reason is empty. Say in some words why the chart has to be opened.'),
  patient_break_glass_grants_period_check: invalid('BREAK_GLASS_PERIOD_IMPOSSIBLE', 'expiresAt is not after grantedAt. Give 1 minute or more.'),
  patient_break_glass_grants_verdict_check: invalid('VERDICT_UNKNOWN', 'verdict must be JUSTIFIED or UNJUSTIFIED.'),
  patient_break_glass_grants_review_check: internal('GRANT_IMPOSSIBLE', 'A review of a grant is incomplete. This is a defect of OneChart.'),
  access_accounts_pkey: sameId('access_accounts'),
  access_accounts_username_key: { kind: 'duplicate', code: 'USERNAME_TAKEN', message: 'An account with this username exists already. Choose another.' },
  access_accounts_oidcIssuer_oidcSubject_key: {
    kind: 'duplicate',
    code: 'IDENTITY_TAKEN',
    message: 'Another account is tied to this identity of the sign-in service already.',
  },
  access_accounts_username_check: invalid('USERNAME_NOT_LOWER_CASE', 'username must be in lower case and not empty.'),
  access_accounts_role_check: invalid('ROLE_UNKNOWN', 'role must be one of the roles of the access matrix.'),
  access_accounts_oidc_check: internal('ACCOUNT_IMPOSSIBLE', 'An identity has an issuer without a subject, or the reverse. This is a defect of OneChart.'),
  access_accounts_failedSignIns_check: internal('ACCOUNT_IMPOSSIBLE', 'The count of failed sign-ins fell below 0. This is a defect of OneChart.'),
  access_sessions_pkey: sameId('access_sessions'),
  access_sessions_tokenHash_key: internal('SESSION_IMPOSSIBLE', 'Two sessions drew the same token. This is a defect of OneChart.'),
  access_sessions_accountId_fkey: { kind: 'not-found', code: 'ACCOUNT_NOT_FOUND', message: 'accountId names an account that does not exist. Check the id.' },
  access_sessions_method_check: internal('SESSION_IMPOSSIBLE', 'A session has an unknown way of signing in. This is a defect of OneChart.'),
  access_keys_pkey: sameId('access_keys'),
  access_keys_prefix_key: internal('KEY_IMPOSSIBLE', 'Two keys drew the same prefix. This is a defect of OneChart.'),
  access_keys_role_check: invalid('ROLE_UNKNOWN', 'role must be one of the roles of the access matrix.'),
  idempotency_keys_pkey: {
    kind: 'conflict',
    code: 'TRANSACTION_RETRY',
    message: 'The same key was used by another request at the same time. Try again.',
  },
  idempotency_keys_status_check: internal('IDEMPOTENCY_IMPOSSIBLE', 'The answer of a failed request was to be kept. This is a defect of OneChart.'),
  patient_search_entries_pkey: {
    kind: 'conflict',
    code: 'SEARCH_ENTRY_TAKEN',
    message: 'The search entry of this chart was made by somebody else at the same time. Try again.',
  },
  patient_search_entries_patientId_fkey: unknownPatient('patient_search_entries'),
  patient_search_entries_termsVersion_check: internal('SEARCH_ENTRY_IMPOSSIBLE', 'A search entry is of no version of the rules. This is a defect of OneChart.'),
  patient_search_words_pkey: {
    kind: 'conflict',
    code: 'SEARCH_WORD_TAKEN',
    message: 'A word of a name was added twice by the same connection. Try again.',
  },
  patient_search_words_word_check: internal('SEARCH_ENTRY_IMPOSSIBLE', 'A word of a name is empty. This is a defect of OneChart.'),
  patient_outbox_events_seq_key: receiverImpossible,
  event_receivers_pkey: sameId('event_receivers'),
  event_receivers_name_key: {
    kind: 'duplicate',
    code: 'RECEIVER_NAME_TAKEN',
    message: 'A receiver of events with this name exists already. Give another name, or change the one there is.',
  },
  event_receivers_state_check: receiverImpossible,
  event_receivers_numbers_check: receiverImpossible,
  event_receivers_previousSecret_check: receiverImpossible,
  event_deliveries_pkey: receiverImpossible,
  event_deliveries_receiverId_fkey: { kind: 'not-found', code: 'RECEIVER_NOT_FOUND', message: 'The receiver of events was removed in the meantime.' },
  event_deliveries_eventId_fkey: receiverImpossible,
  event_deliveries_patientId_fkey: receiverImpossible,
  event_deliveries_state_check: receiverImpossible,
  event_deliveries_attempts_check: receiverImpossible,
  import_runs_pkey: sameId('import_runs'),
  import_runs_status_check: internal('IMPORT_IMPOSSIBLE', 'An import has an unknown status. This is a defect of OneChart.'),
  import_runs_completed_check: internal('IMPORT_IMPOSSIBLE', 'An import is complete and has no end, or the reverse. This is a defect of OneChart.'),
  import_runs_position_check: internal('IMPORT_IMPOSSIBLE', 'An import stands outside its file. This is a defect of OneChart.'),
  import_runs_rows_check: internal('IMPORT_IMPOSSIBLE', 'The rows of an import do not add up. This is a defect of OneChart.'),
  downtime_blocks_pkey: downtimeImpossible,
  downtime_blocks_code_key: downtimeImpossible,
  downtime_blocks_mrnBlockId_key: downtimeImpossible,
  downtime_blocks_mrnBlockId_fkey: downtimeImpossible,
  downtime_blocks_code_check: downtimeImpossible,
  downtime_blocks_desk_check: downtimeImpossible,
  downtime_blocks_valid_check: downtimeImpossible,
  downtime_blocks_closed_check: downtimeImpossible,
  downtime_numbers_pkey: downtimeImpossible,
  downtime_numbers_blockId_place_key: downtimeImpossible,
  downtime_numbers_blockId_fkey: downtimeImpossible,
  downtime_numbers_place_check: downtimeImpossible,
  downtime_numbers_number_check: downtimeImpossible,
  downtime_numbers_state_check: downtimeImpossible,
  downtime_numbers_stateAt_check: downtimeImpossible,
  downtime_numbers_missing_check: downtimeImpossible,
};

/** A foreign key of the host's own tables to patients, whatever the table is called. */
const hostLink = /^(.+)_(patientId|patient_id)_fkey$/;

/** Errors of the connection itself, by the code that Node.js or the server gives. */
const unreachable = new Set(['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'EPIPE', 'ENOENT']);

/** Classes and codes of SQLSTATE (PostgreSQL documentation, appendix A); a full code wins over its class. */
const stateErrors: Readonly<Record<string, Translation>> = {
  '08': { kind: 'unavailable', code: 'DATABASE_UNAVAILABLE', message: 'The connection to the database was lost. Try again; check that the server is running.' },
  '22': invalid('VALUE_INVALID', 'A value does not fit its column. Check lengths, numbers and dates.'),
  '22001': invalid('VALUE_TOO_LONG', 'A value is longer than its column allows. Shorten it.'),
  '22003': invalid('NUMBER_OUT_OF_RANGE', 'A number is out of range. Give a smaller one.'),
  '22P02': invalid('VALUE_MALFORMED', 'A value is not of the form its column wants: an id of this registry is a UUID. Check the ids.'),
  '22021': invalid('TEXT_NOT_STORABLE', 'A text holds a character that PostgreSQL cannot store (U+0000). Remove it.'),
  '23': { kind: 'rule', code: 'CONSTRAINT_VIOLATED', message: 'A constraint of the database forbids this.' },
  '23502': invalid('FIELD_REQUIRED', 'A required field is missing.'),
  '23503': { kind: 'not-found', code: 'REFERENCE_NOT_FOUND', message: 'A reference names a row that does not exist. Check the ids.' },
  '23505': { kind: 'duplicate', code: 'ROW_TAKEN', message: 'A row with the same key exists already.' },
  '25001': { kind: 'invalid', code: 'HOST_TRANSACTION_UNSUITABLE', message: 'The transaction handed over cannot run this. Open a plain one.' },
  '25006': {
    kind: 'unavailable',
    code: 'DATABASE_READ_ONLY',
    message: 'The database is read-only (a standby, or default_transaction_read_only). Connect to the primary.',
  },
  '25P01': invalid('HOST_TRANSACTION_MISSING', 'The connection handed over has no open transaction. Run BEGIN on it first, or hand over the pool.'),
  '25P02': { kind: 'conflict', code: 'HOST_TRANSACTION_FAILED', message: 'The transaction handed over has failed already. Roll it back and begin a new one.' },
  '25P03': {
    kind: 'unavailable',
    code: 'TRANSACTION_TIMED_OUT',
    message: 'The transaction was idle for too long and the server ended it. Do the work in a shorter transaction.',
  },
  '28': { kind: 'unauthenticated', code: 'DATABASE_LOGIN_REFUSED', message: 'The database refused the login. Check user, password and pg_hba.conf.' },
  '28P01': { kind: 'unauthenticated', code: 'DATABASE_PASSWORD_WRONG', message: 'The database refused the password. Check user and password in the address.' },
  '3D000': { kind: 'not-found', code: 'DATABASE_MISSING', message: 'The server has no database of this name. Check the name in the address.' },
  '3F000': { kind: 'unavailable', code: 'SCHEMA_MISSING', message: 'The database has no schema of this name. Check the schema in the address.' },
  '40001': { kind: 'conflict', code: 'TRANSACTION_RETRY', message: 'Another transaction changed the same rows at the same time. Try again.' },
  '40P01': { kind: 'busy', code: 'DEADLOCK', message: 'Two transactions waited for each other and the server ended this one. Try again.' },
  '42501': {
    kind: 'forbidden',
    code: 'DATABASE_PRIVILEGE_MISSING',
    message: 'The database user lacks a privilege for this. Grant it the role of the application.',
  },
  '42P01': {
    kind: 'operator',
    code: 'REGISTRY_NOT_MIGRATED',
    message: 'A table of the patient module is missing here. Run onechart migrate apply on this database, or check the schema.',
  },
  '42704': {
    kind: 'operator',
    code: 'REGISTRY_NOT_MIGRATED',
    message: 'A type of the patient module is missing here. Run onechart migrate apply on this database, or check the schema.',
  },
  '42703': {
    kind: 'operator',
    code: 'REGISTRY_NOT_MIGRATED',
    message: 'A column of the patient module is missing here. Run onechart migrate apply on this database.',
  },
  '53': { kind: 'busy', code: 'DATABASE_OUT_OF_RESOURCES', message: 'The server is out of a resource (disk, memory or connections). Free some and try again.' },
  '55P03': { kind: 'busy', code: 'LOCK_NOT_AVAILABLE', message: 'A lock was not to be had in time. Nothing was changed; try again.' },
  '57014': { kind: 'busy', code: 'STATEMENT_CANCELLED', message: 'The statement took too long or was cancelled. Nothing was changed; try again.' },
  '57P': { kind: 'unavailable', code: 'DATABASE_UNAVAILABLE', message: 'The server is starting up or shutting down. Try again in a moment.' },
};

/** The SQLSTATE of an error, also of one that has been translated. */
export function sqlstateOf(thrown: unknown): string | undefined {
  if (thrown instanceof AppError) return sqlstateOf(thrown.cause);
  return isServerError(thrown) ? thrown.code : undefined;
}

/** The constraint that an error names, also of one that has been translated. */
export function constraintOf(thrown: unknown): string | undefined {
  if (thrown instanceof AppError) return constraintOf(thrown.cause);
  return isServerError(thrown) ? thrown.constraint : undefined;
}

function isServerError(thrown: unknown): thrown is ServerError {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' && /^[0-9A-Z]{5}$/.test(thrown.code);
}

/**
 * Translates what `pg` throws. What is no error of the database comes back as it is.
 * Messages are ours, never the server's: those can quote values of rows.
 */
export function translateDatabaseError(thrown: unknown): unknown {
  if (thrown instanceof AppError || !(thrown instanceof Error)) return thrown;
  const code = 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined;
  if (
    (code !== undefined && unreachable.has(code)) ||
    /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Client was closed)/.test(thrown.message)
  ) {
    return new AppError(
      'unavailable',
      'DATABASE_UNAVAILABLE',
      'The database server cannot be reached. Check that it is running, and its host and port.',
      {},
      { cause: thrown },
    );
  }
  if (!isServerError(thrown)) return thrown;
  const found =
    byConstraint(thrown) ?? byColumn(thrown) ?? stateErrors[thrown.code] ?? stateErrors[thrown.code.slice(0, 3)] ?? stateErrors[thrown.code.slice(0, 2)];
  if (!found)
    return new AppError(
      'internal',
      'DATABASE_ERROR',
      `The database refused a statement (SQLSTATE ${thrown.code}). This is a defect of OneChart, or of the database.`,
      { sqlstate: thrown.code },
      { cause: thrown },
    );
  const details = {
    sqlstate: thrown.code,
    ...(thrown.constraint === undefined ? {} : { constraint: thrown.constraint }),
    ...(thrown.column === undefined ? {} : { field: thrown.column }),
  };
  return new AppError(found.kind, found.code, found.message, details, { cause: thrown });
}

/** Waits for a statement outside `inTransaction`, which translates by itself. */
export async function translated<T>(statement: Promise<T>): Promise<T> {
  try {
    return await statement;
  } catch (thrown) {
    throw translateDatabaseError(thrown);
  }
}

function byConstraint(error: ServerError): Translation | undefined {
  if (error.constraint === undefined) return undefined;
  const link = hostLink.exec(error.constraint);
  // A delete or a change of patients.id names the referring table's constraint, with patients as the table.
  if (error.code === '23503' && error.table === 'patients' && (link || error.constraint.endsWith('_fkey')) && !error.constraint.startsWith('patients_')) {
    return { kind: 'rule', code: 'PATIENT_IN_USE', message: 'Other rows refer to this patient. Patients are never deleted; archive the chart instead.' };
  }
  return constraintErrors[error.constraint] ?? (link ? unknownPatient(link[1] as string) : undefined);
}

function byColumn(error: ServerError): Translation | undefined {
  return error.code === '23502' && error.column !== undefined ? invalid('FIELD_REQUIRED', `${error.column} is required. Give a value for it.`) : undefined;
}
