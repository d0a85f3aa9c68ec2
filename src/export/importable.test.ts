import { expect, test } from 'vitest';
import { importableChart, isFrameLine } from './importable.ts';

const chart = {
  type: 'chart',
  id: '0190b6b2-6d0f-7c3a-9c6e-000000000001',
  mrn: 'MRN0000017',
  firstName: null,
  lastName: 'Synthetic',
  dateOfBirth: '1990-01-01',
  status: 'ACTIVE',
  restricted: false,
  version: 3,
  names: [{ id: 'n', patientId: 'p', use: 'MAIDEN', lastName: 'Earlier', createdAt: '2026-01-01T00:00:00Z' }],
  telecoms: [],
  allergies: [],
};

test('a line of an export becomes a row with what an import takes, and nothing else', () => {
  expect(importableChart(chart)).toEqual({
    row: { id: chart.id, mrn: 'MRN0000017', lastName: 'Synthetic', dateOfBirth: '1990-01-01', names: [{ use: 'MAIDEN', lastName: 'Earlier' }] },
    lost: [],
  });
  expect(importableChart({ ...chart, deceased: true, deceasedAt: null, status: 'DECEASED' })?.row).toMatchObject({ deceased: true, deceasedAt: null });
});

test.each([
  ['allergies', { allergies: [{}] }],
  ['riskFlags', { riskFlags: [{}] }],
  ['documents', { documents: [{}] }],
  ['restricted', { restricted: true }],
  ['archived', { archived: true }],
  ['mergedInto', { mergedInto: 'x' }],
  ['status', { status: 'INACTIVE' }],
  ['identityStatus', { identityStatus: 'UNIDENTIFIED' }],
])('%s would be lost, and is told', (lost, fields) => {
  expect(importableChart({ ...chart, ...fields })?.lost).toEqual([lost]);
});

test('what is no export is left alone, and the lines around the charts are known', () => {
  expect(importableChart({ lastName: 'Synthetic' })).toBeUndefined();
  expect(['{"type":"head","format":"onechart-base/1","exportedAt":""}', '{"type":"end","charts":1}', '{"type":"masked","id":"x"}'].map(isFrameLine)).toEqual([
    true,
    true,
    true,
  ]);
  expect(isFrameLine('{"type":"chart"}')).toBe(false);
});
