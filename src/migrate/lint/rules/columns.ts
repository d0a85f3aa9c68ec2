import { isVolatile, provenNotNull, rewritesTable, typeChangeWork } from '../locks.ts';
import { alterCommand, nextMigration, quoted, statements } from '../rewrite.ts';
import type { Rule } from '../rule.ts';
import { addedColumns, alterCommands, columnConstraints, type Node, relationName, typeModifiers, typeName } from '../syntax-node.ts';

export const columnRules: readonly Rule[] = [
  {
    id: 'column-default-rewrites-table',
    title: 'New column whose value differs from row to row',
    why: 'A volatile default (gen_random_uuid(), random()), a stored generated column, serial or identity: every row is written anew under ACCESS EXCLUSIVE. A constant, or now(), costs nothing.',
    rewrite: 'Add the column without the default, then set the default, then fill old rows in batches.',
    severity: 'error',
    squawk: ['adding-field-with-default'],
    *check(context, { isLive }) {
      for (const [index, { table, column, toExisting }] of addedColumns(context.kind, context.node).entries()) {
        if (!toExisting || !isLive(table) || !rewritesTable(column)) continue;
        const constraint = columnConstraints(column).find(({ contype }) => ['CONSTR_DEFAULT', 'CONSTR_GENERATED', 'CONSTR_IDENTITY'].includes(contype));
        const volatile = constraint?.contype === 'CONSTR_DEFAULT' && isVolatile(constraint.raw_expr);
        const add = alterCommand(context, index, (command) => command.replace(/\s+(?:not\s+null\s+)?default\s[\s\S]*$/i, ''));
        const text = context.statement.text;
        const expression = /\bdefault\s+([\s\S]+?)(?:\s+not\s+null)?$/i.exec(text)?.[1];
        yield {
          message: `Column ${column.colname} makes PostgreSQL write every row of ${table} anew while nobody can use the table.`,
          location: constraint?.location ?? column.location,
          stall: { table, lock: 'ACCESS EXCLUSIVE', work: 'rewrite' },
          rewrite:
            volatile && add !== undefined && expression !== undefined && (context.node.cmds as unknown[]).length === 1
              ? statements(
                  add,
                  `ALTER TABLE ${quoted(table)} ALTER COLUMN ${quoted(column.colname)} SET DEFAULT ${expression}`,
                  '-- then in batches, each its own transaction, outside of the migration:',
                  `UPDATE ${quoted(table)} SET ${quoted(column.colname)} = ${expression} WHERE ${quoted(column.colname)} IS NULL AND <range of the key>`,
                )
              : undefined,
        };
      }
    },
  },
  {
    id: 'required-column',
    title: 'New NOT NULL column without a default on a live table',
    why: 'It fails as soon as the table holds a row. On an empty one it succeeds, and the program version that still runs cannot insert any more.',
    rewrite: 'Add it with a constant default, or nullable first and NOT NULL when it is filled.',
    severity: 'error',
    squawk: ['adding-required-field'],
    *check(context, { isLive }) {
      for (const [index, { table, column, toExisting }] of addedColumns(context.kind, context.node).entries()) {
        if (!toExisting || !isLive(table)) continue;
        const constraints = columnConstraints(column);
        const has = (...kinds: string[]) => constraints.some(({ contype }) => kinds.includes(contype));
        if (!has('CONSTR_NOTNULL', 'CONSTR_PRIMARY') || has('CONSTR_DEFAULT', 'CONSTR_GENERATED', 'CONSTR_IDENTITY')) continue;
        if (/serial[248]?$/.test(typeName(column.typeName))) continue;
        const nullable = alterCommand(context, index, (command) => command.replace(/\s+not\s+null\b/i, ''));
        yield {
          message: `Column ${column.colname} must have a value, and the rows of ${table} have none.`,
          location: column.location,
          rowsOf: table,
          rewrite:
            nullable &&
            statements(
              nullable,
              '-- fill it in batches, then in a later migration:',
              `ALTER TABLE ${quoted(table)} ADD CONSTRAINT ${quoted(`${column.colname}_present`)} CHECK (${quoted(column.colname)} IS NOT NULL) NOT VALID`,
              nextMigration,
              `ALTER TABLE ${quoted(table)} VALIDATE CONSTRAINT ${quoted(`${column.colname}_present`)}`,
              nextMigration,
              `ALTER TABLE ${quoted(table)} ALTER COLUMN ${quoted(column.colname)} SET NOT NULL`,
              `ALTER TABLE ${quoted(table)} DROP CONSTRAINT ${quoted(`${column.colname}_present`)}`,
            ),
        };
      }
    },
  },
  {
    id: 'not-null-reads-table',
    title: 'SET NOT NULL on a live column',
    why: 'Every row is read under ACCESS EXCLUSIVE, unless a validated check proves already that none is NULL.',
    rewrite:
      'CHECK (column IS NOT NULL) NOT VALID, VALIDATE, then SET NOT NULL, which reads nothing any more; then, in a statement of its own, drop the check.',
    severity: 'error',
    avoidedByApply: true,
    squawk: ['adding-not-nullable-field'],
    *check(context, { isLive, before }) {
      const { kind, node } = context;
      for (const [index, command] of alterCommands(kind, node).entries()) {
        const table = relationName(node.relation);
        if (command.subtype !== 'AT_SetNotNull' || !isLive(table) || provenNotNull(before, node, command.name)) continue;
        const check = `${command.name}_not_null`;
        const plain = alterCommand(context, index);
        yield {
          message: `Every row of ${table} is read to see that ${command.name} is set, while nobody can use the table.`,
          stall: { table, lock: 'ACCESS EXCLUSIVE', work: 'read' },
          rewrite:
            plain &&
            statements(
              `ALTER TABLE ${quoted(table)} ADD CONSTRAINT ${quoted(check)} CHECK (${quoted(command.name)} IS NOT NULL) NOT VALID`,
              nextMigration,
              `ALTER TABLE ${quoted(table)} VALIDATE CONSTRAINT ${quoted(check)}`,
              nextMigration,
              plain,
              `ALTER TABLE ${quoted(table)} DROP CONSTRAINT ${quoted(check)}`,
            ),
        };
      }
    },
  },
  {
    id: 'column-type-rewrites-table',
    title: 'Change of a column type',
    why: 'Every row is written anew and every index on the column built anew under ACCESS EXCLUSIVE, unless the old values fit as they are (a longer varchar, text instead of varchar).',
    rewrite: 'Add a column of the new type, write both, fill old rows in batches, read from the new one, drop the old one.',
    severity: 'error',
    squawk: ['changing-column-type'],
    *check({ kind, node }, { isLive, before }) {
      for (const command of alterCommands(kind, node)) {
        const table = relationName(node.relation);
        if (command.subtype !== 'AT_AlterColumnType' || !isLive(table)) continue;
        const definition = command.def.ColumnDef as Node;
        if (typeChangeWork(command, table, before) === 'brief') continue;
        const was = before.tables.get(table)?.columns.get(command.name);
        const written = (type: string, modifiers: readonly number[]) => `${type}${modifiers.length > 0 ? `(${modifiers.join(',')})` : ''}`;
        yield {
          message: `${table}.${command.name} becomes ${written(typeName(definition.typeName), typeModifiers(definition.typeName))}${was ? ` (was ${written(was.type, was.modifiers)})` : ', from a type these files do not tell'}: every row is written anew while nobody can use the table.`,
          location: definition.location,
          stall: { table, lock: 'ACCESS EXCLUSIVE', work: 'rewrite' },
        };
      }
    },
  },
  {
    id: 'column-dropped',
    title: 'Dropped column',
    why: 'Its values are gone, and the program version that still runs fails: Prisma Client names every column in each query.',
    rewrite: 'First a release that does not know the column any more, then, in a later one, the DROP.',
    severity: 'error',
    squawk: ['ban-drop-column'],
    *check({ kind, node }, { isLive }) {
      for (const command of alterCommands(kind, node)) {
        const table = relationName(node.relation);
        if (command.subtype === 'AT_DropColumn' && isLive(table)) yield { message: `The values of ${table}.${command.name} are lost.`, rowsOf: table };
      }
    },
  },
  {
    id: 'column-renamed',
    title: 'Renamed column',
    why: 'The program version that still runs asks for the old name and fails; the new one fails until the migration is through.',
    rewrite: 'Keep the column and rename it in the Prisma schema alone: newName Type @map("old_name"). Else add, write both, fill, switch, drop.',
    severity: 'error',
    squawk: ['renaming-column'],
    *check({ kind, node }, { isLive }) {
      if (kind !== 'RenameStmt' || node.renameType !== 'OBJECT_COLUMN' || !isLive(relationName(node.relation))) return;
      yield { message: `${relationName(node.relation)}.${node.subname} is called ${node.newname} from now on; whoever runs the old version fails.` };
    },
  },
  {
    id: 'not-null-dropped',
    title: 'DROP NOT NULL',
    why: 'Programs that rely on a value find none; Prisma Client throws on NULL in a required field.',
    rewrite: 'First a release that can live with NULL, then the migration.',
    severity: 'warning',
    squawk: ['ban-drop-not-null'],
    *check({ kind, node }, { isLive }) {
      for (const command of alterCommands(kind, node)) {
        const table = relationName(node.relation);
        if (command.subtype === 'AT_DropNotNull' && isLive(table))
          yield { message: `${table}.${command.name} may be NULL from now on; the version that still runs does not expect it.` };
      }
    },
  },
];
