import type { CheckDigitScheme } from './mrn.schema.ts';

export type { CheckDigitScheme };

/** The digits and letters in the order that every scheme here counts them: 0 to 9, then A to Z as 10 to 35. */
export const checkAlphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ';

interface Scheme {
  /** How many characters of `checkAlphabet` it works over; others (separators, letters in a digit scheme) are passed over. */
  readonly base: 10 | 36;
  /** How many check characters it adds. */
  readonly length: 0 | 1 | 2;
  readonly compute: (values: readonly number[]) => string;
}

const schemes: Readonly<Record<CheckDigitScheme, Scheme>> = {
  none: { base: 10, length: 0, compute: () => '' },
  'luhn-mod-10': { base: 10, length: 1, compute: (values) => luhn(values, 10) },
  'luhn-mod-36': { base: 36, length: 1, compute: (values) => luhn(values, 36) },
  verhoeff: { base: 10, length: 1, compute: verhoeff },
  'iso7064-mod11-10': { base: 10, length: 1, compute: (values) => hybrid(values, 10) },
  'iso7064-mod37-36': { base: 36, length: 1, compute: (values) => hybrid(values, 36) },
  'iso7064-mod97-10': { base: 10, length: 2, compute: mod97 },
};

/** How many check characters a scheme adds. */
export function checkDigitLength(scheme: CheckDigitScheme): number {
  return schemes[scheme].length;
}

/** The check characters for a text; characters outside the scheme's alphabet are passed over. */
export function computeCheckDigits(scheme: CheckDigitScheme, text: string): string {
  const { base, compute } = schemes[scheme];
  const values: number[] = [];
  for (const character of text.toUpperCase()) {
    const value = checkAlphabet.indexOf(character);
    if (value >= 0 && value < base) values.push(value);
  }
  return compute(values);
}

function luhn(values: readonly number[], base: number): string {
  let sum = 0;
  let factor = 2;
  for (let index = values.length - 1; index >= 0; index -= 1) {
    const product = (values[index] as number) * factor;
    sum += Math.floor(product / base) + (product % base);
    factor = 3 - factor;
  }
  return checkAlphabet.charAt((base - (sum % base)) % base);
}

/** Multiplication in the dihedral group D5: rotations 0 to 4, reflections 5 to 9. */
function dihedral(a: number, b: number): number {
  if (a < 5) return b < 5 ? (a + b) % 5 : 5 + ((a + b) % 5);
  return b < 5 ? 5 + ((a - b + 5) % 5) : (a - b + 5) % 5;
}

/** Verhoeff's permutation (1 5 8 9 4 2 7 0)(3 6) by its powers, one for each place; it repeats after eight places. */
const permutations: readonly (readonly number[])[] = (() => {
  const first = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
  const powers: number[][] = [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]];
  while (powers.length < 8) powers.push((powers.at(-1) as number[]).map((value) => first[value] as number));
  return powers;
})();

function verhoeff(values: readonly number[]): string {
  let check = 0;
  for (let place = 1; place <= values.length; place += 1) {
    check = dihedral(check, permutations[place % 8]?.[values[values.length - place] as number] as number);
  }
  return String(check === 0 || check > 4 ? check : 5 - check);
}

/** ISO/IEC 7064 hybrid system MOD (M+1, M). */
function hybrid(values: readonly number[], modulus: number): string {
  let product = modulus;
  for (const value of values) {
    const sum = (product + value) % modulus || modulus;
    product = (sum * 2) % (modulus + 1);
  }
  return checkAlphabet.charAt((modulus + 1 - product) % modulus);
}

/** ISO/IEC 7064 pure system MOD 97-10, as in an IBAN. */
function mod97(values: readonly number[]): string {
  let remainder = 0;
  for (const value of values) remainder = (remainder * 10 + value) % 97;
  return String(98 - ((remainder * 100) % 97)).padStart(2, '0');
}
