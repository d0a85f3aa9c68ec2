import { createHash } from 'node:crypto';
import { AppError } from '../base/errors.ts';
import type { SealingKey, SealVerifier } from '../audit/seal.ts';
import { computeCheckDigits } from '../identifier/check-digit.ts';
import type { MrnFormat } from '../identifier/mrn-format.ts';
import type { DowntimeBlockFile } from './downtime.schema.ts';

/** What the signatures of the downtime kit stand over. Text, so that it can be checked with any tool in twenty years. */

export type BlockStatement = Omit<DowntimeBlockFile, 'kind' | 'version' | 'keyId' | 'signature'>;

function blockText({ code, desk, authority, validFrom, validUntil, numbers }: BlockStatement): string {
  return [
    'onechart downtime block 1',
    `block ${code}`,
    `desk ${desk}`,
    `authority ${authority}`,
    `valid ${validFrom} ${validUntil}`,
    ...numbers.map(({ mrn, checkCharacter }) => `number ${mrn}${checkCharacter === '' ? '' : ` ${checkCharacter}`}`),
  ].join('\n');
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

export function signBlock(statement: BlockStatement, key: SealingKey): { keyId: string; signature: string } {
  return { keyId: key.keyId, signature: key.sign(digest(blockText(statement))) };
}

/** Whether a block is as it was issued, by one of these keys. */
export function blockIsGenuine(file: DowntimeBlockFile, keys: readonly SealVerifier[]): boolean {
  return keys.some((key) => key.keyId === file.keyId && key.verify(digest(blockText(file)), file.signature));
}

export interface SheetStatement {
  readonly code: string;
  readonly desk: string;
  readonly mrn: string;
  readonly checkCharacter: string;
  readonly validFrom: string;
  readonly validUntil: string;
}

const mark = 'ODT1';
const sheetText = ({ code, desk, mrn, checkCharacter, validFrom, validUntil }: SheetStatement): string =>
  [mark, code, mrn, checkCharacter, validFrom, validUntil, encodeURIComponent(desk)].join('|');

/** What the QR code of a sheet says: everything that stands on it, and the signature over that. */
export function sheetCode(sheet: SheetStatement, key: SealingKey): string {
  const text = sheetText(sheet);
  return `${text}|${key.keyId}|${key.sign(digest(text))}`;
}

/** Reads the QR code of a sheet. Errors: `DOWNTIME_SHEET_UNREADABLE`; `genuine` is false for a signature that is not of these keys. */
export function readSheetCode(scanned: string, keys: readonly SealVerifier[]): SheetStatement & { genuine: boolean } {
  const parts = scanned.trim().split('|');
  const [kind, code = '', mrn = '', checkCharacter = '', validFrom = '', validUntil = '', desk = '', keyId = '', signature = ''] = parts;
  if (kind !== mark || parts.length !== 9) throw unreadable();
  let sheet: SheetStatement;
  try {
    sheet = { code, mrn, checkCharacter, validFrom, validUntil, desk: decodeURIComponent(desk) };
  } catch {
    throw unreadable();
  }
  const said = digest(sheetText(sheet));
  return { ...sheet, genuine: keys.some((each) => each.keyId === keyId && each.verify(said, signature)) };
}

function unreadable(): AppError {
  return new AppError(
    'invalid',
    'DOWNTIME_SHEET_UNREADABLE',
    'This is not the code of a downtime sheet. Scan the square code at the top right of the sheet, whole.',
  );
}

/**
 * The character beside a number on paper. A number that ends in a check digit needs none; all others get one of ISO/IEC 7064
 * MOD 37,36, which finds every single wrong letter or digit and nearly every exchange of neighbours.
 */
export function sheetCheckCharacter(format: MrnFormat, mrn: string): string {
  return format.checkDigit === 'none' ? computeCheckDigits('iso7064-mod37-36', mrn) : '';
}

/**
 * A number as it was typed or scanned from paper: `mrn-2026-00017 K` and `MRN-2026-00017/K` are the same. `whole` is what was typed, for
 * formats whose own separator is a blank or a stroke.
 */
export function readTypedNumber(typed: string): { whole: string; mrn: string; checkCharacter: string | undefined } {
  const whole = typed.trim().toUpperCase();
  const separate = /^(.*[^\s/])[\s/]+([0-9A-Z]{1,2})$/.exec(whole);
  return { whole, mrn: separate?.[1] ?? whole, checkCharacter: separate?.[2] };
}
