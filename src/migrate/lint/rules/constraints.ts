import { alone, alterCommand, nextMigration, quoted, statements } from '../rewrite.ts';
import { hasValue } from '../locks.ts';
import type { Hit, Rule, StatementContext, Surroundings } from '../rule.ts';
import { addedColumns, alterCommands, columnConstraints, type Node, relationName, strings } from '../syntax-node.ts';
import type { Known } from '../known.ts';

interface AddedConstraint {
  readonly table: string;
  readonly constraint: Node;
  readonly index: number;
}

/** Constraints added to a table that is there, but not those of a new column. */
function* addedConstraints({ kind, node }: StatementContext): Generator<AddedConstraint> {
  for (const [index, command] of alterCommands(kind, node).entries())
    if (command.subtype === 'AT_AddConstraint') yield { table: relationName(node.relation), constraint: command.def.Constraint, index };
}

/** NOT VALID now, VALIDATE in the next migration. */
function inTwoSteps(context: StatementContext, { table, constraint, index }: AddedConstraint): string | undefined {
  const added = alterCommand(context, index, (command) => `${command} NOT VALID`);
  if (added === undefined) return undefined;
  const name = (constraint.conname as string | undefined) ?? '<its name>';
  return statements(added, nextMigration, `ALTER TABLE ${quoted(table)} VALIDATE CONSTRAINT ${quoted(name)}`);
}

/** Index first, beside the writers; then the constraint takes it over in a moment. */
function usingIndex(context: StatementContext, { table, constraint, index }: AddedConstraint, kind: 'UNIQUE' | 'PRIMARY KEY'): string | undefined {
  const columns = strings(constraint.keys).map(quoted).join(', ');
  const name = constraint.conname ?? `${table}_${kind === 'UNIQUE' ? `${strings(constraint.keys).join('_')}_key` : 'pkey'}`;
  const head = alterCommand(context, index, () => '');
  if (head === undefined || columns === '') return undefined;
  return statements(
    alone,
    `CREATE UNIQUE INDEX CONCURRENTLY ${quoted(name)} ON ${quoted(table)} (${columns})`,
    nextMigration,
    `${head.trim()} ADD CONSTRAINT ${quoted(name)} ${kind} USING INDEX ${quoted(name)}`,
  );
}

export const constraintRules: readonly Rule[] = [
  {
    id: 'foreign-key-blocks-writes',
    title: 'Foreign key on a live table, validated at once',
    why: 'ADD FOREIGN KEY holds SHARE ROW EXCLUSIVE on both tables, the referenced one too, while every row is looked up: no write to either gets through.',
    rewrite: 'Add it NOT VALID (new rows are checked from then on), VALIDATE it in the next migration.',
    severity: 'error',
    avoidedByApply: true,
    squawk: ['adding-foreign-key-constraint', 'constraint-missing-not-valid'],
    *check(context, { isLive }) {
      for (const added of addedConstraints(context)) {
        const { constraint, table } = added;
        if (constraint.contype !== 'CONSTR_FOREIGN' || constraint.skip_validation || !isLive(table)) continue;
        const references = relationName(constraint.pktable);
        yield {
          message: `${constraint.conname ?? 'A foreign key'} is checked row by row while writes to ${table}${references === table ? '' : isLive(references) ? ` and ${references}` : ''} wait.`,
          location: constraint.location,
          stall: { table, lock: 'SHARE ROW EXCLUSIVE', work: 'read' },
          rewrite: inTwoSteps(context, added),
        };
      }
      for (const { table, column, toExisting } of addedColumns(context.kind, context.node)) {
        const constraints = columnConstraints(column);
        const key = constraints.find(({ contype }) => contype === 'CONSTR_FOREIGN');
        if (!toExisting || !key || !isLive(table)) continue;
        const withValue = hasValue(column);
        const references = relationName(key.pktable);
        yield {
          message: withValue
            ? `Column ${column.colname} comes with a value and a foreign key: every row of ${table} is looked up in ${references} under ACCESS EXCLUSIVE.`
            : `Column ${column.colname} comes with its foreign key: nothing has to be looked up, but ${table} and ${references} are locked together.`,
          location: key.location,
          severity: withValue ? 'error' : 'note',
          stall: { table, lock: 'ACCESS EXCLUSIVE', work: withValue ? 'read' : 'brief' },
        };
      }
    },
  },
  {
    id: 'check-blocks-table',
    title: 'Check on a live table, validated at once',
    why: 'ADD CONSTRAINT … CHECK holds ACCESS EXCLUSIVE while every row is read: neither reads nor writes get through.',
    rewrite: 'Add it NOT VALID, VALIDATE it in the next migration.',
    severity: 'error',
    avoidedByApply: true,
    squawk: ['constraint-missing-not-valid'],
    *check(context, { isLive }) {
      for (const added of addedConstraints(context)) {
        const { constraint, table } = added;
        if (!['CONSTR_CHECK', 'CONSTR_NOTNULL'].includes(constraint.contype) || constraint.skip_validation || !isLive(table)) continue;
        yield {
          message: `${constraint.conname ?? 'A check'} is tried on every row of ${table} while nobody can use the table.`,
          location: constraint.location,
          stall: { table, lock: 'ACCESS EXCLUSIVE', work: 'read' },
          rewrite: inTwoSteps(context, added),
        };
      }
      for (const { table, column, toExisting } of addedColumns(context.kind, context.node)) {
        const check = columnConstraints(column).find(({ contype }) => contype === 'CONSTR_CHECK');
        if (!toExisting || !check || !isLive(table)) continue;
        yield {
          message: `Column ${column.colname} comes with its check: every row of ${table} is read while nobody can use the table.`,
          location: check.location,
          stall: { table, lock: 'ACCESS EXCLUSIVE', work: 'read' },
        };
      }
    },
  },
  {
    id: 'validate-in-same-transaction',
    title: 'NOT VALID and VALIDATE in one transaction',
    why: 'The lock of ADD CONSTRAINT is held until the transaction ends, so the table is read under it after all. Nothing is won by NOT VALID.',
    rewrite: 'VALIDATE in a migration of its own.',
    severity: 'error',
    avoidedByApply: true,
    squawk: ['constraint-missing-not-valid'],
    *check(context, { earlier }) {
      const table = context.node.relation ? relationName(context.node.relation) : '';
      for (const [index, command] of alterCommands(context.kind, context.node).entries()) {
        if (command.subtype !== 'AT_ValidateConstraint' || context.transaction === undefined) continue;
        const added = earlier.find(
          (each) =>
            each.transaction === context.transaction &&
            [...addedConstraints(each)].some(({ constraint, table: of }) => of === table && constraint.conname === command.name && constraint.skip_validation),
        );
        if (!added || added.locks.length === 0) continue;
        const { line } = context.script.placeOf(added.statement.start);
        yield {
          message: `${command.name} was added NOT VALID in line ${line} of the same transaction; ${table} is read while that lock is still held.`,
          stall: { table, lock: added.locks[0]?.mode ?? 'SHARE ROW EXCLUSIVE', work: 'read' },
          rewrite: statements('-- in a migration of its own:', alterCommand(context, index) ?? context.statement.text),
        };
      }
    },
  },
  {
    id: 'never-validated',
    title: 'NOT VALID constraint that no later migration validates',
    why: 'Old rows stay unchecked, and the planner does not rely on the constraint. Prisma does not see the difference.',
    rewrite: 'ALTER TABLE … VALIDATE CONSTRAINT in the next migration.',
    severity: 'note',
    *check(context, { final }) {
      for (const { table, constraint } of addedConstraints(context)) {
        if (!constraint.skip_validation || final.tables.get(table)?.constraints.get(constraint.conname)?.valid !== false) continue;
        yield {
          message: `Nothing validates ${constraint.conname} on ${table}.`,
          location: constraint.location,
          rewrite: statements(nextMigration, `ALTER TABLE ${quoted(table)} VALIDATE CONSTRAINT ${quoted(constraint.conname)}`),
        };
      }
    },
  },
  {
    id: 'unique-constraint-blocks-table',
    title: 'Unique constraint on a live table that builds its index itself',
    why: 'The index is built under ACCESS EXCLUSIVE: neither reads nor writes get through meanwhile.',
    rewrite: 'CREATE UNIQUE INDEX CONCURRENTLY first, then ADD CONSTRAINT … UNIQUE USING INDEX.',
    severity: 'error',
    squawk: ['disallowed-unique-constraint', 'constraint-missing-not-valid'],
    check: (context, around) => ownIndex(context, around, 'CONSTR_UNIQUE'),
  },
  {
    id: 'primary-key-blocks-table',
    title: 'Primary key on a live table that builds its index itself',
    why: 'The index is built, and every row read for NULL, under ACCESS EXCLUSIVE.',
    rewrite: 'CREATE UNIQUE INDEX CONCURRENTLY on a NOT NULL column first, then ADD CONSTRAINT … PRIMARY KEY USING INDEX.',
    severity: 'error',
    squawk: ['adding-serial-primary-key-field', 'constraint-missing-not-valid'],
    check: (context, around) => ownIndex(context, around, 'CONSTR_PRIMARY'),
  },
  {
    id: 'exclusion-constraint-blocks-table',
    title: 'Exclusion constraint on a live table',
    why: 'Its index is built under ACCESS EXCLUSIVE, and PostgreSQL has no way to build it beforehand.',
    rewrite: 'Make a new table with the constraint and move the rows over, or take the stall when nobody works.',
    severity: 'error',
    squawk: ['constraint-missing-not-valid'],
    check: (context, around) => ownIndex(context, around, 'CONSTR_EXCLUSION'),
  },
  {
    id: 'foreign-key-without-index',
    title: 'Foreign key without an index on its column',
    why: 'Each DELETE of a referenced row, and each change of its key, reads the whole referencing table to find what points at it. Prisma makes no such index by itself.',
    rewrite: 'CREATE INDEX on the column before the key is added.',
    severity: 'warning',
    *check(context, { final }) {
      for (const { table, columns, location } of newForeignKeys(context)) {
        if (columns.length === 0 || leadsAnIndex(final, table, columns)) continue;
        const owner = final.tables.get(table);
        if (owner?.kind === 'temporary' || !owner) continue;
        // A table that neither the files nor a database describe may have any index.
        const unseen = owner.madeBy === undefined && owner.columns.size === 0;
        const name = `${table.split('.').at(-1)}_${columns.join('_')}_idx`;
        yield {
          message: `No index of ${table} begins with ${columns.join(', ')}${unseen ? ', as far as these files show' : ''}.`,
          location,
          severity: unseen ? 'note' : undefined,
          rewrite: statements(alone, `CREATE INDEX CONCURRENTLY ${quoted(name)} ON ${quoted(table)} (${columns.map(quoted).join(', ')})`),
        };
      }
    },
  },
];

function* ownIndex(context: StatementContext, { isLive }: Surroundings, contype: string): Generator<Hit> {
  const words = { CONSTR_UNIQUE: 'a unique constraint', CONSTR_PRIMARY: 'a primary key', CONSTR_EXCLUSION: 'an exclusion constraint' }[contype];
  for (const added of addedConstraints(context)) {
    const { constraint, table } = added;
    if (constraint.contype !== contype || constraint.indexname || !isLive(table)) continue;
    yield {
      message: `The index of ${constraint.conname ?? words} is built on ${table} while nobody can use the table.`,
      location: constraint.location,
      stall: { table, lock: 'ACCESS EXCLUSIVE', work: 'build' },
      rewrite: contype === 'CONSTR_EXCLUSION' ? undefined : usingIndex(context, added, contype === 'CONSTR_UNIQUE' ? 'UNIQUE' : 'PRIMARY KEY'),
    };
  }
  for (const { table, column, toExisting } of addedColumns(context.kind, context.node)) {
    const constraint = columnConstraints(column).find((each) => each.contype === contype);
    if (!toExisting || !constraint || !isLive(table)) continue;
    yield {
      message: `Column ${column.colname} comes with ${words}: its index is built on ${table} while nobody can use the table.`,
      location: constraint.location,
      stall: { table, lock: 'ACCESS EXCLUSIVE', work: 'build' },
    };
  }
}

function* newForeignKeys(context: StatementContext): Generator<{ table: string; columns: string[]; location: number | undefined }> {
  const { kind, node } = context;
  for (const { table, constraint } of addedConstraints(context))
    if (constraint.contype === 'CONSTR_FOREIGN') yield { table, columns: strings(constraint.fk_attrs), location: constraint.location };
  for (const { table, column } of addedColumns(kind, node)) {
    const key = columnConstraints(column).find(({ contype }) => contype === 'CONSTR_FOREIGN');
    if (key) yield { table, columns: [column.colname], location: key.location };
  }
  if (kind === 'CreateStmt')
    for (const element of (node.tableElts ?? []) as Node[])
      if (element.Constraint?.contype === 'CONSTR_FOREIGN')
        yield { table: relationName(node.relation), columns: strings(element.Constraint.fk_attrs), location: element.Constraint.location };
}

/** Whether an index helps to find rows by these columns: they are its first ones, in any order, and it knows all rows. */
function leadsAnIndex(known: Known, table: string, columns: readonly string[]): boolean {
  for (const index of known.indexes.values())
    if (index.table === table && !index.partial && columns.every((column) => index.columns.slice(0, columns.length).includes(column))) return true;
  return false;
}
