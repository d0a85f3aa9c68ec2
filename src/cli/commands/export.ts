import { createWriteStream } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { type Command, Option } from 'commander';
import { resolvePatientKey } from '../../audit/trail.service.ts';
import { AppError } from '../../base/errors.ts';
import { count, duration, megabytes, plural } from '../../base/quantities.ts';
import { exportBase } from '../../export/base-export.service.ts';
import { type BaseExportInput, BaseFormat } from '../../export/export.schema.ts';
import { exportPatient, makeFaceSheet } from '../../export/patient-export.service.ts';
import { PatientStatus } from '../../patient/patient.schema.ts';
import { loadSettings } from '../../settings/load.ts';
import { type AccessOptions, addAccessOptions, withAccess } from '../access-context.ts';
import { type CliIo, note, print, printJson } from '../io.ts';
import { outputFormat } from '../output-format.ts';

interface PatientOptions extends AccessOptions {
  readonly config?: string;
  readonly format?: 'json' | 'pdf';
  readonly output?: string;
}
interface BaseOptions extends AccessOptions {
  readonly format?: BaseExportInput['format'];
  readonly output: string;
  readonly status?: BaseExportInput['status'];
  readonly updatedSince?: string;
  readonly gzip?: boolean;
  readonly bom?: boolean;
}

/** `onechart export`: what leaves the registry as a file. */
export function addExportCommands(program: Command, io: CliIo): void {
  const command = program.command('export').description('everything about one patient, and the base as a file');

  addAccessOptions(command.command('patient'))
    .description('everything about one patient as JSON, or the face sheet as PDF; recorded in the audit trail')
    .argument('<mrn-or-id>', 'record number or id')
    .addOption(
      new Option('--format <format>', 'json: everything; pdf: the face sheet (default: by the name of the output, else json)').choices(['json', 'pdf']),
    )
    .option('--output <file>', 'where to write it; must not exist yet (default: standard output)')
    .option('--config <file>', 'configuration of the server, which says time zone, paper and fonts (default: as for onechart serve)')
    .action(async (key: string, options: PatientOptions) => {
      const bytes = await withAccess(options, io, async (ctx) => {
        const id = await resolvePatientKey(ctx, key);
        if (outputFormat(options.format, options.output, { known: ['json', 'pdf'], otherwise: 'json' }) === 'pdf') {
          const { settings } = await loadSettings({ config: options.config, env: io.env, cwd: io.cwd });
          return makeFaceSheet(ctx, id, { timeZone: settings.facility.timeZone, paper: settings.paper, input: definedOnly({ reason: options.reason }) });
        }
        return Buffer.from(`${JSON.stringify(await exportPatient(ctx, id, { reason: reasonOf(options) }), null, 2)}\n`);
      });
      await write(options.output, io, Readable.from([bytes]));
    });

  addAccessOptions(command.command('base'))
    .description('every chart as it is at one moment, with its parts (NDJSON) or as a table (CSV); recorded in the audit trail')
    .addOption(new Option('--format <format>', 'ndjson or csv (default: by the name of the output, else ndjson)').choices(BaseFormat.options))
    .requiredOption('--output <file>', 'where to write it; must not exist yet. It is called <file>.partial until it is whole; - for standard output')
    .addOption(new Option('--status <status>', 'only charts of this status').choices(PatientStatus.options))
    .option('--updated-since <instant>', 'only charts changed at or after this, in themselves or in a part, such as 2026-11-01T00:00:00Z')
    .option('--gzip', 'compress it')
    .option('--bom', 'begin a CSV file with the mark by which spreadsheet programs know UTF-8')
    .action(async (options: BaseOptions) => {
      const began = performance.now();
      const result = await withAccess(options, io, async (ctx) => {
        const input = {
          format: outputFormat(options.format, options.output, { known: BaseFormat.options, otherwise: 'ndjson' }),
          gzip: options.gzip ?? false,
          bom: options.bom ?? false,
          ...definedOnly({ status: options.status, updatedSince: options.updatedSince }),
          reason: reasonOf(options),
        };
        const path = options.output === '-' ? undefined : resolve(io.cwd, options.output);
        if (path !== undefined) await requireAbsent(path);
        const made = await exportBase(ctx, input as BaseExportInput, { onProgress: progress(io) });
        await write(options.output === '-' ? undefined : options.output, io, Readable.from(made.chunks, { objectMode: false }));
        return made.result();
      });
      // A run that ended well has a result.
      if (!result) throw new AppError('internal', 'EXPORT_WITHOUT_RESULT', 'The export ended without a result. Run it again.');
      if (options.output === '-') return;
      if (options.json) return printJson(io, result);
      print(
        io,
        `${plural(result.charts, 'chart')} in ${duration(performance.now() - began)}, ${megabytes(result.bytes / 1024 ** 2)}, SHA-256 ${result.sha256}`,
      );
      note(io, 'The file holds patient data: keep it as you keep the database, and remove it when it has served.');
    });
}

function reasonOf({ reason }: AccessOptions): string {
  if (reason !== undefined && reason.trim() !== '') return reason;
  throw new AppError('invalid', 'EXPORT_REASON_MISSING', '--reason is needed: the audit trail keeps why charts left the registry. Give it without names.', {
    field: 'reason',
  });
}

async function requireAbsent(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found) throw unwritable(undefined);
}

/** A file has its name only once it is whole and on the disk; what broke off is removed, or left as .partial when the process was killed. */
async function write(output: string | undefined, io: CliIo, bytes: Readable): Promise<void> {
  if (output === undefined) return pipeline(bytes, io.stdout, { end: false });
  const path = resolve(io.cwd, output);
  const partial = `${path}.partial`;
  try {
    await requireAbsent(path);
    await rm(partial, { force: true });
    // Patients' papers are for their owner's eyes.
    await pipeline(bytes, createWriteStream(partial, { flags: 'wx', mode: 0o600, flush: true }));
    await requireAbsent(path);
    await rename(partial, path);
    await syncFolder(dirname(path));
  } catch (thrown) {
    bytes.destroy();
    await rm(partial, { force: true }).catch(() => undefined);
    if (thrown instanceof AppError) throw thrown;
    throw unwritable(thrown);
  }
}

/** So that the new name, too, outlives a loss of power. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  // Windows knows no such thing.
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

function unwritable(cause: unknown): AppError {
  const { code } = (cause ?? {}) as { code?: unknown };
  const message = 'The file of --output cannot be written, or is there already. Choose another.';
  return new AppError('unavailable', 'OUTPUT_UNWRITABLE', message, typeof code === 'string' ? { code } : {}, { cause });
}

/** A line that is written over, for a person at a terminal. */
function progress(io: CliIo): (progress: { charts: number; estimate: number | undefined }) => void {
  let told = 0;
  return ({ charts, estimate }) => {
    if (!io.interactive || charts - told < 20_000) return;
    told = charts;
    io.stderr.write(`\r${count(charts)}${estimate === undefined ? '' : ` of about ${count(Math.max(estimate, charts))}`} charts`);
  };
}

function definedOnly<Fields extends object>(fields: Fields): { [Name in keyof Fields]?: NonNullable<Fields[Name]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as { [Name in keyof Fields]?: NonNullable<Fields[Name]> };
}
