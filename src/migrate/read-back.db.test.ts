import { expect, test } from 'vitest';
import { createDatabase } from '../../test/support/database.ts';
import { findCatalogueGaps } from '../db/module-catalogue.ts';
import { parseDatabaseUrl } from '../base/config.ts';
import { settled } from './catalogue.ts';
import { verifyMigration } from './engine.ts';

// A restored database holds every expression as it was printed and read again. It must not be taken for one that has drifted: a
// server would refuse to serve it in the very hour that it is needed.

test('checks that were printed and read again are as defined, for the engine and for readiness', async () => {
  await using database = await createDatabase({ template: 'applied' });
  const checks = await database.query<{ table: string; name: string; definition: string }>(
    `SELECT conrelid::regclass::text AS table, quote_ident(conname) AS name, pg_get_constraintdef(oid) AS definition FROM pg_constraint
     WHERE contype = 'c' AND conislocal AND coninhcount = 0 AND connamespace = 'public'::regnamespace`,
  );
  await database.query(
    checks.map(({ table, name, definition }) => `ALTER TABLE ${table} DROP CONSTRAINT ${name}, ADD CONSTRAINT ${name} ${definition}`).join(';'),
  );
  const after = await database.query<{ definition: string }>(
    `SELECT pg_get_constraintdef(oid) AS definition FROM pg_constraint WHERE contype = 'c' AND connamespace = 'public'::regnamespace`,
  );
  // Otherwise this test proves nothing.
  expect(after.filter(({ definition }) => settled(definition) !== definition).length).toBeGreaterThan(10);
  expect((await verifyMigration({ address: parseDatabaseUrl(database.url) })).items.filter(({ ok }) => !ok)).toEqual([]);
  const client = await database.pool().connect();
  try {
    expect(await findCatalogueGaps(client)).toEqual([]);
  } finally {
    client.release();
  }
});

test.each([
  [
    "CHECK (((a)::text = ANY (ARRAY[('x'::character varying)::text, ('it''s'::character varying)::text])))",
    "CHECK (((a)::text = ANY ((ARRAY['x'::character varying, 'it''s'::character varying])::text[])))",
  ],
  ['CHECK ((((a >= 0) AND (a <= b)) AND (c >= 1)))', 'CHECK (((a >= 0) AND (a <= b) AND (c >= 1)))'],
  ['CHECK (((c >= 1) AND ((a >= 0) AND (a <= b))))', 'CHECK (((c >= 1) AND (a >= 0) AND (a <= b)))'],
  ['CHECK ((((a > 0) AND (b > 0)) OR (c > 0)))', 'CHECK ((((a > 0) AND (b > 0)) OR (c > 0)))'],
  ['CHECK (((a > 0) AND ((b > 0) OR (c > 0))))', 'CHECK (((a > 0) AND ((b > 0) OR (c > 0))))'],
])('%s', (printed, one) => {
  expect(settled(printed)).toBe(one);
});
