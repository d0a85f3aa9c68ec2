import { droppedNames, referrers } from '../known.ts';
import { quoted, statements } from '../rewrite.ts';
import type { Rule } from '../rule.ts';
import { alterCommands, type Node, relationName } from '../syntax-node.ts';

const kindOf = (node: Node) => (node.removeType as string).replace('OBJECT_', '').replace('MATVIEW', 'MATERIALIZED VIEW').replaceAll('_', ' ').toLowerCase();

export const dropRules: readonly Rule[] = [
  {
    id: 'table-dropped',
    title: 'Dropped table',
    why: 'Its rows are gone, and the program version that still runs fails. ACCESS EXCLUSIVE is taken on the tables it refers to as well.',
    rewrite: 'First a release that does not know the table any more, and a proven backup; then the DROP.',
    severity: 'error',
    squawk: ['ban-drop-table'],
    *check({ kind, node }, { isLive }) {
      if (kind !== 'DropStmt' || node.removeType !== 'OBJECT_TABLE') return;
      for (const table of droppedNames(node)) if (isLive(table)) yield { message: `The rows of ${table} are lost.`, rowsOf: table };
    },
  },
  {
    id: 'database-dropped',
    title: 'DROP DATABASE',
    why: 'Everything is gone at once, and a migration has no business to do it.',
    rewrite: 'A person with a proven backup does it by hand.',
    severity: 'error',
    squawk: ['ban-drop-database'],
    *check({ kind, node }) {
      if (kind === 'DropdbStmt') yield { message: `Database ${node.dbname} is lost with everything in it.` };
    },
  },
  {
    id: 'schema-dropped',
    title: 'DROP SCHEMA or DROP EXTENSION with CASCADE',
    why: 'Everything that is in it or uses it goes along, columns included, without being named here.',
    rewrite: 'Drop the objects by name, then the schema or extension without CASCADE.',
    severity: 'error',
    *check({ kind, node }) {
      if (kind !== 'DropStmt' || node.behavior !== 'DROP_CASCADE' || !['OBJECT_SCHEMA', 'OBJECT_EXTENSION'].includes(node.removeType)) return;
      for (const name of droppedNames(node)) yield { message: `Whatever is in ${kindOf(node)} ${name} or uses it is lost.` };
    },
  },
  {
    id: 'drop-cascade',
    title: 'DROP … CASCADE',
    why: 'Views, foreign keys, defaults and columns that depend on the object go along, whichever they are on this server.',
    rewrite: 'Name what is to go, and leave CASCADE out: then PostgreSQL refuses when something else depends on it.',
    severity: 'warning',
    *check({ kind, node }) {
      if (kind === 'DropStmt' && node.behavior === 'DROP_CASCADE' && !['OBJECT_SCHEMA', 'OBJECT_EXTENSION'].includes(node.removeType))
        for (const name of droppedNames(node)) yield { message: `What depends on ${kindOf(node)} ${name} goes along.` };
      for (const command of alterCommands(kind, node))
        if (command.behavior === 'DROP_CASCADE') yield { message: `What depends on ${relationName(node.relation)}.${command.name} goes along.` };
    },
  },
  {
    id: 'truncate',
    title: 'TRUNCATE',
    why: 'All rows are gone, under ACCESS EXCLUSIVE. With CASCADE the tables that refer to it are emptied as well, and those that refer to them.',
    rewrite: 'DELETE in batches with a condition, and a proven backup.',
    severity: 'error',
    squawk: ['ban-truncate-cascade'],
    *check({ kind, node }, { isLive, before }) {
      if (kind !== 'TruncateStmt') return;
      for (const { RangeVar: relation } of node.relations as Node[]) {
        const table = relationName(relation);
        if (!isLive(table)) continue;
        const along = node.behavior === 'DROP_CASCADE' ? referrers(before, table) : [];
        yield {
          message: `The rows of ${table} are lost${node.behavior === 'DROP_CASCADE' ? `, and with CASCADE those of every table that refers to it${along.length > 0 ? ` (${along.join(', ')})` : ''}` : ''}.`,
          location: relation.location,
          rowsOf: node.behavior === 'DROP_CASCADE' ? undefined : table,
        };
      }
    },
  },
  {
    id: 'if-exists-hides-wrong-name',
    title: 'DROP … IF EXISTS of a name that nothing has made',
    why: 'A wrong name is skipped with a notice and the migration succeeds: what should be gone is still there, and a later statement fails or works on it.',
    rewrite: 'Leave IF EXISTS out, or write the name as it is.',
    severity: 'warning',
    *check(context, { before, complete }) {
      const { kind, node } = context;
      const missing: { name: string; what: string; drop: string }[] = [];
      if (kind === 'DropStmt' && node.missing_ok)
        for (const name of droppedNames(node))
          if (!before.names.has(name)) missing.push({ name, what: kindOf(node), drop: `DROP ${kindOf(node).toUpperCase()}` });
      for (const command of alterCommands(kind, node)) {
        if (!command.missing_ok || !['AT_DropConstraint', 'AT_DropColumn'].includes(command.subtype)) continue;
        const table = before.tables.get(relationName(node.relation));
        const isConstraint = command.subtype === 'AT_DropConstraint';
        if (isConstraint ? table?.constraints.has(command.name) : table?.columns.has(command.name)) continue;
        missing.push({
          name: command.name,
          what: isConstraint ? 'constraint' : 'column',
          drop: `ALTER TABLE ${quoted(relationName(node.relation))} DROP ${isConstraint ? 'CONSTRAINT' : 'COLUMN'}`,
        });
      }
      for (const { name, what, drop } of missing) {
        const meant = [...before.names].find((each) => each !== name && each.toLowerCase() === name.toLowerCase());
        // The unquoted name has a rule of its own.
        if (meant !== undefined && meant.toLowerCase() === name) continue;
        if (meant === undefined && !complete) {
          yield {
            message: `Nothing in these files makes ${what} ${name}. If the name is wrong, nobody will notice.`,
            severity: 'note',
          };
          continue;
        }
        yield {
          message: `No earlier migration makes ${what} ${name}: this is skipped and counts as done.`,
          rewrite: meant === undefined ? undefined : statements(`${drop} ${quoted(meant)}`),
        };
      }
    },
  },
];
