import { z } from 'zod';

/**
 * Fields that many shapes share. Strings are trimmed and brought to Unicode NFC, so that the same name typed on two
 * keyboards is the same text. Instants are ISO 8601 with an offset.
 */

/** A line of text that is not empty. U+0000 cannot be stored by PostgreSQL; other control characters have no place in a name. */
export const line = (max: number) =>
  z
    .string({ error: 'must be text' })
    .normalize('NFC')
    .trim()
    .min(1, { error: 'must not be empty; leave it out or give null when it is not known' })
    .max(max, { error: `must be at most ${max} characters` })
    .regex(/^\P{Cc}*$/u, { error: 'must not contain control characters' });

/** Text of several lines. */
export const note = z
  .string({ error: 'must be text' })
  .normalize('NFC')
  .trim()
  .min(1, { error: 'must not be empty; leave it out or give null' })
  .max(10_000, { error: 'must be at most 10000 characters' })
  .regex(/^[^\0]*$/, { error: 'must not contain the character U+0000' });

export const oneOf = <const Values extends readonly [string, ...string[]]>(values: Values) => z.enum(values, { error: `must be one of ${values.join(', ')}` });

/** UUID on most hosts, text on others; the database knows which. */
export const Id = line(255).meta({ examples: ['0190b6b2-6d0f-7c3a-9c6e-000000000001'] });
export const Instant = z.iso.datetime({ offset: true, error: 'must be an instant with its offset, such as 2026-11-23T08:30:00Z' });
export const Email = z
  .string({ error: 'must be text' })
  .trim()
  .toLowerCase()
  .max(255, { error: 'must be at most 255 characters' })
  .pipe(z.email({ error: 'must be an e-mail address, such as name@example.org' }))
  .meta({ format: 'email', examples: ['amina.wanjiru@example.org'] });
export const Phone = line(50)
  .regex(/\d/, { error: 'must contain digits, such as +254 20 123456' })
  .meta({ examples: ['+254201234567'] });
export const Version = z.int({ error: 'must be the version you read, a whole number' }).min(1, { error: 'must be 1 or more' });

/** A language as BCP 47 writes it (RFC 5646 §4.4.1: 35 characters hold every tag of use). */
export const LanguageTag = line(35)
  .refine(isLanguageTag, { error: 'must be a language tag as in BCP 47, such as sw, fr-CA or zh-Hant' })
  .meta({ examples: ['sw', 'fr-CA'] });

function isLanguageTag(text: string): boolean {
  try {
    return Intl.getCanonicalLocales(text).length === 1;
  } catch {
    return false;
  }
}

/** The tag in its canonical form: `EN-gb` becomes `en-GB`. */
export function canonicalLanguage(tag: string): string {
  return Intl.getCanonicalLocales(tag)[0] ?? tag;
}
