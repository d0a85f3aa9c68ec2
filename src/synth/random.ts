/**
 * Numbers that only the seed decides: whole-number arithmetic of 32 bits, which every JavaScript engine does alike.
 * `Math.random`, `Math.pow` and `Math.log` are not used, since engines may differ in them from version to version.
 */
export interface Random {
  /** A whole number from 0 to 4294967295. */
  bits(): number;
  /** A whole number from 0 up to, not including, `limit`. */
  below(limit: number): number;
  /** From `low` to `high`, both included. */
  between(low: number, high: number): number;
  /** True this many times in a thousand; fractions of a thousandth count. */
  perMille(share: number): boolean;
  pick<T>(values: readonly T[]): T;
  /** A whole number below `limit` of which small ones are more frequent, as ranks in a list are. */
  skewed(limit: number): number;
}

/** Mixes numbers into one of 32 bits (the finaliser of MurmurHash3). */
export function mix(...numbers: readonly number[]): number {
  let hash = 0x9e3779b9;
  for (const number of numbers) {
    hash = Math.imul(hash ^ (number | 0), 0x85ebca6b);
    hash ^= hash >>> 13;
    hash = Math.imul(hash, 0xc2b2ae35);
    hash ^= hash >>> 16;
  }
  return hash >>> 0;
}

/** A sequence of its own for a household, a person or a purpose: sfc32 (C. Doty-Humphrey, PractRand), begun from the mixed key. */
export function randomOf(...key: readonly number[]): Random {
  const start = mix(...key);
  let a = start | 0;
  let b = mix(start, 0x243f6a88) | 0;
  let c = mix(start, 0x85a308d3, key[0] ?? 0, key.at(-1) ?? 0) | 0;
  let counter = 1;
  const bits = (): number => {
    const sum = (a + b + counter++) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return sum >>> 0;
  };
  for (let round = 0; round < 8; round += 1) bits();
  // The product is below 2^53, so it is exact, and so is the division by a power of two.
  const below = (limit: number): number => Math.floor((bits() * limit) / 4294967296);
  return {
    bits,
    below,
    between: (low, high) => low + below(high - low + 1),
    perMille: (share) => bits() < share * 4294967.296,
    pick: (values) => values[below(values.length)] as (typeof values)[number],
    skewed: (limit) => Math.min(below(limit), below(limit)),
  };
}
