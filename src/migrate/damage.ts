import { AppError } from '../base/errors.ts';
import type { AssessedMigration, Assessment } from './assess.ts';
import { isModuleMigration } from './source.ts';
import type { Effect } from './statement.ts';

/** One thing that is wrong with a half-applied migration, and what a repair makes of it. */
export interface Damage {
  readonly migration: string;
  readonly found: string;
  readonly remedy: string;
}

/** What is wrong, migration by migration. Pure. Conflicts are not in it: those stop a repair with a word about each. */
export function damageOf({ migrations }: Assessment): Damage[] {
  return migrations.flatMap(({ file, statements, history, complete }) => {
    const of = (found: string, remedy: string): Damage => ({ migration: file.name, found, remedy });
    const missing = statements.filter(({ object }) => object.state === 'missing');
    if (missing.length === statements.length && statements.length > 0 && (history === 'absent' || history === 'rolled-back'))
      return [of('not begun', 'it is applied')];
    return [
      ...(missing.length > 0 ? [of(`missing: ${listOf(missing.map(({ effect }) => effect))}`, 'made')] : []),
      ...statements.flatMap(({ effect, object }) => {
        if (object.state !== 'invalid') return [];
        return effect.kind === 'index'
          ? [of(`index ${effect.name} is INVALID: its build was cut off`, 'dropped and built anew beside running writes')]
          : [of(`${names[effect.kind][0]} ${effect.name} is NOT VALID: rows from before were never checked`, 'validated')];
      }),
      ...historyDamage(history, complete).map(([found, remedy]) => of(found, remedy)),
    ];
  });
}

function historyDamage(history: AssessedMigration['history'], complete: boolean): [string, string][] {
  if (history === 'applied') return complete ? [] : [['the history says applied, and not everything is there', 'the row stays, the rest is made']];
  if (history === 'failed')
    return [[`the history says failed${complete ? ', and everything is there' : ''}`, 'that attempt is closed, and one that is finished is recorded']];
  return [[history === 'absent' ? 'the history has no row of it' : 'the history says rolled back', 'an attempt that is finished is recorded']];
}

const names: Readonly<Record<Effect['kind'], readonly [string, string]>> = {
  enum: ['enum', 'enums'],
  'enum-value': ['enum label', 'enum labels'],
  table: ['table', 'tables'],
  column: ['column', 'columns'],
  'column-change': ['change of a column', 'changes of columns'],
  index: ['index', 'indexes'],
  'foreign-key': ['foreign key', 'foreign keys'],
  check: ['check', 'checks'],
  comment: ['comment', 'comments'],
  drop: ['drop', 'drops'],
  opaque: ['script', 'scripts'],
};

function listOf(effects: readonly Effect[]): string {
  return [...Map.groupBy(effects, ({ kind }) => kind)]
    .map(([kind, group]) => {
      if (kind === 'comment' || kind === 'opaque') return `${group.length} ${names[kind][group.length === 1 ? 0 : 1]}`;
      const shown = group.slice(0, 3).map(({ name }) => name);
      return `${group.length === 1 ? names[kind][0] : `${group.length} ${names[kind][1]}`} (${shown.join(', ')}${group.length > 3 ? ', …' : ''})`;
    })
    .join(', ');
}

/** Errors: `REPAIR_NOTHING_THERE` (unsafe) where the module was never begun: that is a migration to be planned and applied. */
export function refuseUnbegun({ migrations }: Assessment): void {
  const ours = migrations.filter(({ file }) => isModuleMigration(file.name));
  const begun = ours.some(({ history, statements }) => history !== 'absent' || statements.some(({ object }) => object.state !== 'missing'));
  if (begun || ours.length === 0) return;
  throw new AppError(
    'unsafe',
    'REPAIR_NOTHING_THERE',
    'Nothing of the patient module is in this database, so there is nothing to repair. Look at onechart migrate plan, then use onechart migrate apply.',
  );
}
