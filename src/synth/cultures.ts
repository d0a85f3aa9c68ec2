import type { NameTable, WrittenName } from './names/name-table.ts';
import { kenyanFamilies, kenyanMen, kenyanWomen, nigerianFamilies, nigerianMen, nigerianWomen } from './names/african.ts';
import { arabicFamilies, arabicFemale, arabicInLatinElsewhere, arabicMale } from './names/arabic.ts';
import { chineseFamilies, chineseFemale, chineseMale } from './names/chinese.ts';
import {
  russianFamilies,
  russianFemale,
  russianForWomen,
  russianInLatin,
  russianInLatinElsewhere,
  russianMale,
  russianPatronymic,
  ukrainianFamilies,
  ukrainianFemale,
  ukrainianForWomen,
  ukrainianInLatin,
  ukrainianMale,
  ukrainianPatronymic,
} from './names/cyrillic.ts';
import { britishSurnames, olderEnglishMen, olderEnglishWomen, usSurnames, youngerEnglishMen, youngerEnglishWomen } from './names/english.ts';
import { germanFamilies, olderGermanMen, olderGermanWomen, youngerGermanMen, youngerGermanWomen } from './names/german.ts';
import { greekFamilies, greekFemale, greekForWomen, greekInLatin, greekMale } from './names/greek.ts';
import { indianFamilies, indianFemale, indianMale } from './names/indian.ts';
import { japaneseFamilies, japaneseFemale, japaneseMale } from './names/japanese.ts';
import { koreanFamilies, koreanFemale, koreanMale } from './names/korean.ts';
import { polishFamilies, polishFemale, polishForWomen, polishMale } from './names/polish.ts';
import { spanishFamilies, spanishMen, spanishWomen } from './names/spanish.ts';
import { turkishFamilies, turkishFemale, turkishMale } from './names/turkish.ts';
import { vietnameseFamilies, vietnameseFemale, vietnameseFemaleMiddle, vietnameseMale, vietnameseMaleMiddle } from './names/vietnamese.ts';

interface GivenNames {
  readonly women: NameTable;
  readonly men: NameTable;
}

/** How people of one origin are called. */
export interface Culture {
  readonly country: string;
  /** Households per 1,000 of the mixture. */
  readonly share: number;
  readonly language: string;
  /** ISO 15924, where it is not Latin. */
  readonly script?: string;
  /** Whether the age pyramid is a pyramid: many children, few old people. */
  readonly young: boolean;
  readonly families: NameTable;
  readonly given: GivenNames;
  /** Names of those born from `youngerFrom` on. */
  readonly younger?: GivenNames;
  readonly middle?: GivenNames;
  /** How many in 1,000 have a middle name out of `middle`, or out of `given` where that is missing. */
  readonly middleNames?: number;
  /** A name after the father instead of a middle name. */
  readonly patronymic?: (father: string, woman: boolean) => string;
  /** Whether the father's given name stands as it is between given name and family. */
  readonly fatherInTheMiddle?: boolean;
  readonly forWomen?: (family: string) => string;
  readonly toLatin?: (native: string) => string;
  /** Another usual spelling in Latin letters, for a second chart. */
  readonly latinElsewhere?: (latin: string) => string;
  /** How many wives in 1,000 take the husband's surname. */
  readonly wivesTake: number;
  /** Two surnames, the father's first and the mother's. */
  readonly twoSurnames?: boolean;
  /** How many people in 1,000 have one name only. */
  readonly singleNames?: number;
}

export const youngerFrom = 1990;

const english = { given: { women: olderEnglishWomen, men: olderEnglishMen }, younger: { women: youngerEnglishWomen, men: youngerEnglishMen } };

/** The mixture. The shares are ours: enough of each script and custom to be found in every thousand people. */
export const cultures: readonly Culture[] = [
  { country: 'US', share: 230, language: 'en', young: false, families: usSurnames, ...english, middleNames: 780, wivesTake: 780 },
  { country: 'GB', share: 80, language: 'en', young: false, families: britishSurnames, ...english, middleNames: 650, wivesTake: 800 },
  {
    country: 'DE',
    share: 90,
    language: 'de',
    young: false,
    families: germanFamilies,
    given: { women: olderGermanWomen, men: olderGermanMen },
    younger: { women: youngerGermanWomen, men: youngerGermanMen },
    middleNames: 300,
    wivesTake: 750,
  },
  {
    country: 'ES',
    share: 60,
    language: 'es',
    young: false,
    families: spanishFamilies,
    given: { women: spanishWomen, men: spanishMen },
    wivesTake: 0,
    twoSurnames: true,
  },
  {
    country: 'MX',
    share: 80,
    language: 'es',
    young: true,
    families: spanishFamilies,
    given: { women: spanishWomen, men: spanishMen },
    middleNames: 350,
    wivesTake: 20,
    twoSurnames: true,
  },
  {
    country: 'TR',
    share: 50,
    language: 'tr',
    young: true,
    families: turkishFamilies,
    given: { women: turkishFemale, men: turkishMale },
    middleNames: 120,
    wivesTake: 900,
  },
  {
    country: 'PL',
    share: 50,
    language: 'pl',
    young: false,
    families: polishFamilies,
    given: { women: polishFemale, men: polishMale },
    middleNames: 450,
    wivesTake: 900,
    forWomen: polishForWomen,
  },
  {
    country: 'RU',
    share: 60,
    language: 'ru',
    script: 'Cyrl',
    young: false,
    families: russianFamilies,
    given: { women: russianFemale, men: russianMale },
    patronymic: russianPatronymic,
    forWomen: russianForWomen,
    toLatin: russianInLatin,
    latinElsewhere: russianInLatinElsewhere,
    wivesTake: 850,
  },
  {
    country: 'UA',
    share: 35,
    language: 'uk',
    script: 'Cyrl',
    young: false,
    families: ukrainianFamilies,
    given: { women: ukrainianFemale, men: ukrainianMale },
    patronymic: ukrainianPatronymic,
    forWomen: ukrainianForWomen,
    toLatin: ukrainianInLatin,
    latinElsewhere: (latin) => latin.replaceAll('iia', 'iya').replaceAll('yi', 'iy').replace('Oleksandr', 'Alexander').replace('Serhii', 'Sergey'),
    wivesTake: 850,
  },
  {
    country: 'GR',
    share: 25,
    language: 'el',
    script: 'Grek',
    young: false,
    families: greekFamilies,
    given: { women: greekFemale, men: greekMale },
    forWomen: greekForWomen,
    toLatin: greekInLatin,
    latinElsewhere: (latin) => latin.replace(/ios$/, 'is').replace('Georgi', 'Giorgo').replace(/^Ch/, 'H').replaceAll('ou', 'u'),
    wivesTake: 100,
  },
  {
    country: 'EG',
    share: 50,
    language: 'ar',
    script: 'Arab',
    young: true,
    families: arabicFamilies,
    given: { women: arabicFemale, men: arabicMale },
    fatherInTheMiddle: true,
    latinElsewhere: arabicInLatinElsewhere,
    wivesTake: 0,
    singleNames: 4,
  },
  {
    country: 'CN',
    share: 50,
    language: 'zh',
    script: 'Hans',
    young: false,
    families: chineseFamilies,
    given: { women: chineseFemale, men: chineseMale },
    wivesTake: 0,
  },
  {
    country: 'JP',
    share: 25,
    language: 'ja',
    script: 'Jpan',
    young: false,
    families: japaneseFamilies,
    given: { women: japaneseFemale, men: japaneseMale },
    latinElsewhere: (latin) =>
      latin
        .replace(/^O(?=[a-z])/, 'Oh')
        .replaceAll('shi', 'si')
        .replaceAll('tsu', 'tu'),
    wivesTake: 950,
  },
  {
    country: 'KR',
    share: 20,
    language: 'ko',
    script: 'Kore',
    young: false,
    families: koreanFamilies,
    given: { women: koreanFemale, men: koreanMale },
    latinElsewhere: (latin) => latin.replace('Lee', 'Yi').replace('Park', 'Pak').replace('Choi', 'Choe').replace('Jung', 'Jeong').replace('-', ' '),
    wivesTake: 0,
  },
  {
    country: 'VN',
    share: 30,
    language: 'vi',
    young: true,
    families: vietnameseFamilies,
    given: { women: vietnameseFemale, men: vietnameseMale },
    middle: { women: vietnameseFemaleMiddle, men: vietnameseMaleMiddle },
    middleNames: 960,
    wivesTake: 0,
  },
  {
    country: 'IN',
    share: 75,
    language: 'hi',
    young: true,
    families: indianFamilies,
    given: { women: indianFemale, men: indianMale },
    middleNames: 180,
    wivesTake: 650,
    singleNames: 60,
  },
  {
    country: 'KE',
    share: 65,
    language: 'sw',
    young: true,
    families: kenyanFamilies,
    given: { women: kenyanWomen, men: kenyanMen },
    middle: { women: kenyanFamilies, men: kenyanFamilies },
    middleNames: 700,
    wivesTake: 350,
    singleNames: 10,
  },
  {
    country: 'NG',
    share: 50,
    language: 'en',
    young: true,
    families: nigerianFamilies,
    given: { women: nigerianWomen, men: nigerianMen },
    middleNames: 400,
    wivesTake: 750,
    singleNames: 8,
  },
];

/** A given name as parents of that year chose it. */
export function givenNames(culture: Culture, year: number): GivenNames {
  return culture.younger && year >= youngerFrom ? culture.younger : culture.given;
}

/** Both forms of a surname as a man or a woman has it. */
export function familyName(culture: Culture, family: WrittenName, woman: boolean): WrittenName {
  if (!woman || !culture.forWomen) return family;
  const native = culture.forWomen(family.native);
  if (native === family.native) return family;
  return { native, latin: culture.toLatin ? culture.toLatin(native) : native };
}
