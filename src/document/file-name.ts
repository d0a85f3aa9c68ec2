import { create, parse } from 'content-disposition';
import { type MediaType, mediaTypes } from './media-type.ts';

/** As long as the column; file systems take 255 bytes, so that a name in another script may be cut there and not here. */
const longest = 255;

/** Control characters, what Windows and POSIX file systems refuse, and the marks that turn the direction of writing (`exe.fdp` shown as `pdf.exe`). */
const refused = /[\p{Cc}\p{Cs}\u200e\u200f\u202a-\u202e\u2066-\u2069<>:"/\\|?*]/gu;

/** Names that are devices on Windows, with any ending. */
const devices = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;

/**
 * A file name that is safe on every system and has an ending of its type; undefined when nothing is left of it.
 * Folders go, as browsers and scanners put the whole path there.
 *
 * @example
 * cleanFileName('C:\\scans\\..\\passport.html', 'application/pdf'); // passport.html.pdf
 */
export function cleanFileName(given: string, type: MediaType): string | undefined {
  const base = given.normalize('NFC').split(/[/\\]/).at(-1) ?? '';
  const plain = base
    .replaceAll(refused, '')
    .replaceAll(/\s+/gu, ' ')
    .replace(/^[. ]+|[. ]+$/g, '');
  if (plain === '') return undefined;
  const named = devices.test(plain) ? `_${plain}` : plain;
  const endings: readonly string[] = mediaTypes[type];
  const dot = named.lastIndexOf('.');
  const ending = dot > 0 ? named.slice(dot + 1).toLowerCase() : '';
  const [stem, suffix] = endings.includes(ending) ? [named.slice(0, dot), named.slice(dot)] : [named, `.${endings[0]}`];
  return `${cut(stem, longest - suffix.length)}${suffix}`;
}

/** The first characters of a text, none of them cut in halves. */
function cut(text: string, length: number): string {
  let result = '';
  for (const character of text) {
    if (result.length + character.length > length) break;
    result += character;
  }
  return result;
}

/** The file name in a Content-Disposition header (RFC 6266, with the encodings of RFC 8187); undefined when it holds none. */
export function readFileName(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  try {
    const name = parse(header).parameters.filename;
    return name === undefined ? undefined : readUtf8(name);
  } catch {
    // A header that cannot be read names nothing; the file is what counts.
    return undefined;
  }
}

/** Many clients write UTF-8 where only ASCII is allowed; Node hands the bytes over as Latin-1. What is no UTF-8 stays as it is. */
function readUtf8(name: string): string {
  if (!/^[\u0000-\u00ff]*[\u0080-\u00ff]/.test(name) || /[^\u0000-\u00ff]/.test(name)) return name;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(name, 'latin1'));
  } catch {
    return name;
  }
}

/** The Content-Disposition header (RFC 6266) under which a browser saves the file and does not show it. */
export function dispositionOf(fileName: string): string {
  return create(fileName);
}
