/** A small seeded generator of pseudo-random numbers: the same seed gives the same sequence on every machine. Not for secrets. */
export interface Random {
  /** From 0 up to, not including, 1. */
  next(): number;
  /** A whole number from 0 up to, not including, `limit`. */
  below(limit: number): number;
  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number;
  chance(probability: number): boolean;
  pick<T>(values: readonly T[]): T;
  /** An independent sequence, so that a new consumer does not shift the numbers of the others. */
  fork(label: string): Random;
}

/** sfc32 (C. Doty-Humphrey, PractRand): 128 bits of state, four additions and three shifts per number. */
export function createRandom(seed: number | string): Random {
  let [a, b, c] = [fnv(`${seed}`, 0x811c9dc5), fnv(`${seed}`, 0x01000193), fnv(`${seed}`, 0x9e3779b9)];
  let counter = 1;
  const step = (): number => {
    const sum = (a + b + counter++) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return sum >>> 0;
  };
  for (let round = 0; round < 12; round += 1) step();
  const random: Random = {
    next: () => step() / 4294967296,
    below: (limit) => Math.floor(random.next() * limit),
    between: (low, high) => low + random.below(high - low + 1),
    chance: (probability) => random.next() < probability,
    pick: (values) => {
      if (values.length === 0) throw new RangeError('Nothing to pick from.');
      return values[random.below(values.length)] as (typeof values)[number];
    },
    fork: (label) => createRandom(`${seed}/${label}`),
  };
  return random;
}

function fnv(text: string, basis: number): number {
  let hash = basis | 0;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash ^ (hash >>> 15);
}
