import { germanMen, germanSurnames, germanWomen } from './longer-lists.ts';
import { joined, nameTable, splitNames } from './name-table.ts';

const made = joined(
  splitNames(
    'Berg|Stein|Ober|Wald|Linden|Eichen|Hof|Kirch|Neu|Alt|Rosen|Schön|Brunn|Feld|Grün|Hagen|Dorn|Reich|Bach|Mühl|Wiesen|Nieder|Haus|Buch|Sand|Birken|Klein|Groß|Weiden|Stroh|Kalten|Hohen|Erlen|Kreuz|Lohr|Wester|Oster|Rieden|Moos|Tannen',
  ),
  splitNames(
    'er|mann|bauer|müller|hofer|berg|feld|bach|meier|inger|reiter|thal|hausen|stein|kamp|maier|huber|loh|brink|huber|wirth|heim|städter|egger|hauer|eder|rath|ert|ke|ing',
  ),
);

/** Per 100,000: the leading surnames of the German telephone books in published order, shares rounded. */
export const germanFamilies = nameTable({
  counted: `Müller:950|Schmidt:690|Schneider:400|Fischer:350|Weber:300|Meyer:330|Wagner:270|Becker:270|Schulz:270|Hoffmann:260|Schäfer:240|Koch:240|Bauer:230|Richter:220|
Klein:220|Wolf:200|Schröder:200|Neumann:190|Schwarz:190|Zimmermann:180|Braun:180|Krüger:170|Hofmann:170|Hartmann:160|Lange:160|Schmitt:160|Werner:160|Schmitz:150|
Krause:150|Meier:150|Lehmann:140|Schmid:140|Schulze:130|Maier:130|Köhler:130|Herrmann:130|König:130|Walter:120|Mayer:120|Huber:120|Kaiser:120|Fuchs:120|Peters:110|
Lang:110|Scholz:110|Möller:110|Weiß:110|Jung:110|Hahn:100|Schubert:100|Vogel:100|Friedrich:100|Keller:100|Günther:95|Frank:95|Berger:90|Winkler:90|Roth:90|Beck:90|
Lorenz:85|Baumann:85|Franke:85|Albrecht:80|Schuster:80|Simon:80|Ludwig:80|Böhm:75|Winter:75|Kraus:75|Martin:75|Schumacher:75|Krämer:75|Vogt:70|Stein:70|Jäger:70|
Otto:70|Sommer:70|Groß:70|Seidel:65|Heinrich:65|Brandt:65|Haas:65|Schreiber:60|Graf:60|Dietrich:60|Ziegler:60|Kuhn:60|Kühn:60|Pohl:60|Engel:60|Horn:60|Yılmaz:55|
Nowak:50|von der Heide:8|van den Berg:10|von Braun:4|zu Hohenberg:2`,
  list: germanSurnames,
  listed: 45_000,
  made,
});

/** The leading given names by decade of birth in the order of the published lists, shares rounded. */
export const olderGermanWomen = nameTable({
  counted: `Ursula:2900|Maria:2600|Helga:2300|Renate:2300|Ingrid:2200|Monika:2600|Karin:2300|Elisabeth:1900|Gisela:1900|Petra:2400|Sabine:2300|Erika:1700|Brigitte:1900|
Christa:1700|Gerda:1300|Hildegard:1300|Andrea:1900|Gabriele:1800|Angelika:1600|Heike:1600|Susanne:1500|Birgit:1500|Christine:1300|Ilse:1100|Martina:1400|Claudia:1400|
Anna:1300|Barbara:1200|Cornelia:1000|Ute:1000|Margarete:900|Gudrun:800|Irmgard:900|Silke:900|Anja:900|Kerstin:1000|Ruth:700|Edith:700|Hannelore:900|Waltraud:800`,
  list: germanWomen,
  listed: 25_000,
});
export const olderGermanMen = nameTable({
  counted: `Hans:2900|Peter:3200|Klaus:2500|Michael:3300|Wolfgang:2600|Jürgen:2300|Günter:1900|Horst:1700|Werner:1900|Heinz:1700|Manfred:1700|Thomas:3100|Helmut:1600|
Karl:1700|Andreas:2800|Dieter:1700|Gerhard:1500|Walter:1300|Bernd:1500|Frank:1900|Uwe:1500|Stefan:1800|Rainer:1200|Joachim:1100|Ralf:1200|Josef:1100|Martin:1300|
Heinrich:900|Rolf:900|Kurt:900|Christian:1400|Jörg:1100|Dirk:1000|Matthias:1000|Herbert:900|Alfred:700|Siegfried:700|Ernst:700|Hans-Peter:400|Karl-Heinz:800|Mehmet:200`,
  list: germanMen,
  listed: 22_000,
});
export const youngerGermanWomen = nameTable({
  counted: `Julia:1700|Anna:1900|Lena:1500|Laura:1600|Sarah:1500|Lisa:1600|Marie:1400|Sophie:1300|Mia:1200|Emma:1300|Hannah:1200|Leonie:1000|Katharina:1100|Lea:1200|
Johanna:900|Emilia:800|Sophia:900|Vanessa:800|Jana:800|Michelle:700|Lara:700|Clara:600|Charlotte:600|Nele:500|Luisa:500|Amelie:500|Ella:500|Ida:400|Mathilda:300|
Frieda:300|Maja:400|Zoe:300|Antonia:300|Paula:500|Pia:400|Elif:150|Zeynep:150|Fatma:120|Jasmin:400|Franziska:600|Theresa:400|Jule:300`,
  list: germanWomen,
  listed: 40_000,
});
export const youngerGermanMen = nameTable({
  counted: `Lukas:1600|Leon:1500|Jan:1500|Maximilian:1400|Finn:1100|Jonas:1300|Paul:1300|Felix:1200|Tim:1200|Philipp:1200|Ben:1100|Alexander:1400|Daniel:1300|Tobias:1200|
Florian:1100|Luca:900|Elias:900|Noah:900|Niklas:1000|Luis:900|David:900|Fabian:900|Sebastian:1100|Moritz:700|Simon:700|Julian:900|Marcel:700|Emil:500|Anton:500|
Jakob:500|Henry:500|Theo:400|Matteo:400|Oskar:400|Mohammed:250|Emir:100|Kevin:500|Dennis:500|Patrick:500|Erik:400|Jannik:400|Karl:300`,
  list: germanMen,
  listed: 36_000,
});
