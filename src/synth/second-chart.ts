import { dateOf, dayOf } from './calendar.ts';
import { countries } from './countries.ts';
import { cultures } from './cultures.ts';
import { nicknames } from './names/nicknames.ts';
import { type Random, randomOf } from './random.ts';
import type { SyntheticPerson } from './synthetic-person.ts';

/**
 * Why somebody has a second chart. `COMPOUND` is two or three of the others at once; `TWIN` the second chart of somebody
 * whose twin has one that is nearly the same; `NEWBORN` the chart from before the child had a name.
 */
export const scenarios = [
  'TYPO',
  'SWAP',
  'MARRIAGE',
  'TWIN',
  'NEWBORN',
  'MOVED',
  'IDENTIFIER_TYPO',
  'MISSING',
  'NICKNAME',
  'TRANSLITERATION',
  'COMPOUND',
] as const;
export type Scenario = (typeof scenarios)[number];

/** Per 1,000 second charts, where the person can have such a one. */
const shares: readonly (readonly [Scenario, number])[] = [
  ['TYPO', 200],
  ['MOVED', 160],
  ['MISSING', 120],
  ['NICKNAME', 110],
  ['MARRIAGE', 110],
  ['TRANSLITERATION', 100],
  ['SWAP', 70],
  ['IDENTIFIER_TYPO', 60],
  ['COMPOUND', 70],
];

type Draft = { -readonly [Field in keyof SyntheticPerson]: SyntheticPerson[Field] };
type Change = (draft: Draft, random: Random) => boolean;

export interface SecondChart {
  readonly chart: SyntheticPerson;
  readonly scenario: Scenario;
}

/** Another chart of the same person, as another desk would have written it on another day. */
export function secondChart(person: SyntheticPerson, { seed, number, today }: { seed: number; number: number; today: string }): SecondChart {
  const random = randomOf(seed, number, 11);
  const draft: Draft = { ...person, reference: `D${person.reference.slice(1)}` };
  writtenAnew(draft, random);
  const infant = person.dateOfBirth !== null && dayOf(today) - dayOf(person.dateOfBirth) < 365;
  // What this person cannot have (a nickname, a transcription) is drawn again.
  for (let attempt = 0; attempt < 12; attempt += 1) {
    const scenario: Scenario = infant ? 'NEWBORN' : attempt === 0 && person.multipleBirthCount !== null && random.perMille(600) ? 'TWIN' : chosen(random);
    if (scenario === 'COMPOUND' ? several(draft, random) : changesOf[scenario](draft, random)) return { chart: withoutSameNumber(draft, person), scenario };
  }
  typo(draft, random);
  return { chart: withoutSameNumber(draft, person), scenario: 'TYPO' };
}

/** A registry refuses the same number for a second chart, so that a second chart in one base has it mistyped or not at all. */
function withoutSameNumber(draft: Draft, { identifiers: [known] }: SyntheticPerson): SyntheticPerson {
  return { ...draft, identifiers: draft.identifiers.filter(({ value }) => value !== known?.value) };
}

const several: Change = (draft, random) => {
  const changes = [typo, moved, missing, nickname, swap, identifierTypo, birthTypo].filter(() => random.perMille(380));
  const made = changes.filter((change) => change(draft, random)).length;
  if (made < 2) typo(draft, random);
  if (made < 1) moved(draft, random);
  return true;
};

function chosen(random: Random): Scenario {
  let place = random.below(1000);
  for (const [scenario, share] of shares) {
    if (place < share) return scenario;
    place -= share;
  }
  return 'TYPO';
}

/** Two desks do not ask the same, nor does the same person answer the same twice. */
function writtenAnew(draft: Draft, random: Random): void {
  if (random.perMille(300)) draft.middleName = draft.middleName === null || random.perMille(500) ? null : draft.middleName.charAt(0);
  if (random.perMille(350)) draft.email = null;
  if (random.perMille(250)) draft.phoneSecondary = null;
  if (random.perMille(150)) draft.phone = draft.country === null ? null : (countries[draft.country]?.mobile(random) ?? null);
  if (random.perMille(600)) draft.bloodType = null;
  if (random.perMille(500)) draft.addresses = [];
  if (random.perMille(600)) draft.names = [];
  draft.telecoms = [];
}

const rows = ['qwertyuiop', 'asdfghjkl', 'zxcvbnm', 'йцукенгшщзхъ', 'фывапролджэ', 'ячсмитьбю', '1234567890'];

/** One slip of the fingers: a letter left out, doubled, exchanged with the next, or one from beside it on the keyboard. */
function slip(text: string, random: Random): string {
  const letters = Array.from(text);
  if (letters.length < 3) return text;
  const place = random.between(1, letters.length - 2);
  const kind = random.below(4);
  if (kind === 0) letters.splice(place, 1);
  else if (kind === 1) letters.splice(place, 0, letters[place] as string);
  else if (kind === 2) [letters[place], letters[place + 1]] = [letters[place + 1] as string, letters[place] as string];
  else {
    const row = rows.find((keys) => keys.includes(letters[place] as string));
    if (!row) letters.splice(place, 1);
    else letters[place] = row[(row.indexOf(letters[place] as string) + 1) % row.length] as string;
  }
  return letters.join('').trim();
}

const typo: Change = (draft, random) => {
  const before = [draft.firstName, draft.lastName, draft.dateOfBirth].join('|');
  // Names of one or two characters have no room for a slip, and an exchange of two equal letters is none.
  for (let attempt = 0; attempt < 8; attempt += 1) {
    const kind = random.below(10);
    if (kind < 3 && draft.firstName !== null) draft.firstName = slip(draft.firstName, random);
    else if (kind < 7 || draft.dateOfBirth === null) draft.lastName = slip(draft.lastName, random);
    else birthTypo(draft, random);
    if ([draft.firstName, draft.lastName, draft.dateOfBirth].join('|') !== before) return true;
  }
  draft.lastName += draft.lastName.at(-1);
  return true;
};

const birthTypo: Change = (draft, random) => {
  const { dateOfBirth } = draft;
  if (dateOfBirth === null) return false;
  const [year = '', month = '', day = ''] = dateOfBirth.split('-');
  const kind = random.below(3);
  if (kind === 0 && Number(day) <= 12 && day !== month) draft.dateOfBirth = `${year}-${day}-${month}`;
  else if (kind === 1) draft.dateOfBirth = dateOf(dayOf(dateOfBirth) + (random.perMille(500) ? -1 : -10));
  else draft.dateOfBirth = dateOf(dayOf(`${String(Number(year) - (random.perMille(500) ? 1 : 10))}-${month}-28`) - 28 + Number(day));
  return true;
};

const swap: Change = (draft) => {
  if (draft.firstName === null) return false;
  [draft.firstName, draft.lastName] = [draft.lastName, draft.firstName];
  return true;
};

const marriage: Change = (draft, random) => {
  const before = draft.names.find(({ use }) => use === 'MAIDEN' || use === 'FORMER');
  if (before) {
    draft.lastName = before.lastName;
    draft.names = [];
    return true;
  }
  const culture = cultures.find(({ country }) => country === draft.country);
  if (
    draft.gender !== 'FEMALE' ||
    !culture ||
    culture.wivesTake < 300 ||
    culture.script !== undefined ||
    draft.dateOfBirth === null ||
    draft.dateOfBirth > '2005'
  )
    return false;
  const family = culture.families.pick(random).latin;
  draft.lastName = random.perMille(150) ? `${draft.lastName}-${family}` : (culture.forWomen?.(family) ?? family);
  draft.names = [];
  return true;
};

const twin: Change = (draft, random) => {
  if (random.perMille(500)) draft.birthOrder = null;
  if (random.perMille(500)) draft.multipleBirthCount = null;
  draft.identifiers = [];
  if (random.perMille(300) && draft.firstName !== null) draft.firstName = draft.firstName.charAt(0);
  else if (random.perMille(400)) typo(draft, random);
  return true;
};

const newborn: Change = (draft, random) => {
  const girl = draft.sexAtBirth === 'FEMALE';
  draft.firstName = random.pick(girl ? ['Baby Girl', 'Babygirl', 'Girl', 'Baby of'] : ['Baby Boy', 'Babyboy', 'Boy', 'Baby of']);
  draft.middleName = null;
  draft.identifiers = [];
  draft.email = null;
  draft.names = [];
  return true;
};

const moved: Change = (draft, random) => {
  const country = draft.country === null ? undefined : countries[draft.country];
  if (!country) return false;
  Object.assign(draft, country.address(random));
  draft.addresses = [];
  if (random.perMille(600)) draft.phone = country.mobile(random);
  draft.phoneSecondary = null;
  return true;
};

const identifierTypo: Change = (draft, random) => {
  const [one] = draft.identifiers;
  if (!one) return false;
  const digits = Array.from(one.value);
  const places = digits.flatMap((digit, place) => (/\d/.test(digit) && place > 2 ? [place] : []));
  if (places.length < 2) return false;
  const place = places[random.below(places.length - 1)] as number;
  if (random.perMille(500)) digits[place] = String((Number(digits[place]) + random.between(1, 9)) % 10);
  else {
    const next = places[places.indexOf(place) + 1] as number;
    if (digits[place] === digits[next]) digits[place] = String((Number(digits[place]) + 1) % 10);
    else [digits[place], digits[next]] = [digits[next] as string, digits[place] as string];
  }
  draft.identifiers = [{ ...one, value: digits.join('') }];
  return true;
};

const missing: Change = (draft, random) => {
  draft.phone = null;
  draft.phoneSecondary = null;
  draft.email = null;
  draft.identifiers = [];
  draft.middleName = null;
  draft.names = [];
  draft.addresses = [];
  if (random.perMille(500)) Object.assign(draft, { addressLine1: null, addressLine2: null, city: null, state: null, zipCode: null });
  if (random.perMille(200)) draft.gender = null;
  else if (random.perMille(150) && draft.dateOfBirth !== null)
    Object.assign(draft, { dateOfBirth: `${draft.dateOfBirth.slice(0, 4)}-01-01`, dateOfBirthPrecision: 'YEAR' });
  return true;
};

const nickname: Change = (draft, random) => {
  const short = draft.firstName === null ? undefined : nicknames.get(draft.firstName);
  if (!short) return false;
  draft.firstName = random.pick(short);
  return true;
};

const german: Readonly<Record<string, string>> = { ä: 'ae', ö: 'oe', ü: 'ue', ß: 'ss', Ä: 'Ae', Ö: 'Oe', Ü: 'Ue' };
const turkishOrPolish: Readonly<Record<string, string>> = { ı: 'i', ł: 'l', Ł: 'L', đ: 'd', Đ: 'D', ß: 'ss' };

/** The other script, another spelling in Latin letters, or none of the accents. */
const transliteration: Change = (draft, random) => {
  const culture = cultures.find(({ country }) => country === draft.country);
  const other = draft.names.find(({ use }) => use === 'TRANSCRIPTION');
  if (other && random.perMille(500)) {
    Object.assign(draft, { firstName: other.firstName, middleName: null, lastName: other.lastName, names: [] });
    return true;
  }
  const again = (text: string): string => {
    if (culture?.latinElsewhere && /^[\p{Script=Latin} '-]+$/u.test(text)) return culture.latinElsewhere(text);
    if (culture?.toLatin && !/\p{Script=Latin}/u.test(text)) return culture.toLatin(text);
    const spelt = draft.country === 'DE' && random.perMille(700) ? text.replaceAll(/[äöüßÄÖÜ]/g, (letter) => german[letter] ?? letter) : text;
    return spelt
      .normalize('NFD')
      .replaceAll(/\p{M}/gu, '')
      .replaceAll(/[ıłŁđĐß]/g, (letter) => turkishOrPolish[letter] ?? letter);
  };
  const before = `${draft.firstName} ${draft.lastName}`;
  draft.lastName = again(draft.lastName);
  if (draft.firstName !== null) draft.firstName = again(draft.firstName);
  draft.names = [];
  return before !== `${draft.firstName} ${draft.lastName}`;
};

const changesOf: Readonly<Record<Exclude<Scenario, 'COMPOUND'>, Change>> = {
  TYPO: typo,
  SWAP: swap,
  MARRIAGE: marriage,
  TWIN: twin,
  NEWBORN: newborn,
  MOVED: moved,
  IDENTIFIER_TYPO: identifierTypo,
  MISSING: missing,
  NICKNAME: nickname,
  TRANSLITERATION: transliteration,
};
