import { nameTable, parseName, splitNames, type WrittenName } from './name-table.ts';
import type { Random } from '../random.ts';

/** Arabic names have no published frequencies for the region as a whole: the order is that of common lists, the shares follow Zipf's law. */
const men = `محمد=Mohamed:9000|أحمد=Ahmed:5500|محمود=Mahmoud:3400|مصطفى=Mostafa:2700|علي=Ali:3000|إبراهيم=Ibrahim:2400|حسن=Hassan:2300|خالد=Khaled:2000|عبد الله=Abdullah:2100|عمر=Omar:2200|
يوسف=Youssef:2300|حسين=Hussein:1600|كريم=Karim:1400|عبد الرحمن=Abdel Rahman:1500|سعيد=Said:1300|طارق=Tarek:1000|حمزة=Hamza:1100|إسماعيل=Ismail:900|ياسر=Yasser:800|وليد=Walid:800|
سامي=Sami:700|رشيد=Rachid:700|عبد العزيز=Abdelaziz:700|عثمان=Othman:600|بلال=Bilal:700|أنس=Anas:700|زياد=Ziad:600|هشام=Hisham:600|جمال=Gamal:700|عادل=Adel:700|سليمان=Suleiman:500|
نور الدين=Noureddine:500|صلاح=Salah:500|فارس=Fares:400|ماهر=Maher:400|رامي=Rami:400|منير=Mounir:300|جابر=Jaber:250|شريف=Sherif:600|أيمن=Ayman:600`;
const women = `فاطمة=Fatima:5500|مريم=Mariam:4200|عائشة=Aisha:3000|زينب=Zeinab:2600|نور=Nour:2400|سارة=Sara:2400|خديجة=Khadija:2200|أمينة=Amina:2000|هدى=Hoda:1700|منى=Mona:1700|سلمى=Salma:1600|
ليلى=Layla:1500|أسماء=Asmaa:1500|إيمان=Iman:1400|هبة=Heba:1300|رانيا=Rania:1100|ياسمين=Yasmin:1400|دينا=Dina:1000|ندى=Nada:1000|ريم=Reem:900|سعاد=Souad:900|نادية=Nadia:1000|
حنان=Hanan:1000|سميرة=Samira:900|آية=Aya:1400|شيماء=Shaimaa:900|رقية=Ruqayya:500|نجلاء=Naglaa:500|عبير=Abeer:600|لبنى=Loubna:400|جميلة=Jamila:400|كوثر=Kawthar:300|صفاء=Safaa:400|
بشرى=Bouchra:400|حفصة=Hafsa:250|ملك=Malak:600|جنى=Jana:600|فرح=Farah:500|رحمة=Rahma:400|سهام=Siham:400`;
export const arabicMale = nameTable({ counted: men });
export const arabicFemale = nameTable({ counted: women });

const bases = splitNames(men).map((entry) => parseName(entry.split(':')[0] ?? ''));
const places = splitNames(
  'المصري=El Masry|الحسيني=El Husseini|البغدادي=Al Baghdadi|الدمشقي=Al Dimashqi|الحلبي=Al Halabi|المغربي=El Maghraby|التونسي=Ettounsi|الشامي=El Shamy|الفاسي=El Fassi|السوداني=Al Sudani|النجار=El Naggar|الحداد=El Haddad|الخطيب=Al Khatib|الشريف=El Sherif|القاضي=El Kady|الصباغ=El Sabbagh|الخياط=El Khayat|العطار=El Attar|البناء=El Banna|الطحان=El Tahhan|الفقيه=Al Faqih|الصياد=El Sayad|العلوي=El Alaoui|الإدريسي=El Idrissi|البكري=El Bakry|الأنصاري=Al Ansari|القرشي=Al Qurashi|التميمي=Al Tamimi|الزهراني=Al Zahrani|الغامدي=Al Ghamdi|الشمري=Al Shammari|العتيبي=Al Otaibi|الدوسري=Al Dosari|القحطاني=Al Qahtani',
).map((entry) => parseName(entry));

/** A family is called after a forefather or after a place or trade. */
export const arabicFamilies = nameTable({
  counted:
    'محمد=Mohamed:4200|أحمد=Ahmed:2600|علي=Ali:2400|حسن=Hassan:2100|إبراهيم=Ibrahim:1700|محمود=Mahmoud:1400|السيد=El Sayed:1600|عبد الله=Abdallah:900|خليل=Khalil:600|صالح=Saleh:900|منصور=Mansour:700|عثمان=Osman:500',
  made: (random: Random): WrittenName => {
    const one = bases[random.skewed(bases.length)] as WrittenName;
    const kind = random.below(10);
    if (kind < 4) return places[random.skewed(places.length)] as WrittenName;
    if (kind < 6) return { native: `أبو ${one.native}`, latin: `Abu ${one.latin}` };
    if (kind < 8) return { native: `بن ${one.native}`, latin: `Ben ${one.latin}` };
    const other = bases[random.skewed(bases.length)] as WrittenName;
    return { native: `${one.native} ${other.native}`, latin: `${one.latin} ${other.latin}` };
  },
});
/** The other usual spelling in Latin letters of many names: French in the west, English in the east. */
export const arabicInLatinElsewhere = (latin: string): string =>
  latin
    .replace('Mohamed', 'Muhammad')
    .replace('Youssef', 'Yusuf')
    .replace('Hussein', 'Hossain')
    .replace('Mostafa', 'Mustafa')
    .replace('Fatima', 'Fatma')
    .replace('Khadija', 'Khadidja')
    .replace(/^El /, 'Al-')
    .replace('Karim', 'Kareem')
    .replace('Rachid', 'Rasheed')
    .replace('Mariam', 'Maryam')
    .replace('Layla', 'Leila')
    .replace('Abdel ', 'Abdul ');
