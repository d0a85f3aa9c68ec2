import anyAscii from 'any-ascii';
import bidiFactory, { type Bidi } from 'bidi-js';

/** How a text becomes runs of glyphs: which font has its letters, in which order they stand, where lines break. Pure. */

/** A font as far as this file needs it. */
export interface Typeface {
  /** Under which the printing library knows it. */
  readonly name: string;
  readonly has: (codePoint: number) => boolean;
}

/** What is drawn in one go: letters of one font and one direction, in the order of reading. */
export interface Run {
  readonly font: string;
  readonly text: string;
}

/** A text of which every letter can be printed. */
export interface Printable {
  readonly text: string;
  /** Whether words are in Latin letters here because no font has theirs. Those carry a dagger. */
  readonly transliterated: boolean;
}

// The package is CommonJS and its types speak of a module: what arrives is the factory itself.
const bidi = (bidiFactory as unknown as () => Bidi)();
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Behind a word that was put into Latin letters. */
export const dagger = '\u2020';
const letterOrMark = /[\p{L}\p{M}\p{N}]/u;
/** Format characters and variation selectors: seen by the shaping of a font, without a shape of their own. */
const shapeless = /^[\p{Cf}\u{FE00}-\u{FE0F}]$/u;
const unprintable = /[\p{Cc}\p{Cs}\p{Co}\p{Cn}]/gu;
/** Directions that somebody wrote into a name could make the page read otherwise than it is. */
const directionControls = /[\u{061C}\u{200E}\u{200F}\u{202A}-\u{202E}\u{2066}-\u{2069}]/gu;

/**
 * The text with every word that no font has put into Latin letters, with a dagger behind it, so that no empty box is printed
 * and nobody takes it for the name as it is written.
 */
export function printable(text: string, fonts: readonly Typeface[]): Printable {
  const clean = text.normalize('NFC').replaceAll(directionControls, '').replaceAll(/\s+/gu, ' ').replaceAll(unprintable, '');
  let transliterated = false;
  const words = clean.split(' ').map((word) => {
    if (Array.from(word).every((letter) => shapeless.test(letter) || fonts.some((font) => font.has(letter.codePointAt(0) ?? 0)))) return word;
    const latin = anyAscii(word).trim();
    if (latin === '' || !letterOrMark.test(word)) return latin === '' ? '?' : latin;
    transliterated = true;
    return `${latin}${dagger}`;
  });
  return { text: words.join(' '), transliterated };
}

/** The runs of one line from left to right (Unicode Standard Annex 9). A line whose first letter is of a right-to-left script reads from the right. */
export function visualRuns(line: string, fonts: readonly Typeface[]): Run[] {
  const embedding = bidi.getEmbeddingLevels(line);
  const logical = runsOf(line, embedding.levels, fonts);
  const highest = Math.max(0, ...logical.map(({ level }) => level));
  for (let level = highest; level >= 1; level -= 1) {
    for (let start = 0; start < logical.length; start += 1) {
      let end = start;
      while (end < logical.length && (logical[end]?.level ?? 0) >= level) end += 1;
      if (end - start > 1) logical.splice(start, end - start, ...logical.slice(start, end).toReversed());
      start = Math.max(start, end - 1);
    }
  }
  return logical.map(({ font, text, level }) => ({ font, text: level % 2 === 1 ? rightToLeft(text) : text }));
}

/** A shaping library turns round letters of a right-to-left script itself; brackets have to be mirrored, and signs alone turned, before. */
function rightToLeft(text: string): string {
  const mirrored = Array.from(text).map((letter) => bidi.getMirroredCharacter(letter) ?? letter);
  return strongRightToLeft.test(text) ? mirrored.join('') : mirrored.toReversed().join('');
}

const strongRightToLeft = /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u;

interface LogicalRun {
  readonly font: string;
  text: string;
  readonly level: number;
}

function runsOf(line: string, levels: Uint8Array, fonts: readonly Typeface[]): LogicalRun[] {
  const runs: LogicalRun[] = [];
  let index = 0;
  for (const letter of line) {
    const level = levels[index] ?? 0;
    const last = runs.at(-1);
    const font = fontOf(letter, last?.font, fonts);
    if (last && last.font === font && last.level === level) last.text += letter;
    else runs.push({ font, text: letter, level });
    index += letter.length;
  }
  return runs;
}

/** The first font that has the letter; a mark, a blank or a sign stays with the letter before it where that one's font has it. */
function fontOf(letter: string, before: string | undefined, fonts: readonly Typeface[]): string {
  const codePoint = letter.codePointAt(0) ?? 0;
  const same = fonts.find(({ name }) => name === before);
  if (same && (shapeless.test(letter) || (!/[\p{L}\p{N}]/u.test(letter) && same.has(codePoint)))) return same.name;
  return (fonts.find((font) => font.has(codePoint)) ?? fonts[0])?.name ?? '';
}

/** Where Chinese and Japanese break without a blank. */
const breaksAnywhere = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u;

/**
 * Breaks a text into lines that fit. A word that is wider than a line is broken inside, so that nothing is cut off.
 *
 * @param fits whether a piece of text is narrow enough for one line
 */
export function breakLines(text: string, fits: (line: string) => boolean): string[] {
  const lines: string[] = [];
  let line = '';
  const put = (piece: string) => {
    const joined = line + piece;
    if (line === '' || fits(joined.trimEnd())) line = joined;
    else {
      lines.push(line.trimEnd());
      line = piece.trimStart();
    }
  };
  for (const word of text.match(/\S+\s*|\s+/gu) ?? []) {
    const piecemeal = breaksAnywhere.test(word) || !fits(word.trimEnd());
    if (piecemeal) for (const { segment } of graphemes.segment(word)) put(segment);
    else put(word);
  }
  lines.push(line.trimEnd());
  return lines;
}
