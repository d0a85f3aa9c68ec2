import anyAscii from 'any-ascii';

/** Raised with every change of the rules below, so that a rebuild finds the entries that were made by earlier ones. */
export const searchTermsVersion = 1;

/** What of a chart is searched. Rows of names, telecoms, identifiers and documents are those of the chart, ended ones too: people ask by what they were called and reached by. */
export interface SearchedChart {
  readonly mrn: string;
  readonly lastName: string;
  readonly firstName?: string | null | undefined;
  readonly middleName?: string | null | undefined;
  readonly dateOfBirth?: string | null | undefined;
  /** Of a month, a year or an estimated age the day says nothing, so only the year is found. */
  readonly dateOfBirthPrecision?: string | null | undefined;
  readonly phone?: string | null | undefined;
  readonly phoneSecondary?: string | null | undefined;
  readonly email?: string | null | undefined;
  readonly names?: readonly NameParts[];
  readonly telecoms?: readonly { readonly system: string; readonly value: string }[];
  readonly identifiers?: readonly { readonly type: string; readonly value: string }[];
  readonly documents?: readonly { readonly documentNumber: string | null }[];
}

export interface NameParts {
  readonly firstName?: string | null | undefined;
  readonly middleName?: string | null | undefined;
  readonly lastName: string;
}

/** The columns of a patient that are searched. */
export const searchedColumns = [
  'mrn',
  'firstName',
  'middleName',
  'lastName',
  'dateOfBirth',
  'dateOfBirthPrecision',
  'phone',
  'phoneSecondary',
  'email',
] as const satisfies readonly (keyof SearchedChart)[];

/** Longer words are cut here, by letters: no name is told apart by its 65th. */
const longestWord = 64;

/** Parts of a name that many have and that are often left out. */
const particles = new Set(
  'van von vom der den de del della dello di da dos das do du des la le los las al el ul bin ibn ben bint binti abu abd ter ten te zu zum zur af av mc mac st san santa y'.split(
    ' ',
  ),
);

/** What people type before and after a name, and before a number. */
const titles = new Set('mr mrs ms miss mister dr prof sir madam herr frau fr mme mlle sr sra srta don dona jr rev mrn tel phone dob born id nr'.split(' '));

export function isParticle(word: string): boolean {
  return particles.has(word);
}

export function isTitle(word: string): boolean {
  return titles.has(word);
}

const marks = /\p{M}+/gu;
const notSpelled = /[^\p{L}\p{N}\p{M}]+/gu;
/** Scripts whose vowels are hardly ever written. */
const withoutVowels = /\p{Script=Arabic}|\p{Script=Hebrew}/u;
/** Signs within a word: O’Brien, D'Angelo, Nur‘aini, and letters that are written as one. */
const apostrophes = /['’‘`´ʼʻʾʿ′\u00AD\u0640\u200B-\u200F\u2060\uFEFF]/gu;
const latin = /^[a-z0-9]*$/;
const latinLetters = /^[\p{Script=Latin}\p{N}\p{M}]*$/u;

/** How the letters of one sound are written by different hands. */
const sameLetters: readonly (readonly [RegExp, string])[] = [
  [/[أإآٱ]/gu, 'ا'],
  [/[ىئ]/gu, 'ي'],
  [/ؤ/gu, 'و'],
  [/ة/gu, 'ه'],
  [/ё/gu, 'е'],
  [/ς/gu, 'σ'],
];

function letters(text: string): string {
  return text.length > longestWord ? Array.from(text).slice(0, longestWord).join('') : text;
}

/** Where a mark is an accent or a vowel that few write. In the scripts of India it is the vowel itself. */
const markedScripts = /^[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{Script=Arabic}\p{Script=Hebrew}\p{N}\p{M}]*$/u;

/** A word in its own script: small letters, without accents. */
function bare(word: string): string {
  const whole = word.normalize('NFKC');
  let text = (markedScripts.test(whole) ? whole.normalize('NFKD').replaceAll(marks, '').normalize('NFC') : whole).toLowerCase();
  for (const [from, to] of sameLetters) text = text.replaceAll(from, to);
  return text.replaceAll(notSpelled, '');
}

/** A word in the letters a to z. */
function ascii(word: string): string {
  return anyAscii(withoutVowels.test(word) ? bare(word) : word)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '');
}

const spelledOut: Readonly<Record<string, string>> = { ä: 'ae', ö: 'oe', ü: 'ue', å: 'aa', ø: 'oe', æ: 'ae' };

/**
 * The forms in which one word is looked for: without marks, in the letters a to z, and as German and Scandinavian
 * letters are spelled out. The first is the word itself.
 *
 * @example
 * wordForms('Müller'); // ['muller', 'mueller']
 */
export function wordForms(word: string): string[] {
  const small = word.normalize('NFC').toLowerCase();
  if (latin.test(small)) return small === '' ? [] : [letters(small)];
  const own = bare(small);
  const forms = latinLetters.test(small.replaceAll(apostrophes, '')) ? [ascii(small)] : [own, ascii(small)];
  if (/[äöüåøæ]/u.test(small)) forms.push(ascii(small.replaceAll(/[äöüåøæ]/gu, (letter) => spelledOut[letter] ?? letter)));
  return [...new Set(forms.filter((form) => form !== '').map(letters))];
}

/** The words of a name as they stand there: `Anne-Marie O'Brien` is Anne, Marie, OBrien. */
export function splitName(name: string): string[] {
  return name
    .normalize('NFKC')
    .replaceAll(apostrophes, '')
    .split(/[^\p{L}\p{M}\p{N}]+/u)
    .filter((word) => word !== '');
}

/**
 * The consonants of a word, for names of scripts that write no vowels: what is typed as Mohammed, Muhamad or Mohamed has
 * those of محمد. Undefined when fewer than three are left, which would stand for too many names.
 */
export function consonantsOf(word: string): string | undefined {
  const all = ascii(word)
    .replaceAll(/[aeiouwy]/g, '')
    .replaceAll('q', 'k')
    .replaceAll('j', 'g')
    .replaceAll(/(.)\1+/g, '$1');
  return all.length >= 3 ? all : undefined;
}

function addName(terms: Set<string>, name: NameParts): void {
  for (const part of [name.firstName, name.middleName, name.lastName]) if (part) addNamePart(terms, part);
}

function addNamePart(terms: Set<string>, part: string): void {
  const plain = part.toLowerCase();
  // One word of plain letters, as nearly all are: nothing below would change it.
  if (latin.test(plain)) {
    if (plain !== '') terms.add(letters(plain));
    return;
  }
  const words = splitName(part);
  for (const word of words) {
    for (const form of wordForms(word)) terms.add(form);
    const consonants = withoutVowels.test(word) ? consonantsOf(word) : undefined;
    if (consonants !== undefined) terms.add(`s:${consonants}`);
  }
  // What is one name for many: O'Brien has a Brien, van der Berg is also Vanderberg, Anne-Marie also Annemarie.
  for (const piece of part.split(/\s+/u)) {
    const parts = piece.split(/[-‐‑–'’‘`´ʼ]/u).filter((each) => each !== '');
    if (parts.length < 2) continue;
    for (const each of parts) if (Array.from(each).length > 1) for (const form of wordForms(each.replaceAll(notSpelled, ''))) terms.add(form);
    for (const form of wordForms(parts.join('').replaceAll(notSpelled, ''))) terms.add(form);
  }
  let before = '';
  for (const word of words) {
    const [form = ''] = wordForms(word);
    if (before !== '') terms.add(letters(before + form));
    before = isParticle(form) || form.length === 1 ? before + form : '';
  }
}

/** A number as it is compared: small letters and digits, nothing between them. */
export function bareTerm(value: string): string {
  const small = value.toLowerCase();
  return letters(latin.test(small) ? small : ascii(bare(small)) || bare(small));
}

/** The digits of a telephone number, without its extension. */
export function phoneDigits(value: string): string {
  return value.replace(/;.*$/u, '').normalize('NFKC').replaceAll(/\D+/gu, '');
}

function addPhone(terms: Set<string>, value: string): void {
  const digits = phoneDigits(value);
  if (digits.length < 4) return;
  terms.add(`p:${letters(digits)}`);
  terms.add(`p:${digits.slice(-4)}`);
  if (digits.length >= 7) terms.add(`p:${digits.slice(-7)}`);
}

function addMrn(terms: Set<string>, mrn: string): void {
  const whole = bareTerm(mrn);
  if (whole === '') return;
  terms.add(`m:${whole}`);
  const digits = whole.replaceAll(/\D+/g, '');
  if (digits.length >= 3) terms.add(`m:${digits}`);
  const last = /\d{3,}$/.exec(mrn)?.[0];
  if (last !== undefined) terms.add(`m:${letters(last)}`);
}

function addBirth(terms: Set<string>, date: string, precision: string | null | undefined): void {
  terms.add(`b:${date.slice(0, 4)}`);
  if (precision && precision !== 'DAY') return;
  terms.add(`b:${date}`);
  terms.add(`b:${date.slice(5)}`);
}

/**
 * Everything that a chart is found by, each once. Words of names stand for themselves; what begins with a letter and a colon
 * is a date of birth (`b:1980-02-03`, `b:02-03`, `b:1980`), a record number (`m:`), a telephone number whole and by its last
 * seven and four digits (`p:`), another number (`i:`), an e-mail address (`e:`) or the consonants of a name that is written
 * without vowels (`s:`).
 *
 * @example
 * searchTermsOf({ mrn: 'MRN-2026-00001', firstName: 'Zoë', lastName: "O'Brien", dateOfBirth: '1980-02-03' });
 * // zoe, obrien, brien, b:1980, b:1980-02-03, b:02-03, m:mrn202600001, m:202600001, m:00001
 */
export function searchTermsOf(chart: SearchedChart): string[] {
  const terms = new Set<string>();
  addName(terms, chart);
  for (const name of chart.names ?? []) addName(terms, name);
  if (chart.dateOfBirth) addBirth(terms, chart.dateOfBirth, chart.dateOfBirthPrecision);
  addMrn(terms, chart.mrn);
  for (const { type, value } of chart.identifiers ?? []) {
    const bareValue = bareTerm(value);
    if (bareValue !== '') terms.add(`i:${bareValue}`);
    if (type === 'MR' || type === 'MRN') addMrn(terms, value);
  }
  for (const { documentNumber } of chart.documents ?? []) {
    const bareValue = documentNumber === null ? '' : bareTerm(documentNumber);
    if (bareValue !== '') terms.add(`i:${bareValue}`);
  }
  for (const phone of [chart.phone, chart.phoneSecondary]) if (phone) addPhone(terms, phone);
  if (chart.email) terms.add(emailTerm(chart.email));
  for (const { system, value } of chart.telecoms ?? []) {
    if (system === 'EMAIL') terms.add(emailTerm(value));
    else addPhone(terms, value);
  }
  return [...terms];
}

export function isBirthTerm(term: string): boolean {
  return term.startsWith('b:');
}

export function emailTerm(email: string): string {
  return `e:${email.trim().toLowerCase().normalize('NFC').slice(0, 255)}`;
}

/** What a change of columns adds to the terms of a chart and takes from them; undefined when it does neither. */
export function termsChanged(before: SearchedChart, after: SearchedChart): { added: string[]; removed: string[] } | undefined {
  if (searchedColumns.every((column) => before[column] === after[column])) return undefined;
  const [old, now] = [searchTermsOf(before), searchTermsOf(after)];
  const [added, removed] = [now.filter((term) => !old.includes(term)), old.filter((term) => !now.includes(term))];
  return added.length === 0 && removed.length === 0 ? undefined : { added, removed };
}

/** The words of names among the terms that are long enough to be mistyped and still be known. */
export function wordsAmong(terms: readonly string[]): string[] {
  return terms.filter((term) => !term.includes(':') && term.length >= 3 && !/\d/.test(term));
}

/** A term as the server reads it in a tsvector or a tsquery, whatever it holds. */
export function quoteTerm(term: string): string {
  return `'${term.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

/** The text of a tsvector. */
export function toVector(terms: readonly string[]): string {
  return terms.map(quoteTerm).join(' ');
}
