import { expect, test } from 'vitest';
import { createRandom } from './index.ts';

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
