import { nigerianSurnames } from './longer-lists.ts';
import { joined, nameTable, splitNames } from './name-table.ts';

// Kenya and Nigeria publish no counts of names: the order is that of common lists, the shares are estimates.

/** Given names of the peoples of Kenya, which become surnames of the next generation. */
export const kenyanFamilies = nameTable({
  counted: `Otieno:1500|Mwangi:1500|Odhiambo:1200|Maina:1000|Ochieng:1100|Kamau:1100|Njoroge:900|Kariuki:900|Onyango:1000|Omondi:900|Wanjiru:600|Kimani:800|Karanja:700|Owino:600|Juma:700|Mutua:700|Musyoka:600|
Wafula:700|Wekesa:600|Barasa:500|Simiyu:450|Kiprotich:500|Kipkemboi:350|Koech:500|Rotich:500|Cheruiyot:500|Langat:450|Kibet:450|Korir:450|Chepkoech:250|Hassan:600|Mohamed:700|Abdi:700|Ali:500|Hussein:400|
Njuguna:400|Gitau:400|Macharia:400|Mugo:300|Muriuki:350|Nyaga:200|Mwiti:200|Muthomi:150|Nyambura:300|Wambui:300|Achieng:300|Atieno:300|Akinyi:250|Adhiambo:250|Nzomo:100|Kilonzo:250|Muli:200|Nyamweya:120|
Ombati:120|Nyaboke:100|Mwakio:60|Baya:120|Kazungu:150|Charo:150|Lokwawi:30|Ekai:70|ole Ntimama:5|arap Moi:3`,
  made: joined(
    splitNames('Kip|Chep|Mu|Wa|Nya|O|Ki|Nde|Ka|Ma|Ng’|A|Ko|Mwa|Ru|Li|Sa|Ba|Si|Ogo'),
    splitNames(
      'ruto|kemei|tai|mbogo|rimi|kumu|geno|lei|sang|ngare|thoni|beti|kosgei|chumba|ndiki|loti|mani|wiro|tanui|lagat|gari|rungu|nyoka|keter|were|sumba|ndeti|kuria|gichi|nduta',
    ),
  ),
});
export const kenyanWomen = nameTable({
  counted: `Mary:2600|Jane:1700|Grace:1800|Faith:1700|Mercy:1600|Esther:1400|Lucy:1200|Ann:1300|Elizabeth:1100|Margaret:1000|Alice:800|Caroline:900|Beatrice:700|Joyce:800|Catherine:800|Sarah:800|Rose:900|
Agnes:700|Purity:700|Sharon:700|Nancy:700|Irene:600|Fatuma:700|Amina:600|Halima:500|Zainab:250|Joy:600|Brenda:500|Winnie:500|Lilian:500|Florence:500|Ruth:500|Eunice:500|Gladys:400|Susan:500|Cynthia:400|Vivian:350|Diana:400|Naomi:400`,
});
export const kenyanMen = nameTable({
  counted: `John:2600|Joseph:2000|David:1900|Peter:1900|James:1800|Brian:1500|Samuel:1400|Daniel:1300|Dennis:1100|Kevin:1100|Stephen:1200|Paul:1000|Michael:900|Francis:900|George:900|Charles:800|Simon:800|
Evans:500|Victor:700|Collins:500|Moses:700|Mohamed:900|Hassan:500|Abdi:600|Ahmed:400|Patrick:600|Philip:500|Antony:500|Emmanuel:500|Isaac:500|Vincent:500|Geoffrey:500|Robert:500|Josphat:250|Elijah:250|Erick:400|Felix:350|Ian:300`,
});
export const nigerianFamilies = nameTable({
  counted: `Ibrahim:1600|Musa:1300|Abubakar:1200|Mohammed:1400|Adamu:700|Usman:900|Sani:700|Abdullahi:1100|Bello:700|Suleiman:600|Yusuf:800|Umar:600|Garba:450|Lawal:500|Okafor:500|Okoro:400|Eze:450|Nwachukwu:250|
Okeke:300|Obi:300|Chukwu:300|Nwosu:250|Onyekachi:100|Adeyemi:350|Ogunleye:150|Adebayo:400|Oladipo:150|Balogun:250|Afolabi:200|Olaniyan:120|Akinola:150|Adewale:250|Oyewole:100|Bassey:150|Effiong:120|Etim:100|
Udoh:150|Danjuma:250|Audu:200|Haruna:300`,
  list: nigerianSurnames,
  listed: 12_000,
  made: joined(
    splitNames('Ade|Olu|Ogun|Oye|Aki|Ola|Chuk|Nwa|Oko|Eze|Obi|Onye|Uche|Ike|Ayo|Ifa|Oba|Ala|Emeka|Ugo'),
    splitNames('yemi|wale|bayo|sola|tunde|kunle|biyi|niyi|femi|gbenga|ma|ndu|nna|chi|du|ka|wu|nkwo|nwa|zor|kwe|buike|moye|toye|lola|shina|tola|dele|mola|dayo'),
  ),
});
export const nigerianWomen = nameTable({
  counted: `Fatima:1700|Aisha:1700|Blessing:1500|Mary:1200|Grace:1000|Zainab:1000|Hauwa:900|Joy:800|Mercy:800|Amina:1000|Maryam:900|Ngozi:500|Chioma:600|Chinyere:400|Ifeoma:400|Amaka:350|Funmilayo:350|Yetunde:300|
Bukola:300|Folake:250|Temitope:350|Esther:700|Ruth:500|Khadija:600|Hadiza:500|Peace:500|Patience:400|Gift:300|Adaeze:250|Nneka:250|Oluwaseun:200|Titilayo:200|Bose:200|Halima:600|Safiya:300|Rukayat:200|Deborah:300|Sarah:400`,
});
export const nigerianMen = nameTable({
  counted: `Mohammed:2200|Ibrahim:1700|Abubakar:1200|Musa:1100|Usman:900|Emmanuel:1300|John:1100|Samuel:1000|Daniel:900|David:800|Joseph:800|Abdullahi:1000|Suleiman:600|Yusuf:800|Aliyu:600|Umar:600|Sani:500|
Chinedu:500|Emeka:450|Chukwuemeka:250|Ifeanyi:350|Obinna:350|Tunde:300|Babatunde:250|Segun:300|Femi:300|Kunle:200|Oluwaseun:250|Adewale:250|Michael:700|Peter:700|Sunday:700|Friday:300|Monday:200|Godwin:400|Victor:450|Kelechi:250|Uche:250`,
});
