import type { DatabaseAddress } from '../../../base/config.ts';
import { systemClock } from '../../../base/clock.ts';
import { newId } from '../../../base/ids.ts';
import { createPool, kyselyOnPool } from '../../../db/connect.ts';
import type { Ctx } from '../../../db/context.ts';
import { translateDatabaseError } from '../../../db/sqlstate.ts';

/** Work on a database at an address, in the name of the command line. */
export async function onDatabase<T>(address: DatabaseAddress, work: (ctx: Ctx) => Promise<T>, reason?: string): Promise<T> {
  const pool = createPool(address, { maxConnections: 4, applicationName: 'onechart backup' });
  try {
    return await work({
      db: kyselyOnPool(pool),
      pool,
      actor: { kind: 'service', name: 'command line' },
      clock: systemClock,
      newId,
      origin: 'cli',
      ...(reason === undefined ? {} : { reason }),
    });
  } catch (error) {
    throw translateDatabaseError(error);
  } finally {
    await pool.end();
  }
}
