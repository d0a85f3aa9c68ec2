import { InvalidArgumentError } from 'commander';
import { maintainAuditPartitions } from '../../../audit/partition.service.ts';
import { type DatabaseAddress, describeAddress } from '../../../base/config.ts';
import { createPool, kyselyOnPool } from '../../../db/connect.ts';
import { defaultMaxAgeHours } from '../../../migrate/backup/index.ts';
import { applyMigration, type ApplyOptions, type ApplyResult, type OrphanAction, planMigration } from '../../../migrate/index.ts';
import { type CliIo, note, print, printJson } from '../../io.ts';
import { renderPlan, renderVerification } from '../../migrate-view.ts';
import { addReportOptions, type ReportOptions, withReport } from '../../report-files.ts';
import { addBackupOptions, type BackupCommandOptions, renderBackup, withBackup } from './backup.ts';
import { confirm } from './confirm.ts';
import {
  addLockOptions,
  type EngineCommandOptions,
  engineOptions,
  exitDrift,
  type LockOptions,
  lockPatience,
  type MigrateCommands,
  orphansOption,
} from './options.ts';
import { printStepsDone, showProgress, terminalWidth } from './progress.ts';

interface ApplyCommandOptions extends EngineCommandOptions, BackupCommandOptions, LockOptions, ReportOptions {
  readonly backup?: boolean;
  readonly backupFile?: string;
  readonly backupMaxAge?: number;
  readonly yes?: boolean;
  readonly orphans?: OrphanAction;
}

export function addApplyCommand(commands: MigrateCommands): void {
  addApplyingCommand(commands, {
    name: 'apply',
    description: 'save the database and prove the backup, then apply what is missing, online; run it again after any interruption',
    work: applyMigration,
    done: 'applied',
  });
}

/** `apply` and `repair` differ in what the engine is called for and in what they say first. */
export function addApplyingCommand<Result extends ApplyResult>(
  { io, command }: MigrateCommands,
  verb: { name: string; description: string; work: (options: ApplyOptions) => Promise<Result>; done: string; tell?: (result: Result) => object },
): void {
  addBackupOptions(addReportOptions(addLockOptions(command(verb.name, verb.description))))
    .option('--backup-file <file>', 'use this backup, proven earlier, instead of making one')
    .option('--backup-max-age <hours>', `how old that one may be (default: ${defaultMaxAgeHours})`, hours)
    .option('--no-backup', 'make none: say that you have one that was really restored once')
    .addOption(orphansOption())
    .option('-y, --yes', 'do not ask')
    .action(async (options: ApplyCommandOptions) => {
      const engine = await engineOptions(options, io);
      if (!options.yes) {
        const { plan } = await planMigration({ ...engine, orphans: options.orphans });
        if (plan.steps.length > 0) {
          if (io.interactive) print(io, renderPlan(plan.steps, terminalWidth(io)));
          const what = `${plan.steps.length} steps would be applied to ${describeAddress(engine.address)}`;
          await confirm(io, { what, look: 'onechart migrate plan', yes: options.yes });
        }
      }
      const progress = options.json ? {} : { onEvent: showProgress(io) };
      let live = engine.address;
      const { result, report } = await withReport({ io, address: () => live, options, ...progress }, (onEvent) =>
        withBackup({ engine, options, io }, (address, backup) => {
          live = address;
          return verb.work({
            ...engine,
            address,
            ...backup,
            orphans: options.orphans,
            ...lockPatience(options),
            onEvent,
          });
        }),
      );
      const { verification, steps, backup } = result;
      if (verification.ok) await makeTrailPartitions(live, io);
      const told = verb.tell?.(result) ?? {};
      io.exitCode = verification.ok ? 0 : exitDrift;
      if (options.json)
        return printJson(io, {
          applied: steps.map(({ step, result: measured }) => ({ migration: step.migration, step: step.key, ...measured })),
          verification,
          ...told,
          backup: backup ? { ...backup, objects: undefined } : null,
          ...(report ? { report } : {}),
        });
      if (backup) print(io, `Backup: ${backup.file}\n${renderBackup(backup)}`);
      if (steps.length === 0) print(io, 'Nothing to do: everything is there, valid and as defined.');
      else printStepsDone(io, steps, verb.done);
      print(io, verification.ok ? `Verified: ${verification.items.length} checks passed.` : renderVerification(verification));
    });
}

/** The months to come get their partitions of the audit trail; without them its rows wait in the default one, so this stops nothing. */
async function makeTrailPartitions(address: DatabaseAddress, io: CliIo): Promise<void> {
  const pool = createPool(address, { maxConnections: 1 });
  try {
    await maintainAuditPartitions(kyselyOnPool(pool), { now: new Date() });
  } catch {
    note(io, 'The partitions of the audit trail for the coming months were not made. Let the owner of the tables run: onechart audit maintain');
  } finally {
    await pool.end();
  }
}

function hours(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('It must be a number of hours above 0.');
  return value;
}
