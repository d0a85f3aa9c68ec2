import { AppError } from '../base/errors.ts';
import { Email, Phone } from '../base/fields.ts';
import { parseInput } from '../base/parse-input.ts';
import { normalizePhone } from './patient.ts';
import { z } from 'zod';

const asEmail = z.object({ value: Email });
const asPhone = z.object({ value: Phone });

/** The value as it is kept and searched: numbers as those of the patient, e-mail addresses in lower case, web addresses checked. */
export function normalizeTelecom(telecom: { system: string; value: string }, options: { defaultCountry?: string | undefined } = {}): string {
  const { system, value } = telecom;
  if (system === 'EMAIL') return parseInput(asEmail, { value }).value;
  if (system === 'PHONE' || system === 'FAX') return normalizePhone(parseInput(asPhone, { value }).value, options.defaultCountry);
  if (system === 'URL' && !URL.canParse(value)) {
    throw new AppError('invalid', 'TELECOM_URL_MALFORMED', 'value must be a web address with its scheme, such as https://example.org.', { field: 'value' });
  }
  return value;
}
