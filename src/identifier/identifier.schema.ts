import { z } from 'zod';
import { Instant, line, note, oneOf } from '../base/fields.ts';
import { PlainDate } from '../base/plain-date.ts';
import { checkDigitSchemes } from './mrn.schema.ts';

/** A type of HL7 table 0203, such as NI (national), PPN (passport), DL (driving licence), HC (health card), MR (record number). */
export const IdentifierType = z
  .string({ error: 'must be text' })
  .trim()
  .regex(/^[A-Z][A-Z0-9]{0,19}$/, { error: 'must be a code as in HL7 table 0203, such as NI, PPN, DL or HC' })
  .meta({ examples: ['NI'] });

/** `mod-11` is that of the NHS number: weights from 10 down to 2, and no number whose check would be 10. */
export const IdentifierCheckDigit = oneOf([...checkDigitSchemes, 'mod-11']);
export type IdentifierCheckDigit = z.infer<typeof IdentifierCheckDigit>;

export const AuthorityCode = line(50)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, { error: 'must be letters, digits and . _ -, such as NHIF' })
  .meta({ examples: ['NHIF'] });
const Uri = line(255).regex(/^[a-z][a-z0-9+.-]*:\S+$/i, { error: 'must be a URI, such as urn:oid:1.2.3 or https://nhif.example/id' });

const authorityFields = {
  name: line(200).describe('Name in full.'),
  systemUri: Uri.nullable().describe('URI of the number system, as FHIR calls it.'),
  type: IdentifierType.describe('Type of its numbers as in HL7 table 0203.'),
  pattern: line(255).nullable().describe('Regular expression (of PostgreSQL) that a whole number fits; null when any does.'),
  checkDigit: IdentifierCheckDigit.describe('How the check digit at the end of a number is computed.'),
  shared: z.boolean().describe('Whether several patients may have one number, as on the insurance card of a family.'),
  active: z.boolean().describe('Whether numbers may still be added.'),
};

/** What an authority's numbers look like. Everything is said anew; what is left out becomes its default. */
export const IdentifierAuthorityInput = z
  .strictObject({
    name: authorityFields.name,
    type: authorityFields.type,
    systemUri: authorityFields.systemUri.default(null),
    pattern: authorityFields.pattern.default(null),
    checkDigit: authorityFields.checkDigit.default('none'),
    shared: authorityFields.shared.default(false),
    active: authorityFields.active.default(true),
  })
  .meta({ id: 'IdentifierAuthorityInput', description: "What an authority's numbers look like." });
export type IdentifierAuthorityInput = z.input<typeof IdentifierAuthorityInput>;

/** Who gives out numbers by which patients are known elsewhere. */
export const IdentifierAuthority = z
  .object({
    code: z.string(),
    name: z.string(),
    systemUri: z.string().nullable(),
    type: z.string(),
    pattern: z.string().nullable(),
    checkDigit: IdentifierCheckDigit,
    shared: z.boolean(),
    active: z.boolean(),
  })
  .meta({ id: 'IdentifierAuthority', description: 'Who gives out numbers by which patients are known elsewhere.' });
export type IdentifierAuthority = z.infer<typeof IdentifierAuthority>;

/** Blanks and the like in a number are for the reader's eye. */
const Value = line(200)
  .overwrite((text) => text.replaceAll(/[\s\u00AD\u200B-\u200D\u2060\uFEFF]+/gu, ''))
  .min(1, { error: 'must not be empty' })
  .max(100, { error: 'must be at most 100 characters' });

const identifierFields = {
  authorityCode: AuthorityCode.nullable().describe('Who gave it out, where that authority is kept here.'),
  system: Uri.nullable().describe('URI of the number system; leads to the authority that has it.'),
  type: IdentifierType,
  value: Value.describe('The number; blanks are taken out.'),
  periodStart: PlainDate.nullable().describe('First day on which it is valid; null when not known.'),
  periodEnd: PlainDate.nullable().describe('Day from which it no longer is; null while it is, or when not known.'),
  notes: note.nullable(),
};

/** A number that another authority gave to the patient. `type` may be left out where the authority says it. */
export const NewIdentifier = z
  .strictObject(z.object(identifierFields).partial().required({ value: true }).shape)
  .meta({ id: 'NewIdentifier', description: 'A number that another authority gave to the patient.' });
export type NewIdentifier = z.input<typeof NewIdentifier>;
export type CheckedNewIdentifier = z.output<typeof NewIdentifier>;

/** What may change about an identifier; another number is another identifier. */
export const IdentifierChanges = z
  .strictObject(z.object({ periodStart: identifierFields.periodStart, periodEnd: identifierFields.periodEnd, notes: identifierFields.notes }).partial().shape)
  .meta({ id: 'IdentifierChanges', description: 'Changes of an identifier; another number is another identifier.' });
export type IdentifierChanges = z.input<typeof IdentifierChanges>;

const shown = {
  patientId: z.string(),
  authorityCode: z.string().nullable(),
  system: z.string().nullable(),
  type: z.string(),
  value: z.string(),
  periodStart: PlainDate.nullable(),
  periodEnd: PlainDate.nullable(),
  isVerified: z.boolean(),
  verifiedAt: Instant.nullable(),
  verifiedBy: z.string().nullable(),
  notes: z.string().nullable(),
};

/** A number of another authority. */
export const PatientIdentifier = z
  .object({
    id: z.string(),
    ...shown,
    createdAt: Instant,
    updatedAt: Instant,
    createdBy: z.string().nullable(),
    updatedBy: z.string().nullable(),
  })
  .meta({ id: 'PatientIdentifier', description: 'A number of another authority.' });
export type PatientIdentifier = z.infer<typeof PatientIdentifier>;

/** Any number of a chart. The MRN (type MR) is part of the patient itself, so it has no id of its own. */
export const ChartIdentifier = z
  .object({ id: z.string().nullable(), ...shown, updatedAt: Instant.nullable() })
  .meta({ id: 'ChartIdentifier', description: 'Any number of a chart. The MRN has no id of its own.' });
export type ChartIdentifier = z.infer<typeof ChartIdentifier>;
