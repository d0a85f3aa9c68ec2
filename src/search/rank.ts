import type { MatchReason } from './search.schema.ts';
import type { TypedPart, TypedQuery } from './typed-query.ts';
import { bareTerm, consonantsOf, type NameParts, phoneDigits, splitName, wordForms } from './words.ts';

/** What of a chart is compared with what was typed. The lists are read only for charts that their columns do not explain. */
export interface RankedChart extends NameParts {
  readonly mrn: string;
  readonly dateOfBirth: string | null;
  readonly phone: string | null;
  readonly phoneSecondary: string | null;
  readonly email: string | null;
  readonly deceased: boolean;
  readonly archived: boolean;
  readonly mergedInto: string | null;
  readonly names?: readonly NameParts[];
  readonly telecoms?: readonly { readonly system: string; readonly value: string }[];
  readonly identifiers?: readonly { readonly type: string; readonly value: string }[];
  readonly documents?: readonly { readonly documentNumber: string | null }[];
}

export interface Rank {
  readonly score: number;
  readonly reasons: readonly MatchReason[];
  /** Parts that nothing of what was read of the chart explains: its other names and numbers may. */
  readonly unexplained: number;
  /** Whether a number is among those, of which the entry knows only the end. */
  readonly wrongNumber: boolean;
  /** Whether all was typed whole, and a family name or a number of this person is in it: only then is a restricted chart found. */
  readonly identifies: boolean;
}

/**
 * How many slips of the hand lie between two words: letters left out, put in, changed, or two neighbours exchanged
 * (Damerau and Levenshtein, each letter moved once). More than `most` is told as `most + 1`.
 *
 * @example
 * slipsBetween('garcia', 'gracia', 2); // 1
 */
export function slipsBetween(one: string, other: string, most: number): number {
  const [a, b] = [Array.from(one), Array.from(other)];
  if (Math.abs(a.length - b.length) > most) return most + 1;
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    let least = i;
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, (before[j - 2] ?? 0) + 1);
      row.push(best);
      least = Math.min(least, best);
    }
    if (least > most) return most + 1;
    before = last;
    last = row;
  }
  return Math.min(last[b.length] ?? most + 1, most + 1);
}

/** How many slips are forgiven in a word of this length. */
export function slipsForgiven(word: string): number {
  return word.length < 4 ? 0 : word.length < 8 ? 1 : 2;
}

type Found = MatchReason & { readonly value: number };

const found = (field: MatchReason['field'], match: MatchReason['match'], told: { value: number; text: string }): Found => ({ field, match, ...told });

const lists: readonly (readonly ['firstName' | 'middleName' | 'lastName', string])[] = [
  ['lastName', 'family name'],
  ['firstName', 'given name'],
  ['middleName', 'middle name'],
];

/** The words of a name with all their forms, kept for the charts of one search. */
function nameWords(name: NameParts): { forms: readonly string[]; of: string }[] {
  return lists.flatMap(([field, of]) => {
    const text = name[field];
    if (!text) return [];
    const words = splitName(text);
    const all = words.map((word) => ({ forms: wordForms(word), of }));
    return words.length > 1
      ? [...all, { forms: wordForms(words.join('')), of }, ...text.split(/[\s'’-]+/u).map((word) => ({ forms: wordForms(word), of }))]
      : all;
  });
}

function matchName(part: TypedPart, words: readonly { forms: readonly string[]; of: string }[], field: 'name' | 'otherName'): Found | undefined {
  let best: Found | undefined;
  const take = (candidate: Found) => {
    if (!best || candidate.value > best.value) best = candidate;
  };
  const less = field === 'name' ? 0 : 0.1;
  for (const { forms, of } of words) {
    const told = field === 'name' ? of : `${of} of another or an earlier name`;
    for (const form of forms) {
      for (const [at, typed] of part.names.entries()) {
        const aside = at > 0 || form !== forms[0] ? 0.02 : 0;
        if (form === typed) take(found(field, 'exact', { value: 1 - less - aside, text: told }));
        else if (form.startsWith(typed))
          take(found(field, 'beginning', { value: 0.6 + 0.3 * (typed.length / form.length) - less - aside, text: `${told} begins with it` }));
        else {
          const most = slipsForgiven(typed);
          const slips = most === 0 ? 1 : slipsBetween(typed, form, most);
          if (slips <= most)
            take(
              found(field, 'similar', {
                value: 0.85 - 0.15 * slips - less - aside,
                text: `${told}, ${slips === 1 ? 'one letter differs' : 'two letters differ'}`,
              }),
            );
        }
      }
    }
    const [own = ''] = forms;
    if (!/^[a-z0-9]*$/.test(own)) {
      const consonants = consonantsOf(own);
      if (consonants !== undefined && part.names.some((typed) => consonantsOf(typed) === consonants))
        take(found(field, 'similar', { value: 0.6 - less, text: `${told}, written in another script` }));
    }
  }
  return best;
}

function matchDate(part: TypedPart, born: string): Found | undefined {
  for (const date of part.dates) {
    if (date === born) return found('dateOfBirth', 'exact', { value: 1, text: 'date of birth' });
    if (date.length === 5 && born.endsWith(date)) return found('dateOfBirth', 'part', { value: 0.7, text: 'day and month of birth' });
    if (date.length === 4 && born.startsWith(date)) return found('dateOfBirth', 'part', { value: 0.6, text: 'year of birth' });
  }
  return undefined;
}

function matchNumber(number: string, value: string, { field, text }: { field: MatchReason['field']; text: string }): Found | undefined {
  const bare = bareTerm(value);
  if (bare === number || bare.replaceAll(/\D+/g, '') === number) return found(field, 'exact', { value: 1, text });
  if (number.length >= 4 && bare.startsWith(number)) return found(field, 'beginning', { value: 0.7, text: `${text} begins with it` });
  if (number.length >= 3 && bare.endsWith(number)) return found(field, 'part', { value: 0.8, text: `${text} ends with it` });
  return undefined;
}

function matchPhone(digits: string, value: string, field: 'phone' | 'earlierPhone'): Found | undefined {
  const text = field === 'phone' ? 'telephone number' : 'another or an earlier telephone number';
  const less = field === 'phone' ? 0 : 0.1;
  const whole = phoneDigits(value);
  if (whole === digits || (digits.length >= 8 && whole.endsWith(digits))) return found(field, 'exact', { value: 1 - less, text });
  if (digits.length >= 4 && whole.endsWith(digits))
    return found(field, 'part', { value: 0.5 + 0.05 * digits.length - less, text: `last ${digits.length} digits of ${text}` });
  return undefined;
}

function best(...all: readonly (Found | undefined)[]): Found | undefined {
  return all.reduce((one, other) => (other && (!one || other.value > one.value) ? other : one), undefined);
}

/**
 * How well a chart fits what was typed: the mean over the parts, a little less for names that nobody typed, for the dead, the
 * archived and the merged.
 */
export function rank(query: TypedQuery, chart: RankedChart): Rank {
  const own = nameWords(chart);
  const others = (chart.names ?? []).flatMap(nameWords);
  let sum = 0;
  let weight = 0;
  let unexplained = 0;
  let wrongNumber = false;
  let whole = true;
  let identifies = false;
  const reasons: MatchReason[] = [];
  for (const part of query.parts) {
    const hit = best(
      part.names.length > 0 ? matchName(part, own, 'name') : undefined,
      part.names.length > 0 && others.length > 0 ? matchName(part, others, 'otherName') : undefined,
      chart.dateOfBirth === null ? undefined : matchDate(part, chart.dateOfBirth),
      ...part.numbers.flatMap((number) => matchNumbers(number, chart)),
      ...(part.digits === undefined ? [] : matchPhones(part.digits, chart)),
      part.email === undefined ? undefined : matchEmail(part.email, chart),
    );
    // A particle that is not there says little.
    const counts = part.optional ? 0.2 : 1;
    weight += counts;
    if (hit) {
      sum += hit.value * counts;
      whole &&= hit.match === 'exact';
      identifies ||= !['dateOfBirth', 'name', 'otherName'].includes(hit.field) || hit.text.startsWith('family name');
      const { value: _value, ...reason } = hit;
      if (!reasons.some(({ text }) => text === reason.text)) reasons.push(reason);
    } else if (!part.optional) {
      unexplained += 1;
      if (part.names.length === 0) wrongNumber = true;
      else sum += 0.5;
      whole = false;
    }
  }
  const names = own.length;
  const typedNames = query.parts.filter(({ names: forms }) => forms.length > 0).length + query.initials.length;
  const untyped = typedNames === 0 ? 0 : Math.min(Math.max(names - typedNames, 0), 4) * 0.01;
  const initial = query.initials.some((letter) => own.some(({ forms }) => forms[0]?.startsWith(letter))) ? 0.02 : 0;
  const less = (chart.deceased ? 0.02 : 0) + (chart.archived ? 0.04 : 0) + untyped - initial;
  const score = weight === 0 ? 0 : Math.min(Math.max(sum / weight - less, 0), 1);
  return { score: Math.round(score * 1000) / 1000, reasons, unexplained, wrongNumber, identifies: whole && identifies };
}

function matchNumbers(number: string, chart: RankedChart): (Found | undefined)[] {
  return [
    matchNumber(number, chart.mrn, { field: 'mrn', text: 'record number' }),
    ...(chart.identifiers ?? []).map(({ type, value }) =>
      matchNumber(
        number,
        value,
        type === 'MR' || type === 'MRN' ? { field: 'formerMrn', text: 'another or an earlier record number' } : { field: 'identifier', text: 'identifier' },
      ),
    ),
    ...(chart.documents ?? []).map(({ documentNumber }) =>
      documentNumber === null ? undefined : matchNumber(number, documentNumber, { field: 'identifier', text: 'number of a document' }),
    ),
  ];
}

function matchPhones(digits: string, chart: RankedChart): (Found | undefined)[] {
  return [
    ...[chart.phone, chart.phoneSecondary].map((phone) => (phone === null ? undefined : matchPhone(digits, phone, 'phone'))),
    ...(chart.telecoms ?? []).map(({ system, value }) => (system === 'EMAIL' ? undefined : matchPhone(digits, value, 'earlierPhone'))),
  ];
}

function matchEmail(email: string, chart: RankedChart): Found | undefined {
  if (chart.email?.toLowerCase() === email) return found('email', 'exact', { value: 1, text: 'e-mail address' });
  const other = (chart.telecoms ?? []).some(({ system, value }) => system === 'EMAIL' && value.toLowerCase() === email);
  return other ? found('email', 'exact', { value: 0.9, text: 'another or an earlier e-mail address' }) : undefined;
}
