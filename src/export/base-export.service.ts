import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { showPatients } from '../access/break-glass.service.ts';
import { requireScope } from '../access/field-rights.ts';
import { insertAuditEvent } from '../audit/audit.store.ts';
import { AppError } from '../base/errors.ts';
import { parseInput } from '../base/parse-input.ts';
import type { Ctx, Db } from '../db/context.ts';
import { openSnapshot } from '../db/snapshot.ts';
import { translateDatabaseError } from '../db/sqlstate.ts';
import { inTransaction } from '../db/transaction.ts';
import { type ChartParts, listPartsOfMany, type PartName } from '../patient/chart-part.store.ts';
import type { Patient } from '../patient/patient.schema.ts';
import { csvHead, csvRow } from './csv.ts';
import { baseFormat, BaseExportInput, type BaseExportResult, type CheckedBaseExportInput, type ExportedChart } from './export.schema.ts';
import { estimateCharts, listRestrictedOf, selectChartPage } from './export.store.ts';

/** Charts a page: nine statements each. At 250 to 2000 the rate differs by less than 10 %; memory grows with it. */
const chartsAPage = 500;
/** Running exports of viewers in one process: each holds a connection and a snapshot. */
const mostAtOnce = 2;
const running = new WeakMap<Db, { count: number }>();

export interface BaseExport {
  readonly fileName: string;
  readonly contentType: string;
  /** The bytes of the file as they become ready. Whoever leaves off early ends the export, which the trail then says. */
  readonly chunks: AsyncIterableIterator<Uint8Array>;
  /** What it came to; undefined until the last chunk was taken. */
  readonly result: () => BaseExportResult | undefined;
}

export interface BaseExportOptions {
  readonly onProgress?: (progress: { charts: number; estimate: number | undefined }) => void;
}

/**
 * Begins an export of the base: every chart that fits the filter as it is at one moment, read page by page, so that memory stays
 * the same however many there are. The trail gets `registry.export-begun` before the first chart is read, and `registry.exported`
 * with counts and digest, or `registry.export-broken-off`, when it ends.
 *
 * A viewer is given restricted charts only where a grant of theirs holds: in NDJSON `{"type":"masked","id":…}` stands in place of each
 * of the others, in CSV they are left out; the counts tell. A trusted caller is given everything.
 *
 * Errors: `ACCESS_DENIED`, `INPUT_INVALID` without a reason, `EXPORT_BUSY`.
 *
 * @example
 * const { chunks, result } = await exportBase(ctx, { format: 'csv', reason: 'Yearly statistics' });
 * for await (const chunk of chunks) file.write(chunk);
 * console.log(result()?.sha256);
 */
export async function exportBase(ctx: Ctx, given: BaseExportInput, options: BaseExportOptions = {}): Promise<BaseExport> {
  const input = parseInput(BaseExportInput, given);
  requireScope(ctx.viewer, 'registry.export');
  const leave = enter(ctx);
  let result: BaseExportResult | undefined;
  const all = run(ctx, { input, options, leave, done: (made) => (result = made) });
  // Begun here, so that what fails at once is told as an error and not as a broken file; from here on its end is always noticed.
  const first = await all.next();
  return {
    fileName: `onechart-${ctx.clock.now().toISOString().slice(0, 10)}.${input.format}${input.gzip ? '.gz' : ''}`,
    contentType: input.gzip ? 'application/gzip' : input.format === 'csv' ? 'text/csv; charset=utf-8' : 'application/x-ndjson',
    chunks: resumed(first, all),
    result: () => result,
  };
}

function enter(ctx: Ctx): () => void {
  if (ctx.viewer === undefined) return () => undefined;
  const state = running.get(ctx.db) ?? { count: 0 };
  running.set(ctx.db, state);
  if (state.count >= mostAtOnce) {
    throw new AppError('busy', 'EXPORT_BUSY', `${mostAtOnce} exports of the base are running in this process already. Try again when one has ended.`);
  }
  state.count += 1;
  let left = false;
  return () => {
    if (!left) state.count -= 1;
    left = true;
  };
}

/** An iterator that was asked for its first item already. */
function resumed<Item>(first: IteratorResult<Item, void>, rest: AsyncGenerator<Item, void>): AsyncIterableIterator<Item> {
  let waiting: IteratorResult<Item, void> | undefined = first;
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      const item = waiting;
      waiting = undefined;
      return item ?? rest.next();
    },
    return: () => rest.return(),
    throw: (error: unknown) => rest.throw(error),
  };
}

interface Run {
  readonly input: CheckedBaseExportInput;
  readonly options: BaseExportOptions;
  readonly leave: () => void;
  readonly done: (result: BaseExportResult) => void;
}

async function* run(ctx: Ctx, { input, options, leave, done }: Run): AsyncGenerator<Uint8Array, void> {
  const told = { format: input.format, gzip: input.gzip, status: input.status ?? null, updatedSince: input.updatedSince ?? null };
  const record = (action: string, after: object) =>
    inTransaction(ctx, (inside) => insertAuditEvent(inside, { action, patientId: null, reason: input.reason, after: { ...told, ...after } }));
  const counts = { charts: 0, masked: 0 };
  const hash = createHash('sha256');
  let bytes = 0;
  let complete = false;
  let begun = false;
  try {
    await record('registry.export-begun', {});
    begun = true;
    const text = texts(ctx, { input, counts, onProgress: options.onProgress });
    for await (const chunk of input.gzip ? gzipped(text) : text) {
      const piece = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      hash.update(piece);
      bytes += piece.length;
      yield piece;
    }
    const result = { ...counts, bytes, sha256: hash.digest('hex') };
    await record('registry.exported', result);
    complete = true;
    done(result);
  } catch (error) {
    throw translateDatabaseError(error);
  } finally {
    leave();
    if (begun && !complete) await record('registry.export-broken-off', { ...counts, bytes });
  }
}

async function* gzipped(texts: AsyncGenerator<string, void>): AsyncGenerator<Buffer, void> {
  const source = Readable.from(texts);
  const zip = source.pipe(createGzip({ level: 6 }));
  // `pipe` does not hand on what fails.
  source.on('error', (error) => zip.destroy(error));
  try {
    for await (const chunk of zip) yield chunk as Buffer;
  } finally {
    source.destroy();
    await texts.return();
  }
}

interface Texts {
  readonly input: CheckedBaseExportInput;
  readonly counts: { charts: number; masked: number };
  readonly onProgress: BaseExportOptions['onProgress'];
}

/** The file in pieces of a page each. */
async function* texts(ctx: Ctx, { input, counts, onProgress }: Texts): AsyncGenerator<string, void> {
  const csv = input.format === 'csv';
  const snapshot = await openSnapshot(ctx);
  try {
    const estimate = await estimateCharts(snapshot.db);
    const filter = { status: input.status ?? null, updatedSince: input.updatedSince ?? null };
    const head = { type: 'head', format: baseFormat, exportedAt: ctx.clock.now().toISOString(), filter };
    yield csv ? `${input.bom ? '\uFEFF' : ''}${csvHead()}` : `${JSON.stringify(head)}\n`;
    for (let after: string | undefined, more = true; more; ) {
      const page = await selectChartPage(snapshot.db, { status: input.status, updatedSince: input.updatedSince }, { after, limit: chartsAPage });
      after = page.at(-1)?.id;
      more = page.length === chartsAPage;
      if (page.length === 0) break;
      yield await textOf(ctx, { db: snapshot.db, page, csv, counts });
      onProgress?.({ charts: counts.charts + counts.masked, estimate });
    }
    if (!csv) yield `${JSON.stringify({ type: 'end', ...counts })}\n`;
  } finally {
    await snapshot.close();
  }
}

async function textOf(ctx: Ctx, { db, page, csv, counts }: { db: Db; page: readonly Patient[]; csv: boolean; counts: Texts['counts'] }): Promise<string> {
  const { shown } = await showPatients(ctx, await asRestrictedNow(ctx, page));
  const open = shown.flatMap((chart) => ('masked' in chart ? [] : [chart]));
  const partsOf = await readParts(db, csv ? ['contact'] : everyPart, open);
  let text = '';
  for (const chart of shown) {
    if ('masked' in chart) {
      counts.masked += 1;
      if (!csv) text += `${JSON.stringify({ type: 'masked', id: chart.id })}\n`;
      continue;
    }
    counts.charts += 1;
    const line: ExportedChart = { type: 'chart', ...chart, ...partsOf(chart.id) };
    text += csv ? csvRow(line) : `${JSON.stringify(line)}\n`;
  }
  return text;
}

/** A chart that was restricted since the snapshot was taken is restricted; so are the grants those of now. */
async function asRestrictedNow(ctx: Ctx, page: readonly Patient[]): Promise<readonly Patient[]> {
  if (ctx.viewer === undefined) return page;
  const shut = new Set(
    await listRestrictedOf(
      ctx.db,
      page.map(({ id }) => id),
    ),
  );
  return shut.size === 0 ? page : page.map((patient) => (shut.has(patient.id) ? { ...patient, restricted: true } : patient));
}

const everyPart: readonly PartName[] = ['name', 'address', 'telecom', 'identifier', 'contact', 'document', 'allergy', 'riskFlag'];

async function readParts(db: Db, parts: readonly PartName[], charts: readonly Patient[]) {
  const ids = charts.map(({ id }) => id);
  const found = new Map<PartName, Map<string, unknown[]>>();
  for (const part of ids.length === 0 ? [] : parts) {
    const rows: readonly { patientId: string }[] = await listPartsOfMany(db, part, ids);
    const byPatient = new Map<string, unknown[]>();
    for (const row of rows) {
      const list = byPatient.get(row.patientId);
      if (list) list.push(row);
      else byPatient.set(row.patientId, [row]);
    }
    found.set(part, byPatient);
  }
  const of = <Part extends PartName>(part: Part, id: string) => (found.get(part)?.get(id) ?? []) as ChartParts[Part][];
  return (id: string) => ({
    names: of('name', id),
    addresses: of('address', id),
    telecoms: of('telecom', id),
    identifiers: of('identifier', id),
    contacts: of('contact', id),
    documents: of('document', id),
    allergies: of('allergy', id),
    riskFlags: of('riskFlag', id),
  });
}
