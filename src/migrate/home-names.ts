import { parse } from 'libpg-query';
import type { Node } from './classify.ts';
import { quoteRelation, splitRelation } from './relation.ts';
import { quote } from './sql.ts';
import type { Statement } from './statement.ts';

/** How statements that name other schemas are tried on temporary tables, which have no schema to be named. */
export interface NameAliases {
  /** True when nothing had to be renamed. */
  readonly none: boolean;
  /** The temporary table's name for a table. */
  readonly alias: (table: string) => string;
  readonly original: (alias: string) => string;
  /** A statement's text without any schema name. */
  readonly text: (statement: Statement) => string;
  readonly inDefinition: (definition: string) => string;
}

/**
 * Finds every `schema.name` in the statements by its place in the parser's tree and gives names of other schemas an alias.
 * A statement in which a schema name is left over is answered with one that fails: it must never reach a live table.
 */
export async function homeNames(statements: readonly Statement[], home: string): Promise<NameAliases> {
  const aliases = new Map<string, string>();
  const alias = (relation: string) => {
    if (splitRelation(relation, home).schema === home) return splitRelation(relation, home).name;
    const known = aliases.get(relation) ?? `onechart_alias_${aliases.size + 1}`;
    aliases.set(relation, known);
    return known;
  };
  const texts = new Map<Statement, string>();
  for (const statement of statements) {
    if (!/[\w"]\s*\.\s*[\w"]/.test(statement.text)) continue;
    const text = await withoutSchemas(statement.text, home, alias);
    texts.set(statement, text ?? `DO $$ BEGIN RAISE EXCEPTION 'a schema name is left' USING ERRCODE = '0A000'; END $$`);
  }
  const originals = new Map([...aliases].map(([relation, name]) => [name, relation]));
  const printed = (name: string) => {
    const { schema, name: table } = splitRelation(originals.get(name) as string, home);
    return `${printedName(schema)}.${printedName(table)}`;
  };
  return {
    none: aliases.size === 0,
    alias,
    original: (name) => originals.get(name) ?? name,
    text: (statement) => texts.get(statement) ?? statement.text,
    inDefinition: (definition) => definition.replace(/\bonechart_alias_\d+\b/g, printed),
  };
}

/** As the server prints a name in a definition; its key words are a list that hardly names a table. */
function printedName(name: string): string {
  return /^[a-z_][a-z0-9_$]*$/.test(name) && !/^(user|order|group|table|column|check|default|end|all|any|case|select)$/.test(name) ? name : quote(name);
}

const qualified = /^(?:("(?:[^"]|"")+"|[\w$]+)\s*\.\s*)("(?:[^"]|"")+"|[\w$]+)/;
/** CREATE TYPE and COMMENT ON carry no places in the tree. */
const heads = /^(CREATE\s+TYPE\s+|COMMENT\s+ON\s+(?:TABLE|INDEX|TYPE|COLUMN)\s+)((?:"(?:[^"]|"")+"|[\w$]+)\s*\.\s*(?:"(?:[^"]|"")+"|[\w$]+))/i;

async function withoutSchemas(text: string, home: string, alias: (relation: string) => string): Promise<string | undefined> {
  const tree = (await parse(text)) as Node;
  const bytes = Buffer.from(text);
  const places: { from: number; length: number; by: string }[] = [];
  for (const at of schemaPlaces(tree)) {
    const match = qualified.exec(bytes.subarray(at).toString());
    if (match) places.push({ from: at, length: Buffer.byteLength(match[0]), by: quote(alias(relationOf(match[1] as string, match[2] as string, home))) });
  }
  let result = bytes;
  for (const { from, length, by } of [...places].sort((a, b) => b.from - a.from))
    result = Buffer.concat([result.subarray(0, from), Buffer.from(by), result.subarray(from + length)]);
  let cleaned = result.toString();
  const head = heads.exec(cleaned);
  const isColumnOfHome = head && /COLUMN/i.test(head[1] as string) && !/^\s*\./.test(cleaned.slice(head[0].length));
  if (head && !isColumnOfHome) {
    const [, schema, name] = qualified.exec(head[2] as string) as unknown as [string, string, string];
    cleaned = `${head[1]}${quote(alias(relationOf(schema, name, home)))}${cleaned.slice(head[0].length)}`;
  }
  const left = [...schemaPlaces((await parse(cleaned)) as Node)].filter((at) => qualified.test(Buffer.from(cleaned).subarray(at).toString()));
  return left.length === 0 ? cleaned : undefined;
}

function relationOf(schema: string, name: string, home: string): string {
  const plain = (part: string) => (part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part.toLowerCase());
  return plain(schema) === home ? plain(name) : quoteRelation(`${quote(plain(schema))}.${quote(plain(name))}`);
}

/** Places of names with a schema: relations, and types other than the server's own. */
function* schemaPlaces(node: unknown): Generator<number> {
  if (typeof node !== 'object' || node === null) return;
  for (const [key, value] of Object.entries(node as Node)) {
    const isType = key === 'TypeName' || key === 'typeName';
    const names = isType ? ((value as Node).names as Node[] | undefined) : undefined;
    if (names && names.length > 1 && names[0]?.String?.sval !== 'pg_catalog') yield ((value as Node).location as number | undefined) ?? 0;
    else if (typeof value === 'object' && value !== null && (value as Node).relname && (value as Node).schemaname)
      yield ((value as Node).location as number | undefined) ?? 0;
    yield* schemaPlaces(value);
  }
}
