import type { ClientBase } from 'pg';
import { tableTypes } from '../../src/db/describe-tables.ts';

type Queryable = Pick<ClientBase, 'query'>;

/** docs/schema.md, from the catalogue of a migrated database. */
export async function renderSchema(client: Queryable): Promise<string> {
  const sections: string[] = [];
  for (const table of Object.keys(tableTypes)) sections.push(...(await describeTable(client, table)));
  const labels = await rows<{ label: string }>(
    client,
    `SELECT enumlabel AS label FROM pg_enum WHERE enumtypid = '"PatientStatus"'::regtype ORDER BY enumsortorder`,
  );
  const links = await rows<{ name: string; table: string; definition: string }>(
    client,
    `SELECT conname AS name, conrelid::regclass::text AS table, pg_get_constraintdef(oid) AS definition FROM pg_constraint
     WHERE contype = 'f' AND confrelid = 'patients'::regclass AND NOT conrelid::regclass::text = ANY ($1) ORDER BY 2, 1`,
    [Object.keys(tableTypes)],
  );
  return [
    '# Database schema',
    '',
    'Generated from the catalogue of a migrated database by `npm run docs`, on a host with uuid keys. On a host with text keys the id and user columns are text.',
    '',
    `\`PatientStatus\` is ${labels.map(({ label }) => `\`${label}\``).join(', ')}.`,
    '',
    ...sections,
    "## The host's link tables",
    '',
    '| table | key | definition |',
    '|---|---|---|',
    ...links.map(({ table, name, definition }) => `| ${table} | ${name} | \`${definition}\` |`),
    '',
  ].join('\n');
}

async function describeTable(client: Queryable, table: string): Promise<string[]> {
  const [about] = await rows<{ comment: string | null }>(client, `SELECT obj_description($1::regclass, 'pg_class') AS comment`, [table]);
  const columns = await rows<{ name: string; type: string; nullable: boolean; default: string | null; comment: string | null }>(
    client,
    `SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type, NOT a.attnotnull AS nullable, pg_get_expr(d.adbin, d.adrelid) AS default, col_description(a.attrelid, a.attnum) AS comment
     FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`,
    [table],
  );
  const constraints = await rows<{ name: string; definition: string }>(
    client,
    // The server's newest versions list NOT NULL as constraints too; the table of columns has them.
    `SELECT conname AS name, pg_get_constraintdef(oid) AS definition FROM pg_constraint WHERE conrelid = $1::regclass AND contype IN ('p', 'u', 'f', 'c') ORDER BY position(contype::text IN 'pufc'), conname`,
    [table],
  );
  const indexes = await rows<{ name: string; definition: string; comment: string | null }>(
    client,
    `SELECT c.relname AS name, regexp_replace(pg_get_indexdef(i.indexrelid), '^CREATE (UNIQUE )?INDEX .* USING ', '\\1') AS definition, obj_description(i.indexrelid, 'pg_class') AS comment
     FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = $1::regclass AND NOT i.indisprimary ORDER BY c.relname`,
    [table],
  );
  return [
    `## ${table}`,
    '',
    ...(about?.comment ? [about.comment, ''] : []),
    '| column | type | null | default | meaning |',
    '|---|---|---|---|---|',
    ...columns.map(
      (column) =>
        `| ${column.name} | ${column.type} | ${column.nullable ? 'yes' : 'no'} | ${column.default === null ? '' : `\`${cell(column.default)}\``} | ${cell(column.comment ?? '')} |`,
    ),
    '',
    '| constraint | definition |',
    '|---|---|',
    ...constraints.map(({ name, definition }) => `| ${name} | \`${cell(definition)}\` |`),
    '',
    ...(indexes.length === 0
      ? []
      : [
          '| index | on | serves |',
          '|---|---|---|',
          ...indexes.map(({ name, definition, comment }) => `| ${name} | \`${cell(definition)}\` | ${cell(comment ?? '')} |`),
          '',
        ]),
  ];
}

async function rows<Row>(client: Queryable, sql: string, values: unknown[] = []): Promise<Row[]> {
  return (await client.query(sql, values)).rows as Row[];
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
