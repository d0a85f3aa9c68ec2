import { createHash } from 'node:crypto';
import type { Hazard } from './hazard.ts';

/** One statement of a migration file, classified by what it makes or changes. */
export interface Statement {
  /** Position in the file, from 1; the parts of one ALTER TABLE share theirs. */
  readonly number: number;
  readonly text: string;
  readonly effect: Effect;
  /** What has to be approved before it runs. */
  readonly hazards: readonly Hazard[];
}

/**
 * What a statement does, as far as the catalogue can be asked whether it is done. `opaque` statements (functions, data,
 * roles, and whatever the engine does not take apart) cannot be compared: they run once, in a transaction, journalled.
 */
export type Effect =
  | { readonly kind: 'enum'; readonly name: string }
  | { readonly kind: 'enum-value'; readonly name: string; readonly label: string }
  | { readonly kind: 'table'; readonly name: string }
  /** `required`: NOT NULL without a default, which a table with rows cannot have. */
  | { readonly kind: 'column'; readonly name: string; readonly table: string; readonly required?: true }
  | { readonly kind: 'column-change'; readonly name: string; readonly table: string; readonly change: ColumnChange }
  /** `columns`: an expression stands as `expr`, as in the names the server chooses. */
  | { readonly kind: 'index'; readonly name: string; readonly table: string; readonly columns: readonly string[]; readonly concurrently: boolean }
  | {
      readonly kind: 'foreign-key';
      readonly name: string;
      readonly table: string;
      readonly columns: readonly string[];
      readonly references: string;
    }
  | { readonly kind: 'check'; readonly name: string; readonly table: string }
  | { readonly kind: 'comment'; readonly name: string; readonly on: 'table' | 'column' | 'index' | 'type'; readonly target: string }
  | { readonly kind: 'drop'; readonly object: DroppedObject; readonly name: string; readonly table?: string }
  | { readonly kind: 'opaque'; readonly name: string; readonly doneWhen?: string; readonly idempotent?: boolean };

export type ColumnChange = 'set-default' | 'drop-default' | 'set-not-null' | 'drop-not-null' | 'type';
export type DroppedObject = 'table' | 'column' | 'index' | 'constraint' | 'type';

/** Eight hexadecimal digits that tell one text from another in names and journal keys. */
export function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}
