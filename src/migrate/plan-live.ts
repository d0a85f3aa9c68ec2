import { brief, cost, type Of, scan, type StepMaker, type Surroundings } from './plan-parts.ts';
import type { Partition } from './partitions.ts';
import { addKeySteps, partitionedIndexSteps, validateKeySteps } from './plan-partitions.ts';
import { quoteRelation } from './relation.ts';
import { quote } from './sql.ts';
import type { Effect } from './statement.ts';
import type { Step } from './step.ts';

type Constraint = Of<'foreign-key' | 'check'>;

/** Keys and checks on live tables: first all NOT VALID, each alone, so that no new row breaks them; then validated one by one. */
export function constraintSteps(step: StepMaker, constraints: readonly Constraint[], around: Surroundings): Step[] {
  return [
    ...constraints.flatMap((each) => {
      if (each.object.state !== 'missing') return [];
      const partitions = partitionsOf(each, around);
      return partitions && isKey(each) ? addKeySteps(step, each, partitions) : [addStep(step, each)];
    }),
    ...constraints.flatMap((each) => {
      const partitions = partitionsOf(each, around);
      return partitions && isKey(each) && each.object.state === 'missing'
        ? validateKeySteps(step, each, { partitions, around })
        : [validateStep(step, each, around)];
    }),
  ];
}

function isKey(constraint: Constraint): constraint is Of<'foreign-key'> {
  return constraint.effect.kind === 'foreign-key';
}

function partitionsOf({ effect }: { effect: { table: string } }, { partitions }: Surroundings): readonly Partition[] | undefined {
  return partitions.get(effect.table);
}

function addStep(step: StepMaker, { effect, text }: Constraint): Step {
  const tables = effect.kind === 'foreign-key' ? [...new Set([effect.table, effect.references])] : [effect.table];
  return step(
    {
      key: `add ${effect.name}`,
      title: `Add ${describe(effect)}, not yet validated`,
      kind: 'add-constraint',
      statements: [`${text} NOT VALID`],
      lock: effect.kind === 'foreign-key' ? 'SHARE ROW EXCLUSIVE' : 'ACCESS EXCLUSIVE',
      estimate: brief(),
    },
    tables,
  );
}

function validateStep(step: StepMaker, { effect }: Constraint, around: Surroundings): Step {
  const reading = readsFewRows(effect, around) ? 0 : scan(effect.table, around, cost.validateRowMicroseconds);
  return step(
    {
      key: `validate ${effect.name}`,
      title: `Validate ${describe(effect)}`,
      kind: 'validate',
      statements: [`ALTER TABLE ${quoteRelation(effect.table)} VALIDATE CONSTRAINT ${quote(effect.name)}`],
      lock: 'SHARE UPDATE EXCLUSIVE',
      estimate: brief(cost.briefMilliseconds + reading, 0),
    },
    [effect.table],
  );
}

/** A key's validation asks for the values that are not NULL; where an index knows them all and they are few, the table is not read. */
function readsFewRows(effect: Effect, { traffic }: Surroundings): boolean {
  if (effect.kind !== 'foreign-key' || effect.columns.length !== 1) return false;
  return (traffic.get(effect.table)?.sparseColumns ?? []).includes(effect.columns[0] as string);
}

/** An index on a live table, beside running writes; an INVALID one of an earlier attempt is dropped first. */
export function indexSteps(step: StepMaker, statement: Of<'index'>, around: Surroundings): Step[] {
  const { effect, object, text } = statement;
  const partitions = partitionsOf(statement, around);
  if (partitions) return partitionedIndexSteps(step, statement, { partitions, around });
  const concurrently = effect.concurrently ? text : text.replace(/^(CREATE\s+(?:UNIQUE\s+)?INDEX)/i, '$1 CONCURRENTLY');
  const lock = 'SHARE UPDATE EXCLUSIVE';
  const drop = step(
    {
      key: `drop invalid ${effect.name}`,
      title: `Drop the invalid index ${effect.name}`,
      kind: 'drop-index',
      statements: [`DROP INDEX CONCURRENTLY ${quoteRelation(effect.name)}`],
      lock,
      estimate: brief(undefined, 0),
    },
    [effect.table],
  );
  // The heap is read twice: to build, and to add what was written meanwhile.
  const milliseconds = cost.briefMilliseconds * 3 + scan(effect.table, around, 0) + scan(effect.table, around, cost.indexRowMicroseconds);
  const build = step(
    {
      key: `index ${effect.name}`,
      title: `Build index ${effect.name} beside running writes`,
      kind: 'index',
      statements: [concurrently],
      lock,
      estimate: brief(milliseconds, 0),
    },
    [effect.table],
  );
  return object.state === 'invalid' ? [drop, build] : [build];
}

function describe(effect: Effect): string {
  if (effect.kind === 'foreign-key') return `foreign key ${effect.name}, ${effect.table} to ${effect.references}`;
  return effect.kind === 'check' ? `check ${effect.name} on ${effect.table}` : effect.name;
}
