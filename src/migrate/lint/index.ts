import type { DatabaseAddress } from '../../base/config.ts';
import { readLintFolder } from './folder.ts';
import { type LintOptions, type LintReport, lintScripts } from './lint.ts';
import { readLiveFacts } from './live.ts';
import { loadParser, readScript } from './script.ts';

export { type IgnoredFinding, type LintFinding, lintMigrations, type LintOptions, type LintReport } from './lint.ts';
export { lintPending } from './live.ts';
export type { Severity } from './rule.ts';
export { lintRules, ruleFamilies } from './rules/index.ts';
export type { LintFile } from './script.ts';
export { errorFromMilliseconds, warningFromMilliseconds } from './weigh.ts';

export interface LintPathOptions extends Omit<LintOptions, 'only' | 'traffic' | 'known'> {
  /** The database whose table sizes weigh the findings; without it nothing connects anywhere. */
  readonly address?: DatabaseAddress;
  /** With a database: report on applied migrations too, not only on pending ones. */
  readonly all?: boolean;
}

/**
 * Lints a Prisma folder, a folder of migrations, one migration or one `.sql` file.
 *
 * Errors: `LINT_PATH_MISSING`, `LINT_FILES_MISSING` (not-found), `LINT_RULE_UNKNOWN` (invalid), and those of a
 * connection when an address is given.
 *
 * @example
 * const { findings } = await lintPath('prisma');
 * const unsafe = findings.some(({ severity }) => severity === 'error');
 */
export async function lintPath(path: string, { address, all = false, ...options }: LintPathOptions = {}): Promise<LintReport> {
  const { files, only } = readLintFolder(path);
  await loadParser();
  const scripts = files.map(readScript);
  if (!address) return lintScripts(scripts, { ...options, only });
  const { traffic, applied, known } = await readLiveFacts(address, scripts);
  const wanted = all ? only : new Set([...only].filter((name) => !applied.has(name)));
  return lintScripts(scripts, { ...options, only: wanted, traffic, known });
}
