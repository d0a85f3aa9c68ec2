import { fittingFormats, isInstant } from './date-format.ts';
import { foldHeader, genderWords, headerNames } from './header-names.ts';
import type { ImportMapping, MappedColumn } from './mapping.schema.ts';
import { isReportColumn } from './read-row.ts';

export interface GuessedColumn {
  readonly name: string;
  /** Undefined where the column is left out. */
  readonly column: MappedColumn | undefined;
  /** Why, and what to look at. */
  readonly comment: string;
  /** Whether somebody has to decide before rows are imported: two formats fit, or words are not known. */
  readonly doubtful: boolean;
}

/** Delimiters of usual exports. A spreadsheet in a country of decimal commas writes semicolons. */
const delimiters = [',', ';', '\t', '|'];

/** The delimiter that occurs most often in the first line, outside of quotes. A file of one column has none; a comma does no harm there. */
export function guessDelimiter(firstLine: string, quote = '"'): string {
  const bare = firstLine.replaceAll(new RegExp(`${quote}[^${quote}]*${quote}`, 'g'), '');
  const counts = delimiters.map((delimiter) => ({ delimiter, count: bare.split(delimiter).length - 1 }));
  return counts.toSorted((one, other) => other.count - one.count)[0]?.count
    ? (counts.toSorted((one, other) => other.count - one.count)[0]?.delimiter ?? ',')
    : ',';
}

/** Guesses what each column holds, from its name and from some rows. */
export function guessColumns(header: readonly string[], rows: readonly (readonly string[])[], today: string): GuessedColumn[] {
  const taken = new Set<string>();
  return header.map((name, index) => {
    const values = rows.flatMap((row) => (row[index]?.trim() ? [row[index].trim()] : []));
    const guess = headerNames.get(foldHeader(name));
    if (isReportColumn(name)) return { name, column: undefined, comment: 'a column of an error file', doubtful: false };
    if (!guess) return { name, column: undefined, comment: 'not known: left out, unless you say what it holds', doubtful: false };
    const repeatable = guess.field === 'identifier' || guess.field === 'telecom';
    if (!repeatable && taken.has(guess.field))
      return { name, column: undefined, comment: `an earlier column is ${guess.field} already: left out`, doubtful: false };
    taken.add(guess.field);
    return { name, ...guessValues({ ...guess }, values, today) };
  });
}

function guessValues(guess: MappedColumn, values: readonly string[], today: string): Omit<GuessedColumn, 'name'> {
  if (guess.field === 'dateOfBirth' || guess.field === 'deceasedAt') return guessDates(guess, values, today);
  if (guess.field === 'gender') return guessGender(guess, values);
  if (guess.field === 'fullName') {
    const commas = values.filter((value) => value.includes(',')).length;
    if (commas > values.length / 2) return { column: guess, comment: 'full name; what stands before the comma is the family name', doubtful: false };
    return {
      column: { ...guess, order: 'first-last' },
      comment: 'full name; the last word is taken as the family name. Set order: last-first where it comes first',
      doubtful: false,
    };
  }
  if (guess.field === 'identifier')
    return { column: guess, comment: `type ${guess.type} is a guess; add authority: or system: to say who gives the numbers out`, doubtful: false };
  return { column: guess, comment: 'by its name', doubtful: false };
}

function guessDates(guess: MappedColumn, seen: readonly string[], today: string): Omit<GuessedColumn, 'name'> {
  const values = guess.field === 'deceasedAt' ? seen.filter((value) => !isInstant(value)) : seen;
  if (seen.length > 0 && values.length === 0)
    return { column: guess, comment: 'all moments seen are written 2026-11-23T08:30:00Z or with an offset', doubtful: false };
  const bare = values.map((value) => value.replace(/[T ]00:00(?::00(?:\.0+)?)?Z?$/, ''));
  const [best, ...others] = fittingFormats(bare, today);
  if (!best)
    return {
      column: guess,
      comment: values.length === 0 ? 'no dates to see; YYYY-MM-DD is taken' : 'no usual format fits: name one or several with format:',
      doubtful: values.length > 0,
    };
  const { format, fitting } = best;
  const other = others.find((each) => each.fitting === fitting && isSwapped(each.format, format));
  const column = { ...guess, format };
  if (other)
    return { column, comment: `${format} or ${other.format}? No date seen tells: a day above 12 would. Check, and correct format: if need be`, doubtful: true };
  if (fitting < values.length)
    return {
      column,
      comment: `${format} fits ${fitting} of ${values.length} dates seen; name several formats in a list if need be`,
      doubtful: fitting * 2 < values.length,
    };
  return { column, comment: `all dates seen are written ${format}`, doubtful: false };
}

/** Whether two formats differ in which of day and month comes first. */
function isSwapped(one: string, other: string): boolean {
  const order = (format: string) => format.replaceAll(/[^DM]/g, '').replaceAll(/(.)\1+/g, '$1');
  return order(one) !== order(other) && order(one).length === 2 && order(other).length === 2;
}

function guessGender(guess: MappedColumn, values: readonly string[]): Omit<GuessedColumn, 'name'> {
  const words = [...new Set(values.map((value) => value.toLowerCase()))].slice(0, 50);
  // A code of the house: not shown here, as it may be anything.
  const unknown = words.filter((word) => genderWords[word] === undefined);
  const known = Object.fromEntries(words.flatMap((word) => (genderWords[word] === undefined ? [] : [[word, genderWords[word]]])));
  return {
    column: Object.keys(known).length > 0 ? { ...guess, values: known } : guess,
    comment: unknown.length === 0 ? 'words as usual; check the numbers' : `${unknown.length} of the words seen are not known: add what they stand for`,
    doubtful: unknown.length > 0,
  };
}

export function mappingOf(columns: readonly GuessedColumn[]): ImportMapping['columns'] {
  return Object.fromEntries(columns.flatMap(({ name, column }) => (column ? [[name, column]] : [])));
}

/** The guessed mapping as a YAML file, with a comment on each guess. */
export function writeMapping(format: { encoding: string; delimiter: string; quote: string }, columns: readonly GuessedColumn[]): string {
  const text = (value: unknown): string => (typeof value === 'string' && /^[A-Za-z][A-Za-z0-9_]*$/.test(value) ? value : JSON.stringify(value));
  const lines = columns.map(({ name, column, comment }) => {
    if (!column) return `  # ${text(name)}: ${comment}`;
    const more = Object.entries(column).map(
      ([key, value]) =>
        `${key}: ${
          typeof value === 'object'
            ? `{ ${Object.entries(value as object)
                .map(([one, other]) => `${JSON.stringify(one)}: ${text(other)}`)
                .join(', ')} }`
            : text(value)
        }`,
    );
    return `  ${JSON.stringify(name)}: { ${more.join(', ')} } # ${comment}`;
  });
  return [
    '# How the columns of the file become charts. Guessed: check every line, then import with --mapping and this file.',
    `encoding: ${format.encoding}`,
    `delimiter: ${JSON.stringify(format.delimiter)}`,
    `quote: ${JSON.stringify(format.quote)}`,
    'columns:',
    ...lines,
    '# The same for every row, such as country: KE',
    'constants: {}',
    '# Words that stand for nothing, beside blank',
    'empty: ["NULL", "N/A"]',
    '',
  ].join('\n');
}
