import { nameTable, type NameTable, type WrittenName } from './name-table.ts';
import type { Random } from '../random.ts';

const letters: Readonly<Record<string, string>> = {
  α: 'a',
  β: 'v',
  γ: 'g',
  δ: 'd',
  ε: 'e',
  ζ: 'z',
  η: 'i',
  θ: 'th',
  ι: 'i',
  κ: 'k',
  λ: 'l',
  μ: 'm',
  ν: 'n',
  ξ: 'x',
  ο: 'o',
  π: 'p',
  ρ: 'r',
  σ: 's',
  ς: 's',
  τ: 't',
  υ: 'y',
  φ: 'f',
  χ: 'ch',
  ψ: 'ps',
  ω: 'o',
  ά: 'a',
  έ: 'e',
  ή: 'i',
  ί: 'i',
  ό: 'o',
  ύ: 'y',
  ώ: 'o',
  ϊ: 'i',
  ϋ: 'y',
};

/** ELOT 743 as passports use it, without its rarer rules. */
export function greekInLatin(text: string): string {
  const pairs = text
    .replaceAll(/[οό][υύ]/gu, 'ou')
    .replaceAll(/Ο[υύ]/gu, 'Ou')
    .replaceAll(/([αε])[υύ](?=[θκξπσςτφχψ])/gu, '$1f')
    .replaceAll(/([αε])[υύ]/gu, '$1v')
    .replaceAll(/Ε[υύ](?=[θκξπσςτφχψ])/gu, 'Ef')
    .replaceAll(/Ε[υύ]/gu, 'Ev')
    .replaceAll('γγ', 'ng')
    .replaceAll('γχ', 'nch')
    .replaceAll('γξ', 'nx')
    .replaceAll(/^Μπ/gu, 'B');
  let result = '';
  for (const letter of pairs) {
    const lower = letter.toLowerCase();
    const latin = letters[lower];
    if (latin === undefined) result += letter;
    else result += lower === letter ? latin : latin[0]?.toUpperCase() + latin.slice(1);
  }
  return result;
}

const inBoth = (table: NameTable): NameTable => ({
  pick: (random) => {
    const { native } = table.pick(random);
    return { native, latin: greekInLatin(native) };
  },
});

const stems =
  'Αθανασ|Αλεξ|Αναστασ|Βασιλ|Γεωργ|Δημητρ|Ηλι|Θεοδωρ|Ιωανν|Κυριακ|Κωνσταντιν|Λαμπρ|Μιχαλ|Νικολα|Παναγ|Παπ|Πετρ|Σταυρ|Στεφαν|Χρηστ|Χαραλαμπ|Σπυρ|Αντων|Ανδρε|Μαρκ|Καρα|Τριανταφυλλ|Ζαφειρ|Μαυρ|Ξενι'.split(
    '|',
  );
const prefixes = ['', '', '', '', 'Παπα', 'Καρα', 'Χατζη', 'Δελη', 'Μαυρο', 'Κοντο', 'Παλαιο', 'Γερο'];
const endings = 'όπουλος|ίδης|άκης|ιάδης|άτος|έας|ίου|ούδης|ούσης|άς|έλης|άκος'.split('|');

/** The leading Greek surnames in published order, in the form for men, shares rounded. */
export const greekFamilies = inBoth(
  nameTable({
    counted: `Παπαδόπουλος:640|Βλάχος:260|Αγγελόπουλος:190|Νικολάου:220|Παππάς:230|Καραγιάννης:210|Αντωνίου:170|Γεωργίου:220|Δημητρίου:200|Ιωάννου:180|Οικονόμου:190|Μακρής:150|
Κωνσταντινίδης:130|Παπαδάκης:160|Αθανασίου:130|Χριστοδούλου:110|Παπανικολάου:100|Σαμαράς:90|Δημόπουλος:90|Παπαδημητρίου:120|Παπαγεωργίου:120|Βασιλείου:110|
Καραμανλής:30|Πετρίδης:60|Σταθόπουλος:70|Γιαννόπουλος:90|Κυριακίδης:60|Λαμπρόπουλος:50|Αλεξίου:70|Μιχαηλίδης:60`,
    made: (random: Random): WrittenName => {
      const stem = stems[random.skewed(stems.length)] as string;
      const prefix = random.pick(prefixes);
      return { native: (prefix === '' ? stem : prefix + stem.toLowerCase()) + (endings[random.skewed(endings.length)] as string), latin: '' };
    },
  }),
);
/** A woman has the name in the genitive. */
export const greekForWomen = (name: string): string =>
  name
    .replace(/όπουλος$/, 'οπούλου')
    .replace(/(ί|ιά)δης$/, '$1δη')
    .replace(/άκης$/, 'άκη')
    .replace(/ης$/, 'η')
    .replace(/ής$/, 'ή')
    .replace(/άς$/, 'ά')
    .replace(/άτος$/, 'άτου')
    .replace(/χος$/, 'χου')
    .replace(/έας$/, 'έα')
    .replace(/άκος$/, 'άκου');
export const greekFemale = inBoth(
  nameTable({
    counted: `Μαρία:8600|Ελένη:6700|Αικατερίνη:5500|Βασιλική:4700|Σοφία:4000|Αγγελική:3900|Γεωργία:3900|Δήμητρα:3500|Ιωάννα:3300|Κωνσταντίνα:3300|Άννα:3100|Παναγιώτα:3000|Αναστασία:2700|
Ευαγγελία:2700|Χριστίνα:2300|Παρασκευή:2200|Ευαγγελή:200|Φωτεινή:1700|Ειρήνη:2300|Αλεξάνδρα:1700|Δέσποινα:1700|Χρυσούλα:900|Σταυρούλα:1200|Ευγενία:800|Όλγα:600|Νίκη:500`,
  }),
);
export const greekMale = inBoth(
  nameTable({
    counted: `Γεώργιος:10200|Ιωάννης:8300|Κωνσταντίνος:7800|Δημήτριος:7600|Νικόλαος:6800|Παναγιώτης:4600|Βασίλειος:3700|Χρήστος:3700|Αθανάσιος:2900|Μιχαήλ:2200|Ευάγγελος:2100|
Σπυρίδων:1900|Αντώνιος:2200|Αναστάσιος:1600|Θεόδωρος:1500|Ανδρέας:1400|Χαράλαμπος:1400|Αλέξανδρος:1700|Εμμανουήλ:1700|Ηλίας:1100|Σταύρος:1000|Πέτρος:800|Στέφανος:600|Λεωνίδας:300`,
  }),
);
