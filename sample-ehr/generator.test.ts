import { expect, test } from 'vitest';
import { createRandom, syntheticPeople } from './index.ts';

const take = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);

test('the same seed gives the same numbers, another seed others', () => {
  const [first, same, other] = [createRandom(7), createRandom(7), createRandom(8)];
  const numbers = take(100, () => first.next());
  expect(take(100, () => same.next())).toEqual(numbers);
  expect(take(100, () => other.next())).not.toEqual(numbers);
  expect(new Set(numbers).size).toBe(100);
});

test('the numbers of a seed stay what they are, on every machine and from version to version', () => {
  const random = createRandom('fixed');
  expect(take(5, () => random.below(1_000_000))).toEqual([575_960, 872_908, 727_650, 827_120, 152_092]);
});

test('a fork has a sequence of its own, however much of the other is used', () => {
  const used = createRandom(1);
  take(50, () => used.next());
  const [late, early] = [used.fork('people'), createRandom(1).fork('people')];
  expect(take(20, () => late.next())).toEqual(take(20, () => early.next()));
  expect(createRandom(1).fork('people').next()).not.toBe(createRandom(1).fork('rooms').next());
});

test('numbers lie in their ranges and fill them', () => {
  const random = createRandom(3);
  const dice = take(2_000, () => random.between(1, 6));
  expect([...new Set(dice)].sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6]);
  const below = take(2_000, () => random.below(10));
  expect([Math.min(...below), Math.max(...below)]).toEqual([0, 9]);
  const mean = take(10_000, () => random.next()).reduce((sum, each) => sum + each, 0) / 10_000;
  expect(mean).toBeGreaterThan(0.48);
  expect(mean).toBeLessThan(0.52);
  expect(() => random.pick([])).toThrow('Nothing to pick from.');
});

test('the same seed gives the same people, another seed others', () => {
  const people = syntheticPeople(7).take(500).toArray();
  expect(syntheticPeople(7).take(500).toArray()).toEqual(people);
  expect(syntheticPeople(8).take(500).toArray()).not.toEqual(people);
});

test('people can be registered and are nobody: real calendar days in the past, reserved mail domains, fictional numbers', () => {
  const people = syntheticPeople(1).take(5_000).toArray();
  for (const { dateOfBirth, email, phone, lastName, firstName, middleName } of people) {
    expect(new Date(`${dateOfBirth}T00:00:00Z`).toISOString().slice(0, 10)).toBe(dateOfBirth);
    expect(dateOfBirth >= '1924-01-01' && dateOfBirth <= '2025-12-31').toBe(true);
    if (email !== undefined) expect(email).toMatch(/^person\.\d+@mail\.example$/);
    if (phone !== undefined) expect(phone).toMatch(/^\+1\d{3}55501\d\d$/);
    for (const name of [lastName, firstName, middleName]) if (name !== undefined) expect(name.trim()).toBe(name);
    expect(lastName).not.toBe('');
  }
  const mails = people.flatMap(({ email }) => email ?? []);
  expect(new Set(mails).size).toBe(mails.length);
});

test('people have the shapes that break careless software', () => {
  const people = syntheticPeople(1).take(5_000).toArray();
  const some = (question: (person: (typeof people)[number]) => boolean) => people.filter(question).length;
  expect(some(({ firstName }) => firstName === undefined)).toBeGreaterThan(50);
  expect(some(({ lastName }) => lastName.includes("'"))).toBeGreaterThan(10);
  expect(some(({ lastName }) => lastName.includes(' '))).toBeGreaterThan(50);
  expect(some(({ dateOfBirth }) => dateOfBirth.endsWith('-02-29'))).toBeGreaterThan(5);
  for (const script of [/\p{Script=Arabic}/u, /\p{Script=Cyrillic}/u, /\p{Script=Han}/u, /\p{Script=Hangul}/u, /\p{Script=Devanagari}/u, /[ńñéíóúüößđ]/iu]) {
    expect(
      some(({ lastName }) => script.test(lastName)),
      String(script),
    ).toBeGreaterThan(20);
  }
});
