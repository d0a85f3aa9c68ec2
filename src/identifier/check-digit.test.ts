import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CheckDigitScheme, checkAlphabet, checkDigitLength, computeCheckDigits } from './check-digit.ts';

const digitSchemes = ['luhn-mod-10', 'verhoeff', 'iso7064-mod11-10', 'iso7064-mod97-10'] as const;
const letterSchemes = ['luhn-mod-36', 'iso7064-mod37-36'] as const;
const isValid = (scheme: CheckDigitScheme, text: string) => {
  const cut = text.length - checkDigitLength(scheme);
  return computeCheckDigits(scheme, text.slice(0, cut)) === text.slice(cut);
};
const swapped = (text: string, place: number) => text.slice(0, place) + text.charAt(place + 1) + text.charAt(place) + text.slice(place + 2);

describe('known values', () => {
  test.each([
    // The examples that the standards and their authors' articles give.
    ['luhn-mod-10', '7992739871', '3'],
    ['verhoeff', '236', '3'],
    ['verhoeff', '12345', '1'],
    ['iso7064-mod11-10', '0794', '5'],
    ['iso7064-mod97-10', '794', '44'],
    ['iso7064-mod37-36', 'A12425GABC1234002', 'M'],
    ['none', '12345', ''],
  ] as const)('%s of %s is %s', (scheme, text, check) => {
    expect(computeCheckDigits(scheme, text)).toBe(check);
  });

  test('characters outside the alphabet are passed over', () => {
    expect(computeCheckDigits('verhoeff', 'MRN-2026-00001')).toBe(computeCheckDigits('verhoeff', '202600001'));
    expect(computeCheckDigits('iso7064-mod37-36', 'mrn-2026')).toBe(computeCheckDigits('iso7064-mod37-36', 'MRN2026'));
  });
});

describe.each([...digitSchemes, ...letterSchemes])('%s', (scheme) => {
  const base = (letterSchemes as readonly string[]).includes(scheme) ? 36 : 10;
  const payload = fc
    .array(fc.integer({ min: 0, max: base - 1 }), { minLength: 1, maxLength: 14 })
    .map((values) => values.map((value) => checkAlphabet.charAt(value)).join(''));

  test('every single wrong character is found, the check characters included', () => {
    fc.assert(
      fc.property(payload, (text) => {
        const whole = text + computeCheckDigits(scheme, text);
        expect(isValid(scheme, whole)).toBe(true);
        for (let place = 0; place < whole.length; place += 1) {
          for (const other of checkAlphabet.slice(0, base)) {
            if (other !== whole.charAt(place)) expect(isValid(scheme, whole.slice(0, place) + other + whole.slice(place + 1))).toBe(false);
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  if (scheme === 'verhoeff' || scheme === 'iso7064-mod97-10')
    test('every transposition of neighbours is found', () => {
      fc.assert(
        fc.property(payload, (text) => {
          const whole = text + computeCheckDigits(scheme, text);
          for (let place = 0; place + 1 < whole.length; place += 1) {
            if (whole.charAt(place) !== whole.charAt(place + 1)) expect(isValid(scheme, swapped(whole, place))).toBe(false);
          }
        }),
      );
    });

  if (scheme.startsWith('luhn'))
    test('every transposition of neighbours is found but that of the first and the last character of the alphabet', () => {
      const [first, last] = [checkAlphabet.charAt(0), checkAlphabet.charAt(base - 1)];
      fc.assert(
        fc.property(payload, (text) => {
          const whole = text + computeCheckDigits(scheme, text);
          for (let place = 0; place + 1 < whole.length; place += 1) {
            const pair = whole.slice(place, place + 2);
            const passes = pair.charAt(0) === pair.charAt(1) || pair === first + last || pair === last + first;
            expect(isValid(scheme, swapped(whole, place))).toBe(passes);
          }
        }),
      );
    });

  if (scheme === 'iso7064-mod11-10' || scheme === 'iso7064-mod37-36')
    test('few transpositions of neighbours pass', () => {
      let pairs = 0;
      let passed = 0;
      fc.assert(
        fc.property(payload, (text) => {
          const whole = text + computeCheckDigits(scheme, text);
          for (let place = 0; place + 1 < whole.length; place += 1) {
            if (whole.charAt(place) === whole.charAt(place + 1)) continue;
            pairs += 1;
            if (isValid(scheme, swapped(whole, place))) passed += 1;
          }
        }),
        { numRuns: 2000, seed: 7064 },
      );
      expect(passed / pairs).toBeLessThan(0.03);
    });
});
