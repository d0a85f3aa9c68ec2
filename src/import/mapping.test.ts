import { parse } from 'yaml';
import { expect, test } from 'vitest';
import { checkRow } from './check-row.ts';
import { readDate } from './date-format.ts';
import { duplicateKeys } from './duplicate-keys.ts';
import { guessColumns, guessDelimiter, mappingOf, writeMapping } from './guess-mapping.ts';
import { createKeySet } from './key-set.ts';
import { ImportMapping } from './mapping.schema.ts';
import { createJsonReader } from './read-json.ts';
import { createRowReader, splitName } from './read-row.ts';
import { csvHeader, csvLine, syntheticPeople } from '../synth/index.ts';

const today = '2026-11-23';
const check = { now: new Date('2026-11-23T12:00:00Z'), timeZone: 'UTC', defaultCountry: 'KE', authorities: [] };

test.each([
  ['en', 'MRN,First Name,Surname,D.O.B.,Sex,Mobile No,Postcode', 'mrn firstName lastName dateOfBirth gender phone zipCode'],
  ['fr', 'N° dossier,Prénom,Nom de famille,Date de naissance,Sexe,Téléphone,Code postal', ' firstName lastName dateOfBirth gender phone zipCode'],
  ['es', 'Historia clínica,Nombres,Apellidos,Fecha de nacimiento,Sexo,Teléfono,Código postal', 'mrn firstName lastName dateOfBirth gender phone zipCode'],
  ['pt', 'Prontuário,Primeiro nome,Apelido,Data de nascimento,Sexo,Telemóvel,Código postal', 'mrn firstName lastName dateOfBirth gender phone zipCode'],
  ['de', 'Patientennummer,Vorname,Nachname,Geburtsdatum,Geschlecht,Telefon,PLZ', 'mrn firstName lastName dateOfBirth gender phone zipCode'],
  ['it', 'Cartella clinica,Nome,Cognome,Data di nascita,Sesso,Cellulare,CAP', 'mrn firstName lastName dateOfBirth gender phone zipCode'],
  ['nl', 'Patiëntnummer,Voornaam,Achternaam,Geboortedatum,Geslacht,Telefoon,Postcode', 'mrn firstName lastName dateOfBirth gender phone zipCode'],
  ['sw', 'Nambari ya mgonjwa,Jina la kwanza,Jina la ukoo,Tarehe ya kuzaliwa,Jinsia,Simu,Mji', 'mrn firstName lastName dateOfBirth gender phone city'],
])('headers are known in %s', (_language, header, fields) => {
  expect(guessColumns(header.split(','), [], today).map(({ column }) => column?.field ?? '')).toEqual(fields.split(' '));
});

test('dates, words for the sex and doubts are told from the rows', () => {
  const guess = (name: string, values: string[]) =>
    guessColumns(
      [name],
      values.map((value) => [value]),
      today,
    )[0];
  expect(guess('dob', ['05/06/1980', '31/05/1980'])).toMatchObject({ column: { format: 'DD/MM/YYYY' }, doubtful: false });
  expect(guess('dob', ['05/31/1980'])).toMatchObject({ column: { format: 'MM/DD/YYYY' }, doubtful: false });
  expect(guess('dob', ['05/06/1980', '01/02/1990'])).toMatchObject({ doubtful: true });
  expect(guess('dob', ['1980-05-31 00:00:00'])).toMatchObject({ column: { format: 'YYYY-MM-DD' }, doubtful: false });
  expect(guess('dob', ['a', 'b'])).toMatchObject({ doubtful: true });
  expect(guess('Date of death', ['2024-05-31T10:20:00Z', '2024-06-01T08:00:00+03:00'])).toMatchObject({ column: { field: 'deceasedAt' }, doubtful: false });
  expect(guess('sexo', ['H', 'M'])?.column).toMatchObject({ values: { h: 'MALE' } });
  expect(guess('sex', ['1', '2', '9'])).toMatchObject({ column: { values: { 1: 'MALE', 2: 'FEMALE', 9: 'OTHER' } }, doubtful: false });
  expect(guess('sex', ['M', 'Q'])).toMatchObject({ doubtful: true });
  expect(guessColumns(['name', 'full name', 'shoe size'], [], today).map(({ column }) => column?.field)).toEqual(['fullName', undefined, undefined]);
});

test('delimiters are told from the first line, outside of quotes', () => {
  expect(['a;b;c', 'a\tb', 'a|b', '"a;b;c",d', 'name'].map((line) => guessDelimiter(line))).toEqual([';', '\t', '|', ',', ',']);
});

test('the written mapping is the guessed one, with a comment on each column', () => {
  const columns = guessColumns(['MRN', 'Name "official"', 'Sex', 'DOB', 'National ID', 'first name'], [['1', 'x', 'F', '31.05.1980', '2', 'y']], today);
  const text = writeMapping({ encoding: 'utf-8', delimiter: '\t', quote: '"' }, columns);
  const mapping = ImportMapping.parse(parse(text));
  expect(mapping).toMatchObject({ delimiter: '\t', columns: mappingOf(columns) });
  expect(text.match(/# (?!How|The|Words)/g)?.length).toBeGreaterThanOrEqual(columns.length - 1);
});

test('dates are read as their format says; of a year alone the precision is known', () => {
  expect(readDate('31/05/1980', 'DD/MM/YYYY', today)).toEqual({ date: '1980-05-31', precision: undefined });
  expect(readDate('1-Mar-2001', 'D-MMM-YYYY', today)?.date).toBe('2001-03-01');
  expect([readDate('31/02/1980', 'DD/MM/YYYY', today), readDate('5/6/1980', 'DD/MM/YYYY', today), readDate('1-Foo-2001', 'D-MMM-YYYY', today)]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  expect([readDate('01/02/27', 'DD/MM/YY', today)?.date, readDate('01/02/26', 'DD/MM/YY', today)?.date]).toEqual(['1927-02-01', '2026-02-01']);
  expect(readDate('1980', 'YYYY', today)).toEqual({ date: '1980-01-01', precision: 'YEAR' });
  expect(readDate('05/1980', 'MM/YYYY', today)).toEqual({ date: '1980-05-01', precision: 'MONTH' });
});

test('a death is a day in the format of its column or a moment', () => {
  const reads = (died: string) =>
    createRowReader(['Name', 'Died'], ImportMapping.parse({ columns: { Name: 'lastName', Died: 'deceasedAt' } }), today)(['Otieno', died]);
  expect([reads('2024-05-31').row, reads('2024-05-31T10:20:00+03:00').row]).toMatchObject([
    { deceasedAt: '2024-05-31' },
    { deceasedAt: '2024-05-31T10:20:00+03:00' },
  ]);
  expect(reads('2024-05-31T99:20:00Z').problems).toMatchObject([{ code: 'IMPORT_DATE_UNREADABLE' }]);
});

test('a file of onechart synth is read without a doubt', () => {
  const lines = [...syntheticPeople({ people: 500, seed: 3 })].map((person) => csvLine(person).trimEnd().split(','));
  const header = csvHeader().trimEnd().split(',');
  const guessed = guessColumns(
    header,
    lines.filter((line) => line.length === header.length),
    today,
  );
  expect(guessed.filter(({ doubtful }) => doubtful)).toEqual([]);
  expect(guessed.filter(({ column }) => !column).map(({ name }) => name)).toEqual(['identifier']);
});

test('a full name is taken apart', () => {
  expect(splitName('Núñez Gómez, Ana María')).toEqual({ firstName: 'Ana María', lastName: 'Núñez Gómez' });
  expect([splitName('Ana Núñez'), splitName('Núñez Ana', 'last-first'), splitName('Sukarno')]).toEqual([
    { firstName: 'Ana', lastName: 'Núñez' },
    { firstName: 'Ana', lastName: 'Núñez' },
    { firstName: null, lastName: 'Sukarno' },
  ]);
});

const mapping = ImportMapping.parse({
  columns: {
    Name: { field: 'fullName' },
    Born: { field: 'dateOfBirth', format: ['DD/MM/YYYY', 'YYYY'] },
    Sex: { field: 'gender', values: { M: 'MALE', F: 'FEMALE', '-': null } },
    Tel: 'phone',
    Mail: 'email',
    Card: { field: 'identifier', type: 'NI', system: 'urn:test:cards' },
    Old: 'formerMrns',
    Maiden: 'maidenName',
    Died: { field: 'deceasedAt', format: 'DD/MM/YYYY' },
    Next: 'contactFullName',
    'Next tel': 'contactPhone',
    Work: 'workCity',
  },
  constants: { country: 'KE' },
  empty: ['n/a'],
});
const header = Object.keys(mapping.columns);
const read = createRowReader(header, mapping, today);
const row = (values: Record<string, string>) => read(header.map((name) => values[name] ?? ''));

test('a row becomes a chart with its parts, each value in the form in which it is kept', () => {
  const checked = checkRow(
    row({
      Name: 'Ana  Wanjiru',
      Born: '31/05/1980',
      Sex: 'f',
      Tel: '020 1234567',
      Mail: 'N/A',
      Card: '12 34',
      Old: 'A1; A2',
      Maiden: 'Otieno',
      Died: '01/02/2020',
      Next: 'Joe Otieno',
      'Next tel': '0201234568',
      Work: 'Kisumu',
    }),
    check,
  );
  expect(checked).toMatchObject({
    chart: {
      firstName: 'Ana',
      lastName: 'Wanjiru',
      dateOfBirth: '1980-05-31',
      gender: 'FEMALE',
      phone: '+254201234567',
      country: 'KE',
      deceased: true,
      status: 'DECEASED',
      deceasedAt: new Date('2020-02-01T12:00:00Z'),
    },
    identifiers: [
      { type: 'NI', value: '1234', system: 'urn:test:cards', mayRepeat: false },
      { type: 'MR', value: 'A1', system: 'urn:onechart:former-mrn' },
      { type: 'MR', value: 'A2' },
    ],
    names: [{ use: 'MAIDEN', lastName: 'Otieno', firstName: 'Ana' }],
    contacts: [{ firstName: 'Joe', lastName: 'Otieno', phone: '+254201234568', isNextOfKin: true }],
    addresses: [{ use: 'WORK', city: 'Kisumu' }],
    keys: ['b|ana wanjiru|1980-05-31', 'p|ana wanjiru|+254201234567'],
  });
  expect(checkRow(row({ Name: 'Ana Wanjiru', Born: '1980', Sex: '-' }), check)).toMatchObject({ chart: { dateOfBirthPrecision: 'YEAR' } });
});

test.each([
  [{ Name: 'Ana W', Born: '31/02/1980' }, 'Born', 'IMPORT_DATE_UNREADABLE'],
  [{ Name: 'Ana W', Born: '01/01/2030' }, 'Born', 'DATE_OF_BIRTH_IN_FUTURE'],
  [{ Name: 'Ana W', Sex: 'Q' }, 'Sex', 'INPUT_INVALID'],
  [{ Name: 'Ana W', Tel: 'none' }, 'Tel', 'INPUT_INVALID'],
  [{ Name: 'Ana W', Mail: 'ana' }, 'Mail', 'INPUT_INVALID'],
  [{ Born: '31/05/1980' }, 'lastName', 'INPUT_INVALID'],
  [{ Name: 'Ana \uFFFD', Born: '31/05/1980' }, 'Name', 'IMPORT_CHARACTERS_BROKEN'],
  [{ Name: 'Ana W', Born: '31/05/1980', Died: '01/01/1970' }, 'Died', 'DIED_BEFORE_BIRTH'],
  [{ Name: 'Ana W', 'Next tel': 'x', Next: 'Joe' }, 'Next tel', 'INPUT_INVALID'],
  [{ Name: `Ana ${'x'.repeat(101)}` }, 'Name', 'INPUT_INVALID'],
])('a wrong row names its column: %#', (values, column, code) => {
  const problems = checkRow(row(values as Record<string, string>), check);
  expect(problems).toMatchObject([{ column, code }]);
  expect(JSON.stringify(problems)).not.toMatch(/Ana|1980|2030/);
});

test('a row with more fields than the header has is refused; every wrong field of a row is told', () => {
  expect(checkRow(read([...header.map(() => 'x'), 'y']), check)).toMatchObject([{ code: 'IMPORT_ROW_TOO_LONG' }, { column: 'Born' }, { column: 'Died' }]);
  expect(checkRow(row({ Name: 'A B', Sex: 'Q', Tel: 'x' }), check)).toMatchObject([{ column: 'Sex' }, { column: 'Tel' }]);
});

test('lines of NDJSON are held against the same schema; what an error file adds does no harm', () => {
  const json = createJsonReader();
  expect(checkRow(json(['{"lastName":"W","firstName":"A","dateOfBirth":"1980-05-31","importLine":3,"importErrors":[]}']), check)).toMatchObject({
    chart: { lastName: 'W' },
  });
  expect(checkRow(json(['{"lastName":"W","names":[{"use":"ALIAS"}]}']), check)).toMatchObject([{ column: 'names.0.lastName' }]);
  expect(checkRow(json(['{"lastName":"W","shoeSize":3}']), check)).toMatchObject([{ column: 'shoeSize', code: 'INPUT_INVALID' }]);
  expect(checkRow(json(['nonsense']), check)).toMatchObject([{ code: 'IMPORT_LINE_NOT_JSON' }]);
});

test('duplicates share a folded name with a date of birth or a number, in whatever order and accents', () => {
  expect(duplicateKeys({ firstName: 'José', lastName: 'Núñez-Gómez', dateOfBirth: '1990-02-01' })).toEqual(
    duplicateKeys({ firstName: 'NUNEZ GOMEZ', lastName: 'jose', dateOfBirth: '1990-02-01' }),
  );
  expect(duplicateKeys({ lastName: 'Otieno' })).toEqual([]);
});

test('a set of keys keeps the first number of each, through its growth', () => {
  const set = createKeySet();
  for (let index = 0; index < 100_000; index += 1) set.add(`key ${index}`, index);
  set.add('key 7', 1);
  expect([set.size, set.get('key 0'), set.get('key 7'), set.get('key 99999'), set.get('key 100000')]).toEqual([100_000, 0, 7, 99_999, undefined]);
});
