import { expect, test } from 'vitest';
import { checksumMatches, checksumOf, type HistoryRow, historyState, lastAttempt } from './history.ts';

const attempt = (id: string, part: Partial<HistoryRow> = {}): HistoryRow => ({
  id,
  name: '20260103000000_add_patient_module',
  checksum: '',
  startedAt: new Date(0),
  finishedAt: null,
  rolledBackAt: null,
  logs: null,
  appliedSteps: 0,
  ...part,
});
const done = { finishedAt: new Date(1) };
const undone = { rolledBackAt: new Date(2) };
const name = attempt('').name;

test.each([
  ['absent', []],
  ['failed', [attempt('a')]],
  ['applied', [attempt('a', done)]],
  ['rolled-back', [attempt('a', undone)]],
  ['rolled-back', [attempt('a', { ...done, ...undone })]],
  ['applied', [attempt('a', undone), attempt('b', done)]],
  ['failed', [attempt('a', undone), attempt('b')]],
  ['absent', [attempt('a', { ...done, name: 'another' })]],
] as const)('a migration is %s by its last attempt (%#)', (state, history) => {
  expect(historyState(history, name)).toBe(state);
  expect(lastAttempt(history, name)).toBe(history.findLast((each) => each.name === name));
});

test.each([
  ['failed', [attempt('a'), attempt('b', done)]],
  ['failed', [attempt('a'), attempt('b', undone)]],
  ['applied', [attempt('a', done), attempt('b', undone)]],
] as const)('a migration is %s by an earlier attempt, as Prisma reads it (%#)', (state, history) => {
  expect(historyState(history, name)).toBe(state);
  expect(lastAttempt(history, name)).toBe(history[0]);
});

test('the checksum is the hex SHA-256 of the text', () => {
  expect(checksumOf('SELECT 1;\n')).toBe('b4e0497804e46e0a0b0b8c31975b062152d551bac49c3c2e80932567b4085dcd');
});

test('line ends do not make a file edited; a byte order mark and a blank do', () => {
  const text = 'SELECT 1;\nSELECT 2;\n';
  for (const [file, recorded] of [
    [text, text],
    [text, text.replaceAll('\n', '\r\n')],
    [text.replaceAll('\n', '\r\n'), text],
  ] as const) {
    expect(checksumMatches(file, checksumOf(recorded))).toBe(true);
  }
  expect(checksumMatches(text, checksumOf(`\uFEFF${text}`))).toBe(false);
  expect(checksumMatches(`${text} `, checksumOf(text))).toBe(false);
});
