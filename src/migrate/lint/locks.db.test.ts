import { expect, test } from 'vitest';
import { readCorpus } from '../../../test/corpus/index.ts';
import { createDatabase, type TestDatabase } from '../../../test/support/database.ts';
import { learn, nothingKnown } from './known.ts';
import { blocksWrites, type Lock, type LockMode, locksOf, stronger } from './locks.ts';
import { loadParser, readScript, type ScriptStatement } from './script.ts';

// What the linter says of locks and rewrites is what the server does: every statement of the corpus is run, its locks
// are read from pg_locks; a table whose file has changed was written anew, one with a further scan was read.

const corpus = readCorpus();
const base = corpus[0] as (typeof corpus)[number];

/** Cannot run inside a transaction, in which locks can be looked at; or is made to fail. */
const leftOut = ({ kind, node, text }: ScriptStatement) =>
  /CONCURRENTLY/.test(text) ||
  ['VacuumStmt', 'DropdbStmt', 'CreatedbStmt', 'TransactionStmt'].includes(kind) ||
  (kind === 'ReindexStmt' && node.kind === 'REINDEX_OBJECT_SYSTEM');

/** Made to fail: what it needs is not there (left out here, too), or the server refuses it, which is what the linter says. */
const failing = new Set([
  '022_unique_constraint_using_index.sql',
  '028_required_column.sql',
  '043_enum_value_used.sql',
  '063_column_twice.sql',
  '071_psql_script.sql',
]);

interface State {
  readonly tables: Map<string, { file: number; reads: number; isPartition: boolean }>;
  readonly locks: Map<string, LockMode>;
}

async function stateOf(client: { query: TestDatabase['query'] | ((sql: string) => Promise<{ rows: unknown[] }>) }): Promise<State> {
  const answer = await client.query(`
    SELECT c.relname AS name, c.relfilenode::int AS file, coalesce(s.seq_scan, 0)::int AS reads, c.relispartition AS "isPartition", array_remove(array_agg(l.mode), NULL) AS modes
    FROM pg_class c LEFT JOIN pg_locks l ON l.relation = c.oid AND l.pid = pg_backend_pid() AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    LEFT JOIN pg_stat_xact_user_tables s ON s.relid = c.oid
    WHERE c.relkind IN ('r', 'p', 'm') AND c.relnamespace NOT IN (SELECT oid FROM pg_namespace WHERE nspname LIKE 'pg\\_%' OR nspname = 'information_schema')
    GROUP BY c.oid, c.relname, c.relfilenode, c.relispartition, s.seq_scan`);
  const rows = (Array.isArray(answer) ? answer : answer.rows) as { name: string; file: number; reads: number; isPartition: boolean; modes: string[] }[];
  const tables = new Map<string, { file: number; reads: number; isPartition: boolean }>();
  const locks = new Map<string, LockMode>();
  for (const { name, file, reads, isPartition, modes } of rows) {
    tables.set(name, { file, reads, isPartition });
    for (const mode of modes.map(inWords)) if (blocksWrites(mode)) locks.set(name, stronger(mode, locks.get(name) ?? mode));
  }
  return { tables, locks };
}

/** AccessExclusiveLock as ACCESS EXCLUSIVE. */
function inWords(mode: string): LockMode {
  return mode
    .replace(/Lock$/, '')
    .replace(/(?<=[a-z])(?=[A-Z])/g, ' ')
    .toUpperCase() as LockMode;
}

function strongest(locks: readonly Lock[]): Map<string, LockMode> {
  const by = new Map<string, LockMode>();
  for (const { table, mode } of locks) if (blocksWrites(mode)) by.set(table, stronger(mode, by.get(table) ?? mode));
  return by;
}

test('every statement of the corpus takes the locks, and reads and writes the tables, as the linter says', async () => {
  await loadParser();
  await using origin = await createDatabase();
  await origin.query(base.sql);
  await origin.query(`
    INSERT INTO "users" ("id", "email") VALUES ('00000000-0000-0000-0000-000000000000', 'a@example.org');
    INSERT INTO "rooms" ("name") VALUES ('North');
    INSERT INTO "bookings" ("roomId", "userId", "startsAt", "endsAt", "title") SELECT 1, "id", now(), now(), 'First' FROM "users";
    INSERT INTO "invoices" ("amount") VALUES (1);
    INSERT INTO visits VALUES ('2025-03-01', 1, 30);
    INSERT INTO visits_2026 VALUES ('2026-03-01', 1, 30);`);
  await origin.query('CREATE EXTENSION IF NOT EXISTS btree_gist').catch(() => {
    // A server without the contrib modules: then these fail, too.
    failing.add('024_exclusion_constraint.sql').add('068_grants_and_comments.sql');
  });
  const client = await origin.pool().connect();
  const differences: string[] = [];
  const failed = new Set<string>();
  let compared = 0;
  try {
    for (const file of corpus.slice(1)) {
      const known = nothingKnown();
      for (const { kind, node } of readScript({ file: base.name, name: base.name, sql: base.sql }).statements) learn(known, kind, node, 0);
      await client.query('BEGIN');
      for (const statement of readScript({ file: file.name, name: file.name, sql: file.sql }).statements) {
        const { kind, node, text, number } = statement;
        if (leftOut(statement)) continue;
        const before = await stateOf(client);
        await client.query('SAVEPOINT before_statement');
        try {
          await client.query(text);
        } catch {
          await client.query('ROLLBACK TO before_statement');
          failed.add(file.name);
          continue;
        }
        const after = await stateOf(client);
        const says = locksOf(kind, node, { known, isNew: (table) => known.tables.get(table)?.madeBy === 1 });
        learn(known, kind, node, 1);
        // Locks add up in the transaction: what is new or stronger is this statement's.
        const taken = [...after.locks].filter(([table, mode]) => before.tables.has(table) && before.locks.get(table) !== mode);
        const said = [...strongest(says)].filter(([table]) => before.tables.has(table) && after.tables.has(table));
        for (const [table, mode] of taken)
          if (!after.tables.get(table)?.isPartition && said.find(([name]) => name === table)?.[1] !== mode)
            differences.push(`${file.name} ${number}: ${mode} on ${table}, said ${said.find(([name]) => name === table)?.[1] ?? 'nothing'}`);
        for (const [table, mode] of said)
          if (stronger(after.locks.get(table) ?? 'ACCESS SHARE', mode) !== after.locks.get(table))
            differences.push(`${file.name} ${number}: said ${mode} on ${table}, taken ${after.locks.get(table) ?? 'nothing'}`);
        if (kind === 'AlterTableStmt')
          for (const [table, { file: now, reads }] of after.tables) {
            const was = before.tables.get(table);
            // What the file itself has made is empty, whatever is done with it.
            if (!was || known.tables.get(table)?.madeBy === 1) continue;
            const works = says.filter((lock) => lock.table === table).map(({ work }) => work);
            const expected = works.includes('rewrite') ? 'written anew' : works.some((work) => work !== 'brief') ? 'read' : 'left alone';
            const actual = was.file !== now ? 'written anew' : reads > was.reads ? 'read' : 'left alone';
            if (actual !== expected) differences.push(`${file.name} ${number}: ${table} was ${actual}, said ${expected}`);
          }
        compared++;
      }
      await client.query('ROLLBACK');
    }
  } finally {
    client.release();
  }
  expect(differences).toEqual([]);
  expect([...failed].toSorted()).toEqual([...failing].toSorted());
  expect(compared).toBeGreaterThan(100);
});
