import { splitNames } from './name-table.ts';

/** Short and pet names that people give at a desk. Ours, and not those of the matcher: a test that shared them would test itself. */
export const nicknames: ReadonlyMap<string, readonly string[]> = new Map(
  splitNames(`William=Bill,Will,Billy|Robert=Bob,Rob,Bobby|Richard=Rick,Dick|James=Jim,Jimmy|John=Jack,Johnny|Michael=Mike,Mick|Joseph=Joe,Joey|Thomas=Tom,Tommy|Charles=Charlie,Chuck|
Christopher=Chris|Daniel=Dan,Danny|Matthew=Matt|Anthony=Tony|Donald=Don|Steven=Steve|Stephen=Steve|Andrew=Andy,Drew|Joshua=Josh|Kenneth=Ken|Edward=Ed,Ted|Ronald=Ron|Timothy=Tim|
Jeffrey=Jeff|Nicholas=Nick|Jonathan=Jon|Lawrence=Larry|Benjamin=Ben|Samuel=Sam|Gregory=Greg|Alexander=Alex,Sasha|Patrick=Pat|Raymond=Ray|Zachary=Zach|Peter=Pete|Walter=Walt|
Elizabeth=Liz,Beth,Betty|Patricia=Pat,Patty|Jennifer=Jen,Jenny|Margaret=Peggy,Maggie|Dorothy=Dot|Barbara=Barb|Susan=Sue|Jessica=Jess|Kimberly=Kim|Deborah=Debbie|Rebecca=Becky|
Katherine=Kate,Kathy|Catherine=Cathy,Kate|Kathleen=Kathy|Christine=Chris,Tina|Christina=Tina|Samantha=Sam|Victoria=Vicky|Pamela=Pam|Amanda=Mandy|Stephanie=Steph|Cynthia=Cindy|
Angela=Angie|Theresa=Terry|Abigail=Abby|Isabella=Bella|Sandra=Sandy|Judith=Judy|Virginia=Ginny|Hans=Hansi|Johannes=Hannes|Maximilian=Max|Elisabeth=Lisa,Sissi|Katharina=Kathi,Käthe|
Johanna=Hanna|Josef=Sepp|Michael=Michi|Günter=Günni|José=Pepe|Francisco=Paco,Pancho|Manuel=Manolo|Antonio=Toni|Jesús=Chuy|Ignacio=Nacho|Guadalupe=Lupe|Dolores=Lola|Concepción=Concha|
Francisca=Paca|Rosario=Charo|Isabel=Isa|Katarzyna=Kasia|Małgorzata=Gosia|Agnieszka=Aga|Krzysztof=Krzysiek|Piotr=Piotrek|Tomasz=Tomek|Stanisław=Staszek|Aleksandra=Ola|Joanna=Asia|
Александр=Саша|Сергей=Серёжа|Дмитрий=Дима|Алексей=Лёша|Владимир=Вова|Николай=Коля|Михаил=Миша|Евгений=Женя|Екатерина=Катя|Мария=Маша|Анастасия=Настя|Наталья=Наташа|Татьяна=Таня|
Елена=Лена|Ольга=Оля|Светлана=Света|Людмила=Люда|Aleksandr=Sasha|Sergei=Serezha|Dmitrii=Dima|Ekaterina=Katia|Mariia=Masha|Anastasiia=Nastia|Nataliia=Natasha|Tatiana=Tania|Elena=Lena|
Олександр=Сашко|Олена=Оленка|Тетяна=Таня|Γεώργιος=Γιώργος|Ιωάννης=Γιάννης|Κωνσταντίνος=Κώστας|Αικατερίνη=Κατερίνα|Georgios=Giorgos|Ioannis=Giannis|Konstantinos=Kostas|Dimitrios=Mitsos|
Mehmet=Memo|Mustafa=Mıstık|İbrahim=İbo|Fatma=Fatoş|Süleyman=Sülo|Joseph=Jose|Josphat=Jose|Margaret=Maggy|Oluwaseun=Seun|Babatunde=Tunde|Chukwuemeka=Emeka|Ifeanyi=Ify`).map(
    (entry) => {
      const [full = '', short = ''] = entry.split('=');
      return [full, short.split(',')] as const;
    },
  ),
);
