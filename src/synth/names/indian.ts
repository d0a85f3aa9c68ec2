import { indianMen, indianSurnames, indianWomen } from './longer-lists.ts';
import { joined, nameTable, splitNames } from './name-table.ts';

/** India publishes no counts of names: the order is that of common lists, the shares are estimates. */
export const indianFamilies = nameTable({
  counted: `Singh:2600|Kumar:2500|Devi:1800|Sharma:1100|Khan:1100|Yadav:1000|Patel:900|Das:800|Ram:650|Verma:550|Gupta:600|Lal:500|Mishra:450|Prasad:450|Kaur:700|Begum:400|Roy:350|Mondal:400|Jadhav:300|
Pawar:280|Shaikh:350|Ansari:300|Reddy:400|Rao:350|Nair:220|Pillai:150|Iyer:60|Menon:60|Joshi:300|Patil:450|Shinde:300|Chauhan:350|Thakur:300|Pandey:400|Tiwari:330|Bibi:500|Khatun:400|Mahto:250|Paswan:200|
Ghosh:250|Chatterjee:80|Banerjee:90|Mukherjee:90|Agarwal:140|Jain:200|Shah:250|Mehta:120|Desai:110|Naik:170|Fernandes:60|D'Souza:50|Gowda:160|Shetty:90|Murugan:120|Subramanian:60|Krishnan:110`,
  list: indianSurnames,
  listed: 8_000,
  made: joined(
    splitNames('Ramesh|Chandra|Bhat|Vish|Deep|Kal|Man|Nar|Pan|Raj|Sar|Tar|Uma|Ven|Anand|Bal|Dev|Gan|Har|Ind|Jag|Kam|Laksh|Moh|Nand|Om|Prem|Rav|Shiv|Sur'),
    splitNames('kar|wala|pur|nath|raj|endra|murthy|swamy|kant|esh|ani|wal|tia|dhar|a|kumar|lal|gowda|appa|amma|anna|das|deo|puri|gaonkar'),
  ),
});
export const indianFemale = nameTable({
  counted: `Sunita:1100|Anita:1000|Priya:1100|Pooja:1000|Lakshmi:1000|Sita:600|Geeta:800|Rekha:800|Kavita:700|Neha:800|Asha:700|Meena:700|Savitri:500|Manju:600|Usha:600|Shanti:500|Radha:500|Aarti:600|
Jyoti:700|Kiran:500|Suman:500|Nisha:500|Fatima:500|Ayesha:300|Divya:500|Deepa:400|Anjali:600|Sarita:500|Mamta:500|Saraswati:350|Kamala:400|Aadhya:200|Ananya:250|Saanvi:150|Diya:200`,
  list: indianWomen,
  listed: 40_000,
});
export const indianMale = nameTable({
  counted: `Rahul:1200|Ramesh:1100|Suresh:1100|Rajesh:1200|Mohammed:1500|Sanjay:1000|Vijay:1000|Amit:1000|Ravi:900|Anil:900|Sunil:900|Manoj:800|Rakesh:700|Ashok:700|Mahesh:700|Dinesh:700|Mukesh:700|Deepak:700|
Santosh:700|Arjun:600|Krishna:700|Ganesh:600|Ajay:700|Vinod:600|Abdul:600|Imran:300|Karthik:300|Arun:600|Rohit:500|Vikram:400|Gopal:400|Harish:350|Aarav:250|Vihaan:150|Aditya:400`,
  list: indianMen,
  listed: 40_000,
});
