import type { ClientBase } from 'pg';

/**
 * Cuts a script into its statements as psql does: at semicolons outside of quotes, dollar quotes and comments.
 * Comments stay with the statement they stand before; what is comment only is dropped.
 */
export function splitStatements(sql: string): string[] {
  const token = /--[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^']|'')*'|"(?:[^"]|"")*"|\$([A-Za-z_]*)\$[\s\S]*?\$\1\$|;|[^-/'"$;]+|[\s\S]/g;
  const statements: string[] = [];
  let current = '';
  let substance = false;
  const flush = () => {
    if (substance) statements.push(current.trim());
    current = '';
    substance = false;
  };
  for (const [text] of sql.matchAll(token)) {
    if (text === ';') {
      flush();
      continue;
    }
    current += text;
    if (!text.startsWith('--') && !text.startsWith('/*') && text.trim() !== '') substance = true;
  }
  flush();
  return statements;
}

export interface ByHandOptions {
  /** Run statements 1 to this number only, as when a terminal is closed half-way. */
  readonly upTo?: number;
  /** Leave out these statements, counted from 1. */
  readonly skip?: readonly number[];
}

export interface ByHandResult {
  /** How many statements the script has. */
  readonly total: number;
  readonly applied: readonly number[];
  readonly failed: readonly { readonly statement: number; readonly code: string | undefined; readonly message: string }[];
}

/**
 * Runs a script as `psql < migration.sql` does: statement by statement without a transaction, going on after an error.
 * This is where half-applied migrations come from.
 */
export async function applyByHand(client: ClientBase, sql: string, options: ByHandOptions = {}): Promise<ByHandResult> {
  const statements = splitStatements(sql);
  const applied: number[] = [];
  const failed: { statement: number; code: string | undefined; message: string }[] = [];
  for (const [index, text] of statements.entries()) {
    const statement = index + 1;
    if (statement > (options.upTo ?? statements.length)) break;
    if (options.skip?.includes(statement)) continue;
    try {
      await client.query(text);
      applied.push(statement);
    } catch (error) {
      const { code, message } = error as Error & { code?: string };
      failed.push({ statement, code, message });
    }
  }
  return { total: statements.length, applied, failed };
}
