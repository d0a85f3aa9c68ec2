import { spanishSurnames } from './longer-lists.ts';
import { joined, nameTable, splitNames } from './name-table.ts';

const made = joined(
  splitNames(
    'Alcal|Arand|Barr|Cald|Carmon|Casti|Echev|Fuent|Garri|Herr|Ibarr|Lagun|Mend|Mont|Olivar|Pal|Quint|Riv|Salced|Sant|Urr|Val|Vill|Zald|Arr|Bel|Cab|Dom|Esc|Gal|Lor|Mar|Nav|Ord|Per|Rob|Sol|Torr|Ub|Zam',
  ),
  splitNames('ez|ero|es|osa|ares|eda|al|ana|ano|ado|erra|ez|illo|uela|oza|era|eta|igo|etxea|ondo|ales|onda|uño|ín|enes|án|ero|ales|aga|eña'),
);

/** Per 100,000 first surnames: order and size of the lists of the Spanish statistical office (INE), rounded; Latin American ones are close. */
export const spanishFamilies = nameTable({
  counted: `García:3090|Rodríguez:1970|González:1960|Fernández:1930|López:1840|Martínez:1770|Sánchez:1730|Pérez:1650|Gómez:1040|Martín:1030|Jiménez:830|Hernández:780|
Ruiz:780|Díaz:720|Moreno:680|Muñoz:590|Álvarez:590|Romero:470|Gutiérrez:450|Alonso:430|Navarro:390|Torres:380|Domínguez:370|Ramos:330|Vázquez:330|Ramírez:330|Gil:320|
Serrano:310|Morales:310|Molina:300|Blanco:300|Suárez:280|Castro:280|Ortega:270|Delgado:270|Ortiz:270|Marín:250|Rubio:250|Núñez:230|Medina:230|Sanz:220|Castillo:210|
Iglesias:210|Cortés:200|Garrido:190|Santos:190|Guerrero:190|Lozano:180|Cano:180|Cruz:180|Flores:180|Méndez:170|Herrera:170|Prieto:160|Peña:170|León:160|Márquez:160|
Cabrera:160|Gallego:150|Calvo:150|Vidal:140|Campos:140|Reyes:140|Vega:140|Fuentes:130|Carrasco:130|Aguilar:130|Caballero:120|Nieto:120|Santana:120|Vargas:120|
Hidalgo:110|Giménez:110|Ibáñez:110|Montero:110|Pascual:110|Santiago:100|Mora:100|Vicente:100|Benítez:100|Arias:100|Durán:90|Carmona:90|Ferrer:90|Rivera:100|Soto:90|
de la Cruz:60|de la Fuente:40|del Río:30|de León:30|San Martín:15|Ponce de León:6`,
  list: spanishSurnames,
  listed: 32_000,
  made,
});

/** The leading given names in the order of the same office, shares rounded; María and José mostly with a second name. */
export const spanishWomen = nameTable({
  counted: `María Carmen:2600|María:2500|Carmen:1500|Ana María:1100|María Pilar:1000|Laura:1050|Josefa:900|Isabel:1050|María Dolores:1000|María Teresa:950|Ana:1100|
Cristina:870|Marta:880|María Ángeles:830|Lucía:850|María Isabel:800|María José:820|Francisca:780|Antonia:750|Dolores:700|Sara:620|Paula:650|Elena:650|Raquel:550|
Rosa María:520|Manuela:500|Pilar:480|Concepción:480|María Jesús:470|Julia:400|Mercedes:450|Beatriz:420|Alba:450|Nuria:400|Silvia:400|Rosario:390|Irene:380|
Guadalupe:450|Juana:400|Teresa:400|Encarnación:350|Andrea:400|Rocío:370|Sofía:420|Daniela:350|Valeria:280|Ximena:150|Rosa:450|Verónica:300|Alejandra:350|Gabriela:300|
Fernanda:250|Margarita:350|Yolanda:250|Leticia:220|Patricia:350|Claudia:330|Adriana:260|Mónica:300|Eva:320|Ainhoa:120|Noelia:170|Carla:250|Martina:230|Inés:220|Belén:100`,
});
export const spanishMen = nameTable({
  counted: `Antonio:2700|Manuel:2400|José:2300|Francisco:1950|David:1550|Juan:1400|Javier:1350|José Antonio:1650|Daniel:1350|José Luis:1150|Francisco Javier:1150|Carlos:1250|
Jesús:1150|Alejandro:1200|Miguel:950|José Manuel:950|Rafael:900|Miguel Ángel:900|Pedro:870|Pablo:900|Ángel:750|Sergio:820|José María:750|Fernando:780|Jorge:780|Luis:980|
Alberto:700|Juan Carlos:750|Álvaro:650|Adrián:650|Juan José:650|Diego:620|Raúl:540|Iván:500|Juan Antonio:500|Rubén:500|Enrique:500|Óscar:450|Ramón:430|Vicente:380|
Andrés:420|Juan Manuel:450|Joaquín:400|Mario:380|Santiago:400|Víctor:400|Eduardo:400|Hugo:350|Roberto:350|Jaime:300|Marcos:310|Ricardo:280|Emilio:230|Guillermo:260|
Salvador:220|Julio:230|Mateo:230|Martín:220|Leonardo:130|Emiliano:80|Iker:130|Gael:60|Ignacio:270|Gonzalo:220|Lucas:270|Nicolás:220|Arturo:200|Alfonso:230|Felipe:180`,
});
