import { parseDatabaseUrl } from '../../../base/config.ts';
import { findDrift } from '../../../migrate/index.ts';
import { note, print, printJson } from '../../io.ts';
import { renderDrift } from '../../migrate-view.ts';
import { type EngineCommandOptions, engineOptions, exitDrift, exitPending, type MigrateCommands } from './options.ts';

export function addDriftCommand({ io, command }: MigrateCommands): void {
  command('drift', 'compare every object with what the applied migrations make, validity included; changes nothing')
    .option('--shadow-url <url>', 'an empty database in which the migrations of --dir are replayed (default: one is made on the same server and dropped again)')
    .action(async (options: EngineCommandOptions & { shadowUrl?: string }) => {
      const shadow = options.shadowUrl === undefined ? undefined : parseDatabaseUrl(options.shadowUrl);
      const drift = await findDrift({ ...(await engineOptions(options, io)), shadow });
      io.exitCode = drift.differences.length > 0 ? exitDrift : drift.migrations.length === 0 ? exitPending : 0;
      if (options.json) return printJson(io, drift);
      if (drift.withoutFile.length > 0) note(io, `Applied, and without a file in the folder: ${drift.withoutFile.join(', ')}. What they made shows as extra.`);
      if (drift.differences.length > 0) print(io, renderDrift(drift.differences));
      const compared = `${drift.migrations.length} applied ${drift.migrations.length === 1 ? 'migration' : 'migrations'} of the ${drift.record === 'module' ? 'patient module' : 'folder'}`;
      print(
        io,
        drift.migrations.length === 0
          ? 'No migration is applied yet. See: onechart migrate status'
          : drift.differences.length === 0
            ? `The database is as ${compared} make it.`
            : `${drift.differences.length} ${drift.differences.length === 1 ? 'object is' : 'objects are'} not as ${compared} make it. onechart migrate repair makes what of the module is missing or invalid; the rest needs a migration or a person.`,
      );
    });
}
