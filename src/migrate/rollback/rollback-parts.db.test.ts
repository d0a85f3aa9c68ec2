import { expect, test } from 'vitest';
import { type TestDatabase, withClient } from '../../../test/support/database.ts';
import { hostPicture } from '../../../test/support/host-picture.ts';
import { createApplied, createHost, filesFor, pictureBefore, runScript } from '../../../test/support/migrate.ts';
import { parseDatabaseUrl } from '../../base/config.ts';
import { planRollback, rollbackMigration } from '../index.ts';

/** Tables and sequences of the schema with who may do what, so that a right left behind by a part of the way back shows. */
function grants(database: TestDatabase): Promise<unknown[]> {
  return database.query(
    `SELECT relname, (SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner))) a) AS may
     FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'S') AND relname <> '_prisma_migrations' ORDER BY 1`,
  );
}

test('each migration alone, from the last to the first, leaves what its predecessors made, with their grants', async () => {
  const before = await pictureBefore();
  await using plain = await createHost();
  const grantsBefore = new Map<string, unknown>();
  for (const { name, sql } of await filesFor(plain)) {
    grantsBefore.set(name, await grants(plain));
    await withClient(plain.url, (client) => runScript(client, sql));
  }
  await using host = await createApplied();
  const address = parseDatabaseUrl(host.url);
  const { migrations } = await planRollback({ address });
  for (const name of migrations) {
    const { steps } = await rollbackMigration({ address, name });
    expect(steps.length, name).toBeGreaterThan(0);
    expect(await grants(host), name).toEqual(grantsBefore.get(name));
  }
  expect(await withClient(host.url, (client) => hostPicture(client, 'public'))).toEqual(before);
});
