import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabase, type TestDatabase } from '../../../test/support/database.ts';
import { prismaName } from './prisma-names.ts';
import { type PrismaField, type PrismaModel, readPrismaModels } from './prisma-schema.ts';

const schema = readFileSync(new URL('../../../prisma/schema.prisma', import.meta.url), 'utf8');
const [hostPart, modulePart] = schema.split('// The module.\n') as [string, string];
const all = readPrismaModels(schema);
const moduleModels = readPrismaModels(modulePart).filter((model) => model.kind === 'model');
const enums = readPrismaModels(modulePart).filter((model) => model.kind === 'enum');
const moduleTables = moduleModels.map((model) => model.table);
const hostTables = readPrismaModels(hostPart).map((model) => model.table);

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase({ template: 'migrated' });
});
afterAll(() => database.drop());

/** The SQL type a field stands for; undefined for a relation. */
function sqlType(field: PrismaField): string | undefined {
  const unsupported = /^Unsupported\("(\w+)"\)/.exec(field.type);
  if (unsupported) return unsupported[1];
  const type = field.type.replace(/[?[\]]/g, '');
  if (type === 'String' && field.type.endsWith('[]')) return 'text[]';
  if (enums.some((each) => each.name === type)) return `"${type}"`;
  const native = /@db\.(\w+)(?:\((\d+)\))?/.exec(field.attributes);
  if (native?.[1] === 'VarChar') return `character varying(${native[2]})`;
  if (native?.[1] === 'Timestamptz') return `timestamp(${native[2]}) with time zone`;
  if (native) return native[1]?.toLowerCase();
  return { String: 'text', Int: 'integer', BigInt: 'bigint', Boolean: 'boolean', Json: 'jsonb', Bytes: 'bytea' }[type];
}

function sqlDefault(field: PrismaField, table: string): string | null {
  const value = /@default\((dbgenerated\("((?:[^"\\]|\\.)*)"\)|[^)]*\)?)\)/.exec(field.attributes);
  if (!value) return null;
  if (value[2] !== undefined) return value[2];
  if (value[1] === 'now()') return 'CURRENT_TIMESTAMP';
  if (value[1] === 'autoincrement()') return `nextval('${table}_${field.column}_seq'::regclass)`;
  if (value[1]?.startsWith('"')) return `'${value[1].slice(1, -1)}'::${/@db\.VarChar/.test(field.attributes) ? 'character varying' : 'text'}`;
  const type = field.type.replace('?', '');
  return enums.some((each) => each.name === type) ? `'${value[1]}'::"${type}"` : (value[1] ?? null);
}

const list = (text: string | undefined): string[] => (text ?? '').split(',').map((name) => name.trim());

function indexesOf(model: PrismaModel): { name: string; columns: string[]; unique: boolean }[] {
  const single = model.fields.flatMap((field) => {
    if (/@id\b/.test(field.attributes)) return [{ name: prismaName(model.table, [], '_pkey'), columns: [field.column], unique: true }];
    return /@unique\b/.test(field.attributes) ? [{ name: prismaName(model.table, [field.column], '_key'), columns: [field.column], unique: true }] : [];
  });
  const block = model.blockAttributes.flatMap((line) => {
    const [, kind, names] = /^@@(id|unique|index)\(\[([^\]]*)\](?:, type: Gin)?\)$/.exec(line) ?? [];
    if (kind === undefined) return [];
    const columns = list(names);
    const name = kind === 'id' ? prismaName(model.table, [], '_pkey') : prismaName(model.table, columns, kind === 'unique' ? '_key' : '_idx');
    return [{ name, columns, unique: kind !== 'index' }];
  });
  return [...single, ...block];
}

function foreignKeysOf(model: PrismaModel): { name: string; target: string; columns: string[]; references: string[]; onDelete: string; onUpdate: string }[] {
  return model.fields.flatMap((field) => {
    const [, columns, references, onDelete] = /@relation\(.*fields: \[([^\]]*)\], references: \[([^\]]*)\], onDelete: (\w+)\)/.exec(field.attributes) ?? [];
    if (columns === undefined) return [];
    const target = all.find((each) => each.name === field.type.replace('?', ''))?.table ?? '';
    return [
      {
        name: prismaName(model.table, list(columns), '_fkey'),
        target,
        columns: list(columns),
        references: list(references),
        onDelete: onDelete ?? '',
        onUpdate: 'Cascade',
      },
    ];
  });
}

const byName = <Row extends { name: string }>(rows: readonly Row[]): Row[] => [...rows].sort((a, b) => (a.name < b.name ? -1 : 1));

test('schema.prisma has the tables that the migrations make, and no other', async () => {
  await using host = await createDatabase({ template: 'host' });
  const tables = async (of: TestDatabase) => {
    const sql = `SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition`;
    return (await of.query<{ name: string }>(sql)).map(({ name }) => name);
  };
  const before = new Set([...(await tables(host)), ...hostTables]);
  expect((await tables(database)).filter((name) => !before.has(name)).toSorted()).toEqual(moduleTables.toSorted());
});

test.each(moduleModels.map((model) => [model.table, model] as const))('%s: columns, types, nullability and defaults', async (table, model) => {
  const rows = await database.query(
    `SELECT attname AS name, format_type(atttypid, atttypmod) AS type, NOT attnotnull AS nullable, pg_get_expr(adbin, adrelid) AS "default"
       FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum WHERE attrelid = format('%I', $1::text)::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
    [table],
  );
  const expected = model.fields.flatMap((field) => {
    const type = sqlType(field);
    return type === undefined ? [] : [{ name: field.column, type, nullable: field.type.endsWith('?'), default: sqlDefault(field, table) }];
  });
  expect(expected.length).toBeGreaterThan(0);
  expect(rows).toEqual(expected);
});

test.each(moduleModels.map((model) => [model.table, model] as const))('%s: indexes and foreign keys, by name', async (table, model) => {
  const indexes = await database.query<{ name: string }>(
    `SELECT c.relname AS name, i.indisunique AS "unique", ARRAY(SELECT a.attname::text FROM unnest(i.indkey) WITH ORDINALITY AS k(attnum, at) JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum ORDER BY k.at) AS columns
       FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = format('%I', $1::text)::regclass`,
    [table],
  );
  expect(byName(indexes)).toEqual(byName(indexesOf(model)).map(({ name, columns, unique }) => ({ name, unique, columns })));
  const keys = await database.query<{ name: string }>(
    `SELECT conname AS name, confrelid::regclass::text AS target,
            ARRAY(SELECT a.attname::text FROM unnest(conkey) WITH ORDINALITY AS k(attnum, at) JOIN pg_attribute a ON a.attrelid = conrelid AND a.attnum = k.attnum ORDER BY k.at) AS columns,
            ARRAY(SELECT a.attname::text FROM unnest(confkey) WITH ORDINALITY AS k(attnum, at) JOIN pg_attribute a ON a.attrelid = confrelid AND a.attnum = k.attnum ORDER BY k.at) AS references,
            CASE confdeltype WHEN 'r' THEN 'Restrict' WHEN 'c' THEN 'Cascade' WHEN 'n' THEN 'SetNull' ELSE confdeltype::text END AS "onDelete",
            CASE confupdtype WHEN 'c' THEN 'Cascade' ELSE confupdtype::text END AS "onUpdate"
       FROM pg_constraint WHERE contype = 'f' AND conrelid = format('%I', $1::text)::regclass`,
    [table],
  );
  expect(byName(keys)).toEqual(byName(foreignKeysOf(model)));
});

test('the enum has the labels of schema.prisma, in order', async () => {
  const rows = await database.query(
    `SELECT t.typname AS name, array_agg(e.enumlabel::text ORDER BY e.enumsortorder) AS labels FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid WHERE t.typname = ANY($1) GROUP BY 1`,
    [enums.map((each) => each.name)],
  );
  expect(rows).toEqual(enums.map((each) => ({ name: each.name, labels: each.fields.map((field) => field.name) })));
});

test('every table, column and index of the module has a comment', async () => {
  const rows = await database.query<{ described: number; bare: string[] | null }>(
    `WITH ours AS (SELECT c.oid, c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relname = ANY($1)),
          things AS (SELECT relname AS name, obj_description(oid, 'pg_class') AS comment FROM ours
                     UNION ALL SELECT ours.relname || '.' || attname, col_description(attrelid, attnum) FROM pg_attribute JOIN ours ON ours.oid = attrelid WHERE attnum > 0 AND NOT attisdropped
                     UNION ALL SELECT indexrelid::regclass::text, obj_description(indexrelid, 'pg_class') FROM pg_index JOIN ours ON ours.oid = indrelid)
     SELECT count(comment)::int AS described, array_agg(name) FILTER (WHERE comment IS NULL OR btrim(comment) = '') AS bare FROM things`,
    [moduleTables],
  );
  expect(rows[0]?.bare).toBeNull();
  expect(rows[0]?.described).toBeGreaterThan(120);
});
