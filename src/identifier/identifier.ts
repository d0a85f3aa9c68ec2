import { AppError } from '../base/errors.ts';
import { computeCheckDigits, checkDigitLength } from './check-digit.ts';
import type { IdentifierAuthority, IdentifierCheckDigit } from './identifier.schema.ts';

/**
 * Types of HL7 table 0203 whose numbers also stand on documents of a chart, with the type of the document: a passport that was
 * recorded as a document and one that was recorded as an identifier are found by either word.
 */
export const documentTypes = { PPN: 'PASSPORT', DL: 'DRIVER_LICENSE' } as const;

/** The other word for a type: PASSPORT for PPN and the other way round. */
export function otherWordFor(type: string): string | undefined {
  for (const [code, document] of Object.entries(documentTypes)) {
    if (type === code) return document;
    if (type === document) return code;
  }
  return undefined;
}

/** Blanks and invisible characters in a number are for the reader's eye. */
export function bareNumber(value: string): string {
  return value.normalize('NFC').replaceAll(/[\s\u00AD\u200B-\u200D\u2060\uFEFF]+/gu, '');
}

/** Whether the check digits at the end of a number are those of the scheme. */
export function checkDigitFits(scheme: IdentifierCheckDigit, value: string): boolean {
  if (scheme === 'none') return true;
  if (scheme === 'mod-11') return modulus11Fits(value);
  const length = checkDigitLength(scheme);
  return value.length > length && computeCheckDigits(scheme, value.slice(0, -length)) === value.slice(-length).toUpperCase();
}

/** NHS Data Dictionary, NHS NUMBER: ten digits, weights 10 to 2, 11 stands for 0 and a check of 10 is none. */
function modulus11Fits(value: string): boolean {
  if (!/^\d{10}$/.test(value)) return false;
  let sum = 0;
  for (let place = 0; place < 9; place += 1) sum += Number(value[place]) * (10 - place);
  const check = (11 - (sum % 11)) % 11;
  return check !== 10 && check === Number(value[9]);
}

/** Refuses a number that its authority cannot have given out. `patternFits` comes from the database, whose expressions it is written in. */
export function checkNumber(authority: IdentifierAuthority, number: { type: string | undefined; value: string; patternFits: boolean }): void {
  const details = { authorityCode: authority.code };
  if (!authority.active) {
    throw new AppError('rule', 'IDENTIFIER_AUTHORITY_INACTIVE', `Numbers of ${authority.code} are no longer added here. Choose another authority.`, {
      ...details,
      field: 'authorityCode',
    });
  }
  if (number.type !== undefined && number.type !== authority.type) {
    throw new AppError('invalid', 'IDENTIFIER_TYPE_MISMATCH', `type must be ${authority.type} for numbers of ${authority.code}; leave it out.`, {
      ...details,
      field: 'type',
    });
  }
  if (!number.patternFits) {
    throw new AppError('invalid', 'IDENTIFIER_PATTERN_MISMATCH', `value does not look like a number of ${authority.code}. Compare it with the card.`, {
      ...details,
      field: 'value',
      pattern: authority.pattern,
    });
  }
  if (!checkDigitFits(authority.checkDigit, number.value)) {
    throw new AppError(
      'invalid',
      'IDENTIFIER_CHECK_DIGIT_WRONG',
      `value is no number of ${authority.code}: its check digit does not fit, so at least one character is wrong. Compare it with the card.`,
      { ...details, field: 'value' },
    );
  }
}
