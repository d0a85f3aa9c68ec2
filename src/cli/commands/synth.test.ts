import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCommand } from '../../../test/support/command-line.ts';
import { csvHeader, ndjsonLine, syntheticCharts, syntheticPeople, truthHeader, truthLine } from '../../synth/index.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'synth-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('standard output carries the people and nothing else, the same every time', async () => {
  const made = await runCommand(['synth', '--people', '300', '--seed', '7']);
  expect(made.code).toBe(0);
  expect(made.stdout).toBe([...syntheticPeople({ people: 300, seed: 7 })].map((person) => ndjsonLine(person)).join(''));
  expect(made.stderr).toMatch(/^300 people, 300 charts in \d+\.\d s\n$/);
  const csv = await runCommand(['synth', '--people', '2', '--format', 'csv', '--no-mrn']);
  expect(csv.stdout.startsWith(csvHeader({ mrn: false }))).toBe(true);
  expect(csv.stdout.trimEnd().split('\n')).toHaveLength(3);
});

test('second charts need a file for their truth, and no file is written over', async () => {
  const [output, truth] = [join(folder, 'people.ndjson'), join(folder, 'truth.csv')];
  const args = ['synth', '--people', '500', '--seed', '3', '--duplicates', '0.2', '--output', output];
  expect(await runCommand(args)).toMatchObject({ code: 64, stderr: expect.stringContaining('SYNTH_TRUTH_MISSING') as string });
  const made = await runCommand([...args, '--truth', truth, '--json']);
  expect(made.code).toBe(0);
  const charts = [...syntheticCharts({ people: 500, seed: 3, duplicatesPerMille: 200 })];
  expect(JSON.parse(made.stdout)).toMatchObject({ people: 500, charts: charts.length, duplicates: charts.length - 500, seed: 3, today: '2026-01-01' });
  expect(await readFile(output, 'utf8')).toBe(charts.map(({ chart }) => ndjsonLine(chart)).join(''));
  expect(await readFile(truth, 'utf8')).toBe(truthHeader + charts.map(truthLine).join(''));
  expect(await runCommand([...args, '--truth', truth])).toMatchObject({ stderr: expect.stringContaining('SYNTH_OUTPUT_FAILED') as string });
});

test('numbers, dates and shares that are none are refused in words', async () => {
  for (const wrong of [
    ['--people', '0'],
    ['--people', 'many'],
    ['--people', '5', '--seed', '-1'],
    ['--people', '5', '--today', '2026-02-30'],
    ['--people', '5', '--duplicates', '2'],
  ]) {
    expect(await runCommand(['synth', ...wrong])).toMatchObject({ code: 64, stdout: '', stderr: expect.stringContaining('COMMAND_LINE_INVALID') as string });
  }
});
