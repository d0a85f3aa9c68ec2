import { createHash } from 'node:crypto';
import { parse } from 'libpg-query';
import { AppError } from '../base/errors.ts';

/**
 * One statement of a migration file, classified by what it makes.
 *
 * `effect` is an object the catalogue can be asked about; `opaque` statements (functions, data, roles) cannot be
 * compared, so they run once and are journalled.
 */
export interface Statement {
  /** Position in the file, from 1. */
  readonly number: number;
  readonly text: string;
  readonly effect: Effect;
}

export type Effect =
  | { readonly kind: 'enum'; readonly name: string }
  | { readonly kind: 'table'; readonly name: string }
  | { readonly kind: 'index'; readonly name: string; readonly table: string; readonly concurrently: boolean }
  | { readonly kind: 'foreign-key'; readonly name: string; readonly table: string; readonly columns: readonly string[]; readonly references: string }
  | { readonly kind: 'check'; readonly name: string; readonly table: string }
  | { readonly kind: 'comment'; readonly name: string; readonly on: 'table' | 'column' | 'index' | 'type'; readonly target: string }
  | { readonly kind: 'opaque'; readonly name: string; readonly doneWhen?: string };

// The parser's tree as it comes, JSON of the server's own nodes; every access below names the node it expects.
// oxlint-disable-next-line typescript/no-explicit-any
type Node = Record<string, any>;

/**
 * Parses a migration file with the server's own grammar.
 *
 * Errors: `MIGRATION_SYNTAX_ERROR` when the file does not parse; `MIGRATION_STATEMENT_UNSUPPORTED` for statements that
 * this version does not take online (anything that drops, rewrites or alters what is there).
 */
export async function parseMigration(name: string, sql: string): Promise<Statement[]> {
  let tree: { stmts?: Node[] };
  try {
    tree = (await parse(sql)) as { stmts?: Node[] };
  } catch (cause) {
    throw new AppError(
      'invalid',
      'MIGRATION_SYNTAX_ERROR',
      `Migration ${name} is not valid SQL: ${(cause as Error).message}. Correct migration.sql.`,
      { migration: name },
      { cause },
    );
  }
  // libpg-query counts bytes, JavaScript counts UTF-16 units.
  const bytes = Buffer.from(sql);
  let end = 0;
  return (tree.stmts ?? []).map((each, index) => {
    // The parser leaves out what stands before a statement; its comments may carry a done-when question.
    const withComments = bytes.subarray(end, each.stmt_len ? (each.stmt_location ?? 0) + each.stmt_len : bytes.length).toString();
    end = each.stmt_len ? (each.stmt_location ?? 0) + each.stmt_len + 1 : bytes.length;
    return { number: index + 1, text: withoutLeadingComments(withComments), effect: effectOf(each.stmt as Node, withComments, name) };
  });
}

function effectOf(node: Node, withComments: string, migration: string): Effect {
  if (node.CreateEnumStmt) return { kind: 'enum', name: last(node.CreateEnumStmt.typeName) };
  if (node.CreateStmt) return { kind: 'table', name: plainRelation(node.CreateStmt.relation, migration) };
  if (node.IndexStmt) {
    const { idxname, relation, concurrent } = node.IndexStmt;
    if (!idxname) throw unsupported(migration, 'an index without a name');
    return { kind: 'index', name: idxname, table: plainRelation(relation, migration), concurrently: concurrent === true };
  }
  if (node.AlterTableStmt) return alterEffect(node.AlterTableStmt, migration);
  if (node.CommentStmt) return commentEffect(node.CommentStmt, migration);
  if (node.DoStmt || node.CreateFunctionStmt || node.GrantStmt || node.CreateExtensionStmt || node.CreateRoleStmt) {
    const doneWhen = /^--\s*onechart:done-when\s+(.+)$/m.exec(withComments)?.[1];
    return { kind: 'opaque', name: `script ${shortHash(withoutLeadingComments(withComments))}`, ...(doneWhen === undefined ? {} : { doneWhen }) };
  }
  throw unsupported(migration, Object.keys(node)[0] ?? 'an unknown statement');
}

function alterEffect(alter: Node, migration: string): Effect {
  const table = plainRelation(alter.relation, migration);
  const commands = alter.cmds as Node[];
  const command = commands[0]?.AlterTableCmd as Node | undefined;
  const constraint = command?.subtype === 'AT_AddConstraint' ? (command.def.Constraint as Node) : undefined;
  if (commands.length !== 1 || !constraint?.conname) throw unsupported(migration, `ALTER TABLE "${table}" other than one named ADD CONSTRAINT`);
  if (constraint.contype === 'CONSTR_FOREIGN')
    return {
      kind: 'foreign-key',
      name: constraint.conname,
      table,
      columns: (constraint.fk_attrs as Node[]).map((each) => each.String.sval),
      references: plainRelation(constraint.pktable, migration),
    };
  if (constraint.contype === 'CONSTR_CHECK') return { kind: 'check', name: constraint.conname, table };
  throw unsupported(migration, `constraint ${constraint.conname} (only foreign keys and checks)`);
}

function commentEffect(comment: Node, migration: string): Effect {
  const names: string[] = comment.object.List
    ? comment.object.List.items.map((item: Node) => item.String.sval)
    : comment.object.TypeName
      ? [last(comment.object.TypeName.names)]
      : [comment.object.String?.sval];
  const on = { OBJECT_TABLE: 'table', OBJECT_COLUMN: 'column', OBJECT_INDEX: 'index', OBJECT_TYPE: 'type' }[comment.objtype as string] as
    | 'table'
    | 'column'
    | 'index'
    | 'type'
    | undefined;
  if (!on) throw unsupported(migration, `COMMENT ON ${comment.objtype}`);
  return { kind: 'comment', name: names.join('.'), on, target: names[0] as string };
}

function plainRelation(relation: Node, migration: string): string {
  if (relation.schemaname)
    throw unsupported(migration, `the schema name in "${relation.schemaname}"."${relation.relname}" (the schema comes from the database address)`);
  return relation.relname;
}

function last(names: Node[]): string {
  return names.at(-1)?.String.sval;
}

function unsupported(migration: string, what: string): AppError {
  return new AppError(
    'unsupported',
    'MIGRATION_STATEMENT_UNSUPPORTED',
    `Migration ${migration} contains ${what}, which this version does not apply online. It takes CREATE TYPE, CREATE TABLE, CREATE INDEX, ADD CONSTRAINT, COMMENT and idempotent scripts.`,
    { migration },
  );
}

function withoutLeadingComments(text: string): string {
  return text.replace(/^(\s*--[^\n]*\n)*\s*/, '').trim();
}

/** Eight hexadecimal digits that tell one text from another in names and journal keys. */
export function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}
