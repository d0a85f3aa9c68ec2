import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Pool } from 'pg';
import { requireScope } from '../access/field-rights.ts';
import { auditColumns, auditRow } from '../audit/audit-row.ts';
import { AppError } from '../base/errors.ts';
import { plainDateIn } from '../base/plain-date.ts';
import type { Ctx } from '../db/context.ts';
import { sqlstateOf, translateDatabaseError } from '../db/sqlstate.ts';
import { actorSetting } from '../db/transaction.ts';
import { listIdentifierAuthorities } from '../identifier/authority.service.ts';
import { getMrnFormats, type IssuedMrn, type MrnIssuer } from '../identifier/mrn.service.ts';
import { defaultMrnFormat, type MrnFormat, parseMrn } from '../identifier/mrn-format.ts';
import { outboxColumns, outboxRow } from '../outbox/outbox-row.ts';
import { type RegistrySettings, userIdOf } from '../patient/chart.service.ts';
import { type DecidedBatch, type Decisions, decideBatch, numberName, runningElsewhere } from './decide-batch.service.ts';
import { duplicateKeys } from './duplicate-keys.ts';
import type { DuplicateHandling, ImportRun } from './import.schema.ts';
import {
  claimRun,
  completeRun,
  findRun,
  findRunOf,
  holdRun,
  idsAreUuids,
  type ImportTransaction,
  inImportTransaction,
  insertRun,
  insertWords,
  listComparablesSince,
  lockFile,
  lockNumbers,
  moveRun,
  probe,
  type RunProgress,
  streamComparables,
} from './import.store.ts';
import { searchTermsOf, searchTermsVersion, toVector } from '../search/words.ts';
import { createKeySet } from './key-set.ts';
import { openReport, type ReportFile } from './report-file.service.ts';
import { duplicateHeader, duplicateLine, errorHeader, errorLine } from './report-lines.ts';
import { createReader, readBatches, readRecords, type ScannedFile, type SourceBatch, type SourceFormat, type SourceRow } from './source.service.ts';

export interface ImportOptions {
  readonly path: string;
  readonly scanned: ScannedFile;
  readonly format: SourceFormat;
  readonly settings: RegistrySettings;
  readonly mrns: MrnIssuer;
  readonly duplicates: DuplicateHandling;
  /** The import to go on with, where it is named; otherwise that of the same file and settings, or a new one. */
  readonly run?: ImportRun | undefined;
  /** Where rows with errors, and duplicates, are written. */
  readonly errorsPath: string;
  readonly duplicatesPath: string;
  readonly dryRun?: boolean;
  readonly batchRows?: number;
  readonly maxRowsPerSecond?: number | undefined;
  /** Works half of the time at most. */
  readonly gentle?: boolean;
  /** Told after each batch; the next one waits for it. */
  readonly onProgress?: (progress: ImportProgress) => void | Promise<void>;
  readonly signal?: AbortSignal | undefined;
}

export interface ImportProgress extends RunProgress {
  readonly fileSize: number;
}

export interface ImportResult extends RunProgress {
  /** Null of a dry run. */
  readonly id: string | null;
  readonly state: 'completed' | 'completed-before' | 'checked';
  /** Whether it went on from where it was cut off. */
  readonly resumed: boolean;
  readonly errorsPath: string | null;
  readonly duplicatesPath: string | null;
}

/** Rows of a transaction: at 10,000 rows a second a tenth of a second, which is the longest that anybody waits for its locks. */
const usualBatch = 1000;
const attempts = 5;
/** Serialization failure, deadlock, a lock that was not to be had, and a number that somebody took a moment ago: deciding anew mends each. */
const repeatable = new Set(['40001', '40P01', '55P03', '23505', '23503']);

/**
 * Imports a file: every row becomes a chart, as if it had been registered, with its audit row, its event and its search entry. Batches are
 * transactions of their own, and the place in the file moves on in each of them: whatever ends the process, the same call goes on where
 * the last whole batch ended.
 *
 * Errors: `IMPORT_RUNNING_ELSEWHERE`, `IMPORT_INTERRUPTED` (resumable) when `signal` stops it; what is wrong with rows is in the error file.
 */
export async function importFile(ctx: Ctx & { pool: Pool }, options: ImportOptions): Promise<ImportResult> {
  requireScope(ctx.viewer, 'patient.register');
  try {
    return await run(ctx, options);
  } catch (error) {
    throw translateDatabaseError(error);
  }
}

async function run(ctx: Ctx & { pool: Pool }, options: ImportOptions): Promise<ImportResult> {
  const started = await startRun(ctx, options);
  if (options.dryRun) return go(ctx, options, started);
  const giveBack = await claim(ctx, started.run.id);
  try {
    // Whoever had it before may have moved it on.
    return await go(ctx, options, { ...started, run: (await findRun(ctx.db, started.run.id)) ?? started.run });
  } finally {
    giveBack();
  }
}

/** How long the server may take to notice that a killed process is gone. */
const claimWaitMs = 5000;

async function claim(ctx: Ctx & { pool: Pool }, id: string): Promise<() => void> {
  const until = performance.now() + claimWaitMs;
  for (;;) {
    const giveBack = await claimRun(ctx.pool, id);
    if (giveBack) return giveBack;
    if (performance.now() > until) throw runningElsewhere();
    await pause(100);
  }
}

async function go(ctx: Ctx & { pool: Pool }, options: ImportOptions, started: { run: ImportRun; resumed: boolean }): Promise<ImportResult> {
  const { path, scanned, format, settings, dryRun = false, signal } = options;
  const from = { byte: started.run.bytePosition, line: started.run.line };
  let progress: RunProgress = pickProgress(started.run);
  const reportPaths = { errorsPath: options.errorsPath, duplicatesPath: options.duplicatesPath };
  if (started.run.status === 'COMPLETED') return { ...progress, id: started.run.id, state: 'completed-before', resumed: false, ...reportPaths };

  const now = ctx.clock.now();
  const authorities = await listIdentifierAuthorities(ctx);
  if (!dryRun) await raiseCounters(ctx, options);
  const seen = createKeySet();
  await streamComparables(ctx.pool, (person) => {
    for (const key of duplicateKeys(person)) seen.add(key, 0);
  });
  const decisions: Decisions = {
    seen,
    words: new Set(),
    madeAt: [],
    duplicates: options.duplicates,
    uuids: await idsAreUuids(ctx.db),
    runId: started.run.id,
    read: createReader(format, plainDateIn(now, settings.timeZone)),
  };
  const fromLine = started.resumed ? from.line : undefined;
  const errors = await openReport(options.errorsPath, { kind: format.kind, header: errorHeader(format.header), fromLine });
  const duplicates = await openReport(options.duplicatesPath, { kind: 'csv', header: duplicateHeader, fromLine });
  try {
    const source = readBatches({
      path,
      format,
      from,
      fileSize: scanned.size,
      batchRows: options.batchRows ?? usualBatch,
      check: { now, timeZone: settings.timeZone, defaultCountry: settings.defaultCountry, authorities },
    });
    const pace = createPace(ctx, options);
    const follow = createFollower(ctx, decisions);
    for await (const batch of source) {
      if (signal?.aborted) throw interrupted();
      await follow();
      const write = { ctx, batch, progress, options, decisions, reports: { errors, duplicates }, runId: started.run.id };
      progress = dryRun ? await judge(write) : await writeBatch(write);
      await options.onProgress?.({ ...progress, fileSize: scanned.size });
      await pace(batch.rows.length);
    }
    if (!dryRun) await completeRun(ctx.db, started.run.id, ctx.clock.now());
    return {
      ...progress,
      id: dryRun ? null : started.run.id,
      state: dryRun ? 'checked' : 'completed',
      resumed: started.resumed,
      errorsPath: errors.written > 0 ? errors.path : null,
      duplicatesPath: duplicates.written > 0 ? duplicates.path : null,
    };
  } finally {
    await errors.close();
    await duplicates.close();
  }
}

function interrupted(): AppError {
  return new AppError('resumable', 'IMPORT_INTERRUPTED', 'The import was interrupted between two batches. The same command goes on from there.');
}

function pickProgress(progress: RunProgress): RunProgress {
  const { bytePosition, line, rowsRead, rowsImported, rowsRejected, rowsSkipped, duplicatesFound, mrnsIssued } = progress;
  return { bytePosition, line, rowsRead, rowsImported, rowsRejected, rowsSkipped, duplicatesFound, mrnsIssued };
}

/** The run of this file, begun or found. A dry run begins none. */
async function startRun(ctx: Ctx & { pool: Pool }, options: ImportOptions): Promise<{ run: ImportRun; resumed: boolean }> {
  const { scanned, format, settings, path } = options;
  if (options.run) return { run: options.run, resumed: true };
  const kept = {
    format: format.kind,
    record: format.record,
    mapping: format.mapping,
    timeZone: settings.timeZone,
    defaultCountry: settings.defaultCountry ?? null,
  };
  const settingsSha256 = createHash('sha256').update(JSON.stringify(kept)).digest('hex');
  const start = format.kind === 'csv' ? await afterHeader(options) : { byte: scanned.markBytes, line: 1 };
  const run = {
    id: ctx.newId(),
    fileSha256: scanned.sha256,
    fileSize: scanned.size,
    filePath: path,
    settingsSha256,
    settings: { ...kept, duplicates: options.duplicates, header: format.header },
    bytePosition: start.byte,
    line: start.line,
    actor: actorSetting(ctx).slice(0, 255),
  };
  if (!options.dryRun) {
    return inImportTransaction(ctx, async (inside) => {
      // Two processes that start at once begin one import, not two.
      await lockFile(inside.ctx.db, scanned.sha256);
      const found = await findRunOf(inside.ctx.db, { fileSha256: scanned.sha256, settingsSha256 });
      return found ? { run: found, resumed: true } : { run: await insertRun(inside.ctx.db, { ...run, now: ctx.clock.now() }), resumed: false };
    });
  }
  const counts = { rowsRead: 0, rowsImported: 0, rowsRejected: 0, rowsSkipped: 0, duplicatesFound: 0, mrnsIssued: 0 };
  const at = ctx.clock.now().toISOString();
  return { run: { ...run, ...counts, status: 'RUNNING', startedAt: at, updatedAt: at, completedAt: null }, resumed: false };
}

async function afterHeader({ path, scanned, format }: ImportOptions): Promise<{ byte: number; line: number }> {
  for await (const [header] of readRecords(path, format.record, { byte: scanned.markBytes, line: 1 })) if (header) return header.next;
  return { byte: scanned.size, line: 1 };
}

/**
 * Moves the counters above every number of ours in the file before the first row is written: a desk that registers meanwhile would
 * otherwise be given numbers that stand further down in the file. Former numbers count too; they are never issued again.
 */
async function raiseCounters(ctx: Ctx & { pool: Pool }, options: ImportOptions): Promise<void> {
  const { format, path, scanned, mrns } = options;
  if (!mayHoldNumbers(format)) return;
  const [current = defaultMrnFormat] = await getMrnFormats(ctx.db);
  const read = createReader(format, '9999-12-31');
  const highest = new Map<number, { number: number; mrn: string }>();
  const column = format.kind === 'csv' ? onlyNumberColumn(format) : undefined;
  for await (const records of readRecords(path, format.record, { byte: scanned.markBytes, line: 1 })) {
    for (const { fields } of records) {
      if (!fields) continue;
      if (column === undefined) {
        const { row } = read(fields);
        if (typeof row.mrn === 'string') note(current, row.mrn);
        if (Array.isArray(row.formerMrns)) for (const former of row.formerMrns) if (typeof former?.value === 'string') note(current, former.value);
      } else note(current, fields[column]?.trim() ?? '');
    }
  }
  for (const { mrn } of highest.values()) await mrns.recordExistingMrn(ctx, mrn);

  function note(mrnFormat: MrnFormat, mrn: string): void {
    const parts = parseMrn(mrnFormat, mrn);
    if (parts && parts.number > (highest.get(parts.year)?.number ?? 0)) highest.set(parts.year, { number: parts.number, mrn });
  }
}

function mayHoldNumbers(format: SourceFormat): boolean {
  return format.kind === 'ndjson' || Object.values(format.mapping.columns).some((column) => isNumberField(typeof column === 'string' ? column : column.field));
}

function isNumberField(field: string): boolean {
  return field === 'mrn' || field === 'formerMrns';
}

/** Where the record numbers stand, when one column holds them and nothing else has to be read: the first look at a million rows takes 2 s instead of 8. */
function onlyNumberColumn({ header, mapping }: SourceFormat): number | undefined {
  const columns = Object.entries(mapping.columns).filter(([, column]) => isNumberField(typeof column === 'string' ? column : column.field));
  const [only] = columns;
  const field = only && (typeof only[1] === 'string' ? only[1] : only[1].field);
  return columns.length === 1 && only && field === 'mrn' ? header.indexOf(only[0]) : undefined;
}

interface BatchWork {
  readonly ctx: Ctx & { pool: Pool };
  readonly batch: SourceBatch;
  readonly progress: RunProgress;
  readonly options: ImportOptions;
  readonly decisions: Decisions;
  readonly reports: { readonly errors: ReportFile; readonly duplicates: ReportFile };
  readonly runId: string;
}

/** What a dry run does with a batch. */
async function judge(work: BatchWork): Promise<RunProgress> {
  const decided = await decideBatch(work.ctx.db, work.batch, work.decisions);
  await report(work, decided);
  return after(work, decided);
}

async function writeBatch(work: BatchWork): Promise<RunProgress> {
  const { ctx, batch, progress, runId, reports } = work;
  for (let attempt = 1; ; attempt += 1) {
    const written = { errors: reports.errors.written, duplicates: reports.duplicates.written };
    const issued: IssuedMrn[] = [];
    let reached = false;
    try {
      const decided = await inImportTransaction(ctx, async (inside) => {
        if (!(await holdRun(inside.ctx.db, { id: runId, bytePosition: progress.bytePosition }))) throw runningElsewhere();
        const decision = await insertBatch(inside, work, issued);
        await moveRun(inside.ctx.db, runId, { progress: progressAfter(work, decision), now: ctx.clock.now() });
        await report(work, decision);
        reached = true;
        return decision;
      });
      return after(work, decided);
    } catch (error) {
      const state = sqlstateOf(error);
      // Of a broken connection nobody knows whether COMMIT took place; the run itself says so to whoever goes on.
      if (reached && /^(?:08|57P)/.test(state ?? '08')) throw error;
      for (const each of issued) each.release();
      await reports.errors.cut(written.errors);
      await reports.duplicates.cut(written.duplicates);
      if (attempt < attempts && repeatable.has(state ?? '')) continue;
      if (!ofARow.test(state ?? '')) throw error;
      const refusals = await findRefused(work, batch.rows);
      if (refusals.size === 0) throw error;
      return writeBatch({ ...work, batch: { ...batch, rows: batch.rows.map((row) => refusals.get(row) ?? row) } });
    }
  }
}

/** Locks, decides and inserts; the numbers that it takes are put into `issued`. */
async function insertBatch(inside: ImportTransaction, work: BatchWork, issued: IssuedMrn[]): Promise<DecidedBatch> {
  await lockNumbers(
    inside.ctx.db,
    work.batch.rows.flatMap((row) => row.checked?.identifiers.map(numberName) ?? []),
  );
  const decided = await decideBatch(inside.ctx.db, work.batch, work.decisions);
  await insertCharts(inside, work, { decided, issued });
  return decided;
}

/** Values that a column or a constraint does not take, and exceptions of triggers: a matter of one row, also where the host has rules of its own. */
const ofARow = /^(?:22|23|P0)/;
const tried = new AppError('internal', 'IMPORT_TRIED', 'The rows would be taken. This is not shown to anybody.');

/** The rows of a batch that the database refuses, with its reason: found by halves, each tried in a transaction that leaves nothing. */
async function findRefused(work: BatchWork, rows: readonly SourceRow[]): Promise<Map<SourceRow, SourceRow>> {
  const issued: IssuedMrn[] = [];
  try {
    await inImportTransaction(work.ctx, async (inside) => {
      await insertBatch(inside, { ...work, batch: { ...work.batch, rows } }, issued);
      throw tried;
    });
  } catch (error) {
    if (error === tried) return new Map();
    if (!ofARow.test(sqlstateOf(error) ?? '')) throw error;
    const [only] = rows;
    if (rows.length > 1) {
      const half = rows.length >> 1;
      return new Map([...(await findRefused(work, rows.slice(0, half))), ...(await findRefused(work, rows.slice(half)))]);
    }
    const told = translateDatabaseError(error);
    if (!only || !(told instanceof AppError)) throw error;
    return new Map([[only, { ...only, checked: undefined, problems: [{ column: '', code: told.code, message: told.message }] }]]);
  } finally {
    for (const each of issued) each.release();
  }
  return new Map();
}

function progressAfter({ batch, progress }: BatchWork, decided: DecidedBatch): RunProgress {
  const { accepted, rejected, skipped } = decided;
  return {
    bytePosition: batch.next.byte,
    line: batch.next.line,
    rowsRead: progress.rowsRead + batch.rows.length,
    rowsImported: progress.rowsImported + accepted.length,
    rowsRejected: progress.rowsRejected + rejected.length,
    rowsSkipped: progress.rowsSkipped + skipped.length,
    duplicatesFound: progress.duplicatesFound + [...accepted, ...rejected, ...skipped].filter(({ duplicates }) => duplicates.length > 0).length,
    mrnsIssued: progress.mrnsIssued + accepted.filter(({ row }) => row.mrn === undefined).length,
  };
}

/** What this process keeps in memory of a batch that is dealt with. */
function after(work: BatchWork, decided: DecidedBatch): RunProgress {
  for (const { key, line } of decided.keys) work.decisions.seen.add(key, line);
  for (const { row } of decided.accepted) for (const word of row.search.words) work.decisions.words.add(word);
  return progressAfter(work, decided);
}

async function report({ reports, options }: BatchWork, decided: DecidedBatch): Promise<void> {
  const { accepted, rejected, skipped } = decided;
  await reports.errors.append(rejected.map(({ source, problems }) => errorLine(source, problems, options.format)));
  const found = [
    ...accepted.flatMap(({ duplicates }) => duplicates.map((each) => ({ each, outcome: 'imported' }))),
    ...rejected.flatMap(({ duplicates }) => duplicates.map((each) => ({ each, outcome: 'refused' }))),
    ...skipped.flatMap(({ duplicates }) => duplicates.map((each) => ({ each, outcome: 'skipped' }))),
  ].toSorted((one, other) => one.each.line - other.each.line);
  await reports.duplicates.append(found.map(({ each, outcome }) => duplicateLine(each, outcome)));
}

const chartColumns = [
  'firstName',
  'middleName',
  'lastName',
  'dateOfBirth',
  'gender',
  'bloodType',
  'email',
  'phone',
  'phoneSecondary',
  'addressLine1',
  'addressLine2',
  'city',
  'state',
  'zipCode',
  'country',
  'dateOfBirthPrecision',
  'preferredLanguage',
  'motherId',
  'birthOrder',
  'multipleBirthCount',
  'deceasedAt',
] as const;
const period = ['periodStart', 'periodEnd'] as const;
const rowTimes = ['createdAt', 'updatedAt', 'createdBy', 'updatedBy'] as const;
const parts = {
  identifiers: { table: 'patient_identifiers', columns: ['authorityCode', 'system', 'type', 'value', ...period, 'notes'] },
  names: { table: 'patient_names', columns: ['use', 'firstName', 'middleName', 'lastName', 'script', 'language', ...period] },
  addresses: { table: 'patient_addresses', columns: ['use', 'addressLine1', 'addressLine2', 'city', 'state', 'zipCode', 'country', ...period] },
  telecoms: { table: 'patient_telecoms', columns: ['system', 'use', 'value', ...period] },
  contacts: {
    table: 'patient_contacts',
    columns: ['firstName', 'lastName', 'relationship', 'phone', 'email', 'address', 'isEmergencyContact', 'isNextOfKin', 'language', 'priority', 'notes'],
  },
} as const;
type PartList = keyof typeof parts;
const partLists = Object.keys(parts) as PartList[];

async function insertCharts(inside: ImportTransaction, work: BatchWork, { decided, issued }: { decided: DecidedBatch; issued: IssuedMrn[] }): Promise<void> {
  const { accepted } = decided;
  if (accepted.length === 0) return;
  const { ctx, runId, decisions } = work;
  const now = ctx.clock.now();
  await issueNumbers(work, { count: accepted.filter(({ row }) => row.mrn === undefined).length, now, issued });
  decisions.madeAt.push(now);
  const user = userIdOf(ctx);
  const times = [now, now, user, user];
  const at: Ctx = { ...ctx, clock: { now: () => now } };
  const patients: unknown[][] = [];
  const trail: unknown[][] = [];
  const events: unknown[][] = [];
  const entries: unknown[][] = [];
  const newWords = new Set<string>();
  const beside: Record<PartList, unknown[][]> = { identifiers: [], names: [], addresses: [], telecoms: [], contacts: [] };
  let next = 0;
  for (const { source, row } of accepted) {
    const id = row.id ?? ctx.newId();
    const mrn = row.mrn ?? (issued[next++] as IssuedMrn).mrn;
    const { deceased = false, status = 'ACTIVE' } = row.chart;
    patients.push([id, mrn, ...chartColumns.map((column) => row.chart[column]), status, deceased, deceased ? user : null, ...times]);
    const told: Record<string, unknown> = { id, mrn, ...row.chart };
    for (const list of partLists) {
      if (row[list].length === 0) continue;
      told[list] = row[list].map((part) => {
        const partId = ctx.newId();
        const values = list === 'contacts' ? { isEmergencyContact: false, isNextOfKin: false, priority: 1, ...part } : part;
        beside[list].push([partId, id, ...parts[list].columns.map((column) => (values as Record<string, unknown>)[column]), ...times]);
        return {
          id: partId,
          ...Object.fromEntries(
            parts[list].columns.flatMap((column) => {
              const value = (values as Record<string, unknown>)[column];
              return value === undefined || value === null ? [] : [[column, value]];
            }),
          ),
        };
      });
    }
    const audit = auditRow({ ...at, origin: `import ${runId} line ${source.line}` }, { action: 'patient.registered', patientId: id, after: told });
    trail.push(auditColumns.map((column) => audit[column]));
    const event = outboxRow(at, { type: 'patient.registered', patientId: id, patientVersion: 1, payload: { mrn } });
    events.push(outboxColumns.map((column) => event[column]));
    const { vector, words } = row.search;
    entries.push([id, row.mrn === undefined ? `${vector} ${toVector(searchTermsOf({ mrn, lastName: '' }))}` : vector, searchTermsVersion]);
    for (const word of words) if (!decisions.words.has(word)) newWords.add(word);
  }
  await inside.copy('patients', ['id', 'mrn', ...chartColumns, 'status', 'deceased', 'deceasedBy', ...rowTimes], patients);
  for (const list of partLists) await inside.copy(parts[list].table, ['id', 'patientId', ...parts[list].columns, ...rowTimes], beside[list]);
  await inside.copy('patient_audit_events', auditColumns, trail);
  await inside.copy('patient_outbox_events', outboxColumns, events);
  await inside.copy('patient_search_entries', ['patientId', 'terms', 'termsVersion'], entries);
  await insertWords(inside.ctx.db, [...newWords]);
}

/** The issuer leases as many numbers at once as wait for one, so that a batch takes them in one look; the first comes alone, as it brings the format. */
async function issueNumbers({ ctx, options }: BatchWork, { count, now, issued }: { count: number; now: Date; issued: IssuedMrn[] }): Promise<void> {
  if (count === 0) return;
  issued.push(await options.mrns.issueMrn(ctx, now));
  const outcomes = await Promise.allSettled(Array.from({ length: count - 1 }, () => options.mrns.issueMrn(ctx, now)));
  // Those that came have to be given back when one did not.
  for (const outcome of outcomes) if (outcome.status === 'fulfilled') issued.push(outcome.value);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}

/** How often the desks are asked for what they registered meanwhile, and how long a registration may have been on its way. */
const followMs = 2000;
const onTheWayMs = 5000;

/** Takes what is registered at desks beside the import into the comparison. */
function createFollower(ctx: Ctx, { seen, madeAt }: Decisions): () => Promise<void> {
  let last = ctx.clock.now();
  return async () => {
    const now = ctx.clock.now();
    if (now.getTime() - last.getTime() < followMs) return;
    const since = new Date(last.getTime() - onTheWayMs);
    last = now;
    // Rows of this import are told by their instants: one for each batch, to the millisecond.
    while (madeAt[0] && madeAt[0] < since) madeAt.shift();
    for (const person of await listComparablesSince(ctx.db, { since, except: madeAt })) for (const key of duplicateKeys(person)) seen.add(key, 0);
  };
}

/** A probe that takes longer than this says that others are waiting. */
const busyMs = 20;

/** Waits between batches: as much as was asked for, and while a tiny query takes long, as then a desk would wait too. */
function createPace(ctx: Ctx, { maxRowsPerSecond, gentle, dryRun }: ImportOptions): (rows: number) => Promise<void> {
  let batchStarted = performance.now();
  let calm = Number.POSITIVE_INFINITY;
  return async (rows) => {
    const took = performance.now() - batchStarted;
    let wait = maxRowsPerSecond === undefined ? 0 : (rows / maxRowsPerSecond) * 1000 - took;
    if (gentle) wait = Math.max(wait, took);
    if (!dryRun) {
      const felt = await probe(ctx.db);
      calm = Math.min(calm, felt);
      if (felt > busyMs && felt > 5 * calm) wait = Math.max(wait, Math.min(2000, took * 2));
    }
    if (wait > 0) await pause(wait);
    batchStarted = performance.now();
  };
}
