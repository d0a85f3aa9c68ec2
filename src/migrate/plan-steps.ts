import type { AssessedStatement } from './assess.ts';
import { constraintSteps, indexSteps } from './plan-live.ts';
import { brief, cost, type Of, of, scan, type StepMaker, type Surroundings } from './plan-parts.ts';
import { quoteRelation } from './relation.ts';
import { quote } from './sql.ts';
import type { Effect } from './statement.ts';
import type { Step } from './step.ts';

/** The steps of statements between two cuts, each kind at its place. */
export function stepsOf(migration: string, statements: readonly AssessedStatement[], around: Surroundings): Step[] {
  const pending = statements.filter(({ object }) => object.state === 'missing' || object.state === 'invalid');
  const missing = pending.filter(({ object }) => object.state === 'missing');
  const structure = missing.filter(({ effect }) => isQuiet(effect, around.quiet));
  const live = pending.filter((statement) => !structure.includes(statement));
  const step: StepMaker = (part, tables) => ({ migration, ...part, tables: tables.flatMap((table) => around.traffic.get(table) ?? []) });
  return [
    ...of(live, 'enum-value').map((each) => enumValueStep(step, each)),
    ...structureSteps(step, structure),
    ...of(live, 'column').map((each) => columnStep(step, each, around)),
    ...of(live, 'column-change').flatMap((each) => columnChangeSteps(step, each, around)),
    ...constraintSteps(step, [...of(live, 'foreign-key'), ...of(live, 'check')], around),
    ...of(live, 'index').flatMap((each) => indexSteps(step, each, around)),
    ...commentSteps(step, of(missing, 'comment')),
    ...of(missing, 'drop').map((each) => dropStep(step, each)),
    ...of(missing, 'opaque').map((each) => scriptStep(step, each, migration)),
  ];
}

function structureSteps(step: StepMaker, structure: readonly AssessedStatement[]): Step[] {
  if (structure.length === 0) return [];
  const milliseconds = structure.reduce(
    (sum, { effect }) => sum + (effect.kind === 'check' ? cost.checkMilliseconds : cost.objectMilliseconds),
    cost.briefMilliseconds,
  );
  return [
    step(
      {
        key: 'structure',
        title: structureTitle(structure),
        kind: 'structure',
        statements: structure.map(({ text }) => text),
        lock: undefined,
        estimate: brief(milliseconds, 0),
      },
      [],
    ),
  ];
}

/** A new label can be used from the next transaction on only, so it gets one of its own. */
function enumValueStep(step: StepMaker, { effect, text }: Of<'enum-value'>): Step {
  const title = `Add label ${effect.label} to enum ${effect.name}`;
  return step({ key: `label ${effect.name} ${effect.label}`, title, kind: 'alter', statements: [text], lock: undefined, estimate: brief(undefined, 0) }, []);
}

function columnStep(step: StepMaker, { effect, text, hazards }: Of<'column'>, around: Surroundings): Step {
  return step(
    {
      key: `column ${effect.table}.${effect.name}`,
      title: `Add column ${effect.table}.${effect.name}`,
      kind: 'alter',
      statements: [text],
      lock: 'ACCESS EXCLUSIVE',
      estimate: altering(effect.table, { rewrites: isRewritten(hazards), around }),
    },
    [effect.table],
  );
}

function columnChangeSteps(step: StepMaker, { effect, text, hazards }: Of<'column-change'>, around: Surroundings): Step[] {
  const { table, name, change } = effect;
  const key = `${change} ${table}.${name}`;
  if (change === 'set-not-null') return notNullSteps(step, { effect, text }, around);
  const title = {
    'set-default': `Set the default of ${table}.${name}`,
    'drop-default': `Drop the default of ${table}.${name}`,
    'drop-not-null': `Let ${table}.${name} be NULL`,
    type: `Change the type of ${table}.${name}`,
  }[change];
  const estimate = altering(table, { rewrites: isRewritten(hazards), around });
  return [step({ key, title, kind: 'alter', statements: [text], lock: 'ACCESS EXCLUSIVE', estimate }, [table])];
}

/**
 * SET NOT NULL reads the whole table under ACCESS EXCLUSIVE, unless a validated check says the same (PostgreSQL 12 and newer): so one is
 * added, validated beside running writes, and dropped again with the change.
 */
function notNullSteps(step: StepMaker, { effect, text }: Pick<Of<'column-change'>, 'effect' | 'text'>, around: Surroundings): Step[] {
  const { table, name } = effect;
  const on = quoteRelation(table);
  const check = quote(`${name.slice(0, 40)}_not_null_for_now`);
  const part = (key: string, rest: Omit<Step, 'migration' | 'tables' | 'key'>) => step({ key: `${key} ${table}.${name}`, ...rest }, [table]);
  return [
    part('check not null', {
      title: `Check that ${table}.${name} is never NULL, not yet validated`,
      kind: 'add-constraint',
      statements: [
        `ALTER TABLE ${on} DROP CONSTRAINT IF EXISTS ${check}`,
        `ALTER TABLE ${on} ADD CONSTRAINT ${check} CHECK (${quote(name)} IS NOT NULL) NOT VALID`,
      ],
      lock: 'ACCESS EXCLUSIVE',
      estimate: brief(),
    }),
    part('validate not null', {
      title: `Validate that ${table}.${name} is never NULL`,
      kind: 'validate',
      statements: [`ALTER TABLE ${on} VALIDATE CONSTRAINT ${check}`],
      lock: 'SHARE UPDATE EXCLUSIVE',
      estimate: brief(cost.briefMilliseconds + scan(table, around, cost.validateRowMicroseconds), 0),
    }),
    part('set not null', {
      title: `Set ${table}.${name} NOT NULL`,
      kind: 'alter',
      statements: [text, `ALTER TABLE ${on} DROP CONSTRAINT ${check}`],
      lock: 'ACCESS EXCLUSIVE',
      estimate: brief(),
    }),
  ];
}

function isRewritten(hazards: AssessedStatement['hazards']): boolean {
  return hazards.some(({ kind }) => kind === 'rewrite');
}

/** An approved rewrite reads and writes the table while everybody waits. */
function altering(table: string, { rewrites, around }: { rewrites: boolean; around: Surroundings }): Step['estimate'] {
  if (!rewrites) return brief();
  const milliseconds = cost.briefMilliseconds + 3 * scan(table, around, cost.indexRowMicroseconds);
  return brief(milliseconds, milliseconds);
}

function commentSteps(step: StepMaker, comments: readonly Of<'comment'>[]): Step[] {
  if (comments.length === 0) return [];
  return [
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
  ];
}

/** Approved before it comes to this. An index goes beside running writes; everything else for a moment alone. */
function dropStep(step: StepMaker, { effect, text }: Of<'drop'>): Step {
  const { object, name, table } = effect;
  const on = table === undefined ? name : `${table}.${name}`;
  const part = { key: `drop ${object} ${on}`, title: `Drop ${object} ${on}` };
  if (object === 'index') {
    const statement = /\bCONCURRENTLY\b/i.test(text) ? text : text.replace(/^DROP\s+INDEX/i, 'DROP INDEX CONCURRENTLY');
    return step({ ...part, kind: 'drop-index', statements: [statement], lock: 'SHARE UPDATE EXCLUSIVE', estimate: brief(undefined, 0) }, []);
  }
  const touched = table ?? (object === 'table' ? name : undefined);
  return step(
    { ...part, kind: 'drop', statements: [text], lock: touched === undefined ? undefined : 'ACCESS EXCLUSIVE', estimate: brief() },
    touched === undefined ? [] : [touched],
  );
}

function scriptStep(step: StepMaker, { effect, text }: Of<'opaque'>, migration: string): Step {
  return step(
    {
      key: effect.name,
      title: `Run the script of ${migration.replace(/^\d+_/, '')} once`,
      kind: 'script',
      statements: [text],
      lock: undefined,
      estimate: brief(cost.briefMilliseconds * 2, 0),
    },
    [],
  );
}

function isQuiet(effect: Effect, quiet: (table: string) => boolean): boolean {
  switch (effect.kind) {
    case 'enum':
    case 'table':
      return true;
    case 'index':
    case 'check':
    case 'column':
    case 'column-change':
      return quiet(effect.table);
    case 'foreign-key':
      return quiet(effect.table) && quiet(effect.references);
    default:
      return false;
  }
}

function structureTitle(statements: readonly AssessedStatement[]): string {
  const count = (kind: Effect['kind'], one: string, many: string) => {
    const number = statements.filter(({ effect }) => effect.kind === kind).length;
    return number === 0 ? [] : [number === 1 ? one : `${number} ${many}`];
  };
  const parts = [
    ...count('enum', '1 enum', 'enums'),
    ...count('table', '1 table', 'tables'),
    ...count('column', '1 column', 'columns'),
    ...count('column-change', '1 change of a column', 'changes of columns'),
    ...count('index', '1 index', 'indexes'),
    ...count('foreign-key', '1 foreign key', 'foreign keys'),
    ...count('check', '1 check', 'checks'),
  ];
  return `Make ${parts.join(', ')} on tables nobody uses yet, in one transaction`;
}
