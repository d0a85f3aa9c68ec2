import anyAscii from 'any-ascii';
import { isPlainDate } from '../base/plain-date.ts';
import { bareTerm, consonantsOf, emailTerm, isParticle, isTitle, quoteTerm, splitName, wordForms } from './words.ts';

/** One part of what was typed, with everything that it may mean. */
export interface TypedPart {
  /** Forms of a word of a name; none where it is not one. */
  readonly names: readonly string[];
  /** `1980-02-03`, `02-03` or `1980`. */
  readonly dates: readonly string[];
  /** Small letters and digits of a record number or another number. */
  readonly numbers: readonly string[];
  /** Digits of a telephone number from its last ones, without a leading 0 that countries write at home. */
  readonly digits?: string | undefined;
  readonly email?: string | undefined;
  /** Left out when the charts that have it are none. */
  readonly optional: boolean;
}

export interface TypedQuery {
  readonly parts: readonly TypedPart[];
  /** Single letters beside words: the beginnings of further names. */
  readonly initials: readonly string[];
}

/** More than anybody types of one person. */
const mostParts = 8;

const nothing = { names: [], dates: [], numbers: [], optional: false } as const;

/**
 * Reads what somebody typed: each part of it may be several things, a date in the order of either continent, four digits a
 * year, the end of a telephone number or a record number.
 *
 * @example
 * readTyped('obrien 3.2.1980').parts.map(({ names, dates }) => [...names, ...dates]); // [['obrien'], ['1980-02-03']]
 */
export function readTyped(text: string): TypedQuery {
  let rest = text.normalize('NFKC');
  if (/[^\u0000-\u007F]/u.test(rest)) rest = rest.replaceAll(/\p{Nd}/gu, (digit) => anyAscii(digit));
  const parts: TypedPart[] = [];
  const take = (pattern: RegExp, read: (match: readonly string[]) => readonly TypedPart[]): void => {
    rest = rest.replaceAll(pattern, (...given: unknown[]) => {
      const found = read(given.filter((each) => typeof each === 'string' || each === undefined) as string[]);
      parts.push(...found);
      return found.length > 0 ? ' ' : String(given[0]);
    });
  };
  if (rest.includes('@')) take(/[^\s,;<>]+@[^\s,;<>]+/gu, ([address = '']) => [{ ...nothing, email: emailTerm(address).slice(2) }]);
  // Most of what is typed is names alone: the patterns below cost 40 of 67 microseconds.
  if (/\d/.test(rest)) {
    for (const [pattern, read] of datePatterns) take(pattern, (match) => dateParts(read(match)));
    take(/(?<![\p{L}\p{N}][-./]?)(\p{L}{1,4}) +(\d[\p{L}\p{N}/-]{2,})(?![\p{L}\p{N}])/gu, ([, letters = '', number = '']) => lettersAndNumber(letters, number));
    take(/(?<![\p{L}\p{N}][-./]?)\+?\(?\d[\d\s()./-]*\d(?![-./]?[\p{L}\p{N}])/gu, ([run = '']) => (isOneNumber(run) ? [numberPart(run)] : []));
  }
  const initials: string[] = [];
  for (const piece of rest.split(/[\s,;]+/u)) {
    if (/\d/.test(piece)) {
      const bare = bareTerm(piece);
      // Person7 is a name to somebody.
      const names = /^\p{L}/u.test(piece) && splitName(piece).length === 1 ? wordForms(splitName(piece)[0] ?? '') : [];
      if (bare !== '') parts.push({ ...numberPart(piece), names });
    } else parts.push(...nameParts(piece));
  }
  return { parts: sift(joinNames(parts, initials)), initials };
}

/** Digits with blanks between them are one number when they begin like a telephone number or are too many for several. */
function isOneNumber(run: string): boolean {
  const pieces = run.split(/\s+/u).map((piece) => piece.replaceAll(/\D+/g, ''));
  if (pieces.length === 1) return true;
  if (pieces.some((piece) => piece.length >= 6 && digitDates(piece).length > 0 && piece.length !== 7)) return false;
  const total = pieces.join('').length;
  return /^[+(0]/.test(run) || (pieces[0]?.length ?? 0) <= 3 || total >= 9;
}

function numberPart(text: string): TypedPart {
  const number = bareTerm(text);
  const digits = /^\d+$/.test(number) ? number.replace(/^0+/, '') : undefined;
  const dates = /^\d+$/.test(text) ? digitDates(text) : [];
  return {
    ...nothing,
    dates,
    numbers: number === '' ? [] : [number],
    digits: digits !== undefined && number.length >= 4 ? (digits.length >= 4 ? digits : number) : undefined,
  };
}

/** A number that begins with letters, written apart: `AB 12-34`. A name and a number look the same, so it may be those too. */
function lettersAndNumber(letters: string, number: string): TypedPart[] {
  const joined = bareTerm(letters + number);
  const names = nameParts(letters);
  const rest = numberPart(number);
  return names.some((part) => isTitle(part.names[0] ?? '')) && !/\D/.test(bareTerm(number))
    ? [{ ...rest, numbers: [...rest.numbers, joined] }]
    : [...names.map((part) => ({ ...part, numbers: [joined] })), { ...rest, numbers: [...rest.numbers, joined] }];
}

function nameParts(piece: string): TypedPart[] {
  const words = splitName(piece);
  const joined = words.length > 1 ? wordForms(words.join('')) : [];
  return words.map((word) => ({ ...nothing, names: [...new Set([...wordForms(word), ...joined])] })).filter(({ names }) => names.length > 0);
}

/** What is written apart by one and together by another: O Brien, van der Berg. */
function joinNames(parts: readonly TypedPart[], initials: string[]): TypedPart[] {
  const result: TypedPart[] = [];
  let run: TypedPart[] = [];
  const isWord = (part: TypedPart) => part.names.length > 0;
  for (const part of parts) {
    const [word = ''] = part.names;
    if (isWord(part) && (isParticle(word) || isShort(word))) {
      run.push(part);
      continue;
    }
    if (run.length > 0 && isWord(part)) {
      const joined = Array.from(run, (_each, at) => [...run.slice(at), part].map(({ names }) => names[0]).join(''));
      result.push(...run.map((each) => ({ ...each, names: [...each.names, ...joined], optional: true })), { ...part, names: [...part.names, ...joined] });
    } else result.push(...run, part);
    run = [];
  }
  result.push(...run);
  for (const { names } of result) if (names.length > 0 && isShort(names[0] ?? '')) initials.push(names[0] ?? '');
  return result.filter(({ names }) => names.length === 0 || !isShort(names[0] ?? ''));
}

/** A single letter; in scripts where a letter is a syllable or a word it is more. */
function isShort(word: string): boolean {
  return word.length === 1 && !/[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}]/u.test(word);
}

function sift(parts: readonly TypedPart[]): TypedPart[] {
  // Don is a title to some and a name to others: it may be missing, and counts where it is not.
  const kept = parts.map((part) => (isTitle(part.names[0] ?? '') ? { ...part, optional: true } : part));
  const seen = new Set<string>();
  const once = kept.filter((part) => {
    const key = JSON.stringify(part);
    return !seen.has(key) && seen.add(key);
  });
  const all = once.slice(0, mostParts);
  return all.every(({ optional }) => optional) ? all.map((part) => ({ ...part, optional: false })) : all;
}

function dateParts(dates: readonly string[]): TypedPart[] {
  return dates.length === 0 ? [] : [{ ...nothing, dates }];
}

const two = (text: string) => text.padStart(2, '0');

function dateOf(year: string, month: string, day: string): string[] {
  // Of two digits nobody knows the century; nobody is born in the wrong one.
  const years = year.length === 4 ? [year] : [`19${two(year)}`, `20${two(year)}`];
  return years.map((each) => `${each}-${two(month)}-${two(day)}`).filter((date) => isPlainDate(date) && date >= '1850');
}

function eitherWay(year: string, first: string, second: string): string[] {
  return [...new Set([...dateOf(year, second, first), ...dateOf(year, first, second)])];
}

/** Digits alone: 19800203, 03021980, 030280, 800203, and four that are a year. */
function digitDates(digits: string): string[] {
  const cut = (from: number, to: number) => digits.slice(from, to);
  if (digits.length === 8) return [...new Set([...dateOf(cut(0, 4), cut(4, 6), cut(6, 8)), ...eitherWay(cut(4, 8), cut(0, 2), cut(2, 4))])];
  if (digits.length === 6) return [...new Set([...eitherWay(cut(4, 6), cut(0, 2), cut(2, 4)), ...dateOf(cut(0, 2), cut(2, 4), cut(4, 6))])];
  return digits.length === 4 && digits >= '1850' && digits <= '2100' ? [digits] : [];
}

let months: Map<string, string> | undefined;

/** The number of a month by its name, whole or short, in languages that are typed at a desk. */
function monthOf(name: string): string | undefined {
  if (!months) {
    months = new Map();
    for (const locale of ['en', 'de', 'fr', 'es', 'pt', 'it', 'nl', 'sv', 'pl', 'sw', 'tr', 'ru', 'uk'])
      for (const style of ['long', 'short'] as const) {
        // With the day beside it: Slavic months have another ending there.
        for (const shape of [{ month: style }, { month: style, day: 'numeric' as const }]) {
          const format = new Intl.DateTimeFormat(locale, { ...shape, timeZone: 'UTC' });
          for (let month = 1; month <= 12; month += 1) {
            const word = format.formatToParts(new Date(Date.UTC(2020, month - 1, 15))).find(({ type }) => type === 'month')?.value ?? '';
            const [form] = wordForms(word.replaceAll('.', ''));
            if (form !== undefined && !months.has(form)) months.set(form, String(month));
          }
        }
      }
  }
  const [form = ''] = wordForms(name.replaceAll('.', ''));
  return months.get(form) ?? months.get(form.slice(0, 3));
}

const start = '(?<![\\p{L}\\p{N}.\\/+-])';
const end = '(?![\\p{L}\\p{N}]|[.\\/-]\\d)';
const datePatterns: readonly (readonly [RegExp, (match: readonly string[]) => string[]])[] = [
  [new RegExp(`${start}(\\d{4})([-/.])(\\d{1,2})\\2(\\d{1,2})${end}`, 'gu'), ([, year = '', , month = '', day = '']) => dateOf(year, month, day)],
  [new RegExp(`${start}(\\d{1,2})\\.\\s?(\\d{1,2})\\.\\s?(\\d{4}|\\d{2})${end}`, 'gu'), ([, day = '', month = '', year = '']) => dateOf(year, month, day)],
  [
    new RegExp(`${start}(\\d{1,2})([/-])(\\d{1,2})\\2(\\d{4}|\\d{2})${end}`, 'gu'),
    ([, first = '', , second = '', year = '']) => eitherWay(year, first, second),
  ],
  [
    new RegExp(`${start}(\\d{1,2})(?:st|nd|rd|th)?\\.?[\\s-]*(?:of\\s|de\\s)?(\\p{L}{3,12})\\.?,?(?:\\s+de)?[\\s-]*(\\d{4})${end}`, 'giu'),
    ([, day = '', month = '', year = '']) => dateOf(year, monthOf(month) ?? '', day),
  ],
  [
    new RegExp(`${start}(\\p{L}{3,12})\\.?[\\s-]*(\\d{1,2})(?:st|nd|rd|th)?,?[\\s-]+(\\d{4})${end}`, 'giu'),
    ([, month = '', day = '', year = '']) => dateOf(year, monthOf(month) ?? '', day),
  ],
  [new RegExp(`${start}(\\d{1,2})\\.(\\d{1,2})\\.(?!\\d)`, 'gu'), ([, day = '', month = '']) => dateOf('2020', month, day).map((date) => date.slice(5))],
];

/** The terms of a part as they stand in entries. */
function exactTerms(part: TypedPart): string[] {
  const { names, dates, numbers, digits, email } = part;
  return [
    ...names,
    ...dates.map((date) => `b:${date}`),
    ...numbers.flatMap((number) => [`m:${number}`, `i:${number}`]),
    ...(digits === undefined ? [] : [digits.length >= 7 ? `p:${digits.slice(-7)}` : `p:${digits.slice(-4)}`]),
    ...(email === undefined ? [] : [`e:${email}`]),
  ];
}

/** The beginnings of terms that a part may be: two letters of a name, four signs of a number. */
function beginnings(part: TypedPart): string[] {
  const names = part.names.filter((name) => name.length >= 2 || !isShort(name));
  const numbers = part.numbers.filter((number) => number.length >= 4);
  return [...names, ...numbers.flatMap((number) => [`m:${number}`, `i:${number}`])];
}

const either = (terms: readonly string[]) => `(${[...new Set(terms)].join(' | ')})`;

/** A tsquery for charts that have every part as it was typed. Every term is quoted, so that nothing of it is read as an operator. */
export function exactQuery({ parts }: TypedQuery): string {
  return parts.map((part) => either(exactTerms(part).map(quoteTerm))).join(' & ');
}

/** The end of a telephone number, of a length that is no term, typed alone, and the query for all else that it may be. */
export function endOfNumber({ parts }: TypedQuery): { digits: string; otherwise: string } | undefined {
  const [part, ...others] = parts;
  const { digits } = part ?? {};
  if (part === undefined || others.length > 0 || digits === undefined || digits.length < 5 || digits.length > 6) return undefined;
  return { digits, otherwise: exactQuery({ parts: [{ ...part, digits: undefined }], initials: [] }) };
}

/** A tsquery for charts in which every part begins a word or a number; particles may be missing. */
export function beginningQuery({ parts }: TypedQuery): string {
  return parts
    .filter(({ optional }) => !optional)
    .map((part) => either([...exactTerms(part).map(quoteTerm), ...beginnings(part).map((term) => `${quoteTerm(term)}:*`)]))
    .join(' & ');
}

/** A tsquery for charts with words like those typed; `similar` gives the words that stand in entries for each form. */
export function similarQuery({ parts }: TypedQuery, similar: ReadonlyMap<string, readonly string[]>): string {
  return parts
    .filter(({ optional }) => !optional)
    .map((part) => {
      const words = part.names.flatMap((name) => similar.get(name) ?? []);
      const consonants = part.names.flatMap((name) => (/^[a-z]+$/.test(name) ? (consonantsOf(name) ?? []) : [])).map((each) => `s:${each}`);
      return either([...exactTerms(part), ...words, ...consonants].map(quoteTerm).concat(beginnings(part).map((term) => `${quoteTerm(term)}:*`)));
    })
    .join(' & ');
}

/** Words that are long enough to be mistyped and still be known. */
export function wordsToCorrect({ parts }: TypedQuery): string[] {
  return [...new Set(parts.filter(({ optional }) => !optional).flatMap(({ names }) => names.filter((name) => name.length >= 4)))];
}

/** A word without each of its letters, and the word: two words with one of these in common are about one slip apart. */
export function deletesOf(word: string): string[] {
  const all = Array.from(word);
  if (all.length <= 3) return [word];
  return [...new Set([word, ...all.map((_letter, at) => [...all.slice(0, at), ...all.slice(at + 1)].join(''))])];
}
