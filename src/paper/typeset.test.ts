import { expect, test } from 'vitest';
import { breakLines, dagger, printable, type Typeface, visualRuns } from './typeset.ts';

const face = (name: string, letters: RegExp): Typeface => ({ name, has: (codePoint) => letters.test(String.fromCodePoint(codePoint)) });
const latin = face('latin', /[\u0020-\u024F\u2020]/u);
const hebrew = face('hebrew', /[\u0590-\u05FF ()]/u);

test('a word that no font has is put into Latin letters with a dagger, the others stay', () => {
  expect(printable('Anna Иванова', [latin])).toEqual({ text: `Anna Ivanova${dagger}`, transliterated: true });
  expect(printable('Ødegård  \n Nguyễn', [latin, face('viet', /\p{L}/u)])).toEqual({ text: 'Ødegård Nguyễn', transliterated: false });
});

test('nothing in a name turns the direction of a page or draws a control character', () => {
  expect(printable('abc\u202Edef\u0007\u2066', [latin]).text).toBe('abcdef');
});

test('a decomposed letter is composed before a font is asked', () => {
  expect(printable('E\u0301', [latin])).toEqual({ text: 'É', transliterated: false });
});

test('a mixed line stands in the order in which it is seen, brackets mirrored', () => {
  const line = 'שרה (כהן) 42';
  expect(visualRuns(line, [latin, hebrew]).map(({ text }) => text)).toEqual(['42', 'שרה )כהן( ']);
  expect(visualRuns('abc שרה def', [latin, hebrew]).map(({ text }) => text)).toEqual(['abc ', 'שרה', ' ', 'def']);
});

test('lines break between words, inside a word that is too long, and anywhere in Chinese', () => {
  const fits = (line: string) => line.length <= 6;
  expect(breakLines('one two three', fits)).toEqual(['one', 'two', 'three']);
  expect(breakLines('abcdefghij kl', fits)).toEqual(['abcdef', 'ghij', 'kl']);
  expect(breakLines('王小明王小明王小明', fits)).toEqual(['王小明王小明', '王小明']);
  expect(breakLines('', fits)).toEqual(['']);
});
