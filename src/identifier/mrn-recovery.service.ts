import { hostname } from 'node:os';
import { AppError } from '../base/errors.ts';
import type { Ctx, Db } from '../db/context.ts';
import { inTransaction } from '../db/transaction.ts';
import type { MrnReport } from './mrn.schema.ts';
import { reportMrns } from './mrn.service.ts';
import { insertAuthorityIfMissing, listAuthorities, listFormats, type MrnLessee, openCounter, raiseCounter } from './mrn.store.ts';
import { defaultMrnFormat, formatMrn, greatestMrnNumber, type MrnFormat, mrnPattern, mrnStem, mrnYear, parseMrn } from './mrn-format.ts';
import { findBusiestDay, listCounters, listIssuedCounters, type MrnCounter, restoreInstance, retireReturnedNumbers } from './mrn-recovery.store.ts';

export type { MrnCounter } from './mrn-recovery.store.ts';

/** How far the numbers of a database have been given out, and in which formats. */
export interface KnownNumbers {
  readonly counters: readonly MrnCounter[];
  /** The newest format of each authority. */
  readonly formats: readonly (MrnFormat & { readonly code: string })[];
}

/** What the restored database does not know: which numbers were given out after it was saved. */
export interface LostNumbers {
  /** The backup shows the database as it was then. */
  readonly savedAt: Date;
  /** What the database that is replaced says, where it can still be read: nothing is certain but that. */
  readonly known?: KnownNumbers | undefined;
  /** Numbers that somebody has seen: on a wristband, in the EHR, in a message. */
  readonly seen?: readonly string[];
  /** So many numbers above the basis; without it what `marginFor` says. */
  readonly margin?: number | undefined;
}

/** Why a counter was set where it is. */
export type RaiseBasis = 'replaced database' | 'number seen' | 'estimate';

export interface RaisedCounter {
  readonly authority: string;
  readonly year: number;
  readonly from: number;
  readonly to: number;
  readonly basis: RaiseBasis;
  /** The last number that will not be issued any more. */
  readonly lastRetired: string;
}

export interface RetiredNumbers {
  readonly raised: readonly RaisedCounter[];
  /** Numbers that had been given back, and may have been issued since. */
  readonly returnedRetired: number;
}

/** What a base that works on leases between the look at its counters and the swap: seconds. */
const marginWhenKnown = 1_000;
const leastMargin = 10_000;

/** Twice the busiest day there was, for every day since the backup and one more; at least 10,000. Numbers cost nothing. */
export function estimateMargin({ busiestDay, savedAt, now }: { busiestDay: number; savedAt: Date; now: Date }): number {
  const days = Math.ceil((now.getTime() - savedAt.getTime()) / 86_400_000) + 1;
  return Math.max(leastMargin, 2 * busiestDay * Math.max(1, days));
}

export async function readKnownNumbers(db: Db): Promise<KnownNumbers> {
  return { counters: await listCounters(db), formats: await listAuthorities(db) };
}

/**
 * Sees to it, in a restored database, that no number is issued that may have been issued after it was saved: counters are moved
 * above them, counters of years begun since are opened, and numbers that had been given back are retired. One transaction;
 * a repeated call with the counters of the replaced database moves nothing that is there already.
 *
 * Errors: `MRN_NOT_OURS` when a number that was seen is not written in a format of this database.
 */
export async function retireLostMrns(ctx: Ctx, given: LostNumbers): Promise<RetiredNumbers> {
  const now = ctx.clock.now();
  const lessee: MrnLessee = { instance: restoreInstance, host: hostname().slice(0, 255), processId: process.pid };
  return inTransaction(ctx, async ({ db }) => {
    const returnedRetired = await retireReturnedNumbers(db, lessee);
    const here = await listCounters(db);
    const known = given.known && (await isSuccessor(db, given.known.counters)) ? given.known : undefined;
    const lost: LostCounters = { ...given, known: known?.counters };
    // Authorities begin with their first number: one that began after the backup would begin with it once more.
    for (const { code, ...format } of known?.formats ?? []) await insertAuthorityIfMissing(db, code, format);
    if (known === undefined && (await listAuthorities(db)).length === 0) await insertAuthorityIfMissing(db, 'default', defaultMrnFormat);
    const authorities = await listAuthorities(db);
    const seen = readSeen(lost.seen ?? [], authorities);
    const raised: RaisedCounter[] = [];
    for (const { code: authority, ...format } of authorities) {
      const estimate = lost.margin ?? estimateMargin({ busiestDay: await findBusiestDay(db, authority), savedAt: lost.savedAt, now });
      for (const year of yearsOf({ format, authority, here, lost, seen, now })) {
        const from = counterOf(here, { authority, year }) ?? 0;
        const target = targetOf({ authority, year, from, lost, seen, estimate });
        if (target === undefined) continue;
        const formats = await listFormats(db, authority);
        const used = formats.find((each) => each.yearly === year > 0) ?? formats[0];
        if (!used) continue;
        const place = { ...lessee, authority, formatVersion: formats[0]?.version ?? 1, year };
        await openCounter(db, { ...place, pattern: mrnPattern(used, year), stem: mrnStem(used, year) });
        const number = Math.min(target.number, greatestMrnNumber);
        await raiseCounter(db, { ...place, number });
        if (number > from) raised.push({ authority, year, from, to: number, basis: target.basis, lastRetired: formatMrn(used, { year, number }) });
      }
    }
    return { raised, returnedRetired };
  });
}

/** An empty database under the live one's name, or an older one, knows nothing of what was issued since. */
async function isSuccessor(db: Db, known: readonly MrnCounter[]): Promise<boolean> {
  return known.length > 0 && (await listIssuedCounters(db)).every((issued) => (counterOf(known, issued) ?? 0) >= issued.lastNumber);
}

type LostCounters = Omit<LostNumbers, 'known'> & { readonly known: readonly MrnCounter[] | undefined };
type Place = { readonly authority: string; readonly year: number };

function counterOf(counters: readonly MrnCounter[], { authority, year }: Place): number | undefined {
  return counters.find((each) => each.authority === authority && each.year === year)?.lastNumber;
}

/** Years that have a counter here or had one there, and those that have begun since: their counter would begin at 1. */
function yearsOf({
  format,
  authority,
  here,
  lost,
  seen,
  now,
}: {
  format: MrnFormat;
  authority: string;
  here: readonly MrnCounter[];
  lost: LostCounters;
  seen: readonly MrnCounter[];
  now: Date;
}): number[] {
  const years = [...here, ...(lost.known ?? []), ...seen].filter((each) => each.authority === authority).map(({ year }) => year);
  if (lost.known === undefined) for (let year = mrnYear(format, lost.savedAt); year <= mrnYear(format, now); year += 1) years.push(year);
  return [...new Set(years)].sort((a, b) => a - b);
}

/** Above which number nothing is in doubt; undefined where nothing is to be moved. */
function targetOf({
  authority,
  year,
  from,
  lost,
  seen,
  estimate,
}: Place & { from: number; lost: LostCounters; seen: readonly MrnCounter[]; estimate: number }): { number: number; basis: RaiseBasis } | undefined {
  const place = { authority, year };
  const there = counterOf(lost.known ?? [], place);
  const noticed = counterOf(seen, place);
  if (lost.known !== undefined) {
    const margin = lost.margin ?? marginWhenKnown;
    const number = Math.max(there ?? 0, noticed ?? 0);
    // A counter that stands above is from an earlier call, or nothing was issued since the backup but what the margin covers.
    return number === 0 || from >= number + margin ? undefined : { number: number + margin, basis: 'replaced database' };
  }
  if (noticed !== undefined && noticed >= from) return { number: noticed + (lost.margin ?? leastMargin), basis: 'number seen' };
  return { number: from + estimate, basis: 'estimate' };
}

/** The highest of the numbers that somebody has seen, by authority and year. */
function readSeen(numbers: readonly string[], authorities: readonly (MrnFormat & { code: string })[]): MrnCounter[] {
  const found = new Map<string, MrnCounter>();
  for (const mrn of numbers) {
    const [read] = authorities.flatMap((format) => {
      const parts = parseMrn(format, mrn.trim());
      return parts ? [{ authority: format.code, year: parts.year, lastNumber: parts.number }] : [];
    });
    if (!read)
      throw new AppError(
        'invalid',
        'MRN_NOT_OURS',
        'A number given with --last-mrn is not written in a format of this registry. Copy it exactly, with its check digit.',
        {
          field: 'last-mrn',
        },
      );
    const key = `${read.authority} ${read.year}`;
    if ((found.get(key)?.lastNumber ?? 0) < read.lastNumber) found.set(key, read);
  }
  return [...found.values()];
}

/** The account of every counter there is. */
export async function reportAllMrns(db: Db): Promise<MrnReport[]> {
  const reports: MrnReport[] = [];
  for (const { authority, year } of await listCounters(db)) reports.push(await reportMrns(db, { authority, year }));
  return reports;
}

/** The authorities that issue record numbers here. */
export async function listAuthorityCodes(db: Db): Promise<string[]> {
  return (await listAuthorities(db)).map(({ code }) => code);
}
