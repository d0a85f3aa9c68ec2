import type { Command } from 'commander';
import { systemClock } from '../../base/clock.ts';
import { AppError } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import { createPool, kyselyOnPool } from '../../db/connect.ts';
import type { Ctx } from '../../db/context.ts';
import { translateDatabaseError } from '../../db/sqlstate.ts';
import { checkSearch, rebuildSearch } from '../../search/entry.service.ts';
import { addDatabaseOptions, type DatabaseOptions, findDatabase } from '../database.ts';
import { type CliIo, note, print, printJson } from '../io.ts';

interface SearchOptions extends DatabaseOptions {
  readonly json?: boolean;
  readonly all?: boolean;
  readonly fast?: boolean;
}

/** Every second moment is left to live users unless --fast is given. */
const restOfPolite = 1;
/** A line of progress for so many charts. */
const progressEvery = 50_000;

export function addSearchCommands(program: Command, io: CliIo): void {
  const search = program.command('search').description('what charts are found by: make it where it is missing, compare it with the charts');

  addDatabaseOptions(search.command('rebuild'))
    .description('make what charts are found by where it is missing or of earlier rules; may be broken off and started again')
    .option('--all', 'compare every chart, and mend what says something else than its chart')
    .option('--fast', 'without pauses for live users')
    .action((options: SearchOptions) =>
      withSearch(options, io, async (ctx) => {
        const { all = false, fast = false } = options;
        const done = await rebuildSearch(ctx, { all, rest: fast ? 0 : restOfPolite, onProgress: progress(io) });
        if (options.json) printJson(io, done);
        else {
          print(io, `${done.written} of ${done.read} charts that were looked at got a new entry.`);
          if (done.left > 0) note(io, `${done.left} were being changed meanwhile. Run onechart search rebuild again.`);
        }
      }),
    );

  addDatabaseOptions(search.command('check'))
    .description('compare every chart with what it is found by')
    .action((options: SearchOptions) =>
      withSearch(options, io, async (ctx) => {
        const found = await checkSearch(ctx, { onProgress: progress(io) });
        if (options.json) printJson(io, found);
        else {
          print(io, `${found.charts} charts: ${found.missing} without an entry, ${found.stale} with one that says something else.`);
          for (const id of found.examples) print(io, `  ${id}`);
          if (found.missing + found.stale > 0) note(io, `Mend them: onechart search rebuild${found.stale > 0 ? ' --all' : ''}`);
        }
        if (found.missing + found.stale > 0) io.exitCode = new AppError('drift', 'SEARCH_INCOMPLETE', '').face.exitCode;
      }),
    );
}

function progress(io: CliIo): (done: { read: number }) => void {
  let told = 0;
  return ({ read }) => {
    if (read - told < progressEvery) return;
    told = read;
    note(io, `${read} charts`);
  };
}

async function withSearch(options: SearchOptions, io: CliIo, work: (ctx: Ctx) => Promise<void>): Promise<void> {
  const address = await findDatabase(options, io);
  const pool = createPool(address, { maxConnections: 1, applicationName: 'onechart search' });
  try {
    await work({
      db: kyselyOnPool(pool, { prepares: !address.pooled }),
      pool,
      actor: { kind: 'service', name: 'command line' },
      clock: systemClock,
      newId,
      origin: 'cli',
    });
  } catch (error) {
    throw translateDatabaseError(error);
  } finally {
    await pool.end();
  }
}
