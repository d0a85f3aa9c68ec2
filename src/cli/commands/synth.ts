import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { AppError } from '../../base/errors.ts';
import { isPlainDate } from '../../base/plain-date.ts';
import { csvHeader, csvLine, defaultSeed, defaultToday, ndjsonLine, syntheticCharts, truthHeader, truthLine } from '../../synth/index.ts';
import { type CliIo, note, printJson } from '../io.ts';
import { outputFormat } from '../output-format.ts';

interface Options {
  readonly people: number;
  readonly seed: number;
  readonly today: string;
  readonly format?: 'ndjson' | 'csv';
  readonly duplicates: number;
  readonly mrn: boolean;
  readonly output?: string;
  readonly truth?: string;
  readonly json?: boolean;
}

/** `onechart synth`: made-up people for demonstrations, tests and benchmarks. It needs no database. */
export function addSynthCommand(program: Command, io: CliIo): void {
  program
    .command('synth')
    .description('make up people with names by real frequency, households, moves, marriages, twins and deaths; the same seed gives the same bytes')
    .requiredOption('--people <number>', 'how many people', wholeNumber(1, 100_000_000))
    .option('--seed <number>', 'which people', wholeNumber(0, 4_294_967_295), defaultSeed)
    .option('--today <date>', 'the day on which they are looked at', plainDate, defaultToday)
    .addOption(new Option('--format <format>', 'as `onechart import` reads it (default: by the name of the output, else ndjson)').choices(['ndjson', 'csv']))
    .option('--duplicates <share>', 'how many have a second chart, such as 0.08; needs --truth', share, 0)
    .option('--truth <file>', 'where to write which charts are of one person, and why, as CSV')
    .option('--no-mrn', 'without record numbers, so that the import issues them')
    .option('--output <file>', 'where to write (default: standard output); an existing file is refused')
    .action((options: Options) => synth(options, io));
}

async function synth(options: Options, io: CliIo): Promise<void> {
  if (options.duplicates > 0 && options.truth === undefined) {
    throw new AppError(
      'invalid',
      'SYNTH_TRUTH_MISSING',
      'Second charts without their truth are of no use. Say where to write it with --truth, or leave out --duplicates.',
    );
  }
  const begun = performance.now();
  const people = writer(options.output === undefined ? io.stdout : createWriteStream(options.output, { flags: 'wx' }));
  const truth = options.truth === undefined ? undefined : writer(createWriteStream(options.truth, { flags: 'wx' }));
  const { mrn } = options;
  const format = outputFormat(options.format, options.output, { known: ['ndjson', 'csv'], otherwise: 'ndjson' });
  const line = format === 'csv' ? csvLine : ndjsonLine;
  if (format === 'csv') await people.write(csvHeader({ mrn }));
  await truth?.write(truthHeader);
  let charts = 0;
  let duplicates = 0;
  for (const each of syntheticCharts({ people: options.people, seed: options.seed, today: options.today, duplicatesPerMille: options.duplicates * 1000 })) {
    charts += 1;
    // Most writes only fill the buffer; waiting for each of them would double the time.
    const full = people.write(line(each.chart, { mrn }));
    if (full) await full;
    if (each.duplicate) {
      duplicates += 1;
      await truth?.write(truthLine(each));
    }
  }
  await people.end(options.output !== undefined);
  await truth?.end(true);
  const seconds = (performance.now() - begun) / 1000;
  const summary = { people: options.people, charts, duplicates, seed: options.seed, today: options.today, seconds: Math.round(seconds * 100) / 100 };
  if (options.json && options.output !== undefined) printJson(io, summary);
  else note(io, `${options.people} people, ${charts} charts in ${seconds.toFixed(1)} s`);
}

interface Writer {
  /** A promise where the reader has to catch up first. */
  write(text: string): Promise<unknown> | undefined;
  end(close: boolean): Promise<void>;
}

const chunkSize = 1 << 18;

/** Pieces of a quarter of a megabyte: a call for each line took a third of the time. */
function writer(stream: NodeJS.WritableStream): Writer {
  let pending = '';
  let failure: Error | undefined;
  stream.on('error', (error: Error) => {
    failure = error;
  });
  const flush = (): Promise<unknown> | undefined => {
    if (failure) throw outputFailed(failure);
    const piece = pending;
    pending = '';
    return piece === '' || stream.write(piece) ? undefined : drained(stream);
  };
  return {
    write: (text) => {
      pending += text;
      return pending.length < chunkSize ? undefined : flush();
    },
    end: async (close) => {
      await flush();
      if (!close) return;
      stream.end();
      try {
        await finished(stream);
      } catch (error) {
        throw outputFailed(error as Error);
      }
    },
  };
}

async function drained(stream: NodeJS.WritableStream): Promise<void> {
  try {
    await once(stream, 'drain');
  } catch (error) {
    throw outputFailed(error as Error);
  }
}

function outputFailed(cause: NodeJS.ErrnoException): AppError {
  return new AppError(
    'invalid',
    'SYNTH_OUTPUT_FAILED',
    cause.code === 'EEXIST'
      ? 'The output file exists already. Choose another name, or remove it.'
      : `The output cannot be written (${cause.code ?? 'unknown reason'}).`,
    {},
    { cause },
  );
}

function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
    if (!(number >= least && number <= most)) throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
    return number;
  };
}

function share(text: string): number {
  const number = /^\d*\.?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(number >= 0 && number <= 1)) throw new InvalidArgumentError('It must be a share from 0 to 1, such as 0.08.');
  return number;
}

function plainDate(text: string): string {
  if (!isPlainDate(text) || text < '1990-01-01' || text > '2199-12-31')
    throw new InvalidArgumentError('It must be a date of 1990 to 2199, written YYYY-MM-DD.');
  return text;
}
