import type pg from 'pg';
import { quoteRelation } from './relation.ts';
import { rows } from './sql.ts';

/** What is known of a table's size and traffic without reading it. */
export interface TableTraffic {
  readonly table: string;
  readonly rows: number;
  readonly megabytes: number;
  readonly pages: number;
  /** Inserts, updates and deletes per second, averaged since the statistics were reset or the server started. */
  readonly writesPerSecond: number;
  /** Columns nearly always NULL that have an index of their own: their values are found without reading the table. */
  readonly sparseColumns?: readonly string[];
}

/** Reads size and traffic of tables from statistics; rows are the planner's estimate, scaled to the present size. */
export async function readTraffic(client: pg.ClientBase, schema: string, tables: readonly string[]): Promise<Map<string, TableTraffic>> {
  const found = await rows<TableTraffic>(
    client,
    `SELECT w.wanted AS table,
       CASE WHEN c.relpages > 0 AND c.reltuples >= 0 THEN c.reltuples / c.relpages * s.pages
            ELSE greatest(coalesce(t.n_live_tup, 0), 0) END::float8 AS rows,
       s.pages::float8 * current_setting('block_size')::int / 1048576 AS megabytes, s.pages::float8 AS pages,
       coalesce((t.n_tup_ins + t.n_tup_upd + t.n_tup_del) / greatest(extract(epoch FROM now() - coalesce(d.stats_reset, pg_postmaster_start_time())), 1), 0)::float8 AS "writesPerSecond",
       ARRAY(SELECT a.attname::text FROM pg_attribute a JOIN pg_stats f ON f.schemaname = n.nspname AND f.tablename = c.relname AND f.attname = a.attname AND NOT f.inherited
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND f.null_frac > 0.99
           AND EXISTS (SELECT FROM pg_index x WHERE x.indrelid = c.oid AND x.indisvalid AND x.indpred IS NULL AND x.indkey[0] = a.attnum)) AS "sparseColumns"
     FROM unnest($1::text[], $2::text[]) AS w (wanted, regclass) JOIN pg_class c ON c.oid = to_regclass(w.regclass) JOIN pg_namespace n ON n.oid = c.relnamespace
     CROSS JOIN LATERAL (SELECT coalesce(sum(pg_relation_size(x.oid)), 0) / current_setting('block_size')::int AS pages
       FROM (SELECT c.oid WHERE c.relkind = 'r' UNION ALL SELECT relid FROM pg_partition_tree(c.oid) WHERE isleaf AND c.relkind = 'p') AS x (oid)) AS s
     LEFT JOIN pg_stat_all_tables t ON t.relid = c.oid
     LEFT JOIN pg_stat_database d ON d.datname = current_database()
     WHERE c.relkind IN ('r', 'p')`,
    [tables, tables.map((table) => quoteRelation(table, schema))],
  );
  return new Map(found.map((each) => [each.table, each]));
}
