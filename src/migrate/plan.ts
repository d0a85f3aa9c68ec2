import type { Assessment, AssessedStatement } from './assess.ts';
import { stepsOf } from './plan-steps.ts';
import type { Step } from './step.ts';
import type { Partition } from './partitions.ts';
import type { TableTraffic } from './traffic.ts';

export interface Plan {
  readonly steps: readonly Step[];
  /** Migrations whose history row is missing or open although nothing is left to do. */
  readonly historyOnly: readonly string[];
}

/** What is known of the tables that exist. */
export interface TableFacts {
  readonly traffic: ReadonlyMap<string, TableTraffic>;
  readonly partitions: ReadonlyMap<string, readonly Partition[]>;
}

/**
 * Turns what is missing into steps. Pure.
 *
 * Order inside a migration (and between its scripts and drops, which keep their place): labels of enums; what touches no live table
 * in one transaction; columns; keys and checks on live tables NOT VALID, each alone; their validation; indexes CONCURRENTLY; comments.
 *
 * A table that is absent from the traffic or has no pages counts as quiet.
 */
export function buildPlan(assessment: Assessment, { traffic, partitions }: TableFacts): Plan {
  const compared = assessment.migrations.filter((each) => each.compared);
  const tables = (statements: readonly AssessedStatement[], missing: boolean) =>
    statements.flatMap(({ effect, object }) => (effect.kind === 'table' && (!missing || object.state === 'missing') ? [effect.name] : []));
  const toMake = new Set(compared.flatMap(({ statements }) => tables(statements, true)));
  const ownTables = new Set(compared.flatMap(({ statements }) => tables(statements, false)));
  // A table of these migrations that does not exist yet, or exists without a page: nobody waits for it, a scan of it is nothing.
  const quiet = (table: string) => toMake.has(table) || (ownTables.has(table) && traffic.get(table)?.pages === 0);
  // A table that is to be made partitioned has no partitions yet, and takes no NOT VALID key before PostgreSQL 18 all the same.
  const unmade = compared.flatMap(({ statements }) =>
    statements.flatMap(({ effect, text }) => (effect.kind === 'table' && /\)\s*PARTITION\s+BY\b/i.test(text) ? [[effect.name, []] as const] : [])),
  );
  const around = { quiet, traffic, partitions: new Map([...unmade, ...partitions]) };
  const steps = compared.flatMap(({ file, statements }) => segments(statements).flatMap((segment) => stepsOf(file.name, segment, around)));
  const withSteps = new Set(steps.map(({ migration }) => migration));
  const historyOnly = compared.filter(({ file, history }) => !withSteps.has(file.name) && history !== 'applied').map(({ file }) => file.name);
  return { steps, historyOnly };
}

/** Cuts at scripts and drops: what stands behind one may need it. */
function segments(statements: readonly AssessedStatement[]): AssessedStatement[][] {
  const cut: AssessedStatement[][] = [[]];
  for (const statement of statements) {
    if (statement.effect.kind === 'opaque' || statement.effect.kind === 'drop') cut.push([statement], []);
    else cut.at(-1)?.push(statement);
  }
  return cut.filter((segment) => segment.length > 0);
}
