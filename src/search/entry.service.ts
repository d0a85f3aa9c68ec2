import type { Ctx } from '../db/context.ts';
import { readerOf } from '../db/reader.ts';
import { inOneStatement } from '../db/transaction.ts';
import {
  type ChartToIndex,
  findChartToIndex,
  findChartsToIndex,
  findMissingEntries,
  type MadeEntry,
  selectChartsToIndex,
  writeEntries,
  writeEntry,
} from './search-entry.store.ts';
import { searchTermsOf, searchTermsVersion, toVector, wordsAmong } from './words.ts';

/** Makes anew what a chart is found by, in the transaction of a change and under the lock on the chart. */
export async function refreshSearchEntry(ctx: Ctx, patientId: string): Promise<void> {
  const chart = await findChartToIndex(ctx.db, patientId);
  if (!chart) return;
  const terms = searchTermsOf(chart);
  await writeEntry(ctx.db, { patientId, vector: toVector(terms), version: searchTermsVersion, words: wordsAmong(terms) });
}

export interface RebuildOptions {
  /** Every entry is compared with its chart; otherwise only charts without one, or with one of earlier rules, are read closely. */
  readonly all?: boolean;
  /** Charts in one statement, which holds their rows for as long as it runs. */
  readonly batchRows?: number;
  /** Rest after each batch, as a share of the time that it took: 1 leaves every second moment to others. */
  readonly rest?: number;
  /** Stops between two batches; what is done stays done. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { read: number; written: number }) => void;
}

/** 500 charts are held for some 30 ms. */
const defaultBatchRows = 500;

/**
 * Writes what charts are found by where it is missing or not of the present rules: after rows were written past OneChart,
 * after the migration that brought search, after an update that changed the rules. It can be broken off and started again
 * at any time, by several at once too, and live users come before it: a chart that is being changed is left for the next round.
 *
 * @example
 * const { written } = await rebuildSearch(ctx, { rest: 0 });
 */
export async function rebuildSearch(ctx: Ctx, options: RebuildOptions = {}): Promise<{ read: number; written: number; left: number }> {
  const { all = false, batchRows = defaultBatchRows, rest = 0, signal, onProgress } = options;
  const done = { read: 0, written: 0, left: 0 };
  let after: string | undefined;
  const knownWords = new Set<string>();
  for (;;) {
    const page = all ? await readAll(ctx, { after, limit: batchRows }) : await readMissing(ctx, { after, limit: batchRows * 10 });
    for (let at = 0; at < page.ids.length; at += batchRows) {
      signal?.throwIfAborted();
      const began = performance.now();
      const charts = page.charts ?? (await findChartsToIndex(ctx.db, page.ids.slice(at, at + batchRows)));
      const outdated = charts.flatMap((chart) => {
        const terms = searchTermsOf(chart);
        return isFresh(chart, terms) ? [] : [{ chart, terms }];
      });
      const written = await write(ctx, outdated, knownWords);
      done.written += written;
      done.left += outdated.length - written;
      onProgress?.({ read: done.read + at + charts.length, written: done.written });
      if (rest > 0) await new Promise((resolve) => setTimeout(resolve, (performance.now() - began) * rest));
    }
    done.read += page.read;
    onProgress?.({ read: done.read, written: done.written });
    after = page.last;
    if (after === undefined) return done;
  }
}

interface ChartsPage {
  readonly ids: readonly string[];
  readonly charts?: readonly ChartToIndex[];
  readonly read: number;
  /** Undefined behind the last chart. */
  readonly last: string | undefined;
}

async function readAll(ctx: Ctx, page: { after: string | undefined; limit: number }): Promise<ChartsPage> {
  const charts = await selectChartsToIndex(ctx.db, page);
  return { ids: charts.map(({ id }) => id), charts, read: charts.length, last: charts.at(-1)?.id };
}

async function readMissing(ctx: Ctx, page: { after: string | undefined; limit: number }): Promise<ChartsPage> {
  const { missing, last, read } = await findMissingEntries(ctx.db, { ...page, version: searchTermsVersion });
  return { ids: missing, read, last };
}

async function write(ctx: Ctx, outdated: readonly { chart: ChartToIndex; terms: string[] }[], knownWords: Set<string>): Promise<number> {
  if (outdated.length === 0) return 0;
  const entries: MadeEntry[] = outdated.map(({ chart, terms }) => ({
    patientId: chart.id,
    vector: toVector(terms),
    chartWrittenBy: chart.chartWrittenBy,
    entryWrittenBy: chart.entryWrittenBy,
  }));
  const words = [...new Set(outdated.flatMap(({ terms }) => wordsAmong(terms)))].filter((word) => !knownWords.has(word));
  const written = await inOneStatement(ctx, ({ db }) => writeEntries(db, entries, { version: searchTermsVersion, words }));
  for (const word of words) knownWords.add(word);
  return written.length;
}

function isFresh(chart: ChartToIndex, terms: readonly string[]): boolean {
  if (chart.entryVersion !== searchTermsVersion || chart.entryTerms === null) return false;
  const there = new Set(chart.entryTerms);
  return there.size === terms.length && terms.every((term) => there.has(term));
}

/**
 * Compares every chart with what it is found by. `missing` have no entry, `stale` one that says something else; some ids of
 * both, to look at.
 *
 * @example
 * const { missing, stale } = await checkSearch(ctx);
 */
export async function checkSearch(
  ctx: Ctx,
  { onProgress, signal }: { onProgress?: (progress: { read: number }) => void; signal?: AbortSignal } = {},
): Promise<{ charts: number; missing: number; stale: number; examples: string[] }> {
  const found = { charts: 0, missing: 0, stale: 0, examples: [] as string[] };
  const db = readerOf(ctx);
  let after: string | undefined;
  for (;;) {
    signal?.throwIfAborted();
    const charts = await selectChartsToIndex(db, { after, limit: 1000 });
    for (const chart of charts) {
      if (isFresh(chart, searchTermsOf(chart))) continue;
      if (chart.entryVersion === null) found.missing += 1;
      else found.stale += 1;
      if (found.examples.length < 10) found.examples.push(chart.id);
    }
    found.charts += charts.length;
    onProgress?.({ read: found.charts });
    after = charts.at(-1)?.id;
    if (charts.length < 1000) return found;
  }
}
