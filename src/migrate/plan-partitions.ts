import { prismaName } from './module/index.ts';
import type { Partition } from './partitions.ts';
import { brief, cost, type Of, scan, type StepMaker, type Surroundings } from './plan-parts.ts';
import { quoteRelation, splitRelation } from './relation.ts';
import { quote } from './sql.ts';
import type { Step } from './step.ts';

// A partitioned table takes neither NOT VALID keys before PostgreSQL 18 nor CREATE INDEX CONCURRENTLY in any version. Both are made on
// the partitions first, under the names the server itself would choose, and the table then takes them over without reading a row.

/** A key on a partitioned table: NOT VALID on each leaf, so that no new row breaks it. */
export function addKeySteps(step: StepMaker, { effect, text }: Of<'foreign-key'>, partitions: readonly Partition[]): Step[] {
  return leaves(partitions)
    .filter(({ keys }) => keys[effect.name] === undefined)
    .map(({ name }) =>
      step(
        {
          key: `add ${effect.name} on ${name}`,
          title: `Add foreign key ${effect.name}, partition ${name} to ${effect.references}, not yet validated`,
          kind: 'add-constraint',
          statements: [`${onTable(text, name)} NOT VALID`],
          lock: 'SHARE ROW EXCLUSIVE',
          estimate: brief(),
        },
        [name, effect.references],
      ),
    );
}

/** Its validation leaf by leaf; then the table takes over what its leaves have. */
export function validateKeySteps(
  step: StepMaker,
  { effect, text }: Of<'foreign-key'>,
  { partitions, around }: { partitions: readonly Partition[]; around: Surroundings },
): Step[] {
  const validate = leaves(partitions)
    .filter(({ keys }) => keys[effect.name] !== true)
    .map(({ name }) =>
      step(
        {
          key: `validate ${effect.name} on ${name}`,
          title: `Validate foreign key ${effect.name} on partition ${name}`,
          kind: 'validate',
          statements: [`ALTER TABLE ${quoteRelation(name)} VALIDATE CONSTRAINT ${quote(effect.name)}`],
          lock: 'SHARE UPDATE EXCLUSIVE',
          estimate: brief(cost.briefMilliseconds + scan(name, around, cost.validateRowMicroseconds), 0),
        },
        [name],
      ),
    );
  const takeOver = step(
    {
      key: `add ${effect.name}`,
      title: `Add foreign key ${effect.name}, ${effect.table} to ${effect.references}; ${partitions.length === 0 ? 'the table has no partition yet' : 'its partitions have it, validated'}`,
      kind: 'add-constraint',
      statements: [text],
      lock: 'SHARE ROW EXCLUSIVE',
      estimate: brief(),
    },
    [effect.table, effect.references],
  );
  return [...validate, takeOver];
}

/** An index on a partitioned table: empty on the table, beside running writes on each leaf, then attached from the leaves up. */
export function partitionedIndexSteps(
  step: StepMaker,
  { effect, object, text }: Of<'index'>,
  { partitions, around }: { partitions: readonly Partition[]; around: Surroundings },
): Step[] {
  const steps: Step[] = [];
  const nameOn = (table: string) => prismaName(splitRelation(table, '').name, effect.columns, '_idx');
  const make = (table: string, index: string): Step =>
    step(
      {
        key: `empty index ${index}`,
        title: `Make index ${index} on ${table}, its partitions to follow`,
        kind: 'alter',
        statements: [asIndex(text, { index, table, only: true })],
        lock: 'SHARE',
        estimate: brief(),
      },
      [table],
    );
  if (object.state === 'missing') steps.push(make(effect.table, splitRelation(effect.name, '').name));
  for (const { name, indexes } of partitions.filter(({ leaf }) => !leaf)) if (indexes[nameOn(name)] === undefined) steps.push(make(name, nameOn(name)));
  for (const { name, indexes } of leaves(partitions)) {
    const index = nameOn(name);
    const found = indexes[index];
    if (found?.valid) continue;
    const lock = 'SHARE UPDATE EXCLUSIVE';
    const qualified = quoteRelation(inSchemaOf(name, index));
    if (found)
      steps.push(
        step(
          {
            key: `drop invalid ${index}`,
            title: `Drop the invalid index ${index}`,
            kind: 'drop-index',
            statements: [`DROP INDEX CONCURRENTLY ${qualified}`],
            lock,
            estimate: brief(undefined, 0),
          },
          [name],
        ),
      );
    const milliseconds = cost.briefMilliseconds * 3 + scan(name, around, 0) + scan(name, around, cost.indexRowMicroseconds);
    steps.push(
      step(
        {
          key: `index ${index}`,
          title: `Build index ${index} beside running writes`,
          kind: 'index',
          statements: [asIndex(text, { index, table: name, concurrently: true })],
          lock,
          estimate: brief(milliseconds, 0),
        },
        [name],
      ),
    );
  }
  // From the leaves up: a partitioned index is valid once all of its parts are attached.
  for (const { name, parent, indexes } of [...partitions].reverse()) {
    const index = nameOn(name);
    if (indexes[index]?.attached) continue;
    const above = parent === effect.table ? effect.name : inSchemaOf(parent, nameOn(parent));
    steps.push(
      step(
        {
          key: `attach ${index}`,
          title: `Attach index ${index} to that of ${parent}`,
          kind: 'alter',
          statements: [`ALTER INDEX ${quoteRelation(above)} ATTACH PARTITION ${quoteRelation(inSchemaOf(name, index))}`],
          lock: 'ACCESS SHARE',
          estimate: brief(undefined, 0),
        },
        [name],
      ),
    );
  }
  return steps;
}

function leaves(partitions: readonly Partition[]): Partition[] {
  return partitions.filter(({ leaf }) => leaf);
}

/** An index lives in the schema of its table. */
function inSchemaOf(table: string, index: string): string {
  const { schema } = splitRelation(table, '');
  return schema === '' ? index : `${quote(schema)}.${quote(index)}`;
}

const name = String.raw`(?:"(?:[^"]|"")+"|[\w$]+)`;
const relation = String.raw`${name}(?:\s*\.\s*${name})?`;
const alterHead = new RegExp(String.raw`^ALTER\s+TABLE\s+(?:IF\s+EXISTS\s+)?(?:ONLY\s+)?${relation}`, 'i');
const indexHead = new RegExp(
  String.raw`^CREATE\s+(UNIQUE\s+)?INDEX\s+(?:CONCURRENTLY\s+)?(?:IF\s+NOT\s+EXISTS\s+)?${name}\s+ON\s+(?:ONLY\s+)?${relation}`,
  'i',
);

/** The same ALTER TABLE for another table. */
function onTable(text: string, table: string): string {
  return text.replace(alterHead, () => `ALTER TABLE ${quoteRelation(table)}`);
}

/** The same CREATE INDEX under another name on another table. */
function asIndex(text: string, { index, table, only, concurrently }: { index: string; table: string; only?: true; concurrently?: true }): string {
  return text.replace(
    indexHead,
    (_, unique: string | undefined) =>
      `CREATE ${unique ? 'UNIQUE ' : ''}INDEX ${concurrently ? 'CONCURRENTLY ' : ''}${quote(index)} ON ${only ? 'ONLY ' : ''}${quoteRelation(table)}`,
  );
}
