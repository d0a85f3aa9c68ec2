import { chineseCheck, dniLetter, koreanCheck, mod1110, nhsCheck, peselCheck, snilsCheck, turkishCheck, verhoeff } from './check-characters.ts';
import { mix, type Random } from './random.ts';
import type { SyntheticIdentifier, SyntheticPlace } from './synthetic-person.ts';

/** So many digits that no other person of the run has, as long as the run is not longer than there are numbers. */
export type Serial = (count: number, below?: number) => string;

/** Numbers of a run in an order that looks like none: 611,953 is a prime. */
export function serialOf(number: number, seed: number): Serial {
  return (count, space = 10 ** count) => {
    return String((number * 611_953 + mix(seed, count)) % space).padStart(count, '0');
  };
}

/** A country as an address, a telephone and a number of identity see it. */
export interface Country {
  readonly code: string;
  readonly address: (random: Random) => SyntheticPlace;
  /** E.164, in a range that rings nowhere: `docs/adr/0060` has the table. */
  readonly mobile: (random: Random) => string;
  readonly landline: (random: Random) => string;
  /** Undefined for the few to whom the check digit leaves no number. */
  readonly identifier?: (serial: Serial, born: { date: string; woman: boolean }) => SyntheticIdentifier | undefined;
}

const digits = (random: Random, count: number): string => {
  let text = '';
  for (let left = count; left > 0; left -= 6) text += String(random.below(10 ** Math.min(6, left))).padStart(Math.min(6, left), '0');
  return text;
};
const number = (prefix: string, count: number) => (random: Random) => prefix + digits(random, count);
const split = (text: string) => text.split('|');

interface Postal {
  /** `city,state,first part of the postcode` */
  readonly cities: string;
  readonly streets: string;
  readonly code: string;
  readonly line: (street: string, house: number) => string;
  /** What follows the first part of the postcode: 9 is any digit, A any letter. */
  readonly postcode: string;
  readonly second?: (random: Random) => string;
}

function addresses(postal: Postal): (random: Random) => SyntheticPlace {
  const cities = split(postal.cities).map((city) => city.split(','));
  const streets = split(postal.streets);
  const { second } = postal;
  return (random) => {
    // Two in five live in the first cities of the list.
    const [city = '', state = '', start = ''] = cities[random.skewed(cities.length)] as string[];
    return {
      addressLine1: postal.line(random.pick(streets), random.skewed(420) + 1),
      addressLine2: second && random.perMille(180) ? second(random) : null,
      city,
      state: state === '' ? null : state,
      zipCode: postal.postcode === '' && start === '' ? null : start + fill(random, postal.postcode),
      country: postal.code,
    };
  };
}

function fill(random: Random, pattern: string): string {
  let text = '';
  for (const place of pattern) text += place === '9' ? random.below(10) : place === 'A' ? 'ABDEFGHJLNPQRSTUWXYZ'.charAt(random.below(20)) : place;
  return text;
}

const houseFirst = (street: string, house: number) => `${house} ${street}`;
const houseLast = (street: string, house: number) => `${street} ${house}`;
const identifier = (type: string, system: string, value: string): SyntheticIdentifier => ({ type, system: `urn:oid:2.16.840.1.113883.19.4.${system}`, value });

/** Numbers that are written right and that nobody has: test ranges, or ranges that the authority does not issue. */
export const countries: Readonly<Record<string, Country>> = Object.fromEntries(
  (
    [
      {
        code: 'US',
        address: addresses({
          code: 'US',
          cities:
            'New York,NY,10|Los Angeles,CA,90|Chicago,IL,60|Houston,TX,77|Phoenix,AZ,85|Philadelphia,PA,19|San Antonio,TX,78|San Diego,CA,92|Dallas,TX,75|Jacksonville,FL,32|Columbus,OH,43|Charlotte,NC,28|Indianapolis,IN,46|Seattle,WA,98|Denver,CO,80|Boston,MA,02|Nashville,TN,37|Detroit,MI,48|Portland,OR,97|Memphis,TN,38|Baltimore,MD,21|Milwaukee,WI,53|Albuquerque,NM,87|Tucson,AZ,85|Fresno,CA,93|Kansas City,MO,64|Omaha,NE,68|Miami,FL,33|Tulsa,OK,74|Wichita,KS,67|New Orleans,LA,70|Honolulu,HI,96|Springfield,IL,62|Salem,OR,97|Boise,ID,83|Burlington,VT,05|Fargo,ND,58|Anchorage,AK,99',
          streets:
            'Main Street|Oak Street|Maple Avenue|Cedar Lane|Pine Street|Elm Street|Washington Avenue|Lake Drive|Hill Road|Walnut Street|Park Avenue|Second Street|Third Street|Fourth Avenue|Church Street|Highland Avenue|Sunset Boulevard|River Road|Meadow Lane|Spring Street|Franklin Street|Jefferson Avenue|Lincoln Way|Madison Court|Chestnut Street|Dogwood Drive|Ridge Road|Forest Avenue|Valley View Drive|Mill Road|Orchard Lane|Willow Way|Birch Court|Prospect Street|Union Street',
          line: (street, house) => `${house * 3} ${street}`,
          postcode: '999',
          second: (random) => `Apt ${random.between(1, 48)}${random.perMille(300) ? 'B' : ''}`,
        }),
        // Area codes N9X are kept for a longer numbering plan; 555-0100 to 0199, set aside for fiction, are too few for a million people.
        mobile: (random) => `+1${random.between(2, 8)}9${random.below(10)}${random.between(2, 9)}${digits(random, 6)}`,
        landline: (random) => `+1${random.between(2, 8)}9${random.below(10)}${random.between(2, 9)}${digits(random, 6)}`,
        // Social security numbers never begin with 9; groups below 50 are no taxpayer numbers either.
        identifier: (serial) => {
          const eight = serial(8, 49_000_000);
          const group = String(Number(eight.slice(0, 2)) + 1).padStart(2, '0');
          return identifier('SS', '10', `9${eight.slice(2, 4)}-${group}-${eight.slice(4)}`);
        },
      },
      {
        code: 'GB',
        address: addresses({
          code: 'GB',
          cities:
            'London,,SW1|Birmingham,,B1|Manchester,,M1|Leeds,,LS|Glasgow,,G4|Sheffield,,S1|Liverpool,,L1|Bristol,,BS|Edinburgh,,EH|Cardiff,,CF|Leicester,,LE|Nottingham,,NG|Newcastle upon Tyne,,NE|Belfast,,BT|Exeter,,EX|York,,YO|Norwich,,NR|Oxford,,OX|Inverness,,IV|Swansea,,SA',
          streets:
            'High Street|Station Road|Church Lane|Park Road|Victoria Road|Green Lane|Manor Road|Kings Road|Queen Street|Mill Lane|The Crescent|Grange Road|Springfield Road|Albert Road|School Lane|New Street|North Road|Chapel Street|Windsor Road|London Road|Alexandra Terrace|St Johns Road|Broadway|Rectory Close',
          line: houseFirst,
          postcode: '9 9AA',
          second: (random) => `Flat ${random.between(1, 30)}`,
        }),
        // Ofcom keeps the whole area code 01632 for drama.
        mobile: (random) => `+441632${random.between(5, 9)}${digits(random, 5)}`,
        landline: (random) => `+441632${random.between(2, 4)}${digits(random, 5)}`,
        // NHS Digital keeps numbers that begin with 999 for tests.
        identifier: (serial) => {
          const nine = `999${serial(6)}`;
          const check = nhsCheck(nine);
          return check === undefined ? undefined : identifier('NH', '11', nine + check);
        },
      },
      {
        code: 'DE',
        address: addresses({
          code: 'DE',
          cities:
            'Berlin,Berlin,10|Hamburg,Hamburg,20|München,Bayern,80|Köln,Nordrhein-Westfalen,50|Frankfurt am Main,Hessen,60|Stuttgart,Baden-Württemberg,70|Düsseldorf,Nordrhein-Westfalen,40|Leipzig,Sachsen,04|Dortmund,Nordrhein-Westfalen,44|Essen,Nordrhein-Westfalen,45|Bremen,Bremen,28|Dresden,Sachsen,01|Hannover,Niedersachsen,30|Nürnberg,Bayern,90|Duisburg,Nordrhein-Westfalen,47|Münster,Nordrhein-Westfalen,48|Kiel,Schleswig-Holstein,24|Rostock,Mecklenburg-Vorpommern,18|Tübingen,Baden-Württemberg,72|Würzburg,Bayern,97|Saarbrücken,Saarland,66|Jena,Thüringen,07',
          streets:
            'Hauptstraße|Schulstraße|Gartenstraße|Bahnhofstraße|Dorfstraße|Bergstraße|Birkenweg|Lindenstraße|Kirchstraße|Waldstraße|Ringstraße|Schillerstraße|Goethestraße|Jahnstraße|Rosenweg|Mühlenweg|Am Markt|Wiesenweg|Feldstraße|Friedhofstraße|Mozartstraße|Blumenstraße|Am Sportplatz|Beethovenstraße',
          line: houseLast,
          postcode: '999',
        }),
        // 0190 was closed in 2005.
        mobile: number('+49190', 7),
        landline: number('+49190', 7),
        // A tax number that begins with 0 is one for tests.
        identifier: (serial) => {
          const ten = `0${serial(9)}`;
          return identifier('TAX', '12', ten + mod1110(ten));
        },
      },
      {
        code: 'ES',
        address: addresses({
          code: 'ES',
          cities:
            'Madrid,Madrid,28|Barcelona,Barcelona,08|Valencia,Valencia,46|Sevilla,Sevilla,41|Zaragoza,Zaragoza,50|Málaga,Málaga,29|Murcia,Murcia,30|Palma,Illes Balears,07|Bilbao,Bizkaia,48|Alicante,Alicante,03|Córdoba,Córdoba,14|Valladolid,Valladolid,47|Vigo,Pontevedra,36|Gijón,Asturias,33|A Coruña,A Coruña,15|Granada,Granada,18|Logroño,La Rioja,26|Cáceres,Cáceres,10',
          streets:
            'Calle Mayor|Calle Real|Calle Iglesia|Avenida de la Constitución|Calle Nueva|Plaza de España|Calle del Sol|Calle Cervantes|Calle San José|Avenida de Andalucía|Paseo de la Estación|Calle Goya|Calle Velázquez|Ronda Norte|Calle Colón|Camino Viejo',
          line: (street, house) => `${street}, ${house}`,
          postcode: '999',
          second: (random) => `${random.between(1, 9)}º ${'ABCD'.charAt(random.below(4))}`,
        }),
        mobile: number('+345', 8),
        landline: number('+345', 8),
        // Numbers from 99 million up are not given out.
        identifier: (serial) => {
          const value = 99_000_000 + Number(serial(6));
          return identifier('NI', '13', `${value}${dniLetter(value)}`);
        },
      },
      {
        code: 'MX',
        address: addresses({
          code: 'MX',
          cities:
            'Ciudad de México,CDMX,06|Guadalajara,Jalisco,44|Monterrey,Nuevo León,64|Puebla,Puebla,72|Tijuana,Baja California,22|León,Guanajuato,37|Ciudad Juárez,Chihuahua,32|Mérida,Yucatán,97|San Luis Potosí,San Luis Potosí,78|Querétaro,Querétaro,76|Hermosillo,Sonora,83|Culiacán,Sinaloa,80|Oaxaca,Oaxaca,68|Veracruz,Veracruz,91|Morelia,Michoacán,58|Cancún,Quintana Roo,77',
          streets:
            'Calle Hidalgo|Avenida Juárez|Calle Morelos|Avenida Insurgentes|Calle Zaragoza|Calle 5 de Mayo|Avenida Reforma|Calle Allende|Calle Benito Juárez|Calle Guerrero|Calle Independencia|Privada de los Pinos|Calle Niños Héroes|Avenida Revolución',
          line: (street, house) => `${street} ${house}`,
          postcode: '999',
        }),
        mobile: number('+5210', 8),
        landline: number('+5210', 8),
      },
      {
        code: 'TR',
        address: addresses({
          code: 'TR',
          cities:
            'İstanbul,,34|Ankara,,06|İzmir,,35|Bursa,,16|Antalya,,07|Adana,,01|Konya,,42|Gaziantep,,27|Şanlıurfa,,63|Kayseri,,38|Mersin,,33|Diyarbakır,,21|Eskişehir,,26|Samsun,,55|Trabzon,,61|Malatya,,44|Erzurum,,25|Van,,65',
          streets:
            'Atatürk Caddesi|Cumhuriyet Caddesi|İstiklal Caddesi|İnönü Caddesi|Gazi Bulvarı|Menekşe Sokak|Gül Sokak|Çınar Sokak|Lale Sokak|Fatih Caddesi|Okul Sokak|Yıldız Sokak|Zafer Caddesi|Barış Sokak',
          line: (street, house) => `${street} No: ${house}`,
          postcode: '999',
          second: (random) => `Daire ${random.between(1, 24)}`,
        }),
        mobile: number('+906', 9),
        landline: number('+907', 9),
        // A real one never begins with 0.
        identifier: (serial) => {
          const nine = `0${serial(8)}`;
          return identifier('NI', '14', nine + turkishCheck(nine));
        },
      },
      {
        code: 'PL',
        address: addresses({
          code: 'PL',
          cities:
            'Warszawa,mazowieckie,00-|Kraków,małopolskie,30-|Łódź,łódzkie,90-|Wrocław,dolnośląskie,50-|Poznań,wielkopolskie,60-|Gdańsk,pomorskie,80-|Szczecin,zachodniopomorskie,70-|Bydgoszcz,kujawsko-pomorskie,85-|Lublin,lubelskie,20-|Białystok,podlaskie,15-|Katowice,śląskie,40-|Rzeszów,podkarpackie,35-|Olsztyn,warmińsko-mazurskie,10-|Kielce,świętokrzyskie,25-|Opole,opolskie,45-',
          streets:
            'ul. Polna|ul. Leśna|ul. Słoneczna|ul. Krótka|ul. Szkolna|ul. Ogrodowa|ul. Lipowa|ul. Łąkowa|ul. Brzozowa|ul. Kwiatowa|ul. Kościuszki|ul. Mickiewicza|ul. Sienkiewicza|al. Jana Pawła II|os. Tysiąclecia|ul. 3 Maja',
          line: houseLast,
          postcode: '999',
          second: (random) => `m. ${random.between(1, 60)}`,
        }),
        mobile: number('+4898', 7),
        landline: number('+4898', 7),
        // Right in form and check digit, but of a birth in the twenty-third century: the months count from 61.
        identifier: (serial, born) => {
          const month = String(Number(born.date.slice(5, 7)) + 60);
          const ten = `${born.date.slice(2, 4)}${month}${born.date.slice(8, 10)}${serial(3)}${(Number(serial(7).charAt(0)) % 5) * 2 + (born.woman ? 0 : 1)}`;
          return identifier('NI', '15', ten + peselCheck(ten));
        },
      },
      {
        code: 'RU',
        address: addresses({
          code: 'RU',
          cities:
            'Москва,,10|Санкт-Петербург,,19|Новосибирск,,63|Екатеринбург,,62|Казань,Татарстан,42|Нижний Новгород,,60|Челябинск,,45|Самара,,44|Омск,,64|Ростов-на-Дону,,34|Уфа,Башкортостан,45|Красноярск,,66|Воронеж,,39|Пермь,,61|Волгоград,,40|Иркутск,,66|Владивосток,,69|Тула,,30',
          streets:
            'ул. Ленина|ул. Советская|ул. Мира|ул. Молодёжная|ул. Центральная|ул. Школьная|ул. Садовая|ул. Лесная|ул. Гагарина|пр. Победы|ул. Кирова|ул. Пушкина|наб. реки Камы|ул. Чехова',
          line: (street, house) => `${street}, д. ${house}`,
          postcode: '9999',
          second: (random) => `кв. ${random.between(1, 200)}`,
        }),
        mobile: number('+71', 9),
        landline: number('+71', 9),
        identifier: (serial) => {
          const nine = `999${serial(6)}`;
          return identifier('NI', '16', nine + snilsCheck(nine));
        },
      },
      {
        code: 'UA',
        address: addresses({
          code: 'UA',
          cities:
            'Київ,,01|Харків,,61|Одеса,,65|Дніпро,,49|Львів,,79|Запоріжжя,,69|Вінниця,,21|Полтава,,36|Чернігів,,14|Черкаси,,18|Тернопіль,,46|Чернівці,,58',
          streets:
            'вул. Шевченка|вул. Лесі Українки|вул. Франка|вул. Грушевського|вул. Садова|вул. Миру|просп. Свободи|вул. Зелена|вул. Польова|вул. Хмельницького',
          line: (street, house) => `${street}, ${house}`,
          postcode: '999',
        }),
        mobile: number('+38020', 7),
        landline: number('+38020', 7),
      },
      {
        code: 'GR',
        address: addresses({
          code: 'GR',
          cities:
            'Αθήνα,Αττική,10|Θεσσαλονίκη,Κεντρική Μακεδονία,54|Πάτρα,Δυτική Ελλάδα,26|Ηράκλειο,Κρήτη,71|Λάρισα,Θεσσαλία,41|Βόλος,Θεσσαλία,38|Ιωάννινα,Ήπειρος,45|Καβάλα,Ανατολική Μακεδονία,65|Χανιά,Κρήτη,73|Ρόδος,Νότιο Αιγαίο,85',
          streets:
            'Ελευθερίου Βενιζέλου|28ης Οκτωβρίου|25ης Μαρτίου|Παπανδρέου|Κολοκοτρώνη|Αγίου Δημητρίου|Εθνικής Αντιστάσεως|Σόλωνος|Ερμού|Λεωφόρος Δημοκρατίας',
          line: houseLast,
          postcode: '999',
        }),
        mobile: number('+304', 9),
        landline: number('+304', 9),
      },
      {
        code: 'EG',
        address: addresses({
          code: 'EG',
          cities: 'Cairo,,11|Alexandria,,21|Giza,,12|Port Said,,42|Suez,,43|Luxor,,85|Mansoura,,35|Tanta,,31|Asyut,,71|Ismailia,,41|Aswan,,81|Zagazig,,44',
          streets:
            'Tahrir Street|Ramses Street|El Nasr Road|El Geish Street|Salah Salem Street|El Horreya Avenue|Port Said Street|El Gomhoria Street|26 July Street|El Haram Street',
          line: houseFirst,
          postcode: '999',
        }),
        mobile: number('+2017', 8),
        landline: number('+2017', 8),
        // The century digit 9 is not in use.
        identifier: (serial, born) => identifier('NI', '17', `9${born.date.slice(2, 4)}${born.date.slice(5, 7)}${born.date.slice(8, 10)}${serial(7)}`),
      },
      {
        code: 'CN',
        address: addresses({
          code: 'CN',
          cities:
            '北京,北京市,10|上海,上海市,20|广州,广东省,51|深圳,广东省,51|成都,四川省,61|武汉,湖北省,43|杭州,浙江省,31|西安,陕西省,71|南京,江苏省,21|重庆,重庆市,40|天津,天津市,30|沈阳,辽宁省,11|长沙,湖南省,41|昆明,云南省,65',
          streets: '人民路|解放路|中山路|建设路|和平路|新华路|文化路|北京路|胜利路|长江路|南京路|光明路',
          line: (street, house) => `${street}${house}号`,
          postcode: '9999',
        }),
        mobile: number('+86120', 8),
        landline: number('+86120', 8),
        // No place has a code from 99.
        identifier: (serial, born) => {
          const six = serial(6);
          const seventeen = `99${six.slice(0, 4)}${born.date.replaceAll('-', '')}${six.slice(4)}${born.woman ? 2 : 1}`;
          return identifier('NI', '18', seventeen + chineseCheck(seventeen));
        },
      },
      {
        code: 'JP',
        address: addresses({
          code: 'JP',
          cities:
            '東京,東京都,1|横浜市,神奈川県,2|大阪市,大阪府,5|名古屋市,愛知県,4|札幌市,北海道,0|福岡市,福岡県,8|神戸市,兵庫県,6|京都市,京都府,6|川崎市,神奈川県,2|広島市,広島県,7|仙台市,宮城県,9|金沢市,石川県,9',
          streets: '中央|本町|栄町|緑町|旭町|桜木町|大手町|新町|幸町|元町',
          line: (street, house) => `${street}${(house % 9) + 1}-${(house % 30) + 1}-${(house % 17) + 1}`,
          postcode: '99-9999',
        }),
        mobile: number('+8130', 8),
        landline: number('+8130', 8),
      },
      {
        code: 'KR',
        address: addresses({
          code: 'KR',
          cities:
            '서울특별시,,0|부산광역시,,4|인천광역시,,2|대구광역시,,4|대전광역시,,3|광주광역시,,6|울산광역시,,4|수원시,경기도,1|창원시,경상남도,5|전주시,전라북도,5',
          streets: '세종대로|테헤란로|중앙로|강남대로|한강로|충무로|시청로|대학로|해운대로|번영로',
          line: houseLast,
          postcode: '9999',
        }),
        mobile: number('+8212', 8),
        landline: number('+8212', 8),
        // The digit of sex and century is that of births before 1900.
        identifier: (serial, born) => {
          const twelve = `${born.date.slice(2, 4)}${born.date.slice(5, 7)}${born.date.slice(8, 10)}${born.woman ? 0 : 9}${serial(5)}`;
          return identifier('NI', '19', twelve + koreanCheck(twelve));
        },
      },
      {
        code: 'VN',
        address: addresses({
          code: 'VN',
          cities: 'Hà Nội,,10|Thành phố Hồ Chí Minh,,70|Đà Nẵng,,55|Hải Phòng,,18|Cần Thơ,,90|Huế,,53|Nha Trang,,57|Biên Hòa,,76|Vinh,,46|Buôn Ma Thuột,,63',
          streets: 'Lê Lợi|Trần Hưng Đạo|Nguyễn Huệ|Hai Bà Trưng|Lý Thường Kiệt|Quang Trung|Phan Chu Trinh|Lê Duẩn|Nguyễn Trãi|Điện Biên Phủ',
          line: houseFirst,
          postcode: '9999',
        }),
        mobile: number('+844', 8),
        landline: number('+844', 8),
        // No province has the code 999.
        identifier: (serial) => identifier('NI', '20', `999${serial(9)}`),
      },
      {
        code: 'IN',
        address: addresses({
          code: 'IN',
          cities:
            'Mumbai,Maharashtra,40|Delhi,Delhi,11|Bengaluru,Karnataka,56|Hyderabad,Telangana,50|Ahmedabad,Gujarat,38|Chennai,Tamil Nadu,60|Kolkata,West Bengal,70|Pune,Maharashtra,41|Jaipur,Rajasthan,30|Lucknow,Uttar Pradesh,22|Kanpur,Uttar Pradesh,20|Nagpur,Maharashtra,44|Patna,Bihar,80|Indore,Madhya Pradesh,45|Kochi,Kerala,68|Guwahati,Assam,78|Amritsar,Punjab,14',
          streets:
            'M.G. Road|Station Road|Gandhi Nagar|Nehru Street|Shivaji Road|Temple Street|Park Street|Lake View Road|Civil Lines|Ring Road|Rajendra Nagar|Model Town|Sector 12|Sector 21|Anna Salai|College Road',
          line: houseFirst,
          postcode: '9999',
        }),
        mobile: number('+9110', 8),
        landline: number('+9110', 8),
        // A real one never begins with 0 or 1.
        identifier: (serial) => {
          const eleven = `1${serial(10)}`;
          return identifier('NI', '21', eleven + verhoeff(eleven));
        },
      },
      {
        code: 'KE',
        address: addresses({
          code: 'KE',
          cities:
            'Nairobi,Nairobi,001|Mombasa,Mombasa,801|Kisumu,Kisumu,401|Nakuru,Nakuru,201|Eldoret,Uasin Gishu,301|Thika,Kiambu,010|Machakos,Machakos,901|Nyeri,Nyeri,101|Garissa,Garissa,701|Kakamega,Kakamega,501|Malindi,Kilifi,802|Lodwar,Turkana,305',
          streets:
            'Kenyatta Avenue|Moi Avenue|Uhuru Street|Haile Selassie Road|Market Street|Mission Road|Hospital Road|Harambee Avenue|Oginga Odinga Street|Station Road|Lake Road|Tom Mboya Street',
          line: houseFirst,
          postcode: '99',
          second: (random) => `P.O. Box ${random.between(1, 9999)}`,
        }),
        mobile: number('+2543', 8),
        landline: number('+2543', 8),
        // Eight digits, of which a real one has no zeros in front.
        identifier: (serial) => identifier('NI', '22', `00${serial(6)}`),
      },
      {
        code: 'NG',
        address: addresses({
          code: 'NG',
          cities:
            'Lagos,Lagos,10|Kano,Kano,70|Ibadan,Oyo,20|Abuja,FCT,90|Port Harcourt,Rivers,50|Benin City,Edo,30|Kaduna,Kaduna,80|Enugu,Enugu,40|Jos,Plateau,93|Maiduguri,Borno,60|Calabar,Cross River,54|Sokoto,Sokoto,84',
          streets:
            'Ahmadu Bello Way|Awolowo Road|Broad Street|Herbert Macaulay Way|Market Road|Mission Street|Hospital Road|Airport Road|Aba Road|Independence Way|Zik Avenue|Yakubu Gowon Crescent',
          line: houseFirst,
          postcode: '9999',
        }),
        mobile: number('+23460', 8),
        landline: number('+23460', 8),
        identifier: (serial) => identifier('NI', '23', `0000${serial(7)}`),
      },
    ] satisfies readonly Country[]
  ).map((country) => [country.code, country]),
);
