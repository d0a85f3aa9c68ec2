import { expect, test } from 'vitest';
import { markOf, type PositionSource, rememberPositions } from './positions.ts';

function source(): PositionSource & { asked: number; at: bigint; sample: ReturnType<PositionSource['last']> } {
  const primary = {
    asked: 0,
    at: 100n as bigint,
    sample: undefined as ReturnType<PositionSource['last']>,
    last: () => primary.sample,
    now: async () => {
      primary.asked += 1;
      return primary.at;
    },
  };
  return primary;
}

test('a write asks nobody; the first read after it asks once, the next ones not at all', async () => {
  const primary = source();
  const positions = rememberPositions(primary);
  expect(await positions.needed('reader')).toBe(0n);
  positions.wrote('writer');
  expect(primary.asked).toBe(0);
  expect(await positions.needed('writer')).toBe(100n);
  primary.at = 200n;
  expect(await positions.needed('writer')).toBe(100n);
  expect(primary.asked).toBe(1);
  expect(await positions.needed('reader')).toBe(0n);
});

test('a look at the primary that began after the write does as well; one that began before it does not', async () => {
  const primary = source();
  const positions = rememberPositions(primary);
  const early = performance.now() - 1;
  positions.wrote('writer');
  primary.sample = { position: 90n, askedAt: early };
  expect(await positions.needed('writer')).toBe(100n);
  positions.wrote('writer');
  primary.sample = { position: 150n, askedAt: performance.now() + 1 };
  expect(await positions.needed('writer')).toBe(150n);
  expect(primary.asked).toBe(1);
});

test('another process that is shown a mark asks for a position of its own, once for each mark', async () => {
  const [here, there] = [source(), source()];
  const mark = rememberPositions(here).wrote('writer');
  const other = rememberPositions(there);
  expect([await other.needed('writer', mark), await other.needed('somebody', mark), there.asked]).toEqual([100n, 100n, 1]);
  expect(await other.needed('writer', markOf(70n))).toBe(70n);
  expect(await other.needed('writer', 'nonsense')).toBe(0n);
});

test('nobody goes back in time, and a write while the question is out is asked for anew', async () => {
  const primary = source();
  const positions = rememberPositions(primary);
  positions.saw('reader', 50n);
  positions.saw('reader', 40n);
  expect(await positions.needed('reader')).toBe(50n);
  positions.wrote('writer');
  const asking = positions.needed('writer');
  positions.wrote('writer');
  primary.at = 300n;
  await asking;
  expect(await positions.needed('writer')).toBe(300n);
});

test('whoever is forgotten is still safe: the latest of their positions counts for everybody', async () => {
  const primary = source();
  const positions = rememberPositions(primary, { most: 2 });
  positions.saw('first', 60n);
  positions.wrote('second');
  positions.saw('third', 10n);
  expect(await positions.needed('first')).toBe(60n);
  positions.saw('fourth', 10n);
  expect(await positions.needed('second')).toBe(100n);
});

test('without an answer of the primary there is no position', async () => {
  const positions = rememberPositions({ last: () => undefined, now: async () => undefined });
  positions.wrote('writer');
  expect(await positions.needed('writer')).toBeUndefined();
});
