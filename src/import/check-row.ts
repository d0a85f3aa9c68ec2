import { AppError } from '../base/errors.ts';
import { parseInput } from '../base/parse-input.ts';
import { plainDateIn } from '../base/plain-date.ts';
import { bareNumber, checkNumber } from '../identifier/identifier.ts';
import type { IdentifierAuthority } from '../identifier/identifier.schema.ts';
import { settleBirth } from '../patient/birth.ts';
import { normalizePart } from '../patient/normalize-part.ts';
import { checkBirthAndDeath, normalizeDemographics } from '../patient/patient.ts';
import { checkFormer, checkPeriod } from '../patient/period.ts';
import { normalizeTelecom } from '../patient/telecom.ts';
import { searchTermsOf, toVector, wordsAmong } from '../search/words.ts';
import { duplicateKeys } from './duplicate-keys.ts';
import { type CheckedImportRow, ImportRow } from './import.schema.ts';
import type { ReadRow, RowProblem } from './read-row.ts';

type Values = Record<string, unknown>;

/** A number of another authority, as it will be kept. */
export interface CheckedIdentifier extends Values {
  readonly type: string;
  readonly value: string;
  readonly authorityCode: string | null;
  readonly system: string | null;
  /** Where it must fit an expression that only the server can read. */
  readonly pattern: string | null;
  /** Whether several patients may have it, or nobody knows who gave it out. */
  readonly mayRepeat: boolean;
}

/** A row that passed every rule which needs no database. */
export interface CheckedRow {
  readonly id: string | undefined;
  readonly mrn: string | undefined;
  /** Columns of the chart. */
  readonly chart: Values;
  readonly identifiers: readonly CheckedIdentifier[];
  readonly names: readonly Values[];
  readonly addresses: readonly Values[];
  readonly telecoms: readonly Values[];
  readonly contacts: readonly Values[];
  /** What a duplicate would share, in a form that can be compared. */
  readonly keys: readonly string[];
  /** What the chart is found by, but for a record number that is issued later. */
  readonly search: { readonly vector: string; readonly words: readonly string[] };
}

export interface CheckOptions {
  readonly now: Date;
  readonly timeZone: string;
  readonly defaultCountry?: string | undefined;
  readonly authorities: readonly IdentifierAuthority[];
}

/** URI of the record numbers that patients had in this house before, where the mapping names no other. */
export const formerMrnSystem = 'urn:onechart:former-mrn';

/** Holds a row against the rules of a registration, the same schema included. Every problem of the schema is told, of the rules behind it the first. */
export function checkRow(read: ReadRow, options: CheckOptions): CheckedRow | readonly RowProblem[] {
  if (read.problems.length > 0) return read.problems;
  try {
    return settle(parseInput(ImportRow, read.row), options);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const listed = error.details.fields as { field: string; problem: string }[] | undefined;
    if (!listed) return [{ column: columnOf(read.columns, fieldOf(error)), code: error.code, message: error.message }];
    return listed.map(({ field, problem }) => ({ column: columnOf(read.columns, field), code: error.code, message: `${field} ${problem}.` }));
  }
}

function fieldOf({ details }: AppError): string {
  return typeof details.field === 'string' ? details.field : '';
}

/** The column of a field, else that of the part it is in; without a column its own name. */
export function columnOf(columns: Readonly<Record<string, string>>, field: string): string {
  return columns[field] ?? columns[field.split('.').slice(0, 2).join('.')] ?? columns[field.split('.')[0] ?? ''] ?? field;
}

function settle(row: CheckedImportRow, options: CheckOptions): CheckedRow {
  const { id, mrn, deceased, deceasedAt, formerMrns = [], identifiers = [], names = [], addresses = [], telecoms = [], contacts = [], ...given } = row;
  const { now, timeZone } = options;
  const today = plainDateIn(now, timeZone);
  const fields = settleBirth(normalizeDemographics(given, options), { now, timeZone });
  const died = readDeath({ deceased, deceasedAt });
  checkBirthAndDeath({ dateOfBirth: fields.dateOfBirth, deceasedAt: died.deceasedAt ?? null }, { now, timeZone });
  const chart: Values = Object.fromEntries(Object.entries({ ...fields, ...died }).filter(([, value]) => value !== null && value !== undefined));
  const former = formerMrns.map(({ value, authorityCode, system }) => ({
    value: bareNumber(value),
    type: authorityCode === undefined ? 'MR' : undefined,
    authorityCode,
    system: authorityCode === undefined && system === undefined ? formerMrnSystem : system,
  }));
  const checked = {
    id,
    mrn,
    chart,
    identifiers: [
      ...inside('identifiers', identifiers, (each) => settleIdentifier(each, options)),
      ...inside('formerMrns', former, (each) => settleIdentifier(each, options)),
    ],
    names: inside('names', names, (each) => period(normalizePart(each, options), today)),
    addresses: inside('addresses', addresses, (each) => period(normalizePart(each, options), today)),
    telecoms: inside('telecoms', telecoms, (each) => ({ ...period(normalizePart(each, options), today), value: normalizeTelecom(each, options) })),
    contacts: inside('contacts', contacts, (each) => normalizePart(each, options)),
    keys: duplicateKeys(chart),
  };
  const terms = searchTermsOf({
    ...checked,
    ...chart,
    lastName: row.lastName,
    mrn: mrn ?? '',
    names: checked.names as never,
    telecoms: checked.telecoms as never,
  });
  return { ...checked, search: { vector: toVector(terms), words: wordsAmong(terms) } };
}

/** An error of a part says which one. */
function inside<Part, Result>(list: string, parts: readonly Part[], work: (part: Part) => Result): Result[] {
  return parts.map((part, index) => {
    try {
      return work(part);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      throw new AppError(error.kind, error.code, error.message, { ...error.details, field: `${list}.${index}.${fieldOf(error)}` });
    }
  });
}

function period(part: Values, today: ReturnType<typeof plainDateIn>): Values {
  checkPeriod(part);
  checkFormer(part, today);
  return part;
}

/** Of a day without a time noon in UTC is kept: the same day nearly everywhere. */
function readDeath(death: { deceased: boolean | undefined; deceasedAt: string | null | undefined }): {
  deceased?: true;
  deceasedAt?: Date;
  status?: 'DECEASED';
} {
  const { deceased, deceasedAt } = death;
  if (deceased === false && deceasedAt)
    throw new AppError('invalid', 'IMPORT_DEATH_CONTRADICTED', 'deceased says no, and deceasedAt is given. Correct one of them.', { field: 'deceasedAt' });
  if (!deceased && !deceasedAt) return {};
  const at = deceasedAt ? new Date(deceasedAt.length === 10 ? `${deceasedAt}T12:00:00Z` : deceasedAt) : undefined;
  return { deceased: true, status: 'DECEASED', ...(at === undefined ? {} : { deceasedAt: at }) };
}

function settleIdentifier(
  given: {
    readonly value: string;
    readonly type?: string | undefined;
    readonly authorityCode?: string | null | undefined;
    readonly system?: string | null | undefined;
  },
  { authorities }: CheckOptions,
): CheckedIdentifier {
  const { authorityCode, system } = given;
  const authority = authorities.find((each) => (authorityCode ? each.code === authorityCode : Boolean(system) && each.systemUri === system));
  if (authorityCode && !authority) {
    throw new AppError(
      'not-found',
      'IDENTIFIER_AUTHORITY_NOT_FOUND',
      'authorityCode names no authority that is kept here. Check the code, or define the authority first.',
      {
        field: 'authorityCode',
      },
    );
  }
  // The pattern is in the server's own language of expressions; it is asked for the whole batch.
  if (authority) checkNumber(authority, { type: given.type, value: given.value, patternFits: true });
  const type = authority?.type ?? given.type;
  if (type === undefined)
    throw new AppError(
      'invalid',
      'IDENTIFIER_TYPE_MISSING',
      'type is required where no authority says it: a code of HL7 table 0203, such as NI, PPN, DL or HC.',
      {
        field: 'type',
      },
    );
  if (type === 'MR' && !authority && !system)
    throw new AppError(
      'invalid',
      'IDENTIFIER_ISSUER_MISSING',
      'A record number of another house needs its authorityCode or system; that of this house is the mrn.',
      {
        field: 'authorityCode',
      },
    );
  const { value: _value, type: _type, authorityCode: _code, system: _system, ...rest } = given as Values & { value: string };
  checkPeriod(rest);
  return {
    ...rest,
    type,
    value: given.value,
    authorityCode: authority?.code ?? null,
    system: authority ? null : (system ?? null),
    pattern: authority?.pattern ?? null,
    mayRepeat: authority ? authority.shared : !system || system === formerMrnSystem,
  };
}
