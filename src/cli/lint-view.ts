import { relative } from 'node:path';
import type { LintFinding, LintReport, lintRules, Severity } from '../migrate/index.ts';

/** How the linter's results read. Pure: values in, text out. */

/** Adds colour; the terminal decides whether it does. */
export interface Colours {
  readonly red: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly cyan: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly bold: (text: string) => string;
}

interface ViewOptions {
  readonly colours: Colours;
  /** Paths are shown from here. */
  readonly cwd: string;
  /** Show every note; else they are only counted. */
  readonly notes: boolean;
}

const severities: readonly Severity[] = ['error', 'warning', 'note'];

/** The findings for people: where, what, why (once for each rule), what to write instead. */
export function renderLint({ findings, ignored, files, statements }: LintReport, { colours, cwd, notes }: ViewOptions): string {
  const explained = new Set<string>();
  const mark = { error: colours.red('error'), warning: colours.yellow('warning'), note: colours.cyan('note') };
  const lines: string[] = [];
  for (const finding of findings) {
    if (finding.severity === 'note' && !notes) continue;
    lines.push(
      `${colours.bold(`${relative(cwd, finding.file) || finding.file}:${finding.line}:${finding.column}`)}  ${mark[finding.severity]}  ${finding.rule}`,
    );
    lines.push(`  ${finding.message}`);
    if (!explained.has(finding.rule)) lines.push(`  ${colours.dim(finding.why)}`);
    explained.add(finding.rule);
    lines.push(finding.rewriteIsSql ? `  Instead:\n${indented(finding.rewrite)}` : `  Instead: ${finding.rewrite}`, '');
  }
  const hidden = notes ? [] : findings.filter(({ severity }) => severity === 'note');
  if (hidden.length > 0) lines.push(`${count(hidden.length, 'note')}, shown with --notes: ${countByRule(hidden)}.`);
  if (ignored.length > 0) lines.push(`${ignored.length} ignored by comments: ${countByRule(ignored)}.`);
  const counts = severities.map((severity) => ({ severity, number: findings.filter((each) => each.severity === severity).length }));
  lines.push(
    findings.length === 0
      ? `Nothing found in ${count(files, 'file')} with ${count(statements, 'statement')}.`
      : `${counts.flatMap(({ severity, number }) => (number === 0 ? [] : [count(number, severity)])).join(', ')} in ${count(files, 'file')} with ${count(statements, 'statement')}.`,
  );
  const avoided = findings.filter(({ avoidedByApply, severity }) => avoidedByApply && severity !== 'note').length;
  if (avoided > 0) lines.push(`${avoided} of them do not arise with onechart migrate apply, which takes these statements another way.`);
  return lines.join('\n');
}

/** Beside a plan: how much of what lint finds the engine's way avoids, and what stays for a person to decide. Empty when there is nothing. */
export function renderPlanLint({ findings }: LintReport): string {
  const grave = findings.filter(({ severity }) => severity !== 'note');
  const stays = grave.filter(({ avoidedByApply }) => !avoidedByApply);
  const avoided = grave.length - stays.length;
  return [
    ...(avoided === 0
      ? []
      : [
          `Lint: ${count(avoided, 'danger')} of these files, run as they are, ${avoided === 1 ? 'does' : 'do'} not arise in these steps (onechart migrate lint shows them).`,
        ]),
    ...stays.map(({ severity, migration, line, rule, message }) => `Lint ${severity}: ${migration}:${line} ${rule}: ${message}`),
  ].join('\n');
}

/** Findings as annotations of GitHub Actions. */
export function renderGithub({ findings }: LintReport, cwd: string): string {
  const command = { error: 'error', warning: 'warning', note: 'notice' };
  const property = (text: string) => data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
  return findings
    .map(
      ({ severity, file, line, column, rule, message, why, rewrite }) =>
        `::${command[severity]} file=${property(relative(cwd, file) || file)},line=${line},col=${column},title=${property(`onechart ${rule}`)}::${data(`${message}\n${why}\nInstead: ${rewrite}`)}`,
    )
    .join('\n');
}

/** The list of rules for people. */
export function renderRules(rules: typeof lintRules): string {
  const width = Math.max(...rules.map(({ id }) => id.length));
  return rules
    .map(({ id, severity, title, optIn }) => `${id.padEnd(width)}  ${severity.padEnd(7)}  ${title}${optIn ? ' (only with --include)' : ''}`)
    .join('\n');
}

/** Whether findings of this severity or a worse one are among them. */
export function reaches(findings: readonly Pick<LintFinding, 'severity'>[], failOn: Severity): boolean {
  return findings.some(({ severity }) => severities.indexOf(severity) <= severities.indexOf(failOn));
}

function countByRule(findings: readonly { rule: string }[]): string {
  const counts = new Map<string, number>();
  for (const { rule } of findings) counts.set(rule, (counts.get(rule) ?? 0) + 1);
  return [...counts].map(([rule, number]) => `${rule} ${number}`).join(', ');
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`;
}

function indented(text: string): string {
  return text
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n');
}

function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}
