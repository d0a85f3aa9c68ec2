import { createHash } from 'node:crypto';
import type pg from 'pg';
import { quote, row, rows } from '../sql.ts';

/**
 * What a database holds, small enough for a manifest and exact enough to compare: every object with a digest of its
 * definition, the rows of every table counted, the contents of the tables that matter most as a checksum. No names, dates or
 * other contents of rows.
 *
 * Other than the picture in catalogue.ts this is what a dump carries: more kinds (functions, views, sequences, triggers,
 * policies, every schema), and no INVALID index and no constraint that a partition inherits, because pg_dump writes neither.
 */
export interface Inventory {
  /** `kind schema.name` to a digest of the definition. */
  readonly objects: Readonly<Record<string, string>>;
  /** `schema.table` to its rows. */
  readonly rows: Readonly<Record<string, number>>;
  /** `schema.table` to the checksum of its rows, in whatever order they lie. */
  readonly checksums: Readonly<Record<string, string>>;
  /**
   * `schema.sequence` to its last value, of those that only go up. A sequence knows no snapshot: the restored one may be further,
   * never behind, or the next row would get a number that is taken.
   */
  readonly sequences: Readonly<Record<string, string>>;
  /** INVALID indexes: what a dump leaves out. */
  readonly notDumped: readonly string[];
}

const ours = `n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'`;
const ownedByExtension = (oid: string, catalogue: string) =>
  `EXISTS (SELECT FROM pg_depend x WHERE x.objid = ${oid} AND x.classid = '${catalogue}'::regclass AND x.deptype = 'e')`;
const tableName = `format('%s.%s', n.nspname, c.relname)`;

const objectsQuery = `
  SELECT 'schema' AS kind, n.nspname::text AS name, '' AS definition FROM pg_namespace n WHERE ${ours}
  UNION ALL
  SELECT 'extension', e.extname::text, e.extversion FROM pg_extension e
  UNION ALL
  SELECT 'enum', format('%s.%s', n.nspname, t.typname), (SELECT string_agg(quote_literal(l.enumlabel), ', ' ORDER BY l.enumsortorder) FROM pg_enum l WHERE l.enumtypid = t.oid)
  FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE ${ours} AND t.typtype = 'e' AND NOT ${ownedByExtension('t.oid', 'pg_type')}
  UNION ALL
  SELECT 'domain', format('%s.%s', n.nspname, t.typname), format('%s %s %s %s', format_type(t.typbasetype, t.typtypmod), t.typnotnull, t.typdefault,
    (SELECT string_agg(pg_get_constraintdef(k.oid), ', ' ORDER BY k.conname) FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c'))
  FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE ${ours} AND t.typtype = 'd' AND NOT ${ownedByExtension('t.oid', 'pg_type')}
  UNION ALL
  SELECT 'table', ${tableName}, coalesce(string_agg(format('%I %s%s%s%s%s', a.attname, format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END,
      a.attidentity, a.attgenerated, coalesce(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), '')), E'\\n' ORDER BY a.attname), '')
    || coalesce(pg_get_partkeydef(c.oid), '') || coalesce(pg_get_expr(c.relpartbound, c.oid), '')
    || CASE WHEN c.relrowsecurity THEN ' ROW SECURITY' ELSE '' END || CASE WHEN c.relforcerowsecurity THEN ' FORCED' ELSE '' END
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
  WHERE ${ours} AND c.relkind IN ('r', 'p', 'f') AND NOT ${ownedByExtension('c.oid', 'pg_class')} GROUP BY n.nspname, c.oid
  UNION ALL
  SELECT CASE c.relkind WHEN 'v' THEN 'view' ELSE 'materialized view' END, ${tableName}, pg_get_viewdef(c.oid)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${ours} AND c.relkind IN ('v', 'm') AND NOT ${ownedByExtension('c.oid', 'pg_class')}
  UNION ALL
  SELECT 'sequence', ${tableName}, format('%s %s %s %s %s', format_type(s.seqtypid, NULL), s.seqincrement, s.seqmin, s.seqmax, s.seqcycle)
  FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${ours} AND NOT ${ownedByExtension('c.oid', 'pg_class')}
  UNION ALL
  SELECT 'index', format('%s.%s', n.nspname, i.relname), pg_get_indexdef(i.oid)
  FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_namespace n ON n.oid = i.relnamespace JOIN pg_class c ON c.oid = x.indrelid
  WHERE ${ours} AND (x.indisvalid OR c.relkind = 'p') AND NOT ${ownedByExtension('c.oid', 'pg_class')}
  UNION ALL
  SELECT 'constraint', format('%s.%s.%s', n.nspname, c.relname, k.conname), pg_get_constraintdef(k.oid) || CASE WHEN k.convalidated THEN '' ELSE ' NOT VALID' END
  FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE ${ours} AND k.contype IN ('c', 'f', 'p', 'u', 'x') AND k.conparentid = 0 AND NOT ${ownedByExtension('c.oid', 'pg_class')}
  UNION ALL
  SELECT 'function', format('%s.%s(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)), CASE WHEN p.prokind = 'a' THEN '' ELSE pg_get_functiondef(p.oid) END
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE ${ours} AND NOT ${ownedByExtension('p.oid', 'pg_proc')}
  UNION ALL
  SELECT 'trigger', format('%s.%s.%s', n.nspname, c.relname, t.tgname), pg_get_triggerdef(t.oid) || t.tgenabled::text
  FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE ${ours} AND NOT t.tgisinternal AND t.tgparentid = 0 AND NOT ${ownedByExtension('c.oid', 'pg_class')}
  UNION ALL
  SELECT 'policy', format('%s.%s.%s', n.nspname, c.relname, p.polname), format('%s %s %s %s', p.polcmd, p.polpermissive, pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
  FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${ours}
  UNION ALL
  SELECT 'rule', format('%s.%s.%s', n.nspname, c.relname, r.rulename), pg_get_ruledef(r.oid)
  FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE ${ours} AND r.rulename <> '_RETURN' AND NOT ${ownedByExtension('c.oid', 'pg_class')}
  UNION ALL
  SELECT 'comment', format('%s.%s%s', n.nspname, c.relname, coalesce('.' || a.attname, '')), d.description
  FROM pg_description d JOIN pg_class c ON c.oid = d.objoid AND d.classoid = 'pg_class'::regclass JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.objsubid AND d.objsubid > 0
  LEFT JOIN pg_index x ON x.indexrelid = c.oid
  WHERE ${ours} AND (x.indexrelid IS NULL OR x.indisvalid) AND NOT ${ownedByExtension('c.oid', 'pg_class')}`;

/** How a row reads as text must not depend on who asks. */
const textSettings = `SET LOCAL search_path = pg_catalog; SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL intervalstyle = 'postgres';
  SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex'; SET LOCAL row_security = off`;

/** Fixes what the texts of the server depend on, for the rest of the open transaction. */
export async function settleTexts(client: pg.ClientBase): Promise<void> {
  await client.query(textSettings);
}

export interface ReadInventoryOptions {
  /** Tables to make a checksum of, `schema.table`, those that are not there left out; or all, which reads every row to its last byte. */
  readonly checksumTables: readonly string[] | 'all';
  /** Read before a dump begins, where there is one. */
  readonly sequences?: Readonly<Record<string, string>> | undefined;
  /** Told after each table. */
  readonly onTable?: ((done: number, of: number) => void) | undefined;
}

/**
 * Reads the inventory within the open transaction, which should be one of REPEATABLE READ (see `settleTexts`).
 *
 * The objects come first and with them the locks that keep them as they are. On the sample EHR with 1 million rows
 * (276 MB, 2 cores at a load of 20): 0.4 s for the counts, 8.3 s with the checksums of the five link tables.
 */
export async function readInventory(client: pg.ClientBase, options: ReadInventoryOptions): Promise<Inventory> {
  const objects = await readObjects(client);
  const tables = await rows<{ schema: string; name: string; kind: string }>(
    client,
    `SELECT n.nspname AS schema, c.relname AS name, c.relkind AS kind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE ${ours} AND c.relkind IN ('r', 'p') AND NOT ${ownedByExtension('c.oid', 'pg_class')} ORDER BY 1, 2`,
  );
  const counts: Record<string, number> = {};
  const checksums: Record<string, string> = {};
  let done = 0;
  for (const { schema, name, kind } of tables) {
    const key = `${schema}.${name}`;
    const from = `${quote(schema)}.${quote(name)}`;
    if (options.checksumTables === 'all' ? kind === 'r' : options.checksumTables.includes(key)) {
      // A sum does not mind the order. hashtextextended is the same from 11 on; numeric so that nothing overflows.
      const { count, checksum } = await row<{ count: string; checksum: string }>(
        client,
        `SELECT count(*)::text AS count, coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text AS checksum FROM ${from} t`,
      );
      checksums[key] = checksum;
      // The rows of a partitioned table are those of its partitions.
      if (kind === 'r') counts[key] = Number(count);
    } else if (kind === 'r') {
      counts[key] = Number((await row<{ count: string }>(client, `SELECT count(*)::text AS count FROM ${from}`)).count);
    }
    done += 1;
    options.onTable?.(done, tables.length);
  }
  const notDumped = await rows<{ name: string }>(
    client,
    `SELECT format('%s.%s', n.nspname, i.relname) AS name FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_namespace n ON n.oid = i.relnamespace
     JOIN pg_class c ON c.oid = x.indrelid WHERE ${ours} AND NOT x.indisvalid AND c.relkind <> 'p' ORDER BY 1`,
  );
  // Scanned documents may be kept as large objects, which belong to no table. Everyone may count them.
  const { large } = await row<{ large: string }>(client, 'SELECT count(*)::text AS large FROM pg_largeobject_metadata');
  if (large !== '0') counts['large objects'] = Number(large);
  const sequences = options.sequences ?? (await readSequences(client));
  return { objects, rows: counts, checksums, sequences, notDumped: notDumped.map(({ name }) => name) };
}

/** See `Inventory.sequences`. Those that the user may not read are left out. */
export async function readSequences(client: pg.ClientBase): Promise<Record<string, string>> {
  const found = await rows<{ name: string; value: string }>(
    client,
    `SELECT format('%s.%s', schemaname, sequencename) AS name, last_value::text AS value FROM pg_sequences
     WHERE last_value IS NOT NULL AND increment_by > 0 AND NOT cycle AND schemaname !~ '^pg_' ORDER BY 1`,
  );
  return Object.fromEntries(found.map(({ name, value }) => [name, value]));
}

/** The objects alone: what tells whether the schema is still the one that was saved. */
export async function readObjects(client: pg.ClientBase): Promise<Record<string, string>> {
  const found = await rows<{ kind: string; name: string; definition: string | null }>(client, objectsQuery);
  return Object.fromEntries(
    found.map(({ kind, name, definition }) => [`${kind} ${name}`, digest(definition ?? '')] as const).sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/**
 * Digest of a definition as the server prints it, without casts, brackets and blanks: these change when an expression is printed,
 * dumped and read again (`status = ANY ((ARRAY['a'::varchar])::text[])` comes back as `ANY (ARRAY[('a'::varchar)::text])`).
 */
function digest(definition: string): string {
  const type = `(?:"(?:[^"]|"")+"|[a-z_][a-z0-9_]*)`;
  const cast = new RegExp(
    `::(?:character varying|double precision|bit varying|(?:timestamp|time)(?:\\(\\d\\))? with(?:out)? time zone|${type}(?:\\.${type})?)(?:\\(\\d+(?:,\\d+)?\\))?(?:\\[\\])*`,
    'g',
  );
  const bare = definition.replace(cast, '').replace(/[\s()]+/g, '');
  return createHash('sha256').update(bare).digest('hex').slice(0, 16);
}

/** In words what one inventory has and the other has not; empty when they agree. At most `most` lines and one that counts the rest. */
export function compareInventories(saved: Inventory, restored: Inventory, options: { definitions: boolean; most?: number }): string[] {
  const differences: string[] = [];
  for (const [name, definition] of Object.entries(saved.objects)) {
    const found = restored.objects[name];
    if (found === undefined) differences.push(`${name} is missing`);
    else if (options.definitions && found !== definition) differences.push(`${name} has another definition`);
  }
  for (const name of Object.keys(restored.objects)) if (saved.objects[name] === undefined) differences.push(`${name} should not be there`);
  for (const [name, expected] of Object.entries(saved.rows)) {
    const found = restored.rows[name];
    if (name === 'large objects') {
      if ((found ?? 0) !== expected) differences.push(`there are ${found ?? 0} large objects instead of ${expected}`);
    } else if (found !== undefined && found !== expected) differences.push(`table ${name} has ${found} rows instead of ${expected}`);
  }
  for (const [name, checksum] of Object.entries(saved.checksums)) {
    const found = restored.checksums[name];
    if (found !== undefined && found !== checksum && saved.rows[name] === restored.rows[name]) differences.push(`the rows of table ${name} are not the same`);
  }
  for (const [name, value] of Object.entries(saved.sequences)) {
    const found = restored.sequences[name];
    if (restored.objects[`sequence ${name}`] !== undefined && (found === undefined || BigInt(found) < BigInt(value)))
      differences.push(`sequence ${name} is behind: ${found ?? 'never used'} instead of ${value}`);
  }
  const most = options.most ?? 8;
  return differences.length <= most ? differences : [...differences.slice(0, most), `${differences.length - most} more`];
}
