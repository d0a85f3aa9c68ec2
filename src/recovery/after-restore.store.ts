import { sql } from 'kysely';
import type { Db } from '../db/context.ts';

/** Ends every session: whoever signed out or was locked out after the backup would be signed in again. Returns how many. */
export async function endAllSessions(db: Db, at: Date): Promise<number> {
  const { numUpdatedRows } = await db.updateTable('access_sessions').set({ endedAt: at }).where('endedAt', 'is', null).executeTakeFirst();
  return Number(numUpdatedRows);
}

/** Whether this database was made ready already after this backup was restored. */
export async function wasMadeReady(db: Db, sha256: string): Promise<boolean> {
  const { rows } = await sql<{ found: boolean }>`
    select exists (select from patient_audit_events where "action" = 'registry.restored' and "after" ->> 'sha256' = ${sha256}) as found`.execute(db);
  return rows[0]?.found ?? false;
}
