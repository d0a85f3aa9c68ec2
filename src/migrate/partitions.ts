import type pg from 'pg';
import { quoteRelation, relationSql } from './relation.ts';
import { rows } from './sql.ts';

/** One partition of a partitioned table, at any depth. */
export interface Partition {
  readonly name: string;
  /** The table it is a part of: the partitioned table itself, or a partition that is partitioned again. */
  readonly parent: string;
  /** It holds rows; the others are partitioned again. */
  readonly leaf: boolean;
  /** Foreign keys it has, by name, and whether they are validated. */
  readonly keys: Readonly<Record<string, boolean>>;
  /** Indexes it has, by name. */
  readonly indexes: Readonly<Record<string, { readonly valid: boolean; readonly attached: boolean }>>;
}

/** The partitions of those tables that are partitioned, parents before their parts; none yet is an empty list. */
export async function readPartitions(client: pg.ClientBase, schema: string, tables: readonly string[]): Promise<Map<string, Partition[]>> {
  const found = await rows<{ readonly table: string; readonly name: null } | (Partition & { readonly table: string })>(
    client,
    `SELECT w.wanted AS table, CASE WHEN c.oid IS NOT NULL THEN ${relationSql('n.nspname', 'c.relname')} END AS name, ${relationSql('pn.nspname', 'p.relname')} AS parent, t.isleaf AS leaf,
       coalesce((SELECT json_object_agg(k.conname, k.convalidated) FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'f'), '{}') AS keys,
       coalesce((SELECT json_object_agg(i.relname, json_build_object('valid', x.indisvalid, 'attached', EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = i.oid)))
         FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid WHERE x.indrelid = c.oid), '{}') AS indexes
     FROM unnest($2::text[], $3::text[]) AS w (wanted, regclass) JOIN pg_class r ON r.oid = to_regclass(w.regclass) AND r.relkind = 'p'
     LEFT JOIN LATERAL (SELECT * FROM pg_partition_tree(r.oid) WHERE level > 0) AS t ON true LEFT JOIN pg_class c ON c.oid = t.relid LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
     LEFT JOIN pg_class p ON p.oid = t.parentrelid LEFT JOIN pg_namespace pn ON pn.oid = p.relnamespace
     ORDER BY w.wanted, t.level, c.relname`,
    [schema, tables, tables.map((table) => quoteRelation(table, schema))],
  );
  return new Map([...Map.groupBy(found, ({ table }) => table)].map(([table, each]) => [table, each.flatMap((part) => (part.name === null ? [] : [part]))]));
}
