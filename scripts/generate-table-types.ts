// Writes src/db/tables.ts and src/db/module-objects.ts from a migrated database with a host of UUID ids: node scripts/generate-table-types.ts <database-url>
import { writeFileSync } from 'node:fs';
import pg from 'pg';
import { parseDatabaseUrl, toPgConfig } from '../src/base/config.ts';
import { describeTables } from '../src/db/describe-tables.ts';
import { describeModuleObjects } from '../src/db/module-catalogue.ts';

const client = new pg.Client(toPgConfig(parseDatabaseUrl(process.argv[2] ?? process.env.DATABASE_URL ?? '')));
await client.connect();
try {
  writeFileSync(new URL('../src/db/tables.ts', import.meta.url), await describeTables(client));
  writeFileSync(new URL('../src/db/module-objects.ts', import.meta.url), await describeModuleObjects(client));
} finally {
  await client.end();
}
