import { type Catalogue, constraintKey } from './catalogue.ts';
import type { Effect } from './statement.ts';

/** How an object stands in the database, compared with what its statement would make. */
export type ObjectState =
  | { readonly state: 'present' }
  | { readonly state: 'missing' }
  /** There, with the right definition, but NOT VALID or an INVALID index. */
  | { readonly state: 'invalid' }
  | { readonly state: 'conflict'; readonly expected: string; readonly actual: string };

const present: ObjectState = { state: 'present' };
const missing: ObjectState = { state: 'missing' };

/**
 * Compares one effect in both pictures. Pure; scripts have no picture and are left to their done-when question.
 *
 * @param later effects of the same folder: what they add to or change in a table is not the table's own
 */
export function compareObject(effect: Effect, { desired, actual, later }: { desired: Catalogue; actual: Catalogue; later: readonly Effect[] }): ObjectState {
  switch (effect.kind) {
    case 'enum':
      return compareText(desired.enums.get(effect.name), actual.enums.get(effect.name));
    case 'table':
      return compareTable(desired.tables.get(effect.name) ?? '', actual.tables.get(effect.name), changedColumns(effect.name, later));
    case 'enum-value':
      return enumLabels(actual.enums.get(effect.name) ?? '').includes(effect.label) ? present : missing;
    case 'column':
      return compareColumn(effect, { desired, actual, mayDiffer: changedColumns(effect.table, later).has(effect.name) });
    case 'column-change':
      return columnLine(desired.tables.get(effect.table), effect.name) === columnLine(actual.tables.get(effect.table), effect.name) ? present : missing;
    case 'drop':
      return isThere(effect, actual) ? missing : present;
    case 'comment':
      // A comment that differs is not a conflict: it is set anew.
      return desired.comments.get(effect.name) === actual.comments.get(effect.name) ? present : missing;
    case 'index':
      return compareValid(desired.indexes.get(effect.name), actual.indexes.get(effect.name));
    case 'foreign-key':
      return compareValid(desired.foreignKeys.get(constraintKey(effect.table, effect.name)), actual.foreignKeys.get(constraintKey(effect.table, effect.name)));
    case 'check':
      return compareValid(desired.checks.get(constraintKey(effect.table, effect.name)), actual.checks.get(constraintKey(effect.table, effect.name)));
    case 'opaque':
      return missing;
  }
}

function compareText(expected: string | undefined, actual: string | undefined): ObjectState {
  if (actual === undefined) return missing;
  return actual === expected ? present : { state: 'conflict', expected: expected ?? '', actual };
}

/** A host may have added columns of its own to a table; only ours must be as they were made. */
function compareTable(expected: string, actual: string | undefined, changedLater: ReadonlySet<string>): ObjectState {
  if (actual === undefined) return missing;
  const there = new Set(actual.split('\n'));
  const wanting = expected.split('\n').filter((line) => !there.has(line) && !changedLater.has(columnName(line)));
  if (wanting.length === 0) return present;
  const names = new Set(wanting.map((line) => line.split(' ')[0]));
  const instead = [...there].filter((line) => names.has(line.split(' ')[0]));
  return { state: 'conflict', expected: wanting.join('; '), actual: instead.length > 0 ? instead.join('; ') : 'nothing of that name' };
}

function compareColumn(
  { table, name }: { table: string; name: string },
  { desired, actual, mayDiffer }: { desired: Catalogue; actual: Catalogue; mayDiffer: boolean },
): ObjectState {
  const found = columnLine(actual.tables.get(table), name);
  const expected = columnLine(desired.tables.get(table), name);
  if (found === undefined) return missing;
  return found === expected || mayDiffer ? present : { state: 'conflict', expected: expected ?? '', actual: found };
}

/** The columns of a table that later statements add or change. */
function changedColumns(table: string, later: readonly Effect[]): Set<string> {
  return new Set(later.flatMap((each) => ((each.kind === 'column' || each.kind === 'column-change') && each.table === table ? [each.name] : [])));
}

function columnLine(definition: string | undefined, name: string): string | undefined {
  return definition?.split('\n').find((line) => columnName(line) === name);
}

/** A line begins with the column's name as the server prints it. */
function columnName(line: string): string {
  const [, quoted, plain] = /^(?:"((?:[^"]|"")+)"|([^\s]+)) /.exec(line) ?? [];
  return quoted === undefined ? (plain ?? line) : quoted.replaceAll('""', '"');
}

/** The labels out of a picture's `'A', 'B'`. */
function enumLabels(picture: string): string[] {
  return [...picture.matchAll(/'((?:[^']|'')*)'/g)].map(([, label]) => (label as string).replaceAll("''", "'"));
}

function isThere(effect: Extract<Effect, { kind: 'drop' }>, actual: Catalogue): boolean {
  const onTable = constraintKey(effect.table ?? '', effect.name);
  switch (effect.object) {
    case 'table':
      return actual.tables.has(effect.name);
    case 'type':
      return actual.enums.has(effect.name);
    case 'index':
      return actual.indexes.has(effect.name);
    case 'column':
      return columnLine(actual.tables.get(effect.table ?? ''), effect.name) !== undefined;
    case 'constraint':
      return actual.foreignKeys.has(onTable) || actual.checks.has(onTable) || actual.otherConstraints.has(onTable);
  }
}

interface Comparable {
  readonly table: string;
  readonly definition: string;
  readonly valid: boolean;
}

function compareValid(expected: Comparable | undefined, actual: Comparable | undefined): ObjectState {
  if (!actual) return missing;
  if (!expected || actual.definition !== expected.definition || actual.table !== expected.table) {
    return { state: 'conflict', expected: `on ${expected?.table}: ${expected?.definition}`, actual: `on ${actual.table}: ${actual.definition}` };
  }
  return actual.valid ? present : { state: 'invalid' };
}
