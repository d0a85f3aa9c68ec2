import type pg from 'pg';
import { AppError } from '../base/errors.ts';
import { type Catalogue, readCatalogue } from './catalogue.ts';
import { inOneQuery, inRolledBackTransaction, quote, row, rows } from './sql.ts';
import type { Statement } from './statement.ts';

/**
 * The picture the migrations would make, drawn by this very server: their statements run on temporary tables in a
 * transaction that is rolled back. So types, defaults and expressions come out in the server's own words, whatever
 * its version, and no second database is needed (Prisma's shadow database wants the right to create one).
 *
 * Host tables that keys point at are copied empty with LIKE; that takes ACCESS SHARE on them, which waits for nobody's
 * writes. Whole picture of the module: about 60 ms.
 */
export async function desiredCatalogue(client: pg.ClientBase, schema: string, statements: readonly Statement[]): Promise<Catalogue> {
  const created = new Set(statements.flatMap(({ effect }) => (effect.kind === 'table' ? [effect.name] : [])));
  const hostTables = touchedTables(statements).filter((table) => !created.has(table));
  await requireTables(client, schema, hostTables);
  return inRolledBackTransaction(client, async () => {
    const drawing = [`SET LOCAL search_path TO pg_temp, ${quote(schema)}`];
    for (const table of hostTables) {
      drawing.push(`CREATE TEMP TABLE ${quote(table)} (LIKE ${quote(schema)}.${quote(table)} INCLUDING INDEXES)`);
      // The copy must not bring along what the statements are about to make.
      for (const { effect } of statements)
        if (effect.kind === 'index' && effect.table === table) drawing.push(`DROP INDEX IF EXISTS pg_temp.${quote(effect.name)}`);
    }
    for (const { effect, text } of statements) {
      if (effect.kind !== 'opaque') drawing.push(effect.kind === 'index' ? text.replace(/\bCONCURRENTLY\b/i, '') : text);
    }
    // In one round trip: hundreds of them would be most of the time.
    await client.query(inOneQuery(drawing));
    const { name } = await row<{ name: string }>(client, 'SELECT nspname AS name FROM pg_namespace WHERE oid = pg_my_temp_schema()');
    return readCatalogue(client, name);
  });
}

/** Every table a list of statements names. */
export function touchedTables(statements: readonly Statement[]): string[] {
  const tables = statements.flatMap(({ effect }) => {
    if (effect.kind === 'foreign-key') return [effect.table, effect.references];
    if (effect.kind === 'index' || effect.kind === 'check') return [effect.table];
    if (effect.kind === 'comment' && (effect.on === 'table' || effect.on === 'column')) return [effect.target];
    return effect.kind === 'table' ? [effect.name] : [];
  });
  return [...new Set(tables)];
}

async function requireTables(client: pg.ClientBase, schema: string, tables: readonly string[]): Promise<void> {
  const found = await rows<{ name: string }>(
    client,
    `SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND c.relname = ANY($2)`,
    [schema, tables],
  );
  const missing = tables.filter((table) => !found.some(({ name }) => name === table));
  if (missing.length > 0) {
    throw new AppError(
      'unsafe',
      'HOST_TABLE_MISSING',
      `The schema "${schema}" has no table ${missing.map((name) => `"${name}"`).join(', ')}, which the migration refers to. Name the host's own tables with --link-table and --users-table, or choose the schema with --schema.`,
      { schema, missing },
    );
  }
}
