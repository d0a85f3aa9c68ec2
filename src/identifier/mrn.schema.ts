import { z } from 'zod';

/**
 * Check characters. Each scheme says over which characters it works and which typing errors it is sure to find;
 * the property tests of check-digit.ts hold it to that, exhaustively where the alphabet is small.
 *
 * | scheme | characters | every single error | every adjacent transposition |
 * |---|---|---|---|
 * | luhn-mod-10 (ISO/IEC 7812-1 annex B) | digits | yes | all but 09 and 90 |
 * | luhn-mod-36 | digits, letters | yes | all but 0Z and Z0 |
 * | verhoeff (1969) | digits | yes | yes |
 * | iso7064-mod11-10 (ISO/IEC 7064 hybrid) | digits | yes | no: a few pairs at some places pass |
 * | iso7064-mod37-36 (ISO/IEC 7064 hybrid) | digits, letters | yes | no: a few pairs at some places pass |
 * | iso7064-mod97-10 (ISO/IEC 7064 pure, two characters) | digits | yes | yes |
 */
export const checkDigitSchemes = ['none', 'luhn-mod-10', 'luhn-mod-36', 'verhoeff', 'iso7064-mod11-10', 'iso7064-mod37-36', 'iso7064-mod97-10'] as const;
export type CheckDigitScheme = (typeof checkDigitSchemes)[number];

const isTimeZone = (text: string): boolean => {
  try {
    new Intl.DateTimeFormat('en', { timeZone: text });
    return true;
  } catch {
    return false;
  }
};

/** How an assigning authority writes its numbers. 50 characters is what `patients.mrn` holds; these limits stay below it. */
export const MrnFormatInput = z
  .object({
    prefix: z
      .string()
      .max(20)
      .regex(/^[A-Za-z0-9]*$/, { error: 'must be letters and digits only' }),
    separator: z
      .string()
      .max(3)
      .regex(/^[-/._ ]*$/, { error: 'must be made of - / . _ or blanks' }),
    yearly: z.boolean(),
    width: z.int().min(1).max(15),
    checkDigit: z.enum(checkDigitSchemes),
    timeZone: z.string().max(64).refine(isTimeZone, { error: 'must be a time zone of the IANA list, for example Africa/Nairobi' }),
  })
  .refine((format) => format.prefix !== '' || format.yearly, { error: 'is needed when there is no year', path: ['prefix'] })
  .refine((format) => format.separator !== '' || !/\d$/.test(format.prefix), { error: 'is needed after a prefix that ends in a digit', path: ['separator'] });
export type MrnFormatInput = z.infer<typeof MrnFormatInput>;

/** A run of consecutive numbers, both ends included. */
export const MrnRange = z.object({ first: z.int(), last: z.int() });
export type MrnRange = z.infer<typeof MrnRange>;

/** Why numbers were burnt: the process never gave them back, the registration that got them never committed, or the counter was raised over them. */
export const MrnBurntReason = z.enum(['not-given-back', 'not-registered', 'counter-raised']);
export type MrnBurntReason = z.infer<typeof MrnBurntReason>;

export const MrnBurntRange = MrnRange.extend({
  reason: MrnBurntReason,
  blockId: z.string(),
  instance: z.string(),
  host: z.string(),
  processId: z.int(),
  leasedAt: z.iso.datetime(),
  expiresAt: z.iso.datetime(),
});
export type MrnBurntRange = z.infer<typeof MrnBurntRange>;

/** Every number from 1 to the counter, by what became of it. The six counts add up to the counter. */
export const MrnReport = z.object({
  authority: z.string(),
  year: z.int(),
  first: z.string(),
  last: z.string(),
  counter: z.int(),
  inUse: z.int(),
  retired: z.int(),
  reserved: z.int(),
  returned: z.int(),
  burnt: z.int(),
  /** Numbers without patient and without block: always 0, or somebody has written into the tables by hand. */
  unexplained: z.int(),
  /** MRNs in this format above the counter, brought along past it; the issuer passes over them when it gets there. */
  aheadOfCounter: z.int(),
  reservedRanges: z.array(MrnRange),
  returnedRanges: z.array(MrnRange),
  burntRanges: z.array(MrnBurntRange),
  unexplainedRanges: z.array(MrnRange),
});
export type MrnReport = z.infer<typeof MrnReport>;
