import type { DatabaseAddress } from '../base/config.ts';
import { AppError } from '../base/errors.ts';
import { createPool } from '../db/connect.ts';
import { translateDatabaseError } from '../db/sqlstate.ts';
import { isMigrated } from '../migrate/index.ts';

/** The full comparison with the catalogue takes some 100 ms; a load balancer asks every second. A changed catalogue is noticed within this time. */
const comparisonHoldsMilliseconds = 30_000;

/** Says whether requests can be served: connects anew each time, compares the catalogue now and then. */
export function createReadiness(address: DatabaseAddress): { assertReady: () => Promise<void>; close: () => Promise<void> } {
  const pool = createPool(address, { maxConnections: 1, applicationName: 'onechart readiness' });
  let comparedAt = Number.NEGATIVE_INFINITY;
  return {
    async assertReady() {
      try {
        // A fresh connection: one from the pool may be dead without anybody having noticed.
        const client = await pool.connect();
        client.release(true);
      } catch (thrown) {
        throw translateDatabaseError(thrown);
      }
      if (performance.now() - comparedAt < comparisonHoldsMilliseconds) return;
      if (!(await isMigrated({ address }))) {
        throw new AppError(
          'drift',
          'MIGRATIONS_PENDING',
          'Migrations of the patient module are pending on this database. See them with onechart migrate status, bring them with onechart migrate apply.',
        );
      }
      comparedAt = performance.now();
    },
    close: () => pool.end(),
  };
}
