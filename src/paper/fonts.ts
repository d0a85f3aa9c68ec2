import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { AppError } from '../base/errors.ts';
import { unpackWoff } from './woff.ts';

/** A font file as the printing library takes it. */
export interface FontFile {
  readonly name: string;
  readonly bytes: Buffer;
  /** Of a collection (.ttc): which of its fonts. */
  readonly member?: string;
}

let bundled: Promise<{ regular: FontFile; bold: FontFile }> | undefined;

/** Roboto (Apache-2.0): Latin with Vietnamese, Greek, Cyrillic. Read once and kept: 340 KB. */
export function bundledFonts(): Promise<{ regular: FontFile; bold: FontFile }> {
  bundled ??= readBundled();
  return bundled;
}

async function readBundled(): Promise<{ regular: FontFile; bold: FontFile }> {
  const read = async (url: string) => unpackWoff(await readFile(fileURLToPath(url)));
  const [regular, bold] = await Promise.all([
    read(import.meta.resolve('roboto-fontface/fonts/roboto/Roboto-Regular.woff')),
    read(import.meta.resolve('roboto-fontface/fonts/roboto/Roboto-Bold.woff')),
  ]);
  return { regular: { name: 'Regular', bytes: regular }, bold: { name: 'Bold', bytes: bold } };
}

/**
 * Fonts of the facility for other scripts, looked through in their order after Roboto. A font of a collection is named behind `#`.
 *
 * Errors: `FONT_UNREADABLE`.
 */
export function readFonts(paths: readonly string[]): Promise<FontFile[]> {
  return Promise.all(
    paths.map(async (path) => {
      const [file = path, member] = path.split('#');
      const bytes = await readFile(file).catch((cause: unknown) => {
        throw unreadableFont(file, cause);
      });
      return { name: path, bytes, ...(member === undefined ? {} : { member }) };
    }),
  );
}

export function unreadableFont(path: string, cause: unknown): AppError {
  const message = `The font ${path} cannot be read. Give a TTF, OTF, WOFF or WOFF2 file, or of a collection path.ttc#name-of-the-font.`;
  return new AppError('unavailable', 'FONT_UNREADABLE', message, { path }, { cause });
}
