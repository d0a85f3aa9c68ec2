import { parse } from 'libpg-query';
import { AppError } from '../base/errors.ts';
import { effectsOf, type Node } from './classify.ts';
import { type Statement, shortHash } from './effect.ts';

export type { ColumnChange, DroppedObject, Effect, Statement } from './effect.ts';

/**
 * Parses a migration file with the server's own grammar.
 *
 * An ALTER TABLE of several parts that can each stand alone becomes one statement a part. What stands between BEGIN and COMMIT
 * stays together.
 *
 * @param home the schema that unqualified names mean
 *
 * Errors: `MIGRATION_SYNTAX_ERROR` when the file does not parse; `MIGRATION_STATEMENT_UNSUPPORTED` for statements that no
 * transaction takes (VACUUM, CREATE DATABASE).
 */
export async function parseMigration(name: string, sql: string, home = 'public'): Promise<Statement[]> {
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
  const raw = inTransactions(rawStatements(sql, tree.stmts ?? []));
  const statements: Statement[] = [];
  for (const [index, { nodes, withComments }] of raw.entries()) {
    const text = withoutLeadingComments(withComments);
    const doneWhen = /^--\s*onechart:done-when\s+(.+)$/m.exec(withComments)?.[1];
    for (const part of await effectsOf({ nodes, text, name: `script ${shortHash(text)}`, doneWhen, migration: name, home }))
      statements.push({ number: index + 1, ...part });
  }
  return statements;
}

interface RawStatement {
  /** More than one where BEGIN and COMMIT hold them together. */
  readonly nodes: readonly Node[];
  readonly withComments: string;
}

function rawStatements(sql: string, stmts: readonly Node[]): RawStatement[] {
  // libpg-query counts bytes, JavaScript counts UTF-16 units.
  const bytes = Buffer.from(sql);
  let end = 0;
  return stmts.map((each) => {
    // The parser leaves out what stands before a statement; its comments may carry a done-when question.
    const withComments = bytes.subarray(end, each.stmt_len ? (each.stmt_location ?? 0) + each.stmt_len : bytes.length).toString();
    end = each.stmt_len ? (each.stmt_location ?? 0) + each.stmt_len + 1 : bytes.length;
    return { nodes: [each.stmt as Node], withComments };
  });
}

/** A file's own BEGIN and COMMIT fall away: the engine makes the transaction. */
function inTransactions(statements: readonly RawStatement[]): RawStatement[] {
  const result: RawStatement[] = [];
  let open: RawStatement[] | undefined;
  for (const statement of statements) {
    const kind = statement.nodes[0]?.TransactionStmt?.kind as string | undefined;
    if (kind === 'TRANS_STMT_BEGIN' || kind === 'TRANS_STMT_START') open ??= [];
    else if (kind === 'TRANS_STMT_COMMIT') {
      if (open && open.length > 0) result.push(together(open));
      open = undefined;
    } else if (open) open.push(statement);
    else result.push(statement);
  }
  if (open && open.length > 0) result.push(together(open));
  return result;
}

function together(statements: readonly RawStatement[]): RawStatement {
  return { nodes: statements.flatMap(({ nodes }) => nodes), withComments: statements.map(({ withComments }) => withComments.trim()).join(';\n') };
}

function withoutLeadingComments(text: string): string {
  return text.replace(/^(\s*--[^\n]*\n)*\s*/, '').trim();
}
