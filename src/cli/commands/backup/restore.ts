import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { DatabaseAddress } from '../../../base/config.ts';
import { AppError } from '../../../base/errors.ts';
import { findEmbeddedAddress, homeFolder } from '../../../embedded/index.ts';
import { type MadeReady, makeReady, type RestoredFrom } from '../../../recovery/after-restore.service.ts';
import { type KnownNumbers, readKnownNumbers } from '../../../identifier/mrn-recovery.service.ts';
import { newestBackup, readManifest } from '../../../migrate/backup/index.ts';
import { type CliIo, note, print, printJson } from '../../io.ts';
import { backupFolder } from '../migrate/backup.ts';
import { collect, engineOptions } from '../migrate/options.ts';
import { addRestoreOptions, type FinishedRestore, type RestoreCommandOptions, runRestore } from '../migrate/restore.ts';
import { onDatabase } from './on-database.ts';

export interface NumberOptions {
  readonly lastMrn?: string[];
  readonly mrnMargin?: string;
  readonly reason?: string;
}

interface Options extends RestoreCommandOptions, NumberOptions {}

export function addNumberOptions(command: Command): Command {
  return command
    .option('--last-mrn <mrn>', 'a record number issued after the backup that somebody has seen, the highest; repeat it for each authority', collect)
    .option(
      '--mrn-margin <number>',
      'how many numbers above what is known are never issued (default: 1,000 where the replaced database can be read, else 10,000 or twice its busiest day for each day)',
    )
    .option('--reason <text>', 'why, for the audit trail');
}

/** `onechart backup restore`: as `onechart migrate restore`, and made fit to be worked with before anybody can work with it. */
export function addRestoreCommand({ io, command }: { io: CliIo; command: (name: string, description: string) => Command }): void {
  addNumberOptions(
    addRestoreOptions(
      command('restore', 'restore a backup beside the live database so that no record number is issued twice; with --swap let it take the live name'),
    ),
  )
    .option('--out <folder>', 'folder of the backups, for newest')
    .action(async (path: string, options: Options) => {
      const { address } = await engineOptions(options, io);
      const file = path === 'newest' ? (await newestBackup(backupFolder(io, options.out), address.database)).file : resolve(io.cwd, path);
      const manifest = await readManifest(file);
      if (!manifest)
        throw new AppError(
          'unsafe',
          'BACKUP_MANIFEST_MISSING',
          `${file} has no manifest (${file}.json), which says when it was saved. Put it beside the backup, or use onechart migrate restore --without-manifest and then onechart backup after-restore.`,
          { file },
        );
      const from = { sha256: manifest.sha256, savedAt: new Date(manifest.startedAt), ...numbersOf(options) };
      const steps: MadeReady[] = [];
      const ready = async (restored: DatabaseAddress, known: KnownNumbers | undefined) => {
        steps.push(await prepare({ ...restored, schema: address.schema }, { ...from, known }, options.reason));
      };
      const known = await knownOf(address);
      const finished = await runRestore(file, options, {
        io,
        // Once more: a long restore lies between.
        whenComplete: async (restored) => ready(restored, await knownOf(address)),
      });
      await afterSwap(finished, { address, known, options, io, ready });
      if (options.json) return printJson(io, { ...finished.restored, ready: steps });
      finished.show();
      for (const step of steps) showReady(step, io);
      note(io, 'What was restricted, revoked or locked after the backup is not any more: see docs/runbooks/backup.md for what to do again.');
    });
}

/** What was issued between the first look and the swap: nobody can issue from the replaced database any more. */
async function afterSwap(
  { restored }: FinishedRestore,
  {
    address,
    known,
    options,
    io,
    ready,
  }: {
    address: DatabaseAddress;
    known: KnownNumbers | undefined;
    options: Options;
    io: CliIo;
    ready: (restored: DatabaseAddress, known: KnownNumbers | undefined) => Promise<void>;
  },
): Promise<void> {
  if (!restored.swapped) return;
  if ('dataFolder' in restored) {
    const now = await findEmbeddedAddress({ home: homeFolder({ home: options.home, env: io.env, cwd: io.cwd }) });
    // The folder may have been restored by an earlier call, when the counters stood lower.
    if (now) await ready(now, known);
    return;
  }
  const { kept } = restored.swapped as { kept: string };
  await ready(address, kept === '' ? undefined : await knownOf({ ...address, database: kept }));
}

export function numbersOf({ lastMrn, mrnMargin }: NumberOptions): Pick<RestoredFrom, 'seen' | 'margin'> {
  const margin = mrnMargin === undefined ? undefined : Number(mrnMargin);
  if (margin !== undefined && !(Number.isSafeInteger(margin) && margin >= 0 && margin <= 1_000_000_000))
    throw new AppError('invalid', 'MRN_MARGIN_INVALID', '--mrn-margin is a whole number from 0 to 1,000,000,000.', { field: 'mrn-margin' });
  return { seen: lastMrn ?? [], margin };
}

/** What a database says of its numbers, if it can still be read and has any. */
export async function knownOf(address: DatabaseAddress): Promise<KnownNumbers | undefined> {
  return onDatabase(address, (ctx) => readKnownNumbers(ctx.db)).catch(() => undefined);
}

const nothingToPrepare: MadeReady = { raised: [], returnedRetired: 0, sessionsEnded: 0, before: true };

/** A database of before the module has no numbers. */
export async function prepare(address: DatabaseAddress, from: RestoredFrom, reason?: string): Promise<MadeReady> {
  try {
    return await onDatabase(address, (ctx) => makeReady(ctx, from), reason);
  } catch (error) {
    if (error instanceof AppError && error.code === 'REGISTRY_NOT_MIGRATED') return nothingToPrepare;
    throw error;
  }
}

export function showReady({ raised, returnedRetired, sessionsEnded, before }: MadeReady, io: CliIo): void {
  if (before) return;
  const why = {
    'replaced database': 'as the replaced database says',
    'number seen': 'after the number that was seen',
    estimate: 'estimated from its busiest day',
  };
  for (const { authority, year, from, to, basis, lastRetired } of raised)
    print(io, `Record numbers of ${authority}${year === 0 ? '' : ` in ${year}`}: ${from + 1} to ${to} (up to ${lastRetired}) are never issued, ${why[basis]}.`);
  if (returnedRetired > 0) print(io, `${returnedRetired} numbers that had been given back are never issued either.`);
  if (sessionsEnded > 0) print(io, `${sessionsEnded} sessions were ended; everybody signs in anew.`);
}
