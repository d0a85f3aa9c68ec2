import { AppError } from '../../base/errors.ts';
import type { AssessedMigration } from '../assess.ts';

/** Whether anything of a migration is in the database: a history that says so, or an object of its definition. */
export function leftTraces({ history, statements }: AssessedMigration): boolean {
  return (
    history === 'applied' ||
    history === 'failed' ||
    statements.some(({ effect, object }) => effect.kind !== 'opaque' && (object.state === 'present' || object.state === 'invalid'))
  );
}

/** A script that says of itself that it is done: a trace only beside others, as without roles to grant to there is nothing to be done. */
function scriptDone({ statements }: AssessedMigration): boolean {
  return statements.some(({ effect, object }) => effect.kind === 'opaque' && effect.doneWhen !== undefined && object.state === 'present');
}

/**
 * Which migrations a rollback takes back, the latest first. Pure.
 *
 * Errors: `MIGRATION_UNKNOWN` and `MIGRATION_NAME_AMBIGUOUS` with the names there are; `LATER_MIGRATIONS_PRESENT` (unsafe)
 * when those after the named one are in the database and `withLater` was not said.
 *
 * @param name the whole name of the directory, or its part after the timestamp where only one has it; undefined means all
 */
export function selectMigrations(
  migrations: readonly AssessedMigration[],
  { name, withLater }: { readonly name: string | undefined; readonly withLater: boolean },
): AssessedMigration[] {
  const names = migrations.map(({ file }) => file.name);
  const fromOn = (at: number) => {
    const traces = migrations.slice(at).some(leftTraces);
    return migrations
      .slice(at)
      .filter((each) => leftTraces(each) || (traces && scriptDone(each)))
      .toReversed();
  };
  if (name === undefined) return fromOn(0);
  const found = names.includes(name) ? [name] : names.filter((each) => each.replace(/^\d+_/, '') === name);
  if (found.length > 1)
    throw new AppError('ambiguous', 'MIGRATION_NAME_AMBIGUOUS', `"${name}" may be ${found.join(' or ')}. Give the whole name.`, { name, found });
  if (found.length === 0)
    throw new AppError(
      'not-found',
      'MIGRATION_UNKNOWN',
      `There is no migration "${name}" among those of the module: ${names.join(', ')}. Give one of these names.`,
      {
        name,
        names,
      },
    );
  const at = names.indexOf(found[0] as string);
  const later = migrations.slice(at + 1).filter(leftTraces);
  if (later.length > 0 && !withLater)
    throw new AppError(
      'unsafe',
      'LATER_MIGRATIONS_PRESENT',
      `${later.map(({ file }) => file.name).join(', ')} came after ${names[at]} and would be taken back first. Say --with-later to take them back too.`,
      { later: later.map(({ file }) => file.name) },
    );
  return fromOn(at);
}
