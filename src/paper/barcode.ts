import { AppError } from '../base/errors.ts';

/** Code 128 for scanners at a desk, QR for telephones and for what Code 128 cannot hold. */
export type BarcodeKind = 'code128' | 'qr';

/** A symbol without its quiet zone, in modules: the width of the narrowest bar. */
export type BarcodeSymbol =
  | { readonly kind: 'code128'; readonly modules: number /** Widths of bar, gap, bar, gap … */; readonly widths: readonly number[] }
  | { readonly kind: 'qr'; readonly modules: number /** Row by row from the top; true is dark. */; readonly dark: readonly boolean[] };

/** Modules of white that belong around a symbol (ISO/IEC 15417 4.4: 10; ISO/IEC 18004 6.3.8: 4). */
export const quietModules = { code128: 10, qr: 4 } as const;

/** Printable ASCII: all that desk scanners type as it stands. */
const printableAscii = /^[\u0020-\u007E]+$/;

/** Whether Code 128 can hold the text; a QR code holds any. */
export function fitsCode128(text: string): boolean {
  return printableAscii.test(text);
}

/**
 * Makes a symbol. A QR code has error correction M, which survives 15 % of damage.
 *
 * Errors: `BARCODE_TEXT_INVALID` for a text that the symbol cannot hold.
 *
 * @example
 * const { modules } = await barcode('code128', 'MRN-00001234');
 */
export async function barcode(kind: BarcodeKind, text: string): Promise<BarcodeSymbol> {
  if (text === '' || (kind === 'code128' && !fitsCode128(text))) throw unfit(kind, undefined);
  const { default: library } = await import('bwip-js');
  try {
    // The library leaves out what it was not asked for; only these two have these shapes.
    const [made] = library.raw({ bcid: kind === 'qr' ? 'qrcode' : 'code128', text, ...(kind === 'qr' ? { eclevel: 'M' } : {}) }) as unknown as Drawn[];
    if (made?.sbs) return { kind: 'code128', modules: made.sbs.reduce((sum, width) => sum + width, 0), widths: made.sbs };
    if (made?.pixs && made.pixx) return { kind: 'qr', modules: made.pixx, dark: made.pixs.map((each) => each === 1) };
  } catch (cause) {
    throw unfit(kind, cause);
  }
  throw unfit(kind, undefined);
}

interface Drawn {
  readonly sbs?: readonly number[];
  readonly pixs?: readonly number[];
  readonly pixx?: number;
}

function unfit(kind: BarcodeKind, cause: unknown): AppError {
  const remedy = kind === 'code128' ? 'Code 128 takes ASCII without control characters; make a QR code of it.' : 'Shorten it.';
  return new AppError(
    'invalid',
    'BARCODE_TEXT_INVALID',
    `The text does not fit into a ${kind} symbol. ${remedy}`,
    { kind },
    cause === undefined ? {} : { cause },
  );
}
