import { AppError } from '../base/errors.ts';
import type { Viewer } from '../db/context.ts';
import type { Patient } from '../patient/patient.schema.ts';
import type { Scope } from './access.schema.ts';
import { mayDo } from './access.ts';

/** Which part of a chart, and which field of a patient, a caller sees and changes. Data; docs/access.md is made from it. */

/** Fields of a patient that only those see who may view the whole chart. Nobody writes what they cannot see. */
export const wholeChartFields = [
  'bloodType',
  'restrictedReason',
  'restrictedBy',
  'deceasedBy',
  'archivedReason',
  'archivedBy',
  'mergedBy',
] as const satisfies readonly (keyof Patient)[];

/** The parts of a chart. Demographics are every field of a patient that is not above. */
export const sections = {
  demographics: { see: 'patient.read.demographics', change: 'patient.update' },
  name: { see: 'patient.read.demographics', change: 'patient.update' },
  address: { see: 'patient.read.demographics', change: 'patient.update' },
  telecom: { see: 'patient.read.demographics', change: 'patient.update' },
  identifier: { see: 'patient.read.demographics', change: 'patient.update' },
  contact: { see: 'patient.read.demographics', change: 'patient.update' },
  document: { see: 'patient.read.demographics', change: 'patient.document' },
  allergy: { see: 'patient.read', change: 'patient.clinical' },
  riskFlag: { see: 'patient.read', change: 'patient.clinical' },
  merge: { see: 'patient.read', change: 'patient.merge' },
} as const satisfies Record<string, { see: Scope; change: Scope }>;
export type Section = keyof typeof sections;

/** What each change of a patient's row needs, by the name of its audit action. A new one has to be entered here before it compiles. */
export const deeds = {
  'patient.updated': 'patient.update',
  'patient.identified': 'patient.update',
  'patient.photo-set': 'patient.document',
  'patient.photo-removed': 'patient.document',
  'patient.archived': 'patient.restrict',
  'patient.unarchived': 'patient.restrict',
  'patient.restricted': 'patient.restrict',
  'patient.unrestricted': 'patient.restrict',
  'patient.deceased': 'patient.deceased',
  'patient.deceased-reverted': 'patient.deceased',
  'patient.status-changed': 'patient.update',
} as const satisfies Record<string, Scope>;

/** A change of a patient that somebody has a right to. */
export type Deed = keyof typeof deeds;

export function accessDenied(role: string, scope: Scope): AppError {
  return new AppError('forbidden', 'ACCESS_DENIED', `The role ${role} may not do this. Ask an administrator for a role with ${scope}.`, { scope, role });
}

/** Refuses a viewer whose role lacks the scope. A trusted caller (undefined) may everything. */
export function requireScope(viewer: Viewer | undefined, scope: Scope): void {
  if (viewer !== undefined && !mayDo(viewer.role, scope)) throw accessDenied(viewer.role, scope);
}

/** Refuses a viewer who may not see (or change) this part of a chart. */
export function requireSection(viewer: Viewer | undefined, section: Section, right: 'see' | 'change'): void {
  requireScope(viewer, sections[section][right]);
}

/** Refuses a viewer who may not do what this audit action records, whatever the contract of the route says. */
export function requireDeed(viewer: Viewer | undefined, action: Deed): void {
  requireScope(viewer, deeds[action]);
}

const nothing: readonly (keyof Patient)[] = [];

/** The fields that this viewer is not shown. They depend on the role alone, so that the list does not tell which of them hold something. */
export function hiddenFields(viewer: Viewer | undefined): readonly (keyof Patient)[] {
  return viewer === undefined || mayDo(viewer.role, 'patient.read') ? nothing : wholeChartFields;
}

/** The patient as this viewer is shown it: hidden fields are null and named in `hidden`. The same object where nothing is hidden. */
export function hideFields(viewer: Viewer | undefined, patient: Patient): Patient {
  const hidden = hiddenFields(viewer);
  return hidden.length === 0 ? patient : { ...patient, ...Object.fromEntries(hidden.map((field) => [field, null])), hidden: [...hidden] };
}

/** Refuses to write fields that the viewer is not shown. */
export function requireWritable(viewer: Viewer | undefined, fields: object): void {
  const hidden: readonly string[] = hiddenFields(viewer);
  const refused = Object.keys(fields).filter((field) => hidden.includes(field) && (fields as Record<string, unknown>)[field] !== undefined);
  if (viewer === undefined || refused.length === 0) return;
  throw new AppError(
    'forbidden',
    'FIELD_FORBIDDEN',
    `${refused.join(', ')} cannot be written by the role ${viewer.role}, which is not shown it. Leave it out, or ask somebody with patient.read.`,
    { fields: refused, role: viewer.role },
  );
}
