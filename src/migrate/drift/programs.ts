import type pg from 'pg';
import { relationSql } from '../relation.ts';
import { rows } from '../sql.ts';

/** What the picture of tables leaves out: functions, triggers, views, policies, by kind and name, in the server's own words. */
export type Programs = ReadonlyMap<string, string>;

/** Reads functions, triggers (and whether they fire), views, policies and row security of some schemas; what extensions brought is theirs. */
export async function readPrograms(client: pg.ClientBase, schema: string, others: readonly string[]): Promise<Programs> {
  const notOfExtension = (classId: string, oid: string) =>
    `NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = '${classId}'::regclass AND e.objid = ${oid} AND e.deptype = 'e')`;
  const found = await rows<{ name: string; definition: string }>(
    client,
    `SELECT 'function ' || ${relationSql('n.nspname', 'p.proname')} || '(' || pg_get_function_identity_arguments(p.oid) || ')' AS name, pg_get_functiondef(p.oid) AS definition
       FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = ANY ($2) AND p.prokind IN ('f', 'p') AND ${notOfExtension('pg_proc', 'p.oid')}
     UNION ALL
     SELECT 'trigger ' || ${relationSql('n.nspname', 'c.relname')} || '.' || t.tgname, pg_get_triggerdef(t.oid) || CASE t.tgenabled WHEN 'O' THEN '' ELSE ' (enabled: ' || t.tgenabled::text || ')' END
       FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ANY ($2) AND NOT t.tgisinternal AND NOT c.relispartition
     UNION ALL
     SELECT CASE c.relkind WHEN 'v' THEN 'view ' ELSE 'materialized view ' END || ${relationSql('n.nspname', 'c.relname')}, pg_get_viewdef(c.oid)
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ANY ($2) AND c.relkind IN ('v', 'm') AND ${notOfExtension('pg_class', 'c.oid')}
     UNION ALL
     SELECT 'policy ' || ${relationSql('n.nspname', 'c.relname')} || '.' || y.polname,
         concat_ws(' ', y.polcmd::text, y.polpermissive::text, pg_get_expr(y.polqual, y.polrelid), pg_get_expr(y.polwithcheck, y.polrelid))
       FROM pg_policy y JOIN pg_class c ON c.oid = y.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ANY ($2)
     UNION ALL
     SELECT 'row security of ' || ${relationSql('n.nspname', 'c.relname')}, CASE WHEN c.relforcerowsecurity THEN 'forced' ELSE 'enabled' END
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ANY ($2) AND c.relrowsecurity
     ORDER BY 1`,
    [schema, [schema, ...others]],
  );
  return new Map(found.map(({ name, definition }) => [name, definition.replaceAll(`${schema}.`, '').replaceAll(`"${schema}".`, '')]));
}

/** Foreign keys whose triggers somebody has switched off: the key stands in the catalogue and refuses nothing. */
export async function silentKeys(client: pg.ClientBase, schema: string, others: readonly string[]): Promise<{ name: string; table: string }[]> {
  return rows<{ name: string; table: string }>(
    client,
    `SELECT DISTINCT k.conname AS name, ${relationSql('n.nspname', 'c.relname')} AS table
     FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_trigger t ON t.tgconstraint = k.oid
     WHERE n.nspname = ANY ($2) AND k.contype = 'f' AND t.tgenabled IN ('D', 'R') ORDER BY 1`,
    [schema, [schema, ...others]],
  );
}

/** Partitions come and go with time and belong to no migration. */
export async function partitionNames(client: pg.ClientBase, schema: string, others: readonly string[]): Promise<Set<string>> {
  const found = await rows<{ name: string }>(
    client,
    `SELECT ${relationSql('n.nspname', 'c.relname')} AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ANY ($2) AND c.relispartition`,
    [schema, [schema, ...others]],
  );
  return new Set(found.map(({ name }) => name));
}
