/** A small seeded generator of pseudo-random numbers: the same seed gives the same sequence on every machine. Not for secrets. */
export interface Random {
  /** From 0 up to, not including, 1. */
  next(): number;
  /** A whole number from 0 up to, not including, `limit`. */
  below(limit: number): number;
  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number;
  chance(probability: number): boolean;
  pick<T>(values: readonly T[]): T;
  /** An independent sequence, so that a new consumer does not shift the numbers of the others. */
  fork(label: string): Random;
}

/** sfc32 (C. Doty-Humphrey, PractRand): 128 bits of state, four additions and three shifts per number. */
export function createRandom(seed: number | string): Random {
  let [a, b, c] = [fnv(`${seed}`, 0x811c9dc5), fnv(`${seed}`, 0x01000193), fnv(`${seed}`, 0x9e3779b9)];
  let counter = 1;
  const step = (): number => {
    const sum = (a + b + counter++) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return sum >>> 0;
  };
  for (let round = 0; round < 12; round += 1) step();
  const random: Random = {
    next: () => step() / 4294967296,
    below: (limit) => Math.floor(random.next() * limit),
    between: (low, high) => low + random.below(high - low + 1),
    chance: (probability) => random.next() < probability,
    pick: (values) => {
      if (values.length === 0) throw new RangeError('Nothing to pick from.');
      return values[random.below(values.length)] as (typeof values)[number];
    },
    fork: (label) => createRandom(`${seed}/${label}`),
  };
  return random;
}

function fnv(text: string, basis: number): number {
  let hash = basis | 0;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash ^ (hash >>> 15);
}

/** A made-up person. Phone numbers come from ranges set aside for fiction, mail addresses from reserved domains. */
export interface Person {
  /** Absent for people with a single name. */
  readonly firstName?: string;
  readonly middleName?: string;
  readonly lastName: string;
  readonly dateOfBirth: string;
  readonly gender: 'MALE' | 'FEMALE' | 'OTHER' | 'UNKNOWN';
  readonly email?: string;
  readonly phone?: string;
  readonly addressLine1: string;
  readonly city: string;
  readonly state?: string;
  readonly zipCode?: string;
  readonly country: string;
}

interface Culture {
  readonly weight: number;
  readonly country: string;
  readonly female: readonly string[];
  readonly male: readonly string[];
  readonly family: readonly string[];
  readonly cities: readonly (readonly [city: string, state: string, zipCode: string])[];
  readonly street: (random: Random) => string;
  /** How a family name is made from the list: two surnames, a patronymic, a gendered ending. */
  readonly familyName?: (random: Random, female: boolean) => string;
  readonly middleNames?: boolean;
  /** How often a person has one name only. */
  readonly mononyms?: number;
}

const split = (names: string) => names.split(' ');
const numbered =
  (...streets: string[]) =>
  (random: Random) =>
    `${random.between(1, 240)} ${random.pick(streets)}`;
const streetFirst =
  (...streets: string[]) =>
  (random: Random) =>
    `${random.pick(streets)} ${random.between(1, 240)}`;

const spanishFamilies = split('García Rodríguez Martínez Fernández López Peña Muñoz Ibáñez Gómez Ortiz Núñez');
const russianFamilies = split('Иванов Смирнов Кузнецов Попов Соколов Лебедев Козлов Новиков');

const cultures: readonly Culture[] = [
  {
    weight: 30,
    country: 'US',
    female: split('Mary Patricia Jennifer Linda Elizabeth Susan Jessica Sarah Karen Emily Grace Anna Ruth Margaret Mary-Jane'),
    male: split('James Robert John Michael William David Richard Joseph Thomas Charles Daniel Paul Mark Peter'),
    family: split("Smith Johnson Williams Brown Jones Miller Davis Wilson Anderson Taylor Moore Clark Lewis Walker Hall O'Brien McDonald Smith-Jones"),
    cities: [
      ['Springfield', 'IL', '62701'],
      ['Salem', 'OR', '97301'],
      ['Georgetown', 'TX', '78626'],
      ['Madison', 'WI', '53703'],
    ],
    street: numbered('Oak Street', 'Maple Avenue', 'Main Street Apt 4', 'Cedar Lane'),
    middleNames: true,
  },
  {
    weight: 12,
    country: 'MX',
    female: split('María Guadalupe Lucía Sofía Ximena Rosa Inés Belén'),
    male: split('José Juan Luis Carlos Ángel Jesús Raúl Andrés'),
    family: spanishFamilies,
    familyName: (random) => `${random.pick(spanishFamilies)} ${random.pick(spanishFamilies)}`,
    cities: [
      ['Guadalajara', 'Jalisco', '44100'],
      ['Mérida', 'Yucatán', '97000'],
    ],
    street: streetFirst('Calle Hidalgo', 'Avenida Juárez'),
    middleNames: true,
  },
  {
    weight: 8,
    country: 'DE',
    female: split('Anna Jette Käthe Sophie Lena Ursula'),
    male: split('Jürgen Karl Björn Lukas Götz Hans-Peter'),
    family: split('Müller Schmidt Schäfer Weiß Groß Köhler Schröder'),
    familyName: (random) => (random.chance(0.08) ? 'von der Heide' : random.pick(split('Müller Schmidt Schäfer Weiß Groß Köhler Schröder'))),
    cities: [
      ['Köln', 'Nordrhein-Westfalen', '50667'],
      ['Tübingen', 'Baden-Württemberg', '72070'],
    ],
    street: streetFirst('Gartenstraße', 'Lindenweg'),
  },
  {
    weight: 10,
    country: 'KE',
    female: split('Wanjiru Achieng Nyambura Akinyi Chebet Halima Mercy Faith'),
    male: split('Kamau Otieno Mwangi Kiprono Ochieng Juma Brian Abdi'),
    family: split('Njoroge Odhiambo Kariuki Kipchoge Mutua Wafula Hassan Omondi'),
    cities: [
      ['Nairobi', 'Nairobi County', '00100'],
      ['Kisumu', 'Kisumu County', '40100'],
    ],
    street: numbered('Moi Avenue', 'Kenyatta Road'),
    middleNames: true,
  },
  {
    weight: 8,
    country: 'ID',
    female: split('Siti Dewi Putri Wulan'),
    male: split('Budi Agus Joko Eko'),
    family: split('Suharto Sukarno Wijaya Santoso Hidayat Sri'),
    mononyms: 0.5,
    cities: [['Yogyakarta', 'DI Yogyakarta', '55111']],
    street: streetFirst('Jalan Merdeka', 'Jalan Sudirman'),
  },
  {
    weight: 6,
    country: 'VN',
    female: 'Thị Lan,Ngọc Ánh,Thu Hà,Bích Phượng'.split(','),
    male: 'Văn Hùng,Minh Đức,Quốc Bảo,Anh Tuấn'.split(','),
    family: split('Nguyễn Trần Lê Phạm Huỳnh Đặng'),
    cities: [['Đà Nẵng', 'Đà Nẵng', '550000']],
    street: numbered('Đường Lê Lợi', 'Đường Trần Phú'),
  },
  {
    weight: 6,
    country: 'EG',
    female: split('فاطمة مريم عائشة نور ليلى زينب'),
    male: split('محمد أحمد علي حسن عمر خالد'),
    family: 'السيد,عبد الله,المصري,حسين,عبد الرحمن,الشريف'.split(','),
    cities: [['القاهرة', 'القاهرة', '11511']],
    street: streetFirst('شارع التحرير', 'شارع النيل'),
  },
  {
    weight: 6,
    country: 'RU',
    female: split('Анна Мария Елена Ольга Наталья'),
    male: split('Иван Алексей Дмитрий Сергей Фёдор'),
    family: russianFamilies,
    familyName: (random, female) => `${random.pick(russianFamilies)}${female ? 'а' : ''}`,
    cities: [['Казань', 'Татарстан', '420000']],
    street: streetFirst('улица Ленина', 'Садовая улица'),
  },
  {
    weight: 6,
    country: 'CN',
    female: split('秀英 丽 芳 娜 静 小红'),
    male: split('伟 强 磊 军 洋 建国'),
    family: split('王 李 张 刘 陈 杨 欧阳'),
    cities: [['成都', '四川', '610000']],
    street: streetFirst('人民路', '中山路'),
  },
  {
    weight: 4,
    country: 'KR',
    female: split('서연 민서 지우 하은'),
    male: split('민준 서준 지훈 현우'),
    family: split('김 이 박 최 정 남궁'),
    cities: [['부산', '부산광역시', '48058']],
    street: streetFirst('해운대로', '중앙대로'),
  },
  {
    weight: 4,
    country: 'IN',
    female: split('प्रिया अंजलि सुनीता लक्ष्मी'),
    male: split('राहुल अमित विजय संजय'),
    family: split('शर्मा वर्मा सिंह गुप्ता पटेल'),
    cities: [['जयपुर', 'राजस्थान', '302001']],
    street: numbered('गांधी मार्ग', 'नेहरू रोड'),
    mononyms: 0.1,
  },
];

const totalWeight = cultures.reduce((sum, culture) => sum + culture.weight, 0);

/** US numbers 555-0100 to 555-0199 are set aside for fiction in every area code. */
const areaCodes = ['212', '312', '415', '503', '512', '608', '702', '808'] as const;

/** No birth after this day, so that nobody is born in the future whatever the clock says. */
const lastBirth = Date.UTC(2025, 11, 31);
const day = 86_400_000;

/**
 * An endless sequence of made-up people in several scripts and name shapes; the same seed gives the same people.
 *
 * @example
 * const [first, second] = syntheticPeople(7).take(2).toArray();
 */
export function* syntheticPeople(seed: number | string): Generator<Person, never, undefined> {
  const random = createRandom(`people/${seed}`);
  for (let index = 1; ; index += 1) yield person(random, index);
}

function person(random: Random, index: number): Person {
  const culture = pickCulture(random);
  const female = random.chance(0.52);
  const givenNames = female ? culture.female : culture.male;
  const mononym = random.chance(culture.mononyms ?? 0);
  const given = random.pick(givenNames);
  const middle = culture.middleNames && random.chance(0.4) ? random.pick(givenNames) : undefined;
  const [city, state, zipCode] = random.pick(culture.cities);
  const hasMail = random.chance(0.7);
  const hasPhone = random.chance(0.9);
  const rareGender = random.next();
  const phone = `+1${random.pick(areaCodes)}55501${String(random.below(100)).padStart(2, '0')}`;
  return {
    ...(mononym ? {} : { firstName: given }),
    ...(mononym || middle === undefined || middle === given ? {} : { middleName: middle }),
    lastName: mononym ? given : (culture.familyName?.(random, female) ?? random.pick(culture.family)),
    dateOfBirth: birth(random),
    gender: rareGender < 0.01 ? 'OTHER' : rareGender < 0.02 ? 'UNKNOWN' : female ? 'FEMALE' : 'MALE',
    ...(hasMail ? { email: `person.${index}@mail.example` } : {}),
    ...(hasPhone ? { phone } : {}),
    addressLine1: culture.street(random),
    city,
    state,
    zipCode,
    country: culture.country,
  };
}

function pickCulture(random: Random): Culture {
  let rest = random.next() * totalWeight;
  for (const culture of cultures) {
    rest -= culture.weight;
    if (rest < 0) return culture;
  }
  return cultures[0] as Culture;
}

/** Ages up to 100; now and then a leap day or the first of January that registration desks write when they do not know. */
function birth(random: Random): string {
  const years = Math.floor(100 * random.next() ** 1.2);
  const date = new Date(lastBirth - years * 365.2425 * day - random.below(365) * day);
  const year = date.getUTCFullYear();
  const odd = random.next();
  if (odd < 0.01) return `${Math.max(1924, year - (year % 4))}-02-29`;
  if (odd < 0.04) return `${year}-01-01`;
  return date.toISOString().slice(0, 10);
}
