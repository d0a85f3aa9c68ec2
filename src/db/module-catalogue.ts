import type { ClientBase } from 'pg';
import { tableTypes } from './describe-tables.ts';
import { moduleObjects } from './module-objects.ts';

type Queryable = Pick<ClientBase, 'query'>;

/** What a running server needs of the catalogue and does not find as it is written. */
export interface CatalogueGap {
  /** `patients.firstName`, `patients_pkey`, `PatientStatus.ACTIVE`. */
  readonly object: string;
  readonly problem: 'missing' | 'changed' | 'invalid';
}

const label = `''(?:[^'']|'''')*''::character varying`;

const pair = String.raw`\([^()]+\) AND \([^()]+\)`;

/** What the server prints otherwise once it was dumped and restored, and the one form for both; `settled` in migrate/catalogue.ts says the same. */
const forms: readonly (readonly [form: string, settled: string])[] = [
  [String.raw`ARRAY\[(\(${label}\)::text(?:, \(${label}\)::text)*)\]`, String.raw`(ARRAY[\1])::text[]`],
  [String.raw`\((${label})\)::text`, String.raw`\1`],
  [String.raw`\(\((${pair})\) AND `, String.raw`(\1 AND `],
  [String.raw` AND \((${pair})\)`, String.raw` AND \1`],
];
const settled = (definition: string) => forms.reduce((sql, [form, to]) => `pg_catalog.regexp_replace(${sql}, '${form}', '${to}', 'g')`, definition);

/**
 * Every column, constraint, index and label of the module in this schema, one line each. Id columns are text on some hosts
 * and uuid on others, and keys that point at the host's own tables carry the host's names: neither is compared.
 */
const objectsSql = `
  with module as (
    select c.oid, c.relname from pg_catalog.pg_class c
    where c.relnamespace = pg_catalog.current_schema()::pg_catalog.regnamespace and c.relname = any($1) and c.relkind in ('r', 'p')
  )
  select m.relname || '.' || a.attname as object,
         pg_catalog.regexp_replace(pg_catalog.format_type(a.atttypid, a.atttypmod), '^(uuid|text)$', 'id') || case when a.attnotnull then ' not null' else '' end as definition,
         true as valid
  from module m join pg_catalog.pg_attribute a on a.attrelid = m.oid and a.attnum > 0 and not a.attisdropped
  union all
  select k.conname, m.relname || ': ' || ${settled(`pg_catalog.replace(pg_catalog.pg_get_constraintdef(k.oid), ' NOT VALID', '')`)}, k.convalidated
  from module m join pg_catalog.pg_constraint k on k.conrelid = m.oid
  where k.contype in ('p', 'u', 'c') or (k.contype = 'f' and k.confrelid in (select oid from module))
  union all
  select c.relname, m.relname || ': ' || case when i.indisunique then 'unique ' else '' end || substring(pg_catalog.pg_get_indexdef(c.oid) from ' USING .*$'), i.indisvalid and i.indisready
  from module m join pg_catalog.pg_index i on i.indrelid = m.oid join pg_catalog.pg_class c on c.oid = i.indexrelid
  where not exists (select from pg_catalog.pg_constraint k where k.conindid = c.oid and k.contype in ('p', 'u'))
  union all
  select t.typname || '.' || e.enumlabel, 'label', true
  from pg_catalog.pg_type t join pg_catalog.pg_enum e on e.enumtypid = t.oid
  where t.typnamespace = pg_catalog.current_schema()::pg_catalog.regnamespace and t.typname = 'PatientStatus'`;

const digest = `pg_catalog.left(pg_catalog.md5(definition), 8)`;
const tables = [Object.keys(tableTypes)];

/** The module's objects in this database with a digest of each definition: what module-objects.ts is made of. */
export async function readModuleObjects(client: Queryable): Promise<Record<string, string>> {
  const { rows } = await client.query<{ object: string; digest: string }>(
    `select object, ${digest} as digest from (${objectsSql}) found where valid order by object collate "C"`,
    tables,
  );
  return Object.fromEntries(rows.map((row) => [row.object, row.digest]));
}

/** One value for the state of all of them, to see cheaply whether anything has changed since the last look. */
export async function readCatalogueStamp(client: Queryable): Promise<string> {
  const { rows } = await client.query<{ stamp: string | null }>(
    `select pg_catalog.md5(pg_catalog.string_agg(object || ' ' || definition || valid::text, ';' order by object collate "C")) as stamp from (${objectsSql}) found`,
    tables,
  );
  return rows[0]?.stamp ?? 'nothing';
}

/**
 * What this version of OneChart needs and the database does not have. Objects beside those are nobody's harm: a newer
 * version may have brought them, and the older server goes on until it is replaced.
 */
export async function findCatalogueGaps(client: Queryable): Promise<CatalogueGap[]> {
  const { rows } = await client.query<{ object: string; digest: string; valid: boolean }>(
    `select object, ${digest} as digest, valid from (${objectsSql}) found`,
    tables,
  );
  const found = new Map(rows.map((row) => [row.object, row]));
  return Object.entries(moduleObjects).flatMap(([object, wanted]): CatalogueGap[] => {
    const there = found.get(object);
    if (!there) return [{ object, problem: 'missing' }];
    if (!there.valid) return [{ object, problem: 'invalid' }];
    return there.digest === wanted ? [] : [{ object, problem: 'changed' }];
  });
}

/** The TypeScript of module-objects.ts. */
export async function describeModuleObjects(client: Queryable): Promise<string> {
  const objects = Object.entries(await readModuleObjects(client));
  return [
    '// Generated from the catalogue of a migrated database by scripts/generate-table-types.ts. Do not edit.',
    '',
    '/** Columns, constraints, indexes and labels of the module, each with a digest of its definition; see module-catalogue.ts. */',
    'export const moduleObjects: Readonly<Record<string, string>> = {',
    ...objects.map(([object, value]) => `  ${/^[A-Za-z_]\w*$/.test(object) ? object : `'${object}'`}: '${value}',`),
    '};',
    '',
  ].join('\n');
}

/** The least with which anything can be served. What else a role lacks, the request that needs it says. */
const servingRights: readonly (readonly [table: string, privilege: string])[] = [
  ['patients', 'SELECT'],
  ['patients', 'INSERT'],
  ['patients', 'UPDATE'],
  ['patient_audit_events', 'INSERT'],
  ['patient_outbox_events', 'INSERT'],
  ['mrn_counters', 'UPDATE'],
  ['access_sessions', 'SELECT'],
];

/** Rights with which a server could undo what it must never undo. */
const excessRights: readonly (readonly [table: string, privilege: string])[] = [
  ['patients', 'DELETE'],
  ['patients', 'TRUNCATE'],
  ['patient_audit_events', 'UPDATE'],
  ['patient_audit_events', 'DELETE'],
];

/** What the present role may not do and would have to, as `UPDATE patients`. */
export async function readServingRights(client: Queryable): Promise<string[]> {
  return rightsThat(client, { rights: servingRights, held: false });
}

/** What the present role may do and should not: a server needs a member of onechart_app, not an owner. */
export async function readExcessRights(client: Queryable): Promise<string[]> {
  return rightsThat(client, { rights: excessRights, held: true });
}

async function rightsThat(client: Queryable, { rights, held }: { rights: typeof servingRights; held: boolean }): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select wanted.privilege || ' ' || wanted.relation as name
     from unnest($1::text[], $2::text[]) with ordinality as wanted(relation, privilege, place)
     where pg_catalog.has_table_privilege(pg_catalog.quote_ident(wanted.relation), wanted.privilege) = $3 order by wanted.place`,
    [rights.map(([table]) => table), rights.map(([, privilege]) => privilege), held],
  );
  return rows.map(({ name }) => name);
}
