import type { Ctx, Db } from '../db/context.ts';
import { readerOf } from '../db/reader.ts';
import type { Patient } from '../patient/patient.schema.ts';
import { findShutIds } from '../patient/patient.store.ts';

/**
 * Charts of a list or a search, from a replica where there is one. Whoever is shown less than everything gets them from the
 * primary when one of them was restricted or merged since the replica looked: one query by their ids more. A trusted
 * caller sees all of them either way.
 *
 * @example
 * const rows = await readPatients(ctx, (db) => selectPatientList(db, list, { after, unrestrictedOnly: true }));
 */
export async function readPatients<Row extends Pick<Patient, 'id' | 'restricted' | 'mergedInto'>>(
  ctx: Ctx,
  read: (db: Db) => Promise<readonly Row[]>,
): Promise<readonly Row[]> {
  if (ctx.laggingDb === undefined) return read(ctx.db);
  const rows = await read(readerOf(ctx));
  if (ctx.viewer === undefined) return rows;
  const shut = new Set(
    await findShutIds(
      ctx.db,
      rows.map(({ id }) => id),
    ),
  );
  const isCurrent = rows.every((row) => shut.has(row.id) === (row.restricted || row.mergedInto !== null));
  return isCurrent ? rows : read(ctx.db);
}
