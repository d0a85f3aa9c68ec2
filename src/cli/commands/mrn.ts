import { type Command, InvalidArgumentError, Option } from 'commander';
import { AppError } from '../../base/errors.ts';
import { createPool, kyselyOnPool } from '../../db/connect.ts';
import type { Db } from '../../db/context.ts';
import { translateDatabaseError } from '../../db/sqlstate.ts';
import { type CheckDigitScheme, checkDigitSchemes } from '../../identifier/mrn.schema.ts';
import type { MrnBurntReason, MrnRange, MrnReport } from '../../identifier/mrn.schema.ts';
import { changeMrnFormat, getMrnFormats, reportMrns } from '../../identifier/mrn.service.ts';
import { formatMrn, type MrnFormat, mrnYear } from '../../identifier/mrn-format.ts';
import { addDatabaseOptions, type DatabaseOptions, findDatabase } from '../database.ts';
import { type CliIo, print, printJson } from '../io.ts';

interface CommonOptions extends DatabaseOptions {
  readonly authority?: string;
  readonly json?: boolean;
}

interface FormatOptions extends CommonOptions {
  readonly prefix?: string;
  readonly separator?: string;
  readonly year?: boolean;
  readonly width?: number;
  readonly checkDigit?: CheckDigitScheme;
  readonly timeZone?: string;
}

/** How many ranges of a kind the report for people lists; --json has them all. */
const listed = 20;

export function addMrnCommands(program: Command, io: CliIo): void {
  const mrn = program.command('mrn').description('medical record numbers: their format, and an account of every one');

  common(mrn.command('report'))
    .description('account for every number from 1 to the counter: in use, retired by a merge, reserved, returned or burnt')
    .option('--year <year>', 'the year to report (default: the newest)', wholeNumber)
    .action((options: CommonOptions & { year?: number }) =>
      onDatabase(options, io, async (db) => {
        const report = await reportMrns(db, { authority: options.authority ?? 'default', ...(options.year === undefined ? {} : { year: options.year }) });
        if (options.json) printJson(io, report);
        else for (const line of describeReport(report)) print(io, line);
        // The tables contradict themselves: somebody wrote into them by hand.
        if (report.unexplained > 0) io.exitCode = new AppError('drift', 'MRN_UNEXPLAINED', '').face.exitCode;
      }),
    );

  const format = mrn.command('format').description('how an authority writes its numbers');
  common(format.command('show'))
    .description('show the format in force and those before it')
    .action((options: CommonOptions) =>
      onDatabase(options, io, async (db) => {
        const formats = await getMrnFormats(db, options.authority);
        if (options.json) printJson(io, { formats });
        else for (const [index, each] of formats.entries()) print(io, `${index === 0 ? 'in force' : 'earlier '}  ${describeFormat(each)}`);
      }),
    );
  common(format.command('set'))
    .description('change the format of the numbers to come; those issued stay as they are')
    .option('--prefix <text>', 'letters and digits before the number')
    .option('--separator <text>', 'between prefix, year and number')
    .option('--year', 'with the year, counted anew each year')
    .option('--no-year', 'without the year, counted on for ever')
    .option('--width <digits>', 'least number of digits', wholeNumber)
    .addOption(new Option('--check-digit <scheme>', 'check digit').choices(checkDigitSchemes))
    .option('--time-zone <zone>', 'the time zone that decides the year, for example Africa/Nairobi')
    .action((options: FormatOptions) =>
      onDatabase(options, io, async (db) => {
        const { prefix, separator, year: yearly, width, checkDigit, timeZone } = options;
        const wanted = Object.fromEntries(
          Object.entries({ prefix, separator, yearly, width, checkDigit, timeZone }).filter(([, value]) => value !== undefined),
        ) as Partial<MrnFormat>;
        if (Object.keys(wanted).length === 0)
          throw new AppError(
            'invalid',
            'MRN_FORMAT_UNCHANGED',
            'Say what to change: --prefix, --separator, --year or --no-year, --width, --check-digit or --time-zone.',
          );
        const changed = await changeMrnFormat(db, { ...(options.authority === undefined ? {} : { authority: options.authority }), format: wanted });
        if (options.json) printJson(io, changed);
        else print(io, `in force  ${describeFormat(changed)}`);
      }),
    );
}

function common(command: Command): Command {
  return addDatabaseOptions(command).option('--authority <code>', 'the assigning authority', 'default');
}

function wholeNumber(text: string): number {
  if (!/^\d{1,4}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

async function onDatabase(options: CommonOptions, io: CliIo, work: (db: Db) => Promise<void>): Promise<void> {
  const pool = createPool(await findDatabase(options, io), { maxConnections: 1 });
  try {
    await work(kyselyOnPool(pool));
  } catch (error) {
    throw translateDatabaseError(error);
  } finally {
    await pool.end();
  }
}

function describeFormat(format: MrnFormat & { version: number }): string {
  const example = formatMrn(format, { year: mrnYear(format, new Date()), number: 1 });
  const check = format.checkDigit === 'none' ? 'no check digit' : `check digit ${format.checkDigit}`;
  return `${example}  (${format.yearly ? 'a new count each year' : 'one count for ever'}, at least ${format.width} digits, ${check}, time zone ${format.timeZone})`;
}

const reasons: Readonly<Record<MrnBurntReason, string>> = {
  'not-given-back': 'leased and not given back: the process ended, or its registration did not commit',
  'not-registered': 'handed to a registration that did not commit',
  'counter-raised': 'passed over as the counter was raised above a number brought along',
};

function describeReport(report: MrnReport): string[] {
  const total = (name: string, count: number, meaning: string) => `  ${name.padEnd(12)}${count.toLocaleString('en').padStart(12)}  ${meaning}`;
  const span = ({ first, last }: MrnRange) => (first === last ? `${first}` : `${first} to ${last}`);
  return [
    `Medical record numbers ${report.first} to ${report.last || '(none)'}`,
    total('in use', report.inUse, 'a patient carries it'),
    total('retired', report.retired, 'merged into another chart'),
    total('reserved', report.reserved, 'leased by a process a few minutes ago, or on the downtime sheets of a desk'),
    total('returned', report.returned, 'given back, issued next'),
    total('burnt', report.burnt, 'never issued again, each explained below'),
    ...(report.unexplained > 0 ? [total('unexplained', report.unexplained, 'in no block: the tables were changed by hand')] : []),
    total('counter', report.counter, 'the sum of the above'),
    ...(report.aheadOfCounter > 0 ? [total('ahead', report.aheadOfCounter, 'brought along above the counter, passed over when it gets there')] : []),
    ...report.burntRanges
      .slice(0, listed)
      .map(
        (range) =>
          `  burnt ${span(range)}: ${range.instance.startsWith('downtime ') ? `void or missing on the sheets of ${range.instance}` : reasons[range.reason]}; block ${range.blockId}, ${range.host} process ${range.processId}, leased ${range.leasedAt}`,
      ),
    ...(report.burntRanges.length > listed ? [`  and ${report.burntRanges.length - listed} more; --json lists all`] : []),
    ...report.unexplainedRanges.slice(0, listed).map((range) => `  unexplained ${span(range)}`),
  ];
}
