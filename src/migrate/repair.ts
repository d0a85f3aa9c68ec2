import { type ApplyOptions, type ApplyResult, applyWith, requireBackup } from './apply.ts';
import { type Damage, damageOf, refuseUnbegun } from './damage.ts';
import { withRun } from './run.ts';

export interface RepairResult extends ApplyResult {
  /** What was wrong; empty when nothing was. */
  readonly damage: readonly Damage[];
}

/**
 * Repairs a half-applied module: what is missing is made, INVALID indexes are dropped and built anew, NOT VALID keys and checks are
 * validated, the history is set right. The same engine as `apply` and the same end; only that it wants something to be there, and says
 * what was wrong. What has another definition is refused, each object named, and nothing is changed.
 *
 * Errors: `REPAIR_NOTHING_THERE` (unsafe) and those of `applyMigration`.
 *
 * @example
 * const { damage, steps } = await repairMigration({ address: parseDatabaseUrl('postgresql://ehr_user@127.0.0.1/ehr'), noBackup: true });
 * for (const each of damage) console.log(each.migration, each.found, each.remedy);
 */
export async function repairMigration(options: ApplyOptions): Promise<RepairResult> {
  requireBackup(options);
  let damage: readonly Damage[] = [];
  const result = await withRun({ ...options, command: 'repair' }, (run) =>
    applyWith(run, options, (known) => {
      refuseUnbegun(known);
      damage = damageOf(known);
    }),
  );
  return { ...result, damage };
}
