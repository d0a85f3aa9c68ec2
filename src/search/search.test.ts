import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rank, slipsBetween } from './rank.ts';
import { beginningQuery, deletesOf, exactQuery, readTyped, similarQuery } from './typed-query.ts';
import { searchTermsOf, splitName, termsChanged, toVector } from './words.ts';

const letters = "abcdefgzÄÖÜäöüßåøæéèñçşğıİŁłŽžЩщёйΆάςΩאבגדהمحمدعليكماรกअमित王小明김민준佐藤'’- ".split('');
const name = fc.string({ unit: fc.constantFrom(...letters), minLength: 1, maxLength: 20 });

describe('terms', () => {
  test('every word of a name, typed as it stands there, is among the terms', () => {
    fc.assert(
      fc.property(name, name, (firstName, lastName) => {
        const terms = new Set(searchTermsOf({ mrn: 'X', firstName, lastName }));
        for (const word of [...splitName(firstName), ...splitName(lastName)]) {
          const { parts, initials } = readTyped(word);
          expect(parts.length + initials.length, word).toBeGreaterThan(0);
          for (const part of parts)
            expect(
              part.names.some((each) => terms.has(each)),
              `${word}: ${part.names.join()} in ${[...terms].join()}`,
            ).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('a chart that is typed as it stands there fits whole', () => {
    fc.assert(
      fc.property(name, name, (firstName, lastName) => {
        const query = readTyped(`${firstName} ${lastName}`);
        const chart = { firstName, middleName: null, lastName, mrn: 'X', dateOfBirth: null, phone: null, phoneSecondary: null, email: null };
        fc.pre(query.parts.length > 0);
        expect(rank(query, { ...chart, deceased: false, archived: false, mergedInto: null })).toMatchObject({ unexplained: 0, wrongNumber: false });
      }),
      { numRuns: 500 },
    );
  });

  test('they are as documented, and never twice', () => {
    const terms = searchTermsOf({ mrn: 'MRN-2026-00001', firstName: 'Zoë', lastName: "O'Brien", dateOfBirth: '1980-02-03', phone: '+254 712-345 678;ext=9' });
    expect(terms).toEqual(
      [
        'zoe',
        'obrien',
        'brien',
        'b:1980',
        'b:1980-02-03',
        'b:02-03',
        'm:mrn202600001',
        'm:202600001',
        'm:00001',
        'p:254712345678',
        'p:5678',
        'p:2345678',
      ].toSorted((a, b) => terms.indexOf(a) - terms.indexOf(b)),
    );
    expect(new Set(terms).size).toBe(terms.length);
  });

  test('what a change adds and takes away', () => {
    const chart = { mrn: 'X1', lastName: 'Example', dateOfBirth: '1980-02-03' };
    expect(termsChanged(chart, { ...chart })).toBeUndefined();
    expect(termsChanged(chart, { ...chart, dateOfBirth: '1980-02-04' })).toEqual({ added: ['b:1980-02-04', 'b:02-04'], removed: ['b:1980-02-03', 'b:02-03'] });
  });
});

describe('typed text', () => {
  test('any text is read, and every term of its queries is quoted', () => {
    const quoted = /^(?:\((?:'(?:[^'\\]|''|\\\\)+'(?::\*)?(?: \| )?)+\)(?: & )?)*$/u;
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        const query = readTyped(text);
        for (const made of [exactQuery(query), beginningQuery(query), similarQuery(query, new Map())]) expect(made).toMatch(quoted);
        expect(query.parts.length).toBeLessThanOrEqual(8);
      }),
      { numRuns: 100 },
    );
    expect(toVector(["a'b", 'c\\d'])).toBe(`'a''b' 'c\\\\d'`);
  });

  test.each([
    ['29.2.2023', []],
    ['31/04/1980', []],
    ['13/02/1980', ['1980-02-13']],
    ['02/13/1980', ['1980-02-13']],
    ['1980/2/3', ['1980-02-03']],
    ['3.2.80', ['1980-02-03', '2080-02-03']],
    ['3 février 1980', ['1980-02-03']],
    ['3 лютого 1980', ['1980-02-03']],
    ['3 февраля 1980', ['1980-02-03']],
    ['٣/٢/١٩٨٠', ['1980-02-03', '1980-03-02']],
  ])('%s', (text, dates) => {
    expect(readTyped(text).parts.flatMap((part) => part.dates)).toEqual(dates);
  });

  test('a long run of digits or letters takes no long time', () => {
    for (const text of [
      '1 '.repeat(100),
      '1.'.repeat(100),
      'a-'.repeat(100),
      '('.repeat(200),
      "'".repeat(200),
      `${'9'.repeat(199)}x`,
      'van '.repeat(50),
      '1 jan '.repeat(33),
    ]) {
      const began = performance.now();
      const query = readTyped(text);
      beginningQuery(query);
      expect(performance.now() - began, text.slice(0, 8)).toBeLessThan(250);
    }
  });
});

test('slips are as counted the long way, and a word that is one slip away is among the corrections', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 4, maxLength: 7 });
  const slow = (a: string, b: string): number => {
    if (a === '' || b === '') return a.length + b.length;
    const last = Math.min(slow(a.slice(0, -1), b) + 1, slow(a, b.slice(0, -1)) + 1, slow(a.slice(0, -1), b.slice(0, -1)) + (a.at(-1) === b.at(-1) ? 0 : 1));
    const exchanged = a.length > 1 && b.length > 1 && a.at(-1) === b.at(-2) && a.at(-2) === b.at(-1);
    return exchanged ? Math.min(last, slow(a.slice(0, -2), b.slice(0, -2)) + 1) : last;
  };
  fc.assert(
    fc.property(word, word, (one, other) => {
      const slips = slow(one, other);
      for (const most of [1, 2]) expect(slipsBetween(one, other, most)).toBe(slips <= most ? slips : most + 1);
      if (slips <= 1) expect(deletesOf(one).some((each) => deletesOf(other).includes(each))).toBe(true);
    }),
    { numRuns: 60 },
  );
});
