import { expect, test } from 'vitest';
import { parseScrape } from '../../test/support/scrape.ts';
import { createMetrics } from './metrics.ts';

const looked = async (metrics: ReturnType<typeof createMetrics>) => parseScrape(await metrics.render());

test('what nobody has told is absent, what is cleared is absent again, and a number of 0 is there', async () => {
  const metrics = createMetrics({ operations: [] });
  expect((await looked(metrics)).value('onechart_patients')).toBeUndefined();
  metrics.set('onechart_patients', 0);
  metrics.set('onechart_mrn_counter', 7, { authority: 'default' });
  const told = await looked(metrics);
  expect([told.value('onechart_patients'), told.value('onechart_mrn_counter', { authority: 'default' })]).toEqual([0, 7]);
  metrics.clear('onechart_patients');
  metrics.clear('onechart_mrn_counter');
  expect((await looked(metrics)).samples.filter(({ name }) => /patients|mrn_counter/.test(name))).toEqual([]);
});

test('counters that somebody else counts are taken as they are, each replica by itself', async () => {
  const metrics = createMetrics({ operations: [] });
  for (const [replica, reads] of [
    ['1', 5],
    ['2', 8],
    ['1', 9],
  ] as const)
    metrics.set('onechart_replica_reads_total', reads, { replica });
  const found = await looked(metrics);
  expect(['1', '2'].map((replica) => found.value('onechart_replica_reads_total', { replica }))).toEqual([9, 8]);
});

test('series do not grow with what callers invent: operations that are not served are one', async () => {
  const metrics = createMetrics({ operations: ['getPatient'] });
  for (let number = 0; number < 1_000; number += 1) metrics.answered(`invented${number}`, { status: 404, milliseconds: 1, replayed: false });
  metrics.answered('getPatient', { status: 799, milliseconds: 1, replayed: false });
  const found = await looked(metrics);
  expect(found.value('onechart_http_requests_total', { operation: 'none', status: '4xx' })).toBe(1_000);
  expect(new Set(found.samples.flatMap(({ labels }) => labels.operation ?? []))).toEqual(new Set(['none', 'getPatient']));
});

test('two servers in one process do not add up, and what comes before a scrape is asked each time', async () => {
  const [first, second] = [createMetrics({ operations: [] }), createMetrics({ operations: [] })];
  let asked = 0;
  first.onScrape(() => first.set('onechart_http_requests_in_flight', (asked += 1)));
  first.aborted();
  expect((await looked(second)).value('onechart_http_requests_aborted_total')).toBe(0);
  await looked(first);
  expect((await looked(first)).value('onechart_http_requests_in_flight')).toBe(2);
});
