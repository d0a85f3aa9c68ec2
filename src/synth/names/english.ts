import { englishMen, englishSurnames, englishWomen, germanSurnames, italianSurnames, polishSurnames, spanishSurnames } from './longer-lists.ts';
import { joined, nameTable, same, splitNames, type WrittenName } from './name-table.ts';
import type { Random } from '../random.ts';

/** Surnames of England in form: a place or a trade, and an ending. */
const made = joined(
  splitNames(
    'Ash|Hart|Brad|Ston|Whit|Black|Wood|Fair|Brook|Mar|West|Hol|Kirk|Lang|Win|Thorn|Red|Clif|North|Hay|Old|Long|Grim|Swan|Bur|Wal|Bram|Hem|Col|Rad|Stan|Hal|Pen|Wat|Dal|Crom|Ed|Leth|Ather|Bick|Cot|Dun|Ever|Farn|Gar|Hun|Ing|Kel|Lin|Mil|Nor|Ot|Pick|Rams|Sel|Tun|Up|Wex|Yard|Al',
  ),
  splitNames(
    'ton|ley|ford|well|field|wood|man|worth|son|ham|bridge|er|land|by|gate|hurst|more|stone|wick|combe|den|shaw|bourne|house|brook|cliffe|dale|thorpe|bury|ings|lock|mere|ridge|side|wright',
  ),
);
const elsewhere = [germanSurnames, italianSurnames, polishSurnames, spanishSurnames, englishSurnames].map((list) => splitNames(list));

/** In the United States most rare surnames came from elsewhere. */
const madeInAmerica = (random: Random): WrittenName => {
  const list = random.perMille(550) ? undefined : random.pick(elsewhere);
  return list ? same(list[random.skewed(list.length)] as string) : made(random);
};

/** Per 100,000 people: US Census Bureau, Frequently Occurring Surnames from the 2010 Census (public domain), counts over 294,979,229, rounded. */
export const usSurnames = nameTable({
  counted: `Smith:828|Johnson:655|Williams:551|Brown:487|Jones:483|Garcia:395|Miller:394|Davis:378|Rodriguez:371|Martinez:359|Hernandez:354|Lopez:296|
Gonzalez:285|Wilson:272|Anderson:266|Thomas:256|Taylor:255|Moore:246|Jackson:240|Martin:238|Lee:235|Perez:231|Thompson:225|White:224|Harris:212|
Sanchez:208|Clark:191|Ramirez:189|Lewis:180|Robinson:180|Walker:177|Young:164|Allen:164|King:158|Wright:156|Scott:149|Torres:148|Nguyen:148|Hill:147|
Flores:147|Green:146|Adams:145|Nelson:144|Baker:142|Hall:138|Rivera:133|Campbell:131|Mitchell:130|Carter:128|Roberts:128|Gomez:124|Phillips:122|
Evans:121|Turner:118|Diaz:118|Parker:114|Cruz:113|Edwards:113|Collins:112|Reyes:111|Stewart:110|Morris:108|Morales:106|Murphy:105|Cook:103|Rogers:102|
Gutierrez:99|Ortiz:97|Morgan:97|Cooper:95|Peterson:94|Bailey:94|Reed:94|Kelly:91|Howard:90|Ramos:89|Kim:89|Cox:89|Ward:88|Richardson:88|Watson:86|
Brooks:85|Chavez:85|Wood:85|James:85|Bennett:84|Gray:83|Mendoza:82|Ruiz:81|Hughes:80|Price:80|Alvarez:79|Castillo:78|Sanders:78|Patel:78|Myers:78|Long:77|
Ross:77|Foster:77|Jimenez:76`,
  list: `${englishSurnames}|${germanSurnames}|${italianSurnames}`,
  listed: 38_000,
  made: madeInAmerica,
});

/** Per 100,000 in England and Wales: the leading names in the order of published lists, shares rounded. */
export const britishSurnames = nameTable({
  counted: `Smith:1260|Jones:980|Williams:700|Taylor:590|Brown:560|Davies:530|Evans:410|Wilson:390|Thomas:370|Johnson:360|Roberts:350|Robinson:310|Thompson:300|
Wright:300|Walker:300|White:290|Edwards:290|Hughes:280|Green:280|Hall:270|Lewis:260|Harris:260|Clarke:250|Patel:250|Jackson:240|Wood:230|Turner:220|Martin:220|
Cooper:210|Hill:210|Ward:200|Morris:200|Moore:190|Clark:190|Lee:190|King:180|Baker:180|Harrison:180|Morgan:170|Allen:170|James:160|Scott:160|Phillips:150|
Watson:150|Davis:150|Parker:140|Price:140|Bennett:140|Young:140|Griffiths:130|Mitchell:130|Kelly:130|Cook:130|Carter:120|Richardson:120|Bailey:120|Collins:120|
Bell:110|Shaw:110|Murphy:110|Miller:110|Cox:110|Richards:110|Khan:110|Marshall:110|Anderson:100|Simpson:100|Ellis:100|Adams:100|Singh:100|Begum:90|Ali:90|
Hussain:90|Ahmed:80|Wilkinson:90|Foster:90|Chapman:90|Mason:80|Powell:80|Webb:80|Rogers:80|Gray:80|Hunt:80|Mills:70|Palmer:70|Holmes:70|Lloyd:70`,
  list: englishSurnames,
  listed: 9_000,
  made,
});

/** Per 100,000 women and men: US Census Bureau, 1990 (public domain), for the years of birth up to 1990. */
export const olderEnglishWomen = nameTable({
  counted: `Mary:2629|Patricia:1073|Linda:1035|Barbara:980|Elizabeth:937|Jennifer:932|Maria:828|Susan:794|Margaret:768|Dorothy:727|Lisa:704|Nancy:669|Karen:667|
Betty:666|Helen:663|Sandra:629|Donna:583|Carol:565|Ruth:562|Sharon:522|Michelle:519|Laura:510|Sarah:508|Kimberly:504|Deborah:494|Jessica:490|Shirley:482|
Cynthia:469|Angela:468|Melissa:462|Brenda:455|Amy:451|Anna:440|Rebecca:430|Virginia:430|Kathleen:424|Pamela:416|Martha:412|Debra:408|Amanda:404|
Stephanie:400|Carolyn:385|Christine:382|Marie:379|Janet:379|Catherine:373|Frances:370|Ann:364|Joyce:364|Diane:359|Alice:357|Julie:348|Heather:337|Teresa:336|
Doris:335|Gloria:335|Evelyn:322|Jean:315|Cheryl:315|Mildred:313|Katherine:313|Joan:306|Ashley:303|Judith:297|Rose:296|Janice:291|Kelly:283|Nicole:281|
Judy:276|Christina:275|Kathy:272|Theresa:270|Beverly:267|Denise:264|Tammy:259|Irene:252|Jane:250|Lori:248|Rachel:242|Marilyn:241|Andrea:236|Kathryn:234|Louise:229`,
  list: englishWomen,
  listed: 52_000,
});
export const olderEnglishMen = nameTable({
  counted: `James:3318|John:3271|Robert:3143|Michael:2629|William:2451|David:2363|Richard:1703|Charles:1523|Joseph:1404|Thomas:1380|Christopher:1035|Daniel:974|
Paul:948|Mark:938|Donald:931|George:927|Kenneth:826|Steven:780|Edward:779|Brian:736|Ronald:725|Anthony:721|Kevin:671|Jason:660|Matthew:657|Gary:650|
Timothy:640|Jose:613|Larry:598|Jeffrey:591|Frank:581|Scott:546|Eric:544|Stephen:540|Andrew:537|Raymond:488|Gregory:441|Joshua:435|Jerry:432|Dennis:415|
Walter:399|Patrick:389|Peter:381|Harold:371|Douglas:367|Henry:365|Carl:346|Arthur:335|Ryan:328|Roger:322|Joe:321|Juan:316|Jack:315|Albert:314|Jonathan:313|
Justin:311|Terry:311|Gerald:309|Keith:308|Samuel:306|Willie:302|Ralph:282|Lawrence:282|Nicholas:275|Roy:273|Benjamin:270|Bruce:263|Brandon:260|Adam:259|
Harry:251|Fred:251|Wayne:249|Billy:248|Steve:246|Louis:243|Jeremy:242|Aaron:240|Randy:232|Howard:230|Eugene:230|Carlos:229|Russell:224|Bobby:223|Victor:222`,
  list: englishMen,
  listed: 34_000,
});

/** Per 100,000 births after 1990: the order of the Social Security Administration's lists (public domain), shares rounded. */
export const youngerEnglishWomen = nameTable({
  counted: `Emily:1150|Emma:1080|Olivia:1000|Madison:900|Hannah:850|Abigail:820|Isabella:900|Sophia:900|Ashley:880|Samantha:830|Elizabeth:780|Ava:820|Sarah:790|
Jessica:800|Mia:700|Alexis:690|Taylor:640|Grace:610|Alyssa:600|Lauren:580|Charlotte:560|Amelia:520|Victoria:560|Natalie:520|Chloe:520|Ella:500|Kayla:520|
Brianna:500|Rachel:500|Anna:480|Megan:480|Sydney:440|Avery:430|Harper:400|Evelyn:400|Zoe:380|Lily:390|Julia:400|Hailey:380|Destiny:360|Jasmine:400|Morgan:370|
Haley:350|Sofia:420|Amanda:400|Nicole:350|Allison:330|Savannah:320|Maya:290|Leah:290|Aaliyah:260|Gabriella:290|Brooklyn:260|Camila:270|Aria:240|Scarlett:240|
Layla:250|Riley:270|Nora:220|Zoey:230|Penelope:200|Lillian:240|Addison:230|Aubrey:220|Stella:190|Luna:170|Violet:160|Hazel:150|Aurora:150|Claire:200|Lucy:180`,
  list: englishWomen,
  listed: 60_000,
});
export const youngerEnglishMen = nameTable({
  counted: `Jacob:1350|Michael:1250|Matthew:1150|Joshua:1100|Christopher:950|Andrew:950|Daniel:950|Ethan:900|Joseph:880|William:900|Anthony:870|David:800|
Alexander:860|Noah:880|Ryan:760|Nicholas:780|Tyler:680|James:780|John:700|Liam:720|Mason:680|Benjamin:640|Jonathan:580|Brandon:620|Samuel:560|Logan:580|
Christian:520|Elijah:600|Dylan:540|Nathan:500|Zachary:480|Jackson:520|Lucas:520|Gabriel:470|Caleb:430|Justin:480|Isaac:380|Luke:400|Aiden:460|Oliver:440|
Evan:380|Jack:400|Henry:380|Jayden:420|Jordan:380|Isaiah:380|Kevin:370|Owen:370|Angel:380|Robert:420|Jose:400|Connor:340|Aaron:350|Thomas:370|Cameron:340|
Hunter:350|Austin:370|Adrian:310|Charles:330|Eli:310|Wyatt:320|Sebastian:330|Julian:330|Carter:330|Levi:310|Grayson:260|Theodore:220|Mateo:240|Ezra:180|Leo:200`,
  list: englishMen,
  listed: 48_000,
});
