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

/** Compares one effect in both pictures. Pure; scripts have no picture and are left to their done-when question. */
export function compareObject(effect: Effect, desired: Catalogue, actual: Catalogue): ObjectState {
  switch (effect.kind) {
    case 'enum':
      return compareText(desired.enums.get(effect.name), actual.enums.get(effect.name));
    case 'table':
      return compareTable(desired.tables.get(effect.name) ?? '', actual.tables.get(effect.name));
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
function compareTable(expected: string, actual: string | undefined): ObjectState {
  if (actual === undefined) return missing;
  const there = new Set(actual.split('\n'));
  const wanting = expected.split('\n').filter((line) => !there.has(line));
  if (wanting.length === 0) return present;
  const names = new Set(wanting.map((line) => line.split(' ')[0]));
  const instead = [...there].filter((line) => names.has(line.split(' ')[0]));
  return { state: 'conflict', expected: wanting.join('; '), actual: instead.length > 0 ? instead.join('; ') : 'nothing of that name' };
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
