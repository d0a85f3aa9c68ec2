import type { Selectable } from 'kysely';
import type { Db } from '../db/context.ts';
import { toInstant } from '../base/instant.ts';
import type { AccessSessionTable } from '../db/tables.ts';
import { Session } from './session.schema.ts';

type Row = Selectable<AccessSessionTable>;

function toSession(row: Row): Session {
  return Session.parse({
    ...row,
    createdAt: toInstant(row.createdAt),
    lastSeenAt: toInstant(row.lastSeenAt),
    expiresAt: toInstant(row.expiresAt),
    endedAt: toInstant(row.endedAt),
  });
}

export async function insertSession(
  db: Db,
  values: {
    id: string;
    accountId: string;
    tokenHash: string;
    method: string;
    createdAt: Date;
    lastSeenAt: Date;
    expiresAt: Date;
    address: string | null;
    userAgent: string | null;
  },
): Promise<Session> {
  return toSession(await db.insertInto('access_sessions').values(values).returningAll().executeTakeFirstOrThrow());
}

/** Whose session a token is, where it was not ended and the account is not disabled. Expiry is judged by the caller. */
export async function findSession(
  db: Db,
  tokenHash: string,
): Promise<{ session: Session; account: { id: string; username: string; role: string; userId: string | null } } | undefined> {
  const row = await db
    .selectFrom('access_sessions')
    .innerJoin('access_accounts', 'access_accounts.id', 'access_sessions.accountId')
    .selectAll('access_sessions')
    .select(['access_accounts.username', 'access_accounts.role', 'access_accounts.userId'])
    .where('access_sessions.tokenHash', '=', tokenHash)
    .where('access_sessions.endedAt', 'is', null)
    .where('access_accounts.disabledAt', 'is', null)
    .executeTakeFirst();
  return row && { session: toSession(row), account: { id: row.accountId, username: row.username, role: row.role, userId: row.userId } };
}

export async function touchSession(db: Db, id: string, at: Date): Promise<void> {
  await db.updateTable('access_sessions').set({ lastSeenAt: at }).where('id', '=', id).where('lastSeenAt', '<', at).execute();
}

/** Sessions of an account that still work, newest first. */
export async function listSessions(db: Db, filter: { accountId: string; now: Date; seenSince: Date }): Promise<Session[]> {
  const rows = await db
    .selectFrom('access_sessions')
    .selectAll()
    .where('accountId', '=', filter.accountId)
    .where('endedAt', 'is', null)
    .where('expiresAt', '>', filter.now)
    .where('lastSeenAt', '>', filter.seenSince)
    .orderBy('createdAt', 'desc')
    .execute();
  return rows.map(toSession);
}

/** Ends one session of an account, or all, or all but one. Returns the ids of those that were open. */
export async function endSessions(db: Db, filter: { accountId: string; id?: string | undefined; except?: string | undefined; at: Date }): Promise<string[]> {
  let query = db.updateTable('access_sessions').set({ endedAt: filter.at }).where('accountId', '=', filter.accountId).where('endedAt', 'is', null);
  if (filter.id !== undefined) query = query.where('id', '=', filter.id);
  if (filter.except !== undefined) query = query.where('id', '<>', filter.except);
  return (await query.returning('id').execute()).map(({ id }) => id);
}

/** Removes an account's sessions that were over before an instant; what happened in them stands in the audit trail. */
export async function deleteOldSessions(db: Db, filter: { accountId: string; before: Date }): Promise<void> {
  await db
    .deleteFrom('access_sessions')
    .where('accountId', '=', filter.accountId)
    .where((where) => where.or([where('expiresAt', '<', filter.before), where('endedAt', '<', filter.before)]))
    .execute();
}
