import { expect, test } from 'vitest';
import { readCorpus } from '../../../test/corpus/index.ts';
import { createDatabase, type TestDatabase, withClient } from '../../../test/support/database.ts';
import { readCatalogue } from '../catalogue.ts';
import { lintMigrations } from './lint.ts';
import { loadParser, readScript } from './script.ts';

// A rewrite is only safe when it ends where the statement would have ended: both are run, and the catalogues compared.

const corpus = readCorpus();
const base = corpus[0] as (typeof corpus)[number];

/** File and rule whose rewrite stands for the whole file. */
const pairs: readonly (readonly [file: string, rule: string])[] = [
  ['002_index', 'index-blocks-writes'],
  ['003_unique_index', 'index-blocks-writes'],
  ['009_drop_index', 'drop-index-blocks'],
  ['011_reindex', 'reindex-blocks'],
  ['013_foreign_key', 'foreign-key-blocks-writes'],
  ['019_check', 'check-blocks-table'],
  ['021_unique_constraint', 'unique-constraint-blocks-table'],
  ['023_primary_key', 'primary-key-blocks-table'],
  ['030_set_not_null', 'not-null-reads-table'],
  ['043_enum_value_used', 'enum-value-used-in-transaction'],
  ['054_domain_gets_check', 'domain-constraint-reads-tables'],
];

async function prepared(): Promise<TestDatabase> {
  const database = await createDatabase();
  await database.query(base.sql);
  await database.query(`
    INSERT INTO "users" ("email") VALUES ('a@example.org');
    INSERT INTO "rooms" ("name") VALUES ('North');
    INSERT INTO "bookings" ("roomId", "userId", "startsAt", "endsAt", "title", "fee") SELECT 1, "id", now(), now(), 'First', 1 FROM "users";
    INSERT INTO visits_2026 VALUES ('2026-03-01', 1, 30);`);
  return database;
}

/** Each statement by itself, as migrations of their own do. */
async function runEach(database: TestDatabase, sql: string): Promise<void> {
  await withClient(database.url, async (client) => {
    for (const { text } of readScript({ file: 'x', name: 'x', sql }).statements) await client.query(text);
  });
}

/** The catalogue in words: two databases made the same way are equal. */
async function picture(database: TestDatabase): Promise<unknown> {
  const catalogue = await withClient(database.url, (client) => readCatalogue(client, 'public'));
  return Object.fromEntries(Object.entries(catalogue).map(([kind, value]) => [kind, value instanceof Map ? Object.fromEntries(value) : value]));
}

test.each(pairs)('%s: the rewrite of %s ends in the same catalogue', async (name, rule) => {
  await loadParser();
  const file = corpus.find((each) => each.name === `${name}.sql`) as (typeof corpus)[number];
  const { findings } = await lintMigrations(
    [base, file].map((each) => ({ file: each.name, name: each.name, sql: each.sql })),
    { only: new Set([file.name]) },
  );
  const rewrite = findings.find((finding) => finding.rule === rule && finding.rewriteIsSql)?.rewrite ?? '';
  expect(rewrite).not.toBe('');
  await using plain = await prepared();
  await using safe = await prepared();
  const before = await picture(plain);
  await runEach(plain, file.sql);
  await runEach(safe, rewrite);
  expect(await picture(safe)).toEqual(await picture(plain));
  if (rule !== 'reindex-blocks' && rule !== 'domain-constraint-reads-tables') expect(await picture(plain)).not.toEqual(before);
});

test('DETACH PARTITION CONCURRENTLY leaves a check behind, as the rewrite says', async () => {
  await using database = await prepared();
  await runEach(database, 'ALTER TABLE visits DETACH PARTITION visits_2025 CONCURRENTLY');
  const [check] = await database.query(`SELECT conname AS name FROM pg_constraint WHERE conrelid = 'visits_2025'::regclass AND contype = 'c'`);
  expect(check).toEqual({ name: 'visits_2025_visit_day_check' });
});
