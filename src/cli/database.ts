import type { Command } from 'commander';
import { type DatabaseAddress, resolveDatabase } from '../base/config.ts';
import { AppError } from '../base/errors.ts';
import { resumeAfterCopy } from '../embedded/stopped-server.ts';
import { findEmbeddedAddress, homeFolder } from '../embedded/index.ts';
import type { CliIo } from './io.ts';

/** The options with which every command that needs a database finds it. */
export interface DatabaseOptions {
  readonly databaseUrl?: string;
  readonly schema?: string;
  readonly home?: string;
}

export function addDatabaseOptions(command: Command): Command {
  return command
    .option('--database-url <url>', 'address of the database (default: DATABASE_URL, then PGHOST and its kin, then the running embedded database)')
    .option('--schema <name>', "schema of the host's tables (default: ?schema= of the address, then public)")
    .option('--home <folder>', 'folder of the embedded database (default: ONECHART_HOME, or .onechart in the current folder)');
}

/** Errors: `DATABASE_NOT_NAMED` when nothing says which database is meant and no embedded one runs. */
export async function findDatabase(options: DatabaseOptions, io: CliIo): Promise<DatabaseAddress> {
  const named = resolveDatabase({ databaseUrl: options.databaseUrl, schema: options.schema }, io.env);
  if (named) return named;
  const home = homeFolder({ home: options.home, env: io.env, cwd: io.cwd });
  // A backup that was killed may have left it stopped.
  await resumeAfterCopy({ home });
  const embedded = await findEmbeddedAddress({ home });
  if (embedded) return options.schema === undefined ? embedded : { ...embedded, schema: options.schema };
  throw new AppError(
    'invalid',
    'DATABASE_NOT_NAMED',
    'Which database? Give --database-url, set DATABASE_URL or PGHOST, PGUSER, PGPASSWORD and PGDATABASE, or start the embedded one with: onechart db start',
  );
}
