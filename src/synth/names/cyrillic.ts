import { russianSurnames } from './longer-lists.ts';
import { nameTable, type NameTable, type WrittenName } from './name-table.ts';
import type { Random } from '../random.ts';

/** ICAO Doc 9303 part 3 for Russian; the resolution of the Ukrainian cabinet of 2010 for Ukrainian. */
const russian: Readonly<Record<string, string>> = {
  а: 'a',
  б: 'b',
  в: 'v',
  г: 'g',
  д: 'd',
  е: 'e',
  ё: 'e',
  ж: 'zh',
  з: 'z',
  и: 'i',
  й: 'i',
  к: 'k',
  л: 'l',
  м: 'm',
  н: 'n',
  о: 'o',
  п: 'p',
  р: 'r',
  с: 's',
  т: 't',
  у: 'u',
  ф: 'f',
  х: 'kh',
  ц: 'ts',
  ч: 'ch',
  ш: 'sh',
  щ: 'shch',
  ъ: 'ie',
  ы: 'y',
  ь: '',
  э: 'e',
  ю: 'iu',
  я: 'ia',
};
const ukrainian: Readonly<Record<string, string>> = {
  ...russian,
  г: 'h',
  ґ: 'g',
  е: 'e',
  є: 'ie',
  и: 'y',
  і: 'i',
  ї: 'i',
  й: 'i',
  '’': '',
  "'": '',
};

function inLatin(text: string, letters: Readonly<Record<string, string>>): string {
  let result = '';
  for (const letter of text) {
    const lower = letter.toLowerCase();
    const latin = letters[lower] ?? letter;
    result += lower === letter || latin === '' ? latin : latin[0]?.toUpperCase() + latin.slice(1);
  }
  return result;
}
export const russianInLatin = (text: string): string => inLatin(text, russian);
export const ukrainianInLatin = (text: string): string => inLatin(text, ukrainian);

/** The second published way of writing Russian in Latin letters (BGN/PCGN in short): Yuliya for Iuliia, Sergey for Sergei. */
export const russianInLatinElsewhere = (text: string): string =>
  russianInLatin(text)
    .replaceAll('iu', 'yu')
    .replaceAll('ia', 'ya')
    .replaceAll('Iu', 'Yu')
    .replaceAll('Ia', 'Ya')
    .replaceAll('ei', 'ey')
    .replaceAll('ii', 'iy');

function inBoth(table: NameTable, toLatin: (text: string) => string): NameTable {
  const known = new Map<string, WrittenName>();
  return {
    pick: (random) => {
      const { native } = table.pick(random);
      let name = known.get(native);
      if (!name) {
        name = { native, latin: toLatin(native) };
        // Made names are without end; the lists are not.
        if (known.size < 5000) known.set(native, name);
      }
      return name;
    },
  };
}

const russianStarts = 'Б В Г Д Ж З К Л М Н П Р С Т Ф Х Ч Ш Бр Гр Др Кр Пр Тр Стр Ст Пл Кл Гл Сл'.split(' ');
const vowels = 'а о у е и ы'.split(' ');
const russianMiddles = 'р л н м к д т б в п с ш ж з рд лк нт рк шк стр'.split(' ');
const russianEnds = 'ов ин ев кин ников енков аков уков ухин ихин онов овцев ышев атов унин'.split(' ');
/** Well-formed and rarely anybody's: a beginning, a vowel, a middle and one of the endings that make a surname. */
const made = (random: Random): WrittenName => ({
  native:
    random.pick(russianStarts) +
    random.pick(vowels).replace('ы', 'а') +
    random.pick(russianMiddles) +
    (russianEnds[random.skewed(russianEnds.length)] as string),
  latin: '',
});

/** Per 100,000: the leading Russian surnames after Balanovskaya and others (2005) in their order, in the form for men, shares rounded. */
export const russianFamilies = inBoth(
  nameTable({
    counted: `Иванов:1250|Смирнов:1100|Кузнецов:800|Попов:650|Васильев:580|Петров:560|Соколов:430|Михайлов:410|Новиков:390|Фёдоров:370|Морозов:360|Волков:350|Алексеев:320|
Лебедев:320|Семёнов:310|Егоров:300|Павлов:290|Козлов:280|Степанов:270|Николаев:260|Орлов:250|Андреев:240|Макаров:240|Никитин:230|Захаров:220|Зайцев:200|Соловьёв:190|
Борисов:190|Яковлев:180|Григорьев:180|Романов:170|Воробьёв:160|Сергеев:150|Кузьмин:140|Фролов:140|Александров:140|Дмитриев:130|Королёв:120|Гусев:120|Киселёв:110|
Ильин:110|Максимов:110|Поляков:100|Сорокин:100|Виноградов:100|Ковалёв:100|Белов:90|Медведев:90|Антонов:90|Тарасов:90|Жуков:80|Баранов:80|Филиппов:80|Комаров:80|
Давыдов:70|Беляев:70|Герасимов:70|Богданов:70|Осипов:70|Сидоров:70|Матвеев:70|Титов:60|Марков:60|Миронов:60|Крылов:60`,
    list: russianSurnames,
    listed: 30_000,
    made,
  }),
  russianInLatin,
);
export const russianForWomen = (name: string): string => (/(ов|ев|ёв|ин|ын)$/.test(name) ? `${name}а` : name);

export const russianFemale = inBoth(
  nameTable({
    counted: `Елена:5200|Татьяна:4500|Ольга:4500|Наталья:4200|Анна:4000|Ирина:3700|Светлана:3500|Мария:3600|Людмила:2800|Галина:2700|Екатерина:3200|Анастасия:3100|Валентина:2600|
Надежда:1900|Любовь:1700|Юлия:2600|Нина:1900|Дарья:2000|Александра:1500|Ксения:1300|Виктория:1500|Марина:1900|Вера:1300|Алина:1000|Полина:1100|София:1100|Лариса:1100|
Евгения:1000|Оксана:900|Раиса:800|Тамара:800|Зинаида:600|Антонина:700|Лидия:700|Кристина:800|Алёна:500|Вероника:500|Варвара:500|Елизавета:900|Зоя:400`,
  }),
  russianInLatin,
);
export const russianMale = inBoth(
  nameTable({
    counted: `Александр:7900|Сергей:6400|Дмитрий:4800|Андрей:4600|Алексей:4500|Владимир:4600|Николай:3300|Иван:3200|Михаил:2700|Евгений:2700|Максим:2200|Виктор:2300|Юрий:2100|
Артём:1500|Игорь:1900|Анатолий:1600|Василий:1500|Павел:1600|Роман:1500|Денис:1400|Олег:1300|Илья:1200|Никита:1200|Константин:1000|Антон:1000|Кирилл:1000|Валерий:900|
Вячеслав:800|Виталий:800|Пётр:700|Геннадий:800|Борис:700|Станислав:600|Вадим:600|Григорий:500|Егор:700|Даниил:900|Матвей:500|Тимофей:400|Фёдор:400`,
  }),
  russianInLatin,
);

const irregular: Readonly<Record<string, string>> = { Пётр: 'Петро', Павел: 'Павло', Михаил: 'Михайло', Дмитрий: 'Дмитрие' };

/** A patronymic: Сергеевна, Николаевич. */
export function russianPatronymic(father: string, woman: boolean): string {
  if (father === 'Илья') return woman ? 'Ильинична' : 'Ильич';
  if (father === 'Никита') return woman ? 'Никитична' : 'Никитич';
  const stem = irregular[father] ?? (father.endsWith('ий') ? `${father.slice(0, -2)}ье` : /[йь]$/.test(father) ? `${father.slice(0, -1)}е` : `${father}о`);
  return stem + (woman ? 'вна' : 'вич');
}

const ukrainianEnds = 'енко чук юк ко ук енко ишин ський ик ець'.split(' ');
export const ukrainianFamilies = inBoth(
  nameTable({
    counted: `Мельник:230|Шевченко:220|Коваленко:190|Бондаренко:190|Бойко:180|Ткаченко:170|Кравченко:170|Ковальчук:160|Коваль:150|Олійник:145|Шевчук:140|Поліщук:135|Іваненко:60|
Лисенко:120|Савченко:120|Руденко:115|Мороз:110|Марченко:110|Ткачук:105|Кравчук:100|Петренко:100|Клименко:95|Павленко:90|Кузьменко:85|Савчук:85|Левченко:80|Пономаренко:80|
Харченко:80|Гончаренко:75|Карпенко:75|Сидоренко:75|Гаврилюк:70|Швець:70|Мельничук:70|Попович:65|Романюк:65|Панченко:60|Юрченко:60|Хоменко:60|Василенко:60|Шевченко:10`,
    made: (random) => ({
      native:
        random.pick(russianStarts) +
        random.pick(['а', 'о', 'у', 'е', 'и']) +
        random.pick(russianMiddles) +
        (ukrainianEnds[random.skewed(ukrainianEnds.length)] as string),
      latin: '',
    }),
  }),
  ukrainianInLatin,
);
export const ukrainianForWomen = (name: string): string => (/(ськ|цьк)ий$/.test(name) ? `${name.slice(0, -2)}а` : name);
export const ukrainianFemale = inBoth(
  nameTable({
    counted: `Олена:4700|Тетяна:4400|Наталія:4600|Ольга:4300|Ірина:4300|Марія:4200|Людмила:3300|Світлана:3500|Галина:3300|Оксана:3300|Ганна:2900|Катерина:2500|Валентина:2400|Надія:2200|
Юлія:2500|Анна:2200|Любов:1900|Лариса:1500|Вікторія:1900|Анастасія:1700|Ніна:1800|Софія:1100|Дарина:700|Соломія:500|Злата:400|Леся:300`,
  }),
  ukrainianInLatin,
);
export const ukrainianMale = inBoth(
  nameTable({
    counted: `Олександр:6600|Володимир:5400|Сергій:5300|Микола:4700|Іван:4100|Андрій:4000|Василь:3700|Віктор:3000|Михайло:2900|Юрій:2700|Олег:2200|Дмитро:2500|Петро:2300|Анатолій:2000|
Ігор:2100|Роман:1900|Максим:1600|Богдан:1100|Артем:1100|Ярослав:800|Тарас:700|Степан:800|Назар:600|Остап:200|Павло:700|Євген:1000|Григорій:700`,
  }),
  ukrainianInLatin,
);
export function ukrainianPatronymic(father: string, woman: boolean): string {
  if (father === 'Микола') return woman ? 'Миколаївна' : 'Миколайович';
  if (woman) return father.endsWith('ій') ? `${father.slice(0, -1)}ївна` : `${father.replace(/[оь]$/, '')}івна`;
  return `${father.replace(/о$/, '')}ович`;
}
