import { z } from 'zod';
import { type SearchMatch, typedFilters, typedText } from '../search/search.schema.ts';
import { Email, Id, Instant, LanguageTag, line, note, oneOf, Phone, Version } from '../base/fields.ts';
import { PlainDate } from '../base/plain-date.ts';

/** Shapes of the patient registry: what goes in and what comes out, on every face. */

export { Id };

export const PatientStatus = oneOf(['ACTIVE', 'INACTIVE', 'DECEASED', 'ARCHIVED']);
export type PatientStatus = z.infer<typeof PatientStatus>;
export const Gender = oneOf(['MALE', 'FEMALE', 'OTHER', 'UNKNOWN']);
export const BloodType = oneOf(['A+', 'A-', 'B+', 'B-', 'AB+', 'AB-', 'O+', 'O-']);
export const DocumentType = oneOf(['ID_CARD', 'INSURANCE_CARD', 'PASSPORT', 'DRIVER_LICENSE', 'OTHER']);
export const AllergyType = oneOf(['DRUG', 'FOOD', 'ENVIRONMENTAL', 'OTHER']);
export const AllergySeverity = oneOf(['MILD', 'MODERATE', 'SEVERE', 'LIFE_THREATENING']);
export const RiskSeverity = oneOf(['LOW', 'MEDIUM', 'HIGH', 'CRITICAL']);

/** How exact a date of birth is. Of MONTH and YEAR only that part is known, and the rest is written as 01; ESTIMATED comes from an age that somebody judged. */
export const DateOfBirthPrecision = oneOf(['DAY', 'MONTH', 'YEAR', 'ESTIMATED']);
export type DateOfBirthPrecision = z.infer<typeof DateOfBirthPrecision>;
/** How far the identity is known: an UNIDENTIFIED patient and a newborn without a name (TEMPORARY) become KNOWN through `identify`. */
export const IdentityStatus = oneOf(['KNOWN', 'UNIDENTIFIED', 'TEMPORARY']);
export type IdentityStatus = z.infer<typeof IdentityStatus>;
const birthCount = z.int({ error: 'must be a whole number' }).min(1, { error: 'must be 1 or more' }).max(20, { error: 'must be at most 20' });

export const demographics = {
  firstName: line(100).nullable().describe('Given name; null when it is not known or the person has a single name.'),
  middleName: line(100).nullable(),
  lastName: line(100).describe('Family name, or the single name.'),
  dateOfBirth: PlainDate.nullable().describe('Date of birth as YYYY-MM-DD; null when it is not known.'),
  gender: Gender.nullable(),
  bloodType: BloodType.nullable(),
  email: Email.nullable(),
  phone: Phone.nullable(),
  phoneSecondary: Phone.nullable(),
  addressLine1: line(255).nullable(),
  addressLine2: line(255).nullable(),
  city: line(100).nullable(),
  state: line(100).nullable(),
  zipCode: line(20).nullable(),
  country: line(100).nullable(),
  dateOfBirthPrecision: DateOfBirthPrecision.nullable().describe('How exact dateOfBirth is; null counts as DAY.'),
  preferredLanguage: LanguageTag.nullable().describe('Language to speak with the patient, as a BCP 47 tag.'),
  motherId: Id.nullable().describe("The mother's chart, for newborns."),
  birthOrder: birthCount.nullable().describe('Which of several born together: 1 is the first.'),
  multipleBirthCount: birthCount.nullable().describe('How many were born together: 2 for twins.'),
};

/** Fields of `demographics` that a registration may leave out. */
export const optionalDemographics = {
  middleName: true,
  gender: true,
  bloodType: true,
  email: true,
  phone: true,
  phoneSecondary: true,
  addressLine1: true,
  addressLine2: true,
  city: true,
  state: true,
  zipCode: true,
  country: true,
  dateOfBirthPrecision: true,
  preferredLanguage: true,
  motherId: true,
  birthOrder: true,
  multipleBirthCount: true,
} as const;

/** Years, where nobody knows the date. It becomes an estimated date of birth. */
export const estimatedAge = z
  .int({ error: 'must be a whole number of years' })
  .min(0, { error: 'must be 0 or more years' })
  .max(149, { error: 'must be less than 150 years' })
  .optional()
  .describe('Age in years as somebody judged it; becomes a dateOfBirth of precision ESTIMATED. Give dateOfBirth as null then.');

/**
 * What a registration takes. `firstName`, `lastName` and `dateOfBirth` must be there, so that none is forgotten;
 * `firstName` and `dateOfBirth` may be null for a single name and an unknown date.
 */
export const NewPatient = z
  .strictObject({
    id: Id.optional().describe('An id the host has used for this patient already; otherwise a new one is made.'),
    mrn: line(50).optional().describe("The host's own record number, kept as it is; otherwise one is issued."),
    ...z.object(demographics).partial(optionalDemographics).shape,
    estimatedAge,
  })
  .meta({ id: 'NewPatient', description: 'What a registration takes.' });
export type NewPatient = z.input<typeof NewPatient>;
export type CheckedNewPatient = z.output<typeof NewPatient>;

/** Changes of a patient's demographics; `version` is the one that was read. A field left out stays, null empties it. */
export const PatientChanges = z
  .strictObject({
    version: Version,
    ...z.object(demographics).partial().shape,
    estimatedAge,
    photoDocumentId: Id.nullable().optional().describe('The document of this chart that holds the portrait.'),
    correction: z
      .boolean()
      .default(false)
      .describe('Whether what stood there was a mistake. Otherwise an earlier name, address or number is kept in the history of the chart.'),
  })
  .meta({ id: 'PatientChanges', description: 'Changes of demographics. A field left out stays, null empties it.' });
export type PatientChanges = z.input<typeof PatientChanges>;
export type CheckedPatientChanges = z.output<typeof PatientChanges>;

/** A patient as every face shows it. */
export const Patient = z
  .object({
    id: z.string(),
    mrn: z.string(),
    firstName: z.string().nullable(),
    middleName: z.string().nullable(),
    lastName: z.string(),
    dateOfBirth: PlainDate.nullable(),
    gender: Gender.nullable(),
    bloodType: BloodType.nullable(),
    email: z.string().nullable(),
    phone: z.string().nullable(),
    phoneSecondary: z.string().nullable(),
    addressLine1: z.string().nullable(),
    addressLine2: z.string().nullable(),
    city: z.string().nullable(),
    state: z.string().nullable(),
    zipCode: z.string().nullable(),
    country: z.string().nullable(),
    status: PatientStatus,
    restricted: z.boolean(),
    restrictedReason: z.string().nullable(),
    restrictedAt: Instant.nullable(),
    restrictedBy: z.string().nullable(),
    deceased: z.boolean(),
    deceasedAt: Instant.nullable(),
    deceasedBy: z.string().nullable(),
    archived: z.boolean(),
    archivedAt: Instant.nullable(),
    archivedBy: z.string().nullable(),
    archivedReason: z.string().nullable(),
    mergedInto: z.string().nullable(),
    mergedAt: Instant.nullable(),
    mergedBy: z.string().nullable(),
    createdAt: Instant,
    updatedAt: Instant,
    createdBy: z.string().nullable(),
    updatedBy: z.string().nullable(),
    version: z.int(),
    hidden: z
      .array(z.string())
      .optional()
      .describe('Fields that are null here because the role of the caller is not shown them; left out where nothing is hidden.'),
    dateOfBirthPrecision: DateOfBirthPrecision.nullable(),
    preferredLanguage: z.string().nullable(),
    motherId: z.string().nullable(),
    birthOrder: z.int().nullable(),
    multipleBirthCount: z.int().nullable(),
    identityStatus: IdentityStatus.nullable().describe('Null counts as KNOWN.'),
    photoDocumentId: z.string().nullable(),
  })
  .meta({ id: 'Patient', description: 'A chart.' });
export type Patient = z.infer<typeof Patient>;

const optionalVersion = Version.optional().describe('The version that was read; left out, the change is made to whatever is there.');
const reason = note.describe('Why; kept in the chart and in the audit trail.');

export const ArchiveInput = z.strictObject({ reason, version: optionalVersion });
export type ArchiveInput = z.input<typeof ArchiveInput>;
export const RestrictInput = z.strictObject({ reason, version: optionalVersion });
export type RestrictInput = z.input<typeof RestrictInput>;
export const UndoInput = z.strictObject({ reason: reason.optional(), version: optionalVersion });
export type UndoInput = z.input<typeof UndoInput>;
export const MarkDeceasedInput = z.strictObject({
  deceasedAt: Instant.nullable().describe('When the patient died; null when it is not known.'),
  reason: reason.optional(),
  version: optionalVersion,
});
export type MarkDeceasedInput = z.input<typeof MarkDeceasedInput>;
export const ChangeStatusInput = z.strictObject({ status: PatientStatus, reason: reason.optional(), version: optionalVersion });
export type ChangeStatusInput = z.input<typeof ChangeStatusInput>;

/** A number by which somebody outside knows the patient: the MRN, the number of a document, or an identifier of another authority. */
export const Identifier = z.strictObject({
  type: z
    .string({ error: 'must be text' })
    .regex(/^[A-Z][A-Z0-9_]{0,19}$/, { error: `must be MRN, a type of document (${DocumentType.options.join(', ')}) or a code of HL7 table 0203 such as NI` })
    .describe('MRN, a type of document, or a code of HL7 table 0203; PASSPORT and PPN are one, DRIVER_LICENSE and DL too.')
    .meta({ examples: ['MRN', 'PASSPORT', 'NI'] }),
  value: line(100),
  authorityCode: line(50).optional().describe('Only identifiers of this authority.'),
  system: line(255).optional().describe('Only identifiers of the authority with this URI, or of this system.'),
});
export type Identifier = z.input<typeof Identifier>;

const limit = z.int({ error: 'must be a whole number' }).min(1, { error: 'must be 1 or more' }).max(200, { error: 'must be at most 200' }).default(50);
const cursor = z.string().max(1000).optional().describe('The nextCursor of the page before.');

/** What `q` takes the place of. */
const criteriaWithoutQ = [
  'lastName',
  'firstName',
  'dateOfBirth',
  'phone',
  'contactPhone',
  'email',
  'mrn',
  'documentNumber',
  'identifierValue',
  'cursor',
] as const;
const filterNames = Object.keys(typedFilters) as (keyof typeof typedFilters)[];

/** Criteria are combined with AND. Names match from their beginning, in any case; numbers and addresses match as a whole. `q` is what somebody typed into one box. */
export const PatientSearch = z
  .strictObject({
    lastName: line(100).optional(),
    firstName: line(100).optional(),
    dateOfBirth: PlainDate.optional(),
    phone: Phone.optional(),
    contactPhone: Phone.optional(),
    email: Email.optional(),
    mrn: line(50).optional(),
    documentNumber: line(100).optional(),
    identifierValue: line(100).optional().describe('Number of another authority; blanks do not matter.'),
    includeOther: z
      .boolean()
      .default(false)
      .describe('Also by names, telephone numbers and e-mail addresses that the patient has beside the present ones or had before.'),
    includeArchived: z.boolean().default(false),
    q: typedText.optional(),
    status: PatientStatus.optional().describe('Goes with q.'),
    ...typedFilters,
    limit,
    cursor,
  })
  .refine((search) => search.q === undefined || criteriaWithoutQ.every((name) => search[name] === undefined), {
    path: ['q'],
    error: `is read as all criteria at once. Leave out ${criteriaWithoutQ.join(', ')}, or leave out q`,
  })
  .refine((search) => search.q !== undefined || [...filterNames, 'status' as const].every((name) => search[name] === undefined), {
    path: ['q'],
    error: `is required with status, ${filterNames.join(', ')}`,
  })
  .refine(
    (search) =>
      [
        search.q,
        search.lastName,
        search.firstName,
        search.dateOfBirth,
        search.phone,
        search.contactPhone,
        search.email,
        search.mrn,
        search.documentNumber,
        search.identifierValue,
      ].some((each) => each !== undefined),
    {
      error: 'needs at least one criterion: q, lastName, firstName, dateOfBirth, phone, contactPhone, email, mrn, documentNumber or identifierValue',
    },
  );
export type PatientSearch = z.input<typeof PatientSearch>;
export type CheckedPatientSearch = z.output<typeof PatientSearch>;

export const UserAction = oneOf(['created', 'updated', 'restricted', 'deceased', 'archived', 'merged']);
export type UserAction = z.infer<typeof UserAction>;

/** Filters are combined with AND. `order` says what the pages follow. */
export const PatientList = z.strictObject({
  status: PatientStatus.optional(),
  actedOnBy: z.strictObject({ action: UserAction, userId: Id }).optional(),
  mergedInto: Id.optional(),
  updatedSince: Instant.optional().describe('Only patients changed at or after this instant.'),
  order: oneOf(['newest', 'name', 'changed'])
    .default('newest')
    .describe(
      'newest: latest registration first; name: family name, then given name; changed: least recent change first, for systems that follow the registry.',
    ),
  total: z.boolean().default(true).describe('Whether to count all patients that fit.'),
  limit,
  cursor,
});
export type PatientList = z.input<typeof PatientList>;
export type CheckedPatientList = z.output<typeof PatientList>;

export interface Page<Item> {
  /** Of a search by `q`: how well each of items fits, and why. */
  readonly matches?: readonly SearchMatch[];
  /** Of a search by `q`: whether more fit than are shown. */
  readonly more?: boolean;
  readonly items: readonly Item[];
  /** Give it as `cursor` to get the next page; null on the last one. */
  readonly nextCursor: string | null;
  /** How many fit in all; null when it was not asked for. */
  readonly total: number | null;
}

const contactFields = {
  firstName: line(100),
  lastName: line(100),
  relationship: line(50),
  phone: Phone.nullable(),
  email: Email.nullable(),
  address: note.nullable(),
  isEmergencyContact: z.boolean(),
  isNextOfKin: z.boolean(),
  language: LanguageTag.nullable().describe('Language to speak with the contact, as a BCP 47 tag.'),
  priority: z.int().min(1, { error: 'must be 1 or more; 1 is called first' }),
  notes: note.nullable(),
};
export const NewContact = z
  .strictObject(
    z
      .object(contactFields)
      .partial({ phone: true, email: true, address: true, isEmergencyContact: true, isNextOfKin: true, language: true, priority: true, notes: true }).shape,
  )
  .meta({ id: 'NewContact', description: 'A next of kin, or somebody to call.' });
export type NewContact = z.input<typeof NewContact>;
export const ContactChanges = z.strictObject(z.object(contactFields).partial().shape).meta({ id: 'ContactChanges', description: 'Changes of a contact.' });
export type ContactChanges = z.input<typeof ContactChanges>;
const rowTimes = { createdAt: Instant, updatedAt: Instant, createdBy: z.string().nullable(), updatedBy: z.string().nullable() };
export const Contact = z
  .object({
    id: z.string(),
    patientId: z.string(),
    firstName: z.string(),
    lastName: z.string(),
    relationship: z.string(),
    phone: z.string().nullable(),
    email: z.string().nullable(),
    address: z.string().nullable(),
    isEmergencyContact: z.boolean(),
    isNextOfKin: z.boolean(),
    language: z.string().nullable(),
    priority: z.int(),
    notes: z.string().nullable(),
    ...rowTimes,
  })
  .meta({ id: 'Contact', description: 'A contact of a chart.' });
export type Contact = z.infer<typeof Contact>;

const documentFields = {
  documentType: DocumentType,
  documentNumber: line(100).nullable(),
  fileName: line(255).nullable(),
  filePath: line(1024).nullable(),
  fileSize: z.int().min(0, { error: 'must be 0 or more bytes' }).max(2_147_483_647, { error: 'must be less than 2 GiB' }).nullable(),
  mimeType: line(100).nullable(),
  issuedBy: line(255).nullable(),
  issuedDate: PlainDate.nullable(),
  expiryDate: PlainDate.nullable(),
  notes: note.nullable(),
};
export const NewDocument = z
  .strictObject(z.object(documentFields).partial().required({ documentType: true }).shape)
  .meta({ id: 'NewDocument', description: 'A document of a patient.' });
export type NewDocument = z.input<typeof NewDocument>;
export const DocumentChanges = z.strictObject(z.object(documentFields).partial().shape).meta({ id: 'DocumentChanges', description: 'Changes of a document.' });
export type DocumentChanges = z.input<typeof DocumentChanges>;
export const PatientDocument = z
  .object({
    id: z.string(),
    patientId: z.string(),
    documentType: DocumentType,
    documentNumber: z.string().nullable(),
    fileName: z.string().nullable(),
    filePath: z.string().nullable(),
    fileSize: z.int().nullable(),
    mimeType: z.string().nullable(),
    issuedBy: z.string().nullable(),
    issuedDate: PlainDate.nullable(),
    expiryDate: PlainDate.nullable(),
    isVerified: z.boolean(),
    verifiedBy: z.string().nullable(),
    notes: z.string().nullable(),
    contentSha256: z
      .string()
      .nullable()
      .describe('Hexadecimal SHA-256 of the stored file; null while none is stored. fileSize and mimeType are then those of the file.'),
    contentStoredAt: Instant.nullable().describe('When the file was stored.'),
    ...rowTimes,
  })
  .meta({ id: 'PatientDocument', description: 'A document of a chart.' });
export type PatientDocument = z.infer<typeof PatientDocument>;

const allergyFields = {
  allergen: line(255),
  allergyType: AllergyType,
  severity: AllergySeverity,
  reaction: note.nullable(),
  diagnosedAt: PlainDate.nullable(),
  notes: note.nullable(),
};
export const NewAllergy = z
  .strictObject(z.object(allergyFields).partial({ reaction: true, diagnosedAt: true, notes: true }).shape)
  .meta({ id: 'NewAllergy', description: 'An allergy or intolerance.' });
export type NewAllergy = z.input<typeof NewAllergy>;
export const AllergyChanges = z.strictObject(z.object(allergyFields).partial().shape).meta({ id: 'AllergyChanges', description: 'Changes of an allergy.' });
export type AllergyChanges = z.input<typeof AllergyChanges>;
export const Allergy = z
  .object({
    id: z.string(),
    patientId: z.string(),
    allergen: z.string(),
    allergyType: AllergyType,
    severity: AllergySeverity,
    reaction: z.string().nullable(),
    diagnosedAt: PlainDate.nullable(),
    diagnosedBy: z.string().nullable(),
    active: z.boolean(),
    notes: z.string().nullable(),
    ...rowTimes,
  })
  .meta({ id: 'Allergy', description: 'An allergy of a chart.' });
export type Allergy = z.infer<typeof Allergy>;

const riskFlagFields = {
  flagType: line(50).describe('FALL_RISK, INFECTION_RISK, BLEEDING_RISK, ALLERGY_RISK or a word of the house.'),
  severity: RiskSeverity,
  description: note.nullable(),
  notes: note.nullable(),
};
export const NewRiskFlag = z
  .strictObject(z.object(riskFlagFields).partial({ description: true, notes: true }).shape)
  .meta({ id: 'NewRiskFlag', description: 'A risk flag.' });
export type NewRiskFlag = z.input<typeof NewRiskFlag>;
export const RiskFlag = z
  .object({
    id: z.string(),
    patientId: z.string(),
    flagType: z.string(),
    severity: RiskSeverity,
    description: z.string().nullable(),
    setBy: z.string().nullable(),
    setAt: Instant,
    active: z.boolean(),
    clearedBy: z.string().nullable(),
    clearedAt: Instant.nullable(),
    notes: z.string().nullable(),
    updatedAt: Instant,
  })
  .meta({ id: 'RiskFlag', description: 'A risk flag of a chart.' });
export type RiskFlag = z.infer<typeof RiskFlag>;

/** That one chart went into another. */
export const Merge = z
  .object({
    id: z.string(),
    sourcePatientId: z.string(),
    targetPatientId: z.string(),
    mergedAt: Instant,
    mergedBy: z.string().nullable(),
    reason: z.string().nullable(),
    mergeEventId: z.string(),
  })
  .meta({ id: 'Merge', description: 'That one chart went into another.' });
export type Merge = z.infer<typeof Merge>;
