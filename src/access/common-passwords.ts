/**
 * Words and passwords that head the published lists, in lower case without signs and without digits at the end: a password
 * that is one of them, or one of them with digits and signs behind, is refused. Short, because 12 characters keep most of the lists out.
 */
export const commonPasswords: ReadonlySet<string> = new Set(
  `password passwort passw0rd motdepasse contrasena wachtwoord nenosiri parola senha
  passwordpassword passwordadmin adminpassword mypassword mypasswordis thepassword newpassword changeme changemenow changemeplease pleasechangeme
  letmein letmeinplease letmeinnow welcome welcomehome welcometo welcomeback karibu karibusana
  administrator administrateur administration superadmin superuser rootroot sysadmin systemadmin adminadmin adminadminadmin
  qwerty qwertyuiop qwertyqwerty qwertyasdfgh qwertyuiopasdf asdfghjkl asdfasdfasdf zxcvbnm zxcvbnmasdf 1q2w3e4r5t6y 1q2w3e4r5t6y7u 1qaz2wsx3edc qazwsxedcrfv
  abcdefghijkl abcdabcdabcd abc123abc123 a1b2c3d4e5f6 aaaaaaaaaaaa
  123456789012 1234567890123 012345678901 111111111111 000000000000 123123123123 112233445566 987654321098 121212121212
  iloveyou iloveyouforever iloveyoubaby ilovejesus iloveu forever princess princessprincess sunshine sunshinesunshine monkeymonkey dragondragon
  football footballfootball baseball baseballbaseball basketball liverpool manchester manchesterunited chelseafc arsenalfc realmadrid barcelona
  superman superman123 spiderman batmanbatman starwars starwarsstarwars pokemonpokemon michaeljackson jesuschrist jesusislord godisgood godislove
  summersummer winterwinter springspring autumnautumn summertime wintertime
  trustnoone trustno1trustno1 whatever whateverwhatever correcthorsebatterystaple correcthorse correctbatteryhorse
  hospital hospitalhospital myhospital clinicclinic doctordoctor nursenurse surgery surgeryward theatre operatingtheatre patientpatient patients medicalrecords
  healthcare ministryofhealth emergencyroom reception frontdesk pharmacy laboratory
  secretsecret supersecret topsecret secretpassword testtesttest testingtesting testpassword tester temporary temporarypassword defaultpassword defaultdefault
  computer computercomputer internet internetinternet microsoft windows windowswindows googlegoogle facebook facebookfacebook samsung samsungsamsung
  january february september october november december monday wednesday thursday saturday`
    .split(/\s+/)
    .filter((word) => word !== ''),
);
