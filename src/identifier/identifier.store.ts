import { sql } from 'kysely';
import type { Db } from '../db/context.ts';

export interface NumberKey {
  readonly value: string;
  readonly types: readonly string[];
  readonly authorityCode?: string | undefined;
  readonly system?: string | undefined;
}

/** Ids of the patients who have, or had, this number. */
export async function findPatientIdsByNumber(db: Db, key: NumberKey): Promise<string[]> {
  const rows = await numberQuery(db, key).select('patientId').distinct().limit(20).execute();
  return rows.map((row) => row.patientId);
}

/** Rows with this number that are in use. */
export async function listNumbersInUse(db: Db, key: NumberKey): Promise<{ id: string; patientId: string }[]> {
  return numberQuery(db, key).select(['id', 'patientId']).where('periodEnd', 'is', null).limit(20).execute();
}

function numberQuery(db: Db, { value, types, authorityCode, system }: NumberKey) {
  let query = db.selectFrom('patient_identifiers').where('value', '=', value).where('type', 'in', types);
  if (authorityCode !== undefined) query = query.where('authorityCode', '=', authorityCode);
  if (system !== undefined) query = query.where('system', '=', system);
  return query;
}

/** Until the transaction ends nobody else adds this number. Taken after the lock on the chart, by everybody. */
export async function lockNumber(db: Db, number: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`onechart identifier ${number}`}, 0))`.execute(db);
}
