import type { Selectable } from 'kysely';
import type { Db } from '../db/context.ts';
import { toInstant } from '../base/instant.ts';
import type { AccessKeyTable } from '../db/tables.ts';
import { Key } from './key.schema.ts';

type Row = Selectable<AccessKeyTable>;

function toKey(row: Row): Key {
  return Key.parse({
    ...row,
    createdAt: toInstant(row.createdAt),
    expiresAt: toInstant(row.expiresAt),
    revokedAt: toInstant(row.revokedAt),
    lastUsedAt: toInstant(row.lastUsedAt),
  });
}

export async function insertKey(
  db: Db,
  values: { id: string; name: string; role: string; prefix: string; secretHash: string; createdAt: Date; expiresAt: Date | null },
): Promise<Key> {
  return toKey(await db.insertInto('access_keys').values(values).returningAll().executeTakeFirstOrThrow());
}

export async function findKeyByPrefix(db: Db, prefix: string): Promise<{ key: Key; secretHash: string } | undefined> {
  const row = await db.selectFrom('access_keys').selectAll().where('prefix', '=', prefix).executeTakeFirst();
  return row && { key: toKey(row), secretHash: row.secretHash };
}

export async function listKeys(db: Db): Promise<Key[]> {
  return (await db.selectFrom('access_keys').selectAll().orderBy('createdAt', 'desc').orderBy('id').execute()).map(toKey);
}

/** Revokes a key that works; undefined when there is none or it is revoked already. */
export async function revokeKey(db: Db, key: { id: string; at: Date }): Promise<Key | undefined> {
  const row = await db
    .updateTable('access_keys')
    .set({ revokedAt: key.at })
    .where('id', '=', key.id)
    .where('revokedAt', 'is', null)
    .returningAll()
    .executeTakeFirst();
  return row && toKey(row);
}

export async function findKey(db: Db, id: string): Promise<Key | undefined> {
  const row = await db.selectFrom('access_keys').selectAll().where('id', '=', id).executeTakeFirst();
  return row && toKey(row);
}

/** Notes a use, where the last one noted is long enough ago. Says whether it did, so that one of several processes writes the audit row. */
export async function noteKeyUse(db: Db, use: { id: string; at: Date; notSince: Date }): Promise<boolean> {
  const result = await db
    .updateTable('access_keys')
    .set({ lastUsedAt: use.at })
    .where('id', '=', use.id)
    .where((where) => where.or([where('lastUsedAt', 'is', null), where('lastUsedAt', '<', use.notSince)]))
    .executeTakeFirst();
  return result.numUpdatedRows > 0n;
}
