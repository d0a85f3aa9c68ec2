import { expect, test } from 'vitest';
import { createBatcher } from './batcher.ts';

test('what comes while batches fly goes together, in order, and never more than allowed', async () => {
  const batches: number[][] = [];
  const gates: (() => void)[] = [];
  const double = createBatcher(
    async (items: readonly number[]) => {
      batches.push([...items]);
      await new Promise<void>((resolve) => gates.push(resolve));
      return items.map((item) => item * 2);
    },
    { inFlight: 1, most: 3 },
  );
  const results = [1, 2, 3, 4, 5].map((item) => double(item));
  for (let done = 0; done < 3; done += 1) {
    await expect.poll(() => gates.length).toBe(done + 1);
    gates[done]?.();
  }
  expect(await Promise.all(results)).toEqual([2, 4, 6, 8, 10]);
  expect(batches).toEqual([[1], [2, 3, 4], [5]]);
});

test('one bad item fails alone', async () => {
  const check = createBatcher(
    async (items: readonly number[]) => {
      if (items.includes(0)) throw new Error(`zero among ${items.length}`);
      return items;
    },
    { inFlight: 1, most: 10 },
  );
  const settled = await Promise.allSettled([1, 2, 0, 3].map((item) => check(item)));
  expect(settled.map((each) => (each.status === 'fulfilled' ? each.value : (each.reason as Error).message))).toEqual([1, 2, 'zero among 1', 3]);
});
