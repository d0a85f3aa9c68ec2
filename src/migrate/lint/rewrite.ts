import { quote } from '../sql.ts';
import type { StatementContext } from './rule.ts';
import { tokensBetween } from './script.ts';

/** Helpers that put together the safe SQL of a finding. */

/** A name of the world of known things (`table` or `schema.table`) as SQL. */
export function quoted(name: string): string {
  return name
    .split('.')
    .map((part) => quote(part))
    .join('.');
}

/** A list of statements as one text, each with its semicolon; a string that begins with `--` stays a remark. */
export function statements(...parts: readonly string[]): string {
  return parts.map((part) => (part.startsWith('--') ? part : `${part.replace(/;\s*$/, '')};`)).join('\n');
}

export const nextMigration = '-- in a migration of its own, after that one:';
export const alone = '-- alone in a migration file (see concurrently-hangs):';

/** `CREATE INDEX …` with CONCURRENTLY and without IF NOT EXISTS. */
export function concurrently(text: string): string {
  return text.replace(/^(create\s+(?:unique\s+)?index)\s+(?:concurrently\s+)?(?:if\s+not\s+exists\s+)?/i, '$1 CONCURRENTLY ');
}

/**
 * The text of each command of an ALTER TABLE, with the part before them; undefined when the text is not as expected.
 * The parser gives positions for few of them, so they are cut at the commas outside of brackets.
 */
export function alterParts({ script, statement, node }: StatementContext): { head: string; commands: readonly string[] } | undefined {
  const name = String.raw`(?:"(?:[^"]|"")+"|[\w$]+)`;
  const head = new RegExp(String.raw`^alter\s+table\s+(?:if\s+exists\s+)?(?:only\s+)?${name}(?:\.${name})?\s*\*?\s+`, 'i').exec(statement.text)?.[0];
  if (head === undefined) return undefined;
  const commands: string[] = [];
  let depth = 0;
  let from = statement.start + head.length;
  for (const token of tokensBetween(script.tokens, from, statement.end)) {
    if (token.kind === 'comment') continue;
    if (token.text === '(' || token.text === '[') depth++;
    if (token.text === ')' || token.text === ']') depth--;
    if (token.text === ',' && depth === 0) {
      commands.push(script.sql.slice(from, token.start).trim());
      from = token.end;
    }
  }
  commands.push(script.sql.slice(from, statement.end).trim());
  return commands.length === (node.cmds as unknown[]).length ? { head: head.trimEnd(), commands } : undefined;
}

/** The statement with its n-th command alone, changed; other commands are left to statements of their own. */
export function alterCommand(context: StatementContext, index: number, change: (command: string) => string = (command) => command): string | undefined {
  const parts = alterParts(context);
  return parts && `${parts.head} ${change(parts.commands[index] as string)}`;
}
