import type pg from 'pg';

/**
 * Everything of a schema that its owner could tell apart: objects by definition, grants, owners, comments, default privileges,
 * and every row of every table. Two equal pictures mean that nothing was left behind and nothing was taken; what differs in
 * how it is stored (file nodes, transaction ids) does not count.
 *
 * Prisma's history and the engine's journal are not in it: they are meant to grow.
 */
export async function hostPicture(client: pg.ClientBase, schema: string): Promise<string[]> {
  const { rows } = await client.query<{ line: string }>(
    `WITH s AS (SELECT oid, nspname, nspowner, nspacl FROM pg_namespace WHERE nspname = $1),
     c AS (SELECT c.* FROM pg_class c JOIN s ON c.relnamespace = s.oid WHERE c.relname NOT LIKE '\\_prisma\\_migrations%')
     SELECT format('schema owner %s grants %s', nspowner::regrole, (SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(coalesce(nspacl, acldefault('n', nspowner))) a)) AS line FROM s
     UNION ALL SELECT format('relation %s %s owner %s grants %s options %s persistence %s security %s', relname, relkind, relowner::regrole, coalesce(relacl, acldefault('r', relowner)), reloptions, relpersistence, relrowsecurity) FROM c WHERE relkind <> 't'
     UNION ALL SELECT format('column %s.%s %s %s default %s identity %s generated %s grants %s statistics %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid), a.attidentity, a.attgenerated, a.attacl, a.attstattarget)
       FROM pg_attribute a JOIN c ON c.oid = a.attrelid LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind <> 't'
     UNION ALL SELECT format('constraint %s.%s %s %s', c.relname, k.conname, pg_get_constraintdef(k.oid), k.convalidated) FROM pg_constraint k JOIN c ON c.oid = k.conrelid
     UNION ALL SELECT format('index %s %s %s', i.relname, pg_get_indexdef(x.indexrelid), x.indisvalid) FROM pg_index x JOIN c ON c.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid WHERE c.relkind <> 't'
     UNION ALL SELECT format('trigger %s %s %s', c.relname, pg_get_triggerdef(t.oid), t.tgenabled) FROM pg_trigger t JOIN c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal
     UNION ALL SELECT format('key triggers of %s: %s', c.relname, count(*)) FROM pg_trigger t JOIN c ON c.oid = t.tgrelid WHERE t.tgisinternal GROUP BY c.relname
     UNION ALL SELECT format('type %s %s owner %s grants %s', t.typname, t.typtype, t.typowner::regrole, t.typacl) FROM pg_type t JOIN s ON t.typnamespace = s.oid WHERE t.typname NOT LIKE '%\\_prisma\\_migrations'
     UNION ALL SELECT format('label %s.%s', e.enumtypid::regtype, e.enumlabel) FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid JOIN s ON t.typnamespace = s.oid
     UNION ALL SELECT format('function %s', pg_get_functiondef(p.oid)) FROM pg_proc p JOIN s ON p.pronamespace = s.oid
     UNION ALL SELECT format('default privileges %s %s %s', defaclrole::regrole, defaclobjtype, defaclacl) FROM pg_default_acl WHERE defaclnamespace IN (SELECT oid FROM s) OR defaclnamespace = 0
     UNION ALL SELECT format('comment %s %s', pg_describe_object(d.classoid, d.objoid, d.objsubid), d.description) FROM pg_description d
       WHERE (d.classoid = 'pg_class'::regclass AND d.objoid IN (SELECT oid FROM c)) OR (d.classoid = 'pg_type'::regclass AND d.objoid IN (SELECT t.oid FROM pg_type t JOIN s ON t.typnamespace = s.oid))
          OR (d.classoid = 'pg_constraint'::regclass AND d.objoid IN (SELECT k.oid FROM pg_constraint k JOIN s ON k.connamespace = s.oid)) OR (d.classoid = 'pg_namespace'::regclass AND d.objoid IN (SELECT oid FROM s))
     ORDER BY 1`,
    [schema],
  );
  return [...rows.map(({ line }) => line), ...(await tableContents(client, schema))];
}

/** A line a table: how many rows it has, and a fingerprint of them all. */
export async function tableContents(client: pg.ClientBase, schema: string, only?: readonly string[]): Promise<string[]> {
  const { rows: tables } = await client.query<{ name: string }>(
    `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname = $1 AND tablename <> '_prisma_migrations' AND ($2::text[] IS NULL OR tablename = ANY ($2)) ORDER BY 1`,
    [schema, only ?? null],
  );
  if (tables.length === 0) return [];
  const contents = tables.map(
    ({ name }) =>
      `SELECT format('contents %s %s %s', '${name.replaceAll("'", "''")}', count(*), md5(string_agg(t::text, E'\\n' ORDER BY t::text))) AS line FROM ${name} t`,
  );
  return (await client.query<{ line: string }>(contents.join(' UNION ALL '))).rows.map(({ line }) => line);
}
