import { hostname } from 'node:os';
import { AppError } from '../base/errors.ts';
import {
  insertAuthorityIfMissing,
  leaseForDesk,
  limitLockWait,
  listFormats,
  type LeasedMrns,
  type MrnDb,
  openCounter,
  type StoredMrnFormat,
} from './mrn.store.ts';
import { defaultMrnFormat, mrnPattern, mrnStem, mrnYear } from './mrn-format.ts';

/**
 * Leases numbers that are written on paper: in one piece from the counter, never from returned ranges, and for good. Inside the
 * caller's transaction, so that the numbers are leased exactly when the block that names them is kept.
 */
export async function leaseForGood(
  db: MrnDb,
  { authority, size, at, instance }: { authority: string; size: number; at: Date; instance: string },
): Promise<{ format: StoredMrnFormat; year: number; leases: LeasedMrns }> {
  await limitLockWait(db, 10_000);
  const lessee = { instance, host: hostname().slice(0, 255), processId: process.pid };
  let [format] = await listFormats(db, authority);
  if (!format) {
    await insertAuthorityIfMissing(db, authority, defaultMrnFormat);
    [format] = await listFormats(db, authority);
  }
  for (let attempt = 0; format && attempt < 3; attempt += 1) {
    const year = mrnYear(format, at);
    const leases = await leaseForDesk(db, { ...lessee, authority, formatVersion: format.version, year, size });
    if (leases) return { format, year, leases };
    await openCounter(db, { ...lessee, authority, formatVersion: format.version, year, pattern: mrnPattern(format, year), stem: mrnStem(format, year) });
    [format] = await listFormats(db, authority);
  }
  throw new AppError('busy', 'MRN_FORMAT_CHANGING', 'The format of the medical record numbers keeps changing. Try again.', { authority });
}
