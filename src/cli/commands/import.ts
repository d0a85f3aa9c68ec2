import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { systemClock } from '../../base/clock.ts';
import { AppError } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import { plainDateIn } from '../../base/plain-date.ts';
import { createPool, kyselyOnPool } from '../../db/connect.ts';
import type { Actor, Ctx } from '../../db/context.ts';
import { translateDatabaseError } from '../../db/sqlstate.ts';
import { createMrnIssuer } from '../../identifier/mrn.service.ts';
import type { ImportProgress, ImportResult } from '../../import/import.service.ts';
import type { DuplicateHandling, ImportRun } from '../../import/import.schema.ts';
import type { PreparedImport } from '../../import/prepare.service.ts';
import { columns } from '../access-context.ts';
import { addDatabaseOptions, type DatabaseOptions, findDatabase } from '../database.ts';
import { type CliIo, note, print, printJson } from '../io.ts';

interface FileOptions {
  readonly mapping?: string;
  readonly format?: 'csv' | 'ndjson';
}

interface RunOptions extends DatabaseOptions, FileOptions {
  readonly json?: boolean;
  readonly dryRun?: boolean;
  readonly duplicates: DuplicateHandling;
  readonly errors?: string;
  readonly duplicatesFile?: string;
  readonly timeZone?: string;
  readonly defaultCountry?: string;
  readonly actor?: string;
  readonly reason?: string;
  readonly maxRowsPerSecond?: number;
  readonly gentle?: boolean;
  readonly batchRows?: number;
}

export function addImportCommands(program: Command, io: CliIo): void {
  const group = program.command('import').description('take patients over from a CSV or NDJSON file');

  addRunOptions(group.command('run <file>', { isDefault: true }))
    .description('import a file; cut off, the same command goes on where it stopped. "onechart import people.csv" is the same')
    .option('--mapping <file>', 'which column holds what, as YAML or JSON (default: guessed, and refused where a guess is doubtful)')
    .addOption(new Option('--format <format>', 'format of the file (default: by its name and first character)').choices(['csv', 'ndjson']))
    .option('--time-zone <zone>', 'time zone of the facility, such as Africa/Nairobi (default: UTC)')
    .option('--default-country <code>', 'country of telephone numbers without a country code, such as KE')
    .option('--dry-run', 'check everything and write the same reports, but nothing into the database')
    .action((file: string, options: RunOptions) => runImport(resolve(io.cwd, file), options, io));

  addRunOptions(group.command('resume <id>'))
    .description('go on with an import that was cut off, with the settings it began with')
    .option('--file <file>', 'where the file is now (default: where it was)')
    .action(async (id: string, options: RunOptions & { file?: string }) => resumeImport(id, options, io));

  group
    .command('map <file>')
    .description('write a guessed mapping with a comment on each guess')
    .option('--output <file>', 'where to write it (default: standard output)')
    .action(async (file: string, options: { output?: string }) => {
      const { prepareImport } = await import('../../import/prepare.service.ts');
      const { writeMapping } = await import('../../import/guess-mapping.ts');
      const prepared = await prepareImport({ path: resolve(io.cwd, file), kind: 'csv', today: plainDateIn(systemClock.now(), 'UTC') });
      const { encoding, delimiter = ',', quote = '"' } = prepared.format.record;
      const text = writeMapping({ encoding, delimiter, quote }, prepared.guessed);
      if (options.output === undefined) io.stdout.write(text);
      else {
        await writeFile(resolve(io.cwd, options.output), text, { mode: 0o600 });
        const doubtful = prepared.guessed.filter((each) => each.doubtful).length;
        note(
          io,
          `${prepared.guessed.filter((each) => each.column).length} of ${prepared.guessed.length} columns mapped${doubtful > 0 ? `, ${doubtful} to be decided: read the comments` : ''}.`,
        );
      }
    });

  addDatabaseOptions(group.command('list'))
    .description('imports, newest first')
    .action((options: DatabaseOptions & { json?: boolean }) =>
      withImports(options, io, async (ctx) => {
        const { listImports } = await import('../../import/run.service.ts');
        const imports = await listImports(ctx);
        if (options.json) return printJson(io, { imports });
        if (imports.length === 0) return note(io, 'No file was imported yet.');
        for (const line of columns([['id', 'status', 'read', 'imported', 'rejected', 'begun', 'file'], ...imports.map(listed)])) print(io, line);
      }),
    );

  addDatabaseOptions(group.command('show <id>'))
    .description('one import: its file, its settings, how far it is')
    .action((id: string, options: DatabaseOptions & { json?: boolean }) =>
      withImports(options, io, async (ctx) => {
        const { getImport } = await import('../../import/run.service.ts');
        const found = await getImport(ctx, id);
        if (options.json) return printJson(io, found);
        for (const [name, value] of Object.entries(found)) print(io, `${name.padEnd(18)}${typeof value === 'string' ? value : JSON.stringify(value)}`);
      }),
    );
}

function listed(run: ImportRun): string[] {
  return [run.id, run.status, String(run.rowsRead), String(run.rowsImported), String(run.rowsRejected), run.startedAt, run.filePath];
}

function addRunOptions(command: Command): Command {
  return addDatabaseOptions(command)
    .addOption(
      new Option(
        '--duplicates <what>',
        'rows that look like a patient or an earlier row: import and report them, leave them out, or put them in the error file',
      )
        .choices(['report', 'skip', 'refuse'])
        .default('report'),
    )
    .option('--errors <file>', 'rows with errors, to be corrected and imported in their turn (default: beside the file, .errors)')
    .option('--duplicates-file <file>', 'rows that look like others (default: beside the file, .duplicates.csv)')
    .option('--max-rows-per-second <number>', 'no faster than this', wholeNumber)
    .option('--gentle', 'work half of the time at most')
    .option('--batch-rows <number>', 'rows of a transaction (default: 1000)', wholeNumber)
    .option('--actor <user-id>', 'the user who acts, for the audit trail (default: the service "command line")')
    .option('--reason <text>', 'why, for the audit trail');
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError('It must be a whole number, 1 or more.');
  return Number(text);
}

async function withImports(
  options: RunOptions | (DatabaseOptions & { json?: boolean }),
  io: CliIo,
  work: (ctx: Ctx & { pool: NonNullable<Ctx['pool']> }) => Promise<void>,
): Promise<void> {
  const pool = createPool(await findDatabase(options, io), { maxConnections: 4, applicationName: 'onechart import' });
  const { actor: userId, reason } = options as Partial<RunOptions>;
  const actor: Actor = userId === undefined ? { kind: 'service', name: 'command line' } : { kind: 'user', id: userId };
  try {
    await work({ db: kyselyOnPool(pool), pool, actor, clock: systemClock, newId, origin: 'cli', ...(reason === undefined ? {} : { reason }) });
  } catch (error) {
    throw translateDatabaseError(error);
  } finally {
    await pool.end();
  }
}

async function runImport(path: string, options: RunOptions, io: CliIo): Promise<void> {
  const { prepareImport, requireCertainty, requireNames } = await import('../../import/prepare.service.ts');
  const timeZone = options.timeZone ?? 'UTC';
  const mappingPath = options.mapping === undefined ? undefined : resolve(io.cwd, options.mapping);
  const prepared = await prepareImport({ path, mappingPath, kind: options.format, today: plainDateIn(systemClock.now(), timeZone) });
  requireNames(prepared);
  requireCertainty(prepared);
  if (prepared.unused.length > 0) note(io, `Left out: ${prepared.unused.length} of ${prepared.format.header.length} columns, which the mapping does not name.`);
  await importPrepared(prepared, { path, timeZone, options, io });
}

async function resumeImport(id: string, options: RunOptions & { file?: string }, io: CliIo): Promise<void> {
  const { getImport } = await import('../../import/run.service.ts');
  const { scanFile } = await import('../../import/source.service.ts');
  let run: (ImportRun & { settings: unknown }) | undefined;
  await withImports(options, io, async (ctx) => {
    run = await getImport(ctx, id);
  });
  if (!run) return;
  const path = options.file === undefined ? run.filePath : resolve(io.cwd, options.file);
  const scanned = await scanFile(path);
  if (scanned.sha256 !== run.fileSha256)
    throw new AppError(
      'conflict',
      'IMPORT_FILE_CHANGED',
      'This is not the file that the import began with: its SHA-256 differs. Name that one with --file, or import this one by itself.',
      { id },
    );
  const settings = run.settings as {
    format: 'csv' | 'ndjson';
    record: never;
    mapping: never;
    header: string[];
    timeZone: string;
    defaultCountry: string | null;
  };
  const format = { kind: settings.format, record: settings.record, mapping: settings.mapping, header: settings.header };
  const { timeZone, defaultCountry } = settings;
  await importPrepared(
    { scanned, format, unused: [], guessed: [] },
    { path, timeZone, options: { ...options, ...(defaultCountry === null ? {} : { defaultCountry }) }, io, run },
  );
}

async function importPrepared(
  prepared: PreparedImport,
  { path, timeZone, options, io, run }: { path: string; timeZone: string; options: RunOptions; io: CliIo; run?: ImportRun },
): Promise<void> {
  const { importFile } = await import('../../import/import.service.ts');
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  const mrns = createMrnIssuer({ format: { timeZone }, maxBlock: 10_000 });
  try {
    await withImports(options, io, async (ctx) => {
      const result = await importFile(ctx, {
        path,
        scanned: prepared.scanned,
        format: prepared.format,
        settings: { timeZone, defaultCountry: options.defaultCountry },
        mrns,
        run,
        duplicates: options.duplicates,
        errorsPath: options.errors === undefined ? `${path}.errors.${prepared.format.kind}` : resolve(io.cwd, options.errors),
        duplicatesPath: options.duplicatesFile === undefined ? `${path}.duplicates.csv` : resolve(io.cwd, options.duplicatesFile),
        dryRun: options.dryRun === true,
        gentle: options.gentle === true,
        maxRowsPerSecond: options.maxRowsPerSecond,
        ...(options.batchRows === undefined ? {} : { batchRows: options.batchRows }),
        signal: stop.signal,
        onProgress: createProgress(io),
      });
      if (io.interactive) io.stderr.write('\r\u001b[K');
      if (options.json) printJson(io, result);
      else for (const line of describeResult(result)) print(io, line);
    });
  } finally {
    // Numbers that were leased and not used go back.
    await mrns.close();
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  }
}

/** How often a line of progress comes: where a person sits it is written over. */
const everyMs = { interactive: 500, otherwise: 10_000 } as const;

function createProgress(io: CliIo): (progress: ImportProgress) => void {
  const started = performance.now();
  let told = started;
  let first: ImportProgress | undefined;
  return (progress) => {
    first ??= progress;
    const now = performance.now();
    if (now - told < (io.interactive ? everyMs.interactive : everyMs.otherwise)) return;
    told = now;
    const seconds = (now - started) / 1000;
    const rate = (progress.rowsRead - first.rowsRead) / seconds;
    const left = ((progress.fileSize - progress.bytePosition) / Math.max(1, progress.bytePosition - first.bytePosition)) * seconds;
    const text = `${progress.rowsRead.toLocaleString('en')} rows, ${Math.round(rate).toLocaleString('en')}/s, ${Math.floor((progress.bytePosition / progress.fileSize) * 100)} %, ${Math.ceil(left)} s left, ${progress.rowsRejected.toLocaleString('en')} with errors`;
    if (io.interactive) io.stderr.write(`\r\u001b[K${text}`);
    else note(io, text);
  };
}

function describeResult(result: ImportResult): string[] {
  const heading = {
    completed: `Imported${result.resumed ? ', going on from where it was cut off' : ''}: ${result.id}`,
    'completed-before': `This file was imported with these settings before: ${result.id}. Nothing was done.`,
    checked: 'Checked, nothing written to the database',
  }[result.state];
  const count = (name: string, value: number) => `  ${name.padEnd(12)}${value.toLocaleString('en').padStart(12)}`;
  return [
    heading,
    count('rows', result.rowsRead),
    count(result.state === 'checked' ? 'good' : 'imported', result.rowsImported),
    count('with errors', result.rowsRejected),
    count('skipped', result.rowsSkipped),
    count('duplicates', result.duplicatesFound),
    count('new numbers', result.mrnsIssued),
    ...(result.state !== 'completed-before' && result.errorsPath !== null
      ? [`Rows with errors: ${result.errorsPath} (data of patients: readable by you alone)`]
      : []),
    ...(result.state !== 'completed-before' && result.duplicatesPath !== null ? [`Duplicates: ${result.duplicatesPath}`] : []),
  ];
}
