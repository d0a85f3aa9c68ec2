import type pg from 'pg';
import { relationSql } from './relation.ts';

/**
 * A picture of the objects in one schema and perhaps others, every definition printed by the server itself, so that two pictures
 * can be compared as text: the one the database has and the one the migrations would make (see shadow.ts).
 */
export interface Catalogue {
  readonly enums: ReadonlyMap<string, string>;
  /** Table name to its columns and primary key, a line each. */
  readonly tables: ReadonlyMap<string, string>;
  readonly indexes: ReadonlyMap<string, CatalogueObject>;
  readonly foreignKeys: ReadonlyMap<string, CatalogueObject>;
  readonly checks: ReadonlyMap<string, CatalogueObject>;
  /** Primary keys, unique and exclusion constraints. */
  readonly otherConstraints: ReadonlyMap<string, CatalogueObject>;
  /** `table.column`, `table`, `index` or `type` to its comment. */
  readonly comments: ReadonlyMap<string, string>;
}

export interface CatalogueObject {
  readonly table: string;
  readonly definition: string;
  /** `convalidated` of a constraint, `indisvalid` and `indisready` of an index. */
  readonly valid: boolean;
}

const label = String.raw`'(?:[^']|'')*'::character varying`;
const readBack = new RegExp(String.raw`ARRAY\[(\(${label}\)::text(?:, \(${label}\)::text)*)\]`, 'g');
const castLabel = new RegExp(String.raw`\((${label})\)::text`, 'g');

const pair = String.raw`\([^()]+\) AND \([^()]+\)`;
const pairBefore = new RegExp(String.raw`\(\((${pair})\) AND `, 'g');
const pairAfter = new RegExp(String.raw` AND \((${pair})\)`, 'g');

/**
 * A definition in the one form for what the server prints otherwise once it was dumped and restored: a list of labels of a
 * varchar column comes back as `ARRAY[('A'::character varying)::text]` instead of `(ARRAY['A'::character varying])::text[]`,
 * and BETWEEN among other conditions without its brackets.
 */
export function settled(definition: string): string {
  return definition
    .replace(readBack, (_whole, labels: string) => `(ARRAY[${labels.replace(castLabel, '$1')}])::text[]`)
    .replace(pairBefore, '($1 AND ')
    .replace(pairAfter, ' AND $1');
}

/** Key of a constraint: its name is unique per table only. */
export function constraintKey(table: string, name: string): string {
  return `${table}.${name}`;
}

/**
 * Reads the picture of one schema, given by name (`public`, `pg_temp_3`), and of others beside it, whose objects are named
 * `"schema"."name"`.
 *
 * The name of the schema itself is left out of definitions, so that a picture of `pg_temp_3` and one of `public` agree.
 * One round trip per kind: 5 queries, 9 ms together on the sample EHR.
 */
export async function readCatalogue(client: pg.ClientBase, schema: string, others: readonly string[] = []): Promise<Catalogue> {
  const rows = async <T extends object>(sql: string) => (await client.query(sql, [schema, [schema, ...others]])).rows as T[];
  const bare = (definition: string) =>
    settled(definition)
      .replaceAll(`${schema}.`, '')
      .replaceAll(`"${schema}".`, '')
      .replace(/\bpg_temp(_\d+)?\./g, '');
  type Found = { name: string; table: string; definition: string; valid: boolean };
  const named = <T extends Found>(list: readonly T[], key: (row: T) => string) =>
    new Map(list.map((row) => [key(row), { table: row.table, definition: bare(row.definition), valid: row.valid }]));

  const enums = await rows<{ name: string; labels: string }>(`
    SELECT ${relationSql('n.nspname', 't.typname')} AS name, string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder) AS labels
    FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace JOIN pg_enum e ON e.enumtypid = t.oid
    WHERE n.nspname = ANY ($2) GROUP BY 1`);
  // Storage parameters of a table are its administrator's and are left out; those of an index are part of what the server prints of it.
  // Columns are compared by name: their order differs after hand-made repairs and means nothing to anyone who names them.
  const tables = await rows<{ name: string; definition: string }>(`
    SELECT ${relationSql('n.nspname', 'c.relname')} AS name, coalesce(string_agg(format('%I %s%s%s', a.attname, format_type(a.atttypid, a.atttypmod),
        coalesce(' COLLATE ' || nullif(a.attcollation, t.typcollation)::regcollation::text, '') || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END,
        CASE WHEN a.attidentity <> '' THEN format(' GENERATED %s AS IDENTITY', CASE a.attidentity WHEN 'a' THEN 'ALWAYS' ELSE 'BY DEFAULT' END)
          WHEN a.attgenerated <> '' THEN format(' GENERATED ALWAYS AS (%s) %s', pg_get_expr(d.adbin, d.adrelid), CASE a.attgenerated WHEN 's' THEN 'STORED' ELSE 'VIRTUAL' END)
          ELSE coalesce(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), '') END), E'\\n' ORDER BY a.attname), '')
      || coalesce((SELECT E'\\n' || pg_get_constraintdef(k.oid) FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'p'), '') AS definition
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE n.nspname = ANY ($2) AND c.relkind IN ('r', 'p') GROUP BY c.oid, n.nspname, c.relname`);
  const indexes = await rows<Found>(`
    SELECT ${relationSql('n.nspname', 'i.relname')} AS name, ${relationSql('m.nspname', 't.relname')} AS table,
      regexp_replace(pg_get_indexdef(i.oid), ' ON (ONLY )?.*? USING ', ' USING ') || CASE WHEN x.indimmediate THEN '' ELSE ' DEFERRABLE' END AS definition, x.indisvalid AND x.indisready AS valid
    FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
    JOIN pg_namespace n ON n.oid = i.relnamespace JOIN pg_namespace m ON m.oid = t.relnamespace
    WHERE n.nspname = ANY ($2) AND NOT x.indisprimary`);
  const constraints = await rows<Found & { kind: string }>(`
    SELECT k.conname AS name, ${relationSql('n.nspname', 't.relname')} AS table, regexp_replace(pg_get_constraintdef(k.oid), ' NOT VALID$', '') AS definition,
      k.convalidated AS valid, k.contype AS kind
    FROM pg_constraint k JOIN pg_class t ON t.oid = k.conrelid JOIN pg_namespace n ON n.oid = t.relnamespace
    WHERE n.nspname = ANY ($2) AND k.contype IN ('f', 'c', 'p', 'u', 'x')`);
  const comments = await rows<{ name: string; comment: string }>(`
    SELECT ${relationSql('n.nspname', 'c.relname')} || coalesce('.' || a.attname, '') AS name, d.description AS comment
    FROM pg_description d JOIN pg_class c ON c.oid = d.objoid AND d.classoid = 'pg_class'::regclass JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.objsubid AND d.objsubid > 0 WHERE n.nspname = ANY ($2)
    UNION ALL
    SELECT ${relationSql('n.nspname', 't.typname')}, d.description FROM pg_description d JOIN pg_type t ON t.oid = d.objoid AND d.classoid = 'pg_type'::regclass
    JOIN pg_namespace n ON n.oid = t.typnamespace WHERE n.nspname = ANY ($2)`);
  const ofKind = (kinds: string) =>
    named(
      constraints.filter(({ kind }) => kinds.includes(kind)),
      (row) => constraintKey(row.table, row.name),
    );
  return {
    enums: new Map(enums.map((row) => [row.name, row.labels])),
    tables: new Map(tables.map((row) => [row.name, bare(row.definition)])),
    indexes: named(indexes, (row) => row.name),
    foreignKeys: ofKind('f'),
    checks: ofKind('c'),
    otherConstraints: ofKind('pux'),
    comments: new Map(comments.map((row) => [row.name, row.comment])),
  };
}
