import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { createDatabase, withClient } from '../../test/support/database.ts';
import { describeTables, tableTypes } from './describe-tables.ts';
import { constraintErrors } from './sqlstate.ts';

test('tables.ts is what the catalogue of a migrated database says', async () => {
  await using database = await createDatabase({ template: 'migrated' });
  const described = await withClient(database.url, (client) => describeTables(client));
  expect(await readFile(new URL('./tables.ts', import.meta.url), 'utf8')).toBe(described);
});

test('every named constraint of the module has its own error, and no error names one that is gone', async () => {
  await using database = await createDatabase({ template: 'migrated' });
  // 'n' are the NOT NULL constraints of PostgreSQL 18, which are told by their column. A unique index, as Prisma writes it, is no constraint in the catalogue but named like one in errors.
  const rows = await database.query<{ name: string }>(
    `SELECT conname::text AS name FROM pg_constraint WHERE contype <> 'n' AND conrelid::regclass::text = ANY ($1)
     UNION SELECT indexrelid::regclass::text FROM pg_index WHERE indisunique AND indrelid::regclass::text = ANY ($1)`,
    [Object.keys(tableTypes)],
  );
  expect(Object.keys(constraintErrors).sort()).toEqual(rows.map((row) => row.name.replaceAll('"', '')).sort());
});

test('every table of the module has a row type', async () => {
  await using database = await createDatabase({ template: 'migrated' });
  const rows = await database.query<{ name: string }>(
    `SELECT relname::text AS name FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace AND (relname ~ '^(patients$|identifier_authorities$|idempotency_keys$|import_runs$|event_receivers$|event_deliveries$|downtime_|mrn_|access_)' OR (relname ~ '^patient_' AND relname <> 'patient_consent_instances'))`,
  );
  expect(Object.keys(tableTypes).sort()).toEqual(rows.map((row) => row.name.replaceAll('"', '')).sort());
});
