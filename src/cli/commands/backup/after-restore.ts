import type { Command } from 'commander';
import { AppError } from '../../../base/errors.ts';
import { parseDatabaseUrl } from '../../../base/config.ts';
import { type CliIo, note, printJson } from '../../io.ts';
import type { EngineCommandOptions } from '../migrate/options.ts';
import { engineOptions } from '../migrate/options.ts';
import { addNumberOptions, knownOf, type NumberOptions, numbersOf, prepare, showReady } from './restore.ts';

interface Options extends EngineCommandOptions, NumberOptions {
  readonly restoredTo: string;
  readonly replacedUrl?: string;
}

/** `onechart backup after-restore`: for what was restored in another way, such as to a point in time. */
export function addAfterRestoreCommand({ io, command }: { io: CliIo; command: (name: string, description: string) => Command }): void {
  addNumberOptions(
    command(
      'after-restore',
      'make a registry that was restored in another way (to a point in time, from a snapshot) fit to be worked with: no record number twice',
    ),
  )
    .requiredOption('--restored-to <time>', 'what is in it: everything up to this time, such as 2026-11-23T14:30:00Z')
    .option('--replaced-url <url>', 'address of the database that it replaces, where that can still be read')
    .action(async (options: Options) => {
      const savedAt = new Date(options.restoredTo);
      if (Number.isNaN(savedAt.getTime()) || savedAt.getTime() > Date.now())
        throw new AppError('invalid', 'RESTORE_TIME_INVALID', '--restored-to is a time in the past, such as 2026-11-23T14:30:00Z.', { field: 'restored-to' });
      const { address } = await engineOptions(options, io);
      const known = options.replacedUrl === undefined ? undefined : await knownOf(parseDatabaseUrl(options.replacedUrl));
      if (options.replacedUrl !== undefined && known === undefined) note(io, 'The replaced database cannot be read: what was issued is estimated.');
      const ready = await prepare(address, { sha256: `point in time ${savedAt.toISOString()}`, savedAt, known, ...numbersOf(options) }, options.reason);
      if (options.json) return printJson(io, ready);
      showReady(ready, io);
      if (ready.before) note(io, 'It was made ready before; there was nothing to add.');
    });
}
