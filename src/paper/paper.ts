import type PdfDocument from 'pdfkit';
import { AppError } from '../base/errors.ts';
import { type BarcodeKind, barcode, type BarcodeSymbol, quietModules } from './barcode.ts';
import { bundledFonts, type FontFile, readFonts, unreadableFont } from './fonts.ts';
import { breakLines, dagger, printable, type Typeface, visualRuns } from './typeset.ts';

/**
 * Pages to print: text in several scripts, tables, barcodes, lines to write on. Everything is put from top to bottom and goes
 * on to the next page by itself. Lengths are points (1/72 inch); `mm` gives those of millimetres.
 */

/** Points of so many millimetres. */
export function mm(millimetres: number): number {
  return (millimetres * 72) / 25.4;
}

/** Width and height of a page in points. */
export const paperSizes = { A4: [595.28, 841.89], LETTER: [612, 792] } as const;
export type PaperSize = keyof typeof paperSizes;

export interface PaperOptions {
  /** Title of the document, shown by viewers. Put no name of a patient here: it stands in the history of a browser. */
  readonly title: string;
  /** The date of the file; the same content with the same date gives the same bytes. */
  readonly now: Date;
  readonly size?: PaperSize;
  /** Font files for other scripts than Latin, Greek and Cyrillic, in the order in which they are looked through. */
  readonly fonts?: readonly string[];
  /** Stands at the top of every page, so that a sheet that got lost can be told. */
  readonly head?: string;
  /** Stands at the bottom of every page, beside the page number. */
  readonly foot?: string;
}

export interface TextOptions {
  /** Size of the letters in points; 10 when left out. */
  readonly size?: number;
  readonly bold?: boolean;
  /** Darkness: 0 is black, 1 white. */
  readonly grey?: number;
}

export interface Column {
  readonly title: string;
  /** Its share of the width: a column of 2 is twice as wide as one of 1. */
  readonly share: number;
}

/** A cell that is a barcode instead of text. */
export interface BarcodeCell {
  readonly barcode: string;
  readonly kind?: BarcodeKind;
}
export type Cell = string | BarcodeCell;

export interface BarcodeOptions {
  readonly kind?: BarcodeKind;
  /** Height of the bars, or side of a QR code, in points; 42 and 72 when left out. */
  readonly height?: number;
  /** Text below, where it is not to be the encoded one; '' for none. */
  readonly label?: string;
  /** At the right edge, beside what comes next, instead of in the flow. */
  readonly beside?: boolean;
}

export interface Paper {
  /** A heading. It never stands alone at the foot of a page. */
  heading(text: string): void;
  /** A paragraph. */
  text(text: string, options?: TextOptions): void;
  /** Names with their values, in two columns unless told otherwise. A value of null is printed as a dash. */
  fields(fields: readonly (readonly [label: string, value: string | null])[], options?: { columns?: number }): void;
  /** Lines in a frame with a title, for what must not be overlooked. */
  notice(title: string, lines: readonly string[]): void;
  /** A table. Its head is repeated on every page; a row is never torn apart. `rowHeight` is the least height of a row, for those to be filled in by hand. */
  table(columns: readonly Column[], rows: readonly (readonly Cell[])[], options?: { rowHeight?: number; size?: number }): Promise<void>;
  /** Labels with a line each to write on. */
  blanks(labels: readonly string[], options?: { columns?: number; height?: number }): void;
  /**
   * A barcode with its text below. Errors: `BARCODE_TEXT_INVALID`, `BARCODE_TOO_WIDE` when its bars would be thinner than 0.19 mm.
   */
  barcode(text: string, options?: BarcodeOptions): Promise<void>;
  /** Room of so many points. */
  space(height: number): void;
  /** A new page, unless this one is empty. */
  newPage(): void;
  /** Begins a new page where less than this height is left. */
  keep(height: number): void;
  /** The finished document. Nothing can be added afterwards. */
  pdf(): Promise<Buffer>;
}

const margin = mm(16);
const headRoom = mm(8);
const footRoom = mm(9);
const lineHeight = 1.3;
/** Bars thinner than 0.19 mm (7.5 mil) are lost by office printers and by desk scanners. */
const thinnest = mm(0.19);
/** Wider bars read no better. */
const widest = mm(0.4);

/**
 * Begins a document.
 *
 * Letters that none of its fonts has are printed in Latin ones with a dagger, and the foot of the page says so. Hebrew,
 * Arabic and mixed lines are ordered by the Unicode bidirectional algorithm and shaped by the font.
 *
 * Errors: `FONT_UNREADABLE`.
 *
 * @example
 * const sheet = await paper({ title: 'Downtime numbers', now: new Date(), foot: 'Desk 3' });
 * sheet.heading('Numbers to give out');
 * await sheet.table(
 *   [{ title: 'Number', share: 2 }, { title: 'Barcode', share: 3 }, { title: 'Name', share: 4 }],
 *   [['MRN-00001234', { barcode: 'MRN-00001234' }, '']],
 *   { rowHeight: mm(14) },
 * );
 * const bytes = await sheet.pdf();
 */
export async function paper(options: PaperOptions): Promise<Paper> {
  const [{ default: Document }, { regular, bold }, others] = await Promise.all([import('pdfkit'), bundledFonts(), readFonts(options.fonts ?? [])]);
  const [width, height] = paperSizes[options.size ?? 'A4'];
  const document = new Document({
    size: [width, height],
    margin: 0,
    autoFirstPage: false,
    bufferPages: true,
    info: { Title: options.title, Producer: 'OneChart', Creator: 'OneChart', CreationDate: options.now, ModDate: options.now },
  });
  const plain = [regular, ...others].map((font) => typeface(document, font));
  const strong = [bold, ...others].map((font) => typeface(document, font));
  return sheets(document, { options, width, height, plain, strong });
}

function typeface(document: PDFKit.PDFDocument, { name, bytes, member }: FontFile): Typeface {
  try {
    document.registerFont(name, bytes, member);
    document.font(name);
    // The declared type leaves out what the font was opened as.
    const { font } = (document as unknown as { _font: { font?: { hasGlyphForCodePoint?: (codePoint: number) => boolean } } })._font;
    if (!font?.hasGlyphForCodePoint) throw new Error('The file is a collection; name one of its fonts.');
    return { name, has: (codePoint) => font.hasGlyphForCodePoint?.(codePoint) ?? false };
  } catch (cause) {
    throw unreadableFont(name, cause);
  }
}

interface Setup {
  readonly options: PaperOptions;
  readonly width: number;
  readonly height: number;
  readonly plain: readonly Typeface[];
  readonly strong: readonly Typeface[];
}

interface Block {
  readonly lines: readonly string[];
  readonly size: number;
  readonly bold: boolean;
  readonly grey: number;
}

function sheets(document: InstanceType<typeof PdfDocument>, { options, width, height, plain, strong }: Setup): Paper {
  const left = margin;
  const inner = width - 2 * margin;
  const top = margin + (options.head === undefined ? 0 : headRoom);
  const bottom = height - margin - footRoom;
  /** Pages on which a word stands in Latin letters instead of its own. */
  const transliterated = new Set<number>();
  let page = -1;
  let y = top;
  /** Room that something at the right edge takes, and down to where. */
  let aside = { width: 0, until: 0 };

  const addPage = () => {
    document.addPage();
    page += 1;
    y = top;
    aside = { width: 0, until: 0 };
  };
  const started = () => {
    if (page < 0) addPage();
  };
  const keep = (needed: number) => {
    started();
    if (y + needed > bottom && y > top) addPage();
  };
  const room = () => inner - (y < aside.until ? aside.width : 0);

  const widthOf = (runs: readonly { font: string; text: string }[], size: number) =>
    runs.reduce((sum, run) => sum + document.font(run.font).fontSize(size).widthOfString(run.text, { features: [] }), 0);

  const blockOf = (text: string, wide: number, { size = 10, bold = false, grey = 0 }: TextOptions): Block => {
    started();
    const fonts = bold ? strong : plain;
    const shown = printable(text, fonts);
    if (shown.transliterated) transliterated.add(page);
    return { lines: breakLines(shown.text, (line) => widthOf(visualRuns(line, fonts), size) <= wide), size, bold, grey };
  };
  const heightOf = ({ lines, size }: Block) => lines.length * size * lineHeight;
  const drawLine = (line: string, at: { x: number; y: number }, { size, bold, grey }: Omit<Block, 'lines'>) => {
    let { x } = at;
    const shade = Math.round(grey * 255);
    document.fillColor([shade, shade, shade]);
    for (const run of visualRuns(line, bold ? strong : plain)) {
      document.font(run.font).fontSize(size);
      document.text(run.text, x, at.y + size, { lineBreak: false, baseline: 'alphabetic', features: [] });
      x += document.widthOfString(run.text, { features: [] });
    }
  };
  const drawBlock = (block: Block, at: { x: number; y: number }) => {
    for (const [index, line] of block.lines.entries()) drawLine(line, { x: at.x, y: at.y + index * block.size * lineHeight }, block);
    // Where the words went: a block that moved to a new page takes its dagger along.
    if (block.lines.some((line) => line.includes(dagger))) transliterated.add(page);
  };

  const rule = (from: number, to: number, at: number, thickness = 0.5) => {
    document.lineWidth(thickness).strokeColor('#777777').moveTo(from, at).lineTo(to, at).stroke();
  };

  const text = (value: string, textOptions: TextOptions = {}) => {
    started();
    const block = blockOf(value, room(), textOptions);
    for (const line of block.lines) {
      keep(block.size * lineHeight);
      drawBlock({ ...block, lines: [line] }, { x: left, y });
      y += block.size * lineHeight;
    }
    y += 2;
  };

  const heading = (value: string) => {
    const block = blockOf(value, room(), { size: 12, bold: true });
    keep(heightOf(block) + 40);
    if (y > top) y += 8;
    drawBlock(block, { x: left, y });
    y += heightOf(block) + 2;
    rule(left, left + room(), y);
    y += 5;
  };

  const fields: Paper['fields'] = (all, { columns = 2 } = {}) => {
    for (let index = 0; index < all.length; index += columns) {
      started();
      const wide = room() / columns;
      const cells = all.slice(index, index + columns).map(([label, value]) => ({
        label: blockOf(label, wide - 8, { size: 7.5, grey: 0.35 }),
        value: blockOf(value ?? '\u2013', wide - 8, { size: 10.5 }),
      }));
      const tall = Math.max(...cells.map(({ label, value }) => heightOf(label) + heightOf(value))) + 4;
      keep(tall);
      for (const [column, { label, value }] of cells.entries()) {
        const x = left + column * wide;
        drawBlock(label, { x, y });
        drawBlock(value, { x, y: y + heightOf(label) });
      }
      y += tall;
    }
  };

  const notice: Paper['notice'] = (title, lines) => {
    started();
    const blocks = [blockOf(title, room() - 16, { size: 11, bold: true }), ...lines.map((line) => blockOf(line, room() - 16, { size: 10.5 }))];
    const padding = 6;
    // A frame that is longer than a page is closed at its foot and opened again.
    let waiting = blocks.flatMap((block) => block.lines.map((line) => ({ ...block, lines: [line] })));
    keep(Math.min(waiting.reduce((sum, block) => sum + heightOf(block), 0) + 2 * padding, bottom - top));
    while (waiting.length > 0) {
      const start = y;
      const wide = room();
      y += padding;
      while (waiting[0] && y + heightOf(waiting[0]) + padding <= bottom) {
        const block = waiting[0];
        drawBlock(block, { x: left + 8, y });
        y += heightOf(block);
        waiting = waiting.slice(1);
      }
      y += padding;
      document
        .lineWidth(1.5)
        .strokeColor('#000000')
        .rect(left, start, wide, y - start)
        .stroke();
      y += 6;
      if (waiting.length > 0) addPage();
    }
  };

  const drawSymbol = (symbol: BarcodeSymbol, at: { x: number; y: number; module: number; height: number }) => {
    document.fillColor('#000000');
    if (symbol.kind === 'code128') {
      let { x } = at;
      for (const [index, bar] of symbol.widths.entries()) {
        if (index % 2 === 0) document.rect(x, at.y, bar * at.module, at.height);
        x += bar * at.module;
      }
    } else {
      for (const [index, dark] of symbol.dark.entries()) {
        if (!dark) continue;
        document.rect(at.x + (index % symbol.modules) * at.module, at.y + Math.floor(index / symbol.modules) * at.module, at.module, at.module);
      }
    }
    document.fill();
  };

  /** How large a symbol becomes in a room of this width, with its quiet zone. */
  const fitted = (symbol: BarcodeSymbol, wide: number, side: number) => {
    const quiet = quietModules[symbol.kind];
    const all = symbol.modules + 2 * quiet;
    const module = symbol.kind === 'qr' ? Math.min(side, wide) / all : Math.min(widest, wide / all);
    if (module < thinnest) {
      const message = 'The barcode does not fit into the width it has with bars that can be read. Make a QR code of it, or give it more room.';
      throw new AppError('invalid', 'BARCODE_TOO_WIDE', message, { modules: symbol.modules, kind: symbol.kind });
    }
    return { module, quiet: quiet * module, width: all * module, height: symbol.kind === 'qr' ? all * module : side };
  };

  const table: Paper['table'] = async (columns, rows, { rowHeight = 0, size = 9 } = {}) => {
    started();
    const shares = columns.reduce((sum, { share }) => sum + share, 0);
    const wide = room();
    const edges = columns.map((_, index) => left + (columns.slice(0, index).reduce((sum, { share }) => sum + share, 0) * wide) / shares);
    const widths = columns.map(({ share }) => (share * wide) / shares);
    const gap = 3;
    const head = () => {
      const blocks = columns.map(({ title }, index) => blockOf(title, (widths[index] ?? 0) - 2 * gap, { size: size - 1, bold: true }));
      const tall = Math.max(...blocks.map(heightOf)) + 2 * gap;
      document.rect(left, y, wide, tall).fill('#e8e8e8');
      for (const [index, block] of blocks.entries()) drawBlock(block, { x: (edges[index] ?? left) + gap, y: y + gap });
      y += tall;
      rule(left, left + wide, y);
    };
    keep(60);
    head();
    for (const row of rows) {
      const cells = await Promise.all(
        columns.map(async (_, index) => {
          const cell = row[index] ?? '';
          const inside = (widths[index] ?? 0) - 2 * gap;
          if (typeof cell === 'string') return { block: blockOf(cell, inside, { size }) };
          const symbol = await barcode(cell.kind ?? 'code128', cell.barcode);
          return { symbol, fit: fitted(symbol, inside, symbol.kind === 'qr' ? mm(16) : mm(9)) };
        }),
      );
      const tall = Math.max(rowHeight, ...cells.map((cell) => (cell.block ? heightOf(cell.block) : cell.fit.height) + 2 * gap));
      if (y + tall > bottom && y > top) {
        addPage();
        head();
      }
      for (const [index, cell] of cells.entries()) {
        const x = (edges[index] ?? left) + gap;
        if (cell.block) drawBlock(cell.block, { x, y: y + gap });
        else {
          const { quiet, module, height: symbolHeight } = cell.fit;
          const inset = cell.symbol.kind === 'qr' ? quiet : 0;
          drawSymbol(cell.symbol, { x: x + quiet, y: y + gap + inset, module, height: symbolHeight });
        }
      }
      y += tall;
      rule(left, left + wide, y, 0.35);
    }
    y += 8;
  };

  const blanks: Paper['blanks'] = (labels, { columns = 2, height: tall = mm(11) } = {}) => {
    for (let index = 0; index < labels.length; index += columns) {
      keep(tall);
      const wide = room() / columns;
      for (const [column, label] of labels.slice(index, index + columns).entries()) {
        const x = left + column * wide;
        drawBlock(blockOf(label, wide - 8, { size: 7.5, grey: 0.35 }), { x, y });
        rule(x, x + wide - 8, y + tall - 3);
      }
      y += tall;
    }
  };

  const putBarcode: Paper['barcode'] = async (value, { kind = 'code128', height: side = kind === 'qr' ? 72 : 42, label = value, beside = false } = {}) => {
    const symbol = await barcode(kind, value);
    started();
    const fit = fitted(symbol, beside ? inner / 2 : inner, side);
    const below = label === '' ? undefined : blockOf(label, Math.max(fit.width, mm(30)), { size: 9, bold: true });
    const tall = fit.height + (below ? heightOf(below) + 2 : 0);
    keep(tall);
    const x = beside ? left + inner - fit.width : left;
    drawSymbol(symbol, { x: x + fit.quiet, y: y + (symbol.kind === 'qr' ? fit.quiet : 0), module: fit.module, height: fit.height });
    if (below) drawBlock(below, { x: x + fit.quiet, y: y + fit.height + 2 });
    if (beside) aside = { width: fit.width + 8, until: y + tall + 4 };
    else y += tall + 6;
  };

  const finish = () => {
    const { count } = document.bufferedPageRange();
    for (let index = 0; index < count; index += 1) {
      document.switchToPage(index);
      page = index;
      const at = height - margin - footRoom + 12;
      if (options.head !== undefined) {
        drawBlock(oneLine(options.head, inner, true), { x: left, y: margin });
        rule(left, left + inner, margin + 14);
      }
      const number = `Page ${index + 1} of ${count}`;
      const numberWidth = widthOf([{ font: 'Regular', text: number }], 8);
      rule(left, left + inner, at);
      if (options.foot !== undefined) drawBlock(oneLine(options.foot, inner - numberWidth - 12, false), { x: left, y: at + 3 });
      drawBlock({ lines: [number], size: 8, bold: false, grey: 0.2 }, { x: left + inner - numberWidth, y: at + 3 });
      if (!transliterated.has(index)) continue;
      const note = `${dagger} In Latin letters, because no font for its script is set up here. Not the name as it is written.`;
      drawBlock({ lines: [note], size: 7.5, bold: false, grey: 0.2 }, { x: left, y: at - 11 });
    }
  };
  /** As much of a line as fits; the rest is given up with an ellipsis. */
  const oneLine = (value: string, wide: number, bold: boolean): Block => {
    const size = bold ? 9 : 8;
    const { lines } = blockOf(value, wide - 10, { size, bold });
    const [first = ''] = lines;
    return { lines: [lines.length > 1 ? `${first}\u2026` : first], size, bold, grey: 0.2 };
  };

  return {
    heading,
    text,
    fields,
    notice,
    table,
    blanks,
    barcode: putBarcode,
    space(points) {
      started();
      y += points;
    },
    newPage() {
      if (page < 0 || y > top) addPage();
    },
    keep,
    async pdf() {
      started();
      const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
      const chunks: Buffer[] = [];
      document.on('data', (chunk: Buffer) => chunks.push(chunk));
      document.on('end', () => resolve(Buffer.concat(chunks)));
      document.on('error', reject);
      finish();
      document.end();
      return promise;
    },
  };
}
