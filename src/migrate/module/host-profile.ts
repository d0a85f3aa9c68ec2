import type { ClientBase } from 'pg';
import { quoteRelation, relationName, relationSql, splitRelation } from '../relation.ts';
import { defaultLinkTables, type HostIdType, type HostLinkTable, type HostProfile } from './host.ts';
import { linkIndexMigrationName, renderLinkIndexes } from './render-module.ts';

/** What a person may tell about the host; everything else is read from its catalogue. */
export interface HostOptions {
  readonly schema: string;
  /** `table`, `table.column`, `schema.table` or `schema.table.column`; the list replaces the default five. */
  readonly linkTables?: readonly string[];
  /** The host's table of users (`users`, or `schema.table`), or false when the user columns are to carry no foreign key. */
  readonly usersTable?: string | false;
}

/** Something about the host that a person should know before the migration; `block` stops it. */
export interface HostFinding {
  readonly level: 'block' | 'warn' | 'info';
  readonly code: string;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

interface TableRow {
  readonly table: string;
  readonly kind: string;
  readonly hasPrimaryKey: boolean;
}

interface ColumnRow {
  readonly table: string;
  readonly column: string;
  /** The type below any domain, as the server writes it. */
  readonly type: string;
  readonly indexed: boolean;
  readonly unique: boolean;
  /** Tables its single-column foreign keys point at. */
  readonly references: string[];
}

const linkColumnNames = ['patientId', 'patient_id'];
/** patients carries no patientId; the others are tied to it by their own keys. */
const moduleTables = ['patients', 'patient_contacts', 'patient_documents', 'patient_allergies', 'patient_risk_flags', 'patient_merge_history'];

/**
 * Reads from the catalogue how the module's migrations have to be written for this host.
 * The profile is undefined when a finding blocks it.
 */
export async function readHostProfile(client: ClientBase, options: HostOptions): Promise<{ profile: HostProfile | undefined; findings: HostFinding[] }> {
  const findings: HostFinding[] = [];
  const tables = await readTables(client, options.schema);
  const columns = await readColumns(client, options.schema);
  const links = resolveLinks(options, tables, columns, findings);
  const idType = commonIdType(links, findings);
  const users = await resolveUsers(client, options, { tables, columns, idType: idType ?? 'uuid', findings });
  const linkTables = await withoutOwnIndexes(client, options.schema, links);
  for (const link of linkTables.filter((each) => !each.indexed)) {
    findings.push(
      finding('info', 'LINK_COLUMN_NOT_INDEXED', `${link.table}.${link.column} has no index of its own; migration ${linkIndexMigrationName} builds one.`, link),
    );
  }
  proposeLinks(options, { columns, links, findings });
  if (idType === undefined || findings.some((each) => each.level === 'block')) return { profile: undefined, findings };
  return {
    profile: {
      schema: options.schema,
      idType,
      userIdType: users.type,
      usersTable: users.table,
      linkTables: linkTables.map(({ table, column, indexed }) => ({ table, column, indexed })),
    },
    findings,
  };
}

function finding(level: HostFinding['level'], code: string, message: string, details: object = {}): HostFinding {
  return { level, code, message, details: { ...details } };
}

function resolveLinks(options: HostOptions, tables: Map<string, TableRow>, columns: readonly ColumnRow[], findings: HostFinding[]): ColumnRow[] {
  const links: ColumnRow[] = [];
  for (const wanted of options.linkTables ?? defaultLinkTables) {
    const { table, column } = splitLink(wanted, { tables, home: options.schema });
    const found = tables.get(table);
    if (!found) {
      findings.push(
        finding(
          'block',
          'LINK_TABLE_MISSING',
          `There is no table ${table} in schema ${options.schema}. If the host's tables are called otherwise, name all of them with --link-table table or table.column.`,
          { schema: options.schema, table },
        ),
      );
      continue;
    }
    if (found.kind !== 'r' && found.kind !== 'p') {
      findings.push(
        finding(
          'block',
          'LINK_TABLE_KIND',
          `${table} is not an ordinary table, so it cannot carry a foreign key. Name the table behind it with --link-table.`,
          { table, kind: found.kind },
        ),
      );
      continue;
    }
    const names = column === undefined ? linkColumnNames : [column];
    const row = names.flatMap((name) => columns.filter((each) => each.table === table && each.column === name))[0];
    if (!row) {
      findings.push(
        finding(
          'block',
          'LINK_COLUMN_MISSING',
          `Table ${table} has no column ${names.join(' or ')}. Name the column that holds the patient with --link-table ${table}.<column>.`,
          { table, columns: names },
        ),
      );
      continue;
    }
    if (links.includes(row)) continue;
    const elsewhere = row.references.filter((target) => target !== 'patients');
    if (elsewhere.length > 0) {
      findings.push(
        finding(
          'block',
          'LINK_COLUMN_REFERENCES_OTHER',
          `${row.table}.${row.column} already references ${elsewhere.join(', ')}. Drop that key first, or leave the table out with --link-table.`,
          { table, column: row.column, references: elsewhere },
        ),
      );
    }
    if (!found.hasPrimaryKey) {
      findings.push(
        finding(
          'warn',
          'LINK_TABLE_WITHOUT_PRIMARY_KEY',
          `Table ${table} has no primary key, so single rows of it cannot be named when orphans are resolved. Give it one.`,
          { table },
        ),
      );
    }
    links.push(row);
  }
  return links;
}

/** `table`, `table.column`, `schema.table` or `schema.table.column`; a table whose own name has dots wins. */
function splitLink(wanted: string, where: { tables: ReadonlyMap<string, TableRow>; home: string }): { table: string; column: string | undefined } {
  const whole = resolveTable(wanted, where);
  if (whole !== undefined) return { table: whole, column: undefined };
  const dot = wanted.lastIndexOf('.');
  if (dot < 0) return { table: wanted, column: undefined };
  const table = wanted.slice(0, dot);
  return { table: resolveTable(table, where) ?? table, column: wanted.slice(dot + 1) };
}

/** A table by its name in the schema at hand, or by `schema.table`. */
function resolveTable(wanted: string, { tables, home }: { tables: ReadonlyMap<string, TableRow>; home: string }): string | undefined {
  if (tables.has(wanted)) return wanted;
  for (let dot = wanted.indexOf('.'); dot > 0; dot = wanted.indexOf('.', dot + 1)) {
    const name = relationName(wanted.slice(0, dot), wanted.slice(dot + 1), home);
    if (tables.has(name)) return name;
  }
  return undefined;
}

/**
 * uuid or text. varchar counts as text: PostgreSQL compares both with the same operator and without a conversion, so a varchar column may
 * reference a text one and its index serves the key. char(n) pads with blanks, citext ignores case and numbers are no ids of ours: refused.
 */
function idTypeOf(type: string): HostIdType | undefined {
  if (type === 'uuid') return 'uuid';
  return type === 'text' || type === 'character varying' ? 'text' : undefined;
}

function commonIdType(links: readonly ColumnRow[], findings: HostFinding[]): HostIdType | undefined {
  for (const link of links.filter((each) => idTypeOf(each.type) === undefined)) {
    findings.push(
      finding(
        'block',
        'LINK_COLUMN_TYPE',
        `${link.table}.${link.column} is of type ${link.type}; patient ids are uuid or text. Convert the column, or leave the table out with --link-table.`,
        { table: link.table, column: link.column, type: link.type },
      ),
    );
  }
  const types = new Set(links.flatMap((link) => idTypeOf(link.type) ?? []));
  if (types.size > 1) {
    const list = links.map((link) => `${link.table}.${link.column} ${link.type}`);
    findings.push(
      finding(
        'block',
        'LINK_TYPES_MIXED',
        `The link columns are not of one type, so no patients.id can serve all of them: ${list.join(', ')}. Convert the odd ones, or leave them out with --link-table.`,
        {
          columns: links.map(({ table, column, type }) => ({ table, column, type })),
        },
      ),
    );
    return undefined;
  }
  if (links.length === 0 && !findings.some((each) => each.level === 'block')) {
    findings.push(
      finding('block', 'LINK_TABLES_NONE', 'No link table is named, so the type of patient ids is not known. Name at least one with --link-table.'),
    );
  }
  return [...types][0];
}

async function resolveUsers(
  client: ClientBase,
  options: HostOptions,
  found: { tables: Map<string, TableRow>; columns: readonly ColumnRow[]; idType: HostIdType; findings: HostFinding[] },
): Promise<{ table: string | undefined; type: HostIdType }> {
  const { findings } = found;
  const wanted = options.usersTable === false ? 'users' : (options.usersTable ?? 'users');
  const table = resolveTable(wanted, { tables: found.tables, home: options.schema }) ?? wanted;
  const id = found.columns.find((each) => each.table === table && each.column === 'id');
  if (options.usersTable === false) {
    // Ids of users kept elsewhere may be numbers; text holds them all.
    const type = found.tables.has(table) ? ((id && idTypeOf(id.type)) ?? 'text') : found.idType;
    findings.push(finding('info', 'USERS_TABLE_LEFT_OUT', `The user columns carry no foreign key, as told; they are of type ${type}.`, { type }));
    return { table: undefined, type };
  }
  if (!found.tables.has(table)) {
    const named = options.usersTable !== undefined;
    findings.push(
      finding(
        named ? 'block' : 'warn',
        'USERS_TABLE_MISSING',
        named
          ? `There is no table ${table} in schema ${options.schema}. Correct --users-table, or say --no-users-table.`
          : 'The host has no table users, so createdBy, updatedBy and the other user columns carry no foreign key. If its users are in another table, name it with --users-table.',
        { schema: options.schema, table },
      ),
    );
    return { table: undefined, type: found.idType };
  }
  const type = id && idTypeOf(id.type);
  if (!type) {
    findings.push(
      finding(
        'block',
        'USERS_ID_TYPE',
        id
          ? `${table}.id is of type ${id.type}; the user columns can reference uuid or text. Say --no-users-table to do without the keys.`
          : `Table ${table} has no column id. Name the table of users with --users-table, or say --no-users-table.`,
        {
          table,
          type: id?.type,
        },
      ),
    );
    return { table: undefined, type: found.idType };
  }
  if (!id.unique) await reportUsersKey(client, options.schema, { table, findings });
  return { table, type };
}

async function reportUsersKey(client: ClientBase, schema: string, where: { table: string; findings: HostFinding[] }): Promise<void> {
  const target = quoteRelation(where.table, schema);
  const { rows } = await client.query<{ duplicates: string; nulls: string }>(
    `SELECT (SELECT count(*) FROM (SELECT FROM ${target} WHERE "id" IS NOT NULL GROUP BY "id" HAVING count(*) > 1) AS twice)::text AS duplicates, (SELECT count(*) FROM ${target} WHERE "id" IS NULL)::text AS nulls`,
  );
  const counts = { duplicates: Number(rows[0]?.duplicates), nulls: Number(rows[0]?.nulls) };
  const state = counts.duplicates + counts.nulls > 0 ? `; ${counts.duplicates} ids stand there more than once and ${counts.nulls} rows have none` : '';
  where.findings.push(
    finding(
      'block',
      'USERS_ID_NOT_UNIQUE',
      `${where.table}.id has no primary key or unique constraint, so nothing can reference it${state}. ${state ? 'Correct these rows, then give' : 'Give'} it a primary key, or say --no-users-table.`,
      {
        table: where.table,
        ...counts,
      },
    ),
  );
}

/** Every other column that looks as if it named a patient and is tied to nothing. */
function proposeLinks(options: HostOptions, found: { columns: readonly ColumnRow[]; links: readonly ColumnRow[]; findings: HostFinding[] }): void {
  const others = found.columns.filter(
    (each) =>
      linkColumnNames.includes(each.column) &&
      each.references.length === 0 &&
      !found.links.includes(each) &&
      !moduleTables.includes(each.table) &&
      splitRelation(each.table, options.schema).schema === options.schema,
  );
  for (const { table, column, type } of others) {
    const expected = (defaultLinkTables as readonly string[]).includes(table);
    found.findings.push(
      finding(
        expected ? 'warn' : 'info',
        expected ? 'LINK_TABLE_LEFT_OUT' : 'LINK_TABLE_PROPOSED',
        `${table}.${column} looks as if it named a patient, but has no foreign key and is not among the link tables. Add it with --link-table ${table}${column === 'patientId' ? '' : `.${column}`} if it should be checked too.`,
        { schema: options.schema, table, column, type },
      ),
    );
  }
}

/**
 * Whether a link column has an index of the *host*. Once our migration of link indexes is in the history, its indexes stand in the catalogue
 * like any other; which of them are ours is read back from the checksum, so that the same file is rendered as long as it is applied.
 */
async function withoutOwnIndexes(client: ClientBase, schema: string, links: readonly ColumnRow[]): Promise<HostLinkTable[]> {
  const plain: HostLinkTable[] = links.map(({ table, column, indexed }) => ({ table, column, indexed }));
  const checksum = await readLinkIndexChecksum(client, schema);
  if (checksum === undefined) return plain;
  const candidates = plain.filter((link) => link.indexed).slice(0, maxCandidates);
  for (let mask = 0; mask < 2 ** candidates.length; mask += 1) {
    const ours = new Set(candidates.filter((_, at) => mask & (1 << at)));
    const guess = plain.map((link) => (ours.has(link) ? { ...link, indexed: false } : link));
    if (renderLinkIndexes(guess.filter((link) => !link.indexed))?.checksum === checksum) return guess;
  }
  return plain;
}

/** 2^14 renderings of a few lines take a tenth of a second; hosts have five to ten link tables. */
const maxCandidates = 14;

async function readLinkIndexChecksum(client: ClientBase, schema: string): Promise<string | undefined> {
  const history = `${client.escapeIdentifier(schema)}."_prisma_migrations"`;
  const { rows: there } = await client.query<{ there: boolean }>('SELECT to_regclass($1) IS NOT NULL AS there', [history]);
  if (!there[0]?.there) return undefined;
  const { rows } = await client.query<{ checksum: string }>(
    `SELECT checksum FROM ${history} WHERE migration_name ~ '^[0-9]{14}_index_link_tables$' AND rolled_back_at IS NULL ORDER BY started_at DESC LIMIT 1`,
  );
  return rows[0]?.checksum;
}

/** The host may keep its tables in several schemas; those of the server and of the engine hold none of them. */
const hostSchemas = `n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'onechart')`;

async function readTables(client: ClientBase, schema: string): Promise<Map<string, TableRow>> {
  const { rows } = await client.query<TableRow>(
    `SELECT ${relationSql('n.nspname', 'c.relname')} AS "table", c.relkind::text AS "kind",
            EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisprimary) AS "hasPrimaryKey"
       FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE ${hostSchemas} AND c.relkind IN ('r', 'p', 'v', 'm', 'f')`,
    [schema],
  );
  return new Map(rows.map((row) => [row.table, row]));
}

/** Columns named `id` or possibly holding a patient; an index serves them when it is valid, led by the column and covers every non-null value. */
async function readColumns(client: ClientBase, schema: string): Promise<ColumnRow[]> {
  const { rows } = await client.query<ColumnRow>(
    `SELECT ${relationSql('n.nspname', 'c.relname')} AS "table", a.attname AS "column",
            pg_catalog.format_type(COALESCE(NULLIF(t.typbasetype, 0), t.oid), NULL) AS "type",
            EXISTS (SELECT FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid JOIN pg_catalog.pg_am am ON am.oid = ic.relam
                     WHERE i.indrelid = c.oid AND i.indisvalid AND i.indkey[0] = a.attnum AND (am.amname = 'btree' OR (am.amname = 'hash' AND i.indnkeyatts = 1))
                       AND (i.indpred IS NULL OR pg_catalog.pg_get_expr(i.indpred, i.indrelid) = format('(%I IS NOT NULL)', a.attname))) AS "indexed",
            EXISTS (SELECT FROM pg_catalog.pg_index i
                     WHERE i.indrelid = c.oid AND i.indisunique AND i.indimmediate AND i.indisvalid AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum AND i.indpred IS NULL) AS "unique",
            ARRAY(SELECT DISTINCT target.relname::text FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class target ON target.oid = k.confrelid
                   WHERE k.conrelid = c.oid AND k.contype = 'f' AND a.attnum = ANY (k.conkey) ORDER BY 1) AS "references"
       FROM pg_catalog.pg_class c
       JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
       JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
       JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
      WHERE ${hostSchemas} AND c.relkind IN ('r', 'p') AND NOT c.relispartition
      ORDER BY n.nspname <> $1, 1, a.attnum`,
    [schema],
  );
  return rows;
}
