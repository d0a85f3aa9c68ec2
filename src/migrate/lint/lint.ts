import { AppError } from '../../base/errors.ts';
import type { TableTraffic } from '../traffic.ts';
import { copyOfKnown, type Known, learn, nothingKnown } from './known.ts';
import { locksOf } from './locks.ts';
import type { Hit, Rule, Runner, Severity, StatementContext, Surroundings } from './rule.ts';
import { type Ignore, readIgnores } from './read-ignores.ts';
import { lintRules } from './rules/index.ts';
import { type LintFile, loadParser, readScript, type Script, type ScriptStatement } from './script.ts';
import { describeWeight, type Weight, weigh, weighedSeverity } from './weigh.ts';

/** Something a rule found in a migration. */
export interface LintFinding {
  /** Id of the rule; `lintRules` and docs/lint-rules.md have all of them. */
  readonly rule: string;
  readonly severity: Severity;
  readonly file: string;
  readonly migration: string;
  /** From 1, in UTF-16 units. */
  readonly line: number;
  readonly column: number;
  /** The statement; the text between quotes is left out where it may be somebody's data. */
  readonly statement: string;
  readonly message: string;
  readonly why: string;
  /** SQL for this very statement where that is possible, else the advice of the rule. */
  readonly rewrite: string;
  /** Whether `rewrite` is SQL that can be pasted. */
  readonly rewriteIsSql: boolean;
  /** What it means on the live table, when a database was asked. */
  readonly weight?: Weight;
  /** `onechart migrate apply` takes the statement another way, so that this does not happen there. */
  readonly avoidedByApply: boolean;
}

/** A finding that a comment in the file waives, with the reason given there. */
export interface IgnoredFinding extends LintFinding {
  readonly reason: string;
}

export interface LintReport {
  /** By file and line. */
  readonly findings: readonly LintFinding[];
  readonly ignored: readonly IgnoredFinding[];
  /** How many files were looked at (those only read for what they make not counted). */
  readonly files: number;
  readonly statements: number;
}

export interface LintOptions {
  /** Who runs the files: `prisma` (each whole, in one implicit transaction; the default) or `autocommit`, as psql -f does. */
  readonly runner?: Runner;
  /** Names of the migrations to report on; the others are only read for what they make. All by default. */
  readonly only?: ReadonlySet<string>;
  /** Size and traffic of the live tables, by name; without it every live table counts as big. */
  readonly traffic?: ReadonlyMap<string, TableTraffic>;
  /** What is known of tables that the files do not make. */
  readonly known?: Known;
  /** Ids of opt-in rules to look for as well. */
  readonly include?: readonly string[];
  /** Ids of rules not to look for. */
  readonly exclude?: readonly string[];
}

/**
 * Looks for what is dangerous in migrations, with the server's own grammar and without a database.
 *
 * The files are taken in the order given: a table that an earlier one makes is live in the later ones, a table that a
 * file makes itself is not. A syntax error is a finding (`syntax-error`), never a throw.
 *
 * Errors: `LINT_RULE_UNKNOWN` (invalid) for an id in `include` or `exclude` that no rule has.
 *
 * @example
 * const { findings } = await lintMigrations([
 *   { file: 'prisma/migrations/2_index/migration.sql', name: '2_index', sql: 'CREATE INDEX cases_day ON cases (day);' },
 * ]);
 * for (const { file, line, rule, message, rewrite } of findings) console.log(`${file}:${line} ${rule}: ${message}\n${rewrite}`);
 */
export async function lintMigrations(files: readonly LintFile[], options: LintOptions = {}): Promise<LintReport> {
  await loadParser();
  return lintScripts(files.map(readScript), options);
}

/** The same for files that were read already. Pure. */
export function lintScripts(scripts: readonly Script[], options: LintOptions = {}): LintReport {
  const rules = chosenRules(options);
  const { final, complete } = readAhead(scripts, options.known);
  const known = copyOfKnown(options.known ?? nothingKnown());
  const reports = scripts.map((script, index) => {
    const wanted = options.only === undefined || options.only.has(script.name);
    if (wanted) return lintScript(script, { index, known, final, complete, rules, options });
    for (const { kind, node } of script.statements) learn(known, kind, node, index);
    return undefined;
  });
  const made = reports.filter((report) => report !== undefined);
  return {
    findings: made.flatMap(({ findings }) => findings),
    ignored: made.flatMap(({ ignored }) => ignored),
    files: made.length,
    statements: made.reduce((sum, { statements }) => sum + statements, 0),
  };
}

/** The schema as all files leave it, and whether they make every table they touch: then no other table exists. */
function readAhead(scripts: readonly Script[], before = nothingKnown()): { final: Known; complete: boolean } {
  const final = copyOfKnown(before);
  let complete = scripts.length > 1;
  for (const [index, script] of scripts.entries())
    for (const { kind, node } of script.statements) {
      const mayBeMissing = node.missing_ok === true;
      complete &&= mayBeMissing || locksOf(kind, node, { known: final }).every(({ table }) => final.tables.get(table)?.madeBy !== undefined);
      learn(final, kind, node, index);
    }
  return { final, complete };
}

interface Place {
  readonly index: number;
  readonly known: Known;
  readonly final: Known;
  readonly complete: boolean;
  readonly rules: readonly Rule[];
  readonly options: LintOptions;
}

function lintScript(script: Script, { index, known, final, complete, rules, options }: Place): LintReport {
  const runner = options.runner ?? 'prisma';
  const found: { finding: LintFinding; statement: number | undefined }[] = [];
  const report = (rule: Rule, hit: Hit, context: StatementContext) =>
    void found.push({ finding: findingOf(rule, hit, { context, traffic: options.traffic }), statement: context.statement.number });
  const isLive = (name: string) => {
    const made = known.tables.get(name) ?? known.enums.get(name) ?? known.domains.get(name);
    return made === undefined ? !complete : made.madeBy !== index && !('kind' in made && made.kind === 'temporary');
  };
  const contexts: StatementContext[] = [];
  const around: Surroundings = { runner, before: known, final, complete, isLive, earlier: contexts };
  const transactionOf = transactionCounter(script, runner);
  for (const statement of script.statements) {
    const { kind, node } = statement;
    const locks = locksOf(kind, node, { known, isNew: (table) => !isLive(table) }).filter(({ table }) => isLive(table));
    const context: StatementContext = { script, statement, kind, node, transaction: transactionOf(statement), locks };
    for (const rule of rules) for (const hit of rule.check?.(context, around) ?? []) report(rule, hit, context);
    contexts.push(context);
    learn(known, kind, node, index);
  }
  for (const rule of rules) for (const { context, ...hit } of rule.checkScript?.(contexts, around) ?? []) report(rule, hit, context);
  const inFile = (id: string, { offset, message }: { offset: number; message: string }) => {
    const rule = rules.find((each) => each.id === id);
    if (rule) found.push({ finding: fileFinding(rule, script, { offset, message }), statement: undefined });
  };
  for (const error of script.syntaxErrors) inFile('syntax-error', error);
  const { findings, ignored } = withIgnores(script, found, inFile);
  findings.sort((left, right) => left.line - right.line || left.column - right.column);
  return { findings, ignored, files: 1, statements: script.statements.length };
}

/** Which transaction each statement runs in; undefined for one that commits by itself. */
function transactionCounter({ statements }: Script, runner: Runner): (statement: ScriptStatement) => number | undefined {
  // Several statements in one simple query are one transaction; one statement alone is not in a block.
  let open = runner === 'prisma' && statements.length > 1;
  const implicit = open;
  let number = 0;
  return ({ kind, node }) => {
    if (kind === 'TransactionStmt' && /BEGIN|START/.test(node.kind)) open = true;
    const current = open ? number : undefined;
    if (kind === 'TransactionStmt' && /_(COMMIT|ROLLBACK|PREPARE)$/.test(node.kind)) {
      open = implicit;
      number++;
    }
    return current;
  };
}

function chosenRules({ include = [], exclude = [] }: LintOptions): Rule[] {
  for (const id of [...include, ...exclude])
    if (!lintRules.some((rule) => rule.id === id))
      throw new AppError('invalid', 'LINT_RULE_UNKNOWN', `There is no lint rule ${id}. onechart migrate lint --rules lists them.`, { rule: id });
  return lintRules.filter(({ id, optIn }) => !exclude.includes(id) && (!optIn || include.includes(id)));
}

function findingOf(rule: Rule, hit: Hit, { context, traffic }: { context: StatementContext; traffic: LintOptions['traffic'] }): LintFinding {
  const { script, statement } = context;
  const general = hit.severity ?? rule.severity;
  const weight = traffic && weigh(hit, traffic);
  const at = hit.location === undefined || hit.location < 0 ? statement.start : script.characterOf(statement.byteBase + hit.location);
  return {
    rule: rule.id,
    severity: traffic ? weighedSeverity(hit, general, { weight, traffic }) : general,
    file: script.file,
    migration: script.name,
    ...script.placeOf(at),
    statement: shown(statement),
    message: weight ? `${hit.message} ${describeWeight(weight)}` : hit.message,
    why: rule.why,
    rewrite: hit.rewrite ?? rule.rewrite,
    rewriteIsSql: hit.rewrite !== undefined,
    ...(weight ? { weight } : {}),
    avoidedByApply: rule.avoidedByApply === true,
  };
}

function fileFinding(rule: Rule, script: Script, { offset, message }: { offset: number; message: string }): LintFinding {
  const place = script.placeOf(offset);
  const { why, rewrite, severity } = rule;
  const line = script.sql.split('\n', place.line).at(-1)?.trim() ?? '';
  return {
    rule: rule.id,
    severity,
    file: script.file,
    migration: script.name,
    ...place,
    statement: withoutData(line),
    message,
    why,
    rewrite,
    rewriteIsSql: false,
    avoidedByApply: false,
  };
}

const longestShown = 400;

/** A statement as it is shown: without the values that a change of data carries, and not endlessly long. */
function shown({ kind, text }: ScriptStatement): string {
  const plain = /^(Insert|Update|Delete|Merge|Select|Copy|Do)Stmt$/.test(kind) ? withoutData(text) : text;
  return plain.length > longestShown ? `${plain.slice(0, longestShown)} …` : plain;
}

function withoutData(text: string): string {
  return text.replace(/'(?:[^']|'')*'?/g, "'…'").replace(/\$(\w*)\$[\s\S]*?(?:\$\1\$|$)/g, '$$$$…$$$$');
}

function withIgnores(
  script: Script,
  found: readonly { finding: LintFinding; statement: number | undefined }[],
  inFile: (id: string, at: { offset: number; message: string }) => void,
): { findings: LintFinding[]; ignored: IgnoredFinding[] } {
  const used = new Set<Ignore>();
  const valid: Ignore[] = [];
  for (const ignore of readIgnores(script)) {
    if (!lintRules.some(({ id }) => id === ignore.rule))
      inFile('ignore-unknown-rule', { offset: ignore.offset, message: ignore.rule === '' ? 'The comment names no rule.' : `There is no rule ${ignore.rule}.` });
    else if (ignore.reason === '') inFile('ignore-without-reason', { offset: ignore.offset, message: `Why ${ignore.rule} does not matter here is not said.` });
    else valid.push(ignore);
  }
  const findings: LintFinding[] = [];
  const ignored: IgnoredFinding[] = [];
  const sort = (entries: typeof found) => {
    for (const { finding, statement } of entries) {
      const ignore = valid.find((each) => each.rule === finding.rule && (each.wholeFile || (statement !== undefined && each.statement === statement)));
      if (ignore) used.add(ignore);
      if (ignore) ignored.push({ ...finding, reason: ignore.reason });
      else findings.push(finding);
    }
  };
  sort([...found]);
  const before = found.length;
  for (const ignore of valid) if (!used.has(ignore)) inFile('ignore-unused', { offset: ignore.offset, message: `${ignore.rule} finds nothing here.` });
  sort(found.slice(before));
  return { findings, ignored };
}
