import type pg from 'pg';

/**
 * Everything in a host's schema and in that of the journal, down to the transaction that wrote each entry of the catalogue and
 * the contents of every table: two equal snapshots mean that nothing at all was changed between them.
 */
export async function snapshotOf(client: pg.ClientBase, schema: string): Promise<string[]> {
  const schemas = [schema, 'onechart'];
  const { rows } = await client.query<{ line: string }>(
    `WITH ours AS (SELECT oid FROM pg_namespace WHERE nspname = ANY ($1))
     SELECT format('schema %s %s', nspname, xmin) AS line FROM pg_namespace WHERE oid IN (SELECT oid FROM ours)
     UNION ALL SELECT format('relation %s %s %s %s', oid::regclass, relkind, relfilenode, xmin) FROM pg_class WHERE relnamespace IN (SELECT oid FROM ours)
     UNION ALL SELECT format('column %s.%s %s', attrelid::regclass, attname, a.xmin) FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid WHERE attnum > 0 AND relnamespace IN (SELECT oid FROM ours)
     UNION ALL SELECT format('constraint %s.%s %s %s', conrelid::regclass, conname, convalidated, xmin) FROM pg_constraint WHERE connamespace IN (SELECT oid FROM ours)
     UNION ALL SELECT format('trigger %s.%s %s %s', tgrelid::regclass, tgname, tgenabled, t.xmin) FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid WHERE relnamespace IN (SELECT oid FROM ours)
     UNION ALL SELECT format('index %s %s %s', indexrelid::regclass, indisvalid, i.xmin) FROM pg_index i JOIN pg_class c ON c.oid = indexrelid WHERE relnamespace IN (SELECT oid FROM ours)
     UNION ALL SELECT format('type %s %s', oid::regtype, xmin) FROM pg_type WHERE typnamespace IN (SELECT oid FROM ours)
     UNION ALL SELECT format('label %s.%s', enumtypid::regtype, enumlabel) FROM pg_enum
     UNION ALL SELECT format('comment %s %s %s', objoid, objsubid, d.xmin) FROM pg_description d WHERE objoid IN (SELECT oid FROM pg_class WHERE relnamespace IN (SELECT oid FROM ours))
     ORDER BY 1`,
    [schemas],
  );
  const { rows: tables } = await client.query<{ name: string }>(
    `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname = ANY ($1) ORDER BY 1`,
    [schemas],
  );
  // In one round trip; the schema and the journal have some 35 tables.
  const contents = tables.map(
    ({ name }) =>
      `SELECT format('contents %s %s %s', '${name.replaceAll("'", "''")}', count(*), md5(string_agg(t::text, E'\\n' ORDER BY t::text))) AS line FROM ${name} t`,
  );
  const { rows: inside } = contents.length === 0 ? { rows: [] } : await client.query<{ line: string }>(contents.join(' UNION ALL '));
  return [...rows, ...inside].map(({ line }) => line);
}
