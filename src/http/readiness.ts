import type { Pool, PoolClient } from 'pg';
import type { DatabaseAddress } from '../base/config.ts';
import { AppError } from '../base/errors.ts';
import { createPool } from '../db/connect.ts';
import { findCatalogueGaps, readCatalogueStamp, readServingRights } from '../db/module-catalogue.ts';
import { translateDatabaseError } from '../db/sqlstate.ts';

/** What a probe of a moment ago found still counts: whoever asks in a loop must not keep the database busy. */
const answerHoldsMilliseconds = 1_000;

export interface Readiness {
  /** Throws an AppError that says in words why requests cannot be served. */
  assertReady(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Says whether requests can be served: the database answers, the role may read and write charts, and every object that this
 * version needs is there as it is defined and valid. Reads the catalogue alone, which any role may, and takes 7 ms of the
 * server; the whole comparison with the migrations, which needs rights of a migrator and the SQL parser's 50 MB of memory,
 * is that of `onechart migrate status` and `drift`.
 */
export function createReadiness(address: DatabaseAddress, options: { answerHoldsMilliseconds?: number } = {}): Readiness {
  const holds = options.answerHoldsMilliseconds ?? answerHoldsMilliseconds;
  const pool = createPool(address, { maxConnections: 1, applicationName: 'onechart readiness' });
  let soundStamp: string | undefined;
  let answer: { at: number; result: Promise<void> } | undefined;

  async function look(): Promise<void> {
    const client = await connect(pool);
    let broken = false;
    try {
      const stamp = await readCatalogueStamp(client);
      if (stamp === soundStamp) return;
      const gaps = await findCatalogueGaps(client);
      if (gaps.length > 0) throw gapError(gaps);
      const missing = await readServingRights(client);
      if (missing.length > 0) throw rightsError(missing, address.user);
      soundStamp = stamp;
    } catch (thrown) {
      broken = !(thrown instanceof AppError);
      throw translateDatabaseError(thrown);
    } finally {
      client.release(broken);
    }
  }

  return {
    assertReady() {
      const now = performance.now();
      if (answer === undefined || now - answer.at >= holds) {
        const result = look();
        const mine = { at: now, result };
        answer = mine;
        // Bad news is looked at anew each time, so that a server is ready the moment that its database is.
        result.catch(() => {
          if (answer === mine) answer = undefined;
        });
      }
      return answer.result;
    },
    close: () => pool.end(),
  };
}

/** An idle connection of the pool may be dead without anybody having noticed: it is tried, and replaced once. */
async function connect(pool: Pool): Promise<PoolClient> {
  try {
    const client = await pool.connect();
    try {
      await client.query('select 1');
      return client;
    } catch {
      client.release(true);
    }
    return await pool.connect();
  } catch (thrown) {
    throw translateDatabaseError(thrown);
  }
}

function gapError(gaps: Awaited<ReturnType<typeof findCatalogueGaps>>): AppError {
  const details = { count: gaps.length, first: gaps.slice(0, 10).map(({ object, problem }) => `${object} is ${problem}`) };
  const some = gaps.slice(0, 3).map(({ object, problem }) => `${object} is ${problem}`);
  const text = `${some.join(', ')}${gaps.length > some.length ? ` and ${gaps.length - some.length} more` : ''}`;
  if (gaps.some(({ problem }) => problem === 'missing')) {
    return new AppError(
      'drift',
      'MIGRATIONS_PENDING',
      `Migrations of the patient module are pending on this database (${text}). See them with onechart migrate status, bring them with onechart migrate apply.`,
      details,
    );
  }
  return new AppError(
    'drift',
    'CATALOGUE_DRIFTED',
    `The patient module of this database is not as its migrations made it (${text}). See all of it with onechart migrate drift, mend it with onechart migrate repair.`,
    details,
  );
}

function rightsError(missing: readonly string[], role: string): AppError {
  return new AppError(
    'operator',
    'DATABASE_RIGHTS_MISSING',
    `The role ${role} may not ${missing.slice(0, 3).join(', ')}${missing.length > 3 ? ` and ${missing.length - 3} more` : ''}. Make it a member of the role that may: GRANT onechart_app TO ${role}`,
    { role, missing },
  );
}
