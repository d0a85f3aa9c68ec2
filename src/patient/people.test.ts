import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isPlainDate, type PlainDate } from '../base/plain-date.ts';
import { checkDigitFits } from '../identifier/identifier.ts';
import { estimatedDateOfBirth, settleBirth } from './birth.ts';
import { earlierAddress, earlierName, earlierTelecoms, replacesSomething } from './history.ts';
import { checkMother, checkSiblings } from './newborn.ts';
import type { Patient } from './patient.schema.ts';
import { overlaps, type Period } from './period.ts';
import { normalizeTelecom } from './telecom.ts';
import { nameNewborn, nameUnidentified } from './temporary-name.ts';

const date = (text: string) => text as PlainDate;
const day = fc.integer({ min: 0, max: 60 }).map((offset) => date(new Date(Date.UTC(2020, 0, 1 + offset)).toISOString().slice(0, 10)));
const ages = fc.integer({ min: 0, max: 149 });
const instants = fc.date({ min: new Date('1950-01-01'), max: new Date('2100-01-01'), noInvalidDate: true });

function chart(fields: Partial<Patient>): Patient {
  const empty = ['firstName', 'middleName', 'addressLine1', 'addressLine2', 'city', 'state', 'zipCode', 'country', 'phone', 'phoneSecondary', 'email'];
  return { lastName: 'Person', ...Object.fromEntries(empty.map((field) => [field, null])), deceasedAt: null, ...fields } as Patient;
}

/** Whole years between two dates, as a desk counts them. */
function ageOn(birth: string, today: string): number {
  return Number(today.slice(0, 4)) - Number(birth.slice(0, 4)) - (today.slice(5) < birth.slice(5) ? 1 : 0);
}

describe('birth', () => {
  test('whoever computes the age from an estimated date gets the age that was judged', () => {
    fc.assert(
      fc.property(ages, instants, (age, now) => {
        const birth = estimatedDateOfBirth(age, { now, timeZone: 'UTC' });
        expect(isPlainDate(birth)).toBe(true);
        expect(ageOn(birth, now.toISOString().slice(0, 10))).toBe(age);
      }),
    );
  });

  test('fields that say nothing of the birth stay as they are', () => {
    expect(settleBirth({ dateOfBirth: undefined }, { now: new Date(), timeZone: 'UTC' })).toEqual({ dateOfBirth: undefined });
  });
});

describe('periods', () => {
  const period: fc.Arbitrary<Period> = fc
    .tuple(fc.option(day), fc.option(day))
    .map(([a, b]) => (a !== null && b !== null && b < a ? { periodStart: b, periodEnd: a } : { periodStart: a, periodEnd: b }));

  test('overlap is symmetric, and for known periods it is a day in common', () => {
    fc.assert(
      fc.property(period, period, (a, b) => {
        expect(overlaps(a, b)).toBe(overlaps(b, a));
        if (a.periodStart === null || a.periodEnd === null || b.periodStart === null || b.periodEnd === null) return;
        const first = a.periodStart > b.periodStart ? a.periodStart : b.periodStart;
        const end = a.periodEnd < b.periodEnd ? a.periodEnd : b.periodEnd;
        expect(overlaps(a, b)).toBe(first < end);
      }),
      { numRuns: 2_000 },
    );
  });

  test('an unknown end proves nothing', () => {
    fc.assert(
      fc.property(period, day, (a, start) => {
        expect(overlaps(a, { periodStart: start, periodEnd: null })).toBe(false);
      }),
    );
  });
});

describe('history', () => {
  test('filling in a blank replaces nothing; any other change of a part keeps the whole of it', () => {
    const before = chart({ firstName: 'A', city: 'Nairobi', phone: '1', email: 'a@example.org' });
    expect(replacesSomething({ before, after: { ...before, middleName: 'B', zipCode: '00100', phoneSecondary: '2' } })).toBe(false);
    expect(earlierName(before, { ...before, firstName: null })).toEqual({ firstName: 'A', middleName: null, lastName: 'Person' });
    expect(earlierAddress(before, { ...before, city: 'Kisumu' })).toMatchObject({ city: 'Nairobi' });
    expect(earlierTelecoms(before, { ...before, phone: '2', phoneSecondary: '1', email: null })).toEqual([{ system: 'EMAIL', value: 'a@example.org' }]);
  });

  test('a number that stood in both columns is kept once', () => {
    const before = chart({ phone: '1', phoneSecondary: '1' });
    expect(earlierTelecoms(before, { ...before, phone: null, phoneSecondary: null })).toEqual([{ system: 'PHONE', value: '1' }]);
  });
});

describe('newborns', () => {
  const born = { dateOfBirth: date('2026-11-23'), timeZone: 'UTC' };
  const child = (fields: object) => ({
    id: 'c',
    mrn: 'm',
    restricted: false,
    dateOfBirth: date('2026-11-23'),
    birthOrder: null,
    multipleBirthCount: null,
    ...fields,
  });

  test.each([
    [[child({})], undefined, 'NEWBORN_REGISTERED'],
    [[child({ birthOrder: 1 })], undefined, 'NEWBORN_REGISTERED'],
    [[child({ birthOrder: 1 })], 1, 'NEWBORN_REGISTERED'],
    [[child({ birthOrder: 1, dateOfBirth: date('2026-11-22') })], 1, 'NEWBORN_REGISTERED'],
    [[child({ birthOrder: 1 })], 2, undefined],
    [[child({ dateOfBirth: date('2025-01-01') })], undefined, undefined],
    [[child({ dateOfBirth: null })], undefined, undefined],
    [[], 1, undefined],
  ])('beside %j a child with birth order %j: %s', (children, birthOrder, code) => {
    const check = () => checkSiblings(children, { ...born, birthOrder });
    if (code === undefined) expect(check).not.toThrow();
    else expect(check).toThrow(expect.objectContaining({ code }));
  });

  test('a mother who died on the day of the birth is possible', () => {
    expect(() => checkMother(chart({ dateOfBirth: date('1990-01-01'), deceasedAt: '2026-11-23T01:00:00.000Z' }), born)).not.toThrow();
    expect(() => checkMother(chart({ dateOfBirth: null }), born)).not.toThrow();
  });
});

describe('temporary names', () => {
  test('speak: gender, day and time in the zone of the facility', () => {
    const at = { now: new Date('2026-11-23T22:30:00Z'), timeZone: 'Africa/Nairobi' };
    expect(nameUnidentified({ gender: 'FEMALE' }, at)).toEqual({ firstName: 'Female 2026-11-24 01:30', lastName: 'Unknown' });
    expect(nameUnidentified({ gender: null }, at).firstName).toBe('2026-11-24 01:30');
  });

  test('a convention with an unknown word keeps it, so that the mistake is seen', () => {
    const names = { newborn: { firstName: 'BB {surname}' } };
    expect(nameNewborn({ firstName: 'A', lastName: 'B' }, { names })).toBe('BB {surname}');
  });

  test('a long name of the mother is cut between characters, at what the column holds', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 150 }), (firstName) => {
        const name = nameNewborn({ firstName, lastName: 'X' }, {});
        expect(name.length).toBeLessThanOrEqual(100);
        expect(name.isWellFormed()).toBe(true);
      }),
    );
  });
});

describe('numbers', () => {
  test.each([
    ['mod-11', '9434765919', true],
    ['mod-11', '9434765918', false],
    // The check digit would be 10, so no such number was given out.
    ['mod-11', '1000000010', false],
    ['mod-11', '943476591', false],
    ['verhoeff', '2363', true],
    ['luhn-mod-10', '79927398713', true],
    ['luhn-mod-10', '79927398710', false],
    ['iso7064-mod97-10', '7', false],
    ['none', '', true],
  ] as const)('%s %s: %s', (scheme, number, fits) => {
    expect(checkDigitFits(scheme, number)).toBe(fits);
  });

  test('every wrong digit of an NHS number is found', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 1, max: 9 }), (place, by) => {
        const digits = Array.from('9434765919');
        digits[place] = String((Number(digits[place]) + by) % 10);
        expect(checkDigitFits('mod-11', digits.join(''))).toBe(false);
      }),
    );
  });

  test('telephone numbers, e-mail and web addresses are kept in one form', () => {
    expect(normalizeTelecom({ system: 'FAX', value: '020 1234567' }, { defaultCountry: 'KE' })).toBe('+254201234567');
    expect(normalizeTelecom({ system: 'EMAIL', value: ' A@Example.ORG ' })).toBe('a@example.org');
    expect(normalizeTelecom({ system: 'OTHER', value: 'pager 12' })).toBe('pager 12');
  });
});
