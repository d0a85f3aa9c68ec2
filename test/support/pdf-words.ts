import { inflateSync } from 'node:zlib';

/** The streams of a PDF, those that were compressed unpacked. */
function streamsOf(pdf: Buffer): string[] {
  const text = pdf.toString('latin1');
  return [...text.matchAll(/stream\r?\n([\s\S]*?)endstream/g)].map(([, body = '']) => {
    try {
      return inflateSync(Buffer.from(body, 'latin1')).toString('latin1');
    } catch {
      return body;
    }
  });
}

/** The words of each page in the order in which they were drawn, by the tables with which a viewer copies text. */
export function wordsOf(pdf: Buffer): string[] {
  const streams = streamsOf(pdf);
  const maps = streams
    .filter((stream) => stream.includes('beginbfrange'))
    .map((stream) => {
      const range = /<0000> <[0-9a-f]+> \[([\s\S]*?)\]/.exec(stream)?.[1] ?? '';
      return [...range.matchAll(/<([0-9a-f ]*)>/g)].map(([, codes = '']) =>
        (codes.replaceAll(' ', '').match(/.{4}/g) ?? []).map((code) => String.fromCharCode(Number.parseInt(code, 16))).join(''),
      );
    });
  const pages = streams.filter((stream) => stream.includes('] TJ'));
  const texts = (page: string, map: readonly string[]) =>
    [...page.matchAll(/\[(.*?)\] TJ/g)].map(([, glyphs = '']) =>
      [...glyphs.matchAll(/<([0-9a-f]+)>/g)]
        .map(([, codes = '']) => (codes.match(/.{4}/g) ?? []).map((code) => map[Number.parseInt(code, 16)] ?? '').join(''))
        .join(''),
    );
  // Each font has a table of its own; a text is the one of them that reads as words.
  return pages.map((page) => maps.map((map) => texts(page, map).join('|')).join('\n'));
}
