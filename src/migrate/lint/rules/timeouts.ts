import { blocksWrites } from '../locks.ts';
import type { Hit, Rule, StatementContext } from '../rule.ts';
import { descendants } from '../syntax-node.ts';

/** Whether a statement sets a parameter to something other than off. */
function sets({ kind, node }: StatementContext, parameter: string): boolean {
  if (kind === 'VariableSetStmt' && node.name === parameter && node.kind === 'VAR_SET_VALUE') {
    const { ival, sval } = node.args?.[0]?.A_Const ?? {};
    return (ival?.ival ?? Number.parseFloat(sval?.sval ?? '0')) !== 0;
  }
  if (kind !== 'SelectStmt') return false;
  return [...descendants(node)].some(
    (each) => each.kind === 'FuncCall' && each.node.funcname?.at(-1)?.String?.sval === 'set_config' && each.node.args?.[0]?.A_Const?.sval?.sval === parameter,
  );
}

/** The first statement that takes a lock writers wait for before the parameter is set. */
function* firstWithout(
  all: readonly StatementContext[],
  parameter: string,
  message: (context: StatementContext) => string,
): Generator<Hit & { context: StatementContext }> {
  for (const context of all) {
    if (sets(context, parameter)) return;
    const lock = context.locks.find(({ mode }) => blocksWrites(mode));
    if (!lock) continue;
    yield {
      context,
      message: message(context),
      stall: { table: lock.table, lock: lock.mode, work: 'brief' },
      rewrite: `SET LOCAL ${parameter} = '${parameter === 'lock_timeout' ? '1s' : '60s'}';`,
    };
    return;
  }
}

export const timeoutRules: readonly Rule[] = [
  {
    id: 'lock-timeout-missing',
    title: 'Strong lock on a live table without lock_timeout',
    why: 'A statement that waits for its lock makes everybody queue behind it, plain SELECTs included: one report that runs for minutes, or one session idle in a transaction, then stops the whole table.',
    rewrite: "SET lock_timeout = '1s' before the first such statement, and run the migration again when it gives up.",
    severity: 'warning',
    avoidedByApply: true,
    squawk: ['require-lock-timeout', 'require-timeout-settings'],
    checkScript: (all) =>
      firstWithout(all, 'lock_timeout', ({ locks }) => {
        const { table, mode } = locks.find((each) => blocksWrites(each.mode)) as (typeof locks)[number];
        return `${mode} on ${table} is waited for without a limit.`;
      }),
  },
  {
    id: 'statement-timeout-missing',
    title: 'Strong lock on a live table without statement_timeout',
    why: 'A statement that takes longer than expected keeps its lock for so long.',
    rewrite: 'SET statement_timeout to the longest stall you accept.',
    severity: 'note',
    squawk: ['require-statement-timeout', 'require-timeout-settings'],
    checkScript: (all) => firstWithout(all, 'statement_timeout', () => 'How long it may hold its lock has no limit.'),
  },
];
