import fc from 'fast-check';
import { expect, test } from 'vitest';
import { groupToFit, type TimedStep } from './group-steps.ts';
import { renderTimeline } from './timeline.ts';
import { layOutTimeline } from './timeline-layout.ts';

const width = 430;
const hour = 3_600_000;

const milliseconds = fc.oneof(fc.constant(0), fc.double({ min: 0, max: 5, noNaN: true }), fc.double({ min: 0, max: hour, noNaN: true }));
const label = fc.oneof(
  fc.constantFrom('Adopt orphans of bills, batch 7 of 2,000', 'Adopt orphans of bills, batch 8 of 2,000', 'Validate foreign key <a> & "b"'),
  fc.string({ maxLength: 200 }),
);
const step = fc.record({
  label,
  gap: milliseconds,
  wait: milliseconds,
  work: milliseconds,
  attempts: fc.integer({ min: 1, max: 2_000 }),
});
const run = fc.tuple(fc.array(step, { maxLength: 200 }), fc.boolean()).map(([steps, stopped]) => {
  let clock = 0;
  return steps.map(({ label: words, gap, wait, work, attempts }, index): TimedStep => {
    const startMilliseconds = clock + gap;
    clock = startMilliseconds + wait + work;
    return {
      label: words,
      number: index + 1,
      startMilliseconds,
      waitMilliseconds: wait,
      workMilliseconds: work,
      attempts,
      done: !(stopped && index === steps.length - 1),
    };
  });
});

test('whatever the steps: bars lie within the axis and have a width, nothing is lost, no number is none', () => {
  fc.assert(
    fc.property(run, (steps) => {
      const layout = layOutTimeline(steps, width);
      expect(layout.rows.length).toBeLessThanOrEqual(70);
      for (const { segments, retryMarks } of layout.rows) {
        expect(segments.length).toBeGreaterThan(0);
        for (const { x, width: wide } of segments) {
          expect(x).toBeGreaterThanOrEqual(0);
          expect(wide).toBeGreaterThanOrEqual(1);
          expect(x + wide).toBeLessThanOrEqual(width + 1e-6);
        }
        for (const mark of retryMarks) expect(mark >= 0 && mark <= width).toBe(true);
      }
      const total = (rows: readonly { workMilliseconds: number; waitMilliseconds: number }[]) =>
        rows.reduce((sum, row) => sum + row.workMilliseconds + row.waitMilliseconds, 0);
      expect(total(layout.rows)).toBeCloseTo(total(steps), 3);
      expect(layout.rows.filter(({ done }) => !done).length).toBe(steps.filter(({ done }) => !done).length);
      for (const { x } of layout.ticks) expect(x >= 0 && x <= width + 1e-6).toBe(true);
      expect(layout.ticks.length).toBeLessThanOrEqual(10);
      const svg = renderTimeline(steps, { title: 'a run' });
      expect(svg).not.toMatch(/NaN|Infinity|undefined/);
      for (const [, number] of svg.matchAll(/ (?:x|y|width|height|x1|x2|y1|y2)="([^"]*)"/g)) expect(number).toMatch(/^-?\d+(\.\d+)?$/);
    }),
    { numRuns: 200 },
  );
});

test('times that are no numbers, and clocks that went back, are drawn at all', () => {
  const broken = [Number.NaN, Number.POSITIVE_INFINITY, -5].map(
    (value, index): TimedStep => ({
      label: 'x',
      number: index + 1,
      startMilliseconds: value,
      waitMilliseconds: value,
      workMilliseconds: value,
      attempts: 1,
      done: true,
    }),
  );
  expect(renderTimeline(broken, { title: 'broken' })).not.toMatch(/NaN|Infinity/);
});

const batch = (index: number, name: string): TimedStep => ({
  label: `Adopt orphans of ${name}, batch ${index + 1} of 2,000`,
  number: index + 1,
  startMilliseconds: index * 900,
  waitMilliseconds: index % 97 === 0 ? 300 : 0,
  workMilliseconds: 500,
  attempts: index % 97 === 0 ? 4 : 1,
  done: true,
});

test('2,000 batches of two tables are two lines, with all of their retries; the picture stays small', () => {
  const steps = Array.from({ length: 2_000 }, (_, index) => batch(index, index < 1_300 ? 'bills' : 'medical_records'));
  const { rows } = layOutTimeline(steps, width);
  expect(rows.map(({ numbers, label: words, retries }) => [numbers, words, retries])).toEqual([
    ['1-1300', '1,300 steps: Adopt orphans of bills, batch … of …', 14 * 3],
    ['1301-2000', '700 steps: Adopt orphans of medical_records, batch … of …', 7 * 3],
  ]);
  expect(renderTimeline(steps, { title: 'batches' }).length).toBeLessThan(150_000);
});

test('one step has its line, and 2,000 that have nothing in common fit on 70', () => {
  expect(layOutTimeline([batch(0, 'bills')], width).rows).toMatchObject([{ numbers: '1', retries: 3, workMilliseconds: 500 }]);
  const steps = Array.from({ length: 2_000 }, (_, index) => ({ ...batch(index, 'x'), label: `step ${String.fromCharCode(97 + (index % 26))}` }));
  const groups = groupToFit([...steps, { ...batch(2_000, 'x'), done: false }], 70);
  expect(groups.length).toBeLessThanOrEqual(70);
  expect(groups.flatMap((group) => group.steps).length).toBe(2_001);
  expect(groups.at(-1)?.steps).toMatchObject([{ done: false }]);
});

test('a millisecond beside an hour is still seen', () => {
  const { rows } = layOutTimeline(
    [
      { ...batch(0, 'x'), waitMilliseconds: 0, workMilliseconds: 1 },
      { ...batch(1, 'y'), label: 'long', startMilliseconds: 1, waitMilliseconds: 1, workMilliseconds: hour },
    ],
    width,
  );
  expect(Math.min(...rows.flatMap(({ segments }) => segments.map((each) => each.width)))).toBeGreaterThanOrEqual(1.5);
});
