import { sql } from 'kysely';
import type { Db } from '../db/context.ts';
import { IdentifierAuthority } from './identifier.schema.ts';

const columns = ['code', 'name', 'systemUri', 'type', 'pattern', 'checkDigit', 'shared', 'active'] as const;

export async function listAuthorities(db: Db): Promise<IdentifierAuthority[]> {
  const rows = await db.selectFrom('identifier_authorities').select(columns).orderBy('code').execute();
  return rows.map((row) => IdentifierAuthority.parse(row));
}

/** Several may have one URI; the first by code is taken. */
export async function findAuthority(db: Db, by: { code: string } | { systemUri: string }): Promise<IdentifierAuthority | undefined> {
  const [column, value] = 'code' in by ? (['code', by.code] as const) : (['systemUri', by.systemUri] as const);
  const row = await db.selectFrom('identifier_authorities').select(columns).where(column, '=', value).orderBy('code').limit(1).executeTakeFirst();
  return row && IdentifierAuthority.parse(row);
}

/** Holds the row of the authority until the transaction ends, where there is one. */
export async function lockAuthority(db: Db, code: string): Promise<IdentifierAuthority | undefined> {
  const row = await db.selectFrom('identifier_authorities').select(columns).where('code', '=', code).forNoKeyUpdate().executeTakeFirst();
  return row && IdentifierAuthority.parse(row);
}

export async function upsertAuthority(db: Db, authority: IdentifierAuthority, by: { userId: string | null; now: Date }): Promise<IdentifierAuthority> {
  const { code, ...values } = authority;
  const changed = { ...values, updatedAt: by.now, updatedBy: by.userId };
  const row = await db
    .insertInto('identifier_authorities')
    .values({ code, ...changed, createdAt: by.now, createdBy: by.userId })
    .onConflict((conflict) => conflict.column('code').doUpdateSet(changed))
    .returning(columns)
    .executeTakeFirstOrThrow();
  return IdentifierAuthority.parse(row);
}

/**
 * Whether the whole value fits a regular expression of PostgreSQL. The server's expressions run without backtracking where they
 * have no back references, so one that somebody wrote carelessly cannot hold up this process.
 */
export async function fitsPattern(db: Db, pattern: string, value: string): Promise<boolean> {
  const { rows } = await sql<{ fits: boolean }>`select ${value}::text ~ ('^(?:' || ${pattern}::text || ')$') as fits`.execute(db);
  return rows[0]?.fits === true;
}
