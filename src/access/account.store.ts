import { type Selectable, sql } from 'kysely';
import type { Ctx, Db } from '../db/context.ts';
import { toInstant } from '../base/instant.ts';
import type { AccessAccountTable } from '../db/tables.ts';
import { lockSeconds } from './account.ts';
import { Account } from './account.schema.ts';

type Row = Selectable<AccessAccountTable>;

/** An account with what only the services of this folder may see. */
export interface AccountSecrets {
  readonly account: Account;
  readonly passwordHash: string | null;
}

function toAccount(row: Row): Account {
  return Account.parse({
    ...row,
    hasPassword: row.passwordHash !== null,
    lockedUntil: toInstant(row.lockedUntil),
    lastSignInAt: toInstant(row.lastSignInAt),
    disabledAt: toInstant(row.disabledAt),
    createdAt: toInstant(row.createdAt),
    updatedAt: toInstant(row.updatedAt),
  });
}

const withSecrets = (row: Row): AccountSecrets => ({ account: toAccount(row), passwordHash: row.passwordHash });

export interface AccountWrite {
  readonly displayName?: string;
  readonly role?: string;
  readonly userId?: string | null;
  readonly passwordHash?: string;
  readonly passwordChangedAt?: Date;
  readonly failedSignIns?: number;
  readonly lockedUntil?: Date | null;
  readonly lastSignInAt?: Date;
  readonly disabledAt?: Date | null;
  readonly updatedAt?: Date;
}

export async function insertAccount(
  db: Db,
  values: AccountWrite & { id: string; username: string; displayName: string; role: string; oidcIssuer?: string; oidcSubject?: string; createdAt: Date },
): Promise<Account> {
  return toAccount(await db.insertInto('access_accounts').values(values).returningAll().executeTakeFirstOrThrow());
}

export async function findAccount(db: Db, id: string): Promise<AccountSecrets | undefined> {
  const row = await db.selectFrom('access_accounts').selectAll().where('id', '=', id).executeTakeFirst();
  return row && withSecrets(row);
}

/** The account, locked until the end of the transaction. */
export async function lockAccount(db: Db, id: string): Promise<AccountSecrets | undefined> {
  const row = await db.selectFrom('access_accounts').selectAll().where('id', '=', id).forUpdate().executeTakeFirst();
  return row && withSecrets(row);
}

export async function findAccountByUsername(db: Db, username: string): Promise<AccountSecrets | undefined> {
  const row = await db.selectFrom('access_accounts').selectAll().where('username', '=', username).executeTakeFirst();
  return row && withSecrets(row);
}

export async function findAccountByIdentity(db: Db, identity: { issuer: string; subject: string }): Promise<AccountSecrets | undefined> {
  const row = await db
    .selectFrom('access_accounts')
    .selectAll()
    .where('oidcIssuer', '=', identity.issuer)
    .where('oidcSubject', '=', identity.subject)
    .executeTakeFirst();
  return row && withSecrets(row);
}

export async function listAccounts(db: Db): Promise<Account[]> {
  return (await db.selectFrom('access_accounts').selectAll().orderBy('username').execute()).map(toAccount);
}

export async function updateAccount(db: Db, id: string, values: AccountWrite): Promise<Account | undefined> {
  const row = await db.updateTable('access_accounts').set(values).where('id', '=', id).returningAll().executeTakeFirst();
  return row && toAccount(row);
}

/**
 * Reads the account as it was and counts an attempt where one is allowed, in one statement: the attempt is counted before the
 * password is looked at, so that a hundred guesses at once are not all taken for the first. For a name that nobody has it does
 * the same work and finds nothing.
 *
 * Within this transaction a commit does not wait for the disk, so that a written count costs no time that could be noticed; what
 * a crash of the server loses are counts of the last fraction of a second.
 */
export async function countAttempt(ctx: Ctx, username: string): Promise<(AccountSecrets & { allowed: boolean }) | undefined> {
  const now = ctx.clock.now();
  await sql`select set_config('synchronous_commit', 'off', true)`.execute(ctx.db);
  const delays = sql`${sql.lit(`{${lockSeconds.join(',')}}`)}::int[]`;
  const { rows } = await sql<Row & { allowed: boolean }>`
    with attempt as (
      update access_accounts set "failedSignIns" = "failedSignIns" + 1,
        "lockedUntil" = ${now}::timestamptz + make_interval(secs => nullif((${delays})[least("failedSignIns" + 1, ${sql.lit(lockSeconds.length)})], 0))
      where username = ${username} and "disabledAt" is null and ("lockedUntil" is null or "lockedUntil" <= ${now})
      returning id)
    select a.*, exists (select from attempt) as allowed from access_accounts a where a.username = ${username}`.execute(ctx.db);
  const row = rows[0];
  return row && { ...withSecrets(row), allowed: row.allowed };
}
