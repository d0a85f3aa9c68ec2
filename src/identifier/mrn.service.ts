import { hostname } from 'node:os';
import type pg from 'pg';
import { AppError } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import { kyselyOnPool, poolInSchema, poolLike } from '../db/connect.ts';
import type { Db } from '../db/context.ts';
import { sqlstateOf, translateDatabaseError } from '../db/sqlstate.ts';
import { MrnFormatInput, type MrnRange, type MrnReport } from './mrn.schema.ts';
import {
  countNumbers,
  insertAuthorityIfMissing,
  insertFormat,
  leaseNumbers,
  limitLockWait,
  listAuthorities,
  listCounterYears,
  listFormats,
  type MrnDb,
  type MrnLessee,
  openCounter,
  raiseCounter,
  returnNumbers,
  type StoredMrnFormat,
  switchOffCompilation,
} from './mrn.store.ts';
import { defaultMrnFormat, formatMrn, greatestMrnNumber, type MrnFormat, mrnPattern, mrnStem, mrnYear, parseMrn } from './mrn-format.ts';

/** What issuing needs of a context: SQL, and a pool when connections outside the caller's transaction may be opened. */
export interface MrnContext {
  readonly db: MrnDb;
  readonly pool: pg.Pool | undefined;
  /** The schema of the registry's tables, where it is not the one the connection finds by itself. */
  readonly schema?: string;
}

export interface IssuedMrn {
  readonly mrn: string;
  /**
   * Gives the number back. Only when the transaction that was to use it has certainly rolled back (the server said so)
   * and nobody was shown the number; after a lost connection during COMMIT it must not be called.
   */
  release(): void;
}

export interface MrnIssuer {
  /** The next number for a registration at this instant. Never the same twice, from any process. */
  issueMrn(ctx: MrnContext, at: Date): Promise<IssuedMrn>;
  /** Keeps a number of the host's as it is: when it is written in our format, the counter moves above it. */
  recordExistingMrn(ctx: MrnContext, mrn: string): Promise<void>;
  /** How many numbers are leased and not handed out. */
  atHand(): number;
  /** Gives back what was leased and not handed out. Afterwards no number is issued. */
  close(): Promise<void>;
}

export interface MrnIssuerOptions {
  /** The assigning authority; `default` unless the facility has several. */
  readonly authority?: string;
  /** The format the authority starts with when the database does not know it yet; afterwards the database decides. */
  readonly format?: Partial<MrnFormat>;
  /** The most numbers one process leases at once, hence the most that one crash can burn. */
  readonly maxBlock?: number;
  /** How long a process may hand out from a block. */
  readonly leaseSeconds?: number;
  /** How long a lease waits for the counter: a foreign transaction that holds it must not stop the front desk for ever. */
  readonly lockWaitMs?: number;
  /** Who leases, for the gap report. */
  readonly instance?: string;
}

interface Block {
  readonly id: string;
  readonly format: MrnFormat;
  readonly last: number;
  /** By the monotonic clock, counted from before the lease was asked for: never later than the database's `expiresAt`. */
  readonly validUntil: number;
  next: number;
  open: boolean;
  timer: NodeJS.Timeout | undefined;
}

interface YearState {
  readonly year: number;
  readonly waiting: { resolve: (issued: IssuedMrn) => void; reject: (error: unknown) => void }[];
  /** Numbers whose registration rolled back, lowest last, each with the block that answers for it. */
  readonly freed: { number: number; block: Block }[];
  block: Block | undefined;
  leasing: Promise<void> | undefined;
  leasedAt: number;
  quickLeases: number;
  size: number;
}

/**
 * Leases that follow each other within this time make the next one twice as big. The first three are of one number each,
 * so that a desk which registers now and then, and a command that registers one patient, leave no rest behind.
 */
const quickMs = 500;
const quietMs = 10_000;

/**
 * Issues medical record numbers out of leased blocks.
 *
 * A process leases a block in a short transaction of its own and hands the numbers out in memory. Measured with 32 clients
 * (`npm run bench -- mrn`; docs/adr/0010-mrn-by-leased-blocks.md has the table): a counter row updated inside each
 * registration makes all registrations of a facility wait for one another's COMMIT; a sequence per year is as fast as blocks,
 * but needs DDL at the turn of the year and cannot tell who lost a number.
 *
 * Why no number can come twice: a lease is committed before its first number is handed out; a number is returned only by the
 * process that holds it in memory, so nobody else can be about to use it; what a killed process held is never leased again.
 * Not even `synchronous_commit = off` changes that, since the registration's COMMIT follows the lease in the same log.
 */
export function createMrnIssuer(options: MrnIssuerOptions = {}): MrnIssuer {
  const authority = options.authority ?? 'default';
  const startFormat = MrnFormatInput.parse({ ...defaultMrnFormat, ...options.format });
  const maxBlock = options.maxBlock ?? 64;
  const leaseSeconds = options.leaseSeconds ?? 600;
  const lockWaitMs = options.lockWaitMs ?? 10_000;
  const lessee: MrnLessee = { instance: options.instance ?? newId(), host: hostname().slice(0, 255), processId: process.pid };
  const years = new Map<number, YearState>();
  const returning = new Set<Promise<void>>();
  let format: StoredMrnFormat | undefined;
  let own: Db | undefined;
  let closing: Promise<void> | undefined;

  /** Connections of our own: a lease must not wait for the caller's pool, whose connections may all be held by callers that wait for a lease. */
  function ownDb(pool: pg.Pool, schema: string | undefined): Db {
    own ??= kyselyOnPool(schema === undefined ? poolLike(pool) : poolInSchema(pool, schema));
    return own;
  }

  async function loadFormat(db: MrnDb): Promise<StoredMrnFormat> {
    let [newest] = await listFormats(db, authority);
    if (!newest) {
      await insertAuthorityIfMissing(db, authority, startFormat);
      [newest] = await listFormats(db, authority);
    }
    if (!newest)
      throw new AppError('drift', 'MRN_FORMAT_MISSING', `The format of the authority ${authority} cannot be read. Run onechart migrate verify.`, { authority });
    format = newest;
    return newest;
  }

  /** Leases for a year; when that year is not prepared (first number of a year, or a newer format), prepares it and asks again. */
  async function lease(
    db: MrnDb,
    want: { year: number; size: number; inline: boolean },
  ): Promise<{ blockId: string; first: number; last: number; format: MrnFormat }> {
    let used = format ?? (await loadFormat(db));
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const leased = await leaseNumbers(db, { ...lessee, ...want, authority, formatVersion: used.version, leaseSeconds });
      if (leased) return { ...leased, format: used };
      used = await loadFormat(db);
      await openCounter(db, {
        ...lessee,
        authority,
        formatVersion: used.version,
        year: want.year,
        pattern: mrnPattern(used, want.year),
        stem: mrnStem(used, want.year),
      });
    }
    throw new AppError('busy', 'MRN_FORMAT_CHANGING', 'The format of the medical record numbers keeps changing. Try again.', { authority });
  }

  function track(work: Promise<void>): void {
    // A failed return burns the numbers, and the gap report says whose they were; there is nothing else to do about it.
    const done = work.catch(() => undefined).finally(() => returning.delete(done));
    returning.add(done);
  }

  /** Ends a block: what nobody was handed goes back. */
  function giveBack(state: YearState, block: Block): void {
    if (!block.open) return;
    block.open = false;
    clearTimeout(block.timer);
    if (state.block === block) state.block = undefined;
    const numbers = takeFreed(state, block);
    for (let number = block.next; number <= block.last; number += 1) numbers.push(number);
    block.next = block.last + 1;
    if (numbers.length > 0 && own) track(returnNumbers(own, block.id, toRanges(numbers)));
  }

  function takeFreed(state: YearState, block: Block): number[] {
    const mine = state.freed.filter((each) => each.block === block);
    for (const each of mine) state.freed.splice(state.freed.indexOf(each), 1);
    return mine.map((each) => each.number);
  }

  /** A number that is at hand, lowest first; undefined when a lease is needed. */
  function takeNumber(state: YearState): IssuedMrn | undefined {
    const now = performance.now();
    const freed = state.freed.findLast((each) => now < each.block.validUntil);
    if (freed) {
      state.freed.splice(state.freed.indexOf(freed), 1);
      return handOut(state, freed.block, freed.number);
    }
    const { block } = state;
    if (!block?.open || block.next > block.last || now >= block.validUntil) return undefined;
    const number = block.next;
    block.next += 1;
    return handOut(state, block, number);
  }

  function handOut(state: YearState, block: Block, number: number): IssuedMrn {
    let released = false;
    return {
      mrn: formatMrn(block.format, { year: state.year, number }),
      release: () => {
        if (released) return;
        released = true;
        if (block.open) {
          state.freed.push({ number, block });
          state.freed.sort((a, b) => b.number - a.number);
        } else if (own && !closing) track(returnNumbers(own, block.id, [{ first: number, last: number }]));
      },
    };
  }

  function nextSize(state: YearState, now: number): number {
    const since = now - state.leasedAt;
    state.leasedAt = now;
    if (since < quickMs) {
      state.quickLeases += 1;
      if (state.quickLeases >= 3) state.size = Math.min(maxBlock, state.size * 2);
    } else if (since > quietMs) {
      state.quickLeases = 0;
      state.size = 1;
    }
    // Everyone who waits already gets a number from this lease, so that much is never too much.
    return Math.max(1, Math.min(Math.max(state.size, state.waiting.length), Math.max(maxBlock, 1)));
  }

  async function serve(state: YearState, db: Db): Promise<void> {
    while (state.waiting.length > 0) {
      const started = performance.now();
      const size = nextSize(state, started);
      const leased = await db
        .transaction()
        .setIsolationLevel('read committed')
        .execute(async (transaction) => {
          await limitLockWait(transaction, lockWaitMs);
          return lease(transaction, { year: state.year, size, inline: false });
        });
      const block: Block = {
        id: leased.blockId,
        format: leased.format,
        next: leased.first,
        last: leased.last,
        validUntil: started + leaseSeconds * 1000,
        open: true,
        timer: undefined,
      };
      block.timer = setTimeout(() => giveBack(state, block), leaseSeconds * 900).unref();
      state.block = block;
      for (let issued = takeNumber(state); issued; issued = state.waiting.length > 0 ? takeNumber(state) : undefined) state.waiting.shift()?.resolve(issued);
      // The old year's rest goes back as soon as the new year has numbers.
      for (const older of years.values()) if (older.year < state.year && older.block && !older.leasing) giveBack(older, older.block);
    }
  }

  function yearState(year: number): YearState {
    let state = years.get(year);
    if (!state) {
      state = { year, waiting: [], freed: [], block: undefined, leasing: undefined, leasedAt: Number.NEGATIVE_INFINITY, quickLeases: 0, size: 1 };
      years.set(year, state);
    }
    return state;
  }

  async function issueMrn(ctx: MrnContext, at: Date): Promise<IssuedMrn> {
    if (closing) throw new AppError('unavailable', 'MRN_ISSUER_CLOSED', 'The registry is closed; it issues no more medical record numbers.', {});
    const { pool } = ctx;
    const current = format ?? (await loadFormat(pool ? ownDb(pool, ctx.schema) : ctx.db));
    const year = mrnYear(current, at);
    if (!pool) {
      // Only the caller's transaction is there: one number inside it. The counter stays locked until it ends, and no gap remains if it rolls back.
      const leased = await lease(ctx.db, { year, size: 1, inline: true });
      return { mrn: formatMrn(leased.format, { year, number: leased.first }), release: () => undefined };
    }
    const state = yearState(year);
    const atHand = state.waiting.length === 0 ? takeNumber(state) : undefined;
    if (atHand) return atHand;
    const { promise, resolve, reject } = Promise.withResolvers<IssuedMrn>();
    state.waiting.push({ resolve, reject });
    state.leasing ??= serve(state, ownDb(pool, ctx.schema))
      .catch((error: unknown) => {
        for (const each of state.waiting.splice(0)) each.reject(error);
      })
      .finally(() => {
        state.leasing = undefined;
      });
    return promise;
  }

  async function recordExistingMrn(ctx: MrnContext, mrn: string): Promise<void> {
    const db = ctx.pool ? ownDb(ctx.pool, ctx.schema) : ctx.db;
    const current = format ?? (await loadFormat(db));
    const parts = parseMrn(current, mrn);
    if (!parts || parts.number > greatestMrnNumber) return;
    await openCounter(db, {
      ...lessee,
      authority,
      formatVersion: current.version,
      year: parts.year,
      pattern: mrnPattern(current, parts.year),
      stem: mrnStem(current, parts.year),
    });
    await raiseCounter(db, { ...lessee, authority, formatVersion: current.version, ...parts });
  }

  async function close(): Promise<void> {
    await Promise.all([...years.values()].flatMap((state) => state.leasing ?? []));
    for (const state of years.values()) {
      for (const block of new Set([...state.freed.map((each) => each.block), ...(state.block ? [state.block] : [])])) giveBack(state, block);
    }
    await Promise.all(returning);
    await own?.destroy();
  }

  return {
    issueMrn: (ctx, at) => inWords(issueMrn(ctx, at)),
    recordExistingMrn: (ctx, mrn) => inWords(recordExistingMrn(ctx, mrn)),
    atHand: () => [...years.values()].reduce((sum, { freed, block }) => sum + freed.length + (block === undefined ? 0 : block.last - block.next + 1), 0),
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

/** Errors of the database leave as errors of ours. */
async function inWords<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (sqlstateOf(error) !== '55P03') throw translateDatabaseError(error);
    throw new AppError(
      'busy',
      'MRN_COUNTER_BUSY',
      'The counter of the medical record numbers is held by an open transaction. Find who holds it in pg_stat_activity, or try again.',
      {},
      { cause: error },
    );
  }
}

/** Sorted runs of consecutive numbers. */
function toRanges(numbers: readonly number[]): MrnRange[] {
  const ranges: MrnRange[] = [];
  for (const number of numbers.toSorted((a, b) => a - b)) {
    const open = ranges.at(-1);
    if (open?.last === number - 1) open.last = number;
    else ranges.push({ first: number, last: number });
  }
  return ranges;
}

/** The format in force, and those before it. */
export async function getMrnFormats(db: MrnDb, authority = 'default'): Promise<StoredMrnFormat[]> {
  const formats = await listFormats(db, authority);
  return formats.length > 0 ? formats : [{ ...defaultMrnFormat, version: 0 }];
}

/**
 * Puts a new format in force for the numbers to come; those issued stay as they are. Processes that run change over with their next lease.
 * Refused when a number of the new format could be read as another number of an earlier one, or of another authority.
 */
export async function changeMrnFormat(db: MrnDb, change: { authority?: string; format: Partial<MrnFormat> }): Promise<StoredMrnFormat> {
  const authority = change.authority ?? 'default';
  const earlier = await listFormats(db, authority);
  const parsed = MrnFormatInput.safeParse({ ...(earlier[0] ?? defaultMrnFormat), ...change.format });
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new AppError('invalid', 'MRN_FORMAT_INVALID', `${String(issue?.path[0] ?? 'format')} ${issue?.message ?? 'is not valid'}.`, {
      field: issue?.path[0],
    });
  }
  const format: MrnFormat = parsed.data;
  for (const other of [...earlier, ...(await listAuthorities(db)).filter((each) => each.code !== authority)]) {
    const sameCounter = earlier.includes(other);
    const sameText = other.yearly === format.yearly && mrnStem(other, 2026) === mrnStem(format, 2026) && other.checkDigit === format.checkDigit;
    if (mrnStem(other, 2026) === mrnStem(format, 2026) && !(sameCounter && sameText)) {
      throw new AppError(
        'rule',
        'MRN_FORMAT_CONFUSABLE',
        'A number of this format could be read as another number that has been issued already. Change the prefix as well.',
        { authority },
      );
    }
  }
  const [newest] = earlier;
  if (newest && (['prefix', 'separator', 'yearly', 'width', 'checkDigit', 'timeZone'] as const).every((key) => newest[key] === format[key])) return newest;
  if (!newest) {
    await insertAuthorityIfMissing(db, authority, format);
    return { ...format, version: 1 };
  }
  const version = newest.version + 1;
  if (!(await insertFormat(db, { authority, version, format }))) {
    throw new AppError(
      'conflict',
      'MRN_FORMAT_CHANGED',
      'Somebody else has just changed the format. Look at it with onechart mrn format show, and decide again.',
      { authority },
    );
  }
  return { ...format, version };
}

/** Accounts for every number from 1 to the counter of a year (by default the newest that has one). */
export async function reportMrns(db: Db, query: { authority?: string; year?: number } = {}): Promise<MrnReport> {
  if (!db.isTransaction) {
    return db.transaction().execute(async (transaction) => {
      await switchOffCompilation(transaction);
      return reportMrns(transaction, query);
    });
  }
  const authority = query.authority ?? 'default';
  const formats = await getMrnFormats(db, authority);
  const year = query.year ?? (await listCounterYears(db, authority))[0];
  if (year === undefined) throw new AppError('not-found', 'MRN_COUNTER_NOT_FOUND', 'No medical record number has been issued yet.', { authority });
  const ofYear = formats.filter((format) => format.yearly === year > 0);
  const counted = await countNumbers(db, {
    authority,
    year,
    stems: ofYear.map((format) => mrnStem(format, year)),
    patterns: ofYear.map((format) => mrnPattern(format, year)),
  });
  const newest = ofYear[0];
  if (!counted || !newest)
    throw new AppError('not-found', 'MRN_COUNTER_NOT_FOUND', `No medical record number has been issued for ${year}.`, { authority, year });
  return {
    authority,
    year,
    first: formatMrn(newest, { year, number: 1 }),
    last: counted.counter > 0 ? formatMrn(newest, { year, number: counted.counter }) : '',
    counter: counted.counter,
    inUse: counted.inUse,
    retired: counted.retired,
    reserved: countIn(counted.reserved),
    returned: countIn(counted.returned),
    burnt: countIn(counted.burnt),
    unexplained: countIn(counted.missing),
    aheadOfCounter: counted.aheadOfCounter,
    reservedRanges: counted.reserved,
    returnedRanges: counted.returned,
    burntRanges: counted.burnt,
    unexplainedRanges: counted.missing,
  };
}

function countIn(ranges: readonly MrnRange[]): number {
  return ranges.reduce((sum, range) => sum + range.last - range.first + 1, 0);
}
