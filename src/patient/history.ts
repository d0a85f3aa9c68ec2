import type { Patient } from './patient.schema.ts';

/** The columns of a patient that make up the official name, and those that make up the home address. */
export const officialName = ['firstName', 'middleName', 'lastName'] as const;
export const homeAddress = ['addressLine1', 'addressLine2', 'city', 'state', 'zipCode', 'country'] as const;
const telecoms = { phone: 'PHONE', phoneSecondary: 'PHONE', email: 'EMAIL' } as const;

function pick<Field extends keyof Patient>(patient: Patient, fields: readonly Field[]): Pick<Patient, Field> {
  return Object.fromEntries(fields.map((field) => [field, patient[field]])) as Pick<Patient, Field>;
}

/** Whether something that was there is no longer: what merely fills in a blank replaces nothing. */
function replaces(before: Patient, after: Patient, fields: readonly (keyof Patient)[]): boolean {
  return fields.some((field) => before[field] !== null && before[field] !== after[field]);
}

/** The official name before a change that replaced it; undefined when it did not. */
export function earlierName(before: Patient, after: Patient): Pick<Patient, (typeof officialName)[number]> | undefined {
  return replaces(before, after, officialName) ? pick(before, officialName) : undefined;
}

/** The home address before a change that replaced it; undefined when it did not. */
export function earlierAddress(before: Patient, after: Patient): Pick<Patient, (typeof homeAddress)[number]> | undefined {
  return replaces(before, after, homeAddress) ? pick(before, homeAddress) : undefined;
}

/** The numbers and the e-mail address that a change took away. One that only moved to the other column is still there. */
export function earlierTelecoms(before: Patient, after: Patient): { system: 'PHONE' | 'EMAIL'; value: string }[] {
  const still = new Set([after.phone, after.phoneSecondary, after.email]);
  const gone = Object.entries(telecoms).flatMap(([field, system]) => {
    const value = before[field as keyof typeof telecoms];
    return value !== null && !still.has(value) ? [{ system, value }] : [];
  });
  return gone.filter(({ value }, at) => gone.findIndex((each) => each.value === value) === at);
}

/** Whether a change leaves anything to be kept. */
export function replacesSomething({ before, after }: { before: Patient; after: Patient }): boolean {
  return earlierName(before, after) !== undefined || earlierAddress(before, after) !== undefined || earlierTelecoms(before, after).length > 0;
}
