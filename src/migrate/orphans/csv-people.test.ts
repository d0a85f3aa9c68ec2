import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type FileProblem, type PersonLine, readPeople } from './csv-people.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'onechart-csv-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function read(
  content: string | Buffer,
  options: { idIsUuid?: boolean } = {},
): Promise<{ people: (PersonLine & { line: number })[]; problems: FileProblem[]; count: number }> {
  const file = join(folder, 'people.csv');
  await writeFile(file, content);
  const people: (PersonLine & { line: number })[] = [];
  const problems: FileProblem[] = [];
  const count = await readPeople(file, {
    idIsUuid: options.idIsUuid ?? false,
    take: (person, line) => {
      people.push({ ...person, line });
    },
    complain: (problem) => problems.push(problem),
  });
  return { people, problems, count };
}

test.each([
  ['comma', ','],
  ['semicolon', ';'],
  ['tab', '\t'],
])('values apart by %s, with or without a byte order mark, line ends of every kind', async (_, separator) => {
  const lines = [
    ['id', 'lastName', 'city'],
    ['a', 'Example', 'Oslo'],
    ['b', 'Sample', ''],
  ].map((line) => line.join(separator));
  for (const end of ['\n', '\r\n'])
    for (const mark of ['', '\uFEFF']) {
      const { people, problems, count } = await read(mark + lines.join(end));
      expect(problems).toEqual([]);
      expect(count).toBe(2);
      expect(people).toEqual([
        { id: 'a', data: { lastName: 'Example', city: 'Oslo' }, line: 2 },
        { id: 'b', data: { lastName: 'Sample' }, line: 3 },
      ]);
    }
});

test('lines are those of the file, over empty lines and values of several lines', async () => {
  const { people, problems } = await read('id,lastName,addressLine1\n\na,Example,"Long\nStreet\n1"\n\nb,,x\nc,Sample,\n');
  expect(people.map(({ id, line }) => `${id} ${line}`)).toEqual(['a 3', 'c 8']);
  expect(problems.map(({ line, column }) => `${line} ${column}`)).toEqual(['7 lastName']);
});

test('text ids are taken as they are, blanks included; uuids in lower case; other values without blanks around them', async () => {
  expect((await read('id,lastName\n" A 1 ",  Example  \n')).people).toEqual([{ id: ' A 1 ', data: { lastName: 'Example' }, line: 2 }]);
  const upper = 'ABCDEF00-0000-4000-8000-00000000000A';
  expect((await read(`id,lastName\n ${upper} ,X\n`, { idIsUuid: true })).people.map(({ id }) => id)).toEqual([upper.toLowerCase()]);
});

test('values are stored the way the checks of patients want them', async () => {
  const { people, problems } = await read('id,lastName,gender,email,bloodType,dateOfBirth\na,X,female,A@B.Example,ab+,2000-02-29\n');
  expect(problems).toEqual([]);
  expect(people[0]?.data).toEqual({ lastName: 'X', gender: 'FEMALE', email: 'a@b.example', bloodType: 'AB+', dateOfBirth: '2000-02-29' });
});

test.each([
  ['dateOfBirth', '2001-02-29'],
  ['dateOfBirth', '29.02.2000'],
  ['dateOfBirth', '1849-12-31'],
  ['dateOfBirth', '9999-01-01'],
  ['gender', 'woman'],
  ['bloodType', 'C+'],
  ['email', 'a b@c'],
  ['phone', 'none'],
  ['mrn', 'ORPHAN:1'],
  ['firstName', 'x'.repeat(101)],
  ['zipCode', 'x'.repeat(21)],
  ['city', 'a\u0000b'],
])('%s, wrong value %#: refused with a remedy that does not repeat it', async (column, value) => {
  const { problems, people } = await read(`id,lastName,${column}\na,X,"${value}"\n`);
  expect(people).toEqual([]);
  expect(problems).toMatchObject([{ line: 2, column }]);
  expect(problems[0]?.remedy).toMatch(/[.]$/);
  expect(problems[0]?.remedy).not.toContain(value);
});

test('a length is counted in characters as PostgreSQL counts them', async () => {
  expect((await read(`id,lastName\na,${'\u{1D49C}'.repeat(100)}\n`)).problems).toEqual([]);
  expect((await read(`id,lastName\na,${'\u{1D49C}'.repeat(101)}\n`)).problems).toHaveLength(1);
});

test.each([
  ['', 'PATIENTS_FILE_HEADER'],
  ['id,lastName,id\n', 'PATIENTS_FILE_HEADER'],
  ['id\n', 'PATIENTS_FILE_HEADER'],
  ['id,lastName\na,b"c\n', 'PATIENTS_FILE_UNREADABLE'],
])('%j is refused with %s', async (content, code) => {
  await expect(read(content)).rejects.toMatchObject({ code });
});

test('bytes that are not UTF-8, wherever they stand, are refused', async () => {
  const start = Buffer.from(`id,lastName\n${'a,Example\n'.repeat(20_000)}`);
  await expect(read(Buffer.concat([start, Buffer.from([0x62, 0x2c, 0xff, 0x0a])]))).rejects.toMatchObject({
    code: 'PATIENTS_FILE_UNREADABLE',
    message: expect.stringContaining('UTF-8'),
  });
});
