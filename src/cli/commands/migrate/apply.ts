import { describeAddress } from '../../../base/config.ts';
import { AppError } from '../../../base/errors.ts';
import { applyMigration, type OrphanAction, planMigration } from '../../../migrate/index.ts';
import { print, printJson } from '../../io.ts';
import { renderPlan, renderVerification } from '../../migrate-view.ts';
import { addReportOptions, type ReportOptions, withReport } from '../../report-files.ts';
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

interface ApplyCommandOptions extends EngineCommandOptions, LockOptions, ReportOptions {
  readonly backup?: boolean;
  readonly yes?: boolean;
  readonly orphans?: OrphanAction;
}

export function addApplyCommand({ io, command }: MigrateCommands): void {
  addReportOptions(addLockOptions(command('apply', 'apply what is missing, online; run it again after any interruption')))
    .option('--no-backup', 'say that a proven backup exists; needed until this command makes its own')
    .addOption(orphansOption())
    .option('-y, --yes', 'do not ask')
    .action(async (options: ApplyCommandOptions) => {
      const engine = await engineOptions(options, io);
      if (options.backup !== false)
        throw new AppError(
          'unsafe',
          'BACKUP_REQUIRED',
          'This version makes no backup of its own. Make one, prove it by restoring it, then say so with --no-backup.',
        );
      if (!options.yes) {
        const { plan } = await planMigration({ ...engine, orphans: options.orphans });
        if (plan.steps.length > 0) {
          if (io.interactive) print(io, renderPlan(plan.steps, terminalWidth(io)));
          const what = `${plan.steps.length} steps would be applied to ${describeAddress(engine.address)}`;
          await confirm(io, { what, look: 'onechart migrate plan', yes: options.yes });
        }
      }
      const progress = options.json ? {} : { onEvent: showProgress(io) };
      const { result, report } = await withReport({ io, address: engine.address, options, ...progress }, (onEvent) =>
        applyMigration({
          ...engine,
          noBackup: true,
          orphans: options.orphans,
          ...lockPatience(options),
          onEvent,
        }),
      );
      const { verification, steps } = result;
      io.exitCode = verification.ok ? 0 : exitDrift;
      if (options.json)
        return printJson(io, {
          applied: steps.map(({ step, result: measured }) => ({ migration: step.migration, step: step.key, ...measured })),
          verification,
          ...(report ? { report } : {}),
        });
      if (steps.length === 0) print(io, 'Nothing to do: everything is there, valid and as defined.');
      else printStepsDone(io, steps, 'applied');
      print(io, verification.ok ? `Verified: ${verification.items.length} checks passed.` : renderVerification(verification));
    });
}
