import { blocksReads, blocksWrites, type LockMode, stronger, type Work } from '../locks.ts';
import { concurrently, statements } from '../rewrite.ts';
import type { Hit, Rule, StatementContext } from '../rule.ts';
import { alterCommands, descendants, listName, type Node, relationName } from '../syntax-node.ts';

const begins = (context: StatementContext) => context.kind === 'TransactionStmt' && /BEGIN|START/.test(context.node.kind);
const ends = (context: StatementContext) => context.kind === 'TransactionStmt' && /_(COMMIT|ROLLBACK|PREPARE)$/.test(context.node.kind);

/** What a table is locked with in one transaction, and since when. */
interface Held {
  readonly table: string;
  mode: LockMode;
  readonly since: StatementContext;
  /** What does something under it that takes as long as the table is big. */
  longBy: StatementContext | undefined;
  work: Work;
}

/** The transactions of a file, each with its statements; a statement that commits by itself is in none. */
function transactions(all: readonly StatementContext[]): StatementContext[][] {
  const by = new Map<number, StatementContext[]>();
  for (const context of all) if (context.transaction !== undefined) by.set(context.transaction, [...(by.get(context.transaction) ?? []), context]);
  return [...by.values()];
}

function heldLocks(transaction: readonly StatementContext[]): Held[] {
  const held = new Map<string, Held>();
  for (const context of transaction)
    for (const { table, mode, work } of context.locks) {
      if (!blocksWrites(mode)) continue;
      const there = held.get(table);
      if (there) {
        there.mode = stronger(there.mode, mode);
        if (work !== 'brief' && !there.longBy) Object.assign(there, { longBy: context, work });
      } else held.set(table, { table, mode, since: context, longBy: work === 'brief' ? undefined : context, work });
    }
  return [...held.values()];
}

/** The strong statements, a file for each table, each in its safe form; what locks nothing may stay together. */
function oneFileEach(held: readonly Held[], transaction: readonly StatementContext[]): string {
  const parts = held.flatMap(({ table }) => {
    const own = transaction.filter(({ locks }) => locks.find(({ mode }) => blocksWrites(mode))?.table === table);
    // A table that is only locked along with another one has no statement of its own.
    if (own.length === 0) return [];
    const indexes = own.filter(({ kind }) => kind === 'IndexStmt');
    const others = own.filter(({ kind }) => kind !== 'IndexStmt');
    const shown = others.slice(0, 3).map(({ statement, kind, node }) => (addsUncheckedly(kind, node) ? `${statement.text} NOT VALID` : statement.text));
    const more = others.length > shown.length ? [`-- and ${others.length - shown.length} more`] : [];
    return [
      ...(others.length > 0 ? [`${table}\n${statements("SET LOCAL lock_timeout = '1s'", ...shown, ...more)}`] : []),
      ...indexes.map(({ statement }) => `an index of ${table}, alone\n${statements(concurrently(statement.text))}`),
    ];
  });
  return parts.map((part, index) => `-- file ${index + 1}: ${part}`).join('\n');
}

/** Whether a statement adds one key or check that could be validated later. */
function addsUncheckedly(kind: string, node: Node): boolean {
  const [command, ...others] = alterCommands(kind, node);
  const constraint = command?.subtype === 'AT_AddConstraint' ? (command.def.Constraint as Node) : undefined;
  return others.length === 0 && constraint !== undefined && ['CONSTR_FOREIGN', 'CONSTR_CHECK'].includes(constraint.contype) && !constraint.skip_validation;
}

const lineOf = ({ script, statement }: StatementContext) => script.placeOf(statement.start).line;
const lastLineOf = ({ script, statement }: StatementContext) => script.placeOf(Math.max(statement.start, statement.end - 1)).line;

export const transactionRules: readonly Rule[] = [
  {
    id: 'locks-pile-up',
    title: 'Strong locks on several live tables held together',
    why: 'Prisma runs a file as one implicit transaction, and a lock is held to its end: from the first strong lock on, writers of that table wait for all the rest of the file, referenced tables included, and a program that takes the tables in another order meets it in a deadlock.',
    rewrite:
      'One migration file for each live table, with a lock_timeout; or `onechart migrate apply`, which takes each lock in a short transaction of its own.',
    severity: 'warning',
    avoidedByApply: true,
    *checkScript(all) {
      for (const transaction of transactions(all)) {
        const held = heldLocks(transaction);
        const first = held[0];
        // One statement that locks two tables (a foreign key) cannot be taken apart; two statements can.
        const second = held.find(({ since }) => since !== first?.since) ?? held.find(({ longBy }) => longBy !== undefined && longBy !== first?.since);
        if (!first || !second || held.length < 2) continue;
        const last = transaction.at(-1) as StatementContext;
        const list = held.map(({ table, mode, since }) => `${table} (${mode} from line ${lineOf(since)})`).join(', ');
        const long = held.find(({ longBy }) => longBy !== undefined);
        yield {
          context: second.since === first.since ? (second.longBy as StatementContext) : second.since,
          severity: long ? 'error' : 'warning',
          message: `Held together until line ${lastLineOf(last)}, the end of the transaction: ${list}. ${held.some(({ mode }) => blocksReads(mode)) ? 'Reads of those under ACCESS EXCLUSIVE and writes to all of them wait' : 'Writes to all of them wait'} for ${long ? `the work on ${long.table} too` : 'one another'}.`,
          stall: long ? { table: long.table, lock: long.mode, work: long.work } : { table: second.table, lock: second.mode, work: 'brief' },
          rewrite: oneFileEach(held, transaction),
        };
      }
    },
  },
  {
    id: 'lock-held-over-data-change',
    title: 'Rows are changed while a strong lock is held',
    why: 'The lock of an earlier statement is held until the transaction ends: everybody waits while the rows are written.',
    rewrite: 'Change data in batches, in transactions of their own, before or after the migration.',
    severity: 'error',
    *checkScript(all) {
      for (const transaction of transactions(all)) {
        const strong: { table: string; mode: LockMode; since: StatementContext }[] = [];
        for (const context of transaction) {
          const touched = changesManyRows(context);
          const first = strong[0];
          if (touched !== undefined && first && context.locks.length > 0) {
            yield {
              context,
              message: `${first.table} is locked (${first.mode}, line ${lineOf(first.since)}) while the rows of ${touched} are changed.`,
              stall: { table: touched, lock: first.mode, work: 'rewrite' },
            };
            break;
          }
          for (const { table, mode } of context.locks) if (blocksWrites(mode)) strong.push({ table, mode, since: context });
        }
      }
    },
  },
  {
    id: 'transaction-control',
    title: 'BEGIN or COMMIT in a migration',
    why: 'Under Prisma the file is one transaction already: BEGIN changes nothing, and COMMIT ends it, so that a later error leaves the first half applied while the history says failed.',
    rewrite: 'Leave them out, those that Prisma writes around a change of an enum too; put what must commit by itself in a file of its own.',
    severity: 'warning',
    squawk: ['transaction-nesting'],
    *checkScript(all, { runner }) {
      let open = false;
      for (const context of all) {
        if (begins(context)) {
          if (runner === 'prisma') yield { context, message: 'The transaction has begun with the file.' };
          else if (open) yield { context, message: 'A transaction is open already.' };
          open = true;
        } else if (ends(context)) {
          if (runner === 'prisma') yield { context, message: 'This ends the transaction of the whole file; what follows runs in another one.' };
          else if (!open) yield { context, message: 'No transaction is open here.' };
          open = false;
        }
      }
    },
  },
  {
    id: 'transaction-never-ends',
    title: 'BEGIN without COMMIT',
    why: 'When the connection ends everything since BEGIN is rolled back, although the tool has recorded the migration as applied.',
    rewrite: 'Leave BEGIN out, or end with COMMIT.',
    severity: 'error',
    squawk: ['ban-uncommitted-transaction'],
    *checkScript(all) {
      let open: StatementContext | undefined;
      for (const context of all) {
        if (begins(context)) open = context;
        else if (ends(context)) open = undefined;
      }
      if (open) yield { context: open, message: 'Nothing in this file ends the transaction that begins here.', rewrite: '-- at the end of the file:\nCOMMIT;' };
    },
  },
  {
    id: 'refused-in-transaction',
    title: 'Statement that PostgreSQL refuses inside a transaction',
    why: 'VACUUM, CREATE and DROP DATABASE, CREATE TABLESPACE, ALTER SYSTEM and some others must run alone (25001).',
    rewrite: 'A migration file that holds it alone, or outside of migrations.',
    severity: 'error',
    *check({ kind, node, transaction }): Iterable<Hit> {
      if (transaction === undefined) return;
      const alone = ['CreatedbStmt', 'DropdbStmt', 'CreateTableSpaceStmt', 'DropTableSpaceStmt', 'AlterSystemStmt'].includes(kind);
      if (
        alone ||
        (kind === 'VacuumStmt' && node.is_vacuumcmd) ||
        (kind === 'ReindexStmt' && /SCHEMA|SYSTEM|DATABASE/.test(node.kind)) ||
        (kind === 'ClusterStmt' && !node.relation)
      )
        yield { message: 'The file is one transaction, in which this cannot run.' };
    },
  },
  {
    id: 'enum-value-used-in-transaction',
    title: 'Enum value used in the transaction that adds it',
    why: 'PostgreSQL refuses it (55P04, unsafe use of new value) until the transaction that added the value has committed; Prisma then marks the migration as failed.',
    rewrite: 'ALTER TYPE … ADD VALUE in a migration of its own, its use in the next one.',
    severity: 'error',
    avoidedByApply: true,
    *checkScript(all, { isLive }) {
      for (const transaction of transactions(all)) {
        const added: { value: string; type: string; by: StatementContext }[] = [];
        for (const context of transaction) {
          const { kind, node } = context;
          if (kind === 'CommentStmt') continue;
          if (kind === 'AlterEnumStmt') {
            if (node.oldVal === undefined && isLive(listName(node.typeName))) added.push({ value: node.newVal, type: listName(node.typeName), by: context });
            continue;
          }
          if (added.length === 0) continue;
          const used = new Set(
            [...descendants(node)].flatMap((each) => (each.kind === 'sval' && typeof each.node.sval === 'string' ? [each.node.sval as string] : [])),
          );
          for (const { value, type, by } of added)
            if (used.has(value))
              yield {
                context,
                message: `'${value}' of ${type} is used here, but it is only added in line ${lineOf(by)} of the same transaction.`,
                rewrite: statements('-- in this file, alone:', by.statement.text, '-- in the next migration:', context.statement.text),
              };
        }
      }
    },
  },
  {
    id: 'not-repeatable',
    title: 'Statement that fails when the file is run again',
    why: 'Without a transaction around the file, what ran before an error stays; the second run then stops at the first object that is there.',
    rewrite:
      'Run the file in a transaction (psql --single-transaction), or compare with the catalogue as `onechart migrate apply` does. IF NOT EXISTS only asks for the name.',
    severity: 'note',
    squawk: ['prefer-robust-stmts'],
    *check(context, { runner }) {
      const { kind, node, transaction } = context;
      if (runner !== 'autocommit' || transaction !== undefined) return;
      const dropped = kind === 'DropStmt' && ['OBJECT_INDEX', 'OBJECT_TABLE', 'OBJECT_TYPE'].includes(node.removeType) && !node.missing_ok;
      const made = (kind === 'CreateStmt' && node.relation.relpersistence !== 't' && !node.if_not_exists) || (kind === 'IndexStmt' && !node.if_not_exists);
      const altered = alterCommands(kind, node).some(
        ({ subtype, missing_ok: skips }) => ['AT_AddColumn', 'AT_DropColumn', 'AT_DropConstraint', 'AT_AddConstraint'].includes(subtype) && !skips,
      );
      if (dropped || made || altered) yield { message: `A second run stops here${node.relation ? ` (${relationName(node.relation)})` : ''}.` };
    },
  },
];

/** The table whose rows a statement changes without naming them; undefined for all other statements. */
export function changesManyRows({ kind, node }: StatementContext): string | undefined {
  if (kind === 'UpdateStmt' || kind === 'DeleteStmt' || kind === 'MergeStmt') return relationName(node.relation);
  if (kind === 'InsertStmt' && node.selectStmt?.SelectStmt?.fromClause) return relationName(node.relation);
  return undefined;
}
