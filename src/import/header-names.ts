import type { MappedColumn } from './mapping.schema.ts';

type Guess = Omit<MappedColumn, 'values' | 'format'>;

const to = (field: string, words: string, more: Omit<Guess, 'field'> = {}): [string, Guess][] => words.split(' ').map((word) => [word, { field, ...more }]);

/**
 * Usual names of columns in English, French, Spanish, Portuguese, German, Italian, Dutch and Swahili, folded: no marks, no blanks, lower
 * case. The first entry of a word counts.
 */
export const headerNames: ReadonlyMap<string, Guess> = new Map<string, Guess>(
  [
    ...to(
      'mrn',
      'mrn medicalrecordnumber recordnumber recordno patientnumber patientno patientid hospitalnumber hospitalno hospnum hn upi chartnumber chartno fileno filenumber pid numerodossier numdossier numeropatient ipp nip historiaclinica numerohistoria nhc numerohistoriaclinica prontuario numeroprontuario numeroprocesso patientennummer patnr fallnummer cartellaclinica codicepaziente patientnummer patientnr nambariyamgonjwa',
    ),
    ...to(
      'formerMrns',
      'formermrn formermrns oldmrn oldmrns previousmrn previousmrns alternatemrn oldnumber oldnumbers anciennumero numeroanterior altenummer',
    ),
    ...to(
      'fullName',
      'name fullname patientname nomcomplet nometprenom nomprenom nombrecompleto nombreyapellidos nomecompleto patientenname vollername nomeecognome jinakamili jina',
    ),
    ...to(
      'firstName',
      'firstname givenname given fname forename forenames firstnames prenom prenoms nombre nombres primernombre nome nomeproprio primeironome vorname vornamen rufname voornaam voornamen jinalakwanza',
    ),
    ...to(
      'middleName',
      'middlename middlenames middleinitial mi mname secondname othernames deuxiemeprenom segundonombre segundonome nomedomeio zweitername zweitervorname tussenvoegsel jinalakati',
    ),
    ...to(
      'lastName',
      'lastname surname familyname family lname nom nomdefamille apellido apellidos primerapellido apelido apelidos sobrenome ultimonome nachname familienname cognome achternaam familienaam jinalaukoo jinalamwisho',
    ),
    ...to('maidenName', 'maidenname birthname nomdenaissance nomdejeunefille apellidodesoltera nomedesolteira geburtsname cognomedanubile meisjesnaam'),
    ...to('alias', 'alias aka knownas preferredname nickname surnom'),
    ...to(
      'dateOfBirth',
      'dateofbirth dob birthdate birthday bdate born datedenaissance datenaissance ddn nele fechadenacimiento fechanacimiento fnac datadenascimento datanascimento nascimento geburtsdatum gebdatum gebdat geboren datadinascita datanascita geboortedatum tareheyakuzaliwa',
    ),
    ...to('estimatedAge', 'age ageyears estimatedage edad idade alter eta leeftijd umri'),
    ...to('gender', 'gender sex sexe genre sexo genero geschlecht sesso genere geslacht jinsia'),
    ...to('bloodType', 'bloodtype bloodgroup abo groupesanguin gruposanguineo tiposanguineo tipodesangre blutgruppe grupposanguigno bloedgroep kundiladamu'),
    ...to(
      'phone',
      'phone phonenumber telephone telephonenumber tel telno mobile mobilephone mobileno mobilenumber cell cellphone cellphonenumber contactnumber phone1 homephone portable telephoneportable telefono telefonomovil movil celular telefone telemovel telefon handy mobil mobilnummer telefonnummer cellulare telefoon telefoonnummer gsm simu nambayasimu',
    ),
    ...to('phoneSecondary', 'phone2 phonesecondary secondaryphone alternatephone altphone otherphone secondphone telephone2 telefono2 telefone2 telefon2'),
    ...to('telecom', 'workphone businessphone officephone', { telecomSystem: 'PHONE', use: 'WORK' }),
    ...to('telecom', 'fax faxnumber telefax', { telecomSystem: 'FAX', use: 'OTHER' }),
    ...to('email', 'email emailaddress mail courriel adresseemail adressemail correo correoelectronico correoe emailadresse baruapepe'),
    ...to(
      'addressLine1',
      'address address1 addressline1 street streetaddress addr1 adresse adresse1 rue direccion direccion1 domicilio calle endereco morada rua logradouro strasse strasseundhausnummer anschrift indirizzo via adres straat anwani',
    ),
    ...to('addressLine2', 'address2 addressline2 addr2 complement adresse2 direccion2 complemento adresszusatz'),
    ...to(
      'city',
      'city town municipality ville commune localite ciudad poblacion municipio localidad cidade ort stadt wohnort citta comune stad plaats woonplaats mji',
    ),
    ...to('state', 'state province region county stateprovince departement etat provincia estado departamento bundesland kanton regione provincie mkoa kaunti'),
    ...to('zipCode', 'zip zipcode postcode postalcode codepostal cp codigopostal cep plz postleitzahl cap postcodenl sandukulaposta'),
    ...to('country', 'country countrycode nation pays pais land paese nchi'),
    ...to('preferredLanguage', 'language preferredlanguage languagecode langue idioma lengua lingua sprache taal lugha'),
    ...to('deceased', 'deceased isdeceased dead decede fallecido falecido obito verstorben deceduto overleden amefariki'),
    ...to(
      'deceasedAt',
      'deceasedat dateofdeath deathdate dod datededeces datedeces fechadedefuncion fechadefuncion fechafallecimiento datadeobito dataobito sterbedatum todesdatum datadimorte datadecesso overlijdensdatum tareheyakufariki',
    ),
    ...to(
      'identifier',
      'nationalid nationalidnumber nationalidno idnumber idno ssn socialsecuritynumber numeronational numerodesecuritesociale nir dni nie cedula curp cpf nif personalausweisnummer codicefiscale bsn burgerservicenummer nhsnumber nhsno aadhaar kitambulisho',
      { type: 'NI' },
    ),
    ...to('identifier', 'passport passportnumber passportno passeport numeropasseport pasaporte passaporte reisepass reisepassnummer passaporto paspoort', {
      type: 'PPN',
    }),
    ...to(
      'identifier',
      'driverslicense driverlicense driverslicensenumber drivinglicence permisdeconduire licenciadeconducir cnh fuhrerschein patente rijbewijs',
      { type: 'DL' },
    ),
    ...to(
      'identifier',
      'insurancenumber insuranceno insuranceid policynumber memberid membernumber healthcardnumber numeroassurance numeroseguro cartaosus cns versichertennummer versicherungsnummer krankenkassennummer tesserasanitaria verzekeringsnummer nhif nhifnumber',
      { type: 'HC' },
    ),
    ...to(
      'contactFullName',
      'nextofkin nextofkinname nok nokname emergencycontact emergencycontactname contactname personneacontacter contactodeemergencia contatodeemergencia notfallkontakt contattoemergenza contactpersoon ndugu',
    ),
    ...to('contactFirstName', 'nextofkinfirstname nokfirstname emergencycontactfirstname contactfirstname'),
    ...to('contactLastName', 'nextofkinlastname noklastname emergencycontactlastname contactlastname'),
    ...to(
      'contactRelationship',
      'nextofkinrelationship nokrelationship nokrelation relationship relation emergencycontactrelationship contactrelationship parentesco parente verwandtschaft uhusiano',
    ),
    ...to(
      'contactPhone',
      'nextofkinphone nokphone noktelephone emergencycontactphone emergencyphone contactphone telefonocontacto telefonecontato notfalltelefon simuyandugu',
    ),
    ...to('contactEmail', 'nextofkinemail nokemail emergencycontactemail contactemail'),
    ...to('contactAddress', 'nextofkinaddress nokaddress emergencycontactaddress contactaddress'),
  ].toReversed(),
);

/** A header as the dictionary has it: `Date de naissance` is `datedenaissance`, `date_of_birth` is `dateofbirth`. */
export function foldHeader(header: string): string {
  return header
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll('ß', 'ss')
    .replaceAll(/[^\p{L}\p{N}]+/gu, '');
}

/** What words in a column of sexes stand for, in the same languages; numbers as in ISO/IEC 5218. */
export const genderWords: Readonly<Record<string, string>> = Object.fromEntries(
  [
    ['MALE', 'm male man masculin homme h hombre masculino homem mannlich männlich maschio uomo mannelijk mwanaume me 1'],
    ['FEMALE', 'f female woman w feminin féminin femme mujer femenino feminino mulher weiblich femmina donna vrouwelijk v mwanamke ke 2'],
    ['OTHER', 'o other x divers autre otro outro altro anders d 9'],
    ['UNKNOWN', 'u unknown unk inconnu desconocido desconhecido unbekannt sconosciuto onbekend 0'],
  ].flatMap(([meaning = '', words = '']) => words.split(' ').map((word) => [word, meaning])),
);
