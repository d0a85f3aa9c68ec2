import { canonicalLanguage } from '../base/fields.ts';
import { homeAddress } from './history.ts';
import { normalizeName, normalizePhone } from './patient.ts';

/** Brings names, telephone numbers and languages of a part of a chart into the form in which they are kept; what is undefined is left out. */
export function normalizePart(fields: Readonly<Record<string, unknown>>, settings: { defaultCountry?: string | undefined }): Record<string, unknown> {
  const result = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
  for (const field of ['firstName', 'middleName', 'lastName', 'allergen', ...homeAddress])
    if (typeof result[field] === 'string') result[field] = normalizeName(result[field]);
  if (typeof result.phone === 'string') result.phone = normalizePhone(result.phone, settings.defaultCountry);
  if (typeof result.language === 'string') result.language = canonicalLanguage(result.language);
  return result;
}
