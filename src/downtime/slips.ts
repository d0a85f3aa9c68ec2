import { AppError } from '../base/errors.ts';
import type { NewPatient } from '../patient/patient.schema.ts';
import { parseCsv } from './csv.ts';
import type { BlockWithNumbers } from './block.service.ts';
import { readTypedNumber } from './statement.ts';

/** The table into which a desk types its sheets. One line for each number of the block. */
export const slipColumns = [
  'sheet',
  'mrn',
  'check',
  'status',
  'reason',
  'lastName',
  'firstName',
  'middleName',
  'dateOfBirth',
  'gender',
  'phone',
  'addressLine1',
  'city',
  'zipCode',
  'country',
  'existingMrn',
  'duplicate',
] as const;

export interface Slip {
  readonly line: number;
  /** What stands in the column, and the number in it without a character behind it. */
  readonly whole: string;
  readonly mrn: string;
  readonly checkCharacter: string | undefined;
  /** `blank` where nothing was written on the line. */
  readonly state: 'used' | 'void' | 'unused' | 'missing' | 'blank';
  readonly reason: string | undefined;
  readonly person: NewPatient;
  readonly existingMrn: string | undefined;
  readonly registerAnyway: boolean;
}

/** The table with the numbers filled in, to be opened by any spreadsheet. */
export function slipTemplate({ numbers }: BlockWithNumbers): string {
  const rows = numbers
    .filter(({ state }) => state === 'OPEN')
    .map(({ mrn, place, checkCharacter }) => [String(place), mrn, checkCharacter, ...slipColumns.slice(3).map(() => '')].join(','));
  return `${slipColumns.join(',')}\n${rows.join('\n')}\n`;
}

const genders: Readonly<Record<string, 'MALE' | 'FEMALE' | 'OTHER' | 'UNKNOWN'>> = {
  M: 'MALE',
  MALE: 'MALE',
  F: 'FEMALE',
  W: 'FEMALE',
  FEMALE: 'FEMALE',
  O: 'OTHER',
  OTHER: 'OTHER',
  U: 'UNKNOWN',
  UNKNOWN: 'UNKNOWN',
};
const states = ['used', 'void', 'unused', 'missing'] as const;

/** Errors: `DOWNTIME_FILE_INVALID` when it is not the table of a block. */
export function readSlips(csv: string): Slip[] {
  const [header = [], ...rows] = parseCsv(csv);
  const names = header.map((name) => name.trim());
  for (const needed of ['mrn', 'lastName'] as const) {
    if (!names.includes(needed))
      throw new AppError(
        'invalid',
        'DOWNTIME_FILE_INVALID',
        `The file has no column ${needed}. Fill the table that onechart downtime template writes, and save it as CSV.`,
        { column: needed },
      );
  }
  return rows
    .filter((row) => row.some((cell) => cell.trim() !== ''))
    .map((row, index) => readSlip(new Map(names.map((name, column) => [name, row[column]?.trim() ?? ''])), index + 2));
}

function readSlip(cells: ReadonlyMap<string, string>, line: number): Slip {
  const text = (name: (typeof slipColumns)[number]): string | undefined => cells.get(name) || undefined;
  const { whole, mrn, checkCharacter } = readTypedNumber(text('mrn') ?? '');
  const status = text('status')?.toLowerCase();
  if (status !== undefined && !states.some((state) => state === status)) {
    throw new AppError('invalid', 'DOWNTIME_FILE_INVALID', `status must be used, void, unused or missing, or empty (line ${line}).`, {
      column: 'status',
      line,
    });
  }
  const written = text('lastName') !== undefined || text('existingMrn') !== undefined;
  const gender = text('gender')?.toUpperCase();
  const optional = Object.fromEntries(
    (['middleName', 'phone', 'addressLine1', 'city', 'zipCode', 'country'] as const).flatMap((name) => (text(name) === undefined ? [] : [[name, text(name)]])),
  );
  return {
    line,
    whole,
    mrn,
    checkCharacter: text('check')?.toUpperCase() ?? checkCharacter,
    state: (status as Slip['state'] | undefined) ?? (written ? 'used' : 'blank'),
    reason: text('reason'),
    person: {
      firstName: text('firstName') ?? null,
      lastName: text('lastName') ?? '',
      dateOfBirth: text('dateOfBirth') ?? null,
      // A word that is none of these goes on as it is, so that the check of the registration names the field.
      ...(gender === undefined ? {} : { gender: genders[gender] ?? (gender as 'OTHER') }),
      ...optional,
    },
    existingMrn: text('existingMrn'),
    registerAnyway: text('duplicate')?.toLowerCase() === 'new',
  };
}

/** The character that was copied must be that of the sheet; where the number has a check digit of its own there is none to copy. */
export function sheetCheckCharacterFits(slip: Slip, expected: string): boolean {
  return expected === '' ? true : slip.checkCharacter === expected;
}
