import type pg from 'pg';
import { AppError } from '../../base/errors.ts';
import type { Assessment } from '../assess.ts';
import { splitRelation } from '../relation.ts';
import { quote, rows } from '../sql.ts';

/** A column of the host that a key of the migrations ties, or will tie, to patients. */
export interface LinkColumn {
  /** Schema of the module, where the patients are. */
  readonly home: string;
  /** Schema and name of the table. */
  readonly schema: string;
  readonly name: string;
  /** The table as the engine names it: bare in the schema of the module. */
  readonly table: string;
  readonly column: string;
  /** Name of the key and the migration that adds it. */
  readonly key: string;
  readonly migration: string;
  /** `open`: the key is not there; `guarded`: it is there, not yet validated, and refuses new orphans; `closed`: validated, there are none. */
  readonly state: 'open' | 'guarded' | 'closed';
}

/** What the catalogue says about a link column that decides what can be done with its orphans. */
export interface LinkFacts {
  /** As the server writes it, modifiers and all; values are cast to it. */
  readonly type: string;
  readonly textual: boolean;
  readonly notNull: boolean;
  readonly primaryKey: readonly { readonly name: string; readonly type: string }[];
  /** The tables that hold the rows: the table itself, or its partitions. */
  readonly parts: readonly { readonly schema: string; readonly name: string }[];
}

/** The link columns of an assessed set of migrations, in the order of their keys. */
export function linkColumns(home: string, assessment: Assessment): LinkColumn[] {
  const all = assessment.migrations.flatMap(({ file, statements }) => statements.map((statement) => ({ ...statement, migration: file.name })));
  const ours = new Set(all.flatMap(({ effect }) => (effect.kind === 'table' ? [effect.name] : [])));
  return all.flatMap(({ effect, object, migration }) => {
    if (effect.kind !== 'foreign-key' || effect.references !== 'patients' || ours.has(effect.table)) return [];
    const [column] = effect.columns;
    if (column === undefined || effect.columns.length > 1) return [];
    const state = object.state === 'present' ? 'closed' : object.state === 'invalid' ? 'guarded' : 'open';
    return [{ home, ...splitRelation(effect.table, home), table: effect.table, column, key: effect.name, migration, state }];
  });
}

/** Whether the table of patients is there. */
export function patientsExist(assessment: Assessment): boolean {
  return assessment.migrations.some(({ statements }) =>
    statements.some(({ effect, object }) => effect.kind === 'table' && effect.name === 'patients' && object.state !== 'missing'),
  );
}

/**
 * Picks the columns that were named, `table` or `table.column`; all of them when none was.
 *
 * Errors: `ORPHAN_TABLE_UNKNOWN`.
 */
export function chooseColumns(columns: readonly LinkColumn[], wanted: readonly string[] | undefined): LinkColumn[] {
  if (wanted === undefined || wanted.length === 0) return [...columns];
  return wanted.flatMap((name) => {
    const found = columns.filter(({ table, column }) => [table, `${table}.${column}`].includes(name));
    if (found.length === 0)
      throw new AppError(
        'not-found',
        'ORPHAN_TABLE_UNKNOWN',
        `"${name}" is no link table of this migration. They are ${columns.map(nameOf).join(', ')}; another one is named with --link-table.`,
        { name },
      );
    return found;
  });
}

/** `bills.patientId` */
export function nameOf({ table, column }: Pick<LinkColumn, 'table' | 'column'>): string {
  return `${table}.${column}`;
}

export function qualified({ schema, name }: { schema: string; name: string }): string {
  return `${quote(schema)}.${quote(name)}`;
}

/** Reads what can be done with the orphans of a column. */
export async function readLinkFacts(client: pg.ClientBase, link: LinkColumn): Promise<LinkFacts> {
  const [found] = await rows<{ type: string; base: string; notNull: boolean; primaryKey: LinkFacts['primaryKey'] | null; parts: LinkFacts['parts'] }>(
    client,
    `SELECT format_type(a.atttypid, a.atttypmod) AS type, format_type(coalesce(nullif(y.typbasetype, 0), y.oid), NULL) AS base, a.attnotnull AS "notNull",
       (SELECT json_agg(json_build_object('name', k.attname, 'type', format_type(k.atttypid, k.atttypmod)) ORDER BY o.place)
          FROM pg_index i CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS o (number, place) JOIN pg_attribute k ON k.attrelid = i.indrelid AND k.attnum = o.number
         WHERE i.indrelid = c.oid AND i.indisprimary) AS "primaryKey",
       (SELECT json_agg(json_build_object('schema', m.nspname, 'name', l.relname) ORDER BY l.relname)
          FROM (SELECT c.oid WHERE c.relkind = 'r' UNION ALL SELECT relid FROM pg_partition_tree(c.oid) WHERE isleaf AND c.relkind = 'p') AS x (oid)
          JOIN pg_class l ON l.oid = x.oid JOIN pg_namespace m ON m.oid = l.relnamespace WHERE l.relkind = 'r') AS parts
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_type y ON y.oid = a.atttypid
     WHERE n.nspname = $1 AND c.relname = $2 AND a.attname = $3 AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p')`,
    [link.schema, link.name, link.column],
  );
  if (!found)
    throw new AppError('drift', 'LINK_COLUMN_GONE', `The column ${nameOf(link)} is not there any more. Look at it with onechart migrate check.`, {
      table: link.table,
      column: link.column,
    });
  return { type: found.type, textual: found.base !== 'uuid', notNull: found.notNull, primaryKey: found.primaryKey ?? [], parts: found.parts ?? [] };
}
