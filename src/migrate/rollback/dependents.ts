import type pg from 'pg';
import type { AssessedMigration } from '../assess.ts';
import { desiredCatalogue } from '../shadow.ts';
import { quoteRelation, relationSql } from '../relation.ts';
import { rows } from '../sql.ts';
import type { ColumnsOf } from './column-values.ts';

/** Something of the host that hangs on an object of ours. */
export interface HostDependent {
  readonly what: string;
  readonly remedy: string;
}

interface Found {
  readonly class: string;
  readonly type: string;
  readonly what: string;
  /** The relation it belongs to, quoted as needed; null where it belongs to none. */
  readonly relation: string | null;
  readonly name: string | null;
}

/** What is to be dropped, and what counts as ours. */
export interface DependentsOf {
  readonly tables: readonly string[];
  readonly enums: readonly string[];
  /** Indexes on tables that stay. */
  readonly indexes: readonly string[];
  /** Columns that are dropped from tables that stay. */
  readonly droppedColumns: readonly ColumnsOf[];
  /** All migrations of the module: what they make is ours. */
  readonly own: readonly AssessedMigration[];
  /** Columns of the module's tables as the migrations make them, quoted as needed; see `ownColumns`. */
  readonly columns: ReadonlyMap<string, ReadonlySet<string>>;
}

/**
 * Finds what the host has built on objects that are to be dropped: views, keys, triggers, indexes, columns, policies,
 * functions, publications. DROP without CASCADE stops at some of these and takes others along without a word; here each is
 * named, and nothing is dropped while there is one.
 */
export async function findHostDependents(
  client: pg.ClientBase,
  schema: string,
  { tables, enums, indexes, droppedColumns, own, columns }: DependentsOf,
): Promise<HostDependent[]> {
  const effects = own.flatMap(({ statements }) => statements.map(({ effect }) => effect));
  const ownConstraints = effects.flatMap((effect) => (effect.kind === 'foreign-key' || effect.kind === 'check' ? [`${effect.table}.${effect.name}`] : []));
  // A key on a partition, made before the partitioned table takes it over, bears the same name.
  const ownKeys = effects.flatMap((effect) => (effect.kind === 'foreign-key' ? [effect.name] : []));
  const ownIndexes = effects.flatMap((effect) => (effect.kind === 'index' ? [effect.name] : []));
  const dropped = droppedColumns.flatMap((each) => each.columns.map((column) => [quoteRelation(each.table, schema), column] as const));
  const found = await rows<Found>(
    client,
    `WITH own_table AS (SELECT c.oid, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND c.relname = ANY ($2)),
     -- Partitions of a table of ours go with it, and so does the sequence that numbers its rows.
     own_partition AS (SELECT p.relid AS oid FROM own_table o CROSS JOIN LATERAL pg_partition_tree(o.oid) p WHERE p.level > 0),
     own_sequence AS (
       SELECT s.oid FROM pg_class s JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = s.oid AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
       JOIN own_table o ON o.oid = d.refobjid JOIN pg_attribute a ON a.attrelid = o.oid AND a.attnum = d.refobjsubid
       WHERE s.relkind = 'S' AND s.relname = o.relname || '_' || a.attname || '_seq'),
     own_type AS (
       SELECT t.oid FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE n.nspname = $1 AND (t.typtype = 'e' AND t.typname = ANY ($3) OR t.typrelid IN (SELECT oid FROM own_table UNION SELECT oid FROM own_partition))),
     dropped_column AS (
       SELECT a.attrelid AS oid, a.attnum FROM unnest($8::text[], $9::text[]) AS w (regclass, attname)
       JOIN pg_attribute a ON a.attrelid = to_regclass(w.regclass) AND a.attname = w.attname AND NOT a.attisdropped),
     target AS (
       SELECT 'pg_class'::regclass AS classid, oid AS objid FROM own_table
       UNION SELECT 'pg_class'::regclass, oid FROM own_partition
       UNION SELECT 'pg_class'::regclass, oid FROM own_sequence
       UNION SELECT 'pg_class'::regclass, x.indexrelid FROM pg_index x WHERE x.indrelid IN (SELECT oid FROM own_table)
       UNION SELECT 'pg_class'::regclass, c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relkind IN ('i', 'I') AND c.relname = ANY ($4)
       UNION SELECT 'pg_constraint'::regclass, k.oid FROM pg_constraint k WHERE k.conrelid IN (SELECT oid FROM own_table)
       UNION SELECT 'pg_type'::regclass, t.oid FROM pg_type t WHERE t.oid IN (SELECT oid FROM own_type) OR t.typelem IN (SELECT oid FROM own_type)),
     dependent AS (
       SELECT DISTINCT d.classid, d.objid, d.objsubid FROM pg_depend d JOIN target t ON t.classid = d.refclassid AND t.objid = d.refobjid
       WHERE NOT EXISTS (SELECT FROM target o WHERE o.classid = d.classid AND o.objid = d.objid)
       -- DROP COLUMN takes indexes and constraints along without a word; a column's own default and NOT NULL are part of it.
       UNION SELECT d.classid, d.objid, d.objsubid FROM pg_depend d JOIN dropped_column c ON d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid AND d.refobjsubid = c.attnum
         WHERE NOT EXISTS (SELECT FROM target o WHERE o.classid = d.classid AND o.objid = d.objid)
           AND NOT EXISTS (SELECT FROM pg_attrdef f WHERE d.classid = 'pg_attrdef'::regclass AND f.oid = d.objid AND f.adrelid = c.oid AND f.adnum = c.attnum)
           AND NOT EXISTS (SELECT FROM pg_constraint k WHERE d.classid = 'pg_constraint'::regclass AND k.oid = d.objid AND k.contype = 'n')
           AND NOT EXISTS (SELECT FROM pg_class i JOIN pg_namespace n ON n.oid = i.relnamespace
             WHERE d.classid = 'pg_class'::regclass AND i.oid = d.objid AND i.relkind IN ('i', 'I') AND n.nspname = $1 AND i.relname = ANY ($5))
       -- What hangs on a table of ours without the others noticing: its host-made indexes and constraints.
       UNION SELECT 'pg_class'::regclass, x.indexrelid, 0 FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
         WHERE x.indrelid IN (SELECT oid FROM own_table) AND NOT x.indisprimary AND NOT i.relname = ANY ($5) AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = x.indexrelid AND k.conrelid = x.indrelid)
       UNION SELECT 'pg_constraint'::regclass, k.oid, 0 FROM pg_constraint k WHERE k.conrelid IN (SELECT oid FROM own_table) AND k.contype NOT IN ('p', 'n', 't'))
     SELECT d.classid::regclass::text AS class, o.type, pg_describe_object(d.classid, d.objid, d.objsubid) AS what, coalesce(k.conname, t.tgname, i.relname, p.polname)::text AS name,
       coalesce(r.ev_class, t.tgrelid, k.conrelid, p.polrelid, CASE WHEN d.classid = 'pg_class'::regclass THEN d.objid END)::regclass::text AS relation
     FROM dependent d CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, d.objsubid) o
     LEFT JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
     LEFT JOIN pg_trigger t ON d.classid = 'pg_trigger'::regclass AND t.oid = d.objid
     LEFT JOIN pg_constraint k ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid
     LEFT JOIN pg_policy p ON d.classid = 'pg_policy'::regclass AND p.oid = d.objid
     LEFT JOIN pg_class i ON d.classid = 'pg_class'::regclass AND i.oid = d.objid
     LEFT JOIN pg_class kt ON kt.oid = k.conrelid LEFT JOIN pg_namespace kn ON kn.oid = kt.relnamespace
     WHERE NOT coalesce(t.tgisinternal, false) AND i.relkind IS DISTINCT FROM 't'
       -- A partition's part of an index goes with the index.
       AND NOT coalesce(i.relkind IN ('i', 'I') AND i.relispartition, false)
       AND NOT (k.oid IS NOT NULL AND ${relationSql('kn.nspname', 'kt.relname')} || '.' || k.conname = ANY ($6))
       AND NOT (k.oid IS NOT NULL AND kt.relispartition AND k.contype = 'f' AND k.conname = ANY ($7))
       AND NOT (d.classid = 'pg_attrdef'::regclass AND EXISTS (SELECT FROM pg_attrdef a WHERE a.oid = d.objid AND a.adrelid IN (SELECT oid FROM own_table UNION SELECT oid FROM own_partition)))
       -- A partition's copy of a key is part of the key.
       AND NOT (k.oid IS NOT NULL AND (k.conparentid <> 0 OR k.coninhcount > 0 AND k.conrelid IN (SELECT oid FROM own_partition)))
     ORDER BY what`,
    [schema, tables, enums, indexes, ownIndexes, ownConstraints, ownKeys, dropped.map(([table]) => table), dropped.map(([, column]) => column)],
  );
  return [...(await hostColumns(client, schema, { tables, columns })), ...found.map(describe)];
}

function describe({ class: of, type, what, relation, name }: Found): HostDependent {
  const quoted = name === null ? '' : `"${name.replaceAll('"', '""')}"`;
  if (of === 'pg_rewrite' && /^rule _?"?_RETURN"? on /.test(what)) {
    const view = what.replace(/^rule "?_RETURN"? on /, '');
    return { what: view, remedy: view.startsWith('materialized') ? `DROP MATERIALIZED VIEW ${relation}` : `DROP VIEW ${relation}` };
  }
  if (of === 'pg_trigger') return { what, remedy: `DROP TRIGGER ${quoted} ON ${relation}` };
  if (of === 'pg_policy') return { what, remedy: `DROP POLICY ${quoted} ON ${relation}` };
  if (of === 'pg_constraint' && relation !== null && relation !== '-') return { what, remedy: `ALTER TABLE ${relation} DROP CONSTRAINT ${quoted}` };
  if (of === 'pg_class' && type === 'index') return { what, remedy: `DROP INDEX ${relation}` };
  if (of === 'pg_publication_rel') return { what, remedy: 'take the table out of the publication with ALTER PUBLICATION … DROP TABLE' };
  return { what, remedy: 'drop it, or change it so that it does without' };
}

/** The columns that the migrations make, table by table; in a transaction of its own. */
export async function ownColumns(client: pg.ClientBase, schema: string, own: readonly AssessedMigration[]): Promise<Map<string, ReadonlySet<string>>> {
  const { catalogue: desired } = await desiredCatalogue(
    client,
    schema,
    own.flatMap(({ statements }) => statements),
  );
  const nameOf = (line: string) => /^"(?:[^"]|"")+"|^\S+/.exec(line)?.[0] ?? '';
  return new Map([...desired.tables].map(([table, definition]) => [table, new Set(definition.split('\n').map(nameOf))]));
}

/** Columns that the host has added to tables of ours: its data is in them. */
async function hostColumns(
  client: pg.ClientBase,
  schema: string,
  { tables, columns }: { tables: readonly string[]; columns: ReadonlyMap<string, ReadonlySet<string>> },
): Promise<HostDependent[]> {
  const there = await rows<{ table: string; quoted: string; relation: string }>(
    client,
    `SELECT c.relname AS table, quote_ident(a.attname) AS quoted, c.oid::regclass::text AS relation
     FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = $1 AND c.relname = ANY ($2) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY 1, a.attnum`,
    [schema, tables],
  );
  return there
    .filter(({ table, quoted }) => !columns.get(table)?.has(quoted))
    .map(({ table, quoted, relation }) => ({
      what: `column ${quoted} of table ${table}`,
      remedy: `save what is in it, then ALTER TABLE ${relation} DROP COLUMN ${quoted}`,
    }));
}
