import type pg from 'pg';
import type { Finding } from '../check.ts';
import { quoteRelation } from '../relation.ts';
import { quote, row, rows } from '../sql.ts';

/** Columns that are taken off one table that stays. */
export interface ColumnsOf {
  readonly table: string;
  readonly columns: readonly string[];
}

/** The values of a column that are lost with it. */
export interface LostValues {
  readonly table: string;
  readonly column: string;
  readonly values: number;
}

/**
 * Counts the values that are lost with the columns: those that are neither NULL nor what the column's default gives. Reads each
 * table once. A generated column loses nothing, as its values are made of others.
 */
export async function countValues(client: pg.ClientBase, schema: string, dropped: readonly ColumnsOf[]): Promise<LostValues[]> {
  const counted: LostValues[] = [];
  for (const { table, columns } of dropped) {
    const relation = quoteRelation(table, schema);
    const there = await rows<{ column: string; type: string; preset: string | null; generated: boolean }>(
      client,
      `SELECT a.attname AS column, format_type(a.atttypid, a.atttypmod) AS type, pg_get_expr(d.adbin, d.adrelid) AS preset, a.attgenerated <> '' AS generated
       FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
       WHERE a.attrelid = to_regclass($1) AND a.attname = ANY ($2) AND NOT a.attisdropped ORDER BY a.attnum`,
      [relation, columns],
    );
    if (there.length === 0) continue;
    const counts = there.map(({ column, type, preset, generated }, at) => {
      const name = quote(column);
      // As text, because not every type can be compared (json).
      const own = preset === null ? '' : ` AND ${name}::text IS DISTINCT FROM (${preset})::${type}::text`;
      return `count(*) FILTER (WHERE ${generated ? 'false' : `${name} IS NOT NULL${own}`})::text AS "${at}"`;
    });
    const found = await row<Record<string, string>>(client, `SELECT ${counts.join(', ')} FROM ${relation}`);
    counted.push(...there.map(({ column }, at) => ({ table, column, values: Number(found[at]) })));
  }
  return counted;
}

/** The refusal while values would be lost. The files of an export hold the rows of dropped tables alone, so it does not help here. */
export function valueFindings(columns: readonly LostValues[], { discardData }: { readonly discardData?: boolean | undefined }): Finding[] {
  const filled = columns.filter(({ values }) => values > 0);
  if (filled.length === 0 || discardData) return [];
  const listed = filled.map(({ table, column, values }) => `${table}.${column} ${values.toLocaleString('en-US')}`).join(', ');
  return [
    {
      level: 'block',
      code: 'COLUMN_VALUES_PRESENT',
      message: `The columns to be dropped hold values: ${listed}. Take back the whole module with --export <folder> instead of a part of it, which writes whole rows to files, or give the values up with --discard-data.`,
      details: { columns: filled },
    },
  ];
}
