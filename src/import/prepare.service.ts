import { readFile } from 'node:fs/promises';
import { parse as parseYaml } from 'yaml';
import { AppError } from '../base/errors.ts';
import { parseInput } from '../base/parse-input.ts';
import { type GuessedColumn, guessColumns, guessDelimiter, mappingOf } from './guess-mapping.ts';
import { ImportMapping } from './mapping.schema.ts';
import { fitMapping } from './read-row.ts';
import { createRecordSplitter, type RecordFormat } from './records.ts';
import { type ScannedFile, scanFile, type SourceFormat } from './source.service.ts';

/** A file that is ready to be imported. */
export interface PreparedImport {
  readonly scanned: ScannedFile;
  readonly format: SourceFormat;
  /** Columns of the file that are left out. */
  readonly unused: readonly string[];
  /** What was guessed, where no mapping was given. */
  readonly guessed: readonly GuessedColumn[];
}

/** Rows on which guesses rest. */
const sampleRows = 500;

/**
 * Looks at a file and its mapping, or guesses one.
 *
 * Errors: `IMPORT_FILE_EMPTY`, `IMPORT_FILE_UNREADABLE`, `IMPORT_HEADER_MISSING`, `IMPORT_HEADER_REPEATED`, `IMPORT_MAPPING_UNREADABLE`,
 * `IMPORT_MAPPING_MISFIT`, `IMPORT_NAME_COLUMN_MISSING`.
 */
export async function prepareImport(options: {
  path: string;
  mappingPath?: string | undefined;
  kind?: 'csv' | 'ndjson' | undefined;
  today: string;
}): Promise<PreparedImport> {
  const { path, mappingPath, today } = options;
  const scanned = await scanFile(path);
  const kind =
    options.kind ?? (/\.(?:ndjson|jsonl)$/i.test(path) || scanned.head.subarray(0, 200).toString('latin1').trimStart().startsWith('{') ? 'ndjson' : 'csv');
  if (kind === 'ndjson') {
    if (mappingPath !== undefined)
      throw new AppError('invalid', 'IMPORT_MAPPING_NOT_FOR_JSON', 'NDJSON takes no mapping: its fields are those of the registration. Leave --mapping out.');
    return { scanned, format: { kind, record: { encoding: scanned.encoding }, header: [], mapping: { columns: {} } }, unused: [], guessed: [] };
  }
  const given = mappingPath === undefined ? undefined : await readMapping(mappingPath);
  const text = scanned.head.toString('latin1');
  const firstLine = text.slice(0, text.indexOf('\n') < 0 ? undefined : text.indexOf('\n'));
  const quote = given?.quote ?? '"';
  const record: RecordFormat = { encoding: given?.encoding ?? scanned.encoding, delimiter: given?.delimiter ?? guessDelimiter(firstLine, quote), quote };
  const splitter = createRecordSplitter(record);
  const [first, ...sample] = [...splitter.push(scanned.head), ...(scanned.head.length + scanned.markBytes === scanned.size ? splitter.finish() : [])].slice(
    0,
    sampleRows + 1,
  );
  const header = first?.fields?.map((name) => name.trim());
  if (!header || header.every((name) => name === ''))
    throw new AppError('invalid', 'IMPORT_HEADER_MISSING', 'The first line has no names of columns, or is longer than 1 MB. Put a header there.');
  const repeated = header.find((name, index) => name !== '' && header.indexOf(name) !== index);
  if (repeated !== undefined)
    throw new AppError(
      'invalid',
      'IMPORT_HEADER_REPEATED',
      `The name of column ${header.lastIndexOf(repeated) + 1} stands in the header twice. Give each column its own name.`,
      {
        column: header.lastIndexOf(repeated) + 1,
      },
    );
  const guessed = given
    ? []
    : guessColumns(
        header,
        sample.flatMap((each) => (each.fields ? [each.fields] : [])),
        today,
      );
  const mapping = given ?? { columns: mappingOf(guessed) };
  const fit = fitMapping(header, mapping);
  if (fit.missing.length > 0)
    throw new AppError(
      'invalid',
      'IMPORT_MAPPING_MISFIT',
      `The mapping names columns that the file does not have: ${fit.missing.join(', ')}. Correct the names, or take them out.`,
      {
        columns: fit.missing,
      },
    );
  return { scanned, format: { kind, record, header, mapping }, unused: fit.unused, guessed };
}

/** Refuses a mapping that fills no family name: no row of it could become a chart. */
export function requireNames({ format }: PreparedImport): void {
  if (format.kind === 'ndjson' || fitMapping(format.header, format.mapping).hasName) return;
  throw new AppError(
    'invalid',
    'IMPORT_NAME_COLUMN_MISSING',
    'No column is mapped to lastName or fullName. Write a mapping with onechart import map, say which column holds the name, and give it with --mapping.',
  );
}

/** Refuses to import on a guess that somebody has to decide first: wrong dates of birth are not found later. */
export function requireCertainty({ guessed }: PreparedImport): void {
  const doubtful = guessed.filter((each) => each.doubtful).map((each) => each.name);
  if (doubtful.length === 0) return;
  throw new AppError(
    'ambiguous',
    'IMPORT_MAPPING_DOUBTFUL',
    `How to read these columns cannot be told from the file: ${doubtful.join(', ')}. Write the mapping with onechart import map, correct it, and give it with --mapping.`,
    { columns: doubtful },
  );
}

async function readMapping(path: string): Promise<ImportMapping> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new AppError('unavailable', 'IMPORT_MAPPING_UNREADABLE', 'The file of --mapping cannot be read. Check its name and rights.', {}, { cause });
  }
  let value: unknown;
  try {
    // JSON is YAML.
    value = parseYaml(text);
  } catch (cause) {
    throw new AppError(
      'invalid',
      'IMPORT_MAPPING_MALFORMED',
      'The file of --mapping is neither YAML nor JSON. Compare it with what onechart import map writes.',
      {},
      { cause },
    );
  }
  return parseInput(ImportMapping, value);
}
