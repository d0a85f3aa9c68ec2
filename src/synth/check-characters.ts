/** Check characters of national numbers, each as its authority defines it. */

const weighted = (digits: string, weights: readonly number[]): number => {
  let sum = 0;
  for (let place = 0; place < weights.length; place += 1) sum += (digits.charCodeAt(place) - 48) * (weights[place] as number);
  return sum;
};

/** NHS number: weights 10 to 2, modulus 11; undefined where no digit would do. */
export function nhsCheck(nine: string): string | undefined {
  const check = (11 - (weighted(nine, [10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11)) % 11;
  return check === 10 ? undefined : String(check);
}
/** Spanish DNI: the number's remainder by 23 chooses a letter. */
export const dniLetter = (number: number): string => 'TRWAGMYFPDXBNJZSQVHLCKE'.charAt(number % 23);
/** PESEL: weights 1 3 7 9 in turn. */
export const peselCheck = (ten: string): string => String((10 - (weighted(ten, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) % 10)) % 10);
/** Turkish identity number: the tenth digit from the places by turns, the eleventh from the ten before it. */
export function turkishCheck(nine: string): string {
  const tenth = ((weighted(nine, [7, -1, 7, -1, 7, -1, 7, -1, 7]) % 10) + 10) % 10;
  return `${tenth}${(weighted(nine, [1, 1, 1, 1, 1, 1, 1, 1, 1]) + tenth) % 10}`;
}
/** SNILS: weights 9 to 1, modulus 101. */
export const snilsCheck = (nine: string): string => String((weighted(nine, [9, 8, 7, 6, 5, 4, 3, 2, 1]) % 101) % 100).padStart(2, '0');
/** Chinese resident number: ISO 7064 MOD 11-2. */
export const chineseCheck = (seventeen: string): string =>
  '10X98765432'.charAt(weighted(seventeen, [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]) % 11);
/** German tax number: ISO 7064 MOD 11,10. */
export function mod1110(digits: string): string {
  let product = 10;
  for (const digit of digits) product = (((product + Number(digit)) % 10 || 10) * 2) % 11;
  return String((11 - product) % 10);
}
/** Korean resident number: weights 2 to 9 and again. */
export const koreanCheck = (twelve: string): string => String((11 - (weighted(twelve, [2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]) % 11)) % 10);

const multiply = Array.from({ length: 10 }, (_, a) =>
  Array.from({ length: 10 }, (__, b) => (a < 5 ? (b < 5 ? (a + b) % 5 : 5 + ((a + b) % 5)) : b < 5 ? 5 + ((a - b + 5) % 5) : (a - b + 5) % 5)),
);
const permute = [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]];
for (let power = 1; power < 8; power += 1) permute.push((permute[power - 1] as number[]).map((value) => [1, 5, 7, 6, 2, 8, 3, 0, 9, 4][value] as number));
/** Aadhaar: Verhoeff. */
export function verhoeff(digits: string): string {
  let check = 0;
  for (let place = 1; place <= digits.length; place += 1) {
    check = multiply[check]?.[permute[place % 8]?.[digits.charCodeAt(digits.length - place) - 48] as number] as number;
  }
  return String(check === 0 || check > 4 ? check : 5 - check);
}
