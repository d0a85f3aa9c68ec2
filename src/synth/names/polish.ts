import { polishMen, polishSurnames, polishWomen } from './longer-lists.ts';
import { joined, nameTable, splitNames } from './name-table.ts';

const made = joined(
  splitNames(
    'Brzez|Grab|Koz|Lip|Mal|Nowak|Ostr|Piotr|Rog|Sad|Toma|Wilcz|Zal|Bor|Czar|Dobr|Gór|Jab|Kal|Leś|Mich|Olsz|Pawł|Rad|Sok|Szcz|Urban|Wierzb|Zaw|Żur|Bog|Dąb|Jan|Krzyż|Łuk|Maj|Nied|Pol|Strz|Wróbl',
  ),
  splitNames('owski|iński|ecki|icki|ak|ewski|czyk|ek|owicz|ik|ński|aszek|uk|oń|arz|ewicz|alski|orek|as|ycki'),
);

/** Per 100,000: the leading surnames of the PESEL register as published by the Polish ministry of digital affairs, in the form for men, rounded. */
export const polishFamilies = nameTable({
  counted: `Nowak:540|Kowalski:360|Wiśniewski:290|Wójcik:260|Kowalczyk:255|Kamiński:250|Lewandowski:245|Zieliński:240|Szymański:235|Woźniak:230|Dąbrowski:225|Kozłowski:200|
Mazur:180|Jankowski:180|Kwiatkowski:175|Wojciechowski:174|Krawczyk:170|Kaczmarek:165|Piotrowski:162|Grabowski:155|Zając:145|Pawłowski:144|Michalski:140|Król:139|
Wieczorek:130|Jabłoński:129|Wróbel:128|Nowakowski:127|Majewski:126|Olszewski:124|Dudek:122|Jaworski:121|Stępień:120|Malinowski:120|Adamczyk:119|Górski:118|Pawlak:117|
Nowicki:116|Sikora:115|Witkowski:114|Rutkowski:113|Walczak:113|Baran:112|Michalak:110|Szewczyk:110|Ostrowski:108|Tomaszewski:107|Zalewski:105|Wróblewski:104|
Pietrzak:103|Jasiński:100|Marciniak:100|Sadowski:100|Zawadzki:99|Bąk:98|Duda:97|Jakubowski:96|Wilk:95|Chmielewski:95|Borkowski:94|Włodarczyk:94|Sokołowski:93|
Szczepański:92|Sawicki:91|Lis:90|Kucharski:89|Kalinowski:88|Wysocki:87|Mazurek:87|Maciejewski:86|Kołodziej:85|Kubiak:84|Kaźmierczak:83|Urbański:80|Sobczak:78`,
  list: polishSurnames,
  listed: 35_000,
  made,
});
export const polishFemale = nameTable({
  counted: `Anna:5400|Maria:3400|Katarzyna:3200|Małgorzata:3100|Agnieszka:2900|Barbara:2500|Ewa:2300|Krystyna:2100|Magdalena:2100|Elżbieta:2300|Joanna:2300|Aleksandra:1900|Zofia:1700|
Monika:1800|Teresa:1700|Danuta:1500|Julia:1700|Natalia:1600|Karolina:1400|Marta:1300|Beata:1300|Dorota:1200|Janina:1000|Halina:1000|Jadwiga:900|Alicja:900|Jolanta:1100|
Irena:900|Iwona:1100|Zuzanna:900|Paulina:900|Oliwia:800|Maja:900|Hanna:900|Wiktoria:900|Lena:700|Grażyna:1000|Bożena:900|Stanisława:700|Helena:600`,
  list: polishWomen,
  listed: 22_000,
});
export const polishMale = nameTable({
  counted: `Piotr:3700|Krzysztof:3400|Andrzej:3100|Tomasz:2900|Paweł:2700|Jan:3000|Michał:2500|Marcin:2300|Jakub:2100|Adam:2000|Stanisław:2100|Marek:2000|Łukasz:1800|Grzegorz:1800|
Mateusz:1700|Wojciech:1600|Mariusz:1300|Dariusz:1400|Zbigniew:1500|Jerzy:1500|Maciej:1300|Rafał:1300|Robert:1200|Kamil:1200|Józef:1300|Dawid:900|Szymon:1000|Kacper:1000|
Tadeusz:1000|Bartosz:900|Antoni:1000|Ryszard:1100|Jarosław:1000|Janusz:900|Artur:800|Henryk:800|Sebastian:800|Filip:1000|Franciszek:800|Aleksander:800|Mikołaj:700`,
  list: polishMen,
  listed: 22_000,
});
/** What a woman of the family is called. */
export const polishForWomen = (name: string): string => (/(sk|ck|dzk)i$/.test(name) ? `${name.slice(0, -1)}a` : name);
