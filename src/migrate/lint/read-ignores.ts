import type { Script } from './script.ts';

/** `-- onechart:ignore <rule> <reason>` (for the next statement) or `-- onechart:ignore-file <rule> <reason>`. */
export interface Ignore {
  readonly rule: string;
  readonly reason: string;
  readonly wholeFile: boolean;
  /** Number of the statement it is for. */
  readonly statement: number | undefined;
  /** Where the comment stands, in characters. */
  readonly offset: number;
}

/** Reads the ignore comments of a file. A comment inside a statement is for that one, any other for the next. */
export function readIgnores(script: Script): Ignore[] {
  return script.tokens.flatMap((token) => {
    const found = token.kind === 'comment' ? /onechart:ignore(-file)?(?:[ \t]+(\S+))?(?:[ \t]+([^\n]*?))?[ \t]*(?:\*\/)?\s*$/.exec(token.text) : null;
    if (!found) return [];
    const [, file, rule = '', reason = ''] = found;
    const statement = script.statements.find(({ end }) => end > token.start)?.number;
    return [{ rule, reason: reason.replace(/^[-:,]\s*/, '').trim(), wholeFile: file !== undefined, statement, offset: token.start }];
  });
}
