import type { TableTraffic } from './traffic.ts';

/** One thing the engine does, each in a transaction of its own, each journalled, each safe to be cut off. */
export interface Step {
  readonly migration: string;
  /** Key in the journal, unique within the migration. */
  readonly key: string;
  readonly title: string;
  readonly kind: StepKind;
  readonly statements: readonly string[];
  /** The strongest lock on a live table, in PostgreSQL's words; undefined when no live table is touched. */
  readonly lock: string | undefined;
  /** Live tables it locks, with what is known of them. */
  readonly tables: readonly TableTraffic[];
  readonly estimate: {
    readonly milliseconds: number;
    /** The longest a writer is expected to wait because of this step. */
    readonly writeWaitMilliseconds: number;
  };
}

export type StepKind =
  | 'structure'
  | 'add-constraint'
  | 'validate'
  /** A column or a type is added to or changed. */
  | 'alter'
  | 'index'
  | 'comments'
  | 'script'
  /** Takes an object away. */
  | 'drop'
  /** Takes an index away beside running writes. */
  | 'drop-index'
  /** Changes rows, a batch at a time (orphans, export and import). */
  | 'rows';
