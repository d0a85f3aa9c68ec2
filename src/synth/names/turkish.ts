import { turkishMen, turkishSurnames, turkishWomen } from './longer-lists.ts';
import { joined, nameTable, splitNames } from './name-table.ts';

const made = joined(
  splitNames(
    'Ak|Kara|Demir|Öz|Er|Gün|Taş|Yıl|Bal|Dağ|Su|Altın|Tok|Kaya|Çelik|Sarı|Kızıl|Deniz|Ulu|Can|Soy|Bay|Tan|Yur|Var|Şen|Gök|Bulut|Koca|Say|Bil|Duru|El|Ay|Yeşil|Büyük|Kılıç|Top|Çam|Us',
  ),
  splitNames('oğlu|kaya|soy|er|demir|can|taş|yürek|tepe|dağ|kan|gül|han|türk|tekin|alp|su|bulut|ay|gün|ses|bay|doğan|baş|pınar|lar|göz|özü|man|tuğ'),
);

/** Per 100,000: the leading surnames in the order of the Turkish civil registry's lists, shares rounded. */
export const turkishFamilies = nameTable({
  counted: `Yılmaz:1500|Kaya:1150|Demir:1080|Şahin:800|Çelik:790|Yıldız:770|Yıldırım:740|Öztürk:730|Aydın:650|Özdemir:650|Arslan:610|Doğan:600|Kılıç:540|Aslan:510|Çetin:480|
Kara:470|Koç:440|Kurt:440|Özkan:380|Şimşek:380|Polat:370|Korkmaz:350|Özcan:340|Çakır:330|Erdoğan:330|Yavuz:320|Can:310|Acar:300|Şen:300|Aktaş:290|Güler:290|Yalçın:280|
Güneş:280|Bozkurt:270|Bulut:260|Keskin:260|Ünal:260|Turan:250|Gül:240|Özer:240|Işık:230|Kaplan:230|Avcı:220|Sarı:220|Tekin:210|Taş:200|Köse:200|Yüksel:190|Ateş:190|
Aksoy:180|Coşkun:180|Tunç:150|Uçar:150|Duman:150|Karaca:140|Toprak:130|Bilgin:120|Ceylan:120|Akın:110|Uzun:110`,
  list: turkishSurnames,
  listed: 35_000,
  made,
});
export const turkishFemale = nameTable({
  counted: `Fatma:3600|Ayşe:3100|Emine:2400|Hatice:2300|Zeynep:1950|Elif:1500|Meryem:1050|Şerife:850|Zehra:900|Sultan:850|Hanife:650|Merve:900|Havva:600|Zeliha:550|Esra:750|Fadime:450|
Özlem:550|Hacer:500|Yasemin:600|Melek:550|Rabia:450|Hülya:500|Cemile:400|Sevim:420|Gülsüm:370|Leyla:420|Kübra:550|Büşra:550|Songül:430|Derya:430|Ebru:400|Tuğba:400|Defne:250|Ecrin:250`,
  list: turkishWomen,
  listed: 45_000,
});
export const turkishMale = nameTable({
  counted: `Mehmet:3600|Mustafa:3000|Ahmet:2600|Ali:2200|Hüseyin:1850|Hasan:1750|İbrahim:1400|İsmail:1250|Yusuf:1050|Osman:1000|Murat:1100|Ömer:1000|Ramazan:900|Halil:750|Süleyman:700|
Abdullah:700|Mahmut:550|Recep:530|Salih:450|Fatih:650|Emre:650|Kadir:500|Hakan:600|Serkan:480|Adem:430|Kemal:430|Yaşar:380|Bekir:330|Musa:330|Metin:380|Orhan:380|Furkan:350|Eymen:200`,
  list: turkishMen,
  listed: 45_000,
});
