import type { Command } from 'commander';
import { systemClock } from '../base/clock.ts';
import { newId } from '../base/ids.ts';
import { createPool, kyselyOnPool } from '../db/connect.ts';
import type { Ctx } from '../db/context.ts';
import { translateDatabaseError } from '../db/sqlstate.ts';
import { addDatabaseOptions, type DatabaseOptions, findDatabase } from './database.ts';
import type { CliIo } from './io.ts';

export interface AccessOptions extends DatabaseOptions {
  readonly json?: boolean;
  readonly reason?: string;
}

export function addAccessOptions(command: Command): Command {
  return addDatabaseOptions(command).option('--reason <text>', 'why, for the audit trail');
}

/** Work on accounts and keys in the name of the command line, which is trusted: whoever can reach the database can do more than this. */
export async function withAccess<T>(options: AccessOptions, io: CliIo, work: (ctx: Ctx) => Promise<T>): Promise<T> {
  const pool = createPool(await findDatabase(options, io), { maxConnections: 1 });
  try {
    return await work({
      db: kyselyOnPool(pool),
      pool,
      actor: { kind: 'service', name: 'command line' },
      clock: systemClock,
      newId,
      origin: 'cli',
      ...(options.reason === undefined ? {} : { reason: options.reason }),
    });
  } catch (error) {
    throw translateDatabaseError(error);
  } finally {
    await pool.end();
  }
}

/** Columns of equal width; the last one is as long as it is. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0))).join('  '));
}
