import type pg from 'pg';
import type { Assessment } from './assess.ts';
import type { Finding } from './check.ts';
import { isModuleMigration } from './source.ts';
import { rows } from './sql.ts';

/**
 * Names that what is missing needs and that something of another kind has: a view in a table's place, the primary key of a table that
 * was renamed away, a domain in an enum's place. The comparison by kind does not see them, and the statement would fail half-way.
 */
export async function checkNames(client: pg.ClientBase, schema: string, assessment: Assessment): Promise<Finding[]> {
  const pending = assessment.migrations.flatMap(({ statements }) => statements.filter(({ object }) => object.state === 'missing'));
  // What the migrations themselves take away before is not in the way.
  const dropped = new Set(pending.flatMap(({ effect }) => (effect.kind === 'drop' ? [effect.name] : [])));
  const missing = pending.filter(({ effect }) => !dropped.has(effect.name));
  const relations = missing.flatMap(({ effect, text }) =>
    effect.kind === 'table' ? [effect.name, ...primaryKeyName(text)] : effect.kind === 'index' ? [effect.name] : [],
  );
  const types = missing.flatMap(({ effect }) => (effect.kind === 'table' || effect.kind === 'enum' ? [effect.name] : []));
  const constraints = missing.flatMap(({ effect }) => (effect.kind === 'foreign-key' || effect.kind === 'check' ? [[effect.table, effect.name]] : []));
  const taken = await rows<{ name: string; is: string }>(
    client,
    `SELECT c.relname AS name, CASE c.relkind WHEN 'r' THEN 'a table' WHEN 'p' THEN 'a table' WHEN 'i' THEN 'an index of ' || t.relname WHEN 'S' THEN 'a sequence' WHEN 'v' THEN 'a view'
         WHEN 'm' THEN 'a materialized view' WHEN 'c' THEN 'a composite type' WHEN 'f' THEN 'a foreign table' ELSE 'another relation' END AS is
       FROM pg_class c LEFT JOIN pg_index x ON x.indexrelid = c.oid LEFT JOIN pg_class t ON t.oid = x.indrelid
       WHERE c.relnamespace = to_regnamespace(quote_ident($1)) AND c.relname = ANY ($2)
     UNION ALL
     SELECT typname, CASE typtype WHEN 'd' THEN 'a domain' WHEN 'e' THEN 'an enum' WHEN 'r' THEN 'a range type' ELSE 'a type' END FROM pg_type
       WHERE typnamespace = to_regnamespace(quote_ident($1)) AND typname = ANY ($3) AND typcategory <> 'A' AND typrelid = 0
     UNION ALL
     SELECT k.conname, 'another constraint of ' || w.relation FROM jsonb_to_recordset($4) AS w (relation text, name text)
       JOIN pg_class c ON c.relnamespace = to_regnamespace(quote_ident($1)) AND c.relname = w.relation JOIN pg_constraint k ON k.conrelid = c.oid AND k.conname = w.name`,
    [schema, relations, types, JSON.stringify(constraints.map(([relation, name]) => ({ relation, name })))],
  );
  return [
    ...taken.map(
      ({ name, is }): Finding => ({
        level: 'block',
        kind: 'drift',
        code: 'CATALOGUE_CONFLICT',
        message: `The name "${name}" is needed and ${is} has it. Rename or remove the one that is there; nothing was changed.`,
        details: { name },
      }),
    ),
    ...(await checkRequiredColumns(client, schema, assessment)),
  ];
}

function primaryKeyName(createTable: string): string[] {
  const name = /\bCONSTRAINT\s+"((?:[^"]|"")+)"\s+PRIMARY\s+KEY/i.exec(createTable)?.[1];
  return name === undefined ? [] : [name.replaceAll('""', '"')];
}

/** A column that a host added to a table of the module and that must be given: nobody who knows only the module could write a row. */
async function checkRequiredColumns(client: pg.ClientBase, schema: string, assessment: Assessment): Promise<Finding[]> {
  const statements = assessment.migrations.flatMap((migration) => (isModuleMigration(migration.file.name) ? migration.statements : []));
  const tables = statements.flatMap(({ effect }) => (effect.kind === 'table' ? [effect.name] : []));
  const required = await rows<{ table: string; column: string }>(
    client,
    `SELECT c.relname AS table, a.attname AS column FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
     WHERE c.relnamespace = to_regnamespace(quote_ident($1)) AND c.relname = ANY ($2) AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
       AND a.attnotnull AND NOT a.atthasdef AND a.attidentity = ''`,
    [schema, tables],
  );
  const named = (table: string, column: string) =>
    statements.some(
      ({ effect, text }) => 'name' in effect && (effect.name === table || ('table' in effect && effect.table === table)) && text.includes(column),
    );
  return required
    .filter(({ table, column }) => !named(table, column))
    .map(({ table, column }) => ({
      level: 'block',
      kind: 'drift',
      code: 'CATALOGUE_CONFLICT',
      message: `Column "${column}" of "${table}" is none of the module's, may not be empty and has no default, so no row can be written. Give it a default or let it be NULL; nothing was changed.`,
      details: { name: `${table}.${column}` },
    }));
}
