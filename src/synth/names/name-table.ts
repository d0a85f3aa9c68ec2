import { mix, type Random } from '../random.ts';

/** A name as it is written at home, and in Latin letters. For most languages here the two are the same. */
export interface WrittenName {
  readonly native: string;
  readonly latin: string;
}

export interface NameTable {
  pick(random: Random): WrittenName;
}

interface NameTableParts {
  /** `name:weight|name:weight`, the weight per 100,000 people; `native=latin:weight` in another script. */
  readonly counted: string;
  /** Names in use whose share is not known: they have `listed` per 100,000 between them, by Zipf's law far down the list, in an order that says nothing. */
  readonly list?: string;
  readonly listed?: number;
  /** What all the others are called: well-formed names made of parts. Without it the others are as the counted and listed ones. */
  readonly made?: (random: Random) => WrittenName;
}

/**
 * Names by frequency, in three parts: those whose share is published, those of which we know that they exist,
 * and a tail of names made of parts, since most people of a country have a rare name.
 */
export function nameTable({ counted, list = '', listed = 0, made }: NameTableParts): NameTable {
  const head = cumulate(splitNames(counted).map((entry) => parseEntry(entry)));
  const known = new Set(head.names.map(({ native }) => native));
  const rest = splitNames(list)
    .map((entry) => parseEntry(entry))
    .filter(({ name }) => !known.has(name.native))
    .sort((one, other) => mixText(one.name.native) - mixText(other.name.native));
  const tail = cumulate(rest.map(({ name }, index) => ({ name, weight: 100_000 / (index + 200) })));
  const headShare = head.sum;
  const listShare = rest.length === 0 ? 0 : listed;
  const all = made ? 100_000 : headShare + listShare;
  if (headShare + listShare > 100_000.5) throw new RangeError('More than everybody has one of these names.');
  return {
    pick: (random) => {
      const place = (random.bits() * all) / 4294967296;
      if (place < headShare) return at(head, place);
      if (place < headShare + listShare || !made) return at(tail, ((place - headShare) / listShare) * tail.sum);
      return made(random);
    },
  };
}

interface Weighted {
  readonly name: WrittenName;
  readonly weight: number;
}

interface Cumulated {
  readonly names: readonly WrittenName[];
  readonly ends: Float64Array;
  readonly sum: number;
}

/** Entries of a list in a template literal, line breaks included. */
export function splitNames(text: string): string[] {
  return text
    .split(/\||\n/)
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
}

function parseEntry(entry: string): Weighted {
  const [written = '', weight = '0'] = entry.split(':');
  return { name: parseName(written), weight: Number(weight) };
}

/** `native=latin`, or one of them where both are the same. */
export function parseName(written: string): WrittenName {
  const [native = '', latin = native] = written.split('=');
  return { native, latin };
}

function cumulate(entries: readonly Weighted[]): Cumulated {
  const ends = new Float64Array(entries.length);
  let sum = 0;
  for (const [index, { weight }] of entries.entries()) {
    sum += weight;
    ends[index] = sum;
  }
  return { names: entries.map(({ name }) => name), ends, sum };
}

function at({ names, ends }: Cumulated, place: number): WrittenName {
  let low = 0;
  let high = ends.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ends[middle] as number) > place) high = middle;
    else low = middle + 1;
  }
  return names[low] as WrittenName;
}

/** Two parts put together, frequent parts first in their lists. */
export function joined(first: readonly string[], second: readonly string[]): (random: Random) => WrittenName {
  return (random) => {
    const text = (first[random.skewed(first.length)] as string) + (second[random.skewed(second.length)] as string);
    return { native: text, latin: text };
  };
}

/** Lists come in alphabetical order; nothing is to depend on it. */
function mixText(text: string): number {
  let hash = 0;
  for (let index = 0; index < text.length; index += 1) hash = mix(hash, text.charCodeAt(index));
  return hash;
}

/** The same name in both scripts. */
export const same = (text: string): WrittenName => ({ native: text, latin: text });
