import { dateOf, dayOf } from './calendar.ts';
import { serialOf } from './countries.ts';
import type { Household, Member } from './household.ts';
import { householdAt } from './household.ts';
import type { WrittenName } from './names/name-table.ts';
import { type Random, randomOf } from './random.ts';
import type { SyntheticAddress, SyntheticName, SyntheticPerson, SyntheticTelecom } from './synthetic-person.ts';

export interface SyntheticPeopleOptions {
  /** How many people; each has one chart. */
  readonly people: number;
  /** Whole numbers from 0 to 4294967295; the same seed gives the same people on every machine. */
  readonly seed?: number;
  /** The day on which ages, deaths and marriages are looked at, `YYYY-MM-DD`; never the clock's. */
  readonly today?: string;
}

export const defaultSeed = 1;
export const defaultToday = '2026-01-01';

/**
 * Made-up people as a registry holds them: names by frequency in eighteen countries and seven scripts, in households, with marriages, moves,
 * twins, deaths and everything that is missing in practice. A generator, so that a million of them need no memory. Person i does not
 * depend on how many follow.
 *
 * @example
 * const [first] = syntheticPeople({ people: 1, seed: 7 });
 * first?.reference; // 'P00000001'
 */
export function* syntheticPeople({ people, seed = defaultSeed, today = defaultToday }: SyntheticPeopleOptions): Generator<SyntheticPerson, void, undefined> {
  const day = dayOf(today);
  let made = 0;
  for (let index = 0; made < people; index += 1) {
    const household = householdAt(index, { seed, today: day });
    for (const person of chartsOf(household, { seed, today: day, first: made + 1 })) {
      if (made === people) return;
      made += 1;
      yield person;
    }
  }
}

/** The charts of one household, numbered from `first`. */
export function chartsOf(household: Household, { seed, today, first }: { seed: number; today: number; first: number }): SyntheticPerson[] {
  const random = randomOf(seed, household.index, 2);
  const references = new Map(household.members.map((member, index) => [member, referenceOf(first + index)]));
  return household.members.map((member, index) =>
    chart(member, {
      household,
      random,
      today,
      reference: referenceOf(first + index),
      number: first + index,
      seed,
      mother: member.mother && references.get(member.mother),
    }),
  );
}

const referenceOf = (number: number): string => `P${String(number).padStart(8, '0')}`;

interface Desk {
  readonly household: Household;
  readonly random: Random;
  readonly today: number;
  readonly reference: string;
  readonly number: number;
  readonly seed: number;
  readonly mother: string | undefined;
}

/** The chart that a desk wrote: in one script or the other, and with what was asked and answered. */
function chart(member: Member, desk: Desk): SyntheticPerson {
  const { household, random, today } = desk;
  const { culture, country, kind } = household;
  const birth = dateOf(member.birthDay);
  const age = (today - member.birthDay) / 365.2425;
  // Abroad, and in half of the charts at home, names are written in Latin letters with the other script beside them.
  const latinFirst = culture.script === undefined || country.code !== culture.country || random.perMille(500);
  const write = (name: WrittenName) => (latinFirst ? name.latin : name.native);
  const single = random.perMille(culture.singleNames ?? 0);
  const firstName = single ? null : write(member.given);
  const middleName = single || !member.middle ? null : initialSometimes(random, write(member.middle), culture.country);
  const lastName = single ? write(member.given) : write(member.family);
  const adult = age >= 15;
  const homeless = kind === 'shelter';
  const mobile = adult ? member.mobile : undefined;
  const { landline } = household;
  const phone = random.perMille(homeless ? 650 : 90) ? null : (mobile ?? landline ?? household.members[0]?.mobile ?? null);
  const died = member.diedOn;
  const since = household.earlierHomes.filter(({ until }) => until > member.birthDay);
  const home = random.perMille(35) ? nowhere : household.home;
  return {
    reference: desk.reference,
    household: `H${String(household.index + 1).padStart(8, '0')}`,
    firstName,
    middleName,
    lastName,
    ...dateOfBirth(random, birth, age),
    sexAtBirth: member.woman ? 'FEMALE' : 'MALE',
    gender: genderOf(random, member.woman),
    bloodType: random.perMille(350) ? random.pick(bloodTypes) : null,
    phone,
    phoneSecondary: landline !== undefined && phone !== landline && random.perMille(600) ? landline : null,
    email: age >= 16 && age < 85 && random.perMille(550) ? email(member, desk) : null,
    ...home,
    preferredLanguage: random.perMille(450) ? culture.language : null,
    motherReference: age < 18 && desk.mother !== undefined && random.perMille(800) ? desk.mother : null,
    birthOrder: member.bornTogether > 1 ? member.birthOrder : null,
    multipleBirthCount: member.bornTogether > 1 ? member.bornTogether : null,
    deceasedAt: died === undefined ? null : `${dateOf(died)}T${String(random.below(24)).padStart(2, '0')}:${String(random.below(60)).padStart(2, '0')}:00Z`,
    names: single ? [] : otherNames(member, { latinFirst, write, random, household }),
    addresses: since.map(({ place, until }, index): SyntheticAddress => {
      const from = since[index + 1]?.until;
      return { use: 'FORMER', ...place, periodStart: from === undefined ? null : dateOf(from), periodEnd: dateOf(until) };
    }),
    telecoms: telecoms(random, { adult, household }),
    identifiers: random.perMille(homeless ? 300 : 720) && age > 0.2 ? identifiersOf(member, desk, birth) : [],
  };
}

function identifiersOf(member: Member, { household, seed, number }: Desk, date: string): SyntheticPerson['identifiers'] {
  const identifier = household.country.identifier?.(serialOf(number, seed), { date, woman: member.woman });
  return identifier ? [identifier] : [];
}

const nowhere = { addressLine1: null, addressLine2: null, city: null, state: null, zipCode: null, country: null };
const bloodTypes = ['O+', 'O+', 'O+', 'O+', 'A+', 'A+', 'A+', 'B+', 'B+', 'AB+', 'O-', 'A-', 'B-', 'AB-'] as const;

function initialSometimes(random: Random, name: string, country: string): string {
  return country === 'US' && random.perMille(550) ? name.charAt(0) : name;
}

function dateOfBirth(random: Random, birth: string, age: number): Pick<SyntheticPerson, 'dateOfBirth' | 'dateOfBirthPrecision'> {
  const chance = random.below(1000);
  if (chance < 5 && age > 18) return { dateOfBirth: null, dateOfBirthPrecision: null };
  if (chance < 12 && age > 18) return { dateOfBirth: `${birth.slice(0, 4)}-01-01`, dateOfBirthPrecision: 'YEAR' };
  if (chance < 15 && age > 18) return { dateOfBirth: `${birth.slice(0, 8)}01`, dateOfBirthPrecision: 'MONTH' };
  return { dateOfBirth: birth, dateOfBirthPrecision: null };
}

function genderOf(random: Random, woman: boolean): SyntheticPerson['gender'] {
  const chance = random.below(1000);
  if (chance < 6) return null;
  if (chance < 9) return 'UNKNOWN';
  if (chance < 14) return 'OTHER';
  const lived = chance < 18 ? !woman : woman;
  return lived ? 'FEMALE' : 'MALE';
}

function otherNames(
  member: Member,
  { latinFirst, write, random, household }: { latinFirst: boolean; write: (name: WrittenName) => string; random: Random; household: Household },
): SyntheticName[] {
  const { culture } = household;
  const names: SyntheticName[] = [];
  const firstName = write(member.given);
  for (const [index, { family, until }] of member.earlier.entries()) {
    if (random.perMille(250)) continue;
    names.push({
      use: index === 0 ? 'MAIDEN' : 'FORMER',
      firstName,
      middleName: null,
      lastName: write(family),
      script: null,
      language: null,
      periodStart: null,
      periodEnd: random.perMille(700) ? dateOf(until) : null,
    });
  }
  if (culture.script !== undefined && random.perMille(850)) {
    const other = (name: WrittenName) => (latinFirst ? name.native : name.latin);
    names.push({
      use: 'TRANSCRIPTION',
      firstName: other(member.given),
      middleName: member.middle ? other(member.middle) : null,
      lastName: other(member.family),
      script: latinFirst ? culture.script : 'Latn',
      language: culture.language,
      periodStart: null,
      periodEnd: null,
    });
  }
  return names;
}

function telecoms(random: Random, { adult, household }: { adult: boolean; household: Household }): SyntheticTelecom[] {
  if (!adult || !random.perMille(150)) return [];
  const value = household.country.mobile(random);
  return [random.perMille(400) ? { system: 'PHONE', use: 'WORK', value, periodEnd: null } : { system: 'PHONE', use: 'FORMER', value, periodEnd: null }];
}

/** example.org is kept for examples (RFC 2606). */
function email(member: Member, { number }: Desk): string {
  return `${letters(member.given.latin)}.${letters(member.family.latin)}${number}@example.org`;
}

const plain: Readonly<Record<string, string>> = { ß: 'ss', ø: 'o', ł: 'l', ı: 'i', đ: 'd', æ: 'ae' };
function letters(text: string): string {
  const lower = text.toLowerCase();
  if (/^[a-z]+$/.test(lower)) return lower;
  const bare = lower
    .normalize('NFD')
    .replaceAll(/[ßøłıđæ]/gu, (letter) => plain[letter] ?? '')
    .replaceAll(/[^a-z]/g, '');
  return bare === '' ? 'person' : bare;
}
