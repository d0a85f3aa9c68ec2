import { type Culture, cultures, familyName, givenNames } from './cultures.ts';
import { dateOf, dayOf } from './calendar.ts';
import { countries, type Country } from './countries.ts';
import type { WrittenName } from './names/name-table.ts';
import { type Random, randomOf } from './random.ts';
import type { SyntheticPlace } from './synthetic-person.ts';

/** Somebody before a registration desk has written a chart: everything is known and nothing is missing. */
export interface Member {
  readonly woman: boolean;
  readonly birthDay: number;
  readonly given: WrittenName;
  readonly middle: WrittenName | undefined;
  /** The surname at birth, in the form for this person. */
  readonly born: WrittenName;
  /** Today's surname. */
  family: WrittenName;
  /** Names between the one at birth and today's, with the days on which each ended. */
  readonly earlier: { readonly family: WrittenName; readonly until: number }[];
  readonly mother: Member | undefined;
  readonly birthOrder: number;
  readonly bornTogether: number;
  readonly diedOn: number | undefined;
  readonly mobile: string;
}

export interface Household {
  readonly index: number;
  readonly culture: Culture;
  readonly country: Country;
  readonly kind: 'family' | 'flat' | 'shelter';
  readonly home: SyntheticPlace;
  /** Addresses of earlier, newest first, with the days on which each ended. */
  readonly earlierHomes: readonly { readonly place: SyntheticPlace; readonly until: number }[];
  readonly landline: string | undefined;
  readonly members: readonly Member[];
}

const cultureEnds: readonly number[] = cultures.map((_, index) => cultures.slice(0, index + 1).reduce((sum, { share }) => sum + share, 0));
const year = 365.2425;
const years = (count: number) => Math.floor(count * year);

/** Kinds of households per 1,000, each up to its end; what remains are shelters. Rounded after census tables of such countries. */
const oldHouseholds = { single: 340, couple: 600, family: 840, lone: 910, three: 960, flat: 997 };
const youngHouseholds = { single: 150, couple: 270, family: 700, lone: 800, three: 970, flat: 996 };

/** The household with this number, whatever else the run makes. */
export function householdAt(index: number, { seed, today }: { seed: number; today: number }): Household {
  const random = randomOf(seed, index, 1);
  const place = random.below(cultureEnds.at(-1) as number);
  const culture = cultures[cultureEnds.findIndex((end) => place < end)] as Culture;
  // One household in twelve lives abroad and keeps its names.
  const country = countries[random.perMille(80) ? random.pick(['US', 'GB', 'DE', 'ES', 'KE']) : culture.country] as Country;
  const members: Member[] = [];
  const makings: Makings = { culture, country, random, today };
  const kind = random.below(1000);
  const until = culture.young ? youngHouseholds : oldHouseholds;
  let home: Household['kind'] = 'family';
  if (kind < until.single) members.push(adult(makings, random.perMille(540), adultAge(makings, 19)));
  else if (kind < until.couple) members.push(...couple(makings, adultAge(makings, 20)));
  else if (kind < until.family) members.push(...withChildren(makings, couple(makings, parentAge(makings))));
  else if (kind < until.lone) members.push(...withChildren(makings, [adult(makings, random.perMille(830), parentAge(makings))]));
  else if (kind < until.three) {
    const parents = couple(makings, parentAge(makings));
    const [one] = parents;
    const age = Math.min(99, ageOf(makings, one) + random.between(20, 38));
    members.push(...withChildren(makings, parents), adult(makings, random.perMille(640), age, one.woman ? undefined : one.born));
  } else if (kind < until.flat) {
    home = 'flat';
    for (let count = random.between(3, 6); count > 0; count -= 1) members.push(adult(makings, random.perMille(500), random.between(18, 27)));
  } else {
    home = 'shelter';
    for (let count = random.between(8, 40); count > 0; count -= 1) members.push(adult(makings, random.perMille(330), random.between(18, 75)));
  }
  return {
    index,
    culture,
    country,
    kind: home,
    home: country.address(random),
    earlierHomes: home === 'shelter' ? [] : earlierHomes(country, random, today),
    landline: home === 'family' && random.perMille(culture.young ? 150 : 480) ? country.landline(random) : undefined,
    members,
  };
}

/** Three households in ten have moved in the last twenty years, some more than once. */
function earlierHomes(country: Country, random: Random, today: number): Household['earlierHomes'] {
  const moves = random.perMille(300) ? (random.perMille(250) ? random.between(2, 3) : 1) : 0;
  const homes: { place: SyntheticPlace; until: number }[] = [];
  let until = today;
  for (let move = 0; move < moves; move += 1) {
    until -= random.between(60, years(9));
    homes.push({ place: country.address(random), until });
  }
  return homes;
}

interface Makings {
  readonly culture: Culture;
  readonly country: Country;
  readonly random: Random;
  readonly today: number;
}

/** Ages of those who head a household: many in the middle, fewer towards both ends; `young` countries have few old ones. */
function adultAge({ culture, random }: Makings, low: number): number {
  if (culture.young) return low + Math.min(random.below(76), random.below(76), random.below(90));
  return low + (random.perMille(650) ? random.below(77) : Math.floor((random.below(78) + random.below(70)) / 2));
}

/** Ages of those with children at home. */
const parentAge = ({ random }: Makings): number => 20 + Math.floor((random.below(32) + random.below(32)) / 2);
const ageOf = ({ today }: Makings, member: Member): number => Math.floor((today - member.birthDay) / year);

interface Birth {
  readonly woman: boolean;
  readonly birthDay: number;
  readonly born: WrittenName;
  readonly father?: WrittenName | undefined;
  readonly mother?: Member;
  readonly birthOrder?: number;
  readonly bornTogether?: number;
  readonly siblings?: readonly Member[];
}

function beBorn(makings: Makings, birth: Birth): Member {
  const { culture, country, random, today } = makings;
  const { woman, birthDay, born } = birth;
  const names = givenNames(culture, 1970 + Math.floor(birthDay / year));
  let given = (woman ? names.women : names.men).pick(random);
  // Parents do not call two children the same; two of one name and one address would be one person to anybody.
  for (let attempt = 0; attempt < 8 && birth.siblings?.some((sibling) => sibling.given.native === given.native); attempt += 1) {
    given = (woman ? names.women : names.men).pick(random);
  }
  return {
    woman,
    birthDay,
    given,
    middle: middleName(makings, birth, given),
    born,
    family: born,
    earlier: [],
    mother: birth.mother,
    birthOrder: birth.birthOrder ?? 1,
    bornTogether: birth.bornTogether ?? 1,
    diedOn: deathDay(random, birthDay, today),
    mobile: country.mobile(random),
  };
}

function middleName({ culture, random }: Makings, { woman, father, birthDay }: Birth, given: WrittenName): WrittenName | undefined {
  const names = givenNames(culture, 1970 + Math.floor(birthDay / year));
  if (culture.patronymic) {
    const native = culture.patronymic((father ?? names.men.pick(random)).native, woman);
    return { native, latin: culture.toLatin ? culture.toLatin(native) : native };
  }
  if (culture.fatherInTheMiddle) return father ?? names.men.pick(random);
  if (!random.perMille(culture.middleNames ?? 0)) return undefined;
  const { women, men } = culture.middle ?? names;
  const middle = (woman ? women : men).pick(random);
  return middle.native === given.native ? undefined : middle;
}

/** A registry keeps its dead: of those who would be 80 two in five, of the young one in 250. */
function deathDay(random: Random, birthDay: number, today: number): number | undefined {
  const age = Math.floor((today - birthDay) / year);
  const share = age >= 90 ? 720 : age >= 80 ? 420 : age >= 70 ? 170 : age >= 55 ? 55 : age >= 30 ? 12 : 4;
  if (!random.perMille(share)) return undefined;
  return Math.max(birthDay + random.below(20), today - random.between(1, years(12)));
}

/** On the first of January where a clerk had to guess, else on any day. */
function birthday({ culture, random, today }: Makings, age: number): number {
  const day = today - years(age) - random.between(1, 365);
  if (!culture.young || !random.perMille(age > 30 ? 60 : 12)) return day;
  return dayOf(`${dateOf(day).slice(0, 4)}-01-01`);
}

/** A new surname, or two where that is the custom. */
function newFamily({ culture, random }: Makings): WrittenName {
  const one = culture.families.pick(random);
  if (culture.twoSurnames) return together(one, culture.families.pick(random), ' ');
  return one;
}

const together = (one: WrittenName, other: WrittenName, between: string): WrittenName => ({
  native: one.native + between + other.native,
  latin: one.latin + between + other.latin,
});

function adult(makings: Makings, woman: boolean, age: number, family: WrittenName = newFamily(makings)): Member {
  const { culture, random, today } = makings;
  const member = beBorn(makings, { woman, birthDay: birthday(makings, age), born: familyName(culture, family, woman) });
  // Divorced women and widows who live alone have had another surname too.
  if (woman && age > 30 && random.perMille(culture.wivesTake * 0.35)) {
    member.earlier.push({ family: member.born, until: today - years(random.between(1, age - 19)) });
    member.family = familyName(culture, culture.families.pick(random), true);
  }
  return member;
}

/** Husband and wife; in three couples of a hundred two of the same sex. Who takes whose surname is the custom of the country. */
function couple(makings: Makings, age: number): [Member, Member] {
  const { culture, random, today } = makings;
  const sameSex = random.perMille(30);
  const firstWoman = sameSex && random.perMille(500);
  const family = newFamily(makings);
  const one = beBorn(makings, { woman: firstWoman, birthDay: birthday(makings, age), born: familyName(culture, family, firstWoman) });
  const otherWoman = sameSex ? firstWoman : true;
  const otherAge = Math.max(18, age + random.between(-7, 3));
  const other = beBorn(makings, { woman: otherWoman, birthDay: birthday(makings, otherAge), born: familyName(culture, newFamily(makings), otherWoman) });
  const wedding = today - years(random.between(0, Math.max(1, Math.min(age, otherAge) - 20))) - random.below(360);
  if (random.perMille(culture.wivesTake)) marry(other, familyName(culture, family, otherWoman), wedding);
  else if (culture.wivesTake > 0 && !culture.forWomen && random.perMille(180)) marry(other, together(other.born, one.family, '-'), wedding);
  else if (culture.wivesTake > 0 && random.perMille(40)) marry(one, familyName(culture, other.born, firstWoman), wedding);
  return [one, other];
}

function marry(member: Member, family: WrittenName, day: number): void {
  if (family.native === member.family.native || day <= member.birthDay) return;
  member.earlier.push({ family: member.family, until: day });
  member.family = family;
}

/** Parents and their children at home, the youngest perhaps born this month. One birth in sixty is one of twins. */
function withChildren(makings: Makings, parents: readonly Member[]): Member[] {
  const { culture, random, today } = makings;
  const mother = parents.find((member) => member.woman);
  const father = parents.find((member) => !member.woman);
  const oldest = Math.min(...parents.map((member) => ageOf(makings, member))) - 18;
  const family = childFamily(makings, father, mother, parents[0] as Member);
  const children: Member[] = [];
  const wanted = culture.young ? 1 + random.below(3) + random.below(4) : 1 + random.below(2) + random.below(2);
  let birthDay = today - (random.perMille(30) ? random.below(28) : random.below(years(Math.min(22, Math.max(1, oldest)))));
  while (children.length < wanted) {
    if ((today - birthDay) / year > Math.min(26, oldest)) break;
    const bornTogether = random.perMille(17) ? (random.perMille(15) ? 3 : 2) : 1;
    const identical = random.perMille(300);
    const firstWoman = random.perMille(488);
    for (let birthOrder = 1; birthOrder <= bornTogether; birthOrder += 1) {
      const woman = identical || birthOrder === 1 ? firstWoman : random.perMille(488);
      children.push(
        beBorn(makings, {
          woman,
          birthDay,
          born: familyName(culture, family, woman),
          father: father?.given,
          ...(mother ? { mother } : {}),
          birthOrder,
          bornTogether,
          siblings: children,
        }),
      );
    }
    birthDay -= random.between(400, years(6));
  }
  return [...parents, ...children];
}

/** The surname of the children before it takes its form for daughters. */
function childFamily({ culture, random }: Makings, father: Member | undefined, mother: Member | undefined, any: Member): WrittenName {
  if (culture.twoSurnames) return together(firstOf((father ?? any).born), firstOf((mother ?? any).born), ' ');
  if (father) return father.family;
  // Alone with her children: they have her name, or that of a father who is not there.
  return culture.forWomen || random.perMille(300) ? culture.families.pick(random) : any.family;
}

/** The first of two surnames; particles stay with it. */
function firstOf({ native }: WrittenName): WrittenName {
  const words = native.split(' ');
  let end = 1;
  while (end < words.length && /^(de|del|la|los|las|San|Ponce|León)$/.test(words[end - 1] as string)) end += 1;
  const text = words.slice(0, end).join(' ');
  return { native: text, latin: text };
}
