import { mkdir, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { hostname, userInfo } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import type { Command } from 'commander';
import { type DatabaseAddress, describeAddress } from '../base/config.ts';
import { AppError, toAppError } from '../base/errors.ts';
import { packageVersion } from '../base/version.ts';
import {
  type MigrateEvent,
  readRun,
  renderReport,
  renderRestoreReport,
  reportName,
  type RestoreOutcome,
  type RestoreRecord,
  type RunRecord,
} from '../migrate/index.ts';
import { type CliIo, note } from './io.ts';

export const defaultReportFolder = 'onechart-reports';

/** What a command that leaves a report takes from its line. */
export interface ReportOptions {
  readonly reportDir?: string;
  /** Commander turns --no-report into false. */
  readonly report?: boolean;
}

export function addReportOptions(command: Command): Command {
  return command
    .option('--report-dir <folder>', `where the report of the run goes (default: ONECHART_REPORT_DIR, or ${defaultReportFolder} in the current folder)`)
    .option('--no-report', 'write no report; onechart migrate report makes it from the journal at any time');
}

/** Paths of a written report. */
export interface WrittenReport {
  readonly html: string;
  readonly markdown: string;
  readonly svg: string;
}

interface ReportSettings {
  readonly io: CliIo;
  /** A function where the address may change during the work: a server that was stopped for a backup comes back on another port. */
  readonly address: DatabaseAddress | (() => DatabaseAddress);
  readonly options: ReportOptions;
  /** What else listens to the run: the progress on the terminal. */
  readonly onEvent?: (event: MigrateEvent) => void;
}

export interface Reported<T> {
  readonly result: T;
  /** Undefined without a run (nothing was to be done), with --no-report, and where it could not be written. */
  readonly report: WrittenReport | undefined;
}

/**
 * Does a piece of work that changes the database and leaves the report of its run, whatever its end, and those of the
 * runs before it that were cut off. That the folder can be written to is tried out before anything is changed; when it
 * cannot be written afterwards the work stays done, and a sentence on stderr says how to make the report.
 *
 * Errors: `REPORT_FOLDER_NOT_WRITABLE` (unsafe), and those of the work.
 *
 * @param work is given the listener for its events, to be passed on to the engine
 */
export async function withReport<T>(
  { io, address, options, onEvent }: ReportSettings,
  work: (onEvent: (event: MigrateEvent) => void) => Promise<T>,
): Promise<Reported<T>> {
  if (options.report === false) return { result: await work((event) => onEvent?.(event)), report: undefined };
  const folder = reportFolder(io, options.reportDir);
  await tryFolder(folder);
  let run: number | undefined;
  let report: WrittenReport | undefined;
  try {
    const result = await work((event) => {
      if (event.type === 'run-started') run = event.run;
      onEvent?.(event);
    });
    if (run !== undefined) report = await leaveReport({ io, address: now(address), folder, run });
    return { result, report };
  } catch (error) {
    if (run !== undefined) await leaveReport({ io, address: now(address), folder, run });
    throw error;
  }
}

function now(address: ReportSettings['address']): DatabaseAddress {
  return typeof address === 'function' ? address() : address;
}

/** The folder that is named, in the option or the environment, or the default one in the current folder. */
export function reportFolder(io: CliIo, named: string | undefined): string {
  return resolve(io.cwd, named ?? (io.env.ONECHART_REPORT_DIR || defaultReportFolder));
}

/** Errors: `REPORT_FOLDER_NOT_WRITABLE`. */
export async function writeReport(run: RunRecord, folder: string): Promise<WrittenReport> {
  const name = reportName(run);
  const path = (ending: string) => join(folder, `${name}.${ending}`);
  try {
    await mkdir(folder, { recursive: true });
    await writeWhole(path('svg'), renderReport(run, { format: 'svg' }));
    await writeWhole(path('md'), renderReport(run, { format: 'markdown', picture: `${name}.svg` }));
    await writeWhole(path('html'), renderReport(run, { format: 'html' }));
  } catch (cause) {
    throw notWritable(folder, cause);
  }
  return { html: path('html'), markdown: path('md'), svg: path('svg') };
}

/** What a restore is reported with before it is known how it ends. */
export type RestoreAbout = Pick<RestoreRecord, 'file' | 'to' | 'sha256' | 'savedAt'>;

/**
 * Restores, and leaves the report of it, whatever its end. As with `withReport`, the folder is tried out first, and a report
 * that cannot be written afterwards is said and fails nothing.
 *
 * Errors: `REPORT_FOLDER_NOT_WRITABLE` (unsafe), and those of the work.
 */
export async function withRestoreReport<T extends { readonly outcome: RestoreOutcome }>(
  { io, address, options, about }: { io: CliIo; address: DatabaseAddress; options: ReportOptions; about: RestoreAbout },
  work: () => Promise<T>,
): Promise<T> {
  if (options.report === false) return work();
  const folder = reportFolder(io, options.reportDir);
  await tryFolder(folder);
  const startedAt = new Date();
  const leave = (end: Pick<RestoreRecord, 'restored' | 'error'>) =>
    leaveRestoreReport(io, folder, {
      ...about,
      ...end,
      live: describeAddress(address),
      databaseUser: address.user,
      operatingSystemUser: userInfo().username,
      host: hostname(),
      version: packageVersion(),
      startedAt,
      finishedAt: new Date(),
    });
  try {
    const done = await work();
    await leave({ restored: done.outcome, error: undefined });
    return done;
  } catch (error) {
    await leave({ restored: undefined, error: toAppError(error) });
    throw error;
  }
}

async function leaveRestoreReport(io: CliIo, folder: string, record: RestoreRecord): Promise<void> {
  const path = join(folder, reportName({ command: 'restore', database: record.to, startedAt: record.startedAt }));
  try {
    await mkdir(folder, { recursive: true });
    await writeWhole(`${path}.md`, renderRestoreReport(record, 'markdown'));
    await writeWhole(`${path}.html`, renderRestoreReport(record, 'html'));
    note(io, `Report: ${shownPath(io, `${path}.html`)}`);
  } catch (cause) {
    note(io, `The report could not be written: ${notWritable(folder, cause).message}`);
  }
}

/** As a path from where the user is, when that is shorter. */
export function shownPath(io: CliIo, path: string): string {
  const short = relative(io.cwd, path);
  return short.startsWith('..') ? path : short;
}

async function leaveReport({
  io,
  address,
  folder,
  run,
}: {
  io: CliIo;
  address: DatabaseAddress;
  folder: string;
  run: number;
}): Promise<WrittenReport | undefined> {
  try {
    const record = await readRun({ address }, run);
    for (const earlier of record.continues) await writeReport(await readRun({ address }, earlier), folder);
    const written = await writeReport(record, folder);
    note(io, `Report: ${shownPath(io, written.html)}`);
    return written;
  } catch (error) {
    note(
      io,
      `The report could not be written: ${toAppError(error).message} The run stays as it is; make its report later with: onechart migrate report ${run}`,
    );
    return undefined;
  }
}

/** Nothing is left of the trial: a run that finds nothing to do leaves no folder behind. */
async function tryFolder(folder: string): Promise<void> {
  const probe = join(folder, `.onechart-${process.pid}-${Date.now()}`);
  let made: string | undefined;
  try {
    made = await mkdir(folder, { recursive: true });
    await writeFile(probe, '');
    await rm(probe);
  } catch (cause) {
    throw notWritable(folder, cause);
  } finally {
    if (made !== undefined) await removeEmpty(folder, made);
  }
}

/** From the folder up to the one that was made first; one that is no longer empty stays. */
async function removeEmpty(folder: string, made: string): Promise<void> {
  for (let at = folder; at.length >= made.length; at = dirname(at)) {
    const removed = await rmdir(at).then(
      () => true,
      () => false,
    );
    if (!removed) return;
  }
}

/** There as a whole or not at all, for whoever collects the folder. */
async function writeWhole(path: string, text: string): Promise<void> {
  const fresh = `${path}.${process.pid}.partial`;
  try {
    await writeFile(fresh, text);
    await rename(fresh, path);
  } catch (error) {
    await rm(fresh, { force: true }).catch(() => undefined);
    throw error;
  }
}

function notWritable(folder: string, cause: unknown): AppError {
  const code = (cause as NodeJS.ErrnoException).code;
  return new AppError(
    'unsafe',
    'REPORT_FOLDER_NOT_WRITABLE',
    `The folder ${folder} cannot be written to${code ? ` (${code})` : ''}. Name another with --report-dir or ONECHART_REPORT_DIR, or write no report with --no-report.`,
    { folder, reason: code },
    { cause },
  );
}
