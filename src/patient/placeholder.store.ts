import { sql, type SqlBool } from 'kysely';
import { toInstant } from '../base/instant.ts';
import type { Db } from '../db/context.ts';
import { Child, Placeholder, type PlaceholderOrigin } from './identity.schema.ts';

/** Puts a chart into the queue of those that wait for their person. */
export async function insertPlaceholder(db: Db, placeholder: { patientId: string; origin: PlaceholderOrigin; createdAt: Date }): Promise<void> {
  await db.insertInto('patient_placeholders').values(placeholder).execute();
}

export async function isWaitingPlaceholder(db: Db, patientId: string): Promise<boolean> {
  const row = await db
    .selectFrom('patient_placeholders')
    .select('patientId')
    .where('patientId', '=', patientId)
    .where('completedAt', 'is', null)
    .executeTakeFirst();
  return row !== undefined;
}

export async function completePlaceholder(db: Db, patientId: string, done: { completedAt: Date; completedBy: string | null }): Promise<void> {
  await db.updateTable('patient_placeholders').set(done).where('patientId', '=', patientId).where('completedAt', 'is', null).execute();
}

/** Charts that wait, oldest first; one more than `limit`, so that a caller knows whether there are more. */
export async function listWaiting(
  db: Db,
  filter: { origin?: PlaceholderOrigin | undefined; limit: number; after?: readonly (string | null)[] | undefined },
): Promise<(Placeholder & { restricted: boolean })[]> {
  let query = db
    .selectFrom('patient_placeholders')
    .innerJoin('patients', 'patients.id', 'patient_placeholders.patientId')
    .select(['patient_placeholders.patientId', 'patients.mrn', 'patients.restricted', 'patient_placeholders.origin', 'patient_placeholders.createdAt'])
    .where('patient_placeholders.completedAt', 'is', null)
    .orderBy('patient_placeholders.createdAt')
    .orderBy('patient_placeholders.patientId')
    .limit(filter.limit + 1);
  if (filter.origin !== undefined) query = query.where('patient_placeholders.origin', '=', filter.origin);
  if (filter.after) {
    const [time, id] = filter.after;
    query = query.where(
      sql<SqlBool>`(${sql.ref('patient_placeholders.createdAt')}, ${sql.ref('patient_placeholders.patientId')}) > (${time}::timestamptz, ${id})`,
    );
  }
  return (await query.execute()).map((row) => ({ ...Placeholder.parse({ ...row, createdAt: toInstant(row.createdAt) }), restricted: row.restricted }));
}

/** The children of a mother, and of charts that were merged into hers, by birth. */
export async function listChildrenOf(db: Db, motherId: string): Promise<Child[]> {
  const rows = await db
    .selectFrom('patients')
    .select(['id', 'mrn', sql<string | null>`patients."dateOfBirth"::text`.as('dateOfBirth'), 'birthOrder', 'multipleBirthCount', 'restricted'])
    .where('mergedInto', 'is', null)
    // Ids first, so that the children are looked up by index: with OR over a subquery the whole table is read, under the lock on the mother.
    .where('motherId', 'in', (eb) =>
      eb
        .selectFrom('patients as mother')
        .select('mother.id')
        .where((own) => own.or([own('mother.id', '=', motherId), own('mother.mergedInto', '=', motherId)])),
    )
    .orderBy('dateOfBirth')
    .orderBy('birthOrder')
    .orderBy('id')
    .execute();
  return rows.map((row) => Child.parse(row));
}
