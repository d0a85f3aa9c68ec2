import type { Node } from './syntax-node.ts';
import type { Lock, Work } from './locks.ts';
import type { Known } from './known.ts';
import type { Script, ScriptStatement } from './script.ts';

/**
 * How bad a finding is. `error`: it fails, loses data, or stops writers for as long as a table is big. `warning`: it
 * is dangerous in some circumstances or breaks programs that run meanwhile. `note`: a matter of habit.
 */
export type Severity = 'error' | 'warning' | 'note';

/** What a rule says of one place in a migration. */
export interface Hit {
  readonly message: string;
  /** Byte position as the parser gives it; the statement's beginning when left out. */
  readonly location?: number | undefined;
  /** Safe SQL for this very statement. */
  readonly rewrite?: string | undefined;
  /** When this case is better or worse than the rule in general. */
  readonly severity?: Severity | undefined;
  /** What other sessions wait for; weighed by the table's size when a database is given. */
  readonly stall?: { readonly table: string; readonly lock: Lock['mode']; readonly work: Work } | undefined;
  /** A finding that only counts when this table holds rows (data is lost, or a default is wanting). */
  readonly rowsOf?: string | undefined;
}

/** A statement with everything a rule may ask about its place. */
export interface StatementContext {
  readonly script: Script;
  readonly statement: ScriptStatement;
  /** Name of the parser's node: IndexStmt, AlterTableStmt … */
  readonly kind: string;
  readonly node: Node;
  /** The transaction it runs in, counted within the file; undefined when it commits by itself. */
  readonly transaction: number | undefined;
  /** Locks on tables that others use (not on those made in the same file). */
  readonly locks: readonly Lock[];
}

/** What is known around a statement. */
export interface Surroundings {
  readonly runner: Runner;
  /** The schema as the statements before this one left it. */
  readonly before: Known;
  /** The schema as the whole folder leaves it. */
  readonly final: Known;
  /** Whether the folder begins with an empty schema, so that a table it does not make does not exist. */
  readonly complete: boolean;
  /** Whether others use a table: everything but what this very file makes. */
  readonly isLive: (table: string) => boolean;
  /** The statements of the same file before this one. */
  readonly earlier: readonly StatementContext[];
}

/** Who runs the file: Prisma (whole, one implicit transaction) or a tool that commits each statement. */
export type Runner = 'prisma' | 'autocommit';

/** One thing that is looked for, as data; what finds it is the only code. */
export interface Rule {
  /** In kebab case; what ignore comments name. */
  readonly id: string;
  readonly title: string;
  readonly why: string;
  /** What to write instead, in general. */
  readonly rewrite: string;
  readonly severity: Severity;
  /** Only looked for when asked with `include`. */
  readonly optIn?: true;
  /** `onechart migrate apply` takes the statement another way, so that the hazard does not arise there. */
  readonly avoidedByApply?: true;
  /** Rules of squawk that look for the same. */
  readonly squawk?: readonly string[];
  readonly check?: (context: StatementContext, around: Surroundings) => Iterable<Hit>;
  /** For what only shows over a whole file. */
  readonly checkScript?: (statements: readonly StatementContext[], around: Surroundings) => Iterable<Hit & { readonly context: StatementContext }>;
}
