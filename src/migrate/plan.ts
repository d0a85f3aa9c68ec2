import type { Assessment, AssessedStatement } from './assess.ts';
import { quote } from './sql.ts';
import type { Effect } from './statement.ts';
import type { Step } from './step.ts';
import type { TableTraffic } from './traffic.ts';

export interface Plan {
  readonly steps: readonly Step[];
  /** Migrations whose history row is missing or open although nothing is left to do. */
  readonly historyOnly: readonly string[];
}

/**
 * Costs between those of a quiet and those of a crowded machine (load 7 and 11 on 2 cores, embedded PostgreSQL 18; npm run bench -- migrate).
 * Beside each what was measured on the one and on the other; docs/benchmarks.md has the tables.
 */
const cost = {
  // A transaction of its own with its commit: 2 ms and 12 ms.
  briefMilliseconds: 4,
  // 35 objects on a connection that has made none yet: 18 ms and 181 ms.
  objectMilliseconds: 1.6,
  // 20 checks in one round trip: 4 ms.
  checkMilliseconds: 0.2,
  // 218 comments in one round trip: 5 ms and 11 ms.
  commentMilliseconds: 0.05,
  // With the heap, 1.5 million rows in 312 MB: 181 ms and 475 ms; 0.9 million in 134 MB: 63 ms and 113 ms.
  validateRowMicroseconds: 0.1,
  // With the heap twice, the same tables: 416 ms and 1,508 ms; 261 ms and 717 ms.
  indexRowMicroseconds: 0.39,
  heapMegabyteMilliseconds: 0.33,
};

/**
 * Turns what is missing into steps. Pure.
 *
 * Order inside a migration (and between its scripts, which keep their place): what touches no live table in one
 * transaction; keys and checks on live tables NOT VALID, each alone; their validation; indexes CONCURRENTLY; comments.
 *
 * @param traffic size and writes of the tables that exist; a table that is absent or has no rows counts as quiet
 */
export function buildPlan(assessment: Assessment, traffic: ReadonlyMap<string, TableTraffic>): Plan {
  const toMake = new Set(
    assessment.migrations.flatMap(({ statements }) =>
      statements.flatMap(({ effect, object }) => (effect.kind === 'table' && object.state === 'missing' ? [effect.name] : [])),
    ),
  );
  const ownTables = new Set(
    assessment.migrations.flatMap(({ statements }) => statements.flatMap(({ effect }) => (effect.kind === 'table' ? [effect.name] : []))),
  );
  // A table of the module that does not exist yet, or exists without a page: nobody waits for it, a scan of it is nothing.
  const quiet = (table: string) => toMake.has(table) || (ownTables.has(table) && traffic.get(table)?.pages === 0);
  const steps = assessment.migrations.flatMap(({ file, statements }) =>
    segments(statements).flatMap((segment) => stepsOf(file.name, segment, { quiet, traffic })),
  );
  const withSteps = new Set(steps.map(({ migration }) => migration));
  const historyOnly = assessment.migrations.filter(({ file, history }) => !withSteps.has(file.name) && history !== 'applied').map(({ file }) => file.name);
  return { steps, historyOnly };
}

/** Cuts at scripts: what stands behind one may need it. */
function segments(statements: readonly AssessedStatement[]): AssessedStatement[][] {
  const cut: AssessedStatement[][] = [[]];
  for (const statement of statements) {
    if (statement.effect.kind === 'opaque') cut.push([statement], []);
    else cut.at(-1)?.push(statement);
  }
  return cut.filter((segment) => segment.length > 0);
}

interface Surroundings {
  readonly quiet: (table: string) => boolean;
  readonly traffic: ReadonlyMap<string, TableTraffic>;
}

function stepsOf(migration: string, statements: readonly AssessedStatement[], around: Surroundings): Step[] {
  const pending = statements.filter(({ object }) => object.state === 'missing' || object.state === 'invalid');
  const missing = pending.filter(({ object }) => object.state === 'missing');
  const structure = missing.filter(({ effect }) => isQuiet(effect, around.quiet));
  const live = pending.filter((statement) => !structure.includes(statement));
  const step = (part: Omit<Step, 'migration' | 'tables'>, tables: readonly string[]): Step => ({
    migration,
    ...part,
    tables: tables.flatMap((table) => around.traffic.get(table) ?? []),
  });
  const brief = (milliseconds = cost.briefMilliseconds, writeWaitMilliseconds = cost.briefMilliseconds) => ({ milliseconds, writeWaitMilliseconds });
  const heap = (table: string) => (around.traffic.get(table)?.megabytes ?? 0) * cost.heapMegabyteMilliseconds;
  const perRow = (table: string, microseconds: number) => ((around.traffic.get(table)?.rows ?? 0) * microseconds) / 1000;

  const made: Step[] = [];
  if (structure.length > 0) {
    made.push(
      step(
        {
          key: 'structure',
          title: structureTitle(structure),
          kind: 'structure',
          statements: structure.map(({ text }) => text),
          lock: undefined,
          estimate: brief(
            structure.reduce((sum, { effect }) => sum + (effect.kind === 'check' ? cost.checkMilliseconds : cost.objectMilliseconds), cost.briefMilliseconds),
            0,
          ),
        },
        [],
      ),
    );
  }
  for (const { effect, object, text } of live) {
    if ((effect.kind === 'foreign-key' || effect.kind === 'check') && object.state === 'missing') {
      const tables = effect.kind === 'foreign-key' ? [...new Set([effect.table, effect.references])] : [effect.table];
      made.push(
        step(
          {
            key: `add ${effect.name}`,
            title: `Add ${describe(effect)}, not yet validated`,
            kind: 'add-constraint',
            statements: [`${text} NOT VALID`],
            lock: effect.kind === 'foreign-key' ? 'SHARE ROW EXCLUSIVE' : 'ACCESS EXCLUSIVE',
            estimate: brief(),
          },
          tables,
        ),
      );
    }
  }
  for (const { effect } of live) {
    if (effect.kind === 'foreign-key' || effect.kind === 'check') {
      const scan = readsFewRows(effect, around.traffic) ? 0 : heap(effect.table) + perRow(effect.table, cost.validateRowMicroseconds);
      made.push(
        step(
          {
            key: `validate ${effect.name}`,
            title: `Validate ${describe(effect)}`,
            kind: 'validate',
            statements: [`ALTER TABLE ${quote(effect.table)} VALIDATE CONSTRAINT ${quote(effect.name)}`],
            lock: 'SHARE UPDATE EXCLUSIVE',
            estimate: brief(cost.briefMilliseconds + scan, 0),
          },
          [effect.table],
        ),
      );
    }
  }
  for (const { effect, object, text } of live) {
    if (effect.kind !== 'index') continue;
    if (object.state === 'invalid') {
      made.push(
        step(
          {
            key: `drop invalid ${effect.name}`,
            title: `Drop the invalid index ${effect.name}`,
            kind: 'drop-invalid-index',
            statements: [`DROP INDEX CONCURRENTLY ${quote(effect.name)}`],
            lock: 'SHARE UPDATE EXCLUSIVE',
            estimate: brief(cost.briefMilliseconds, 0),
          },
          [effect.table],
        ),
      );
    }
    const concurrently = effect.concurrently ? text : text.replace(/^(CREATE\s+(?:UNIQUE\s+)?INDEX)/i, '$1 CONCURRENTLY');
    made.push(
      step(
        {
          key: `index ${effect.name}`,
          title: `Build index ${effect.name} beside running writes`,
          kind: 'index',
          statements: [concurrently],
          lock: 'SHARE UPDATE EXCLUSIVE',
          estimate: brief(cost.briefMilliseconds * 3 + 2 * heap(effect.table) + perRow(effect.table, cost.indexRowMicroseconds), 0),
        },
        [effect.table],
      ),
    );
  }
  const comments = missing.filter(({ effect }) => effect.kind === 'comment');
  if (comments.length > 0) {
    made.push(
      step(
        {
          key: 'comments',
          title: `Describe ${comments.length} tables, columns and indexes`,
          kind: 'comments',
          statements: comments.map(({ text }) => text),
          lock: 'SHARE UPDATE EXCLUSIVE',
          estimate: brief(cost.briefMilliseconds + comments.length * cost.commentMilliseconds, 0),
        },
        [],
      ),
    );
  }
  for (const { effect, text } of missing) {
    if (effect.kind === 'opaque')
      made.push(
        step(
          {
            key: effect.name,
            title: `Run the script of ${migration.replace(/^\d+_/, '')} once`,
            kind: 'script',
            statements: [text],
            lock: undefined,
            estimate: brief(cost.briefMilliseconds * 2, 0),
          },
          [],
        ),
      );
  }
  return made;
}

/** A key's validation asks for the values that are not NULL; where an index knows them all and they are few, the table is not read. */
function readsFewRows(effect: Effect, traffic: ReadonlyMap<string, TableTraffic>): boolean {
  if (effect.kind !== 'foreign-key' || effect.columns.length !== 1) return false;
  return (traffic.get(effect.table)?.sparseColumns ?? []).includes(effect.columns[0] as string);
}

function isQuiet(effect: Effect, quiet: (table: string) => boolean): boolean {
  switch (effect.kind) {
    case 'enum':
    case 'table':
      return true;
    case 'index':
    case 'check':
      return quiet(effect.table);
    case 'foreign-key':
      return quiet(effect.table) && quiet(effect.references);
    case 'comment':
    case 'opaque':
      return false;
  }
}

function describe(effect: Effect): string {
  if (effect.kind === 'foreign-key') return `foreign key ${effect.name}, ${effect.table} to ${effect.references}`;
  return effect.kind === 'check' ? `check ${effect.name} on ${effect.table}` : effect.name;
}

function structureTitle(statements: readonly AssessedStatement[]): string {
  const count = (kind: Effect['kind'], one: string, many: string) => {
    const number = statements.filter(({ effect }) => effect.kind === kind).length;
    return number === 0 ? [] : [number === 1 ? one : `${number} ${many}`];
  };
  const parts = [
    ...count('enum', '1 enum', 'enums'),
    ...count('table', '1 table', 'tables'),
    ...count('index', '1 index', 'indexes'),
    ...count('foreign-key', '1 foreign key', 'foreign keys'),
    ...count('check', '1 check', 'checks'),
  ];
  return `Make ${parts.join(', ')} on tables nobody uses yet, in one transaction`;
}
