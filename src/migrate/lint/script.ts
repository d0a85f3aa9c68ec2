import { loadModule, parseSync, type ScanToken, scanSync } from 'libpg-query';
import type { Node } from './syntax-node.ts';

/** A migration file to lint. */
export interface LintFile {
  /** Path as shown to people. */
  readonly file: string;
  /** Name of the migration: the folder's name in a Prisma folder. */
  readonly name: string;
  readonly sql: string;
}

/** One statement, as cut by the server's own grammar. */
export interface ScriptStatement {
  /** Position in the file, from 1. */
  readonly number: number;
  readonly kind: string;
  readonly node: Node;
  /** Characters from the file's beginning; `end` is behind the last character, without the semicolon. */
  readonly start: number;
  readonly end: number;
  readonly text: string;
  /** To be added to the byte positions inside `node`. */
  readonly byteBase: number;
}

/** A word, name or sign of the file, in characters from its beginning. */
export interface Token {
  readonly start: number;
  readonly end: number;
  readonly text: string;
  readonly kind: 'name' | 'comment' | 'other';
}

/** A migration file, read. */
export interface Script {
  readonly file: string;
  readonly name: string;
  readonly sql: string;
  readonly statements: readonly ScriptStatement[];
  readonly tokens: readonly Token[];
  readonly syntaxErrors: readonly { readonly offset: number; readonly message: string }[];
  /** Character position of a byte position. */
  readonly characterOf: (byte: number) => number;
  /** Line and column, from 1, of a character position. */
  readonly placeOf: (character: number) => { line: number; column: number };
}

/** Loads the parser; once per process, before the first `readScript`. */
export async function loadParser(): Promise<void> {
  await loadModule();
}

/**
 * Reads a file with the server's own grammar. A syntax error is part of the result: the statements around it are read
 * all the same, cut at their semicolons.
 */
export function readScript({ file, name, sql }: LintFile): Script {
  const text = sql.startsWith('\uFEFF') ? ` ${sql.slice(1)}` : sql;
  const bytes = Buffer.from(text);
  // libpg-query counts bytes, JavaScript counts UTF-16 units; most files are ASCII.
  const characterOf = bytes.length === text.length ? (byte: number) => byte : (byte: number) => bytes.subarray(0, byte).toString().length;
  const lineStarts = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)];
  const placeOf = (character: number) => {
    let low = 0;
    for (let high = lineStarts.length - 1; low < high; ) {
      const middle = Math.ceil((low + high) / 2);
      if ((lineStarts[middle] as number) <= character) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: character - (lineStarts[low] as number) + 1 };
  };
  const tokens = scan(text, characterOf);
  const statements: ScriptStatement[] = [];
  const syntaxErrors: { offset: number; message: string }[] = [];
  const add = (piece: string, byteBase: number) => {
    for (const each of parseSync(piece).stmts ?? []) {
      const start = byteBase + (each.stmt_location ?? 0);
      const end = each.stmt_len ? start + each.stmt_len : byteBase + Buffer.byteLength(piece);
      const [kind, node] = Object.entries(each.stmt as Node)[0] as [string, Node];
      const from = characterOf(start);
      const cut = text.slice(from, characterOf(end)).trimEnd();
      statements.push({ number: statements.length + 1, kind, node, start: from, end: from + cut.length, text: cut, byteBase });
    }
  };
  try {
    if (tokens?.some(({ kind }) => kind !== 'comment')) add(text, 0);
    else if (!tokens) parseSync(text);
  } catch (error) {
    statements.length = 0;
    const pieces = tokens ? cutAtSemicolons(text, tokens) : [];
    for (const { piece, start } of pieces) {
      try {
        add(piece, Buffer.byteLength(text.slice(0, start)));
      } catch (inPiece) {
        syntaxErrors.push(syntaxError(inPiece, start, piece));
      }
    }
    // The file as a whole does not parse, but every piece does: a statement whose body holds semicolons was cut.
    if (syntaxErrors.length === 0) syntaxErrors.push(syntaxError(error, 0, text));
  }
  return { file, name, sql: text, statements, tokens: tokens ?? [], syntaxErrors, characterOf, placeOf };
}

function scan(text: string, characterOf: (byte: number) => number): Token[] | undefined {
  // The scanner refuses an empty text.
  if (text.trim() === '') return [];
  try {
    return scanSync(text).tokens.map(({ start, end, text: word, tokenName }: ScanToken) => ({
      start: characterOf(start),
      end: characterOf(end),
      text: word,
      kind: tokenName === 'IDENT' ? 'name' : tokenName === 'SQL_COMMENT' || tokenName === 'C_COMMENT' ? 'comment' : 'other',
    }));
  } catch {
    // A quote that never ends: the parser will say where.
    return undefined;
  }
}

/** The tokens from one place to another; a file can have very many. */
export function tokensBetween(tokens: readonly Token[], start: number, end: number): Token[] {
  let low = 0;
  for (let high = tokens.length; low < high; ) {
    const middle = (low + high) >> 1;
    if ((tokens[middle] as Token).start < start) low = middle + 1;
    else high = middle;
  }
  let last = low;
  while (last < tokens.length && (tokens[last] as Token).end <= end) last++;
  return tokens.slice(low, last);
}

function cutAtSemicolons(text: string, tokens: readonly Token[]): { piece: string; start: number }[] {
  const pieces: { piece: string; start: number }[] = [];
  let first: number | undefined;
  for (const token of tokens) {
    if (token.kind === 'comment') continue;
    if (token.text === ';') {
      if (first !== undefined) pieces.push({ piece: text.slice(first, token.start), start: first });
      first = undefined;
    } else first ??= token.start;
  }
  if (first !== undefined) pieces.push({ piece: text.slice(first), start: first });
  return pieces;
}

function syntaxError(error: unknown, start: number, piece: string): { offset: number; message: string } {
  const { message, sqlDetails } = error as { message: string; sqlDetails?: { cursorPosition?: number } };
  // The parser counts code points here.
  const within = Array.from(piece)
    .slice(0, Math.max(0, sqlDetails?.cursorPosition ?? 0))
    .join('').length;
  return { offset: start + within, message };
}
