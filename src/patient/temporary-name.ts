import { plainDateIn } from '../base/plain-date.ts';
import { defaultTemporaryNames } from './identity.schema.ts';
import type { Patient } from './patient.schema.ts';

/** How a facility calls those whose name is not known. Each text may hold the words in braces named beside it. */
export interface TemporaryNames {
  /** `{gender}`, `{date}` and `{time}` of the registration. */
  readonly unidentified?: { readonly firstName: string; readonly lastName: string };
  /** `{mother}`: her first name, or her single name; `{order}`: the birth order, empty for a single birth. */
  readonly newborn?: { readonly firstName: string };
}

const genderWords: Readonly<Record<string, string>> = { MALE: 'Male', FEMALE: 'Female' };
const longest = 100;

/**
 * The temporary name of an unidentified patient.
 *
 * @example
 * nameUnidentified({ gender: 'MALE' }, { now: new Date('2026-11-23T08:14:00Z'), timeZone: 'UTC' }); // Male 2026-11-23 08:14, Unknown
 */
export function nameUnidentified(
  patient: { readonly gender?: string | null | undefined },
  at: { now: Date; timeZone: string; names?: TemporaryNames | undefined },
): { firstName: string; lastName: string } {
  const pattern = at.names?.unidentified ?? defaultTemporaryNames.unidentified;
  const words = {
    gender: genderWords[patient.gender ?? ''] ?? '',
    date: plainDateIn(at.now, at.timeZone),
    time: new Intl.DateTimeFormat('en-GB', { timeZone: at.timeZone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(at.now),
  };
  return { firstName: fill(pattern.firstName, words), lastName: fill(pattern.lastName, words) };
}

/**
 * The temporary first name of a newborn; several born together are told apart by their order.
 *
 * @example
 * nameNewborn({ firstName: 'Amina', lastName: 'Otieno' }, { birthOrder: 2 }); // Baby 2 of Amina
 */
export function nameNewborn(
  mother: Pick<Patient, 'firstName' | 'lastName'>,
  birth: { birthOrder?: number | null | undefined; names?: TemporaryNames | undefined },
): string {
  const pattern = birth.names?.newborn?.firstName ?? defaultTemporaryNames.newborn.firstName;
  return fill(pattern, { mother: mother.firstName ?? mother.lastName, order: birth.birthOrder ? String(birth.birthOrder) : '' });
}

/** Puts the words in and keeps what the field takes, never half a character. */
function fill(pattern: string, words: Readonly<Record<string, string>>): string {
  const text = pattern
    .replaceAll(/\{(\w+)\}/g, (whole, word: string) => words[word] ?? whole)
    .normalize('NFC')
    .replaceAll(/\s+/gu, ' ')
    .trim();
  return text
    .slice(0, longest)
    .replace(/[\uD800-\uDBFF]$/, '')
    .trim();
}
