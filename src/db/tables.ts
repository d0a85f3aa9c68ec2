// Generated from the catalogue of a migrated database by scripts/generate-table-types.ts. Do not edit.
import type { ColumnType, Generated } from 'kysely';

type Json = ColumnType<unknown, string, string>;
export type PatientStatus = 'ACTIVE' | 'INACTIVE' | 'DECEASED' | 'ARCHIVED';

export interface PatientTable {
  id: Generated<string>;
  mrn: string;
  firstName: string | null;
  middleName: string | null;
  lastName: string;
  dateOfBirth: string | null;
  gender: string | null;
  bloodType: string | null;
  email: string | null;
  phone: string | null;
  phoneSecondary: string | null;
  addressLine1: string | null;
  addressLine2: string | null;
  city: string | null;
  state: string | null;
  zipCode: string | null;
  country: string | null;
  status: Generated<PatientStatus>;
  restricted: Generated<boolean>;
  restrictedReason: string | null;
  restrictedAt: Date | null;
  restrictedBy: string | null;
  deceased: Generated<boolean>;
  deceasedAt: Date | null;
  deceasedBy: string | null;
  archived: Generated<boolean>;
  archivedAt: Date | null;
  archivedBy: string | null;
  archivedReason: string | null;
  mergedInto: string | null;
  mergedAt: Date | null;
  mergedBy: string | null;
  createdAt: Generated<Date>;
  updatedAt: Generated<Date>;
  createdBy: string | null;
  updatedBy: string | null;
  version: Generated<number>;
  dateOfBirthPrecision: string | null;
  preferredLanguage: string | null;
  motherId: string | null;
  birthOrder: number | null;
  multipleBirthCount: number | null;
  identityStatus: string | null;
  photoDocumentId: string | null;
}

export interface PatientContactTable {
  id: Generated<string>;
  patientId: string;
  firstName: string;
  lastName: string;
  relationship: string;
  phone: string | null;
  email: string | null;
  address: string | null;
  isEmergencyContact: Generated<boolean>;
  priority: Generated<number>;
  notes: string | null;
  createdAt: Generated<Date>;
  updatedAt: Generated<Date>;
  createdBy: string | null;
  updatedBy: string | null;
  isNextOfKin: Generated<boolean>;
  language: string | null;
}

export interface PatientDocumentTable {
  id: Generated<string>;
  patientId: string;
  documentType: string;
  documentNumber: string | null;
  fileName: string | null;
  filePath: string | null;
  fileSize: number | null;
  mimeType: string | null;
  issuedBy: string | null;
  issuedDate: string | null;
  expiryDate: string | null;
  isVerified: Generated<boolean>;
  verifiedBy: string | null;
  notes: string | null;
  createdAt: Generated<Date>;
  updatedAt: Generated<Date>;
  createdBy: string | null;
  updatedBy: string | null;
  contentSha256: string | null;
  contentStoredAt: Date | null;
}

export interface PatientAllergyTable {
  id: Generated<string>;
  patientId: string;
  allergen: string;
  allergyType: string;
  severity: string;
  reaction: string | null;
  diagnosedAt: string | null;
  diagnosedBy: string | null;
  active: Generated<boolean>;
  notes: string | null;
  createdAt: Generated<Date>;
  updatedAt: Generated<Date>;
  createdBy: string | null;
  updatedBy: string | null;
}

export interface PatientRiskFlagTable {
  id: Generated<string>;
  patientId: string;
  flagType: string;
  severity: string;
  description: string | null;
  setBy: string | null;
  setAt: Generated<Date>;
  active: Generated<boolean>;
  clearedBy: string | null;
  clearedAt: Date | null;
  notes: string | null;
  updatedAt: Generated<Date>;
}

export interface PatientMergeHistoryTable {
  id: Generated<string>;
  sourcePatientId: string;
  targetPatientId: string;
  mergedAt: Generated<Date>;
  mergedBy: string | null;
  reason: string | null;
  mergeEventId: Generated<string>;
}

export interface PatientAuditEventTable {
  id: Generated<string>;
  occurredAt: Generated<Date>;
  action: string;
  patientId: string | null;
  actorKind: string;
  actorId: string | null;
  actorName: string | null;
  origin: string | null;
  requestId: string | null;
  reason: string | null;
  before: Json | null;
  after: Json | null;
  seq: Generated<number>;
}

export interface PatientAuditSealTable {
  number: number;
  kind: string;
  format: number;
  fromSeq: number;
  toSeq: number;
  month: string;
  rowCount: number;
  digest: string;
  fingerprints: Buffer | null;
  note: string | null;
  sealedAt: Date;
  previousHash: string;
  hash: string;
  keyId: string | null;
  signature: string | null;
}

export interface PatientOutboxEventTable {
  id: Generated<string>;
  occurredAt: Generated<Date>;
  type: string;
  patientId: string;
  patientVersion: number;
  payload: Json;
  publishedAt: Date | null;
  seq: number | null;
}

export interface PatientPlaceholderTable {
  patientId: string;
  origin: string;
  sourceTable: string | null;
  sourceColumn: string | null;
  createdAt: Generated<Date>;
  completedAt: Date | null;
  completedBy: string | null;
}

export interface PatientDocumentContentTable {
  id: Generated<string>;
  documentId: string | null;
  purpose: string;
  store: string;
  mimeType: string | null;
  size: number | null;
  sha256: string | null;
  createdAt: Generated<Date>;
  completedAt: Date | null;
}

export interface PatientDocumentChunkTable {
  contentId: string;
  number: number;
  bytes: Buffer;
}

export interface PatientNameTable {
  id: Generated<string>;
  patientId: string;
  use: string;
  firstName: string | null;
  middleName: string | null;
  lastName: string;
  script: string | null;
  language: string | null;
  periodStart: string | null;
  periodEnd: string | null;
  createdAt: Generated<Date>;
  updatedAt: Generated<Date>;
  createdBy: string | null;
  updatedBy: string | null;
}

export interface PatientAddressTable {
  id: Generated<string>;
  patientId: string;
  use: string;
  addressLine1: string | null;
  addressLine2: string | null;
  city: string | null;
  state: string | null;
  zipCode: string | null;
  country: string | null;
  periodStart: string | null;
  periodEnd: string | null;
  createdAt: Generated<Date>;
  updatedAt: Generated<Date>;
  createdBy: string | null;
  updatedBy: string | null;
}

export interface PatientTelecomTable {
  id: Generated<string>;
  patientId: string;
  system: string;
  use: string;
  value: string;
  periodStart: string | null;
  periodEnd: string | null;
  createdAt: Generated<Date>;
  updatedAt: Generated<Date>;
  createdBy: string | null;
  updatedBy: string | null;
}

export interface PatientIdentifierTable {
  id: Generated<string>;
  patientId: string;
  authorityCode: string | null;
  system: string | null;
  type: string;
  value: string;
  periodStart: string | null;
  periodEnd: string | null;
  isVerified: Generated<boolean>;
  verifiedAt: Date | null;
  verifiedBy: string | null;
  notes: string | null;
  createdAt: Generated<Date>;
  updatedAt: Generated<Date>;
  createdBy: string | null;
  updatedBy: string | null;
}

export interface IdentifierAuthorityTable {
  code: string;
  name: string;
  systemUri: string | null;
  type: string;
  pattern: string | null;
  checkDigit: string;
  shared: Generated<boolean>;
  active: Generated<boolean>;
  createdAt: Generated<Date>;
  updatedAt: Generated<Date>;
  createdBy: string | null;
  updatedBy: string | null;
}

export interface MrnAuthorityTable {
  code: string;
  name: string;
  createdAt: Generated<Date>;
}

export interface MrnFormatTable {
  authorityCode: string;
  version: number;
  prefix: string;
  separator: string;
  yearly: boolean;
  width: number;
  checkDigit: string;
  timeZone: string;
  createdAt: Generated<Date>;
}

export interface MrnCounterTable {
  authorityCode: string;
  year: number;
  lastNumber: number;
  updatedAt: Generated<Date>;
}

export interface MrnBlockTable {
  id: Generated<string>;
  authorityCode: string;
  formatVersion: number;
  year: number;
  kind: string;
  firstNumber: number;
  lastNumber: number;
  instance: string;
  host: string;
  processId: number;
  leasedAt: Generated<Date>;
  expiresAt: Date;
  closedAt: Date | null;
}

export interface MrnReturnedRangeTable {
  id: Generated<string>;
  authorityCode: string;
  year: number;
  firstNumber: number;
  lastNumber: number;
  returnedByBlockId: string;
  returnedAt: Generated<Date>;
  takenByBlockId: string | null;
  takenAt: Date | null;
}

export interface AccessAccountTable {
  id: Generated<string>;
  username: string;
  displayName: string;
  role: string;
  userId: string | null;
  passwordHash: string | null;
  passwordChangedAt: Date | null;
  oidcIssuer: string | null;
  oidcSubject: string | null;
  failedSignIns: Generated<number>;
  lockedUntil: Date | null;
  lastSignInAt: Date | null;
  disabledAt: Date | null;
  createdAt: Generated<Date>;
  updatedAt: Generated<Date>;
}

export interface AccessSessionTable {
  id: Generated<string>;
  accountId: string;
  tokenHash: string;
  method: string;
  createdAt: Generated<Date>;
  lastSeenAt: Generated<Date>;
  expiresAt: Date;
  endedAt: Date | null;
  address: string | null;
  userAgent: string | null;
}

export interface AccessKeyTable {
  id: Generated<string>;
  name: string;
  role: string;
  prefix: string;
  secretHash: string;
  createdAt: Generated<Date>;
  expiresAt: Date | null;
  revokedAt: Date | null;
  lastUsedAt: Date | null;
}

export interface PatientBreakGlassGrantTable {
  id: Generated<string>;
  patientId: string;
  viewerId: string;
  viewerName: string | null;
  viewerRole: string;
  reason: string;
  grantedAt: Generated<Date>;
  expiresAt: Date;
  endedAt: Date | null;
  reviewedAt: Date | null;
  reviewerId: string | null;
  reviewerName: string | null;
  verdict: string | null;
  reviewNote: string | null;
}

export interface IdempotencyKeyTable {
  principal: string;
  key: string;
  fingerprint: string;
  status: number | null;
  headers: Json | null;
  answer: string | null;
  createdAt: Generated<Date>;
  expiresAt: Date;
}

export interface PatientSearchEntryTable {
  patientId: string;
  terms: string;
  termsVersion: number;
}

export interface PatientSearchWordTable {
  word: string;
  writer: number;
  deletes: string[];
}

export interface ImportRunTable {
  id: Generated<string>;
  fileSha256: string;
  fileSize: number;
  filePath: string;
  settingsSha256: string;
  settings: Json;
  status: string;
  bytePosition: number;
  line: number;
  rowsRead: number;
  rowsImported: number;
  rowsRejected: number;
  rowsSkipped: number;
  duplicatesFound: number;
  mrnsIssued: number;
  startedAt: Generated<Date>;
  updatedAt: Generated<Date>;
  completedAt: Date | null;
  actor: string | null;
}

export interface EventReceiverTable {
  id: Generated<string>;
  name: string;
  url: string;
  eventTypes: string[];
  secret: string;
  previousSecret: string | null;
  previousSecretUntil: Date | null;
  state: string;
  position: number;
  failures: Generated<number>;
  failingSince: Date | null;
  lastFailure: string | null;
  retryAt: Date | null;
  lastDeliveredAt: Date | null;
  createdAt: Generated<Date>;
  updatedAt: Generated<Date>;
}

export interface EventDeliveryTable {
  receiverId: string;
  eventId: string;
  seq: number;
  patientId: string;
  state: string;
  attempts: Generated<number>;
  lastFailure: string | null;
  retryAt: Date | null;
  createdAt: Generated<Date>;
  updatedAt: Generated<Date>;
}

export interface DowntimeBlockTable {
  id: Generated<string>;
  code: string;
  desk: string;
  authorityCode: string;
  year: number;
  mrnBlockId: string;
  validFrom: string;
  validUntil: string;
  keyId: string;
  signature: string;
  issuedAt: Generated<Date>;
  closedAt: Date | null;
  closeReason: string | null;
}

export interface DowntimeNumberTable {
  mrn: string;
  blockId: string;
  place: number;
  number: number;
  checkCharacter: string;
  state: Generated<string>;
  stateAt: Date | null;
  reason: string | null;
}

export interface Tables {
  patients: PatientTable;
  patient_contacts: PatientContactTable;
  patient_documents: PatientDocumentTable;
  patient_allergies: PatientAllergyTable;
  patient_risk_flags: PatientRiskFlagTable;
  patient_merge_history: PatientMergeHistoryTable;
  patient_audit_events: PatientAuditEventTable;
  patient_audit_seals: PatientAuditSealTable;
  patient_outbox_events: PatientOutboxEventTable;
  patient_placeholders: PatientPlaceholderTable;
  patient_document_contents: PatientDocumentContentTable;
  patient_document_chunks: PatientDocumentChunkTable;
  patient_names: PatientNameTable;
  patient_addresses: PatientAddressTable;
  patient_telecoms: PatientTelecomTable;
  patient_identifiers: PatientIdentifierTable;
  identifier_authorities: IdentifierAuthorityTable;
  mrn_authorities: MrnAuthorityTable;
  mrn_formats: MrnFormatTable;
  mrn_counters: MrnCounterTable;
  mrn_blocks: MrnBlockTable;
  mrn_returned_ranges: MrnReturnedRangeTable;
  access_accounts: AccessAccountTable;
  access_sessions: AccessSessionTable;
  access_keys: AccessKeyTable;
  patient_break_glass_grants: PatientBreakGlassGrantTable;
  idempotency_keys: IdempotencyKeyTable;
  patient_search_entries: PatientSearchEntryTable;
  patient_search_words: PatientSearchWordTable;
  import_runs: ImportRunTable;
  event_receivers: EventReceiverTable;
  event_deliveries: EventDeliveryTable;
  downtime_blocks: DowntimeBlockTable;
  downtime_numbers: DowntimeNumberTable;
}
