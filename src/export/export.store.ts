import { type SqlBool, sql } from 'kysely';
import type { Db } from '../db/context.ts';
import { patientColumns } from '../patient/patient-columns.ts';
import { toPatient } from '../patient/patient-row.ts';
import type { Patient, PatientStatus } from '../patient/patient.schema.ts';

export interface BaseFilter {
  readonly status: PatientStatus | undefined;
  readonly updatedSince: string | undefined;
}

/** The next charts by their ids, whatever their state: the key of the table, so that a page costs the same at its end. */
export async function selectChartPage(db: Db, filter: BaseFilter, page: { after: string | undefined; limit: number }): Promise<Patient[]> {
  let query = db.selectFrom('patients').select(patientColumns).orderBy('id').limit(page.limit);
  if (page.after !== undefined) query = query.where('id', '>', page.after);
  if (filter.status !== undefined) query = query.where('status', '=', filter.status);
  if (filter.updatedSince !== undefined) {
    const since = new Date(filter.updatedSince);
    // A change of a part leaves the row of the patient alone; its event tells of it, also of one that was removed.
    const changedPart = sql<SqlBool>`exists (select 1 from ${sql.table('patient_outbox_events')} as event where event."patientId" = ${sql.ref('patients.id')} and event."occurredAt" >= ${since})`;
    query = query.where((eb) => eb.or([eb('updatedAt', '>=', since), changedPart]));
  }
  return (await query.execute()).map(toPatient);
}

/** About how many charts there are, as the last ANALYZE counted; for progress only. */
export async function estimateCharts(db: Db): Promise<number | undefined> {
  const { rows } = await sql<{ estimate: number }>`select reltuples::float8 as estimate from pg_class where oid = to_regclass('patients')`.execute(db);
  const estimate = rows[0]?.estimate ?? -1;
  return estimate < 0 ? undefined : Math.round(estimate);
}

/** Which of these charts are restricted now. */
export async function listRestrictedOf(db: Db, ids: readonly string[]): Promise<string[]> {
  const rows = await db.selectFrom('patients').select('id').where('id', '=', sql<string>`any(${ids})`).where('restricted', '=', true).execute();
  return rows.map(({ id }) => id);
}
